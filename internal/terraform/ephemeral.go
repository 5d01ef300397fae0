package terraform

import (
	"context"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/diag"
	"tutti/internal/object"
	driver "tutti/internal/terraform/resource"
)

// ephemeral is an ephemeral resource: opened when it is first needed in a plan or
// run, renewed while that goes on, and closed at its end.
type ephemeral struct{ resource }

var _ object.Opener = (*ephemeral)(nil)

// OpenValue implements object.Opener.
func (e *ephemeral) OpenValue(ctx context.Context, s object.Scope, inst object.Instance) (cty.Value, func(context.Context) diag.List, diag.List) {
	unknown := cty.DynamicVal.Mark(object.Ephemeral)
	wanted, d := e.Wanted(ctx, s, inst)
	sv, sd := e.m.serve(ctx, s, e.provider(), inst)
	if d = append(d, sd.At(e.DeclRange)...); d.HasErrors() {
		return cty.NilVal, nil, d
	}
	p, pd := e.m.ready(ctx, sv)
	if d = append(d, pd...); d.HasErrors() {
		return cty.NilVal, nil, d
	}
	if bare, _ := wanted.UnmarkDeep(); p == nil || !bare.IsWhollyKnown() || e.m.root.opts.Closed {
		return unknown, nil, d
	}
	t, td := e.typed(sv.schemas)
	if d = append(d, td...); td.HasErrors() {
		return cty.NilVal, nil, d
	}
	opened, od := driver.OpenEphemeral(ctx, driver.Options{Provider: p, Name: sv.name, Kind: e.kind(), TypeName: e.addr.Type, Schema: t,
		RangeOf: e.body.bound.RangeOf}, wanted)
	if d = append(d, od...); od.HasErrors() || opened == nil {
		return unknown, nil, d
	}
	return opened.Value, opened.Close, d
}
