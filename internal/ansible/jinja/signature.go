package jinja

import (
	"fmt"
	"strings"

	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/jinja/syntax"
	"tutti/internal/ansible/value"
)

// signature is the head of a Python function: what its arguments are called and what they
// are when they are not given.
type signature struct {
	name     string
	params   []string
	defaults []any // of the last params
	varargs  bool
	kwargs   bool
}

// parseSignature reads a head such as "do_default(value, default_value=”, boolean=False)".
// It is written in the program's own text, so a mistake in one is a mistake of the program.
func parseSignature(text string) *signature {
	e, err := syntax.ParseExpression(text, syntax.Options{})
	call, ok := e.(*syntax.Call)
	if err != nil || !ok {
		panic(fmt.Sprintf("jinja: %q is no signature: %v", text, err))
	}
	s := &signature{name: call.Fn.(*syntax.Name).Name, varargs: call.Args.Star != nil, kwargs: call.Args.StarStar != nil}
	for _, p := range call.Args.Pos {
		s.params = append(s.params, p.(*syntax.Name).Name)
	}
	s.params = append(s.params, call.Args.Names...)
	for _, v := range call.Args.Values {
		s.defaults = append(s.defaults, v.(*syntax.Const).Value)
	}
	return s
}

func (s *signature) required() int { return len(s.params) - len(s.defaults) }

// bind puts arguments in the order of the parameters, with defaults where none was given.
// More positional ones follow behind if the function takes any number; named ones that it
// does not name are given back.
func (s *signature) bind(pos []any, named []python.Kwarg) ([]any, []python.Kwarg, error) {
	n := len(s.params)
	if len(pos) > n && !s.varargs {
		return nil, nil, s.tooMany(len(pos))
	}
	bound := make([]any, n, max(n, len(pos)))
	given := make([]bool, n)
	for i := range min(n, len(pos)) {
		bound[i], given[i] = pos[i], true
	}
	var rest []python.Kwarg
	for _, k := range named {
		i := indexOf(s.params, k.Name)
		switch {
		case i < 0 && s.kwargs:
			rest = append(rest, k)
		case i < 0:
			return nil, nil, fmt.Errorf("%s() got an unexpected keyword argument %s", s.name, value.Repr(k.Name))
		case given[i]:
			return nil, nil, fmt.Errorf("%s() got multiple values for argument %s", s.name, value.Repr(k.Name))
		default:
			bound[i], given[i] = k.Value, true
		}
	}
	var missing []string
	for i := range bound {
		switch {
		case given[i]:
		case i < s.required():
			missing = append(missing, value.Repr(s.params[i]))
		default:
			bound[i] = s.defaults[i-s.required()]
		}
	}
	if missing != nil {
		return nil, nil, s.tooFew(missing)
	}
	if len(pos) > n {
		bound = append(bound, pos[n:]...)
	}
	return bound, rest, nil
}

func indexOf(names []string, name string) int {
	for i, n := range names {
		if n == name {
			return i
		}
	}
	return -1
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

func (s *signature) tooMany(n int) error {
	were := "were"
	if n == 1 {
		were = "was"
	}
	if len(s.defaults) > 0 {
		return fmt.Errorf("%s() takes from %d to %d positional arguments but %d %s given", s.name, s.required(), len(s.params), n, were)
	}
	return fmt.Errorf("%s() takes %d positional argument%s but %d %s given", s.name, len(s.params), plural(len(s.params)), n, were)
}

func (s *signature) tooFew(missing []string) error {
	n := len(missing)
	list := missing[0]
	switch {
	case n == 2:
		list += " and " + missing[1]
	case n > 2:
		list = strings.Join(missing[:n-1], ", ") + ", and " + missing[n-1]
	}
	return fmt.Errorf("%s() missing %d required positional argument%s: %s", s.name, n, plural(n), list)
}
