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
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var record = flag.Bool("record", false, "record what ansible-core does with the cases, into testdata/recorded")

// TestAsAnsible plays small playbooks, one behaviour each, and holds what people see, the exit
// code and the files that are left to what ansible-core 2.19.14 did with them. A case is a
// txtar file in testdata/cases: its comment are the arguments, "#" begins a remark; the files
// are put into a folder of their own, where the command is started. What the play leaves in
// the folder out is compared, too. With -record, TUTTI_ANSIBLE names the folder of ansible-core's
// commands, and what it does is written down.
//
// A line "# differs: WHY" in a case's comment has our own answer recorded instead: see
// docs/ansible.md for the list.
func TestAsAnsible(t *testing.T) {
	cases, err := filepath.Glob("testdata/cases/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range cases {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			c := readCase(t, file)
			recorded := filepath.Join("testdata", "recorded", name+".txt")
			if *record && (!c.differs || !exists(recorded)) {
				run := c.real
				if c.differs {
					run = c.ours
				}
				if err := os.WriteFile(recorded, []byte(run(t)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(recorded)
			if err != nil {
				t.Fatal(err)
			}
			if got := c.ours(t); got != string(want) {
				t.Errorf("%s\n%s", strings.Join(c.args, " "), firstDifference(got, string(want)))
			}
		})
	}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

type playCase struct {
	args    []string
	files   *txtar.Archive
	differs bool
}

func readCase(t *testing.T, file string) playCase {
	t.Helper()
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := playCase{files: a}
	for _, line := range strings.Split(string(a.Comment), "\n") {
		switch {
		case strings.HasPrefix(line, "# differs:"):
			c.differs = true
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
	for _, kv := range environment(dir) {
		k, v, _ := strings.Cut(kv, "=")
		t.Setenv(k, v)
		env[k] = v
	}
	var stdout, stderr bytes.Buffer
	p := &Program{Name: "ansible-playbook", Version: "test", Env: func(k string) string { return env[k] }, Stdout: &stdout, Stderr: &stderr}
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
	cmd := exec.Command(filepath.Join(bin, "ansible-playbook"), c.args...)
	cmd.Dir = dir
	cmd.Env = append(environment(dir), "ANSIBLE_PYTHON_INTERPRETER="+filepath.Join(bin, "python"))
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
	fmt.Fprintf(&b, "code %d\n-- stdout --\n%s", code, steady(stdout, dir))
	if e := steady(withoutPython(stderr), dir); e != "" {
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
			b.WriteString(steady(string(text), dir))
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

var volatile = []struct {
	expr *regexp.Regexp
	by   string
}{
	{regexp.MustCompile(`/[^"' ]*/\.ansible/tmp/[^"' ]*`), "TMP"},
	{regexp.MustCompile(`"(start|end|stop)": "[-0-9:. ]+"`), `"$1": "TIME"`},
	{regexp.MustCompile(`"delta": "[0-9:.]+"`), `"delta": "DELTA"`},
	{regexp.MustCompile(`"(atime|ctime|mtime)": [0-9.]+`), `"$1": 0`},
	{regexp.MustCompile(`"(inode|dev|nlink|blocks)": [0-9]+`), `"$1": 0`},
	{regexp.MustCompile(`"version": "[0-9]+"`), `"version": "0"`},
	{regexp.MustCompile(`"(ansible_job_id|results_file)": "[^"]+"`), `"$1": "JOB"`},
	{regexp.MustCompile(`jid=j[0-9.]+`), "jid=JOB"},
	{regexp.MustCompile(`ansible\.[a-z0-9_]{8}`), "ansible.RANDOM"},
	{regexp.MustCompile(`(?m) +$`), ""},
}

func steady(text, dir string) string {
	text = strings.ReplaceAll(text, dir, "$DIR")
	for _, v := range volatile {
		text = v.expr.ReplaceAllString(text, v.by)
	}
	return text
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
