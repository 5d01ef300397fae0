package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"tutti/internal/aws/catalog"
)

// The input once it is held against its shape: what the protocols write. A value is a *record, []any, []entry, string,
// int64, float64, bool, []byte, time.Time, or (of a document) any JSON value.
type (
	record struct{ fields []field } // in the model's order
	field  struct {
		member *catalog.Member
		value  any
	}
	entry struct {
		key   string
		value any
	}
)

func (r *record) get(m *catalog.Member) (any, bool) {
	for _, f := range r.fields {
		if f.member == m {
			return f.value, true
		}
	}
	return nil, false
}

// maxDepth bounds how deep an input or an answer may lie in itself; documents may lie deeper.
const maxDepth = 200

// maxProblems bounds how many problems an InputError tells.
const maxProblems = 20

// Fault kinds of an input.
const (
	Missing Kind = iota + 1
	Unknown
	Wrong
)

// Kind is the kind of a Problem.
type Kind uint8

// Problem is one thing that is wrong with an input.
type Problem struct {
	Kind Kind
	Path string // "Item.Tags[2].Key"
	Text string // of what is Wrong; of what is Unknown the names that there are
}

func (p Problem) String() string {
	switch p.Kind {
	case Missing:
		return fmt.Sprintf("the field %q is required but was missing", p.Path)
	case Unknown:
		return fmt.Sprintf("there is no field %q%s", p.Path, p.Text)
	case Wrong:
		return fmt.Sprintf("the field %q %s", p.Path, p.Text)
	}
	panic(fmt.Sprintf("wire: no kind of problem %d", p.Kind))
}

// InputError tells that an input is not what its operation takes. Nothing has gone out.
type InputError struct{ Problems []Problem }

func (e *InputError) Error() string {
	var texts []string
	for _, p := range e.Problems {
		texts = append(texts, p.String())
	}
	return strings.Join(texts, "; ")
}

// settler holds an input against its shape.
type settler struct {
	style    Style
	token    func() string
	problems []Problem
}

func settle(c Call) (*record, error) {
	s := &settler{style: c.Style, token: c.Token}
	var r *record
	switch input := opened(c.Input).(type) {
	case nil:
		r = s.record(c.Operation.Input, map[string]any{}, "", 0)
	case map[string]any:
		r = s.record(c.Operation.Input, input, "", 0)
	default:
		s.wrong("", "is not an object")
	}
	if len(s.problems) > 0 {
		return nil, &InputError{Problems: s.problems}
	}
	return r, nil
}

func (s *settler) report(p Problem) {
	if len(s.problems) < maxProblems {
		s.problems = append(s.problems, p)
	}
}

func (s *settler) wrong(path, format string, args ...any) any {
	s.report(Problem{Kind: Wrong, Path: path, Text: fmt.Sprintf(format, args...)})
	return nil
}

func under(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// name gives a member's name as the user's style has it.
func (s Style) name(m *catalog.Member) string {
	switch s.Names {
	case PascalNames:
		return catalog.Pascal(m.Name)
	case UpperNames:
		return catalog.Upper(m.Name)
	}
	return m.Name
}

func (s *settler) record(shape *catalog.Shape, input map[string]any, path string, depth int) *record {
	r := &record{}
	if shape == nil {
		shape = &catalog.Shape{Kind: catalog.Structure, Payload: -1}
	}
	given := map[*catalog.Member]any{}
	for _, name := range slices.Sorted(maps.Keys(input)) {
		m, known := shape.Member(name)
		switch {
		case !known:
			s.report(Problem{Kind: Unknown, Path: under(path, name), Text: s.offer(shape)})
		case isNull(input[name]): // the same as left out
		default:
			given[m] = input[name]
		}
	}
	for i := range shape.Members {
		m := &shape.Members[i]
		at := under(path, s.style.name(m))
		v, is := given[m]
		switch {
		case is:
			r.fields = append(r.fields, field{m, s.value(m, v, i == shape.Payload, at, depth+1)})
		case m.Token && s.token != nil && m.Shape.Kind == catalog.String:
			r.fields = append(r.fields, field{m, s.token()})
		case m.Required:
			s.report(Problem{Kind: Missing, Path: at})
		}
	}
	return r
}

// offer tells which names there are, where they are few enough to read.
func (s *settler) offer(shape *catalog.Shape) string {
	const readable = 40
	if len(shape.Members) == 0 {
		return "; there is none"
	}
	if len(shape.Members) > readable {
		return ""
	}
	var names []string
	for i := range shape.Members {
		names = append(names, s.style.name(&shape.Members[i]))
	}
	return "; there are " + strings.Join(names, ", ")
}

// value holds what was given for a member, an element or a map's value against its shape.
func (s *settler) value(m *catalog.Member, v any, payload bool, path string, depth int) any {
	shape := m.Shape
	if depth > maxDepth {
		return s.wrong(path, "lies more than %d deep", maxDepth)
	}
	whole := v
	if shape.Kind != catalog.Document {
		v = opened(v)
	}
	switch shape.Kind {
	case catalog.Structure:
		if object, is := v.(map[string]any); is {
			return s.record(shape, object, path, depth)
		}
	case catalog.List:
		if list, is := v.([]any); is {
			return s.list(shape, list, path, depth)
		}
	case catalog.Map:
		if object, is := v.(map[string]any); is {
			return s.entries(shape, object, path, depth)
		}
	case catalog.Document:
		return v
	default:
		plain, err := s.plain(m, v, whole, payload)
		if err != nil {
			return s.wrong(path, "%v", err)
		}
		return plain
	}
	return s.wrong(path, "has to be a %s, and is %s", shape.Kind, jsonKind(v))
}

func (s *settler) list(shape *catalog.Shape, list []any, path string, depth int) []any {
	settled := make([]any, 0, len(list))
	for i, v := range list {
		if isNull(v) {
			continue // the protocols have no way to write it
		}
		settled = append(settled, s.value(shape.Element, v, false, fmt.Sprintf("%s[%d]", path, i), depth+1))
	}
	return settled
}

func (s *settler) entries(shape *catalog.Shape, object map[string]any, path string, depth int) []entry {
	settled := make([]entry, 0, len(object))
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if !isNull(object[key]) {
			settled = append(settled, entry{key, s.value(shape.Element, object[key], false, under(path, key), depth+1)})
		}
	}
	return settled
}

func isNull(v any) bool {
	raw, is := v.(json.RawMessage)
	return v == nil || is && string(bytes.TrimSpace(raw)) == "null"
}

// opened decodes one level of a json.RawMessage; what lies deeper stays as it is until it is known what becomes of it.
func opened(v any) any {
	raw, is := v.(json.RawMessage)
	if !is {
		return v
	}
	var into any
	switch raw = bytes.TrimSpace(raw); {
	case len(raw) > 0 && raw[0] == '{':
		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) != nil {
			return v
		}
		return widened(object)
	case len(raw) > 0 && raw[0] == '[':
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) != nil {
			return v
		}
		all := make([]any, len(list))
		for i := range list {
			all[i] = list[i]
		}
		return all
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&into) != nil {
		return v
	}
	return into
}

func widened(object map[string]json.RawMessage) map[string]any {
	all := make(map[string]any, len(object))
	for key, v := range object {
		all[key] = v
	}
	return all
}

func jsonKind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a text"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	}
	return "a number"
}

// plain settles a value without parts. Where a text is wanted, any other value goes as its JSON, in the order of whole;
// where a number or a boolean is wanted, a text that is one will do.
func (s *settler) plain(m *catalog.Member, v, whole any, payload bool) (any, error) {
	text, isText := v.(string)
	switch m.Shape.Kind {
	case catalog.String:
		inHeader := m.JSONText && m.Location == catalog.Header // elsewhere the text is JSON already
		if isText && !inHeader && !(payload && s.style.JSONBodies) {
			return text, nil
		}
		encoded, err := compact(whole)
		return string(encoded), err
	case catalog.Blob:
		if raw, is := v.([]byte); is {
			return raw, nil
		}
		switch {
		case !isText || payload && s.style.JSONBodies:
			return compact(whole)
		case payload:
			return []byte(text), nil
		}
		return binaryOf(text), nil
	case catalog.Boolean:
		switch {
		case v == true || text == "true":
			return true, nil
		case v == false || text == "false":
			return false, nil
		}
		return nil, fmt.Errorf("has to be a boolean, and is %s", jsonKind(v))
	case catalog.Timestamp:
		return timeOf(v)
	case catalog.Integer, catalog.Long:
		return integerOf(v)
	default: // Float, Double
		return floatOf(v)
	}
}

// binaryOf takes a text for base64 where it is that, and else for itself.
func binaryOf(text string) []byte {
	if decoded, err := base64.StdEncoding.DecodeString(text); err == nil {
		return decoded
	}
	return []byte(text)
}

func compact(v any) ([]byte, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("is not JSON: %w", err)
	}
	return []byte(strings.TrimSuffix(b.String(), "\n")), nil
}

func integerOf(v any) (int64, error) {
	switch n := v.(type) {
	case int:
		return int64(n), nil
	case int64:
		return n, nil
	case json.Number:
		return wholeOf(n.String())
	case string:
		return wholeOf(n)
	case float64:
		if n == math.Trunc(n) && math.Abs(n) < 1<<63 {
			return int64(n), nil
		}
		return 0, fmt.Errorf("has to be a whole number, and is %v", n)
	}
	return 0, fmt.Errorf("has to be a whole number, and is %s", jsonKind(v))
}

// wholeOf also reads 5.0 and 1e3.
func wholeOf(text string) (int64, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<63 {
		return int64(f), nil
	}
	return 0, fmt.Errorf("has to be a whole number, and is %q", text)
}

func floatOf(v any) (float64, error) {
	switch n := v.(type) {
	case float64:
		return n, nil
	case int:
		return float64(n), nil
	case int64:
		return float64(n), nil
	case json.Number:
		return n.Float64()
	case string:
		if f, err := strconv.ParseFloat(n, 64); err == nil {
			return f, nil // NaN and Infinity among them, which JSON numbers cannot say
		}
		return 0, fmt.Errorf("has to be a number, and is %q", n)
	}
	return 0, fmt.Errorf("has to be a number, and is %s", jsonKind(v))
}

// timeOf reads a timestamp: ISO 8601, or seconds since 1970 as a number or its text.
func timeOf(v any) (time.Time, error) {
	text, isText := v.(string)
	if isText {
		for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", time.DateOnly, http1123} {
			if t, err := time.Parse(layout, text); err == nil {
				return t.UTC(), nil
			}
		}
	}
	seconds, err := floatOf(v)
	if err != nil || math.IsNaN(seconds) || math.Abs(seconds) > maxEpoch {
		if isText {
			return time.Time{}, fmt.Errorf("has to be a timestamp, and is %q", text)
		}
		return time.Time{}, fmt.Errorf("has to be a timestamp, and is %s", jsonKind(v))
	}
	return fromEpoch(seconds), nil
}
