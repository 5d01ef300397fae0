package schema

import (
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/object"
)

// MarkSensitive marks what the schema calls sensitive, beside the marks that the
// value already has.
func (b *Block) MarkSensitive(v cty.Value) cty.Value {
	return b.level.rewrite(v, rewriting{hasSensitive, func(a *attribute, v cty.Value) (cty.Value, bool) {
		if !a.Sensitive {
			return v, false
		}
		return v.Mark(object.Sensitive), true
	}})
}

// NullWriteOnly takes the values of write-only attributes out: they go to the
// provider with the configuration and are kept nowhere.
func (b *Block) NullWriteOnly(v cty.Value) cty.Value {
	return b.level.rewrite(v, rewriting{hasWriteOnly, func(a *attribute, v cty.Value) (cty.Value, bool) {
		if !a.WriteOnly {
			return v, false
		}
		return cty.NullVal(a.Type), true
	}})
}

// ComputedUnknown gives what is known before a data source is read: what is
// computed and not configured is unknown.
func (b *Block) ComputedUnknown(v cty.Value) cty.Value {
	return b.level.rewrite(v, rewriting{hasComputed, func(a *attribute, v cty.Value) (cty.Value, bool) {
		if !a.Computed || !v.IsNull() {
			return v, false
		}
		return cty.UnknownVal(a.Type).WithSameMarks(v), true
	}})
}

// ComputedNull takes out what only the provider decides, so that an actual value
// can stand for the configuration that would leave it as it is.
func (b *Block) ComputedNull(v cty.Value) cty.Value {
	return b.level.rewrite(v, rewriting{hasComputed, func(a *attribute, v cty.Value) (cty.Value, bool) {
		if !a.Computed || a.Optional {
			return v, false
		}
		return cty.NullVal(a.Type), true
	}})
}

// rewriting changes the attributes of a value that have a feature. The function
// says whether it dealt with the attribute as a whole; otherwise what is nested in
// it comes next.
type rewriting struct {
	feature features
	change  func(*attribute, cty.Value) (v cty.Value, done bool)
}

func (l *level) rewrite(v cty.Value, r rewriting) cty.Value {
	if l.has&r.feature == 0 || v.IsNull() || !v.IsKnown() {
		return v
	}
	v, marks := v.Unmark()
	vals := v.AsValueMap()
	for _, a := range l.attrs {
		if a.has&r.feature == 0 {
			continue
		}
		w, done := r.change(a, vals[a.name])
		if !done && a.nested != nil {
			w = a.nested.rewrite(w, r)
		}
		vals[a.name] = w
	}
	for _, n := range l.blocks {
		if n.level.has&r.feature != 0 {
			vals[n.name] = n.rewrite(vals[n.name], r)
		}
	}
	return cty.ObjectVal(vals).WithMarks(marks)
}

func (n *nesting) rewrite(v cty.Value, r rewriting) cty.Value {
	if n.single() {
		return n.level.rewrite(v, r)
	}
	if v.IsNull() || !v.IsKnown() {
		return v
	}
	v, marks := v.Unmark()
	elems := elementsOf(v)
	for i := range elems.vals {
		elems.vals[i] = n.level.rewrite(elems.vals[i], r)
	}
	return n.collect(elems.keys, elems.vals).WithMarks(marks)
}

// elements are those of a known collection, tuple or object, in a fixed order.
type elements struct {
	keys []string // of a map or object
	vals []cty.Value
}

func elementsOf(v cty.Value) elements {
	var out elements
	ty := v.Type()
	keyed := ty.IsMapType() || ty.IsObjectType()
	for it := v.ElementIterator(); it.Next(); {
		k, e := it.Element()
		if keyed {
			out.keys = append(out.keys, k.AsString())
		}
		out.vals = append(out.vals, e)
	}
	return out
}

// EphemeralMisuse gives the paths at which an ephemeral value stands in an
// attribute that would be kept: only write-only ones may take it.
func (b *Block) EphemeralMisuse(v cty.Value) []cty.Path {
	if !object.HasMark(v, object.Ephemeral) {
		return nil
	}
	var out []cty.Path
	for _, p := range object.PathsMarked(v, object.Ephemeral) {
		a, _ := b.level.attributeAt(p)
		if a == nil || !a.WriteOnly {
			out = append(out, p)
		}
	}
	return out
}

// WriteOnlySet gives the paths of write-only attributes that have a value, which
// no answer of a provider may hold. An attribute that is nested in a set is named
// without its element.
func (b *Block) WriteOnlySet(v cty.Value) []cty.Path {
	if !b.HasWriteOnly() {
		return nil
	}
	var out []cty.Path
	b.level.rewrite(v, rewriting{hasWriteOnly, func(a *attribute, v cty.Value) (cty.Value, bool) {
		if a.WriteOnly && !v.IsNull() {
			out = append(out, cty.GetAttrPath(a.name))
		}
		return v, a.WriteOnly
	}})
	return out
}
