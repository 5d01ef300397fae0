package execution

import (
	"tutti/internal/flow"
	"tutti/internal/stepfunctions/data"
)

// redrive has a failed, aborted or timed-out execution go on from the states in
// which it ended, each with the input that it had then. Branches and iterations that
// succeeded keep their results. Attempts of Retry are counted anew.
func (m *Machine) redrive() {
	switch {
	case !m.ended || m.root == nil:
		return
	case m.root.done:
		m.out = append(m.out, m.end)
		return
	case m.start.MapRun != nil:
		m.redriveMapRun()
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
	m.limitTime()
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
	case f.group != nil && f.group.child != nil:
		m.redriveChild(f)
	default:
		clear(f.used)
		f.retries, f.group = 0, nil
		m.run(f)
	}
}

// redriveChild has a distributed Map's run go on with the items that failed.
func (m *Machine) redriveChild(f *frame) {
	id := m.id()
	child := *f.group.child
	child.Continues, child.ID, child.Redrive = child.Number(), id, true
	f.group.mapRun, f.group.child = id, &child
	clear(f.used)
	f.retries = 0
	m.waits[id] = wait{id: id, frame: f, what: mapRunOver, child: &child}
	m.out = append(m.out, child)
	m.noteMapRun(f, "MapRunRedriven", nil)
}

// redriveMapRun takes up a map run that has failed or was ended: with the items that
// failed or were given up, and those that had not begun.
func (m *Machine) redriveMapRun() {
	f := m.root.frame
	if _, failed := m.end.(flow.Fail); !failed || f == nil || !f.isMapRun() || f.group.run.tooMany {
		m.out = append(m.out, m.end)
		return
	}
	r := f.group.run
	m.end, m.ended, m.ready = nil, false, nil
	m.redrives++
	m.redriven = m.now
	m.root.dropped = false
	r.broken, r.manifest = nil, false
	r.results["FAILED"], r.files["FAILED"] = nil, nil
	r.counts.Failed, r.counts.Aborted = 0, 0
	r.reviving = len(r.lost)
	m.pumpItems(f)
}

// reviveItem lets the next of the lost items go on.
func (m *Machine) reviveItem(r *mapRun) {
	s := r.lost[0]
	r.lost = r.lost[1:]
	r.reviving--
	r.running[int64(s.index)] = s
	m.note(s, "ExecutionRedriven", func() *data.Object {
		return data.ObjectOf(data.Member{Key: "redriveCount", Value: float64(m.redrives)})
	})
	if s.unborn != nil {
		m.itemFailed(s, *s.unborn) // its input cannot be made this time either
		return
	}
	m.revive(s)
}
