// Package flow is the contract of everything that takes many steps: a
// deterministic machine that turns events into commands.
//
// In: events, one after the other, each with its time. Out: commands. A machine
// does no I/O, knows no clock, starts no goroutine and takes no lock; the same
// events give the same commands in the same order, so a journal of its events is
// all that is needed to bring it back. What runs machines is a runtime
// (runtime/local); flow/sim runs them in simulation.
//
// The package owns Machine, Event, Command and their text form. It must not know
// any machine, and imports the standard library only.
package flow

import (
	"encoding/json"
	"time"
)

// Machine is a durable process as a pure state machine. It is used by one
// goroutine at a time.
type Machine interface {
	// Handle takes one event and gives what is to be done about it. Payloads in
	// events are not changed, and those in commands are not kept.
	Handle(Event) []Command
	// Snapshot gives the whole state, so that a long journal can be cut short.
	Snapshot() ([]byte, error)
}

// Restorer is a Machine that can go on from a snapshot, so that a runtime need not
// replay a long journal from its beginning.
type Restorer interface {
	Machine
	// Restore puts a machine that has not started where the one was whose Snapshot
	// this is. After an error, such as a form that this program does not know, the
	// machine is as it was, and the journal is replayed.
	Restore(snapshot []byte) error
}

// ID numbers a machine's activities, timers and children; the machine chooses it
// and uses each only once. It is above 0.
type ID int64

// Event is one of Started, ActivityDone, ActivityFailed, TimerFired, Signaled,
// ChildDone, CancelRequested.
type Event interface {
	// When is the time at which the runtime took the event in.
	When() time.Time
	event()
}

// Started is the first event of every machine.
type Started struct {
	At    time.Time
	Input json.RawMessage
	// Seed is where a machine's randomness comes from.
	Seed int64
}

// ActivityDone brings the answer of an activity.
type ActivityDone struct {
	At     time.Time
	ID     ID
	Output json.RawMessage
}

// ActivityFailed says that an activity ended without a result.
type ActivityFailed struct {
	At      time.Time
	ID      ID
	Failure Failure
}

// TimerFired says that a timer's time has come.
type TimerFired struct {
	At time.Time
	ID ID
}

// Signaled brings a message from outside: an approval, a task token.
type Signaled struct {
	At      time.Time
	Name    string
	Payload json.RawMessage
}

// ChildDone says that a child machine ended; Failure is nil when it succeeded.
type ChildDone struct {
	At      time.Time
	ID      ID
	Output  json.RawMessage
	Failure *Failure
}

// CancelRequested asks the machine to end in order.
type CancelRequested struct {
	At     time.Time
	Reason string
}

// SignalResume is the name of the signal that a runtime sends when it takes a run
// up again. A machine that has stopped because of a CancelRequested goes on; any
// other machine does nothing.
const SignalResume = "resume"

// SignalRedrive is the name of the signal that takes up a machine that has failed,
// of whatever kind the failure was. A machine that cannot go on from there fails
// again in answer to it.
const SignalRedrive = "redrive"

// SignalInDoubt is the name of the signal that a runtime sends when an activity
// was cut off, its outcome cannot be told, and nobody has decided about it: its
// payload is {"id": ID}. The activity stays outstanding, and its answer may still
// come; a machine that limits how many run no longer counts it.
const SignalInDoubt = "in-doubt"

// CodeNotStarted is the Code of a Failure of kind Cancelled that came before the
// activity had begun: the world is as it was, and even what is not idempotent may
// be done again.
const CodeNotStarted = "NotStarted"

// Failure is why an activity or machine did not succeed. A worker gives it as an
// error when the kind matters.
type Failure struct {
	// Kind tells what may be done about it.
	Kind FailureKind
	// Code is a stable name, such as States.Timeout; it may be empty.
	Code string
	// Message is for people and holds no secrets.
	Message string
}

// Error implements error.
func (f Failure) Error() string {
	if f.Code == "" {
		return f.Message
	}
	return f.Code + ": " + f.Message
}

// FailureKind tells what may be done about a failure.
type FailureKind uint8

// The kinds of failure. The zero value is invalid.
const (
	Terminal  FailureKind = iota + 1 // trying again gives the same
	Retryable                        // trying again may help
	Cancelled                        // it was asked to stop
)

// Command is one of Do, CancelActivity, SetTimer, CancelTimer, StartChild,
// CancelChild, Record, Complete, Fail.
type Command interface{ command() }

// Do asks for an activity. Unless it is idempotent, that it goes out is journaled
// before it does. An idempotent one may be carried out again with the same input,
// and then comes to the same.
type Do struct {
	ID ID
	// Activity names what a worker is to do.
	Activity string
	Input    json.RawMessage
	// Queue is the site whose workers may take it; "" is here.
	Queue      string
	Idempotent bool
}

// CancelActivity asks a running activity to stop; its answer still comes.
type CancelActivity struct{ ID ID }

// SetTimer asks for a TimerFired at the given time or as soon after as possible.
type SetTimer struct {
	ID ID
	At time.Time
}

// CancelTimer takes a timer back; it may fire all the same.
type CancelTimer struct{ ID ID }

// StartChild starts a machine of its own journal. However often the process dies,
// one child is started, and one ChildDone comes.
type StartChild struct {
	ID      ID
	Machine string
	Input   json.RawMessage
	// Continues is the ID with which a child was first started that has stopped in order
	// since (its ChildDone was a Failure of kind Cancelled): that child goes on. If it
	// never began, it begins, with Machine and Input. 0 starts a new child.
	Continues ID
	// Redrive takes a child that Continues names up by SignalRedrive, also when it has
	// failed. It may be taken up twice when the process dies after it has failed again.
	Redrive bool
}

// Number is what the child is known by beside its parent: the ID with which it was
// first started.
func (c StartChild) Number() ID {
	if c.Continues != 0 {
		return c.Continues
	}
	return c.ID
}

// CancelChild asks a child to stop; its ChildDone still comes. A child that had not
// begun ends with CodeNotStarted. Reason is that of the child's CancelRequested; ""
// is one that the runtime words.
type CancelChild struct {
	ID     ID
	Reason string
}

// Record notes something for people who look at the run; it has no effect.
type Record struct{ Text string }

// Complete ends the machine with a result.
type Complete struct{ Output json.RawMessage }

// Fail ends the machine without one.
type Fail struct{ Failure Failure }

// When implements Event.
func (e Started) When() time.Time         { return e.At }
func (e ActivityDone) When() time.Time    { return e.At }
func (e ActivityFailed) When() time.Time  { return e.At }
func (e TimerFired) When() time.Time      { return e.At }
func (e Signaled) When() time.Time        { return e.At }
func (e ChildDone) When() time.Time       { return e.At }
func (e CancelRequested) When() time.Time { return e.At }

func (Started) event()         {}
func (ActivityDone) event()    {}
func (ActivityFailed) event()  {}
func (TimerFired) event()      {}
func (Signaled) event()        {}
func (ChildDone) event()       {}
func (CancelRequested) event() {}

func (Do) command()             {}
func (CancelActivity) command() {}
func (SetTimer) command()       {}
func (CancelTimer) command()    {}
func (StartChild) command()     {}
func (CancelChild) command()    {}
func (Record) command()         {}
func (Complete) command()       {}
func (Fail) command()           {}
