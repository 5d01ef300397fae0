// Package data holds JSON values as state machines use them: exact, in order, and
// shared without copying.
//
// A Value is nil, bool, float64, Number, string, []any or *Object. Values are not
// changed once they are made: whoever wants another one builds it, sharing what is
// the same. Only the maker of an *Object or []any may still fill it.
//
// The package owns decoding (Decode), encoding (Append, Encode), comparison (Equal)
// and the ordered Object. It must not know any language, and imports the standard
// library only.
package data

// Number is the text of a JSON number that a float64 would print in another way,
// such as 1.0, 1e3 or 12345678901234567890. What only passes through a state machine
// keeps its digits; arithmetic takes Float.
type Number string

// Object is a JSON object whose members keep the order in which they came. The zero
// value is an empty object. Reading is safe for concurrent use.
type Object struct {
	members []Member
	// index is there from indexFrom members on; below, a search is as fast.
	index map[string]int
}

// Member is one key with its value.
type Member struct {
	Key   string
	Value any
}

// indexFrom is the size from which an object is looked up by a map.
const indexFrom = 12

// NewObject gives an empty object with room for n members.
func NewObject(n int) *Object { return &Object{members: make([]Member, 0, n)} }

// ObjectOf gives an object of these members; of equal keys the last one counts.
func ObjectOf(members ...Member) *Object {
	o := NewObject(len(members))
	for _, m := range members {
		o.Set(m.Key, m.Value)
	}
	return o
}

// Len is the number of members; 0 for nil.
func (o *Object) Len() int {
	if o == nil {
		return 0
	}
	return len(o.members)
}

// Get gives the value of a key.
func (o *Object) Get(key string) (any, bool) {
	if i := o.find(key); i >= 0 {
		return o.members[i].Value, true
	}
	return nil, false
}

func (o *Object) find(key string) int {
	if o == nil {
		return -1
	}
	if o.index != nil {
		if i, ok := o.index[key]; ok {
			return i
		}
		return -1
	}
	for i := range o.members {
		if o.members[i].Key == key {
			return i
		}
	}
	return -1
}

// Set gives a key its value, at the end when it is new. It is for the object's
// maker only.
func (o *Object) Set(key string, v any) {
	if i := o.find(key); i >= 0 {
		o.members[i].Value = v
		return
	}
	o.members = append(o.members, Member{key, v})
	switch {
	case o.index != nil:
		o.index[key] = len(o.members) - 1
	case len(o.members) >= indexFrom:
		o.index = make(map[string]int, 2*len(o.members))
		for i, m := range o.members {
			o.index[m.Key] = i
		}
	}
}

// With gives a copy of the object in which the key has this value; its other values
// are shared.
func (o *Object) With(key string, v any) *Object {
	c := NewObject(o.Len() + 1)
	c.members = append(c.members, o.Members()...)
	if len(c.members) >= indexFrom {
		c.index = make(map[string]int, 2*len(c.members))
		for i, m := range c.members {
			c.index[m.Key] = i
		}
	}
	c.Set(key, v)
	return c
}

// Without gives a copy of the object that lacks the key.
func (o *Object) Without(key string) *Object {
	c := NewObject(o.Len())
	for _, m := range o.Members() {
		if m.Key != key {
			c.Set(m.Key, m.Value)
		}
	}
	return c
}

// Members gives the members in order. The slice is not to be changed.
func (o *Object) Members() []Member {
	if o == nil {
		return nil
	}
	return o.members
}

// Keys gives the keys in order.
func (o *Object) Keys() []string {
	keys := make([]string, o.Len())
	for i, m := range o.Members() {
		keys[i] = m.Key
	}
	return keys
}

// Kind names the JSON type of a value: null, boolean, number, string, array or
// object. It panics for what is no Value.
func Kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64, Number:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	case *Object:
		return "object"
	}
	panic("data: invariant broken: not a JSON value")
}

// Equal reports whether two values are the same JSON: numbers by their value,
// objects whatever the order of their members.
func Equal(a, b any) bool {
	if x, ok := Float(a); ok {
		y, ok := Float(b)
		return ok && sameNumber(a, b, x, y)
	}
	switch a := a.(type) {
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !Equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case *Object:
		b, ok := b.(*Object)
		if !ok || a.Len() != b.Len() {
			return false
		}
		for _, m := range a.Members() {
			if v, ok := b.Get(m.Key); !ok || !Equal(m.Value, v) {
				return false
			}
		}
		return true
	}
	switch b.(type) {
	case []any, *Object:
		return false
	}
	return a == b
}

// sameNumber compares exactly where two whole numbers are beyond float64.
func sameNumber(a, b any, x, y float64) bool {
	p, ok := a.(Number)
	q, both := b.(Number)
	if ok && both && isInteger(string(p)) && isInteger(string(q)) {
		return p == q
	}
	return x == y
}
