// Package workflow is the workflow block: a state machine as an object of a stack,
// whose input comes from other objects and whose output they can use.
//
//	workflow "fulfil" {
//	  source = "fulfil.asl.json"
//	  input  = { catalogue = local_file.catalogue.filename, port = var.port }
//	  mapping = {
//	    "arn:aws:lambda:eu-west-1:123456789012:function:pack" = { command = ["bin/shop", "pack"] }
//	  }
//	  schedule {
//	    expression = "cron(0 10 ? * MON-FRI *)"
//	    timezone   = "Europe/Paris"
//	  }
//	}
//
// In: a block of a .tutti.hcl file. Out: an object with a driver, which plans when it
// runs and gives the execution that is to be started; the run of the plan has it as a
// child. It owns the block, what of it is stored, and what an execution is begun
// with. It must not know runs, stores, or how an execution is carried out.
//
// # Arguments
//
// What runs, one of:
//   - source: a file with the definition, relative to the stack's folder.
//   - definition: the same as text (a heredoc, jsonencode, file) or as an object.
//
// With what:
//   - definition_substitutions: texts that stand for ${name} in the definition.
//   - input: any value; {} when there is none.
//   - role: the ARN that $$.Execution.RoleArn shows.
//   - mapping: what stands for Lambda functions and other resources: an object by ARN,
//     function name or Resource, of { command, environment, working_dir, timeout } or
//     { url, headers, timeout }.
//   - limits { payload, events, strict_aws }: how large, in bytes, a state's input or
//     output may be, and how many events the history may have; strict_aws = true takes
//     the service's own (262,144 and 25,000).
//   - timeout: how long an execution may take, such as "90m"; it then ends as TIMED_OUT.
//     TimeoutSeconds of the definition counts too, the shorter of both first.
//
// When:
//   - run = "on_change" (default): when it never ran, its last run failed, or its
//     definition, input, role or triggers changed. What is not known at plan time
//     counts as changed. "always": in every apply. "manual": only when
//     -replace=workflow.NAME, `tutti run NAME` or the schedule asks for it.
//   - triggers: any value; when it changes the workflow runs again.
//   - schedule { expression, timezone = "UTC", start, end, enabled = true }: when
//     `tutti serve` starts it, besides; see package schedule.
//   - on_destroy { source | definition, definition_substitutions, input }: runs when the
//     workflow is destroyed or its block is gone, as it was evaluated last.
//   - sensitive: whether the output is; by default it is when the input holds
//     something sensitive.
//
// And as everywhere: count, for_each, depends_on, lifecycle.
//
// # Outputs
//
// output (the execution's, decoded), status (SUCCEEDED, FAILED, TIMED_OUT, ABORTED),
// execution (its ARN), definition_hash (SHA-256 of the definition).
//
// Files: workflow.go the block, spec.go its checked values, text.go definitions,
// driver.go planning and carrying out, row.go what is stored.
package workflow

import (
	"context"

	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/block"
	"tutti/internal/diag"
	"tutti/internal/expr"
	"tutti/internal/object"
)

// Kinds are the blocks of this language.
func Kinds() []block.Kind {
	return []block.Kind{{Kind: addr.Workflow, Spec: workflowSpec(), Check: check}}
}

// Read gives the text of a file, by its path.
type Read func(path string) ([]byte, error)

// Object gives the object of a workflow block. The environment is the root module's.
func Object(b *block.Block, env *expr.Env, read Read) object.Object {
	return &workflow{Item: block.Item{Block: b, Env: env}, read: read}
}

type workflow struct {
	block.Item
	read Read
}

var (
	_ object.Driven  = (*workflow)(nil)
	_ object.Checked = (*workflow)(nil)
)

// Wanted implements object.Object: the arguments, checked.
func (w *workflow) Wanted(ctx context.Context, s object.Scope, inst object.Instance) (cty.Value, diag.List) {
	v, d := w.Decode(ctx, s, inst)
	if d.HasErrors() {
		return cty.NilVal, d
	}
	_, problems := readSpec(v)
	if d = append(d, w.Report(problems)...); d.HasErrors() {
		return cty.NilVal, d
	}
	return v, d
}

// Driver implements object.Driven.
func (w *workflow) Driver(context.Context, object.Scope, object.Instance) (object.Driver, diag.List) {
	return &driver{root: block.RootOf(w.Env), read: w.read, block: w.Block}, nil
}

// check finds what is wrong whatever the values are.
func check(b *block.Block) diag.List {
	var d diag.List
	if b.Body.Attributes["source"] == nil && b.Body.Attributes["definition"] == nil {
		rng := b.Range
		d = append(d, diag.Errorf(&rng, "Nothing to run", "%s must have a definition: source = \"FILE.asl.json\", or definition = {...}.", b.Name)...)
	}
	for _, inner := range b.Body.Blocks {
		if inner.Type == "on_destroy" && inner.Body.Attributes["source"] == nil && inner.Body.Attributes["definition"] == nil {
			rng := inner.DefRange()
			d = append(d, diag.Errorf(&rng, "Nothing to run", "on_destroy of %s must have a definition: source = \"FILE.asl.json\", or definition = {...}.", b.Name)...)
		}
	}
	return d
}

func attribute(name string, ty cty.Type) *hcldec.AttrSpec {
	return &hcldec.AttrSpec{Name: name, Type: ty}
}

// runSpec is what a workflow and on_destroy have in common.
func runSpec() hcldec.ObjectSpec {
	return hcldec.ObjectSpec{
		"source":                   attribute("source", cty.String),
		"definition":               attribute("definition", cty.DynamicPseudoType),
		"definition_substitutions": attribute("definition_substitutions", cty.Map(cty.String)),
		"input":                    attribute("input", cty.DynamicPseudoType),
	}
}

func workflowSpec() hcldec.ObjectSpec {
	s := runSpec()
	s["run"] = attribute("run", cty.String)
	s["triggers"] = attribute("triggers", cty.DynamicPseudoType)
	s["role"] = attribute("role", cty.String)
	s["timeout"] = attribute("timeout", cty.String)
	s["sensitive"] = attribute("sensitive", cty.Bool)
	s["mapping"] = attribute("mapping", cty.DynamicPseudoType)
	s["on_destroy"] = &hcldec.BlockSpec{TypeName: "on_destroy", Nested: runSpec()}
	s["schedule"] = &hcldec.BlockSpec{TypeName: "schedule", Nested: hcldec.ObjectSpec{
		"expression": &hcldec.AttrSpec{Name: "expression", Type: cty.String, Required: true},
		"timezone":   attribute("timezone", cty.String),
		"start":      attribute("start", cty.String),
		"end":        attribute("end", cty.String),
		"enabled":    attribute("enabled", cty.Bool),
	}}
	s["limits"] = &hcldec.BlockSpec{TypeName: "limits", Nested: hcldec.ObjectSpec{
		"payload":    attribute("payload", cty.Number),
		"events":     attribute("events", cty.Number),
		"strict_aws": attribute("strict_aws", cty.Bool),
	}}
	return s
}
