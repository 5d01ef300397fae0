package lookup

import (
	"errors"
	"fmt"
	"strings"

	"tutti/internal/ansible/inventory"
	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/regex"
	"tutti/internal/ansible/value"
)

// maxItems bounds how many results a lookup may make of its terms.
const maxItems = 1_000_000

var errTooMany = fmt.Errorf("this would make more than %d items", maxItems)

// flat takes lists out of a list, one level deep.
func flat(terms []any) []any {
	out := make([]any, 0, len(terms))
	for _, t := range terms {
		if l, ok := t.(*value.List); ok {
			out = append(out, l.Items...)
		} else {
			out = append(out, t)
		}
	}
	return out
}

func items(v *invocation) ([]any, error) { return flat(v.terms), nil }

func list(v *invocation) ([]any, error) { return v.terms, nil }

func dict(v *invocation) ([]any, error) {
	out := []any{}
	for _, t := range v.terms {
		switch d := t.(type) {
		case *value.Dict:
			for k, x := range d.All() {
				out = append(out, value.NewDict("key", k, "value", x))
			}
		case python.Mapping:
			for _, k := range d.Keys() {
				x, _, err := d.Item(k)
				if err != nil {
					return nil, err
				}
				out = append(out, value.NewDict("key", k, "value", x))
			}
		case *value.Unknown:
			return nil, &verdict{d} // how many items there are, nobody knows
		default:
			return nil, fmt.Errorf("the 'dict' lookup plugin expects a dictionary, got '%s' of type <class '%s'>)", value.String(t), value.TypeName(t))
		}
	}
	return out, nil
}

func indexedItems(v *invocation) ([]any, error) {
	out := flat(v.terms)
	for i, x := range out {
		out[i] = value.NewTuple(int64(i), x)
	}
	return out, nil
}

// iterate goes over a term; how many items something unknown has, nobody knows.
func iterate(term any) ([]any, error) {
	if u, ok := term.(*value.Unknown); ok {
		return nil, &verdict{u}
	}
	return python.Items(term)
}

func nested(v *invocation) ([]any, error) {
	if len(v.terms) == 0 {
		return nil, errors.New("with_nested requires at least one element in the nested list")
	}
	result, err := iterate(v.terms[0])
	if err != nil {
		return nil, err
	}
	for _, t := range v.terms[1:] {
		next, err := iterate(t)
		if err != nil {
			return nil, err
		}
		if len(next) > 0 && len(result) > maxItems/len(next) {
			return nil, errTooMany
		}
		combined := make([]any, 0, len(result)*len(next))
		for _, x := range result {
			for _, y := range next {
				combined = append(combined, value.NewList(flat([]any{x, y})...))
			}
		}
		result = combined
	}
	out := make([]any, len(result))
	for i, x := range result {
		inner, err := iterate(x)
		if err != nil {
			return nil, err
		}
		out[i] = value.NewList(flat(inner)...)
	}
	return out, nil
}

func together(v *invocation) ([]any, error) {
	if len(v.terms) == 0 {
		return nil, errors.New("with_together requires at least one element in each list")
	}
	lists := make([][]any, len(v.terms))
	longest := 0
	for i, t := range v.terms {
		l, err := iterate(t)
		if err != nil {
			return nil, err
		}
		lists[i], longest = l, max(longest, len(l))
	}
	out := make([]any, longest)
	for i := range out {
		row := make([]any, len(lists))
		for j, l := range lists {
			if i < len(l) {
				row[j] = l[i]
			}
		}
		out[i] = value.NewList(flat(row)...)
	}
	return out, nil
}

func randomChoice(v *invocation) ([]any, error) {
	if len(v.terms) == 0 {
		return []any{}, nil
	}
	return []any{v.terms[v.Random(uint64(len(v.terms)))]}, nil
}

// errSubelements begins each message about the terms of subelements.
const errSubelements = "subelements lookup expects a list of two or three items,"

func subelements(v *invocation) ([]any, error) {
	if len(v.terms) < 2 || len(v.terms) > 3 {
		return nil, errors.New(errSubelements)
	}
	path, isText := v.terms[1].(string)
	var elements []any
	switch first := v.terms[0].(type) {
	case *value.List:
		elements = first.Items
	case *value.Dict:
		if skipped(first) {
			return []any{}, nil
		}
		for _, x := range first.All() {
			elements = append(elements, x)
		}
	default:
		isText = false
	}
	if !isText {
		return nil, errors.New(errSubelements + " first a dict or a list, second a string pointing to the subkey")
	}
	skipMissing, err := v.skipMissing()
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, e := range elements {
		d, ok := e.(*value.Dict)
		if !ok {
			return nil, fmt.Errorf("subelements lookup expects a dictionary, got '%s'", value.String(e))
		}
		if skipped(d) {
			continue
		}
		d, sub, err := takeOut(d, strings.Split(path, "."), skipMissing)
		if err != nil {
			return nil, err
		}
		for _, x := range sub {
			out = append(out, value.NewTuple(d, x))
		}
	}
	return out, nil
}

// skipped tells whether this is the result of a task that was skipped.
func skipped(d *value.Dict) bool {
	v, ok := d.Get("skipped")
	return ok && v != false
}

func (v *invocation) skipMissing() (bool, error) {
	if len(v.terms) < 3 {
		return false, nil
	}
	flags, ok := v.terms[2].(*value.Dict)
	if !ok {
		names, err := python.Items(v.terms[2])
		if err != nil {
			return false, err
		}
		for _, n := range names {
			if n != "skip_missing" {
				return false, errors.New(errSubelements + " the optional third item must be a dict with flags skip_missing")
			}
		}
		return false, fmt.Errorf("'%s' object has no attribute 'get'", value.TypeName(v.terms[2]))
	}
	flag, _ := flags.Get("skip_missing")
	return Boolean(flag), nil
}

// takeOut gives the list at a path of keys, and the dict without it: as in Ansible, the item
// that goes with each of its elements no longer holds them.
func takeOut(d *value.Dict, path []string, skipMissing bool) (*value.Dict, []any, error) {
	whole := d.Shallow()
	at := whole
	for i, key := range path {
		next, ok := at.Get(key)
		switch {
		case !ok && skipMissing:
			continue
		case !ok:
			return nil, nil, fmt.Errorf("could not find '%s' key in iterated item '%s'", key, value.String(at))
		}
		// Ansible takes a key for the last one when it is called as the last one is.
		if key == path[len(path)-1] || i == len(path)-1 {
			l, ok := next.(*value.List)
			if !ok || l.Tuple {
				return nil, nil, fmt.Errorf("the key %s should point to a list, got '%s'", key, value.String(next))
			}
			at.Delete(key)
			return whole, l.Items, nil
		}
		inner, ok := next.(*value.Dict)
		switch {
		case !ok && skipMissing:
			continue
		case !ok:
			return nil, nil, fmt.Errorf("the key %s should point to a dictionary, got '%s'", key, value.String(next))
		}
		inner = inner.Shallow()
		at.Set(key, inner)
		at = inner
	}
	return whole, nil, nil
}

func variables(v *invocation) ([]any, error) {
	w, err := v.caller()
	if err != nil {
		return nil, err
	}
	standard, _ := v.options.Get("default")
	out := make([]any, 0, len(v.terms))
	for _, t := range v.terms {
		name, ok := t.(string)
		if !ok {
			return nil, fmt.Errorf("Variable name must be 'str' not '%s'.", value.TypeName(t)) // Ansible's own words
		}
		x, found, err := w.Variable(name)
		switch {
		case err != nil:
			return nil, err
		case !found && standard == nil:
			return nil, &verdict{&value.Undefined{Name: name, Hint: "No variable named " + value.Repr(name) + " was found."}}
		case !found:
			x = standard
		}
		// What it holds is rendered when it is used, as with every variable.
		if x, err = v.force(x); err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

// force renders a value that is a template itself.
func (v *invocation) force(x any) (any, error) {
	var err error
	switch t := x.(type) {
	case *value.Template:
		x, err = v.Template(t)
	case *value.Vaulted:
		x, err = v.Settle(t)
	}
	switch x.(type) {
	case *value.Undefined, *value.Unknown:
		return nil, &verdict{x}
	}
	return x, err
}

func variableNames(v *invocation) ([]any, error) {
	w, err := v.caller()
	if err != nil {
		return nil, err
	}
	names := w.Names()
	out := []any{}
	for _, t := range v.terms {
		pattern, ok := t.(string)
		if !ok {
			return nil, fmt.Errorf(`Invalid setting identifier, "%s" is not a string, it is a <class '%s'>`, value.String(t), value.TypeName(t)) // Ansible's own words
		}
		re, err := regex.Compile(pattern, 0)
		if err != nil {
			return nil, fmt.Errorf(`Unable to use "%s" as a search parameter: %w`, pattern, err) // Ansible's own words
		}
		for _, n := range names {
			m, err := re.Search(n)
			if err != nil {
				return nil, err
			}
			if m != nil {
				out = append(out, n)
			}
		}
	}
	return out, nil
}

// inventoryHostnames matches patterns against the groups that the variable groups tells of.
func inventoryHostnames(v *invocation) ([]any, error) {
	x, err := v.Variable("groups")
	if err != nil {
		return nil, err
	}
	switch u := x.(type) {
	case *value.Undefined:
		return nil, errors.New("'groups'")
	case *value.Unknown:
		return nil, &verdict{u}
	}
	groups, err := python.Items(x)
	if err != nil {
		return nil, err
	}
	inv := inventory.New(inventory.Options{})
	for _, g := range groups {
		hosts, err := v.Item(x, g)
		if err != nil {
			return nil, err
		}
		names, err := v.Items(hosts)
		if err != nil {
			return nil, err
		}
		group, err := inv.AddGroup(value.String(g))
		if err != nil {
			return nil, err
		}
		for _, h := range names {
			if _, err := inv.AddHost(value.String(h), group, 0); err != nil {
				return nil, err
			}
		}
	}
	var patterns []string
	for _, t := range flat(v.terms) {
		patterns = append(patterns, value.String(t))
	}
	found, _, err := inv.Select(inventory.Selection{Patterns: patterns})
	if err != nil {
		return []any{}, nil //nolint:nilerr // as in Ansible: a pattern that cannot be used finds nothing
	}
	out := make([]any, len(found))
	for i, h := range found {
		out[i] = h.Name
	}
	return out, nil
}
