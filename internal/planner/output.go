package planner

import (
	"context"
	"slices"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/eval"
	"tutti/internal/object"
)

// outputs finds what the root outputs become, and adds the actions that store it.
func (p *planner) outputs(ctx context.Context, g *graph) []object.OutputChange {
	before := map[string]cty.Value{}
	for _, o := range p.req.State.Outputs {
		v, err := decodeOutput(o)
		if err != nil {
			p.diags = append(p.diags, diag.FromError("Stored output cannot be read", err)...)
			continue
		}
		before[o.Name] = v
	}
	if p.req.Options.Mode == object.Rollback {
		return p.restoredOutputs(g, before)
	}
	nodes := p.outputNodes()
	var out []object.OutputChange
	for _, name := range sortedNames(before, nodes) {
		c := object.OutputChange{Name: name, Before: before[name], After: cty.NilVal}
		n := nodes[name]
		if n != nil && p.req.Options.Mode != object.Destroy {
			if n.Failed || p.closed && (n.LeftOut || !reaches(n, map[*eval.Node]bool{})) || (n.Deferred || n.LeftOut) && !n.Value.IsWhollyKnown() {
				continue
			}
			c.After = n.Value
		} else if n == nil && len(p.req.Options.Targets)+len(p.req.Options.Excludes) > 0 {
			continue
		}
		if verbOf(&c); c.Verb == object.NoOp {
			continue
		}
		out = append(out, c)
		id := g.add(object.Action{Verb: object.Set, Addr: outputAddr(name), Change: -1, Idempotent: true})
		if n != nil {
			g.need(id, g.below(n)...)
		}
		if c.After == cty.NilVal {
			g.need(id, g.everything()...)
		}
	}
	return out
}

// everything is a join over all actions before it: a destroyed stack's outputs go last.
func (g *graph) everything() []int {
	ids := make([]int, 0, len(g.plan.Changes))
	for i, a := range g.plan.Actions {
		if a.Change >= 0 {
			ids = append(ids, i+1)
		}
	}
	if len(ids) <= manyNeeds {
		return ids
	}
	if g.all == 0 {
		g.all = g.joined(ids, addr.Instance{})[0]
	}
	return []int{g.all}
}

// reaches reports whether the node depends on an instance of anything that exists
// in the world.
func reaches(n *eval.Node, seen map[*eval.Node]bool) bool {
	for _, d := range n.Deps {
		if seen[d] {
			continue
		}
		seen[d] = true
		if d.Kind == eval.Instance && d.Addr.Kind != 0 && !d.Addr.Kind.IsValue() || reaches(d, seen) {
			return true
		}
	}
	return false
}

// reachedOutputs evaluates, for a plan of targets, the root outputs that need
// nothing but what was planned for them. The others keep their values, also those
// that need nothing at all, as in OpenTofu.
func (p *planner) reachedOutputs(ctx context.Context) {
	if len(p.choice.targets) == 0 || p.req.Options.Mode != object.Normal {
		return
	}
	p.closed = true
	for _, o := range p.req.Root.Objects() {
		if a := o.Addr(); a.Kind == addr.Output && !p.choice.spares(a.Instance(addr.NoKey)) {
			p.eval.Instance(ctx, a.Instance(addr.NoKey))
		}
	}
}

func outputAddr(name string) addr.Instance {
	return addr.Instance{Object: addr.Object{Name: addr.Name{Kind: addr.Output, Name: name}}}
}

func (p *planner) outputNodes() map[string]*eval.Node {
	nodes := map[string]*eval.Node{}
	p.eval.Nodes(func(n *eval.Node) {
		if n.Kind == eval.Instance && n.Addr.Kind == addr.Output && n.Addr.Module.IsRoot() {
			nodes[n.Addr.Name.Name] = n
		}
	})
	return nodes
}

func sortedNames(a map[string]cty.Value, b map[string]*eval.Node) []string {
	var names []string
	for n := range a {
		names = append(names, n)
	}
	for n := range b {
		if _, ok := a[n]; !ok {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	return names
}

// verbOf sets the verb and whether the output is sensitive.
func verbOf(c *object.OutputChange) {
	c.Sensitive = object.HasMark(c.Before, object.Sensitive) || object.HasMark(c.After, object.Sensitive)
	switch {
	case c.After == cty.NilVal || c.After.IsNull():
		c.Verb = object.Delete
		if c.Before == cty.NilVal {
			c.Verb = object.NoOp
		}
	case c.Before == cty.NilVal:
		c.Verb = object.Create
	case sameValue(c.Before, c.After) && object.HasMark(c.Before, object.Sensitive) == object.HasMark(c.After, object.Sensitive):
		// Where inside the value marks stand is not stored.
		c.Verb = object.NoOp
	default:
		c.Verb = object.Update
	}
}

func decodeOutput(o *object.OutputState) (cty.Value, error) {
	ty, err := ctyjson.UnmarshalType(o.Type)
	if err != nil {
		return cty.NilVal, err
	}
	v, err := ctyjson.Unmarshal(o.Value, ty)
	if err != nil {
		return cty.NilVal, err
	}
	if o.Sensitive {
		v = v.Mark(object.Sensitive)
	}
	return v, nil
}
