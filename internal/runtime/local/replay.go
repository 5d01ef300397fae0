package local

import (
	"context"
	"encoding/json"
	"fmt"

	"tutti/internal/flow"
	"tutti/internal/store"
)

// replay feeds the journal to the machine. Afterwards asked holds what is
// outstanding and sent which of it has gone out.
func (r *runner) replay(ctx context.Context) error {
	from, err := r.restore(ctx)
	if err != nil {
		return fmt.Errorf("replay run %d: %w", r.opts.RunID, err)
	}
	entries, err := r.opts.Store.Entries(ctx, r.opts.RunID, from)
	if err != nil {
		return fmt.Errorf("read the journal of run %d: %w", r.opts.RunID, err)
	}
	r.commit.durable = from - 1 + int64(len(entries))
	if r.commit.durable > 0 && !r.opts.Resume {
		return fmt.Errorf("run %d has begun already: resume it", r.opts.RunID)
	}
	for i, e := range entries {
		if err := r.replayEntry(e); err != nil {
			return fmt.Errorf("replay run %d: journal entry %d: %w", r.opts.RunID, from+int64(i), err)
		}
	}
	return nil
}

func (r *runner) replayEntry(e store.Entry) error {
	switch {
	case e.Sent != 0:
		if _, ok := r.asked.Activity(e.Sent); !ok {
			return mismatch(fmt.Sprintf("activity #%d was sent and", e.Sent))
		}
		note(&r.sent, e.Sent, true)
	case e.Event != nil:
		return r.replayEvent(e.Event)
	}
	return nil
}

func (r *runner) replayEvent(e flow.Event) error {
	_, begins := e.(flow.Started)
	switch {
	case begins == r.begun:
		return fmt.Errorf("the journal does not begin with its one start: %w", store.ErrCorrupt)
	case !r.asked.Took(e):
		return mismatch(fmt.Sprintf("%s is an answer and", flow.FormatEvent(e, e.When())))
	}
	r.begun = true
	r.time.saw(e.When())
	if s, ok := e.(flow.Signaled); ok && s.Name == flow.SignalInDoubt {
		note(&r.parked, doubtID(s), true)
	}
	r.answered(e)
	commands := r.opts.Machine.Handle(e)
	r.asked.Gave(commands)
	for _, c := range commands {
		if t, ok := c.(flow.SetTimer); ok {
			r.timers.add(t, &r.asked)
		}
	}
	return nil
}

// mismatch says that the machine, given the same events, no longer does the same.
func mismatch(what string) error {
	return fmt.Errorf("%s the machine did not ask for it: the run was carried out by another version of tutti, or the journal is not its own: %w",
		what, store.ErrCorrupt)
}

func doubtID(s flow.Signaled) flow.ID {
	var d struct {
		ID flow.ID `json:"id"`
	}
	if json.Unmarshal(s.Payload, &d) != nil {
		return 0
	}
	return d.ID
}

// stoppedInOrder tells that the machine ended because it was asked to, so that it
// can be taken up again.
func (r *runner) stoppedInOrder() bool {
	f, ok := r.asked.End().(flow.Fail)
	return ok && f.Failure.Kind == flow.Cancelled
}

// takeUp starts the machine, or goes on with it. A machine that goes on is given
// the signal, if there is one.
func (r *runner) takeUp(ctx context.Context, signal *flow.Signaled) error {
	if !r.begun {
		r.begun = true
		r.take(ctx, flow.Started{At: r.time.now(), Input: r.opts.Input, Seed: r.opts.Seed}, store.Entry{})
		return nil
	}
	activities, children := r.asked.Activities(), r.asked.Children()
	settled, err := r.settle(ctx, activities)
	if err != nil {
		return err
	}
	// A person may have thought about it for longer than the lease is good for.
	if err := r.lease.again(ctx); err != nil {
		return err
	}
	if signal != nil {
		r.take(ctx, signalEvent(*signal, r.time.now()), store.Entry{})
	}
	for _, c := range children {
		r.beginChild(ctx, c)
	}
	for i, d := range activities {
		r.goOn(ctx, d, settled[i])
	}
	return nil
}

// goOn does with an activity what was found to be right.
func (r *runner) goOn(ctx context.Context, d flow.Do, s settled) {
	if s.note != "" {
		r.journal(store.Entry{Note: s.note, NoteAt: r.time.last})
	}
	switch s.fate {
	case fateSend:
		r.do(ctx, d)
		if r.asked.Cancelled(d.ID) {
			r.callOff(d.ID)
		}
	case fateAnswer:
		r.takeAnswer(ctx, s.answer)
	case fateLeave:
		r.leave(ctx, s.doubt)
	}
}

// takeUpOrphans looks after the children of a machine that has ended.
func (r *runner) takeUpOrphans(ctx context.Context) {
	for _, c := range r.asked.Children() {
		r.beginChild(ctx, c)
	}
}

// leave keeps an activity in doubt out of the way of the others.
func (r *runner) leave(ctx context.Context, d Doubt) {
	note(&r.left, d.Do.ID, d)
	if r.parked[d.Do.ID] {
		return
	}
	note(&r.parked, d.Do.ID, true)
	payload := json.RawMessage(fmt.Sprintf(`{"id":%d}`, d.Do.ID))
	r.take(ctx, flow.Signaled{At: r.time.now(), Name: flow.SignalInDoubt, Payload: payload}, store.Entry{})
}
