// Package moduletest holds native modules and actions to the real ones. It is for tests.
//
// A case is a few lines of YAML in testdata: a folder made by a shell script, and one task.
// Each case is carried out three times, in check mode in a folder of its own, and then really
// and once more in another, and the results and what lies in the folders afterwards are
// compared with what ansible-core 2.19.14 gave and left:
//
//   - name: a line is added at the end
//     setup: printf 'a\nb\n' > conf      # by sh, in the folder; optional
//     task: {lineinfile: {path: "{{ dir }}/conf", line: c}}
//     diff: true                         # as --diff; optional
//     rendered: "text"                   # what a template task renders to; optional
//     ignore: [stat.version]             # keys of the result that may differ, say why beside it
//     needs: [zip]                       # programs without which it is skipped
//
// What ansible-core gave lies beside the cases (NAME.recorded.json), so that tests need no
// Python. With TUTTI_ANSIBLE_RECORD=1 it is recorded anew; `make ansible` installs
// ansible-core. Tests that use the package belong in an external test package, since it knows
// all modules.
package moduletest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"tutti/internal/ansible/action"
	actions "tutti/internal/ansible/action/builtin"
	"tutti/internal/ansible/builtin"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/value"
)

// Case is one task in one prepared folder.
type Case struct {
	Name     string         `yaml:"name"`
	Setup    string         `yaml:"setup"`
	Task     map[string]any `yaml:"task"`
	Diff     bool           `yaml:"diff"`
	Rendered *string        `yaml:"rendered"`
	Ignore   []string       `yaml:"ignore"`
	// Needs are programs without which the case is skipped.
	Needs []string `yaml:"needs"`
}

// Outcome is what came of a case.
type Outcome struct {
	Check    any      `json:"check"`
	Run      any      `json:"run"`
	Again    any      `json:"again"`
	Checked  []string `json:"checked"`
	Finished []string `json:"finished"`
}

// root is where the folders of cases lie: at the same place when a case is recorded and when
// it is tested, because results tell sizes and sums of texts that hold it.
const root = "/tmp/tutti-moduletest"

// Run tests all cases in the files that the pattern matches.
func Run(t *testing.T, pattern string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("the cases were recorded as root: owners and groups cannot be the same here")
	}
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in %s: %v", pattern, err)
	}
	old := syscall.Umask(0o022)
	t.Cleanup(func() { syscall.Umask(old) })
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yml"), func(t *testing.T) { runFile(t, file) })
	}
}

func runFile(t *testing.T, file string) {
	lock(t, file)
	cases := read(t, file)
	recording := strings.TrimSuffix(file, ".yml") + ".recorded.json"
	if os.Getenv("TUTTI_ANSIBLE_RECORD") != "" {
		record(t, file, cases, recording)
	}
	data, err := os.ReadFile(recording)
	if err != nil {
		t.Fatalf("%v: record it with TUTTI_ANSIBLE_RECORD=1", err)
	}
	var want map[string]Outcome
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	// What a failed case left can be looked at.
	t.Cleanup(func() {
		for i := range cases {
			if !t.Failed() {
				discard(folder(file, i))
			}
		}
	})
	tables := tables{modules: builtin.Modules(), actions: actions.Actions()}
	for i, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			for _, program := range c.Needs {
				if _, err := exec.LookPath(program); err != nil {
					t.Skipf("the program %s is not here", program)
				}
			}
			expected, ok := want[c.Name]
			if !ok {
				t.Fatal("this case is not recorded")
			}
			got := tables.carryOut(t, c, folder(file, i), fmt.Sprintf("case%d", i))
			for _, o := range []*Outcome{&expected, &got} {
				for _, tree := range [][]string{o.Checked, o.Finished} {
					for i := range tree {
						tree[i] = anonymous(tree[i], root)
					}
				}
				for _, result := range []any{o.Check, o.Run, o.Again} {
					for _, path := range c.Ignore {
						drop(result, strings.Split(path, "."))
					}
				}
			}
			if diff := cmp.Diff(expected, got); diff != "" {
				t.Errorf("-ansible +tutti\n%s", diff)
			}
		})
	}
}

func read(t *testing.T, file string) []Case {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []Case
	if err := yaml.Unmarshal(data, &cases); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	seen := map[string]bool{}
	for _, c := range cases {
		if c.Name == "" || seen[c.Name] || len(c.Task) == 0 {
			t.Fatalf("%s: every case needs a task and a name of its own: %q", file, c.Name)
		}
		seen[c.Name] = true
	}
	return cases
}

// lock keeps two processes out of the same folders.
func lock(t *testing.T, file string) {
	t.Helper()
	if err := os.MkdirAll(root, 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(folder(file, 0) + ".lock")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
}

// folder is where a case works; below it lie "check" and "run".
func folder(file string, i int) string {
	return fmt.Sprintf("%s/%s%d", root, strings.TrimSuffix(filepath.Base(file), ".yml"), i)
}

// discard removes a folder, also what is immutable in it.
func discard(dir string) {
	if os.RemoveAll(dir) != nil {
		_ = exec.Command("chattr", "-R", "-i", "-a", dir).Run()
		_ = os.RemoveAll(dir)
	}
}

// prepare makes one of a case's folders anew.
func prepare(t *testing.T, c Case, dir string) {
	t.Helper()
	discard(dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if c.Setup == "" {
		return
	}
	cmd := exec.Command("/bin/sh", "-euc", fill(c.Setup, dir))
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("setup: %v\n%s", err, out)
	}
}

func fill(text, dir string) string { return strings.ReplaceAll(text, "{{ dir }}", dir) }

// filled puts a folder's name into all texts of a task.
func filled(v any, dir string) any {
	switch v := v.(type) {
	case string:
		return fill(v, dir)
	case []any:
		list := make([]any, len(v))
		for i, x := range v {
			list[i] = filled(x, dir)
		}
		return list
	case map[string]any:
		m := map[string]any{}
		for k, x := range v {
			m[k] = filled(x, dir)
		}
		return m
	case int:
		return int64(v)
	}
	return v
}

// task makes the task that an action or a module gets.
func (c Case) task(dir, host string, check bool) action.Task {
	t := action.Task{Host: host, CheckMode: check, Diff: c.Diff, Rendered: c.Rendered, Args: map[string]any{}, Search: []string{root}}
	for k, v := range c.Task {
		v = filled(v, dir)
		switch k {
		case "environment":
			t.Environment = map[string]string{}
			for name, x := range v.(map[string]any) {
				t.Environment[name] = fmt.Sprint(x)
			}
			continue
		case "no_log":
			t.NoLog, _ = v.(bool)
			continue
		case "vars":
			continue
		}
		if k != "args" {
			t.Module = k
		}
		switch v := v.(type) {
		case map[string]any:
			for name, x := range v {
				t.Args[name] = x
			}
		case string:
			t.Args["_raw_params"] = v
		}
	}
	if c.Rendered != nil {
		text := fill(*c.Rendered, dir)
		t.Rendered = &text
	}
	return t
}

type tables struct {
	modules map[string]*module.Module
	actions map[string]action.Action
}

func (s tables) carryOut(t *testing.T, c Case, dir, host string) Outcome {
	var o Outcome
	prepare(t, c, dir+"/check")
	o.Check = s.once(t, c.task(dir+"/check", host, true), dir+"/check")
	o.Checked = Tree(dir + "/check")
	prepare(t, c, dir+"/run")
	o.Run = s.once(t, c.task(dir+"/run", host, false), dir+"/run")
	o.Again = s.once(t, c.task(dir+"/run", host, false), dir+"/run")
	o.Finished = Tree(dir + "/run")
	return o
}

func (s tables) once(t *testing.T, task action.Task, dir string) any {
	name := task.Module[strings.LastIndexByte(task.Module, '.')+1:]
	target := &Local{Modules: s.modules}
	var result module.Result
	var err error
	if act, ok := s.actions[name]; ok {
		result, err = act(context.Background(), target, task)
	} else {
		result, err = target.Run(context.Background(), module.Request{Module: name, Called: task.Module, Args: task.Args, CheckMode: task.CheckMode,
			Diff: task.Diff, NoLog: task.NoLog, Environment: task.Environment})
	}
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	return normal(t, data, dir)
}

// plain decodes JSON so that whole numbers stay such.
func plain(data []byte) (any, error) {
	v, err := value.ParseJSON(data)
	if err != nil {
		return nil, err
	}
	return value.ToGo(v), nil
}
