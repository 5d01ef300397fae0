package apply

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"tutti/internal/flow"
)

// ChangeOutput is what the activity change may answer with when the work has many
// steps: it has not been done yet, and a child machine is to do it. When the child
// has ended, change is asked for again with what came of it.
type ChangeOutput struct {
	Child *Child `json:"child,omitempty"`
}

// Child is a machine that carries an action out.
type Child struct {
	Machine string          `json:"machine"`
	Input   json.RawMessage `json:"input"`
}

// ChildResult is how the child of an action ended, for the activity change to make
// the row. Failure is nil when it succeeded.
type ChildResult struct {
	// ID is the number that the child was started with.
	ID      flow.ID         `json:"id"`
	Output  json.RawMessage `json:"output,omitempty"`
	Failure *flow.Failure   `json:"failure,omitempty"`
}

// work is what the machine keeps of an action whose work is a child's.
type work struct {
	Child
	// ID is the number by which the child is waited for, and First the one that it was
	// started with: a child that was stopped goes on under another.
	ID    flow.ID `json:"id"`
	First flow.ID `json:"first"`
	// Stopped is set when the child was asked to stop because the run was.
	Stopped bool `json:"stopped,omitempty"`
	// Result is nil until the child has ended.
	Result *ChildResult `json:"result,omitempty"`
}

// childPrefix begins every answer that asks for a child, so that the others need not
// be read.
var childPrefix = []byte(`{"child":`)

// AsksForChild tells that the answer of a change is not its end: a child goes on with
// the work.
func AsksForChild(output json.RawMessage) bool { return bytes.HasPrefix(output, childPrefix) }

// changed takes the answer of a change: it is done, or a child goes on with it.
func (m *Machine) changed(i int32, e flow.ActivityDone) {
	if !AsksForChild(e.Output) {
		m.finish(i, e.At)
		return
	}
	var out ChangeOutput
	err := json.Unmarshal(e.Output, &out)
	if err == nil && (out.Child == nil || out.Child.Machine == "") {
		err = fmt.Errorf("it names no machine")
	}
	if err != nil {
		m.fail(i, flow.Failure{Kind: flow.Terminal, Code: CodeInvalidOutput, Message: "the child that was asked for cannot be started: " + err.Error()}, e.At)
		return
	}
	m.nodes[i].work = &work{Child: *out.Child, First: m.id(i, roleTimer)}
	m.enqueue(i)
}

// sendWork starts the child, or asks for the row once it has ended. A child takes
// none of the run's places: it may wait for a person for days.
func (m *Machine) sendWork(i int32) {
	n := &m.nodes[i]
	if n.work.Result == nil {
		n.phase = inChild
		m.running--
		m.children++
		n.work.ID = m.id(i, roleTimer)
		start := flow.StartChild{ID: n.work.ID, Machine: n.work.Machine, Input: n.work.Input}
		if n.work.First != n.work.ID {
			start.Continues = n.work.First
		}
		m.emit(start)
		return
	}
	n.phase = answering
	input, err := json.Marshal(ChangeInput{Action: int(i) + 1, Child: n.work.Result})
	if err != nil {
		panic("apply: invariant broken: a child's result has no JSON form: " + err.Error())
	}
	m.emit(flow.Do{ID: m.id(i, roleAnswer), Activity: ActivityChange, Input: input, Queue: m.graph.actions[i].Queue, Idempotent: true})
}

// childDone keeps what came of a child. One that was stopped because the run is
// stopping has not failed: it goes on when the run does.
func (m *Machine) childDone(e flow.ChildDone) {
	i, r, _, ok := m.whose(e.ID)
	if !ok || r != roleTimer || m.nodes[i].phase != inChild || m.nodes[i].work.ID != e.ID {
		return
	}
	n := &m.nodes[i]
	m.children--
	if n.work.Stopped && e.Failure != nil && e.Failure.Kind == flow.Cancelled {
		n.phase, n.failure, n.finished = cancelled, e.Failure, e.At
		if m.mode == going { // the run was taken up before the child had stopped
			n.again()
			m.enqueue(i)
		}
		return
	}
	n.work.Result = &ChildResult{ID: n.work.First, Output: e.Output, Failure: e.Failure}
	m.enqueue(i)
}

// stopChildren asks all children to stop in order.
func (m *Machine) stopChildren() {
	for i := range m.nodes {
		if n := &m.nodes[i]; n.phase == inChild && !n.work.Stopped {
			n.work.Stopped = true
			m.emit(flow.CancelChild{ID: n.work.ID})
		}
	}
}

// again makes an action ready for another attempt: a child that was stopped goes on.
func (n *node) again() {
	if n.work != nil && n.work.Result == nil {
		n.work.Stopped = false
	}
	n.attempt++
	n.failure, n.finished = nil, time.Time{}
}
