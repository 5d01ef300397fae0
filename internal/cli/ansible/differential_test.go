package ansible

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/tools/txtar"

	"tutti/internal/ansible/builtin"
	"tutti/internal/ansible/connection/target"
)

var (
	record    = flag.Bool("record", false, "record what ansible-core does with the cases that have no recording, into testdata/recorded")
	recordAll = flag.Bool("record-all", false, "record all cases anew")
)

// TestMain is also the program that a worker starts for jobs in the background.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == target.Command {
		os.Exit(target.Main(os.Args[1:], target.Table(builtin.Modules())))
	}
	os.Exit(m.Run())
}

// TestAsAnsible plays small playbooks, one behaviour each, and holds what people see, the exit
// code and the files that are left to what ansible-core 2.19.14 did with them. A case is a
// txtar file in testdata/cases: its comment are the arguments, "#" begins a remark; the files
// are put into a folder of their own, where the command is started. What the play leaves in
// the folder out is compared, too. With -record or -record-all, TUTTI_ANSIBLE names the folder
// of ansible-core's commands, and what it does is written down.
//
// A line "# differs: WHY" in a case's comment has our own answer recorded instead, in
// testdata/differing, and WHY stands in the list of docs/ansible.md. "# env: NAME=VALUE" sets a
// variable, "# command: NAME" starts another command than ansible-playbook, and "# root" leaves
// the case out for other users.
func TestAsAnsible(t *testing.T) {
	cases, err := filepath.Glob("testdata/cases/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range cases {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			c := readCase(t, file)
			if c.root && os.Geteuid() != 0 {
				t.Skip("only root becomes another user without a password")
			}
			recorded := filepath.Join("testdata", "recorded", name+".txt")
			if c.differs {
				recorded = filepath.Join("testdata", "differing", name+".txt")
			}
			recorded, err := filepath.Abs(recorded) // the case is played in a folder of its own
			if err != nil {
				t.Fatal(err)
			}
			if *recordAll || *record && !exists(recorded) {
				run := c.real
				if c.differs {
					run = c.ours
				}
				if err := os.WriteFile(recorded, []byte(run(t)), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(recorded)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := normal(c.ours(t)), normal(string(want)); got != want {
				t.Errorf("%s\n%s", strings.Join(c.args, " "), firstDifference(got, want))
			}
		})
	}
}

// TestDifferences holds the list of docs/ansible.md: each way in which a case differs from
// Ansible is told there.
func TestDifferences(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/ansible.md")
	if err != nil {
		t.Fatal(err)
	}
	cases, err := filepath.Glob("testdata/cases/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	_, list, _ := strings.Cut(string(doc), "\n## Differences")
	for _, file := range cases {
		if c := readCase(t, file); c.differs && !strings.Contains(list, "- "+c.why) {
			t.Errorf("%s differs from Ansible, and the section Differences of docs/ansible.md has no line\n- %s", file, c.why)
		}
	}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

type playCase struct {
	command string
	args    []string
	env     []string
	files   *txtar.Archive
	differs bool
	why     string
	root    bool
}

func readCase(t *testing.T, file string) playCase {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := playCase{files: a, command: "ansible-playbook"}
	for _, line := range strings.Split(string(a.Comment), "\n") {
		switch {
		case strings.HasPrefix(line, "# differs:"):
			c.differs, c.why = true, strings.TrimSpace(strings.TrimPrefix(line, "# differs:"))
		case strings.HasPrefix(line, "# env: "):
			c.env = append(c.env, strings.TrimPrefix(line, "# env: "))
		case strings.HasPrefix(line, "# command: "):
			c.command = strings.TrimPrefix(line, "# command: ")
		case line == "# root":
			c.root = true
		case strings.HasPrefix(line, "#"), strings.TrimSpace(line) == "":
		default:
			c.args = strings.Fields(line)
		}
	}
	if c.args == nil {
		c.args = []string{"-i", "localhost,", "-c", "local", "site.yml"}
	}
	return c
}

// lay puts the case's files into a folder.
func (c playCase) lay(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range c.files.Files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := fs.FileMode(0o644)
		if strings.HasPrefix(string(f.Data), "#!") {
			mode = 0o755
		}
		if err := os.WriteFile(path, f.Data, mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// environment is that of both programs: without configuration of the user's.
func environment(dir string) []string {
	return []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "LC_ALL=C.UTF-8", "ANSIBLE_NOCOLOR=1", "ANSIBLE_LOCALHOST_WARNING=0",
		"ANSIBLE_INVENTORY_UNPARSED_WARNING=0", "COLUMNS=80"}
}

// ours plays the case with the program of this package.
func (c playCase) ours(t *testing.T) string {
	t.Helper()
	dir := c.lay(t)
	t.Chdir(dir)
	env := map[string]string{}
	for _, kv := range append(environment(dir), c.env...) {
		k, v, _ := strings.Cut(kv, "=")
		t.Setenv(k, v)
		env[k] = v
	}
	var stdout, stderr bytes.Buffer
	p := &Program{Name: c.command, Version: "test", Env: func(k string) string { return env[k] }, Stdout: &stdout, Stderr: &stderr}
	code := p.Main(context.Background(), c.args)
	return describe(t, dir, stdout.String(), stderr.String(), code)
}

// real plays the case with ansible-core.
func (c playCase) real(t *testing.T) string {
	t.Helper()
	bin := os.Getenv("TUTTI_ANSIBLE")
	if bin == "" {
		t.Fatal("TUTTI_ANSIBLE names no folder of ansible-core's commands: make ansible installs it")
	}
	dir := c.lay(t)
	cmd := exec.Command(filepath.Join(bin, c.command), c.args...)
	cmd.Dir = dir
	cmd.Env = append(append(environment(dir), "ANSIBLE_PYTHON_INTERPRETER="+filepath.Join(bin, "python")), c.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no terminal, as in ours
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	code := 0
	if err := cmd.Run(); err != nil {
		if code = cmd.ProcessState.ExitCode(); code < 0 {
			t.Fatal(err)
		}
	}
	return describe(t, dir, stdout.String(), stderr.String(), code)
}

// describe writes down what is compared: the screen, the code, the files in out.
func describe(t *testing.T, dir, stdout, stderr string, code int) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "code %d\n-- stdout --\n%s", code, strings.ReplaceAll(stdout, dir, "$DIR"))
	if e := strings.ReplaceAll(withoutPython(stderr), dir, "$DIR"); e != "" {
		fmt.Fprintf(&b, "-- stderr --\n%s", e)
	}
	root := filepath.Join(dir, "out")
	var names []string
	_ = filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err == nil && path != root {
			names = append(names, path)
		}
		return nil
	})
	slices.Sort(names)
	for _, path := range names {
		info, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "-- %s %s --\n", strings.TrimPrefix(path, dir+"/"), info.Mode())
		if info.Mode().IsRegular() {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			b.WriteString(strings.ReplaceAll(string(text), dir, "$DIR"))
			if !bytes.HasSuffix(text, []byte("\n")) {
				b.WriteString("(no newline)\n")
			}
		}
	}
	return b.String()
}

// errors leaves out what is about the Python of the hosts, which we do without.
func withoutPython(stderr string) string {
	var keep []string
	for _, line := range strings.Split(stderr, "\n") {
		if strings.Contains(line, "discovered Python interpreter") || strings.Contains(line, "interpreter_discovery") {
			continue
		}
		keep = append(keep, line)
	}
	return strings.Join(keep, "\n")
}

// firstDifference shows where two texts part, with the lines around.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	i := 0
	for i < len(g) && i < len(w) && g[i] == w[i] {
		i++
	}
	show := func(l []string) string { return strings.Join(l[max(0, min(i, len(l))-2):min(len(l), i+6)], "\n      ") }
	return fmt.Sprintf("line %d\n got: %s\nwant: %s", i+1, show(g), show(w))
}
