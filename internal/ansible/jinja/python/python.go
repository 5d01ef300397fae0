// Package python is what Python's operators and built-in types do with the values of a
// play: arithmetic, comparison, subscripts, iteration, the methods of str, list, dict and
// datetime, formatting. Values go in, values or errors in Python's own words come out.
//
// It is pure, and it knows nothing of templates: whoever calls has rendered what is lazy
// and dealt with what is undefined or unknown. What it makes is bounded by MaxText and
// MaxItems, so that a hostile template cannot exhaust memory.
//
// Integers are those of 64 bits; a result beyond is an error, where Python would go on.
package python

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"tutti/internal/ansible/value"
)

const (
	// MaxText bounds the length in bytes of a text that an operator or a method makes.
	MaxText = 64 << 20
	// MaxItems bounds the number of items of a list that an operator or a method makes.
	MaxItems = 4 << 20
)

// Range is what range() gives: its numbers are made when they are asked for.
type Range struct{ Start, Stop, Step int64 }

// PythonType names the type.
func (Range) PythonType() string { return "range" }

// Len is how many numbers there are.
func (r Range) Len() int {
	switch {
	case r.Step > 0 && r.Start < r.Stop:
		return int((uint64(r.Stop-r.Start) + uint64(r.Step) - 1) / uint64(r.Step))
	case r.Step < 0 && r.Start > r.Stop:
		return int((uint64(r.Start-r.Stop) + uint64(-r.Step) - 1) / uint64(-r.Step))
	default:
		return 0
	}
}

// At gives a number of it.
func (r Range) At(i int) int64 { return r.Start + int64(i)*r.Step }

func (r Range) String() string {
	if r.Step != 1 {
		return fmt.Sprintf("range(%d, %d, %d)", r.Start, r.Stop, r.Step)
	}
	return fmt.Sprintf("range(%d, %d)", r.Start, r.Stop)
}

// Mapping is a dict whose items are made when they are asked for, such as hostvars.
type Mapping interface {
	// Item gives the value of a key.
	Item(key any) (v any, found bool, err error)
	// Keys gives all keys in order.
	Keys() []any
}

func errorf(format string, args ...any) error { return fmt.Errorf(format, args...) }

// name is the type's name as error messages have it.
func name(v any) string { return value.TypeName(v) }

// Truth is bool().
func Truth(v any) bool {
	switch v := v.(type) {
	case Range:
		return v.Len() > 0
	case Mapping:
		return len(v.Keys()) > 0
	default:
		return value.Truth(v)
	}
}

// Len is len().
func Len(v any) (int, error) {
	switch v := v.(type) {
	case string:
		return utf8.RuneCountInString(v), nil
	case *value.List:
		return len(v.Items), nil
	case *value.Dict:
		return v.Len(), nil
	case Range:
		return v.Len(), nil
	case Mapping:
		return len(v.Keys()), nil
	default:
		return 0, errorf("object of type '%s' has no len()", name(v))
	}
}

// Items is list(): what going over a value gives. The slice is not to be changed.
func Items(v any) ([]any, error) {
	switch v := v.(type) {
	case *value.List:
		return v.Items, nil
	case *value.Dict:
		return v.Keys(), nil
	case string:
		if len(v) > MaxItems {
			return nil, &ErrTooLarge{"the text to go over"}
		}
		items := make([]any, 0, len(v))
		for _, r := range v {
			items = append(items, string(r))
		}
		return items, nil
	case Range:
		if v.Len() > MaxItems {
			return nil, errorf("a range of %d items is too long: at most %d are made into a list", v.Len(), MaxItems)
		}
		items := make([]any, v.Len())
		for i := range items {
			items[i] = v.At(i)
		}
		return items, nil
	case Mapping:
		return v.Keys(), nil
	case *value.Undefined:
		if v.Lenient {
			return nil, nil
		}
	}
	return nil, errorf("'%s' object is not iterable", name(v))
}

// Contains is "item in container".
func Contains(container, item any) (bool, error) {
	switch c := container.(type) {
	case string:
		s, ok := item.(string)
		if !ok {
			return false, errorf("'in <string>' requires string as left operand, not %s", name(item))
		}
		return strings.Contains(c, s), nil
	case *value.List:
		for _, x := range c.Items {
			if value.Equal(x, item) {
				return true, nil
			}
		}
		return false, nil
	case *value.Dict:
		if err := Hashable(item); err != nil {
			return false, err
		}
		return c.Has(item), nil
	case Range:
		i, ok := index(item)
		if f, isFloat := item.(float64); isFloat {
			i, ok = int64(f), f == math.Trunc(f)
		}
		return ok && c.Len() > 0 && (i-c.Start)%c.Step == 0 && (i-c.Start)/c.Step >= 0 && (i-c.Start)/c.Step < int64(c.Len()), nil
	case Mapping:
		_, found, err := c.Item(item)
		return found, err
	default:
		return false, errorf("argument of type '%s' is not iterable", name(container))
	}
}

// Hashable is an error for what cannot be a key.
func Hashable(v any) error {
	switch v := v.(type) {
	case *value.List:
		if !v.Tuple {
			return errorf("unhashable type: 'list'")
		}
		for _, x := range v.Items {
			if err := Hashable(x); err != nil {
				return err
			}
		}
	case *value.Dict:
		return errorf("unhashable type: 'dict'")
	}
	return nil
}

// position turns an index into one from the front.
func position(i int64, n int) (int, bool) {
	if i < 0 {
		i += int64(n)
	}
	return int(i), i >= 0 && i < int64(n)
}

// Item is x[key]. It is not found where Python raises a LookupError or a TypeError.
func Item(x, key any) (v any, found bool, err error) {
	switch x := x.(type) {
	case *value.Dict:
		if Hashable(key) != nil {
			return nil, false, nil
		}
		v, found = x.Get(key)
		return v, found, nil
	case Mapping:
		return x.Item(key)
	}
	i, ok := index(key)
	if !ok {
		return nil, false, nil
	}
	switch x := x.(type) {
	case *value.List:
		if n, ok := position(i, len(x.Items)); ok {
			return x.Items[n], true, nil
		}
	case string:
		if n, ok := position(i, utf8.RuneCountInString(x)); ok {
			return cut(x, n, n+1), true, nil
		}
	case Range:
		if n, ok := position(i, x.Len()); ok {
			return x.At(n), true, nil
		}
	}
	return nil, false, nil
}

func index(key any) (int64, bool) {
	switch k := key.(type) {
	case int64:
		return k, true
	case bool:
		if k {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// cut gives the characters from..to of a text.
func cut(s string, from, to int) string {
	if ascii(s) {
		return s[from:to]
	}
	r := []rune(s)
	return string(r[from:to])
}

// Slice is x[start:stop:step], where each may be nil.
func Slice(x, start, stop, step any) (any, error) {
	n, err := Len(x)
	switch x.(type) {
	case *value.Dict, Mapping:
		err = errorf("unhashable type: 'slice'")
	case string, *value.List, Range:
	default:
		err = errorf("'%s' object is not subscriptable", name(x))
	}
	if err != nil {
		return nil, err
	}
	by := int64(1)
	if step != nil {
		i, ok := index(step)
		if !ok {
			return nil, errorf("slice indices must be integers or None or have an __index__ method")
		}
		if by = i; by == 0 {
			return nil, errorf("slice step cannot be zero")
		}
	}
	low, high := int64(0), int64(n)
	if by < 0 {
		low, high = -1, int64(n)-1
	}
	bound := func(v any, standard int64) (int64, error) {
		if v == nil {
			return standard, nil
		}
		i, ok := index(v)
		if !ok {
			return 0, errorf("slice indices must be integers or None or have an __index__ method")
		}
		if i < 0 {
			i += int64(n)
		}
		return min(max(i, low), high), nil
	}
	first, last := low, high
	if by < 0 {
		first, last = high, low
	}
	if first, err = bound(start, first); err != nil {
		return nil, err
	}
	if last, err = bound(stop, last); err != nil {
		return nil, err
	}
	return pick(x, first, last, by), nil
}

func pick(x any, first, last, by int64) any {
	switch x := x.(type) {
	case string:
		if by == 1 {
			if first >= last {
				return ""
			}
			return cut(x, int(first), int(last))
		}
		r := []rune(x)
		var b strings.Builder
		walk(first, last, by, func(i int64) { b.WriteRune(r[i]) })
		return b.String()
	case *value.List:
		out := &value.List{Tuple: x.Tuple}
		if by == 1 {
			if first < last {
				out.Items = append(out.Items, x.Items[first:last]...)
			}
			return out
		}
		walk(first, last, by, func(i int64) { out.Items = append(out.Items, x.Items[i]) })
		return out
	case Range:
		return Range{x.At(int(first)), x.At(int(last)), x.Step * by}
	}
	return nil
}

// walk goes over the indices of a slice. They lie within what is sliced, so there are no
// more of them than it has items.
func walk(first, last, by int64, do func(i int64)) {
	if by > 0 {
		for i := first; i < last; {
			do(i)
			if by > last-i {
				break
			}
			i += by
		}
		return
	}
	for i := first; i > last; {
		do(i)
		if by < last-i {
			break
		}
		i += by
	}
}
