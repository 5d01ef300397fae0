package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tutti/internal/flow"
	"tutti/internal/process"
	"tutti/internal/stepfunctions/execution"
)

// MaxOutput is how much a command may print, or a server answer, for its result, in
// bytes.
const MaxOutput = 64 << 20

// maxCause is how much of what a command printed tells why it failed, in bytes.
const maxCause = 4 << 10

// invocation is a program as it is run for a call.
type invocation struct {
	argv  []string
	env   map[string]string
	dir   string
	stdin []byte
}

// run runs a program for a call. That it ended badly is not an error.
func (w *Worker) run(ctx context.Context, i invocation, c execution.Call, log func(string)) (process.Result, error) {
	env := map[string]string{"TUTTI_EXECUTION": c.Execution, "TUTTI_STATE": c.State, "TUTTI_ATTEMPT": strconv.FormatInt(c.Attempt, 10), "TUTTI_KEY": c.Key}
	if c.Token != "" {
		env["TUTTI_TASK_TOKEN"] = c.Token
	}
	maps.Copy(env, i.env)
	res, err := process.Run(ctx, process.Command{Argv: i.argv, Env: environ(env), Dir: w.path(i.dir), Stdin: i.stdin, Capture: MaxOutput,
		Line: func(s process.Stream, line string) {
			if s == process.Stderr {
				log(line)
			}
		}})
	var start *process.StartError
	switch {
	case errors.As(err, &start):
		return res, flow.Failure{Kind: flow.Terminal, Code: codeTaskFailed, Message: err.Error()}
	case errors.Is(err, context.DeadlineExceeded):
		return res, flow.Failure{Kind: flow.Terminal, Code: "States.Timeout", Message: "the command did not end in time"}
	case err != nil:
		return res, flow.Failure{Kind: flow.Cancelled, Code: codeTaskFailed, Message: fmt.Sprintf("%v (%s)", err, res)}
	case res.Stdout.Dropped > 0:
		return res, flow.Failure{Kind: flow.Terminal, Code: "States.DataLimitExceeded", Message: fmt.Sprintf("the command printed more than %d bytes", MaxOutput)}
	}
	return res, nil
}

// environ adds variables to our own environment, in an order that is always the same.
func environ(more map[string]string) []string {
	out := slices.DeleteFunc(os.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		_, changed := more[name]
		return changed
	})
	for _, name := range slices.Sorted(maps.Keys(more)) {
		out = append(out, name+"="+more[name])
	}
	return out
}

// path gives a path that is relative to the stack's folder.
func (w *Worker) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(w.o.Dir, p)
}

// program runs what stands for a resource: the payload goes in as JSON, and JSON comes
// out.
func (w *Worker) program(ctx context.Context, l Local, f function, c execution.Call, payload json.RawMessage, log func(string)) (json.RawMessage, error) {
	env := maps.Clone(l.Environment)
	if f.name != "" {
		env = map[string]string{"AWS_LAMBDA_FUNCTION_NAME": f.name}
		maps.Copy(env, l.Environment)
	}
	res, err := w.run(ctx, invocation{argv: l.Command, env: env, dir: l.WorkingDir, stdin: payload}, c, log)
	if err != nil {
		return nil, err
	}
	stdout := strings.TrimSpace(string(res.Stdout.Text))
	if !res.OK() {
		for _, text := range []string{stdout, string(res.Stderr.Text)} {
			if failure, ok := said(text); ok {
				return nil, failure
			}
		}
		return nil, f.unknown("%s ended with %s%s", l.Command[0], res, tail(string(res.Stderr.Text), stdout))
	}
	if stdout == "" {
		return json.RawMessage("null"), nil
	}
	if !json.Valid([]byte(stdout)) {
		return nil, f.unknown("%s printed what is no JSON: %s", l.Command[0], cut(stdout))
	}
	return json.RawMessage(stdout), nil
}

// tail gives the end of the first text that says anything.
func tail(texts ...string) string {
	for _, t := range texts {
		if t = strings.TrimSpace(t); t != "" {
			return ": " + cut(t[max(0, len(t)-maxCause):])
		}
	}
	return ""
}

func cut(s string) string { return strings.ToValidUTF8(s[:min(len(s), maxCause)], "\uFFFD") }

// command is arn:tutti:command.
func (w *Worker) command(ctx context.Context, c execution.Call, log func(string)) (json.RawMessage, error) {
	var args struct {
		Command     []string
		Environment map[string]string
		WorkingDir  string
		Stdin       json.RawMessage
	}
	if err := arguments(c, &args, "Command", "Environment", "WorkingDir", "Stdin"); err != nil {
		return nil, err
	}
	if len(args.Command) == 0 {
		return nil, flow.Failure{Kind: flow.Terminal, Code: codeRuntime, Message: `the Arguments of arn:tutti:command must hold Command, such as {"Command": ["bin/shop", "pack"]}`}
	}
	res, err := w.run(ctx, invocation{argv: args.Command, env: args.Environment, dir: args.WorkingDir, stdin: textOf(args.Stdin)}, c, log)
	if err != nil {
		return nil, err
	}
	stdout, stderr := strings.TrimRight(string(res.Stdout.Text), "\r\n"), strings.TrimRight(string(res.Stderr.Text), "\r\n")
	if !res.OK() {
		for _, text := range []string{stdout, stderr} {
			if failure, ok := said(text); ok {
				return nil, failure
			}
		}
		return nil, flow.Failure{Kind: flow.Terminal, Code: codeTaskFailed, Message: fmt.Sprintf("%s ended with %s%s", args.Command[0], res, tail(stderr, stdout))}
	}
	out := struct {
		ExitCode       int
		Stdout, Stderr string
		Output         json.RawMessage
	}{0, stdout, stderr, json.RawMessage("null")}
	if json.Valid([]byte(stdout)) {
		out.Output = json.RawMessage(stdout)
	}
	return json.Marshal(out)
}

// textOf gives a string as it is and anything else as JSON.
func textOf(raw json.RawMessage) []byte {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return []byte(s)
	}
	return raw
}

// arguments reads a call's arguments, and refuses names that there are not.
func arguments(c execution.Call, into any, names ...string) error {
	fail := func(text string) error {
		return flow.Failure{Kind: flow.Terminal, Code: codeRuntime, Message: fmt.Sprintf("the Arguments of %s %s", c.Resource, text)}
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(c.Arguments, &given); err != nil || given == nil {
		return fail("must be an object with " + strings.Join(names, ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(names, name) {
			return fail(fmt.Sprintf("hold %q; there are %s", name, strings.Join(names, ", ")))
		}
	}
	if err := json.Unmarshal(c.Arguments, into); err != nil {
		return fail("are not right: " + err.Error())
	}
	return nil
}

// within bounds a context by a time; 0 is no bound.
func within(ctx context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	if limit == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, limit)
}
