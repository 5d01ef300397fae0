// Package worker carries out what a play asks for: tasks on hosts, and questions about this
// machine.
//
// In: an activity of package play and its input. Out: its output as JSON. It owns the actions,
// the connections and the lookups that reach the world. It must not know runs, journals or how
// plays are decided. A Worker is safe for use by several goroutines.
//
// Start at Worker.Do; ask.go is about questions.
package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/connection"
	"tutti/internal/ansible/connection/channel"
	"tutti/internal/ansible/lookup/world"
	"tutti/internal/ansible/module"
	"tutti/internal/ansible/play"
	"tutti/internal/ansible/vault"
)

// Options are what a Worker works with.
type Options struct {
	Pool *connection.Pool
	// Actions are those of modules that need the controller, by their short names.
	Actions map[string]action.Action
	// Native tells whether a module runs without Python.
	Native func(short string) bool
	// Find gives the full name of a module that is not native; an error when there is none.
	Find func(name string, beside []string) (string, error)
	// Person answers prompts; nil when nobody is there.
	Person func(ctx context.Context, a play.Ask) (string, error)
	// Plugin answers for filters, tests and lookups written in Python; nil for none.
	Plugin func(ctx context.Context, a play.Ask) (any, error)
	// Job makes a module that is not native into a job for the background; nil cannot.
	Job func(ctx context.Context, t action.Target, r module.Request) (channel.Job, error)
	// Dir is the folder in which the run was started; relative paths are relative to it.
	Dir string
	// Secrets open encrypted local files.
	Secrets []action.Secret
}

// Worker carries activities out.
type Worker struct {
	o       Options
	machine *world.Machine
	vault   vault.Vault
}

// New gives a worker.
func New(o Options) *Worker {
	w := &Worker{o: o}
	w.machine = &world.Machine{Folder: o.Dir, Decrypt: func(text []byte, file string) ([]byte, error) { return w.opened(file, text) }, Stderr: os.Stderr}
	for _, s := range o.Secrets {
		w.vault.Secrets = append(w.vault.Secrets, vault.Secret{ID: s.ID, Password: []byte(s.Password)})
	}
	return w
}

// Do carries an activity out. The error of a host that cannot be reached is part of the
// output, as Ansible has it.
func (w *Worker) Do(ctx context.Context, activity string, input json.RawMessage) (json.RawMessage, error) {
	switch activity {
	case play.ActivityTask:
		var call play.Call
		if err := json.Unmarshal(input, &call); err != nil {
			return nil, fmt.Errorf("the call of a task cannot be read: %w", err)
		}
		return w.task(ctx, call)
	case play.ActivityAsk:
		var a play.Ask
		if err := json.Unmarshal(input, &a); err != nil {
			return nil, fmt.Errorf("a question cannot be read: %w", err)
		}
		return w.answer(ctx, a)
	case play.ActivityReset:
		var call play.Call
		if err := json.Unmarshal(input, &call); err != nil {
			return nil, fmt.Errorf("a reset cannot be read: %w", err)
		}
		t, err := w.o.Pool.Open(ctx, call.To)
		if err == nil {
			err = t.Reset(ctx)
		}
		if err != nil {
			return json.Marshal(map[string]any{"msg": err.Error()})
		}
		return []byte("{}"), nil
	}
	return nil, fmt.Errorf("there is no activity %q", activity)
}

func (w *Worker) task(ctx context.Context, call play.Call) (json.RawMessage, error) {
	limit := time.Duration(call.Timeout) * time.Second
	if limit > 0 && call.Task.Async == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	r, err := w.run(ctx, call)
	var gone *action.Unreachable
	switch {
	case limit > 0 && errors.Is(ctx.Err(), context.DeadlineExceeded):
		r = module.Fail(fmt.Sprintf("Task failed: Timed out after %d second(s).", call.Timeout),
			"timedout", map[string]any{"frame": nil, "period": call.Timeout})
	case errors.As(err, &gone):
		r = module.Result{"unreachable": true, "changed": false, "msg": gone.Message}
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		r = module.Fail(err.Error())
	}
	text, err := json.Marshal(r)
	if err != nil {
		return json.Marshal(module.Fail(fmt.Sprintf("the result of %s is no JSON: %v", call.Task.Module, err)))
	}
	return text, nil
}

// run reaches the host and does the task there.
func (w *Worker) run(ctx context.Context, call play.Call) (module.Result, error) {
	t, err := w.o.Pool.Open(ctx, call.To)
	if err != nil {
		return nil, err
	}
	task := call.Task
	name := short(task.Module)
	if task.Async > 0 && !task.CheckMode {
		return w.background(ctx, t, task)
	}
	if act := w.o.Actions[name]; act != nil {
		return act(ctx, t, task)
	}
	return t.Run(ctx, request(task))
}

func request(task action.Task) module.Request {
	return module.Request{Module: short(task.Module), Args: task.Args, CheckMode: task.CheckMode, Diff: task.Diff, Verbosity: task.Verbosity,
		NoLog: task.NoLog, Environment: task.Environment, Host: task.Host}
}

// background starts a task that the play looks after later.
func (w *Worker) background(ctx context.Context, t action.Target, task action.Task) (module.Result, error) {
	name := short(task.Module)
	native := w.o.Native(name)
	if w.o.Actions[name] != nil && name != "command" && name != "shell" || !native && w.o.Job == nil {
		return module.Fail(fmt.Sprintf("async is not supported for the %s action: run it in the foreground", name)), nil
	}
	s, ok := t.(connection.Starter)
	if !ok {
		return module.Fail("the connection cannot start anything in the background"), nil
	}
	r := request(task)
	job := channel.Job{Module: &r}
	if !native {
		var err error
		if job, err = w.o.Job(ctx, t, r); err != nil {
			var gone *action.Unreachable
			if errors.As(err, &gone) || ctx.Err() != nil {
				return nil, err
			}
			return module.Fail(err.Error()), nil
		}
	}
	job.ID, job.Limit = jobID(), task.Async
	return s.StartAsync(ctx, job)
}

func short(name string) string {
	for _, prefix := range []string{"ansible.builtin.", "ansible.legacy."} {
		if len(name) > len(prefix) && name[:len(prefix)] == prefix {
			return name[len(prefix):]
		}
	}
	return name
}
