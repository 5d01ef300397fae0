package jsonata

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"tutti/internal/stepfunctions/data"
)

func mustEval(t *testing.T, source string, input any, opts Options) any {
	t.Helper()
	e, err := Parse(source)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	v, defined, err := e.Eval(input, opts)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	if !defined {
		return Undefined
	}
	return v
}

func decode(t *testing.T, text string) any {
	t.Helper()
	v, err := data.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestVariables gives variables to an expression, as state machines do.
func TestVariables(t *testing.T) {
	t.Parallel()
	opts := Options{Variables: map[string]any{
		"states": decode(t, `{"input":{"items":[{"n":1},{"n":2}],"name":"x"}}`),
		"none":   Undefined,
		"null":   nil,
		"sum":    "hidden",
	}}
	for source, want := range map[string]string{
		`$states.input.name`:                       `"x"`,
		`$sum`:                                     `"hidden"`,
		`$count($states.input.items)`:              `2`,
		`$states.input.items[n > 1].n`:             `2`,
		`$exists($none)`:                           `false`,
		`$null = null`:                             `true`,
		`($states := {"input": 5}; $states.input)`: `5`,
		`$map($states.input.items, function($i){ $i.n + $count($states.input.items) })`: `[3,4]`,
	} {
		if got := encoded(mustEval(t, source, Undefined, opts)); got != want {
			t.Errorf("%s = %s, want %s", source, got, want)
		}
	}
}

func TestFreeVariables(t *testing.T) {
	t.Parallel()
	for source, want := range map[string][]string{
		`1 + a.b`:                                     nil,
		`$states.input & $name & $name`:               {"name", "states"},
		`($x := $y; $x + $z)`:                         {"y", "z"},
		`$map($list, function($v){ $v & $w })`:        {"list", "w"},
		`$sum($uuid())`:                               {"uuid"},
		`orders@$o#$i[$i = $n].($o.id & $$.shop & $)`: {"$", "n"},
		`$eval("$hidden")`:                            nil,
		`$.a ~> |$|{"b": $c}, $d|`:                    {"c", "d"},
	} {
		e, err := Parse(source)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Variables(); !slices.Equal(got, want) {
			t.Errorf("%s uses %q, want %q", source, got, want)
		}
	}
}

func TestProvidedFunctions(t *testing.T) {
	t.Parallel()
	opts := Options{Functions: map[string]Function{
		"double": {Signature: "<n-:n>", Call: func(args []any) (any, error) { return args[0].(float64) * 2, nil }},
		"list":   {Call: func(args []any) (any, error) { return listOf(args), nil }},
		"fails":  {Call: func([]any) (any, error) { return nil, errors.New("out of order") }},
		"none":   {Call: func([]any) (any, error) { return Undefined, nil }},
		"gone":   {},
		"sum":    {Call: func([]any) (any, error) { return "mine", nil }},
		"max":    {},
	}}
	for source, want := range map[string]string{
		`$double(4)`:                                `8`,
		`[1,2].$double()`:                           `[2,4]`,
		`$map([1,2], $double)`:                      `[2,4]`,
		`$list(1, missing, [2..3], {})`:             `[1,"?",[2,3],{}]`,
		`$list((a;b), $match("x", /(y)?x/).groups)`: `["?",[null]]`,
		`$exists($none())`:                          `false`,
		`$sum([1,2])`:                               `"mine"`,
		`5 ~> $double ~> $double`:                   `20`,
		`($f := $list(?, 2); $f(1))`:                `[1,2]`,
	} {
		if got := encoded(mustEval(t, source, nil, opts)); got != want {
			t.Errorf("%s = %s, want %s", source, got, want)
		}
	}
	for source, code := range map[string]string{
		`$double("x")`: "T0410", `$fails()`: "U1005", `$gone()`: "T1006", `$max([1])`: "T1006", `$list($sum)`: "U1003",
	} {
		if got := codeOf(t, source, opts); got != code {
			t.Errorf("%s: %s, want %s", source, got, code)
		}
	}
}

// listOf gives arguments as an array, with a question mark for what is undefined.
func listOf(args []any) []any {
	all := []any{}
	for _, arg := range args {
		if isUndefined(arg) {
			arg = "?"
		}
		all = append(all, arg)
	}
	return all
}

func codeOf(t *testing.T, source string, opts Options) string {
	t.Helper()
	e, err := Parse(source)
	if err == nil {
		_, _, err = e.Eval(Undefined, opts)
	}
	if bad := (*Error)(nil); errors.As(err, &bad) {
		return bad.Code
	}
	return ""
}

func TestService(t *testing.T) {
	t.Parallel()
	opts := Options{Functions: Service(func() float64 { return 0.25 }, func() string { return "a-uuid" })}
	for source, want := range map[string]string{
		`$partition([1..7], 3)`:                `[[1,2,3],[4,5,6],[7]]`,
		`$partition([1,2], 5)`:                 `[[1,2]]`,
		`$partition([], 2)`:                    `[]`,
		`$partition(1, 2)`:                     `[[1]]`,
		`$range(0, 10, 2)`:                     `[0,2,4,6,8,10]`,
		`$range(1, 9, 3)`:                      `[1,4,7]`,
		`$range(3, 0, -1)`:                     `[3,2,1,0]`,
		`$range(1, 0, 1)`:                      `[]`,
		`$random()`:                            `0.25`,
		`$random(7) = $random(7)`:              `true`,
		`$random(7) != $random(8)`:             `true`,
		`$random(42) >= 0 and $random(42) < 1`: `true`,
		`$uuid()`:                              `"a-uuid"`,
		`$parse('{"a":[1,null,"x"]}').a`:       `[1,null,"x"]`,
		`$parse(' 5 ')`:                        `5`,
		`$exists($parse(missing))`:             `false`,
		`"[1]" ~> $parse`:                      `[1]`,
	} {
		if got := encoded(mustEval(t, source, Undefined, opts)); got != want {
			t.Errorf("%s = %s, want %s", source, got, want)
		}
	}
	// The digests of "abc" in FIPS 180-4 and RFC 1321.
	for algorithm, want := range map[string]string{
		"MD5":     "900150983cd24fb0d6963f7d28e17f72",
		"SHA-1":   "a9993e364706816aba3e25717850c26c9cd0d89d",
		"SHA-256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"SHA-384": "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
		"SHA-512": "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a" +
			"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
	} {
		if got := mustEval(t, `$hash("abc", "`+algorithm+`")`, nil, opts); got != want {
			t.Errorf("%s: %v, want %s", algorithm, got, want)
		}
	}
	for source, code := range map[string]string{
		`$partition([1], 0)`: "T0410", `$partition([1], 1.5)`: "T0410", `$range(1, 2, 0)`: "T0410", `$range(1, 1e9, 1)`: "D2014",
		`$hash("x", "CRC32")`: "T0410", `$parse("{")`: "U1005", `$eval("1")`: "T1006", `$random("x")`: "T0410", `$uuid(1)`: "T0410",
	} {
		if got := codeOf(t, source, opts); got != code {
			t.Errorf("%s: %s, want %s", source, got, code)
		}
	}
	bare := Options{Functions: Service(nil, nil)}
	for _, source := range []string{`$random()`, `$uuid()`} {
		if got := codeOf(t, source, bare); got != "U1004" {
			t.Errorf("%s without a source: %s", source, got)
		}
	}
}

// TestJavaRandom compares with the first numbers that java.util.Random gives for these seeds.
func TestJavaRandom(t *testing.T) {
	t.Parallel()
	for seed, want := range map[int64]float64{0: 0.730967787376657, 42: 0.7275636800328681} {
		if got := seeded(seed); got != want {
			t.Errorf("seed %d: %v, want %v", seed, got, want)
		}
	}
}

func TestRandom(t *testing.T) {
	t.Parallel()
	i := 0
	opts := Options{Random: func() float64 { i++; return float64(i%7) / 7 }}
	shuffled := mustEval(t, `$shuffle([1..20])`, nil, opts).([]any)
	if slices.IsSortedFunc(shuffled, func(a, b any) int { return int(a.(float64) - b.(float64)) }) {
		t.Error("shuffle leaves the order as it was")
	}
	if got := mustEval(t, `$sum($shuffle([1..20]))`, nil, opts); got != 210.0 {
		t.Errorf("shuffle loses items: %v", got)
	}
	if got := mustEval(t, `$random() < 1`, nil, opts); got != true {
		t.Errorf("random: %v", got)
	}
	if got := codeOf(t, `$random()`, Options{}); got != "U1004" {
		t.Errorf("random without a source: %s", got)
	}
}

// TestNumbersPassThrough sees to it that digits are kept where nothing is computed.
func TestNumbersPassThrough(t *testing.T) {
	t.Parallel()
	in := decode(t, `{"id":12345678901234567890,"price":1.50,"list":[1.0,2.00],"e":1e3}`)
	for source, want := range map[string]string{
		`id`: `12345678901234567890`, `price`: `1.50`, `[id, price]`: `[12345678901234567890,1.50]`, `list[0]`: `1.0`,
		`{"p": price}`: `{"p":1.50}`, `price + 0`: `1.5`, `$sum(list)`: `3`, `$max(list)`: `2`, `price = 1.5`: `true`,
		`list = [1, 2]`: `true`, `price in [1.5]`: `true`, `$string(price)`: `"1.5"`, `"" & e`: `"1000"`, `-price`: `-1.5`,
		`$type(id)`: `"number"`, `list^(>$)`: `[2.00,1.0]`, `$distinct([1, 1.0, e, 1000])`: `[1,1e3]`, `$boolean(price)`: `true`,
		`[1..e][0]`: `1`, `list[$$.e - 999]`: `2.00`, `$floor(price)`: `1`, `price > 1 ? "a" : "b"`: `"a"`, `$`: encoded(in),
	} {
		if got := encoded(mustEval(t, source, in, Options{})); got != want {
			t.Errorf("%s = %s, want %s", source, got, want)
		}
	}
}

func TestUndefinedIsNotNull(t *testing.T) {
	t.Parallel()
	in := decode(t, `{"a":null}`)
	if v := mustEval(t, `a`, in, Options{}); v != nil {
		t.Errorf("a = %v", v)
	}
	if v := mustEval(t, `b`, in, Options{}); !isUndefined(v) {
		t.Errorf("b = %v", v)
	}
}

// TestResultsAreJSON looks at what an expression can build that is no JSON.
func TestResultsAreJSON(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		`1/0`: `null`, `[1/0, 0/0]`: `[null,null]`, `{"a": -1/0}`: `{"a":null}`, `$match("b", /(a)?b/).groups`: `[null]`,
		`{"a": [1..3], "b": {"c": (1;2)}}`: `{"a":[1,2,3],"b":{"c":2}}`, `[[1..2]]`: `[[1,2]]`,
	} {
		if got := encoded(mustEval(t, source, nil, Options{})); got != want {
			t.Errorf("%s = %s, want %s", source, got, want)
		}
	}
	for _, source := range []string{`$sum`, `function(){1}`, `[$sum]`, `{"a": {"b": function(){1}}}`, `$sort($sum)`, `$zip($sum)`, `$append($sum, 1)`,
		`function($a)<a:a>{ $a }($sum)`, `$map([1, 2], function(){ $sum })`, `($f := $sum; {"f": [$f]}.f)`, `/a/`, `|a|b|`} {
		if got := codeOf(t, source, Options{}); got != "U1003" {
			t.Errorf("%s: %s", source, got)
		}
	}
}

// TestInputIsNotChanged evaluates what changes objects in the reference.
func TestInputIsNotChanged(t *testing.T) {
	t.Parallel()
	in := decode(t, `{"a":[{"b":1},{"b":2}],"e":[]}`)
	before := encoded(in)
	for _, source := range []string{
		`$ ~> |a|{"c": 1}, "b"|`, `{"x": 1} ~> |$$.a|{"c": 1}, "b"|`, `e{"k": 1}`, `($x := a; $x ~> |$|{"b": 5}|)`, `a^(>b)`, `$reverse(a)`,
	} {
		mustEval(t, source, in, Options{})
		if got := encoded(in); got != before {
			t.Fatalf("%s makes the input %s", source, got)
		}
	}
}

// TestConcurrentUse evaluates one expression in several goroutines; the race detector watches.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	e, err := Parse(`($f := function($n){ $n < 2 ? 1 : $n * $f($n - 1) }; {"f": $f(10), "m": $match("abc", /b(c)/), "g": a{k: $sum(v)}})`)
	if err != nil {
		t.Fatal(err)
	}
	in := decode(t, `{"a":[{"k":"x","v":1},{"k":"y","v":2},{"k":"x","v":3}]}`)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				v, _, err := e.Eval(in, Options{})
				if want := `{"f":3628800,"m":{"match":"bc","index":1,"groups":["c"]},"g":{"x":4,"y":2}}`; err != nil || encoded(v) != want {
					t.Errorf("%s, %v", encoded(v), err)
					return
				}
			}
		})
	}
	all.Wait()
}

func TestMessages(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		`1 + "x"`:              `T2002: the right side of the "+" operator must be a number`,
		`"x" + 1`:              `T2001: the left side of the "+" operator must be a number`,
		`$number("five")`:      `D3030: cannot make a number of: "five"`,
		`count([1])`:           `T1005: attempted to call something that is no function; did you mean $count?`,
		`$length(5)`:           `T0410: argument 1 of function "length" does not match its signature`,
		`$sum(["a"])`:          `T0412: argument 1 of function "sum" must be an array of "numbers"`,
		`(1`:                   `S0203: expected ")" before the end of the expression`,
		`1 < "a"`:              `T2009: the values 1 and "a" on the two sides of operator "<" must be of the same type`,
		`$error("too late")`:   `D3137: too late`,
		`$assert(false)`:       `D3141: $assert() failed`,
		`a.(?=b)`:              `S0211: "?" cannot be used as a prefix operator`,
		`$match("a", /(?=a/)`:  `S0302`,
		`$match("a", /(a)\2/)`: `U1002: this regular expression is not supported: "(a)\\2": "a back-reference to a group that is not there"`,
		`$match("a", /a**/)`:   `U1002`,
		`$merge([{"a": ` + strings.Repeat("[", 50) + strings.Repeat("]", 50) + `}]) + 1`: `T2001`,
	} {
		e, err := Parse(source)
		if err == nil {
			_, _, err = e.Eval(nil, Options{})
		}
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", source, err, want)
		}
	}
}
