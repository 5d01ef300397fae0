package moduletest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/module"
)

// Local is a target that runs modules in this process. Arguments go through JSON and back, as
// they do on their way to a host.
type Local struct {
	Modules map[string]*module.Module
	calls   atomic.Int64
}

// Calls tells how many modules were run.
func (l *Local) Calls() int { return int(l.calls.Load()) }

var _ action.Target = (*Local)(nil)

// Run implements action.Target.
func (l *Local) Run(ctx context.Context, r module.Request) (module.Result, error) {
	l.calls.Add(1)
	m, ok := l.Modules[r.Module]
	if !ok {
		return nil, fmt.Errorf("there is no module %s", r.Module)
	}
	data, err := json.Marshal(r.Args)
	if err != nil {
		return nil, err
	}
	args, err := plain(data)
	if err != nil {
		return nil, err
	}
	r.Args, _ = args.(map[string]any)
	return module.Run(ctx, m, r), nil
}

// Exec implements action.Target.
func (l *Local) Exec(ctx context.Context, c action.Command) (module.Output, error) {
	argv := c.Argv
	if len(argv) == 0 {
		shell := c.Executable
		if shell == "" {
			shell = "/bin/sh"
		}
		argv = []string{shell, "-c", c.Shell}
	}
	var env []string
	for k, v := range c.Env {
		env = append(env, k+"="+v)
	}
	return module.Exec(ctx, module.Command{Argv: argv, Dir: c.Dir, Stdin: c.Stdin, Env: env, KeepLocale: true}), nil
}

// Put implements action.Target.
func (l *Local) Put(_ context.Context, name string, content io.Reader) (string, error) {
	file, err := os.CreateTemp("", "ansible-put-*-"+name)
	if err != nil {
		return "", err
	}
	if _, err := io.Copy(file, content); err != nil {
		return "", err
	}
	return file.Name(), file.Close()
}

// Get implements action.Target.
func (l *Local) Get(_ context.Context, path string) (io.ReadCloser, error) { return os.Open(path) }

// Remove implements action.Target.
func (l *Local) Remove(_ context.Context, path string) { _ = os.RemoveAll(path) }

// Reset implements action.Target.
func (l *Local) Reset(context.Context) error { return nil }

// Local implements action.Target.
func (l *Local) Local() bool { return true }
