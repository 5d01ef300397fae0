package activity

import (
	"context"
	"encoding/json"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/eval"
	"tutti/internal/object"
	"tutti/internal/store"
)

// instance carries an action out by evaluating its instance: that evaluates what
// it depends on, and ends in source.Instance below.
func (w *Worker) instance(ctx context.Context, t *task) diag.List {
	a := t.action.Addr
	if t.change.Wanted != cty.NilVal {
		return w.restore(ctx, t)
	}
	if d, begun := w.begin(ctx, t); begun {
		return d
	}
	w.mu.Lock()
	w.active[a] = t
	w.mu.Unlock()
	n, d := w.now.Instance(ctx, a)
	w.mu.Lock()
	delete(w.active, a)
	w.mu.Unlock()
	switch {
	case n == nil && !d.HasErrors():
		return append(d, diag.Errorf(nil, "Instance no longer exists", "%s was planned, but evaluating it again gives no such instance. Plan again.", a)...)
	case n == nil:
		return d
	case n.Failed:
		if x := eval.Explain(n); x.HasErrors() {
			return x
		}
		return append(d, diag.Errorf(nil, "Dependency failed", "Something that %s depends on failed.", a)...)
	}
	return n.Diags
}

// restore carries out what does not come from the files: the driver is that of the
// row, and what is wanted stands in the plan.
func (w *Worker) restore(ctx context.Context, t *task) diag.List {
	var out eval.Outcome
	known := &object.State{Addr: t.action.Addr, Driver: t.change.Driver}
	d := w.now.With(ctx, t.action.Addr.Module, func(ctx context.Context, s object.Scope) diag.List {
		drv, d := w.o.Orphans.DriverOf(ctx, s, known)
		if failed, _ := eval.Settled(s); failed || d.HasErrors() || drv == nil {
			return append(d, diag.Errorf(nil, "Provider configuration not known", "The configuration of the provider of %s is not known.", known.Addr)...)
		}
		req, rd := w.request(ctx, drv, t)
		if d = append(d, rd...); rd.HasErrors() {
			return d
		}
		req.Wanted = t.change.Wanted
		w.secrets(req.Wanted)
		out = w.perform(ctx, drv, t, req, d)
		return nil
	})
	return append(d, out.Diags...)
}

// source is the worker as an evaluator sees it.
type source struct {
	w *Worker
	// before gives what was there when the run began.
	before bool
}

var _ eval.Source = (*source)(nil)

// Changed implements eval.Source: at apply nothing is decided by it any more.
func (s *source) Changed(addr.Instance, cty.Path) bool { return false }

// Instance implements eval.Source.
func (s *source) Instance(ctx context.Context, sc object.Scope, o object.Driven, inst object.Instance, a addr.Instance) eval.Outcome {
	if !s.before {
		s.w.mu.Lock()
		t := s.w.active[a]
		s.w.mu.Unlock()
		if t != nil {
			return s.w.apply(ctx, sc, o, inst, t)
		}
	}
	if v, ok := s.w.data[a]; ok {
		return eval.Outcome{Value: v}
	}
	return s.w.present(ctx, sc, o, inst, a, s.before)
}

// present gives the value of an instance that the run does not change, or has
// changed already.
func (w *Worker) present(ctx context.Context, sc object.Scope, o object.Driven, inst object.Instance, a addr.Instance, before bool) eval.Outcome {
	drv, d := o.Driver(ctx, sc, inst)
	if d.HasErrors() || drv == nil {
		return eval.Outcome{Diags: d}
	}
	if w.o.Edges {
		_, wd := o.Wanted(ctx, sc, inst)
		d = append(d, wd...)
	}
	w.mu.Lock()
	row := w.rows[object.RowKey{Addr: a}]
	w.mu.Unlock()
	if i, ok := w.byAddr[a]; ok && before && w.o.Plan.Changes[i].Prior != nil {
		row = w.o.Plan.Changes[i].Prior
	}
	if row == nil && a.Kind == addr.Data && !before {
		return w.readAgain(ctx, sc, o, inst, a, drv)
	}
	if row == nil {
		return eval.Outcome{Value: cty.DynamicVal, Diags: d}
	}
	actual, dd := drv.Decode(ctx, row)
	if d = append(d, dd...); dd.HasErrors() {
		return eval.Outcome{Diags: d}
	}
	w.secrets(actual.Value)
	return eval.Outcome{Value: actual.Value, Diags: d}
}

// readAgain reads a data source that an earlier process of the run had read: it
// has no row.
func (w *Worker) readAgain(ctx context.Context, sc object.Scope, o object.Driven, inst object.Instance, a addr.Instance, drv object.Driver) eval.Outcome {
	wanted, d := o.Wanted(ctx, sc, inst)
	if failed, _ := eval.Settled(sc); failed || d.HasErrors() {
		return eval.Outcome{Diags: d}
	}
	res, ad := drv.Apply(ctx, object.ApplyRequest{Addr: a, Verb: object.Read, Wanted: wanted})
	if d = append(d, ad...); ad.HasErrors() || res.Actual == nil {
		return eval.Outcome{Diags: d}
	}
	return eval.Outcome{Value: res.Actual.Value, Diags: d}
}

// apply evaluates what is wanted once more and has the driver do it.
func (w *Worker) apply(ctx context.Context, sc object.Scope, o object.Driven, inst object.Instance, t *task) eval.Outcome {
	drv, d := o.Driver(ctx, sc, inst)
	wanted, wd := o.Wanted(ctx, sc, inst)
	if d = append(d, wd...); d.HasErrors() {
		return eval.Outcome{Diags: d}
	}
	if failed, _ := eval.Settled(sc); failed {
		return eval.Outcome{Diags: d}
	}
	if drv == nil {
		return eval.Outcome{Diags: append(d, diag.Errorf(nil, "Provider configuration not known", "The configuration of the provider of %s is still not known. Plan again.", t.action.Addr)...)}
	}
	req, rd := w.request(ctx, drv, t)
	if d = append(d, rd...); rd.HasErrors() {
		return eval.Outcome{Diags: d}
	}
	req.Wanted = wanted
	w.secrets(wanted)
	return w.perform(ctx, drv, t, req, d)
}

// perform has the driver do it, or find out whether it was done.
func (w *Worker) perform(ctx context.Context, drv object.Driver, t *task, req object.ApplyRequest, d diag.List) eval.Outcome {
	if t.settle {
		var res object.Result
		if res, t.done, t.err = settle(ctx, drv, req); !t.done || t.err != nil {
			return eval.Outcome{Diags: d}
		}
		return w.result(drv, t, res, d)
	}
	res, ad := w.carryOut(ctx, drv, t, req)
	if d = append(d, ad...); t.work != nil {
		return eval.Outcome{Value: cty.DynamicVal, Diags: d}
	}
	t.doubt = res.InDoubt
	return w.result(drv, t, res, d)
}

// result makes the row of what came into being.
func (w *Worker) result(drv object.Driver, t *task, res object.Result, d diag.List) eval.Outcome {
	if res.Actual == nil {
		return eval.Outcome{Value: cty.NilVal, Diags: d}
	}
	t.value = res.Actual.Value
	w.secrets(t.value)
	if t.action.Addr.Kind != addr.Data {
		row, err := w.row(drv, res.Actual, t.change)
		if err != nil {
			return eval.Outcome{Diags: append(d, diag.FromError("Result cannot be stored", err)...)}
		}
		t.writes = append(t.writes, w.put(row, t.change)...)
	}
	if d.HasErrors() {
		return eval.Outcome{Diags: d}
	}
	return eval.Outcome{Value: res.Actual.Value, Diags: d}
}

// request says what the driver is to do, except for what is wanted.
func (w *Worker) request(ctx context.Context, drv object.Driver, t *task) (object.ApplyRequest, diag.List) {
	c := t.change
	req := object.ApplyRequest{Addr: t.action.Addr, Verb: t.action.Verb, Planned: c.After, Private: c.Private, Log: t.log}
	// A replacement's create starts from nothing, and so does a plain one.
	if c.Prior == nil || t.action.Verb == object.Create {
		return req, nil
	}
	var d diag.List
	req.Prior, d = drv.Decode(ctx, c.Prior)
	if req.Prior != nil {
		w.secrets(req.Prior.Value)
	}
	return req, d
}

// set stores a root output.
func (w *Worker) set(ctx context.Context, t *task) diag.List {
	name := t.action.Addr.Name.Name
	i := outputIndex(w.o.Plan, name)
	if w.o.Plan.Outputs[i].After == cty.NilVal {
		t.writes = append(t.writes, store.Write{DeleteOutput: name})
		return nil
	}
	v, d := w.o.Plan.Outputs[i].After, diag.List(nil)
	if w.o.Plan.Mode != object.Rollback {
		if v, d = w.now.Value(ctx, t.action.Addr.Object); d.HasErrors() {
			return d
		}
	}
	if w.o.Plan.Mode == object.RefreshOnly && !v.IsWhollyKnown() {
		// It needs something that is gone and is not made again now.
		bare, marks := v.UnmarkDeepWithPaths()
		v = cty.UnknownAsNull(bare).MarkWithPaths(marks)
	}
	row, err := encodeOutput(name, v)
	if err != nil {
		return diag.FromError("Output cannot be stored", err)
	}
	t.writes = append(t.writes, store.Write{PutOutput: row})
	return nil
}

func outputIndex(p *object.Plan, name string) int {
	for i := range p.Outputs {
		if p.Outputs[i].Name == name {
			return i
		}
	}
	panic("activity: invariant broken: no planned output is called " + name)
}

func encodeOutput(name string, v cty.Value) (*object.OutputState, error) {
	sensitive := object.HasMark(v, object.Sensitive)
	bare, _ := v.UnmarkDeep()
	ty, err := ctyjson.MarshalType(bare.Type())
	if err != nil {
		return nil, err
	}
	val, err := ctyjson.Marshal(bare, bare.Type())
	if err != nil {
		return nil, err
	}
	return &object.OutputState{Name: name, Value: val, Type: ty, Sensitive: sensitive}, nil
}

// ask evaluates an approval, for the machine to wait as it says.
func (w *Worker) ask(ctx context.Context, a *object.Action) (json.RawMessage, diag.List) {
	var out json.RawMessage
	wanted, d := w.wanted(ctx, a.Addr)
	if d.HasErrors() {
		return nil, d
	}
	out, err := w.o.Approvals.Ask(wanted)
	return out, append(d, diag.FromError("Approval cannot be asked for", err)...)
}

// wanted evaluates what is wanted of an instance without doing it.
func (w *Worker) wanted(ctx context.Context, a addr.Instance) (cty.Value, diag.List) {
	v := cty.NilVal
	d := w.now.With(ctx, a.Module, func(ctx context.Context, s object.Scope) diag.List {
		x := s.Expansion(ctx, a.Object)
		o := w.now.Object(a.Object)
		inst, ok := x.Find(a.Key)
		if o == nil || !ok {
			return diag.Errorf(nil, "Instance no longer exists", "%s was planned, but evaluating it again gives no such instance. Plan again.", a)
		}
		var d diag.List
		v, d = o.Wanted(ctx, s, inst)
		return d
	})
	return v, d
}

// answer stores an approval that was decided.
func (w *Worker) answer(ctx context.Context, t *task, input json.RawMessage) diag.List {
	wanted, d := w.wanted(ctx, t.action.Addr)
	if d.HasErrors() {
		return d
	}
	actual, err := w.o.Approvals.Answer(wanted, input)
	if err != nil {
		return append(d, diag.FromError("Approval cannot be answered", err)...)
	}
	err = w.withDriver(ctx, w.now, t.action.Addr, func(drv object.Driver) diag.List {
		row, err := w.row(drv, actual, t.change)
		if err != nil {
			return diag.FromError("Result cannot be stored", err)
		}
		t.writes = append(t.writes, w.put(row, t.change)...)
		return nil
	}).Err()
	return append(d, diag.FromError("Approval cannot be stored", err)...)
}
