package play

import "tutti/internal/ansible/playbook"

// linear is the strategy that takes every task on all hosts before the next one.
type linear struct {
	m *Machine
	// tasks are all of the play in order, with those that were included; next is the place
	// of the one that comes next. Hosts that are elsewhere (in a rescue) wait.
	tasks []*playbook.Task
	next  int
	round *round
}

// round is one task on the hosts whose turn it is.
type round struct {
	task    *playbook.Task
	waiting []*host
	active  int
	turns   []*turn
	// limit is how many hosts are at it at a time.
	limit int
	// once tells that one host does it for all.
	once, fatal bool
	// announced tells that people were told that the task begins.
	announced bool
	// shared keeps what all hosts of the round read in the same way.
	shared desk
}

func (l *linear) begin() {
	l.tasks, l.next = nil, 0
	for _, b := range l.m.play.blocks {
		l.tasks = flatten(b, l.tasks)
	}
	l.advance()
}

// advance begins the next round.
func (l *linear) advance() {
	if l.m.play.ended {
		l.m.batchOver()
		return
	}
	hosts, task := l.choose()
	if task == nil {
		l.m.batchOver()
		return
	}
	if metaOf(task) == "flush_handlers" {
		l.insert(l.m.play.handlers)
	}
	l.round = &round{task: task, waiting: hosts}
	l.m.stepped(task, hosts[0], l.openRound, l.advance)
}

// choose gives the hosts whose next task comes first in the order of the play, and that task.
func (l *linear) choose() ([]*host, *playbook.Task) {
	next := map[*playbook.Task]bool{}
	for _, h := range l.m.play.batch {
		if t := l.m.nextOf(h); t != nil {
			next[t] = true
		}
	}
	if len(next) == 0 {
		return nil, nil
	}
	for range 2 {
		for ; l.next < len(l.tasks); l.next++ {
			if t := l.tasks[l.next]; next[t] {
				l.next++
				return l.m.take(t), t
			}
		}
		l.next = 0 // hosts went back: errors were cleared
	}
	panic("play: invariant broken: a host's next task is none of the play's")
}

// nextOf gives a host's next task; nil when it has none or takes no part any more.
func (m *Machine) nextOf(h *host) *playbook.Task {
	if m.unreachable[h.name] || h.cursor.done {
		return nil
	}
	return h.cursor.peek()
}

// take has all hosts whose next task it is take it.
func (m *Machine) take(t *playbook.Task) []*host {
	var hosts []*host
	for _, h := range m.play.batch {
		if m.nextOf(h) == t {
			h.cursor.take()
			hosts = append(hosts, h)
		}
	}
	return hosts
}

// insert puts tasks behind the present one.
func (l *linear) insert(tasks []*playbook.Task) {
	rest := append(append([]*playbook.Task(nil), tasks...), l.tasks[l.next:]...)
	l.tasks = append(l.tasks[:l.next:l.next], rest...)
}

// openRound begins with a round's hosts.
func (l *linear) openRound() {
	m, r := l.m, l.round
	first := r.waiting[0]
	s := m.newScope(first, r.task, &desk{})
	r.limit = m.width(s)
	r.once = m.once(s, r.task)
	r.fatal = (s.constFlag("any_errors_fatal", m.in.Settings.AnyErrorsFatal) || r.once) && !s.constFlag("ignore_errors", false)
	if r.once {
		r.waiting = r.waiting[:1]
	}
	l.fill()
}

// fill gives hosts their turn as long as there is room, and ends the round behind the last.
func (l *linear) fill() {
	r := l.round
	for r.active < r.limit && len(r.waiting) > 0 {
		h := r.waiting[0]
		r.waiting = r.waiting[1:]
		r.active++
		t := l.m.newTurn(h, r.task, r.once)
		t.round = r
		r.turns = append(r.turns, t)
		t.begin()
	}
	if r.active == 0 && len(r.waiting) == 0 {
		l.close()
	}
}

// done implements strategy.
func (l *linear) done(*turn) {
	l.round.active--
	l.fill()
}

// close ends a round: what was included is put in, and failures that end everything do.
func (l *linear) close() {
	r := l.round
	l.m.include(r.turns, l.insert, func() {
		l.m.fatalities(r)
		l.m.later(l.advance)
	})
}

// fatalities fails the other hosts when a failure is fatal for all, or when more of them
// failed than max_fail_percentage allows.
func (m *Machine) fatalities(r *round) {
	p := m.play
	failed := 0
	bad := map[string]bool{}
	for _, t := range r.turns {
		if t.failed || t.unreachable {
			bad[t.host.name] = true
		}
	}
	if r.fatal && len(bad) > 0 {
		for _, h := range p.batch {
			if !bad[h.name] && !h.cursor.done {
				h.cursor.fail()
			}
		}
	}
	for _, h := range p.batch {
		if h.cursor.failed || m.unreachable[h.name] {
			failed++
		}
	}
	if p.maxFail >= 0 && len(r.turns) > 0 && float64(failed)/float64(len(p.batch)) > p.maxFail/100 {
		for _, h := range p.batch {
			if !bad[h.name] && !h.cursor.done {
				h.cursor.fail()
			}
		}
		// Twice, as Ansible: once for the percentage, once for the hosts that are left.
		m.note(Note{Kind: NoteNoneLeft})
		m.note(Note{Kind: NoteNoneLeft})
		m.output.Code = codeFailed
		p.ended = true
	}
}
