package builtin

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"

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
		return fmt.Errorf("Object of type %s is not JSON serializable", value.TypeName(v)) // Python's words
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

// pprint is repr(): the pretty printer does not know the types that Ansible hands to it.
func pprint(c *jinja.Call) (any, error) { return value.Repr(c.Args[0]), nil }
