package activity

import (
	"context"
	"encoding/json"

	"tutti/internal/diag"
	"tutti/internal/eval"
	"tutti/internal/object"
)

// carryOut has a driver do its work: at once, or by a machine, whose end it is told
// when the activity comes again.
func (w *Worker) carryOut(ctx context.Context, drv object.Driver, t *task, req object.ApplyRequest) (object.Result, diag.List) {
	s, ok := drv.(object.Stepwise)
	switch {
	case !ok:
		return drv.Apply(ctx, req)
	case t.ended != nil:
		return s.Conclude(ctx, req, *t.ended)
	}
	work, d := s.Begin(ctx, req)
	switch {
	case d.HasErrors():
		return object.Result{Actual: req.Prior}, d
	case work == nil:
		res, ad := drv.Apply(ctx, req)
		return res, append(d, ad...)
	}
	prepared, err := w.o.Children.Prepare(ctx, *work)
	if err != nil {
		return object.Result{Actual: req.Prior}, append(d, diag.FromError("Work cannot be begun", err)...)
	}
	t.work = &prepared
	return object.Result{}, d
}

// begin asks the driver of an instance for a machine when its work may have steps. The
// instance is evaluated apart: its value is known only when the machine has ended, and
// who asks for it then must not be given this one. Begun is false when there is no
// such driver, or when it has ended already.
func (w *Worker) begin(ctx context.Context, t *task) (d diag.List, begun bool) {
	if t.action.Verb != object.Run || t.ended != nil || w.o.Children == nil {
		return nil, false
	}
	stepwise := false
	if d := w.withDriver(ctx, w.now, t.action.Addr, func(drv object.Driver) diag.List {
		_, stepwise = drv.(object.Stepwise)
		return nil
	}); d.HasErrors() || !stepwise {
		return d, d.HasErrors()
	}
	e := eval.New(w.o.Root, &settling{source{w: w}, t})
	n, d := e.Instance(ctx, t.action.Addr)
	d = append(d, e.Close(ctx)...)
	switch {
	case n != nil && n.Failed && !n.Diags.HasErrors():
		d = append(d, eval.Explain(n)...)
	case n != nil:
		d = append(d, n.Diags...)
	}
	if !d.HasErrors() && t.work == nil && len(t.writes) == 0 {
		d = append(d, diag.Errorf(nil, "Dependency failed", "Something that %s depends on failed.", t.action.Addr)...)
	}
	return d, true
}

// goOn is the answer that asks for a child.
func goOn(w *object.Work) json.RawMessage {
	type child struct {
		Machine string          `json:"machine"`
		Input   json.RawMessage `json:"input"`
	}
	out, err := json.Marshal(struct {
		Child child `json:"child"`
	}{child{w.Machine, w.Input}})
	if err != nil {
		panic("activity: invariant broken: what a child is started with has no JSON form: " + err.Error())
	}
	return out
}
