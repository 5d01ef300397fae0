package local

import (
	"container/heap"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tutti/internal/flow"
	"tutti/internal/store"
)

// suspension is how a run is brought to rest, to be taken up by another process.
type suspension uint8

const (
	finishing  suspension = iota + 1 // what cannot be done again may finish
	cutting                          // everything is cut off
	abandoning                       // what does not obey is left behind
)

// phase is where a resident is between its turns. The Host's lock guards it.
type phase uint8

const (
	loading  phase = iota // its journal is being replayed
	idle                  // nothing is to be done
	queued                // it waits for its turn
	stepping              // it has its turn
	again                 // it has its turn, and something has come in meanwhile
	halted                // the store failed; it is loaded again later
	away                  // it is not carried out here any more
)

// resident is a run in a Host. Its runner belongs to whoever has its turn.
type resident struct {
	host   *Host
	r      *runner
	inbox  *inbox
	run    store.Run // without plan, input and output
	parent *cradle   // where the end of a child is told; nil for others

	// What follows is guarded by the Host's lock.
	phase   phase
	resting bool // it does nothing but wait
	over    *store.End
	waiters []chan Result
	// gone is why it takes nothing in any more.
	gone error
	// departed is closed when the run has gone; nil while nobody waits for that.
	departed chan struct{}
	// unwanted is why it was asked to stop, for when it must be loaded again.
	unwanted string
	alarm    time.Time
	place    int // in the heap of alarms; -1 when in none
}

// wake is called when something has come in for a run.
func (h *Host) wake(res *resident) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.schedule(res)
}

// schedule has a run driven as soon as its turn comes. The lock is held.
func (h *Host) schedule(res *resident) {
	switch res.phase {
	case idle, away:
		res.phase = queued
	case stepping:
		res.phase = again
		return
	default:
		return // it looks by itself before it rests
	}
	if res.resting {
		res.resting = false
		h.restless++
	}
	h.queue = append(h.queue, res)
	h.ready.Signal()
}

// step drives a run as far as it goes. Appends must finish whatever happens.
func (res *resident) step() {
	if res.gone != nil {
		res.turnAway()
		return
	}
	ctx, r := context.Background(), res.r
	r.takeMail(ctx)
	r.fireTimers(ctx)
	r.noteDoubts()
	r.flush(ctx)
}

// noteDoubts has the store say that a run waits for somebody to decide.
func (r *runner) noteDoubts() {
	if len(r.left) == 0 || !r.settled() || r.asked.End() != nil || r.halted != nil || r.suspended != 0 ||
		r.noted != nil && r.noted.Status == store.InDoubt {
		return
	}
	r.noted = &store.End{Status: store.InDoubt, Message: fmt.Sprintf("%d activities were cut off", len(r.left))}
	r.journal(store.Entry{Note: "somebody must decide about what is in doubt", NoteAt: r.time.now(), End: r.noted})
}

// stepped puts a run that has had its turn where it belongs. The lock is held.
func (h *Host) stepped(res *resident) {
	if res.phase == again {
		res.phase = idle
		h.schedule(res)
		return
	}
	res.phase = idle
	r := res.r
	if h.residents[res.run.ID] != res {
		res.phase = away // mail came for it after it had gone
		return
	}
	if !r.settled() {
		h.setAlarm(res)
		return
	}
	switch {
	case r.halted != nil:
		res.phase = loading
		go h.giveUp(res)
		return
	case r.suspended != 0, r.asked.End() != nil && len(r.alive) == 0:
		h.remove(res)
		return
	}
	h.setAlarm(res)
	if !res.resting {
		res.resting = true
		h.calmer()
	}
}

// settled tells that nothing is out and nothing has come in.
func (r *runner) settled() bool {
	return len(r.running) == 0 && len(r.queued) == 0 && r.births == 0 && r.commit.clean() && !r.inbox.unanswered()
}

func (h *Host) calmer() {
	h.restless--
	if h.restless == 0 && h.quiet != nil {
		go h.quiet()
	}
}

// remove takes a run from the Host. The lock is held.
func (h *Host) remove(res *resident) {
	if h.residents[res.run.ID] != res {
		return
	}
	delete(h.residents, res.run.ID)
	if !res.resting {
		h.calmer()
	}
	res.resting = false
	if res.place >= 0 {
		heap.Remove(&h.alarms, res.place)
	}
	for _, w := range res.waiters {
		close(w)
	}
	if res.departed != nil {
		close(res.departed)
	}
	res.waiters, res.departed = nil, nil
	h.leave(res)
	if h.closing && len(h.residents) == 0 {
		h.lastGone()
	}
}

// leave makes that whatever comes for a run, or has come already, finds nobody. The
// lock is held.
func (h *Host) leave(res *resident) {
	res.phase = away
	if res.gone = ErrClosed; res.over != nil {
		res.gone = ErrEnded
	}
	if res.r != nil {
		h.giveBack(res.r)
	}
	h.schedule(res)
}

// turnAway answers what has come in for a run that is not carried out here any more.
func (res *resident) turnAway() {
	m := res.inbox.take(true)
	res.host.places.give(len(m.admitted))
	for _, q := range m.requests {
		q.answer(fmt.Errorf("run %d: %w", res.run.ID, res.gone))
	}
}

// giveBack gives back the places that a runner still has.
func (h *Host) giveBack(r *runner) {
	held := r.held
	r.held = 0
	go h.places.give(held)
}

// setAlarm has a run woken when its next timer is due. The lock is held.
func (h *Host) setAlarm(res *resident) {
	r := res.r
	t, ok := r.timers.next(&r.asked)
	if !ok || r.asked.End() != nil || r.suspended != 0 || r.halted != nil {
		if res.place >= 0 {
			heap.Remove(&h.alarms, res.place)
		}
		return
	}
	h.setAlarmAt(res, h.opts.Clock.Now().Add(t.At.Sub(r.time.now())))
}

func (h *Host) setAlarmAt(res *resident, at time.Time) {
	res.alarm = at
	if res.place >= 0 {
		heap.Fix(&h.alarms, res.place)
	} else {
		heap.Push(&h.alarms, res)
	}
	if res.place == 0 {
		h.nudgeWatch()
	}
}

func (h *Host) nudgeWatch() {
	select {
	case h.nudge <- struct{}{}:
	default:
	}
}

// ended tells those who wait that a run has ended; that is durable.
func (h *Host) ended(res *resident, end flow.Command) {
	row, ok := endOf(end)
	if !ok {
		panic(fmt.Sprintf("local: invariant broken: run %d ended with %T", res.run.ID, end))
	}
	h.mu.Lock()
	res.over, res.run.Status = &row, row.Status
	waiters, parent := res.waiters, res.parent
	res.waiters = nil
	h.mu.Unlock()
	result := resultOf(row)
	for _, w := range waiters {
		w <- result
	}
	if parent != nil {
		parent.inbox.end(endOfChild(parent.id, row))
	}
	if h.opts.Ended != nil {
		h.opts.Ended(res.run, result)
	}
}

// cancel asks a run to stop.
func (res *resident) cancel(reason string) {
	res.host.mu.Lock()
	res.unwanted = reason
	res.host.mu.Unlock()
	res.inbox.request(request{event: flow.CancelRequested{Reason: reason}})
}

// cancelSignal is a request to stop in the form of a posted message.
func cancelSignal(reason string) flow.Signaled {
	payload, _ := json.Marshal(map[string]string{"reason": reason}) // strings only
	return flow.Signaled{Name: SignalCancel, Payload: payload}
}
