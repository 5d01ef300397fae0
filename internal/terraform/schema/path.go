package schema

import (
	"fmt"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// FormatPath writes a path as an expression would: rule[0].tags["x"]. An element
// of a set, which has no name, is [...].
func FormatPath(p cty.Path) string {
	var b strings.Builder
	for i, step := range p {
		switch s := step.(type) {
		case cty.GetAttrStep:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.Name)
		case cty.IndexStep:
			b.WriteString(formatKey(s.Key))
		}
	}
	return b.String()
}

func formatKey(key cty.Value) string {
	switch {
	case key.IsMarked() || key.IsNull() || !key.IsKnown():
		return "[...]"
	case key.Type() == cty.String:
		return fmt.Sprintf("[%q]", key.AsString())
	case key.Type() == cty.Number:
		return "[" + key.AsBigFloat().Text('f', -1) + "]"
	default:
		return "[...]"
	}
}
