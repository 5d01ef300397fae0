package builtin

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/value"
)

// htmlSafe escapes what could end a script in a page.
var htmlSafe = strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`, "'", `\u0027`)

func toJSON(c *jinja.Call) (any, error) {
	w := jsonWriter{indent: -1}
	switch n := c.Args[1].(type) {
	case nil:
	case int64:
		w.indent, w.by = int(n), strings.Repeat(" ", int(min(max(n, 0), maxIndent)))
	case string:
		w.indent, w.by = 1, n
	default:
		return nil, fmt.Errorf("can't multiply sequence by non-int of type '%s'", value.TypeName(n))
	}
	if err := w.write(c.Args[0], 0); err != nil {
		return nil, err
	}
	return htmlSafe.Replace(w.out.String()), nil
}

// jsonWriter writes as Python's json.dumps does, with the keys in order.
type jsonWriter struct {
	out    bytes.Buffer
	indent int // -1 writes all on one line
	by     string
}

func (w *jsonWriter) line(depth int) {
	if w.indent >= 0 {
		w.out.WriteByte('\n')
		w.out.WriteString(strings.Repeat(w.by, depth))
	}
}

func (w *jsonWriter) comma(i int) {
	switch {
	case i == 0:
	case w.indent >= 0:
		w.out.WriteByte(',')
	default:
		w.out.WriteString(", ")
	}
}

func (w *jsonWriter) write(v any, depth int) error {
	switch v := v.(type) {
	case nil:
		w.out.WriteString("null")
	case bool:
		fmt.Fprintf(&w.out, "%t", v)
	case int64:
		fmt.Fprintf(&w.out, "%d", v)
	case float64:
		switch {
		case math.IsNaN(v):
			w.out.WriteString("NaN")
		case math.IsInf(v, 0):
			w.out.WriteString(strings.Replace(value.Float(v), "inf", "Infinity", 1))
		default:
			w.out.WriteString(value.Float(v))
		}
	case string:
		value.QuoteJSON(&w.out, v, true)
	case *value.List:
		return w.list(v, depth)
	case *value.Dict:
		return w.dict(v, depth)
	default:
		return fmt.Errorf("Object of type %s is not JSON serializable", value.TypeName(v)) //nolint:staticcheck // Python's words
	}
	return nil
}

func (w *jsonWriter) list(l *value.List, depth int) error {
	if len(l.Items) == 0 {
		w.out.WriteString("[]")
		return nil
	}
	w.out.WriteByte('[')
	for i, x := range l.Items {
		w.comma(i)
		w.line(depth + 1)
		if err := w.write(x, depth+1); err != nil {
			return err
		}
	}
	w.line(depth)
	w.out.WriteByte(']')
	return nil
}

func (w *jsonWriter) dict(d *value.Dict, depth int) error {
	if d.Len() == 0 {
		w.out.WriteString("{}")
		return nil
	}
	keys, err := sortedKeys(d)
	if err != nil {
		return err
	}
	w.out.WriteByte('{')
	for i, k := range keys {
		w.comma(i)
		w.line(depth + 1)
		value.QuoteJSON(&w.out, value.KeyJSON(k), true)
		w.out.WriteString(": ")
		v, _ := d.Get(k)
		if err := w.write(v, depth+1); err != nil {
			return err
		}
	}
	w.line(depth)
	w.out.WriteByte('}')
	return nil
}

func sortedKeys(d *value.Dict) ([]any, error) {
	keys := slices.Clone(d.Keys())
	var failure error
	slices.SortStableFunc(keys, func(a, b any) int {
		n, err := value.Compare(a, b)
		if err != nil && failure == nil {
			_, failure = value.Compare(b, a)
		}
		return n
	})
	return keys, failure
}

// pageWidth is the width that pprint fills.
const pageWidth = 80

func pprint(c *jinja.Call) (any, error) {
	var b strings.Builder
	pretty(&b, c.Args[0], 0, 0)
	return b.String(), nil
}

// flat is how pprint shows a value on one line: dicts with their keys in order.
func flat(v any) string {
	switch v := v.(type) {
	case *value.Dict:
		parts := make([]string, 0, v.Len())
		for _, k := range prettyKeys(v) {
			x, _ := v.Get(k)
			parts = append(parts, value.Repr(k)+": "+flat(x))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case *value.List:
		parts := make([]string, len(v.Items))
		for i, x := range v.Items {
			parts[i] = flat(x)
		}
		open, end := "[", "]"
		if v.Tuple {
			if open, end = "(", ")"; len(parts) == 1 {
				end = ",)"
			}
		}
		return open + strings.Join(parts, ", ") + end
	}
	return value.Repr(v)
}

func prettyKeys(d *value.Dict) []any {
	if keys, err := sortedKeys(d); err == nil {
		return keys
	}
	return d.Keys()
}

// pretty writes a value from a column on; after is how many characters follow it on its
// last line.
func pretty(b *strings.Builder, v any, column, after int) {
	text := flat(v)
	if utf8.RuneCountInString(text)+column+after <= pageWidth {
		b.WriteString(text)
		return
	}
	switch v := v.(type) {
	case *value.Dict:
		b.WriteByte('{')
		keys := prettyKeys(v)
		for i, k := range keys {
			x, _ := v.Get(k)
			key := value.Repr(k) + ": "
			b.WriteString(key)
			pretty(b, x, column+1+utf8.RuneCountInString(key), 1+lastBy(i, len(keys), after))
			if i < len(keys)-1 {
				b.WriteString(",\n" + strings.Repeat(" ", column+1))
			}
		}
		b.WriteByte('}')
	case *value.List:
		open, end := "[", "]"
		if v.Tuple {
			open, end = "(", ")"
		}
		b.WriteString(open)
		for i, x := range v.Items {
			pretty(b, x, column+1, 1+lastBy(i, len(v.Items), after))
			if i < len(v.Items)-1 {
				b.WriteString(",\n" + strings.Repeat(" ", column+1))
			}
		}
		if v.Tuple && len(v.Items) == 1 {
			b.WriteByte(',')
		}
		b.WriteString(end)
	default:
		b.WriteString(text)
	}
}

func lastBy(i, n, after int) int {
	if i == n-1 {
		return after
	}
	return 0
}
