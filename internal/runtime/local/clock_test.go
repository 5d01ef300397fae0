package local_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"tutti/internal/flow"
	"tutti/internal/runtime/local"
	"tutti/internal/store"
)

// fakeClock stands still until it is moved; its timers fire when it passes them.
// With auto set it moves to the end of each timer at once.
type fakeClock struct {
	mu     sync.Mutex
	now    time.Time
	timers map[chan time.Time]time.Time
	auto   bool
	// jumps are made at the nth timer that is asked for.
	jumps map[int]time.Duration
	asked int
}

func newFakeClock() *fakeClock {
	return &fakeClock{now: time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC), timers: map[chan time.Time]time.Time{}}
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Timer(d time.Duration) (<-chan time.Time, func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := make(chan time.Time, 1)
	c.asked++
	c.now = c.now.Add(c.jumps[c.asked])
	c.timers[ch] = c.now.Add(d)
	if c.auto && d > 0 {
		c.now = c.now.Add(d)
		d = 0
	}
	if d <= 0 {
		ch <- c.now
	}
	return ch, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.timers, ch)
	}
}

// jump moves the wall clock and wakes whoever sleeps, as the end of a bounded
// sleep would.
func (c *fakeClock) jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for ch := range c.timers {
		select {
		case ch <- c.now:
		default:
		}
	}
}

func TestTimeoutFires(t *testing.T) {
	d, w, clock := newDisk(), newWorld(), newFakeClock()
	opts := options(d, w, "#1 run approval.go\n")
	opts.Clock = clock
	opts.Observer.Waiting = func([]flow.SetTimer) {
		// Moving it before the loop sleeps makes its next timer due at once.
		clock.jump(time.Hour)
	}
	res, err := local.Run(context.Background(), opts)
	expectStatus(t, res, err, store.Failed)
	if !strings.Contains(strings.Join(d.lines(), "\n"), "fired #2") {
		t.Errorf("the journal is\n%s", strings.Join(d.lines(), "\n"))
	}
}

// A clock that was a year ahead when the run began, and is right when it goes on,
// neither turns the journal's time back nor makes a timeout of an hour last a year.
func TestClockSetBack(t *testing.T) {
	d, w, clock := newDisk(), newWorld(), newFakeClock()
	clock.jump(365 * 24 * time.Hour)
	opts := options(d, w, "#1 run approval.go\n")
	opts.Clock = clock
	opts.Person.ReturnWhenWaiting = true
	res, err := local.Run(context.Background(), opts)
	expectStatus(t, res, err, store.Waiting)

	clock.jump(-365 * 24 * time.Hour)
	res, err = local.Run(context.Background(), resumed(opts))
	expectStatus(t, res, err, store.Waiting)

	opts.Person.ReturnWhenWaiting = false
	clock.auto = true
	clock.jumps = map[int]time.Duration{100: -10 * 24 * time.Hour, 5000: -time.Minute}
	res, err = local.Run(context.Background(), resumed(opts))
	expectStatus(t, res, err, store.Failed)
	entries, err := d.Entries(context.Background(), 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	var last, asked time.Time
	for _, e := range entries {
		if e.Event == nil {
			continue
		}
		at := e.Event.When()
		if at.Before(last) {
			t.Errorf("time goes back in the journal:\n%s", strings.Join(d.journal, "\n"))
		}
		last = at
		switch e := e.Event.(type) {
		case flow.ActivityDone:
			if e.ID == 1 {
				asked = at
			}
		case flow.TimerFired:
			if took := at.Sub(asked); took < time.Hour || took > time.Hour+2*time.Minute {
				t.Errorf("the timeout of an hour came after %s", took)
			}
		}
	}
	if d.status != store.Failed || last.Before(asked.Add(time.Hour)) {
		t.Errorf("status %s, last event at %s, asked at %s", d.status, last, asked)
	}
}

var _ local.Clock = (*fakeClock)(nil)
