package local

import "time"

// Clock is where times come from.
type Clock interface {
	Now() time.Time
	// Timer gives a channel that is sent to once after the duration, and how to
	// give it up.
	Timer(d time.Duration) (<-chan time.Time, func())
}

// wallClock is the machine's own clock.
type wallClock struct{}

var _ Clock = wallClock{}

func (wallClock) Now() time.Time { return time.Now() }

func (wallClock) Timer(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}

// journalTime gives the times of events. They never go back, whatever the wall
// clock does: when it is set back, or was wrong while an earlier process wrote the
// journal, time goes on from the latest event at the wall clock's pace, so that
// timers set by that time fire after as long as was meant.
type journalTime struct {
	clock  Clock
	offset time.Duration
	last   time.Time
}

func (j *journalTime) now() time.Time {
	t := j.clock.Now().Round(0).UTC().Add(j.offset)
	if t.Before(j.last) {
		j.offset += j.last.Sub(t)
		t = j.last
	}
	j.last = t
	return t
}

// saw notes the time of an event of an earlier process.
func (j *journalTime) saw(t time.Time) {
	if t.After(j.last) {
		j.last = t
	}
}

// back notes that the wall clock was set back from the given time.
func (j *journalTime) back(from time.Time) { j.saw(from.Round(0).UTC().Add(j.offset)) }
