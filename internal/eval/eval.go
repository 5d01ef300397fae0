// Package eval is memoised, demand-driven evaluation over objects: to know an
// object, evaluate what it refers to. The order falls out of the references, and
// every reference that is followed is noted as an edge between instances.
//
// In: the root namespace of a stack and a Source that says what a driven instance
// is worth (the planner asks its driver; carrying out a plan takes the results).
// Out: values, edges, diagnostics. It must not know any language, driver or state.
// It starts goroutines, does no I/O of its own, and never waits for a lock while
// an object is evaluated.
//
// Files: eval.go the evaluator and its nodes, scope.go what an object sees,
// walk.go evaluating everything, circle.go what is said of circles.
package eval

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
)

// Source says what the instances of driven objects are worth.
type Source interface {
	// Instance gives the value that others see of the instance. It is called once
	// per instance, concurrently for different ones, after the conditions of
	// stage Before have been checked.
	Instance(ctx context.Context, s object.Scope, o object.Driven, inst object.Instance, a addr.Instance) Outcome
	// Changed reports whether what lies at the path in an instance that was
	// evaluated is going to change.
	Changed(a addr.Instance, path cty.Path) bool
}

// Outcome is what a Source says of an instance.
type Outcome struct {
	// Value is cty.NilVal when the source failed or put the instance off.
	Value cty.Value
	// Pending is set when the instance is going to change.
	Pending bool
	// Deferred says why the instance cannot be planned in this phase; "" when it can.
	Deferred string
	// LeftOut is set when the user wants the instance not to be touched.
	LeftOut bool
	Diags   diag.List
}

// Evaluator holds what has been evaluated so far. Its methods are safe for
// concurrent use.
type Evaluator struct {
	root   object.Namespace
	source Source

	mu      sync.Mutex
	objects map[addr.Object]*entry
	closers []func(context.Context) diag.List

	memory sync.Map // of any to *memo
}

// memo is something that is worked out once.
type memo struct {
	once  sync.Once
	value any
}

// New makes an evaluator in which nothing is known yet.
func New(root object.Namespace, source Source) *Evaluator {
	return &Evaluator{root: root, source: source, objects: map[addr.Object]*entry{}}
}

// entry is all that is known of one object.
type entry struct {
	addr      addr.Object
	obj       object.Object // nil when there is no such object
	found     node          // looking the object up: opens the modules on the way
	expansion node
	expanded  object.Expansion
	whole     node // the aggregate of all instances
	contents  node // everything inside a container, for depends_on

	mu        sync.Mutex
	instances map[addr.Key]*Node
	openings  map[addr.Key]*Node // of a container's instances
}

// Node is one evaluated thing with its edges.
type Node struct {
	// Addr names the instance; for the other kinds of node the key is absent.
	Addr addr.Instance
	Kind NodeKind
	// Instance is what is particular to the instance, of Kind Instance.
	Instance object.Instance
	// Deps are the nodes that this one asked for, each once, in that order.
	Deps []*Node
	// Value is what others see.
	Value cty.Value
	// Failed is set when this or anything it depends on has errors; Deferred when
	// this or anything it depends on is put off.
	Failed   bool
	Deferred bool
	// LeftOut is set when this or anything it depends on is left out by the user.
	LeftOut bool
	// DeferReason is set where the putting off began.
	DeferReason string
	// Pending is set when a driven instance is going to change; AfterPending when
	// something it depends on only by order is.
	Pending      bool
	AfterPending bool
	Diags        diag.List

	// circles are those that closed here. Which one that is of many that overlap is a
	// matter of chance, so Evaluator.Diags looks for them once more.
	circles   diag.List
	entry     *entry
	state     atomic.Uint32
	owner     *task
	done      chan struct{}    // made by the first one that waits
	namespace object.Namespace // what opening a container's instance gave
}

// node is a Node inside an entry.
type node = Node

// NodeKind says what a node stands for.
type NodeKind uint8

// The kinds of node.
const (
	Instance NodeKind = iota + 1
	Whole
	Expansion
	Contents
	lookup
)

const (
	fresh uint32 = iota
	running
	ready
)

// task is one chain of demands: a goroutine's stack of nodes under evaluation.
type task struct {
	stack   []*Node
	waiting *Node // what it waits for that another task evaluates
}

// maxDepth bounds how long a chain of references may be within one task.
const maxDepth = 20_000

func (e *Evaluator) entry(o addr.Object) *entry {
	e.mu.Lock()
	defer e.mu.Unlock()
	en := e.objects[o]
	if en == nil {
		en = &entry{addr: o, instances: map[addr.Key]*Node{}}
		for i, n := range en.fixed() {
			n.Addr, n.Kind, n.entry = o.Instance(addr.NoKey), fixedKinds[i], en
		}
		e.objects[o] = en
	}
	return en
}

func (en *entry) instance(inst object.Instance) *Node {
	en.mu.Lock()
	defer en.mu.Unlock()
	n := en.instances[inst.Key]
	if n == nil {
		n = &Node{Addr: en.addr.Instance(inst.Key), Kind: Instance, Instance: inst, entry: en}
		en.instances[inst.Key] = n
	}
	return n
}

// force evaluates the node unless that is done, waiting when another task is at
// it. The work notes edges and results in the node.
func (e *Evaluator) force(ctx context.Context, t *task, n *Node, work func(context.Context, *scope)) {
	if n.state.Load() == ready {
		return
	}
	e.mu.Lock()
	switch n.state.Load() {
	case ready:
		e.mu.Unlock()
	case running:
		e.await(ctx, t, n)
	default:
		if len(t.stack) >= maxDepth {
			n.Failed = true
			n.Diags = append(n.Diags, diag.Errorf(nil, "Chain of references too long", "%s is reached through more than %d references, one after the other. Break the chain up, for example with modules or a value that is passed in.", n.Addr, maxDepth)...)
			n.state.Store(ready)
			e.mu.Unlock()
			return
		}
		n.owner = t
		n.state.Store(running)
		t.stack = append(t.stack, n)
		e.mu.Unlock()
		work(ctx, &scope{e: e, t: t, n: n})
		e.finish(t, n)
	}
}

func (e *Evaluator) finish(t *task, n *Node) {
	for _, d := range n.Deps {
		n.Failed = n.Failed || d.Failed
		n.Deferred = n.Deferred || d.Deferred
		n.LeftOut = n.LeftOut || d.LeftOut
	}
	n.Failed = n.Failed || n.Diags.HasErrors()
	e.mu.Lock()
	t.stack = t.stack[:len(t.stack)-1]
	n.owner = nil
	n.state.Store(ready)
	if n.done != nil {
		close(n.done)
	}
	e.mu.Unlock()
}

// await waits for a node that is being evaluated. It is entered with the lock held.
func (e *Evaluator) await(ctx context.Context, t *task, n *Node) {
	if cycle := e.cycle(t, n); cycle != nil {
		e.mu.Unlock()
		t.top().circles = append(t.top().circles, cycleError(cycle)...)
		t.top().Failed = true
		return
	}
	if n.done == nil {
		n.done = make(chan struct{})
	}
	t.waiting = n
	done := n.done
	e.mu.Unlock()
	<-done
	e.mu.Lock()
	t.waiting = nil
	e.mu.Unlock()
}

// top is the node that the task evaluates.
func (t *task) top() *Node {
	if len(t.stack) == 0 {
		panic("eval: invariant broken: a failure without a node under evaluation")
	}
	return t.stack[len(t.stack)-1]
}

// cycle gives the nodes of the circle that waiting for n would close, or nil.
func (e *Evaluator) cycle(t *task, n *Node) []*Node {
	var nodes []*Node
	for target := n; ; {
		owner := target.owner
		if owner == nil {
			return nil
		}
		at := slices.Index(owner.stack, target)
		nodes = append(nodes, owner.stack[at:]...)
		if owner == t {
			return nodes
		}
		if owner.waiting == nil {
			return nil
		}
		target = owner.waiting
	}
}
