// Package resource drives what Terraform calls resources: it turns wanted values
// into changes and carries changes out by asking a provider, and holds the
// provider's answers against what the protocol promises.
//
// In: wanted and actual values with marks. Out: changes, results, stored states.
// Managed is the driver of managed resources, Data that of data sources, and
// OpenEphemeral opens ephemeral resources. It owns the marks on the way: none
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

	"tutti/internal/addr"
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
	TypeName string
	// Type is compiled once for all resources of the type.
	Type *schema.Type
	// Meta is the module's provider_meta, cty.NilVal when there is none.
	Meta cty.Value
	// IgnoreChanges are the paths of lifecycle.ignore_changes; IgnoreAll is its
	// "all".
	IgnoreChanges []cty.Path
	IgnoreAll     bool
	// Repeatable says that the provider's changes have no effect outside the state,
	// so that they may be carried out again: the built-in provider's. Of any other
	// it is not assumed. Many providers take a delete of what is gone for a success,
	// but the protocol does not promise it, and what is looked for by name may by
	// then be somebody else's; so an interrupted delete is settled by reading first.
	Repeatable bool
	// OnCreate and OnDestroy run the provisioners; nil when there are none.
	OnCreate, OnDestroy Provision
	// RangeOf gives the place in the configuration that a path comes from. It may
	// be nil and may give nil.
	RangeOf func(cty.Path) *hcl.Range
}

// Provision runs the provisioners of one instance. Self is the instance's value,
// with marks: the new one after its creation, the last one before its
// destruction.
type Provision func(ctx context.Context, self cty.Value, log func(string)) diag.List

// Managed drives the instances of one managed resource. It is safe for
// concurrent use.
type Managed struct{ o Options }

var (
	_ object.Driver   = (*Managed)(nil)
	_ object.Importer = (*Managed)(nil)
	_ object.Mover    = (*Managed)(nil)
	_ object.Settler  = (*Managed)(nil)
)

// NewManaged makes the driver of a managed resource.
func NewManaged(o Options) *Managed { return &Managed{o} }

// Validate asks the provider whether it likes a configuration; unknown values may
// be in it. It works before the provider is configured.
func (m *Managed) Validate(ctx context.Context, wanted cty.Value) diag.List {
	return m.o.validate(ctx, provider.Managed, wanted)
}

func (o *Options) validate(ctx context.Context, kind provider.Kind, wanted cty.Value) diag.List {
	d := o.checkEphemeral(wanted)
	config, _ := unmark(wanted)
	return append(d, o.locate(o.Provider.ValidateResource(ctx, kind, o.TypeName, config))...)
}

// checkEphemeral reports ephemeral values where they would be kept.
func (o *Options) checkEphemeral(wanted cty.Value) diag.List {
	var d diag.List
	for _, p := range o.Type.Block.EphemeralMisuse(wanted) {
		d = append(d, o.locate(diag.List{{Severity: diag.Error, Headline: "Invalid use of ephemeral value", Attribute: p,
			Detail: fmt.Sprintf("The value of %q is ephemeral, so it must not be kept in a plan or a state. Only write-only arguments take such values.",
				schema.FormatPath(p))}})...)
	}
	return d
}

// locate gives complaints about an attribute their place in the configuration.
func (o *Options) locate(list diag.List) diag.List {
	for i, d := range list {
		if d.Subject != nil || o.RangeOf == nil || len(d.Attribute) == 0 {
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
func (o *Options) blame(a addr.Instance, headline, what string, problems []schema.Problem) diag.List {
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
		"%s %s for %s:%s\n\nThis is a mistake in the provider, to be reported to those who maintain it.", o.Name, what, a, text)}})
}

// maxProblems bounds how much of a broken answer is listed.
const maxProblems = 10

// marked says where the user's sensitive values stand. The schema's own are not
// in it.
type marked []cty.Path

// unmark takes all marks off and gives the places of the sensitive ones. Values
// without marks, nearly all, are only looked through.
func unmark(v cty.Value) (cty.Value, marked) {
	if v == cty.NilVal || !v.ContainsMarked() {
		return v, nil
	}
	plain, marks := v.UnmarkDeepWithPaths()
	var out marked
	for _, m := range marks {
		if _, ok := m.Marks[object.Sensitive]; ok {
			out = append(out, m.Path)
		}
	}
	return plain, out
}

// mark puts back what unmark took, and marks what the schema calls sensitive.
func (o *Options) mark(v cty.Value, where marked) cty.Value {
	if v == cty.NilVal {
		return v
	}
	return object.MarkPaths(o.Type.Block.MarkSensitive(v), where, object.Sensitive)
}

// null gives the value of nothing there.
func (o *Options) null() cty.Value { return cty.NullVal(o.Type.Block.Type()) }
