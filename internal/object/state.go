package object

import (
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
)

// State is the stored row of one instance. Rows are values: what a store gives
// out is never changed in place.
type State struct {
	Addr addr.Instance
	// Deposed is the key of an object that was replaced and waits to be deleted;
	// "" for the current one.
	Deposed string
	// Driver names who understands the attributes. For Terraform it is the
	// provider's address as tfstate has it:
	// provider["registry.terraform.io/hashicorp/local"].
	Driver string
	// SchemaVersion belongs to Attributes.
	SchemaVersion int64
	// Attributes is JSON in the driver's own type.
	Attributes []byte
	// Flatmap is set instead of Attributes in states of very old Terraform.
	Flatmap map[string]string
	// Sensitive are paths in Attributes that hold sensitive values. A store
	// encrypts the attributes of a row that has any, and Private always.
	Sensitive []cty.Path
	Private   []byte
	// Identity is JSON; nil when the kind has none.
	Identity        []byte
	IdentityVersion int64
	Tainted         bool
	// CreateBeforeDestroy is remembered for the day the block is gone.
	CreateBeforeDestroy bool
	// Forget is remembered likewise (destroy = false).
	Forget bool
	// Needs are the instances and whole objects that this one depends on, so that
	// it can be deleted before them. An address without key means every instance
	// of that object.
	Needs []addr.Instance
	// Serial is the store's number of the write that made the row; 0 before that.
	Serial int64
}

// RowKey is the primary key of a row within a stack.
type RowKey struct {
	Addr    addr.Instance
	Deposed string
}

// Key gives the row's key.
func (s *State) Key() RowKey { return RowKey{s.Addr, s.Deposed} }

// OutputState is the stored value of a root output.
type OutputState struct {
	Name      string
	Value     []byte // JSON
	Type      []byte // JSON, as cty writes types
	Sensitive bool
	Serial    int64
}
