package jinja

import (
	"errors"
	"fmt"
	"strings"

	"tutti/internal/ansible/jinja/syntax"
	"tutti/internal/ansible/value"
)

// Macro is a function written in Jinja.
type Macro struct {
	macro *syntax.Macro
	scope *Scope
}

// PythonType names the type.
func (*Macro) PythonType() string { return "Macro" }

func (m *Macro) String() string { return "<Macro " + value.Repr(m.macro.Name) + ">" }

func (m *Macro) attribute(_ *Scope, name string) (any, bool) {
	switch name {
	case "name":
		return m.macro.Name, true
	case "arguments":
		t := value.NewTuple()
		for _, p := range m.macro.Params {
			t.Items = append(t.Items, p)
		}
		return t, true
	case "catch_kwargs":
		return m.macro.Kwargs, true
	case "catch_varargs":
		return m.macro.Varargs, true
	case "caller":
		return m.macro.Caller, true
	}
	return nil, false
}

// call carries out the body with arguments, in a scope below that of the definition.
func (m *Macro) call(_ *Scope, pos []any, named []Kwarg) (any, error) {
	st := m.scope.st
	if err := st.enter(); err != nil {
		return nil, err
	}
	template, line := st.template, st.line
	defer func() { st.depth--; st.template, st.line = template, line }()
	st.template = m.scope.frame.template
	inner := m.scope.inner()
	inner.names, inner.values = make([]string, 0, len(m.macro.Params)+1), make([]any, 0, len(m.macro.Params)+1)
	if err := m.bind(inner, pos, named); err != nil {
		return nil, err
	}
	return inner.capture(m.macro.Body)
}

// bind sets the parameters, and what the body makes of arguments beyond them.
func (m *Macro) bind(inner *Scope, pos []any, named []Kwarg) error {
	e := m.macro
	var rest *value.Dict // the named arguments that are no parameters, in the end
	if len(named) > 0 || e.Kwargs {
		rest = &value.Dict{}
		for _, k := range named {
			rest.Set(k.Name, k.Value)
		}
	}
	for i, p := range e.Params {
		if i < len(pos) {
			inner.set(p, pos[i])
			continue
		}
		if v, ok := rest.Get(p); ok {
			inner.set(p, v)
			rest.Delete(p)
			continue
		}
		standard := i - (len(e.Params) - len(e.Defaults))
		if standard < 0 {
			inner.set(p, inner.st.undefined(p, "parameter "+value.Repr(p)+" was not provided"))
			continue
		}
		v, err := inner.eval(e.Defaults[standard])
		if err != nil {
			return err
		}
		inner.set(p, v)
	}
	if err := m.bindCaller(inner, rest); err != nil {
		return err
	}
	switch {
	case e.Kwargs:
		inner.set("kwargs", rest)
	case rest.Len() > 0:
		return fmt.Errorf("macro %s takes no keyword argument %s", value.Repr(e.Name), value.Repr(rest.Keys()[0]))
	}
	more := pos[min(len(pos), len(e.Params)):]
	switch {
	case e.Varargs:
		inner.set("varargs", value.NewTuple(more...))
	case len(more) > 0:
		return fmt.Errorf("macro %s takes not more than %d argument(s)", value.Repr(e.Name), len(e.Params))
	}
	return nil
}

// bindCaller sets what a call block hands over.
func (m *Macro) bindCaller(inner *Scope, rest *value.Dict) error {
	e := m.macro
	if indexOf(e.Params, "caller") >= 0 {
		return nil
	}
	caller, ok := rest.Get("caller")
	switch {
	case e.Caller && !ok:
		inner.set("caller", &value.Undefined{Name: "caller", Hint: "No caller defined"})
	case e.Caller:
		inner.set("caller", caller)
		rest.Delete("caller")
	case ok && !e.Kwargs:
		return fmt.Errorf("macro %s was invoked with two values for the special caller argument. This is most likely a bug.", value.Repr(e.Name)) // Jinja's words
	}
	return nil
}

// Loop is the variable loop.
type Loop struct {
	scope *Scope
	e     *syntax.For
	items []any
	at    int
	depth int
	out   *output // set when the loop is recursive
	// last is what changed() was called with before.
	last    *value.List
	changed bool
}

// PythonType names the type.
func (*Loop) PythonType() string { return "LoopContext" }

func (l *Loop) String() string { return fmt.Sprintf("<LoopContext %d/%d>", l.at+1, len(l.items)) }

func (l *Loop) attribute(s *Scope, name string) (any, bool) {
	n := len(l.items)
	switch name {
	case "index":
		return int64(l.at + 1), true
	case "index0":
		return int64(l.at), true
	case "revindex":
		return int64(n - l.at), true
	case "revindex0":
		return int64(n - l.at - 1), true
	case "first":
		return l.at == 0, true
	case "last":
		return l.at == n-1, true
	case "length":
		return int64(n), true
	case "depth":
		return int64(l.depth + 1), true
	case "depth0":
		return int64(l.depth), true
	case "previtem":
		return l.neighbour(s, l.at-1, "there is no previous item"), true
	case "nextitem":
		return l.neighbour(s, l.at+1, "there is no next item"), true
	case "cycle":
		return &bound{l.cycle}, true
	case "changed":
		return &bound{l.hasChanged}, true
	}
	return nil, false
}

func (l *Loop) neighbour(s *Scope, at int, none string) any {
	if at < 0 || at >= len(l.items) {
		return &value.Undefined{Hint: none}
	}
	v, err := s.st.force(l.items[at])
	if err != nil {
		return &value.Undefined{Err: err}
	}
	return v
}

func (l *Loop) cycle(_ *Scope, pos []any, _ []Kwarg) (any, error) {
	if len(pos) == 0 {
		return nil, errors.New("no items for cycling given")
	}
	return pos[l.at%len(pos)], nil
}

func (l *Loop) hasChanged(s *Scope, pos []any, _ []Kwarg) (any, error) {
	v, unknown, err := s.st.whole(value.NewTuple(pos...))
	if err != nil || unknown != nil {
		return unknown, err
	}
	now := v.(*value.List)
	if l.changed && value.Equal(l.last, now) {
		return false, nil
	}
	l.last, l.changed = now, true
	return true, nil
}

// call goes down one level of a recursive loop.
func (l *Loop) call(s *Scope, pos []any, _ []Kwarg) (any, error) {
	if l.out == nil {
		return nil, errors.New("The loop must have the 'recursive' marker to be called recursively.") // Jinja's words
	}
	if len(pos) != 1 {
		return nil, fmt.Errorf("LoopContext.__call__() takes 2 positional arguments but %d were given", len(pos)+1)
	}
	if err := s.st.enter(); err != nil {
		return nil, err
	}
	defer func() { s.st.depth-- }()
	out := &output{st: s.st}
	err := l.scope.loopOver(l.e, pos[0], out, l.depth+1)
	return out.result(), err
}

// method is a Go function that a template can call.
type method func(s *Scope, pos []any, named []Kwarg) (any, error)

// bound makes a method comparable, as values have to be.
type bound struct{ fn method }

func (*bound) String() string { return "<method>" }

func (b *bound) call(s *Scope, pos []any, named []Kwarg) (any, error) { return b.fn(s, pos, named) }

// PythonType names the type.
func (*bound) PythonType() string { return "method" }

// Namespace is what namespace() gives: an object whose attributes can be set.
type Namespace struct{ dict *value.Dict }

// PythonType names the type.
func (*Namespace) PythonType() string { return "Namespace" }

func (n *Namespace) String() string { return "<Namespace>" }

func (n *Namespace) attribute(_ *Scope, name string) (any, bool) { return n.dict.Get(name) }

// Module is an imported template: what it defines, and what it wrote.
type Module struct {
	name string
	top  *Scope
	text any
}

// PythonType names the type.
func (*Module) PythonType() string { return "TemplateModule" }

func (m *Module) String() string { return "<TemplateModule " + value.Repr(m.name) + ">" }

func (m *Module) export(name string) (any, bool) {
	for i, n := range m.top.names {
		if n == name && !strings.HasPrefix(name, "_") {
			return m.top.values[i], true
		}
	}
	return nil, false
}

func (m *Module) attribute(_ *Scope, name string) (any, bool) { return m.export(name) }

// self is the variable self, whose attributes are the template's blocks.
type self struct{ scope *Scope }

// PythonType names the type.
func (*self) PythonType() string { return "TemplateReference" }

func (b *self) String() string {
	return "<TemplateReference " + quotedName(b.scope.frame.template.name) + ">"
}

func (b *self) attribute(_ *Scope, name string) (any, bool) {
	if b.scope.frame.blocks[name] == nil {
		return nil, false
	}
	return &super{b.scope.frame.top, name, 0}, true
}

// super calls what a block replaces.
type super struct {
	scope *Scope
	name  string
	n     int
}

// PythonType names the type.
func (*super) PythonType() string { return "BlockReference" }

func (b *super) String() string { return "<BlockReference " + value.Repr(b.name) + ">" }

func (b *super) attribute(_ *Scope, name string) (any, bool) {
	if name != "super" {
		return nil, false
	}
	return &super{b.scope, b.name, b.n + 1}, true
}

func (b *super) call(*Scope, []any, []Kwarg) (any, error) {
	if b.n >= len(b.scope.frame.blocks[b.name]) {
		return &value.Undefined{Name: "super", Hint: "there is no parent block called " + value.Repr(b.name) + "."}, nil
	}
	out := &output{st: b.scope.st}
	err := b.scope.showBlock(b.name, b.n, out)
	return out.result(), err
}

// cycler goes round a number of values.
type cycler struct {
	items []any
	at    int
}

// PythonType names the type.
func (*cycler) PythonType() string { return "Cycler" }

func (*cycler) String() string { return "<Cycler>" }

func (c *cycler) attribute(_ *Scope, name string) (any, bool) {
	switch name {
	case "current":
		return c.items[c.at], true
	case "next":
		return &bound{func(*Scope, []any, []Kwarg) (any, error) {
			v := c.items[c.at]
			c.at = (c.at + 1) % len(c.items)
			return v, nil
		}}, true
	case "reset":
		return &bound{func(*Scope, []any, []Kwarg) (any, error) {
			c.at = 0
			return nil, nil
		}}, true
	}
	return nil, false
}

// joiner gives a separator, except the first time.
type joiner struct {
	sep  any
	used bool
}

// PythonType names the type.
func (*joiner) PythonType() string { return "Joiner" }

func (*joiner) String() string { return "<Joiner>" }

func (j *joiner) call(*Scope, []any, []Kwarg) (any, error) {
	if !j.used {
		j.used = true
		return "", nil
	}
	return j.sep, nil
}

var (
	_ callable   = (*Loop)(nil)
	_ callable   = (*super)(nil)
	_ callable   = (*joiner)(nil)
	_ callable   = (*bound)(nil)
	_ attributed = (*Namespace)(nil)
	_ attributed = (*Macro)(nil)
	_ attributed = (*Loop)(nil)
	_ attributed = (*Module)(nil)
	_ attributed = (*self)(nil)
	_ attributed = (*super)(nil)
	_ attributed = (*cycler)(nil)
)
