// Package store is the border to where states, runs and journals are kept.
// store/sqlite is the embedded one; every implementation passes the conformance
// suite in store/storetest.
//
// In and out: state rows (package object) and journal entries. It owns the
// interfaces and the record types. It must not know languages, plans or machines.
//
// A Store is of one stack. Its methods are safe for concurrent use, also by
// several processes on the same file.
package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tutti/internal/addr"
	"tutti/internal/flow"
	"tutti/internal/object"
)

// Store is everything that is kept for one stack.
type Store interface {
	States
	Runs
	Journal
	Mailbox
	Leases
	Documents
	Close() error
}

// States is the present state: one row an instance.
type States interface {
	// Snapshot gives all rows as of one moment. They are in no particular order.
	Snapshot(ctx context.Context) (*Snapshot, error)
	// Changed gives the keys of rows that were written or deleted after the serial.
	Changed(ctx context.Context, after int64) ([]object.RowKey, error)
	// Write makes the writes in one transaction outside any carrying out of a plan
	// (state mv, rm, push, adoption). It leaves the record of an ended run of machine
	// MachineEdit with why as its command, so that people see it among the runs and
	// its pre-images can be rolled back like any other run's.
	Write(ctx context.Context, why string, writes []Write) error
}

// Snapshot is the state at one moment.
type Snapshot struct {
	// Serial is the store's write counter: it grows by at least one with each write.
	Serial  int64
	Lineage string // as tfstate has it
	Rows    []*object.State
	Outputs []*object.OutputState
}

// Write is one change of the state; exactly one of its fields is set. A row's
// Serial is set by the store.
type Write struct {
	Put          *object.State
	Delete       *object.RowKey
	PutOutput    *object.OutputState
	DeleteOutput string
	// Rekey moves a row to another address or deposed key, as it is. There must be
	// a row at From and none at To.
	Rekey *Rekey
	// Adopt makes the store go on from a state that was kept elsewhere.
	Adopt *Adopt
}

// Adopt takes over a tfstate's lineage and, when it is above the store's own, its
// serial, so that what is exported later counts as newer than it.
type Adopt struct {
	Lineage string
	Serial  int64
}

// MachineEdit is Run.Machine of a change of the state that no machine made.
const MachineEdit = "edit"

// Rekey says which row becomes which.
type Rekey struct{ From, To object.RowKey }

// Runs are the records of runs.
type Runs interface {
	// CreateRun is Begin without entries.
	CreateRun(ctx context.Context, r Run) (RunID, error)
	// Begin stores a new run with the first entries of its journal, gives it an ID,
	// and returns when that is durable. Concurrent calls are grouped into one commit.
	// A run without a time is created now, one without a status is running. When
	// there is a run already of this Owner and Name, or of this Parent and Child, the
	// error is an *ExistsError and nothing is kept.
	Begin(ctx context.Context, r Run, entries []Entry) (RunID, error)
	Run(ctx context.Context, id RunID) (*Run, error)
	// List gives the newest runs first, without their plans, inputs and outputs;
	// limit 0 is all.
	List(ctx context.Context, limit int) ([]Run, error)
	// Find gives the runs that fit, as List does. It is quick when Name, Parent,
	// Owner or OpenOnly is set.
	Find(ctx context.Context, f RunFilter) ([]Run, error)
	// SetStatus ends a run, or opens it again. What it ended with before stays.
	SetStatus(ctx context.Context, id RunID, s Status, message string) error
	// Delete forgets a run that has ended or rests, with its children, their journals and
	// pre-images: their numbers are not used again, their names can be. It is an ErrOpen
	// when one of them goes on. When it is cut off, it may be asked for again.
	Delete(ctx context.Context, id RunID) error
}

// RunID numbers the runs of a stack from 1.
type RunID int64

// Run is one carrying out of a plan, or of another machine.
type Run struct {
	ID     RunID
	Parent RunID // the run that this one continues or belongs to; 0 for none
	// Child is the number of the Parent's StartChild that began the run; 0 for none.
	// A parent has at most one run of each number.
	Child flow.ID
	// Owner is what the run is one of, such as the ARN of a state machine or the
	// address of a workflow; "" for nothing. Name, when it is not empty, is unique
	// among the Owner's runs.
	Owner, Name string
	// Machine names what runs, such as "apply"; Input is what it is started with.
	Machine string
	Command string // what the user typed, without values of variables
	User    string
	Host    string
	Created time.Time
	Ended   time.Time // zero while open
	Status  Status
	Message string // why it ended as it did
	Code    string // the code of the failure that it ended with
	// Input is what the machine was started with and Output what it completed with:
	// JSON, or nothing. The store encrypts them, and the plan file's content.
	Input, Output json.RawMessage
	Plan          []byte
}

// RunFilter says which runs are meant: those that fit all fields that are set.
type RunFilter struct {
	Owner, Name string
	Parent      RunID
	Child       flow.ID
	Machine     string
	// Statuses are any of these; OpenOnly those that can be resumed.
	Statuses []Status
	OpenOnly bool
	// EndedBefore leaves out runs that are open, and those that ended at that time or later.
	EndedBefore time.Time
	// Root leaves out children.
	Root bool
	// Before is where the page before this one ended: only older runs are given.
	Before RunID
	Limit  int // 0 is all
}

// ExistsError says that a run is there already.
type ExistsError struct{ Run RunID }

func (e *ExistsError) Error() string { return fmt.Sprintf("it is there already: run %d", e.Run) }

// Status of a run. The texts are stable.
type Status string

// The statuses.
const (
	Running   Status = "running"   // some process carries it out, or was killed while it did
	Succeeded Status = "succeeded" //
	Failed    Status = "failed"    // something in it failed; the rest is done
	Stopped   Status = "stopped"   // in order, by Ctrl-C or cancel; can be resumed
	InDoubt   Status = "in-doubt"  // waits for a person to settle an address
	Waiting   Status = "waiting"   // waits for an approval or a timer, and nobody carries it out
	Abandoned Status = "abandoned" // closed by a person
)

// Open reports whether the run can be resumed.
func (s Status) Open() bool { return s == Running || s == Stopped || s == InDoubt || s == Waiting }

// Journal keeps what happened in runs.
type Journal interface {
	// Append adds entries to a run's journal and makes their state writes, in one
	// transaction, and returns when that is durable. Concurrent calls are grouped
	// into one commit. Entries are numbered by the store from 1 without gaps. After
	// an error nothing of the call is kept, unless the disk itself failed while
	// committing: then all of it or nothing is.
	Append(ctx context.Context, run RunID, entries []Entry) error
	// Checkpoint gives the latest checkpoint of a run; nil when it has none.
	Checkpoint(ctx context.Context, run RunID) (*Checkpoint, error)
	// Entries gives a run's journal from the index on (1 is the first). A gap or a
	// corrupt entry is an error.
	Entries(ctx context.Context, run RunID, from int64) ([]Entry, error)
	// Preimages gives the rows and outputs as they were before the run first
	// changed them.
	Preimages(ctx context.Context, run RunID) ([]Preimage, error)
}

// Entry is one line of a journal: exactly one of Event, Sent and Note is set.
type Entry struct {
	Index int64 // set by the store
	// Event is what the machine took in.
	Event flow.Event
	// Sent says that the activity of this ID, which is not idempotent, goes out.
	Sent flow.ID
	// Note is for people, at its time: a machine's Record, a log line.
	Note   string
	NoteAt time.Time
	// Writes are made with the entry. They are not given back by Entries.
	Writes []Write
	// Took is the number of the message that Event came from; 0 when from none.
	// Append removes it from the run's mailbox in the same transaction, so that a
	// message is neither lost nor taken twice. It need not be kept.
	Took int64
	// End ends the run, or rests it, in the same transaction.
	End *End
	// Checkpoint, when there is one, is where replaying may begin from now on: it
	// stands for all entries up to this one, and for the run's earlier checkpoint.
	Checkpoint []byte
}

// End is how a run ended.
type End struct {
	Status  Status
	Message string
	Code    string
	Output  json.RawMessage
}

// Checkpoint is what a runtime needs to go on without the entries up to Index. The
// entries are still there.
type Checkpoint struct {
	Index int64
	Data  []byte // the store encrypts it
}

// Mailbox carries messages to a run from other processes (tutti approve, tutti
// cancel). Whoever carries the run out looks into it now and then.
type Mailbox interface {
	// Post leaves a message for a run, whether anybody carries it out or not. It is
	// durable when Post returns. ErrNotFound when there is no such run.
	Post(ctx context.Context, run RunID, s flow.Signaled) error
	// Posted gives the messages that no journal entry has taken (Entry.Took), in
	// the order in which they were posted. It is cheap when there are none.
	Posted(ctx context.Context, run RunID) ([]Message, error)
	// PostedAll gives those of all runs that have a greater number than after, for
	// whoever carries out many.
	PostedAll(ctx context.Context, after int64) ([]Posted, error)
}

// Posted is a message with the run that it is for.
type Posted struct {
	Run RunID
	Message
}

// Message is one posted signal.
type Message struct {
	// Number is above 0 and grows with each message of the store.
	Number int64
	Signal flow.Signaled
}

// Preimage is a row before a change; Row is nil when it did not exist.
type Preimage struct {
	Key    object.RowKey
	Row    *object.State
	Output string // set instead of Key for an output
	Before *object.OutputState
}

// Leases keep two runs off the same addresses.
type Leases interface {
	// Acquire takes all or none. A *HeldError tells who has one. A lease is held
	// by a process of a run: Acquire by the same process renews it, another process
	// that wants the same run is refused. A lease from another host must be renewed
	// before its time is over. Of one from this host it is known whether its process
	// lives: it holds as long as that does, whatever the clock says (a suspended run,
	// a clock that jumps), and is free at once when it is gone.
	Acquire(ctx context.Context, l Lease) error
	Release(ctx context.Context, run RunID) error
	// Held lists the leases in force.
	Held(ctx context.Context) ([]Lease, error)
	// Break releases a lease by force (tutti unlock).
	Break(ctx context.Context, run RunID) error
}

// LeaseTTL is how long another host's lease is good without being renewed.
const LeaseTTL = 60 * time.Second

// Lease is the right of one run to change some objects.
type Lease struct {
	Run    RunID
	Holder string // user@host, process ID
	Reason string // the command
	Since  time.Time
	// Whole means every address of the stack; Objects are ignored then.
	Whole   bool
	Objects []addr.Object
}

// HeldError says that a lease is another's.
type HeldError struct {
	Holder  Lease
	Objects []addr.Object // those wanted by both; empty when one wants all
	Now     time.Time
}

func (e *HeldError) Error() string {
	what := "the whole stack"
	if len(e.Objects) > 0 {
		what = e.Objects[0].String()
		if n := len(e.Objects); n > 1 {
			what += fmt.Sprintf(" and %d more", n-1)
		}
	}
	return fmt.Sprintf("%s is being changed by run %d (%s, %s), for %s now", what, e.Holder.Run, e.Holder.Holder, e.Holder.Reason,
		e.Now.Sub(e.Holder.Since).Round(time.Second))
}

// Errors that callers branch on.
var (
	// ErrNewer means that the store was written by a newer tutti.
	ErrNewer = errors.New("the store was written by a newer version of tutti")
	// ErrReadOnly means that the store was opened for reading, or lies where nothing
	// can be written.
	ErrReadOnly = errors.New("the store cannot be written")
	// ErrCorrupt means that what is stored cannot be right.
	ErrCorrupt = errors.New("the store is damaged")
	// ErrNotFound means that there is no such run.
	ErrNotFound = errors.New("no such run")
	// ErrOpen means that a run goes on, or waits.
	ErrOpen = errors.New("the run has not ended")
	// ErrKey means that the key that encrypted a value is not at hand.
	ErrKey = errors.New("the key that encrypted this is not at hand")
)
