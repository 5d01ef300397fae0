package schema

import (
	"github.com/zclconf/go-cty/cty"
)

// CheckResult holds what came of an apply, or of planning again with everything
// known, against what was planned: what was known stays, what was unknown may
// take any value of its type and refinements. No value may hold marks.
func (b *Block) CheckResult(planned, actual cty.Value) []Problem {
	var p problems
	b.level.checkResult(planned, actual, &p)
	return p.list
}

func (l *level) checkResult(planned, actual cty.Value, p *problems) {
	switch {
	case planned.IsNull() && actual.IsNull():
		return
	case planned.IsNull():
		p.add("was absent, but is there now")
		return
	case actual.IsNull():
		p.add("was there, but is absent now")
		return
	case !planned.IsKnown() || !actual.IsKnown():
		return
	}
	for _, a := range l.attrs {
		pl, ac := planned.GetAttr(a.name), actual.GetAttr(a.name)
		if a.Type.IsPrimitiveType() && pl.IsKnown() && pl.RawEquals(ac) {
			continue
		}
		p.in(cty.GetAttrStep{Name: a.name}, func() { a.checkResult(pl, ac, p) })
	}
	for _, n := range l.blocks {
		pl, ac := planned.GetAttr(n.name), actual.GetAttr(n.name)
		p.in(cty.GetAttrStep{Name: n.name}, func() { n.checkResult(pl, ac, p) })
	}
}

func (a *attribute) checkResult(planned, actual cty.Value, p *problems) {
	if a.has&hasSensitive == 0 {
		agree(planned, actual, p)
		return
	}
	hidden := problems{}
	if agree(planned, actual, &hidden); len(hidden.list) > 0 {
		p.add("the values of this sensitive attribute do not agree")
	}
}

func (n *nesting) checkResult(planned, actual cty.Value, p *problems) {
	if n.single() {
		if planned.IsKnown() || !actual.IsNull() {
			n.level.checkResult(planned, actual, p)
		}
		return
	}
	if !planned.IsKnown() || !actual.IsKnown() || planned.IsNull() || actual.IsNull() {
		return // a dynamic block may have become any number of blocks
	}
	pl, ac := elementsOf(planned), elementsOf(actual)
	if n.set() {
		correlate(pl.vals, ac.vals, p, func(x, y cty.Value) bool {
			var found problems
			n.level.checkResult(x, y, &found)
			return len(found.list) == 0
		})
		return
	}
	if len(pl.vals) != len(ac.vals) {
		p.add("the number of blocks changed from %d to %d", len(pl.vals), len(ac.vals))
		return
	}
	for i := range pl.vals {
		if pl.keys != nil && (ac.keys == nil || pl.keys[i] != ac.keys[i]) {
			p.add("the block with the key %q has vanished", pl.keys[i])
			continue
		}
		p.in(cty.IndexStep{Key: pl.step(i)}, func() { n.level.checkResult(pl.vals[i], ac.vals[i], p) })
	}
}

// agree reports where the actual value is not one that the planned one may become.
func agree(planned, actual cty.Value, p *problems) {
	ty := planned.Type()
	switch {
	case planned.IsKnown() && actual.IsKnown() && planned.RawEquals(actual):
		return
	case ty == cty.DynamicPseudoType:
		return
	case len(actual.Type().TestConformance(ty)) > 0:
		p.add("was a %s, but is now a %s", ty.FriendlyName(), actual.Type().FriendlyName())
		return
	case !planned.IsKnown():
		if in := planned.Range().Includes(actual); in.IsKnown() && in.False() {
			p.add("the final value %#v is not within what was planned, %#v", actual, planned)
		}
		return
	case planned.IsNull() && actual.IsNull():
		return
	case actual.IsNull():
		p.add("was %#v, but is now null", planned)
		return
	case planned.IsNull():
		p.add("was null, but is now %#v", actual)
		return
	case !actual.IsKnown():
		p.add("was known, but is now unknown")
		return
	}
	agreeInside(planned, actual, p)
}

func agreeInside(planned, actual cty.Value, p *problems) {
	switch ty := planned.Type(); {
	case ty.IsObjectType():
		for _, name := range sortedKeys(ty.AttributeTypes()) {
			p.in(cty.GetAttrStep{Name: name}, func() { agree(planned.GetAttr(name), actual.GetAttr(name), p) })
		}
	case ty.IsSetType():
		correlate(planned.AsValueSlice(), actual.AsValueSlice(), p, func(x, y cty.Value) bool {
			var found problems
			agree(x, y, &found)
			return len(found.list) == 0
		})
	case ty.IsListType() || ty.IsTupleType() || ty.IsMapType():
		agreeElements(planned, actual, p)
	default:
		// Primitive and capsule values that were equal were found so before.
		if eq := planned.Equals(actual); eq.IsKnown() && eq.False() {
			p.add("was %#v, but is now %#v", planned, actual)
		}
	}
}

func agreeElements(planned, actual cty.Value, p *problems) {
	for it := planned.ElementIterator(); it.Next(); {
		k, pl := it.Element()
		p.in(cty.IndexStep{Key: k}, func() {
			if !actual.HasIndex(k).True() {
				p.add("the element has vanished")
				return
			}
			agree(pl, actual.Index(k), p)
		})
	}
	for it := actual.ElementIterator(); it.Next(); {
		k, _ := it.Element()
		if !planned.HasIndex(k).True() {
			p.in(cty.IndexStep{Key: k}, func() { p.add("a new element has appeared") })
		}
	}
}

// correlate holds two sets against each other: every element has one on the other
// side that it may be. Unknown elements may turn out to be the same, so there may
// be fewer in the end, but never more.
func correlate(planned, actual []cty.Value, p *problems, may func(planned, actual cty.Value) bool) {
	found := make([]bool, len(actual))
	for _, x := range planned {
		any := false
		for j, y := range actual {
			if may(x, y) {
				any, found[j] = true, true
			}
		}
		if !any {
			p.add("the planned element %#v of the set is none of the actual ones", x)
		}
	}
	if len(p.list) > 0 {
		return
	}
	for j, y := range actual {
		if !found[j] {
			p.add("the actual element %#v of the set was not planned", y)
		}
	}
	if len(actual) > len(planned) {
		p.add("the set grew from %d to %d elements", len(planned), len(actual))
	}
}

// Settled reports whether a planned value already holds all of a configuration
// that is now known: every configured attribute stands in the plan as configured.
// Then there is no need to plan again. No value may hold marks.
func (b *Block) Settled(config, planned cty.Value) bool { return b.level.settled(config, planned) }

func (l *level) settled(config, planned cty.Value) bool {
	if config.IsNull() || planned.IsNull() || !config.IsKnown() || !planned.IsKnown() {
		return config.IsNull() && planned.IsNull()
	}
	for _, a := range l.attrs {
		c, pl := config.GetAttr(a.name), planned.GetAttr(a.name)
		switch {
		case a.WriteOnly, a.Computed && c.IsNull():
		case c.IsKnown() && pl.IsKnown() && c.RawEquals(pl):
		case a.nested != nil && a.nested.settled(c, pl):
		default:
			return false
		}
	}
	for _, n := range l.blocks {
		c, pl := config.GetAttr(n.name), planned.GetAttr(n.name)
		if !c.RawEquals(pl) && !n.settled(c, pl) {
			return false
		}
	}
	return true
}

func (n *nesting) settled(config, planned cty.Value) bool {
	switch {
	case n.single():
		return n.level.settled(config, planned)
	case n.set() || config.IsNull() || planned.IsNull() || !config.IsKnown() || !planned.IsKnown():
		return false
	}
	c, pl := elementsOf(config), elementsOf(planned)
	if len(c.vals) != len(pl.vals) {
		return false
	}
	for i := range c.vals {
		if c.keys != nil && (pl.keys == nil || c.keys[i] != pl.keys[i]) || !n.level.settled(c.vals[i], pl.vals[i]) {
			return false
		}
	}
	return true
}
