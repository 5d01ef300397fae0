package task

import (
	"context"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/block"
	"tutti/internal/diag"
	"tutti/internal/object"
)

// task is a task block.
type task struct{ block.Item }

var (
	_ object.Driven  = (*task)(nil)
	_ object.Checked = (*task)(nil)
)

// Wanted implements object.Object: the arguments, checked.
func (t *task) Wanted(ctx context.Context, s object.Scope, inst object.Instance) (cty.Value, diag.List) {
	v, d := t.Decode(ctx, s, inst)
	if d.HasErrors() {
		return cty.NilVal, d
	}
	_, problems := readSpec(v)
	if d = append(d, t.Report(problems)...); d.HasErrors() {
		return cty.NilVal, d
	}
	return v, d
}

// Driver implements object.Driven.
func (t *task) Driver(context.Context, object.Scope, object.Instance) (object.Driver, diag.List) {
	return &driver{root: block.RootOf(t.Env)}, nil
}
