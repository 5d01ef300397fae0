package task

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/block"
	"tutti/internal/diag"
	"tutti/internal/object"
)

// planned is the planned private data of a run.
type planned struct {
	// Missing are the paths of creates that were not there: one that is there later
	// shows that the run came to its end.
	Missing []string `json:"missing,omitempty"`
}

// Plan implements object.Driver.
func (d *driver) Plan(_ context.Context, req object.PlanRequest) (object.Change, diag.List) {
	p, err := readPrivate(req.Prior)
	if err != nil {
		return object.Change{}, diag.FromError("Row cannot be read", err)
	}
	if req.Wanted == cty.NilVal {
		return planDelete(req, p), nil
	}
	s, _ := readSpec(req.Wanted) // its problems were reported when it was evaluated
	inputs := concealed(p.Salt, req.Wanted, runInputs, otherInputs)
	missing := d.missing(s)
	c := object.Change{Before: cty.NilVal, Idempotent: true}
	if req.Prior != nil {
		c.Before = req.Prior.Value
	}
	why := reasons{req: req, spec: s, private: p, inputs: inputs, missing: missing}.list()
	switch {
	case len(why) > 0:
		c.Verb, c.Idempotent, c.Note = object.Run, s.Idempotent, strings.Join(why, ", ")
		c.After = block.Join(inputs, outputsToCome(!req.Wanted.GetAttr("http").IsNull(), s.hidden()))
		c.Private = plannedPrivate(missing)
	case req.Prior == nil:
		c.Verb, c.Note = object.Create, "runs only when -replace="+req.Addr.String()+" asks for it"
		c.After = block.Join(inputs, markOutputs(noOutputs(), s.hidden()))
	default:
		keepInputs(inputs, req.Prior.Value, p)
		c.After = block.Join(inputs, kept(req.Prior.Value, s.hidden()))
		c.Verb = object.Update
		if c.After.RawEquals(c.Before) && !req.Prior.Tainted {
			c.Verb = object.NoOp
		} else {
			c.Note = "will not run"
		}
	}
	return c, nil
}

// keepInputs leaves what decides about running as it was in the last run: a manual
// task may have been given something else since, and was not run with it.
func keepInputs(inputs map[string]cty.Value, prior cty.Value, p private) {
	if !p.Ran {
		return
	}
	for _, name := range runInputs {
		inputs[name] = prior.GetAttr(name)
	}
}

func planDelete(req object.PlanRequest, p private) object.Change {
	c := object.Change{Verb: object.Delete, Before: req.Prior.Value, After: cty.NilVal, Idempotent: true}
	switch {
	case p.OnDestroy == nil:
		c.Note = "nothing is run: it has no on_destroy"
	case !p.Ran:
		c.Note = "nothing is run: it never ran itself"
	default:
		c.Idempotent, c.Note = p.OnDestroy.Idempotent, "on_destroy will run"
	}
	return c
}

func plannedPrivate(missing []string) []byte {
	if len(missing) == 0 {
		return nil
	}
	out, err := json.Marshal(planned{missing})
	if err != nil {
		panic("task: invariant broken: a list of paths has no JSON form: " + err.Error())
	}
	return out
}

// reasons are what a task's run is decided by.
type reasons struct {
	req     object.PlanRequest
	spec    spec
	private private
	inputs  map[string]cty.Value
	missing []string
}

// list says why the task runs; it is empty when it does not.
func (r reasons) list() []string {
	switch {
	case r.req.Requested:
		return []string{"asked for"}
	case r.spec.run == manual:
		return nil // also when it is tainted: it may be manual so that it stops failing
	case r.req.Prior == nil || !r.private.Ran:
		return []string{"first run"}
	case r.req.Prior.Tainted || r.private.Failed:
		return []string{"the last run failed"}
	case r.req.Replace:
		return []string{"asked for"}
	case r.spec.run == always && !r.req.Done:
		return []string{"run = \"always\""}
	}
	why := r.changed()
	for _, path := range r.missing {
		why = append(why, path+" is not there")
	}
	if v := r.req.Wanted.GetAttr("creates"); !v.IsWhollyKnown() {
		why = append(why, "creates is not known yet")
	}
	return why
}

func (r reasons) changed() []string {
	var why []string
	for _, name := range runInputs {
		before, _ := r.req.Prior.Value.GetAttr(name).UnmarkDeep()
		now, _ := r.inputs[name].UnmarkDeep()
		switch {
		case !now.IsWhollyKnown():
			why = append(why, name+" is not known yet")
		case !now.RawEquals(before):
			why = append(why, name+" changed")
		}
	}
	return why
}

// missing gives the paths of creates that are not there.
func (d *driver) missing(s spec) []string {
	return slices.DeleteFunc(slices.Clone(s.creates), func(path string) bool {
		_, err := os.Stat(d.path(path))
		return !errors.Is(err, fs.ErrNotExist)
	})
}

// path gives a path that is relative to the stack's folder.
func (d *driver) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(d.root, p)
}
