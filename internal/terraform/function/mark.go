package function

import (
	"tutti/internal/object"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// addMarks adds the functions that set, remove and ask for marks.
func addMarks(t map[string]function.Function) {
	sameType := func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil }
	params := func() []function.Parameter { return []function.Parameter{whatever("value")} }
	t["sensitive"] = function.New(&function.Spec{Params: params(), Type: sameType,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return args[0].Mark(object.Sensitive), nil
		}})
	t["nonsensitive"] = function.New(&function.Spec{Params: params(), Type: sameType,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return without(args[0], object.Sensitive), nil
		}})
	t["issensitive"] = function.New(&function.Spec{Params: params(), RefineResult: notNull,
		Type: function.StaticReturnType(cty.Bool), Impl: isSensitive})
	t["ephemeralasnull"] = function.New(&function.Spec{Params: params(), Type: sameType,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			return cty.Transform(args[0], ephemeralAsNull)
		}})
}

// isSensitive cannot tell for an unknown value: what it turns out to be may
// depend on a condition whose other side is not sensitive.
func isSensitive(args []cty.Value, _ cty.Type) (cty.Value, error) {
	if !args[0].IsKnown() {
		return cty.UnknownVal(cty.Bool), nil
	}
	return cty.BoolVal(args[0].HasMark(object.Sensitive)), nil
}

// ephemeralAsNull makes null of what is known to be ephemeral. An unknown value
// stays unknown, for the same reason as in isSensitive.
func ephemeralAsNull(_ cty.Path, v cty.Value) (cty.Value, error) {
	if !v.HasMark(object.Ephemeral) {
		return v, nil
	}
	bare := without(v, object.Ephemeral)
	if !v.IsKnown() {
		return bare, nil
	}
	return cty.NullVal(v.Type()).WithSameMarks(bare), nil
}

// without takes one mark off the value itself; marks inside it stay.
func without(v cty.Value, m object.Mark) cty.Value {
	bare, marks := v.Unmark()
	delete(marks, m)
	return bare.WithMarks(marks)
}
