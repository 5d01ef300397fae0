package schema

import (
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// Coerce makes a value of the block's type of one that is like it: what may be
// left out becomes null or empty, and types are converted. The error is a
// cty.PathError, in words for users.
func (b *Block) Coerce(v cty.Value) (cty.Value, error) { return b.level.coerce(v, nil) }

func (l *level) coerce(v cty.Value, at cty.Path) (cty.Value, error) {
	switch {
	case v.IsNull():
		return cty.NullVal(l.ty), nil
	case !v.IsKnown():
		return cty.UnknownVal(l.ty).WithSameMarks(v), nil
	case !v.Type().IsObjectType() && !v.Type().IsMapType():
		return cty.NilVal, at.NewErrorf("an object is required")
	}
	v, marks := v.Unmark()
	given := v.AsValueMap()
	vals := make(map[string]cty.Value, len(l.attrs)+len(l.blocks))
	for _, a := range l.attrs {
		w, ok := given[a.name]
		delete(given, a.name)
		coerced, err := a.coerce(w, ok, append(at, cty.GetAttrStep{Name: a.name}))
		if err != nil {
			return cty.NilVal, err
		}
		vals[a.name] = coerced
	}
	for _, n := range l.blocks {
		w, ok := given[n.name]
		delete(given, n.name)
		if !ok || w.IsNull() {
			vals[n.name] = n.empty()
			continue
		}
		coerced, err := n.coerce(w, append(at, cty.GetAttrStep{Name: n.name}))
		if err != nil {
			return cty.NilVal, err
		}
		vals[n.name] = coerced
	}
	for _, name := range sortedKeys(given) {
		return cty.NilVal, at.NewErrorf("unsupported attribute %q", name)
	}
	return cty.ObjectVal(vals).WithMarks(marks), nil
}

func (a *attribute) coerce(v cty.Value, given bool, at cty.Path) (cty.Value, error) {
	switch {
	case !given && a.Required:
		return cty.NilVal, at[:len(at)-1].NewErrorf("attribute %q is required", a.name)
	case !given:
		return cty.NullVal(a.Type), nil
	}
	conv, err := convert.Convert(v, a.accepts)
	if err != nil {
		return cty.NilVal, at.NewError(err)
	}
	if !conv.IsKnown() && a.nested != nil {
		conv = cty.UnknownVal(a.Type).WithSameMarks(conv)
	}
	return conv, nil
}

func (n *nesting) coerce(v cty.Value, at cty.Path) (cty.Value, error) {
	if n.single() {
		return n.level.coerce(v, at)
	}
	if !v.IsKnown() {
		return cty.UnknownVal(n.ty).WithSameMarks(v), nil
	}
	if !v.CanIterateElements() {
		return cty.NilVal, at.NewErrorf("a collection of blocks is required")
	}
	v, marks := v.Unmark()
	elems := elementsOf(v)
	for i, e := range elems.vals {
		coerced, err := n.level.coerce(e, append(at, cty.IndexStep{Key: elems.step(i)}))
		if err != nil {
			return cty.NilVal, err
		}
		elems.vals[i] = coerced
	}
	if n.keyed() != (elems.keys != nil) && len(elems.vals) > 0 {
		return cty.NilVal, at.NewErrorf("the wrong kind of collection for these blocks")
	}
	return n.collect(elems.keys, elems.vals).WithMarks(marks), nil
}

func (e elements) step(i int) cty.Value {
	if e.keys != nil {
		return cty.StringVal(e.keys[i])
	}
	return cty.NumberIntVal(int64(i))
}
