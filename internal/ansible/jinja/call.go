package jinja

import (
	"errors"
	"fmt"
	"time"

	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/jinja/syntax"
	"tutti/internal/ansible/value"
)

// Kwarg is an argument that is given by its name.
type Kwarg = python.Kwarg

// Function is a filter (what is piped into it comes first), a test or a global function.
//
// An error that it gives becomes a value that fails when it is used, except a Pending and
// a Limit, which end the evaluation.
type Function func(c *Call) (any, error)

// Takes tells which arguments a Function deals with itself.
type Takes uint8

const (
	// TakesUndefined has arguments that are undefined passed; otherwise the first one is
	// the result.
	TakesUndefined Takes = 1 << iota
	// TakesInside leaves what lists and dicts hold alone, be it undefined or unknown: the
	// function keeps or counts items and does not look at them.
	TakesInside
	// TakesUnknown has arguments that are unknown passed; otherwise the result is unknown.
	TakesUnknown
	// TakesLazy leaves templates within lists and dicts unrendered.
	TakesLazy
	// TakesEmbedded has templates within constant strings rendered, as lookups do.
	TakesEmbedded
)

// Spec is a filter, test or function as it is registered.
type Spec struct {
	// Signature is the head of the function in Python, such as "do_int(value, default=0,
	// base=10)"; its name is the one that errors show. Defaults are constants. Args then has
	// one entry for each parameter, and those of *args behind them. Without a signature,
	// arguments are passed as they were given.
	Signature string
	Run       Function
	Takes     Takes
}

// Call is one call of a Function.
type Call struct {
	// Name is what the template called.
	Name string
	// Args are the arguments, Kwargs those given by a name that the signature does not have.
	Args   []any
	Kwargs []Kwarg
	// Scope is where the call stands.
	Scope *Scope
}

// Kwarg gives a named argument that the signature does not have.
func (c *Call) Kwarg(name string) (any, bool) {
	for _, k := range c.Kwargs {
		if k.Name == name {
			return k.Value, true
		}
	}
	return nil, false
}

// Data is the Context's.
func (c *Call) Data() any { return c.Scope.st.ctx.Data }

// Now is the Context's time.
func (c *Call) Now() time.Time { return c.Scope.st.ctx.Now }

// Random draws a number from 0 to n-1, or of 64 bits when n is 0.
func (c *Call) Random(n uint64) uint64 {
	x := c.Scope.st.draw()
	if n > 0 {
		x %= n
	}
	return x
}

// Variable gives a variable, rendered if it is a template.
func (c *Call) Variable(name string) (any, error) { return c.Scope.Variable(name) }

// Filter calls a filter by its name.
func (c *Call) Filter(name string, args []any, kwargs []Kwarg) (any, error) {
	p, err := c.Scope.st.env.plugin(FilterKind, name)
	if err != nil {
		return nil, err
	}
	return c.Scope.invoke(p, args, kwargs)
}

// Test calls a test by its name.
func (c *Call) Test(name string, args []any, kwargs []Kwarg) (any, error) {
	p, err := c.Scope.st.env.plugin(TestKind, name)
	if err != nil {
		return nil, err
	}
	return c.Scope.invokeTest(p, args, kwargs)
}

// Invoke calls what a template can call: a macro, a function, a method.
func (c *Call) Invoke(fn any, args []any, kwargs []Kwarg) (any, error) {
	return c.Scope.call(fn, args, kwargs)
}

// Item is v[key] as templates have it, which may be an attribute; undefined if there is none.
func (c *Call) Item(v, key any) (any, error) { return c.Scope.item(v, key) }

// Attribute is v.name as templates have it.
func (c *Call) Attribute(v any, name string) (any, error) { return c.Scope.attribute(v, name) }

// Items is Rendered, where something undefined among the items is an error.
func (c *Call) Items(v any) ([]any, error) {
	items, err := c.Rendered(v)
	for _, x := range items {
		if u, ok := x.(*value.Undefined); ok && !u.Lenient {
			return nil, &trip{u}
		}
	}
	return items, err
}

// Rendered is what going over a value gives, each rendered. Items may be undefined.
func (c *Call) Rendered(v any) ([]any, error) {
	items, err := c.Scope.st.items(v)
	if err != nil {
		return nil, err
	}
	for i, x := range items {
		switch x.(type) {
		case *value.Template, *value.Vaulted:
			out := append([]any(nil), items...)
			for j := i; j < len(out); j++ {
				if out[j], err = c.Scope.st.force(out[j]); err != nil {
					return nil, err
				}
			}
			return out, nil
		}
	}
	return items, nil
}

// Settle renders all within a value. It is an error when something in it is undefined; if
// something is unknown, that is given instead.
func (c *Call) Settle(v any) (any, error) {
	v, unknown, err := c.Scope.st.whole(v)
	if unknown != nil {
		return unknown, err
	}
	return v, err
}

// Text is str().
func (c *Call) Text(v any) (string, error) {
	text, unknown, err := c.Scope.st.text(v)
	if unknown != nil {
		return "", &stop{unknown}
	}
	return text, err
}

// Has tells whether there is a filter, or a test, of that name.
func (c *Call) Has(kind Kind, name string) bool {
	_, err := c.Scope.st.env.plugin(kind, name)
	return err == nil
}

// Callable tells whether a template can call a value.
func (c *Call) Callable(v any) bool {
	switch v.(type) {
	case *function, *Macro, *python.Method, callable:
		return true
	}
	return false
}

// Truth is bool(). What is unknown ends the function, whose result is unknown then.
func (c *Call) Truth(v any) (bool, error) {
	t, unknown, err := c.Scope.truth(v)
	if unknown != nil {
		return false, &stop{unknown}
	}
	return t, err
}

// Unknown ends a function whose result is unknown.
func (c *Call) Unknown(u *value.Unknown) error { return &stop{u} }

// Template evaluates another text as a template, in the caller's variables.
func (c *Call) Template(t *value.Template) (any, error) { return c.Scope.st.render(t) }

// Step counts work that a function does for each of n things.
func (c *Call) Step(n int) error { return c.Scope.st.step(n) }

// plugin is a registered function.
type plugin struct {
	kind Kind
	// full is the name that errors show.
	full string
	Spec
	head *signature
}

func newPlugin(kind Kind, name string, s Spec) *plugin {
	return &plugin{kind: kind, full: "ansible.builtin." + name, Spec: s}
}

// function is a plugin as a value.
type function struct{ *plugin }

// PythonType names the type.
func (f *function) PythonType() string {
	switch f.full {
	case "ansible.builtin.range", "ansible.builtin.dict", "ansible.builtin.cycler", "ansible.builtin.joiner", "ansible.builtin.namespace":
		return "type"
	}
	return "function"
}

func (f *function) String() string { return "<function " + f.full + ">" }

// invoke calls a plugin. What its arguments hold decides first.
func (s *Scope) invoke(p *plugin, args []any, kwargs []Kwarg) (any, error) {
	if err := s.st.enter(); err != nil {
		return nil, err
	}
	defer func() { s.st.depth-- }()
	args, kwargs, instead, err := s.arguments(p, args, kwargs)
	if instead != nil || err != nil {
		return instead, err
	}
	c := &Call{Name: p.full, Args: args, Kwargs: kwargs, Scope: s}
	if p.Signature != "" {
		if p.head == nil {
			p.head = parseSignature(p.Signature)
		}
		c.Args, c.Kwargs, err = p.head.bind(args, kwargs)
	}
	var v any
	if err == nil {
		v, err = p.Run(c)
	}
	if err != nil {
		return p.failed(err)
	}
	return v, nil
}

// failed makes an error of a function into the value that it gives instead.
func (p *plugin) failed(err error) (any, error) {
	var tripped *trip
	var end *stop
	switch {
	case fatal(err):
		return nil, err
	case errors.As(err, &end):
		return end.u, nil
	case errors.As(err, &tripped):
		return tripped.u, nil
	case p.kind != "":
		err = &pluginError{p.kind, p.full, err}
	}
	return &value.Undefined{Err: err}, nil
}

// arguments renders what is lazy in arguments. Unless the plugin deals with it, something
// undefined or unknown among them is given instead of a result.
func (s *Scope) arguments(p *plugin, args []any, kwargs []Kwarg) ([]any, []Kwarg, any, error) {
	var unknown *value.Unknown
	one := func(v any) (any, any, error) {
		var in inside
		var err error
		switch x := v.(type) {
		case string, int64, bool, nil, float64:
			return v, nil, nil
		case *value.Undefined:
			if !x.Lenient && p.Takes&TakesUndefined == 0 {
				return nil, x, nil
			}
			return v, nil, nil
		case *value.Unknown:
			if unknown == nil && p.Takes&TakesUnknown == 0 {
				unknown = x
			}
			return v, nil, nil
		}
		if p.Takes&TakesLazy != 0 {
			return v, nil, nil
		}
		if v, in, err = s.st.settle(v); err != nil || p.Takes&TakesInside != 0 {
			return v, nil, err
		}
		if in.undefined != nil {
			return nil, in.undefined, nil
		}
		if in.unknown != nil && unknown == nil && p.Takes&TakesUnknown == 0 {
			unknown = in.unknown
		}
		return v, nil, nil
	}
	for i, v := range args {
		v, instead, err := one(v)
		if instead != nil || err != nil {
			return nil, nil, instead, err
		}
		args[i] = v
	}
	for i, k := range kwargs {
		v, instead, err := one(k.Value)
		if instead != nil || err != nil {
			return nil, nil, instead, err
		}
		kwargs[i].Value = v
	}
	if unknown != nil {
		return nil, nil, unknown, nil
	}
	return args, kwargs, nil, nil
}

func (s *Scope) invokeTest(p *plugin, args []any, kwargs []Kwarg) (any, error) {
	v, err := s.invoke(p, args, kwargs)
	if err != nil {
		return nil, err
	}
	switch v.(type) {
	case bool, *value.Undefined, *value.Unknown:
		return v, nil
	}
	return python.Truth(v), nil
}

// evalArgs evaluates the arguments of a call, with room for one before them.
func (s *Scope) evalArgs(a *syntax.Args, first ...any) ([]any, []Kwarg, error) {
	pos := make([]any, len(first), len(first)+len(a.Pos))
	copy(pos, first)
	for _, e := range a.Pos {
		v, err := s.eval(e)
		if err != nil {
			return nil, nil, err
		}
		pos = append(pos, v)
	}
	var named []Kwarg
	for i, n := range a.Names {
		v, err := s.eval(a.Values[i])
		if err != nil {
			return nil, nil, err
		}
		named = append(named, Kwarg{Name: n, Value: v})
	}
	if a.Star != nil {
		v, err := s.eval(a.Star)
		if err != nil {
			return nil, nil, err
		}
		items, err := s.st.items(v)
		if err != nil {
			if _, err := python.Items(v); err != nil {
				return nil, nil, fmt.Errorf("Value after * must be an iterable, not %s", value.TypeName(v)) // Python's words
			}
			return nil, nil, err
		}
		for _, x := range items {
			if x, err = s.st.force(x); err != nil {
				return nil, nil, err
			}
			pos = append(pos, x)
		}
	}
	if a.StarStar != nil {
		more, err := s.evalStarStar(a.StarStar)
		if err != nil {
			return nil, nil, err
		}
		named = append(named, more...)
	}
	return pos, named, nil
}

func (s *Scope) evalStarStar(e syntax.Expr) ([]Kwarg, error) {
	v, err := s.eval(e)
	if err != nil {
		return nil, err
	}
	switch x := v.(type) {
	case *value.Undefined:
		return nil, &trip{x}
	case *value.Unknown:
		return nil, &stop{x}
	}
	d, ok := v.(*value.Dict)
	if !ok {
		return nil, fmt.Errorf("argument after ** must be a mapping, not %s", value.TypeName(v))
	}
	var named []Kwarg
	for k, x := range d.All() {
		name, ok := k.(string)
		if !ok {
			return nil, errors.New("keywords must be strings")
		}
		if x, err = s.st.force(x); err != nil {
			return nil, err
		}
		named = append(named, Kwarg{Name: name, Value: x})
	}
	return named, nil
}

func (s *Scope) evalFilter(e *syntax.Filter) (any, error) {
	if _, err := s.st.env.plugin(FilterKind, e.Name); err != nil {
		s.st.line = e.Line
		return nil, err
	}
	v, err := s.eval(e.X)
	if err != nil {
		return nil, err
	}
	return s.applyFilter(e, v)
}

func (s *Scope) applyFilter(e *syntax.Filter, v any) (any, error) {
	s.st.line = e.Line
	p, err := s.st.env.plugin(FilterKind, e.Name)
	if err != nil {
		return nil, err
	}
	pos, named, err := s.evalArgs(&e.Args, v)
	if err != nil {
		return nil, err
	}
	s.st.line = e.Line
	return s.invoke(p, pos, named)
}

func (s *Scope) evalTest(e *syntax.Test) (any, error) {
	s.st.line = e.Line
	p, err := s.st.env.plugin(TestKind, e.Name)
	if err != nil {
		return nil, err
	}
	v, err := s.eval(e.X)
	if err != nil {
		return nil, err
	}
	pos, named, err := s.evalArgs(&e.Args, v)
	if err != nil {
		return nil, err
	}
	s.st.line = e.Line
	return s.invokeTest(p, pos, named)
}

func (s *Scope) evalCall(e *syntax.Call) (any, error) { return s.evalCallWith(e, nil) }

// evalCallWith calls, with what is called "caller" in the macro, if there is one.
func (s *Scope) evalCallWith(e *syntax.Call, caller *Macro) (any, error) {
	fn, err := s.eval(e.Fn)
	if err != nil {
		return nil, err
	}
	s.st.line = e.Line
	embedded := s.st.embedded
	if f, ok := fn.(*function); ok && f.Takes&TakesEmbedded != 0 {
		s.st.embedded = true
	}
	pos, named, err := s.evalArgs(&e.Args)
	s.st.embedded = embedded
	if err != nil {
		return nil, err
	}
	if caller != nil {
		named = append(named, Kwarg{Name: "caller", Value: caller})
	}
	s.st.line = e.Line
	return s.call(fn, pos, named)
}

// callable are the values of templates that can be called, besides macros.
type callable interface {
	call(s *Scope, pos []any, named []Kwarg) (any, error)
}

func (s *Scope) call(fn any, pos []any, named []Kwarg) (any, error) {
	switch f := fn.(type) {
	case *function:
		return s.invoke(f.plugin, pos, named)
	case *Macro:
		return s.failedCall(f.call(s, pos, named))
	case *value.Unknown:
		return f, nil
	case *value.Undefined:
		if !f.Lenient {
			return f, nil
		}
		return nil, &trip{f}
	}
	for _, v := range pos {
		if u, ok := v.(*value.Undefined); ok && !u.Lenient {
			return u, nil
		}
	}
	for _, k := range named {
		if u, ok := k.Value.(*value.Undefined); ok && !u.Lenient {
			return u, nil
		}
	}
	switch f := fn.(type) {
	case *python.Method:
		return s.failedCall(s.method(f, pos, named))
	case callable:
		return s.failedCall(f.call(s, pos, named))
	}
	return &value.Undefined{Err: fmt.Errorf("'%s' object is not callable", value.TypeName(fn))}, nil
}

// failedCall makes an error of a call into a value that fails when it is used.
func (s *Scope) failedCall(v any, err error) (any, error) {
	var tripped *trip
	var end *stop
	switch {
	case err == nil, fatal(err):
		return v, err
	case errors.As(err, &end):
		return end.u, nil
	case errors.As(err, &tripped):
		return tripped.u, nil
	default:
		return &value.Undefined{Err: s.st.errorAt(err)}, nil
	}
}

// cost is about how much work a method is.
func cost(m *python.Method) int {
	switch d := m.On.(type) {
	case *value.List:
		if m.Name == "append" || m.Name == "extend" {
			return 1
		}
	case *value.Dict:
		if m.Name != "get" && m.Name != "setdefault" && m.Name != "update" {
			return d.Len()
		}
	}
	return size(m.On)
}

// method calls a method of one of Python's types.
func (s *Scope) method(m *python.Method, pos []any, named []Kwarg) (any, error) {
	keeps := syntax.Mutator(m.Name) // lists and dicts may hold what is unknown
	switch m.Name {
	case "index", "count", "remove", "sort": // these compare items
		on, unknown, err := s.st.whole(m.On)
		if err != nil || unknown != nil {
			return unknown, err
		}
		if m.Name == "index" || m.Name == "count" {
			rendered := *m
			rendered.On = on
			m = &rendered
		}
	}
	args := append([]any(nil), pos...)
	for _, k := range named {
		args = append(args, k.Value)
	}
	for i, v := range args {
		v, in, err := s.st.settle(v)
		if err != nil {
			return nil, err
		}
		if !keeps && in.undefined != nil {
			return nil, &trip{in.undefined}
		}
		if !keeps && in.unknown != nil {
			return in.unknown, nil
		}
		if i < len(pos) {
			pos[i] = v
		} else {
			named[i-len(pos)].Value = v
		}
	}
	if err := s.st.step(cost(m)); err != nil {
		return nil, err
	}
	v, err := m.Call(pos, named)
	if err != nil {
		return nil, err
	}
	return s.st.force(v)
}
