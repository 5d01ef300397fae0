package block

import (
	"context"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/expr"
	"tutti/internal/object"
)

// Item is a block among the objects of the root module. A language embeds it and
// adds Wanted and Driver.
type Item struct {
	*Block
	Env *expr.Env
}

// Addr implements object.Object.
func (i *Item) Addr() addr.Object { return addr.Object{Module: i.Env.Module, Name: i.Block.Name} }

// References implements object.Object.
func (i *Item) References() []addr.Reference {
	refs := slices.Concat(i.repetition.code.References(), i.inputs.References())
	for _, c := range slices.Concat(i.life.pre, i.life.post) {
		refs = append(refs, c.code.References()...)
	}
	for _, tr := range i.dependsOn {
		if ref, _, _ := expr.ParseReference(tr); ref != nil {
			refs = append(refs, *ref)
		}
	}
	return refs
}

// Expand implements object.Object.
func (i *Item) Expand(ctx context.Context, s object.Scope) (object.Expansion, diag.List) {
	r := i.repetition
	var e hcl.Expression
	var of func(cty.Value, hcl.Range) (object.Expansion, diag.List)
	switch {
	case r.count != nil:
		e, of = r.count, expr.Count
	case r.forEach != nil:
		e, of = r.forEach, expr.ForEach
	case r.enabled != nil:
		e, of = r.enabled, expr.Enabled
	default:
		return object.One(), nil
	}
	ev, d := r.code.Context(ctx, s, i.Env, expr.Local{})
	if d.HasErrors() {
		return object.Expansion{}, d
	}
	v, hd := e.Value(ev)
	if d = append(d, diag.FromHCL(hd)...); d.HasErrors() {
		return object.Expansion{}, d
	}
	x, xd := of(v, e.Range())
	return x, append(d, xd...)
}

// Decode evaluates the block's arguments, and waits for what it depends on. Beside
// them the value has the attribute Secrets.
func (i *Item) Decode(ctx context.Context, s object.Scope, inst object.Instance) (cty.Value, diag.List) {
	for _, tr := range i.dependsOn {
		if ref, _, _ := expr.ParseReference(tr); ref != nil {
			s.After(ctx, addr.Object{Module: i.Env.Module, Name: ref.Subject})
		}
	}
	ev, d := i.inputs.Context(ctx, s, i.Env, expr.Local{Instance: inst})
	if d.HasErrors() {
		return cty.NilVal, d
	}
	v, _, hd := hcldec.PartialDecode(i.Body, i.spec, ev)
	if d = append(d, diag.FromHCL(hd)...); d.HasErrors() {
		return cty.NilVal, d
	}
	attrs := v.AsValueMap()
	attrs[Secrets] = secretsOf(ev.Variables)
	return cty.ObjectVal(attrs), d
}

// Secrets is an attribute of every wanted value beside the arguments: the
// secret texts that expressions used. An argument such as "Bearer ${var.token}"
// is itself secret, but what a program prints may hold the token alone.
const Secrets = "secrets"

func secretsOf(variables map[string]cty.Value) cty.Value {
	var out []cty.Value
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		v := variables[name]
		if !v.ContainsMarked() {
			continue
		}
		bare, marks := v.UnmarkDeepWithPaths()
		for _, text := range SecretTexts(bare, marks, Storable) {
			out = append(out, cty.StringVal(text).Mark(object.Sensitive))
		}
		for _, text := range SecretTexts(bare, marks, Ephemeral) {
			out = append(out, cty.StringVal(text).Mark(object.Ephemeral))
		}
	}
	return cty.TupleVal(out)
}

// Policy implements object.Driven.
func (i *Item) Policy(context.Context, object.Scope, object.Instance) (object.Policy, diag.List) {
	return object.Policy{PreventDestroy: i.life.preventDestroy}, nil
}

// Check implements object.Checked.
func (i *Item) Check(ctx context.Context, s object.Scope, inst object.Instance, stage object.Stage, self cty.Value) diag.List {
	list, headline := i.life.pre, "Precondition failed"
	if stage == object.After {
		list, headline = i.life.post, "Postcondition failed"
	}
	var d diag.List
	for _, c := range list {
		ev, cd := c.code.Context(ctx, s, i.Env, expr.Local{Instance: inst, Self: self})
		if d = append(d, cd...); !cd.HasErrors() {
			d = append(d, c.evaluate(ev, headline)...)
		}
	}
	return d
}

// evaluate says nothing while the condition is not known.
func (c condition) evaluate(ev *hcl.EvalContext, headline string) diag.List {
	rng := c.test.Range()
	v, hd := c.test.Value(ev)
	if hd.HasErrors() {
		return diag.FromHCL(hd)
	}
	v, _ = v.Unmark()
	v, err := convert.Convert(v, cty.Bool)
	switch {
	case err != nil:
		return diag.Errorf(&rng, "Invalid condition result", "A condition must be true or false: %s.", err)
	case !v.IsKnown():
		return nil
	case v.IsNull():
		return diag.Errorf(&rng, "Invalid condition result", "A condition must be true or false, and this one is null.")
	case v.True():
		return nil
	}
	fail := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: headline, Detail: c.text(ev), Subject: &rng, Expression: c.test, EvalContext: ev}
	return diag.FromHCL(hcl.Diagnostics{fail})
}

// text evaluates the error message. One that would show a secret is not shown.
func (c condition) text(ev *hcl.EvalContext) string {
	v, hd := c.message.Value(ev)
	switch {
	case hd.HasErrors():
		return "The condition is not met, and its error message could not be evaluated: " + hd[0].Detail
	case v.ContainsMarked():
		return "The condition is not met. Its error message holds a sensitive value and is not shown."
	case !v.IsWhollyKnown() || v.IsNull() || v.Type() != cty.String:
		return "The condition is not met, and its error message is not a known text."
	default:
		return v.AsString()
	}
}

// RootOf is the stack's folder, which relative paths start from.
func RootOf(env *expr.Env) string {
	place, ok := env.Roots["path"]
	if !ok || !place.Type().IsObjectType() || !place.Type().HasAttribute("root") {
		return "."
	}
	if v := place.GetAttr("root"); v.IsKnown() && !v.IsNull() && !v.IsMarked() && v.Type() == cty.String {
		return v.AsString()
	}
	return "."
}
