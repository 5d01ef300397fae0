package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"tutti/internal/activity"
	"tutti/internal/ansible/play"
	"tutti/internal/apply"
	"tutti/internal/executor"
	"tutti/internal/flow"
	"tutti/internal/object"
	"tutti/internal/runtime/local"
	"tutti/internal/stepfunctions/execution"
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
func (c *children) Prepare(ctx context.Context, w object.Work) (object.Work, error) {
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
	return object.Work{Machine: r.Machine, Input: r.Input}, nil
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
	r, err := c.engine.childRun(ctx, c.run, child)
	if err != nil || r == nil {
		return "", err
	}
	if !executor.Makes(r.Machine) {
		return fmt.Sprintf("run %d", r.ID), nil
	}
	in, err := executor.ReadInput(*r)
	return in.Execution.ID, err
}

// childDoubts gives what was cut off in a run's executions, by the workflows that they
// carry out.
func (e *Engine) childDoubts(ctx context.Context, c carrying, m *apply.Machine, all map[store.RunID][]local.Doubt) []Doubt {
	var out []Doubt
	for _, id := range slices.Sorted(maps.Keys(all)) {
		r, err := e.store.Run(ctx, id)
		for range maxAncestors { // a map run's execution is the child
			if err != nil || r.Parent == c.id || r.Parent == 0 {
				break
			}
			r, err = e.store.Run(ctx, r.Parent)
		}
		if err != nil || r.Parent != c.id {
			continue
		}
		n, ok := m.Action(r.Child)
		if !ok {
			continue
		}
		a := &c.file.Plan.Actions[n-1]
		for _, x := range all[id] {
			why := fmt.Sprintf("a call of run %d was cut off", id)
			var call execution.Call
			var task play.Call
			if json.Unmarshal(x.Do.Input, &task) == nil && task.Host != "" {
				why = fmt.Sprintf("task %q on %s, of run %d, was cut off", task.Name, task.Host, id)
			} else if json.Unmarshal(x.Do.Input, &call) == nil && call.State != "" {
				why = fmt.Sprintf("state %s of run %d: its call of %s was cut off", call.State, id, call.Resource)
			}
			out = append(out, Doubt{Addr: a.Addr, Verb: a.Verb, Why: why})
		}
	}
	return out
}
