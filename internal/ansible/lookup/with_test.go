package lookup_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"tutti/internal/ansible/document"
	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/lookup"
	"tutti/internal/ansible/value"
)

func TestLoopsAreThoseOfAnsible(t *testing.T) {
	p := newPlay(t.TempDir())
	if err := os.CopyFS(p.base, os.DirFS("world/testdata/folder")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/loops.yml")
	if err != nil {
		t.Fatal(err)
	}
	n, diags := document.Parse(text, "loops.yml", document.Options{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	p.variables = n.Get("variables").Value().(*value.Dict)
	data, err := os.ReadFile("testdata/loops.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	loops := n.Get("loops").Items
	tested := 0
	for line := range strings.Lines(string(data)) {
		var a struct {
			N int
			V json.RawMessage
			X string
		}
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		kind, _ := loops[a.N].Get("with").Text()
		terms := loops[a.N].Get("terms").Value()
		got, err := lookup.With(p.env, p.context(), lookup.Loop{Lookup: kind, Terms: terms, Action: "debug"})
		text := "error: "
		if err != nil {
			text += err.Error()
		} else {
			raw, err := value.JSON(got)
			if err != nil {
				t.Fatal(err)
			}
			text = string(raw)
		}
		want := "error: " + strings.TrimPrefix(a.X, "Task failed: ")
		if a.X == "" {
			v, err := value.ParseJSON(a.V)
			if err != nil {
				t.Fatal(err)
			}
			raw, _ := value.JSON(v)
			want = string(raw)
		}
		if text = strings.ReplaceAll(text, p.base, "BASE"); text != want {
			t.Errorf("with_%s: %s\n got %s\nwant %s", kind, value.Repr(terms), text, want)
		}
		tested++
	}
	if tested != len(loops) {
		t.Errorf("%d of %d loops were compared", tested, len(loops))
	}
}

// loop gives the items of a loop as Python prints them.
func loop(t *testing.T, p *play, kind, action string, terms any) string {
	t.Helper()
	v, err := lookup.With(p.env, p.context(), lookup.Loop{Lookup: kind, Terms: terms, Action: action})
	if err != nil {
		return "error: " + err.Error()
	}
	return value.Repr(v)
}

func TestFirstFoundLooksWhereTheTaskTakesItsFilesFrom(t *testing.T) {
	p := newPlay(t.TempDir())
	if err := os.CopyFS(p.base, os.DirFS("world/testdata/folder")); err != nil {
		t.Fatal(err)
	}
	for action, want := range map[string]string{
		"ansible.builtin.template": "['" + p.base + "/templates/t.j2']",
		"include_vars":             "error: The lookup plugin 'first_found' failed: No file was found when using first_found.",
	} {
		if got := loop(t, p, "first_found", action, value.NewList("t.j2")); got != want {
			t.Errorf("%s: got %s, want %s", action, got, want)
		}
	}
}

func TestWhatIsUnknownStaysSo(t *testing.T) {
	p := newPlay(t.TempDir())
	u := &value.Unknown{Why: "the result of a task"}
	p.variables.Set("u", u)
	for _, c := range []struct {
		kind  string
		terms any
		want  string
	}{
		{"items", value.NewList(u, "a"), "[(unknown until applied), 'a']"},
		{"items", u, "(unknown until applied)"},
		{"dict", value.NewList(u), "(unknown until applied)"},
		{"nested", value.NewList(value.NewList(u), value.NewList("a")), "[[(unknown until applied), 'a']]"},
		{"nested", value.NewList(u, value.NewList("a")), "(unknown until applied)"},
		{"sequence", value.NewList(u), "(unknown until applied)"},
		{"file", value.NewList(u), "(unknown until applied)"},
		{"first_found", value.NewList(u), "(unknown until applied)"},
	} {
		if got := loop(t, p, c.kind, "debug", c.terms); got != c.want {
			t.Errorf("with_%s: got %s, want %s", c.kind, got, c.want)
		}
	}
	if len(p.reached) > 0 {
		t.Errorf("a worker was asked for %v, whose terms are unknown", p.reached)
	}
}

func TestALookupThatIsNotAnsweredYetEndsTheEvaluation(t *testing.T) {
	p := newPlay(t.TempDir())
	for _, expression := range []string{"lookup('slow', 1)", "lookup('slow', errors='ignore')", "lookup('slow') | default('x', true)", "lookup('slow') is defined"} {
		template, err := p.env.Parse("{{ "+expression+" }}", "")
		if err != nil {
			t.Fatal(err)
		}
		_, err = template.Native(p.context())
		var pending *jinja.Pending
		if !errors.As(err, &pending) {
			t.Errorf("%s: got %v, want to be put off", expression, err)
		}
	}
}

func TestLookupsThatWouldFillTheMemoryAreRefused(t *testing.T) {
	p := newPlay(t.TempDir())
	p.variables.Set("big", value.NewList(make([]any, 3000)...))
	for _, expression := range []string{"query('nested', big, big)", "query('sequence', 'end=1000000000')", "query('sequence', 'start=1 end=9223372036854775807 stride=1')"} {
		if got := p.native(expression); !strings.Contains(got, "would make more than 1000000 items") {
			t.Errorf("%s: got %.200s", expression, got)
		}
	}
}
