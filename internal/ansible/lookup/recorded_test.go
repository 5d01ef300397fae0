package lookup_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tutti/internal/ansible/filter"
	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/builtin"
	"tutti/internal/ansible/lookup"
	"tutti/internal/ansible/lookup/world"
	"tutti/internal/ansible/value"
)

// play stands for a play: its variables, and a machine that answers at once.
type play struct {
	*world.Machine
	env       *jinja.Environment
	variables *value.Dict
	base      string
	// reached are the lookups that a worker was asked for.
	reached []string
	folder  string
}

var _ lookup.Caller = (*play)(nil)

func (p *play) Variable(name string) (any, bool, error) {
	v, ok := p.variables.Get(name)
	return v, ok, nil
}

func (p *play) Names() []string {
	var names []string
	for _, k := range p.variables.Keys() {
		names = append(names, k.(string))
	}
	return names
}

func (p *play) Reach(r lookup.Request) ([]any, error) {
	p.reached = append(p.reached, r.Name)
	if r.Name == "slow" {
		return nil, &jinja.Pending{What: r.Name}
	}
	return p.Lookup(context.Background(), world.Request{Request: r, Search: []string{p.base}, Base: p.base})
}

func (p *play) Knows(name string) bool { return name == "slow" }

func (p *play) Inside(vars *value.Dict, folder string) jinja.Context {
	inner := *p
	inner.variables = p.variables.Shallow()
	inner.variables.Update(vars)
	inner.folder = folder
	return inner.context()
}

func (p *play) context() jinja.Context {
	return jinja.Context{Variables: p, Now: time.Unix(0, 0).UTC(), Data: p, Load: func(name string) (string, error) {
		text, err := os.ReadFile(filepath.Join(p.folder, name))
		return string(text), err
	}}
}

func newPlay(base string) *play {
	list, dict := value.NewList, value.NewDict
	home := func(name string) (string, bool) { return "/home/tester", name == "HOME" }
	config := func(name, _, _ string) (world.Setting, bool) {
		return world.Setting{Value: int64(5), Origin: "default"}, name == "DEFAULT_FORKS"
	}
	p := &play{Machine: &world.Machine{Environment: home, Config: config}, base: base, env: builtin.New(jinja.Options{})}
	filter.Register(p.env)
	lookup.Register(p.env)
	p.variables = dict(
		"hosts", list(dict("name", "web", "port", int64(80), "tags", list("a", "b")), dict("name", "db", "port", int64(5432), "tags", list())),
		"users", dict("ann", dict("uid", int64(1), "keys", list("k1", "k2")), "bob", dict("uid", int64(2))),
		"result", dict("changed", true), "bad", dict("failed", true),
		"nested", dict("a", dict("b", dict("c", list(int64(1), int64(2))), "l", list(int64(1), int64(2))), "x", int64(1)),
		"empty", "", "nothing", nil, "word", "Hello, World",
		"groups", dict("all", list("h1", "h2", "h3"), "web", list("h1", "h2"), "db", list("h3"), "ungrouped", list()),
	)
	return p
}

// native gives the value of an expression as Python prints it, or its error.
func (p *play) native(expression string) string {
	t, err := p.env.Parse("{{ "+expression+" }}", "")
	if err == nil {
		var v any
		if v, err = t.Native(p.context()); err == nil {
			return value.Repr(v)
		}
	}
	return "error: " + err.Error()
}

type answer struct{ E, V, X string }

func compare(t *testing.T, p *play, path string, least int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tested := 0
	for line := range strings.Lines(string(data)) {
		var a answer
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatal(err)
		}
		want := a.V
		if a.X != "" {
			want = "error: " + a.X
		}
		// Ansible leaves out blanks at the end of a message.
		got := strings.TrimRight(strings.ReplaceAll(p.native(a.E), p.base, "BASE"), " ")
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", a.E, got, want)
		}
		tested++
	}
	if tested < least {
		t.Errorf("only %d expressions were recorded", tested)
	}
}

func TestLookupsAreThoseOfAnsible(t *testing.T) {
	compare(t, newPlay(t.TempDir()), "testdata/recorded.jsonl", 200)
}

func TestLookupsInAFolderAreThoseOfAnsible(t *testing.T) {
	base := t.TempDir()
	if err := os.CopyFS(base, os.DirFS("world/testdata/folder")); err != nil {
		t.Fatal(err)
	}
	compare(t, newPlay(base), "world/testdata/recorded.jsonl", 100)
}
