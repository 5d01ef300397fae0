package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/flow"
	"tutti/internal/object"
	"tutti/internal/runtime/local"
	"tutti/internal/stepfunctions/worker"
	"tutti/internal/stepfunctions/workflow"
	"tutti/internal/store"
	"tutti/internal/task"
)

// house is the stack as its state machines reach it.
type house struct{ engine *Engine }

var _ worker.Stack = (*house)(nil)

// codeRuntime is the error of a Task whose resource is not there.
const codeRuntime = "States.Runtime"

func absent(format string, args ...any) error {
	return flow.Failure{Kind: flow.Terminal, Code: codeRuntime, Message: fmt.Sprintf(format, args...)}
}

// Task implements worker.Stack: the block is evaluated with what the state has now.
func (h *house) Task(ctx context.Context, name string, extra worker.TaskInput, log func(string)) (json.RawMessage, error) {
	inst, err := addr.ParseInstance("task." + name)
	if err != nil {
		return nil, absent("arn:tutti:task:%s names no task: %v", name, err)
	}
	s, ev, d := h.engine.present(ctx, false)
	if err := d.Err(); err != nil {
		return nil, err
	}
	var out json.RawMessage
	d = ev.With(ctx, addr.Module{}, func(ctx context.Context, sc object.Scope) diag.List {
		o := s.Lookup(inst.Name)
		if o == nil {
			return diag.Errorf(nil, "No such task", "The stack has no task %q.", name)
		}
		in, ok := sc.Expansion(ctx, inst.Object).Find(inst.Key)
		if !ok {
			return diag.Errorf(nil, "No such task", "The stack has no %s.", inst)
		}
		wanted, d := o.Wanted(ctx, sc, in)
		if d.HasErrors() {
			return d
		}
		var rd diag.List
		out, rd = task.Run(ctx, task.Call{Name: inst.String(), Root: h.engine.o.Dir, Wanted: wanted, Environment: extra.Environment, Stdin: extra.Stdin, Log: log})
		return append(d, rd...)
	})
	return out, errors.Join(d.Err(), ev.Close(ctx).Err())
}

// Start implements worker.Stack.
func (h *house) Start(ctx context.Context, name string, input json.RawMessage, key string) (string, error) {
	req, err := h.workflow(ctx, name)
	if err != nil {
		return "", err
	}
	req.Input = input
	r, err := h.engine.newExecution(ctx, req, key)
	if err != nil {
		return "", err
	}
	runs, err := h.engine.runs()
	if err != nil {
		return "", err
	}
	_, err = runs.Start(ctx, r)
	if there := (*store.ExistsError)(nil); errors.As(err, &there) {
		err = nil // it was begun before this process
	}
	return key, err
}

// workflow finds what a workflow of the stack is started with: as the state has it, or,
// before it has been carried out, not at all.
func (h *house) workflow(ctx context.Context, name string) (workflow.Request, error) {
	list, err := h.engine.workflows(ctx)
	if err != nil {
		return workflow.Request{}, err
	}
	var names []string
	for _, w := range list {
		if w.Address == workflowAddress(name) {
			return w.Request, nil
		}
		names = append(names, strings.TrimPrefix(w.Address, "workflow."))
	}
	return workflow.Request{}, absent("arn:tutti:workflow:%s: the stack has carried out no workflow of this name.%s", name, diag.DidYouMean(name, names))
}

func workflowAddress(name string) string {
	if strings.HasPrefix(name, "workflow.") {
		return name
	}
	return "workflow." + name
}

func (h *house) run(ctx context.Context, name, run string) (store.RunID, Runs, error) {
	found, err := h.engine.store.Find(ctx, store.RunFilter{Owner: workflowAddress(name), Name: run, Limit: 1})
	if err != nil {
		return 0, nil, err
	}
	if len(found) == 0 {
		return 0, nil, absent("workflow %s has no execution %s", name, run)
	}
	runs, err := h.engine.runs()
	return found[0].ID, runs, err
}

// Wait implements worker.Stack. A run that an earlier process began is taken up.
func (h *house) Wait(ctx context.Context, name, run string) (json.RawMessage, error) {
	id, runs, err := h.run(ctx, name, run)
	if err != nil {
		return nil, err
	}
	if err := runs.Resume(ctx, id); err != nil && !errors.Is(err, local.ErrEnded) {
		return nil, err
	}
	res, err := runs.Wait(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case res.Failure != nil:
		return nil, &worker.Ended{Code: res.Failure.Code, Message: res.Failure.Message}
	}
	return res.Output, nil
}

// Stop implements worker.Stack.
func (h *house) Stop(ctx context.Context, name, run, reason string) error {
	id, runs, err := h.run(ctx, name, run)
	if err != nil {
		return err
	}
	if err := runs.Cancel(ctx, id, reason); err != nil && !errors.Is(err, local.ErrEnded) {
		return err
	}
	return nil
}
