package jsonata

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// hostile are expressions that would run or grow without end if nothing stopped them.
var hostile = []string{
	`($f := function(){ $f() }; $f())`,
	`($f := function($n){ 1 + $f($n) }; $f(0))`,
	`($f := function($n){ [$f($n), $f($n)] }; $f(0))`,
	`($f := function($x){ $g($x) }; $g := function($x){ $f($x) }; $f(1))`,
	`($f := function($s){ $f($s & $s) }; $f("x"))`,
	`($f := function($s){ $f($append($s, $s)) }; $f([1, 2]))`,
	`($f := function($s){ $f([$s, $s]) }; $f([1, 2]))`,
	`($f := function($s){ $f({"a": $s}) }; $f(1))`,
	`($f := function($s){ $f($zip($s, $s)) }; $f([1..1000]))`,
	`($f := function($s){ $f($pad($s, $length($s) * 2, "ab")) }; $f("x"))`,
	`$pad("x", 1e300)`,
	`$pad("x", -1e15, "abc")`,
	`[1..1e7].[1..1e7]`,
	`[1..1e6].($sum([1..1e6]))`,
	`$map([1..1e7], function($x){ [1..1000] })`,
	`$reduce([1..1e6], function($a, $b){ $a & "0123456789" })`,
	`$sort([1..1e6], function($a, $b){ $count([1..1000]) > 0 })`,
	`[1..1e6]^($sum([1..1000]))`,
	`$distinct([1..1e7].{"a": $, "b": [$]})`,
	`($a := [1..1e6]; $a[$ in $a])`,
	`($a := [1..1e6].[$]; $a = $a)[[1..1e7]]`,
	`($f := $map; $g := function($x){ $map([1..100], $g) }; $g(1))`,
	`$replace($pad("", 1e6, "a"), /a/, $pad("", 1e6, "b"))`,
	`$replace($pad("", 1e6, "a"), "a", $pad("", 1e6, "b"))`,
	`$match($pad("", 1e6, "a"), /a(.*b)?/)`,
	`$split($pad("", 5e6, "a"), /a/)`,
	`$string([1..1e7].{"x": "0123456789012345678901234567890123456789"})`,
	`$eval($pad("1", 1e6, "+1"))`,
	`($f := function($s){ $eval("$f($s)") }; $f(1))`,
	`$join([1..1e6].$string($pad("x", 1000)))`,
	`($f := function($n, $t){ $n = 0 ? $t : $f($n - 1, [[$t]]) }; $string($f(1e5, 1)))`,
	`($f := function($n, $t){ $n = 0 ? $t : $f($n - 1, {"a": $t}) }; $f(1e5, 1))`,
	`($f := function($n, $t){ $n = 0 ? $t : $f($n - 1, {"a": $t}) }; $t := $f(1e5, 1); $t = $clone($t))`,
	`($f := function($n, $t){ $n = 0 ? $t : $f($n - 1, {"a": $t}) }; $f(1e5, 1).**)`,
	`($f := function($n, $t){ $n = 0 ? $t : $f($n - 1, [[$t, 1]]) }; $f(1e5, 1).a)`,
	`($f := function($n, $g){ $n = 0 ? $g : $f($n - 1, $g ~> function($x){ $x }) }; $f(1e6, function($x){ $x })(1))`,
	`($f := function($n, $g){ $n = 0 ? $g : $f($n - 1, function($x){ 1 + $g($x) }) }; $f(1e5, function($x){ $x })(1))`,
	`($f := function($o){ $f($o ~> |$|{"x": $}|) }; $f({"a": 1}))`,
	`($f := function($o){ $f($merge([$o, {$string($count($keys($o))): 1}])) }; $f({}))`,
	`$formatInteger(1e15, $pad("", 4000, "#,") & "0") ~> function($x){ $map([1..1e7], function(){ $x & $x }) }`,
	`$toMillis($pad("", 1e6, "1"), $pad("", 3999, "[Y]")) ~> function($x){ [1..1e7].[1..10] }`,
	`[1..1e7]@$a.[1..1e7]@$b.($a + $b)`,
	`[1..10000]@$a.$$.x#$i{$string($i): $a} ~> function($x){ [1..1e7].[$x, $x] }`,
	`$power(9.999, 1e9) & $map([1..1e7], function($x){ $power($x, 1000) })`,
}

// TestHostile holds evaluations to their limits.
func TestHostile(t *testing.T) {
	t.Parallel()
	small := Limits{MaxSteps: 500_000, MaxMemory: 32 << 20}
	for _, source := range hostile {
		e, err := Parse(source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		_, _, err = e.Eval(Undefined, Options{Limits: small})
		if bad := (*Error)(nil); !errors.As(err, &bad) || bad.Code != "U1001" && bad.Code != "D2014" && bad.Code != "D3061" {
			t.Errorf("%s: got %v, want the error of a limit", source, err)
		}
	}
}

// TestDefaultLimits reaches each limit with its default.
func TestDefaultLimits(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		`($a := [1..1e6]; [1..100].($sum($a)))`:              "too many steps",
		`($f := function($n){ 1 + $f($n) }; $f(0))`:          "nests too deep",
		`($f := function($s){ $f($s & $s) }; $f("0123456"))`: "builds too much",
	} {
		e, err := Parse(source)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = e.Eval(nil, Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", source, err, want)
		}
	}
}

// TestDeepRecursion sees to it that the default depth is enough for honest recursion.
func TestDeepRecursion(t *testing.T) {
	t.Parallel()
	e, err := Parse(`($f := function($n){ $n = 0 ? 0 : 1 + $f($n - 1) }; $f(3000))`)
	if err != nil {
		t.Fatal(err)
	}
	if v, _, err := e.Eval(nil, Options{}); v != 3000.0 {
		t.Errorf("got %v, %v", v, err)
	}
}

// TestParseLimits reaches the limits of the parser.
func TestParseLimits(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]string{
		"long":        strings.Repeat(" ", maxSource+1),
		"parentheses": strings.Repeat("(", 1e5),
		"brackets":    strings.Repeat("[", 1e5),
		"left":        "1" + strings.Repeat("+1", 1e5),
		"right":       strings.Repeat("a?", 1e5) + "b",
		"default":     "a" + strings.Repeat("?:a", 1e5),
		"nested or":   strings.Repeat("(", 100) + "a" + strings.Repeat("?:1)", 1e5),
		"minus":       strings.Repeat("-", 1e5) + "1",
		"predicates":  "a" + strings.Repeat("[a", 1e5),
		"functions":   strings.Repeat("function(){", 1e5),
		"regexp":      "/" + strings.Repeat("a", maxPattern+1) + "/",
	} {
		_, err := Parse(source)
		if bad := (*Error)(nil); !errors.As(err, &bad) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, source := range map[string]string{
		"steps":   "a" + strings.Repeat(".a", 1000),
		"strings": `"a"` + strings.Repeat(` & "a"`, 1000),
	} {
		if _, err := Parse(source); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestManyVariables binds and reads more variables than could be searched one by one.
func TestManyVariables(t *testing.T) {
	t.Parallel()
	var bind, read strings.Builder
	for i := range 30_000 {
		fmt.Fprintf(&bind, "$v%d:=%d;", i, i)
		fmt.Fprintf(&read, "$v%d,", i)
	}
	source := "(" + bind.String() + "$count([" + strings.TrimSuffix(read.String(), ",") + "]))"
	e, err := Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	if v, _, err := e.Eval(nil, Options{}); v != 30_000.0 {
		t.Errorf("got %v, %v", v, err)
	}
	free, err := Parse("[" + strings.TrimSuffix(read.String(), ",") + "]")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(free.Variables()); n != 30_000 {
		t.Errorf("%d free variables", n)
	}
}

// TestPictureLimits reaches the bound on pictures.
func TestPictureLimits(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"$formatNumber(1, P)", "$formatInteger(1, P)", "$parseInteger('1', P)", "$fromMillis(0, P)", "$toMillis('1', P)"} {
		e, err := Parse(strings.Replace(call, "P", `$pad("0", 5000, "0")`, 1))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err = e.Eval(nil, Options{}); err == nil || !strings.HasPrefix(err.Error(), "U1001") {
			t.Errorf("%s: %v", call, err)
		}
	}
	e, err := Parse(`$formatInteger(1e9, "I")`)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := e.Eval(nil, Options{}); err == nil {
		t.Error("a number with a million letters is written in Roman numerals")
	}
}
