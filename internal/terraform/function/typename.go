package function

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// typeFunction tells a person at the console what type a value has. Its result
// is of no use in an expression: see TypeOf.
func typeFunction() function.Function {
	result := cty.Capsule("type", reflect.TypeFor[cty.Type]())
	return function.New(&function.Spec{
		Params: []function.Parameter{whatever("value")},
		Type:   function.StaticReturnType(result),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			ty := args[0].Type()
			return cty.CapsuleVal(result, &ty), nil
		},
	})
}

// TypeOf gives the type that a result of type() speaks of; false for any other
// value. The console shows it with TypeName.
func TypeOf(v cty.Value) (cty.Type, bool) {
	v, _ = v.Unmark()
	if !v.Type().IsCapsuleType() || !v.IsKnown() || v.IsNull() {
		return cty.NilType, false
	}
	ty, ok := v.EncapsulatedValue().(*cty.Type)
	if !ok {
		return cty.NilType, false
	}
	return *ty, true
}

// TypeName writes a type as the console of Terraform does, over several lines
// where it has parts.
func TypeName(ty cty.Type) string {
	var b strings.Builder
	writeType(&b, ty, "")
	return b.String()
}

// step is one level of indentation.
const step = "    "

func writeType(b *strings.Builder, ty cty.Type, indent string) {
	switch {
	case ty.IsObjectType():
		writeParts(b, "object", "{}", indent, len(ty.AttributeTypes()), func(in string) {
			for _, name := range slices.Sorted(maps.Keys(ty.AttributeTypes())) {
				b.WriteString(in + name + ": ")
				writeType(b, ty.AttributeType(name), in)
				b.WriteString(",\n")
			}
		})
	case ty.IsTupleType():
		writeParts(b, "tuple", "[]", indent, ty.Length(), func(in string) {
			for _, ety := range ty.TupleElementTypes() {
				b.WriteString(in)
				writeType(b, ety, in)
				b.WriteString(",\n")
			}
		})
	case ty.IsCollectionType():
		writeCollection(b, ty, indent)
	default:
		b.WriteString(ty.FriendlyName())
	}
}

// writeCollection gives an element type with parts lines of its own.
func writeCollection(b *strings.Builder, ty cty.Type, indent string) {
	kind := "list("
	switch {
	case ty.IsMapType():
		kind = "map("
	case ty.IsSetType():
		kind = "set("
	}
	b.WriteString(kind)
	if ety := ty.ElementType(); ety.IsObjectType() || ety.IsTupleType() {
		b.WriteString("\n" + indent + step)
		writeType(b, ety, indent+step)
		b.WriteString(",\n" + indent)
	} else {
		writeType(b, ety, indent)
	}
	b.WriteString(")")
}

// writeParts writes the frame around the parts of a structural type.
func writeParts(b *strings.Builder, kind, brackets, indent string, n int, parts func(indent string)) {
	b.WriteString(kind + "(" + brackets[:1])
	if n > 0 {
		b.WriteString("\n")
		parts(indent + step)
		b.WriteString(indent)
	}
	b.WriteString(brackets[1:] + ")")
}
