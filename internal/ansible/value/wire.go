package value

import (
	"bytes"
	"fmt"
	"time"
)

// tag is the one key of an object that stands for what JSON does not know.
const tag = "\x00tutti"

// Encode writes a value so that Decode gives the same one back: templates, vaulted and
// unknown values, tuples, times and keys that are not text included.
func Encode(v any) []byte {
	var b bytes.Buffer
	if err := writeJSON(&b, wire(v)); err != nil {
		panic(fmt.Sprintf("value: invariant broken: what wire gives is JSON: %v", err))
	}
	return b.Bytes()
}

func tagged(kind string, parts ...any) *Dict {
	return NewDict(tag, NewList(append([]any{kind}, parts...)...))
}

func wire(v any) any {
	switch v := v.(type) {
	case *Template:
		return tagged("template", v.Text, v.Origin.File, int64(v.Origin.Line), int64(v.Origin.Column))
	case *Vaulted:
		return tagged("vaulted", v.Text, v.Origin.File, int64(v.Origin.Line), int64(v.Origin.Column))
	case *Unknown:
		return tagged("unknown", v.Why)
	case *Undefined:
		return tagged("undefined", v.Name, v.Hint)
	case *Time:
		return tagged("time", v.Time.Format(time.RFC3339Nano), v.DateOnly, v.Naive)
	case Duration:
		return tagged("duration", int64(v))
	case *List:
		items := make([]any, len(v.Items))
		for i, x := range v.Items {
			items[i] = wire(x)
		}
		if v.Tuple {
			return tagged("tuple", items...)
		}
		return &List{Items: items}
	case *Dict:
		return wireDict(v)
	case nil, bool, int64, float64, string:
		return v
	default:
		panic(fmt.Sprintf("value: %T cannot be encoded", v))
	}
}

func wireDict(d *Dict) any {
	plain := &Dict{}
	for k, x := range d.All() {
		if text, ok := k.(string); !ok || text == tag {
			var pairs []any
			for k, x := range d.All() {
				pairs = append(pairs, wire(k), wire(x))
			}
			return tagged("dict", pairs...)
		}
		plain.Set(k, wire(x))
	}
	return plain
}

// Decode reads what Encode wrote.
func Decode(text []byte) (any, error) {
	v, err := ParseJSON(text)
	if err != nil {
		return nil, err
	}
	return unwire(v)
}

func unwire(v any) (any, error) {
	switch v := v.(type) {
	case *List:
		return v, unwireAll(v.Items)
	case *Dict:
		if special, ok := v.Get(tag); ok && v.Len() == 1 {
			l, ok := special.(*List)
			if !ok || len(l.Items) == 0 {
				return nil, fmt.Errorf("a tagged value without its kind")
			}
			return untag(l.Items[0], l.Items[1:])
		}
		return v, unwireAll(v.values)
	default:
		return v, nil
	}
}

func unwireAll(items []any) (err error) {
	for i, x := range items {
		if items[i], err = unwire(x); err != nil {
			return err
		}
	}
	return nil
}

func untag(kind any, parts []any) (any, error) {
	text := func(i int) string {
		if i < len(parts) {
			s, _ := parts[i].(string)
			return s
		}
		return ""
	}
	number := func(i int) int {
		if i < len(parts) {
			n, _ := parts[i].(int64)
			return int(n)
		}
		return 0
	}
	flag := func(i int) bool { return i < len(parts) && parts[i] == true }
	switch kind {
	case "template":
		return &Template{Text: text(0), Origin: Origin{text(1), number(2), number(3)}}, nil
	case "vaulted":
		return &Vaulted{Text: text(0), Origin: Origin{text(1), number(2), number(3)}}, nil
	case "unknown":
		return &Unknown{Why: text(0)}, nil
	case "undefined":
		return &Undefined{Name: text(0), Hint: text(1)}, nil
	case "duration":
		return Duration(number(0)), nil
	case "time":
		at, err := time.Parse(time.RFC3339Nano, text(0))
		return &Time{Time: at, DateOnly: flag(1), Naive: flag(2)}, err
	case "tuple":
		return &List{Items: parts, Tuple: true}, unwireAll(parts)
	case "dict":
		d := &Dict{}
		if err := unwireAll(parts); err != nil || len(parts)%2 != 0 {
			return nil, fmt.Errorf("a tagged dict of %d parts: %w", len(parts), err)
		}
		for i := 0; i < len(parts); i += 2 {
			d.Set(parts[i], parts[i+1])
		}
		return d, nil
	}
	return nil, fmt.Errorf("a tagged value of unknown kind %v", kind)
}
