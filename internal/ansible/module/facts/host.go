package facts

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"tutti/internal/ansible/module"
)

// host is the machine that facts are gathered of.
type host struct {
	ctx     context.Context
	options hostOptions
	env     map[string]string
	// installedPython is found once, however many collectors ask.
	installedPython func() *python

	lock     sync.Mutex
	known    facts
	warnings []string
}

// hostOptions say what may differ between one gathering and another.
type hostOptions struct {
	// Root is the folder that stands for "/"; "" is the machine itself. Tests use it.
	Root string
	// FactPath is where people put facts of their own.
	FactPath string
	// TimeoutSeconds is how long one mount may take to answer; 0 is 10.
	TimeoutSeconds int64
}

func newHost(ctx context.Context, o hostOptions) *host {
	if o.TimeoutSeconds <= 0 {
		o.TimeoutSeconds = 10
	}
	h := &host{ctx: ctx, options: o, env: map[string]string{}, known: facts{}}
	h.installedPython = sync.OnceValue(h.findPython)
	for _, kv := range module.Environment(ctx) {
		if k, v, ok := strings.Cut(kv, "="); ok {
			h.env[k] = v
		}
	}
	return h
}

func (h *host) timeout() time.Duration { return time.Duration(h.options.TimeoutSeconds) * time.Second }

// warn tells the user something about the host.
func (h *host) warn(format string, args ...any) {
	h.lock.Lock()
	defer h.lock.Unlock()
	h.warnings = append(h.warnings, fmt.Sprintf(format, args...))
}

// remember keeps facts for the collectors that need them.
func (h *host) remember(found facts) {
	h.lock.Lock()
	defer h.lock.Unlock()
	for k, v := range found {
		h.known[k] = v
	}
}

// fact gives a text fact of a subset that is done; "" when there is none.
func (h *host) fact(name string) string {
	h.lock.Lock()
	defer h.lock.Unlock()
	s, _ := h.known[name].(string)
	return s
}

func (h *host) path(name string) string {
	if h.options.Root == "" {
		return name
	}
	return filepath.Join(h.options.Root, name)
}

// text reads a file without the space around; "" when it cannot be read or is empty.
func (h *host) text(name string) string {
	data, err := os.ReadFile(h.path(name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// value is text as a fact: nil when there is none.
func (h *host) value(name string) any {
	if s := h.text(name); s != "" {
		return s
	}
	return nil
}

// lines reads a file's lines, without the space around the whole.
func (h *host) lines(name string) []string { return lines(h.text(name)) }

func lines(text string) []string {
	if text == "" {
		return nil
	}
	list := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, l := range list {
		list[i] = strings.TrimSuffix(l, "\r")
	}
	return list
}

func (h *host) exists(name string) bool {
	_, err := os.Stat(h.path(name))
	return err == nil
}

func (h *host) isFolder(name string) bool {
	info, err := os.Stat(h.path(name))
	return err == nil && info.IsDir()
}

// list gives the names in a folder in the order in which the kernel tells them, which is the
// order of Ansible's lists.
func (h *host) list(name string) []string {
	f, err := os.Open(h.path(name))
	if err != nil {
		return nil
	}
	defer f.Close()
	found, _ := f.Readdirnames(-1)
	return found
}

// link gives what a symbolic link says; "" when it is none.
func (h *host) link(name string) string {
	target, _ := os.Readlink(h.path(name))
	return target
}

// program finds a program; "" when it is not installed.
func (h *host) program(name string) string {
	if h.options.Root != "" {
		return ""
	}
	return module.LookPath(h.ctx, name)
}

// run gives what a program prints, and whether it succeeded.
func (h *host) run(argv ...string) (string, bool) {
	out := module.Exec(h.ctx, module.Command{Argv: argv})
	return out.Stdout, out.Err == nil && out.Code == 0
}
