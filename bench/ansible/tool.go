package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// tool is one of the two programs.
type tool struct {
	name string
	argv []string
	env  []string
}

// forks is how many hosts are worked on at a time, by both.
const forks = "20"

func (b *bench) ours() tool {
	return tool{name: "tutti", argv: []string{b.tutti, "playbook"}}
}

// theirs is ansible-core as fast as it goes without more than itself: pipelining, and
// connections that persist for one run.
func (b *bench) theirs() tool {
	return tool{name: "ansible", argv: []string{filepath.Join(b.venv, "bin", "ansible-playbook")}, env: []string{
		"ANSIBLE_PIPELINING=True", "ANSIBLE_PYTHON_INTERPRETER=" + filepath.Join(b.venv, "bin", "python"),
		"ANSIBLE_LOCALHOST_WARNING=False", "ANSIBLE_DEPRECATION_WARNINGS=False"}}
}

// result is what one run took.
type result struct {
	wall, first time.Duration
	// peak is the greatest memory of the process, in MB.
	peak float64
}

// play has a program play a measurement's playbook in a new folder.
func (b *bench) play(m measurement, t tool) (result, error) {
	dir, err := os.MkdirTemp(b.dir, "")
	if err != nil {
		return result{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	place := filepath.Join(dir, "place")
	if err := os.Mkdir(place, 0o755); err != nil {
		return result{}, err
	}
	for name, text := range map[string]string{"hosts": m.inventory(b), "site.yml": m.play} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return result{}, err
		}
	}
	cmd := exec.Command(t.argv[0], slices.Concat(t.argv[1:], []string{"-i", "hosts", "-f", forks, "-e", "place=" + place, "site.yml"})...)
	cmd.Dir = dir
	cmd.Env = append(clean(os.Environ()), append(t.env, "HOME="+dir, "ANSIBLE_HOME="+dir, "NO_COLOR=1", "ANSIBLE_NOCOLOR=1", "LC_ALL=C.UTF-8")...)
	r, said, err := watch(cmd)
	if err != nil {
		return result{}, fmt.Errorf("%s: %w\n%s", t.name, err, said)
	}
	recap := recapOf(said)
	if b.recap == "" {
		b.recap = recap
	}
	if recap == "" || recap != b.recap {
		return result{}, fmt.Errorf("%s did something else: its recap is\n%s\nand not\n%s", t.name, recap, b.recap)
	}
	return r, nil
}

// clean leaves the caller's settings of both out.
func clean(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		return strings.HasPrefix(v, "ANSIBLE_") || strings.HasPrefix(v, "TUTTI_") || strings.HasPrefix(v, "SSH_AUTH_SOCK=")
	})
}

// watch runs a command to its end, and takes the time of its first task.
func watch(cmd *exec.Cmd) (result, string, error) {
	var r result
	var said, errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		return r, "", err
	}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return r, "", err
	}
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		said.WriteString(line)
		if r.first == 0 && strings.HasPrefix(line, "TASK [") {
			r.first = time.Since(begin)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return r, said.String(), err
		}
	}
	err = cmd.Wait()
	r.wall, r.peak = time.Since(begin), peak(cmd.ProcessState)
	return r, said.String() + errs.String(), err
}

// recapOf gives the lines that count, without their padding.
func recapOf(said string) string {
	_, recap, _ := strings.Cut(said, "PLAY RECAP")
	var lines []string
	for line := range strings.Lines(recap) {
		if strings.Contains(line, "ok=") {
			lines = append(lines, strings.Join(strings.Fields(line), " "))
		}
	}
	return strings.Join(lines, "\n")
}
