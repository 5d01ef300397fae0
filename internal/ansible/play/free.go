package play

import (
	"fmt"

	"tutti/internal/ansible/playbook"
)

// strategy gives the strategy of a name. "debug" is linear: there is no debugger to stop in.
func (m *Machine) strategy(name string) (strategy, error) {
	switch name {
	case "linear", "ansible.builtin.linear", "":
		return &linear{m: m}, nil
	case "debug", "ansible.builtin.debug":
		m.warn("the strategy \"debug\" is carried out as \"linear\": there is no interactive debugger; \"-from\" and \"resume\" go on behind a failed task")
		return &linear{m: m}, nil
	case "free", "ansible.builtin.free":
		return &free{m: m}, nil
	case "host_pinned", "ansible.builtin.host_pinned":
		return &free{m: m, pinned: true}, nil
	}
	return nil, fmt.Errorf("there is no strategy %q: use linear, free, host_pinned or debug", name)
}

// free is the strategy in which no host waits for another. With pinned a host keeps its place
// until it is through the play.
type free struct {
	m      *Machine
	pinned bool
	// ready are hosts that wait for a place, in order; busy is how many have one.
	ready []*host
	busy  int
	// running counts the turns of a task, for throttle.
	running map[*playbook.Task]int
	over    bool
}

func (f *free) begin() {
	f.ready = append([]*host(nil), f.m.play.batch...)
	f.running = map[*playbook.Task]int{}
	f.busy, f.over = 0, false
	f.fill()
}

// fill gives places to hosts that have something to do. Hosts whose task is throttled wait.
func (f *free) fill() {
	held := f.ready[:0:0]
	for len(f.ready) > 0 && f.busy < f.m.in.Options.Forks && !f.m.play.ended {
		h := f.ready[0]
		f.ready = f.ready[1:]
		t := f.m.nextOf(h)
		if t == nil {
			continue
		}
		if !f.start(h, t) {
			held = append(held, h)
		}
	}
	f.ready = append(held, f.ready...)
	if f.busy == 0 && !f.over && (f.m.play.ended || len(f.ready) == 0) {
		f.over = true
		f.m.later(f.m.batchOver)
	}
}

// start begins a host's task unless its throttle is reached.
func (f *free) start(h *host, t *playbook.Task) bool {
	s := f.m.newScope(h, t, &desk{})
	if n, err := s.number("throttle", 0); err == nil && n > 0 && f.running[t] >= n {
		return false
	}
	h.cursor.take()
	f.busy++
	f.running[t]++
	f.m.newTurn(h, t, f.m.once(s, t)).begin()
	return true
}

// done implements strategy.
func (f *free) done(t *turn) {
	f.m.include([]*turn{t}, func([]*playbook.Task) {}, func() {
		f.busy--
		f.running[t.task]--
		if t.failed && f.m.newScope(t.host, t.task, &desk{}).constFlag("any_errors_fatal", f.m.in.Settings.AnyErrorsFatal) {
			f.m.fatalities(&round{task: t.task, turns: []*turn{t}, fatal: true})
		}
		if f.m.nextOf(t.host) != nil {
			if f.pinned {
				f.ready = append([]*host{t.host}, f.ready...)
			} else {
				f.ready = append(f.ready, t.host)
			}
		}
		f.m.later(f.fill)
	})
}
