package task

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"tutti/internal/process"
)

// command runs a command or script once.
func (w *worker) command(ctx context.Context, a action) (outcome, error) {
	var stdout, stderr tail
	res, err := process.Run(ctx, process.Command{
		Argv: a.argv(), Env: environ(os.Environ(), a.Environment), Dir: a.WorkingDir, Stdin: []byte(a.Stdin),
		Timeout: a.Timeout, Capture: MaxOutput,
		Line: func(s process.Stream, line string) {
			if s == process.Stderr {
				stderr.add(line)
			} else {
				stdout.add(line)
			}
			w.output(line)
		},
	})
	out := outcome{stdout: string(res.Stdout.Text), stderr: string(res.Stderr.Text)}
	for name, c := range map[string]process.Captured{"stdout": res.Stdout, "stderr": res.Stderr} {
		if c.Dropped > 0 {
			out.cut = append(out.cut, name)
		}
	}
	slices.Sort(out.cut)
	if err == nil && res.Signal == "" {
		out.exit = &res.ExitCode
	}
	said := stderr.text()
	if said == "" {
		said = stdout.text()
	}
	var start *process.StartError
	switch {
	case errors.As(err, &start):
		return out, &failure{why: err.Error(), exit: -1, nothing: true}
	case errors.Is(err, process.ErrTimeout):
		return out, &failure{why: err.Error(), output: said, exit: -1}
	case err != nil:
		return out, fmt.Errorf("%w (%s)", err, res)
	case res.Signal != "" || !a.exits(res.ExitCode):
		return out, &failure{why: res.String(), output: said, exit: res.ExitCode}
	}
	return out, nil
}

// argv gives the argument list. A script ends at the first command that fails,
// unless its own interpreter is asked for.
func (a action) argv() []string {
	switch {
	case a.Script == nil:
		return a.Command
	case len(a.Interpreter) > 0:
		return append(slices.Clone(a.Interpreter), *a.Script)
	case runtime.GOOS == "windows":
		return process.Shell(*a.Script)
	default:
		return []string{"/bin/sh", "-e", "-c", *a.Script}
	}
}

// environ changes an environment: null takes a variable away.
func environ(base []string, changes map[string]*string) []string {
	out := slices.DeleteFunc(slices.Clone(base), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		_, changed := changes[name]
		return changed
	})
	own := make([]string, 0, len(changes))
	for name, v := range changes {
		if v != nil {
			own = append(own, name+"="+*v)
		}
	}
	slices.Sort(own)
	return append(out, own...)
}
