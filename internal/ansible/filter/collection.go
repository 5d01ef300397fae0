package filter

import (
	"fmt"
	"strconv"
	"strings"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/value"
)

// maxItems bounds how many items a filter may make of a few.
const maxItems = 1_000_000

// class is how Python prints a value's type: <class 'str'>.
func class(v any) string {
	name := value.TypeName(v)
	switch v := v.(type) {
	case *value.Time:
		if name = "datetime.datetime"; v.DateOnly {
			name = "datetime.date"
		}
	case value.Duration:
		name = "datetime.timedelta"
	}
	return "<class '" + name + "'>"
}

// sequence gives the items of a list or tuple.
func sequence(v any) ([]any, bool) {
	if l, ok := v.(*value.List); ok {
		return l.Items, true
	}
	return nil, false
}

func flatten(_ *jinja.Call, a []any) (any, error) {
	out := []any{}
	err := flattenInto(&out, a[0], a[1], python.Truth(a[2]), 0)
	return &value.List{Items: out}, err
}

// maxNesting bounds how deep lists within lists are followed.
const maxNesting = 400

func flattenInto(out *[]any, list, levels any, skipNulls bool, depth int) error {
	if depth > maxNesting {
		return fmt.Errorf("lists are nested deeper than %d", maxNesting)
	}
	items, err := python.Items(list)
	if err != nil {
		return err
	}
	for _, x := range items {
		if skipNulls && (x == nil || x == "None" || x == "null") {
			continue
		}
		if _, ok := sequence(x); !ok {
			*out = append(*out, x)
			continue
		}
		below := levels
		if levels != nil {
			deeper, err := python.Compare(">=", levels, int64(1))
			if err != nil {
				return err
			}
			if !deeper {
				*out = append(*out, x)
				continue
			}
			n, _ := asInt(levels)
			below = n - 1
		}
		if err := flattenInto(out, x, below, skipNulls, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// asInt is int() of a number.
func asInt(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case float64:
		return int64(v), true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

func combine(c *jinja.Call, a []any) (any, error) {
	recursive, listMerge := any(false), any("replace")
	for _, k := range c.Kwargs {
		switch k.Name {
		case "recursive":
			recursive = k.Value
		case "list_merge":
			listMerge = k.Value
		default:
			return nil, fmt.Errorf("'recursive' and 'list_merge' are the only valid keyword arguments")
		}
	}
	var dicts []any
	if err := flattenInto(&dicts, value.NewList(a...), int64(1), true, 0); err != nil {
		return nil, err
	}
	switch len(dicts) {
	case 0:
		return &value.Dict{}, nil
	case 1:
		return dicts[0], nil
	}
	// The last one counts most. It is the first to be merged: the ones before it are usually
	// larger, and a merge copies only its left side.
	result := dicts[len(dicts)-1]
	for i := len(dicts) - 2; i >= 0; i-- {
		var err error
		if result, err = Merge(dicts[i], result, python.Truth(recursive), listMerge); err != nil {
			return nil, err
		}
	}
	return result, nil
}

// Merge gives a new dict of both, in which what y says counts more than what x says. When
// recursive, dicts within are merged too; listMerge tells what becomes of lists that are in
// both: replace, keep, append, prepend, append_rp or prepend_rp.
func Merge(x, y any, recursive bool, listMerge any) (any, error) {
	switch listMerge {
	case "replace", "keep", "append", "prepend", "append_rp", "prepend_rp":
	default:
		return nil, fmt.Errorf("merge_hash: 'list_merge' argument can only be equal to 'replace', 'keep', 'append', 'prepend', 'append_rp' or 'prepend_rp'")
	}
	left, ok1 := x.(*value.Dict)
	right, ok2 := y.(*value.Dict)
	if !ok1 || !ok2 {
		return nil, fmt.Errorf("failed to combine variables, expected dicts but got a '%s' and a '%s'.", value.TypeName(x), value.TypeName(y)) // Ansible's own words
	}
	return merge(left, right, recursive, listMerge.(string), 0)
}

func merge(x, y *value.Dict, recursive bool, how string, depth int) (*value.Dict, error) {
	switch {
	case depth > maxNesting:
		return nil, fmt.Errorf("dicts are nested deeper than %d", maxNesting)
	case x.Len() == 0 || value.Equal(x, y):
		return y.Shallow(), nil
	case y.Len() == 0:
		return x, nil
	}
	out := x.Shallow()
	for k, v := range y.All() {
		before, ok := out.Get(k)
		if !ok {
			out.Set(k, v)
			continue
		}
		if inner, ok := before.(*value.Dict); ok {
			if with, ok := v.(*value.Dict); ok {
				if recursive {
					merged, err := merge(inner, with, recursive, how, depth+1)
					if err != nil {
						return nil, err
					}
					v = merged
				}
				out.Set(k, v)
				continue
			}
		}
		l, ok1 := before.(*value.List)
		r, ok2 := v.(*value.List)
		if ok1 && ok2 && !l.Tuple && !r.Tuple {
			out.Set(k, mergeLists(l, r, how))
			continue
		}
		out.Set(k, v)
	}
	return out, nil
}

func mergeLists(x, y *value.List, how string) *value.List {
	switch how {
	case "append":
		return join(x.Items, y.Items)
	case "prepend":
		return join(y.Items, x.Items)
	case "append_rp":
		return join(without(x.Items, y.Items), y.Items)
	case "prepend_rp":
		return join(y.Items, without(x.Items, y.Items))
	case "keep":
		return x
	default:
		return y
	}
}

func join(a, b []any) *value.List {
	return &value.List{Items: append(append(make([]any, 0, len(a)+len(b)), a...), b...)}
}

// without gives the items of a that are not in b.
func without(a, b []any) []any {
	in := newMembers(b)
	out := []any{}
	for _, x := range a {
		if !in.has(x) {
			out = append(out, x)
		}
	}
	return out
}

func extract(c *jinja.Call, a []any) (any, error) {
	keys := []any{a[0]}
	switch more := a[2].(type) {
	case nil:
	case *value.List:
		if more.Tuple {
			keys = append(keys, more)
		} else {
			keys = append(keys, more.Items...)
		}
	default:
		keys = append(keys, more)
	}
	v := a[1]
	for _, k := range keys {
		var err error
		if v, err = c.Item(v, k); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func dictToItems(_ *jinja.Call, a []any) (any, error) {
	keys, get, ok := mapping(a[0])
	if !ok {
		return nil, fmt.Errorf("dict2items requires a dictionary, got %s instead.", class(a[0])) // Ansible's own words
	}
	if err := python.Hashable(a[1]); err != nil {
		return nil, err
	}
	if err := python.Hashable(a[2]); err != nil {
		return nil, err
	}
	out := make([]any, 0, len(keys))
	for _, k := range keys {
		v, err := get(k)
		if err != nil {
			return nil, err
		}
		out = append(out, value.NewDict(a[1], k, a[2], v))
	}
	return &value.List{Items: out}, nil
}

// mapping gives the keys and values of a dict, or of what behaves as one.
func mapping(v any) (keys []any, get func(any) (any, error), ok bool) {
	switch v := v.(type) {
	case *value.Dict:
		return v.Keys(), func(k any) (any, error) { x, _ := v.Get(k); return x, nil }, true
	case python.Mapping:
		return v.Keys(), func(k any) (any, error) { x, _, err := v.Item(k); return x, err }, true
	}
	return nil, nil, false
}

func itemsToDict(_ *jinja.Call, a []any) (any, error) {
	items, ok := sequence(a[0])
	if !ok {
		return nil, fmt.Errorf("items2dict requires a list, got %s instead.", class(a[0])) // Ansible's own words
	}
	out := &value.Dict{}
	for _, item := range items {
		d, ok := item.(*value.Dict)
		if !ok {
			return nil, fmt.Errorf("items2dict requires a list of dictionaries, got %s instead.", value.String(a[0])) // Ansible's own words
		}
		k, ok1 := d.Get(a[1])
		v, ok2 := d.Get(a[2])
		if !ok1 || !ok2 {
			return nil, fmt.Errorf("items2dict requires each dictionary in the list to contain the keys '%s' and '%s', got %s instead.", // Ansible's own words
				value.String(a[1]), value.String(a[2]), value.String(a[0]))
		}
		if err := python.Hashable(k); err != nil {
			return nil, fmt.Errorf("items2dict requires a list of dictionaries, got %s instead.", value.String(a[0])) // Ansible's own words
		}
		out.Set(k, v)
	}
	return out, nil
}

// indexError is Python's error when something that is no dict is asked for a key.
func indexError(v, key any) error {
	switch v := v.(type) {
	case string:
		return fmt.Errorf("string indices must be integers, not '%s'", value.TypeName(key))
	case *value.List:
		return fmt.Errorf("%s indices must be integers or slices, not %s", value.TypeName(v), value.TypeName(key))
	default:
		return fmt.Errorf("'%s' object is not subscriptable", value.TypeName(v))
	}
}

func subelements(_ *jinja.Call, a []any) (any, error) {
	var elements []any
	switch obj := a[0].(type) {
	case *value.Dict:
		for _, v := range obj.All() {
			elements = append(elements, v)
		}
	case *value.List:
		if obj.Tuple {
			return nil, fmt.Errorf("obj must be a list of dicts or a nested dict")
		}
		elements = obj.Items
	default:
		return nil, fmt.Errorf("obj must be a list of dicts or a nested dict")
	}
	var path []any
	switch sub := a[1].(type) {
	case *value.List:
		path = sub.Items
	case string:
		for _, p := range strings.Split(sub, ".") {
			path = append(path, p)
		}
	default:
		return nil, fmt.Errorf("subelements must be a list or a string")
	}
	out := []any{}
	for _, element := range elements {
		values, last, err := descend(element, path, python.Truth(a[2]))
		if err != nil {
			return nil, err
		}
		l, ok := values.(*value.List)
		if !ok || l.Tuple {
			return nil, fmt.Errorf("the key %s should point to a list, got %s", value.Repr(last), value.Repr(values))
		}
		for _, v := range l.Items {
			out = append(out, value.NewTuple(element, v))
		}
	}
	return &value.List{Items: out}, nil
}

// descend follows a path of keys. What is missing is an error, or an empty list.
func descend(v any, path []any, skipMissing bool) (any, any, error) {
	var last any
	for _, key := range path {
		last = key
		if l, ok := v.(*value.List); ok && isIndex(key) {
			i, _ := asInt(key)
			if i < 0 {
				i += int64(len(l.Items))
			}
			if i < 0 || i >= int64(len(l.Items)) {
				return nil, last, fmt.Errorf("%s index out of range", value.TypeName(l))
			}
			v = l.Items[i]
			continue
		}
		d, ok := v.(*value.Dict)
		if !ok {
			return nil, last, fmt.Errorf("the key %s should point to a dictionary, got '%s': %w", value.String(key), value.String(v), indexError(v, key))
		}
		next, ok := d.Get(key)
		if !ok && skipMissing {
			return &value.List{}, last, nil
		}
		if !ok {
			return nil, last, fmt.Errorf("could not find %s key in iterated item %s", value.Repr(key), value.Repr(v))
		}
		v = next
	}
	return v, last, nil
}

func isIndex(key any) bool {
	switch key.(type) {
	case int64, bool:
		return true
	}
	return false
}

func rekeyOnMember(_ *jinja.Call, a []any) (any, error) {
	if a[2] != "error" && a[2] != "overwrite" {
		return nil, fmt.Errorf("duplicates parameter to rekey_on_member has unknown value %s", value.Repr(a[2]))
	}
	var items []any
	if keys, get, ok := mapping(a[0]); ok {
		for _, k := range keys {
			v, err := get(k)
			if err != nil {
				return nil, err
			}
			items = append(items, v)
		}
	} else if l, ok := sequence(a[0]); ok {
		items = l
	} else {
		return nil, fmt.Errorf("Type is not a valid list, set, or dict") // Ansible's own words
	}
	out := &value.Dict{}
	for _, item := range items {
		d, ok := item.(*value.Dict)
		if !ok {
			return nil, fmt.Errorf("List item is not a valid dict") // Ansible's own words
		}
		key, ok := d.Get(a[1])
		if !ok {
			return nil, fmt.Errorf("Key %s was not found.", value.Repr(a[1])) // Ansible's own words
		}
		if err := python.Hashable(key); err != nil {
			return nil, err
		}
		if out.Has(key) && a[2] == "error" {
			return nil, fmt.Errorf("Key %s is not unique, cannot convert to dict.", value.Repr(key)) // Ansible's own words
		}
		out.Set(key, item)
	}
	return out, nil
}

// dotted cuts an attribute at its dots; numbers among the parts are indices.
func dotted(text string) []any {
	var parts []any
	for _, p := range strings.Split(text, ".") {
		if n, err := strconv.ParseInt(p, 10, 64); err == nil && p != "" && p[0] != '-' && p[0] != '+' {
			parts = append(parts, n)
			continue
		}
		parts = append(parts, p)
	}
	return parts
}
