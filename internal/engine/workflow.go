package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"tutti/internal/addr"
	"tutti/internal/schedule"
	"tutti/internal/stepfunctions/workflow"
	"tutti/internal/store"
)

// Workflow is a workflow of the stack, as the state has it.
type Workflow struct {
	// Address is such as workflow.fulfil or workflow.fulfil["eu"].
	Address string
	Request workflow.Request
	// Schedule is nil when it has none, or one that is not enabled.
	Schedule *schedule.Schedule
}

// Workflows gives those that the stack has carried out or recorded, in the order of
// their addresses.
func (e *Engine) Workflows(ctx context.Context) ([]Workflow, error) { return e.workflows(ctx) }

func (e *Engine) workflows(ctx context.Context) ([]Workflow, error) {
	snap, err := e.store.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	var out []Workflow
	for _, row := range snap.Rows {
		if row.Addr.Kind != addr.Workflow || row.Deposed != "" {
			continue
		}
		stored, err := workflow.FromRow(row)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", row.Addr, err)
		}
		if stored.Start == nil {
			continue
		}
		w := Workflow{Address: row.Addr.String(), Request: *stored.Start}
		if s := stored.Schedule; s != nil && !s.Disabled {
			if w.Schedule, err = s.Parse(); err != nil {
				return nil, fmt.Errorf("%s: %w", row.Addr, err)
			}
		}
		out = append(out, w)
	}
	slices.SortFunc(out, func(a, b Workflow) int { return strings.Compare(a.Address, b.Address) })
	return out, nil
}

// WorkflowRun gives the run of a workflow that is to be begun, for whoever carries it
// out. A name makes it the only one of this name; "" makes one up.
func (e *Engine) WorkflowRun(ctx context.Context, w Workflow, name string) (store.Run, error) {
	return e.newExecution(ctx, w.Request, name)
}
