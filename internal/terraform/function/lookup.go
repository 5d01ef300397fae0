package function

import (
	"fmt"
	"maps"
	"slices"

	"tutti/internal/diag"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
)

// lookupFunction reads one key of a map or object, with an optional default.
// Marks are exact: the result carries those of the map, of the key and of what
// was found, not those of the other elements.
func lookupFunction() function.Function {
	fallback := whatever("default")
	return function.New(&function.Spec{
		Params: []function.Parameter{
			{Name: "inputMap", Type: cty.DynamicPseudoType, AllowMarked: true},
			{Name: "key", Type: cty.String, AllowMarked: true},
		},
		VarParam: &fallback,
		Type: func(args []cty.Value) (cty.Type, error) {
			if len(args) > 3 {
				return cty.NilType, function.NewArgErrorf(3, "lookup takes two or three arguments, not %d", len(args))
			}
			ty := args[0].Type()
			switch {
			case ty.IsObjectType():
				return lookupObjectType(ty, args)
			case ty.IsMapType():
				return lookupMapType(ty, args)
			}
			return cty.NilType, function.NewArgErrorf(0, "must be a map or object, not %s", ty.FriendlyName())
		},
		Impl: lookup,
	})
}

func lookupObjectType(ty cty.Type, args []cty.Value) (cty.Type, error) {
	key, _ := args[1].Unmark()
	switch {
	case !key.IsKnown():
		return cty.DynamicPseudoType, nil
	case ty.HasAttribute(key.AsString()):
		return ty.AttributeType(key.AsString()), nil
	case len(args) == 3:
		return args[2].Type(), nil
	}
	return cty.NilType, missingKey(args, slices.Collect(maps.Keys(ty.AttributeTypes())))
}

func lookupMapType(ty cty.Type, args []cty.Value) (cty.Type, error) {
	if len(args) == 3 {
		if _, err := convert.Convert(args[2], ty.ElementType()); err != nil {
			return cty.NilType, discreet{function.NewArgErrorf(2, "the default value must have the same type as the map elements, which is %s", ty.ElementType().FriendlyName())}
		}
	}
	return ty.ElementType(), nil
}

func lookup(args []cty.Value, ty cty.Type) (cty.Value, error) {
	from, fromMarks := args[0].Unmark()
	keyVal, keyMarks := args[1].Unmark()
	key := keyVal.AsString()
	if from.Type().IsObjectType() {
		if from.Type().HasAttribute(key) {
			return from.GetAttr(key).WithMarks(fromMarks, keyMarks), nil
		}
	} else if from.HasIndex(keyVal).True() {
		return from.Index(keyVal).WithMarks(fromMarks, keyMarks), nil
	}
	if len(args) < 3 {
		return cty.NilVal, missingKey(args, slices.Collect(maps.Keys(from.AsValueMap())))
	}
	v, err := convert.Convert(args[2], ty)
	if err != nil {
		return cty.NilVal, function.NewArgError(2, err)
	}
	return v.WithMarks(fromMarks, keyMarks), nil
}

func missingKey(args []cty.Value, there []string) error {
	key, _ := args[1].Unmark()
	return function.NewArgErrorf(1, "there is no key %q and no default is given%s", key.AsString(), didYouMean(key.AsString(), there))
}

// didYouMean gives the suggestion in the form for an error, which HCL ends with a
// full stop of its own.
func didYouMean(given string, there []string) string {
	if s := diag.Suggest(given, there); s != "" {
		return fmt.Sprintf(" (did you mean %q?)", s)
	}
	return ""
}
