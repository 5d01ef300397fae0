package template_test

import (
	"errors"
	"fmt"
	"testing"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/intrinsic"
	"tutti/internal/stepfunctions/jsonpath"
	"tutti/internal/stepfunctions/template"
)

func value(t testing.TB, text string) any {
	t.Helper()
	v, err := data.Decode([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func scope(t testing.TB) intrinsic.Scope {
	return intrinsic.Scope{Scope: jsonpath.Scope{
		Input:     value(t, `{"id":7,"tags":["x","y"],"who":{"name":"Ada"}}`),
		Context:   value(t, `{"Execution":{"Id":"arn:1"}}`),
		Variables: value(t, `{"total":{"sum":9}}`).(*data.Object),
	}}
}

func TestEval(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ template, want string }{
		{`{}`, `{}`},
		{`"plain $.id"`, `"plain $.id"`},
		{`{"a":1,"b":{"c":[true,null]}}`, `{"a":1,"b":{"c":[true,null]}}`},
		{`{"z.$":"$.id","a":1,"m":{"who.$":"$.who.name","run.$":"$$.Execution.Id"}}`, `{"z":7,"a":1,"m":{"who":"Ada","run":"arn:1"}}`},
		{`{"list":[1,{"t.$":"$.tags[1]"},["$.id"]]}`, `{"list":[1,{"t":"y"},["$.id"]]}`},
		{`[{"all.$":"$"}]`, `[{"all":{"id":7,"tags":["x","y"],"who":{"name":"Ada"}}}]`},
		{`{"n.$":"States.MathAdd($.id, 1)","s.$":"$total.sum","none.$":"$.tags[?(@ == 'z')]"}`, `{"n":8,"s":9,"none":[]}`},
		{`{".$":"$.id"}`, `{"":7}`},
	} {
		made, wrong := template.Parse(value(t, c.template))
		if wrong != nil {
			t.Errorf("%s: %v", c.template, wrong)
			continue
		}
		got, err := made.Eval(scope(t))
		if err != nil || string(data.Encode(got)) != c.want {
			t.Errorf("%s\n  gives %s, %v\n  want  %s", c.template, data.Encode(got), err, c.want)
		}
	}
}

func TestConstantPartsAreShared(t *testing.T) {
	t.Parallel()
	source := value(t, `{"fixed":{"deep":[1,2,3]},"id.$":"$.id"}`)
	made, wrong := template.Parse(source)
	if wrong != nil {
		t.Fatal(wrong)
	}
	got, err := made.Eval(scope(t))
	if err != nil {
		t.Fatal(err)
	}
	fixed, _ := got.(*data.Object).Get("fixed")
	original, _ := source.(*data.Object).Get("fixed")
	if fixed != original {
		t.Error("the constant part was copied")
	}
}

func TestParseTellsAllMistakes(t *testing.T) {
	t.Parallel()
	_, wrong := template.Parse(value(t, `{"a.$":["$.x"],"b":{"c/d":[{"e.$":"x"},{"f.$":"States.Nope()"},{"g.$":"$.x["}]},"h":1,"h.$":"$.h","i.$":null}`))
	want := []string{
		"/a.$: The value for the field 'a.$' must be a STRING that contains a JSONPath but was an ARRAY",
		"/b/c~1d/0/e.$: The value for the field 'e.$' must be a valid JSONPath or a valid intrinsic function call: invalid path x at byte 0: a path starts with $",
		`/b/c~1d/1/f.$: The value for the field 'f.$' must be a valid JSONPath or a valid intrinsic function call: invalid intrinsic function at byte 0: there is no intrinsic function "States.Nope"`,
		"/b/c~1d/2/g.$: The value for the field 'g.$' must be a valid JSONPath or a valid intrinsic function call: invalid path $.x[ at byte 4: expected a name in quotes, an index, *, : or ?( after [",
		"/h.$: The fields 'h' and 'h.$' would have the same name",
		"/i.$: The value for the field 'i.$' must be a STRING that contains a JSONPath but was a NULL",
	}
	if len(wrong) != len(want) {
		t.Fatalf("%d mistakes: %v", len(wrong), wrong)
	}
	for i, w := range want {
		if wrong[i].Error() != w {
			t.Errorf("%v\nwant %s", wrong[i], w)
		}
	}
}

func TestEvalErrorsAreTheServices(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		template, want string
		intrinsic      bool
	}{
		{`{"a":{"b.$":"$.nope"}}`, `The JSONPath '$.nope' specified for the field 'b.$' could not be found in the input '{"id":7,"tags":["x","y"],"who":{"name":"Ada"}}'`, false},
		{`{"b.$":"$$.Nope"}`, `The JSONPath '$$.Nope' specified for the field 'b.$' could not be found in the input '{"Execution":{"Id":"arn:1"}}'`, false},
		{`{"b.$":"$nope"}`, `path $nope has no value: there is no such variable at $nope`, false},
		{`[{"b.$":"States.ArrayLength($.nope)"}]`, `The function 'States.ArrayLength($.nope)' had the following error: The JsonPath argument for the field '$.nope' could not be found in the input '{"id":7,"tags":["x","y"],"who":{"name":"Ada"}}'`, false},
		{`[{"b.$":"States.ArrayLength($.id)"}]`, `The function 'States.ArrayLength($.id)' had the following error: States.ArrayLength: argument 1 must be an array, but is number`, true},
	} {
		made, wrong := template.Parse(value(t, c.template))
		if wrong != nil {
			t.Fatal(wrong)
		}
		_, err := made.Eval(scope(t))
		var failed *template.EvalError
		if !errors.As(err, &failed) || err.Error() != c.want || failed.Intrinsic() != c.intrinsic || failed.Field != "b.$" {
			t.Errorf("%v\nwant %s", err, c.want)
		}
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	made, wrong := template.Parse(value(t, `{"a.$":"$.x","l":[{"b.$":"States.Array($v, $$.c)"}]}`))
	if wrong != nil {
		t.Fatal(wrong)
	}
	if got := fmt.Sprint(made.Paths()); got != "[{/a.$ $.x} {/l/0/b.$ $v} {/l/0/b.$ $$.c}]" {
		t.Error(got)
	}
}
