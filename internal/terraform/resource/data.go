package resource

import (
	"context"
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/schema"
)

// data is the kind of data sources. Reading changes nothing, so it is done while
// planning as soon as everything is known, and may be repeated.
type data struct{ o *Options }

var _ kind = (*data)(nil)

// Plan implements object.Driver: it reads, or says that it will.
func (s *data) Plan(ctx context.Context, req object.PlanRequest) (object.Change, diag.List) {
	c := object.Change{Verb: object.NoOp, Idempotent: true}
	if req.Prior != nil {
		c.Before = req.Prior.Value
	}
	if req.Wanted == cty.NilVal {
		return c, nil
	}
	if d := s.o.checkEphemeral(req.Wanted); d.HasErrors() {
		return c, d.In(req.Addr.String())
	}
	config, where := unmark(req.Wanted)
	if req.Pending || !wholly(config) {
		c.Verb = object.Read
		c.After = s.o.mark(s.o.Schema.Block.ComputedUnknown(config), where)
		return c, nil
	}
	v, deferred, d := s.read(ctx, req.Addr, config)
	if deferred != "" {
		c.Deferred = why(deferred)
		return c, d
	}
	if !d.HasErrors() {
		c.After = s.o.mark(v, where)
	}
	return c, d
}

// Apply implements object.Driver.
func (s *data) Apply(ctx context.Context, req object.ApplyRequest) (object.Result, diag.List) {
	switch req.Verb {
	case object.Delete:
		return object.Result{}, nil
	case object.Read:
	default:
		panic(fmt.Sprintf("resource: invariant broken: a data source was given the verb %s", req.Verb))
	}
	if d := s.o.checkEphemeral(req.Wanted); d.HasErrors() {
		return object.Result{}, d.In(req.Addr.String())
	}
	config, where := unmark(req.Wanted)
	if !wholly(config) {
		return object.Result{}, diag.Errorf(nil, "Configuration is not known at apply",
			"Something that %s uses is still unknown although all that it depends on is done.", req.Addr).In(req.Addr.String())
	}
	v, deferred, d := s.read(ctx, req.Addr, config)
	if deferred != "" {
		d = append(d, diag.Errorf(nil, "Data source cannot be read", "%s cannot be read: %s.", req.Addr, why(deferred)).In(req.Addr.String())...)
	}
	if d.HasErrors() {
		return object.Result{}, d
	}
	return object.Result{Actual: &object.Actual{Value: s.o.mark(v, where)}}, d
}

func (s *data) read(ctx context.Context, at addr.Instance, config cty.Value) (cty.Value, provider.Deferred, diag.List) {
	resp, d := s.o.Provider.ReadData(ctx, provider.ReadDataRequest{TypeName: s.o.TypeName, Config: config, ProviderMeta: s.o.Meta})
	d = s.o.locate(d).In(at.String())
	if d.HasErrors() || resp.Deferred != "" {
		return cty.NilVal, resp.Deferred, d
	}
	bad := s.o.Schema.Block.Conforms(resp.State)
	switch {
	case len(bad) > 0:
	case resp.State.IsNull():
		bad = problem("the data is null")
	case !wholly(resp.State):
		bad = []schema.Problem{{Text: "the data must be wholly known"}}
	}
	return resp.State, "", append(d, s.o.blame(at.String(), "Provider produced invalid object", "read invalid data", bad)...).In(at.String())
}

// Read implements object.Driver. Data is read when it is planned: what is known
// stays.
func (s *data) Read(_ context.Context, _ addr.Instance, known *object.Actual) (*object.Actual, diag.List) {
	return known, nil
}

// Decode implements object.Driver. Data of another shape is forgotten, for it is
// read again anyway.
func (s *data) Decode(ctx context.Context, st *object.State) (*object.Actual, diag.List) {
	if st.SchemaVersion != s.o.Schema.Version {
		return nil, nil
	}
	if _, ok := s.o.fits(st.Attributes); !ok {
		return nil, nil
	}
	return s.o.decode(ctx, st, func(context.Context, *object.State) (cty.Value, diag.List) {
		panic("resource: invariant broken: what fits is never upgraded")
	})
}

// Encode implements object.Driver.
func (s *data) Encode(a *object.Actual) (*object.State, error) { return s.o.encode(a) }

// Settle implements object.Settler: data is simply read again.
func (s *data) Settle(context.Context, object.ApplyRequest) (object.Result, bool, error) {
	return object.Result{}, false, nil
}
