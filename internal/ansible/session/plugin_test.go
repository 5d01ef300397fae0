package session

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tutti/internal/ansible/play"
)

// pluginFiles are a playbook with plugins of all kinds beside it, in a role and in a collection.
var pluginFiles = map[string]string{
	"filter_plugins/mine.py": `class FilterModule:
    def filters(self):
        def boom(v):
            raise ValueError("not this: " + v)
        return {"backwards": lambda s, end="": s[::-1] + end, "boom": boom, "pair": lambda a: {"z": a, "a": [1, None]}}
`,
	"test_plugins/mine.py":                  "class TestModule:\n    def tests(self):\n        return {'longer_than': lambda v, n: len(v) > n}\n",
	"roles/r/filter_plugins/inner.py":       "class FilterModule:\n    def filters(self):\n        return {'inner': lambda s: 'inner ' + s}\n",
	"lookup_plugins/loud.py":                "class LookupModule:\n    def __init__(self, loader=None, templar=None):\n        pass\n    def run(self, terms, variables=None, **named):\n        return [t.upper() + variables['end'] + named.get('more', '') for t in terms]\n",
	collected + "/plugins/filter/double.py": "class FilterModule:\n    def filters(self):\n        return {'double': lambda v: v * 2}\n",
	"site.yml": `- hosts: localhost
  gather_facts: false
  vars: { end: "!" }
  tasks:
    - debug: { msg: "{{ 'abc' | backwards(end='.') }} {{ 'p' | pair }}" }
    - debug: { msg: "{{ 4 | acme.tools.double }} {{ 'abc' is longer_than(2) }} {{ 'x' | inner }}" }
    - debug: { msg: "{{ lookup('loud', 'q', more='+') }} {{ query('loud', 'a', 'b') }}" }
    - debug: { msg: "item {{ item }}" }
      with_loud: [ c ]
    - debug: { msg: "{{ 'q' | boom }}" }
      ignore_errors: true
    - debug: { msg: "{{ 'q' | acme.none.x }}" }
      ignore_errors: true
`,
}

const collected = "collections/ansible_collections/acme/tools"

func pluginFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range pluginFiles {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func played(t *testing.T, dir string) string {
	t.Helper()
	r := Request{Playbooks: []string{"site.yml"}, Dir: dir, Inventory: []string{"localhost,"}, Settings: Defaults()}
	r.Options.Forks, r.Options.Connection.Kind = 5, "local"
	notes, _ := carry(t, r)
	var b strings.Builder
	for _, n := range notes {
		if n.Kind == play.NoteResult || n.Kind == play.NoteItem {
			b.WriteString(line(n) + "\n")
		}
	}
	return b.String()
}

func TestPlugins(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("skipped: there is no python3 here")
	}
	got := played(t, pluginFolder(t))
	for _, want := range []string{
		`"msg":"cba. {'z': 'p', 'a': [1, None]}"`,
		`"msg":"8 True inner x"`,
		`"msg":"Q!+ ['A!', 'B!']"`,
		`"msg":"item C!"`,
		`The filter plugin 'boom' failed: not this: q`,
		`No filter named 'acme.none.x'. Its collection would be installed by: ansible-galaxy collection install acme.none.`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

// Without Python a play goes on until it uses a plugin, and is told then what to do.
func TestPluginsWithoutPython(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("VIRTUAL_ENV", "")
	dir := pluginFolder(t)
	p := newPlugins(play.Input{Playbooks: []string{filepath.Join(dir, "site.yml")}}, nil)
	defer p.close()
	p.helper.Python = filepath.Join(dir, "no-python")
	names, err := p.names(t.Context())
	if err != nil || len(names) != 1 || names[0] != play.AnyPlugin {
		t.Errorf("names are %v, %v", names, err)
	}
	_, err = p.call(t.Context(), play.Ask{Kind: play.AskPlugin, Name: "filter:backwards"})
	if err == nil || !strings.Contains(err.Error(), "filter_plugins are written in Python") || !strings.Contains(err.Error(), "Install Python 3 on this machine") {
		t.Errorf("the call gives %v", err)
	}
	if _, err := newPlugins(play.Input{Playbooks: []string{"/nowhere/site.yml"}}, nil).names(t.Context()); err != nil {
		t.Errorf("without folders: %v", err)
	}
}
