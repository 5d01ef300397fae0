package schema

import "github.com/zclconf/go-cty/cty"

// ProposedNew merges what is there with what is configured: what is computed and
// not configured keeps its prior value, all else is as configured. Blocks and
// nested objects of a list are matched by their place, those of a map by key,
// those of a set by what is configured in them. A null prior stands for nothing
// there: computed attributes are then null. Neither value may hold marks.
func (b *Block) ProposedNew(prior, config cty.Value) cty.Value {
	if config.IsNull() {
		return prior
	}
	return b.level.propose(prior, config)
}

// propose gives the configuration itself wherever nothing can be kept, which is
// all of it when there is no prior.
func (l *level) propose(prior, config cty.Value) cty.Value {
	if l.has&hasComputed == 0 || config.IsNull() || !config.IsKnown() || prior.IsNull() || !prior.IsKnown() {
		return config
	}
	vals := config.AsValueMap()
	for _, a := range l.attrs {
		if a.has&hasComputed != 0 {
			vals[a.name] = a.propose(attrOf(prior, a.name, a.Type), vals[a.name])
		}
	}
	for _, n := range l.blocks {
		if n.level.has&hasComputed == 0 {
			continue
		}
		vals[n.name] = n.propose(attrOf(prior, n.name, n.ty), vals[n.name])
	}
	return cty.ObjectVal(vals)
}

// attrOf reads an attribute of a value that may be null or, behind a dynamic
// type, of another shape.
func attrOf(v cty.Value, name string, ty cty.Type) cty.Value {
	if v.IsNull() || !v.Type().IsObjectType() || !v.Type().HasAttribute(name) {
		return cty.NullVal(ty)
	}
	return v.GetAttr(name)
}

func (a *attribute) propose(prior, config cty.Value) cty.Value {
	switch {
	case a.Computed && config.IsNull():
		if a.wasConfigured(prior) {
			return config
		}
		return prior
	case a.nested != nil:
		return a.nested.propose(prior, config)
	default:
		return config
	}
}

// wasConfigured reports whether a prior value holds something that no provider
// can have computed, so that it must have come from a configuration: that it is
// not configured now then means that it is to go.
func (a *attribute) wasConfigured(prior cty.Value) bool {
	return a.Optional && a.nested != nil && a.nested.holdsConfigured(prior)
}

func (n *nesting) holdsConfigured(v cty.Value) bool {
	if v.IsNull() || !v.IsKnown() {
		return false
	}
	objects := []cty.Value{v}
	if !n.single() {
		objects = elementsOf(v).vals
	}
	for _, o := range objects {
		if n.level.holdsConfigured(o) {
			return true
		}
	}
	return false
}

func (l *level) holdsConfigured(v cty.Value) bool {
	if v.IsNull() || !v.IsKnown() {
		return false
	}
	for _, a := range l.attrs {
		switch w := v.GetAttr(a.name); {
		case w.IsNull():
		case !a.Computed:
			return true
		case a.nested != nil && a.nested.holdsConfigured(w):
			return true
		}
	}
	return false
}

func (n *nesting) propose(prior, config cty.Value) cty.Value {
	if n.level.has&hasComputed == 0 || config.IsNull() || !config.IsKnown() {
		return config
	}
	if n.single() {
		return n.level.propose(prior, config)
	}
	elems := elementsOf(config)
	if len(elems.vals) == 0 {
		return config
	}
	match := n.matcher(prior)
	for i, c := range elems.vals {
		if p, ok := match(elems, i); ok {
			elems.vals[i] = n.level.propose(p, c)
		}
	}
	return n.collect(elems.keys, elems.vals)
}

// matcher gives a function that finds the prior of an element of the
// configuration. It is called once for each, in order.
func (n *nesting) matcher(prior cty.Value) func(config elements, i int) (cty.Value, bool) {
	none := func(elements, int) (cty.Value, bool) { return cty.NilVal, false }
	if prior.IsNull() || !prior.IsKnown() || !prior.CanIterateElements() {
		return none
	}
	was := elementsOf(prior)
	switch {
	case n.set():
		return n.setMatcher(was.vals)
	case n.keyed():
		byKey := make(map[string]cty.Value, len(was.keys))
		for i, k := range was.keys {
			byKey[k] = was.vals[i]
		}
		return func(config elements, i int) (cty.Value, bool) {
			p, ok := byKey[config.keys[i]]
			return p, ok
		}
	case was.keys != nil:
		return none
	default:
		return func(_ elements, i int) (cty.Value, bool) {
			if i >= len(was.vals) {
				return cty.NilVal, false
			}
			return was.vals[i], true
		}
	}
}

// setMatcher gives each prior element to the first configured one that it can
// have come from.
func (n *nesting) setMatcher(was []cty.Value) func(elements, int) (cty.Value, bool) {
	used := make([]bool, len(was))
	return func(config elements, i int) (cty.Value, bool) {
		for j, p := range was {
			if !used[j] && n.level.explains(config.vals[i], p) {
				used[j] = true
				return p, true
			}
		}
		return cty.NilVal, false
	}
}

// explains reports whether the prior value can have come from the configuration:
// they differ only in what is computed and not configured.
func (l *level) explains(config, prior cty.Value) bool {
	if same(config, prior) {
		return true
	}
	if config.IsNull() || prior.IsNull() || !config.IsKnown() || !prior.IsKnown() {
		return false
	}
	for _, a := range l.attrs {
		if !a.explains(config.GetAttr(a.name), prior.GetAttr(a.name)) {
			return false
		}
	}
	for _, n := range l.blocks {
		if !n.explains(config.GetAttr(n.name), prior.GetAttr(n.name)) {
			return false
		}
	}
	return true
}

func (a *attribute) explains(config, prior cty.Value) bool {
	switch {
	case same(config, prior):
		return true
	case a.Computed && config.IsNull():
		return !a.wasConfigured(prior)
	case a.nested != nil:
		return a.nested.explains(config, prior)
	default:
		return false
	}
}

// explains holds collections against each other by place or key; sets inside sets
// have to be equal.
func (n *nesting) explains(config, prior cty.Value) bool {
	switch {
	case n.single():
		return n.level.explains(config, prior)
	case same(config, prior):
		return true
	case n.set() || config.IsNull() || prior.IsNull() || !config.IsKnown() || !prior.IsKnown():
		return false
	}
	c, p := elementsOf(config), elementsOf(prior)
	if len(c.vals) != len(p.vals) {
		return false
	}
	for i := range c.vals {
		if c.keys != nil && c.keys[i] != p.keys[i] || !n.level.explains(c.vals[i], p.vals[i]) {
			return false
		}
	}
	return true
}

// same compares without what is only known about unknown values.
func same(a, b cty.Value) bool {
	if a.IsKnown() && b.IsKnown() {
		return a.RawEquals(b)
	}
	return !a.IsKnown() && !b.IsKnown() && a.Type().Equals(b.Type())
}
