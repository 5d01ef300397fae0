package execution

import (
	"encoding/json"
	"fmt"
	"time"

	"tutti/internal/flow"
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/definition"
)

// Limits of this package.
const (
	// DefaultPayload is the size in bytes of a state's input, result or output unless
	// Limits say otherwise.
	DefaultPayload = 64 << 20
	// DefaultEvents is how many events a history may have unless Limits say otherwise.
	DefaultEvents = 100_000_000
	// maxTransitions is how many states are entered for one event. A machine that has
	// more to do gives itself a timer that is due at once, so that a loop of states can
	// be stopped and does not hold up the journal.
	maxTransitions = 10_000
)

// Machine carries out one execution, or one map run. It is a flow.Machine.
type Machine struct {
	def    *definition.StateMachine
	start  Start
	began  time.Time
	now    time.Time
	random random
	lastID flow.ID
	// waits tells which state waits for an answer or a timer.
	waits map[flow.ID]wait
	// tokens are the open task tokens, and gone those that timed out.
	tokens map[string]*frame
	gone   map[string]bool
	// calls counts the calls of each state, for mocks that answer one after the other.
	calls map[string]int64
	// ready are the scopes that have a state to enter, in their order.
	ready []*scope
	yield flow.ID
	out   []flow.Command
	root  *scope
	chronicle
	ending
	pause
}

// wait is who is told of an answer.
type wait struct {
	id    flow.ID
	frame *frame // nil where the machine itself waits
	what  awaited
	// part is set for partWritten.
	part part
	// do is the activity that is awaited, so that it can be asked for again; its ID is
	// 0 for a timer or a child. child is the child.
	do    flow.Do
	child *flow.StartChild
	// calledOff says that a pause has asked it to stop.
	calledOff bool
}

// answer is what came for an outstanding activity, timer or child.
type answer struct {
	output  json.RawMessage
	failure *flow.Failure
}

// ending is how an execution comes to its end.
type ending struct {
	// end is the command that ends the machine; it waits for obligations.
	end flow.Command
	// obligations are activities that must be over first: stops of jobs, and submits
	// whose job is to be stopped when it is known.
	obligations map[flow.ID]obligation
	// owed are stops that were cut off: they are asked for again when the machine is
	// taken up, or asked to end once more.
	owed     []flow.Do
	ended    bool
	timeout  flow.ID
	redrives int64
	redriven time.Time
}

var _ flow.Machine = (*Machine)(nil)

// New gives the machine for a definition. The definition is checked: the machine
// panics where it breaks a rule that package definition holds.
func New(def *definition.StateMachine) *Machine {
	return &Machine{def: def, waits: map[flow.ID]wait{}, tokens: map[string]*frame{}, gone: map[string]bool{}, calls: map[string]int64{},
		ending: ending{obligations: map[flow.ID]obligation{}}}
}

// Handle implements flow.Machine.
func (m *Machine) Handle(e flow.Event) []flow.Command {
	m.now, m.out = e.When(), nil
	switch e := e.(type) {
	case flow.Started:
		m.begin(e)
	case flow.ActivityDone:
		m.answered(e.ID, answer{output: e.Output})
	case flow.ActivityFailed:
		m.answered(e.ID, answer{failure: &e.Failure})
	case flow.TimerFired:
		m.fired(e.ID)
	case flow.ChildDone:
		m.answered(e.ID, answer{output: e.Output, failure: e.Failure})
	case flow.Signaled:
		m.signaled(e)
	case flow.CancelRequested:
		m.repay()
		m.stop(e.Reason)
	default:
		panic(fmt.Sprintf("execution: invariant broken: an event of type %T", e))
	}
	m.advance()
	m.rest()
	m.finish()
	return m.out
}

// begin enters the first state.
func (m *Machine) begin(e flow.Started) {
	m.began = e.At
	m.random = random{state: uint64(e.Seed)}
	if err := json.Unmarshal(e.Input, &m.start); err != nil {
		m.over(flow.Failure{Kind: flow.Terminal, Code: Runtime, Message: "the start of the execution cannot be read: " + err.Error()})
		return
	}
	if m.start.MapRun != nil {
		m.beginMapRun()
		return
	}
	input, err := decode(m.start.Input)
	if err != nil {
		m.over(flow.Failure{Kind: flow.Terminal, Code: Runtime, Message: "the input is " + err.Error()})
		return
	}
	m.root = &scope{body: m.def, variables: &variables{}, who: m.identity(input), history: &history{}}
	m.noteStarted(m.root, input)
	m.limitTime()
	m.enterFirst(m.root, input)
}

// limitTime lets the execution end after its TimeoutSeconds, or its limit when that is
// shorter. They count anew from a redrive (developer guide, "Redriving executions").
func (m *Machine) limitTime() {
	m.drop(&m.timeout)
	if seconds, _ := m.seconds(); seconds > 0 {
		m.timeout = m.timer(nil, time.Duration(seconds)*time.Second, executionLate)
	}
}

// seconds is how long the execution may take, 0 for as long as it likes, and what is said
// when it took longer.
func (m *Machine) seconds() (n int64, late string) {
	n, late = m.def.TimeoutSeconds, TimedOut
	if limit := m.start.Limits.Seconds; limit > 0 && (n == 0 || limit < n) {
		n, late = limit, PastLimit
	}
	return n, late
}

// enterFirst enters StartAt, or the state that the start names instead.
func (m *Machine) enterFirst(s *scope, input any) {
	from := s.body.StartAt
	if m.start.From != "" {
		from = m.start.From
		if _, ok := s.body.State(from); !ok {
			m.over(flow.Failure{Kind: flow.Terminal, Code: Runtime, Message: fmt.Sprintf("there is no state %q to start from", from)})
			return
		}
		s.variables.take(m.start.Variables)
	}
	m.to(s, from, input)
}

// advance enters states until all wait, or the event has done enough.
func (m *Machine) advance() {
	for n := 0; len(m.ready) > 0 && m.end == nil && !m.pausing; n++ {
		if n >= maxTransitions {
			if m.yield == 0 {
				m.yield = m.timer(nil, 0, yieldOver)
			}
			return
		}
		s := m.ready[0]
		m.ready[0] = nil
		m.ready = m.ready[1:]
		if !s.dropped {
			m.enter(s)
		}
	}
	if len(m.ready) == 0 {
		m.ready = nil
	}
}

// finish ends the machine when its end is known and nothing is owed to the world.
func (m *Machine) finish() {
	if m.end == nil || m.ended || len(m.obligations)+len(m.owed) > 0 {
		return
	}
	m.ended = true
	m.out = append(m.out, m.end)
}

// terminate ends the execution for good (StopExecution).
func (m *Machine) terminate(name, cause string) {
	m.abort(m.root, name)
	m.noteAborted(m.root, name, cause)
	m.over(flow.Failure{Kind: flow.Cancelled, Code: name, Message: cause})
}

// over notes how the execution ends, once.
func (m *Machine) over(f flow.Failure) {
	if m.end == nil {
		m.end = flow.Fail{Failure: f}
	}
}

// answered tells whoever waits for it.
func (m *Machine) answered(id flow.ID, a answer) {
	if o, owed := m.obligations[id]; owed {
		delete(m.obligations, id)
		m.settleObligation(o, a)
		return
	}
	w, ok := m.waits[id]
	if !ok {
		return
	}
	delete(m.waits, id)
	delete(m.doubts, id)
	// A map run may have stopped for a reason that a crash has made us forget; what had not
	// begun when its runtime stopped is asked for again.
	if (m.pausing || w.calledOff || w.child != nil || w.do.ID != 0 && notBegun(a)) && m.putOff(w, a) {
		return
	}
	m.tell(w, a)
}

func notBegun(a answer) bool {
	return a.failure != nil && a.failure.Kind == flow.Cancelled && a.failure.Code == flow.CodeNotStarted
}

func (m *Machine) fired(id flow.ID) { m.answered(id, answer{}) }

// id gives a number that was not used before.
func (m *Machine) id() flow.ID { m.lastID++; return m.lastID }

// do asks for an activity and says who takes the answer.
func (m *Machine) do(f *frame, activity string, input any, idempotent bool, what awaited) flow.ID {
	id := m.id()
	d := flow.Do{ID: id, Activity: activity, Input: encode(input), Idempotent: idempotent}
	m.waits[id] = wait{id: id, frame: f, what: what, do: d}
	m.out = append(m.out, d)
	return id
}

// timer asks to be told after a while.
func (m *Machine) timer(f *frame, after time.Duration, what awaited) flow.ID {
	return m.timerAt(f, m.now.Add(after), what)
}

func (m *Machine) timerAt(f *frame, at time.Time, what awaited) flow.ID {
	id := m.id()
	m.waits[id] = wait{id: id, frame: f, what: what}
	m.out = append(m.out, flow.SetTimer{ID: id, At: at})
	return id
}

// drop takes a timer back and forgets who waited.
func (m *Machine) drop(timer *flow.ID) {
	if *timer == 0 {
		return
	}
	if _, ok := m.waits[*timer]; ok {
		delete(m.waits, *timer)
		m.out = append(m.out, flow.CancelTimer{ID: *timer})
	}
	*timer = 0
}

// stopReason is the reason of a CancelRequested that ends the execution for good.
type stopReason struct {
	Error string `json:"error,omitempty"`
	Cause string `json:"cause,omitempty"`
}

// stop is asked from outside. A reason that is JSON, {"error":...,"cause":...}, is
// StopExecution: everything is given up. Any other pauses the execution.
func (m *Machine) stop(reason string) {
	if m.end != nil || m.root == nil {
		return
	}
	var why stopReason
	if json.Unmarshal([]byte(reason), &why) == nil {
		m.terminate(why.Error, why.Cause)
		return
	}
	m.beginPause(reason)
}

// executionTimedOut is told when TimeoutSeconds of the whole machine are over.
func (m *Machine) executionTimedOut() {
	m.timeout = 0
	m.abort(m.root, Timeout)
	m.note(m.root, "ExecutionTimedOut", failed(Timeout, "")) // the service gives neither
	_, late := m.seconds()
	m.over(flow.Failure{Kind: flow.Terminal, Code: Timeout, Message: late})
}

// The messages of the failure of an execution that took longer than its TimeoutSeconds,
// or than its Limits.Seconds.
const (
	TimedOut  = "The execution took longer than its TimeoutSeconds."
	PastLimit = "The execution took longer than the time that it was given."
)

// IsTimedOut tells the failure of an execution that took too long itself from one that a
// state's timeout caused.
func IsTimedOut(code, message string) bool {
	return code == Timeout && (message == TimedOut || message == PastLimit)
}

func decode(raw json.RawMessage) (any, error) {
	if len(raw) == 0 {
		return &data.Object{}, nil
	}
	return data.Decode(raw)
}

func encode(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("execution: invariant broken: %T is not JSON: %v", v, err))
	}
	return raw
}
