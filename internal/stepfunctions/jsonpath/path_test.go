package jsonpath_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/jsonpath"
)

func value(t testing.TB, text string) any {
	t.Helper()
	v, err := data.Decode([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func parse(t testing.TB, text string) *jsonpath.Path {
	t.Helper()
	p, err := jsonpath.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestKindsOfPath(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, root          string
		definite, reference bool
	}{
		{"$", "$", true, true},
		{"$$", "$$", true, true},
		{"$.a.b[0]['c d']", "$", true, true},
		{"$$.Execution.Id", "$$", true, true},
		{"$order.lines[1]", "$order", true, true},
		{"$größe_1", "$größe_1", true, true},
		{"$v['a','b']", "$v", true, false},
		{"$.a[-1]", "$", true, false},
		{"$.a[0,1]", "$", false, false},
		{"$.a[0:1]", "$", false, false},
		{"$.a.*", "$", false, false},
		{"$..a", "$", false, false},
		{"$.a[?(@.b)]", "$", false, false},
		{"$['a','b'].c", "$", false, false},
	} {
		p := parse(t, c.text)
		if string(p.Root()) != c.root || p.Definite() != c.definite || p.IsReference() != c.reference || p.String() != c.text {
			t.Errorf("%s: root %s, definite %v, reference %v, written %s", c.text, p.Root(), p.Definite(), p.IsReference(), p)
		}
	}
	if name, ok := parse(t, "$order.x").Root().Variable(); !ok || name != "order" {
		t.Error(name, ok)
	}
	if name, ok := parse(t, "$$.x").Root().Variable(); ok {
		t.Error(name)
	}
}

func TestSyntaxErrorsTellThePlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, what string
		at         int
	}{
		{"", "a path starts with $", 0},
		{"a.b", "a path starts with $", 0},
		{"$.a b", "a name with blanks is written in brackets: ['a …']", 3},
		{"$.a[?(@.b ~ 1)]", "expected an operator or )", 10},
		{"$.a[?(@.b like 1)]", "the operator like is unknown; there are === !== == != <= >= =~ < > in nin subsetof anyof noneof contains all size empty", 10},
		{"$.a[?(!@.b == 1)]", "write !( … ) to negate a comparison", 15},
		{"$.a[?(@.b == $$.c)]", "in a filter, a path starts from @ or $", 14},
		{"$.a[?(@.b == $c)]", "in a filter, a path starts from @ or $", 14},
		{"$.a[?(1)]", "expected an operator after a value", 7},
		{`$.a[?(@.b =~ /(?=x)/)]`, "this pattern is not supported: error parsing regexp: invalid or unsupported Perl syntax: `(?=`", 13},
		{`$.a[?(@.b =~ /a/x)]`, "patterns with comments (flag x) are not supported", 16},
		{`$.a[?(@.b in [1,])]`, "this list or object is not JSON: expected a value", 13},
		{`$['\u12']`, `\u takes four hexadecimal digits`, 5},
		{"$[99999999999]", "an index is a whole number of 32 bits", 2},
	} {
		_, err := jsonpath.Parse(c.text)
		var syntax *jsonpath.SyntaxError
		if !errors.As(err, &syntax) || syntax.What != c.what || syntax.Offset != c.at {
			t.Errorf("%s: %v", c.text, err)
		}
	}
}

func TestNotFoundTellsWhere(t *testing.T) {
	t.Parallel()
	document := value(t, `{"a":{"list":[1,2],"text":"x","null":null}}`)
	for _, c := range []struct{ text, want, library string }{
		{"$.b.c", "path $.b.c has no value: there is no such member at $['b']", "Missing property in path $['b']"},
		{"$.a.c", "path $.a.c has no value: there is no such member at $['a']['c']", "No results for path: $['a']['c']"},
		{"$.a.list[2].x", "path $.a.list[2].x has no value: there is no such element at $['a']['list'][2]['x']", "No results for path: $['a']['list'][2]['x']"},
		{"$.a.list[2]", "path $.a.list[2] has no value: there is no such element at $['a']['list'][2]", "No results for path: $['a']['list'][2]"},
		{"$.a.text[0]", "path $.a.text[0] has no value: there is no array, but a string at $['a']['text'][0]", "No results for path: $['a']['text'][0]"},
		{"$.a.list.x", "path $.a.list.x has no value: there is no object, but an array at $['a']['list']['x']", "No results for path: $['a']['list']['x']"},
		{"$.a.null.x[*]", "path $.a.null.x[*] has no value: there is no object, but null at $['a']['null']['x']", "No results for path: $['a']['null']['x']"},
		{"$.a.text[?(@.x)]", "path $.a.text[?(@.x)] has no value: a filter takes an object or an array, but there is a string at $['a']['text'][?(@.x)]", "No results for path: $['a']['text'][?(@.x)]"},
	} {
		_, err := parse(t, c.text).Eval(document)
		var missing *jsonpath.NotFoundError
		if !errors.As(err, &missing) || err.Error() != c.want || missing.Library() != c.library {
			t.Errorf("%v\nwant %s, %s", err, c.want, c.library)
		}
	}
}

func TestScope(t *testing.T) {
	t.Parallel()
	s := jsonpath.Scope{Input: value(t, `{"a":1}`), Context: value(t, `{"b":2}`), Variables: value(t, `{"v":{"c":3}}`).(*data.Object)}
	for text, want := range map[string]string{"$.a": "1", "$$.b": "2", "$v.c": "3", "$v": `{"c":3}`, "$v[?(@.c == $.c)]": `[]`} {
		if got, err := s.Eval(parse(t, text)); err != nil || string(data.Encode(got)) != want && text != "$v[?(@.c == $.c)]" {
			t.Errorf("%s: %s, %v", text, data.Encode(got), err)
		}
	}
	var missing *jsonpath.NotFoundError
	if _, err := s.Eval(parse(t, "$w.c")); !errors.As(err, &missing) {
		t.Error(err)
	}
	if _, err := (jsonpath.Scope{}).Eval(parse(t, "$w.c")); !errors.As(err, &missing) {
		t.Error(err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	var limit *jsonpath.LimitError
	if _, err := jsonpath.Parse("$." + strings.Repeat("a", jsonpath.MaxText)); !errors.As(err, &limit) || limit.Limit != jsonpath.MaxText {
		t.Error("a long path is not refused:", err)
	}
	nested := func(n int) string {
		return "$[?(" + strings.Repeat("(", n) + "@.a" + strings.Repeat(")", n) + ")]"
	}
	parse(t, nested(jsonpath.MaxNesting-2))
	if _, err := jsonpath.Parse(nested(jsonpath.MaxNesting)); !errors.As(err, &limit) || limit.Limit != jsonpath.MaxNesting {
		t.Error("deep parentheses are not refused:", err)
	}
	if _, err := jsonpath.Parse("$.a[?(@" + strings.Repeat(".a[?(@", jsonpath.MaxNesting) + strings.Repeat(")]", jsonpath.MaxNesting+1)); !errors.As(err, &limit) {
		t.Error("deep filters are not refused:", err)
	}
}

// Each of these would go on for hours without a limit, or fill the memory.
func TestHostilePathsEnd(t *testing.T) {
	t.Parallel()
	deep := value(t, strings.Repeat("[", 900)+strings.Repeat("]", 900))
	wide := make([]any, 100_000)
	for i := range wide {
		wide[i] = fmt.Sprint(i)
	}
	for _, c := range []struct {
		text     string
		document any
		limit    int
	}{
		{"$..*..*..*..*..*", deep, jsonpath.MaxFound},
		{"$" + strings.Repeat("[0,0]", 40), deep, jsonpath.MaxFound},
		{"$..[?(@..[?(@..[?(@..x == 1)])])]", deep, jsonpath.MaxSteps},
		{"$[?(@ in $)]", wide, jsonpath.MaxSteps},
		{"$[?($ contains @)]", wide, jsonpath.MaxSteps},
		{"$[?($ =~ /x/)]", wide, jsonpath.MaxSteps},
	} {
		var limit *jsonpath.LimitError
		if _, err := parse(t, c.text).Eval(c.document); !errors.As(err, &limit) || limit.Limit != c.limit {
			t.Errorf("%s: %v", c.text, err)
		}
	}
}

func TestSet(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ document, path, want string }{
		{`{"a":1}`, "$", `"new"`},
		{`{"a":1}`, "$.b", `{"a":1,"b":"new"}`},
		{`{"a":1,"b":2}`, "$.a", `{"a":"new","b":2}`},
		{`{}`, "$.a.b.c", `{"a":{"b":{"c":"new"}}}`},
		{`{"a":{"b":{"x":1}}}`, "$.a.b.c", `{"a":{"b":{"x":1,"c":"new"}}}`},
		{`{"a":[1,2,3]}`, "$.a[1]", `{"a":[1,"new",3]}`},
		{`{"a":[{"b":1}]}`, "$.a[0].c", `{"a":[{"b":1,"c":"new"}]}`},
		{`[[1],[2]]`, "$[1][0]", `[[1],["new"]]`},
		{`{"a":1}`, "$['x y']", `{"a":1,"x y":"new"}`},
	} {
		document := value(t, c.document)
		got, err := parse(t, c.path).Set(document, "new")
		if err != nil || string(data.Encode(got)) != c.want {
			t.Errorf("%s in %s gives %s, %v, want %s", c.path, c.document, data.Encode(got), err, c.want)
		}
		if string(data.Encode(document)) != c.document {
			t.Errorf("%s changed the document to %s", c.path, data.Encode(document))
		}
	}
}

func TestSetRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ document, path, want string }{
		{`"text"`, "$.a", "path $.a cannot be written: there is no object, but a string at step a"},
		{`{"a":1}`, "$.a.b", "path $.a.b cannot be written: there is no object, but a number at step b"},
		{`{"a":null}`, "$.a.b", "path $.a.b cannot be written: there is no object, but null at step b"},
		{`{"a":[1]}`, "$.a[1]", "path $.a[1] cannot be written: the array has only 1 elements at step 1"},
		{`{"a":[1]}`, "$.a.b", "path $.a.b cannot be written: there is no object, but an array at step b"},
		{`{}`, "$.a[0]", "path $.a[0] cannot be written: there is no array, but an object at step 0"},
	} {
		_, err := parse(t, c.path).Set(value(t, c.document), 1.0)
		var mismatch *jsonpath.MatchError
		if !errors.As(err, &mismatch) || err.Error() != c.want {
			t.Errorf("%v\nwant %s", err, c.want)
		}
	}
}

func TestSetShares(t *testing.T) {
	t.Parallel()
	document := value(t, `{"big":{"x":[1,2,3]},"a":{"b":1}}`)
	got, err := parse(t, "$.a.c").Set(document, true)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := document.(*data.Object).Get("big")
	after, _ := got.(*data.Object).Get("big")
	if before != after {
		t.Error("what the path does not touch was copied")
	}
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{`$.a[?(@.b == 'x' && !(@.c in [1,'2']))]['d','e'][0,-1][1:]..*`, `$$..x`, `$v[?(@ =~ /a(b|c)*/i)]`, `$['\u00e9']`, `$.a[?($..b size 2 || @.c)]`} {
		f.Add(s, `{"a":[{"b":"x","c":1,"d":[1,2],"e":{"f":null}},"text",[[]]],"b":[1,2]}`)
	}
	f.Fuzz(func(t *testing.T, text, document string) {
		p, err := jsonpath.Parse(text)
		if err != nil {
			return
		}
		again, err := jsonpath.Parse(p.String())
		if err != nil {
			t.Fatalf("%q is not read again: %v", p, err)
		}
		v, err := data.Decode([]byte(document))
		if err != nil || len(document) > 1000 {
			return
		}
		before := string(data.Encode(v))
		got, bad := p.Eval(v)
		other, worse := again.Eval(v)
		if (bad == nil) != (worse == nil) || bad == nil && !data.Equal(got, other) {
			t.Fatalf("%q: %v, %v and then %v, %v", text, got, bad, other, worse)
		}
		if _, isList := got.([]any); bad == nil && !p.Definite() && !isList {
			t.Fatalf("%q is indefinite and gave no list", text)
		}
		if p.IsReference() {
			if changed, err := p.Set(v, "new"); err == nil {
				if read, err := p.Eval(changed); err != nil || read != "new" {
					t.Fatalf("%q: what was set is not read: %v, %v", text, read, err)
				}
			}
		}
		if after := string(data.Encode(v)); after != before {
			t.Fatalf("%q changed the document from %s to %s", text, before, after)
		}
	})
}
