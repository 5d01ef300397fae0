package jinja

import (
	"fmt"
	"strings"

	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/jinja/syntax"
	"tutti/internal/ansible/value"
)

// eval gives what an expression is worth. Containers may still hold templates, and the
// value may be undefined or unknown: whoever uses it asks usable or settled.
func (s *Scope) eval(e syntax.Expr) (any, error) {
	st := s.st
	if st.steps++; st.steps > st.limits.Steps {
		return nil, st.step(0)
	}
	if st.nesting++; st.nesting > maxEvaluations {
		return nil, &Limit{"expressions within each other", maxEvaluations}
	}
	v, err := s.evalOne(e)
	st.nesting--
	return v, err
}

func (s *Scope) evalOne(e syntax.Expr) (any, error) {
	switch e := e.(type) {
	case *syntax.Const:
		if e.Template && (s.st.embedded || s.frame.template.how == conditionMode) {
			return s.st.render(&value.Template{Text: e.Value.(string), Origin: s.frame.template.origin})
		}
		return e.Value, nil
	case *syntax.Name:
		s.st.line = e.Line
		return s.Variable(e.Name)
	case *syntax.Attr:
		return s.evalAttr(e)
	case *syntax.Item:
		return s.evalItem(e)
	case *syntax.Filter:
		return s.evalFilter(e)
	case *syntax.Test:
		return s.evalTest(e)
	case *syntax.Call:
		return s.evalCall(e)
	case *syntax.List:
		return s.evalList(e)
	case *syntax.Dict:
		return s.evalDict(e)
	case *syntax.Not:
		return s.evalNot(e)
	case *syntax.Logic:
		return s.evalLogic(e)
	case *syntax.Compare:
		return s.evalCompare(e)
	case *syntax.Cond:
		return s.evalCond(e)
	case *syntax.Binary:
		return s.evalBinary(e)
	case *syntax.Unary:
		return s.evalUnary(e)
	case *syntax.Concat:
		return s.evalConcat(e)
	case *syntax.Slice:
		return nil, fmt.Errorf("a slice can only stand within brackets behind a value")
	default:
		panic(fmt.Sprintf("jinja: unknown expression %T", e))
	}
}

// settled evaluates an operand for an operation that looks at all of it. The unknown that
// it holds, if any, is what the operation is worth.
func (s *Scope) settled(e syntax.Expr) (any, *value.Unknown, error) {
	v, err := s.eval(e)
	if err != nil {
		return nil, nil, err
	}
	return s.st.whole(v)
}

func (st *state) whole(v any) (any, *value.Unknown, error) {
	v, in, err := st.settle(v)
	if err == nil && in.undefined != nil {
		err = &trip{in.undefined}
	}
	return v, in.unknown, err
}

func (s *Scope) evalAll(list []syntax.Expr) ([]any, error) {
	items := make([]any, len(list))
	for i, e := range list {
		v, err := s.eval(e)
		if err != nil {
			return nil, err
		}
		items[i] = v
	}
	return items, nil
}

func (s *Scope) evalList(e *syntax.List) (any, error) {
	items, err := s.evalAll(e.Items)
	return &value.List{Items: items, Tuple: e.Tuple}, err
}

func (s *Scope) evalDict(e *syntax.Dict) (any, error) {
	d := &value.Dict{}
	for i := range e.Keys {
		k, unknown, err := s.settled(e.Keys[i])
		if err != nil {
			return nil, err
		}
		if unknown != nil {
			return unknown, nil
		}
		if err := python.Hashable(k); err != nil {
			return nil, err
		}
		v, err := s.eval(e.Values[i])
		if err != nil {
			return nil, err
		}
		d.Set(k, v)
	}
	return d, nil
}

// truth is what a condition is worth: true, false, or unknown.
func (s *Scope) truth(v any) (bool, *value.Unknown, error) {
	switch v := v.(type) {
	case bool:
		return v, nil, nil
	case *value.Unknown:
		return false, v, nil
	case *value.Undefined:
		if !v.Lenient {
			return false, nil, &trip{v}
		}
	}
	return python.Truth(v), nil, nil
}

func (s *Scope) test(e syntax.Expr) (bool, *value.Unknown, error) {
	v, err := s.eval(e)
	if err != nil {
		return false, nil, err
	}
	return s.truth(v)
}

func (s *Scope) evalNot(e *syntax.Not) (any, error) {
	t, unknown, err := s.test(e.X)
	if unknown != nil {
		return unknown, err
	}
	return !t, err
}

// evalLogic is and, or. What is unknown on one side does not matter when the other side
// decides alone.
func (s *Scope) evalLogic(e *syntax.Logic) (any, error) {
	l, err := s.eval(e.L)
	if err != nil {
		return nil, err
	}
	t, unknown, err := s.truth(l)
	if err != nil {
		return nil, err
	}
	if unknown == nil {
		if t == e.Or {
			return l, nil
		}
		return s.eval(e.R)
	}
	r, err := s.eval(e.R)
	if err != nil {
		return nil, err
	}
	if r, ok := r.(bool); ok && r == e.Or {
		return r, nil
	}
	return unknown, nil
}

func (s *Scope) evalCond(e *syntax.Cond) (any, error) {
	t, unknown, err := s.test(e.Test)
	switch {
	case err != nil:
		return nil, err
	case unknown != nil:
		return unknown, nil
	case t:
		return s.eval(e.Then)
	case e.Else == nil:
		return &value.Undefined{Lenient: true,
			Hint: "the inline if-expression evaluated to false and no else section was defined."}, nil
	default:
		return s.eval(e.Else)
	}
}

func (s *Scope) evalCompare(e *syntax.Compare) (any, error) {
	l, err := s.eval(e.X)
	if err != nil {
		return nil, err
	}
	for i, o := range e.Rest {
		r, err := s.eval(o.X)
		if err != nil {
			return nil, err
		}
		var unknown, u *value.Unknown
		if l, unknown, err = s.st.whole(l); err != nil {
			return nil, err
		}
		if r, u, err = s.st.whole(r); err != nil {
			return nil, err
		}
		if unknown == nil {
			unknown = u
		}
		if unknown != nil {
			if sure, known := s.compareUnknown(o.Op, l, r); known && (!sure || i == len(e.Rest)-1) {
				return sure, nil
			}
			return unknown, nil
		}
		s.st.line = e.Line
		ok, err := python.Compare(o.Op, l, r)
		if err != nil || !ok {
			return false, err
		}
		l = r
	}
	return true, nil
}

// compareUnknown decides what can be decided although something is unknown: that an item
// is among those known.
func (s *Scope) compareUnknown(op string, l, r any) (sure, known bool) {
	list, ok := r.(*value.List)
	if _, unknown := l.(*value.Unknown); unknown || !ok || op != "in" && op != "not in" {
		return false, false
	}
	for _, x := range list.Items {
		if value.Equal(x, l) {
			return op == "in", true
		}
	}
	return false, false
}

func (s *Scope) evalBinary(e *syntax.Binary) (any, error) {
	l, err := s.eval(e.L)
	if err != nil {
		return nil, err
	}
	r, err := s.eval(e.R)
	if err != nil {
		return nil, err
	}
	if l, err = s.operand(l); err != nil {
		return nil, err
	}
	if r, err = s.operand(r); err != nil {
		return nil, err
	}
	for _, v := range []any{l, r} {
		if u, ok := v.(*value.Unknown); ok {
			return u, nil
		}
	}
	s.st.line = e.Line
	if text, ok := l.(string); ok && e.Op == "%" {
		args, unknown, err := s.st.whole(r)
		if err != nil || unknown != nil {
			return unknown, err
		}
		return python.Percent(text, args)
	}
	if err := s.st.step(size(l) + size(r)); err != nil {
		return nil, err
	}
	return python.Binary(e.Op, l, r)
}

// size is about how much work it is to copy a value.
func size(v any) int {
	switch v := v.(type) {
	case string:
		return len(v) / 64
	case *value.List:
		return len(v.Items) / 16
	}
	return 0
}

// operand makes an operand fit to be used; lists that are put together keep their templates.
func (s *Scope) operand(v any) (any, error) {
	switch v := v.(type) {
	case *value.Undefined:
		return nil, &trip{v}
	case Mapping:
		return s.st.finish(v)
	}
	return v, nil
}

func (s *Scope) evalUnary(e *syntax.Unary) (any, error) {
	v, err := s.eval(e.X)
	if err != nil {
		return nil, err
	}
	if u, ok := v.(*value.Unknown); ok {
		return u, nil
	}
	if v, err = s.operand(v); err != nil {
		return nil, err
	}
	s.st.line = e.Line
	return python.Unary(e.Op, v)
}

func (s *Scope) evalConcat(e *syntax.Concat) (any, error) {
	var b strings.Builder
	var unknown *value.Unknown
	for _, part := range e.Parts {
		v, err := s.eval(part)
		if err != nil {
			return nil, err
		}
		text, u, err := s.st.text(v)
		if err != nil {
			return nil, err
		}
		if u != nil {
			unknown = u
		}
		if b.Len()+len(text) > s.st.limits.Output {
			return nil, &Limit{"bytes of text", s.st.limits.Output}
		}
		b.WriteString(text)
	}
	if unknown != nil {
		return unknown, nil
	}
	return b.String(), s.st.step(b.Len() / 64)
}

// text is str() of a value, with all that it holds rendered.
func (st *state) text(v any) (string, *value.Unknown, error) {
	switch v := v.(type) {
	case string:
		return v, nil, nil
	case int64, float64, bool, nil:
		return value.String(v), nil, nil
	}
	v, unknown, err := st.whole(v)
	if err != nil || unknown != nil {
		return "", unknown, err
	}
	switch v.(type) {
	case Mapping, *Module:
		return st.written(v)
	}
	return value.String(v), nil, nil
}

// written is a value as it stands in the text around it: as str(), with lists for tuples
// and without omit.
func (st *state) written(v any) (string, *value.Unknown, error) {
	switch v := v.(type) {
	case string:
		return v, nil, nil
	case int64, float64, bool, nil:
		return value.String(v), nil, nil
	}
	w := walker{st: st, final: true, text: true}
	v, err := w.walk(v, 0)
	if err == nil && w.undefined != nil {
		err = &trip{w.undefined}
	}
	if err != nil || w.unknown != nil {
		return "", w.unknown, err
	}
	return value.String(v), nil, nil
}

func (s *Scope) evalAttr(e *syntax.Attr) (any, error) {
	v, err := s.eval(e.X)
	if err != nil {
		return nil, err
	}
	s.st.line = e.Line
	return s.attribute(v, e.Name)
}

// attribute is v.name: a method or attribute of the type, or else an item.
func (s *Scope) attribute(v any, name string) (any, error) {
	switch x := v.(type) {
	case *value.Undefined:
		if x.Lenient {
			return nil, &trip{x}
		}
		return x, nil
	case *value.Unknown:
		return x, nil
	case attributed:
		if a, ok := x.attribute(s, name); ok {
			return a, nil
		}
	}
	if a, ok := python.Attribute(v, name); ok {
		return a, nil
	}
	item, found, err := python.Item(v, name)
	switch {
	case err != nil:
		return nil, err
	case found:
		return s.found(v, item)
	}
	return s.st.missing(v, name), nil
}

// found is an item as it is used. Those of a mapping of the caller's are not to be changed.
func (s *Scope) found(in, item any) (any, error) {
	item, err := s.st.force(item)
	if _, mapping := in.(Mapping); mapping && err == nil {
		return s.owned(item)
	}
	return item, err
}

// owned is a value that the template may change, if it ever changes any.
func (s *Scope) owned(v any) (any, error) {
	if !s.frame.template.tree.Mutates {
		return v, nil
	}
	switch v.(type) {
	case *value.List, *value.Dict:
		v, _, err := s.st.settle(v)
		return value.Copy(v), err
	}
	return v, nil
}

// missing is what an attribute or item that is not there gives.
func (st *state) missing(v, key any) *value.Undefined {
	if name, ok := key.(string); ok && strings.HasPrefix(name, "__") && strings.HasSuffix(name, "__") {
		return st.undefined(name, fmt.Sprintf("access to attribute %s of '%s' object is unsafe.", value.Repr(name), value.TypeName(v)))
	}
	if _, text := key.(string); !text && !python.Truth(key) {
		what := value.TypeName(v) + " object"
		if v == nil {
			what = "None"
		}
		return st.undefined(value.String(key), what+" has no element "+value.Repr(key))
	}
	return st.undefined(value.String(key), "object of type '"+value.TypeName(v)+"' has no attribute "+value.Repr(key))
}

// attributed are the values of templates that have attributes of their own.
type attributed interface {
	attribute(s *Scope, name string) (any, bool)
}

func (s *Scope) evalItem(e *syntax.Item) (any, error) {
	v, err := s.eval(e.X)
	if err != nil {
		return nil, err
	}
	s.st.line = e.Line
	if slice, ok := e.Key.(*syntax.Slice); ok {
		return s.evalSlice(v, slice)
	}
	key, err := s.eval(e.Key)
	if err != nil {
		return nil, err
	}
	return s.item(v, key)
}

// item is v[key]: an item, or else an attribute.
func (s *Scope) item(v, key any) (any, error) {
	if u, ok := v.(*value.Undefined); ok && !u.Lenient {
		return u, nil
	}
	if u, ok := v.(*value.Unknown); ok {
		return u, nil
	}
	key, unknown, err := s.st.whole(key)
	if err != nil || unknown != nil {
		return unknown, err
	}
	item, found, err := python.Item(v, key)
	if err != nil {
		return nil, err
	}
	if found {
		return s.found(v, item)
	}
	if name, ok := key.(string); ok && !strings.HasPrefix(name, "_") {
		if x, ok := v.(attributed); ok {
			if a, ok := x.attribute(s, name); ok {
				return a, nil
			}
		}
		if a, ok := python.Attribute(v, name); ok && (s.frame.template.tree.Mutates || !syntax.Mutator(name)) {
			return a, nil
		}
	}
	return s.st.missing(v, key), nil
}

func (s *Scope) evalSlice(v any, e *syntax.Slice) (any, error) {
	switch v := v.(type) {
	case *value.Undefined:
		return v, nil
	case *value.Unknown:
		return v, nil
	}
	var bounds [3]any
	for i, x := range []syntax.Expr{e.Start, e.Stop, e.Step} {
		if x == nil {
			continue
		}
		b, unknown, err := s.settled(x)
		if err != nil || unknown != nil {
			return unknown, err
		}
		bounds[i] = b
	}
	out, err := python.Slice(v, bounds[0], bounds[1], bounds[2])
	if err != nil {
		return nil, err
	}
	return out, s.st.step(size(out))
}
