package addr

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// Reference is what an expression says of another object, relative to the module
// that it stands in.
type Reference struct {
	// Subject is the object. For module.m.out it is the call m.
	Subject Name
	// Key is set when the text names one instance by a literal.
	Key Key
	// Index is the expression between the brackets when it is not a literal and
	// can be evaluated before the whole: a[count.index].
	Index hcl.Expression
	// Remaining is what follows the subject and its key: the attribute asked for.
	Remaining hcl.Traversal
	// Range is where the reference stands.
	Range hcl.Range
}

// Path gives the remaining traversal as a cty path as far as it is static.
func (r Reference) Path() cty.Path {
	var p cty.Path
	for _, step := range r.Remaining {
		switch s := step.(type) {
		case hcl.TraverseAttr:
			p = p.GetAttr(s.Name)
		case hcl.TraverseIndex:
			p = p.Index(s.Key)
		default:
			return p
		}
	}
	return p
}

// Attribute gives the first name after the subject, or "": what an edge of the
// graph is labelled with.
func (r Reference) Attribute() string {
	for _, step := range r.Remaining {
		if a, ok := step.(hcl.TraverseAttr); ok {
			return a.Name
		}
	}
	return ""
}
