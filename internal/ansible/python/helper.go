package python

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"tutti/internal/ansible/connection/channel"
)

//go:embed embedded/helper.py
var helperScript string

const (
	// maxAnswer is how long one answer of the helper may be.
	maxAnswer = 256 << 20
	// keptStderr is how much of what plugins print is kept for messages.
	keptStderr = 8 << 10
)

// Kind is a kind of plugin that the helper calls.
type Kind string

// The kinds of plugins.
const (
	Filter Kind = "filter"
	Test   Kind = "test"
	Lookup Kind = "lookup"
)

// Helper is a Python process on the controller that calls plugins written in Python. It is started
// when it is first needed, and answers one call after the other. The zero value works when no
// plugin imports ansible.
type Helper struct {
	// Core is the ansible-core that plugins import; nil is none.
	Core *Core
	// Collections are the folders in which there is an ansible_collections.
	Collections []string
	// Python is the interpreter; "" is that of the Core, or python3.
	Python string

	mu      sync.Mutex
	process *helperProcess
	loaded  []map[string]any // what has to be loaded again when the process is started again
}

type helperProcess struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
	stderr *lastWords
}

// lastWords keeps the end of what is written to it.
type lastWords struct {
	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer.
func (l *lastWords) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	if over := len(l.text) - keptStderr; over > 0 {
		l.text = append(l.text[:0], l.text[over:]...)
	}
	return len(p), nil
}

// String gives what was kept.
func (l *lastWords) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.TrimSpace(string(l.text))
}

// PluginError is what a plugin raised.
type PluginError struct {
	// Text is the exception: its type and what it says.
	Text, Trace string
}

// Error implements error.
func (p *PluginError) Error() string { return p.Text }

// Folder is one with plugins. Collection is "ns.coll" for those of a collection, whose plugins are
// called by their full names.
type Folder struct{ Path, Collection string }

// Folders gives the folders with plugins of a kind that are there: beside playbooks and in roles
// (filter_plugins and so on), and in the collections that are named.
func (h *Helper) Folders(kind Kind, beside, collections []string) []Folder {
	var list []Folder
	for _, dir := range beside {
		if path := filepath.Join(dir, string(kind)+"_plugins"); hasPython(path) {
			list = append(list, Folder{Path: path})
		}
	}
	for _, name := range collections {
		namespace, short, ok := strings.Cut(name, ".")
		if !ok {
			continue
		}
		f := Finder{Collections: h.Collections, Core: h.Core}
		if root := f.collection(namespace, short); root != "" {
			if path := filepath.Join(root, "plugins", string(kind)); hasPython(path) {
				list = append(list, Folder{Path: path, Collection: name})
			}
		}
	}
	return list
}

func hasPython(dir string) bool {
	found, _ := filepath.Glob(filepath.Join(dir, "*.py"))
	return len(found) > 0
}

// Problem is a file of plugins that could not be loaded.
type Problem struct {
	File  string `json:"file"`
	Error string `json:"error"`
}

// Load loads the plugins of a folder and gives the names that they go by. Files that cannot be
// loaded are told and left out.
func (h *Helper) Load(ctx context.Context, kind Kind, f Folder) (names []string, problems []Problem, err error) {
	request := map[string]any{"do": "load", "kind": kind, "dirs": []string{f.Path}}
	if f.Collection != "" {
		request["prefix"] = f.Collection + "."
		request["package"] = "ansible_collections." + f.Collection + ".plugins." + string(kind)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var answer struct {
		Names    []string
		Problems []Problem
	}
	if err := h.ask(ctx, request, &answer); err != nil {
		return nil, nil, err
	}
	h.loaded = append(h.loaded, request)
	return answer.Names, answer.Problems, nil
}

// Call calls a plugin that was loaded. A *PluginError is what it raised. A lookup's first argument
// is the list of its terms, and "variables" among named are the play's.
func (h *Helper) Call(ctx context.Context, kind Kind, name string, args []any, named map[string]any) (any, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var value any
	err := h.ask(ctx, map[string]any{"do": "call", "kind": kind, "name": name, "args": args, "named": named}, &value)
	return value, err
}

// CallText is Call whose answer is JSON as Python wrote it, dicts in their order.
func (h *Helper) CallText(ctx context.Context, kind Kind, name string, args []any, named map[string]any) (json.RawMessage, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var text json.RawMessage
	err := h.ask(ctx, map[string]any{"do": "call", "kind": kind, "name": name, "args": args, "named": named}, &text)
	return text, err
}

// Inventory has Ansible's own inventory manager read a source, plugins of collections included, and
// gives it in the form of an inventory script's --list.
func (h *Helper) Inventory(ctx context.Context, source string) (map[string]any, error) {
	if h.Core == nil {
		return nil, fmt.Errorf("the inventory %s needs a plugin in Python, which needs ansible-core, and none was found on this machine: pip install ansible-core", source)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var value map[string]any
	err := h.ask(ctx, map[string]any{"do": "inventory", "source": source, "base": filepath.Dir(source), "collections": h.Collections}, &value)
	return value, err
}

// Close ends the process.
func (h *Helper) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.end()
}

func (h *Helper) end() {
	if h.process != nil {
		_ = h.process.stdin.Close()
		_ = h.process.cmd.Process.Kill()
		_ = h.process.cmd.Wait()
		h.process = nil
	}
}

// ask makes a call; the lock is held. When the context ends the process is ended too, since nobody
// knows what it does; the next call starts another.
func (h *Helper) ask(ctx context.Context, request map[string]any, into any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if h.process == nil {
		if err := h.start(ctx); err != nil {
			return err
		}
	}
	return h.exchange(ctx, request, into)
}

func (h *Helper) exchange(ctx context.Context, request map[string]any, into any) error {
	p := h.process
	text, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("the arguments cannot be passed on to Python: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = p.cmd.Process.Kill() })
	defer stop()
	_, err = p.stdin.Write(append(text, '\n'))
	var line []byte
	if err == nil {
		line, err = readLine(p.stdout)
	}
	if err != nil {
		said := p.stderr.String()
		h.end()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("the Python process for plugins has ended (%w): %s", err, said)
	}
	var answer struct {
		Value json.RawMessage
		Error string
		Trace string
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		return fmt.Errorf("the Python process for plugins answers what is no JSON: %w", err)
	}
	if answer.Error != "" {
		return &PluginError{answer.Error, answer.Trace}
	}
	if value, ok := into.(*any); ok {
		return decodeValue(answer.Value, value)
	}
	return json.Unmarshal(answer.Value, into)
}

func decodeValue(text []byte, value *any) error {
	var reply channel.Reply
	if err := channel.Decode([]byte(`{"result":{"value":`+string(text)+`}}`), &reply); err != nil {
		return err
	}
	*value = reply.Result["value"]
	return nil
}

func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		piece, err := r.ReadSlice('\n')
		line = append(line, piece...)
		switch {
		case err == nil:
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(line) > maxAnswer:
			return nil, fmt.Errorf("an answer of more than %d bytes", maxAnswer)
		}
	}
}

func (h *Helper) start(ctx context.Context) error {
	python := h.interpreter()
	cmd := exec.Command(python, "-c", helperScript)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1")
	p := &helperProcess{cmd: cmd, stderr: &lastWords{}}
	cmd.Stderr = p.stderr
	var err error
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	p.stdout = bufio.NewReaderSize(stdout, 64<<10)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("plugins in Python need a Python on this machine: %w", err)
	}
	h.process = p
	paths := append([]string(nil), h.Collections...)
	if h.Core != nil {
		paths = append(paths, filepath.Dir(h.Core.Dir))
	}
	var version any
	if err := h.exchange(ctx, map[string]any{"do": "setup", "paths": paths}, &version); err != nil {
		return err
	}
	for _, again := range h.loaded {
		var ignored any
		if err := h.exchange(ctx, again, &ignored); err != nil {
			return err
		}
	}
	return nil
}

// interpreter is the Python to start: the one that the Core was installed for has what it imports.
func (h *Helper) interpreter() string {
	if h.Python != "" {
		return h.Python
	}
	if h.Core != nil {
		// lib/python3.11/site-packages/ansible
		lib := filepath.Dir(filepath.Dir(h.Core.Dir))
		root := filepath.Dir(filepath.Dir(lib))
		for _, name := range []string{filepath.Base(lib), "python3", "python"} {
			if path := filepath.Join(root, "bin", name); exists(path) {
				return path
			}
		}
	}
	return "python3"
}
