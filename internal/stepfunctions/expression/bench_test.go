package expression_test

import (
	"testing"

	"tutti/internal/stepfunctions/expression"
)

func BenchmarkEval(b *testing.B) {
	input := value(b, `{"a":1,"order":{"id":"o-1","lines":[{"price":3},{"price":4}]}}`)
	s := &expression.Scope{Input: input, Variable: func(string) (any, bool) { return nil, false }, Random: func() float64 { return 0 }, UUID: func() string { return "" }}
	for _, c := range []struct{ name, kind, text string }{
		{"path", "path", "$.order.id"}, {"intrinsic", "dynamic", "States.Format('{}', $.order.id)"},
		{"jsonata", "jsonata", "{% $states.input.order.id & '!' %}"}, {"service", "jsonata", "{% $partition($states.input.order.lines.price, 1) %}"},
	} {
		b.Run(c.name, func(b *testing.B) {
			e := compiled(b, c.kind, "Output", c.text)
			b.ReportAllocs()
			for range b.N {
				if _, err := e.Eval(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
