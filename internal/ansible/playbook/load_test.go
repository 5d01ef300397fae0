package playbook

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"tutti/internal/ansible/value"
	"tutti/internal/diag"
)

var update = flag.Bool("update", false, "write what the trees are now")

// texts are files in memory.
type texts map[string]string

func (t texts) Read(name string) ([]byte, error) {
	s, ok := t[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return []byte(s), nil
}

func (t texts) List(dir string) ([]string, error) {
	seen := map[string]bool{}
	for name := range t {
		rest, ok := strings.CutPrefix(name, dir+"/")
		if dir == "." {
			rest, ok = name, true
		}
		if !ok {
			continue
		}
		first, _, below := strings.Cut(rest, "/")
		if below {
			first += "/"
		}
		seen[first] = true
	}
	if len(seen) == 0 {
		return nil, &fs.PathError{Op: "open", Path: dir, Err: fs.ErrNotExist}
	}
	var names []string
	for n := range seen {
		names = append(names, n)
	}
	slices.Sort(names)
	return names, nil
}

// modules are what the tests take for modules.
var modules = []string{"command", "shell", "copy", "debug", "ping", "set_fact", "template", "file", "apt", "script", "raw", "stat", "fail", "assert",
	"include_vars", "add_host", "group_by", "setup", "service", "user"}

func testOptions() Options {
	return Options{
		RolesPath: []string{"shared"}, CollectionsPath: []string{"collections"},
		Known: func(name string, _ []string) (string, bool) {
			short := strings.TrimPrefix(name, "ansible.builtin.")
			return "ansible.builtin." + short, slices.Contains(modules, short)
		},
		Suggest: func(name string) []string {
			if s := diag.Suggest(name, modules); s != "" {
				return []string{s}
			}
			return nil
		},
		Render: renderSimply,
	}
}

// renderSimply knows {{ name }} and nothing else.
func renderSimply(v any, vars *value.Dict) (any, error) {
	switch v := v.(type) {
	case *value.Template:
		out := v.Text
		for {
			before, rest, ok := strings.Cut(out, "{{")
			if !ok {
				return out, nil
			}
			name, after, _ := strings.Cut(rest, "}}")
			got, ok := vars.Get(strings.TrimSpace(name))
			if !ok {
				return nil, fmt.Errorf("'%s' is undefined", strings.TrimSpace(name))
			}
			if got, _ = renderSimply(got, vars); before+after == "" {
				return got, nil
			}
			out = before + value.String(got) + after
		}
	case *value.Dict:
		d := &value.Dict{}
		for k, item := range v.All() {
			r, err := renderSimply(item, vars)
			if err != nil {
				return nil, err
			}
			d.Set(k, r)
		}
		return d, nil
	default:
		return v, nil
	}
}

// tree prints what was read.
type tree struct{ strings.Builder }

func (t *tree) line(depth int, format string, args ...any) {
	t.WriteString(strings.Repeat("  ", depth))
	fmt.Fprintf(t, format, args...)
	t.WriteByte('\n')
}

func show(v any) string {
	switch v := v.(type) {
	case *value.Template:
		return "T" + value.Repr(v.Text)
	case *value.List:
		var parts []string
		for _, item := range v.Items {
			parts = append(parts, show(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *value.Dict:
		var parts []string
		for k, item := range v.All() {
			parts = append(parts, show(k)+": "+show(item))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	default:
		return value.Repr(v)
	}
}

func (t *tree) words(ks Keywords, skip ...string) string {
	out := ""
	for _, k := range keywords {
		if w, ok := ks[k.name]; ok && !slices.Contains(skip, k.name) && !strings.Contains(out, " "+k.name+"=") {
			out += " " + k.name + "=" + show(w.Value)
		}
	}
	return out
}

func (t *tree) playbook(pb *Playbook) {
	for _, p := range pb.Plays {
		t.line(0, "play %d hosts=%s dir=%s%s", p.Index, show(p.Hosts), p.Dir, t.words(p.Keywords, "vars"))
		if p.Vars.Len() > 0 {
			t.line(1, "vars %s", show(p.Vars))
		}
		for _, r := range p.Roles {
			t.role(1, r)
		}
		t.section("pre_tasks", p.PreTasks)
		t.section("tasks", p.Tasks)
		t.section("post_tasks", p.PostTasks)
		t.section("handlers", p.Handlers)
	}
}

func (t *tree) section(name string, blocks []*Block) {
	if len(blocks) == 0 {
		return
	}
	t.line(1, "%s", name)
	for _, b := range blocks {
		t.block(2, b)
	}
}

func (t *tree) role(depth int, r *Role) {
	t.line(depth, "role %s path=%s from=%s params=%s defaults=%s vars=%s dup=%v", r.Name, r.Path, r.From, show(r.Params), show(r.Defaults), show(r.Vars), r.AllowDuplicates)
	for _, dep := range r.Dependencies {
		t.line(depth+1, "after")
		t.role(depth+2, dep)
	}
	t.block(depth+1, r.Block)
	for _, h := range r.Handlers {
		t.line(depth+1, "handlers")
		t.block(depth+2, h)
	}
}

func (t *tree) block(depth int, b *Block) {
	kind := "block"
	switch {
	case b.Role != nil && b.Role.Block == b:
		kind = "role-block " + b.Role.Name
	case b.Implied:
		kind = "implied"
	}
	t.line(depth, "%s%s", kind, t.words(b.Keywords))
	t.items(depth+1, b.Tasks)
	if b.Rescue != nil {
		t.line(depth, "rescue")
		t.items(depth+1, b.Rescue)
	}
	if b.Always != nil {
		t.line(depth, "always")
		t.items(depth+1, b.Always)
	}
}

func (t *tree) items(depth int, items []Item) {
	for _, item := range items {
		switch item := item.(type) {
		case *Block:
			t.block(depth, item)
		case *Task:
			t.task(depth, item)
		}
	}
}

func (t *tree) task(depth int, task *Task) {
	t.line(depth, "#%d %s %s %s%s", task.Number, task.Origin, task.Module, show(task.Args), t.words(task.Keywords))
	if task.HasLoop {
		t.line(depth+1, "loop %s %s %s", task.With, show(task.Loop), show(task.LoopControl))
	}
	if task.Listen != nil {
		t.line(depth+1, "listen %q", task.Listen)
	}
	for _, name := range []string{"when", "tags", "environment"} {
		var all []string
		for _, k := range task.KeywordList(name) {
			all = append(all, show(k.Value))
		}
		if len(all) > 0 {
			t.line(depth+1, "all %s: %s", name, strings.Join(all, " "))
		}
	}
	if k, ok := task.Keyword("become"); ok {
		t.line(depth+1, "become: %s", show(k.Value))
	}
	if v := task.AllVars(); v.Len() > 0 {
		t.line(depth+1, "vars: %s", show(v))
	}
}

func (t *tree) diags(diags diag.List) {
	for _, d := range diags {
		at := ""
		if d.Subject != nil {
			at = fmt.Sprintf("%s:%d:%d: ", d.Subject.Filename, d.Subject.Start.Line, d.Subject.Start.Column)
		}
		t.line(0, "%s%s: %s: %s", at, d.Severity, d.Headline, strings.ReplaceAll(d.Detail, "\n", "\n    "))
	}
}

// TestTrees reads the site.yml of each archive and compares the tree and what was said with
// the archive's file "want".
func TestTrees(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files, want, at := texts{}, "", -1
			for i, f := range a.Files {
				if f.Name == "want" {
					want, at = string(f.Data), i
					continue
				}
				files[path.Clean(f.Name)] = string(f.Data)
			}
			var got tree
			pb, diags, err := New(files, testOptions()).Playbook("site.yml")
			if err != nil {
				t.Fatal(err)
			}
			got.playbook(pb)
			got.diags(diags)
			if got.String() == want {
				return
			}
			if !*update {
				t.Errorf("got:\n%s\nwant:\n%s", got.String(), want)
				return
			}
			if at < 0 {
				a.Files = append(a.Files, txtar.File{Name: "want"})
				at = len(a.Files) - 1
			}
			a.Files[at].Data = []byte(got.String())
			if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		})
	}
}
