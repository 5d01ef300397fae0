package local

import (
	"sync"
	"time"

	"tutti/internal/flow"
	"tutti/internal/store"
)

// answer is what a worker said.
type answer struct {
	do  flow.Do
	out Outcome
	err error
}

// mail is what has come in from other goroutines since the last look.
type mail struct {
	answers []answer
	// commits are the results of appends, in their order.
	commits []error
	polls   []poll
	leases  []error
	// troubles are failures of the store that children had.
	troubles []error
	// births tell how starting children went, and ends how children ended.
	births []birth
	ends   []childEnd
	// admitted are activities that have found a place.
	admitted []flow.Do
	requests []request
	// suspend is how the runner is to come to rest; 0 when it is not.
	suspend suspension
	// back is the time from which a clock was set back.
	back time.Time
}

// poll is what a look into the mailbox brought.
type poll struct {
	messages []store.Message
	err      error
}

// request is an event from outside, or none, that somebody waits to see durable.
type request struct {
	event flow.Event
	reply chan<- error
}

// answer tells whoever waits, if anybody does.
func (q request) answer(err error) {
	if q.reply != nil {
		q.reply <- err
	}
}

// inbox gathers mail for the one goroutine that drives the machine, so that all
// that is ready is taken as one batch. Putting never blocks.
type inbox struct {
	mu   sync.Mutex
	mail mail
	// wake is called when there may be mail.
	wake func()
}

func (b *inbox) put(change func(*mail)) {
	b.mu.Lock()
	change(&b.mail)
	b.mu.Unlock()
	b.wake()
}

func (b *inbox) answer(a answer) { b.put(func(m *mail) { m.answers = append(m.answers, a) }) }
func (b *inbox) commit(err error) {
	b.put(func(m *mail) { m.commits = append(m.commits, err) })
}
func (b *inbox) poll(p poll)     { b.put(func(m *mail) { m.polls = append(m.polls, p) }) }
func (b *inbox) lease(err error) { b.put(func(m *mail) { m.leases = append(m.leases, err) }) }
func (b *inbox) trouble(err error) {
	b.put(func(m *mail) { m.troubles = append(m.troubles, err) })
}
func (b *inbox) birth(c birth)       { b.put(func(m *mail) { m.births = append(m.births, c) }) }
func (b *inbox) end(c childEnd)      { b.put(func(m *mail) { m.ends = append(m.ends, c) }) }
func (b *inbox) admit(d flow.Do)     { b.put(func(m *mail) { m.admitted = append(m.admitted, d) }) }
func (b *inbox) request(r request)   { b.put(func(m *mail) { m.requests = append(m.requests, r) }) }
func (b *inbox) setBack(t time.Time) { b.put(func(m *mail) { m.back = t }) }
func (b *inbox) suspend(s suspension) {
	b.put(func(m *mail) { m.suspend = max(m.suspend, s) })
}

// take gives all that is there; the answers stay when they are not wanted yet.
func (b *inbox) take(answers bool) mail {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.mail
	b.mail = mail{}
	if !answers {
		b.mail.answers, m.answers = m.answers, nil
	}
	return m
}

// unanswered tells that something waits for the machine's goroutine that the
// machine has to be told.
func (b *inbox) unanswered() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := &b.mail
	return len(m.answers) > 0 || len(m.births) > 0 || len(m.ends) > 0 || len(m.admitted) > 0 || len(m.requests) > 0
}
