// Package resource drives what Terraform calls resources: it turns wanted values
// into changes and carries changes out by asking a provider, and holds the
// provider's answers against what the protocol promises.
//
// In: wanted and actual values with marks. Out: changes, results, stored states.
// Driver is the driver of managed resources and data sources; OpenEphemeral opens
// ephemeral resources. It owns the marks on the way: none
// goes over the wire, all are put back by their paths and by the schema. It must
// not know configuration files (a hook gives ranges), the planner, or stores.
//
// Sources: "Resource Instance Change Lifecycle" in Terraform's documentation of
// the plugin protocol; behaviour of Terraform 1.11 and OpenTofu 1.12.
package resource

import (
	"context"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/schema"
)

// Options say what is driven.
type Options struct {
	// Provider is configured by the caller before Plan, Apply or Read.
	Provider provider.Provider
	// Name is State.Driver: provider["registry.terraform.io/hashicorp/local"].
	Name     string
	Kind     provider.Kind
	TypeName string
	// Schema is compiled once for all resources of the type.
	Schema *schema.Type
	// Meta is the module's provider_meta, null or cty.NilVal when there is none.
	Meta cty.Value
	// IgnoreChanges are the paths of lifecycle.ignore_changes; IgnoreAll is its
	// "all".
	IgnoreChanges []cty.Path
	IgnoreAll     bool
	// Provision runs the provisioners of a stage; nil when there are none at all.
	Provision Provision
	// Stages are those at which Provision has something to do; all when 0.
	Stages Stage
	// RangeOf gives the place in the configuration that a path comes from; the
	// block's own for the empty path. It may be nil and may give nil.
	RangeOf func(cty.Path) *hcl.Range
}

// Provision runs the provisioners that one instance has for the stage. Self is
// the instance's value, with marks: the new one after its creation, the last one
// before its deletion.
type Provision func(ctx context.Context, when Stage, self cty.Value, log func(string)) diag.List

// Stage is when provisioners run. Stages can be joined with |.
type Stage uint8

// The stages.
const (
	AfterCreate Stage = 1 << iota
	BeforeDelete
)

// provisions reports whether there may be provisioners for the stage.
func (o *Options) provisions(when Stage) bool {
	return o.Provision != nil && (o.Stages == 0 || o.Stages&when != 0)
}

// builtinProvider is the one whose changes have no effect outside the state.
const builtinProvider = "terraform.io/builtin/terraform"

// repeatable reports whether the provider's changes may be carried out again when
// it is not known whether they were. Of a real provider that is not assumed, not
// even of a delete: many take a delete of what is gone for a success, but the
// protocol does not promise it, and what is deleted by its name may by then be
// somebody else's. An interrupted delete is settled by reading first.
func (o *Options) repeatable() bool { return providerAddress(o.Name) == builtinProvider }

func (o *Options) validate(ctx context.Context, wanted cty.Value) diag.List {
	config, _ := unmark(wanted)
	return o.locate(o.Provider.ValidateResource(ctx, o.Kind, o.TypeName, config))
}

// settledOn tells that the object which exists is as the configuration wants it, so
// that the provider found that valid once.
func (o *Options) settledOn(req object.PlanRequest) bool {
	if o.Kind != provider.Managed || req.Prior == nil || req.Prior.Tainted {
		return false
	}
	config, _ := unmark(req.Wanted)
	prior, _ := unmark(req.Prior.Value)
	if config.IsNull() || !config.IsKnown() || prior.IsNull() || o.Schema.Block.HasWriteOnly() {
		return false
	}
	return o.Schema.Block.ProposedNew(prior, config).RawEquals(prior)
}

// checkEphemeral reports ephemeral values where they would be kept.
func (o *Options) checkEphemeral(wanted cty.Value) diag.List {
	if look(wanted)&hasMarks == 0 {
		return nil
	}
	var d diag.List
	for _, p := range o.Schema.Block.EphemeralMisuse(wanted) {
		d = append(d, o.locate(diag.List{{Severity: diag.Error, Headline: "Invalid use of ephemeral value", Attribute: p,
			Detail: fmt.Sprintf("The value of %q is ephemeral, so it must not be kept in a plan or a state. Only write-only arguments take such values.",
				schema.FormatPath(p))}})...)
	}
	return d
}

// locate gives complaints their place in the configuration: the attribute's, or
// the whole block's.
func (o *Options) locate(list diag.List) diag.List {
	for i, d := range list {
		if d.Subject != nil || o.RangeOf == nil {
			continue
		}
		c := *d
		c.Subject = o.RangeOf(d.Attribute)
		list[i] = &c
	}
	return list
}

// blame reports that a provider breaks the protocol, in one diagnostic for all
// that is wrong.
func (o *Options) blame(whose, headline, what string, problems []schema.Problem) diag.List {
	if len(problems) == 0 {
		return nil
	}
	text := ""
	for i, p := range problems {
		if i == maxProblems {
			text += fmt.Sprintf("\n  and %d more", len(problems)-i)
			break
		}
		text += "\n  " + p.Error()
	}
	return o.locate(diag.List{{Severity: diag.Error, Headline: headline, Attribute: problems[0].Path, Detail: fmt.Sprintf(
		"%s %s for %s:%s\n\nThis is a mistake in the provider, to be reported to those who maintain it.", o.Name, what, whose, text)}})
}

// maxProblems bounds how much of a broken answer is listed.
const maxProblems = 10

// mark puts back what unmark took, and marks what the schema calls sensitive.
func (o *Options) mark(v cty.Value, where marked) cty.Value {
	if v == cty.NilVal {
		return v
	}
	return object.MarkPaths(o.Schema.Block.MarkSensitive(v), where, object.Sensitive)
}

// null gives the value of nothing there.
func (o *Options) null() cty.Value { return cty.NullVal(o.Schema.Block.Type()) }
