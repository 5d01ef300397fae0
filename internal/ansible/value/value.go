// Package value holds what variables of a play are made of: Python's plain types, as
// Jinja and Ansible see them, plus what a lazy and a planning evaluation need.
//
// A value is one of
//
//	nil, bool, int64, float64, string   as in Python
//	*List                               a list or a tuple
//	*Dict                               a dict, in the order of insertion
//	*Time, Duration                     datetime, date and timedelta
//	*Template                           text from a playbook that is to be rendered when it is used
//	*Vaulted                            text that is decrypted when it is used
//	*Undefined                          a variable, attribute or item that is not there
//	*Unknown                            what nobody can know before the play really runs
//
// or something of the jinja package's own (macros, loop, functions), which never leaves
// a template. Only text that a person wrote in a playbook, a role, a variables file or an
// inventory may become a *Template: what comes back from hosts is a plain string and is
// never rendered (ansible-core 2.19 calls this "trusted as template").
//
// The package is pure: it reaches nothing and asks no clock. Lists and dicts are shared by
// reference, as in Python; whoever keeps one that others can reach takes a Copy.
package value

import (
	"fmt"
	"time"
)

// Origin is where in the user's files a value was written. Line and Column begin at 1;
// 0 is unknown.
type Origin struct {
	File         string
	Line, Column int
}

// String gives file:line:column, as far as it is known.
func (o Origin) String() string {
	switch {
	case o.File == "":
		return ""
	case o.Line == 0:
		return o.File
	case o.Column == 0:
		return fmt.Sprintf("%s:%d", o.File, o.Line)
	default:
		return fmt.Sprintf("%s:%d:%d", o.File, o.Line, o.Column)
	}
}

// Template is text with Jinja in it that somebody wrote. Text without "{{", "{%" or "{#"
// is kept as a plain string instead.
type Template struct {
	Text   string
	Origin Origin
}

// Vaulted is a value of tag !vault that could not be decrypted yet: its armored text.
type Vaulted struct {
	Text   string
	Origin Origin
}

// Undefined is what a name stands for that nothing stands behind. Using it for anything
// but "is defined" or default() is an error that says Hint.
type Undefined struct {
	// Name is the variable, attribute or item that was asked for.
	Name string
	// Hint is the whole sentence of the error, such as "'x' is undefined".
	Hint string
	// Err is set where a value is missing because making it failed: using it fails likewise,
	// and neither "is defined" nor default() hides that.
	Err error
	// Origin is the template that asked for it.
	Origin Origin
	// Lenient is what "x if false" gives: it may be used, and is empty text then.
	Lenient bool
}

// Unknown is a value that only the real run can tell, such as the register of a command
// that check mode did not run. Whatever is made of it is unknown too.
type Unknown struct {
	// Why names what would have to run: "the result of task \"…\"".
	Why string
}

// List is a Python list, or a tuple, which differs in how it prints and that it cannot be
// changed.
type List struct {
	Items []any
	Tuple bool
}

// NewList gives a list of these items.
func NewList(items ...any) *List { return &List{Items: items} }

// NewTuple gives a tuple of these items.
func NewTuple(items ...any) *List { return &List{Items: items, Tuple: true} }

// Time is a datetime, or a date when DateOnly. A naive one has no time zone, and its Time
// is in UTC.
type Time struct {
	Time     time.Time
	DateOnly bool
	Naive    bool
}

// Duration is a timedelta, to the microsecond.
type Duration time.Duration

// Dict is a Python dict: keys of any plain type, in the order of insertion. The zero value
// is an empty one.
type Dict struct {
	keys   []any
	values []any
	// at finds a key's place; made when there is more than a handful.
	at map[any]int
}

// NewDict gives a dict of keys and values in turn. It panics on an odd count.
func NewDict(pairs ...any) *Dict {
	if len(pairs)%2 != 0 {
		panic("value: a dict needs keys and values in turn")
	}
	d := &Dict{}
	for i := 0; i < len(pairs); i += 2 {
		d.Set(pairs[i], pairs[i+1])
	}
	return d
}

// scanned is how many keys are compared one by one before an index is made.
const scanned = 8

// normal gives what stands for a key in the index: as in Python, 1, 1.0 and True are one key.
func normal(key any) any {
	switch k := key.(type) {
	case bool:
		if k {
			return int64(1)
		}
		return int64(0)
	case float64:
		if k == float64(int64(k)) {
			return int64(k)
		}
		return k
	case nil, string, int64, Duration:
		return k
	case *Time:
		return k.Time.UnixNano()
	default:
		return Repr(k)
	}
}

func (d *Dict) find(key any) int {
	n := normal(key)
	if d.at != nil {
		if i, ok := d.at[n]; ok {
			return i
		}
		return -1
	}
	for i, k := range d.keys {
		if normal(k) == n {
			return i
		}
	}
	return -1
}

// Len is the number of keys. A nil Dict has none.
func (d *Dict) Len() int {
	if d == nil {
		return 0
	}
	return len(d.keys)
}

// Get gives the value of a key.
func (d *Dict) Get(key any) (any, bool) {
	if d == nil {
		return nil, false
	}
	if i := d.find(key); i >= 0 {
		return d.values[i], true
	}
	return nil, false
}

// Has tells whether the key is there.
func (d *Dict) Has(key any) bool {
	_, ok := d.Get(key)
	return ok
}

// Set puts a value under a key: in its old place, or last.
func (d *Dict) Set(key, v any) {
	if i := d.find(key); i >= 0 {
		d.values[i] = v
		return
	}
	d.keys = append(d.keys, key)
	d.values = append(d.values, v)
	switch {
	case d.at != nil:
		d.at[normal(key)] = len(d.keys) - 1
	case len(d.keys) > scanned:
		d.index()
	}
}

func (d *Dict) index() {
	d.at = make(map[any]int, 2*len(d.keys))
	for i, k := range d.keys {
		d.at[normal(k)] = i
	}
}

// Delete takes a key away. It reports whether it was there. It costs time in proportion to
// the length.
func (d *Dict) Delete(key any) bool {
	i := d.find(key)
	if i < 0 {
		return false
	}
	d.keys = append(d.keys[:i:i], d.keys[i+1:]...)
	d.values = append(d.values[:i:i], d.values[i+1:]...)
	if d.at = nil; len(d.keys) > scanned {
		d.index()
	}
	return true
}

// Keys gives the keys in order. The slice is not to be changed.
func (d *Dict) Keys() []any {
	if d == nil {
		return nil
	}
	return d.keys
}

// All goes over keys and values in order. The dict must not be changed meanwhile.
func (d *Dict) All() func(yield func(key, v any) bool) {
	return func(yield func(key, v any) bool) {
		if d == nil {
			return
		}
		for i, k := range d.keys {
			if !yield(k, d.values[i]) {
				return
			}
		}
	}
}

// Update sets all keys of another dict in this one.
func (d *Dict) Update(from *Dict) {
	for k, v := range from.All() {
		d.Set(k, v)
	}
}

// Shallow gives a dict of the same keys and values.
func (d *Dict) Shallow() *Dict {
	c := &Dict{}
	if d != nil {
		c.keys = append([]any(nil), d.keys...)
		c.values = append([]any(nil), d.values...)
		if len(c.keys) > scanned {
			c.index()
		}
	}
	return c
}

// Copy gives a value of its own lists and dicts, all the way down.
func Copy(v any) any {
	switch v := v.(type) {
	case *List:
		c := &List{Items: make([]any, len(v.Items)), Tuple: v.Tuple}
		for i, x := range v.Items {
			c.Items[i] = Copy(x)
		}
		return c
	case *Dict:
		c := v.Shallow()
		for i, x := range c.values {
			c.values[i] = Copy(x)
		}
		return c
	default:
		return v
	}
}
