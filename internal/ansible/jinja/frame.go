package jinja

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tutti/internal/ansible/jinja/syntax"
	"tutti/internal/ansible/value"
)

// block is what stands for a block in one of the templates that extend each other.
type block struct {
	*syntax.Block
	template *Template
}

// run evaluates a whole template with the context's variables, and gives what it wrote
// with the newlines that its text ends with.
func (t *Template) run(st *state) (any, error) {
	st.template, st.line = t, 1
	f := &frame{template: t, variables: true}
	f.top = &Scope{st: st, frame: f}
	if t.expression != nil {
		v, err := f.top.eval(t.expression)
		return resultOf(v, err)
	}
	out := &output{st: st}
	v, err := resultOf(nil, f.body(out))
	if err != nil || v != nil {
		return v, err
	}
	v = out.result()
	if text, ok := v.(string); ok && t.newlines > 0 {
		if n := t.newlines - (len(text) - len(strings.TrimRight(text, "\n"))); n > 0 {
			v = text + strings.Repeat(t.newline, n)
		}
	}
	return v, nil
}

// resultOf makes the end of a template for want of knowledge into an unknown result.
func resultOf(v any, err error) (any, error) {
	var end *stop
	if errors.As(err, &end) {
		return end.u, nil
	}
	return v, err
}

// body carries out the frame's template, and then those that it extends.
func (f *frame) body(out *output) error {
	st := f.top.st
	template := st.template
	defer func() { st.template = template }()
	for t := f.template; t != nil; t = f.parent {
		if err := st.enter(); err != nil {
			return err
		}
		defer func() { st.depth-- }()
		f.parent = nil
		st.template = t
		f.template = t
		for _, name := range slices.Sorted(maps.Keys(t.tree.Blocks)) {
			if f.blocks == nil {
				f.blocks = map[string][]block{}
			}
			f.blocks[name] = append(f.blocks[name], block{t.tree.Blocks[name], t})
		}
		out.off = false
		if _, err := f.top.exec(t.tree.Body, out); err != nil {
			if fatal(err) {
				return err
			}
			return st.errorAt(err)
		}
	}
	out.off = false
	return nil
}

// errorAt fixes where an error came from, before the evaluation leaves that template.
func (st *state) errorAt(err error) error {
	var tripped *trip
	var end *stop
	var done *Error
	if errors.As(err, &tripped) || errors.As(err, &end) || errors.As(err, &done) {
		return err
	}
	return st.errorOf(err)
}

func (s *Scope) execExtends(e *syntax.Extends, out *output) error {
	v, err := s.eval(e.Template)
	if err != nil {
		return err
	}
	if s.frame.parent != nil {
		return errors.New("extended multiple times")
	}
	t, err := s.load(v)
	if err != nil {
		return err
	}
	s.frame.parent = t
	out.off = true
	return nil
}

func (s *Scope) execBlock(e *syntax.Block, out *output) error {
	if out.off {
		return nil
	}
	if s.frame.blocks[e.Name][0].Required {
		return fmt.Errorf("Required block %s not found", value.Repr(e.Name)) // Jinja's words
	}
	from := s.frame.top
	if e.Scoped {
		from = s
	}
	return from.showBlock(e.Name, 0, out)
}

// showBlock writes what stands for a block, the n-th from the most derived one.
func (s *Scope) showBlock(name string, n int, out *output) error {
	st := s.st
	if err := st.enter(); err != nil {
		return err
	}
	defer func() { st.depth-- }()
	b := s.frame.blocks[name][n]
	inner := s.inner()
	inner.set("super", &super{s, name, n + 1})
	template := st.template
	st.template = b.template
	_, err := inner.exec(b.Body, out)
	if err != nil && !fatal(err) {
		err = st.errorAt(err)
	}
	st.template = template
	return err
}

// load finds a template by its name, or the first that is there of several names.
func (s *Scope) load(v any) (*Template, error) {
	v, unknown, err := s.st.whole(v)
	if err != nil {
		return nil, err
	}
	if unknown != nil {
		return nil, &stop{unknown}
	}
	names, isList := v.(*value.List)
	if !isList {
		names = value.NewList(v)
	}
	var tried []string
	for _, n := range names.Items {
		name, ok := n.(string)
		if !ok {
			return nil, fmt.Errorf("a template's name is to be text, not %s", value.TypeName(n))
		}
		t, err := s.st.load(name, s.frame.template)
		if !errors.Is(err, ErrNotFound) {
			return t, err
		}
		if !isList {
			return nil, err
		}
		tried = append(tried, name)
	}
	return nil, &notFound{"none of the templates given were found: " + strings.Join(tried, ", ")}
}

// notFound is that no template of that name is there.
type notFound struct{ message string }

func (n *notFound) Error() string { return n.message }

// Is tells that it is ErrNotFound.
func (n *notFound) Is(err error) bool { return err == ErrNotFound }

func (st *state) load(name string, from *Template) (*Template, error) {
	if st.ctx.Load == nil {
		return nil, &notFound{value.Repr(name) + " cannot be included here: there is no folder of templates"}
	}
	source, err := st.ctx.Load(name)
	if err != nil {
		return nil, err
	}
	o := from.o
	o.KeepBackslashes = false
	return st.env.parse(source, value.Origin{File: name}, textMode, o)
}

func (s *Scope) execInclude(e *syntax.Include, out *output) error {
	v, err := s.eval(e.Template)
	if err != nil {
		return err
	}
	t, err := s.load(v)
	if err != nil {
		if e.IgnoreMissing && errors.Is(err, ErrNotFound) {
			return nil
		}
		return err
	}
	if out.off {
		return nil
	}
	f := s.draw(t, e.Context)
	inner := &output{st: s.st}
	if err := f.body(inner); err != nil {
		return err
	}
	return out.write(inner.result())
}

// draw makes a frame for another template, which sees this one's names if it has the context.
func (s *Scope) draw(t *Template, context bool) *frame {
	f := &frame{template: t, variables: context && s.frame.variables}
	f.top = &Scope{st: s.st, frame: f}
	if context {
		f.top.parent = s
	}
	return f
}

func (s *Scope) execImport(e *syntax.Import) error {
	v, err := s.eval(e.Template)
	if err != nil {
		return err
	}
	t, err := s.load(v)
	if err != nil {
		return err
	}
	f := s.draw(t, e.Context)
	out := &output{st: s.st}
	if err := f.body(out); err != nil {
		return err
	}
	m := &Module{name: t.name, top: f.top, text: out.result()}
	if !e.From {
		s.set(e.As, m)
		return nil
	}
	for _, n := range e.Names {
		v, ok := m.export(n[0])
		if !ok {
			v = &value.Undefined{Name: n[0], Hint: fmt.Sprintf("the template %s (imported on line %d in %s) does not export the requested name %s",
				value.Repr(t.name), e.Line, quotedName(s.frame.template.name), value.Repr(n[0]))}
		}
		s.set(n[1], v)
	}
	return nil
}

func quotedName(name string) string {
	if name == "" {
		return "'<unknown>'"
	}
	return value.Repr(name)
}
