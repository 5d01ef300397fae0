package jsonpath

import (
	"regexp"
	"strings"

	"tutti/internal/stepfunctions/data"
)

// value is an operand that has been evaluated. A path without a value is undefined,
// which equals nothing, itself included.
type value struct {
	json    any
	defined bool
	pattern *regexp.Regexp
}

func (o operand) value(e *evaluation, item any) (value, error) {
	if o.path == nil {
		return value{json: o.literal, defined: o.pattern == nil, pattern: o.pattern}, nil
	}
	v, ok, err := e.inner(o.path, item)
	return value{json: v, defined: ok}, err
}

func (c compare) accepts(e *evaluation, item any) (bool, error) {
	left, err := c.left.value(e, item)
	if err != nil {
		return false, err
	}
	right, err := c.right.value(e, item)
	if err != nil {
		return false, err
	}
	switch c.operator {
	case "==":
		return equal(left, right), nil
	case "!=":
		return !equal(left, right), nil
	case "===":
		return sameKind(left, right) && equal(left, right), nil
	case "!==":
		return !sameKind(left, right) || !equal(left, right), nil
	case "<", "<=", ">", ">=":
		return ordered(left, right, c.operator), nil
	case "=~":
		return e.matches(left, right)
	case "size":
		return sized(left, right), nil
	case "empty":
		return empty(left, right)
	default:
		return e.sets(left, right, c.operator)
	}
}

// equal compares loosely: a string equals the number that it spells.
func equal(a, b value) bool {
	if !a.defined || !b.defined {
		return false
	}
	x, isNumber := data.Float(a.json)
	y, isNumberToo := data.Float(b.json)
	s, isString := a.json.(string)
	t, isStringToo := b.json.(string)
	switch {
	case isNumber && isStringToo:
		spelled, ok := spells(t)
		return ok && spelled == x
	case isString && isNumberToo:
		spelled, ok := spells(s)
		return ok && spelled == y
	}
	return data.Equal(a.json, b.json)
}

func spells(text string) (float64, bool) {
	v, err := data.Decode([]byte(text))
	if err != nil {
		return 0, false
	}
	return data.Float(v)
}

func sameKind(a, b value) bool {
	return a.defined && b.defined && data.Kind(a.json) == data.Kind(b.json)
}

// ordered compares numbers with numbers and strings with strings, and nothing else.
func ordered(a, b value, operator string) bool {
	if !a.defined || !b.defined {
		return false
	}
	x, isNumber := data.Float(a.json)
	y, isNumberToo := data.Float(b.json)
	s, isString := a.json.(string)
	t, isStringToo := b.json.(string)
	var order int
	switch {
	case isNumber && isNumberToo && x < y:
		order = -1
	case isNumber && isNumberToo && x > y:
		order = 1
	case isNumber && isNumberToo:
	case isString && isStringToo:
		order = strings.Compare(s, t)
	default:
		return false
	}
	switch operator {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	default:
		return order >= 0
	}
}

// matches holds a value, or any element of a list, against a pattern on either side.
func (e *evaluation) matches(left, right value) (bool, error) {
	if left.pattern != nil {
		left, right = right, left
	}
	if right.pattern == nil || left.pattern != nil {
		return false, nil
	}
	list, ok := left.json.([]any)
	if !ok {
		list = []any{left.json}
	}
	for _, item := range list {
		text := spelling(item)
		// A pattern reads its whole text, so long ones cost more.
		if err := e.spend(1 + len(text)/32); err != nil {
			return false, err
		}
		if right.pattern.MatchString(text) {
			return true, nil
		}
	}
	return false, nil
}

// spelling is what a pattern sees of a value: nothing of null, lists and objects.
func spelling(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool, float64, data.Number:
		return string(data.Encode(v))
	}
	return ""
}

func sized(left, right value) bool {
	want, ok := data.Int(right.json)
	if !ok || !left.defined {
		return false
	}
	switch v := left.json.(type) {
	case string:
		return int64(len([]rune(v))) == want
	case []any:
		return int64(len(v)) == want
	}
	return false
}

func empty(left, right value) (bool, error) {
	if !left.defined {
		return false, nil
	}
	var is bool
	switch v := left.json.(type) {
	case string:
		is = v == ""
	case []any:
		is = len(v) == 0
	case *data.Object:
		is = v.Len() == 0
	default:
		return false, nil
	}
	want, ok := right.json.(bool)
	if !ok {
		return false, errRefused
	}
	return is == want, nil
}

// sets are the operators over lists.
func (e *evaluation) sets(left, right value, operator string) (bool, error) {
	switch operator {
	case "in", "nin":
		in, err := e.in(left, right)
		return in == (operator == "in"), err
	case "contains":
		return e.contains(left, right)
	case "all":
		left, right = right, left
	}
	if !collection(left) || !collection(right) {
		return false, errRefused
	}
	these, ok := left.json.([]any)
	those, both := right.json.([]any)
	if !ok || !both {
		return false, nil
	}
	if err := e.spend(len(these) * (1 + len(those))); err != nil {
		return false, err
	}
	shared := 0
	for _, item := range these {
		if has(those, item) {
			shared++
		}
	}
	switch operator {
	case "anyof":
		return shared > 0, nil
	case "noneof":
		return shared == 0, nil
	default: // subsetof, all
		return shared == len(these), nil
	}
}

// collection tells what the operators over lists can judge; an object is none of them,
// but what is compared with it is not refused.
func collection(v value) bool {
	switch v.json.(type) {
	case []any, *data.Object:
		return true
	}
	return false
}

func (e *evaluation) in(left, right value) (bool, error) {
	if !collection(right) {
		return false, errRefused
	}
	list, ok := right.json.([]any)
	if !ok {
		return false, nil
	}
	if err := e.spend(len(list)); err != nil {
		return false, err
	}
	return left.defined && has(list, left.json), nil
}

func (e *evaluation) contains(left, right value) (bool, error) {
	switch v := left.json.(type) {
	case string:
		part, ok := right.json.(string)
		if err := e.spend(len(v) / 32); err != nil {
			return false, err
		}
		return ok && strings.Contains(v, part), nil
	case []any:
		if err := e.spend(len(v)); err != nil {
			return false, err
		}
		return right.defined && has(v, right.json), nil
	}
	return false, nil
}

func has(list []any, item any) bool {
	for _, v := range list {
		if equal(value{json: v, defined: true}, value{json: item, defined: true}) {
			return true
		}
	}
	return false
}
