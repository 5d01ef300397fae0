// Package planner turns objects, a state and what drivers answer into a plan.
//
// In: the root namespace of a stack, the rows of its state and the user's options.
// Out: an object.Plan, whose actions form a graph with edges between instances,
// and diagnostics. It reaches the world only through drivers, concurrently within
// the given parallelism; it has no clock, makes no IDs and writes nothing. It must
// not know any language or store.
//
// Files: planner.go the request and the order of work, instance.go one instance's
// change, row.go the state's rows and where they moved, destroy.go what is to go,
// rollback.go, graph.go the actions and their edges, order.go the edges of what
// ends, output.go.
package planner

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/eval"
	"tutti/internal/object"
)

// DefaultParallelism is how many drivers are asked at the same time.
const DefaultParallelism = 10

// Request is all that a plan is made from.
type Request struct {
	Root    object.Namespace
	State   State
	Orphans OrphanDrivers
	// Moves, Removals and Imports come from the files, in their order.
	Moves    []object.Move
	Removals []object.Removal
	Imports  []object.Import
	Options  Options
}

// State is what a store gave, all as of one moment.
type State struct {
	Serial  int64
	Rows    []*object.State
	Outputs []*object.OutputState
}

// OrphanDrivers gives the driver of a row whose block is gone. It may evaluate a
// provider's configuration in the scope. A nil driver without errors means that it
// is not known before apply.
type OrphanDrivers interface {
	DriverOf(ctx context.Context, s object.Scope, row *object.State) (object.Driver, diag.List)
}

// Options are the user's. The zero value plans everything with a refresh.
type Options struct {
	Mode object.Mode
	// SkipRefresh takes the state's values for what is there.
	SkipRefresh bool
	Targets     []addr.Target
	Excludes    []addr.Target
	Replace     []addr.Instance
	// Done holds what earlier phases of the same command have carried out: Replace
	// asks for it no more.
	Done map[addr.Instance]bool
	// Parallelism is how many drivers are asked at a time; 0 is DefaultParallelism.
	Parallelism int
	// Time is when planning starts.
	Time time.Time
	// Variables are kept in the plan.
	Variables map[string]cty.Value
	// Restore is what a plan in Rollback mode brings back.
	Restore *Restore
	// Validate evaluates everything with unknown results and asks no driver to plan.
	Validate bool
}

// planner is the work on one request.
type planner struct {
	req   Request
	eval  *eval.Evaluator
	rows  *rows
	slots chan struct{}

	mu      sync.Mutex
	changes []*object.PlannedChange
	drift   []object.PlannedChange
	data    []object.DataValue
	byAddr  map[addr.Instance]*object.PlannedChange
	reads   map[addr.Object]bool
	// createFirst are the instances whose blocks say create_before_destroy.
	createFirst map[addr.Instance]bool
	objects     int
	diags       diag.List

	choice *choice
	// closed is set when nothing more is planned: an instance that was not looked
	// at by then is left out.
	closed bool
	held   held
	// later are the old objects that would end if they were not held.
	later []object.Deferred
	// unserved are rows without a block whose provider's configuration waits.
	unserved []*row
	notes    []string
}

// Plan makes the plan. It is given beside errors too, as far as it came.
func Plan(ctx context.Context, req Request) (*object.Plan, diag.List) {
	if req.Options.Parallelism <= 0 {
		req.Options.Parallelism = DefaultParallelism
	}
	p := &planner{
		req: req, slots: make(chan struct{}, req.Options.Parallelism),
		byAddr: map[addr.Instance]*object.PlannedChange{}, reads: map[addr.Object]bool{},
		createFirst: map[addr.Instance]bool{},
	}
	p.eval = eval.New(req.Root, (*source)(p))
	var d diag.List
	p.rows, d = indexRows(req)
	p.diags = append(p.diags, d...)
	p.choice = newChoice(&p.req.Options, p.rows)
	if req.Options.Mode == object.Rollback {
		p.rollback(ctx)
	} else {
		p.eval.All(ctx, p.filter())
		p.orphans(ctx)
		p.reachedOutputs(ctx)
	}
	plan := p.assemble(ctx)
	p.diags = append(p.diags, p.eval.Close(ctx)...)
	if err := ctx.Err(); err != nil {
		p.diags = append(p.diags, diag.Errorf(nil, "Planning was interrupted", "No plan was made and nothing was changed.")...)
	}
	p.diags = append(p.diags, p.eval.Diags()...)
	return plan, p.diags.Sorted()
}

// call holds one of the slots for questions to drivers.
func (p *planner) call(ctx context.Context, f func()) bool {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
		f()
		return true
	case <-ctx.Done():
		return false
	}
}

// add takes a change into the plan.
func (p *planner) add(c *object.PlannedChange) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changes = append(p.changes, c)
	if c.Deposed == "" {
		p.byAddr[c.Addr] = c
	}
}

func (p *planner) read(o addr.Object) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reads[o] = true
	p.objects++
}

// assemble sorts what was found and builds the graph.
func (p *planner) assemble(ctx context.Context) *object.Plan {
	slices.SortFunc(p.changes, func(a, b *object.PlannedChange) int { return compareChange(*a, *b) })
	slices.SortFunc(p.drift, compareChange)
	plan := &object.Plan{
		Mode: p.req.Options.Mode, Serial: p.req.State.Serial, Drift: p.drift, Data: p.data,
		Variables: p.req.Options.Variables, Time: p.req.Options.Time, Objects: p.objects,
		Targeted: len(p.req.Options.Targets)+len(p.req.Options.Excludes) > 0,
	}
	for o := range p.reads {
		plan.Reads = append(plan.Reads, o)
	}
	slices.SortFunc(plan.Reads, func(a, b addr.Object) int { return a.Instance(addr.NoKey).Compare(b.Instance(addr.NoKey)) })
	slices.SortFunc(plan.Data, func(a, b object.DataValue) int { return a.Addr.Compare(b.Addr) })
	if p.req.Options.Validate {
		plan.Deferred = p.deferred()
		return plan
	}
	g := newGraph(p, plan)
	plan.Deferred, plan.Notes = p.deferred(), p.notes
	plan.Outputs = p.outputs(ctx, g)
	g.finish()
	return plan
}

func compareChange(a, b object.PlannedChange) int {
	if c := a.Addr.Compare(b.Addr); c != 0 {
		return c
	}
	if a.Deposed < b.Deposed {
		return -1
	}
	return 1
}

// deferred lists what must wait for a later phase, with what it waits for.
func (p *planner) deferred() []object.Deferred {
	var out []object.Deferred
	p.eval.Nodes(func(n *eval.Node) {
		if !n.Deferred || n.Failed {
			return
		}
		obj := p.eval.Object(n.Addr.Object)
		if _, driven := obj.(object.Driven); !driven && !(n.Kind == eval.Expansion && n.DeferReason != "") {
			return
		}
		switch n.Kind {
		case eval.Expansion:
			if n.DeferReason != "" || len(n.Deps) > 0 {
				out = append(out, object.Deferred{Addr: n.Addr.Object, Reason: reasonOf(n), On: p.causes(n)})
			}
		case eval.Instance:
			if !expansionDeferred(n) {
				out = append(out, object.Deferred{Addr: n.Addr.Object, Key: n.Addr.Key, Reason: reasonOf(n), On: p.causes(n)})
			}
		}
	})
	out = append(out, p.later...)
	slices.SortFunc(out, func(a, b object.Deferred) int { return a.Addr.Instance(a.Key).Compare(b.Addr.Instance(b.Key)) })
	return out
}

func expansionDeferred(n *eval.Node) bool {
	for _, d := range n.Deps {
		if d.Kind == eval.Expansion && d.Deferred && d.Addr.Object == n.Addr.Object {
			return true
		}
	}
	return false
}

func reasonOf(n *eval.Node) string {
	if n.DeferReason != "" {
		return n.DeferReason
	}
	return "it uses something that waits itself"
}

// causes are the changing instances that the node's unknown comes from.
func (p *planner) causes(n *eval.Node) []addr.Instance {
	const enough = 8
	var out []addr.Instance
	seen := map[*eval.Node]bool{}
	var visit func(*eval.Node)
	visit = func(m *eval.Node) {
		if seen[m] || len(out) == enough {
			return
		}
		seen[m] = true
		if m != n && m.Kind == eval.Instance && p.byAddr[m.Addr] != nil {
			if m.Value != cty.NilVal && !m.Value.IsWhollyKnown() {
				out = append(out, m.Addr)
			}
			return
		}
		for _, d := range m.Deps {
			visit(d)
		}
	}
	visit(n)
	slices.SortFunc(out, addr.Instance.Compare)
	return out
}

// deposedKey makes the key of a row that steps aside for its replacement: it need
// only differ from those that the address has already.
func deposedKey(taken map[string]bool) string {
	for n := 1; ; n++ {
		k := strconv.FormatInt(int64(n), 16)
		k = "00000000"[:8-len(k)] + k
		if !taken[k] {
			return k
		}
	}
}
