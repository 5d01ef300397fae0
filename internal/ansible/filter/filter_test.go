package filter_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"tutti/internal/ansible/filter"
	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/builtin"
	"tutti/internal/ansible/lookup/world"
	"tutti/internal/ansible/value"
)

func environment() *jinja.Environment {
	e := builtin.New(jinja.Options{})
	filter.Register(e)
	return e
}

// variables are those of testdata/record.py.
func variables() jinja.Variables {
	list, dict := value.NewList, value.NewDict
	return jinja.Dict{Dict: dict(
		"hosts", list(dict("name", "web", "port", int64(80), "tags", list("a", "b")), dict("name", "db", "port", int64(5432), "tags", list())),
		"users", dict("ann", dict("uid", int64(1), "keys", list("k1", "k2")), "bob", dict("uid", int64(2))),
		"result", dict("changed", true, "failed", false, "results", list()),
		"bad", dict("failed", true, "unreachable", true, "skipped", true),
		"nested", dict("a", dict("b", dict("c", list(int64(1), int64(2))), "l", list(int64(1), int64(2))), "x", int64(1)),
		"yaml", "a: yes\nb: 0644\nc: 1:30\nd: 2020-01-01\ne: ~\nf: 1e3\ng: .inf\nh: 0o7\ni: 0x1F\nj: [1, {k: v}]\nk: |\n  x\n  y\nl: >\n  x\n  y\n",
		"documents", "---\na: 1\n---\n- b\n...\n---\n", "broken", "a: 1\n b: 2\n", "twice", "a: 1\na: 2\n",
		"anchors", "a: &x [1, 2]\nb: *x\n", "paragraph", strings.Repeat("lorem ipsum dolor sit amet consectetur ", 5),
		"text", "line one\nline two\n", "empty", "", "nothing", nil, "word", "Hello, World",
		"groups", dict("all", list("h1", "h2", "h3"), "web", list("h1", "h2"), "db", list("h3"), "ungrouped", list()),
	)}
}

func context() jinja.Context {
	home := func(name string) (string, bool) { return "/home/tester", name == "HOME" }
	return jinja.Context{Variables: variables(), Now: time.Unix(0, 0).UTC(), Data: &world.Machine{Environment: home}}
}

type answer struct{ E, V, X string }

func answers(t *testing.T, path string) []answer {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var all []answer
	for line := range strings.Lines(string(data)) {
		var a answer
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	return all
}

func TestResultsAreThoseOfAnsible(t *testing.T) {
	e := environment()
	wrong := 0
	all := answers(t, "testdata/recorded.jsonl")
	for _, a := range all {
		got := ""
		template, err := e.Parse("{{ "+a.E+" }}", "")
		if err == nil {
			var v any
			v, err = template.Native(context())
			got = value.Repr(v)
		}
		want := a.V
		if a.X != "" {
			want = "error: " + a.X
		}
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != want {
			wrong++
			t.Errorf("%s\n got %s\nwant %s", a.E, got, want)
		}
	}
	if len(all) < 500 {
		t.Errorf("only %d expressions were recorded", len(all))
	}
	t.Logf("%d expressions, %d of them differ", len(all), wrong)
}
