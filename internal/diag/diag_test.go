package diag

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"
)

func TestID(t *testing.T) {
	for headline, want := range map[string]string{
		"Unsupported argument":           "unsupported-argument",
		`Invalid "count" attribute`:      "invalid-count-attribute",
		"Cycle":                          "cycle",
		"  Odd -- spacing, and a stop. ": "odd-spacing-and-a-stop",
	} {
		if got := (&Diagnostic{Headline: headline}).ID(); got != want {
			t.Errorf("%q has the ID %q, want %q", headline, got, want)
		}
	}
	if got := (Diagnostic{Headline: "Cycle"}).WithID("other").ID(); got != "other" {
		t.Errorf("the ID that was set is %q", got)
	}
}

func TestSuggest(t *testing.T) {
	names := []string{"region", "regions", "filename", "file_permission", "id"}
	for given, want := range map[string]string{
		"regoin": "region", "filname": "filename", "fil_permission": "file_permission", "xyz": "", "region": "regions", "": "",
	} {
		if got := Suggest(given, names); got != want {
			t.Errorf("for %q %q is suggested, want %q", given, got, want)
		}
	}
}

// distance with its cut-off agrees with the plain recursion wherever it does not
// cut off.
func TestDistance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringOfN(rapid.RuneFrom([]rune("ab_c")), 0, 6, -1)
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		want := naive(a, b)
		if got := distance(a, b, 100); got != want {
			t.Fatalf("distance(%q, %q) = %d, want %d", a, b, got, want)
		}
		if got := distance(a, b, 2); want < 2 && got != want || want >= 2 && got < 2 {
			t.Fatalf("distance(%q, %q) cut off at 2 = %d, want %d", a, b, got, want)
		}
	})
}

// naive counts insertions, deletions, replacements and swaps of neighbours.
func naive(a, b string) int {
	if a == "" || b == "" {
		return len(a) + len(b)
	}
	cost := 1
	if a[0] == b[0] {
		cost = 0
	}
	best := min(naive(a[1:], b)+1, naive(a, b[1:])+1, naive(a[1:], b[1:])+cost)
	if len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] {
		best = min(best, naive(a[2:], b[2:])+1)
	}
	return best
}

func TestListsAreNotChanged(t *testing.T) {
	original := Errorf(nil, "Headline", "Detail of %s.", "it")
	rng := hcl.Range{Filename: "main.tf", Start: hcl.Pos{Line: 3}}
	placed := original.At(rng).In("a.b")
	if original[0].Subject != nil || original[0].Address != "" {
		t.Error("At or In changed the list that it was given")
	}
	if placed[0].Subject == nil || placed[0].Address != "a.b" {
		t.Errorf("the list was not placed: %#v", placed[0])
	}
	if got := placed[0].Error(); got != "main.tf:3: Headline: Detail of it." {
		t.Errorf("as an error it reads %q", got)
	}
	if Warnf(nil, "Only", "A warning.").Err() != nil {
		t.Error("a warning became an error")
	}
}

func TestSorted(t *testing.T) {
	at := func(file string, at int) *hcl.Range { return &hcl.Range{Filename: file, Start: hcl.Pos{Byte: at}} }
	list := append(append(append(Errorf(nil, "No place", ""), Errorf(at("b.tf", 1), "B", "")...), Errorf(at("a.tf", 9), "A9", "")...), Errorf(at("a.tf", 2), "A2", "")...)
	list = append(list, list...)
	var got []string
	for _, d := range list.Sorted() {
		got = append(got, d.Headline)
	}
	if s := strings.Join(got, " "); s != "A2 A9 B No place" {
		t.Errorf("sorted without repetitions: %s", s)
	}
}

// What stands beside an expression in a message never shows a secret.
func TestValuesAreSafe(t *testing.T) {
	e, hd := hclsyntax.ParseExpression([]byte(`upper(var.key) + var.port`), "main.tf", hcl.InitialPos)
	if hd.HasErrors() {
		t.Fatal(hd)
	}
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{"var": cty.ObjectVal(map[string]cty.Value{
		"key": cty.StringVal("hunter2").Mark("sensitive"), "port": cty.NumberIntVal(80)})}}
	d := FromHCL(hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Bad", Expression: e, EvalContext: ctx}})
	text := strings.Join(d[0].Values, "\n")
	if strings.Contains(text, "hunter2") || !strings.Contains(text, "var.key has a sensitive value") || !strings.Contains(text, "var.port is 80") {
		t.Errorf("the values are shown as:\n%s", text)
	}
}

func TestDescribe(t *testing.T) {
	for want, v := range map[string]cty.Value{
		"is null":                             cty.NullVal(cty.String),
		"will be known only after apply":      cty.DynamicVal,
		"is a number, known only after apply": cty.UnknownVal(cty.Number),
		`is "x"`:                              cty.StringVal("x"),
		"is 1.5":                              cty.NumberFloatVal(1.5),
		"is true":                             cty.True,
		"is tuple with 2 elements":            cty.TupleVal([]cty.Value{cty.True, cty.False}),
		"is list of string with 1 element":    cty.ListVal([]cty.Value{cty.StringVal("a")}),
	} {
		if got := Describe(v); got != want {
			t.Errorf("%#v is described as %q, want %q", v, got, want)
		}
	}
}
