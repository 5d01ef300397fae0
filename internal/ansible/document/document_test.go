package document

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"tutti/internal/ansible/value"
	"tutti/internal/diag"
)

// answer is what ansible-core 2.19.14 made of a text; testdata/record.py records it.
type answer struct {
	Text         string
	Value        *string
	Error        string
	Line, Column int
	Warnings     []string
}

// deviations are texts where we answer otherwise than Ansible, with our answer: it shows
// Python's own words and no place there, or the library is more lenient.
var deviations = map[string]string{
	"a: \x01\n":          "Control characters are not allowed.",
	"a: !!int x\n":       `"x" is no integer of base 10.`,
	"a: 2001-99-99\n":    `"2001-99-99" is no day of the calendar.`,
	"a: 0b_\n":           `"0b_" is no integer of base 2.`,
	"a: !!bool maybe\n":  `"maybe" is no boolean.`,
	"a: !!timestamp 3\n": `"3" is no date and no time.`,
	"k: 2001-02-29\n":    `"2001-02-29" is no day of the calendar.`,
	"---\na\n...\nb\n":   "Expected a single document in the stream but found another document.",
	"{a:}\n":             "{'a': None}",
	"a: {#x#}\n":         "Found a comment without preceding whitespace.",
}

func TestRecorded(t *testing.T) {
	raw, err := os.ReadFile("testdata/documents.recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	var answers []answer
	if err := json.Unmarshal(raw, &answers); err != nil {
		t.Fatal(err)
	}
	for _, want := range answers {
		if ours := deviations[want.Text]; ours != "" {
			want = answer{Text: want.Text, Error: ours}
			if ours[0] == '{' {
				want = answer{Text: want.Text, Value: &ours}
			}
		}
		n, diags := Parse([]byte(want.Text), "file.yml", Options{})
		var warnings []string
		var fault *diag.Diagnostic
		for _, d := range diags {
			switch {
			case d.Severity == diag.Error:
				fault = d
			case d.Headline == DuplicateKey:
				warnings = append(warnings, strings.TrimSuffix(d.Detail, " Using last defined value only."))
			}
		}
		switch {
		case want.Value != nil && fault != nil:
			t.Errorf("%q: got error %s, want %s", want.Text, fault, *want.Value)
		case want.Value != nil:
			if got := value.Repr(n.Value()); got != *want.Value {
				t.Errorf("%q:\n got %s\nwant %s", want.Text, got, *want.Value)
			}
		case fault == nil:
			t.Errorf("%q:\n got %s\nwant error %s", want.Text, value.Repr(n.Value()), want.Error)
		default:
			got, _, _ := strings.Cut(fault.Detail, "\n")
			if got != want.Error {
				t.Errorf("%q:\n got error %s\nwant error %s", want.Text, got, want.Error)
			}
			at := fault.Subject.Start
			if want.Line > 0 && (at.Line != want.Line || at.Column != want.Column) {
				t.Errorf("%q: the error is at %d:%d, want %d:%d", want.Text, at.Line, at.Column, want.Line, want.Column)
			}
		}
		if strings.Join(warnings, "\n") != strings.Join(want.Warnings, "\n") {
			t.Errorf("%q:\n got warnings %q\nwant warnings %q", want.Text, warnings, want.Warnings)
		}
	}
}

func parse(t *testing.T, text string, o Options) *Node {
	t.Helper()
	n, diags := Parse([]byte(text), "file.yml", o)
	if diags.HasErrors() {
		t.Fatalf("%q: %v", text, diags.Err())
	}
	return n
}

func expectError(t *testing.T, text, want string) {
	t.Helper()
	_, diags := Parse([]byte(text), "file.yml", Options{})
	if err := diags.Err(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%.40q: got %v, want an error with %q", text, err, want)
	}
}

func TestKindsOfText(t *testing.T) {
	n := parse(t, "a: '{{ x }}'\nb: x\nc: !vault y\nd: !unsafe ['{{ x }}']\n", Options{})
	d := n.Value().(*value.Dict)
	a, _ := d.Get("a")
	if tpl, ok := a.(*value.Template); !ok || tpl.Text != "{{ x }}" || tpl.Origin.String() != "file.yml:1:4" {
		t.Errorf("a is %#v, want a template of line 1", a)
	}
	if b, _ := d.Get("b"); b != "x" {
		t.Errorf("b is %#v", b)
	}
	c, _ := d.Get("c")
	if v, ok := c.(*value.Vaulted); !ok || v.Text != "y" || v.Origin.Line != 3 {
		t.Errorf("c is %#v, want something vaulted", c)
	}
	if u, _ := d.Get("d"); u.(*value.List).Items[0] != "{{ x }}" {
		t.Errorf("what is unsafe is %#v", u)
	}
	if v := parse(t, "'{{ x }}'", Options{Untrusted: true}).Scalar; v != "{{ x }}" {
		t.Errorf("untrusted text is %#v", v)
	}
	if _, diags := Parse([]byte("!vault x"), "f", Options{PlainTags: true}); !diags.HasErrors() {
		t.Error("!vault is read where there are plain tags only")
	}
}

func TestPlaces(t *testing.T) {
	for _, text := range []string{"é: [a,\n  {b: c}]\n", "{\"é\": [\"a\",\n  {\"b\": \"c\"}]}\n"} {
		n := parse(t, text, Options{})
		k, v := n.Entry("é")
		inner, leaf := v.Items[1].Entry("b")
		var got []string
		for _, at := range []*Node{n, k, v, v.Items[1], inner, leaf} {
			got = append(got, at.Origin.String())
		}
		want := "file.yml:1:1 file.yml:1:1 file.yml:1:4 file.yml:2:3 file.yml:2:4 file.yml:2:7"
		if text[0] == '{' {
			want = "file.yml:1:1 file.yml:1:2 file.yml:1:7 file.yml:2:3 file.yml:2:4 file.yml:2:9"
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%q:\n got %s\nwant %s", text, s, want)
		}
	}
}

func TestDuplicates(t *testing.T) {
	text := []byte("a: 1\na: 2\n")
	if _, diags := Parse(text, "f", Options{Duplicates: RefuseDuplicates}); !diags.HasErrors() {
		t.Error("a duplicate key is not refused")
	}
	if _, diags := Parse(text, "f", Options{Duplicates: IgnoreDuplicates}); len(diags) != 0 {
		t.Errorf("a duplicate key is told of: %v", diags[0])
	}
}

func TestLimits(t *testing.T) {
	expectError(t, strings.Repeat("[", MaxDepth+1)+strings.Repeat("]", MaxDepth+1), "deep")
	expectError(t, "a: &a [*a]\n", "inside of what it is an alias of")
	expectError(t, "a: \xff\n", "UTF-8")
	expectError(t, strings.Repeat(" ", MaxBytes+1), "larger than")
	var laughs strings.Builder
	laughs.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 9; i++ {
		a := string(rune('0' + i))
		b := string(rune('0' + i - 1))
		laughs.WriteString("a" + a + ": &a" + a + " [" + strings.Repeat("*a"+b+", ", 10) + "]\n")
	}
	expectError(t, laughs.String(), "with aliases counted")
	var merges strings.Builder
	merges.WriteString("a0: &a0 {k: v}\n")
	for i := 1; i < 9; i++ {
		a := string(rune('0' + i))
		b := string(rune('0' + i - 1))
		merges.WriteString("a" + a + ": &a" + a + " {<<: [" + strings.Repeat("*a"+b+", ", 40) + "]}\n")
	}
	if _, diags := Parse([]byte(merges.String()), "f", Options{}); len(diags) > maxWarnings {
		t.Errorf("%d warnings", len(diags))
	}
}

func TestExcerpt(t *testing.T) {
	got := Excerpt([]byte("a\nb\nc\n\td: x\n"), value.Origin{Line: 4, Column: 2})
	want := "2 b\n3 c\n4  d: x\n   ^ column 2\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	if got := Excerpt([]byte("a\n"), value.Origin{Line: 2}); got != "" {
		t.Errorf("a line that is not there is shown as %q", got)
	}
}

func TestParseAll(t *testing.T) {
	all, diags := ParseAll([]byte("a\n---\n- b\n---\n"), "f", Options{})
	if diags.HasErrors() || len(all) != 3 || value.Repr(all[1].Value()) != "['b']" || !all[2].Null() {
		t.Errorf("got %v %v", all, diags)
	}
}

func BenchmarkParse(b *testing.B) {
	text := []byte(strings.Repeat("- name: a task\n  ansible.builtin.copy:\n    src: foo\n    dest: \"{{ x }}/1\"\n  when: a is defined\n  tags: [a, b]\n", 5000))
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, diags := Parse(text, "f", Options{}); len(diags) > 0 {
			b.Fatal(diags)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"a: &x {k: !vault v}\nb: {<<: *x}\n", `{"a": [1, 2.5e3, "\u00e9"]}`, "- 1:30\n- 0x1f\n- 2001-01-01\n", "!!omap [a: 1]"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		n, diags := Parse(text, "f", Options{})
		if (n == nil) != diags.HasErrors() {
			t.Fatalf("node %v beside %v", n, diags)
		}
		if n != nil {
			_ = value.Repr(n.Value())
		}
		for _, d := range diags {
			if d.Subject == nil || d.Subject.Start.Line < 1 || d.Detail == "" {
				t.Fatalf("a diagnostic without a place: %v", d)
			}
		}
	})
}
