package execution

import "tutti/internal/stepfunctions/data"

// redrive has a failed, aborted or timed-out execution go on from the states in
// which it ended, each with the input that it had then. Branches and iterations that
// succeeded keep their results. Attempts of Retry are counted anew.
func (m *Machine) redrive() {
	if !m.ended || m.root == nil || m.root.done || m.start.MapRun != nil {
		return
	}
	m.end, m.ended, m.ready = nil, false, nil
	m.redrives++
	m.redriven = m.now
	input, _ := m.root.who.execution.Get("Input")
	*m.root.who = *m.identity(input)
	m.note(m.root, "ExecutionRedriven", func() *data.Object {
		return data.ObjectOf(data.Member{Key: "redriveCount", Value: float64(m.redrives)})
	})
	m.revive(m.root)
}

// revive lets a scope go on where it was.
func (m *Machine) revive(s *scope) {
	if s.done {
		return
	}
	s.dropped = false
	f := s.frame
	switch {
	case f == nil:
		// It was about to enter a state.
		m.ready = append(m.ready, s)
	case f.group != nil && f.group.mapRun == 0 && len(f.group.open()) > 0:
		open := f.group.open()
		f.group.running = len(open)
		for _, child := range open {
			m.revive(child)
		}
		if f.group.items != nil {
			m.pump(f)
		}
	default:
		clear(f.used)
		f.retries, f.group = 0, nil
		m.run(f)
	}
}
