package provisioner

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sort"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/process"
)

const failed = "local-exec provisioner error"

// shownOutput is how much of the end of a failed command's output an error holds.
const shownOutput = 8 << 10

func runLocal(ctx context.Context, req Request, config cty.Value, secret object.Mark) diag.List {
	command := text(config, "command")
	if command == "" {
		return diag.Errorf(req.Subject, "Invalid local-exec provisioner command", "The command of a local-exec provisioner must not be empty.")
	}
	argv, d := commandLine(req, config, command)
	if d.HasErrors() {
		return d
	}
	tail := &tail{limit: shownOutput}
	c := process.Command{Argv: argv, Env: environment(req.Env, config), Dir: workingDir(req.Dir, config), Capture: -1,
		Line: func(_ process.Stream, line string) {
			tail.add(line)
			if secret == "" {
				req.Log(line)
			}
		}}
	switch {
	case secret != "":
		req.Log(fmt.Sprintf("(output suppressed due to %s value in config)", secret))
	case truth(config, "quiet"):
		req.Log("local-exec: Executing: Suppressed by quiet=true")
	default:
		req.Log(fmt.Sprintf("Executing: %q", argv))
	}
	res, err := process.Run(ctx, c)
	if err == nil && res.OK() {
		return nil
	}
	return complain(req, command, secret, res, err, tail)
}

// complain says why a command failed. With a secret in the configuration neither
// the command nor its output is shown: either may hold it.
func complain(req Request, command string, secret object.Mark, res process.Result, err error, out *tail) diag.List {
	why := res.String()
	var start *process.StartError
	switch {
	case errors.As(err, &start) && secret != "":
		why = "it could not be started"
	case err != nil:
		why = err.Error()
	}
	if secret != "" {
		return diag.Errorf(req.Subject, failed, "The command failed: %s. It and its output are not shown because the configuration holds %s values.", why, secret)
	}
	return diag.Errorf(req.Subject, failed, "Error running command '%s': %s. Output: %s", command, why, out)
}

// commandLine gives the program with its arguments: the interpreter's, or the
// system's shell, and the command as the last.
func commandLine(req Request, config cty.Value, command string) ([]string, diag.List) {
	given := config.GetAttr("interpreter")
	if given.IsNull() || given.LengthInt() == 0 {
		return process.Shell(command), nil
	}
	var argv []string
	for _, v := range given.AsValueSlice() {
		if v.IsNull() {
			return nil, diag.Errorf(req.Subject, "Invalid local-exec interpreter", "An element of interpreter is null. Leave it out.")
		}
		argv = append(argv, v.AsString())
	}
	return append(argv, command), nil
}

// environment puts the block's variables on top; null ones are left out.
func environment(base []string, config cty.Value) []string {
	out := append([]string(nil), base...)
	given := config.GetAttr("environment")
	if given.IsNull() {
		return out
	}
	vars := given.AsValueMap()
	names := make([]string, 0, len(vars))
	for name, v := range vars {
		if !v.IsNull() {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		out = append(out, name+"="+vars[name].AsString())
	}
	return out
}

func workingDir(base string, config cty.Value) string {
	dir := text(config, "working_dir")
	if dir == "" || filepath.IsAbs(dir) || base == "" {
		if dir == "" {
			return base
		}
		return dir
	}
	return filepath.Join(base, dir)
}

func text(config cty.Value, name string) string {
	if v := config.GetAttr(name); !v.IsNull() {
		return v.AsString()
	}
	return ""
}

func truth(config cty.Value, name string) bool {
	v := config.GetAttr(name)
	return !v.IsNull() && v.True()
}

// tail keeps the end of the output.
type tail struct {
	limit int
	lines []string
	size  int
}

func (t *tail) add(line string) {
	t.lines = append(t.lines, line)
	t.size += len(line) + 1
	for t.size > t.limit && len(t.lines) > 1 {
		t.size -= len(t.lines[0]) + 1
		t.lines = t.lines[1:]
	}
}

// String gives the lines; a single one above the limit loses its beginning.
func (t *tail) String() string {
	s := strings.Join(t.lines, "\n")
	if len(s) > t.limit {
		s = strings.ToValidUTF8(s[len(s)-t.limit:], "")
	}
	return s
}
