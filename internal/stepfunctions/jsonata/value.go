package jsonata

import (
	"math"
	"strings"

	"tutti/internal/stepfunctions/data"
)

// undefined is the value of what is not there.
type undefined struct{}

// Undefined stands for the absence of a value, which JSON's null is not.
var Undefined any = undefined{}

func isUndefined(v any) bool {
	_, ok := v.(undefined)
	return ok
}

// array is an array that an evaluation made and that needs to be told from a plain []any. A sequence is the result of
// a path or query: one of length 1 is the same as its item, an empty one is undefined, and sequences in sequences are
// flattened.
type array struct {
	items    []any
	sequence bool
	keep     bool // stays an array also when it has one item: the [] syntax
	cons     bool // written as [...] in a path: not flattened
	wrapper  bool // around the whole input
}

func sequenceOf(items ...any) *array { return &array{items: items, sequence: true} }

// list gives the items of an array of either kind.
func list(v any) ([]any, bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case *array:
		return v.items, true
	}
	return nil, false
}

func isSequence(v any) bool {
	a, ok := v.(*array)
	return ok && a.sequence
}

// single turns the result of an expression into what others see of it: no sequence of length 0 or 1. What is in a
// sequence of length 1 may be such a sequence again; it takes one expression more around it to see through that.
func single(v any) any {
	a, ok := v.(*array)
	if !ok || !a.sequence {
		return v
	}
	switch len(a.items) {
	case 0:
		return Undefined
	case 1:
		if !a.keep {
			return a.items[0]
		}
	}
	return v
}

// smallNumbers are boxed once, so that counts and indexes cost no allocation.
var smallNumbers = func() (all [1024]any) {
	for i := range all {
		all[i] = float64(i)
	}
	return all
}()

// boxed makes a value of a number.
func boxed(f float64) any {
	if f >= 0 && f < float64(len(smallNumbers)) {
		if i := int(f); float64(i) == f && (i != 0 || !math.Signbit(f)) {
			return smallNumbers[i]
		}
	}
	return f
}

// number gives the value of a number, NaN and infinities included.
func number(v any) (float64, bool) {
	if f, ok := v.(float64); ok {
		return f, true
	}
	if n, ok := v.(data.Number); ok {
		return data.Float(n)
	}
	return 0, false
}

// finite is number for operands: NaN is no number, and an infinity is an error.
func finite(v any) (float64, bool, error) {
	f, ok := number(v)
	switch {
	case !ok || math.IsNaN(f):
		return 0, false, nil
	case math.IsInf(f, 0):
		return 0, false, &Error{Code: "D1001", Value: v}
	}
	return f, true, nil
}

// numbers tells whether all items are numbers.
func numbers(items []any) (bool, error) {
	for _, item := range items {
		if _, ok, err := finite(item); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

func allStrings(items []any) bool {
	for _, item := range items {
		if _, ok := item.(string); !ok {
			return false
		}
	}
	return true
}

// letter is how a signature writes the type of a value; m is undefined ("missing").
func letter(v any) byte {
	switch v.(type) {
	case string:
		return 's'
	case float64, data.Number:
		return 'n'
	case bool:
		return 'b'
	case nil:
		return 'l'
	case []any, *array:
		return 'a'
	case *data.Object:
		return 'o'
	case undefined:
		return 'm'
	case function:
		return 'f'
	}
	panic("jsonata: invariant broken: not a value of an expression")
}

// maxNesting bounds how deep values lie in each other wherever a value is walked. Input has at most data.MaxDepth.
const maxNesting = 4 * data.MaxDepth

func errNesting() error { return limitError("the values lie too deep in each other") }

// truth is what $boolean() gives; undefined is false.
func truth(v any) (bool, error) { return truthAt(v, 0) }

func truthAt(v any, depth int) (bool, error) {
	switch v := v.(type) {
	case bool:
		return v, nil
	case string:
		return v != "", nil
	case float64, data.Number:
		f, ok, err := finite(v)
		return ok && f != 0, err
	case *data.Object:
		return v.Len() > 0, nil
	}
	items, _ := list(v)
	if depth > maxNesting {
		return false, errNesting()
	}
	for _, item := range items {
		if yes, err := truthAt(item, depth+1); yes || err != nil {
			return yes, err
		}
	}
	return false, nil
}

// equal is the = operator for two defined values: deep, whatever the order of members.
func (r *run) equal(a, b any, depth int) (bool, error) {
	switch a := a.(type) {
	case string:
		b, ok := b.(string)
		return ok && a == b, nil
	case float64, data.Number:
		x, _ := number(a)
		y, ok := number(b)
		return ok && x == y, nil
	case []any, *array:
		return r.equalLists(a, b, depth)
	case *data.Object:
		b, ok := b.(*data.Object)
		if !ok || a.Len() != b.Len() {
			return false, nil
		}
		if a == b {
			return true, nil
		}
		return r.equalObjects(a, b, depth)
	case undefined:
		return isUndefined(b), nil
	}
	switch b.(type) {
	case []any, *array, *data.Object:
		return false, nil
	}
	return a == b, nil
}

func (r *run) equalLists(a, b any, depth int) (bool, error) {
	x, _ := list(a)
	y, ok := list(b)
	if !ok || len(x) != len(y) {
		return false, nil
	}
	if err := r.walk(len(x), depth); err != nil {
		return false, err
	}
	for i := range x {
		if same, err := r.equal(x[i], y[i], depth+1); !same || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (r *run) equalObjects(a, b *data.Object, depth int) (bool, error) {
	if err := r.walk(a.Len(), depth); err != nil {
		return false, err
	}
	for _, m := range a.Members() {
		other, ok := b.Get(m.Key)
		if !ok {
			return false, nil
		}
		if same, err := r.equal(m.Value, other, depth+1); !same || err != nil {
			return false, err
		}
	}
	return true, nil
}

// compareStrings orders strings by their UTF-16 units, as ECMAScript does. That is the order of their bytes, but for
// characters beyond U+FFFF, whose units are below those of U+E000 to U+FFFF.
func compareStrings(a, b string) int {
	order := strings.Compare(a, b)
	if order == 0 {
		return 0
	}
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	if i < len(a) && i < len(b) && a[i] >= 0xee && b[i] >= 0xee && (a[i] >= 0xf0) != (b[i] >= 0xf0) {
		return -order
	}
	return order
}
