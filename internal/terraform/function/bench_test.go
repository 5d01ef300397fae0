package function_test

import (
	"testing"

	"tutti/internal/terraform/function"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// BenchmarkTable is paid once for a scope of evaluation.
func BenchmarkTable(b *testing.B) {
	for b.Loop() {
		function.Table(function.Options{})
	}
}

// BenchmarkCall shows what one call costs inside an expression.
func BenchmarkCall(b *testing.B) {
	world := &shelf{files: map[string]string{"t": "name ${upper(x)} %{ for i in l }${i},%{ endfor }"}}
	table := function.Table(function.Options{Files: world})
	ctx := &hcl.EvalContext{Functions: table, Variables: map[string]cty.Value{
		"x": cty.StringVal("some text"),
		"l": cty.ListVal([]cty.Value{cty.StringVal("a"), cty.StringVal("b")}),
		"j": cty.StringVal(`{"a": [1, 2, {"b": "c"}], "d": null}`),
	}}
	for _, src := range []string{
		`upper(x)`, `format("%s-%05d", x, 7)`, `lookup({a = 1}, "a", 2)`, `jsondecode(j)`, `cidrsubnet("10.0.0.0/8", 8, 3)`,
		`templatefile("t", {x = x, l = l})`, `contains(l, "b")`, `sha256(x)`,
	} {
		expr, diags := hclsyntax.ParseExpression([]byte(src), "bench", hcl.InitialPos)
		if diags.HasErrors() {
			b.Fatal(diags)
		}
		b.Run(src, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, diags := expr.Value(ctx); diags.HasErrors() {
					b.Fatal(diags)
				}
				world.asked = nil
			}
		})
	}
}
