package local

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"tutti/internal/flow"
	"tutti/internal/store"
)

// How often the mailbox is looked into: a person who has just approved watches
// the run go on; a run that is busy need not know at once.
const (
	pollWaiting = 250 * time.Millisecond
	pollRunning = time.Second
)

// maxPollFailures is how many looks in a row may fail before the run stops.
const maxPollFailures = 20

// mailbox looks now and then for what other processes posted.
type mailbox struct {
	box   store.Mailbox
	run   store.RunID
	clock Clock
	// last is the number of the latest message that was taken.
	last   int64
	asked  time.Time
	asking bool
	// looked is set once the mailbox was found empty.
	looked   bool
	failures int
	looks    sync.WaitGroup
}

// due tells how long it is until the next look; ok is false while one is under way.
func (b *mailbox) due(waiting bool) (wait time.Duration, ok bool) {
	if b.asking {
		return 0, false
	}
	every := pollRunning
	if waiting {
		every = pollWaiting
	}
	return remaining(every, b.clock.Now().Sub(b.asked)), true
}

// look asks in the background; what comes of it goes to tell.
func (b *mailbox) look(ctx context.Context, tell func(poll)) {
	b.asking, b.asked = true, b.clock.Now()
	b.looks.Go(func() {
		messages, err := b.box.Posted(ctx, b.run)
		tell(poll{messages, err})
	})
}

// remaining is what is left of a period; none when the clock was set back.
func remaining(period, elapsed time.Duration) time.Duration {
	if elapsed < 0 {
		return 0
	}
	return period - elapsed
}

// opened takes what a look brought and gives the messages that are new: one whose
// entry is still on its way to the journal is found again.
func (b *mailbox) opened(p poll) ([]store.Message, error) {
	b.asking = false
	if p.err != nil {
		if b.failures++; b.failures >= maxPollFailures {
			return nil, fmt.Errorf("look for messages to run %d: %w", b.run, p.err)
		}
		return nil, nil
	}
	b.failures = 0
	var fresh []store.Message
	for _, m := range p.messages {
		if m.Number > b.last {
			b.last = m.Number
			fresh = append(fresh, m)
		}
	}
	b.looked = b.looked || len(fresh) == 0
	return fresh, nil
}

// signalEvent turns a signal into the event that the machine is given.
func signalEvent(s flow.Signaled, at time.Time) flow.Event {
	s.At = at
	if len(s.Payload) > 0 && !json.Valid(s.Payload) {
		// It must not break the journal; the machine will say that it cannot read it.
		s.Payload, _ = json.Marshal(string(s.Payload))
	}
	if s.Name != SignalCancel {
		return s
	}
	var c struct {
		Reason string `json:"reason"`
	}
	if len(s.Payload) == 0 || json.Unmarshal(s.Payload, &c) != nil || c.Reason == "" {
		c.Reason = "tutti cancel"
	}
	return flow.CancelRequested{At: at, Reason: c.Reason}
}
