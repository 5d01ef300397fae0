package filter

import (
	"fmt"
	"strings"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/value"
)

// members answers which values are in a list, quickly where they can be keys.
type members struct {
	keys   value.Dict
	others []any
}

func newMembers(items []any) *members {
	m := &members{}
	for _, x := range items {
		m.add(x)
	}
	return m
}

func (m *members) has(x any) bool {
	if python.Hashable(x) == nil {
		return m.keys.Has(x)
	}
	for _, y := range m.others {
		if value.Equal(x, y) {
			return true
		}
	}
	return false
}

// add reports whether the value was not there yet.
func (m *members) add(x any) bool {
	if m.has(x) {
		return false
	}
	if python.Hashable(x) == nil {
		m.keys.Set(x, true)
	} else {
		m.others = append(m.others, x)
	}
	return true
}

// distinct gives each value of a list once.
func distinct(items []any) []any {
	m := &members{}
	out := []any{}
	for _, x := range items {
		if m.add(x) {
			out = append(out, x)
		}
	}
	return out
}

func unique(c *jinja.Call, a []any) (any, error) {
	caseless, attribute := a[1] == any(false), a[2]
	special := caseless || python.Truth(attribute)
	out, err := uniqueBy(c, a[0], python.Truth(a[1]), attribute)
	if err == nil {
		return &value.List{Items: out}, nil
	}
	if special {
		return nil, fmt.Errorf("Jinja2's unique filter failed and we cannot fall back to Ansible's version as it does not support the parameters supplied: %w", err) // Ansible's own words
	}
	items, err := python.Items(a[0])
	if err != nil {
		return nil, err
	}
	return &value.List{Items: distinct(items)}, nil
}

// uniqueBy is Jinja's own filter: what is the same is told by an attribute and, unless
// told otherwise, without regard to case.
func uniqueBy(c *jinja.Call, v any, caseSensitive bool, by any) ([]any, error) {
	items, err := python.Items(v)
	if err != nil {
		return nil, err
	}
	seen := &value.Dict{}
	out := []any{}
	for _, x := range items {
		key := x
		if by != nil {
			if key, err = attribute(c, x, by); err != nil {
				return nil, err
			}
		}
		if s, ok := key.(string); ok && !caseSensitive {
			key = strings.ToLower(s)
		}
		if err := python.Hashable(key); err != nil {
			return nil, err
		}
		if !seen.Has(key) {
			seen.Set(key, true)
			out = append(out, x)
		}
	}
	return out, nil
}

// set gives the distinct values of what can be gone over; that some of them cannot be keys
// is an error.
func set(v any) ([]any, error) {
	items, err := python.Items(v)
	if err != nil {
		return nil, err
	}
	for _, x := range items {
		if err := python.Hashable(x); err != nil {
			return nil, err
		}
	}
	return distinct(items), nil
}

// sets gives both as sets, or their items where one of them cannot be one.
func sets(a, b any) (x, y []any, ok bool) {
	x, err := set(a)
	if err != nil {
		return nil, nil, false
	}
	y, err = set(b)
	return x, y, err == nil
}

// among gives the items of a for which being in b is as wanted.
func among(a, b any, wanted bool) ([]any, error) {
	items, err := python.Items(a)
	if err != nil {
		return nil, err
	}
	var in *members
	if l, ok := sequence(b); ok {
		in = newMembers(l)
	}
	out := []any{}
	for _, x := range items {
		found := in != nil && in.has(x)
		if in == nil {
			if found, err = python.Contains(b, x); err != nil {
				return nil, err
			}
		}
		if found == wanted {
			out = append(out, x)
		}
	}
	return out, nil
}

func intersect(_ *jinja.Call, a []any) (any, error) {
	if x, y, ok := sets(a[0], a[1]); ok {
		return ordered(x, y, intersection), nil
	}
	items, err := among(a[0], a[1], true)
	return &value.List{Items: distinct(items)}, err
}

func difference(_ *jinja.Call, a []any) (any, error) {
	if x, y, ok := sets(a[0], a[1]); ok {
		return ordered(x, y, subtraction), nil
	}
	items, err := among(a[0], a[1], false)
	return &value.List{Items: distinct(items)}, err
}

func union(_ *jinja.Call, a []any) (any, error) {
	if x, y, ok := sets(a[0], a[1]); ok {
		return ordered(x, y, unification), nil
	}
	both, err := python.Binary("+", a[0], a[1])
	if err != nil {
		return nil, err
	}
	items, err := python.Items(both)
	return &value.List{Items: distinct(items)}, err
}

func symmetricDifference(c *jinja.Call, a []any) (any, error) {
	if x, y, ok := sets(a[0], a[1]); ok {
		return ordered(x, y, exclusion), nil
	}
	both, err := intersect(c, a)
	if err != nil {
		return nil, err
	}
	all, err := union(c, a)
	if err != nil {
		return nil, err
	}
	return &value.List{Items: without(all.(*value.List).Items, both.(*value.List).Items)}, nil
}

// operation is what is made of two sets.
type operation uint8

const (
	intersection operation = iota + 1
	subtraction
	unification
	exclusion
)

// ordered carries out an operation. Sets have no order; Python's come out in one that its
// table of hashes makes, which is the same each time for numbers and another each time for
// text. So numbers come out as they do in Python, and all else as it went in.
func ordered(x, y []any, what operation) *value.List {
	if a, ok := newTable(x); ok {
		if b, ok := newTable(y); ok {
			return &value.List{Items: a.with(b, what).items()}
		}
	}
	in := newMembers(y)
	switch what {
	case intersection, subtraction:
		out := []any{}
		for _, v := range x {
			if in.has(v) == (what == intersection) {
				out = append(out, v)
			}
		}
		return &value.List{Items: out}
	case unification:
		return &value.List{Items: distinct(join(x, y).Items)}
	default:
		return join(without(x, y), without(y, x))
	}
}
