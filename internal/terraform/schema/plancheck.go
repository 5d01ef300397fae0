package schema

import (
	"fmt"

	"github.com/zclconf/go-cty/cty"
)

// Problem is where a provider's answer breaks the protocol. The text is for the
// provider's developers; it holds no sensitive value.
type Problem struct {
	Path cty.Path
	Text string
}

// Error gives the place and what is wrong there.
func (p Problem) Error() string {
	if len(p.Path) == 0 {
		return p.Text
	}
	return "." + FormatPath(p.Path) + ": " + p.Text
}

// problems collects what is found on a walk.
type problems struct {
	list []Problem
	path cty.Path
}

func (p *problems) add(format string, args ...any) {
	p.list = append(p.list, Problem{Path: p.path.Copy(), Text: fmt.Sprintf(format, args...)})
}

// in walks into a part.
func (p *problems) in(step cty.PathStep, walk func()) {
	p.path = append(p.path, step)
	walk()
	p.path = p.path[:len(p.path)-1]
}

// Conforms reports how the value's type differs from the block's.
func (b *Block) Conforms(v cty.Value) []Problem {
	if v == cty.NilVal {
		return []Problem{{Text: "there is no value at all"}}
	}
	if conforms(v.Type(), b.level.ty) {
		return nil
	}
	var p problems
	for _, err := range v.Type().TestConformance(b.level.ty) {
		p.list = append(p.list, Problem{Text: err.Error()})
	}
	return p.list
}

// conforms is the quick way to find that nothing is wrong, which is nearly always.
func conforms(given, want cty.Type) bool {
	switch {
	case want == cty.DynamicPseudoType:
		return true
	case want.IsPrimitiveType():
		return given == want
	case want.IsObjectType() && given.IsObjectType():
		is, wants := given.AttributeTypes(), want.AttributeTypes()
		if len(is) != len(wants) {
			return false
		}
		for name, ty := range wants {
			if has, ok := is[name]; !ok || !conforms(has, ty) {
				return false
			}
		}
		return true
	default:
		return given.Equals(want)
	}
}

// CheckPlan holds a planned value against what was asked for: what is configured
// stays as configured, or as it was before when the provider finds both to mean
// the same; only computed attributes may take other values; the number of blocks
// stays. No value may hold marks.
func (b *Block) CheckPlan(prior, config, planned cty.Value) []Problem {
	var p problems
	b.level.checkPlan(prior, config, planned, &p)
	return p.list
}

func (l *level) checkPlan(prior, config, planned cty.Value, p *problems) {
	if !existsAlike(config, planned, p) || planned.IsNull() {
		return
	}
	if !planned.IsKnown() {
		p.add("an object must not be unknown itself; its attributes may be")
		return
	}
	for _, a := range l.attrs {
		c, pl := config.GetAttr(a.name), planned.GetAttr(a.name)
		if same(c, pl) {
			continue
		}
		was := attrOf(prior, a.name, a.Type)
		p.in(cty.GetAttrStep{Name: a.name}, func() { a.checkPlan(was, c, pl, p) })
	}
	for _, n := range l.blocks {
		c, pl := config.GetAttr(n.name), planned.GetAttr(n.name)
		if same(c, pl) {
			continue
		}
		was := attrOf(prior, n.name, n.ty)
		p.in(cty.GetAttrStep{Name: n.name}, func() { n.checkPlannedBlocks(was, c, pl, p) })
	}
}

// existsAlike reports whether both are there or neither is.
func existsAlike(config, planned cty.Value, p *problems) bool {
	switch {
	case planned.IsNull() && !config.IsNull():
		p.add("planned to be absent, but it is configured")
	case !planned.IsNull() && config.IsNull():
		p.add("planned to be there, but it is not configured")
	default:
		return true
	}
	return false
}

// checkPlan is asked about a planned value that differs from the configured one.
func (a *attribute) checkPlan(prior, config, planned cty.Value, p *problems) {
	switch {
	case !prior.IsNull() && !config.IsNull() && same(planned, prior):
		return
	case a.Computed && (config.IsNull() || !a.Optional):
		return
	case a.WriteOnly && planned.IsNull():
		return
	case config.IsNull():
		a.show(p, "%s is planned for an attribute that is not computed and not configured", planned)
	case a.nested != nil:
		a.nested.checkPlannedObjects(prior, config, planned, p)
	case prior.IsNull():
		a.show(p, "the planned value %s is not the configured value %s", planned, config)
	default:
		a.show(p, "the planned value %s is neither the configured value %s nor the prior value %s", planned, config, prior)
	}
}

// show adds a problem that names values, unless they are sensitive.
func (a *attribute) show(p *problems, format string, vals ...cty.Value) {
	args := make([]any, len(vals))
	for i, v := range vals {
		args[i] = "(sensitive)"
		if a.has&hasSensitive == 0 {
			args[i] = fmt.Sprintf("%#v", v)
		}
	}
	p.add(format, args...)
}

func (n *nesting) checkPlannedBlocks(prior, config, planned cty.Value, p *problems) {
	switch {
	case !config.IsKnown():
		p.add("a dynamic block that is not known yet was given a value")
	case !planned.IsKnown():
		p.add("blocks must not be unknown as a whole; their attributes may be")
	case n.single():
		n.level.checkPlan(prior, config, planned, p)
	case planned.IsNull():
		p.add("no blocks are an empty collection, not null")
	default:
		n.checkPlannedElements(prior, config, planned, p)
	}
}

// checkPlannedObjects is the same for a nested attribute, which may be null and
// unknown as a whole.
func (n *nesting) checkPlannedObjects(prior, config, planned cty.Value, p *problems) {
	switch {
	case planned.IsNull():
		p.add("planned to be absent, but it is configured")
	case !planned.IsKnown():
		p.add("planned as unknown, but it is configured")
	case !config.IsKnown():
		p.add("planned as known, but the configuration is not known yet")
	case n.single():
		n.level.checkPlan(prior, config, planned, p)
	default:
		n.checkPlannedElements(prior, config, planned, p)
	}
}

// checkPlannedElements matches by place or key. The elements of a set have
// neither: what a provider plans for them has to be believed.
func (n *nesting) checkPlannedElements(prior, config, planned cty.Value, p *problems) {
	if n.set() {
		for _, e := range elementsOf(planned).vals {
			if !e.IsKnown() {
				p.add("an element of a set of blocks must not be unknown itself")
			}
		}
		return
	}
	if config.IsNull() {
		config = n.collect(nil, nil) // a null that an old provider left in a state, kept by ignore_changes
	}
	c, pl := elementsOf(config), elementsOf(planned)
	if len(c.vals) != len(pl.vals) {
		p.add("%d are planned, but %d are configured", len(pl.vals), len(c.vals))
		return
	}
	match := n.matcher(prior)
	for i, e := range pl.vals {
		if pl.keys != nil && (c.keys == nil || c.keys[i] != pl.keys[i]) {
			p.add("the key %q is planned, but not configured", pl.keys[i])
			continue
		}
		was, ok := match(pl, i)
		if !ok {
			was = cty.NullVal(n.level.ty)
		}
		p.in(cty.IndexStep{Key: pl.step(i)}, func() { n.level.checkPlan(was, c.vals[i], e, p) })
	}
}

// Hide takes the values out of problems at, in or around a sensitive place: a
// user's own sensitive values are not known to the schema.
func Hide(list []Problem, sensitive []cty.Path) []Problem {
	for i, p := range list {
		for _, s := range sensitive {
			if n := min(len(p.Path), len(s)); p.Path[:n].Equals(s[:n]) {
				list[i].Text = "the values of this sensitive attribute do not agree"
				break
			}
		}
	}
	return list
}
