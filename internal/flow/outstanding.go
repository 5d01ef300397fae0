package flow

import (
	"fmt"
	"maps"
	"slices"
)

// Outstanding follows what a machine has asked for and what has come of it. Fed
// with a journal's events and the machine's commands it tells what a runtime owes
// the machine after a crash. Its zero value is that of a machine not yet started.
type Outstanding struct {
	activities map[ID]Do
	timers     map[ID]SetTimer
	children   map[ID]StartChild
	end        Command
}

// Took notes an event that the machine is given. It reports whether the event was
// to be expected: an answer to what was never asked, or was answered already, is
// not, and a runtime neither journals nor handles it.
func (o *Outstanding) Took(e Event) bool {
	switch e := e.(type) {
	case ActivityDone:
		return take(o.activities, e.ID)
	case ActivityFailed:
		return take(o.activities, e.ID)
	case TimerFired:
		return take(o.timers, e.ID)
	case ChildDone:
		return take(o.children, e.ID)
	case Signaled:
		if f, ok := o.end.(Fail); ok && f.Failure.Kind == Cancelled && e.Name == SignalResume {
			o.end = nil
		}
		return true
	case Started, CancelRequested:
		return true
	default:
		panic(fmt.Sprintf("flow: an event of unknown type %T", e))
	}
}

func take[T any](m map[ID]T, id ID) bool {
	_, ok := m[id]
	delete(m, id)
	return ok
}

// Gave notes the commands that the machine gave for an event.
func (o *Outstanding) Gave(commands []Command) {
	if o.activities == nil {
		o.activities, o.timers, o.children = map[ID]Do{}, map[ID]SetTimer{}, map[ID]StartChild{}
	}
	for _, c := range commands {
		switch c := c.(type) {
		case Do:
			o.activities[c.ID] = c
		case SetTimer:
			o.timers[c.ID] = c
		case CancelTimer:
			delete(o.timers, c.ID)
		case StartChild:
			o.children[c.ID] = c
		case Complete, Fail:
			o.end = c
		case CancelActivity, Record:
		default:
			panic(fmt.Sprintf("flow: a command of unknown type %T", c))
		}
	}
}

// Activity gives the activity of this ID when it is outstanding.
func (o *Outstanding) Activity(id ID) (Do, bool) {
	d, ok := o.activities[id]
	return d, ok
}

// Timer gives the timer of this ID when it is outstanding.
func (o *Outstanding) Timer(id ID) (SetTimer, bool) {
	t, ok := o.timers[id]
	return t, ok
}

// Activities gives the outstanding activities by ID.
func (o *Outstanding) Activities() []Do { return byID(o.activities) }

// Timers gives the outstanding timers by ID.
func (o *Outstanding) Timers() []SetTimer { return byID(o.timers) }

// Children gives the outstanding children by ID.
func (o *Outstanding) Children() []StartChild { return byID(o.children) }

// End gives the Complete or Fail with which the machine ended; nil when it has
// not, or when it was stopped and has been resumed.
func (o *Outstanding) End() Command { return o.end }

func byID[T any](m map[ID]T) []T {
	list := make([]T, 0, len(m))
	for _, id := range slices.Sorted(maps.Keys(m)) {
		list = append(list, m[id])
	}
	return list
}
