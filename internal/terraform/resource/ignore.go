package resource

import (
	"github.com/zclconf/go-cty/cty"
)

// ignores reports whether any change of the configuration is to be ignored.
func (m *managed) ignores() bool { return m.o.IgnoreAll || len(m.o.IgnoreChanges) > 0 }

// ignore gives the value with what is to be ignored as it was before. Values hold
// no marks.
func (m *managed) ignore(prior, v cty.Value) cty.Value {
	if prior.IsNull() || v.IsNull() {
		return v
	}
	if m.o.IgnoreAll {
		return m.o.Schema.Block.ComputedNull(prior)
	}
	for _, p := range m.o.IgnoreChanges {
		v = keepAt(p, prior, v)
	}
	return v
}

// keepAt takes one place of a value from the prior value. A place that cannot be
// reached in one of them leaves the value as it is, except a key of a map, whose
// coming and going is a change like any other.
func keepAt(p cty.Path, prior, v cty.Value) cty.Value {
	if len(p) == 0 {
		return prior
	}
	key, ok := stepKey(p[0])
	if !ok || !prior.IsKnown() || !v.IsKnown() {
		return v
	}
	ty := v.Type()
	switch {
	case ty.IsMapType():
		return keepKey(key, p[1:], prior, v)
	case prior.IsNull() || v.IsNull():
		return v
	case ty.IsObjectType():
		if key.Type() != cty.String || !ty.HasAttribute(key.AsString()) || !prior.Type().IsObjectType() || !prior.Type().HasAttribute(key.AsString()) {
			return v
		}
		vals := v.AsValueMap()
		vals[key.AsString()] = keepAt(p[1:], prior.GetAttr(key.AsString()), vals[key.AsString()])
		return cty.ObjectVal(vals)
	case ty.IsListType() || ty.IsTupleType():
		return keepElement(key, p[1:], prior, v)
	default:
		return v
	}
}

func keepElement(key cty.Value, rest cty.Path, prior, v cty.Value) cty.Value {
	if key.Type() != cty.Number || !prior.CanIterateElements() || prior.Type().IsSetType() ||
		!v.HasIndex(key).True() || !prior.HasIndex(key).True() {
		return v
	}
	i, _ := key.AsBigFloat().Int64()
	elems := v.AsValueSlice()
	elems[i] = keepAt(rest, prior.Index(key), elems[i])
	if v.Type().IsTupleType() {
		return cty.TupleVal(elems)
	}
	return cty.ListVal(elems)
}

// keepKey makes a key of a map what it was, which includes its absence.
func keepKey(key cty.Value, rest cty.Path, prior, v cty.Value) cty.Value {
	if key.Type() != cty.String || !prior.Type().IsMapType() {
		return v
	}
	name := key.AsString()
	vals := mapOf(v)
	was, existed := mapOf(prior)[name]
	now, exists := vals[name]
	switch {
	case existed && exists:
		vals[name] = keepAt(rest, was, now)
	case existed && len(rest) == 0:
		vals[name] = was
	case !existed && len(rest) == 0:
		delete(vals, name)
	}
	switch {
	case len(vals) > 0:
		return cty.MapVal(vals)
	case v.IsNull():
		return v
	default:
		return cty.MapValEmpty(v.Type().ElementType())
	}
}

func mapOf(v cty.Value) map[string]cty.Value {
	if v.IsNull() || v.LengthInt() == 0 {
		return map[string]cty.Value{}
	}
	return v.AsValueMap()
}

// stepKey reads a step; an attribute is named like a key, for a map may be
// written either way.
func stepKey(s cty.PathStep) (cty.Value, bool) {
	switch s := s.(type) {
	case cty.GetAttrStep:
		return cty.StringVal(s.Name), true
	case cty.IndexStep:
		return s.Key, !s.Key.IsNull() && s.Key.IsKnown() && !s.Key.IsMarked()
	default:
		return cty.NilVal, false
	}
}

// ignoredMarks gives the sensitive places of a configuration whose ignored
// changes were undone: there the prior value's count.
func (m *managed) ignoredMarks(config, prior marked) marked {
	var out marked
	for _, p := range config {
		if !m.isIgnored(p) {
			out = append(out, p)
		}
	}
	for _, p := range prior {
		if m.isIgnored(p) && !holdsPath(out, p) {
			out = append(out, p)
		}
	}
	return out
}

func (m *managed) isIgnored(p cty.Path) bool {
	if m.o.IgnoreAll {
		return true
	}
	for _, ig := range m.o.IgnoreChanges {
		if len(p) >= len(ig) && p[:len(ig)].Equals(ig) {
			return true
		}
	}
	return false
}
