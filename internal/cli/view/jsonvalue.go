package view

import (
	"encoding/json"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"tutti/internal/object"
)

// plainJSON gives a value without marks; what is not known is left out of objects
// and null in lists.
func plainJSON(v cty.Value) any {
	if v == cty.NilVal {
		return nil
	}
	v, _ = v.Unmark()
	if !v.IsKnown() || v.IsNull() {
		return nil
	}
	ty := v.Type()
	switch {
	case ty == cty.String:
		return v.AsString()
	case ty == cty.Bool:
		return v.True()
	case ty == cty.Number:
		return json.Number(v.AsBigFloat().Text('f', -1))
	case isNamed(ty):
		out := make(map[string]any, v.LengthInt())
		for it := v.ElementIterator(); it.Next(); {
			k, e := it.Element()
			if inner, _ := e.Unmark(); inner.IsKnown() {
				out[k.AsString()] = plainJSON(e)
			}
		}
		return out
	case v.CanIterateElements():
		out := make([]any, 0, v.LengthInt())
		for it := v.ElementIterator(); it.Next(); {
			_, e := it.Element()
			out = append(out, plainJSON(e))
		}
		return out
	default:
		return nil
	}
}

// shapeJSON gives true where the test holds, and otherwise the shape of the value:
// objects hold only what is not false. A value that is not there gives the empty one.
func shapeJSON(v cty.Value, test func(cty.Value) bool, empty any) any {
	if v == cty.NilVal {
		return empty
	}
	if out := shape(v, test); out != nil {
		return out
	}
	return empty
}

// shape gives nil for what is wholly false and is no collection.
func shape(v cty.Value, test func(cty.Value) bool) any {
	if test(v) {
		return true
	}
	v, _ = v.Unmark()
	if v.IsNull() {
		return nil
	}
	if !v.IsKnown() {
		return emptyShape(v.Type())
	}
	switch {
	case isNamed(v.Type()):
		out := map[string]any{}
		for it := v.ElementIterator(); it.Next(); {
			k, e := it.Element()
			if s := shape(e, test); s != nil {
				out[k.AsString()] = s
			}
		}
		return out
	case v.CanIterateElements():
		out := make([]any, 0, v.LengthInt())
		for it := v.ElementIterator(); it.Next(); {
			_, e := it.Element()
			if s := shape(e, test); s != nil {
				out = append(out, s)
			} else {
				out = append(out, false)
			}
		}
		return out
	default:
		return nil
	}
}

// emptyShape is that of a value of which only the type is known.
func emptyShape(t cty.Type) any {
	switch {
	case isNamed(t):
		return map[string]any{}
	case t.IsCollectionType() || t.IsTupleType():
		return []any{}
	default:
		return nil
	}
}

func isUnknown(v cty.Value) bool {
	v, _ = v.Unmark()
	return !v.IsKnown()
}

func isSensitive(v cty.Value) bool {
	if !v.IsMarked() {
		return false
	}
	_, marks := v.Unmark()
	_, ok := marks[object.Sensitive]
	return ok
}

// hidesValue is isSensitive where there is a value.
func hidesValue(v cty.Value) bool { return isSensitive(v) && !isNull(v) }

// typeJSON gives a type as cty writes it.
func typeJSON(t cty.Type) json.RawMessage {
	b, err := ctyjson.MarshalType(t)
	if err != nil {
		return json.RawMessage(`"dynamic"`)
	}
	return b
}

// pathJSON gives a path as a list of names and indexes.
func pathJSON(p cty.Path) []any {
	out := make([]any, 0, len(p))
	for _, step := range p {
		switch s := step.(type) {
		case cty.GetAttrStep:
			out = append(out, s.Name)
		case cty.IndexStep:
			out = append(out, plainJSON(s.Key))
		}
	}
	return out
}
