package builtin

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/terraform/provider"
)

// refuse blames the one argument that each function here has.
func refuse(format string, args ...any) (cty.Value, error) {
	return cty.NilVal, &provider.FunctionError{Text: fmt.Sprintf(format, args...), Argument: 0}
}

func decodeVariables(src cty.Value) (cty.Value, error) {
	if !src.IsKnown() {
		return cty.DynamicVal, nil
	}
	file, diags := hclsyntax.ParseConfig([]byte(src.AsString()), "<decode_tfvars argument>", hcl.InitialPos)
	if diags.HasErrors() {
		return refuse("invalid tfvars syntax: %s", diags)
	}
	attrs, diags := file.Body.JustAttributes()
	if diags.HasErrors() {
		return refuse("invalid tfvars content: %s", diags)
	}
	out := make(map[string]cty.Value, len(attrs))
	for name, attr := range attrs {
		v, diags := attr.Expr.Value(nil)
		if diags.HasErrors() {
			return refuse("invalid expression for variable %q: %s", name, diags)
		}
		out[name] = v
	}
	return cty.ObjectVal(out), nil
}

func encodeVariables(v cty.Value) (cty.Value, error) {
	if !v.Type().IsObjectType() && !v.Type().IsMapType() && v.Type() != cty.DynamicPseudoType {
		return refuse("invalid value to encode: must be an object whose attribute names will become the encoded variable names")
	}
	// What is not known yet could change the text in any place.
	if !v.IsWhollyKnown() {
		return unknownText(), nil
	}
	values := v.AsValueMap()
	names := make([]string, 0, len(values))
	for name := range values {
		if !hclsyntax.ValidIdentifier(name) {
			return refuse("invalid variable name %q: must be a valid identifier, as a variable's declaration needs it", name)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	file := hclwrite.NewEmptyFile()
	for _, name := range names {
		file.Body().SetAttributeValue(name, values[name])
	}
	return cty.StringVal(string(hclwrite.Format(file.Bytes()))), nil
}

func encodeExpression(v cty.Value) (cty.Value, error) {
	if !v.IsWhollyKnown() {
		return unknownText(), nil
	}
	return cty.StringVal(string(hclwrite.Format(hclwrite.TokensForValue(v).Bytes()))), nil
}

func unknownText() cty.Value { return cty.UnknownVal(cty.String).RefineNotNull() }
