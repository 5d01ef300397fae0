package local

import (
	"context"
	"fmt"
	"sync"

	"tutti/internal/flow"
)

// settleAtOnce is how many outstanding activities are looked into at a time.
const settleAtOnce = 10

// fate is what becomes of an outstanding activity.
type fate uint8

const (
	fateSend   fate = iota + 1 // it goes out: for the first time, or again
	fateAnswer                 // its answer is known after all
	fateLeave                  // it stays in doubt
)

type settled struct {
	fate   fate
	answer answer
	doubt  Doubt
	// note is for people who read the journal; "" when there is nothing to say.
	note string
}

// settle finds out what became of each activity that was outstanding when the
// last process ended. What is idempotent, or never went out, needs no question.
// An error means that the context has ended.
func (r *runner) settle(ctx context.Context, outstanding []flow.Do) ([]settled, error) {
	all := make([]settled, len(outstanding))
	var wait sync.WaitGroup
	places := make(chan struct{}, settleAtOnce)
	for i, d := range outstanding {
		if d.Idempotent || !r.sent[d.ID] {
			all[i].fate = fateSend
			continue
		}
		wait.Add(1)
		places <- struct{}{}
		worker := r.worker()
		go func() {
			defer wait.Done()
			all[i] = settleOne(ctx, worker, d)
			<-places
		}()
	}
	wait.Wait()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("find out how run %d was cut off: %w", r.opts.RunID, err)
	}
	r.decide(ctx, all)
	return all, nil
}

func settleOne(ctx context.Context, w Worker, d flow.Do) settled {
	out, done, err := w.Settle(ctx, d)
	switch {
	case err != nil:
		return settled{fate: fateLeave, doubt: Doubt{Do: d, Why: err}}
	case done:
		return settled{fate: fateAnswer, answer: answer{do: d, out: out}, note: fmt.Sprintf("#%d was cut off; the world shows that it was done", d.ID)}
	default:
		return settled{fate: fateSend, note: fmt.Sprintf("#%d was cut off; the world shows that it was not done", d.ID)}
	}
}

// decide asks the person about what is left in doubt.
func (r *runner) decide(ctx context.Context, all []settled) {
	var doubts []Doubt
	for _, s := range all {
		if s.fate == fateLeave {
			doubts = append(doubts, s.doubt)
		}
	}
	if len(doubts) == 0 || r.opts.Person.InDoubt == nil {
		return
	}
	decisions := r.opts.Person.InDoubt(ctx, doubts)
	for i := range all {
		if all[i].fate != fateLeave {
			continue
		}
		d := all[i].doubt
		switch decisions[d.Do.ID] {
		case Leave:
		case Retry:
			all[i] = settled{fate: fateSend, note: fmt.Sprintf("#%d was cut off, and is done again on request though it may have been done", d.Do.ID)}
		case GiveUp:
			all[i] = settled{fate: fateAnswer, answer: answer{do: d.Do, err: flow.Failure{Kind: flow.Terminal, Code: CodeInDoubt,
				Message: fmt.Sprintf("it was cut off and given up: %v", d.Why)}}}
		default:
			panic(fmt.Sprintf("local: invariant broken: decision %d about activity #%d", decisions[d.Do.ID], d.Do.ID))
		}
	}
}
