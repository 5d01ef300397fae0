package expression_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/expression"
)

func scope(t *testing.T) *expression.Scope {
	return &expression.Scope{
		Input:   value(t, `{"a":1,"list":[1,2,{"x":"y"}],"text":"hello"}`),
		Context: value(t, `{"Execution":{"Id":"arn"}}`).(*data.Object),
		Result:  "result", HasResult: true, ErrorOutput: value(t, `{"Error":"E"}`), HasErrorOutput: true,
		Variable: func(name string) (any, bool) {
			v, ok := map[string]any{"v": 5.0, "o": value(t, `{"k":"w"}`)}[name]
			return v, ok
		},
		Now: time.Date(2030, 1, 31, 12, 0, 0, 0, time.UTC), Random: func() float64 { return 0.5 }, UUID: func() string { return "00000000-0000-4000-8000-000000000000" },
	}
}

// Whatever the language, an expression comes to a value or an error that Retry and
// Catch know.
func TestEval(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ kind, field, text, want string }{
		{"path", "InputPath", "$", `{"a":1,"list":[1,2,{"x":"y"}],"text":"hello"}`},
		{"path", "InputPath", "$.list[2].x", `"y"`},
		{"path", "InputPath", "$$.Execution.Id", `"arn"`},
		{"path", "InputPath", "$o.k", `"w"`},
		{"path", "InputPath", "$.list[*]", `[1,2,{"x":"y"}]`},
		{"path", "InputPath", "$.b", `States.Runtime: Invalid path '$.b' : No results for path: $['b']`},
		{"path", "OutputPath", "$nothing.b", `States.Runtime: Invalid path '$nothing.b' : No results for path: $nothing`},
		{"path", "SecondsPath", "$.b", `States.Runtime: The SecondsPath parameter does not reference an input value: $.b`},
		{"path", "Parameters/q/x.$", "$.b", `States.Runtime: The JSONPath '$.b' specified for the field 'x.$' could not be found in the input '{"a":1,"list":[1,2,{"x":"y"}],"text":"hello"}'`},
		{"dynamic", "x.$", "States.Format('{}-{}', $.text, $v)", `"hello-5"`},
		{"dynamic", "x.$", "States.UUID()", `"00000000-0000-4000-8000-000000000000"`},
		{"dynamic", "x.$", "$v", `5`},
		{"dynamic", "x.$", "States.StringToJson($.text)", `States.IntrinsicFailure: `},
		{"dynamic", "x.$", "States.ArrayLength($.none)", `States.Runtime: `},
		{"jsonata", "Output", "{% $states.input.a + $v %}", `6`},
		{"jsonata", "Output", "{%$states.result & $states.errorOutput.Error & $states.context.Execution.Id%}", `"resultEarn"`},
		{"jsonata", "Output", "{% $o.k %}", `"w"`},
		{"jsonata", "Output", "{% $sum([1,2,3]) %}", `6`},
		{"jsonata", "Output", "{% $now() %}", `"2030-01-31T12:00:00.000Z"`},
		{"jsonata", "Output", "{% $uuid() %}", `"00000000-0000-4000-8000-000000000000"`},
		{"jsonata", "Output", "{% $partition([1,2,3], 2) %}", `[[1,2],[3]]`},
		{"jsonata", "Output", "{% $eval('1') %}", `States.QueryEvaluationError: The JSONata expression '$eval('1')' specified for the field 'Output' threw an error during evaluation. T1006: `},
		{"jsonata", "Output", "{% $random() %}", `0.5`},
		{"jsonata", "Output", "{% null %}", `null`},
		{"jsonata", "Output/v", "{% $states.input.missing %}", `States.QueryEvaluationError: The JSONata expression '$states.input.missing' specified for the field 'Output/v' returned nothing (undefined).`},
		{"jsonata", "Output", "{% $abs('x') %}", `States.QueryEvaluationError: The JSONata expression '$abs('x')' specified for the field 'Output' threw an error during evaluation. T0410: `},
		{"jsonata", "Output", "{% a.b %}", `States.QueryEvaluationError: The JSONata expression 'a.b' specified for the field 'Output' returned nothing (undefined).`},
		{"jsonata", "Output", "{% $unset %}", `States.QueryEvaluationError: The JSONata expression '$unset' specified for the field 'Output' returned nothing (undefined).`},
	} {
		if got := evaluated(t, compiled(t, c.kind, c.field, c.text)); got != c.want && !(strings.HasSuffix(c.want, ": ") && strings.HasPrefix(got, c.want)) {
			t.Errorf("%s %s\ngot  %s\nwant %s", c.kind, c.text, got, c.want)
		}
	}
}

func compiled(t testing.TB, kind, field, text string) expression.Expr {
	t.Helper()
	e, err := map[string]func(field, text string) (expression.Expr, error){
		"path": expression.Path, "dynamic": expression.Dynamic, "jsonata": expression.JSONata,
	}[kind](field, text)
	if err != nil {
		t.Fatal(text, err)
	}
	return e
}

func evaluated(t *testing.T, e expression.Expr) string {
	t.Helper()
	v, err := e.Eval(scope(t))
	if err != nil {
		var _ = err.(*expression.Error)
		return err.Error()
	}
	return string(data.Encode(v))
}

func TestChecked(t *testing.T) {
	t.Parallel()
	path := func(text string) expression.Expr { return compiled(t, "path", "SecondsPath", text) }
	query := func(text string) expression.Expr { return compiled(t, "jsonata", "Seconds", "{% "+text+" %}") }
	about := "States.QueryEvaluationError: The JSONata expression '%s' specified for the field 'Seconds' "
	for _, c := range []struct {
		e    expression.Expr
		want string
	}{
		{expression.Number(path("$.a"), true, 0, 9), `1`},
		{expression.Number(path("$.text"), true, 0, 9), `States.Runtime: The JSONPath '$.text' specified for the field 'SecondsPath' returned an unexpected result type. Expected 'number', but was 'string' for value: "hello"`},
		{expression.Number(query("-1"), true, 0, 9), fmt.Sprintf(about, "-1") + `gave a value out of range: -1, which must be at least 0`},
		{expression.Number(query("10"), true, 0, 9), fmt.Sprintf(about, "10") + `gave a value out of range: 10, which must be at most 9`},
		{expression.Number(query("1.5"), true, 0, 9), fmt.Sprintf(about, "1.5") + `gave 1.5, which is not a whole number`},
		{expression.Number(query("1.5"), false, 0, 9), `1.5`},
		{expression.Number(query("$x.y"), false, 0, 9), fmt.Sprintf(about, "$x.y") + `returned nothing (undefined).`},
		{expression.OfKind(query("'a'"), "boolean"), fmt.Sprintf(about, "'a'") + `returned an unexpected result type. Expected 'boolean', but was 'string' for value: "a"`},
		{expression.OfKind(query("[1]"), "array", "object"), `[1]`},
		{expression.Timestamp(query("'2030-01-01T00:00:00Z'")), `"2030-01-01T00:00:00Z"`},
		{expression.Timestamp(query("'soon'")), fmt.Sprintf(about, "'soon'") + `gave "soon", which is not a timestamp as RFC 3339 writes it, such as 2030-01-31T12:00:00Z`},
		{expression.Timestamp(query("1")), fmt.Sprintf(about, "1") + `returned an unexpected result type. Expected 'string', but was 'number' for value: 1`},
		{expression.Number(expression.Constant{Value: 99.0}, true, 0, 9), `99`},
	} {
		if got := evaluated(t, c.e); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	constant := expression.Object([]expression.Field{{Key: "a", Value: expression.List([]expression.Expr{expression.Constant{Value: 1.0}})}})
	if c, ok := constant.(expression.Constant); !ok || string(data.Encode(c.Value)) != `{"a":[1]}` {
		t.Errorf("%#v is not folded", constant)
	}
	dynamic := expression.Object([]expression.Field{{Key: "c", Value: constant}, {Key: "l", Value: expression.List([]expression.Expr{compiled(t, "dynamic", "x", "$v"), constant})}})
	if got := evaluated(t, dynamic); got != `{"c":{"a":[1]},"l":[5,{"a":[1]}]}` {
		t.Error(got)
	}
	failing := expression.List([]expression.Expr{expression.Object([]expression.Field{{Key: "x", Value: compiled(t, "path", "x.$", "$.b")}})})
	if got := evaluated(t, failing); !strings.HasPrefix(got, "States.Runtime: The JSONPath '$.b'") {
		t.Error(got)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	var got []string
	for _, e := range []expression.Expr{
		compiled(t, "path", "x", "$v.a"), compiled(t, "path", "x", "$.v"), compiled(t, "dynamic", "x", "States.Format('{}{}', $a, $b.c)"),
		expression.Object([]expression.Field{{Key: "x", Value: compiled(t, "jsonata", "x", "{% $c + $states.input.d + $sum($e) ~> function($f){ $f } %}")}}),
		expression.Not(expression.And([]expression.Expr{compiled(t, "path", "x", "$g"), expression.Constant{}})),
	} {
		e.Names(func(name string) { got = append(got, name) })
	}
	if s := strings.Join(got, " "); s != "v a b c e g" {
		t.Error(s)
	}
}

func TestResultPath(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ path, input, want string }{
		{"$", `{"a":1}`, `"r"`},
		{"$.b.c", `{"a":1}`, `{"a":1,"b":{"c":"r"}}`},
		{"$.a.b", `{"a":1}`, `States.ResultPathMatchFailure: Unable to apply step "b" to input {"a":1}`},
		{"$.a", `[1]`, `States.ResultPathMatchFailure: Unable to apply step "a" to input [1]`},
	} {
		set, err := expression.ResultPath(c.path)
		if err != nil {
			t.Fatal(err)
		}
		v, err := set(value(t, c.input), "r")
		got := fmt.Sprint(err)
		if err == nil {
			got = string(data.Encode(v))
		}
		if got != c.want {
			t.Errorf("%s in %s: %s, want %s", c.path, c.input, got, c.want)
		}
	}
	for _, bad := range []string{"$$.a", "$v", "$.a[*]", "a", "$.a[-1]"} {
		if _, err := expression.ResultPath(bad); err == nil {
			t.Errorf("%s is no reference path into the input", bad)
		}
	}
}
