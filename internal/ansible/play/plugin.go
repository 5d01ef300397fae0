package play

import (
	"encoding/json"
	"slices"
	gostrings "strings"

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
	if !m.hasPlugin(string(kind), name) {
		return jinja.Spec{}, false
	}
	return jinja.Spec{Run: asking(AskPlugin, string(kind)+":"+name)}, true
}

// hasPlugin tells whether a helper process answers for a plugin. Those of collections are looked
// for when they are called.
func (m *Machine) hasPlugin(kind, name string) bool {
	if slices.Contains(m.in.Plugins, kind+":"+name) || slices.Contains(m.in.Plugins, AnyPlugin) {
		return true
	}
	namespace, rest, ok := gostrings.Cut(name, ".")
	collection, _, full := gostrings.Cut(rest, ".")
	return ok && full && (namespace != "ansible" || collection != "builtin" && collection != "legacy")
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
func (s *scope) Knows(name string) bool { return s.m.hasPlugin("lookup", name) }

// Reach implements lookup.Caller.
func (s *scope) Reach(r lookup.Request) ([]any, error) {
	a := Ask{Kind: AskLookup, Name: r.Name, Args: value.Encode(value.NewList(r.Terms...)), Options: value.Encode(r.Options),
		Subfolder: r.Subfolder, Search: s.searchPath()}
	if s.Knows(r.Name) {
		a.Kind, a.Name, a.Variables = AskPlugin, "lookup:"+r.Name, s.variablesForPython()
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

// variablesForPython are the variables that a lookup in Python is given: all that stand for
// themselves. What only Ansible's own objects can give (hostvars, vars) is left out.
func (s *scope) variablesForPython() json.RawMessage {
	d := &value.Dict{}
	for _, name := range s.names() {
		v, found, err := s.Variable(name)
		switch v.(type) {
		case *hostvars, *allVars, jinja.Omit, *value.Undefined, *value.Unknown, *value.Vaulted:
			continue
		}
		if err == nil && found {
			d.Set(name, v)
		}
	}
	return value.Encode(d)
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
