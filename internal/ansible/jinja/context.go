package jinja

import (
	"time"

	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/value"
)

// Variables are the variables of whoever evaluates a template.
type Variables interface {
	// Variable gives a variable's value, which may be a *value.Template or hold such.
	Variable(name string) (v any, found bool, err error)
}

// Mapping is a dict whose items are made when they are asked for, such as hostvars.
type Mapping = python.Mapping

// Dict is variables that lie in a dict.
type Dict struct{ *value.Dict }

// Variable gives a variable's value.
func (d Dict) Variable(name string) (any, bool, error) {
	v, ok := d.Get(name)
	return v, ok, nil
}

// Trusted is true of all: whoever gives variables as a dict vouches for them.
func (Dict) Trusted(string) bool { return true }

// Context is what a template is evaluated in.
type Context struct {
	Variables Variables
	// Now is what now() gives, in the local time zone.
	Now time.Time
	// Seed decides what random filters give.
	Seed uint64
	// Load gives the text of a template that another one includes or imports, and the name
	// that errors call it by. That there is none is an error that wraps ErrNotFound.
	Load func(name string) (source string, err error)
	// Decrypt gives the text of a value of the vault.
	Decrypt func(*value.Vaulted) (string, error)
	// Limits bound what an evaluation may cost.
	Limits Limits
	// Data is the caller's own; functions find it in their Call.
	Data any
}

// Limits bound an evaluation. A field that is 0 has its default.
type Limits struct {
	// Steps is how many expressions and statements are evaluated.
	Steps int
	// Output is how many bytes a text may have.
	Output int
	// Depth is how deep macros, blocks, includes and variables that are templates nest.
	Depth int
}

// The defaults of Limits.
const (
	DefaultSteps  = 100_000_000
	DefaultOutput = 128 << 20
	DefaultDepth  = 200
)

// maxEvaluations bounds how deep expressions are evaluated within each other.
const maxEvaluations = 20_000

// maxContainers bounds how deep lists and dicts may be nested.
const maxContainers = 400

func (l Limits) filled() Limits {
	if l.Steps == 0 {
		l.Steps = DefaultSteps
	}
	if l.Output == 0 {
		l.Output = DefaultOutput
	}
	if l.Depth == 0 {
		l.Depth = DefaultDepth
	}
	return l
}

// state is one evaluation, with all templates that it draws in.
type state struct {
	env    *Environment
	ctx    Context
	limits Limits
	steps  int
	depth  int
	// nesting is how many expressions are being evaluated, each within the one before.
	nesting int
	random  uint64
	// rendered holds what variables that are templates gave; rendering are those on the way.
	rendered  map[*value.Template]any
	rendering []*value.Template
	// own holds copies of variables, for templates that change lists and dicts in place.
	own map[string]any
	// template and line are where the evaluation is.
	template *Template
	line     int
	// embedded is set while templates within constant strings are to be rendered.
	embedded bool
}

func (e *Environment) state(c Context) *state {
	return &state{env: e, ctx: c, limits: c.Limits.filled(), random: c.Seed}
}

// step counts what an evaluation costs.
func (st *state) step(n int) error {
	if st.steps += n; st.steps > st.limits.Steps {
		return &Limit{"steps", st.limits.Steps}
	}
	return nil
}

// place is where the evaluation is.
func (st *state) place() value.Origin {
	if st.template == nil {
		return value.Origin{}
	}
	return (&Error{Origin: st.template.origin, Line: st.line}).Place()
}

// undefined is something that is not there, and where it was asked for.
func (st *state) undefined(name, hint string) *value.Undefined {
	return &value.Undefined{Name: name, Hint: hint, Origin: st.place()}
}

func (st *state) enter() error {
	if st.depth++; st.depth > st.limits.Depth {
		return &Limit{"levels of macros, blocks and includes", st.limits.Depth}
	}
	return nil
}

// draw gives the next number of a sequence that the seed decides (splitmix64).
func (st *state) draw() uint64 {
	st.random += 0x9e3779b97f4a7c15
	z := st.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// Scope is the names that a statement sees.
type Scope struct {
	st     *state
	parent *Scope
	frame  *frame
	names  []string
	values []any
}

// frame is one template on its way, with those that it extends.
type frame struct {
	template *Template
	top      *Scope
	// variables tells whether the context's variables are seen.
	variables bool
	// blocks holds for each name what stands for it, the most derived first.
	blocks map[string][]block
	// parent is set when an extends has been carried out.
	parent *Template
}

func (s *Scope) inner() *Scope { return &Scope{st: s.st, parent: s, frame: s.frame} }

func (s *Scope) set(name string, v any) {
	for i, n := range s.names {
		if n == name {
			s.values[i] = v
			return
		}
	}
	s.names = append(s.names, name)
	s.values = append(s.values, v)
}

// local finds a name in the template's own scopes.
func (s *Scope) local(name string) (any, bool) {
	for ; s != nil; s = s.parent {
		for i := len(s.names) - 1; i >= 0; i-- {
			if s.names[i] == name {
				return s.values[i], true
			}
		}
	}
	return nil, false
}

// Variable gives what a name stands for here, rendered if it is a template.
func (s *Scope) Variable(name string) (any, error) {
	if v, ok := s.local(name); ok {
		return s.st.force(v)
	}
	if s.frame.variables && s.st.ctx.Variables != nil {
		v, found, err := s.variable(name)
		if found || err != nil {
			return v, err
		}
	}
	if v, ok := s.st.env.globals[name]; ok {
		return s.owned(v)
	}
	if name == "self" {
		return &self{s}, nil
	}
	return s.st.undefined(name, value.Repr(name)+" is undefined"), nil
}

func (s *Scope) variable(name string) (any, bool, error) {
	st := s.st
	if v, ok := st.own[name]; ok {
		return v, true, nil
	}
	v, found, err := st.ctx.Variables.Variable(name)
	if err != nil || !found {
		return nil, found, err
	}
	if v, err = st.force(v); err != nil {
		return nil, true, err
	}
	if s.frame.template.tree.Mutates {
		if v, err = s.owned(v); err != nil {
			return nil, true, err
		}
		if st.own == nil {
			st.own = map[string]any{}
		}
		st.own[name] = v
	}
	return v, true, nil
}
