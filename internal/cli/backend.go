package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// backendSettings reads -backend-config: NAME=VALUE, or a file of arguments.
func backendSettings(given []string) (map[string]string, error) {
	out := map[string]string{}
	for _, g := range given {
		if name, value, ok := strings.Cut(g, "="); ok {
			out[name] = value
			continue
		}
		src, err := os.ReadFile(g)
		if err != nil {
			return nil, fmt.Errorf("-backend-config=%s is neither NAME=VALUE nor a file: %w", g, err)
		}
		file, d := hclsyntax.ParseConfig(src, g, hcl.InitialPos)
		if d.HasErrors() {
			return nil, fmt.Errorf("-backend-config=%s: %w", g, d)
		}
		attrs, d := file.Body.JustAttributes()
		if d.HasErrors() {
			return nil, fmt.Errorf("-backend-config=%s: %w", g, d)
		}
		for name, a := range attrs {
			v, d := a.Expr.Value(nil)
			if d.HasErrors() {
				return nil, fmt.Errorf("-backend-config=%s: %w", g, d)
			}
			text, err := convert.Convert(v, cty.String)
			if err != nil || text.IsNull() || !text.IsKnown() {
				return nil, fmt.Errorf("-backend-config=%s: %s must be a text, a number or a bool", g, name)
			}
			out[name] = text.AsString()
		}
	}
	return out, nil
}
