package session

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tutti/internal/ansible/play"
	"tutti/internal/flow"
)

// Rehearse carries the play out without any journal: for check mode, which changes nothing
// and can simply be begun again. Notes are given in order. A play that fails gives its
// failure.
func (s *Session) Rehearse(ctx context.Context, note func(play.Note)) (*flow.Failure, error) {
	if !s.Input.Options.Check {
		panic("session: invariant broken: only check mode may go without a journal")
	}
	input, err := json.Marshal(s.Input)
	if err != nil {
		return nil, fmt.Errorf("keep the input of a play: %w", err)
	}
	r := rehearsal{s: s, ctx: ctx, note: note, machine: play.New(), answers: make(chan flow.Event)}
	r.take(r.machine.Handle(flow.Started{At: time.Now(), Input: input, Seed: time.Now().UnixNano()}))
	for r.open > 0 {
		e := <-r.answers
		r.open--
		r.take(r.machine.Handle(e))
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return r.failure, nil
}

// rehearsal drives a machine in memory.
type rehearsal struct {
	s       *Session
	ctx     context.Context //nolint:containedctx // it lives as long as Rehearse
	note    func(play.Note)
	machine *play.Machine
	answers chan flow.Event
	open    int
	failure *flow.Failure
}

func (r *rehearsal) take(commands []flow.Command) {
	for _, c := range commands {
		switch c := c.(type) {
		case flow.Do:
			r.open++
			go func() { r.answers <- r.do(c) }()
		case flow.SetTimer:
			// What waits in earnest does not keep a rehearsal waiting.
			r.open++
			go func() { r.answers <- flow.TimerFired{At: c.At, ID: c.ID} }()
		case flow.Record:
			var n play.Note
			if err := json.Unmarshal([]byte(c.Text), &n); err == nil && r.note != nil {
				r.note(n)
			}
		case flow.Fail:
			f := c.Failure
			r.failure = &f
		}
	}
}

func (r *rehearsal) do(d flow.Do) flow.Event {
	out, err := r.s.Worker.Do(r.ctx, d.Activity, d.Input)
	if err != nil {
		return flow.ActivityFailed{At: time.Now(), ID: d.ID, Failure: flow.Failure{Kind: flow.Terminal, Message: err.Error()}}
	}
	return flow.ActivityDone{At: time.Now(), ID: d.ID, Output: out}
}
