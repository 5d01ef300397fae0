package local

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"tutti/internal/flow"
	"tutti/internal/store"
)

// maxSleep bounds how long the loop trusts the clock: a wall clock that jumps or a
// laptop that slept is noticed after so long.
const maxSleep = 30 * time.Second

// loop runs until the machine has ended, or cannot go on, and gives the status.
// Appends must finish whatever happens to the context.
func (r *runner) loop(ctx context.Context) store.Status {
	durable := context.WithoutCancel(ctx)
	var grace <-chan time.Time
	for {
		r.flush(durable)
		status, waiting, over := r.over()
		if over {
			return status
		}
		ctxDone := ctx.Done()
		if r.aborted {
			ctxDone = nil
			if grace == nil {
				var stopGrace func()
				grace, stopGrace = r.opts.Clock.Timer(r.opts.Grace)
				defer stopGrace()
			}
		}
		wake, stop := r.opts.Clock.Timer(r.sleep(waiting))
		select {
		case <-r.woken:
			r.takeMail(ctx)
		case <-wake:
		case <-r.cancel:
			r.cancel = nil
			r.requestCancel(ctx, "interrupted")
		case s := <-r.opts.Person.Signals:
			r.signal(ctx, s, 0)
		case <-ctxDone:
			r.abort(ctx)
		case <-grace:
			r.abandon(r.opts.Grace)
		}
		stop()
		r.tend(ctx, durable, waiting)
	}
}

// over tells whether the run has come to its end, or, if not, whether only a
// person or a timer can bring it on.
func (r *runner) over() (status store.Status, waiting, over bool) {
	if !r.settled() {
		return "", false, false
	}
	stopping := r.halted != nil || r.aborted
	if end, ok := endOf(r.asked.End()); ok {
		if len(r.alive) > 0 && !stopping || stopping && !r.nursery.isEmpty() {
			return "", false, false
		}
		return end.Status, false, true
	}
	if stopping {
		return store.Stopped, false, r.nursery.isEmpty()
	}
	if !r.nursery.isQuiet() {
		return "", false, false
	}
	if !r.mailbox.looked {
		return "", true, false
	}
	if len(r.left) > 0 || len(r.nursery.doubts()) > 0 {
		return store.InDoubt, true, true
	}
	if f := r.opts.Observer.Waiting; f != nil && !r.told {
		f(r.asked.Timers())
	}
	r.told = true
	return store.Waiting, true, r.opts.Person.ReturnWhenWaiting
}

// sleep tells how long the loop may wait for something to come in.
func (r *runner) sleep(waiting bool) time.Duration {
	d := maxSleep
	if wait, ok := r.mailbox.due(waiting); ok {
		d = min(d, wait)
	}
	if wait, ok := r.lease.due(); ok {
		d = min(d, wait)
	}
	if t, ok := r.timers.next(&r.asked); ok && r.asked.End() == nil {
		d = min(d, t.At.Sub(r.time.now()))
	}
	return max(d, 0)
}

// takeMail takes all that has come in from other goroutines. A commit may make
// room for answers that had to wait, so it is followed by another look.
func (r *runner) takeMail(ctx context.Context) {
	for again := true; again; {
		// Answers that are just about to come share the transaction.
		runtime.Gosched()
		m := r.inbox.take(!r.commit.full())
		if ctx.Err() != nil {
			// Some answers may come of that: the machine must know it first.
			r.abort(ctx)
		}
		if !m.back.IsZero() {
			r.time.back(m.back)
		}
		if m.suspend != 0 {
			r.suspend(m.suspend)
		}
		again = len(m.commits) > 0
		for _, err := range m.commits {
			r.landed(ctx, err)
		}
		for _, a := range m.answers {
			r.takeAnswer(ctx, a)
		}
		for _, d := range m.admitted {
			r.admitted(ctx, d)
		}
		for _, b := range m.births {
			r.born(ctx, b)
		}
		for _, e := range m.ends {
			r.childEnded(ctx, e)
		}
		for _, q := range m.requests {
			r.request(ctx, q)
		}
		for _, p := range m.polls {
			r.opened(ctx, p)
		}
		for _, err := range m.troubles {
			r.halt(ctx, err)
		}
		for _, err := range m.leases {
			if err := r.lease.answered(err); err != nil {
				r.halt(ctx, err)
			}
		}
	}
}

// abort tells the machine, once, that what runs is being cut off.
func (r *runner) abort(ctx context.Context) {
	if !r.aborted {
		r.aborted = true
		r.nursery.stop(cutting, r.opts.Grace)
		r.requestCancel(ctx, "aborted")
	}
}

// request gives the machine an event from outside; whoever waits for it is answered
// when it is durable. Without an event, all that has come before must be.
func (r *runner) request(ctx context.Context, q request) {
	switch {
	case q.event == nil && r.halted == nil:
		if b := r.commit.latest(); b != nil {
			b.replies = append(b.replies, q.reply)
		} else {
			q.answer(nil)
		}
		return
	case r.asked.End() != nil:
		q.answer(fmt.Errorf("run %d: %w", r.opts.RunID, ErrEnded))
		return
	case r.suspended != 0 && r.halted == nil:
		q.answer(fmt.Errorf("run %d: %w", r.opts.RunID, ErrClosed))
		return
	case r.halted != nil:
		q.answer(r.halted)
		return
	}
	at := r.time.now()
	switch e := q.event.(type) {
	case flow.Signaled:
		r.take(ctx, signalEvent(e, at), store.Entry{})
	case flow.CancelRequested:
		e.At = at
		r.take(ctx, e, store.Entry{})
	default:
		panic(fmt.Sprintf("local: invariant broken: a request is a %T", e))
	}
	if q.reply != nil {
		r.commit.next.replies = append(r.commit.next.replies, q.reply)
	}
}

// landed lets out what had to wait for an append.
func (r *runner) landed(ctx context.Context, err error) {
	b, err := r.commit.landed(err)
	if err != nil {
		r.halt(ctx, err)
		return
	}
	for _, d := range b.dos {
		r.start(ctx, d)
	}
	for _, c := range b.children {
		r.beginChild(ctx, c)
	}
	b.landed()
	if b.end == nil {
		return
	}
	r.orphan()
	if r.ended != nil {
		for _, f := range r.running {
			f.cut(context.Canceled)
		}
		r.ended(b.end)
	}
}

func (r *runner) opened(ctx context.Context, p poll) {
	messages, err := r.mailbox.opened(p)
	if err != nil {
		r.halt(ctx, err)
	}
	for _, m := range messages {
		r.signal(ctx, m.Signal, m.Number)
	}
}

// signal gives the machine a message; took is its number when it was posted.
func (r *runner) signal(ctx context.Context, s flow.Signaled, took int64) {
	if r.asked.End() == nil && r.suspended == 0 && !(r.hosted && r.halted != nil) {
		r.take(ctx, signalEvent(s, r.time.now()), store.Entry{Took: took})
	}
}

// tend does what is due by the clock.
func (r *runner) tend(ctx, durable context.Context, waiting bool) {
	r.fireTimers(ctx)
	if wait, ok := r.mailbox.due(waiting); ok && wait <= 0 {
		r.mailbox.look(durable, r.inbox.poll)
	}
	if wait, ok := r.lease.due(); ok && wait <= 0 {
		r.lease.renew(durable, r.inbox.lease)
	}
}

func (r *runner) fireTimers(ctx context.Context) {
	if r.suspended != 0 || r.hosted && r.halted != nil {
		return
	}
	now := r.time.now()
	for r.asked.End() == nil {
		t, ok := r.timers.due(&r.asked, now)
		if !ok {
			return
		}
		r.take(ctx, flow.TimerFired{At: now, ID: t.ID}, store.Entry{})
	}
}
