package engine

import (
	"context"
	"encoding/json"
	"fmt"

	"tutti/internal/activity"
	"tutti/internal/executor"
	"tutti/internal/flow"
	"tutti/internal/object"
	"tutti/internal/stepfunctions/workflow"
	"tutti/internal/store"
)

// children are the executions of a run of a plan.
type children struct {
	engine *Engine
	run    store.RunID
}

var _ activity.Children = (*children)(nil)

// Prepare implements activity.Children: a workflow's request becomes what an execution
// is started with.
func (c *children) Prepare(ctx context.Context, w object.Work, before flow.ID) (object.Work, error) {
	if w.Machine != workflow.MachineRequest {
		return w, nil
	}
	var req workflow.Request
	if err := json.Unmarshal(w.Input, &req); err != nil {
		return w, fmt.Errorf("read what the workflow asks for: %w", err)
	}
	r, err := c.engine.newExecution(ctx, req, "")
	if err != nil {
		return w, err
	}
	if before != 0 {
		if r.Input, err = c.goOn(ctx, r, before); err != nil {
			return w, err
		}
	}
	return object.Work{Machine: r.Machine, Input: r.Input}, nil
}

// goOn has an execution begin where an earlier one was stopped. One that had not begun
// is begun from the start.
func (c *children) goOn(ctx context.Context, r store.Run, before flow.ID) (json.RawMessage, error) {
	found, err := c.find(ctx, before)
	if err != nil || found == nil {
		return r.Input, err
	}
	at, err := c.engine.restartAt(ctx, *found, "")
	if err != nil || at == nil {
		return r.Input, err
	}
	in, err := executor.ReadInput(r)
	if err != nil {
		return nil, err
	}
	in.From, in.Input, in.Variables = at.State, at.Input, at.Variables
	return in.Encode(), nil
}

func (c *children) find(ctx context.Context, child flow.ID) (*store.Run, error) {
	return c.engine.childRun(ctx, c.run, child)
}

// childRun gives the run that is a child of another; nil when it was never begun.
func (e *Engine) childRun(ctx context.Context, parent store.RunID, child flow.ID) (*store.Run, error) {
	list, err := e.store.Find(ctx, store.RunFilter{Parent: parent, Child: child, Limit: 1})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return e.store.Run(ctx, list[0].ID)
}

// Name implements activity.Children.
func (c *children) Name(ctx context.Context, child flow.ID) (string, error) {
	r, err := c.find(ctx, child)
	if err != nil || r == nil {
		return "", err
	}
	if !executor.Makes(r.Machine) {
		return fmt.Sprintf("run %d", r.ID), nil
	}
	in, err := executor.ReadInput(*r)
	return in.Execution.ID, err
}
