package resource

import (
	"context"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/schema"
)

// Plan implements object.Driver. It may ask the provider twice: once more when
// the answer is that the object has to be replaced.
func (m *managed) Plan(ctx context.Context, req object.PlanRequest) (object.Change, diag.List) {
	var c object.Change
	var d diag.List
	switch {
	case req.Wanted == cty.NilVal && req.Prior == nil:
		c = object.Change{Verb: object.NoOp, Idempotent: true}
	case req.Wanted == cty.NilVal:
		c, d = m.planDelete(ctx, req)
	default:
		c, d = m.planChange(ctx, req)
	}
	return c, m.o.locate(d).In(req.Addr.String())
}

// asked is a configuration as it goes to the provider.
type asked struct {
	config cty.Value // without marks, with ignored changes undone
	where  marked
}

func (m *managed) ask(wanted cty.Value, keep *object.Actual) asked {
	config, where := unmark(wanted)
	if keep == nil || !m.ignores() {
		return asked{config, where}
	}
	prior, priorWhere := unmark(keep.Value)
	return asked{m.ignore(prior, config), m.ignoredMarks(where, priorWhere)}
}

func (m *managed) planChange(ctx context.Context, req object.PlanRequest) (object.Change, diag.List) {
	if d := m.o.checkEphemeral(req.Wanted); d.HasErrors() {
		return object.Change{}, d
	}
	// A tainted object is as good as none: what it holds must not shape the new one.
	keep := req.Prior
	if keep != nil && keep.Tainted {
		keep = nil
	}
	a := m.ask(req.Wanted, keep)
	resp, d := m.propose(ctx, req.Addr, a, keep)
	if d.HasErrors() || resp.Deferred != "" {
		return object.Change{Deferred: why(resp.Deferred)}, d
	}
	var paths []cty.Path
	if keep != nil {
		prior, _ := unmark(keep.Value)
		paths = changed(prior, resp.Planned, resp.RequiresReplace)
	}
	replace := req.Prior != nil && (req.Replace || req.Prior.Tainted || len(paths) > 0)
	if replace && keep != nil {
		// What comes in its place begins with all that the user wrote: changes are
		// ignored only of what stays.
		a = m.ask(req.Wanted, nil)
		again, more := m.propose(ctx, req.Addr, a, nil)
		if d = append(d, more...); d.HasErrors() || again.Deferred != "" {
			return object.Change{Deferred: why(again.Deferred)}, d
		}
		resp = again
	}
	c := object.Change{After: m.o.mark(resp.Planned, a.where), Identity: resp.Identity, ReplacePaths: paths}
	if req.Prior != nil {
		c.Before = req.Prior.Value
	}
	c.Verb = verbOf(c.Before, c.After, replace)
	if c.Verb == object.NoOp {
		c.After = c.Before
	}
	c.Private = carried{known: wholly(a.config), private: resp.Private, identity: resp.Identity}.encode(m.o.Schema.Identity)
	c.Idempotent = m.idempotent(c.Verb)
	return c, d
}

// verbOf says what a planned value amounts to. That something became sensitive,
// or no longer is, has to reach the state too.
func verbOf(before, after cty.Value, replace bool) object.Verb {
	switch {
	case before == cty.NilVal:
		return object.Create
	case replace:
		return object.Replace
	}
	b, bWhere := unmark(before)
	a, aWhere := unmark(after)
	if b.RawEquals(a) && samePaths(aWhere, bWhere) {
		return object.NoOp
	}
	return object.Update
}

// idempotent says whether a change may be carried out again. Provisioners have
// effects of their own, so what runs them may not.
func (m *managed) idempotent(v object.Verb) bool {
	switch v {
	case object.NoOp:
		return true
	case object.Create:
		return m.o.repeatable() && !m.o.provisions(AfterCreate)
	case object.Delete:
		return m.o.repeatable() && !m.o.provisions(BeforeDelete)
	case object.Replace:
		return m.o.repeatable() && !m.o.provisions(AfterCreate) && !m.o.provisions(BeforeDelete)
	default:
		return m.o.repeatable()
	}
}

// propose asks the provider for a plan and checks it. Nothing there is a nil
// prior.
func (m *managed) propose(ctx context.Context, at addr.Instance, a asked, prior *object.Actual) (provider.PlanResponse, diag.List) {
	block := m.o.Schema.Block
	req := provider.PlanRequest{TypeName: m.o.TypeName, Prior: m.o.null(), Config: a.config, ProviderMeta: m.o.Meta}
	if prior != nil {
		req.Prior, _ = unmark(prior.Value)
		req.Private, req.Identity = prior.Private, prior.Identity
	}
	req.Proposed = block.ProposedNew(req.Prior, a.config)
	resp, d := m.o.Provider.Plan(ctx, req)
	if d.HasErrors() || resp.Deferred != "" {
		return resp, d
	}
	if bad := block.Conforms(resp.Planned); len(bad) > 0 {
		return resp, append(d, m.o.blame(at.String(), "Provider produced invalid plan", "planned a value of the wrong type", bad)...)
	}
	if bad := writeOnly(block, resp.Planned); len(bad) > 0 {
		return resp, append(d, m.o.blame(at.String(), "Provider produced invalid plan", "planned values for write-only arguments", bad)...)
	}
	if resp.LegacyTypes {
		// Providers on the old SDK cannot keep to the rules in small things, nor to
		// ignored changes.
		if prior != nil && m.ignores() {
			resp.Planned = m.ignore(req.Prior, resp.Planned)
		}
		return resp, d
	}
	bad := schema.Hide(block.CheckPlan(req.Prior, a.config, resp.Planned), a.where)
	return resp, append(d, m.o.blame(at.String(), "Provider produced invalid plan", "planned an invalid value", bad)...)
}

func writeOnly(b *schema.Block, v cty.Value) []schema.Problem {
	var out []schema.Problem
	for _, p := range b.WriteOnlySet(v) {
		out = append(out, schema.Problem{Path: p, Text: "a write-only argument must be null here"})
	}
	return out
}

func (m *managed) planDelete(ctx context.Context, req object.PlanRequest) (object.Change, diag.List) {
	c := object.Change{Verb: object.Delete, Before: req.Prior.Value, Identity: req.Prior.Identity, Idempotent: m.idempotent(object.Delete)}
	known, d := m.o.Provider.Schema(ctx)
	if d.HasErrors() {
		return c, d
	}
	private := req.Prior.Private
	if known.Capabilities.PlanDestroy {
		prior, _ := unmark(req.Prior.Value)
		resp, more := m.o.Provider.Plan(ctx, provider.PlanRequest{TypeName: m.o.TypeName, Prior: prior, Proposed: m.o.null(), Config: m.o.null(),
			Private: private, ProviderMeta: m.o.Meta, Identity: req.Prior.Identity})
		if d = append(d, more...); d.HasErrors() {
			return c, d
		}
		if resp.Deferred != "" {
			c.Deferred = why(resp.Deferred)
			return c, d
		}
		if resp.Planned != cty.NilVal && !resp.Planned.IsNull() {
			return c, append(d, m.o.blame(req.Addr.String(), "Provider produced invalid plan", "planned a destroy that leaves something",
				[]schema.Problem{{Text: "the planned value is not null"}})...)
		}
		private = resp.Private
	}
	c.Private = carried{destroy: true, private: private}.encode(nil)
	return c, d
}

// changed gives those of the paths at which the value really changes, or may. A
// path that leads nowhere, into an element of a set, stands for what is around it.
func changed(prior, planned cty.Value, paths []cty.Path) []cty.Path {
	var out []cty.Path
	for _, p := range paths {
		before, err1 := p.Apply(prior)
		after, err2 := p.Apply(planned)
		for err1 != nil && err2 != nil && len(p) > 0 {
			p = p[:len(p)-1]
			before, err1 = p.Apply(prior)
			after, err2 = p.Apply(planned)
		}
		if err1 == nil && err2 == nil && before.RawEquals(after) && wholly(after) {
			continue
		}
		out = append(out, p)
	}
	return out
}

// why puts the reason of a deferral into words.
func why(d provider.Deferred) string {
	switch d {
	case "":
		return ""
	case provider.DeferredResourceConfigUnknown:
		return "its provider cannot plan it before all of its arguments are known"
	case provider.DeferredProviderConfigUnknown:
		return "the configuration of its provider is not known yet"
	case provider.DeferredAbsentPrereq:
		return "its provider says that something it needs is not there yet"
	default:
		return "its provider puts it off"
	}
}

func samePaths(a, b []cty.Path) bool {
	if len(a) != len(b) {
		return false
	}
	for _, p := range a {
		if !holdsPath(b, p) {
			return false
		}
	}
	return true
}

func holdsPath(list []cty.Path, p cty.Path) bool {
	for _, q := range list {
		if p.Equals(q) {
			return true
		}
	}
	return false
}
