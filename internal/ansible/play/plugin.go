package play

import (
	"tutti/internal/ansible/filter"
	"tutti/internal/ansible/jinja"
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

func (m *Machine) addLookups(e *jinja.Environment) {}

// with_ evaluates a with_x loop.
func (s *scope) with_(name string, raw any) ([]any, error) {
	v, err := s.render(raw)
	if err != nil {
		return nil, err
	}
	return list(v), nil
}
