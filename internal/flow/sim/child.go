package sim

import (
	"encoding/json"

	"tutti/internal/flow"
)

// bear begins a child, or goes on with one that an earlier process began: what asked
// for it is durable.
func (w *world) bear(p *process, c flow.StartChild) error {
	for _, r := range w.runs {
		if r.parent == p.run && r.child == c.Number() {
			r.as = c.ID
			return w.adopt(p, r, c)
		}
	}
	if p.asked.Cancelled(c.ID) || p.asked.End() != nil {
		p.answers = append(p.answers, neverBegun(c.ID))
		return nil
	}
	if w.chance(3) {
		return w.crash("killed before a child began")
	}
	r := &run{id: len(w.runs) + 1, start: w.now, parent: p.run, child: c.Number(), as: c.ID, machine: c.Machine}
	w.runs = append(w.runs, r)
	w.note("run %d begins: child #%d of run %d", r.id, c.ID, p.run.id)
	// A child's first entry is durable with it.
	if err := w.bootWith(r, c.Input); err != nil {
		return err
	}
	r.journal = append(r.journal, r.process.pending...)
	r.process.pending, r.process.telling = nil, false
	if w.chance(3) {
		return w.crash("killed when a child had begun")
	}
	return nil
}

// adopt goes on with a child, or tells how it has ended.
func (w *world) adopt(p *process, r *run, c flow.StartChild) error {
	if r.process == nil {
		if err := w.boot(r); err != nil {
			return err
		}
	}
	if p.run.process != p || r.process == nil {
		return nil // all was killed meanwhile, and others go on
	}
	unwanted := p.asked.Cancelled(r.as) || p.asked.End() != nil
	if f, ok := r.process.asked.End().(flow.Fail); ok && f.Failure.Kind == flow.Cancelled && (!unwanted || c.Continues != 0) {
		if err := r.process.take(w, flow.Signaled{At: w.now, Name: flow.SignalResume}); err != nil || r.process == nil {
			return err
		}
	}
	if r.process.ended() {
		w.buryChild(r.process)
		return nil
	}
	if unwanted {
		return r.process.take(w, flow.CancelRequested{At: w.now, Reason: reason(p.asked.CancelReason(r.as))})
	}
	return nil
}

func reason(given string) string {
	if given != "" {
		return given
	}
	return "its parent asks for it"
}

// ended tells that the machine's end is durable.
func (p *process) ended() bool { return p.asked.End() != nil && len(p.pending) == 0 }

// buryChild tells a parent that its child has ended. A child that waits is left as
// it is.
func (w *world) buryChild(p *process) {
	if !p.ended() {
		return
	}
	e := flow.ChildDone{At: w.now, ID: p.run.as}
	switch end := p.asked.End().(type) {
	case flow.Complete:
		e.Output = end.Output
	case flow.Fail:
		f := end.Failure
		e.Failure = &f
	}
	p.run.process = nil
	if parent := p.run.parent.process; parent != nil {
		parent.answers = append(parent.answers, e)
	}
}

// cancelChild asks a child to stop, or answers for one that has not begun.
func (p *process) cancelChild(w *world, cancel flow.CancelChild) error {
	id := cancel.ID
	for i, c := range p.begin {
		if c.ID == id && c.Continues == 0 {
			p.begin = append(p.begin[:i], p.begin[i+1:]...)
			p.answers = append(p.answers, neverBegun(id))
			return nil
		}
	}
	for _, r := range w.runs {
		if r.parent == p.run && r.as == id && r.process != nil {
			return r.process.take(w, flow.CancelRequested{At: w.now, Reason: reason(cancel.Reason)})
		}
	}
	return nil
}

// orphan asks the children of a machine that has ended to stop.
func (w *world) orphan(p *process) error {
	for _, r := range w.runs {
		if r.parent == p.run && r.process != nil && !r.process.orphaned {
			r.process.orphaned = true
			if err := r.process.take(w, flow.CancelRequested{At: w.now, Reason: "its parent has ended"}); err != nil {
				return err
			}
		}
	}
	return nil
}

// hasChildren tells that children of this process are carried out.
func (w *world) hasChildren(p *process) bool {
	for _, r := range w.runs {
		if r.parent == p.run && r.process != nil {
			return true
		}
	}
	return false
}

// inDoubt tells that nothing will bring a process on but a decision about what is in
// doubt, in it or in its children.
func (w *world) inDoubt(p *process) bool {
	if p.asked.End() != nil || len(p.alive)+len(p.answers)+len(p.pending)+len(p.held)+len(p.begin)+len(p.asked.Timers()) > 0 {
		return false
	}
	doubt := len(p.left) > 0
	for _, r := range w.runs {
		if r.parent != p.run || r.process == nil {
			continue
		}
		if !w.inDoubt(r.process) {
			return false
		}
		doubt = true
	}
	return doubt
}

// dropChildren ends the carrying out of all children, as an abort does.
func (w *world) dropChildren() error {
	for _, r := range w.runs[1:] {
		if err := w.drop(r); err != nil {
			return err
		}
	}
	return nil
}

func neverBegun(id flow.ID) flow.Event {
	return flow.ChildDone{ID: id, Failure: &flow.Failure{Kind: flow.Cancelled, Code: flow.CodeNotStarted, Message: "it never began"}}
}

// machineOf gives the machine of a run, not started.
func (w *world) machineOf(r *run) flow.Machine {
	if r.parent == nil {
		return w.opts.New()
	}
	return w.opts.Child(r.machine)
}

// restore gives the machine of a run from its snapshot.
func (w *world) restore(r *run, snapshot json.RawMessage) (flow.Machine, error) {
	if r.parent == nil {
		return w.opts.Restore(snapshot)
	}
	m := w.opts.Child(r.machine)
	return m, m.Restore(snapshot)
}
