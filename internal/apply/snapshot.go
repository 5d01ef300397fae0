package apply

import (
	"encoding/json"
	"fmt"
	"time"

	"tutti/internal/flow"
	"tutti/internal/object"
)

// snapshotVersion grows when the form below changes in a way that an older
// program would misread.
const snapshotVersion = 1

// snapshot is a machine's state. Whatever follows from the graph and the nodes is
// computed again.
type snapshot struct {
	Version int         `json:"version"`
	Actions string      `json:"actions"`
	Limit   int         `json:"limit"`
	Mode    mode        `json:"mode"`
	Nodes   []savedNode `json:"nodes"`
}

// savedNode is a node that is not merely waiting.
type savedNode struct {
	Index    int32         `json:"i"`
	Phase    phase         `json:"phase"`
	Parked   bool          `json:"parked,omitempty"`
	Attempt  int32         `json:"attempt,omitempty"`
	Because  int32         `json:"because,omitempty"`
	Failure  *flow.Failure `json:"failure,omitempty"`
	Approval *approval     `json:"approval,omitempty"`
	Work     *work         `json:"work,omitempty"`
	Began    time.Time     `json:"began,omitzero"`
	Finished time.Time     `json:"finished,omitzero"`
}

// Snapshot implements flow.Machine.
func (m *Machine) Snapshot() ([]byte, error) {
	s := snapshot{Version: snapshotVersion, Actions: object.Print(m.graph.actions), Limit: m.limit, Mode: m.mode}
	for i := range m.nodes {
		n := &m.nodes[i]
		if n.phase == waiting {
			continue
		}
		s.Nodes = append(s.Nodes, savedNode{Index: int32(i), Phase: n.phase, Parked: n.parked, Attempt: n.attempt, Because: n.because,
			Failure: n.failure, Approval: n.approval, Work: n.work, Began: n.began, Finished: n.finished})
	}
	return json.Marshal(s)
}

// Restore gives the machine whose Snapshot this is.
func Restore(data []byte) (*Machine, error) {
	var s snapshot
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("read the snapshot of a run: %w", err)
	}
	if s.Version != snapshotVersion {
		return nil, fmt.Errorf("read the snapshot of a run: its version is %d, this program knows %d", s.Version, snapshotVersion)
	}
	g, err := newGraph(s.Actions)
	if err != nil {
		return nil, fmt.Errorf("read the snapshot of a run: %w", err)
	}
	m := &Machine{graph: g, limit: s.Limit, mode: s.Mode, nodes: make([]node, len(g.actions)), open: len(g.actions)}
	for _, n := range s.Nodes {
		if n.Index < 0 || int(n.Index) >= len(m.nodes) || n.Phase == waiting || n.Phase > inChild {
			return nil, fmt.Errorf("read the snapshot of a run: it is damaged at action #%d", n.Index+1)
		}
		m.nodes[n.Index] = node{phase: n.Phase, parked: n.Parked, attempt: n.Attempt, because: n.Because, failure: n.Failure,
			approval: n.Approval, work: n.Work, began: n.Began, finished: n.Finished}
		m.count(n.Index)
	}
	for i := range m.nodes {
		for _, need := range g.actions[i].Needs {
			if m.nodes[need-1].phase != done {
				m.nodes[i].missing++
			}
		}
	}
	return m, nil
}

// count adds one restored node to the machine's counters.
func (m *Machine) count(i int32) {
	visible := 1
	if free(m.graph.actions[i].Verb) {
		visible = 0
	}
	switch n := &m.nodes[i]; n.phase {
	case ready:
		m.ready.push(i)
	case out, answering:
		if n.parked {
			m.parked++
		} else {
			m.running++
		}
	case asked:
		m.asked++
	case inChild:
		m.children++
	case done:
		m.open--
		m.tally.Done += visible
	case failed:
		m.open--
		m.tally.Failed += visible
	case skipped:
		m.open--
		m.tally.Skipped += visible
	}
}
