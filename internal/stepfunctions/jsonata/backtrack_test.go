package jsonata

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestLookAround holds the machine that backtracks against what Node's RegExp found: all matches, with their groups, of
// the lines of testdata/lookaround.jsonl.
func TestLookAround(t *testing.T) {
	t.Parallel()
	file, err := os.Open("testdata/lookaround.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	n := 0
	for lines := bufio.NewScanner(file); lines.Scan(); n++ {
		var c struct {
			Pattern, Flags, Text string
			Matches              [][]any
		}
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		b, err := newBacktracker(c.Pattern, c.Flags)
		if err != nil {
			t.Errorf("/%s/: %v", c.Pattern, err)
			continue
		}
		got, err := allMatches(b, c.Text, 4)
		if err != nil || !reflect.DeepEqual(got, append([][]any{}, c.Matches...)) {
			t.Errorf("/%s/%s in %q: %v (%v), want %v", c.Pattern, c.Flags, c.Text, got, err, c.Matches)
		}
	}
	if n < 50 {
		t.Errorf("there are %d lines only", n)
	}
}

// allMatches gives up to n matches as the recording has them: the place in UTF-16 units, the text, the groups.
func allMatches(b *backtracker, text string, n int) ([][]any, error) {
	r := newRun(&Expr{}, nil, Options{})
	out := [][]any{}
	for start := 0; start <= len(text) && len(out) < n; {
		places, err := b.find(r, text, start)
		if err != nil || places == nil {
			return out, err
		}
		one := []any{float64(utf16Offset(text, places[0]))}
		for i := 0; i < len(places); i += 2 {
			if places[i] < 0 || places[i+1] < 0 {
				one = append(one, nil)
			} else {
				one = append(one, text[places[i]:places[i+1]])
			}
		}
		out = append(out, one)
		if start = places[1]; places[0] == places[1] {
			start++
		}
	}
	return out, nil
}

// TestLookAroundInExpressions goes through the functions that take regular expressions.
func TestLookAroundInExpressions(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		`$match("a1b22", /(?<=[a-z])\d+/).match`:            `["1","22"]`,
		`$replace("1234567", /(\d)(?=(?:\d{3})+$)/, "$1,")`: `"1,234,567"`,
		`$split("a, b;c", /(?<=[,;])\s/)`:                   `["a,","b;c"]`,
		`$contains("abab", /(ab)\1/)`:                       `true`,
		`$contains("abba", /(ab)\1/)`:                       `false`,
		`$match("ab", /(?<x>a)(?=b)/).groups`:               `["a"]`,
	} {
		e, err := Parse(source)
		if err != nil {
			t.Errorf("%s: %v", source, err)
			continue
		}
		v, _, err := e.Eval(nil, Options{})
		if got := encoded(v); err != nil || got != want {
			t.Errorf("%s: %s (%v), want %s", source, got, err, want)
		}
	}
}

// TestHostileLookAround ends with an error, whatever a pattern would cost.
func TestHostileLookAround(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("a", 5000)
	for _, pattern := range []string{`(?=(a+)+$)(a+)+b`, `(a|aa)+(?!a)b`, `(a*)*(?=b)`, `(?:(?:a?){20}a{20})+(?=b)\b`, `(.*)(.*)(.*)(.*)\4(?=x)`, `(?<=(a+)+b)c|(?<=(a+)+)z`} {
		e, err := Parse(fmt.Sprintf(`$match("%s", /%s/)`, many, pattern))
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = e.Eval(nil, Options{Limits: Limits{MaxSteps: DefaultMaxSteps / 20}})
		if err == nil || !strings.Contains(err.Error(), "U1001") {
			t.Errorf("/%s/: %v", pattern, err)
		}
	}
	for _, pattern := range []string{strings.Repeat("(?=(", 300) + strings.Repeat("))", 300), `(?=a){1001}`, `(?:(?:(?:a{100}){100}){100})(?=b)`, `(?=a`, `(?<a>x)(?<a>y)\1`,
		`\2(a)`, `\k<b>(?<a>c)`, `(?=a))`, `(?=+)`, `^*(?=a)`, `(?=a)**`, `(?=[a)`, `(?=a{2,1})`, `(?*a)\1`, `\1` + strings.Repeat("(a)", 1001)} {
		if _, err := compilePattern(pattern, ""); err == nil {
			t.Errorf("/%.40s/ is taken", pattern)
		}
	}
}

// FuzzLookAround looks for patterns and texts that bring the machine down.
func FuzzLookAround(f *testing.F) {
	f.Add(`(?<=a(b)?)\1c{2,}`, "i", "abcc")
	f.Add(`(?!x|(?=y))[^a-z]\b.*?$`, "m", "1\n2")
	f.Add(`(?<n>é+)\k<n>(?=\s)`, "", "éé ")
	f.Fuzz(func(t *testing.T, pattern, flags, text string) {
		if len(text) > 1000 || len(pattern) > 200 {
			return
		}
		b, err := newBacktracker(pattern, flags)
		if err != nil {
			return
		}
		r := newRun(&Expr{}, nil, Options{Limits: Limits{MaxSteps: 100_000}})
		places, err := b.find(r, text, 0)
		if err != nil {
			return
		}
		for i := 0; i+1 < len(places); i += 2 {
			if from, to := places[i], places[i+1]; from >= 0 && to >= 0 && (from > to || to > len(text)) {
				t.Errorf("/%s/ in %q: %v", pattern, text, places)
			}
		}
	})
}
