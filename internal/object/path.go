package object

import (
	"encoding/json"
	"fmt"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// pathStep is one step of a path as a tfstate writes it in sensitive_attributes;
// stores keep paths in the same form.
type pathStep struct {
	Type  string          `json:"type"`
	Value json.RawMessage `json:"value"`
}

// MarshalPaths writes paths as tfstate does: a list of lists of steps, get_attr
// with a name or index with a value and its type.
func MarshalPaths(paths []cty.Path) ([]byte, error) {
	out := make([][]pathStep, len(paths))
	for i, p := range paths {
		out[i] = make([]pathStep, len(p))
		for j, step := range p {
			var err error
			switch s := step.(type) {
			case cty.GetAttrStep:
				out[i][j].Type = "get_attr"
				out[i][j].Value, err = json.Marshal(s.Name)
			case cty.IndexStep:
				out[i][j].Type = "index"
				out[i][j].Value, err = ctyjson.Marshal(s.Key, cty.DynamicPseudoType)
			default:
				err = fmt.Errorf("a step of type %T", step)
			}
			if err != nil {
				return nil, fmt.Errorf("writing a path: %w", err)
			}
		}
	}
	return json.Marshal(out)
}

// UnmarshalPaths reads what MarshalPaths wrote. Index keys are known strings or
// numbers.
func UnmarshalPaths(data []byte) ([]cty.Path, error) {
	var in [][]pathStep
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, fmt.Errorf("a list of paths is a list of lists of steps, each with a type and a value")
	}
	if len(in) == 0 {
		return nil, nil
	}
	out := make([]cty.Path, len(in))
	for i, steps := range in {
		for j, s := range steps {
			switch s.Type {
			case "get_attr":
				var name string
				if err := json.Unmarshal(s.Value, &name); err != nil {
					return nil, fmt.Errorf("path %d, step %d: a get_attr step has a name: %w", i+1, j+1, err)
				}
				out[i] = out[i].GetAttr(name)
			case "index":
				v, err := ctyjson.Unmarshal(s.Value, cty.DynamicPseudoType)
				if err != nil {
					return nil, fmt.Errorf("path %d, step %d: an index step has a value and its type: %w", i+1, j+1, err)
				}
				if v.IsNull() || v.Type() != cty.String && v.Type() != cty.Number {
					return nil, fmt.Errorf("path %d, step %d: an index is a string or a number", i+1, j+1)
				}
				out[i] = out[i].Index(v)
			default:
				return nil, fmt.Errorf("path %d, step %d: %q is not a kind of step, which are get_attr and index", i+1, j+1, s.Type)
			}
		}
	}
	return out, nil
}
