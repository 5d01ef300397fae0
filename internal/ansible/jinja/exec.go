package jinja

import (
	"errors"
	"fmt"
	"strings"

	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/jinja/syntax"
	"tutti/internal/ansible/value"
)

// signal is how a statement ended.
type signal uint8

const (
	goOn signal = iota
	breakLoop
	nextItem
)

// output gathers what statements write. One value alone stays what it is; several become
// text; None counts as nothing.
type output struct {
	st      *state
	count   int
	first   any
	text    strings.Builder
	unknown *value.Unknown
	// off says that nothing is to be written: a template that extends another one writes
	// only its blocks.
	off bool
}

func (o *output) write(v any) error {
	if v == nil || o.off {
		return nil
	}
	if m, ok := v.(*Module); ok {
		return o.write(m.text)
	}
	if u, ok := v.(*value.Unknown); ok && o.unknown == nil {
		o.unknown = u
	}
	switch o.count++; o.count {
	case 1:
		if o.st.template.tree.Mutates { // what is written is not changed by what comes later
			var err error
			if v, _, err = o.st.settle(v); err != nil { // which finds what holds itself
				return err
			}
			v = value.Copy(v)
		}
		o.first = v
		return nil
	case 2:
		first := o.first
		o.first = nil
		if err := o.add(first); err != nil {
			return err
		}
	}
	return o.add(v)
}

func (o *output) add(v any) error {
	if _, omit := v.(Omit); omit {
		return nil
	}
	text, unknown, err := o.st.written(v)
	if err != nil {
		return err
	}
	if unknown != nil && o.unknown == nil {
		o.unknown = unknown
	}
	return o.addText(text)
}

func (o *output) addText(text string) error {
	if o.off {
		return nil
	}
	if o.text.Len()+len(text) > o.st.limits.Output {
		return &Limit{"bytes of output", o.st.limits.Output}
	}
	o.text.WriteString(text)
	return nil
}

// result is what was written.
func (o *output) result() any {
	switch {
	case o.count == 1:
		return o.first
	case o.unknown != nil:
		return o.unknown
	case o.count == 0:
		return nil
	default:
		return o.text.String()
	}
}

// exec carries out statements.
func (s *Scope) exec(body []syntax.Stmt, out *output) (signal, error) {
	for _, stmt := range body {
		if err := s.st.step(1); err != nil {
			return goOn, err
		}
		sig, err := s.one(stmt, out)
		if err != nil || sig != goOn {
			return sig, err
		}
	}
	return goOn, nil
}

func (s *Scope) one(stmt syntax.Stmt, out *output) (signal, error) {
	switch e := stmt.(type) {
	case *syntax.Text:
		if out.count < 2 {
			return goOn, out.write(e.Text)
		}
		return goOn, out.addText(e.Text)
	case *syntax.Print:
		s.st.line = e.Line
		v, err := s.eval(e.X)
		if err != nil {
			return goOn, err
		}
		return goOn, out.write(v)
	case *syntax.If:
		return s.execIf(e, out)
	case *syntax.For:
		return goOn, s.execFor(e, out)
	case *syntax.Set:
		return goOn, s.execSet(e)
	case *syntax.With:
		return s.execWith(e, out)
	case *syntax.Group:
		return s.inner().exec(e.Body, out)
	case *syntax.Macro:
		s.set(e.Name, &Macro{macro: e, scope: s})
		return goOn, nil
	case *syntax.CallBlock:
		return goOn, s.execCallBlock(e, out)
	case *syntax.FilterBlock:
		return goOn, s.execFilterBlock(e, out)
	case *syntax.Include:
		s.st.line = e.Line
		return goOn, s.execInclude(e, out)
	case *syntax.Import:
		s.st.line = e.Line
		return goOn, s.execImport(e)
	case *syntax.Extends:
		s.st.line = e.Line
		return goOn, s.execExtends(e, out)
	case *syntax.Block:
		return goOn, s.execBlock(e, out)
	case *syntax.Do:
		s.st.line = e.Line
		v, err := s.eval(e.X)
		if u, ok := v.(*value.Undefined); ok && err == nil && u.Err != nil {
			err = &trip{u}
		}
		return goOn, err
	case *syntax.Break:
		return breakLoop, nil
	case *syntax.Continue:
		return nextItem, nil
	default:
		panic(fmt.Sprintf("jinja: unknown statement %T", stmt))
	}
}

// decide is test for a statement: what is unknown ends the whole template.
func (s *Scope) decide(e syntax.Expr) (bool, error) {
	t, unknown, err := s.test(e)
	if unknown != nil {
		return false, &stop{unknown}
	}
	return t, err
}

func (s *Scope) execIf(e *syntax.If, out *output) (signal, error) {
	for _, b := range e.Branches {
		t, err := s.decide(b.Test)
		if err != nil {
			return goOn, err
		}
		if t {
			return s.exec(b.Body, out)
		}
	}
	return s.exec(e.Else, out)
}

// items are what a loop goes over.
func (st *state) items(v any) ([]any, error) {
	switch x := v.(type) {
	case *value.Undefined:
		if !x.Lenient {
			return nil, &trip{x}
		}
	case *value.Unknown:
		return nil, &stop{x}
	}
	items, err := python.Items(v)
	if err != nil {
		return nil, err
	}
	return items, st.step(len(items))
}

func (s *Scope) execFor(e *syntax.For, out *output) error {
	v, err := s.eval(e.Iter)
	if err != nil {
		return err
	}
	return s.loopOver(e, v, out, 0)
}

func (s *Scope) loopOver(e *syntax.For, over any, out *output, depth int) error {
	items, err := s.st.items(over)
	if err != nil {
		return err
	}
	inner := s.inner()
	if e.Test != nil {
		if items, err = inner.filterItems(e, items); err != nil {
			return err
		}
	}
	if len(items) == 0 {
		_, err := s.inner().exec(e.Else, out)
		return err
	}
	loop := &Loop{scope: s, e: e, items: items, depth: depth}
	if e.Recursive {
		loop.out = out
	}
	for i := range items {
		inner.names, inner.values = inner.names[:0], inner.values[:0]
		loop.at = i
		inner.set("loop", loop)
		x, err := s.st.force(items[i])
		if err != nil {
			return err
		}
		if err := inner.assign(e.Target, x); err != nil {
			return err
		}
		sig, err := inner.exec(e.Body, out)
		if err != nil {
			return err
		}
		if sig == breakLoop {
			break
		}
	}
	return nil
}

// filterItems gives the items that a loop's if lets through.
func (s *Scope) filterItems(e *syntax.For, items []any) ([]any, error) {
	var out []any
	for _, item := range items {
		s.names, s.values = s.names[:0], s.values[:0]
		x, err := s.st.force(item)
		if err != nil {
			return nil, err
		}
		if err := s.assign(e.Target, x); err != nil {
			return nil, err
		}
		t, err := s.decide(e.Test)
		if err != nil {
			return nil, err
		}
		if t {
			out = append(out, x)
		}
	}
	return out, nil
}

// assign sets the names of a target.
func (s *Scope) assign(target syntax.Expr, v any) error {
	switch t := target.(type) {
	case *syntax.Name:
		s.set(t.Name, v)
		return nil
	case *syntax.NamespaceRef:
		ns, err := s.Variable(t.Name)
		if err != nil {
			return err
		}
		n, ok := ns.(*Namespace)
		if !ok {
			return errors.New("cannot assign attribute on non-namespace object")
		}
		n.dict.Set(t.Attr, v)
		return nil
	}
	list := target.(*syntax.List)
	if u, ok := v.(*value.Unknown); ok {
		for _, t := range list.Items {
			if err := s.assign(t, u); err != nil {
				return err
			}
		}
		return nil
	}
	items, err := s.st.items(v)
	if err != nil {
		if _, iterable := v.(*value.Undefined); !iterable && !fatal(err) {
			return fmt.Errorf("cannot unpack non-iterable %s object", value.TypeName(v))
		}
		return err
	}
	switch n := len(list.Items); {
	case len(items) < n:
		return fmt.Errorf("not enough values to unpack (expected %d, got %d)", n, len(items))
	case len(items) > n:
		return fmt.Errorf("too many values to unpack (expected %d)", n)
	}
	for i, t := range list.Items {
		x, err := s.st.force(items[i])
		if err != nil {
			return err
		}
		if err := s.assign(t, x); err != nil {
			return err
		}
	}
	return nil
}

// capture gives what a body writes, in a scope of its own.
func (s *Scope) capture(body []syntax.Stmt) (any, error) {
	out := &output{st: s.st}
	_, err := s.exec(body, out)
	return out.result(), err
}

func (s *Scope) execSet(e *syntax.Set) error {
	s.st.line = e.Line
	var v any
	var err error
	if e.X != nil {
		v, err = s.eval(e.X)
	} else {
		v, err = s.inner().capture(e.Body)
		if err == nil && e.Filter != nil {
			v, err = s.piped(e.Filter, v)
		}
	}
	if err != nil {
		return err
	}
	return s.assign(e.Target, v)
}

func (s *Scope) execWith(e *syntax.With, out *output) (signal, error) {
	inner := s.inner()
	for i, t := range e.Targets {
		v, err := s.eval(e.Values[i])
		if err != nil {
			return goOn, err
		}
		if err := inner.assign(t, v); err != nil {
			return goOn, err
		}
	}
	return inner.exec(e.Body, out)
}

func (s *Scope) execFilterBlock(e *syntax.FilterBlock, out *output) error {
	v, err := s.inner().capture(e.Body)
	if err == nil {
		v, err = s.piped(e.Filter, v)
	}
	if err != nil {
		return err
	}
	return out.write(v)
}

// piped sends a value through a chain of filters whose innermost has no input of its own.
func (s *Scope) piped(e syntax.Expr, v any) (any, error) {
	f := e.(*syntax.Filter)
	if f.X != nil {
		var err error
		if v, err = s.piped(f.X, v); err != nil {
			return nil, err
		}
	}
	return s.applyFilter(f, v)
}

func (s *Scope) execCallBlock(e *syntax.CallBlock, out *output) error {
	s.st.line = e.Line
	caller := &Macro{macro: e.Body, scope: s}
	v, err := s.evalCallWith(e.Call, caller)
	if err != nil {
		return err
	}
	return out.write(v)
}
