package planfile

import (
	"encoding/json"
	"fmt"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
	"github.com/zclconf/go-cty/cty/msgpack"

	"tutti/internal/addr"
	"tutti/internal/object"
)

// writer gathers the types that values share: thousands of instances have one.
type writer struct {
	types     map[string]int
	list      []json.RawMessage
	last      cty.Type // the type seen last, and its number: nearly always the next one's too
	lastIndex int
	sensitive bool
	err       error
}

// valueJSON is a value: msgpack keeps what is unknown, and marks stand beside it.
type valueJSON struct {
	Type      int         `json:"t"`
	Data      []byte      `json:"d"`
	Sensitive [][]stepOne `json:"s,omitempty"`
	Ephemeral [][]stepOne `json:"e,omitempty"`
}

// stepOne is a step of a path: one of its fields is set.
type stepOne struct {
	Attr *string  `json:"a,omitempty"`
	Key  *string  `json:"k,omitempty"`
	Num  *float64 `json:"n,omitempty"`
}

func (w *writer) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// value writes a value; nil stands for cty.NilVal.
func (w *writer) value(v cty.Value) *valueJSON {
	if v == cty.NilVal {
		return nil
	}
	out := &valueJSON{}
	if v.ContainsMarked() {
		var marks []cty.PathValueMarks
		v, marks = v.UnmarkDeepWithPaths()
		for _, m := range marks {
			if _, ok := m.Marks[object.Sensitive]; ok {
				out.Sensitive = append(out.Sensitive, w.path(m.Path))
				w.sensitive = true
			}
			if _, ok := m.Marks[object.Ephemeral]; ok {
				out.Ephemeral = append(out.Ephemeral, w.path(m.Path))
			}
		}
	}
	if len(out.Ephemeral) > 0 {
		w.fail(fmt.Errorf("an ephemeral value would be stored"))
		return out
	}
	ty := v.Type()
	out.Type = w.typeIndex(ty)
	data, err := msgpack.Marshal(v, ty)
	if err != nil {
		w.fail(err)
	}
	out.Data = data
	return out
}

func (w *writer) typeIndex(ty cty.Type) int {
	if w.last != cty.NilType && w.last.Equals(ty) {
		return w.lastIndex
	}
	src, err := ctyjson.MarshalType(ty)
	if err != nil {
		w.fail(err)
		return 0
	}
	i, ok := w.types[string(src)]
	if !ok {
		i = len(w.list)
		w.types[string(src)] = i
		w.list = append(w.list, src)
	}
	w.last, w.lastIndex = ty, i
	return i
}

func (w *writer) path(p cty.Path) []stepOne {
	out := make([]stepOne, 0, len(p))
	for _, s := range p {
		switch s := s.(type) {
		case cty.GetAttrStep:
			out = append(out, stepOne{Attr: &s.Name})
		case cty.IndexStep:
			switch {
			case s.Key.Type() == cty.String && s.Key.IsKnown():
				k := s.Key.AsString()
				out = append(out, stepOne{Key: &k})
			case s.Key.Type() == cty.Number && s.Key.IsKnown():
				n, _ := s.Key.AsBigFloat().Float64()
				out = append(out, stepOne{Num: &n})
			default:
				return out // an element of a set: all of it is marked
			}
		}
	}
	return out
}

func (w *writer) paths(list []cty.Path) [][]stepOne {
	var out [][]stepOne
	for _, p := range list {
		out = append(out, w.path(p))
	}
	return out
}

// reader is the other direction; it keeps the first error.
type reader struct {
	types []cty.Type
	err   error
}

func (r *reader) fail(err error) {
	if r.err == nil && err != nil {
		r.err = err
	}
}

func (r *reader) readTypes(list []json.RawMessage) {
	for _, src := range list {
		ty, err := ctyjson.UnmarshalType(src)
		r.fail(err)
		r.types = append(r.types, ty)
	}
}

func (r *reader) value(in *valueJSON) cty.Value {
	if in == nil || r.err != nil {
		return cty.NilVal
	}
	if in.Type < 0 || in.Type >= len(r.types) {
		r.fail(fmt.Errorf("a value has a type that is not listed"))
		return cty.NilVal
	}
	v, err := msgpack.Unmarshal(in.Data, r.types[in.Type])
	if err != nil {
		r.fail(err)
		return cty.NilVal
	}
	return object.MarkPaths(v, r.paths(in.Sensitive), object.Sensitive)
}

func (r *reader) paths(list [][]stepOne) []cty.Path {
	var out []cty.Path
	for _, steps := range list {
		var p cty.Path
		for _, s := range steps {
			switch {
			case s.Attr != nil:
				p = p.GetAttr(*s.Attr)
			case s.Key != nil:
				p = p.IndexString(*s.Key)
			case s.Num != nil:
				p = p.Index(cty.NumberFloatVal(*s.Num))
			default:
				r.fail(fmt.Errorf("a path has an empty step"))
			}
		}
		out = append(out, p)
	}
	return out
}

func (r *reader) instance(s string) addr.Instance {
	a, err := addr.ParseInstance(s)
	r.fail(err)
	return a
}

func (r *reader) instances(list []string) []addr.Instance {
	var out []addr.Instance
	for _, s := range list {
		out = append(out, r.instance(s))
	}
	return out
}

func (r *reader) object(s string) addr.Object {
	o, err := addr.ParseObject(s)
	r.fail(err)
	return o
}

func (r *reader) verb(s string) object.Verb {
	v, err := object.ParseVerb(s)
	r.fail(err)
	return v
}
