package python

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/connection"
	"tutti/internal/ansible/connection/channel"
	"tutti/internal/ansible/connection/target"
	"tutti/internal/ansible/module"
)

// TestMain lets this test be the process of a job too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == target.Command {
		os.Exit(target.Main(os.Args[1:], nil))
	}
	os.Exit(m.Run())
}

// core gives an installed ansible-core, or skips.
func core(t testing.TB) *Core {
	t.Helper()
	c := FindCore(os.Getenv("TUTTI_ANSIBLE"))
	if c == nil {
		t.Skip("skipped: there is no ansible-core here: pip install ansible-core, or name its environment in TUTTI_ANSIBLE")
	}
	return c
}

func finder(c *Core, warnings *[]string) *Finder {
	return &Finder{Core: c, Collections: []string{"testdata/collections"}, Library: []string{"testdata/library"}, ModuleUtils: []string{"testdata/module_utils"},
		Warn: func(text string) { *warnings = append(*warnings, text) }}
}

func localhost(t testing.TB) action.Target {
	t.Helper()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("skipped: there is no python3 here")
	}
	p := connection.NewPool(connection.Options{})
	t.Cleanup(p.Close)
	host, err := p.Open(t.Context(), connection.Spec{Kind: "local", Python: "python3"})
	if err != nil {
		t.Fatal(err)
	}
	return host
}

func TestFind(t *testing.T) {
	var warnings []string
	f := finder(nil, &warnings)
	for _, c := range []struct{ name, want string }{
		{"acme.tools.greet", "acme.tools.greet new"},
		{"acme.tools.old_greet", "acme.tools.greet new"},
		{"acme.tools.sub.below", "acme.tools.sub.below new"},
		{"acme.tools.gone", "the module acme.tools.gone has been removed: it was to go in version 2.0.0. Use greet instead."},
		{"acme.tools.circle", "couldn't resolve module/action 'acme.tools.circle'. This often indicates a misspelling, missing collection, or incorrect module path. More than 10 redirects"},
		{"acme.tools.acting", "the module acme.tools.acting has an action plugin in Python (testdata/collections/ansible_collections/acme/tools/plugins/action/acting.py)"},
		{"acme.tools.none", "couldn't resolve module/action 'acme.tools.none'"},
		{"acme.absent.x", "Install its collection: ansible-galaxy collection install acme.absent."},
		{"oldie", "ansible.legacy.oldie old"},
		{"ansible.legacy.wants", "ansible.legacy.wants wantjson"},
		{"marked", "ansible.legacy.marked jsonargs"},
		{"nowhere", "There is no ansible-core on this machine either, from which modules that are not native could be taken: pip install ansible-core. Looked in testdata/library."},
		{"ansible.builtin.oldie", "couldn't resolve module/action 'ansible.builtin.oldie'"},
	} {
		m, err := f.Find(c.name)
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = m.Name + " " + string(m.Style)
		}
		if !strings.HasPrefix(got, c.want) && !strings.Contains(got, c.want) {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	if want := []string{"the module acme.tools.old_greet is deprecated and will be removed in version 9.0.0. Use greet."}; !slices.Equal(warnings, want) {
		t.Errorf("warnings: %q", warnings)
	}
	greet, err := f.Find("acme.tools.greet")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Pack(greet); err == nil || !strings.Contains(err.Error(), "imports ansible.module_utils, which is part of ansible-core, and no ansible-core was found on this machine") {
		t.Error(err)
	}
}

func TestScan(t *testing.T) {
	text := `
import os, ansible.module_utils.urls as u, ansible.module_utils.yumdnf
from ansible.module_utils import (basic,
    facts as f) # and
from ansible.module_utils.common.text.converters import to_text, \
    to_native
    from ..module_utils.a.b import c
from . import d
try: from ansible.module_utils.six import moves
except: pass
from ansible.module_utils.x import *
fromage = "import ansible.module_utils.no"
from os import path
from ansible.module_utils.y import (
`
	var got []string
	for _, i := range scan([]byte(text), "ansible_collections.n.c.plugins.modules.m", false) {
		got = append(got, strings.TrimPrefix(i.module, "ansible.module_utils")+":"+i.name)
	}
	want := []string{".urls:", ".yumdnf:", ":basic", ":facts", ".common.text.converters:to_text", ".common.text.converters:to_native",
		"ansible_collections.n.c.plugins.module_utils.a.b:c", "ansible_collections.n.c.plugins.modules:d", ".six:moves", ".x:*"}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestRun(t *testing.T) {
	var warnings []string
	r := &Runner{Finder: finder(core(t), &warnings)}
	host := localhost(t)
	for _, c := range []struct {
		name string
		q    module.Request
		want map[string]any
	}{
		{"collection", module.Request{Module: "acme.tools.greet", Args: map[string]any{"name": "wörld", "count": int64(3)}, Verbosity: 2},
			map[string]any{"changed": true, "said": "HELLO, WÖRLD", "count": int64(3), "verbosity": int64(2), "warnings": []any{"a warning"}}},
		{"check mode", module.Request{Module: "acme.tools.greet", Args: map[string]any{"name": "x"}, CheckMode: true, Diff: true},
			map[string]any{"changed": false, "diff": map[string]any{"before": "", "after": "x"}}},
		{"failure", module.Request{Module: "acme.tools.greet", Args: map[string]any{"name": "nobody"}}, map[string]any{"failed": true, "msg": "there is nobody", "code": int64(7)}},
		{"bad arguments", module.Request{Module: "acme.tools.greet"}, map[string]any{"failed": true, "msg": "missing required arguments: name"}},
		{"own module_utils", module.Request{Module: "local_utils"}, map[string]any{"said": "from the house"}},
		{"core", module.Request{Module: "ansible.builtin.ping", Args: map[string]any{"data": "pang"}}, map[string]any{"ping": "pang"}},
		{"core with many imports", module.Request{Module: "ansible.builtin.setup", Args: map[string]any{"gather_subset": []any{"!all", "!min", "platform"}}}, map[string]any{"failed": nil}},
		{"old style", module.Request{Module: "oldie", Args: map[string]any{"name": "it's"}}, map[string]any{"changed": true, "said": "old it's"}},
		{"file of JSON", module.Request{Module: "wants", Args: map[string]any{"name": "j"}, CheckMode: true},
			map[string]any{"said": "j", "check": true, "warnings": []any{"Module invocation had junk after the JSON data: noise after\n"}}},
		{"JSON in the text", module.Request{Module: "marked", Args: map[string]any{"name": "k"}}, map[string]any{"said": "k"}},
		{"no first line", module.Request{Module: "noline"}, map[string]any{"failed": true, "msg": "module (ansible.legacy.noline) is missing interpreter line"}},
		{"nowhere", module.Request{Module: "acme.tools.none"}, map[string]any{"failed": true}},
	} {
		times := 1
		if c.name == "collection" {
			times = 2 // the second time the host has it
		}
		t.Run(c.name, func(t *testing.T) {
			for range times {
				got, err := r.Run(t.Context(), host, c.q, Options{Host: "localhost"})
				if err != nil {
					t.Fatal(err)
				}
				for k, v := range c.want {
					if !reflect.DeepEqual(got[k], v) {
						t.Errorf("%s is %#v, want %#v in %v", k, got[k], v, got)
					}
				}
			}
		})
	}
	got, err := r.Run(t.Context(), host, module.Request{Module: "acme.tools.sub.below"}, Options{})
	if text, _ := json.Marshal(got); err != nil || !got.Failed() || !strings.Contains(string(text), "not caught") {
		t.Errorf("an exception gives %s, %v", text, err)
	}
	if err := host.Reset(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestBackground(t *testing.T) {
	var warnings []string
	r := &Runner{Finder: finder(core(t), &warnings)}
	host := localhost(t)
	job, err := r.Job(t.Context(), host, module.Request{Module: "acme.tools.greet", Args: map[string]any{"name": "x"}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	job.ID, job.Dir, job.Limit = "j5", t.TempDir(), 60
	result, err := host.(connection.Starter).StartAsync(t.Context(), job)
	if err != nil || result.Failed() {
		t.Fatal(result, err)
	}
	var done module.Result
	for t.Context().Err() == nil {
		text, err := os.ReadFile(result["results_file"].(string))
		if err != nil {
			t.Fatal(err)
		}
		if done = nil; channel.Decode(text, &done) == nil && done["started"] == nil {
			break
		}
	}
	if done["said"] != "HELLO, X" {
		t.Errorf("the job gives %v", done)
	}
	if left, _ := filepath.Glob(filepath.Join(job.Dir, ".payload-*")); len(left) > 0 {
		t.Errorf("the job leaves %v", left)
	}
}

func TestDiscovery(t *testing.T) {
	host := localhost(t)
	r := &Runner{Finder: finder(nil, new([]string))}
	o := Options{Host: "h", Python: "auto"}
	got, err := r.Run(t.Context(), host, module.Request{Module: "wants", Args: map[string]any{"name": "x"}}, o)
	facts, _ := got["ansible_facts"].(map[string]any)
	if path, _ := facts["discovered_interpreter_python"].(string); err != nil || !strings.HasPrefix(path, "/") {
		t.Errorf("got %v, %v", got, err)
	}
	list, _ := got["warnings"].([]any)
	if len(list) == 0 || !strings.HasPrefix(list[len(list)-1].(string), "Host 'h' is using the discovered Python interpreter at '/") {
		t.Errorf("warnings: %v", list)
	}
	if got, err = r.Run(t.Context(), host, module.Request{Module: "wants", Args: map[string]any{"name": "x"}}, o); err != nil || got["ansible_facts"] != nil {
		t.Errorf("the second time: %v, %v", got, err)
	}
}

func TestHelper(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("skipped: there is no python3 here")
	}
	h := &Helper{Collections: []string{"testdata/collections"}}
	defer h.Close()
	load(t, h, Filter, []string{"acme.tools.double", "echo", "kinds", "raises", "reverse_text"}, []string{"RuntimeError: broken file"})
	load(t, h, Test, []string{"longer_than"}, nil)
	call := func(kind Kind, name string, args []any, named map[string]any) any {
		t.Helper()
		v, err := h.Call(t.Context(), kind, name, args, named)
		if err != nil {
			return err.Error()
		}
		return v
	}
	for _, c := range []struct{ got, want any }{
		{call(Filter, "reverse_text", []any{"abc"}, map[string]any{"end": "!"}), "cba!"},
		{call(Filter, "acme.tools.double", []any{int64(4)}, nil), int64(8)},
		{call(Filter, "kinds", []any{0}, nil), []any{int64(1), 2.5, true, nil, []any{int64(1), int64(2)}, []any{int64(3)}, "2026-01-02", "b"}},
		{call(Filter, "raises", []any{"x"}, nil), "ValueError: not this: x"},
		{call(Filter, "echo", []any{map[string]any{"big": int64(1) << 60, "text": "ü\n"}}, nil), map[string]any{"big": int64(1) << 60, "text": "ü\n"}},
		{call(Test, "longer_than", []any{"abc", int64(2)}, nil), true},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("got %#v, want %#v", c.got, c.want)
		}
	}
	// A call that is given up ends the process; the next one starts another, with what was loaded.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Call(ctx, Filter, "echo", nil, nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	_ = h.process.cmd.Process.Kill()
	if got := call(Filter, "reverse_text", []any{"abc"}, nil); !strings.Contains(got.(string), "the Python process for plugins has ended") {
		t.Error(got)
	}
	if got := call(Filter, "reverse_text", []any{"abc"}, nil); got != "cba" {
		t.Error(got)
	}
}

func load(t *testing.T, h *Helper, kind Kind, want, wrong []string) {
	t.Helper()
	var names, bad []string
	for _, f := range h.Folders(kind, []string{"testdata/beside", "testdata/none"}, []string{"acme.tools", "acme.none"}) {
		more, problems, err := h.Load(t.Context(), kind, f)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, more...)
		for _, p := range problems {
			bad = append(bad, p.Error)
		}
	}
	slices.Sort(names)
	if !slices.Equal(names, want) || !slices.Equal(bad, wrong) {
		t.Errorf("%s: loaded %q, could not load %q", kind, names, bad)
	}
}

func TestHelperWithCore(t *testing.T) {
	h := &Helper{Core: core(t)}
	defer h.Close()
	load(t, h, Lookup, []string{"upper"}, nil)
	got, err := h.Call(t.Context(), Lookup, "upper", []any{[]any{"a", "b"}}, map[string]any{"variables": map[string]any{"end": "!"}})
	if err != nil || !reflect.DeepEqual(got, []any{"A!", "B!"}) {
		t.Errorf("got %v, %v", got, err)
	}
	source := filepath.Join(t.TempDir(), "hosts.ini")
	if err := os.WriteFile(source, []byte("[web]\nw[1:2] n=5\n[all:vars]\nx=y\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := h.Inventory(t.Context(), source)
	text, _ := json.Marshal(list)
	if err != nil || !strings.Contains(string(text), `"web":{"children":[],"hosts":["w1","w2"],"vars":{}}`) || !strings.Contains(string(text), `hosts.ini","n":5}`) {
		t.Errorf("got %s, %v", text, err)
	}
}

func FuzzScan(f *testing.F) {
	f.Add("from ansible.module_utils.x import (a,\n b)\nimport ansible.module_utils.y\\\n.z", "a.b.c")
	f.Add("from ... import x\nfrom .a import (", "x")
	f.Fuzz(func(t *testing.T, text, unit string) {
		for _, i := range scan([]byte(text), unit, true) {
			if !ours(i.module + ".") {
				t.Errorf("%q is not sent along", i.module)
			}
		}
	})
}
