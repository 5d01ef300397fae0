// Package target is what runs on a host: it carries out modules and commands, takes and gives
// files, and begins work that goes on when everybody has left. The small program that connections
// put onto hosts is a door to it, and connections to this machine use it directly.
//
// In: calls of package channel, on standard input. Out: replies, on standard output. It must not
// know how it was reached, or anything of plays.
package target

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/connection/channel"
	"tutti/internal/ansible/module"
)

// Modules finds a module by its short name; nil is that there is none.
type Modules func(name string) *module.Module

// Table makes a list of modules into what finds them.
func Table(modules map[string]*module.Module) Modules {
	return func(name string) *module.Module { return modules[name] }
}

// Machine is this host, as the user of this process. It is safe for use by several goroutines.
type Machine struct {
	Modules Modules
	// Temp is where a folder for the files of this run is made; "" is ~/.ansible/tmp.
	Temp string

	mu     sync.Mutex
	folder string
}

// shortName is a module's name without the collections that are native.
func shortName(name string) string {
	for _, prefix := range []string{"ansible.builtin.", "ansible.legacy."} {
		if s, ok := strings.CutPrefix(name, prefix); ok {
			return s
		}
	}
	return name
}

// Find gives the native module of a name, with or without "ansible.builtin."; nil when there is
// none.
func (f Modules) Find(name string) *module.Module {
	if f == nil {
		return nil
	}
	return f(shortName(name))
}

// Run carries a module out.
func (m *Machine) Run(ctx context.Context, r module.Request) module.Result {
	native := m.Modules.Find(r.Module)
	if native == nil {
		return module.Fail(fmt.Sprintf("the program on the host does not know the module %s: its version is not that of the controller's", r.Module))
	}
	if r.TempDir == "" {
		if dir, err := m.tempDir(); err == nil {
			r.TempDir = dir
		}
	}
	return module.Run(ctx, native, r)
}

// Exec runs a command with the environment and locale of this process.
func (m *Machine) Exec(ctx context.Context, c action.Command) module.Output {
	argv := c.Argv
	if len(argv) == 0 {
		shell := c.Executable
		if shell == "" {
			shell = "/bin/sh"
		}
		argv = []string{shell, "-c", c.Shell}
	}
	env := make([]string, 0, len(c.Env))
	for k, v := range c.Env {
		env = append(env, k+"="+v)
	}
	return module.Exec(ctx, module.Command{Argv: argv, Dir: c.Dir, Stdin: c.Stdin, Env: env, KeepLocale: true})
}

// Put writes a new temporary file that this user alone can read, and gives its path.
func (m *Machine) Put(name string, content io.Reader) (string, error) {
	dir, err := m.tempDir()
	if err != nil {
		return "", err
	}
	file, err := os.CreateTemp(dir, "*-"+plainName(name))
	if err != nil {
		return "", err
	}
	_, err = io.Copy(file, content)
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return "", err
	}
	return file.Name(), nil
}

// plainName makes a hint for people into the end of a file's name.
func plainName(name string) string {
	name = filepath.Base(name)
	if name == "." || name == "/" || strings.ContainsAny(name, "*\x00") {
		return "file"
	}
	return name[max(0, len(name)-64):]
}

// Get opens a file.
func (m *Machine) Get(path string) (io.ReadCloser, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err == nil && info.IsDir() {
		file.Close()
		return nil, fmt.Errorf("%s is a directory", path)
	}
	return file, nil
}

// Remove takes a file of Put away; what lies elsewhere is left alone.
func (m *Machine) Remove(path string) {
	m.mu.Lock()
	folder := m.folder
	m.mu.Unlock()
	if folder != "" && filepath.Dir(filepath.Clean(path)) == folder {
		_ = os.Remove(path)
	}
}

// Close takes away all that Put made.
func (m *Machine) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.folder != "" {
		_ = os.RemoveAll(m.folder)
		m.folder = ""
	}
}

// tempDir makes the folder for this run's files when it is first needed.
func (m *Machine) tempDir() (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.folder != "" {
		return m.folder, nil
	}
	var first error
	for _, parent := range []string{home(m.Temp, "~/.ansible/tmp"), os.TempDir()} {
		err := os.MkdirAll(parent, 0o700)
		if err == nil {
			m.folder, err = os.MkdirTemp(parent, "tutti-")
		}
		if err == nil {
			return m.folder, nil
		}
		if first == nil {
			first = err
		}
	}
	return "", fmt.Errorf("no folder for temporary files: %w", first)
}

// home resolves ~ and variables in a path, or in another when it is empty.
func home(path, otherwise string) string {
	if path == "" {
		path = otherwise
	}
	path = os.ExpandEnv(path)
	if path == "~" || strings.HasPrefix(path, "~/") {
		if dir, err := os.UserHomeDir(); err == nil {
			return filepath.Join(dir, path[1:])
		}
	}
	return path
}

// handle answers a call of the channel.
func (m *Machine) handle(ctx context.Context, call channel.Call, body io.Reader) (channel.Reply, io.ReadCloser) {
	failed := func(err error) (channel.Reply, io.ReadCloser) {
		return channel.Reply{Error: err.Error(), Missing: os.IsNotExist(err)}, nil
	}
	switch {
	case call.Kind == channel.Module && call.Module != nil:
		return channel.Reply{Result: m.Run(ctx, *call.Module)}, nil
	case call.Kind == channel.Exec && call.Command != nil:
		return channel.Reply{Output: channel.Wrap(m.Exec(ctx, *call.Command))}, nil
	case call.Kind == channel.Put && body != nil:
		path, err := m.Put(call.Name, body)
		if err != nil {
			return failed(err)
		}
		return channel.Reply{Path: path}, nil
	case call.Kind == channel.Get:
		file, err := m.Get(call.Path)
		if err != nil {
			return failed(err)
		}
		return channel.Reply{}, file
	case call.Kind == channel.Remove:
		m.Remove(call.Path)
		return channel.Reply{}, nil
	case call.Kind == channel.Start && call.Job != nil:
		return channel.Reply{Result: m.Start(ctx, *call.Job)}, nil
	case call.Kind == channel.Clean:
		if err := removeSelf(); err != nil {
			return failed(err)
		}
		return channel.Reply{}, nil
	}
	return channel.Reply{Error: fmt.Sprintf("an unknown call %q", call.Kind)}, nil
}
