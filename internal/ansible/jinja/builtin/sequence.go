package builtin

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/value"
)

func listOf(items []any) *value.List { return &value.List{Items: items} }

// path is an attribute of an item, and attributes of that: "address.city.0".
type path []any

func pathOf(attribute any) path {
	text, ok := attribute.(string)
	if !ok {
		if attribute == nil {
			return nil
		}
		return path{attribute}
	}
	var p path
	for part := range strings.SplitSeq(text, ".") {
		if n, err := strconv.ParseInt(part, 10, 64); err == nil && n >= 0 && part[0] != '+' {
			p = append(p, n)
		} else {
			p = append(p, part)
		}
	}
	return p
}

// of gives what lies at the path in an item; standard, unless it is nil, where nothing does.
func (p path) of(c *jinja.Call, v, standard any) (any, error) {
	for _, part := range p {
		var err error
		if v, err = c.Item(v, part); err != nil {
			return nil, err
		}
		if u, ok := v.(*value.Undefined); ok && u.Err == nil && standard != nil {
			v = standard
		}
	}
	return v, nil
}

// key makes an item into what it is ordered or grouped by.
func key(c *jinja.Call, p path, v, standard any, caseSensitive bool) (any, error) {
	v, err := p.of(c, v, standard)
	if err != nil {
		return nil, err
	}
	switch x := v.(type) {
	case *value.Undefined:
		return nil, jinja.Use(x)
	case *value.Unknown:
		return nil, c.Unknown(x)
	case string:
		if !caseSensitive {
			return strings.ToLower(x), nil
		}
	}
	return v, nil
}

func keysOf(c *jinja.Call, items []any, p path, standard any, caseSensitive bool) ([]any, error) {
	keys := make([]any, len(items))
	var err error
	for i, x := range items {
		if keys[i], err = key(c, p, x, standard, caseSensitive); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

func sortItems(c *jinja.Call) (any, error) {
	items, err := c.Items(c.Args[0])
	if err != nil {
		return nil, err
	}
	var paths []path
	if text, ok := c.Args[3].(string); ok {
		for part := range strings.SplitSeq(text, ",") {
			paths = append(paths, pathOf(part))
		}
	} else {
		paths = []path{pathOf(c.Args[3])}
	}
	keys := make([]any, len(items))
	for i, x := range items {
		all := make([]any, len(paths))
		for j, p := range paths {
			if all[j], err = key(c, p, x, nil, python.Truth(c.Args[2])); err != nil {
				return nil, err
			}
		}
		keys[i] = listOf(all)
	}
	items, err = python.Sorted(items, keys, python.Truth(c.Args[1]))
	return listOf(items), err
}

func unique(c *jinja.Call) (any, error) {
	items, err := c.Items(c.Args[0])
	if err != nil {
		return nil, err
	}
	keys, err := keysOf(c, items, pathOf(c.Args[2]), nil, python.Truth(c.Args[1]))
	if err != nil {
		return nil, err
	}
	out := &value.List{}
	seen := &value.Dict{}
	others := &value.List{} // lists and dicts, which can only be compared one by one
	for i, k := range keys {
		if python.Hashable(k) != nil {
			if err := c.Step(len(others.Items)); err != nil {
				return nil, err
			}
			if in, _ := python.Contains(others, k); !in {
				others.Items = append(others.Items, k)
				out.Items = append(out.Items, items[i])
			}
		} else if !seen.Has(k) {
			seen.Set(k, nil)
			out.Items = append(out.Items, items[i])
		}
	}
	return out, nil
}

func minimum(c *jinja.Call) (any, error) { return extreme(c, -1) }
func maximum(c *jinja.Call) (any, error) { return extreme(c, 1) }

// extreme gives the first item whose key is the least (sign -1) or the greatest.
func extreme(c *jinja.Call, sign int) (any, error) {
	items, err := c.Items(c.Args[0])
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return &value.Undefined{Hint: "No aggregated item, sequence was empty."}, nil
	}
	keys, err := keysOf(c, items, pathOf(c.Args[2]), nil, python.Truth(c.Args[1]))
	if err != nil {
		return nil, err
	}
	best := 0
	op := map[int]string{-1: "<", 1: ">"}[sign]
	for i := range keys {
		if i == best {
			continue
		}
		better, err := python.Compare(op, keys[i], keys[best])
		if err != nil {
			return nil, err
		}
		if better {
			best = i
		}
	}
	return items[best], nil
}

func sum(c *jinja.Call) (any, error) {
	items, err := c.Items(c.Args[0])
	if err != nil {
		return nil, err
	}
	total := c.Args[2]
	if _, ok := total.(string); ok {
		return nil, errors.New("sum() can't sum strings [use ''.join(seq) instead]")
	}
	p := pathOf(c.Args[1])
	for _, x := range items {
		if x, err = key(c, p, x, nil, true); err != nil {
			return nil, err
		}
		if total, err = python.Binary("+", total, x); err != nil {
			return nil, err
		}
	}
	return total, nil
}

func groupby(c *jinja.Call) (any, error) {
	items, err := c.Items(c.Args[0])
	if err != nil {
		return nil, err
	}
	p := pathOf(c.Args[1])
	caseSensitive := python.Truth(c.Args[3])
	keys, err := keysOf(c, items, p, c.Args[2], caseSensitive)
	if err != nil {
		return nil, err
	}
	at := make([]any, len(items))
	for i := range at {
		at[i] = int64(i)
	}
	if at, err = python.Sorted(at, keys, false); err != nil {
		return nil, err
	}
	out := &value.List{}
	var group *value.List
	var last any
	for _, n := range at {
		i := n.(int64)
		if group == nil || !value.Equal(keys[i], last) {
			last = keys[i]
			grouper, err := p.of(c, items[i], c.Args[2])
			if err != nil {
				return nil, err
			}
			group = &value.List{}
			out.Items = append(out.Items, value.NewTuple(grouper, group))
		}
		group.Items = append(group.Items, items[i])
	}
	return out, nil
}

func dictsort(c *jinja.Call) (any, error) {
	at := map[any]int{"key": 0, "value": 1}
	n, ok := at[c.Args[2]]
	if !ok {
		return nil, errors.New(`You can only sort by either "key" or "value"`)
	}
	pairs, err := pairsOf(c.Args[0])
	if err != nil {
		return nil, err
	}
	keys := make([]any, len(pairs))
	for i, p := range pairs {
		k := p.(*value.List).Items[n]
		if s, ok := k.(string); ok && !python.Truth(c.Args[1]) {
			k = strings.ToLower(s)
		}
		keys[i] = k
	}
	pairs, err = python.Sorted(pairs, keys, python.Truth(c.Args[3]))
	return listOf(pairs), err
}

// pairsOf gives the items of a dict as tuples.
func pairsOf(v any) ([]any, error) {
	var out []any
	switch d := v.(type) {
	case *value.Dict:
		for k, x := range d.All() {
			out = append(out, value.NewTuple(k, x))
		}
		return out, nil
	case jinja.Mapping:
		for _, k := range d.Keys() {
			x, _, err := d.Item(k)
			if err != nil {
				return nil, err
			}
			out = append(out, value.NewTuple(k, x))
		}
		return out, nil
	}
	return nil, fmt.Errorf("'%s' object has no attribute 'items'", value.TypeName(v))
}

func items(c *jinja.Call) (any, error) {
	pairs, err := pairsOf(c.Args[0])
	if err != nil {
		return nil, errors.New("Can only get item pairs from a mapping.") // Jinja's words
	}
	return listOf(pairs), nil
}

func length(c *jinja.Call) (any, error) {
	if u, ok := c.Args[0].(*value.Undefined); ok && u.Lenient {
		return int64(0), nil
	}
	n, err := python.Len(c.Args[0])
	return int64(n), err
}

func toList(c *jinja.Call) (any, error) {
	items, err := c.Items(c.Args[0])
	return listOf(append([]any(nil), items...)), err
}

func first(c *jinja.Call) (any, error) {
	if l, ok := c.Args[0].(*value.List); ok && len(l.Items) > 0 {
		return picked(c, l.Items[0])
	}
	items, err := c.Rendered(c.Args[0])
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return &value.Undefined{Hint: "No first item, sequence was empty."}, nil
	}
	return picked(c, items[0])
}

func last(c *jinja.Call) (any, error) {
	if l, ok := c.Args[0].(*value.List); ok && len(l.Items) > 0 {
		return picked(c, l.Items[len(l.Items)-1])
	}
	items, err := c.Rendered(c.Args[0])
	if err != nil {
		return nil, fmt.Errorf("'%s' object is not reversible", value.TypeName(c.Args[0]))
	}
	if len(items) == 0 {
		return &value.Undefined{Hint: "No last item, sequence was empty."}, nil
	}
	return picked(c, items[len(items)-1])
}

// picked renders the item that is given, and only that.
func picked(c *jinja.Call, v any) (any, error) {
	items, err := c.Rendered(listOf([]any{v}))
	if err != nil {
		return nil, err
	}
	return items[0], nil
}

func random(c *jinja.Call) (any, error) {
	n, err := python.Len(c.Args[0])
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return &value.Undefined{Hint: "No random item, sequence was empty."}, nil
	}
	v, found, err := python.Item(c.Args[0], int64(c.Random(uint64(n))))
	if err == nil && !found {
		err = fmt.Errorf("'%s' object is not a sequence", value.TypeName(c.Args[0]))
	}
	return v, err
}

func reverse(c *jinja.Call) (any, error) {
	if s, ok := c.Args[0].(string); ok {
		return python.Slice(s, nil, nil, int64(-1))
	}
	items, err := c.Items(c.Args[0])
	if err != nil {
		if _, bad := python.Items(c.Args[0]); bad != nil {
			return nil, fmt.Errorf("argument must be iterable: %w", bad)
		}
		return nil, err
	}
	out := make([]any, len(items))
	for i, x := range items {
		out[len(items)-1-i] = x
	}
	return listOf(out), nil
}

func batch(c *jinja.Call) (any, error) {
	items, err := c.Items(c.Args[0])
	if err != nil {
		return nil, err
	}
	n, ok := c.Args[1].(int64)
	if !ok || n < 1 || n > python.MaxItems {
		return nil, fmt.Errorf("batch takes a number of items of at least 1, not %s", value.Repr(c.Args[1]))
	}
	out := &value.List{}
	for from := int64(0); from < int64(len(items)); from += n {
		row := &value.List{Items: append([]any(nil), items[from:min(from+n, int64(len(items)))]...)}
		for c.Args[2] != nil && int64(len(row.Items)) < n {
			row.Items = append(row.Items, c.Args[2])
		}
		out.Items = append(out.Items, row)
	}
	return out, nil
}

func slice(c *jinja.Call) (any, error) {
	items, err := c.Items(c.Args[0])
	if err != nil {
		return nil, err
	}
	n, ok := c.Args[1].(int64)
	switch {
	case !ok:
		return nil, fmt.Errorf("unsupported operand type(s) for //: 'int' and '%s'", value.TypeName(c.Args[1]))
	case n == 0:
		return nil, errors.New("integer division or modulo by zero")
	case n > python.MaxItems:
		return nil, fmt.Errorf("slice makes at most %d lists", python.MaxItems)
	}
	out := &value.List{}
	size, extra := int64(len(items))/max(n, 1), int64(len(items))%max(n, 1)
	at := int64(0)
	for i := range max(n, 0) {
		end := at + size
		if i < extra {
			end++
		}
		row := &value.List{Items: append([]any(nil), items[at:end]...)}
		if c.Args[2] != nil && i >= extra {
			row.Items = append(row.Items, c.Args[2])
		}
		out.Items = append(out.Items, row)
		at = end
	}
	return out, nil
}

func attr(c *jinja.Call) (any, error) {
	name, ok := c.Args[1].(string)
	if !ok {
		return nil, fmt.Errorf("attribute name must be string, not '%s'", value.TypeName(c.Args[1]))
	}
	switch v := c.Args[0].(type) {
	case *value.Dict, *value.List, string:
		if a, ok := python.Attribute(v, name); ok {
			return a, nil
		}
		return &value.Undefined{Name: name, Hint: fmt.Sprintf("object of type '%s' has no attribute %s", value.TypeName(v), value.Repr(name))}, nil
	default:
		return c.Attribute(v, name)
	}
}
