package eval

import (
	"context"
	"slices"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
)

// scope is what one node's object sees; every question becomes an edge.
type scope struct {
	e *Evaluator
	t *task
	n *Node
	// seen holds the node's Deps once they are too many to look through.
	seen map[*Node]bool
}

// manyDeps is from how many edges on a set finds double ones.
const manyDeps = 16

var _ object.Scope = (*scope)(nil)

func (s *scope) Object(ctx context.Context, o addr.Object) cty.Value {
	en := s.e.entry(o)
	s.find(ctx, en)
	s.e.forceWhole(ctx, s.t, en)
	s.edge(&en.whole)
	return visible(&en.whole)
}

func (s *scope) Instance(ctx context.Context, i addr.Instance) cty.Value {
	en := s.e.entry(i.Object)
	x := s.Expansion(ctx, i.Object)
	if x.Unknown {
		return cty.DynamicVal
	}
	inst, ok := x.Find(i.Key)
	if !ok {
		return cty.NilVal
	}
	n := s.e.forceInstance(ctx, s.t, en, inst)
	s.edge(n)
	return visible(n)
}

func (s *scope) Expansion(ctx context.Context, o addr.Object) object.Expansion {
	en := s.e.entry(o)
	s.find(ctx, en)
	s.e.forceExpansion(ctx, s.t, en)
	s.edge(&en.expansion)
	return en.known()
}

// known gives the expansion; on a circle, where it is still under evaluation, it
// is not known.
func (en *entry) known() object.Expansion {
	if en.expansion.state.Load() != ready {
		return object.Expansion{Unknown: true}
	}
	return en.expanded
}

func (s *scope) After(ctx context.Context, o addr.Object) {
	en := s.e.entry(o)
	s.find(ctx, en)
	n := &en.whole
	if _, ok := en.obj.(object.Container); ok {
		n = &en.contents
		s.e.force(ctx, s.t, n, func(ctx context.Context, in *scope) { in.forceContents(ctx, en) })
	} else {
		s.e.forceWhole(ctx, s.t, en)
	}
	s.edge(n)
	if n.Pending {
		s.n.AfterPending = true
	}
}

func (s *scope) Changed(ctx context.Context, i addr.Instance, path cty.Path) bool {
	keys := []addr.Key{i.Key}
	if x := s.Expansion(ctx, i.Object); i.Key.IsNone() && x.Shape != object.Single {
		keys = keys[:0]
		for _, inst := range x.Instances {
			keys = append(keys, inst.Key)
		}
	}
	changed := false
	for _, k := range keys {
		s.Instance(ctx, i.Object.Instance(k))
		changed = changed || s.e.source.Changed(i.Object.Instance(k), path)
	}
	return changed
}

// Remember gives what make gave to whoever asked first for the key in this
// evaluation. Make must ask the scope for nothing: others wait for it.
func (s *scope) Remember(key any, make func() any) any {
	found, ok := s.e.memory.Load(key)
	if !ok {
		found, _ = s.e.memory.LoadOrStore(key, &memo{})
	}
	m := found.(*memo)
	m.once.Do(func() { m.value = make() })
	return m.value
}

// Pending reports, while a Source is asked about an instance, whether something
// that it depends on only by order, or names itself and that is made and not only
// looked at, is going to change.
func Pending(s object.Scope) bool {
	n := s.(*scope).n
	if n.AfterPending {
		return true
	}
	return slices.ContainsFunc(n.Deps, func(d *Node) bool {
		if d.Kind == Expansion && d.Addr.Object == n.Addr.Object {
			return slices.ContainsFunc(d.Deps, pendingThing) // how often it exists names something
		}
		return pendingThing(d)
	})
}

func pendingThing(d *Node) bool {
	return d.Pending && (d.Kind == Instance || d.Kind == Whole) && (d.Addr.Kind == addr.Resource || d.Addr.Kind == addr.Task)
}

// Settled reports, while a Source is asked about an instance, whether nothing
// that it depends on failed or is put off.
func Settled(s object.Scope) (failed, deferred bool) {
	n := s.(*scope).n
	for _, d := range n.Deps {
		failed = failed || d.Failed
		deferred = deferred || d.Deferred
	}
	return failed || n.Failed || n.Diags.HasErrors(), deferred
}

// LeftOut reports, while a Source is asked about an instance, whether it depends on
// something that the user leaves out.
func LeftOut(s object.Scope) bool {
	return slices.ContainsFunc(s.(*scope).n.Deps, func(d *Node) bool { return d.LeftOut })
}

// visible is what an object sees of a node: something that failed or is put off
// looks unknown.
func visible(n *Node) cty.Value {
	if n.Value == cty.NilVal {
		return cty.DynamicVal
	}
	return n.Value
}

func (s *scope) edge(to *Node) {
	if s.has(to) {
		return
	}
	s.n.Deps = append(s.n.Deps, to)
	if to.Kind == Expansion && to.AfterPending || to.Kind == lookup && to.AfterPending {
		s.n.AfterPending = true
	}
}

// has reports whether the edge was noted already, and notes it for the next time
// where a set is kept.
func (s *scope) has(to *Node) bool {
	if len(s.n.Deps) < manyDeps {
		return slices.Contains(s.n.Deps, to)
	}
	if s.seen == nil {
		s.seen = make(map[*Node]bool, 2*manyDeps)
		for _, d := range s.n.Deps {
			s.seen[d] = true
		}
	}
	had := s.seen[to]
	s.seen[to] = true
	return had
}

// find looks the entry's object up, opening the modules on the way.
func (s *scope) find(ctx context.Context, en *entry) {
	s.e.force(ctx, s.t, &en.found, func(ctx context.Context, in *scope) {
		ns := in.namespace(ctx, en.addr.Module)
		if ns != nil {
			en.obj = ns.Lookup(en.addr.Name)
		}
		if failed, deferred := Settled(in); en.obj == nil && !failed && !deferred {
			in.n.Diags = append(in.n.Diags, diag.Errorf(nil, "Reference to something that does not exist", "%s is not declared in this configuration.", en.addr)...)
		}
	})
	if !en.addr.Module.IsRoot() || en.found.Failed {
		s.edge(&en.found)
	}
}

// namespace opens the module instance; nil when it does not exist or is not known.
func (s *scope) namespace(ctx context.Context, m addr.Module) object.Namespace {
	if m.IsRoot() {
		return s.e.root
	}
	parent, step := m.Call()
	call := s.e.entry(parent.CallOf(step.Name))
	x := s.Expansion(ctx, call.addr)
	inst, ok := x.Find(step.Key)
	if !ok {
		return nil
	}
	n := call.opening(inst)
	s.e.force(ctx, s.t, n, func(ctx context.Context, in *scope) {
		c, ok := call.obj.(object.Container)
		if !ok {
			return
		}
		var d diag.List
		n.namespace, d = c.Open(ctx, in, inst)
		n.Diags = append(n.Diags, d...)
	})
	s.edge(n)
	return n.namespace
}

// opening is the node of opening a container's instance; it lies beside the
// instance's own, whose value needs the contents.
func (en *entry) opening(inst object.Instance) *Node {
	en.mu.Lock()
	defer en.mu.Unlock()
	if en.openings == nil {
		en.openings = map[addr.Key]*Node{}
	}
	n := en.openings[inst.Key]
	if n == nil {
		n = &Node{Addr: en.addr.Instance(inst.Key), Kind: lookup, Instance: inst, entry: en}
		en.openings[inst.Key] = n
	}
	return n
}

func (e *Evaluator) forceExpansion(ctx context.Context, t *task, en *entry) {
	e.force(ctx, t, &en.expansion, func(ctx context.Context, s *scope) {
		s.find(ctx, en)
		if en.obj == nil {
			en.expanded = object.Expansion{Unknown: true}
			return
		}
		var d diag.List
		en.expanded, d = en.obj.Expand(ctx, s)
		s.n.Diags = append(s.n.Diags, d...)
		switch {
		case s.n.Failed || s.n.Diags.HasErrors():
			en.expanded = object.Expansion{Unknown: true}
		case en.expanded.Unknown:
			s.n.Deferred = true
			s.n.DeferReason = "how many there are is not known yet"
		}
		s.n.Value = cty.True
	})
}

func (e *Evaluator) forceWhole(ctx context.Context, t *task, en *entry) {
	e.force(ctx, t, &en.whole, func(ctx context.Context, s *scope) {
		x := s.Expansion(ctx, en.addr)
		if x.Unknown {
			return
		}
		vals := make([]cty.Value, len(x.Instances))
		s.n.Deps = append(make([]*Node, 0, len(x.Instances)+2), s.n.Deps...)
		for i, inst := range x.Instances {
			n := e.forceInstance(ctx, t, en, inst)
			s.n.Deps = append(s.n.Deps, n)
			s.n.Pending = s.n.Pending || n.Pending
			vals[i] = visible(n)
		}
		s.n.Value = aggregate(x, vals)
	})
}

func aggregate(x object.Expansion, vals []cty.Value) cty.Value {
	switch x.Shape {
	case object.Single:
		if len(vals) == 0 {
			return cty.NullVal(cty.DynamicPseudoType)
		}
		return vals[0]
	case object.Count:
		return cty.TupleVal(vals)
	case object.ForEach:
		m := make(map[string]cty.Value, len(vals))
		for i, inst := range x.Instances {
			k, _ := inst.Key.Str()
			m[k] = vals[i]
		}
		return cty.ObjectVal(m)
	default:
		panic("eval: invalid shape of an expansion")
	}
}

func (e *Evaluator) forceInstance(ctx context.Context, t *task, en *entry, inst object.Instance) *Node {
	n := en.instance(inst)
	e.force(ctx, t, n, func(ctx context.Context, s *scope) {
		s.find(ctx, en)
		s.edge(&en.expansion)
		if en.obj == nil || ctx.Err() != nil {
			n.Failed = true
			return
		}
		s.evaluate(ctx, en.obj, inst)
	})
	return n
}

// evaluate gives the node of an instance its value, conditions included.
func (s *scope) evaluate(ctx context.Context, o object.Object, inst object.Instance) {
	n := s.n
	checked, _ := o.(object.Checked)
	if checked != nil {
		n.Diags = append(n.Diags, checked.Check(ctx, s, inst, object.Before, cty.NilVal)...)
	}
	switch o := o.(type) {
	case object.Driven:
		out := s.e.source.Instance(ctx, s, o, inst, n.Addr)
		n.Value, n.Pending, n.LeftOut = out.Value, out.Pending, out.LeftOut
		n.Diags = append(n.Diags, out.Diags...)
		if out.Deferred != "" {
			n.Deferred, n.DeferReason = true, out.Deferred
		}
	case object.Opener:
		v, closeIt, d := o.OpenValue(ctx, s, inst)
		n.Value, n.Diags = v, append(n.Diags, d...)
		if closeIt != nil {
			s.e.mu.Lock()
			s.e.closers = append(s.e.closers, closeIt)
			s.e.mu.Unlock()
		}
	default:
		v, d := o.Wanted(ctx, s, inst)
		n.Value, n.Diags = v, append(n.Diags, d...)
	}
	if checked != nil && n.Value != cty.NilVal && !n.Failed && !n.Diags.HasErrors() {
		n.Diags = append(n.Diags, checked.Check(ctx, s, inst, object.After, n.Value)...)
	}
}

// forceContents evaluates all that lies in a container, for depends_on.
func (s *scope) forceContents(ctx context.Context, en *entry) {
	x := s.Expansion(ctx, en.addr)
	for _, inst := range x.Instances {
		ns := s.namespace(ctx, en.addr.Module.Child(en.addr.Name.Name, inst.Key))
		if ns == nil {
			continue
		}
		for _, o := range ns.Objects() {
			s.after(ctx, o.Addr())
		}
	}
}

func (s *scope) after(ctx context.Context, o addr.Object) {
	s.After(ctx, o)
	s.n.Pending = s.n.Pending || s.n.AfterPending
}

// Close closes what was opened, the last first.
func (e *Evaluator) Close(ctx context.Context) diag.List {
	var d diag.List
	for i := len(e.closers) - 1; i >= 0; i-- {
		d = append(d, e.closers[i](ctx)...)
	}
	e.closers = nil
	return d
}
