package system

import (
	"context"
	"fmt"
	"strings"

	"tutti/internal/ansible/module"
	"tutti/internal/ansible/module/attribute"
)

// outcome is what a program did. Ran is false when nothing had to be done; in check mode
// programs count as run, with success.
type outcome struct {
	ran            bool
	code           int
	stdout, stderr string
}

func (o outcome) bad() bool { return o.ran && o.code != 0 }

// add appends what a further program did.
func (o outcome) add(next outcome) outcome {
	if !next.ran {
		return o
	}
	return outcome{true, next.code, o.stdout + next.stdout, o.stderr + next.stderr}
}

// tell adds "changed", "stdout" and "stderr" to a result.
func (o outcome) tell(r module.Result) {
	r["changed"] = o.ran
	if o.stdout != "" {
		r["stdout"] = o.stdout
	}
	if o.stderr != "" {
		r["stderr"] = o.stderr
	}
}

// require finds a program that the module cannot do without.
func require(ctx context.Context, name string) (string, error) {
	if file := module.LookPath(ctx, name); file != "" {
		return file, nil
	}
	path, _ := module.Getenv(ctx, "PATH")
	return "", attribute.Failed(fmt.Sprintf("Failed to find required executable %q in paths: %s", name, strings.Join(searched(path), ":")))
}

func searched(path string) []string {
	dirs := strings.Split(path, ":")
	for _, d := range []string{"/sbin", "/usr/sbin", "/usr/local/sbin"} {
		known := false
		for _, p := range dirs {
			known = known || p == d
		}
		if !known {
			dirs = append(dirs, d)
		}
	}
	return dirs
}

// ask runs a program that changes nothing.
func ask(ctx context.Context, argv ...string) outcome {
	return execute(ctx, module.Command{Argv: argv})
}

func execute(ctx context.Context, c module.Command) outcome {
	out := module.Exec(ctx, c)
	if out.Err != nil {
		return outcome{true, out.Code, "", out.Err.Error()}
	}
	return outcome{true, out.Code, out.Stdout, out.Stderr}
}

// change runs the named program with arguments, but not in check mode.
func change(ctx context.Context, c *module.Call, name string, args ...string) (outcome, error) {
	program, err := require(ctx, name)
	if err != nil {
		return outcome{}, err
	}
	if c.CheckMode {
		return outcome{ran: true}, nil
	}
	return ask(ctx, append([]string{program}, args...)...), nil
}
