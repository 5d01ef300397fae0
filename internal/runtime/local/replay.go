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
	entries, err := r.opts.Store.Entries(ctx, r.opts.RunID, 1)
	if err != nil {
		return fmt.Errorf("read the journal of run %d: %w", r.opts.RunID, err)
	}
	if len(entries) > 0 && !r.opts.Resume {
		return fmt.Errorf("run %d has begun already: resume it", r.opts.RunID)
	}
	for i, e := range entries {
		if err := r.replayEntry(e); err != nil {
			return fmt.Errorf("replay run %d: journal entry %d: %w", r.opts.RunID, i+1, err)
		}
	}
	r.commit.durable = int64(len(entries))
	return nil
}

func (r *runner) replayEntry(e store.Entry) error {
	switch {
	case e.Sent != 0:
		if _, ok := r.asked.Activity(e.Sent); !ok {
			return mismatch(fmt.Sprintf("activity #%d was sent and", e.Sent))
		}
		r.sent[e.Sent] = true
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
		r.parked[doubtID(s)] = true
	}
	commands := r.opts.Machine.Handle(e)
	r.asked.Gave(commands)
	for _, c := range commands {
		if t, ok := c.(flow.SetTimer); ok {
			r.timers.add(t)
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

// takeUp starts the machine, or goes on with it.
func (r *runner) takeUp(ctx context.Context) error {
	if !r.begun {
		r.begun = true
		r.take(ctx, flow.Started{At: r.time.now(), Input: r.opts.Input, Seed: r.opts.Seed}, store.Entry{})
		return nil
	}
	if err := r.opts.Store.SetStatus(ctx, r.opts.RunID, store.Running, ""); err != nil {
		return fmt.Errorf("open run %d again: %w", r.opts.RunID, err)
	}
	outstanding := r.asked.Activities()
	settled, err := r.settle(ctx, outstanding)
	if err != nil {
		return err
	}
	// A person may have thought about it for longer than the lease is good for.
	if err := r.lease.again(ctx); err != nil {
		return err
	}
	r.take(ctx, flow.Signaled{At: r.time.now(), Name: flow.SignalResume}, store.Entry{})
	for i, d := range outstanding {
		if note := settled[i].note; note != "" {
			r.journal(store.Entry{Note: note, NoteAt: r.time.last})
		}
		switch s := settled[i]; s.fate {
		case fateSend:
			if d.Idempotent {
				r.start(ctx, d)
			} else {
				r.send(d)
			}
		case fateAnswer:
			r.takeAnswer(ctx, s.answer)
		case fateLeave:
			r.leave(ctx, s.doubt)
		}
	}
	return nil
}

// leave keeps an activity in doubt out of the way of the others.
func (r *runner) leave(ctx context.Context, d Doubt) {
	r.left[d.Do.ID] = d
	if r.parked[d.Do.ID] {
		return
	}
	payload := json.RawMessage(fmt.Sprintf(`{"id":%d}`, d.Do.ID))
	r.take(ctx, flow.Signaled{At: r.time.now(), Name: flow.SignalInDoubt, Payload: payload}, store.Entry{})
}
