package value

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MarshalJSON writes a dict in its order; keys that are not text become text as Python's
// json module makes them.
func (d *Dict) MarshalJSON() ([]byte, error) { return JSON(d) }

// UnmarshalJSON reads an object, keeping the order of its keys.
func (d *Dict) UnmarshalJSON(text []byte) error {
	v, err := ParseJSON(text)
	if err != nil {
		return err
	}
	switch v := v.(type) {
	case nil:
	case *Dict:
		*d = *v
	default:
		return fmt.Errorf("expected a JSON object, got %s", TypeName(v))
	}
	return nil
}

// MarshalJSON writes the items.
func (l *List) MarshalJSON() ([]byte, error) { return JSON(l) }

// JSON writes a value compactly, without escaping for HTML. Times become text in ISO form.
// Something undefined, unknown or still encrypted is an error; a Template becomes its text.
func JSON(v any) ([]byte, error) {
	var b bytes.Buffer
	if err := writeJSON(&b, v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func writeJSON(b *bytes.Buffer, v any) error {
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case float64:
		switch {
		case math.IsNaN(v):
			b.WriteString("NaN")
		case math.IsInf(v, 0):
			b.WriteString(strings.Replace(strconv.FormatFloat(v, 'g', -1, 64), "Inf", "Infinity", 1))
		default:
			b.WriteString(Float(v))
		}
	case string:
		QuoteJSON(b, v, false)
	case *Template:
		QuoteJSON(b, v.Text, false)
	case *Time:
		QuoteJSON(b, v.ISO(), false)
	case Duration:
		QuoteJSON(b, v.String(), false)
	case *List:
		b.WriteByte('[')
		for i, x := range v.Items {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := writeJSON(b, x); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	case *Dict:
		return writeDict(b, v)
	case *Undefined:
		return fmt.Errorf("%s", v.Hint)
	default:
		return fmt.Errorf("a value of type %s cannot be written as JSON", TypeName(v))
	}
	return nil
}

func writeDict(b *bytes.Buffer, d *Dict) error {
	b.WriteByte('{')
	for i, k := range d.Keys() {
		if i > 0 {
			b.WriteByte(',')
		}
		QuoteJSON(b, KeyJSON(k), false)
		b.WriteByte(':')
		if err := writeJSON(b, d.values[i]); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

// KeyJSON is the text that Python's json module makes of a dict's key.
func KeyJSON(k any) string {
	switch k := k.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(k)
	default:
		return String(k)
	}
}

// QuoteJSON writes text as a JSON string, with everything beyond ASCII as \u when asked to.
func QuoteJSON(b *bytes.Buffer, s string, ascii bool) {
	b.WriteByte('"')
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(b, `\udc%02x`, s[i])
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r < 0x20:
			fmt.Fprintf(b, `\u%04x`, r)
		case ascii && r >= 0x10000:
			r -= 0x10000
			fmt.Fprintf(b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		case ascii && r > 0x7e:
			fmt.Fprintf(b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		i += n
	}
	b.WriteByte('"')
}

// maxDepth bounds how deep a JSON document may be nested.
const maxDepth = 1000

// ParseJSON reads one JSON value, keeping the order of keys. Whole numbers that fit become
// int64, all others float64. NaN and Infinity are not read.
func ParseJSON(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, err := readJSON(d, 0)
	if err != nil {
		return nil, err
	}
	if d.More() {
		return nil, fmt.Errorf("there is more behind the JSON value, at byte %d", d.InputOffset())
	}
	return v, nil
}

func readJSON(d *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("JSON is nested deeper than %d", maxDepth)
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '[' {
			return readList(d, depth)
		}
		return readDict(d, depth)
	case json.Number:
		return Number(t.String())
	default: // nil, bool, string
		return t, nil
	}
}

// Number reads a JSON number.
func Number(text string) (any, error) {
	if !strings.ContainsAny(text, ".eE") {
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return i, nil
		}
	}
	return strconv.ParseFloat(text, 64)
}

func readList(d *json.Decoder, depth int) (any, error) {
	l := &List{}
	for d.More() {
		v, err := readJSON(d, depth+1)
		if err != nil {
			return nil, err
		}
		l.Items = append(l.Items, v)
	}
	_, err := d.Token()
	return l, err
}

func readDict(d *json.Decoder, depth int) (any, error) {
	dict := &Dict{}
	for d.More() {
		k, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := readJSON(d, depth+1)
		if err != nil {
			return nil, err
		}
		dict.Set(k, v)
	}
	_, err := d.Token()
	return dict, err
}

// FromGo turns what encoding/json gives (maps, slices, numbers) into a value; keys of maps
// are put in order. Values that are such already stay.
func FromGo(v any) any {
	switch v := v.(type) {
	case map[string]any:
		d := &Dict{}
		for _, k := range sortedKeys(v) {
			d.Set(k, FromGo(v[k]))
		}
		return d
	case []any:
		l := &List{Items: make([]any, len(v))}
		for i, x := range v {
			l.Items[i] = FromGo(x)
		}
		return l
	case []string:
		l := &List{Items: make([]any, len(v))}
		for i, x := range v {
			l.Items[i] = x
		}
		return l
	case int:
		return int64(v)
	case json.Number:
		n, err := Number(v.String())
		if err != nil {
			return v.String()
		}
		return n
	default:
		return v
	}
}

// ToGo turns a value into what encoding/json takes: map[string]any, []any and plain types.
// Dicts lose their order. It panics on what JSON would refuse.
func ToGo(v any) any {
	switch v := v.(type) {
	case *Dict:
		m := make(map[string]any, v.Len())
		for k, x := range v.All() {
			m[KeyJSON(k)] = ToGo(x)
		}
		return m
	case *List:
		l := make([]any, len(v.Items))
		for i, x := range v.Items {
			l[i] = ToGo(x)
		}
		return l
	case *Template:
		return v.Text
	case *Time:
		return v.ISO()
	case Duration:
		return v.String()
	case nil, bool, int64, float64, string:
		return v
	default:
		panic(fmt.Sprintf("value: %s has no JSON form", TypeName(v)))
	}
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }
