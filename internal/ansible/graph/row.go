package graph

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/ansible/play"
	"tutti/internal/block"
	"tutti/internal/diag"
	"tutti/internal/object"
)

// driverName is the name under which rows say whose they are.
const driverName = "playbook"

// private is what a playbook keeps for itself. Stores encrypt it always.
type private struct {
	// Salt is the key of the hashes in the inputs.
	Salt []byte `json:"salt,omitempty"`
	// Ran is set once there was a run, whatever came of it; Failed when the last run of
	// one that runs by hand failed.
	Ran    bool `json:"ran,omitempty"`
	Failed bool `json:"failed,omitempty"`
	// Made is what runs changed on hosts; Left is what of it no task is about any more.
	Made []play.Touched `json:"made,omitempty"`
	Left []play.Touched `json:"left,omitempty"`
	// OnDestroy is the input of the play that ends it.
	OnDestroy json.RawMessage `json:"on_destroy,omitempty"`
}

func readPrivate(prior *object.Actual) (private, error) {
	var p private
	if prior == nil || len(prior.Private) == 0 {
		return p, nil
	}
	if err := json.Unmarshal(prior.Private, &p); err != nil {
		return p, fmt.Errorf("the private data of the stored playbook cannot be read: %w", err)
	}
	return p, nil
}

// DriverOf gives the driver of a row whose block is gone.
func DriverOf(row *object.State) (object.Driver, diag.List) {
	if row.Driver != driverName {
		return nil, diag.Errorf(nil, "Unknown driver in the state", "The row of %s names %q, which this version of tutti does not know. A newer one may have written it.", row.Addr, row.Driver)
	}
	return &driver{root: "."}, nil
}

// Decode implements object.Driver.
func (d *driver) Decode(_ context.Context, s *object.State) (*object.Actual, diag.List) {
	return block.Decode(s, runInputs, otherInputs, outputNames)
}

// Encode implements object.Driver.
func (d *driver) Encode(a *object.Actual) (*object.State, error) { return block.Encode(a, driverName) }

// noOutputs are the outputs of a playbook that was not played.
func noOutputs(hidden bool) map[string]cty.Value {
	out := map[string]cty.Value{}
	for _, name := range outputNames {
		out[name] = cty.NullVal(cty.DynamicPseudoType)
	}
	return mark(out, hidden)
}

// outputsToCome are those of one that is going to be played.
func outputsToCome(hidden bool) map[string]cty.Value {
	out := map[string]cty.Value{}
	for _, name := range outputNames {
		out[name] = cty.DynamicVal
	}
	out["ran"] = cty.UnknownVal(cty.String).RefineNotNull()
	return mark(out, hidden)
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
		for _, name := range []string{"registered", "facts", "stats"} {
			out[name] = out[name].Mark(object.Sensitive)
		}
	}
	return out
}

// outputsOf reads what a play ended with.
func outputsOf(text json.RawMessage, s spec) (map[string]cty.Value, error) {
	var o play.Output
	if err := json.Unmarshal(text, &o); err != nil {
		return nil, err
	}
	recap := map[string]play.Tally{}
	for _, t := range o.Recap {
		recap[t.Host] = t
	}
	out := map[string]cty.Value{}
	for name, v := range map[string]any{"registered": o.Registered, "facts": o.Facts, "recap": recap, "stats": o.Stats} {
		value, err := block.FromJSON(encode(v))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out[name] = value
	}
	return out, nil
}
