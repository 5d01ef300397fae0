package view

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"tutti/internal/object"
)

// StateInput is a state as the store gives it.
type StateInput struct {
	Rows    []*object.State
	Outputs []*object.OutputState
	// Types is as in Style.
	Types TypeFinder
}

type stateJSON struct {
	FormatVersion    string      `json:"format_version"`
	TerraformVersion string      `json:"terraform_version"`
	Values           *valuesJSON `json:"values,omitempty"`
}

type valuesJSON struct {
	Outputs map[string]outputJSON `json:"outputs,omitempty"`
	Root    *moduleJSON           `json:"root_module"`
}

type outputJSON struct {
	Sensitive bool            `json:"sensitive"`
	Type      json.RawMessage `json:"type,omitempty"`
	Value     any             `json:"value,omitempty"`
}

type moduleJSON struct {
	Resources []resourceJSON `json:"resources,omitempty"`
	Address   string         `json:"address,omitempty"`
	Children  []*moduleJSON  `json:"child_modules,omitempty"`
}

type resourceJSON struct {
	Address         string   `json:"address"`
	Mode            string   `json:"mode"`
	Type            string   `json:"type"`
	Name            string   `json:"name"`
	Index           any      `json:"index,omitempty"`
	ProviderName    string   `json:"provider_name"`
	SchemaVersion   int64    `json:"schema_version"`
	Values          any      `json:"values,omitempty"`
	SensitiveValues any      `json:"sensitive_values"`
	DependsOn       []string `json:"depends_on,omitempty"`
	Tainted         bool     `json:"tainted,omitempty"`
	DeposedKey      string   `json:"deposed_key,omitempty"`
}

// JSONState writes a state in the form of `terraform show -json`. Like that, it
// holds sensitive values as they are.
func JSONState(w io.Writer, in StateInput) error {
	out, err := newStateJSON(in)
	if err != nil {
		return err
	}
	return encode(w, out)
}

func newStateJSON(in StateInput) (*stateJSON, error) {
	out := &stateJSON{FormatVersion: stateFormat, TerraformVersion: ToolVersion}
	if len(in.Rows) == 0 && len(in.Outputs) == 0 {
		return out, nil
	}
	outputs, err := outputsJSON(in.Outputs)
	if err != nil {
		return nil, err
	}
	list := make([]placed, 0, len(in.Rows))
	for _, row := range in.Rows {
		r, err := in.Types.rowJSON(row)
		if err != nil {
			return nil, err
		}
		list = append(list, placed{row.Addr, r})
	}
	out.Values = &valuesJSON{Outputs: outputs, Root: moduleTree(list)}
	return out, nil
}

// JSONOutputs writes outputs in the form of `terraform output -json`, sensitive
// ones as they are.
func JSONOutputs(w io.Writer, list []*object.OutputState) error {
	out, err := outputsJSON(list)
	if err != nil {
		return err
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

func outputsJSON(list []*object.OutputState) (map[string]outputJSON, error) {
	out := map[string]outputJSON{}
	for _, o := range list {
		if !json.Valid(o.Value) {
			return nil, fmt.Errorf("the state's value of output %s is damaged", o.Name)
		}
		out[o.Name] = outputJSON{o.Sensitive, o.Type, json.RawMessage(o.Value)}
	}
	return out, nil
}

func (f TypeFinder) rowJSON(row *object.State) (resourceJSON, error) {
	out := identify(row.Addr)
	out.ProviderName, out.SchemaVersion, out.Tainted, out.DeposedKey = providerName(row.Driver), row.SchemaVersion, row.Tainted, row.Deposed
	for _, n := range row.Needs {
		out.DependsOn = append(out.DependsOn, n.String())
	}
	out.SensitiveValues = map[string]any{}
	if len(row.Attributes) == 0 {
		return out, nil
	}
	v, err := f.value(row)
	if err != nil {
		return out, err
	}
	out.Values, out.SensitiveValues = plainJSON(v), shapeJSON(v, isSensitive, map[string]any{})
	return out, nil
}

// value reads a row's attributes. Where their type is not known, objects and tuples
// stand for maps and lists. What is sensitive is marked.
func (f TypeFinder) value(row *object.State) (cty.Value, error) {
	if len(row.Attributes) == 0 {
		vals := map[string]cty.Value{}
		for k, v := range row.Flatmap {
			vals[k] = cty.StringVal(v)
		}
		return cty.ObjectVal(vals), nil
	}
	if f != nil {
		if ty := f(row.Driver, row.Addr.Name); ty != cty.NilType {
			// Attributes of an older schema do not fit: they are read as they are.
			if v, err := ctyjson.Unmarshal(row.Attributes, ty); err == nil {
				return object.MarkPaths(v, row.Sensitive, object.Sensitive), nil
			}
		}
	}
	ty, err := ctyjson.ImpliedType(row.Attributes)
	if err != nil {
		return cty.NilVal, fmt.Errorf("the state's row of %s is damaged: %w", row.Addr, err)
	}
	v, err := ctyjson.Unmarshal(row.Attributes, ty)
	if err != nil {
		return cty.NilVal, fmt.Errorf("the state's row of %s is damaged: %w", row.Addr, err)
	}
	return object.MarkPaths(v, row.Sensitive, object.Sensitive), nil
}
