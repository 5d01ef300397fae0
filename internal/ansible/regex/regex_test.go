package regex

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type recordedMatch struct {
	Span   []int          `json:"span"`
	Groups []any          `json:"groups"`
	Names  map[string]any `json:"names"`
}

type recordedCase struct {
	Pattern   string         `json:"pattern"`
	Error     string         `json:"error"`
	Text      string         `json:"text"`
	Search    *recordedMatch `json:"search"`
	Match     *recordedMatch `json:"match"`
	FullMatch *recordedMatch `json:"fullmatch"`
	All       [][]int        `json:"all"`
	Split     []any          `json:"split"`
	Split1    []any          `json:"split1"`
	Sub       map[string]struct {
		Value []any  `json:"value"`
		Error string `json:"error"`
	} `json:"sub"`
}

// TestRecorded holds the package to what Python's re gave for the same patterns and texts
// (testdata/record.py).
func TestRecorded(t *testing.T) {
	data, err := os.ReadFile("testdata/recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct {
		Escape map[string]string
		Cases  []recordedCase
	}
	if err := json.Unmarshal(data, &recorded); err != nil {
		t.Fatal(err)
	}
	for s, want := range recorded.Escape {
		if got := Escape(s); got != want {
			t.Errorf("Escape(%q) = %q, want %q", s, got, want)
		}
	}
	for _, c := range recorded.Cases {
		t.Run(c.Pattern+"/"+c.Text, func(t *testing.T) { testCase(t, c) })
	}
}

func testCase(t *testing.T, c recordedCase) {
	re, err := Compile(c.Pattern, 0)
	if c.Error != "" {
		if err == nil || err.Error() != lineless(c.Error) {
			t.Errorf("error is %v, want %s", err, c.Error)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]struct {
		find func(string) (*Match, error)
		want *recordedMatch
	}{"search": {re.Search, c.Search}, "match": {re.Match, c.Match}, "fullmatch": {re.FullMatch, c.FullMatch}} {
		m, err := try.find(c.Text)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(try.want, describe(re, m)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
	all, err := re.FindAll(c.Text)
	spans := [][]int{}
	for _, m := range all {
		start, end := m.Span(0)
		spans = append(spans, []int{start, end})
	}
	if diff := cmp.Diff(c.All, spans); diff != "" || err != nil {
		t.Errorf("all: %v (-want +got)\n%s", err, diff)
	}
	for limit, want := range [][]any{c.Split, c.Split1} {
		got, err := re.Split(c.Text, limit)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("split %d: %v (-want +got)\n%s", limit, err, diff)
		}
	}
	for template, want := range c.Sub {
		got, n, err := re.Sub(template, c.Text, 0)
		switch {
		case want.Error != "":
			if err == nil || err.Error() != want.Error {
				t.Errorf("sub %q: error is %v, want %s", template, err, want.Error)
			}
		case err != nil || got != want.Value[0] || float64(n) != want.Value[1]:
			t.Errorf("sub %q: %q, %d, %v; want %q", template, got, n, err, want.Value)
		}
	}
}

// lineless takes from Python's message where in a pattern of many lines it is.
func lineless(message string) string {
	before, _, _ := strings.Cut(message, " (line")
	return before
}

func describe(re *Regex, m *Match) *recordedMatch {
	if m == nil {
		return nil
	}
	start, end := m.Span(0)
	d := &recordedMatch{Span: []int{start, end}, Groups: m.Groups(), Names: map[string]any{}}
	for _, name := range re.Names() {
		if name == "" {
			continue
		}
		d.Names[name] = nil
		if s, ok, _ := m.Named(name); ok {
			d.Names[name] = s
		}
	}
	return d
}

func TestBytes(t *testing.T) {
	for _, c := range []struct{ pattern, text, template, want string }{
		{"ü.", "\xff\xfeü\xff!", "<\\g<0>>", "\xff\xfe<ü\xff>!"},
		{`\w+`, "é-a", "W", "é-W"},
		{`[^a]`, "é", "x", "xx"},
	} {
		re, err := Compile(c.pattern, Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := re.Sub(c.template, c.text, 0); got != c.want || err != nil {
			t.Errorf("Sub(%q, %q) = %q, %v; want %q", c.pattern, c.text, got, err, c.want)
		}
	}
}

// TestBrokenText sends bytes that are not UTF-8 through a search that knows characters.
func TestBrokenText(t *testing.T) {
	re, err := Compile(`(.)b`, 0)
	if err != nil {
		t.Fatal(err)
	}
	got, n, err := re.Sub(`[\1]`, "\xffab\xfe\xc3b", 0)
	if want := "\xff[a]\xfe[\xc3]"; got != want || n != 2 || err != nil {
		t.Errorf("got %q, %d, %v; want %q", got, n, err, want)
	}
}

func TestLimits(t *testing.T) {
	if _, err := Compile(strings.Repeat("(", nestingLimit+1), 0); err == nil || !strings.Contains(err.Error(), "deep in each other") {
		t.Errorf("deep groups: %v", err)
	}
	if _, err := Compile(strings.Repeat("a", patternLimit+1), 0); err == nil {
		t.Error("an endless pattern is accepted")
	}
	re, err := Compile(`(a+)+b`, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := re.WithLimit(50 * time.Millisecond).Search(strings.Repeat("a", 64)); err == nil {
		t.Error("a search without end is not given up")
	}
}

func FuzzCompile(f *testing.F) {
	for _, seed := range []string{`a(b)?`, `(?P<n>x)(?P=n)`, `[\W\d-]++`, `(?x) a # b`, `(?(1)a)`, `\x41{2,3}?`, "[]\xff]"} {
		f.Add(seed, "abc", `\1`)
	}
	f.Fuzz(func(t *testing.T, pattern, text, template string) {
		if len(pattern) > 40 || len(text) > 20 {
			return
		}
		re, err := Compile(pattern, 0)
		if err != nil {
			return
		}
		re = re.WithLimit(time.Second)
		m, err := re.Search(text)
		if err != nil || m == nil {
			return
		}
		if !strings.Contains(text, m.String()) {
			t.Errorf("%q found %q in %q", pattern, m, text)
		}
		re.Sub(template, text, 0)
	})
}
