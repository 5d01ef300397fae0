// Package worker carries out what the Tasks of a state machine ask for: on this
// machine, in the stack, or, through whoever calls AWS, there.
//
// In: the activities of package execution. Out: JSON results, or failures with the
// error names that Retry and Catch see. It owns tutti's own resources and the
// mapping of foreign ones to local commands and URLs. It must not know how AWS is
// called, nor what a run or a store is.
//
//	arn:tutti:command            runs a program
//	arn:tutti:http               sends a request
//	arn:tutti:task:NAME          carries out a task of the stack
//	arn:tutti:workflow:NAME      starts a workflow of the stack; with .sync waits for it
//	arn:tutti:file               items and results of distributed Maps, in local files
//
// Files: worker.go which resource goes where, mapping.go mapped ones, command.go,
// http.go, stack.go, read.go and csv.go items, write.go results.
package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"tutti/internal/flow"
	"tutti/internal/secret"
	"tutti/internal/stepfunctions/execution"
)

// Caller carries out activities of package execution. An error that is a flow.Failure
// is taken as it is.
type Caller interface {
	Do(ctx context.Context, d flow.Do, log func(line string)) (json.RawMessage, error)
}

// Stack is what a state machine can reach of the stack that it belongs to.
type Stack interface {
	// Task carries out a task of the stack, with the environment and the standard input
	// that the call adds to the block's own, and gives its outputs.
	Task(ctx context.Context, name string, extra TaskInput, log func(line string)) (json.RawMessage, error)
	// Start begins a run of a workflow of the stack, or finds the one that was begun
	// with the same key, and gives its name.
	Start(ctx context.Context, workflow string, input json.RawMessage, key string) (run string, err error)
	// Wait gives the result of such a run; a failed one is an *Ended.
	Wait(ctx context.Context, workflow, run string) (json.RawMessage, error)
	// Stop asks such a run to stop. One that has ended is no error.
	Stop(ctx context.Context, workflow, run, reason string) error
}

// TaskInput is what a call adds to a task's block.
type TaskInput struct {
	Environment map[string]string
	Stdin       string
}

// Ended is a run that came to no result.
type Ended struct{ Code, Message string }

func (e *Ended) Error() string { return e.Code + ": " + e.Message }

// Options are what a worker works with. The zero value knows no stack and no AWS.
type Options struct {
	// Dir is the folder that relative paths start from.
	Dir string
	// Mapping sends resources of others to local commands and URLs.
	Mapping Mapping
	// Stack is nil when there is none; AWS carries out what is not tutti's own.
	Stack Stack
	AWS   Caller
	// Masker hides what is known to be secret in log lines and errors; nil hides nothing.
	Masker *secret.Masker
}

// Worker carries out activities. It is safe for concurrent use.
type Worker struct{ o Options }

var _ Caller = (*Worker)(nil)

// New gives a worker.
func New(o Options) *Worker {
	if o.Masker == nil {
		o.Masker = &secret.Masker{}
	}
	return &Worker{o: o}
}

// The error names that this package gives beside those of its callers.
const (
	codeTaskFailed    = "States.TaskFailed"
	codeRuntime       = "States.Runtime"
	codeLambdaUnknown = "Lambda.Unknown"
)

// Do implements Caller.
func (w *Worker) Do(ctx context.Context, d flow.Do, log func(string)) (json.RawMessage, error) {
	say := func(line string) { log(w.o.Masker.String(line)) }
	out, err := w.do(ctx, d, say)
	if err == nil {
		return out, nil
	}
	var f flow.Failure
	switch {
	case !errors.As(err, &f):
		f = flow.Failure{Kind: flow.Terminal, Code: codeTaskFailed, Message: err.Error()}
	case ctx.Err() != nil:
		return nil, err
	}
	if ctx.Err() != nil {
		f.Kind = flow.Cancelled
	}
	f.Message = w.o.Masker.String(f.Message)
	return nil, f
}

func (w *Worker) do(ctx context.Context, d flow.Do, log func(string)) (json.RawMessage, error) {
	switch d.Activity {
	case execution.ActivityCall, execution.ActivitySubmit:
		var c execution.Call
		if err := json.Unmarshal(d.Input, &c); err != nil {
			return nil, fmt.Errorf("the call cannot be read: %w", err)
		}
		if serve := w.resource(c); serve != nil {
			return serve(ctx, d.Activity, c, log)
		}
	case execution.ActivityAwait, execution.ActivityStop:
		var j execution.JobCall
		if err := json.Unmarshal(d.Input, &j); err != nil {
			return nil, fmt.Errorf("the job cannot be read: %w", err)
		}
		if w.resource(j.Call) != nil {
			return w.job(ctx, d.Activity, j)
		}
	case execution.ActivityRead:
		var c execution.ReadCall
		if err := json.Unmarshal(d.Input, &c); err != nil {
			return nil, fmt.Errorf("the request for items cannot be read: %w", err)
		}
		if c.Resource == resourceFile {
			return w.read(ctx, c)
		}
	case execution.ActivityWrite:
		var c execution.WriteCall
		if err := json.Unmarshal(d.Input, &c); err != nil {
			return nil, fmt.Errorf("the results cannot be read: %w", err)
		}
		if c.Resource == resourceFile {
			return w.write(c)
		}
	default:
		return nil, fmt.Errorf("no activity is called %q", d.Activity)
	}
	if w.o.AWS == nil {
		return nil, flow.Failure{Kind: flow.Terminal, Code: codeRuntime, Message: "nothing here carries out resources of AWS"}
	}
	return w.o.AWS.Do(ctx, d, log)
}

// serve carries out a call or submits a job.
type serve func(ctx context.Context, activity string, c execution.Call, log func(string)) (json.RawMessage, error)

// The resources that are tutti's own.
const (
	prefix          = "arn:tutti:"
	resourceCommand = prefix + "command"
	resourceHTTP    = prefix + "http"
	resourceFile    = prefix + "file"
	prefixTask      = prefix + "task:"
	prefixWorkflow  = prefix + "workflow:"
)

// resource gives what carries a call out here; nil when that is AWS's.
func (w *Worker) resource(c execution.Call) serve {
	if m, f, ok := w.o.Mapping.find(c); ok {
		return w.mapped(m, f)
	}
	if !strings.HasPrefix(c.Resource, prefix) {
		return nil
	}
	base, _ := trimPattern(c.Resource)
	switch {
	case base == resourceCommand:
		return once(w.command)
	case base == resourceHTTP:
		return once(w.http)
	case strings.HasPrefix(base, prefixTask):
		return once(w.task)
	case strings.HasPrefix(base, prefixWorkflow):
		return w.workflow
	default:
		return func(context.Context, string, execution.Call, func(string)) (json.RawMessage, error) {
			return nil, flow.Failure{Kind: flow.Terminal, Code: codeRuntime, Message: fmt.Sprintf(
				"%s is no resource: there are arn:tutti:command, arn:tutti:http, arn:tutti:task:NAME, arn:tutti:workflow:NAME, and arn:tutti:file for ItemReader and ResultWriter", c.Resource)}
		}
	}
}

// trimPattern takes .sync and .waitForTaskToken off a resource.
func trimPattern(resource string) (base, pattern string) {
	for _, p := range []string{".sync:2", ".sync", ".waitForTaskToken"} {
		if base, ok := strings.CutSuffix(resource, p); ok {
			return base, p
		}
	}
	return resource, ""
}

// once makes of something that is carried out in one go a job as well: it is done when
// it is submitted, and its result waits in the job.
func once(call func(context.Context, execution.Call, func(string)) (json.RawMessage, error)) serve {
	return func(ctx context.Context, activity string, c execution.Call, log func(string)) (json.RawMessage, error) {
		out, err := call(ctx, c, log)
		if err != nil || activity != execution.ActivitySubmit {
			return out, err
		}
		return json.Marshal(execution.Job{ID: c.Key, Output: out})
	}
}

// SubmitsOnce reports whether a submit does all of its work at once, so that making it
// again would do it again: a command, a request, a task, and what a mapping stands for.
func (w *Worker) SubmitsOnce(d flow.Do) bool {
	var c execution.Call
	if json.Unmarshal(d.Input, &c) != nil {
		return false
	}
	_, _, mapped := w.o.Mapping.find(c)
	base, _ := trimPattern(c.Resource)
	return mapped || strings.HasPrefix(base, prefix) && !strings.HasPrefix(base, prefixWorkflow)
}

// job awaits or stops what was submitted here.
func (w *Worker) job(ctx context.Context, activity string, j execution.JobCall) (json.RawMessage, error) {
	base, _ := trimPattern(j.Call.Resource)
	name, ok := strings.CutPrefix(base, prefixWorkflow)
	_, _, mapped := w.o.Mapping.find(j.Call)
	if !ok || mapped {
		return j.Job.Output, nil // it was over when it was submitted
	}
	if activity == execution.ActivityStop {
		return nil, w.stopWorkflow(ctx, name, j)
	}
	return w.awaitWorkflow(ctx, name, j)
}
