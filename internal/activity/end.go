package activity

import (
	"context"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/eval"
	"tutti/internal/object"
	"tutti/internal/store"
)

// end deletes an object, current or deposed.
func (w *Worker) end(ctx context.Context, t *task) diag.List {
	return w.withOld(ctx, t, func(drv object.Driver) diag.List {
		req, d := w.request(ctx, drv, t)
		if d.HasErrors() {
			return d
		}
		req.Planned = cty.NilVal
		res, ad := w.carryOut(ctx, drv, t, req)
		if d = append(d, ad...); t.work != nil {
			return d
		}
		t.doubt = res.InDoubt
		w.ended(drv, t, res, d)
		return d
	})
}

// ended writes what is left after a deletion: nothing, or what could not be deleted.
func (w *Worker) ended(drv object.Driver, t *task, res object.Result, d diag.List) {
	if res.Actual == nil {
		if !d.HasErrors() {
			t.writes = append(t.writes, w.gone(t.change, t.action.Deposed)...)
		}
		return
	}
	row, err := drv.Encode(res.Actual)
	if err != nil {
		return
	}
	old := t.change.Prior
	row.Addr, row.Deposed, row.Driver, row.Needs = old.Addr, t.action.Deposed, old.Driver, old.Needs
	t.writes = append(t.writes, store.Write{Put: row})
}

// withOld calls f with the driver of an object that is to end: its block's, for
// the provisioners there, or else its row's. An object that has stepped aside for
// its replacement goes without provisioners, as the peers have it: they are those
// of the new one.
func (w *Worker) withOld(ctx context.Context, t *task, f func(object.Driver) diag.List) diag.List {
	c := t.change
	if hasBlock(c) && t.action.Deposed == "" {
		return w.withDriver(ctx, w.before, c.Addr, f)
	}
	var out diag.List
	d := w.before.With(ctx, c.Addr.Module, func(ctx context.Context, s object.Scope) diag.List {
		drv, d := w.o.Orphans.DriverOf(ctx, s, c.Prior)
		if d.HasErrors() {
			return d
		}
		if failed, _ := eval.Settled(s); failed {
			return d
		}
		if drv == nil {
			return append(d, diag.Errorf(nil, "Provider configuration not known", "The configuration of the provider of %s is not known, so it cannot be deleted.", c.Addr)...)
		}
		out = f(drv)
		return d
	})
	return append(d, out...)
}

// hasBlock reports whether the object still has a block in the configuration, be it
// that the block no longer makes this instance.
func hasBlock(c *object.PlannedChange) bool {
	switch c.Reason {
	case object.DeleteNoConfig, object.DeleteNoModule, object.DeleteNoMoveTarget:
		return false
	default:
		return c.Deposed == ""
	}
}

// withDriver calls f with the driver of an instance that has a block.
func (w *Worker) withDriver(ctx context.Context, e *eval.Evaluator, a addr.Instance, f func(object.Driver) diag.List) diag.List {
	var out diag.List
	d := e.With(ctx, a.Module, func(ctx context.Context, s object.Scope) diag.List {
		x := s.Expansion(ctx, a.Object)
		o, _ := e.Object(a.Object).(object.Driven)
		inst, ok := x.Find(a.Key)
		if o == nil || !ok {
			// Destroying goes on although the expansion depends on what is gone.
			inst = object.Instance{Key: a.Key, Value: cty.DynamicVal}
		}
		if o == nil {
			return diag.Errorf(nil, "Instance no longer exists", "%s was planned, but it is not in the configuration. Plan again.", a)
		}
		drv, d := o.Driver(ctx, s, inst)
		if d.HasErrors() {
			return d
		}
		if failed, _ := eval.Settled(s); failed {
			return d
		}
		if drv == nil {
			return append(d, diag.Errorf(nil, "Provider configuration not known", "The configuration of the provider of %s is not known.", a)...)
		}
		out = f(drv)
		return d
	})
	return append(d, out...)
}
