package task

import (
	"context"
	"encoding/json"
	"fmt"

	"tutti/internal/addr"
	"tutti/internal/block"
	"tutti/internal/diag"
	"tutti/internal/object"
)

// The names under which rows say whose they are.
const (
	driverName   = "task"
	approvalName = "approval"
)

// driver carries out tasks. It holds nothing of one task: all that is needed to
// destroy one lies in its row, so that it can be done when the block is gone.
type driver struct {
	// root is the folder that relative paths start from.
	root string
}

var (
	_ object.Driver  = (*driver)(nil)
	_ object.Settler = (*driver)(nil)
)

// DriverOf gives the driver of a row whose block is gone.
func DriverOf(row *object.State) (object.Driver, diag.List) {
	switch row.Driver {
	case driverName:
		return &driver{root: "."}, nil
	case approvalName:
		return approvalDriver{}, nil
	default:
		return nil, diag.Errorf(nil, "Unknown driver in the state", "The row of %s names %q, which this version of tutti does not know. A newer one may have written it.", row.Addr, row.Driver)
	}
}

// private is what a task keeps for itself. Stores encrypt it always.
type private struct {
	// Salt is the key of the hashes in the inputs.
	Salt []byte `json:"salt"`
	// Ran is set once there was a run, whatever came of it.
	Ran bool `json:"ran,omitempty"`
	// Failed is set when the last run of a manual task failed: it is not tainted,
	// because that would make it run without being asked to.
	Failed    bool    `json:"failed,omitempty"`
	OnDestroy *action `json:"on_destroy,omitempty"`
}

func (p private) bytes() []byte {
	out, err := json.Marshal(p)
	if err != nil {
		panic("task: invariant broken: the private data has no JSON form: " + err.Error())
	}
	return out
}

func readPrivate(prior *object.Actual) (private, error) {
	var p private
	if prior == nil || len(prior.Private) == 0 {
		return p, nil
	}
	if err := json.Unmarshal(prior.Private, &p); err != nil {
		return p, fmt.Errorf("the private data of the stored task cannot be read: %w", err)
	}
	return p, nil
}

// Read implements object.Driver: a task leaves nothing that could be looked at,
// but for the paths of creates, which planning looks at.
func (d *driver) Read(_ context.Context, _ addr.Instance, known *object.Actual) (*object.Actual, diag.List) {
	return known, nil
}

// Decode implements object.Driver.
func (d *driver) Decode(_ context.Context, s *object.State) (*object.Actual, diag.List) {
	return block.Decode(s, runInputs, otherInputs, textOutputs, numberOutputs)
}

// Encode implements object.Driver.
func (d *driver) Encode(a *object.Actual) (*object.State, error) { return block.Encode(a, driverName) }
