package intrinsic_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/intrinsic"
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

func scope(t testing.TB) intrinsic.Scope {
	return intrinsic.Scope{
		Scope: jsonpath.Scope{
			Input: value(t, `{"name":"Ada","n":3,"half":2.5,"list":[1,2,3,2,1.0,"x"],"o":{"a":1,"b":[true,null,"s"]},"p":{"b":2,"c":{"d":3}},
				"json":"{\"k\":[1]}","tmpl":"<{}|{}>","none":null,"text":"a.b,,c"}`),
			Context:   value(t, `{"Execution":{"Id":"arn:1","Name":"run"}}`),
			Variables: value(t, `{"v":{"w":"variable"}}`).(*data.Object),
		},
		Random: func() float64 { return 0.999 },
		UUID:   func() string { return "00000000-0000-4000-8000-000000000000" },
	}
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{`States.Format('Hello, {}!', $.name)`, `"Hello, Ada!"`},
		{`States.Format('{}{}', 1.50, 'it\'s')`, `"1.50it's"`},
		{`States.Format('\{\} {} \\', null)`, `"{} null \\"`},
		{`States.Format('{}', $.o)`, `"{a=1, b=[true, null, s]}"`},
		{`States.Format($.tmpl, true, false)`, `"<true|false>"`},
		{`States.Format('{} {} {}', $$.Execution.Name, $v.w, $.list[?(@ > 2)])`, `"run variable [3]"`},
		{`States.Format('plain { text }')`, `"plain { text }"`},
		{`  States.Format( 'a' )  `, `"a"`},
		{`States.StringToJson($.json)`, `{"k":[1]}`},
		{`States.StringToJson('{"a":1}')`, `{"a":1}`},
		{`States.StringToJson('  ')`, `null`},
		{`States.JsonToString($.o)`, `"{\"a\":1,\"b\":[true,null,\"s\"]}"`},
		{`States.Array()`, `[]`},
		{`States.Array(1, 'a', $.n, null, true, States.Array(2))`, `[1,"a",3,null,true,[2]]`},
		{`States.ArrayPartition($.list, 4)`, `[[1,2,3,2],[1.0,"x"]]`},
		{`States.ArrayPartition($.list, 5.5)`, `[[1,2,3,2,1.0,"x"]]`},
		{`States.ArrayPartition(States.Array(), 1)`, `[]`},
		{`States.ArrayContains($.list, 'x')`, `true`},
		{`States.ArrayContains($.list, 1.00)`, `true`},
		{`States.ArrayContains($.list, '1')`, `false`},
		{`States.ArrayRange(1, 9, 2)`, `[1,3,5,7,9]`},
		{`States.ArrayRange(0, 10, 3)`, `[0,3,6,9]`},
		{`States.ArrayRange(5, 1, -2)`, `[5,3,1]`},
		{`States.ArrayRange(1, 0, 1)`, `[]`},
		{`States.ArrayLength(States.ArrayRange(1, 1000, 1))`, `1000`},
		{`States.ArrayGetItem($.list, 5)`, `"x"`},
		{`States.ArrayGetItem($.list, 4.5)`, `"x"`},
		{`States.ArrayLength($.list)`, `6`},
		{`States.ArrayUnique($.list)`, `[1,2,3,"x"]`},
		{`States.ArrayUnique(States.Array($.o, States.JsonMerge($.o, $.o, false), States.StringToJson('{"b":[true,null,"s"],"a":1.0}'), $.p, 'a', null, null))`,
			`[{"a":1,"b":[true,null,"s"]},{"b":2,"c":{"d":3}},"a",null]`},
		{`States.Base64Encode('Data to encode')`, `"RGF0YSB0byBlbmNvZGU="`},
		{`States.Base64Decode('RGF0YSB0byBlbmNvZGU=')`, `"Data to encode"`},
		{`States.Base64Decode('RGF0YSB0byBlbmNvZGU')`, `"Data to encode"`},
		{`States.Hash('', 'MD5')`, `"d41d8cd98f00b204e9800998ecf8427e"`},
		{`States.Hash('abc', 'SHA-1')`, `"a9993e364706816aba3e25717850c26c9cd0d89d"`},
		{`States.Hash('abc', 'SHA-256')`, `"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"`},
		{`States.Hash('abc', 'SHA-384')`, `"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"`},
		{`States.Hash($.none, 'SHA-512')`, `"04f8ff2682604862e405bf88de102ed7710ac45c1205957625e4ee3e5f5a2241e453614acc451345b91bafc88f38804019c7492444595674e94e8cf4be53817f"`},
		{`States.JsonMerge($.o, $.p, false)`, `{"a":1,"b":2,"c":{"d":3}}`},
		{`States.MathAdd($.n, -4)`, `-1`},
		{`States.MathAdd(1.49, 1.5)`, `3`},
		{`States.MathAdd(-1.49, -1.5)`, `-2`},
		{`States.MathAdd(-2147483648, 0)`, `-2147483648`},
		{`States.MathRandom(1, 10)`, `9`},
		{`States.MathRandom(-3, -2)`, `-3`},
		{`States.Array(States.MathRandom(0, 1000, 7), States.MathRandom(0, 1000, 7), States.MathRandom(0, 1000, 1700000000000), States.MathRandom(-5, 5, -8))`, `[389,389,50,0]`},
		{`States.StringSplit('1,2,3', ',')`, `["1","2","3"]`},
		{`States.StringSplit('This.is+a,test=string', '.+,=')`, `["This","is","a","test","string"]`},
		{`States.StringSplit(', , ,', ',')`, `[" "," "]`},
		{`States.StringSplit(',,', ',')`, `[]`},
		{`States.UUID()`, `"00000000-0000-4000-8000-000000000000"`},
		{`States.Array($.list[?(@ == ')')], $['name'], $.o.b[0,1])`, `[[],"Ada",[true,null]]`},
		{`States.Array($.list[?(@ =~ /[)x']/)])`, `[["x"]]`},
	} {
		e, err := intrinsic.Parse(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		got, err := e.Eval(scope(t))
		if err != nil || !data.Equal(got, value(t, c.want)) {
			t.Errorf("%s\n  gives %s, %v\n  want  %s", c.text, data.Encode(got), err, c.want)
		}
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", intrinsic.MaxBase64+1)
	for _, c := range []struct{ text, want string }{
		{`States.ArrayPartition($.list, 0)`, "the size of a part must be positive"},
		{`States.ArrayPartition($.n, 1)`, "argument 1 must be an array, but is number"},
		{`States.ArrayRange(1, 10, 0)`, "the step must not be 0"},
		{`States.ArrayRange(1, 1001, 1)`, "the array would have 1001 elements, the limit is 1000"},
		{`States.ArrayRange(1, 3000000000, 1)`, "argument 2 must lie between -2147483648 and 2147483647"},
		{`States.ArrayGetItem($.list, 6)`, "the index 6 lies outside of an array of 6 elements"},
		{`States.ArrayGetItem($.list, -1)`, "the index -1 lies outside"},
		{`States.ArrayLength('a')`, "argument 1 must be an array, but is string"},
		{`States.ArrayUnique($.o)`, "must be an array"},
		{`States.Base64Encode('` + long + `')`, "argument 1 has 10001 characters, the limit is 10000"},
		{`States.Base64Decode('` + long + `')`, "the limit is 10000"},
		{`States.Base64Decode('*')`, "argument 1 is not Base64"},
		{`States.Hash('` + long + `', 'MD5')`, "the limit is 10000"},
		{`States.Hash('a', 'MD4')`, `the algorithm "MD4" is unknown`},
		{`States.JsonMerge($.o, $.p, true)`, "only shallow merging is supported"},
		{`States.JsonMerge($.o, 1, false)`, "argument 2 must be an object, but is number"},
		{`States.JsonMerge($.o, $.p, 'false')`, "argument 3 must be a boolean, but is string"},
		{`States.MathAdd('1', 1)`, "argument 1 must be a number, but is string"},
		{`States.MathAdd(2147483647, 1)`, "the sum has more than 32 bits"},
		{`States.MathRandom(1, 5, 1.5)`, "argument 3 must be a whole number, but is number"},
		{`States.MathRandom(5, 5)`, "the start must lie below the end"},
		{`States.StringToJson('{')`, "the text is not valid JSON"},
		{`States.StringSplit(1, ',')`, "argument 1 must be a string, but is number"},
		{`States.Format($.tmpl, 1)`, "there are 2 {} in the text and 1 arguments for them"},
	} {
		e, err := intrinsic.Parse(c.text)
		if err != nil {
			t.Errorf("%.60s: %v", c.text, err)
			continue
		}
		_, err = e.Eval(scope(t))
		var failed *intrinsic.Error
		if !errors.As(err, &failed) || failed.Path() || failed.Text != c.text || !strings.Contains(failed.What, c.want) {
			t.Errorf("%.60s: %v, want %s", c.text, err, c.want)
		}
	}
}

// The words are the service's.
func TestPathWithoutValue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{`States.Format('{}', States.Format('{}', $.nope))`,
			`The function 'States.Format('{}', States.Format('{}', $.nope))' had the following error: ` +
				`The JsonPath argument for the field '$.nope' could not be found in the input '{"other":1}'`},
		{`States.Array($none.x)`, `The function 'States.Array($none.x)' had the following error: The variable of the JsonPath argument '$none.x' is not defined`},
	} {
		e, err := intrinsic.Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = e.Eval(intrinsic.Scope{Scope: jsonpath.Scope{Input: value(t, `{"other":1}`)}})
		var failed *intrinsic.Error
		var missing *jsonpath.NotFoundError
		if !errors.As(err, &failed) || !failed.Path() || !errors.As(err, &missing) || err.Error() != c.want {
			t.Errorf("%v\nwant %s", err, c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	nested := func(n int) string {
		return strings.Repeat("States.Array(", n) + strings.Repeat(")", n)
	}
	for _, c := range []struct {
		text, want string
		at         int
	}{
		{"", `there is no intrinsic function ""`, 0},
		{"States.Nope()", `there is no intrinsic function "States.Nope"`, 0},
		{"States.Array", "expected ( after States.Array", 12},
		{"States.Array(", "expected a path", 13},
		{"States.Array(1", "expected , or )", 14},
		{"States.Array(1,)", "expected a path", 15},
		{"States.Array(1 2)", "expected , or )", 15},
		{"States.Array()[0]", "there is more after the call", 14},
		{"States.Array('a)", "the quote is not closed", 13},
		{`States.Array('a\n')`, `only ' { } and \ may stand behind a backslash`, 16},
		{`States.Array(1.)`, "this is not a number", 13},
		{`States.Array($.a[)`, "", 17},
		{`States.Array($.a, $.)`, "expected a name", 20},
		{`States.Array("a")`, "expected a path", 13},
		{"States.UUID(1)", "States.UUID takes 0 arguments, not 1", 0},
		{"States.ArrayLength()", "States.ArrayLength takes 1 argument, not 0", 0},
		{"States.MathRandom(1)", "States.MathRandom takes 2 or 3 arguments, not 1", 0},
		{"States.Format()", "States.Format takes 1 or more arguments, not 0", 0},
		{"States.Format('{}')", "States.Format has 1 {} in its text and 0 arguments for them", 0},
		{nested(intrinsic.MaxCalls + 1), "there are more than 10 functions in each other", 142},
		{"States.Array(" + strings.Repeat(" ", intrinsic.MaxText) + ")", "the limit is 65536", 0},
	} {
		_, err := intrinsic.Parse(c.text)
		var syntax *intrinsic.SyntaxError
		if !errors.As(err, &syntax) || syntax.Offset != c.at || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60s: %v, want %s at %d", c.text, err, c.want, c.at)
		}
	}
	if _, err := intrinsic.Parse(nested(intrinsic.MaxCalls)); err != nil {
		t.Error(err)
	}
}

func TestResultsAreBounded(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", intrinsic.MaxResult/2)
	s := intrinsic.Scope{Scope: jsonpath.Scope{Input: data.ObjectOf(data.Member{Key: "big", Value: big})}}
	for _, text := range []string{`States.Format('{}{}{}', $.big, $.big, $.big)`, `States.JsonToString(States.Array($.big, $.big))`} {
		e, err := intrinsic.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = e.Eval(s); err == nil || !strings.Contains(err.Error(), fmt.Sprint(intrinsic.MaxResult)) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	e, err := intrinsic.Parse(`States.Format('{}{}', $.a, States.ArrayLength($$.b[*]))`)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(e.Paths()); got != "[$.a $$.b[*]]" {
		t.Error(got)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`States.Format('{}\'', $.a[?(@.b == ')')], States.MathAdd(1, -2e3))`, `States.Array($v, null, true)`, `States.Hash('a`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := intrinsic.Parse(text)
		if err != nil {
			return
		}
		// What was read means the same when it is read again.
		again, err := intrinsic.Parse(e.String())
		if err != nil {
			t.Fatalf("%q is not read again: %v", e, err)
		}
		s := scope(t)
		a, bad := e.Eval(s)
		b, worse := again.Eval(s)
		if (bad == nil) != (worse == nil) || bad == nil && !data.Equal(a, b) {
			t.Fatalf("%q: %v, %v and then %v, %v", text, a, bad, b, worse)
		}
	})
}
