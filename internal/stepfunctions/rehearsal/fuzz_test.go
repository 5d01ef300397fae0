package rehearsal_test

import (
	"testing"

	"tutti/internal/stepfunctions/mock"
	"tutti/internal/stepfunctions/rehearsal"
)

// Whatever the text, reading ends, with what was read or with errors that have a place.
func FuzzRead(f *testing.F) {
	f.Add([]byte("mocks: {A: {return: 1}}\ncases: {a: {input: {}, mocks: {B: [{throw: {error: E}}, {never: true}]}, expect: {path: [A], calls: {A: [1]}}}}"))
	f.Add([]byte(`{"StateMachines":{"m":{"TestCases":{"t":{"A":"R"}}}},"MockedResponses":{"R":{"0":{"Return":1},"1-3":{"Throw":{"Error":"E"}}}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		cases, diags := rehearsal.ReadCases("x.test.yaml", text)
		if (cases == nil) != diags.HasErrors() {
			t.Fatal("there are cases and there are errors, or neither")
		}
		config, more := mock.Read("x.yaml", text)
		if (config == nil) != more.HasErrors() {
			t.Fatal("there are mocks and there are errors, or neither")
		}
		for _, d := range append(diags, more...) {
			if d.Subject == nil {
				t.Fatal(d)
			}
		}
	})
}
