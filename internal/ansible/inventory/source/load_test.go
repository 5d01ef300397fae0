package source_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tutti/internal/ansible/inventory"
	"tutti/internal/ansible/inventory/source"
	"tutti/internal/ansible/value"
	"tutti/internal/diag"
)

func lay(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if strings.HasPrefix(text, "#!") {
			mode = 0o755
		}
		if err := os.WriteFile(full, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestVaultedFiles(t *testing.T) {
	dir := lay(t, map[string]string{"hosts": "[web]\na\nb\n", "group_vars/web": "$ANSIBLE_VAULT;1.1;AES256\n00\n"})
	o := source.Options{Dir: dir}
	inv, diags := source.Load(context.Background(), []string{"hosts"}, o)
	if diags.HasErrors() {
		t.Fatal(diags.Err())
	}
	if _, err := inv.HostVars(inv.Host("a"), nil); err == nil || !strings.Contains(err.Error(), "no vault password was given") {
		t.Errorf("without a password: %v", err)
	}
	o.Decrypt = func(path string, text []byte) ([]byte, error) { return []byte("secret: x\n"), nil }
	inv, _ = source.Load(context.Background(), []string{"hosts"}, o)
	vars, err := inv.HostVars(inv.Host("a"), nil)
	if v, _ := vars.Get("secret"); err != nil || v != "x" {
		t.Errorf("with one: %v, %v", v, err)
	}
	o.Decrypt = func(string, []byte) ([]byte, error) { return nil, errors.New("wrong password") }
	inv, _ = source.Load(context.Background(), []string{"hosts"}, o)
	if _, err := inv.HostVars(inv.Host("a"), nil); err == nil || !strings.Contains(err.Error(), "Wrong password") {
		t.Errorf("with a wrong one: %v", err)
	}
}

type plugin struct{ answer string }

func (p plugin) List(_ context.Context, name, path string) ([]byte, error) {
	if p.answer == "" {
		return nil, errors.New("python is not there")
	}
	return []byte(strings.ReplaceAll(p.answer, "NAME", name)), nil
}

func TestPlugin(t *testing.T) {
	dir := lay(t, map[string]string{"cloud.yml": "plugin: some.cloud\n"})
	inv, diags := source.Load(context.Background(), []string{"cloud.yml"}, source.Options{Dir: dir, Plugin: plugin{`{"g": {"hosts": ["NAME"]}, "_meta": {"hostvars": {"NAME": {"x": 1}}}}`}})
	if len(diags) > 0 || strings.Join(inv.HostsOf("g"), " ") != "some.cloud" {
		t.Errorf("got %v, %v", inv.HostNames(), diags)
	}
	_, diags = source.Load(context.Background(), []string{"cloud.yml"}, source.Options{Dir: dir, Plugin: plugin{}})
	if len(diags) == 0 || !strings.Contains(diags[0].Detail, "python is not there") {
		t.Errorf("got %v", diags)
	}
}

func TestFailure(t *testing.T) {
	dir := lay(t, map[string]string{"bad": "[web\n", "good": "a\n"})
	for _, c := range []struct {
		sources []string
		failure source.Failure
		want    string
	}{
		{[]string{"bad", "good"}, source.Failure{}, ""},
		{[]string{"bad", "good"}, source.Failure{AnyFails: true}, "Completely failed to parse inventory source"},
		{[]string{"bad"}, source.Failure{NoneFails: true}, "No inventory was parsed, please check"},
		{nil, source.Failure{NoneFails: true}, "No inventory was parsed, please check"},
		{nil, source.Failure{Silent: true}, ""},
	} {
		_, diags := source.Load(context.Background(), c.sources, source.Options{Dir: dir, Failure: c.failure})
		err := diags.Err()
		if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v %+v: got %v, want %q", c.sources, c.failure, err, c.want)
		}
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errors.New("told to stop"))
	if _, diags := source.Load(ctx, []string{"good"}, source.Options{Dir: dir}); !diags.HasErrors() {
		t.Error("a cancelled context is not noticed")
	}
}

func TestErrorsHaveAPlace(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"hosts":     {"a\n\n[web]\nb x\n", ":4"},
		"hosts.yml": {"all:\n  hosts:\n    10:\n", ":3"},
		"h.yaml":    {"all:\n  hosts: {a: b: c}\n", ":2"},
	} {
		dir := lay(t, map[string]string{name: c.text})
		_, diags := source.Load(context.Background(), []string{name}, source.Options{Dir: dir})
		if !slices.ContainsFunc(diags, func(d *diag.Diagnostic) bool { return strings.Contains(d.Error(), name+c.want) }) {
			t.Errorf("%s: got %v", name, diags)
		}
	}
}

func TestLimit(t *testing.T) {
	dir := lay(t, map[string]string{"retry": "a\nb \n\n", "sub/x": ""})
	for in, want := range map[string]string{
		"":           "",
		"a,b":        "a|b",
		"a:!b":       "a|!b",
		"@retry":     "a|b||",
		"@retry,c":   "a|b|||c",
		"@nothing":   "error: Unable to find limit file nothing",
		"@sub":       `error: Limit starting with "@" must be a file, not a directory: sub`,
		"web[0:2],x": "web[0:2]|x",
	} {
		got, err := source.Limit(in, dir)
		text := strings.Join(got, "|")
		if err != nil {
			text = "error: " + err.Error()
		}
		if text != want {
			t.Errorf("%s: got %q, want %q", in, text, want)
		}
	}
}

func TestMergeHashesOfFiles(t *testing.T) {
	dir := lay(t, map[string]string{"hosts": "[web]\na d=\"{'x': 1}\"\n", "group_vars/web.yml": "d: {y: 2}\n", "group_vars/all/one.yml": "d: {z: 3}\n", "group_vars/all/two.yml": "d: {w: 4}\n"})
	inv, diags := source.Load(context.Background(), []string{"hosts"}, source.Options{Dir: dir, Inventory: inventory.Options{MergeHashes: true}})
	if len(diags) > 0 {
		t.Fatal(diags)
	}
	vars, err := inv.HostVars(inv.Host("a"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if d, _ := vars.Get("d"); value.Repr(d) != "{'z': 3, 'w': 4, 'y': 2, 'x': 1}" {
		t.Errorf("got %s", value.Repr(d))
	}
}

func BenchmarkLoad(b *testing.B) {
	path := filepath.Join(b.TempDir(), "hosts")
	if err := os.WriteFile(path, []byte("[web]\nweb[00001:10000].example.com port=80 user='x y'\n[all:vars]\na=1\n"), 0o644); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		inv, diags := source.Load(context.Background(), []string{path}, source.Options{})
		if len(diags) > 0 || len(inv.HostList()) != 10000 {
			b.Fatal(diags)
		}
		for _, h := range inv.HostList() {
			if _, err := inv.HostVars(h, nil); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func FuzzINI(f *testing.F) {
	f.Add("a x=1 y='b c' # d\n[g:children]\nh\n[h]\nweb[1:3]:22 z={'k': [1]}\n[h:vars]\nq=\"x\"\n")
	f.Add("[a:vars]\nx\n")
	f.Add("\\\n\"'\n[x")
	dir := f.TempDir()
	path := filepath.Join(dir, "hosts")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 500 || strings.Count(text, "[") > 3 {
			return
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		inv, _ := source.Load(context.Background(), []string{path}, source.Options{Enabled: []string{"ini"}})
		for _, h := range inv.HostList() {
			if _, err := inv.HostVars(h, nil); err != nil {
				t.Fatal(err)
			}
		}
	})
}
