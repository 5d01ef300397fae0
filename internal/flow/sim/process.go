package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"tutti/internal/flow"
)

// process is one life of the runtime, as far as one run is concerned.
type process struct {
	run     *run
	machine flow.Machine
	asked   flow.Outstanding
	// pending waits for the journal; held goes out, and begin begins, when it is
	// durable.
	pending []entry
	held    []flow.Do
	begin   []flow.StartChild
	// telling is set when losing what is pending could let the run go another way.
	telling bool
	// used are the numbers that the machine has given out, earlier lives included.
	used map[flow.ID]bool
	// alive are the activities that a worker has, in the order they went out.
	alive []*activity
	// answers are on their way.
	answers []flow.Event
	past
	aborted, orphaned bool
	failed            error
}

// past is what the journal says of activities beside what the machine knows: those
// that were sent and parked. Left stay in doubt for this process.
type past struct {
	sent, parked, left map[flow.ID]bool
}

func newPast() past {
	return past{sent: map[flow.ID]bool{}, parked: map[flow.ID]bool{}, left: map[flow.ID]bool{}}
}

// activity is one that a worker has.
type activity struct {
	do     flow.Do
	worked bool
}

// boot begins a process for a run: it replays the journal and goes on.
func (w *world) boot(r *run) error {
	input := w.opts.Input
	if r.parent != nil {
		return w.bootWith(r, nil)
	}
	return w.bootWith(r, input)
}

func (w *world) bootWith(r *run, input json.RawMessage) error {
	p, err := w.replay(r, 0)
	if err != nil {
		return err
	}
	if err := w.compareCheckpoint(p); err != nil {
		return err
	}
	r.process = p
	w.note("run %d: process begins with %d entries", r.id, len(r.journal))
	if len(r.journal) == 0 {
		return p.take(w, flow.Started{At: w.now, Seed: int64(r.id), Input: input})
	}
	outstanding, children := p.asked.Activities(), p.asked.Children()
	// A child is only taken up while it is on its way.
	if r.parent == nil {
		if err := p.take(w, flow.Signaled{At: w.now, Name: flow.SignalResume}); err != nil {
			return err
		}
	}
	for _, d := range outstanding {
		if err := p.takeUp(w, d, p.sent[d.ID]); err != nil {
			return err
		}
	}
	for _, c := range children {
		if r.process != p {
			return nil // it was killed meanwhile, and another goes on
		}
		if _, ok := p.asked.Child(c.ID); !ok {
			continue
		}
		if err := w.bear(p, c); err != nil {
			return err
		}
	}
	return nil
}

// replay brings a machine to where the journal ends: from its start, or from the
// checkpoint behind the entry of that number.
func (w *world) replay(r *run, from int) (*process, error) {
	p := &process{run: r, machine: w.machineOf(r), used: map[flow.ID]bool{}, past: newPast()}
	if from > 0 {
		if err := p.restore(w, r.journal[from-1].checkpoint); err != nil {
			return nil, err
		}
	}
	for i, e := range r.journal[from:] {
		if e.event == nil {
			p.sent[e.sent] = true
			continue
		}
		if !p.asked.Took(e.event) {
			return nil, fmt.Errorf("replay from %d: nobody asked for entry %d, %s", from, from+i+1, flow.FormatEvent(e.event, r.start))
		}
		commands := p.machine.Handle(e.event)
		if said := r.print(commands); said != e.said {
			return nil, fmt.Errorf("replay from %d: entry %d gives %q instead of %q", from, from+i+1, said, e.said)
		}
		p.asked.Gave(commands)
		if err := p.number(commands); err != nil {
			return nil, err
		}
		if s, ok := e.event.(flow.Signaled); ok && s.Name == flow.SignalInDoubt {
			p.parked[doubtID(s)] = true
		}
	}
	return p, nil
}

// checkpoint puts one behind the last pending entry.
func (p *process) checkpoint() error {
	machine, err := p.machine.Snapshot()
	if err != nil {
		return err
	}
	c := &checkpoint{machine: machine, sent: maps.Clone(p.sent), parked: maps.Clone(p.parked)}
	for _, command := range p.asked.Commands() {
		c.asked = append(c.asked, flow.FormatCommand(command, p.run.start))
	}
	p.pending[len(p.pending)-1].checkpoint = c
	return nil
}

func (p *process) restore(w *world, c *checkpoint) (err error) {
	if p.machine, err = w.restore(p.run, c.machine); err != nil {
		return err
	}
	for _, line := range c.asked {
		command, err := flow.ParseCommand(line, p.run.start)
		if err != nil {
			return err
		}
		p.asked.Gave([]flow.Command{command})
	}
	p.sent, p.parked = maps.Clone(c.sent), maps.Clone(c.parked)
	return nil
}

// compareCheckpoint holds a machine that was brought back from the latest checkpoint
// against the one that was brought back from the start, and half of the time goes
// on with that one.
func (w *world) compareCheckpoint(p *process) error {
	at := 0
	for i, e := range p.run.journal {
		if e.checkpoint != nil {
			at = i + 1
		}
	}
	if at == 0 {
		return nil
	}
	q, err := w.replay(p.run, at)
	if err != nil {
		return err
	}
	want, err := p.machine.Snapshot()
	if err != nil {
		return err
	}
	got, err := q.machine.Snapshot()
	switch {
	case err != nil:
		return err
	case string(got) != string(want):
		return fmt.Errorf("from the checkpoint behind entry %d the machine is\n%s\ninstead of\n%s", at, got, want)
	case p.run.print(q.asked.Commands()) != p.run.print(p.asked.Commands()):
		return fmt.Errorf("from the checkpoint behind entry %d there is outstanding\n%s\ninstead of\n%s", at,
			p.run.print(q.asked.Commands()), p.run.print(p.asked.Commands()))
	}
	for _, d := range q.asked.Activities() {
		if q.sent[d.ID] != p.sent[d.ID] || q.parked[d.ID] != p.parked[d.ID] || q.asked.Cancelled(d.ID) != p.asked.Cancelled(d.ID) {
			return fmt.Errorf("from the checkpoint behind entry %d it is not known alike how far #%d got", at, d.ID)
		}
	}
	for _, c := range q.asked.Children() {
		if q.asked.Cancelled(c.ID) != p.asked.Cancelled(c.ID) {
			return fmt.Errorf("from the checkpoint behind entry %d it is not known alike whether child #%d is to stop", at, c.ID)
		}
	}
	if w.chance(50) {
		p.machine, p.asked, p.past = q.machine, q.asked, q.past
	}
	return nil
}

func doubtID(s flow.Signaled) flow.ID {
	var d struct {
		ID flow.ID `json:"id"`
	}
	if err := json.Unmarshal(s.Payload, &d); err != nil {
		panic("sim: invariant broken: an in-doubt signal of our own cannot be read: " + err.Error())
	}
	return d.ID
}

// takeUp goes on with an activity that was outstanding when the last process ended.
func (p *process) takeUp(w *world, d flow.Do, sent bool) error {
	if d.Idempotent {
		return p.launch(w, d)
	}
	name := w.opts.Effect(d)
	switch {
	case !sent:
		p.send(d)
	case w.chance(60): // the world can be read back
		if w.effects[name] == 0 {
			w.note("  #%d had not happened", d.ID)
			p.send(d)
			return nil
		}
		w.note("  #%d had happened", d.ID)
		return p.take(w, w.answer(d))
	case w.chance(30): // a person says: again
		w.note("  #%d is done again in doubt", d.ID)
		w.retried[name] = true
		p.send(d)
	default:
		w.note("  #%d is left in doubt", d.ID)
		p.left[d.ID] = true
		if p.parked[d.ID] {
			return nil
		}
		p.parked[d.ID] = true
		return p.take(w, flow.Signaled{At: w.now, Name: flow.SignalInDoubt, Payload: json.RawMessage(fmt.Sprintf(`{"id":%d}`, d.ID))})
	}
	return nil
}

// take gives the machine an event, as the runtime does.
func (p *process) take(w *world, e flow.Event) error {
	switch e.(type) {
	case flow.Signaled, flow.CancelRequested:
		if p.asked.End() != nil && !isResume(e) {
			return nil
		}
	}
	again := p.comesAgain(e)
	if !p.asked.Took(e) {
		w.note("dropped: %s", flow.FormatEvent(e, p.run.start))
		return nil
	}
	commands := p.machine.Handle(e)
	p.asked.Gave(commands)
	if err := p.number(commands); err != nil {
		return err
	}
	said := p.run.print(commands)
	w.note("%s", flow.FormatEvent(e, p.run.start))
	if said != "" {
		w.note("    %s", strings.ReplaceAll(said, "\n", "\n    "))
	}
	p.pending = append(p.pending, entry{event: e, said: said})
	p.telling = p.telling || !again
	for _, c := range commands {
		switch c := c.(type) {
		case flow.StartChild:
			p.begin = append(p.begin, c)
		case flow.CancelChild:
			if err := p.cancelChild(w, c); err != nil {
				return err
			}
		case flow.CancelActivity:
			p.callOff(w, c.ID)
		}
		d, ok := c.(flow.Do)
		if !ok {
			continue
		}
		if err := w.opts.Sending(p.machine, d); err != nil {
			return err
		}
		switch {
		case !d.Idempotent:
			p.send(d)
			continue
		case p.telling:
			p.held = append(p.held, d)
			continue
		}
		if err := p.launch(w, d); err != nil {
			return err
		}
	}
	return nil
}

// comesAgain tells that an event, were it lost, would come about again.
func (p *process) comesAgain(e flow.Event) bool {
	done, ok := e.(flow.ActivityDone)
	if !ok {
		return false
	}
	d, ok := p.asked.Activity(done.ID)
	return ok && d.Idempotent
}

// number checks that no two activities, timers or children have one number.
func (p *process) number(commands []flow.Command) error {
	for _, c := range commands {
		var id flow.ID
		switch c := c.(type) {
		case flow.Do:
			id = c.ID
		case flow.SetTimer:
			id = c.ID
		case flow.StartChild:
			id = c.ID
		default:
			continue
		}
		if p.used[id] || id < 1 {
			return fmt.Errorf("the number #%d is given out twice, or not above 0", id)
		}
		p.used[id] = true
	}
	return nil
}

func isResume(e flow.Event) bool {
	s, ok := e.(flow.Signaled)
	return ok && s.Name == flow.SignalResume
}

func (p *process) send(d flow.Do) {
	p.sent[d.ID] = true
	p.pending = append(p.pending, entry{sent: d.ID})
	p.held = append(p.held, d)
}

func (p *process) launch(w *world, d flow.Do) error {
	for _, a := range p.alive {
		if a.do.ID == d.ID {
			return fmt.Errorf("#%d goes out while it is out", d.ID)
		}
	}
	p.alive = append(p.alive, &activity{do: d})
	out := 0
	for _, a := range p.alive {
		// What was in doubt does not wait for a place when it goes out again.
		if !p.parked[a.do.ID] {
			out++
		}
	}
	if out > w.opts.Limit {
		return fmt.Errorf("%d activities are out; the limit is %d", out, w.opts.Limit)
	}
	return nil
}

// work lets one activity reach the world; its answer is on its way then.
func (p *process) work(w *world) {
	if len(p.alive) == 0 {
		return
	}
	a := p.alive[w.rand.IntN(len(p.alive))]
	if a.worked {
		return
	}
	a.worked = true
	if err := w.effect(a.do); err != nil {
		p.failed = err
	}
	p.answers = append(p.answers, w.answer(a.do))
}

// answer says how an activity that was carried out ends.
func (w *world) answer(d flow.Do) flow.Event {
	output, failure := w.opts.Answer(d)
	if failure != nil {
		return flow.ActivityFailed{At: w.now, ID: d.ID, Failure: *failure}
	}
	return flow.ActivityDone{At: w.now, ID: d.ID, Output: output}
}

// deliver hands the machine one of the answers on their way, not always the
// oldest, and sometimes leaves a copy behind.
func (p *process) deliver(w *world) error {
	if p.failed != nil {
		return p.failed
	}
	if len(p.answers) == 0 {
		return nil
	}
	i := w.rand.IntN(len(p.answers))
	e := p.answers[i]
	if !w.chance(10) {
		p.answers = append(p.answers[:i], p.answers[i+1:]...)
	}
	switch e := e.(type) {
	case flow.ActivityDone:
		p.forget(e.ID)
	case flow.ActivityFailed:
		p.forget(e.ID)
	}
	return p.take(w, e)
}

func (p *process) forget(id flow.ID) {
	for i, a := range p.alive {
		if a.do.ID == id {
			p.alive = append(p.alive[:i], p.alive[i+1:]...)
			return
		}
	}
}

// callOff asks an activity to stop: one that has not gone out never does, and one
// that has may or may not.
func (p *process) callOff(w *world, id flow.ID) {
	f := flow.Failure{Kind: flow.Cancelled, Message: "called off"}
	for i, d := range p.held {
		if d.ID == id {
			p.held = append(p.held[:i], p.held[i+1:]...)
			f.Code = flow.CodeNotStarted
			p.answers = append(p.answers, flow.ActivityFailed{At: w.now, ID: id, Failure: f})
			return
		}
	}
	for _, a := range p.alive {
		if a.do.ID == id && !a.worked && w.chance(70) {
			a.worked = true
			p.answers = append(p.answers, flow.ActivityFailed{At: w.now, ID: id, Failure: f})
		}
	}
}

// abort cuts off what is out, as a second Ctrl-C does: some had not begun. Children
// are no longer carried out.
func (p *process) abort(w *world) {
	p.aborted = true
	if p.failed = w.dropChildren(); p.failed != nil {
		return
	}
	if err := p.take(w, flow.CancelRequested{At: w.now, Reason: "sim aborts"}); err != nil {
		p.failed = err
		return
	}
	for _, a := range append([]*activity(nil), p.alive...) {
		if a.worked {
			continue
		}
		a.worked = true
		if !a.do.Idempotent && w.chance(50) {
			w.note("  #%d is cut off and stays outstanding", a.do.ID)
			p.left[a.do.ID] = true
			p.forget(a.do.ID)
			if w.chance(50) {
				p.failed = w.effect(a.do)
			}
			continue
		}
		f := flow.Failure{Kind: flow.Cancelled, Message: "cut off"}
		if w.chance(50) {
			f.Code = flow.CodeNotStarted
		} else if w.chance(50) {
			if err := w.effect(a.do); err != nil {
				p.failed = err
			}
		}
		p.answers = append(p.answers, flow.ActivityFailed{At: w.now, ID: a.do.ID, Failure: f})
	}
}

// fire lets the time of the earliest timer come.
func (p *process) fire(w *world) error {
	timers := p.asked.Timers()
	if len(timers) == 0 || p.asked.End() != nil {
		return nil
	}
	t := timers[w.rand.IntN(len(timers))]
	if t.At.After(w.now) {
		w.now = t.At
	}
	return p.take(w, flow.TimerFired{At: w.now, ID: t.ID})
}

// reload puts the machine's own snapshot in its place.
func (p *process) reload(w *world) error {
	data, err := p.machine.Snapshot()
	if err != nil {
		return err
	}
	if p.machine, err = w.restore(p.run, data); err != nil {
		return err
	}
	again, err := p.machine.Snapshot()
	if err == nil && string(again) != string(data) {
		err = fmt.Errorf("a snapshot of the restored machine differs:\n%s\n%s", data, again)
	}
	return err
}

func (r *run) print(commands []flow.Command) string {
	lines := make([]string, len(commands))
	for i, c := range commands {
		lines[i] = flow.FormatCommand(c, r.start)
	}
	return strings.Join(lines, "\n")
}
