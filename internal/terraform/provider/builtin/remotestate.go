package builtin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"tutti/internal/diag"
)

// Errors that a StateReader gives.
var (
	ErrNoState   = errors.New("no state is stored there")
	ErrNoBackend = errors.New("there is no such backend")
)

const defaultWorkspace = "default"

// maxStateFile bounds a state file that is read for its outputs.
const maxStateFile = 1 << 30

func (b *builtin) validateRemoteState(config cty.Value) diag.List {
	var diags diag.List
	if d := config.GetAttr("defaults"); d.IsKnown() && !d.IsNull() && !d.Type().IsObjectType() && !d.Type().IsMapType() {
		diags = append(diags, blame("defaults", "Invalid default values", "The defaults must be an object from names of outputs to values.")...)
	}
	backend, settings := config.GetAttr("backend"), config.GetAttr("config")
	if !backend.IsKnown() || backend.IsNull() {
		return diags
	}
	if backend.AsString() != "local" {
		if b.opts.ReadState == nil {
			diags = append(diags, noBackend(backend.AsString())...)
		}
		return diags
	}
	if settings.IsWhollyKnown() {
		_, err := parseLocal(settings)
		diags = append(diags, badConfig("local", err)...)
	}
	return diags
}

func blame(attribute, headline, detail string, args ...any) diag.List {
	diags := diag.Errorf(nil, headline, detail, args...)
	diags[0].Attribute = cty.GetAttrPath(attribute)
	return diags
}

func noBackend(name string) diag.List {
	return blame("backend", "Invalid backend configuration", "There is no backend type named %q.", name)
}

func badConfig(backend string, err error) diag.List {
	if err == nil {
		return nil
	}
	return blame("config", "Invalid backend configuration", "The given configuration is not valid for backend %q: %s.", backend, err)
}

func (b *builtin) readRemoteState(ctx context.Context, config cty.Value) (cty.Value, diag.List) {
	if diags := b.validateRemoteState(config); diags.HasErrors() {
		return cty.NilVal, diags
	}
	backend, settings := config.GetAttr("backend").AsString(), config.GetAttr("config")
	workspace := defaultWorkspace
	if w := config.GetAttr("workspace"); !w.IsNull() {
		workspace = w.AsString()
	}
	outputs, err := b.outputs(ctx, backend, settings, workspace)
	switch {
	case errors.Is(err, ErrNoBackend):
		return cty.NilVal, noBackend(backend)
	case errors.Is(err, ErrNoState):
		return cty.NilVal, diag.Errorf(nil, "Unable to find remote state",
			"Backend %q holds no state for workspace %q. Apply the stack that makes it first, or check the configuration. (%s.)", backend, workspace, err)
	case err != nil:
		return cty.NilVal, diag.Errorf(nil, "Unable to read remote state", "The state of workspace %q in backend %q cannot be read: %s.", workspace, backend, err)
	}
	attrs := config.AsValueMap()
	attrs["outputs"] = withDefaults(outputs, config.GetAttr("defaults"))
	return cty.ObjectVal(attrs), nil
}

// withDefaults fills in what the state lacks.
func withDefaults(outputs map[string]cty.Value, defaults cty.Value) cty.Value {
	all := map[string]cty.Value{}
	if !defaults.IsNull() {
		for it := defaults.ElementIterator(); it.Next(); {
			name, v := it.Element()
			all[name.AsString()] = v
		}
	}
	for name, v := range outputs {
		all[name] = v
	}
	return cty.ObjectVal(all)
}

func (b *builtin) outputs(ctx context.Context, backend string, config cty.Value, workspace string) (map[string]cty.Value, error) {
	if backend != "local" && b.opts.ReadState == nil {
		return nil, ErrNoBackend
	}
	if backend != "local" {
		return b.opts.ReadState(ctx, backend, config, workspace)
	}
	l, err := parseLocal(config)
	if err != nil {
		return nil, err
	}
	path := l.file(workspace)
	if !filepath.IsAbs(path) {
		path = filepath.Join(b.opts.Dir, path)
	}
	if b.opts.ReadStore != nil {
		if out, ok, err := b.opts.ReadStore(ctx, path, workspace); ok || err != nil {
			return out, err
		}
	}
	return readOutputs(path)
}

// local is the configuration of the backend for files on this machine.
type local struct{ path, workspaceDir string }

func parseLocal(config cty.Value) (local, error) {
	out := local{path: "terraform.tfstate", workspaceDir: "terraform.tfstate.d"}
	if config.IsNull() {
		return out, nil
	}
	if !config.Type().IsObjectType() && !config.Type().IsMapType() {
		return out, errors.New("an object is required")
	}
	known := []string{"path", "workspace_dir"}
	for it := config.ElementIterator(); it.Next(); {
		key, v := it.Element()
		name := key.AsString()
		if !slices.Contains(known, name) {
			return out, fmt.Errorf("unexpected attribute %q.%s", name, diag.DidYouMean(name, known))
		}
		if v.IsNull() {
			continue
		}
		if v.Type() != cty.String {
			return out, fmt.Errorf("attribute %q: a string is required", name)
		}
		if name == "path" {
			out.path = v.AsString()
		} else {
			out.workspaceDir = v.AsString()
		}
	}
	return out, nil
}

func (l local) file(workspace string) string {
	if workspace == defaultWorkspace || workspace == "" {
		return l.path
	}
	return filepath.Join(l.workspaceDir, workspace, "terraform.tfstate")
}

// readOutputs reads the root outputs of a state file of version 4.
func readOutputs(path string) (map[string]cty.Value, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: there is no file %s", ErrNoState, path)
	case err != nil:
		return nil, err
	case info.Size() > maxStateFile:
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxStateFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var state struct {
		Version int `json:"version"`
		Outputs map[string]struct {
			Value json.RawMessage `json:"value"`
			Type  json.RawMessage `json:"type"`
		} `json:"outputs"`
	}
	if err := json.Unmarshal(text, &state); err != nil {
		return nil, fmt.Errorf("%s is not a state: %w", path, err)
	}
	if state.Version != 4 {
		return nil, fmt.Errorf("%s is a state of version %d; only version 4 can be read", path, state.Version)
	}
	out := make(map[string]cty.Value, len(state.Outputs))
	for name, o := range state.Outputs {
		ty, err := ctyjson.UnmarshalType(o.Type)
		if err != nil {
			return nil, fmt.Errorf("output %q: %w", name, err)
		}
		if out[name], err = ctyjson.Unmarshal(o.Value, ty); err != nil {
			return nil, fmt.Errorf("output %q: %w", name, err)
		}
	}
	return out, nil
}
