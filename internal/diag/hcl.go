package diag

import (
	"fmt"
	"sort"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// FromHCL takes over diagnostics of the hcl library. The values of the
// references in the failing expression are shown beside it, sensitive ones only
// by that name.
func FromHCL(in hcl.Diagnostics) List {
	if len(in) == 0 {
		return nil
	}
	out := make(List, 0, len(in))
	for _, h := range in {
		d := &Diagnostic{
			Severity: Error,
			Headline: h.Summary,
			Detail:   h.Detail,
			Subject:  h.Subject,
			Context:  h.Context,
		}
		if h.Severity == hcl.DiagWarning {
			d.Severity = Warning
		}
		if h.Expression != nil && h.EvalContext != nil {
			d.Values = describeValues(h.Expression, h.EvalContext)
		}
		out = append(out, d)
	}
	return out
}

// ToHCL hands the list to an API that wants the hcl library's diagnostics.
func (l List) ToHCL() hcl.Diagnostics {
	var out hcl.Diagnostics
	for _, d := range l {
		h := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: d.Headline, Detail: d.Detail, Subject: d.Subject, Context: d.Context}
		if d.Severity == Warning {
			h.Severity = hcl.DiagWarning
		}
		out = append(out, h)
	}
	return out
}

// maxValues bounds how many references of one expression are described.
const maxValues = 12

func describeValues(expr hcl.Expression, ctx *hcl.EvalContext) []string {
	seen := map[string]bool{}
	var out []string
	for _, tr := range expr.Variables() {
		v, diags := tr.TraverseAbs(ctx)
		if diags.HasErrors() {
			continue
		}
		name := Traversal(tr)
		if seen[name] || len(out) == maxValues {
			continue
		}
		seen[name] = true
		out = append(out, name+" "+Describe(v))
	}
	sort.Strings(out)
	return out
}

// Describe says in a few words what a value is, for use after a name: "is 80",
// "is a sensitive value", "is a list of string, known only after apply".
func Describe(v cty.Value) string {
	if len(v.Marks()) > 0 || v.IsMarked() {
		return "has a sensitive value"
	}
	ty := v.Type()
	switch {
	case v.IsNull():
		return "is null"
	case !v.IsKnown():
		if ty == cty.DynamicPseudoType {
			return "will be known only after apply"
		}
		return "is a " + ty.FriendlyName() + ", known only after apply"
	case ty == cty.String:
		return fmt.Sprintf("is %q", shorten(v.AsString()))
	case ty == cty.Number:
		return "is " + v.AsBigFloat().Text('f', -1)
	case ty == cty.Bool:
		return fmt.Sprintf("is %t", v.True())
	case ty.IsCollectionType() || ty.IsTupleType() || ty.IsObjectType():
		n := v.LengthInt()
		if n == 1 {
			return "is " + ty.FriendlyName() + " with 1 element"
		}
		return fmt.Sprintf("is %s with %d elements", ty.FriendlyName(), n)
	default:
		return "is " + ty.FriendlyName()
	}
}

func shorten(s string) string {
	const limit = 60
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "..."
}

// Traversal writes a traversal as it stands in the source.
func Traversal(tr hcl.Traversal) string {
	s := ""
	for _, step := range tr {
		switch t := step.(type) {
		case hcl.TraverseRoot:
			s += t.Name
		case hcl.TraverseAttr:
			s += "." + t.Name
		case hcl.TraverseIndex:
			switch t.Key.Type() {
			case cty.String:
				s += fmt.Sprintf("[%q]", t.Key.AsString())
			case cty.Number:
				s += "[" + t.Key.AsBigFloat().Text('f', -1) + "]"
			default:
				s += "[...]"
			}
		default:
			s += "[...]"
		}
	}
	return s
}
