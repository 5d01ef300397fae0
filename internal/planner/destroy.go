package planner

import (
	"context"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/eval"
	"tutti/internal/object"
)

// destroy plans the end of an instance whose block is still there.
func (w *work) destroy() {
	if w.row == nil || w.prior == nil {
		w.out.Value = cty.DynamicVal
		if w.row != nil {
			w.p.forget(w.row, object.ReasonNone)
		}
		return
	}
	w.out.Value = w.prior.Value
	if w.p.choice.spares(w.addr) || w.p.choice.spares(w.row.from) || !w.p.choice.wants(w.addr) && !w.p.choice.wants(w.row.from) {
		return
	}
	pol, d := w.obj.Policy(w.ctx, w.scope, w.inst)
	if !w.report(d) {
		return
	}
	if pol.PreventDestroy {
		w.report(preventDestroy(w.addr))
		return
	}
	w.report(w.p.remove(w.ctx, removal{row: w.row, driver: w.driver, prior: w.prior, reason: forgotten(pol), forget: pol.Forget}))
	w.out.Pending = true
}

// forgotten is the reason why an instance is not destroyed with the others.
func forgotten(pol object.Policy) object.Reason {
	if pol.Forget {
		return object.ForgetByConfig
	}
	return object.ReasonNone
}

// removal is an instance that is to go.
type removal struct {
	row    *row
	driver object.Driver
	prior  *object.Actual
	reason object.Reason
	forget bool
}

// remove plans a delete, or a forget where the user wants the thing to stay.
func (p *planner) remove(ctx context.Context, r removal) diag.List {
	if r.forget {
		p.forget(r.row, r.reason)
		return nil
	}
	var c object.Change
	var d diag.List
	req := object.PlanRequest{Addr: r.row.Addr, Wanted: cty.NilVal, Prior: r.prior}
	if !p.call(ctx, func() { c, d = r.driver.Plan(ctx, req) }) || d.HasErrors() {
		return d
	}
	if c.Verb == object.NoOp {
		c.Verb = object.Forget
	}
	row, err := r.driver.Encode(r.prior)
	if err != nil {
		return append(d, diag.FromError("State cannot be stored", err)...)
	}
	old := r.row.State
	row.Addr, row.Deposed, row.Driver, row.Serial, row.Needs = r.row.Addr, old.Deposed, old.Driver, old.Serial, old.Needs
	pc := &object.PlannedChange{Addr: r.row.Addr, Deposed: old.Deposed, Driver: old.Driver, Change: c, Reason: r.reason, Prior: row}
	if r.row.from != r.row.Addr {
		from := r.row.from
		pc.MovedFrom = &from
	}
	p.add(pc)
	return d
}

// forget plans that a row goes and nothing else happens.
func (p *planner) forget(r *row, reason object.Reason) {
	pc := &object.PlannedChange{Addr: r.Addr, Deposed: r.Deposed, Driver: r.Driver, Reason: reason, Prior: r.State,
		Change: object.Change{Verb: object.Forget, Before: cty.NilVal, After: cty.NilVal, Idempotent: true}}
	if r.from != r.Addr {
		from := r.from
		pc.MovedFrom = &from
	}
	p.add(pc)
}

// orphans plans the end of rows that no block stands for.
func (p *planner) orphans(ctx context.Context) {
	o := &p.req.Options
	if o.Validate || ctx.Err() != nil {
		return
	}
	p.hold()
	// What the evaluation found out is asked before the drivers are, since finding
	// those evaluates again.
	var list []orphan
	for _, r := range p.rows.unclaimed() {
		switch {
		case !p.orphaned(r):
		case p.held.has(r.Addr):
			p.putOff(r.Addr)
		default:
			list = append(list, orphan{r, p.why(r)})
		}
	}
	next := make(chan orphan)
	done := make(chan struct{})
	for range min(o.Parallelism, len(list)) {
		go func() {
			for r := range next {
				d := p.orphan(ctx, r)
				p.mu.Lock()
				p.diags = append(p.diags, d.In(r.Addr.String())...)
				p.mu.Unlock()
			}
			done <- struct{}{}
		}()
	}
	for _, r := range list {
		next <- r
	}
	close(next)
	for range min(o.Parallelism, len(list)) {
		<-done
	}
	p.postpone()
}

// orphan is a row that is to go, and why.
type orphan struct {
	*row
	reason object.Reason
}

// orphaned reports whether the row is to go: it is not when its object could not
// be evaluated, or the user left it out.
func (p *planner) orphaned(r *row) bool {
	if p.choice.spares(r.Addr) || !p.choice.wants(r.Addr) || r.Addr.Kind == addr.Data {
		return false
	}
	if p.req.Options.Mode == object.RefreshOnly {
		return false
	}
	en := p.eval.Status(r.Addr.Object)
	return !en.Failed && !en.Unknown
}

func (p *planner) orphan(ctx context.Context, r orphan) diag.List {
	forget := r.Forget
	if rm := p.removal(r.Addr); rm != nil {
		forget = rm.Forget
	} else if forget {
		r.reason = object.ForgetByState
	}
	if forget {
		p.forget(r.row, r.reason)
		return nil
	}
	p.read(r.Addr.Object)
	var d diag.List
	wd := p.eval.With(ctx, r.Addr.Module, func(ctx context.Context, s object.Scope) diag.List {
		var drv object.Driver
		drv, d = p.req.Orphans.DriverOf(ctx, s, r.State)
		if d.HasErrors() {
			return nil
		}
		if failed, _ := eval.Settled(s); failed {
			return nil
		}
		pol := p.leftPolicy(ctx, s, r)
		switch {
		case pol.Forget:
			p.forget(r.row, r.reason)
			return nil
		case pol.PreventDestroy && r.Deposed == "":
			d = append(d, preventDestroy(r.Addr)...)
			return nil
		}
		if drv == nil {
			p.mu.Lock()
			p.unserved = append(p.unserved, r.row)
			p.later = append(p.later, object.Deferred{Addr: r.Addr.Object, Key: r.Addr.Key, Reason: "it is no longer wanted, but the configuration of its provider is not known yet"})
			p.mu.Unlock()
			return nil
		}
		d = append(d, p.orphanWith(ctx, r, drv)...)
		return nil
	})
	return append(d, wd...)
}

// leftPolicy is the policy of a block that no longer makes the row's instance. It is
// asked for a key that is not among the block's own, so what it cannot tell counts
// as not laid down.
func (p *planner) leftPolicy(ctx context.Context, s object.Scope, r orphan) object.Policy {
	o, ok := p.eval.Object(r.Addr.Object).(object.Driven)
	if !ok {
		return object.Policy{}
	}
	pol, _ := o.Policy(ctx, s, object.Instance{Key: r.Addr.Key, Value: cty.DynamicVal})
	return pol
}

func (p *planner) orphanWith(ctx context.Context, r orphan, drv object.Driver) diag.List {
	stored, d := drv.Decode(ctx, r.State)
	if d.HasErrors() {
		return d
	}
	prior := stored
	if !p.req.Options.SkipRefresh {
		var rd diag.List
		if !p.call(ctx, func() { prior, rd = drv.Read(ctx, r.Addr, stored) }) {
			return d
		}
		if d = append(d, rd...); rd.HasErrors() {
			return d
		}
	}
	if prior == nil {
		p.forget(r.row, r.reason)
		return d
	}
	return append(d, p.remove(ctx, removal{row: r.row, driver: drv, prior: prior, reason: r.reason})...)
}

func (p *planner) removal(a addr.Instance) *object.Removal {
	for i := range p.req.Removals {
		rm := &p.req.Removals[i]
		_, rest, ok := within(rm.In, a.Module)
		if ok && rm.From.Covers(addr.Instance{Object: addr.Object{Module: rest, Name: a.Name}, Key: a.Key}) {
			return rm
		}
	}
	return nil
}

// why gives the reason in the terms of the files.
func (p *planner) why(r *row) object.Reason {
	if r.Deposed != "" {
		return object.DeleteDeposed
	}
	st := p.eval.Status(r.Addr.Object)
	switch {
	case st.Exists && p.req.Options.Mode == object.Destroy:
		return object.ReasonNone
	case st.Exists:
	case p.moduleGone(r.Addr.Module):
		return object.DeleteNoModule
	case r.from != r.Addr:
		return object.DeleteNoMoveTarget
	default:
		return object.DeleteNoConfig
	}
	_, isInt := r.Addr.Key.Int()
	_, isStr := r.Addr.Key.Str()
	switch {
	case st.Expansion.Shape == object.Single && len(st.Expansion.Instances) == 0:
		return object.DeleteEnabledFalse
	case st.Expansion.Shape == object.Count && isInt:
		return object.DeleteCountIndex
	case st.Expansion.Shape == object.ForEach && isStr:
		return object.DeleteEachKey
	default:
		return object.DeleteWrongRepetition
	}
}

// moduleGone reports whether a call in the files no longer makes this instance of
// the module, or of one around it. Where there is no call at all it is false, as
// the peers have it.
func (p *planner) moduleGone(m addr.Module) bool {
	for !m.IsRoot() {
		parent, step := m.Call()
		if st := p.eval.Status(parentCall(m)); st.Exists {
			_, ok := st.Expansion.Find(step.Key)
			return !ok
		}
		m = parent
	}
	return false
}

func parentCall(m addr.Module) addr.Object {
	parent, step := m.Call()
	return parent.CallOf(step.Name)
}
