package planner

import (
	"context"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/eval"
	"tutti/internal/object"
)

// Restore is what a rollback brings back: the pre-images of a run.
type Restore struct {
	// Rows are what each instance was, nil where it was not there.
	Rows map[addr.Instance]*object.State
	// Outputs likewise.
	Outputs map[string]*object.OutputState
}

// rollback plans that everything in Restore becomes what it was. It asks drivers
// and not the files: those may have changed since.
func (p *planner) rollback(ctx context.Context) {
	r := p.req.Options.Restore
	addrs := make([]addr.Instance, 0, len(r.Rows))
	for a := range r.Rows {
		addrs = append(addrs, a)
	}
	slices.SortFunc(addrs, addr.Instance.Compare)
	for _, a := range addrs {
		if p.choice.spares(a) || !p.choice.wants(a) {
			continue
		}
		p.read(a.Object)
		d := p.eval.With(ctx, a.Module, func(ctx context.Context, s object.Scope) diag.List {
			return p.restore(ctx, s, a, r.Rows[a])
		})
		p.diags = append(p.diags, d.In(a.String())...)
	}
}

// restore plans one instance's way back.
func (p *planner) restore(ctx context.Context, s object.Scope, a addr.Instance, was *object.State) diag.List {
	row := p.rows.current[a]
	known := was
	if row != nil {
		row.claimed = true
		known = row.State
	}
	if known == nil {
		return nil // it came and went
	}
	drv, d := p.req.Orphans.DriverOf(ctx, s, known)
	if d.HasErrors() {
		return d
	}
	if failed, _ := eval.Settled(s); failed || drv == nil {
		return append(d, diag.Errorf(nil, "Provider configuration not known", "The configuration of the provider of %s cannot be evaluated now, so it cannot be rolled back.", a)...)
	}
	var prior *object.Actual
	if row != nil {
		var pd diag.List
		if prior, pd = p.look(ctx, drv, row); pd.HasErrors() {
			return append(d, pd...)
		}
		d = append(d, pd...)
	}
	switch {
	case was == nil && prior == nil:
		p.forget(row, object.ReasonNone)
		return d
	case was == nil:
		return append(d, p.remove(ctx, removal{row: row, driver: drv, prior: prior})...)
	default:
		return append(d, p.bringBack(ctx, drv, a, was, row, prior)...)
	}
}

// look reads what is there now.
func (p *planner) look(ctx context.Context, drv object.Driver, row *row) (*object.Actual, diag.List) {
	stored, d := drv.Decode(ctx, row.State)
	if d.HasErrors() || p.req.Options.SkipRefresh {
		return stored, d
	}
	found := stored
	var rd diag.List
	if !p.call(ctx, func() { found, rd = drv.Read(ctx, row.Addr, stored) }) {
		return nil, d
	}
	return found, append(d, rd...)
}

// bringBack plans that an instance gets the values that it had.
func (p *planner) bringBack(ctx context.Context, drv object.Driver, a addr.Instance, was *object.State, row *row, prior *object.Actual) diag.List {
	restorer, ok := drv.(object.Restorer)
	if !ok {
		p.note(a.String() + " ran, and what it did cannot be undone")
		return nil
	}
	old, d := drv.Decode(ctx, was)
	if d.HasErrors() {
		return d
	}
	wanted := restorer.Restore(old)
	var c object.Change
	var pd diag.List
	if !p.call(ctx, func() { c, pd = drv.Plan(ctx, object.PlanRequest{Addr: a, Wanted: wanted, Prior: prior}) }) || pd.HasErrors() {
		return append(d, pd...)
	}
	if c.Verb == object.NoOp {
		return append(d, pd...)
	}
	if c.Verb == object.Create || c.Verb == object.Replace {
		p.note(a.String() + " was destroyed: it is created anew, and what it held, and values that its provider chose, do not come back")
	}
	pc := &object.PlannedChange{Addr: a, Driver: was.Driver, Change: c, Wanted: wanted, Needs: was.Needs, CreateFirst: was.CreateBeforeDestroy && c.Verb == object.Replace}
	if row != nil && prior != nil {
		now, err := drv.Encode(prior)
		if err != nil {
			return append(d, diag.FromError("State cannot be stored", err)...)
		}
		now.Addr, now.Driver, now.Serial, now.Needs = a, row.Driver, row.Serial, row.Needs
		pc.Prior = now
	}
	p.add(pc)
	return append(d, pd...)
}

func (p *planner) note(text string) { p.notes = append(p.notes, text) }

// restoredOutputs plans that root outputs get the values that they had.
func (p *planner) restoredOutputs(g *graph, before map[string]cty.Value) []object.OutputChange {
	var out []object.OutputChange
	names := make([]string, 0, len(p.req.Options.Restore.Outputs))
	for name := range p.req.Options.Restore.Outputs {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		c := object.OutputChange{Name: name, Before: before[name], After: cty.NilVal}
		if was := p.req.Options.Restore.Outputs[name]; was != nil {
			v, err := decodeOutput(was)
			if err != nil {
				p.diags = append(p.diags, diag.FromError("Stored output cannot be read", err)...)
				continue
			}
			c.After = v
		}
		if verbOf(&c); c.Verb == object.NoOp {
			continue
		}
		out = append(out, c)
		id := g.add(object.Action{Verb: object.Set, Addr: outputAddr(name), Change: -1, Idempotent: true})
		g.need(id, g.everything()...)
	}
	return out
}

// restoredNeeds adds the edges of a rollback's creations, which follow what rows
// say they need.
func (g *graph) restoredNeeds(c *object.PlannedChange) {
	id := g.entry[c.Addr]
	if id == 0 {
		return
	}
	for _, need := range c.Needs {
		if x := g.exit[need]; x != 0 {
			g.need(id, x)
			continue
		}
		if need.Key.IsNone() {
			g.need(id, g.exits(need.Object)...)
		}
	}
}

// exits gives the actions after which every instance of the object has its value.
func (g *graph) exits(o addr.Object) []int {
	if g.byObject == nil {
		g.byObject = map[addr.Object][]int{}
		for a, id := range g.exit {
			g.byObject[a.Object] = append(g.byObject[a.Object], id)
		}
	}
	if len(g.byObject[o]) > manyNeeds {
		g.byObject[o] = g.joined(g.byObject[o], o.Instance(addr.NoKey))
	}
	return g.byObject[o]
}
