package resource

import (
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/object"
)

// traits are what one look through a value finds. Nearly every value is known and
// without marks, and thousands are looked through several times each, so this
// makes no paths and no iterators where it can do without.
type traits uint8

const (
	hasMarks traits = 1 << iota
	hasUnknown
)

func look(v cty.Value) traits {
	if v.IsMarked() {
		inner, _ := v.Unmark()
		return hasMarks | look(inner)
	}
	ty := v.Type()
	switch {
	case !v.IsKnown():
		return hasUnknown
	case ty.IsPrimitiveType() || v.IsNull():
		return 0
	case ty.IsObjectType():
		var out traits
		for name := range ty.AttributeTypes() {
			out |= look(v.GetAttr(name))
		}
		return out
	case ty.IsCollectionType() || ty.IsTupleType():
		var out traits
		for it := v.ElementIterator(); it.Next(); {
			_, e := it.Element()
			out |= look(e)
		}
		return out
	default:
		return 0
	}
}

// wholly reports whether everything in a value is known.
func wholly(v cty.Value) bool { return look(v)&hasUnknown == 0 }

// marked says where the user's sensitive values stand. The schema's own are not
// in it.
type marked []cty.Path

// unmark takes all marks off and gives the places of the sensitive ones.
func unmark(v cty.Value) (cty.Value, marked) {
	if v == cty.NilVal || look(v)&hasMarks == 0 {
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
