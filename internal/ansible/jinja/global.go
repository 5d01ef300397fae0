package jinja

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/value"
)

// addGlobals registers the functions that every template can call.
func (e *Environment) addGlobals() {
	e.globals["omit"] = Omit{}
	table := map[string]Spec{
		"range":     {Run: rangeOf},
		"dict":      {Run: dictOf, Takes: TakesInside | TakesLazy | TakesUnknown},
		"lipsum":    {Signature: "generate_lorem_ipsum(n=5, html=True, min=20, max=100)", Run: lipsum},
		"cycler":    {Run: newCycler, Takes: TakesInside | TakesUnknown},
		"joiner":    {Signature: "__init__(sep=', ')", Run: func(c *Call) (any, error) { return &joiner{sep: c.Args[0]}, nil }},
		"namespace": {Run: newNamespace, Takes: TakesInside | TakesLazy | TakesUnknown | TakesUndefined},
		"undef":     {Signature: "_undef(hint=None)", Run: undef},
		"now":       {Signature: "_now(utc=False, fmt=None)", Run: now},
	}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		e.Function(name, table[name])
	}
}

func rangeOf(c *Call) (any, error) {
	var n [3]int64
	for i, v := range c.Args {
		x, ok := v.(int64)
		if b, isBool := v.(bool); isBool && b {
			x, ok = 1, true
		}
		if !ok && v != false {
			return nil, fmt.Errorf("'%s' object cannot be interpreted as an integer", value.TypeName(v))
		}
		if i < 3 {
			n[i] = x
		}
	}
	switch len(c.Args) {
	case 0:
		return nil, errors.New("range expected at least 1 argument, got 0")
	case 1:
		return python.Range{Stop: n[0], Step: 1}, nil
	case 2:
		return python.Range{Start: n[0], Stop: n[1], Step: 1}, nil
	case 3:
		if n[2] == 0 {
			return nil, errors.New("range() arg 3 must not be zero")
		}
		return python.Range{Start: n[0], Stop: n[1], Step: n[2]}, nil
	}
	return nil, fmt.Errorf("range expected at most 3 arguments, got %d", len(c.Args))
}

// DictOf is dict(): of another one, or of pairs, and of named arguments.
func dictOf(c *Call) (any, error) {
	d := &value.Dict{}
	if len(c.Args) > 1 {
		return nil, fmt.Errorf("dict expected at most 1 argument, got %d", len(c.Args))
	}
	if len(c.Args) == 1 {
		if u, ok := c.Args[0].(*value.Unknown); ok {
			return u, nil
		}
		if err := c.fill(d, c.Args[0]); err != nil {
			return nil, err
		}
	}
	for _, k := range c.Kwargs {
		d.Set(k.Name, k.Value)
	}
	return d, nil
}

func (c *Call) fill(d *value.Dict, from any) error {
	switch x := from.(type) {
	case *value.Dict:
		d.Update(x)
		return nil
	case Mapping:
		for _, k := range x.Keys() {
			v, _, err := x.Item(k)
			if err != nil {
				return err
			}
			d.Set(k, v)
		}
		return nil
	}
	items, err := c.Items(from)
	if err != nil {
		return err
	}
	for i, x := range items {
		pair, err := python.Items(x)
		if err != nil {
			return fmt.Errorf("cannot convert dictionary update sequence element #%d to a sequence", i)
		}
		if len(pair) != 2 {
			return fmt.Errorf("dictionary update sequence element #%d has length %d; 2 is required", i, len(pair))
		}
		if err := python.Hashable(pair[0]); err != nil {
			return err
		}
		d.Set(pair[0], pair[1])
	}
	return nil
}

func newNamespace(c *Call) (any, error) {
	v, err := dictOf(c)
	if d, ok := v.(*value.Dict); ok {
		return &Namespace{d.Shallow()}, err
	}
	return v, err
}

func newCycler(c *Call) (any, error) {
	if len(c.Args) == 0 {
		return nil, errors.New("at least one item has to be provided")
	}
	return &cycler{items: c.Args}, nil
}

func undef(c *Call) (any, error) {
	switch hint := c.Args[0].(type) {
	case nil:
	case string:
		if hint != "" {
			return &value.Undefined{Hint: hint}, nil
		}
	default:
		return nil, fmt.Errorf("The 'hint' argument must be of type 'str' or 'NoneType', not '%s'.", value.TypeName(hint)) // Ansible's words
	}
	return &value.Undefined{Hint: "Mandatory variable has not been overridden"}, nil
}

func now(c *Call) (any, error) {
	t := c.Now()
	if python.Truth(c.Args[0]) {
		t = t.UTC()
	}
	at := &value.Time{Time: python.Wall(t), Naive: true}
	if format, ok := c.Args[1].(string); ok && format != "" {
		return python.Strftime(at, format), nil
	}
	return at, nil
}

// lipsum gives filler text. It is the same one each time: what a play writes should not
// change by chance.
func lipsum(c *Call) (any, error) {
	const text = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore et dolore magna aliqua."
	n, _ := c.Args[0].(int64)
	if n < 0 || n > 10_000 {
		return nil, errors.New("lipsum gives up to 10000 paragraphs")
	}
	parts := make([]string, n)
	html := python.Truth(c.Args[1])
	for i := range parts {
		parts[i] = text
		if html {
			parts[i] = "<p>" + text + "</p>"
		}
	}
	if html {
		return strings.Join(parts, "\n"), nil
	}
	return strings.Join(parts, "\n\n"), nil
}
