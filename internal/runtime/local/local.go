// Package local is the embedded runtime: it drives one machine to its end in this
// process, with a journal that makes it survive the process.
//
// In: a machine, a store, and a Worker that carries activities out. Out: the
// machine's result, every step of it in the journal. The same call starts a run
// and resumes one: it reads the journal first, replays it through the machine and
// goes on with what is outstanding.
//
// The order of things is what makes a run durable:
//
//   - An event is handled at once, and appended to the journal with the state
//     writes that its activity brought and the Sent entries of the commands that
//     follow from it, all in one transaction.
//   - An activity goes out when the event that it follows from is durable, and,
//     unless it is idempotent, its own Sent entry with it. So nothing ever happens
//     in the world that a resumed run does not know of.
//   - One exception makes runs fast: while all that is not yet durable is the
//     successes of idempotent activities, idempotent ones go out at once. A crash
//     may lose all of them together, and doing them again comes to the same.
//   - Commits run beside the machine: while one is under way, answers gather for
//     the next, and share one transaction.
//   - After an append that failed nothing goes out; what runs is awaited, its
//     answers are offered to the journal once more, and the run stops.
//
// Start at Run; loop.go is the one goroutine that touches the machine, commit.go
// the journal's side, replay.go and settle.go the way back after a crash. The
// package must not know any machine.
package local

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tutti/internal/flow"
	"tutti/internal/store"
)

// Worker is the world's side. Its methods are called concurrently.
type Worker interface {
	// Do carries an activity out. The outcome's writes count even beside an error:
	// they are what came into being. An error that is, or wraps, a flow.Failure is
	// taken as it is; one that comes of the context's end is of kind Cancelled; any
	// other is Terminal. When the run is aborted and an activity that is not
	// idempotent ends as Cancelled without a write and without CodeNotStarted, nobody
	// knows how far it got: it is settled when the run is resumed. So it is, aborted
	// or not, with a DoubtError. Log takes lines of output as they come and may be called from any goroutine until Do returns.
	Do(ctx context.Context, d flow.Do, log func(line string)) (Outcome, error)
	// Settle is asked about an activity that was sent and whose answer never came.
	// It gives done=true with the outcome when the world shows that it happened,
	// done=false without an error when the world shows that it did not, and an error
	// when that cannot be told.
	Settle(ctx context.Context, d flow.Do) (out Outcome, done bool, err error)
}

// DoubtError is the error of an activity that is not idempotent and of which its
// worker does not know how far it got, because whoever carried it out went away.
// The activity stays outstanding: all the rest is carried out, the run ends in
// doubt, and resuming it settles the activity.
type DoubtError struct{ Err error }

// Error implements error.
func (e *DoubtError) Error() string { return e.Err.Error() }

// Unwrap gives what went wrong.
func (e *DoubtError) Unwrap() error { return e.Err }

// Outcome is what an activity brought.
type Outcome struct {
	// Output is JSON, or nothing.
	Output json.RawMessage
	// Writes change the state in the transaction that journals the answer.
	Writes []store.Write
}

// Journal is the part of store.Journal that a run needs.
type Journal interface {
	Append(ctx context.Context, run store.RunID, entries []store.Entry) error
	Checkpoint(ctx context.Context, run store.RunID) (*store.Checkpoint, error)
	Entries(ctx context.Context, run store.RunID, from int64) ([]store.Entry, error)
}

// Runs is the part of store.Runs that a run needs, for itself and its children.
type Runs interface {
	Begin(ctx context.Context, r store.Run, entries []store.Entry) (store.RunID, error)
	Run(ctx context.Context, id store.RunID) (*store.Run, error)
	Find(ctx context.Context, f store.RunFilter) ([]store.Run, error)
	SetStatus(ctx context.Context, id store.RunID, s store.Status, message string) error
}

// Leases is the part of store.Leases that a run needs.
type Leases interface {
	Acquire(ctx context.Context, l store.Lease) error
	Release(ctx context.Context, run store.RunID) error
	Held(ctx context.Context) ([]store.Lease, error)
}

// Store is what a run needs of a store.
type Store interface {
	Journal
	Runs
	Leases
	store.Mailbox
}

// Options say what is to run, and on what.
type Options struct {
	// Machine has not started yet, also when the run is resumed.
	Machine flow.Machine
	Store   Store
	// RunID is the run's, which the store knows already.
	RunID  store.RunID
	Worker Worker
	// Input is what the machine is started with.
	Input json.RawMessage
	// Seed is the machine's randomness; 0 takes one at random.
	Seed int64
	// Resume allows the run to have a journal already.
	Resume bool
	// Lease is acquired first, renewed while the run lasts, and released at its end;
	// its Run is set to RunID. Nil takes none.
	Lease *store.Lease
	// Clock is the machine's own when nil.
	Clock    Clock
	Observer Observer
	Person   Person
	// Children makes the machines that this one starts as children; nil when it starts
	// none. They are carried out by the same process, and watched by what ChildObserver
	// gives, which may be nil.
	Children      Machines
	ChildObserver func(r store.Run) Observer
	// ChildInDoubt decides for children as Person.InDoubt does.
	ChildInDoubt func(ctx context.Context, r store.Run, doubts []Doubt) map[flow.ID]Decision
	// CheckpointEvery is how many journal entries are written between checkpoints of a
	// machine that is a flow.Restorer; 0 is DefaultCheckpointEvery.
	CheckpointEvery int64
	// Grace is how long activities may take to return once the context has ended;
	// 0 is DefaultGrace.
	Grace time.Duration
}

// DefaultCheckpointEvery keeps replaying a journal below a second, about.
const DefaultCheckpointEvery = 10_000

// DefaultGrace is enough for a provider to be asked to stop and to be killed.
const DefaultGrace = 15 * time.Second

// Person is what whoever started the run may say while it lasts. The end of Run's
// context is the harder way: running activities are cut off.
type Person struct {
	// Cancel is closed, or sent to, to stop in order: nothing new goes out, what
	// runs is awaited.
	Cancel <-chan struct{}
	// Signals come from this process; those from others come by the store's mailbox.
	Signals <-chan flow.Signaled
	// InDoubt decides about activities whose outcome cannot be told; those that it
	// does not mention are left, and nil leaves all.
	InDoubt func(ctx context.Context, doubts []Doubt) map[flow.ID]Decision
	// ReturnWhenWaiting ends Run with status Waiting when only a person or a timer
	// can bring the run on. Otherwise Run waits with it.
	ReturnWhenWaiting bool
}

// Doubt is an activity that was cut off and whose outcome cannot be told.
type Doubt struct {
	Do flow.Do
	// Why is what Settle said.
	Why error
}

// Decision is what is to be done about a Doubt.
type Decision uint8

// The decisions. The zero value leaves it.
const (
	Leave  Decision = iota // it stays in doubt; all the rest is carried out
	Retry                  // it is done again
	GiveUp                 // it counts as failed
)

// CodeInDoubt is the code of the failure of an activity that was given up.
const CodeInDoubt = "InDoubt"

// CodeInvalidOutput is the code of the failure of an activity whose output is not
// JSON.
const CodeInvalidOutput = "InvalidOutput"

// SignalCancel is the name of the posted signal that asks a run to stop in order
// (tutti cancel). Its payload may be {"reason":"..."}.
const SignalCancel = "cancel"

// Observer is told what happens, for live views. Fields may be nil. They must not
// block: all but Log are called by the goroutine that drives the machine.
type Observer struct {
	// Sent comes when an activity is about to be carried out.
	Sent func(d flow.Do, at time.Time)
	// Log comes from any goroutine.
	Log func(id flow.ID, line string)
	// Done and Failed come when the answer is durable.
	Done   func(d flow.Do, at time.Time, output json.RawMessage)
	Failed func(d flow.Do, at time.Time, f flow.Failure)
	// Record is a machine's note for people.
	Record func(text string, at time.Time)
	// Waiting comes when only a person or a timer can bring the run on.
	Waiting func(timers []flow.SetTimer)
}

// Result is how a run ended, as it stands in the store.
type Result struct {
	// Status is Succeeded, Failed, Stopped, InDoubt or Waiting.
	Status store.Status
	// Output is the machine's when it succeeded; Failure is set when it did not.
	Output  json.RawMessage
	Failure *flow.Failure
	// InDoubt are the activities that were left, or cut off by the context's end,
	// whatever the status.
	InDoubt []Doubt
	// ChildInDoubt are those of the run's children, and theirs.
	ChildInDoubt map[store.RunID][]Doubt
}

// Run drives the machine until it ends, stops, or waits for a decision, and notes
// the run's status. An error says that the store, or the lease, failed: then the
// run has stopped, its journal is whole, and it can be resumed; the error of a
// lease that another holds is a *store.HeldError, and nothing was begun.
func Run(ctx context.Context, opts Options) (Result, error) {
	r, err := newSingle(opts)
	if err != nil {
		return Result{}, err
	}
	if err := r.lease.acquire(ctx); err != nil {
		return Result{}, err
	}
	res, err := r.run(ctx)
	// What must be noted is noted even after the context's end.
	last := context.WithoutCancel(ctx)
	r.mailbox.looks.Wait()
	if errRelease := r.lease.release(last); errRelease != nil && err == nil {
		err = fmt.Errorf("release the lease of run %d: %w", opts.RunID, errRelease)
	}
	return res, err
}

// newSingle gives the runner of a run that has this process for itself, with a Host
// for its children.
func newSingle(opts Options) (*runner, error) {
	f, err := faultFromEnvironment()
	if err != nil {
		return nil, err
	}
	woken := make(chan struct{}, 1)
	in := &inbox{wake: func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	}}
	r, err := newRunner(opts, f, in)
	if err != nil {
		return nil, err
	}
	r.woken = woken
	if opts.Children != nil {
		r.nursery = newHost(HostOptions{Store: opts.Store, Machines: opts.Children, Clock: r.opts.Clock, Grace: r.opts.Grace,
			Observer: opts.ChildObserver, InDoubt: opts.ChildInDoubt, Trouble: in.trouble, CheckpointEvery: opts.CheckpointEvery}, f)
		r.nursery.quiet = in.wake
	}
	return r, nil
}

func (r *runner) run(ctx context.Context) (Result, error) {
	if err := r.begin(ctx); err != nil {
		return Result{Status: store.Stopped}, err
	}
	status := r.loop(ctx)
	last := context.WithoutCancel(ctx)
	doubts := r.nursery.doubts()
	if r.nursery != nil {
		if err := r.nursery.Close(last); err != nil {
			return Result{Status: store.Stopped}, err
		}
	}
	errJournal := r.commit.close(last)
	if r.halted == nil {
		r.halted = errJournal
	}
	res := r.result(status)
	res.ChildInDoubt = doubts
	message := ""
	switch {
	case r.halted != nil:
		res.Status, message = store.Stopped, r.halted.Error()
	case res.Failure != nil:
		message = res.Failure.Message
	case res.Status == store.Stopped:
		message = fmt.Sprintf("aborted; %d activities were cut off", len(res.InDoubt))
	}
	if r.halted == nil && r.noted != nil && r.noted.Status == res.Status {
		return res, nil // the journal's last entry has said so
	}
	if err := r.opts.Store.SetStatus(last, r.opts.RunID, res.Status, message); err != nil && r.halted == nil {
		return res, fmt.Errorf("note how run %d ended: %w", r.opts.RunID, err)
	}
	return res, r.halted
}

// begin brings the machine to where the journal ends, and has it go on.
func (r *runner) begin(ctx context.Context) error {
	if err := r.replay(ctx); err != nil {
		return err
	}
	if r.asked.End() != nil && !r.stoppedInOrder() {
		r.takeUpOrphans(ctx)
		return nil
	}
	if r.begun {
		if err := r.opts.Store.SetStatus(ctx, r.opts.RunID, store.Running, ""); err != nil {
			return fmt.Errorf("open run %d again: %w", r.opts.RunID, err)
		}
	}
	return r.takeUp(ctx, &flow.Signaled{Name: flow.SignalResume})
}

// result gives what the machine ended with, if it did.
func (r *runner) result(status store.Status) Result {
	res := Result{Status: status, InDoubt: r.doubts()}
	switch end := r.asked.End().(type) {
	case flow.Complete:
		res.Output = end.Output
	case flow.Fail:
		res.Failure = &end.Failure
	}
	return res
}

// doubts are the outstanding activities that were left, by their number.
func (r *runner) doubts() []Doubt {
	var list []Doubt
	for _, d := range r.asked.Activities() {
		if doubt, ok := r.left[d.ID]; ok {
			list = append(list, doubt)
		}
	}
	return list
}
