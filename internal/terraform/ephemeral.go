package terraform

import (
	"context"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
	driver "tutti/internal/terraform/resource"
)

// ephemeral is an ephemeral resource: opened when it is first needed in a plan or
// run, renewed while that goes on, and closed at its end.
//
// It is not a resource with a driver, although its block is read as one.
type ephemeral struct{ block resource }

var (
	_ object.Opener  = (*ephemeral)(nil)
	_ object.Checked = (*ephemeral)(nil)
)

// Addr implements object.Object.
func (e *ephemeral) Addr() addr.Object { return e.block.Addr() }

// References implements object.Object.
func (e *ephemeral) References() []addr.Reference { return e.block.References() }

// Expand implements object.Object.
func (e *ephemeral) Expand(ctx context.Context, s object.Scope) (object.Expansion, diag.List) {
	return e.block.Expand(ctx, s)
}

// Wanted implements object.Object.
func (e *ephemeral) Wanted(ctx context.Context, s object.Scope, inst object.Instance) (cty.Value, diag.List) {
	return e.block.Wanted(ctx, s, inst)
}

// Check implements object.Checked.
func (e *ephemeral) Check(ctx context.Context, s object.Scope, inst object.Instance, stage object.Stage, self cty.Value) diag.List {
	return e.block.Check(ctx, s, inst, stage, self)
}

// OpenValue implements object.Opener.
func (e *ephemeral) OpenValue(ctx context.Context, s object.Scope, inst object.Instance) (cty.Value, func(context.Context) diag.List, diag.List) {
	unknown := cty.DynamicVal.Mark(object.Ephemeral)
	wanted, d := e.Wanted(ctx, s, inst)
	sv, sd := e.block.m.serve(ctx, s, e.block.provider(), inst)
	if d = append(d, sd.At(e.block.DeclRange)...); d.HasErrors() {
		return cty.NilVal, nil, d
	}
	p, pd := e.block.m.ready(ctx, sv)
	if d = append(d, pd...); d.HasErrors() {
		return cty.NilVal, nil, d
	}
	if bare, _ := wanted.UnmarkDeep(); p == nil || !bare.IsWhollyKnown() || e.block.m.root.opts.Closed {
		return unknown, nil, d
	}
	t, td := e.block.typed(sv.schemas)
	if d = append(d, td...); td.HasErrors() {
		return cty.NilVal, nil, d
	}
	opened, od := driver.OpenEphemeral(ctx, driver.Options{Provider: p, Name: sv.name, Kind: e.block.kind(), TypeName: e.block.addr.Type, Schema: t,
		RangeOf: e.block.body.bound.RangeOf}, wanted)
	if d = append(d, od...); od.HasErrors() || opened == nil {
		return unknown, nil, d
	}
	return opened.Value, opened.Close, d
}
