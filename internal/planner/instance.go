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

// source is the planner as the evaluator sees it.
type source planner

var _ eval.Source = (*source)(nil)

// Instance plans one instance and gives the value that it will have.
func (s *source) Instance(ctx context.Context, sc object.Scope, o object.Driven, inst object.Instance, a addr.Instance) eval.Outcome {
	if s.closed {
		return eval.Outcome{Value: cty.DynamicVal, LeftOut: true}
	}
	w := &work{p: (*planner)(s), ctx: ctx, scope: sc, obj: o, inst: inst, addr: a}
	w.p.read(a.Object)
	w.run()
	return w.out
}

// work is the planning of one instance. It lives only while that goes on.
type work struct {
	p     *planner
	ctx   context.Context //nolint:containedctx // ends with the call that made it
	scope object.Scope
	obj   object.Driven
	inst  object.Instance
	addr  addr.Instance

	driver object.Driver
	policy object.Policy
	wanted cty.Value
	row    *row
	prior  *object.Actual
	// imported is the ID that the instance is taken over by.
	imported string
	out      eval.Outcome
}

func (w *work) report(d diag.List) bool {
	w.out.Diags = append(w.out.Diags, d...)
	return !d.HasErrors()
}

func (w *work) run() {
	o := &w.p.req.Options
	var d diag.List
	x := w.scope.Expansion(w.ctx, w.addr.Object)
	w.row = w.p.rows.claim(w.addr, x.Shape)
	if w.driver, d = w.obj.Driver(w.ctx, w.scope, w.inst); !w.report(d) {
		return
	}
	destroying := o.Mode == object.Destroy && w.addr.Kind != addr.Data
	if !destroying && !w.ask() {
		return
	}
	failed, deferred := eval.Settled(w.scope)
	switch {
	case failed:
		return
	case o.Validate:
		w.validate()
		return
	case w.driver == nil:
		w.out.Deferred = "the configuration of its provider is not known yet"
		return
	case deferred:
		w.out.Deferred = "it uses something that waits itself"
		return
	}
	if !w.existing() {
		return
	}
	switch {
	case destroying:
		w.destroy()
	case o.Mode == object.RefreshOnly && w.addr.Kind != addr.Data:
		w.keep()
	case w.excluded():
		w.out.LeftOut = true
		w.keep()
	default:
		w.plan()
	}
}

// ask evaluates what the user wants.
func (w *work) ask() bool {
	var d, d2 diag.List
	if w.policy, d = w.obj.Policy(w.ctx, w.scope, w.inst); w.policy.CreateBeforeDestroy {
		w.p.mu.Lock()
		w.p.createFirst[w.addr] = true
		w.p.mu.Unlock()
	}
	w.wanted, d2 = w.obj.Wanted(w.ctx, w.scope, w.inst)
	return w.report(append(d, d2...))
}

// validate asks the driver whether it likes what is wanted, as far as that is known.
func (w *work) validate() {
	w.out.Value = cty.DynamicVal
	v, ok := w.driver.(object.Validator)
	if !ok {
		return
	}
	var d diag.List
	if w.p.call(w.ctx, func() { d = v.Validate(w.ctx, w.wanted) }) {
		w.report(d)
	}
}

// excluded reports whether the user leaves the instance out, or something that it
// depends on.
func (w *work) excluded() bool {
	return w.p.choice.spares(w.addr) || eval.LeftOut(w.scope)
}

// existing finds out what is there: from the state, refreshed, or by an import.
func (w *work) existing() bool {
	if w.row == nil {
		return w.importing()
	}
	stored, d := w.decode()
	if !w.report(d) {
		return false
	}
	w.prior = stored
	if w.p.req.Options.SkipRefresh || w.addr.Kind == addr.Data {
		return true
	}
	return w.refresh(stored)
}

// decode reads the row. One that a moved block brings from an object of another
// type is turned into one of this type by the driver.
func (w *work) decode() (*object.Actual, diag.List) {
	mover, ok := w.driver.(object.Mover)
	if !ok || w.row.from.Type == w.addr.Type {
		return w.driver.Decode(w.ctx, w.row.State)
	}
	was := *w.row.State
	was.Addr = w.row.from
	return mover.Move(w.ctx, &was)
}

func (w *work) refresh(stored *object.Actual) bool {
	var found *object.Actual
	var d diag.List
	if !w.p.call(w.ctx, func() { found, d = w.driver.Read(w.ctx, w.addr, stored) }) || !w.report(d) {
		return false
	}
	w.prior = found
	switch {
	case found == nil:
		w.drifted(object.Delete, stored.Value, cty.NilVal)
	case !sameValue(stored.Value, found.Value):
		w.drifted(object.Update, stored.Value, found.Value)
	}
	return true
}

func (w *work) drifted(v object.Verb, before, after cty.Value) {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	w.p.drift = append(w.p.drift, object.PlannedChange{Addr: w.addr, Driver: w.row.Driver,
		Change: object.Change{Verb: v, Before: before, After: after}})
}

// sameValue compares without marks: what is sensitive is the configuration's to say.
func sameValue(a, b cty.Value) bool {
	if a == cty.NilVal || b == cty.NilVal {
		return a == b
	}
	if !a.ContainsMarked() && !b.ContainsMarked() {
		return a.RawEquals(b)
	}
	a, _ = a.UnmarkDeep()
	b, _ = b.UnmarkDeep()
	return a.RawEquals(b)
}

func (w *work) importing() bool {
	imp, d := w.importWanted()
	if !w.report(d) {
		return false
	}
	if imp == nil {
		return true
	}
	if v := imp.ID.Identity; imp.ID.ID == "" && (v == cty.NilVal || !v.IsWhollyKnown()) {
		w.out.Deferred = "the ID to import is not known yet"
		return false
	}
	importer, ok := w.driver.(object.Importer)
	if !ok {
		return w.report(diag.Errorf(imp.Range, "Objects of this kind cannot be imported", "%s cannot be taken over by its ID.", w.addr))
	}
	ok = w.p.call(w.ctx, func() {
		if w.prior, d = importer.Import(w.ctx, w.addr, imp.ID); w.prior != nil && !d.HasErrors() {
			// What an import gives is often only the ID.
			var rd diag.List
			w.prior, rd = w.driver.Read(w.ctx, w.addr, w.prior)
			d = append(d, rd...)
		}
	})
	if !ok || !w.report(d) {
		return false
	}
	if w.prior == nil {
		return w.report(diag.Errorf(imp.Range, "Cannot import non-existent remote object", "There is nothing with the ID %q that %s could take over. Check the ID and the provider's region or account.", imp.ID.ID, w.addr))
	}
	stored, err := w.driver.Encode(w.prior)
	if err != nil {
		return w.report(diag.FromError("Imported object cannot be stored", err))
	}
	stored.Addr = w.addr
	w.imported = imp.ID.ID
	w.row = &row{State: stored, from: w.addr, claimed: true}
	return true
}

// importWanted finds what is to be taken over: as the command or the files say.
func (w *work) importWanted() (*object.Import, diag.List) {
	for i := range w.p.req.Imports {
		if w.p.req.Imports[i].To == w.addr {
			return &w.p.req.Imports[i], nil
		}
	}
	if o, ok := w.obj.(object.Importable); ok {
		return o.ImportOf(w.ctx, w.scope, w.inst)
	}
	return nil, nil
}

// Changed implements eval.Source.
func (s *source) Changed(a addr.Instance, path cty.Path) bool {
	p := (*planner)(s)
	p.mu.Lock()
	c := p.byAddr[a]
	p.mu.Unlock()
	if c == nil || c.Verb == object.Record || c.Verb == object.Forget {
		return false
	}
	if len(path) == 0 || c.Before == cty.NilVal || c.After == cty.NilVal {
		return true
	}
	before, err1 := path.Apply(c.Before)
	after, err2 := path.Apply(c.After)
	return err1 != nil || err2 != nil || !sameValue(before, after)
}

// plan asks the driver and decides what becomes of the answer.
func (w *work) plan() {
	req := object.PlanRequest{Addr: w.addr, Wanted: w.wanted, Prior: w.prior, Pending: eval.Pending(w.scope) && w.p.req.Options.Mode != object.Destroy}
	reason, detail := w.forced()
	req.Replace = reason != object.ReasonNone
	req.Requested, req.Done = w.requested(), w.p.req.Options.Done[w.addr]
	var c object.Change
	var d diag.List
	if !w.p.call(w.ctx, func() { c, d = w.driver.Plan(w.ctx, req) }) || !w.report(d) {
		return
	}
	if c.Deferred != "" {
		w.out.Deferred = c.Deferred
		return
	}
	w.out.Value = c.After
	if w.addr.Kind == addr.Data && c.Verb == object.NoOp {
		w.p.mu.Lock()
		w.p.data = append(w.p.data, object.DataValue{Addr: w.addr, Value: c.After})
		w.p.mu.Unlock()
		return
	}
	if c.Verb == object.Replace && reason == object.ReasonNone && len(c.ReplacePaths) > 0 {
		reason = object.ReplaceCannotUpdate
	}
	if c.Verb == object.Read {
		reason = object.ReadConfigUnknown
		if bare, _ := w.wanted.UnmarkDeep(); req.Pending && bare.IsWhollyKnown() {
			reason = object.ReadDependencyPending
		}
	}
	if (c.Verb == object.Replace || c.Verb == object.Delete) && w.policy.PreventDestroy {
		w.report(preventDestroy(w.addr))
		return
	}
	w.take(c, reason, detail)
}

// forced gives the reason to replace although the driver may see none.
func (w *work) forced() (object.Reason, string) {
	switch {
	case w.prior == nil:
		return object.ReasonNone, ""
	case w.prior.Tainted:
		return object.ReplaceTainted, ""
	case w.requested():
		return object.ReplaceRequested, ""
	case len(w.policy.Replace) > 0:
		return object.ReplaceTriggered, w.policy.Replace[0]
	default:
		return object.ReasonNone, ""
	}
}

// requested reports whether the user asked for this instance to be replaced or run,
// and that has not been done by an earlier phase.
func (w *work) requested() bool {
	o := &w.p.req.Options
	return slices.Contains(o.Replace, w.addr) && !o.Done[w.addr]
}

func preventDestroy(a addr.Instance) diag.List {
	return diag.Errorf(nil, "Instance cannot be destroyed", "%s has lifecycle.prevent_destroy set, but the plan calls for it to be destroyed. Either disable lifecycle.prevent_destroy, or leave it out of the plan with -exclude=%s.", a, a)
}

// take makes the driver's change one of the plan.
func (w *work) take(c object.Change, reason object.Reason, detail string) {
	pc := &object.PlannedChange{Addr: w.addr, Change: c, Reason: reason, ReasonDetail: detail,
		CreateFirst: w.policy.CreateBeforeDestroy, Forget: w.policy.Forget}
	if n, ok := w.driver.(object.Named); ok {
		pc.Driver = n.Name()
	}
	if w.row != nil && w.prior != nil {
		w.carry(pc)
	}
	if c.Verb == object.NoOp {
		if pc.Prior == nil || !w.rewritten(pc) {
			return
		}
		pc.Verb = object.Record
	}
	w.out.Pending = c.Verb != object.NoOp
	w.p.add(pc)
}

// carry notes the row that the change starts from, refreshed.
func (w *work) carry(pc *object.PlannedChange) {
	row, err := w.driver.Encode(w.prior)
	if err != nil {
		w.report(diag.FromError("State cannot be stored", err))
		return
	}
	old := w.row.State
	row.Addr, row.Driver, row.Serial, row.Needs = w.addr, old.Driver, old.Serial, old.Needs
	row.CreateBeforeDestroy, row.Forget = old.CreateBeforeDestroy, old.Forget
	if n, ok := w.driver.(object.Named); ok {
		row.Driver = n.Name() // the block may have got another provider
	}
	pc.Prior, pc.Driver = row, row.Driver
	if w.row.from != w.addr {
		from := w.row.from
		pc.MovedFrom = &from
	}
	if old.Serial == 0 {
		pc.Imported = w.imported
	}
}

// rewritten reports whether the row must be stored again though nothing is done to
// the object: it was moved, imported or found to differ.
func (w *work) rewritten(pc *object.PlannedChange) bool {
	if pc.MovedFrom != nil || w.row.State.Serial == 0 || w.row.renamed || pc.Forget != w.row.Forget {
		return true
	}
	return string(pc.Prior.Attributes) != string(w.row.Attributes) || string(pc.Prior.Private) != string(w.row.Private) ||
		pc.Prior.SchemaVersion != w.row.SchemaVersion || pc.Prior.Driver != w.row.State.Driver
}

// keep leaves the instance as it is and only refreshes its row.
func (w *work) keep() {
	if w.prior == nil {
		w.out.Value = cty.DynamicVal
		if w.row != nil {
			w.p.add(&object.PlannedChange{Addr: w.addr, Driver: w.row.Driver, Prior: w.row.State,
				Change: object.Change{Verb: object.Forget, Before: cty.NilVal, After: cty.NilVal, Idempotent: true}})
		}
		return
	}
	w.take(object.Change{Verb: object.NoOp, Before: w.prior.Value, After: w.prior.Value, Idempotent: true}, object.ReasonNone, "")
	w.out.Value = w.prior.Value
}
