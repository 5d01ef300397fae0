package terraform

import (
	"context"

	"tutti/internal/diag"
	"tutti/internal/expr"
	"tutti/internal/object"
)

// expand evaluates count, for_each or enabled.
func (b *base) expand(ctx context.Context, s object.Scope, r repetitionCode) (object.Expansion, diag.List) {
	switch {
	case r.Count != nil:
		v, d := b.value(ctx, s, r.code, r.Count, expr.Local{})
		if d.HasErrors() {
			return object.Expansion{}, d
		}
		x, cd := expr.Count(v, r.Count.Range())
		return x, append(d, cd...)
	case r.ForEach != nil:
		v, d := b.value(ctx, s, r.code, r.ForEach, expr.Local{})
		if d.HasErrors() {
			return object.Expansion{}, d
		}
		x, fd := expr.ForEach(v, r.ForEach.Range())
		return x, append(d, fd...)
	case r.Enabled != nil:
		v, d := b.value(ctx, s, r.code, r.Enabled, expr.Local{})
		if d.HasErrors() {
			return object.Expansion{}, d
		}
		x, ed := expr.Enabled(v, r.Enabled.Range())
		return x, append(d, ed...)
	default:
		return object.One(), nil
	}
}
