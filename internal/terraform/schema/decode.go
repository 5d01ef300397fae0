package schema

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/customdecode"
	"github.com/hashicorp/hcl/v2/ext/dynblock"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"tutti/internal/diag"
)

// Decode evaluates the body in the context and gives a value of the block's type,
// with the marks that its expressions gave it. An argument that does not evaluate
// is unknown in the result, so that the rest can be looked at all the same.
func (b *Bound) Decode(ctx *hcl.EvalContext) (cty.Value, diag.List) {
	if b.dynamic == nil {
		return b.root.decode(ctx)
	}
	root, d := bindLevel(b.block.level, dynblock.Expand(b.dynamic, ctx), maxDepth)
	v, more := root.decode(ctx)
	return v, append(d, more...)
}

func (b *boundLevel) decode(ctx *hcl.EvalContext) (cty.Value, diag.List) {
	var d diag.List
	vals := make(map[string]cty.Value, len(b.attrs)+len(b.blocks))
	for i, a := range b.level.attrs {
		v, more := b.attrs[i].decode(a, ctx)
		vals[a.name] = v
		if len(more) > 0 {
			d = append(d, more...)
		}
	}
	for i, n := range b.level.blocks {
		v, more := b.blocks[i].decode(ctx)
		vals[n.name] = v
		if len(more) > 0 {
			d = append(d, more...)
		}
	}
	return cty.ObjectVal(vals), d
}

func (b *boundAttribute) decode(a *attribute, ctx *hcl.EvalContext) (cty.Value, diag.List) {
	switch {
	case b.expr != nil:
		return a.evaluate(b.expr, ctx)
	case b.blocks != nil:
		v, d := b.blocks.decode(ctx)
		conv, err := convert.Convert(v, a.Type)
		if err != nil {
			return cty.UnknownVal(a.Type), append(d, wrongType(a, b.whole, err)...)
		}
		return conv, d
	default:
		return cty.NullVal(a.Type), nil
	}
}

func (a *attribute) evaluate(expr hcl.Expression, ctx *hcl.EvalContext) (cty.Value, diag.List) {
	if fn := customdecode.CustomExpressionDecoderForType(a.Type); fn != nil {
		v, hclDiags := fn(expr, ctx)
		if v == cty.NilVal {
			v = cty.UnknownVal(a.Type)
		}
		return v, diag.FromHCL(hclDiags)
	}
	v, hclDiags := expr.Value(ctx)
	d := diag.FromHCL(hclDiags)
	if d.HasErrors() {
		return cty.UnknownVal(a.Type), d
	}
	conv, err := convert.Convert(v, a.accepts)
	if err != nil {
		return cty.UnknownVal(a.Type), append(d, wrongType(a, expr.Range(), err)...)
	}
	if !conv.IsKnown() && a.nested != nil && a.Type != cty.DynamicPseudoType {
		// An unknown value keeps the type with optional parts, which no value has.
		conv = cty.UnknownVal(a.Type).WithSameMarks(conv)
	}
	return conv, d
}

func wrongType(a *attribute, rng hcl.Range, err error) diag.List {
	return diag.Errorf(&rng, "Incorrect attribute value type", "Inappropriate value for attribute %q: %s.", a.name, describe(err))
}

// describe puts the place before what is wrong there.
func describe(err error) string {
	pathErr, ok := err.(cty.PathError)
	if !ok || len(pathErr.Path) == 0 {
		return err.Error()
	}
	return "at " + FormatPath(pathErr.Path) + ": " + pathErr.Error()
}

func (b *boundBlocks) decode(ctx *hcl.EvalContext) (cty.Value, diag.List) {
	n := b.nesting
	if len(b.items) == 0 {
		return n.empty(), nil
	}
	var d diag.List
	var marks []cty.ValueMarks
	unknown := false
	elems := make([]cty.Value, 0, len(b.items))
	keys := make([]string, 0, len(b.items))
	for _, item := range b.items {
		v, more := item.content.decode(ctx)
		d = append(d, more...)
		if len(item.marks) > 0 {
			marks = append(marks, item.marks)
			if !item.unknown {
				v = v.WithMarks(item.marks)
			}
		}
		unknown = unknown || item.unknown
		elems = append(elems, v)
		keys = append(keys, item.key)
	}
	switch {
	case unknown:
		return cty.UnknownVal(n.ty).WithMarks(marks...), d
	case n.single():
		return elems[0], d
	default:
		return n.collect(keys, elems), d
	}
}
