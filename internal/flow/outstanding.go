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
	// cancelled are the activities and children that were asked to stop, with the reason.
	cancelled map[ID]string
	end       Command
}

// Took notes an event that the machine is given. It reports whether the event was
// to be expected: an answer to what was never asked, or was answered already, is
// not, and a runtime neither journals nor handles it.
func (o *Outstanding) Took(e Event) bool {
	switch e := e.(type) {
	case ActivityDone:
		return take(o, o.activities, e.ID)
	case ActivityFailed:
		return take(o, o.activities, e.ID)
	case TimerFired:
		return take(o, o.timers, e.ID)
	case ChildDone:
		return take(o, o.children, e.ID)
	case Signaled:
		if f, ok := o.end.(Fail); ok && (e.Name == SignalRedrive || f.Failure.Kind == Cancelled && e.Name == SignalResume) {
			o.end = nil
		}
		return true
	case Started, CancelRequested:
		return true
	default:
		panic(fmt.Sprintf("flow: an event of unknown type %T", e))
	}
}

func take[T any](o *Outstanding, m map[ID]T, id ID) bool {
	_, ok := m[id]
	delete(m, id)
	delete(o.cancelled, id)
	return ok
}

// Gave notes the commands that the machine gave for an event.
func (o *Outstanding) Gave(commands []Command) {
	for _, c := range commands {
		switch c := c.(type) {
		case Do:
			put(&o.activities, c.ID, c)
		case SetTimer:
			put(&o.timers, c.ID, c)
		case CancelTimer:
			delete(o.timers, c.ID)
		case StartChild:
			put(&o.children, c.ID, c)
		case Complete, Fail:
			o.end = c
		case CancelActivity:
			if _, ok := o.activities[c.ID]; ok {
				put(&o.cancelled, c.ID, "")
			}
		case CancelChild:
			if _, ok := o.children[c.ID]; ok {
				put(&o.cancelled, c.ID, c.Reason)
			}
		case Record:
		default:
			panic(fmt.Sprintf("flow: a command of unknown type %T", c))
		}
	}
}

// put makes the map when the first thing is put in: many machines only wait.
func put[T any](m *map[ID]T, id ID, v T) {
	if *m == nil {
		*m = map[ID]T{}
	}
	(*m)[id] = v
}

// Commands gives the commands that bring another Outstanding to where this one is,
// in an order that is always the same: what a runtime keeps beside a snapshot.
func (o *Outstanding) Commands() []Command {
	var list []Command
	for _, d := range o.Activities() {
		list = append(list, d)
		if o.Cancelled(d.ID) {
			list = append(list, CancelActivity{ID: d.ID})
		}
	}
	for _, t := range o.Timers() {
		list = append(list, t)
	}
	for _, c := range o.Children() {
		list = append(list, c)
		if o.Cancelled(c.ID) {
			list = append(list, CancelChild{ID: c.ID, Reason: o.cancelled[c.ID]})
		}
	}
	if o.end != nil {
		list = append(list, o.end)
	}
	return list
}

// Activity gives the activity of this ID when it is outstanding.
func (o *Outstanding) Activity(id ID) (Do, bool) {
	d, ok := o.activities[id]
	return d, ok
}

// Child gives the child of this ID when it is outstanding.
func (o *Outstanding) Child(id ID) (StartChild, bool) {
	c, ok := o.children[id]
	return c, ok
}

// Cancelled tells that an outstanding activity or child was asked to stop.
func (o *Outstanding) Cancelled(id ID) bool {
	_, ok := o.cancelled[id]
	return ok
}

// CancelReason is why a child was asked to stop; "" when nothing was said.
func (o *Outstanding) CancelReason(id ID) string { return o.cancelled[id] }

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
// not, or when it was stopped or failed and has been taken up again.
func (o *Outstanding) End() Command { return o.end }

func byID[T any](m map[ID]T) []T {
	list := make([]T, 0, len(m))
	for _, id := range slices.Sorted(maps.Keys(m)) {
		list = append(list, m[id])
	}
	return list
}
