package filter

import (
	"fmt"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/value"
)

// errTooMany says that a filter would make more than it may.
func errTooMany(name string) error {
	return fmt.Errorf("%s would make more than %d items; give it less", name, maxItems)
}

// pools gives the items of each argument, and the one named argument that there may be.
func pools(c *jinja.Call, args []any, name, named string, standard any) (lists [][]any, option any, err error) {
	option = standard
	for _, k := range c.Kwargs {
		if k.Name != named {
			return nil, nil, unexpected(name, k.Name)
		}
		option = k.Value
	}
	lists = make([][]any, len(args))
	for i, a := range args {
		if lists[i], err = python.Items(a); err != nil {
			return nil, nil, err
		}
	}
	return lists, option, nil
}

// unexpected is the error of each of these functions about an argument that it does not know.
func unexpected(function, argument string) error {
	if function == "zip_longest" {
		return fmt.Errorf("zip_longest() got an unexpected keyword argument")
	}
	return fmt.Errorf("%s is an invalid keyword argument for %s()", value.Repr(argument), function)
}

func zip(c *jinja.Call, a []any) (any, error) {
	lists, strict, err := pools(c, a, "zip", "strict", false)
	if err != nil {
		return nil, err
	}
	n := -1
	for _, l := range lists {
		if n < 0 || len(l) < n {
			n = len(l)
		}
	}
	if python.Truth(strict) {
		if err := strictLengths(lists); err != nil {
			return nil, err
		}
	}
	return transpose(lists, max(n, 0), nil), nil
}

// strictLengths is the error of zip(strict=true) for lists that are not of one length.
func strictLengths(lists [][]any) error {
	for i, l := range lists {
		if i == 0 || len(l) == len(lists[0]) {
			continue
		}
		arguments := "argument 1"
		if i > 1 {
			arguments = fmt.Sprintf("arguments 1-%d", i)
		}
		than := "shorter"
		if len(l) > len(lists[0]) {
			than = "longer"
		}
		return fmt.Errorf("zip() argument %d is %s than %s", i+1, than, arguments)
	}
	return nil
}

func zipLongest(c *jinja.Call, a []any) (any, error) {
	lists, filler, err := pools(c, a, "zip_longest", "fillvalue", nil)
	if err != nil {
		return nil, err
	}
	n := 0
	for _, l := range lists {
		n = max(n, len(l))
	}
	return transpose(lists, n, filler), nil
}

func transpose(lists [][]any, n int, filler any) *value.List {
	out := make([]any, n)
	for i := range out {
		row := make([]any, len(lists))
		for j, l := range lists {
			if row[j] = filler; i < len(l) {
				row[j] = l[i]
			}
		}
		out[i] = &value.List{Items: row, Tuple: true}
	}
	return &value.List{Items: out}
}

func product(c *jinja.Call, a []any) (any, error) {
	lists, times, err := pools(c, a, "product", "repeat", int64(1))
	if err != nil {
		return nil, err
	}
	repeat, ok := asIndex(times)
	switch {
	case !ok:
		return nil, notInteger(times)
	case repeat < 0:
		return nil, fmt.Errorf("repeat argument cannot be negative")
	case repeat > maxItems || repeat*int64(len(lists)) > maxItems:
		return nil, errTooMany("product")
	}
	var all [][]any
	for range repeat {
		all = append(all, lists...)
	}
	count := 1
	for _, l := range all {
		if count *= len(l); count*len(all) > maxItems {
			return nil, errTooMany("product")
		}
	}
	out := make([]any, 0, count)
	at := make([]int, len(all))
	for range count {
		row := make([]any, len(all))
		for i, l := range all {
			row[i] = l[at[i]]
		}
		out = append(out, &value.List{Items: row, Tuple: true})
		for i := len(at) - 1; i >= 0; i-- {
			if at[i]++; at[i] < len(all[i]) {
				break
			}
			at[i] = 0
		}
	}
	return &value.List{Items: out}, nil
}

// asIndex is what Python takes where it wants a whole number.
func asIndex(v any) (int64, bool) {
	if !isIndex(v) {
		return 0, false
	}
	return asInt(v)
}

func notInteger(v any) error {
	return fmt.Errorf("'%s' object cannot be interpreted as an integer", value.TypeName(v))
}

// missing stands for an argument that was not given.
const missing = "\x00missing"

// chosen gives the items and how many of them to choose.
func chosen(name string, a []any, all bool) (items []any, r int, err error) {
	if items, err = python.Items(a[0]); err != nil {
		return nil, 0, err
	}
	if a[1] == nil && all {
		return items, len(items), nil
	}
	if a[1] == missing {
		return nil, 0, fmt.Errorf("%s() missing required argument 'r' (pos 2)", name)
	}
	n, ok := asIndex(a[1])
	switch {
	case !ok && all:
		return nil, 0, fmt.Errorf("Expected int as r") // Python's own words
	case !ok:
		return nil, 0, notInteger(a[1])
	case n < 0:
		return nil, 0, fmt.Errorf("r must be non-negative")
	}
	return items, int(min(n, int64(len(items))+1)), nil
}

func permutations(_ *jinja.Call, a []any) (any, error) {
	items, r, err := chosen("permutations", a, true)
	if err != nil {
		return nil, err
	}
	p := picker{items: items, r: r, name: "permutations", ordered: true, used: make([]bool, len(items))}
	err = p.pick(make([]any, 0, min(r, len(items))), 0)
	return &value.List{Items: p.out}, err
}

func combinations(_ *jinja.Call, a []any) (any, error) {
	items, r, err := chosen("combinations", a, false)
	if err != nil {
		return nil, err
	}
	p := picker{items: items, r: r, name: "combinations"}
	err = p.pick(make([]any, 0, min(r, len(items))), 0)
	return &value.List{Items: p.out}, err
}

// picker goes through the ways to choose r of some items.
type picker struct {
	items   []any
	r       int
	name    string
	ordered bool
	used    []bool
	out     []any
	cost    int
}

func (p *picker) pick(row []any, from int) error {
	if len(row) == p.r {
		if p.cost += len(row); p.cost > maxItems {
			return errTooMany(p.name)
		}
		p.out = append(p.out, &value.List{Items: append([]any{}, row...), Tuple: true})
		return nil
	}
	if len(p.items) < p.r || !p.ordered && len(p.items)-from < p.r-len(row) {
		return nil
	}
	for i := from; i < len(p.items); i++ {
		if p.cost++; p.cost > maxItems {
			return errTooMany(p.name)
		}
		if p.ordered {
			if p.used[i] {
				continue
			}
			p.used[i] = true
		}
		next := i + 1
		if p.ordered {
			next = 0
		}
		if err := p.pick(append(row, p.items[i]), next); err != nil {
			return err
		}
		if p.ordered {
			p.used[i] = false
		}
	}
	return nil
}
