package jsonpath_test

import "testing"

// What a transition of a state machine pays for its paths.
func BenchmarkEval(b *testing.B) {
	document := value(b, `{"order":{"id":"o-1","lines":[{"sku":"a","price":5},{"sku":"b","price":20},{"sku":"c","price":30}],"customer":{"name":"Ada","address":{"city":"Berlin"}}}}`)
	for _, text := range []string{"$", "$.order.customer.address.city", "$.order.lines[1].sku", "$.order.lines[*].sku", "$.order.lines[?(@.price > 10)].sku", "$..price"} {
		p := parse(b, text)
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Eval(document); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSet(b *testing.B) {
	document := value(b, `{"order":{"id":"o-1","result":null},"other":{"x":1}}`)
	p := parse(b, "$.order.result")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Set(document, true); err != nil {
			b.Fatal(err)
		}
	}
}
