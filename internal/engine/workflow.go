package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

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

// StartScheduled begins an execution of a workflow for a time at which it was due. The
// execution's name is made of that time, so that it is begun once.
func (e *Engine) StartScheduled(ctx context.Context, w Workflow, due time.Time) error {
	r, err := e.newExecution(ctx, w.Request, "schedule-"+due.UTC().Format("20060102T150405Z"))
	if err != nil {
		return err
	}
	r.Command = "schedule"
	runs, err := e.runs()
	if err != nil {
		return err
	}
	_, err = runs.Start(ctx, r)
	if there := (*store.ExistsError)(nil); errors.As(err, &there) {
		return nil
	}
	return err
}
