package play

import (
	"slices"

	"tutti/internal/ansible/filter"
	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/lookup"
	"tutti/internal/ansible/value"
)

// asking gives the function of a filter, test or lookup that a worker answers for.
func asking(kind, name string) jinja.Function {
	return func(c *jinja.Call) (any, error) {
		s := c.Data().(*scope)
		args := value.NewList()
		for _, a := range c.Args {
			v, err := c.Settle(a)
			if err != nil {
				return nil, err
			}
			args.Items = append(args.Items, v)
		}
		options := &value.Dict{}
		for _, k := range c.Kwargs {
			v, err := c.Settle(k.Value)
			if err != nil {
				return nil, err
			}
			options.Set(k.Name, v)
		}
		if u := unknownWithin(value.NewList(args, options)); u != nil {
			return u, nil
		}
		a, err := s.desk.asked(Ask{Kind: kind, Name: name, Args: value.Encode(args), Options: value.Encode(options), Search: s.searchPath()})
		if err != nil {
			return nil, err
		}
		return a.value()
	}
}

// pythonPlugin gives a filter or test that a helper process in Python answers for.
func (m *Machine) pythonPlugin(kind jinja.Kind, name string) (jinja.Spec, bool) {
	full := string(kind) + ":" + name
	for _, p := range m.in.Plugins {
		if p == full {
			return jinja.Spec{Run: asking(AskPlugin, full)}, true
		}
	}
	return jinja.Spec{}, false
}

func (m *Machine) addFilters(e *jinja.Environment) { filter.Register(e) }

// Ask implements filter.World: what filters and tests look at on this machine.
func (s *scope) Ask(question string, args ...any) (any, error) {
	a, err := s.desk.asked(Ask{Kind: AskWorld, Name: question, Args: value.Encode(value.NewList(args...))})
	if err != nil {
		return nil, err
	}
	return a.value()
}

// Warn implements filter.Warner.
func (s *scope) Warn(text string) { s.m.warn("%s", text) }

func (m *Machine) addLookups(e *jinja.Environment) { lookup.Register(e) }

var (
	_ filter.World  = (*scope)(nil)
	_ lookup.Caller = (*scope)(nil)
)

// Names implements lookup.Caller.
func (s *scope) Names() []string { return s.names() }

// Knows implements lookup.Caller: lookups written in Python.
func (s *scope) Knows(name string) bool { return slices.Contains(s.m.in.Plugins, "lookup:"+name) }

// Reach implements lookup.Caller.
func (s *scope) Reach(r lookup.Request) ([]any, error) {
	a := Ask{Kind: AskLookup, Name: r.Name, Args: value.Encode(value.NewList(r.Terms...)), Options: value.Encode(r.Options),
		Subfolder: r.Subfolder, Search: s.searchPath()}
	if s.Knows(r.Name) {
		a.Kind, a.Name = AskPlugin, "lookup:"+r.Name
	}
	answer, err := s.desk.asked(a)
	if err != nil {
		return nil, err
	}
	v, err := answer.value()
	if err != nil {
		return nil, err
	}
	return list(v), nil
}

// Inside implements lookup.Caller.
func (s *scope) Inside(variables *value.Dict, folder string) jinja.Context {
	c := *s
	c.own = s.own.Shallow()
	c.own.Update(variables)
	c.templateDir = folder
	return c.context()
}

// loopItems evaluates a with_x loop.
func (s *scope) loopItems(name string, raw any) ([]any, error) {
	v, err := lookup.With(s.m.jinja, s.context(), lookup.Loop{Lookup: name, Terms: raw, Action: s.task.Action})
	if err != nil {
		return nil, err
	}
	if u, ok := v.(*value.Unknown); ok {
		return nil, &unknownError{u}
	}
	return list(v), nil
}
