package local

import (
	"sync"

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
	// children were asked for; none can be had.
	children []flow.StartChild
}

// poll is what a look into the mailbox brought.
type poll struct {
	messages []store.Message
	err      error
}

// inbox gathers mail for the one goroutine that drives the machine, so that all
// that is ready is taken as one batch. Putting never blocks.
type inbox struct {
	mu   sync.Mutex
	mail mail
	// wake holds one token while there may be mail.
	wake chan struct{}
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

func (b *inbox) put(change func(*mail)) {
	b.mu.Lock()
	change(&b.mail)
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *inbox) answer(a answer) { b.put(func(m *mail) { m.answers = append(m.answers, a) }) }
func (b *inbox) child(c flow.StartChild) {
	b.put(func(m *mail) { m.children = append(m.children, c) })
}
func (b *inbox) commit(err error) {
	b.put(func(m *mail) { m.commits = append(m.commits, err) })
}
func (b *inbox) poll(p poll)     { b.put(func(m *mail) { m.polls = append(m.polls, p) }) }
func (b *inbox) lease(err error) { b.put(func(m *mail) { m.leases = append(m.leases, err) }) }

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
	return len(b.mail.answers) > 0 || len(b.mail.children) > 0
}
