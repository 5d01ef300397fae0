package definition

import (
	"maps"
	"slices"
	"strings"
	"tutti/internal/stepfunctions/document"
	"unicode"
	"unicode/utf8"

	"tutti/internal/stepfunctions/expression"
)

// scope is what variables a machine sees: its own, and those of the machines around it
// unless a distributed Map lies between.
type scope struct {
	outer *scope
	depth int
	// closed says that the machine is the processor of a distributed Map, which sees no
	// variables from outside.
	closed bool
	names  map[string]bool
}

// assigned notes the variables that a state sets, wherever in the state.
func (s *scope) assigned(state *document.Node) {
	note := func(assign *document.Node) {
		if assign == nil {
			return
		}
		for _, m := range assign.Inner {
			if s.names == nil {
				s.names = map[string]bool{}
			}
			s.names[strings.TrimSuffix(m.Key, dynamicSuffix)] = true
		}
	}
	note(state.Get("Assign"))
	for _, field := range []string{"Choices", "Catch"} {
		if list := state.Get(field); list != nil {
			for _, entry := range list.Inner {
				note(entry.Get("Assign"))
			}
		}
	}
}

// sees reports whether a variable can have been set.
func (s *scope) sees(name string) bool {
	for at := s; at != nil; at = at.outer {
		if at.names[name] {
			return true
		}
		if at.closed {
			return false
		}
	}
	return false
}

// all gives the names that the scope sees, sorted.
func (s *scope) all() []string {
	names := map[string]bool{}
	for at := s; at != nil; at = at.outer {
		maps.Copy(names, at.names)
		if at.closed {
			break
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// uses warns of variables that nothing sets, and hands the expression on.
func (r *reading) uses(n *document.Node, e expression.Expr) expression.Expr {
	e.Names(func(name string) {
		if r.variables == nil {
			r.variables = map[string]bool{}
		}
		r.variables[name] = true
		if r.scope.sees(name) {
			return
		}
		hint := "Set it with Assign in a state before."
		if near := similar(name, r.scope.all()); near != "" {
			hint = "Did you mean $" + near + "?"
		}
		r.c.doubtful(n, UndefinedVariable, "Variable that nothing sets", "Variable '"+name+"' is possibly not defined", "no state in this scope sets the variable $%s. %s", name, hint)
	})
	return e
}

// VariableReferences gives the variables that states use, by the states' names: those that
// use none are not there.
func (m *StateMachine) VariableReferences() map[string][]string {
	out := map[string][]string{}
	m.Walk(func(s *State) {
		if len(s.variables) > 0 {
			out[s.Name] = s.variables
		}
	})
	return out
}

func (r *reading) assign(n *document.Node) []Assignment {
	m := r.c.objectOf(n, "Assign")
	if m == nil {
		return nil
	}
	list := make([]Assignment, 0, len(m.Inner))
	for _, v := range m.Inner {
		name := v.Key
		var value expression.Expr
		switch dynamic, ok := strings.CutSuffix(v.Key, dynamicSuffix); {
		case r.language == JSONata:
			value = r.queries(v)
		case ok:
			name = dynamic
			r.twice(m, v, name)
			value = r.dynamic(v)
		default:
			r.looksDynamic(v)
			value = r.payload(v)
		}
		if r.variableName(v, name) {
			list = append(list, Assignment{name, value})
		}
	}
	return list
}

// variableName checks the name of a variable that is set.
func (r *reading) variableName(n *document.Node, name string) bool {
	c := r.c
	rng := c.source.NameOf(n)
	switch {
	case name == "states":
		c.coded(n, rng, ReservedVariableName, "Reserved variable name", "Cannot assign to reserved variable '$states'.", "$states is what the service hands in, and cannot be set. Choose another name.")
	case utf8.RuneCountInString(name) > MaxName:
		c.coded(n, rng, InvalidVariableName, "Invalid variable name", "Invalid variable name '"+name+"': the variable name is too long.", "the name has more than %d characters.", MaxName)
	case !identifier(name):
		c.coded(n, rng, InvalidVariableName, "Invalid variable name", "Invalid variable name '"+name+"': the variable name contains invalid characters.", "%s is no name for a variable. It begins with a letter, and letters, digits and _ follow.", quote(name))
	case r.scope.outer != nil && r.scope.outer.sees(name):
		c.coded(n, rng, DuplicateVariableName, "Variable of an outer scope", "The variable name '"+name+"' was already defined in a parent scope.",
			"a state around this machine sets the variable $%s, which can only be read in here. Choose another name.", name)
	default:
		return true
	}
	return false
}

// identifier follows Unicode's identifiers (UAX 31), as the service does.
func identifier(name string) bool {
	for i, c := range name {
		start := unicode.IsLetter(c) || unicode.In(c, unicode.Nl, unicode.Other_ID_Start)
		more := unicode.In(c, unicode.Mn, unicode.Mc, unicode.Nd, unicode.Pc, unicode.Other_ID_Continue)
		if !start && (i == 0 || !more) {
			return false
		}
	}
	return name != ""
}
