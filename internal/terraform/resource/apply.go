package resource

import (
	"context"
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/schema"
)

// Apply implements object.Driver.
func (m *managed) Apply(ctx context.Context, req object.ApplyRequest) (object.Result, diag.List) {
	var res object.Result
	var d diag.List
	switch req.Verb {
	case object.Create, object.Update:
		res, d = m.change(ctx, req)
	case object.Delete:
		res, d = m.delete(ctx, req)
	default:
		panic(fmt.Sprintf("resource: invariant broken: a managed resource was given the verb %s", req.Verb))
	}
	return res, m.o.locate(d).In(req.Addr.String())
}

func (m *managed) change(ctx context.Context, req object.ApplyRequest) (object.Result, diag.List) {
	var prior *object.Actual
	if req.Verb == object.Update {
		prior = req.Prior
	}
	unchanged := object.Result{Actual: prior}
	if d := m.o.checkEphemeral(req.Wanted); d.HasErrors() {
		return unchanged, d
	}
	a := m.askFinal(req)
	if !wholly(a.config) {
		return unchanged, diag.Errorf(nil, "Configuration is not known at apply",
			"Something that %s uses is still unknown although all that it depends on is done. The provider of what it uses has not said all it should.", req.Addr)
	}
	plan, d := m.finalPlan(ctx, req, a, prior)
	if d.HasErrors() {
		return unchanged, d
	}
	if prior != nil {
		if was, _ := unmark(prior.Value); was.RawEquals(plan.Planned) {
			// Only what is sensitive changes, and that is nothing to the provider.
			kept := *prior
			kept.Value = m.o.mark(was, a.where)
			return object.Result{Actual: &kept}, d
		}
	}
	res, more := m.carryOut(ctx, req, a, plan)
	d = append(d, more...)
	if req.Verb == object.Create && !d.HasErrors() && m.o.provisions(AfterCreate) {
		if d = append(d, m.o.Provision(ctx, AfterCreate, res.Actual.Value, logOf(req))...); d.HasErrors() {
			res.Actual.Tainted = true
		}
	}
	return res, d
}

// askFinal is the configuration at apply. Changes are ignored only of what stays.
func (m *managed) askFinal(req object.ApplyRequest) asked {
	if req.Verb == object.Update {
		return m.ask(req.Wanted, req.Prior)
	}
	return m.ask(req.Wanted, nil)
}

// finalPlan gives the plan that is carried out. It is the one that was made, as
// long as all of the configuration was known then and is the same now; otherwise
// the provider plans again, and what it plans has to agree with what it planned.
func (m *managed) finalPlan(ctx context.Context, req object.ApplyRequest, a asked, prior *object.Actual) (provider.PlanResponse, diag.List) {
	block := m.o.Schema.Block
	was := decodeCarried(req.Private, m.o.Schema.Identity)
	planned, _ := unmark(req.Planned)
	if was.known && !was.destroy && block.Settled(a.config, planned) {
		return provider.PlanResponse{Planned: planned, Private: was.private, Identity: was.identity}, nil
	}
	resp, d := m.propose(ctx, req.Addr, a, prior)
	if d.HasErrors() {
		return resp, d
	}
	if resp.Deferred != "" {
		return resp, append(d, diag.Errorf(nil, "Provider deferred a planned change",
			"%s was planned, but now that it is its turn %s. Plan again.", req.Addr, why(resp.Deferred))...)
	}
	var bad []schema.Problem
	if planned != cty.NilVal {
		bad = schema.Hide(block.CheckResult(planned, resp.Planned), a.where)
	}
	if prior != nil {
		v, _ := unmark(prior.Value)
		for _, p := range changed(v, resp.Planned, resp.RequiresReplace) {
			bad = append(bad, schema.Problem{Path: p, Text: "now requires a replacement, which was not planned"})
		}
	}
	return resp, append(d, m.o.blame(req.Addr.String(), "Provider produced inconsistent final plan",
		"planned something else once all values were known,", bad)...)
}

// carryOut has the provider do it and judges what came of it.
func (m *managed) carryOut(ctx context.Context, req object.ApplyRequest, a asked, plan provider.PlanResponse) (object.Result, diag.List) {
	creating := req.Verb == object.Create
	call := provider.ApplyRequest{TypeName: m.o.TypeName, Prior: m.o.null(), Planned: plan.Planned, Config: a.config,
		Private: plan.Private, ProviderMeta: m.o.Meta, Identity: plan.Identity}
	var result object.Result
	if !creating {
		call.Prior, _ = unmark(req.Prior.Value)
		call.Identity = orIdentity(plan.Identity, req.Prior.Identity)
		result.Actual = req.Prior
	}
	resp, d := m.o.Provider.Apply(ctx, call)
	result.InDoubt = provider.InDoubt(d)
	state, bad := m.accept(resp.State, d.HasErrors())
	d = append(d, m.o.blame(req.Addr.String(), "Provider returned invalid result object after apply", "gave back an invalid object", bad)...)
	if state == cty.NilVal {
		// Nothing came into being; or nothing is said, and then what was there still
		// is, for all that is known.
		return result, d
	}
	if !d.HasErrors() && !resp.LegacyTypes {
		bad := schema.Hide(m.o.Schema.Block.CheckResult(plan.Planned, state), a.where)
		d = append(d, m.o.blame(req.Addr.String(), "Provider produced inconsistent result after apply", "gave back another object than was planned", bad)...)
	}
	result.Actual = &object.Actual{Value: m.o.mark(state, a.where), Private: resp.Private,
		Identity: orIdentity(resp.Identity, call.Identity), Tainted: creating && d.HasErrors()}
	return result, d
}

// accept makes the best of what a provider gives back: cty.NilVal when there is
// nothing in it. That a failed apply gives nothing is no fault of its own.
func (m *managed) accept(state cty.Value, failed bool) (cty.Value, []schema.Problem) {
	block := m.o.Schema.Block
	if bad := block.Conforms(state); len(bad) > 0 {
		if failed {
			bad = nil
		}
		return cty.NilVal, bad
	}
	switch {
	case state.IsNull() && failed:
		return cty.NilVal, nil
	case state.IsNull():
		return cty.NilVal, problem("the object is null, as if it had been deleted")
	case !state.IsKnown():
		return cty.NilVal, problem("the object is unknown")
	}
	var bad []schema.Problem
	if !wholly(state) {
		if !failed {
			bad = problem("after an apply, every value must be known")
		}
		state = cty.UnknownAsNull(state)
	}
	bad = append(bad, writeOnly(block, state)...)
	return block.NullWriteOnly(state), bad
}

func (m *managed) delete(ctx context.Context, req object.ApplyRequest) (object.Result, diag.List) {
	if req.Prior == nil {
		return object.Result{}, nil
	}
	still := object.Result{Actual: req.Prior}
	var d diag.List
	// What was never completed has not been there for its provisioners either.
	if m.o.provisions(BeforeDelete) && !req.Prior.Tainted {
		if d = m.o.Provision(ctx, BeforeDelete, req.Prior.Value, logOf(req)); d.HasErrors() {
			return still, d
		}
	}
	prior, where := unmark(req.Prior.Value)
	private := req.Prior.Private
	if c := decodeCarried(req.Private, nil); c.destroy {
		private = c.private
	}
	resp, more := m.o.Provider.Apply(ctx, provider.ApplyRequest{TypeName: m.o.TypeName, Prior: prior, Planned: m.o.null(), Config: m.o.null(),
		Private: private, ProviderMeta: m.o.Meta, Identity: req.Prior.Identity})
	d, still.InDoubt = append(d, more...), provider.InDoubt(more)
	gone := resp.State == cty.NilVal || resp.State.IsNull()
	if gone && !d.HasErrors() {
		return object.Result{}, d
	}
	if state, _ := m.accept(resp.State, true); state != cty.NilVal {
		still.Actual = &object.Actual{Value: m.o.mark(state, where), Private: resp.Private,
			Identity: orIdentity(resp.Identity, req.Prior.Identity), Tainted: req.Prior.Tainted}
	}
	if !d.HasErrors() {
		d = append(d, m.o.blame(req.Addr.String(), "Provider returned invalid result object after apply", "was to delete the object, and gave one back",
			problem("the object is not null"))...)
	}
	return still, d
}

func logOf(req object.ApplyRequest) func(string) {
	if req.Log == nil {
		return func(string) {}
	}
	return req.Log
}
