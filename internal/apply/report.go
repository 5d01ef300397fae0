package apply

import (
	"fmt"
	"time"

	"tutti/internal/flow"
	"tutti/internal/object"
)

// Status is where an action is. The texts are stable.
type Status string

// The statuses.
const (
	Waiting   Status = "waiting"   // for what it needs, or for a free place
	Running   Status = "running"   //
	InDoubt   Status = "in-doubt"  // cut off; nobody knows how it ended
	Asking    Status = "asking"    // an approval that waits for a person
	Done      Status = "done"      //
	Failed    Status = "failed"    //
	Skipped   Status = "skipped"   // something that it needs failed
	Cancelled Status = "cancelled" // cut off while the run was stopping
)

// ActionReport is what became of one action.
type ActionReport struct {
	// ID is the action's number.
	ID     int
	Action object.Action
	Status Status
	// Failure is set for Failed and Cancelled.
	Failure *flow.Failure
	// Because is the number of the action whose failure skipped this one.
	Because int
	// Started and Ended are zero when it has not.
	Started, Ended time.Time
	// Answer is how an approval was decided.
	Answer *AnswerInput
	// Child is the number of the child machine that carries, or carried, the action
	// out; 0 when none does.
	Child flow.ID
}

// Report is what became of all actions, in the order of their numbers.
type Report struct {
	Actions []ActionReport
	// Counts leave out joins.
	Counts Output
}

// Report tells where every action is. A machine that was fed a run's journal
// tells the run's.
func (m *Machine) Report() Report {
	r := Report{Actions: make([]ActionReport, len(m.nodes)), Counts: m.tally}
	for i := range m.nodes {
		r.Actions[i] = m.actionReport(i)
	}
	return r
}

func (m *Machine) actionReport(i int) ActionReport {
	n := &m.nodes[i]
	r := ActionReport{ID: i + 1, Action: m.graph.actions[i], Status: n.status(), Failure: n.failure, Because: int(n.because),
		Started: n.began, Ended: n.finished}
	if n.approval != nil {
		r.Answer = n.approval.Answer
	}
	if n.work != nil && (n.phase != ready || n.work.Result != nil) {
		r.Child = n.work.First
	}
	return r
}

func (n *node) status() Status {
	if n.parked {
		return InDoubt
	}
	switch n.phase {
	case waiting, ready:
		return Waiting
	case out, answering, inChild:
		return Running
	case asked:
		return Asking
	case done:
		return Done
	case failed:
		return Failed
	case skipped:
		return Skipped
	case cancelled:
		return Cancelled
	default:
		panic(fmt.Sprintf("apply: invariant broken: an action is in phase %d", n.phase))
	}
}

// Action tells which action an activity carries out, for views that follow a run.
func (m *Machine) Action(id flow.ID) (number int, ok bool) {
	i, _, _, ok := m.whose(id)
	return int(i) + 1, ok
}
