package provisioner

import (
	"context"
	"errors"
	"fmt"
	"os"
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

func runLocal(ctx context.Context, config cty.Value, secret object.Mark, log func(string)) diag.List {
	command := text(config, "command")
	if command == "" {
		return diag.Errorf(nil, "Invalid local-exec provisioner command", "The command of a local-exec provisioner must not be empty.")
	}
	argv, d := commandLine(config, command)
	if d.HasErrors() {
		return d
	}
	tail := &tail{limit: shownOutput}
	c := process.Command{Argv: argv, Env: environment(os.Environ(), config), Dir: text(config, "working_dir"), Capture: -1,
		Line: func(_ process.Stream, line string) {
			tail.add(line)
			if secret == "" {
				log(line)
			}
		}}
	switch {
	case secret != "":
		log(fmt.Sprintf("(output suppressed due to %s value in config)", secret))
	case truth(config, "quiet"):
		log("local-exec: Executing: Suppressed by quiet=true")
	default:
		log(fmt.Sprintf("Executing: %q", argv))
	}
	res, err := process.Run(ctx, c)
	if err == nil && res.OK() {
		return nil
	}
	return complain(command, secret, ending{res, err, tail})
}

// ending is how a command failed.
type ending struct {
	res  process.Result
	err  error
	tail *tail
}

// complain says why a command failed. With a secret in the configuration neither
// the command nor its output is shown: either may hold it.
func complain(command string, secret object.Mark, e ending) diag.List {
	why := e.res.String()
	var start *process.StartError
	switch {
	case errors.As(e.err, &start) && secret != "":
		why = "it could not be started"
	case e.err != nil:
		why = e.err.Error()
	}
	if secret != "" {
		return diag.Errorf(nil, failed, "The command failed: %s. It and its output are not shown because the configuration holds %s values.", why, secret)
	}
	return diag.Errorf(nil, failed, "Error running command '%s': %s. Output: %s", command, why, e.tail)
}

// commandLine gives the program with its arguments: the interpreter's, or the
// system's shell, and the command as the last.
func commandLine(config cty.Value, command string) ([]string, diag.List) {
	given := config.GetAttr("interpreter")
	if given.IsNull() || given.LengthInt() == 0 {
		return process.Shell(command), nil
	}
	var argv []string
	for _, v := range given.AsValueSlice() {
		if v.IsNull() {
			return nil, diag.Errorf(nil, "Invalid local-exec interpreter", "An element of interpreter is null. Leave it out.")
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
