// Package apply is the machine that carries out a plan's graph of actions.
//
// In: Started with an Input (the graph as text), the answers of activities, and
// signals from people. Out: one activity an action, in the order of their numbers,
// as soon as what they need is done and never more than the parallelism at once.
// What an action does is the worker's matter (package activity): the machine
// knows the action's number, what it needs and whether it is an approval.
//
//	activity  input                       for
//	change    {"action":4}                every action but joins and approvals
//	ask       {"action":4}                an approval whose needs are done; output: AskOutput
//	answer    AnswerInput                 an approval that was decided; stores the row
//
// A change whose work has many steps answers with a ChangeOutput: then a child
// machine does it, and change is asked for once more, with what came of the child.
//
// A failed action skips whatever needs it, directly or not, and nothing else. A
// CancelRequested lets nothing new out, awaits what runs and ends in a Fail of
// kind Cancelled; flow.SignalResume takes it up again.
//
// The machine is deterministic and does no I/O. Start at Handle; approval.go has
// the approvals, child.go the children, graph.go the edges, report.go what became of
// each action.
package apply

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"tutti/internal/flow"
	"tutti/internal/object"
)

// DefaultParallelism is how many activities are out at once when Input does not
// say.
const DefaultParallelism = 10

// The names of the machine's activities.
const (
	ActivityChange = "change"
	ActivityAsk    = "ask"
	ActivityAnswer = "answer"
)

// The codes of the failures that the machine itself gives.
const (
	CodeActionsFailed = "ActionsFailed" // the run ended and something in it failed
	CodeStopped       = "Stopped"       // the run stopped in order and can be resumed
	CodeInvalidInput  = "InvalidInput"  // the graph cannot be carried out
	CodeInvalidOutput = "InvalidOutput" // a worker's answer makes no sense
	CodeRejected      = "Rejected"      // an approval was refused
)

// Input is what the machine is started with.
type Input struct {
	// Actions is the graph as object.Print writes it.
	Actions string `json:"actions"`
	// Parallelism is how many activities may be out at once; 0 is
	// DefaultParallelism.
	Parallelism int `json:"parallelism,omitempty"`
}

// ChangeInput is the input of the activities change and ask.
type ChangeInput struct {
	Action int `json:"action"`
	// Child is what came of the child that the same action asked for.
	Child *ChildResult `json:"child,omitempty"`
}

// Output is the result of a run of which nothing failed.
type Output struct {
	Done    int `json:"done"`
	Failed  int `json:"failed"`
	Skipped int `json:"skipped"`
}

// Machine carries out one graph. It is used by one goroutine at a time.
type Machine struct {
	graph graph
	nodes []node
	// ready holds the actions that could go out now.
	ready queue
	limit int
	mode  mode
	// running counts the activities that are out and take one of limit's places;
	// parked those that are out and in doubt; asked the approvals that wait for a
	// person; children the actions that a child carries out.
	running, parked, asked, children int
	// open counts the actions that have not come to an end, joins included.
	open  int
	tally Output
	out   []flow.Command
}

var _ flow.Machine = (*Machine)(nil)

// New gives a machine that has not started.
func New() *Machine { return &Machine{} }

// mode is where the machine as a whole is.
type mode uint8

const (
	unborn   mode = iota
	going         // actions go out
	stopping      // nothing goes out; what runs is awaited
	stopped       // ended by a cancel; can be resumed
	ended         // completed or failed; nothing follows
)

// phase is where one action is.
type phase uint8

const (
	waiting   phase = iota // something that it needs is not done
	ready                  // in the queue
	out                    // its change, or an approval's ask, is out
	asked                  // an approval that waits for a person
	answering              // an approval's answer is out, or the change after a child
	done
	failed
	skipped
	cancelled // cut off while stopping
	inChild   // a child carries it out
)

// node is what the machine knows of one action.
type node struct {
	phase  phase
	parked bool
	// missing counts the needs that are not done.
	missing int32
	// attempt grows when the action is done again after a stop, so that every
	// activity has an ID of its own.
	attempt int32
	// because is the number of the failed action that this one was skipped for.
	because  int32
	failure  *flow.Failure
	approval *approval
	work     *work
	// began and finished are times of events.
	began, finished time.Time
}

// Handle implements flow.Machine. Answers to activities that are not out (given
// twice, or for an attempt that was given up) change nothing.
func (m *Machine) Handle(e flow.Event) []flow.Command {
	m.out = nil
	if m.mode == ended {
		return nil
	}
	switch e := e.(type) {
	case flow.Started:
		m.start(e)
	case flow.ActivityDone:
		m.activityDone(e)
	case flow.ActivityFailed:
		m.activityFailed(e)
	case flow.TimerFired:
		m.timerFired(e)
	case flow.Signaled:
		m.signaled(e)
	case flow.CancelRequested:
		if m.mode == going {
			m.mode = stopping
			m.stopChildren()
		}
	case flow.ChildDone:
		m.childDone(e)
	default:
		panic(fmt.Sprintf("apply: an event of unknown type %T", e))
	}
	m.advance(e.When())
	return m.out
}

func (m *Machine) emit(c flow.Command) { m.out = append(m.out, c) }

func (m *Machine) start(e flow.Started) {
	if m.mode != unborn {
		return
	}
	var in Input
	err := json.Unmarshal(e.Input, &in)
	if err == nil {
		m.graph, err = newGraph(in.Actions)
	}
	if err != nil {
		m.mode, m.graph = ended, graph{}
		m.emit(flow.Fail{Failure: flow.Failure{Kind: flow.Terminal, Code: CodeInvalidInput, Message: err.Error()}})
		return
	}
	m.limit = in.Parallelism
	if m.limit < 1 {
		m.limit = DefaultParallelism
	}
	m.mode = going
	m.open = len(m.graph.actions)
	m.nodes = make([]node, m.open)
	for i := range m.graph.actions {
		m.nodes[i].missing = int32(len(m.graph.actions[i].Needs))
	}
	for i := range m.graph.actions {
		// A join that is done at once may have made this one ready already.
		if m.nodes[i].missing == 0 && m.nodes[i].phase == waiting {
			m.unblocked(int32(i), e.At)
		}
	}
}

// unblocked is called when all needs of a waiting action are done.
func (m *Machine) unblocked(i int32, at time.Time) {
	if free(m.graph.actions[i].Verb) {
		m.nodes[i].began = at
		m.finish(i, at)
		return
	}
	m.enqueue(i)
}

func (m *Machine) enqueue(i int32) {
	m.nodes[i].phase = ready
	m.ready.push(i)
}

// free actions are done by the machine itself.
func free(v object.Verb) bool { return v == object.Join || v == object.NoOp }

// finish marks an action done, and the joins that this completes. The list
// stands in for recursion: joins may form long chains.
func (m *Machine) finish(i int32, at time.Time) {
	list := []int32{i}
	for len(list) > 0 {
		i := list[len(list)-1]
		list = list[:len(list)-1]
		n := &m.nodes[i]
		n.phase, n.finished = done, at
		m.open--
		if !free(m.graph.actions[i].Verb) {
			m.tally.Done++
		}
		for _, d := range m.graph.dependents(i) {
			dn := &m.nodes[d]
			dn.missing--
			if dn.missing > 0 || dn.phase != waiting {
				continue
			}
			if free(m.graph.actions[d].Verb) {
				dn.began = at
				list = append(list, d)
			} else {
				m.enqueue(d)
			}
		}
	}
}

// fail marks an action failed and skips all that needs it, directly or not.
func (m *Machine) fail(i int32, f flow.Failure, at time.Time) {
	n := &m.nodes[i]
	n.phase, n.failure, n.finished = failed, &f, at
	m.open--
	m.tally.Failed++
	list := []int32{i}
	for len(list) > 0 {
		at := list[len(list)-1]
		list = list[:len(list)-1]
		for _, d := range m.graph.dependents(at) {
			dn := &m.nodes[d]
			if dn.phase == skipped {
				continue
			}
			if dn.phase != waiting {
				panic(fmt.Sprintf("apply: invariant broken: action #%d went out before #%d that it needs was done", d+1, at+1))
			}
			dn.phase, dn.because = skipped, i+1
			m.open--
			if !free(m.graph.actions[d].Verb) {
				m.tally.Skipped++
			}
			list = append(list, d)
		}
	}
}

// advance sends what may go out, and ends the run when there is nothing left.
func (m *Machine) advance(at time.Time) {
	for m.mode == going && m.running < m.limit && len(m.ready) > 0 {
		m.send(m.ready.pop(), at)
	}
	switch {
	case m.mode != going && m.mode != stopping:
	case m.open == 0:
		m.mode = ended
		m.emit(m.result())
	case m.mode == stopping && m.running+m.children == 0:
		m.mode = stopped
		m.emit(flow.Fail{Failure: flow.Failure{Kind: flow.Cancelled, Code: CodeStopped, Message: fmt.Sprintf(
			"stopped: %s, %d not carried out", m.counts(), m.openVisible())}})
	case m.mode == going && m.running+m.parked+m.asked+m.children == 0:
		panic(fmt.Sprintf("apply: invariant broken: %d actions are open and nothing is under way", m.open))
	}
}

func (m *Machine) result() flow.Command {
	if m.tally.Failed > 0 {
		return flow.Fail{Failure: flow.Failure{Kind: flow.Terminal, Code: CodeActionsFailed, Message: m.counts()}}
	}
	text, err := json.Marshal(m.tally)
	if err != nil {
		panic("apply: invariant broken: the counts have no JSON form: " + err.Error())
	}
	return flow.Complete{Output: text}
}

func (m *Machine) counts() string {
	return fmt.Sprintf("%d done, %d failed, %d skipped", m.tally.Done, m.tally.Failed, m.tally.Skipped)
}

// openVisible counts the open actions that people see.
func (m *Machine) openVisible() int {
	n := 0
	for i := range m.nodes {
		switch m.nodes[i].phase {
		case done, failed, skipped:
		default:
			if !free(m.graph.actions[i].Verb) {
				n++
			}
		}
	}
	return n
}

func (m *Machine) send(i int32, at time.Time) {
	a, n := &m.graph.actions[i], &m.nodes[i]
	if n.missing != 0 || n.phase != ready {
		panic(fmt.Sprintf("apply: invariant broken: action #%d goes out and %d of its needs are not done", i+1, n.missing))
	}
	if n.began.IsZero() {
		n.began = at
	}
	m.running++
	switch {
	case isApproval(a):
		m.sendApproval(i)
	case n.work != nil:
		m.sendWork(i)
	default:
		n.phase = out
		m.emit(flow.Do{ID: m.id(i, roleChange), Activity: ActivityChange, Input: changeInput(i), Queue: a.Queue, Idempotent: a.Idempotent})
	}
}

func changeInput(i int32) json.RawMessage {
	return json.RawMessage(`{"action":` + strconv.Itoa(int(i)+1) + `}`)
}

func (m *Machine) activityDone(e flow.ActivityDone) {
	i, r, ok := m.answered(e.ID)
	switch {
	case !ok:
	case isApproval(&m.graph.actions[i]) && r == roleAnswer:
		m.approvalAnswered(i, e.At)
	case isApproval(&m.graph.actions[i]):
		m.approvalAsked(i, e)
	case r == roleAnswer:
		m.finish(i, e.At)
	default:
		m.changed(i, e)
	}
}

func (m *Machine) activityFailed(e flow.ActivityFailed) {
	i, _, ok := m.answered(e.ID)
	switch {
	case !ok:
	case m.mode != going && e.Failure.Kind == flow.Cancelled:
		m.nodes[i].phase, m.nodes[i].failure, m.nodes[i].finished = cancelled, &e.Failure, e.At
	default:
		m.fail(i, e.Failure, e.At)
	}
}

// answered finds the action whose activity has this ID and frees its place; ok is
// false when no such activity is out.
func (m *Machine) answered(id flow.ID) (i int32, r role, ok bool) {
	i, r, ok = m.outstanding(id)
	if !ok {
		return 0, 0, false
	}
	if n := &m.nodes[i]; n.parked {
		n.parked = false
		m.parked--
	} else {
		m.running--
	}
	return i, r, true
}

func (m *Machine) outstanding(id flow.ID) (int32, role, bool) {
	i, r, attempt, ok := m.whose(id)
	if !ok || attempt != m.nodes[i].attempt {
		return 0, 0, false
	}
	p := m.nodes[i].phase
	return i, r, r == roleChange && p == out || r == roleAnswer && p == answering
}

func (m *Machine) signaled(e flow.Signaled) {
	switch e.Name {
	case flow.SignalResume:
		m.resume(e.At)
	case flow.SignalInDoubt:
		m.park(e)
	case SignalApprove:
		m.approved(e)
	default:
		m.emit(flow.Record{Text: fmt.Sprintf("ignored the signal %q, which a run of a plan does not know", e.Name)})
	}
}

// resume takes a stopped run up. What was cut off is done again where that is
// safe; otherwise it has failed, for nobody knows how far it got.
func (m *Machine) resume(at time.Time) {
	if m.mode != stopping && m.mode != stopped {
		return
	}
	m.mode = going
	for i := range m.nodes {
		n := &m.nodes[i]
		if n.phase != cancelled {
			continue
		}
		a := &m.graph.actions[i]
		if a.Idempotent || isApproval(a) || n.work != nil || n.failure.Code == flow.CodeNotStarted {
			n.again()
			m.enqueue(int32(i))
			continue
		}
		m.fail(int32(i), *n.failure, at)
	}
}

// park takes an activity that is in doubt off the count of those that run, so
// that the others can go on.
func (m *Machine) park(e flow.Signaled) {
	var doubt struct {
		ID flow.ID `json:"id"`
	}
	if err := json.Unmarshal(e.Payload, &doubt); err != nil {
		m.emit(flow.Record{Text: "ignored an in-doubt signal that names no activity"})
		return
	}
	i, _, ok := m.outstanding(doubt.ID)
	if !ok || m.nodes[i].parked {
		return
	}
	m.nodes[i].parked = true
	m.running--
	m.parked++
}

// role says which of an action's activities or timers an ID stands for.
type role int32

const (
	roleChange role = iota // a change, or an approval's ask
	roleTimer              // an approval's timeout, or a change's child
	roleAnswer             // an approval's answer, or the change after its child
	roles
)

// id numbers activities so that the first of each action has the action's own
// number: easy to read in a journal, and nothing to look up.
func (m *Machine) id(i int32, r role) flow.ID {
	return flow.ID(int64(i) + 1 + int64(len(m.nodes))*(int64(roles)*int64(m.nodes[i].attempt)+int64(r)))
}

// whose is the inverse of id.
func (m *Machine) whose(id flow.ID) (i int32, r role, attempt int32, ok bool) {
	n := int64(len(m.nodes))
	if id < 1 || n == 0 {
		return 0, 0, 0, false
	}
	slot := (int64(id) - 1) / n
	return int32((int64(id) - 1) % n), role(slot % int64(roles)), int32(slot / int64(roles)), true
}
