package builtin_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/builtin"
	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/value"
)

// What Python's datetime and its two ways of formatting give, as CPython 3.11 was recorded
// by testdata/record_python.py.
func TestPython(t *testing.T) {
	text, err := os.ReadFile("testdata/python.json")
	if err != nil {
		t.Fatal(err)
	}
	all, err := value.ParseJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	times, _ := all.(*value.Dict).Get("time")
	testTimes(t, times.(*value.List).Items)
	formats, _ := all.(*value.Dict).Get("format")
	for _, f := range formats.(*value.List).Items {
		c := f.(*value.List).Items
		format, args := c[1].(string), c[2].(*value.List).Items
		var got string
		if c[0] == "%" {
			got, err = python.Percent(format, value.NewTuple(args...))
		} else {
			got, err = python.FormatText(format, args, nil)
		}
		if err != nil || got != c[3] {
			t.Errorf("%q with %s gives %q, %v; want %q", format, value.Repr(c[2]), got, err, c[3])
		}
	}
}

func testTimes(t *testing.T, cases []any) {
	env := builtin.New(jinja.Options{})
	env.Function("repr", jinja.Spec{Run: func(c *jinja.Call) (any, error) { return value.Repr(c.Args[0]), nil }})
	env.Function("str", jinja.Spec{Run: func(c *jinja.Call) (any, error) { return value.String(c.Args[0]), nil }})
	env.Function("abs", jinja.Spec{Run: func(c *jinja.Call) (any, error) { return c.Filter("abs", c.Args, nil) }})
	naive := func(y int, m time.Month, d, hour, min, s, micro int) *value.Time {
		return &value.Time{Time: time.Date(y, m, d, hour, min, s, micro*1000, time.UTC), Naive: true}
	}
	date := naive(2024, 2, 29, 0, 0, 0, 0)
	date.DateOnly = true
	vars := value.NewDict("t", naive(2024, 2, 29, 5, 6, 7, 89000), "n", naive(2021, 1, 3, 0, 0, 0, 0), "d", date,
		"z", &value.Time{Time: time.Date(2024, 12, 30, 23, 59, 59, 0, time.FixedZone("UTC+02:00", 7200))},
		"td", value.Duration(26*time.Hour+3*time.Second+4*time.Microsecond), "neg", value.Duration(-time.Second))
	for _, x := range cases {
		c := x.(*value.List).Items
		expression := "repr(" + c[0].(string) + ")"
		tpl, err := env.Expression(expression, value.Origin{})
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		got, err := tpl.Native(jinja.Context{Variables: jinja.Dict{Dict: vars}})
		if err != nil || got != c[1] {
			t.Errorf("%s gives %v, %v; want %v", c[0], got, err, c[1])
		}
	}
}

// FuzzFormat looks for formats that make the program panic or take too much.
func FuzzFormat(f *testing.F) {
	text, err := os.ReadFile("testdata/python.json")
	if err != nil {
		f.Fatal(err)
	}
	var all struct{ Format [][]any }
	if err := json.Unmarshal(text, &all); err != nil {
		f.Fatal(err)
	}
	for _, c := range all.Format {
		f.Add(c[1].(string), "text", int64(42), 2.5)
	}
	f.Fuzz(func(t *testing.T, format, s string, i int64, x float64) {
		args := []any{i, s, x, value.NewList(s), value.NewDict("k", s), true, nil}
		named := []python.Kwarg{{Name: "a", Value: s}, {Name: "b", Value: i}}
		at := &value.Time{Time: time.UnixMicro(i).UTC(), Naive: true}
		for _, f := range []func() (string, error){
			func() (string, error) { return python.Percent(format, value.NewTuple(args...)) },
			func() (string, error) { return python.Percent(format, value.NewDict("a", s, "b", i)) },
			func() (string, error) { return python.FormatText(format, args, named) },
			func() (string, error) { return python.Strftime(at, format), nil },
		} {
			if out, _ := f(); len(out) > python.MaxText {
				t.Errorf("%d bytes", len(out))
			}
		}
	})
}
