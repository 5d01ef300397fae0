package eval

import (
	"context"
	"sync"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
)

// walkers is how many roots are evaluated at the same time. Most of them wait for
// a driver, so it is well above the parallelism of driver calls.
const walkers = 64

// Filter says which objects and instances a walk evaluates for their own sake;
// what they refer to is evaluated all the same. A nil filter takes all.
type Filter func(addr.Instance) bool

// All evaluates every object of the stack that the filter takes.
func (e *Evaluator) All(ctx context.Context, filter Filter) {
	w := &walk{e: e, filter: filter}
	w.cond = sync.NewCond(&w.mu)
	w.addNamespace(e.root)
	var wg sync.WaitGroup
	for range walkers {
		wg.Go(func() { w.work(ctx) })
	}
	wg.Wait()
}

// Value evaluates one object for a caller outside the graph (console, outputs).
func (e *Evaluator) Value(ctx context.Context, o addr.Object) (cty.Value, diag.List) {
	var v cty.Value
	d := e.With(ctx, o.Module, func(ctx context.Context, s object.Scope) diag.List {
		v = s.Object(ctx, o)
		return nil
	})
	return v, d
}

// With calls f with a scope that belongs to no object. The result holds the errors
// of what f asked for.
func (e *Evaluator) With(ctx context.Context, m addr.Module, f func(context.Context, object.Scope) diag.List) diag.List {
	n := &Node{Addr: addr.Instance{Object: addr.Object{Module: m}}, Kind: Whole}
	e.force(ctx, &task{}, n, func(ctx context.Context, s *scope) {
		n.Diags = append(n.Diags, f(ctx, s)...)
	})
	if n.Failed && !n.Diags.HasErrors() {
		return append(n.Diags, Explain(n)...)
	}
	return n.Diags
}

// walk is a queue of roots that several goroutines work off.
type walk struct {
	e      *Evaluator
	filter Filter

	mu   sync.Mutex
	cond *sync.Cond
	jobs []job
	next int
	busy int
}

// job is an object to expand, or one of its instances.
type job struct {
	obj  object.Object
	inst *object.Instance
}

func (w *walk) addNamespace(ns object.Namespace) {
	for _, o := range ns.Objects() {
		w.jobs = append(w.jobs, job{obj: o})
	}
}

func (w *walk) work(ctx context.Context) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		for w.next == len(w.jobs) && w.busy > 0 {
			w.cond.Wait()
		}
		if w.next == len(w.jobs) || ctx.Err() != nil {
			w.cond.Broadcast()
			return
		}
		j := w.jobs[w.next]
		w.jobs[w.next] = job{}
		w.next++
		w.busy++
		w.mu.Unlock()
		more := w.do(ctx, j)
		w.mu.Lock()
		w.busy--
		w.jobs = append(w.jobs, more...)
		if len(more) > 0 || w.busy == 0 {
			w.cond.Broadcast()
		}
	}
}

func (w *walk) do(ctx context.Context, j job) []job {
	t := &task{}
	en := w.e.entry(j.obj.Addr())
	if j.inst != nil {
		w.e.forceInstance(ctx, t, en, *j.inst)
		return nil
	}
	w.e.forceExpansion(ctx, t, en)
	if en.expanded.Unknown {
		return nil
	}
	container, _ := j.obj.(object.Container)
	var more []job
	for i := range en.expanded.Instances {
		inst := &en.expanded.Instances[i]
		if w.filter == nil || w.filter(en.addr.Instance(inst.Key)) {
			more = append(more, job{obj: j.obj, inst: inst})
		}
		if container != nil {
			more = append(more, w.contents(ctx, t, en, inst.Key)...)
		}
	}
	return more
}

func (w *walk) contents(ctx context.Context, t *task, en *entry, key addr.Key) []job {
	var jobs []job
	n := &Node{Addr: en.addr.Instance(key), Kind: lookup, entry: en}
	w.e.force(ctx, t, n, func(ctx context.Context, s *scope) {
		if ns := s.namespace(ctx, en.addr.Module.Child(en.addr.Name.Name, key)); ns != nil {
			for _, o := range ns.Objects() {
				jobs = append(jobs, job{obj: o})
			}
		}
	})
	return jobs
}

// Nodes calls f for every node that was evaluated, in no particular order. It must
// not run beside an evaluation.
func (e *Evaluator) Nodes(f func(*Node)) {
	for _, en := range e.objects {
		for _, n := range en.fixed() {
			if n.state.Load() == ready {
				f(n)
			}
		}
		for _, n := range en.instances {
			f(n)
		}
		for _, n := range en.openings {
			f(n)
		}
	}
}

// fixed gives the nodes that an object has besides those of its instances.
func (en *entry) fixed() [4]*Node {
	return [4]*Node{&en.found, &en.expansion, &en.whole, &en.contents}
}

var fixedKinds = [4]NodeKind{lookup, Expansion, Whole, Contents}

// Object gives the object of that address if it was evaluated.
func (e *Evaluator) Object(o addr.Object) object.Object {
	e.mu.Lock()
	defer e.mu.Unlock()
	if en := e.objects[o]; en != nil {
		return en.obj
	}
	return nil
}

// Expanded gives the instances of an object if it was evaluated.
func (e *Evaluator) Expanded(o addr.Object) (object.Expansion, bool) {
	e.mu.Lock()
	en := e.objects[o]
	e.mu.Unlock()
	if en == nil || en.expansion.state.Load() != ready {
		return object.Expansion{}, false
	}
	return en.expanded, true
}

// Diags gives everything that was reported, each once, in the order of the files.
func (e *Evaluator) Diags() diag.List {
	var out diag.List
	var closers []*Node
	e.Nodes(func(n *Node) {
		out = append(out, n.Diags.In(address(n))...)
		if len(n.circles) > 0 {
			closers = append(closers, n)
		}
	})
	return append(out, circles(closers)...).Sorted()
}

func address(n *Node) string {
	if n.Addr.Kind == 0 {
		return n.Addr.Module.String()
	}
	return n.Addr.String()
}

// Status is what an evaluation found out about an object's existence.
type Status struct {
	Exists bool
	// Unknown is set when its instances, or those of a module around it, are not
	// known yet; Failed when finding out failed.
	Unknown, Failed bool
	Expansion       object.Expansion
}

// Status tells whether an object exists, from what All evaluated: an object that a
// filter left out exists nonetheless. It must not run beside an evaluation.
func (e *Evaluator) Status(o addr.Object) Status {
	if !o.Module.IsRoot() {
		parent, step := o.Module.Call()
		up := e.Status(parent.CallOf(step.Name))
		if _, ok := up.Expansion.Find(step.Key); !ok {
			return Status{Unknown: up.Unknown, Failed: up.Failed}
		}
	}
	en := e.objects[o]
	if en == nil || en.obj == nil {
		return Status{Failed: en != nil && en.found.Deferred}
	}
	if en.expansion.state.Load() != ready {
		return Status{Exists: true, Unknown: true}
	}
	return Status{Exists: true, Unknown: en.expanded.Unknown && en.expansion.Deferred, Failed: en.expansion.Failed, Expansion: en.expanded}
}

// Instance evaluates one instance for its own sake; nil when it does not exist.
func (e *Evaluator) Instance(ctx context.Context, a addr.Instance) (*Node, diag.List) {
	var n *Node
	d := e.With(ctx, a.Module, func(ctx context.Context, s object.Scope) diag.List {
		sc := s.(*scope)
		en := e.entry(a.Object)
		x := sc.Expansion(ctx, a.Object)
		if inst, ok := x.Find(a.Key); ok {
			n = e.forceInstance(ctx, sc.t, en, inst)
		}
		return nil
	})
	return n, d
}

// Explain gives the errors that made a node fail: its own, or those of what it
// depends on.
func Explain(n *Node) diag.List {
	seen := map[*Node]bool{}
	var out diag.List
	var visit func(*Node)
	visit = func(n *Node) {
		if seen[n] || n.state.Load() != ready || !n.Failed {
			return
		}
		seen[n] = true
		out = append(append(out, n.Diags.In(address(n))...), n.circles...)
		for _, d := range n.Deps {
			visit(d)
		}
	}
	visit(n)
	return out.Sorted()
}
