package execution

import (
	"encoding/json"
	"maps"
	"slices"

	"tutti/internal/flow"
)

// pause is how an execution is stopped so that it can be taken up again (Ctrl-C,
// tutti cancel): no state is entered, calls that are on their way are awaited, what
// may be asked for again is cut off. Timers that fire meanwhile are kept.
type pause struct {
	pausing bool
	paused  bool // and the machine has said so
	reason  string
	// late are the timers that fired, and cut the activities to be asked for again.
	late, cut []wait
	// doubts are activities of which nobody can tell whether they were done.
	doubts map[flow.ID]bool
}

// CodePaused is the code of the failure with which a paused machine ends for now.
const CodePaused = "Paused"

func (m *Machine) beginPause(reason string) {
	m.pausing, m.reason = true, reason
	for _, id := range slices.Sorted(maps.Keys(m.waits)) {
		w := m.waits[id]
		switch w.what {
		case jobEnded, offerTaken:
			m.out = append(m.out, flow.CancelActivity{ID: id})
		case mapRunOver:
			m.out = append(m.out, flow.CancelChild{ID: id})
		default:
			continue
		}
		w.calledOff = true
		m.waits[id] = w
	}
}

// putOff keeps what a pausing machine does not act on; what was called off and is
// wanted again, because the pause is over, is asked for again. It reports false for
// an answer that is to be taken.
func (m *Machine) putOff(w wait, a answer) bool {
	if w.do.ID == 0 && w.child == nil {
		m.late = append(m.late, w)
		return true
	}
	if a.failure == nil || a.failure.Kind != flow.Cancelled {
		return false
	}
	// What may have happened in part is a failure, which Retry and Catch judge.
	if w.child == nil && !w.do.Idempotent && a.failure.Code != flow.CodeNotStarted {
		return false
	}
	w.calledOff = false
	if m.pausing {
		m.cut = append(m.cut, w)
	} else {
		m.askAgain(w)
	}
	return true
}

// rest ends a pausing machine for now when nothing is on its way any more.
func (m *Machine) rest() {
	if !m.pausing || m.paused || m.end != nil || len(m.obligations) > 0 {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(m.waits)) {
		if w := m.waits[id]; w.child != nil || w.do.ID != 0 && !m.doubts[id] {
			return
		}
	}
	m.paused = true
	m.out = append(m.out, flow.Fail{Failure: flow.Failure{Kind: flow.Cancelled, Code: CodePaused, Message: m.reason}})
}

// resume goes on after a pause.
func (m *Machine) resume() {
	if m.ended {
		m.out = append(m.out, m.end) // it was stopped for good
	}
	if !m.pausing {
		return
	}
	late, cut := m.late, m.cut
	m.pause = pause{doubts: m.doubts}
	for _, w := range cut {
		if *m.holder(w) == w.id {
			m.askAgain(w)
		}
	}
	for _, w := range late {
		if *m.holder(w) == w.id {
			m.tell(w, answer{})
		}
	}
}

func (m *Machine) askAgain(w wait) {
	id := m.id()
	*m.holder(w) = id
	w.id = id
	if w.child == nil {
		w.do.ID = id
		m.out = append(m.out, w.do)
	} else {
		again := *w.child
		again.Continues, again.ID = again.Number(), id
		w.child = &again
		m.out = append(m.out, again)
	}
	m.waits[id] = w
}

// holder is where the number of what is awaited is kept as long as it is wanted.
func (m *Machine) holder(w wait) *flow.ID {
	f := w.frame
	switch w.what {
	case retryDue, waitOver:
		return &f.backoff
	case executionLate:
		return &m.timeout
	case yieldOver:
		return &m.yield
	case mapRunOver:
		if f.group == nil {
			return new(flow.ID)
		}
		return &f.group.mapRun
	case pageRead:
		return &f.group.run.reading
	case partOver, manifestOver:
		return &w.id // always wanted
	}
	switch {
	case f.call == nil:
		return new(flow.ID)
	case w.what == taskLateDue:
		return &f.call.timeout
	case w.what == heartbeatDue:
		return &f.call.heartbeat
	}
	return &f.call.activity
}

// doubt notes an activity that was cut off and whose outcome nobody can tell.
func (m *Machine) doubt(payload json.RawMessage) {
	var d struct{ ID flow.ID }
	if json.Unmarshal(payload, &d) != nil {
		return
	}
	if _, ok := m.waits[d.ID]; ok {
		if m.doubts == nil {
			m.doubts = map[flow.ID]bool{}
		}
		m.doubts[d.ID] = true
	}
}
