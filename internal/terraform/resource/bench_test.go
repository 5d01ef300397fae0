package resource_test

import (
	"testing"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/object"
)

// One operation is a plan and an apply of one terraform_data, with its state.
func BenchmarkTerraformData(b *testing.B) {
	d := data(b, nil)
	wanted, unknown := input(s("x")), input(cty.UnknownVal(cty.String))
	for name, planned := range map[string]cty.Value{"known": wanted, "unknown": unknown} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c := plan(b, d, planned, nil)
				res, dd := d.Apply(b.Context(), applyOf(c, object.Create, wanted, nil))
				fine(b, dd)
				if _, err := d.Encode(res.Actual); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// One operation is what a plan without changes does with one instance.
func BenchmarkNoChange(b *testing.B) {
	d := data(b, nil)
	wanted := input(s("x"))
	c := plan(b, d, wanted, nil)
	res, dd := d.Apply(b.Context(), applyOf(c, object.Create, wanted, nil))
	fine(b, dd)
	st, err := d.Encode(res.Actual)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		a, dd := d.Decode(b.Context(), st)
		fine(b, dd)
		a, dd = d.Read(b.Context(), at(), a)
		fine(b, dd)
		if c := plan(b, d, wanted, a); c.Verb != object.NoOp {
			b.Fatal(c.Verb)
		}
		if _, err := d.Encode(a); err != nil {
			b.Fatal(err)
		}
	}
}
