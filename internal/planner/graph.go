package planner

import (
	"slices"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/eval"
	"tutti/internal/object"
)

// graph builds a plan's actions. Edges follow the evaluation: what an instance
// asked for must be done first; deletions go the other way round.
type graph struct {
	p    *planner
	plan *object.Plan
	// exit is the action whose end means that an instance has its new value;
	// entry is the first action that needs the instance's own dependencies.
	exit  map[addr.Instance]int
	entry map[addr.Instance]int
	// gone is the action that ends the old object of an instance.
	gone map[object.RowKey]int
	// old are the ends of deposed objects, by address; goneOf is the end that each
	// change holds, by its index.
	old    map[addr.Instance][]int
	goneOf []int
	memo   map[*eval.Node][]int
	// needs memoises what is stored as State.Needs.
	needs    map[*eval.Node][]addr.Instance
	nodes    map[addr.Instance]*eval.Node
	byObject map[addr.Object][]int // exits, for rollbacks
	all      int                   // the join that everything() made
}

// manyNeeds is from how many edges on a Join is put between, so that n users of m
// things cost n + m edges.
const manyNeeds = 4

func newGraph(p *planner, plan *object.Plan) *graph {
	g := &graph{p: p, plan: plan, exit: map[addr.Instance]int{}, entry: map[addr.Instance]int{}, gone: map[object.RowKey]int{},
		old: map[addr.Instance][]int{}, goneOf: make([]int, len(p.changes)),
		memo: map[*eval.Node][]int{}, needs: map[*eval.Node][]addr.Instance{}, nodes: map[addr.Instance]*eval.Node{}}
	if len(p.changes) == 0 {
		return g
	}
	p.eval.Nodes(func(n *eval.Node) {
		if n.Kind == eval.Instance && p.byAddr[n.Addr] != nil {
			g.nodes[n.Addr] = n
		}
	})
	if len(p.createFirst) > 0 {
		g.forceCreateFirst()
	}
	plan.Changes = make([]object.PlannedChange, 0, len(p.changes))
	for i, c := range p.changes {
		if n := g.nodes[c.Addr]; n != nil && c.Deposed == "" && c.Verb != object.Delete {
			c.Needs = g.stored(n)
			if kept := n.LeftOut || p.req.Options.Mode == object.RefreshOnly; kept && c.Verb == object.Record && c.Imported == "" {
				c.Needs = c.Prior.Needs // what the files now say was not done to it
			}
		}
		plan.Changes = append(plan.Changes, *c)
		g.actions(i, c)
	}
	return g
}

// actions adds the nodes of one change.
func (g *graph) actions(i int, c *object.PlannedChange) {
	a := object.Action{Verb: c.Verb, Addr: c.Addr, Deposed: c.Deposed, Change: i, Idempotent: c.Idempotent}
	key := object.RowKey{Addr: c.Addr, Deposed: c.Deposed}
	switch c.Verb {
	case object.Replace:
		g.replace(a, c)
	case object.Delete, object.Forget:
		g.ends(i, key, g.add(a))
	default:
		id := g.add(a)
		g.entry[c.Addr], g.exit[c.Addr] = id, id
	}
}

// replace splits a replacement into its actions, in the order that was asked for.
func (g *graph) replace(a object.Action, c *object.PlannedChange) {
	create, del := a, a
	create.Verb, del.Verb = object.Create, object.Delete
	if !c.CreateFirst {
		d := g.add(del)
		create.Needs = []int{d}
		id := g.add(create)
		g.ends(a.Change, object.RowKey{Addr: c.Addr}, d)
		g.entry[c.Addr], g.exit[c.Addr] = id, id
		return
	}
	depose := a
	depose.Verb, depose.Idempotent = object.Depose, true
	depose.Deposed = deposedKey(g.p.rows.keysOf(c.Addr))
	del.Deposed = depose.Deposed
	// It steps aside when all that the new one needs is there, and not before: were
	// that to fail, the old one would be gone from its place for nothing.
	dep := g.add(depose)
	create.Needs = []int{dep}
	id := g.add(create)
	g.entry[c.Addr], g.exit[c.Addr] = dep, id
	if g.p.held.has(c.Addr) {
		g.p.putOff(c.Addr)
		return // the deposed row is what a later phase finds
	}
	del.Needs = []int{id}
	g.ends(a.Change, object.RowKey{Addr: c.Addr, Deposed: del.Deposed}, g.add(del))
}

// ends notes that the action ends the object of the row.
func (g *graph) ends(change int, key object.RowKey, id int) {
	g.gone[key], g.goneOf[change] = id, id
	if key.Deposed != "" {
		g.old[key.Addr] = append(g.old[key.Addr], id)
	}
}

func (g *graph) add(a object.Action) int {
	g.plan.Actions = append(g.plan.Actions, a)
	return len(g.plan.Actions)
}

func (g *graph) need(id int, on ...int) {
	a := &g.plan.Actions[id-1]
	a.Needs = append(a.Needs, on...)
}

// finish adds the edges.
func (g *graph) finish() {
	for i := range g.plan.Changes {
		c := &g.plan.Changes[i]
		if c.Wanted != cty.NilVal {
			g.restoredNeeds(c)
			continue
		}
		if id := g.entry[c.Addr]; id != 0 && c.Deposed == "" {
			if n := g.nodes[c.Addr]; n != nil {
				g.need(id, g.below(n)...)
			}
		}
	}
	g.deletions()
	for i := range g.plan.Actions {
		a := &g.plan.Actions[i]
		slices.Sort(a.Needs)
		a.Needs = slices.Compact(a.Needs)
	}
}

// of gives the actions after which the node's value is there.
func (g *graph) of(n *eval.Node) []int {
	if n.Kind == eval.Instance {
		if id := g.exit[n.Addr]; id != 0 {
			return []int{id}
		}
	}
	return g.below(n)
}

// below gives the actions that must be done before the node can be evaluated.
func (g *graph) below(n *eval.Node) []int {
	if ids, ok := g.memo[n]; ok {
		return ids
	}
	g.memo[n] = nil
	var ids []int
	for _, d := range n.Deps {
		ids = append(ids, g.of(d)...)
	}
	ids = g.joined(ids, n.Addr)
	g.memo[n] = ids
	return ids
}

// joined puts a Join in the place of many edges.
func (g *graph) joined(ids []int, a addr.Instance) []int {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) <= manyNeeds {
		return ids
	}
	return []int{g.add(object.Action{Verb: object.Join, Addr: a, Change: -1, Needs: ids, Idempotent: true})}
}

// manyStored is from how many instances of one object on the whole object is
// stored as what is needed.
const manyStored = 8

// stored gives the instances and whole objects that the node's instance depends on.
func (g *graph) stored(n *eval.Node) []addr.Instance {
	if list, ok := g.needs[n]; ok {
		return list
	}
	g.needs[n] = nil
	var out []addr.Instance
	for _, d := range n.Deps {
		switch driven := stateful(d.Addr.Kind); {
		case driven && d.Kind == eval.Whole:
			out = append(out, d.Addr.Object.Instance(addr.NoKey))
		case driven && d.Kind == eval.Instance:
			out = append(out, d.Addr)
		default:
			out = append(out, g.stored(d)...)
		}
	}
	out = compacted(out)
	g.needs[n] = out
	return out
}

// stateful reports whether instances of the kind have rows.
func stateful(k addr.Kind) bool {
	return k != 0 && !k.IsValue() && k != addr.Data && k != addr.Ephemeral
}

func compacted(list []addr.Instance) []addr.Instance {
	slices.SortFunc(list, addr.Instance.Compare)
	list = slices.Compact(list)
	if len(list) <= manyStored {
		return list
	}
	count := map[addr.Object]int{}
	for _, a := range list {
		count[a.Object]++
	}
	out := list[:0]
	for _, a := range list {
		if count[a.Object] > manyStored {
			a = a.Object.Instance(addr.NoKey)
		}
		if len(out) == 0 || out[len(out)-1] != a {
			out = append(out, a)
		}
	}
	return out
}

func (g *graph) sortedGone() []object.RowKey {
	keys := make([]object.RowKey, 0, len(g.gone))
	for k := range g.gone {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b object.RowKey) int { return g.gone[a] - g.gone[b] })
	return keys
}

func sortedObjects(m map[addr.Object][]object.RowKey) []addr.Object {
	out := make([]addr.Object, 0, len(m))
	for o := range m {
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b addr.Object) int { return a.Instance(addr.NoKey).Compare(b.Instance(addr.NoKey)) })
	return out
}

// forceCreateFirst makes what a create-before-destroy instance depends on be
// replaced in that order too, whether that instance itself changes or not:
// otherwise it would need something that can only be there when the old one is
// gone.
func (g *graph) forceCreateFirst() {
	seen := map[*eval.Node]bool{}
	var visit func(*eval.Node)
	visit = func(n *eval.Node) {
		if seen[n] {
			return
		}
		seen[n] = true
		for _, d := range n.Deps {
			if c := g.p.byAddr[d.Addr]; d.Kind == eval.Instance && c != nil {
				c.CreateFirst = true
			}
			visit(d)
		}
	}
	g.p.eval.Nodes(func(n *eval.Node) {
		if n.Kind == eval.Instance && g.p.createFirst[n.Addr] {
			visit(n)
		}
	})
}
