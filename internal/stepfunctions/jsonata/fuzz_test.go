package jsonata

import (
	"errors"
	"path/filepath"
	"testing"

	"tutti/internal/stepfunctions/data"
)

// seeds are the expressions recorded from the reference.
func seeds(f *testing.F, add func(expression string)) {
	f.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		f.Fatalf("no cases in testdata: %v", err)
	}
	for _, file := range files {
		for _, c := range readCasesOf(f, file) {
			add(c.expression)
		}
	}
}

// FuzzParse sees to it that no text panics, and that every error is told in JSONata's way.
func FuzzParse(f *testing.F) {
	seeds(f, func(expression string) { f.Add(expression) })
	f.Fuzz(func(t *testing.T, source string) {
		e, err := Parse(source)
		if bad := (*Error)(nil); err != nil && (!errors.As(err, &bad) || bad.Code == "" || bad.Message == "") {
			t.Fatalf("not an error of the language: %v", err)
		}
		if (e == nil) == (err == nil) {
			t.Fatal("neither an expression nor an error, or both")
		}
	})
}

// FuzzEval sees to it that no evaluation panics, goes beyond small limits, changes its input or gives what is no JSON,
// and that a second evaluation gives the same.
func FuzzEval(f *testing.F) {
	input := `{"a":[1,{"b":"x"},[2,null]],"b":{"c":true},"n":1.50,"s":"text 1"}`
	seeds(f, func(expression string) { f.Add(expression, input) })
	for _, expression := range hostile {
		f.Add(expression, input)
	}
	limits := Limits{MaxDepth: 500, MaxSteps: 50_000, MaxMemory: 4 << 20}
	f.Fuzz(func(t *testing.T, source, document string) {
		e, err := Parse(source)
		if err != nil {
			return
		}
		in, err := data.Decode([]byte(document))
		if err != nil {
			in = Undefined
		}
		before := encoded(in)
		first := outcomeWithin(e, in, limits)
		if encoded(in) != before {
			t.Fatal("the input was changed")
		}
		if second := outcomeWithin(e, in, limits); second != first {
			t.Fatalf("first %s, then %s", first, second)
		}
	})
}

func encoded(v any) string {
	if isUndefined(v) {
		return "undefined"
	}
	return string(data.Encode(v))
}

func outcomeWithin(e *Expr, in any, limits Limits) string {
	v, defined, err := e.Eval(in, Options{Now: fixedNow, Limits: limits, Random: func() float64 { return 0.5 }})
	switch {
	case err != nil:
		return describe(err) + err.Error()
	case !defined:
		return "undefined"
	}
	return encoded(v)
}
