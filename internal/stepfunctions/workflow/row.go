package workflow

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/block"
	"tutti/internal/diag"
	"tutti/internal/object"
)

// driverName is the name under which rows say whose they are.
const driverName = "workflow"

// private is what a workflow keeps for itself. Stores encrypt it always.
type private struct {
	// Salt is the key of the hashes in the inputs.
	Salt []byte `json:"salt,omitempty"`
	// Ran is set once there was a run, whatever came of it; Failed when the last run of
	// a workflow that runs by hand failed: it is not tainted, because that would make it
	// run without being asked to.
	Ran    bool `json:"ran,omitempty"`
	Failed bool `json:"failed,omitempty"`
	// Start is what it is started with by hand, or by the schedule.
	Start     *Request  `json:"start,omitempty"`
	OnDestroy *Request  `json:"on_destroy,omitempty"`
	Schedule  *Schedule `json:"schedule,omitempty"`
}

func readPrivate(prior *object.Actual) (private, error) {
	var p private
	if prior == nil || len(prior.Private) == 0 {
		return p, nil
	}
	if err := json.Unmarshal(prior.Private, &p); err != nil {
		return p, fmt.Errorf("the private data of the stored workflow cannot be read: %w", err)
	}
	return p, nil
}

// differs reports whether the row would start something else than what is wanted now.
func (p private) differs(now *Request) bool {
	return now != nil && p.Start != nil && !bytes.Equal(encode(p.Start), encode(now))
}

// DriverOf gives the driver of a row whose block is gone.
func DriverOf(row *object.State) (object.Driver, diag.List) {
	if row.Driver != driverName {
		return nil, diag.Errorf(nil, "Unknown driver in the state", "The row of %s names %q, which this version of tutti does not know. A newer one may have written it.", row.Addr, row.Driver)
	}
	return &driver{root: "."}, nil
}

// Stored is a workflow as the state has it: what it is started with, and when.
type Stored struct {
	Start *Request
	// Schedule is nil when it has none.
	Schedule *Schedule
}

// FromRow reads a workflow's row.
func FromRow(row *object.State) (Stored, error) {
	p, err := readPrivate(&object.Actual{Private: row.Private})
	return Stored{Start: p.Start, Schedule: p.Schedule}, err
}

// Decode implements object.Driver.
func (d *driver) Decode(_ context.Context, s *object.State) (*object.Actual, diag.List) {
	return block.Decode(s, runInputs, otherInputs, outputNames)
}

// Encode implements object.Driver.
func (d *driver) Encode(a *object.Actual) (*object.State, error) { return block.Encode(a, driverName) }

// noOutputs are the outputs of a workflow that has not run.
func noOutputs(hidden bool) map[string]cty.Value {
	out := map[string]cty.Value{}
	for _, name := range outputNames {
		out[name] = cty.NullVal(cty.DynamicPseudoType)
	}
	return mark(out, hidden)
}

// outputsToCome are those of a workflow that is going to run.
func outputsToCome(hidden bool) map[string]cty.Value {
	return mark(map[string]cty.Value{"output": cty.DynamicVal, "status": cty.StringVal(status(nil)), "execution": cty.UnknownVal(cty.String).RefineNotNull()}, hidden)
}

// kept gives the outputs that are stored, hidden when that is wanted now.
func kept(prior cty.Value, hidden bool) map[string]cty.Value {
	out := map[string]cty.Value{}
	for _, name := range outputNames {
		out[name] = prior.GetAttr(name)
	}
	return mark(out, hidden)
}

func mark(out map[string]cty.Value, hidden bool) map[string]cty.Value {
	if hidden {
		out["output"] = out["output"].Mark(object.Sensitive)
	}
	return out
}
