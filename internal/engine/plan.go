package engine

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/planfile"
	"tutti/internal/planner"
	"tutti/internal/secret"
	"tutti/internal/stack"
	"tutti/internal/store"
)

// PlanOptions are the user's. The zero value plans everything with a refresh.
type PlanOptions struct {
	Mode        object.Mode
	SkipRefresh bool
	Targets     []addr.Target
	Excludes    []addr.Target
	Replace     []addr.Instance
	Imports     []object.Import
	Parallelism int
	// Done is what earlier phases of the same command carried out: what was asked
	// for once (Replace, a task that always runs) is not done again.
	Done map[addr.Instance]bool
}

// Planned is a plan with the files that it was made from.
type Planned struct {
	*planfile.File
	// Read is the state that the plan was made from.
	Read *store.Snapshot
}

// Plan makes a plan of the stack as it is. It is given beside errors, as far as it
// came, when there is anything of it to show.
func (e *Engine) Plan(ctx context.Context, o PlanOptions) (*Planned, diag.List) {
	snap, err := e.store.Snapshot(ctx)
	if err != nil {
		return nil, storeDiag(err)
	}
	so := e.stackOptions(stack.Planning)
	so.StateDrivers = drivers(snap.Rows)
	s, d := e.open(ctx, so)
	if d.HasErrors() {
		return e.partial(s), d
	}
	inputs := storable(s)
	plan, pd := planner.Plan(ctx, planner.Request{
		Root: s, Orphans: s, Moves: s.Moves(), Removals: s.Removals(), Imports: o.Imports,
		State: planner.State{Serial: snap.Serial, Rows: snap.Rows, Outputs: snap.Outputs},
		Options: planner.Options{Mode: o.Mode, SkipRefresh: o.SkipRefresh, Targets: o.Targets, Excludes: o.Excludes, Replace: o.Replace, Done: o.Done,
			Parallelism: o.Parallelism, Time: so.Time, Variables: inputs},
	})
	p, d := e.planned(s, plan, snap), append(d, pd...)
	if plan == nil || d.HasErrors() {
		return p, d
	}
	left, ud := e.unfinished(ctx, p.File, 0)
	return p, append(append(d, ud...), warn(left)...)
}

func (e *Engine) planned(s *stack.Stack, plan *object.Plan, snap *store.Snapshot) *Planned {
	return &Planned{Read: snap, File: &planfile.File{Plan: plan, Sources: s.Carried(), Workspace: e.o.Workspace, Dir: e.o.Dir, Lineage: snap.Lineage,
		Tutti: e.o.Version, Command: e.o.Command}}
}

// partial is what there is to show of a stack that could not be planned.
func (e *Engine) partial(s *stack.Stack) *Planned {
	if s == nil {
		return nil
	}
	return &Planned{File: &planfile.File{Sources: s.Sources()}}
}

// Save writes the plan to a file that only its owner may read.
func (e *Engine) Save(p *Planned, path string) diag.List {
	b, err := planfile.Encode(p.File, e.box)
	if err != nil {
		return diag.FromError("Plan cannot be written", err)
	}
	if err := writeFile(path, b); err != nil {
		return diag.FromError("Plan cannot be written", err)
	}
	return nil
}

// writeFile replaces a file whole or not at all.
func writeFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".tutti-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	if _, err := f.Write(b); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// IsPlanFile reports whether the file at the path is a plan.
func IsPlanFile(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, 16)
	n, _ := f.Read(head)
	return planfile.Is(head[:n])
}

// ReadPlan reads a plan file.
func (e *Engine) ReadPlan(path string) (*Planned, diag.List) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, diag.FromError("Plan file cannot be read", err)
	}
	f, err := planfile.Decode(b, e.box)
	switch {
	case errors.Is(err, planfile.ErrNotPlan):
		return nil, diag.Errorf(nil, "Not a plan file", "%s was not written by \"tutti plan -out\".", path)
	case errors.Is(err, planfile.ErrNewer):
		return nil, diag.Errorf(nil, "Plan file of a newer version", "%s: %s. Carry it out with that version, or plan again with this one.", path, err)
	case errors.Is(err, secret.ErrWrongKey), errors.Is(err, secret.ErrNoKey):
		return nil, diag.Errorf(nil, "Key is not at hand", "%s: %s; the plan holds sensitive values. Give the key that was used when it was written (the key file of that user, or %s), or plan again.", path, err, secret.EnvKey)
	case err != nil:
		return nil, diag.Errorf(nil, "Plan file cannot be read", "%s: %s. Plan again.", path, err)
	}
	return &Planned{File: f}, nil
}

// stale refuses a plan when a row that it was made from has changed since.
func (e *Engine) stale(ctx context.Context, f *planfile.File) diag.List {
	snap, err := e.store.Changed(ctx, f.Plan.Serial)
	if err != nil {
		return storeDiag(err)
	}
	if len(snap) == 0 {
		return nil
	}
	read := make(map[addr.Object]bool, len(f.Plan.Reads))
	for _, o := range f.Plan.Reads {
		read[o] = true
	}
	for _, key := range snap {
		if read[key.Addr.Object] {
			return diag.Errorf(nil, "Saved plan is stale", "%s has changed since this plan was made, so the plan can no longer be carried out. Plan again.", key.Addr)
		}
	}
	return nil
}

// Validate checks the configuration with unknown values for all that is given from
// outside. It needs the providers' schemas and no state.
func (e *Engine) Validate(ctx context.Context) (map[string][]byte, diag.List) {
	s, d := e.open(ctx, e.stackOptions(stack.Validating))
	if s == nil {
		return nil, d
	}
	if d.HasErrors() {
		return s.Sources(), d
	}
	_, pd := planner.Plan(ctx, planner.Request{Root: s, Orphans: s, Options: planner.Options{Validate: true, SkipRefresh: true}})
	return s.Sources(), append(d, pd...)
}

// PlanImport plans to take over one existing object, and nothing else.
func (e *Engine) PlanImport(ctx context.Context, imp object.Import) (*Planned, diag.List) {
	to := addr.Target{Module: imp.To.Module, Name: imp.To.Name, Key: imp.To.Key}
	p, d := e.Plan(ctx, PlanOptions{Mode: object.RefreshOnly, Imports: []object.Import{imp}, Targets: []addr.Target{to}})
	if d.HasErrors() || p.Plan.HasChanges() {
		return p, d
	}
	for _, r := range p.Read.Rows {
		if r.Addr == imp.To {
			return p, append(d, diag.Errorf(nil, "Resource already managed", "%s is in the state already. To take over another object, first forget this one with \"tutti state rm '%s'\".", imp.To, imp.To)...)
		}
	}
	return p, append(d, diag.Errorf(nil, "Resource address does not exist in the configuration", "There is no block for %s. Write one first: the import fills the state, not the files.", imp.To)...)
}
