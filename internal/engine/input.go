package engine

import (
	"context"
	"os"
	"path/filepath"
	"slices"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/planfile"
	"tutti/internal/stack"
	"tutti/internal/store/sqlite"
	"tutti/internal/terraform/config"
	"tutti/internal/terraform/tfstate"
)

// storable gives the inputs that a plan keeps. Ephemeral ones are not among them:
// those are given again when the plan is carried out. The sensitive ones are
// marked, so that the plan is sealed.
func storable(s *stack.Stack) map[string]cty.Value {
	out := make(map[string]cty.Value, len(s.Inputs))
	for name, v := range s.Inputs {
		decl := s.Config.Module.Variables[name]
		if decl != nil && decl.Ephemeral {
			continue
		}
		if decl != nil && decl.Sensitive {
			v = v.Mark(object.Sensitive)
		}
		out[name] = v
	}
	return out
}

// inputs gives the values to carry a plan out with: those that it keeps, and the
// ephemeral ones, which have to be given again.
func (e *Engine) inputs(f *planfile.File) (map[string]cty.Value, diag.List) {
	out := make(map[string]cty.Value, len(f.Plan.Variables))
	for name, v := range f.Plan.Variables {
		out[name], _ = v.UnmarkDeep()
	}
	root, d := config.LoadDir(config.Snapshot(f.Sources), f.Dir)
	if d.HasErrors() {
		return out, nil // opening the stack says so
	}
	var ephemeral []string
	for name, v := range root.Variables {
		if v.Ephemeral {
			ephemeral = append(ephemeral, name)
		}
	}
	if len(ephemeral) == 0 {
		return out, nil
	}
	slices.Sort(ephemeral)
	o := e.o.Values
	o.Files, o.Dir = nil, e.o.Dir
	values, vd := config.VariableValues(root, o)
	if vd.HasErrors() {
		return out, vd
	}
	for _, name := range ephemeral {
		v := root.Variables[name]
		given, ok := values.Set[name]
		if !ok {
			d = append(d, diag.Errorf(&v.DeclRange, "No value for ephemeral variable",
				"var.%s is ephemeral, so no plan and no run keeps its value: give it again, with -var '%s=...', with -var-file, in a .tfvars file or in the environment as TF_VAR_%s.", name, name, name)...)
			continue
		}
		out[name] = given.Value
	}
	return out, d
}

// drivers gives the different drivers of the rows.
func drivers(rows []*object.State) []string {
	seen := map[string]bool{}
	var out []string
	for _, r := range rows {
		if r.Addr.Kind.Typed() && !seen[r.Driver] {
			seen[r.Driver] = true
			out = append(out, r.Driver)
		}
	}
	slices.Sort(out)
	return out
}

// storedDrivers gives the drivers of the stored rows, for an engine that was
// opened without its store: from there, or from a terraform.tfstate that is still
// to be taken over. What cannot be read is reported by whoever needs it.
func (e *Engine) storedDrivers(ctx context.Context) []string {
	if _, err := os.Stat(filepath.Join(e.storeDir(), sqlite.Folder, sqlite.File)); err == nil {
		s, err := sqlite.Open(ctx, e.storeDir(), sqlite.Options{Ring: e.o.Ring, ReadOnly: true})
		if err != nil {
			return nil
		}
		defer func() { _ = s.Close() }()
		snap, err := s.Snapshot(ctx)
		if err != nil {
			return nil
		}
		return drivers(snap.Rows)
	}
	name, d := e.stateFile()
	if d.HasErrors() || name == "" {
		return nil
	}
	src, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	f, d := tfstate.Read(src, name)
	if d.HasErrors() {
		return nil
	}
	return drivers(f.Rows)
}

// readStore gives the root outputs of the tutti stack in another folder.
func (e *Engine) readStore(ctx context.Context, dir, workspace string) (map[string]cty.Value, bool, error) {
	if workspace != "" && workspace != "default" {
		dir = filepath.Join(dir, sqlite.Folder, "workspace", workspace)
	}
	if _, err := os.Stat(filepath.Join(dir, sqlite.Folder, sqlite.File)); err != nil {
		return nil, false, nil
	}
	s, err := sqlite.Open(ctx, dir, sqlite.Options{Ring: e.o.Ring, ReadOnly: true})
	if err != nil {
		return nil, true, err
	}
	defer func() { _ = s.Close() }()
	snap, err := s.Snapshot(ctx)
	if err != nil {
		return nil, true, err
	}
	if snap.Serial == 0 {
		return nil, false, nil // a state file in the folder was not taken over yet
	}
	out := make(map[string]cty.Value, len(snap.Outputs))
	for _, o := range snap.Outputs {
		ty, err := ctyjson.UnmarshalType(o.Type)
		if err != nil {
			return nil, true, err
		}
		if out[o.Name], err = ctyjson.Unmarshal(o.Value, ty); err != nil {
			return nil, true, err
		}
		if o.Sensitive {
			out[o.Name] = out[o.Name].Mark(object.Sensitive)
		}
	}
	return out, true, nil
}
