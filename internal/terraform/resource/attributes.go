package resource

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// decodeAttributes reads JSON into a value of the type. States hold thousands of
// such texts, so the usual ones are read in one pass; whatever is unusual is left
// to the library, which copies every part once per level.
func decodeAttributes(src []byte, ty cty.Type) (cty.Value, error) {
	r := reader{src: src}
	if v, ok := r.value(ty, maxNesting); ok && r.atEnd() {
		return v, nil
	}
	return ctyjson.Unmarshal(src, ty)
}

// maxNesting bounds the recursion; deeper texts are the library's.
const maxNesting = 64

// reader reads JSON. Each method reports false for what it does not know how to
// read, which need not be wrong.
type reader struct {
	src []byte
	at  int
}

// peek gives the next byte that is no white space, 0 at the end.
func (r *reader) peek() byte {
	for ; r.at < len(r.src); r.at++ {
		switch c := r.src[r.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

func (r *reader) atEnd() bool { return r.peek() == 0 && r.at == len(r.src) }

func (r *reader) take(c byte) bool {
	if r.peek() != c {
		return false
	}
	r.at++
	return true
}

func (r *reader) word(w string) bool {
	if !bytes.HasPrefix(r.src[r.at:], []byte(w)) {
		return false
	}
	r.at += len(w)
	return true
}

func (r *reader) value(ty cty.Type, depth int) (cty.Value, bool) {
	if depth == 0 {
		return cty.NilVal, false
	}
	if r.peek() == 'n' {
		return cty.NullVal(ty), r.word("null")
	}
	switch {
	case ty == cty.String:
		s, ok := r.text()
		if !ok {
			return cty.NilVal, false
		}
		return cty.StringVal(s), true
	case ty == cty.Number:
		return r.number()
	case ty == cty.Bool:
		if r.peek() == 't' {
			return cty.True, r.word("true")
		}
		return cty.False, r.word("false")
	case ty == cty.DynamicPseudoType:
		return r.dynamic(depth)
	case ty.IsObjectType():
		return r.object(ty, depth)
	case ty.IsMapType():
		return r.mapping(ty, depth)
	case ty.IsListType() || ty.IsSetType() || ty.IsTupleType():
		return r.sequence(ty, depth)
	default:
		return cty.NilVal, false
	}
}

// text reads a string; one with escapes is decoded by the library.
func (r *reader) text() (string, bool) {
	if !r.take('"') {
		return "", false
	}
	start, plain := r.at, true
	for ; r.at < len(r.src); r.at++ {
		switch c := r.src[r.at]; {
		case c == '\\':
			plain = false
			r.at++
		case c < ' ':
			return "", false
		case c == '"':
			raw := r.src[start:r.at]
			r.at++
			if plain {
				return string(raw), utf8.Valid(raw)
			}
			var s string
			err := json.Unmarshal(r.src[start-1:r.at], &s)
			return s, err == nil
		}
	}
	return "", false
}

// exactDigits is how many digits surely fit an int64.
const exactDigits = 18

func (r *reader) number() (cty.Value, bool) {
	r.peek()
	start, digits := r.at, 0
	var n int64
	for ; r.at < len(r.src) && r.src[r.at] >= '0' && r.src[r.at] <= '9' && digits < exactDigits; r.at++ {
		n = n*10 + int64(r.src[r.at]-'0')
		digits++
	}
	if digits == 0 || digits > 1 && r.src[start] == '0' {
		return cty.NilVal, false
	}
	if r.at < len(r.src) {
		switch r.src[r.at] {
		case ',', '}', ']', ' ', '\t', '\n', '\r':
		default:
			return cty.NilVal, false // a fraction, an exponent, or more digits
		}
	}
	return cty.NumberIntVal(n), true
}

// members reads an object and hands each key to the function, which reads the value.
func (r *reader) members(read func(key string) bool) bool {
	if !r.take('{') {
		return false
	}
	if r.take('}') {
		return true
	}
	for {
		r.peek()
		key, ok := r.text()
		if !ok || !r.take(':') || !read(key) {
			return false
		}
		if r.take('}') {
			return true
		}
		if !r.take(',') {
			return false
		}
	}
}

func (r *reader) object(ty cty.Type, depth int) (cty.Value, bool) {
	types := ty.AttributeTypes()
	vals := make(map[string]cty.Value, len(types))
	ok := r.members(func(key string) bool {
		aty, known := types[key]
		if _, again := vals[key]; !known || again {
			return false
		}
		v, ok := r.value(aty, depth-1)
		vals[key] = v
		return ok
	})
	if !ok {
		return cty.NilVal, false
	}
	for name, aty := range types {
		if _, given := vals[name]; !given {
			vals[name] = cty.NullVal(aty)
		}
	}
	return cty.ObjectVal(vals), true
}

func (r *reader) mapping(ty cty.Type, depth int) (cty.Value, bool) {
	ety := ty.ElementType()
	if ety.HasDynamicTypes() {
		return cty.NilVal, false
	}
	vals := map[string]cty.Value{}
	ok := r.members(func(key string) bool {
		v, ok := r.value(ety, depth-1)
		_, again := vals[key]
		vals[key] = v
		return ok && !again
	})
	switch {
	case !ok:
		return cty.NilVal, false
	case len(vals) == 0:
		return cty.MapValEmpty(ety), true
	default:
		return cty.MapVal(vals), true
	}
}

func (r *reader) sequence(ty cty.Type, depth int) (cty.Value, bool) {
	vals, ok := r.elements(ty, depth)
	switch {
	case !ok:
		return cty.NilVal, false
	case ty.IsTupleType():
		return cty.TupleVal(vals), len(vals) == len(ty.TupleElementTypes())
	case ty.IsListType() && len(vals) == 0:
		return cty.ListValEmpty(ty.ElementType()), true
	case ty.IsListType():
		return cty.ListVal(vals), true
	case len(vals) == 0:
		return cty.SetValEmpty(ty.ElementType()), true
	default:
		return cty.SetVal(vals), true
	}
}

func (r *reader) elements(ty cty.Type, depth int) ([]cty.Value, bool) {
	var types []cty.Type // of a tuple
	var ety cty.Type
	if ty.IsTupleType() {
		types = ty.TupleElementTypes()
	} else if ety = ty.ElementType(); ety.HasDynamicTypes() {
		return nil, false
	}
	if !r.take('[') {
		return nil, false
	}
	var vals []cty.Value
	if r.take(']') {
		return vals, true
	}
	for {
		if ty.IsTupleType() {
			if len(vals) == len(types) {
				return nil, false
			}
			ety = types[len(vals)]
		}
		v, ok := r.value(ety, depth-1)
		if !ok {
			return nil, false
		}
		vals = append(vals, v)
		if r.take(']') {
			return vals, true
		}
		if !r.take(',') {
			return nil, false
		}
	}
}

// dynamic reads a value that stands beside its type: {"value": ..., "type": ...}.
func (r *reader) dynamic(depth int) (cty.Value, bool) {
	var value, typ []byte
	ok := r.members(func(key string) bool {
		raw, ok := r.skip()
		switch {
		case key == "value" && value == nil:
			value = raw
		case key == "type" && typ == nil:
			typ = raw
		default:
			return false
		}
		return ok
	})
	if !ok || value == nil || typ == nil {
		return cty.NilVal, false
	}
	ty, ok := typeOf(typ)
	if !ok {
		return cty.NilVal, false
	}
	inner := reader{src: value}
	v, ok := inner.value(ty, depth-1)
	return v, ok && inner.atEnd()
}

func typeOf(src []byte) (cty.Type, bool) {
	switch string(src) {
	case `"string"`:
		return cty.String, true
	case `"number"`:
		return cty.Number, true
	case `"bool"`:
		return cty.Bool, true
	}
	ty, err := ctyjson.UnmarshalType(src)
	return ty, err == nil && !ty.HasDynamicTypes()
}

// skip passes over one value and gives its text. What it passes over is read
// later, so it need not look closely.
func (r *reader) skip() ([]byte, bool) {
	r.peek()
	start, open := r.at, 0
	for r.at < len(r.src) {
		switch r.src[r.at] {
		case '"':
			if _, ok := r.text(); !ok {
				return nil, false
			}
			if open == 0 {
				return r.src[start:r.at], true
			}
			continue
		case '{', '[':
			open++
		case '}', ']':
			if open == 0 {
				return r.src[start:r.at], r.at > start
			}
			if open--; open == 0 {
				r.at++
				return r.src[start:r.at], true
			}
		case ',', ' ', '\t', '\n', '\r':
			if open == 0 {
				return r.src[start:r.at], r.at > start
			}
		}
		r.at++
	}
	return nil, false
}
