package python

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/google/shlex"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/connection/channel"
	"tutti/internal/ansible/connection/shell"
	"tutti/internal/ansible/connection/target"
	"tutti/internal/ansible/module"
)

// Options are what a task says beside its request.
type Options struct {
	// Host is the inventory's name, for messages.
	Host string
	// Library are folders to look for the module in first: those of roles and of the playbook.
	Library []string
	// Python is the interpreter on the host; "" and the words that begin with "auto" look for one.
	Python string
	// RemoteTmp is where modules may make files; "" is ~/.ansible/tmp.
	RemoteTmp string
}

// Runner runs modules on hosts. It is made for one run, and safe for use by several goroutines.
type Runner struct {
	Finder *Finder

	mu    sync.Mutex
	hosts map[action.Target]*host
}

// host is what is known of a target: its Python, and what it was sent.
type host struct {
	mu     sync.Mutex
	python string
	paths  map[string]string // of payloads, by their hash
}

// Interpreted is a target that knows the Python that the user wants there.
type Interpreted interface{ Interpreter() string }

func (r *Runner) host(t action.Target) *host {
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.hosts[t]
	if h == nil {
		h = &host{paths: map[string]string{}}
		if r.hosts == nil {
			r.hosts = map[action.Target]*host{}
		}
		r.hosts[t] = h
	}
	return h
}

// Foreign is Run as a connection.Pool wants it.
func (r *Runner) Foreign(ctx context.Context, t action.Target, q module.Request) (module.Result, error) {
	return r.Run(ctx, t, q, Options{})
}

// Run finds a module, sends it when the host does not have it yet, and runs it: from then on in
// one round trip. What is wrong with the module itself is a failed result.
func (r *Runner) Run(ctx context.Context, t action.Target, q module.Request, o Options) (module.Result, error) {
	m, err := r.Finder.Find(q.Module, o.Library...)
	if err != nil {
		return module.Fail(err.Error()), nil
	}
	h := r.host(t)
	interpreter, found, err := h.interpreter(ctx, t, o)
	if err != nil {
		return nil, err
	}
	var result module.Result
	if m.Style == New {
		result, err = r.runNew(ctx, t, h, m, q, o, interpreter)
	} else {
		result, err = h.runOther(ctx, t, m, q, o, interpreter)
	}
	if err == nil && result != nil {
		simplify(result)
		found.tell(result, o.Host)
	}
	return result, err
}

func (r *Runner) runNew(ctx context.Context, t action.Target, h *host, m *Module, q module.Request, o Options, interpreter []string) (module.Result, error) {
	p, err := r.Finder.Pack(m)
	if err != nil {
		return module.Fail(err.Error()), nil
	}
	call, err := input(p, m, q, o, r.version())
	if err != nil {
		return module.Fail(err.Error()), nil
	}
	for again := false; ; again = true {
		path, err := h.send(ctx, t, p.Hash, m.Name+".zip", p.Zip)
		if err != nil {
			return nil, err
		}
		out, err := t.Exec(ctx, action.Command{Argv: append(interpreter[:len(interpreter):len(interpreter)], path), Stdin: call, Env: q.Environment})
		if err != nil {
			return nil, err
		}
		// The host's temporary files went with an earlier connection.
		if gone := strings.Contains(out.Stderr, "can't open file") || strings.Contains(out.Stderr, "can't find '__main__' module"); gone && !again {
			h.forget(p.Hash)
			continue
		}
		return target.ReadResult(out), nil
	}
}

func (r *Runner) version() string {
	if r.Finder.Core != nil {
		return r.Finder.Core.Version
	}
	return "2.19.14"
}

// input is what the payload reads.
func input(p *Payload, m *Module, q module.Request, o Options, version string) ([]byte, error) {
	text, err := json.Marshal(map[string]any{"name": p.Unit, "profile": "legacy", "args": arguments(q, o, version)})
	if err != nil {
		return nil, fmt.Errorf("the arguments of %s cannot be sent: %w", m.Name, err)
	}
	return text, nil
}

// arguments are the task's, and those with which Ansible tells modules how they are run.
func arguments(q module.Request, o Options, version string) map[string]any {
	tmp := o.RemoteTmp
	if tmp == "" {
		tmp = "~/.ansible/tmp"
	}
	name := q.Called
	if name == "" {
		name = q.Module
	}
	args := make(map[string]any, len(q.Args)+16)
	for k, v := range q.Args {
		args[k] = v
	}
	for k, v := range map[string]any{"check_mode": q.CheckMode, "no_log": q.NoLog, "debug": false, "diff": q.Diff, "verbosity": q.Verbosity,
		"version": version, "module_name": name, "syslog_facility": "LOG_USER", "selinux_special_fs": []string{"fuse", "nfs", "vboxsf", "ramfs", "9p", "vfat"},
		"socket": nil, "shell_executable": "/bin/sh", "keep_remote_files": false, "tmpdir": nil, "remote_tmp": tmp, "ignore_unknown_opts": false,
	} {
		args["_ansible_"+k] = v
	}
	// A module refuses what its own version does not know.
	if compareVersions(version, "2.17") >= 0 {
		args["_ansible_target_log_info"] = nil
	}
	if compareVersions(version, "2.19") >= 0 {
		args["_ansible_tracebacks_for"] = []string{}
	} else {
		args["_ansible_string_conversion_action"] = "warn"
	}
	return args
}

// send puts a file onto the host once.
func (h *host) send(ctx context.Context, t action.Target, hash, name string, content []byte) (string, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if path := h.paths[hash]; path != "" {
		return path, nil
	}
	path, err := t.Put(ctx, name, bytes.NewReader(content))
	if err == nil {
		h.paths[hash] = path
	}
	return path, err
}

func (h *host) forget(hash string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.paths, hash)
}

// runOther runs what is no Python of the new style: a script or a program that reads its arguments
// from a file.
func (h *host) runOther(ctx context.Context, t action.Target, m *Module, q module.Request, o Options, python []string) (module.Result, error) {
	args := arguments(q, o, "2.19.14")
	text, err := json.Marshal(args)
	if err != nil {
		return module.Fail(fmt.Sprintf("the arguments of %s cannot be sent: %v", m.Name, err)), nil
	}
	content, run := m.text, "chmod u+x %[1]s && %[1]s"
	if m.Style != Binary {
		interpreter, err := m.interpreter(python)
		if err != nil {
			return module.Fail(err.Error()), nil
		}
		run = strings.ReplaceAll(quoteAll(interpreter), "%", "%%") + " %[1]s"
	}
	switch m.Style {
	case Old:
		text = pairs(args)
	case JSONArgs:
		content = bytes.ReplaceAll(m.text, []byte(jsonMark), text)
	}
	hash := fmt.Sprintf("%s\x00%x", m.Path, len(content))
	if m.Style == JSONArgs {
		hash = string(content)
	}
	path, err := h.send(ctx, t, hash, m.Name, content)
	if err != nil {
		return nil, err
	}
	if m.Style == JSONArgs {
		defer func() { t.Remove(ctx, path); h.forget(hash) }()
	}
	// The arguments come in on standard input and go into a file, all in one round trip.
	line := fmt.Sprintf("umask 77; a=$(mktemp) || exit 1; cat >\"$a\"; "+run+" \"$a\" </dev/null; r=$?; rm -f \"$a\"; exit $r", shell.Quote(path))
	out, err := t.Exec(ctx, action.Command{Shell: line, Executable: "/bin/sh", Stdin: text, Env: q.Environment})
	if err != nil {
		return nil, err
	}
	return target.ReadResult(out), nil
}

// interpreter is what a script's first line names; for Python it is that of the host.
func (m *Module) interpreter(python []string) ([]string, error) {
	first, _, _ := bytes.Cut(m.text, []byte("\n"))
	line, ok := strings.CutPrefix(strings.TrimSpace(string(first)), "#!")
	if !ok {
		return nil, fmt.Errorf("module (%s) is missing interpreter line", m.Name)
	}
	words, err := shlex.Split(line)
	if err != nil || len(words) == 0 {
		return nil, fmt.Errorf("module (%s) has an interpreter line that cannot be read: %s", m.Name, line)
	}
	name := words[0][strings.LastIndexByte(words[0], '/')+1:]
	if name == "env" && len(words) > 1 {
		name = words[1]
	}
	if strings.HasPrefix(name, "python") {
		return python, nil
	}
	return words, nil
}

func quoteAll(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = shell.Quote(w)
	}
	return strings.Join(quoted, " ")
}

// pairs writes arguments as modules of the oldest style read them.
func pairs(args map[string]any) []byte {
	var b bytes.Buffer
	for k, v := range args {
		text, ok := v.(string)
		if !ok {
			switch v := v.(type) {
			case nil:
				text = "None"
			case bool:
				text = map[bool]string{true: "True", false: "False"}[v]
			default:
				j, err := json.Marshal(v)
				if err != nil {
					continue
				}
				text = string(j)
			}
		}
		fmt.Fprintf(&b, "%s=%s ", k, shell.Quote(text))
	}
	return b.Bytes()
}

// Job makes the module into a job for the background. Its ID, limit and folder are for the caller
// to set.
func (r *Runner) Job(ctx context.Context, t action.Target, q module.Request, o Options) (channel.Job, error) {
	m, err := r.Finder.Find(q.Module, o.Library...)
	if err != nil {
		return channel.Job{}, err
	}
	if m.Style != New {
		return channel.Job{}, fmt.Errorf("the module %s cannot run in the background: it is of the style %q", m.Name, m.Style)
	}
	h := r.host(t)
	interpreter, _, err := h.interpreter(ctx, t, o)
	if err != nil {
		return channel.Job{}, err
	}
	p, err := r.Finder.Pack(m)
	if err != nil {
		return channel.Job{}, err
	}
	call, err := input(p, m, q, o, r.version())
	if err != nil {
		return channel.Job{}, err
	}
	path, err := h.send(ctx, t, p.Hash, m.Name+".zip", p.Zip)
	if err != nil {
		return channel.Job{}, err
	}
	return channel.Job{Payload: path, Command: &action.Command{Argv: append(interpreter[:len(interpreter):len(interpreter)], channel.PayloadMark),
		Stdin: call, Env: q.Environment}}, nil
}
