package execution

import (
	"encoding/json"
	"time"

	"tutti/internal/flow"
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/definition"
)

// scope is a state machine's body being carried out: the execution itself, a branch
// of a Parallel, an iteration of a Map.
type scope struct {
	body  *definition.StateMachine
	owner *frame // the Parallel or Map; nil for the execution
	index int    // which branch or iteration
	// next and input are set while the scope waits for its turn to enter a state.
	next  string
	input any
	// frame is the state that it is in.
	frame     *frame
	variables *variables
	who       *identity
	item      *item
	history   *history
	previous  int64 // the latest event of this scope
	// unborn is why the input of a map run's item could not be made.
	unborn *failure
	// done is set at its end; dropped when it was aborted.
	done, dropped bool
}

// item is what an iteration of a Map works on: $$.Map.Item.
type item struct {
	index int64
	key   *string
	value any
	// source tells where a distributed Map's items come from; "" inline.
	source string
}

// frame is one state being carried out.
type frame struct {
	scope *scope
	state *definition.State
	// input is the state's own, effective what InputPath leaves of it.
	input, effective any
	entered          time.Time
	enteredID        int64
	retrying
	call  *calling
	group *group
}

// retrying counts a state's attempts.
type retrying struct {
	used    []int64 // attempts used of each retrier
	retries int64   // $$.State.RetryCount
	backoff flow.ID
}

// variables are those that Assign has set in one scope. A value that is read is the
// innermost.
type variables struct {
	outer  *variables
	values *data.Object
}

func (v *variables) get(name string) (any, bool) {
	for ; v != nil; v = v.outer {
		if value, ok := v.values.Get(name); ok {
			return value, true
		}
	}
	return nil, false
}

func (v *variables) set(values *data.Object) {
	all := data.NewObject(v.values.Len() + values.Len())
	for _, m := range v.values.Members() {
		all.Set(m.Key, m.Value)
	}
	for _, m := range values.Members() {
		all.Set(m.Key, m.Value)
	}
	v.values = all
}

// take sets the variables of a JSON object; anything else is none.
func (v *variables) take(raw json.RawMessage) {
	if value, err := data.Decode(raw); err == nil {
		if o, ok := value.(*data.Object); ok {
			v.set(o)
		}
	}
}

// all gives every variable that can be read here, outer ones first.
func (v *variables) all() *data.Object {
	if v == nil {
		return &data.Object{}
	}
	o := v.outer.all()
	for _, m := range v.values.Members() {
		o.Set(m.Key, m.Value)
	}
	return o
}

// outermost gives the scope of the execution.
func (s *scope) outermost() *scope {
	for s.owner != nil && s.who == s.owner.scope.who {
		s = s.owner.scope
	}
	return s
}

// to has the scope enter a state when it is its turn.
func (m *Machine) to(s *scope, state string, input any) {
	s.next, s.input, s.frame = state, input, nil
	m.ready = append(m.ready, s)
}

// abort gives up a scope and everything in it: its activities are cancelled, its
// jobs stopped, its timers taken back. What it was doing is kept for a redrive.
func (m *Machine) abort(s *scope, reason string) {
	if s.done || s.dropped {
		return
	}
	s.dropped = true
	f := s.frame
	if f == nil {
		return
	}
	m.drop(&f.backoff)
	m.abandonCall(f, reason)
	if f.group != nil {
		for _, child := range f.group.open() {
			m.abort(child, reason)
		}
		m.cancelMapRun(f)
	}
	m.noteStateAborted(s, f)
}
