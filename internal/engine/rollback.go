package engine

import (
	"context"
	"errors"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/planner"
	"tutti/internal/stack"
	"tutti/internal/store"
)

// PlanRollback plans that everything that a run changed becomes what it was before.
func (e *Engine) PlanRollback(ctx context.Context, id store.RunID, o PlanOptions) (*Planned, diag.List) {
	run, err := e.store.Run(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, diag.Errorf(nil, "No such run", "This stack has no run %d. \"tutti runs\" lists them.", id)
	}
	if err != nil {
		return nil, storeDiag(err)
	}
	if run.Status.Open() {
		return nil, diag.Errorf(nil, "Run has not ended", "Run %d is %s. Resume it or cancel it first; then it can be rolled back.", id, run.Status)
	}
	images, err := e.store.Preimages(ctx, id)
	if err != nil {
		return nil, storeDiag(err)
	}
	snap, err := e.store.Snapshot(ctx)
	if err != nil {
		return nil, storeDiag(err)
	}
	so := e.stackOptions(stack.Planning)
	so.StateDrivers = drivers(snap.Rows)
	s, d := e.open(ctx, so)
	if d.HasErrors() {
		return e.partial(s), d
	}
	inputs := storable(s)
	plan, pd := planner.Plan(ctx, planner.Request{
		Root: s, Orphans: s, State: planner.State{Serial: snap.Serial, Rows: snap.Rows, Outputs: snap.Outputs},
		Options: planner.Options{Mode: object.Rollback, SkipRefresh: o.SkipRefresh, Targets: o.Targets, Excludes: o.Excludes,
			Parallelism: o.Parallelism, Time: so.Time, Variables: inputs, Restore: restored(images)},
	})
	return e.planned(s, plan, snap), append(d, pd...)
}

func restored(images []store.Preimage) *planner.Restore {
	r := &planner.Restore{Rows: map[addr.Instance]*object.State{}, Outputs: map[string]*object.OutputState{}}
	for _, im := range images {
		switch {
		case im.Output != "":
			r.Outputs[im.Output] = im.Before
		case im.Key.Deposed == "":
			r.Rows[im.Key.Addr] = im.Row
		}
	}
	return r
}
