package definition

import (
	"fmt"
	"strings"

	"tutti/internal/diag"
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/expression"
)

// The service's limits that a definition, or what is known of its input, can be held to
// before it runs ("Step Functions service quotas" in the developer guide).
const (
	// ServicePayload is how many bytes an input, output or result may have.
	ServicePayload = 256 << 10
	// ServiceEvents is how many events the history of a standard execution may have.
	ServiceEvents = 25_000
	// ServiceDefinition is how many bytes a definition may have.
	ServiceDefinition = 1 << 20
)

// Use is what is known of how a definition is used, to be held against the service's
// limits.
type Use struct {
	// Size is the definition's own size in bytes, Input that of its input; 0 is not known.
	Size, Input int
	// Express says that it is one of an EXPRESS state machine, whose history has no bound.
	Express bool
}

// Strict warns of where the real service's limits could be passed: by the definition
// itself, by its input, by what stands in it, by states that go round, by Maps over
// many items.
func (m *StateMachine) Strict(u Use) []Finding {
	s := &strict{express: u.Express}
	if u.Size > ServiceDefinition {
		s.warn(nil, "The definition has %d bytes, and the service takes %d. Divide it into several state machines.", u.Size, ServiceDefinition)
	}
	if u.Input > ServicePayload {
		s.warn(nil, "The input has %d bytes, and the service takes %d. Put it where the states can read it, such as S3, and hand in where that is.", u.Input, ServicePayload)
	}
	s.machine(m)
	return s.findings
}

type strict struct {
	findings []Finding
	express  bool
}

func (s *strict) warn(at *State, detail string, args ...any) {
	f := Finding{Code: PossibleLimit, Message: fmt.Sprintf(detail, args...)}
	f.Diagnostic = &diag.Diagnostic{Severity: diag.Warning, Headline: "A limit of AWS could be passed", Detail: f.Message}
	if at != nil {
		rng := at.Range
		f.Location, f.Diagnostic.Subject = at.pointer, &rng
	}
	s.findings = append(s.findings, f)
}

func (s *strict) machine(m *StateMachine) {
	for _, st := range m.States {
		s.constants(st)
		if !s.express {
			s.retries(st)
		}
		if st.Map != nil && st.Map.Processor != nil && !st.Map.Distributed && !s.express {
			s.items(st)
		}
		for _, inner := range st.bodies() {
			s.machine(inner)
		}
	}
	if s.express {
		return
	}
	for _, loop := range m.loops() {
		var names []string
		var events int
		for _, st := range loop {
			names = append(names, st.Name)
			events += st.events()
		}
		s.warn(loop[0], "The states %s can come round again and again. A round makes about %d events, so that after some %d rounds the history has the %d that the service takes, and the execution fails. Start a new execution from time to time.",
			strings.Join(names, ", "), events, ServiceEvents/max(events, 1), ServiceEvents)
	}
}

// constants looks at what stands in the definition as it is.
func (s *strict) constants(st *State) {
	tell := func(field string, v any) {
		if data.Size(v, ServicePayload) > ServicePayload {
			s.warn(st, "The %s of state %q alone has more than the %d bytes that the service takes for an input or output.", field, st.Name, ServicePayload)
		}
	}
	for _, f := range []struct {
		name string
		expr expression.Expr
	}{{"Parameters or Arguments", st.Arguments}, {"Output", st.Output}, {"ResultSelector", st.ResultSelector}} {
		if c, ok := f.expr.(expression.Constant); ok {
			tell(f.name, c.Value)
		}
	}
	if st.Pass != nil && st.Pass.HasResult {
		tell("Result", st.Pass.Result)
	}
}

func (s *strict) retries(st *State) {
	const eventsOfAttempt = 3 // scheduled, started, failed
	for _, r := range st.Retry {
		if r.MaxAttempts*eventsOfAttempt > ServiceEvents {
			s.warn(st, "State %q is tried up to %d times. An attempt makes %d events, and the service takes %d in all.", st.Name, r.MaxAttempts, eventsOfAttempt, ServiceEvents)
		}
	}
}

// items looks at an inline Map, whose iterations share the history of the execution.
func (s *strict) items(st *State) {
	events := 2 // of the iteration itself
	st.Map.Processor.Walk(func(inner *State) { events += inner.events() })
	if c, ok := st.Map.Items.(expression.Constant); ok {
		list, _ := c.Value.([]any)
		if len(list)*events <= ServiceEvents {
			return
		}
	}
	s.warn(st, "An iteration of the Map %q makes up to %d events in the execution's own history. With more than some %d items it would have more than the %d that the service takes. A distributed Map gives each item a history of its own.",
		st.Name, events, ServiceEvents/events, ServiceEvents)
}

// events is about how many events a state makes once.
func (st *State) events() int {
	switch st.Type {
	case TypeTask:
		return 5 // entered, scheduled, started, succeeded, exited
	case TypeParallel, TypeMap:
		return 4 // entered, started, succeeded, exited
	default:
		return 2
	}
}

// loops gives the states of each way round, in the order of the file (the strongly
// connected components, by Tarjan's algorithm without recursion).
func (m *StateMachine) loops() [][]*State {
	t := &tarjan{index: map[string]int{}, low: map[string]int{}, waiting: map[string]bool{}}
	for _, st := range m.States {
		if _, seen := t.index[st.Name]; !seen {
			t.visit(m, st)
		}
	}
	var loops [][]*State
	for _, component := range t.components {
		var loop []*State
		for _, st := range m.States {
			if component[st.Name] {
				loop = append(loop, st)
			}
		}
		loops = append(loops, loop)
	}
	return loops
}

// targets are the states that a state can lead to.
func (st *State) targets() []string {
	var names []string
	add := func(name string) {
		if name != "" {
			names = append(names, name)
		}
	}
	add(st.Next)
	if st.Choice != nil {
		for _, r := range st.Choice.Rules {
			add(r.Next)
		}
		add(st.Choice.Default)
	}
	for _, c := range st.Catch {
		add(c.Next)
	}
	return names
}

type tarjan struct {
	index, low map[string]int
	stack      []string
	waiting    map[string]bool
	// components are those in which one can go round.
	components []map[string]bool
}

// step is a state whose targets are being followed.
type step struct {
	state   *State
	targets []string
}

func (t *tarjan) enter(st *State) step {
	t.index[st.Name] = len(t.index)
	t.low[st.Name] = t.index[st.Name]
	t.stack = append(t.stack, st.Name)
	t.waiting[st.Name] = true
	return step{st, st.targets()}
}

func (t *tarjan) visit(m *StateMachine, from *State) {
	path := []step{t.enter(from)}
	for len(path) > 0 {
		top := &path[len(path)-1]
		name := top.state.Name
		if len(top.targets) == 0 {
			t.leave(top.state)
			if path = path[:len(path)-1]; len(path) > 0 {
				above := path[len(path)-1].state.Name
				t.low[above] = min(t.low[above], t.low[name])
			}
			continue
		}
		next := top.targets[0]
		top.targets = top.targets[1:]
		if _, seen := t.index[next]; !seen {
			if st, ok := m.State(next); ok {
				path = append(path, t.enter(st))
			}
		} else if t.waiting[next] {
			t.low[name] = min(t.low[name], t.index[next])
		}
	}
}

// leave closes a component when the state is the first of one.
func (t *tarjan) leave(st *State) {
	name := st.Name
	if t.low[name] != t.index[name] {
		return
	}
	component := map[string]bool{}
	for {
		last := t.stack[len(t.stack)-1]
		t.stack = t.stack[:len(t.stack)-1]
		t.waiting[last] = false
		component[last] = true
		if last == name {
			break
		}
	}
	if len(component) > 1 || contains(st.targets(), name) {
		t.components = append(t.components, component)
	}
}
