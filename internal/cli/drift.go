package cli

import (
	"context"

	"tutti/internal/addr"
	"tutti/internal/ansible/graph"
	"tutti/internal/engine"
	"tutti/internal/object"
)

// driftOfPlays gives the playbooks of which check mode says that they would change something
// although nothing that they were given has changed. What removed tasks left behind is warned
// of. A stack without playbooks costs nothing.
func (a *app) driftOfPlays(ctx context.Context, e *engine.Engine, o engine.PlanOptions) ([]object.PlannedChange, error) {
	snap, err := e.Store().Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	played := false
	for i := range snap.Rows {
		played = played || snap.Rows[i].Addr.Kind == addr.Playbook
	}
	if !played {
		return nil, nil
	}
	o.Mode = object.Normal
	p, d := e.Plan(ctx, o)
	if d.HasErrors() {
		return nil, a.failed(d, sourcesOf(p))
	}
	a.diagnostics(d, sourcesOf(p))
	var out []object.PlannedChange
	for _, c := range p.Plan.Changes {
		if c.Addr.Kind == addr.Playbook && graph.Drifted(c.Note) {
			out = append(out, c)
		}
	}
	return out, nil
}
