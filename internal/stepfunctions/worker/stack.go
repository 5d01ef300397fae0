package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"tutti/internal/flow"
	"tutti/internal/stepfunctions/execution"
)

// errNoStack is the failure of a resource of the stack where there is none.
func noStack(c execution.Call) error {
	return flow.Failure{Kind: flow.Terminal, Code: codeRuntime, Message: fmt.Sprintf("%s belongs to a stack, and this state machine does not run in one", c.Resource)}
}

// task is arn:tutti:task:NAME. Its arguments may hold Environment and Stdin for the
// block's own; everything else is the standard input as a whole.
func (w *Worker) task(ctx context.Context, c execution.Call, log func(string)) (json.RawMessage, error) {
	if w.o.Stack == nil {
		return nil, noStack(c)
	}
	var extra TaskInput
	var args struct {
		Environment map[string]string
		Stdin       json.RawMessage
	}
	strict := json.NewDecoder(bytes.NewReader(c.Arguments))
	strict.DisallowUnknownFields()
	if strict.Decode(&args) == nil {
		extra = TaskInput{Environment: args.Environment, Stdin: string(textOf(args.Stdin))}
	} else {
		extra.Stdin = string(c.Arguments)
	}
	base, _ := trimPattern(c.Resource)
	return w.o.Stack.Task(ctx, strings.TrimPrefix(base, prefixTask), extra, log)
}

// workflow is arn:tutti:workflow:NAME: its arguments are the input.
func (w *Worker) workflow(ctx context.Context, activity string, c execution.Call, _ func(string)) (json.RawMessage, error) {
	if w.o.Stack == nil {
		return nil, noStack(c)
	}
	base, _ := trimPattern(c.Resource)
	name := strings.TrimPrefix(base, prefixWorkflow)
	run, err := w.o.Stack.Start(ctx, name, c.Arguments, c.Key)
	if err != nil {
		return nil, err
	}
	started, err := json.Marshal(map[string]string{"Workflow": name, "Execution": run})
	if err != nil || activity != execution.ActivitySubmit {
		return started, err
	}
	return json.Marshal(execution.Job{ID: run, Output: started})
}

func (w *Worker) awaitWorkflow(ctx context.Context, name string, j execution.JobCall) (json.RawMessage, error) {
	if w.o.Stack == nil {
		return nil, noStack(j.Call)
	}
	out, err := w.o.Stack.Wait(ctx, name, j.Job.ID)
	var ended *Ended
	if errors.As(err, &ended) {
		cause, _ := json.Marshal(map[string]string{"Workflow": name, "Execution": j.Job.ID, "Error": ended.Code, "Cause": ended.Message})
		return nil, flow.Failure{Kind: flow.Terminal, Code: codeTaskFailed, Message: string(cause)}
	}
	return out, err
}

func (w *Worker) stopWorkflow(ctx context.Context, name string, j execution.JobCall) error {
	if w.o.Stack == nil {
		return noStack(j.Call)
	}
	return w.o.Stack.Stop(ctx, name, j.Job.ID, "stopped by "+j.Call.Execution)
}
