package argument

import (
	"bytes"
	"maps"
	"slices"

	"tutti/internal/ansible/value"
)

// JSON writes a value as Python's json.dumps does by default: with blanks after commas and
// colons, in ASCII. Keys come in order.
func JSON(v any) string {
	var b bytes.Buffer
	writeJSON(&b, v)
	return b.String()
}

func writeJSON(b *bytes.Buffer, v any) {
	switch v := v.(type) {
	case string:
		value.QuoteJSON(b, v, true)
	case []any:
		b.WriteByte('[')
		for i, x := range v {
			if i > 0 {
				b.WriteString(", ")
			}
			writeJSON(b, x)
		}
		b.WriteByte(']')
	case map[string]any:
		b.WriteByte('{')
		for i, k := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				b.WriteString(", ")
			}
			value.QuoteJSON(b, k, true)
			b.WriteString(": ")
			writeJSON(b, v[k])
		}
		b.WriteByte('}')
	default:
		if data, err := value.JSON(value.FromGo(v)); err == nil {
			b.Write(data)
			return
		}
		b.WriteString("null")
	}
}
