// Package sim drives a machine from one seed through a world of faults: crashes at
// any moment, answers that are lost, doubled, late or in another order, appends
// that fail, cancelled and resumed runs, activities in doubt, messages, timers,
// children, and journals that are replayed from a checkpoint instead of their start.
//
// In: a seed and what the machine needs to know of its world. Out: nil, or what
// went wrong with the whole history that led there. The same seed gives the same
// history, so a failure that was printed can be run again and looked at.
//
// The package plays the runtime by the rules of runtime/local (what is durable
// before what goes out, what is asked on the way back) without its goroutines. It
// knows no machine; what must hold of one in particular is asked of Options.
package sim

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"tutti/internal/flow"
)

// maxSteps bounds a history; a machine that does not end within it hangs.
const maxSteps = 20_000

// Options describe a machine and its world. Functions must draw all chance from
// the generator that they are given.
type Options struct {
	New     func() flow.Machine
	Restore func(snapshot []byte) (flow.Machine, error)
	Input   json.RawMessage
	// Child gives the machine of a child, not started; nil when there are none.
	Child func(machine string) flow.Restorer
	// Limit is how many activities of one machine may be out at once, those in doubt
	// apart.
	Limit int
	// Effect names what an activity changes in the world; "" when nothing.
	Effect func(d flow.Do) string
	// Answer says how an activity that was carried out ends; a nil failure is
	// success. It must be the same for the same activity.
	Answer func(d flow.Do) (json.RawMessage, *flow.Failure)
	// Signal draws what a person might send.
	Signal func(r *rand.Rand) flow.Signaled
	// Sending is asked about every activity that the machine sends out.
	Sending func(m flow.Machine, d flow.Do) error
	// Ended is asked when the machine has completed or failed. Effects counts what
	// was done in the world, and retried what a person had done again in doubt.
	Ended func(m flow.Machine, end flow.Command, effects map[string]int, retried map[string]bool) error
}

// Run plays one history.
func Run(seed uint64, o Options) error {
	w := &world{opts: o, rand: rand.New(rand.NewPCG(seed, 1)), effects: map[string]int{}, retried: map[string]bool{},
		now: time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)}
	w.runs = []*run{{id: 1, start: w.now}}
	err := w.play()
	if err == nil {
		return nil
	}
	return fmt.Errorf("seed %d: %w\nthe history:\n%s", seed, err, strings.Join(w.trace, "\n"))
}

// world is the simulated disk, the far end, and time. It outlives processes.
type world struct {
	opts Options
	rand *rand.Rand
	now  time.Time
	// runs are durable; the first is that of the machine in question, the others its
	// children and theirs.
	runs    []*run
	effects map[string]int
	// retried are effects that somebody decided to have again.
	retried map[string]bool
	trace   []string
}

// run is one journal. Its process is nil when nobody carries it out.
type run struct {
	id    int
	start time.Time
	// parent is nil for the first; child is the number that the parent gave it.
	parent *run
	child  flow.ID
	// as is the number by which the parent waits for it now.
	as      flow.ID
	machine string
	journal []entry
	process *process
}

// entry is an event, or that an activity goes out, as in store.Entry.
type entry struct {
	event flow.Event
	sent  flow.ID
	// said is what the machine answered, to compare with on replay.
	said string
	// checkpoint stands for all up to this entry.
	checkpoint *checkpoint
}

// checkpoint is a machine's snapshot with what else a runtime must know: the
// commands that are outstanding, in their text form, what was sent and what is
// parked.
type checkpoint struct {
	machine      []byte
	asked        []string
	sent, parked map[flow.ID]bool
}

func (w *world) note(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf(format, args...))
}

func (w *world) chance(percent int) bool { return w.rand.IntN(100) < percent }

func (w *world) play() error {
	if err := w.boot(w.runs[0]); err != nil {
		return err
	}
	for range maxSteps {
		w.now = w.now.Add(time.Duration(w.rand.IntN(5000)) * time.Millisecond)
		over, err := w.step()
		if err != nil || over {
			return err
		}
	}
	return fmt.Errorf("the machine did not end in %d steps", maxSteps)
}

// step lets one thing happen to one of the runs, drawn from what can happen now.
func (w *world) step() (over bool, err error) {
	p := w.someProcess()
	switch n := w.rand.IntN(100); {
	case n < 3:
		return false, w.crash("killed")
	case n < 33:
		p.work(w)
	case n < 63:
		err = p.deliver(w)
	case n < 85:
		return w.commit(p)
	case n < 87 && p.run.parent == nil:
		err = p.take(w, flow.CancelRequested{At: w.now, Reason: "sim"})
	case n < 89 && p.run.parent == nil:
		p.abort(w)
	case n < 93:
		err = p.fire(w)
	case n < 97 && p.run.parent == nil:
		s := w.opts.Signal(w.rand)
		s.At = w.now
		err = p.take(w, s)
	default:
		err = p.reload(w)
	}
	return false, err
}

// someProcess draws one of the runs that are carried out: the first always is.
func (w *world) someProcess() *process {
	var alive []*process
	for _, r := range w.runs {
		if r.process != nil {
			alive = append(alive, r.process)
		}
	}
	return alive[w.rand.IntN(len(alive))]
}

// commit makes what has gathered durable, lets out what had to wait for that, and
// looks whether the run is over.
func (w *world) commit(p *process) (over bool, err error) {
	if len(p.pending) > 0 && w.chance(4) {
		w.note("append fails")
		return false, w.crash("stopped by a full disk")
	}
	if len(p.pending) > 0 && w.chance(15) {
		if err := p.checkpoint(); err != nil {
			return false, err
		}
	}
	p.run.journal = append(p.run.journal, p.pending...)
	p.pending, p.telling = nil, false
	held, begin := p.held, p.begin
	p.held, p.begin = nil, nil
	for _, d := range held {
		if err := p.launch(w, d); err != nil {
			return false, err
		}
	}
	for _, c := range begin {
		if err := w.bear(p, c); err != nil || p.run.process != p {
			return false, err
		}
	}
	return w.settleEnd(p)
}

// settleEnd ends the history when the first machine has ended, and starts the next
// process when this one has nothing left to do. A child that has ended tells its
// parent; children of a machine that has ended are asked to stop.
func (w *world) settleEnd(p *process) (over bool, err error) {
	if p.asked.End() != nil {
		if err := w.orphan(p); err != nil {
			return false, err
		}
	}
	if len(p.alive) > 0 || len(p.answers) > 0 {
		return false, nil
	}
	if w.hasChildren(p) && !p.aborted {
		if p.run.parent == nil && w.inDoubt(p) {
			w.note("a child ended in doubt")
			if err := w.dropChildren(); err != nil {
				return false, err
			}
			return false, w.boot(p.run)
		}
		return false, nil
	}
	if p.run.parent != nil {
		w.buryChild(p)
		return false, nil
	}
	switch end := p.asked.End().(type) {
	case flow.Fail:
		if end.Failure.Kind == flow.Cancelled {
			w.note("stopped in order")
			return false, w.boot(p.run)
		}
		return true, w.opts.Ended(p.machine, end, w.effects, w.retried)
	case flow.Complete:
		return true, w.opts.Ended(p.machine, end, w.effects, w.retried)
	}
	if len(p.left) > 0 || p.aborted {
		w.note("ended in doubt")
		return false, w.boot(p.run)
	}
	return false, nil
}

// crash loses everything that is not durable. What was under way may still have
// reached the world.
func (w *world) crash(how string) error {
	w.note("%s", how)
	for _, r := range w.runs {
		if err := w.drop(r); err != nil {
			return err
		}
	}
	return w.boot(w.runs[0])
}

// drop ends the carrying out of one run as a crash does.
func (w *world) drop(r *run) error {
	if r.process == nil {
		return nil
	}
	for _, a := range r.process.alive {
		if !a.worked && w.chance(50) {
			if err := w.effect(a.do); err != nil {
				return err
			}
		}
	}
	r.process = nil
	return nil
}

// effect changes the world.
func (w *world) effect(d flow.Do) error {
	name := w.opts.Effect(d)
	if name == "" {
		return nil
	}
	w.effects[name]++
	w.note("    the world: %s", name)
	if !d.Idempotent && w.effects[name] > 1 && !w.retried[name] {
		return fmt.Errorf("%s, which is not idempotent, was done %d times", name, w.effects[name])
	}
	return nil
}
