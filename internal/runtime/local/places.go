package local

import (
	"sync"

	"tutti/internal/flow"
)

// places bounds how many activities of all runs of a Host are out at once. Those
// that find none wait in turn, before it is journaled that they go out, so that
// what waits is not in doubt after a crash. A nil one has no bound.
type places struct {
	mu      sync.Mutex
	free    int
	waiting []ticket
}

// ticket is an activity that waits for a place, with who is to be told.
type ticket struct {
	inbox *inbox
	do    flow.Do
}

// take gives the activity a place, or has it wait: then the inbox is told when one
// is its own.
func (p *places) take(in *inbox, d flow.Do) bool {
	if p == nil {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.free > 0 && len(p.waiting) == 0 {
		p.free--
		return true
	}
	p.waiting = append(p.waiting, ticket{in, d})
	return false
}

// give gives n places back, or on to those that wait.
func (p *places) give(n int) {
	if p == nil || n == 0 {
		return
	}
	p.mu.Lock()
	p.free += n
	next := min(p.free, len(p.waiting))
	p.free -= next
	let := p.waiting[:next:next]
	if p.waiting = p.waiting[next:]; len(p.waiting) == 0 {
		p.waiting = nil // what it held can go
	}
	p.mu.Unlock()
	for _, t := range let {
		t.inbox.admit(t.do)
	}
}
