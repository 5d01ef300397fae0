package function

import (
	"strconv"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"
)

// addConversions adds the functions that ask for a type.
func addConversions(t map[string]function.Function) {
	t["tostring"] = toFunction(cty.String)
	t["tonumber"] = toFunction(cty.Number)
	t["tobool"] = toFunction(cty.Bool)
	t["tolist"] = toFunction(cty.List(cty.DynamicPseudoType))
	t["toset"] = toFunction(cty.Set(cty.DynamicPseudoType))
	t["tomap"] = toFunction(cty.Map(cty.DynamicPseudoType))
}

// toFunction converts to a type, or to a kind of collection of whatever type the
// elements have in common. The parameter takes anything, so that a failure can
// speak of a conversion that was asked for rather than of a wrong argument.
func toFunction(want cty.Type) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{
			Name: "v", Type: cty.DynamicPseudoType,
			AllowNull: true, AllowMarked: true, AllowDynamicType: true,
		}},
		Type: func(args []cty.Value) (cty.Type, error) {
			got := args[0].Type()
			if !got.Equals(want) && convert.GetConversionUnsafe(got, want) == nil {
				return cty.NilType, discreet{function.NewArgErrorf(0, "cannot convert %s to %s", got.FriendlyName(), want.FriendlyNameForConstraint())}
			}
			return want, nil
		},
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v, err := convert.Convert(args[0], want)
			if err != nil {
				return cty.NilVal, discreet{conversionError(args[0], want)}
			}
			return v, nil
		},
	})
}

// conversionError tells why a value that has the right sort of type still cannot
// be converted, without showing what must not be shown.
func conversionError(v cty.Value, want cty.Type) error {
	got, wanted := v.Type().FriendlyName(), want.FriendlyNameForConstraint()
	if kind := hidden(v); kind != "" {
		return function.NewArgErrorf(0, "cannot convert this %s %s to %s", kind, got, wanted)
	}
	bare, _ := v.UnmarkDeep()
	if bare.Type() == cty.String && bare.IsKnown() && !bare.IsNull() {
		quoted := strconv.Quote(bare.AsString())
		switch want {
		case cty.Bool:
			return function.NewArgErrorf(0, `cannot convert %s to bool; only the strings "true" or "false" are allowed`, quoted)
		case cty.Number:
			return function.NewArgErrorf(0, "cannot convert %s to number; the string must hold a decimal number", quoted)
		}
	}
	return function.NewArgErrorf(0, "cannot convert %s to %s", got, wanted)
}
