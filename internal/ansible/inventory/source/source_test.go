package source_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"tutti/internal/ansible/filter"
	"tutti/internal/ansible/inventory"
	"tutti/internal/ansible/inventory/expression"
	"tutti/internal/ansible/inventory/report"
	"tutti/internal/ansible/inventory/source"
	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/builtin"
	"tutti/internal/diag"
)

// answer is what a command of ansible-core 2.19.14 said; testdata/record.py records it.
type answer struct {
	Out  string
	Code int
	Said []string
}

// fixture is one archive of testdata/cases, laid out in a folder.
type fixture struct {
	dir      string
	sources  []string
	limit    string
	patterns []string
	answers  map[string]answer
}

func open(t *testing.T, path string) *fixture {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{dir: dir}
	for line := range strings.Lines(string(archive.Comment)) {
		kind, rest, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch kind {
		case "sources":
			f.sources = strings.Fields(rest)
		case "limit":
			f.limit = rest
		case "pattern":
			f.patterns = append(f.patterns, rest)
		}
	}
	for _, file := range archive.Files {
		full := filepath.Join(dir, file.Name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if strings.HasPrefix(string(file.Data), "#!") {
			mode = 0o755
		}
		if err := os.WriteFile(full, file.Data, mode); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(strings.TrimSuffix(path, ".txtar") + ".json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &f.answers); err != nil {
		t.Fatal(err)
	}
	return f
}

func evaluator() source.Evaluator {
	env := builtin.New(jinja.Options{})
	filter.Register(env)
	return &expression.Evaluator{Environment: env}
}

func (f *fixture) load(t *testing.T) (*inventory.Inventory, diag.List) {
	t.Helper()
	inv, diags := source.Load(context.Background(), slices.Clone(f.sources), source.Options{Dir: f.dir, Evaluator: evaluator()})
	// What comes back from a journal is the same inventory.
	raw, err := json.Marshal(inv)
	if err != nil {
		t.Fatal(err)
	}
	back := &inventory.Inventory{}
	if err := json.Unmarshal(raw, back); err != nil {
		t.Fatal(err)
	}
	return back, diags
}

// differences are answers that differ from Ansible's on purpose, by case and question.
var differences = map[string]string{
	"yaml_basic graph": "Ansible crashes on names of variables that are no text",
}

// harmless is text that Ansible marks as unsafe, though there is nothing in it to render.
var harmless = regexp.MustCompile(`\{\s*"__ansible_unsafe": ("[^"{]*")\s*\}`)

// typeNames are Python's names of types, which we tell without what Ansible adds to them.
var typeNames = regexp.MustCompile(`(?:<class ')?(?:[\w.]*\.)?_AnsibleTagged(\w+)(?:'>)?`)

func TestRecorded(t *testing.T) {
	paths, err := filepath.Glob("testdata/cases/*.txtar")
	if err != nil || len(paths) < 25 {
		t.Fatalf("%d cases (%v)", len(paths), err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".txtar")
		t.Run(name, func(t *testing.T) {
			f := open(t, path)
			inv, diags := f.load(t)
			f.check(t, name, "list", diags, func() (string, diag.List, error) { return lines(report.List(inv, report.Options{})) })
			f.check(t, name, "export", diags, func() (string, diag.List, error) { return lines(report.List(inv, report.Options{Export: true})) })
			f.check(t, name, "yaml", diags, func() (string, diag.List, error) { return lines(report.List(inv, report.Options{YAML: true})) })
			f.check(t, name, "graph", diags, func() (string, diag.List, error) { return lines(report.Graph(inv, "", report.Options{Vars: true})) })
			for _, p := range f.patterns {
				f.check(t, name, "pattern "+p, diags, func() (string, diag.List, error) { return f.listHosts(inv, p) })
			}
		})
	}
}

func lines(text string, err error) (string, diag.List, error) { return text + "\n", nil, err }

// listHosts writes what ansible --list-hosts does.
func (f *fixture) listHosts(inv *inventory.Inventory, pattern string) (string, diag.List, error) {
	limit, err := source.Limit(f.limit, f.dir)
	if err != nil {
		return "", nil, err
	}
	hosts, diags, err := inv.Targets(pattern, limit)
	if err != nil && f.limit == "" { // an ad hoc command goes on without hosts
		diags, err = append(diags, diag.Warnf(nil, "", "No hosts matched, nothing to do")...), nil
	}
	text := "  hosts (" + itoa(len(hosts)) + "):\n"
	for _, h := range hosts {
		text += "    " + h.Name + "\n"
	}
	return text, diags, err
}

func itoa(n int) string {
	raw, _ := json.Marshal(n)
	return string(raw)
}

func (f *fixture) check(t *testing.T, name, question string, diags diag.List, ask func() (string, diag.List, error)) {
	t.Helper()
	want, ok := f.answers[question]
	if !ok {
		t.Fatalf("no answer is recorded for %s", question)
	}
	if differences[name+" "+question] != "" || differences[name] != "" {
		return
	}
	got, more, err := ask()
	diags = slices.Concat(diags, more)
	if want.Code != 0 {
		if err == nil && !diags.HasErrors() {
			t.Errorf("%s: Ansible fails with %q; got\n%s", question, want.Said, got)
		}
	} else if got = strings.ReplaceAll(got, f.dir, "DIR"); err != nil || got != harmless.ReplaceAllString(want.Out, "$1") {
		t.Errorf("%s: (error %v)\n--- got\n%s--- want\n%s", question, err, got, want.Out)
	}
	f.checkSaid(t, question, want, diags, err)
}

// checkSaid compares the warnings and errors that everybody can search for.
func (f *fixture) checkSaid(t *testing.T, question string, want answer, diags diag.List, err error) {
	t.Helper()
	var said []string
	for _, d := range diags {
		said = append(said, strings.ReplaceAll(d.Detail, f.dir, "DIR"))
	}
	if err != nil {
		said = append(said, strings.ReplaceAll(err.Error(), f.dir, "DIR"))
	}
	for _, w := range want.Said {
		_, w, _ = strings.Cut(w, "]: ")
		if strings.HasPrefix(w, "Failed to parse inventory with") || strings.HasPrefix(w, "Found variable using reserved name") || strings.HasPrefix(w, "Error loading plugin") {
			continue // told with its reason, which is in other words; told by who knows the keywords; told as a failure
		}
		w = typeNames.ReplaceAllStringFunc(w, func(s string) string { return strings.ToLower(typeNames.FindStringSubmatch(s)[1]) })
		if !slices.ContainsFunc(said, func(s string) bool { return strings.Contains(s, w) }) {
			t.Errorf("%s: nothing says %q, but\n%s", question, w, strings.Join(said, "\n"))
		}
	}
}
