package execution

import (
	"fmt"

	"tutti/internal/flow"
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/definition"
)

// group is what a Parallel or Map has under way.
type group struct {
	// children are the branches, or the iterations that have begun, by their index;
	// nil once they succeeded.
	children []*scope
	results  []any
	// running is how many go on; began how many have begun.
	running, began int
	// limit is how many iterations may go on at once; 0 is any number.
	limit int
	// items are an inline Map's.
	items []any
	// mapRun is the child machine of a distributed Map; arn its name.
	mapRun flow.ID
	arn    string
	// child is how that was started, for a redrive.
	child *flow.StartChild
	// run is set in the machine of a map run.
	run *mapRun
}

// isMapRun reports whether the state is the Map that this machine runs the items of.
func (f *frame) isMapRun() bool { return f.group != nil && f.group.run != nil }

// open gives the children that have not succeeded, in order.
func (g *group) open() []*scope {
	if g.run != nil {
		return g.run.open()
	}
	var open []*scope
	for _, s := range g.children {
		if s != nil && !s.done {
			open = append(open, s)
		}
	}
	return open
}

// runParallel begins all branches.
func (m *Machine) runParallel(f *frame) {
	input := f.effective
	var err error
	if f.state.Arguments != nil {
		if input, err = f.state.Arguments.Eval(m.scopeOf(f, f.effective)); err != nil {
			m.fail(f, asFailure(err))
			return
		}
	}
	branches := f.state.Parallel.Branches
	f.group = &group{children: make([]*scope, len(branches)), results: make([]any, len(branches)), running: len(branches), began: len(branches)}
	m.note(f.scope, "ParallelStateStarted", nil)
	for i, body := range branches {
		s := m.child(f, body, i)
		f.group.children[i] = s
		m.to(s, body.StartAt, input)
	}
}

// child makes a scope inside a state.
func (m *Machine) child(f *frame, body *definition.StateMachine, index int) *scope {
	outer := f.scope
	return &scope{body: body, owner: f, index: index, variables: &variables{outer: outer.variables}, who: outer.who, item: outer.item,
		history: outer.history, previous: outer.previous}
}

// runMap begins the iterations of an inline Map, or the map run of a distributed one.
func (m *Machine) runMap(f *frame) {
	if f.state.Map.Distributed {
		m.startMapRun(f)
		return
	}
	items, why := m.items(f)
	if why != nil {
		m.fail(f, *why)
		return
	}
	limit, why := m.concurrency(f)
	if why != nil {
		m.fail(f, *why)
		return
	}
	f.group = &group{children: make([]*scope, len(items)), results: make([]any, len(items)), items: items, limit: int(limit)}
	m.note(f.scope, "MapStateStarted", func() *data.Object { return data.ObjectOf(data.Member{Key: "length", Value: float64(len(items))}) })
	if len(items) == 0 {
		m.groupSucceeded(f)
		return
	}
	m.pump(f)
}

func (m *Machine) concurrency(f *frame) (int64, *failure) {
	if f.state.Map.MaxConcurrency == nil {
		return 0, nil
	}
	return m.whole(f, f.state.Map.MaxConcurrency, "MaxConcurrency", 0)
}

// items evaluates the list of an inline Map.
func (m *Machine) items(f *frame) ([]any, *failure) {
	v := f.effective
	if e := f.state.Map.Items; e != nil {
		var err error
		if v, err = e.Eval(m.scopeOf(f, f.effective)); err != nil {
			why := asFailure(err)
			return nil, &why
		}
	}
	list, ok := v.([]any)
	if !ok {
		return nil, &failure{name: f.typeError(), cause: fmt.Sprintf("The items of the Map state '%s' must be an array, and are of type %s",
			f.state.Name, data.Kind(v))}
	}
	return list, nil
}

// pump begins iterations of an inline Map while there are items and there is room.
func (m *Machine) pump(f *frame) {
	g := f.group
	for g.began < len(g.items) && (g.limit == 0 || g.running < g.limit) {
		i := g.began
		g.began++
		g.running++
		s := m.child(f, f.state.Map.Processor, i)
		s.item = &item{index: int64(i), value: g.items[i]}
		g.children[i] = s
		m.noteIteration(s, "MapIterationStarted")
		input, err := m.selectItem(f, s)
		if err != nil {
			m.childFailed(s, asFailure(err))
			return
		}
		m.to(s, s.body.StartAt, input)
	}
}

// selectItem gives an iteration's input: the item, or what ItemSelector makes of it.
func (m *Machine) selectItem(f *frame, s *scope) (any, error) {
	if f.state.Map.Selector == nil {
		return s.item.value, nil
	}
	sc := m.scopeOf(f, f.effective)
	sc.Context = sc.Context.With("Map", s.item.context())
	return f.state.Map.Selector.Eval(sc)
}

// childSucceeded takes a branch's or iteration's output.
func (m *Machine) childSucceeded(s *scope, output any) {
	f := s.owner
	if f.isMapRun() {
		m.itemSucceeded(s, output)
		return
	}
	g := f.group
	g.results[s.index], g.children[s.index] = output, nil
	g.running--
	if g.items != nil {
		m.noteIteration(s, "MapIterationSucceeded")
		m.pump(f)
	}
	if g.running == 0 && f.group == g && (g.items == nil || g.began == len(g.items)) {
		m.groupSucceeded(f)
	}
}

func (m *Machine) groupSucceeded(f *frame) {
	g := f.group
	f.group = nil
	m.note(f.scope, string(f.state.Type)+"StateSucceeded", nil)
	result := g.results
	m.leave(f, outcome{result: result}, f.state.Next, f.state.Assign)
}

// childFailed fails the whole state; its other branches or iterations are given up.
func (m *Machine) childFailed(s *scope, why failure) {
	f := s.owner
	if f.isMapRun() {
		m.itemFailed(s, why)
		return
	}
	s.dropped = true
	if f.group.items != nil {
		m.noteIteration(s, "MapIterationFailed")
	}
	for _, other := range f.group.open() {
		m.abort(other, why.name)
	}
	why.branch = true
	m.fail(f, why)
}
