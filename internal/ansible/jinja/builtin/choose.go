package builtin

import (
	"errors"
	"fmt"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/value"
)

// orDefault gives another value for one that is undefined, but not for one whose making
// failed.
func orDefault(c *jinja.Call) (any, error) {
	onFalse, ok := c.Args[2].(bool)
	if !ok {
		return nil, fmt.Errorf("The 'boolean' argument must be of type 'bool', not '%s'.", value.TypeName(c.Args[2])) // Ansible's words
	}
	v := c.Args[0]
	if u, ok := v.(*value.Undefined); ok {
		if u.Err == nil && !u.Lenient {
			return c.Args[1], nil
		}
		if u.Err != nil {
			return nil, jinja.Use(u)
		}
	}
	if onFalse {
		t, err := c.Truth(v)
		if err != nil {
			return nil, err
		}
		if !t {
			return c.Args[1], nil
		}
	}
	return v, nil
}

// apply is map: a filter, or an attribute, of each item.
func apply(c *jinja.Call) (any, error) {
	if u, ok := c.Args[0].(*value.Undefined); ok {
		return u, nil
	}
	if t, err := c.Truth(c.Args[0]); err != nil || !t { // whatever is empty, even what is no list
		return &value.List{}, err
	}
	each, err := applied(c)
	if err != nil {
		return nil, err
	}
	items, err := c.Rendered(c.Args[0])
	if err != nil {
		return nil, err
	}
	out := &value.List{Items: make([]any, len(items))}
	for i, x := range items {
		if out.Items[i], err = each(x); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// applied gives what map does to each item.
func applied(c *jinja.Call) (func(any) (any, error), error) {
	attribute, byAttribute := c.Kwarg("attribute")
	if len(c.Args) == 1 && byAttribute {
		standard, _ := c.Kwarg("default")
		for _, k := range c.Kwargs {
			if k.Name != "attribute" && k.Name != "default" {
				return nil, errors.New("Unexpected keyword argument " + value.Repr(k.Name)) // Jinja's words
			}
		}
		p := pathOf(attribute)
		return func(x any) (any, error) { return p.of(c, x, standard) }, nil
	}
	if len(c.Args) == 1 {
		return nil, errors.New("map requires a filter argument")
	}
	name, ok := c.Args[1].(string)
	if !ok || !c.Has(jinja.FilterKind, name) {
		return nil, fmt.Errorf("No filter named %s.", value.Repr(c.Args[1])) // Jinja's words
	}
	return func(x any) (any, error) {
		return c.Filter(name, append([]any{x}, c.Args[2:]...), append([]jinja.Kwarg(nil), c.Kwargs...))
	}, nil
}

// chooser is select and its kin: it keeps the items, or those with an attribute, for which
// a test gives what is wanted.
func chooser(want, byAttribute bool) jinja.Function {
	return func(c *jinja.Call) (any, error) {
		if t, err := c.Truth(c.Args[0]); err != nil || !t { // whatever is empty, even what is no list
			return &value.List{}, err
		}
		items, err := c.Rendered(c.Args[0])
		if err != nil {
			return nil, err
		}
		args := c.Args[1:]
		var p path
		if byAttribute {
			if len(args) == 0 {
				return nil, errors.New("Missing parameter for attribute name") // Jinja's words
			}
			p, args = pathOf(args[0]), args[1:]
		}
		test, err := tester(c, args)
		if err != nil {
			return nil, err
		}
		out := &value.List{}
		for _, x := range items {
			v, err := p.of(c, x, nil)
			if err != nil {
				return nil, err
			}
			t, err := test(v)
			if err != nil {
				return nil, err
			}
			if t == want {
				out.Items = append(out.Items, x)
			}
		}
		return out, nil
	}
}

// tester gives the test that the arguments name, or truth itself.
func tester(c *jinja.Call, args []any) (func(any) (bool, error), error) {
	if len(args) == 0 {
		return c.Truth, nil
	}
	name, ok := args[0].(string)
	if !ok || !c.Has(jinja.TestKind, name) {
		return nil, fmt.Errorf("No test named %s.", value.Repr(args[0])) // Jinja's words
	}
	return func(x any) (bool, error) {
		v, err := c.Test(name, append([]any{x}, args[1:]...), append([]jinja.Kwarg(nil), c.Kwargs...))
		if err != nil {
			return false, err
		}
		return c.Truth(v)
	}, nil
}

func remainder(want int64) jinja.Function {
	return func(c *jinja.Call) (any, error) {
		v, err := python.Binary("%", c.Args[0], int64(2))
		return err == nil && value.Equal(v, want), err
	}
}

func divisible(c *jinja.Call) (any, error) {
	v, err := python.Binary("%", c.Args[0], c.Args[1])
	return err == nil && value.Equal(v, int64(0)), err
}

func defined(want bool) jinja.Function {
	return func(c *jinja.Call) (any, error) {
		u, ok := c.Args[0].(*value.Undefined)
		if ok && u.Err != nil {
			return nil, jinja.Use(u)
		}
		return ok != want, nil
	}
}

func exists(kind jinja.Kind) jinja.Function {
	return func(c *jinja.Call) (any, error) {
		name, ok := c.Args[0].(string)
		return ok && c.Has(kind, name), nil
	}
}

func isCallable(c *jinja.Call) (any, error) { return c.Callable(c.Args[0]), nil }

func sameAs(c *jinja.Call) (any, error) {
	a, b := c.Args[0], c.Args[1]
	switch a.(type) {
	case *value.List, *value.Dict, *value.Time:
		return a == b, nil
	}
	return value.TypeName(a) == value.TypeName(b) && value.Equal(a, b), nil
}

func compare(op string) jinja.Function {
	return func(c *jinja.Call) (any, error) { return python.Compare(op, c.Args[0], c.Args[1]) }
}

// method is a test that is a method of the value's text.
func method(name string) jinja.Function {
	return func(c *jinja.Call) (any, error) {
		text, err := c.Text(c.Args[0])
		if err != nil {
			return nil, err
		}
		m, _ := python.Attribute(text, name)
		return c.Invoke(m, nil, nil)
	}
}

func ofType(signature string, is func(any) bool) jinja.Spec {
	return jinja.Spec{Signature: signature, Takes: keeps | jinja.TakesLazy, Run: func(c *jinja.Call) (any, error) { return is(c.Args[0]), nil }}
}

// kinds are the tests that look at a value's type, or at whether it is a certain one.
func kinds() map[string]func(any) bool {
	return map[string]func(any) bool{
		"none":    func(v any) bool { return v == nil },
		"boolean": func(v any) bool { _, ok := v.(bool); return ok },
		"false":   func(v any) bool { return v == false },
		"true":    func(v any) bool { return v == true },
		"integer": func(v any) bool { _, ok := v.(int64); return ok },
		"float":   func(v any) bool { _, ok := v.(float64); return ok },
		"string":  func(v any) bool { _, ok := v.(string); return ok },
		"number": func(v any) bool {
			switch v.(type) {
			case int64, float64, bool:
				return true
			}
			return false
		},
		"mapping": func(v any) bool {
			switch v.(type) {
			case *value.Dict, jinja.Mapping:
				return true
			}
			return false
		},
		"sequence": func(v any) bool {
			_, err := python.Len(v)
			return err == nil
		},
		"iterable": func(v any) bool {
			switch v := v.(type) {
			case *value.List, *value.Dict, string, python.Range, jinja.Mapping:
				return true
			case *value.Undefined:
				return v.Lenient
			}
			return false
		},
	}
}
