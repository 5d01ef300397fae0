package object

import (
	"fmt"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
)

// Verb is what an action does, or a change amounts to.
type Verb uint8

// The verbs. The zero value is invalid. Their texts are stable: they stand in
// plan files and journals.
const (
	NoOp Verb = iota + 1
	Create
	Update
	Delete
	Replace // in a Change only: becomes a Delete and a Create action
	Read    // a data source that can only be read at apply
	Run     // a task, an approval, a playbook
	Forget  // the row goes, the thing stays
	Record  // the row is rewritten and nothing is done: move, import, refresh
	Depose  // the row becomes a deposed one, before its replacement is created
	Join    // nothing: holds many edges together
	Set     // a root output takes its value
	verbEnd
)

var verbs = [verbEnd]string{NoOp: "no-op", Create: "create", Update: "update", Delete: "delete", Replace: "replace", Read: "read",
	Run: "run", Forget: "forget", Record: "record", Depose: "depose", Join: "join", Set: "set"}

// String gives the stable text of the verb.
func (v Verb) String() string {
	if v == 0 || v >= verbEnd {
		return fmt.Sprintf("invalid verb %d", uint8(v))
	}
	return verbs[v]
}

// ParseVerb reads what String wrote.
func ParseVerb(s string) (Verb, error) {
	for v := NoOp; v < verbEnd; v++ {
		if verbs[v] == s {
			return v, nil
		}
	}
	return 0, fmt.Errorf("%q is not a verb of a plan", s)
}

// Mode is what a plan is for.
type Mode uint8

// The modes. The zero value is the ordinary plan.
const (
	Normal Mode = iota
	Destroy
	RefreshOnly
	Rollback
)

// Plan is what would be done: a value that can be stored, shown, checked and
// carried out by another process, or refused because the state moved on.
type Plan struct {
	Mode Mode
	// Serial is the store's write counter when the state was read, and Reads the
	// objects whose rows were used: a later write to one of them makes the plan
	// stale.
	Serial int64
	Reads  []addr.Object
	// Changes holds every change that is not a no-op, sorted by address.
	Changes []PlannedChange
	// Drift holds what was found to differ from the stored state, likewise.
	Drift []PlannedChange
	// Actions is the graph to be carried out. An action's ID is its index + 1.
	Actions []Action
	// Deferred are the objects of the next phases.
	Deferred []Deferred
	Outputs  []OutputChange
	// Data are the values of what was read while planning and has no row.
	Data []DataValue
	// Variables are the root variables' values, as they were given.
	Variables map[string]cty.Value
	// Targeted is set when -target or -exclude left something out.
	Targeted bool
	// Time is when planning started; plantimestamp() gives it.
	Time time.Time
	// Objects is how many instances were looked at.
	Objects int
	// Notes are for people, such as what a rollback cannot undo.
	Notes []string
}

// PlannedChange is a driver's change with what the planner knows of it.
type PlannedChange struct {
	Addr    addr.Instance
	Deposed string
	// Driver is State.Driver of the row that will be written.
	Driver string
	Change
	Reason Reason
	// ReasonDetail names the cause, such as the changed reference.
	ReasonDetail string
	// MovedFrom is set when the instance had another address.
	MovedFrom *addr.Instance
	// Imported is set when the instance is taken over: its ID.
	Imported string
	// CreateFirst is set where a replacement creates before it destroys; with any
	// other verb the row remembers it.
	CreateFirst bool
	// Forget as in State.Forget, for the row that will be written.
	Forget bool
	// Needs as in State.Needs, for the row that will be written.
	Needs []addr.Instance
	// Prior is the row that the change starts from, refreshed; nil for a create.
	Prior *State
	// Wanted is set when the wanted value does not come from the files and so
	// cannot be evaluated again: in a rollback.
	Wanted cty.Value
}

// Reason says why a change is what it is, where that is not plain from its
// attributes. The texts are stable (they are Terraform's in `show -json`).
type Reason string

// The reasons.
const (
	ReasonNone            Reason = ""
	ReplaceTainted        Reason = "replace_because_tainted"
	ReplaceRequested      Reason = "replace_by_request"
	ReplaceTriggered      Reason = "replace_by_triggers"
	ReplaceCannotUpdate   Reason = "replace_because_cannot_update"
	DeleteNoConfig        Reason = "delete_because_no_resource_config"
	DeleteNoModule        Reason = "delete_because_no_module"
	DeleteWrongRepetition Reason = "delete_because_wrong_repetition"
	DeleteCountIndex      Reason = "delete_because_count_index"
	DeleteEachKey         Reason = "delete_because_each_key"
	DeleteEnabledFalse    Reason = "delete_because_enabled_false"
	DeleteNoMoveTarget    Reason = "delete_because_no_move_target"
	DeleteDeposed         Reason = "delete_deposed"
	ForgetByState         Reason = "forgot_because_lifecycle_destroy_in_state"
	ForgetByConfig        Reason = "forgot_because_lifecycle_destroy_in_config"
	ReadConfigUnknown     Reason = "read_because_config_unknown"
	ReadDependencyPending Reason = "read_because_dependency_pending"
)

// Action is one node of the graph to be carried out.
type Action struct {
	Verb Verb
	Addr addr.Instance
	// Deposed selects a deposed row (Delete, Forget), or is the key that the row
	// will have (Depose).
	Deposed string
	// Change is the index into Plan.Changes, or -1.
	Change int
	// Needs are the IDs of the actions that must be done first, ascending.
	Needs      []int
	Idempotent bool
	Queue      string
	Group      string
}

// Deferred is an object, or one instance of it, that can be planned only when
// something else is known.
type Deferred struct {
	Addr addr.Object
	// Key is set when only this instance waits.
	Key addr.Key
	// Reason says what is missing, in words: "for_each is not known yet".
	Reason string
	// On are the instances that it waits for.
	On []addr.Instance
}

// OutputChange is the change of a root output.
type OutputChange struct {
	Name          string
	Before, After cty.Value
	Sensitive     bool
	Verb          Verb
}

// DataValue is the value of an instance that was only read.
type DataValue struct {
	Addr  addr.Instance
	Value cty.Value
}

// HasChanges reports whether carrying the plan out would do anything.
func (p *Plan) HasChanges() bool { return len(p.Actions) > 0 }

// Move says that what was at one address is now at another (a moved block).
type Move struct {
	// In is the module that the addresses are relative to; a move there is made in
	// each of its instances.
	In       addr.ModulePath
	From, To addr.Target
	Range    *hcl.Range
}

// Removal says what happens to instances whose block is gone (a removed block).
type Removal struct {
	In   addr.ModulePath
	From addr.Target
	// Forget leaves the thing in the world and drops only its row.
	Forget bool
	Range  *hcl.Range
}

// Import says that an existing thing is to be taken over at an address.
type Import struct {
	To    addr.Instance
	ID    ImportID
	Range *hcl.Range
}
