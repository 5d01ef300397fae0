package object

import (
	"context"
	"encoding/json"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/flow"
)

// Driver is what an object's kind can do. It is bound to one object's
// configuration where that matters to it (ignore_changes). Values that it is
// given and gives may hold marks. Methods are called concurrently for different
// instances.
type Driver interface {
	// Plan says what would have to change. It asks nothing of the world that Read
	// would not ask.
	Plan(ctx context.Context, req PlanRequest) (Change, diag.List)
	// Apply carries one change out. A result is given even beside errors when
	// something came into being.
	Apply(ctx context.Context, req ApplyRequest) (Result, diag.List)
	// Read gives what is there now; nil when it is gone.
	Read(ctx context.Context, addr addr.Instance, known *Actual) (*Actual, diag.List)
	// Decode and Encode turn a stored state into a value and back. Decode upgrades
	// what an older version wrote. Encode fills the fields that concern the value;
	// the caller adds the rest.
	Decode(ctx context.Context, s *State) (*Actual, diag.List)
	Encode(a *Actual) (*State, error)
}

// Importer is a driver that can take over what exists already.
type Importer interface {
	Import(ctx context.Context, addr addr.Instance, id ImportID) (*Actual, diag.List)
}

// Named is a driver that knows what State.Driver its rows will have before there
// are any.
type Named interface {
	Name() string
}

// Mover is a driver that can take over the state of an object of another type.
type Mover interface {
	Move(ctx context.Context, from *State) (*Actual, diag.List)
}

// Settler is a driver that can find out how an interrupted activity ended by
// looking at the world.
type Settler interface {
	// Settle gives done=true and the result when the world shows that the change
	// happened, done=false and no error when it shows that it did not. An error
	// means that it cannot be told: the address is in doubt.
	Settle(ctx context.Context, req ApplyRequest) (res Result, done bool, err error)
}

// Stepwise is a driver whose work has many steps: a machine carries a change out, as a
// child of the run, with a journal of its own.
type Stepwise interface {
	// Begin gives the machine that is to do the work of a Run or a Delete. It changes
	// nothing in the world, and may be called again for the same change. Nil without
	// errors means that there are no steps, and Apply does it all.
	Begin(ctx context.Context, req ApplyRequest) (*Work, diag.List)
	// Conclude gives what the machine left behind. A result is given even beside
	// errors, as by Apply.
	Conclude(ctx context.Context, req ApplyRequest, ended Ended) (Result, diag.List)
}

// Work is a machine with what it is started with.
type Work struct {
	// Machine names the kind of machine.
	Machine string
	// Input is JSON, and may hold secrets.
	Input json.RawMessage
}

// Ended is how a machine came to its end.
type Ended struct {
	// Run names the run that the machine was, for people.
	Run string
	// Output is JSON; Failure is nil when the machine succeeded.
	Output  json.RawMessage
	Failure *flow.Failure
}

// Restorer is a driver that can say what would have to be wanted to get an
// instance as it was.
type Restorer interface {
	Restore(a *Actual) cty.Value
}

// Validator is a driver that can say whether it likes a configuration, which may
// hold unknown values. It is asked by validate alone: Plan checks for itself.
type Validator interface {
	Validate(ctx context.Context, wanted cty.Value) diag.List
}

// ImportID names an existing thing: by ID, or by identity when ID is "".
type ImportID struct {
	ID       string
	Identity cty.Value
}

// Actual is what is known of an existing instance.
type Actual struct {
	Value cty.Value
	// Private is the driver's own, opaque to all others.
	Private  []byte
	Identity cty.Value // cty.NilVal when the kind has none
	// Tainted means that it exists but was not completed: it is to be replaced.
	Tainted bool
}

// PlanRequest asks for the change of one instance.
type PlanRequest struct {
	Addr addr.Instance
	// Wanted is cty.NilVal when the instance is to be deleted.
	Wanted cty.Value
	// Prior is nil when nothing exists.
	Prior *Actual
	// Pending is set when something that the instance depends on without using a
	// value of it (depends_on) is going to change: a data source is then read at
	// apply.
	Pending bool
	// Replace asks for a replacement although nothing requires it (a tainted
	// object, -replace, replace_triggered_by).
	Replace bool
	// Requested means that the user named this very instance (-replace), also when
	// there is nothing to replace yet: what runs only when asked for is asked.
	Requested bool
	// Done means that an earlier phase of the same command has carried this instance
	// out: what runs every time has run.
	Done bool
}

// Change is what a driver says would happen to an instance. Verb is Create,
// Update, Replace, Delete, Read, Run, or NoOp.
type Change struct {
	Verb Verb
	// Before and After hold marks; After holds unknowns. cty.NilVal stands for
	// nothing there.
	Before, After cty.Value
	// Private is the planned private data.
	Private  []byte
	Identity cty.Value
	// ReplacePaths are the attributes whose change requires a replacement.
	ReplacePaths []cty.Path
	// Idempotent changes may be carried out again when it is not known whether
	// they were.
	Idempotent bool
	// Deferred is set when the driver cannot plan this before other changes are
	// made: the reason, in words.
	Deferred string
	// Note is a line for people, such as "3 hosts, 14 tasks: 5 would change".
	Note string
	// Parts are the changes inside one entry (host x task), in order.
	Parts []Part
}

// Part is a change inside a plan entry.
type Part struct {
	Name   string // "eu-1  template /etc/shop/shop.conf"
	Before string
	After  string
	Known  bool // false: unknown until applied
}

// ApplyRequest asks a driver to carry out a change.
type ApplyRequest struct {
	Addr addr.Instance
	// Verb is Create, Update, Delete, Read or Run: a replacement comes as two.
	Verb Verb
	// Wanted is the wanted value evaluated again, wholly known but for what only
	// the driver decides; cty.NilVal for Delete.
	Wanted cty.Value
	// Planned is Change.After as it was planned, with its unknowns.
	Planned cty.Value
	Prior   *Actual
	Private []byte
	// Log takes lines of output as they come, without marks of secrecy: whoever
	// shows them masks. It may be nil.
	Log func(line string)
}

// Result is what an applied change left behind; Actual is nil when nothing is.
type Result struct {
	Actual *Actual
	// InDoubt is set beside errors when nobody can tell how far it got: whoever
	// carried it out went away before it answered.
	InDoubt bool
}
