package jsontext

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"tutti/internal/ansible/value"
)

// Options are those of json.dumps. The zero value writes Unicode, NaN and on one line
// without spaces.
type Options struct {
	// Lines puts each item on a line of its own, after Indent for every level.
	Lines  bool
	Indent string
	// Item and Key are what separates items, and keys from values.
	Item, Key string
	// ASCII writes all other characters as \u.
	ASCII    bool
	SortKeys bool
	// NoNaN makes NaN and the infinities an error.
	NoNaN bool
}

// Format writes a value.
func Format(v any, o Options) (string, error) {
	w := writer{o: o}
	if err := w.value(v, 1); err != nil {
		return "", err
	}
	return w.String(), nil
}

type writer struct {
	bytes.Buffer
	o Options
}

func (w *writer) line(depth int) {
	if w.o.Lines {
		w.WriteByte('\n')
		for range depth {
			w.WriteString(w.o.Indent)
		}
	}
}

func (w *writer) value(v any, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("maximum recursion depth exceeded while encoding a JSON object (at most %d levels)", maxDepth)
	}
	switch v := v.(type) {
	case nil:
		w.WriteString("null")
	case bool:
		w.WriteString(strconv.FormatBool(v))
	case int64:
		w.WriteString(strconv.FormatInt(v, 10))
	case float64:
		text, err := w.float(v)
		if err != nil {
			return err
		}
		w.WriteString(text)
	case string:
		w.quote(v)
	case *value.Vaulted:
		w.quote(v.Text)
	case *value.Time:
		w.quote(v.ISO())
	case *value.List:
		return w.list(v, depth)
	case *value.Dict:
		return w.dict(v, depth)
	default:
		return fmt.Errorf("Type '%s' is unsupported for variable storage.", value.TypeName(v)) // Ansible's own words
	}
	return nil
}

func (w *writer) float(f float64) (string, error) {
	name := ""
	switch {
	case math.IsNaN(f):
		name = "NaN"
	case math.IsInf(f, 1):
		name = "Infinity"
	case math.IsInf(f, -1):
		name = "-Infinity"
	default:
		return value.Float(f), nil
	}
	if w.o.NoNaN {
		return "", fmt.Errorf("Out of range float values are not JSON compliant") // Python's own words
	}
	return name, nil
}

func (w *writer) quote(s string) { value.QuoteJSON(&w.Buffer, s, w.o.ASCII) }

func (w *writer) list(l *value.List, depth int) error {
	if len(l.Items) == 0 {
		w.WriteString("[]")
		return nil
	}
	w.WriteByte('[')
	for i, x := range l.Items {
		if i > 0 {
			w.WriteString(w.o.Item)
		}
		w.line(depth)
		if err := w.value(x, depth+1); err != nil {
			return err
		}
	}
	w.line(depth - 1)
	w.WriteByte(']')
	return nil
}

func (w *writer) dict(d *value.Dict, depth int) error {
	if d.Len() == 0 {
		w.WriteString("{}")
		return nil
	}
	texts, err := w.keys(d)
	if err != nil {
		return err
	}
	keys := texts.Keys()
	if w.o.SortKeys {
		keys = slices.Clone(keys)
		slices.SortFunc(keys, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	}
	w.WriteByte('{')
	for i, k := range keys {
		if i > 0 {
			w.WriteString(w.o.Item)
		}
		w.line(depth)
		w.quote(k.(string))
		w.WriteString(w.o.Key)
		v, _ := texts.Get(k)
		if err := w.value(v, depth+1); err != nil {
			return err
		}
	}
	w.line(depth - 1)
	w.WriteByte('}')
	return nil
}

// keys gives the dict with the text of each key for the key. Two keys may become one.
func (w *writer) keys(d *value.Dict) (*value.Dict, error) {
	plain := true
	for _, k := range d.Keys() {
		if _, ok := k.(string); !ok {
			plain = false
		}
	}
	if plain {
		return d, nil
	}
	out := &value.Dict{}
	for k, v := range d.All() {
		text, err := w.key(k)
		if err != nil {
			return nil, err
		}
		out.Set(text, v)
	}
	return out, nil
}

func (w *writer) key(k any) (string, error) {
	switch k := k.(type) {
	case string:
		return k, nil
	case float64:
		return w.float(k)
	case nil, bool, int64:
		return value.KeyJSON(k), nil
	}
	return "", fmt.Errorf("Key of type '%s' is not JSON serializable by the 'tagless' profile.", value.TypeName(k)) // Ansible's own words
}
