// Package template evaluates payload templates of the Amazon States Language: JSON in
// which a member "name.$" has its value computed, by a path or an intrinsic function,
// and becomes the member "name". Parameters, ResultSelector, ItemSelector and Assign
// are such templates.
//
// In: a value, compiled once by Parse, and a Scope. Out: a value that shares with the
// template whatever needs no computing. A Template is immutable and safe for concurrent
// use. See packages jsonpath and intrinsic for what may stand in it.
//
// Source: States Language, "Payload Template".
package template

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/intrinsic"
	"tutti/internal/stepfunctions/jsonpath"
)

// Template is a compiled payload template.
type Template struct {
	root node
	// paths are all that it evaluates, each with its field.
	paths []Use
}

// Use is a path that a template evaluates, and the JSON pointer of its field.
type Use struct {
	Pointer string
	Path    *jsonpath.Path
}

// Paths gives every path that the template evaluates, those in calls of intrinsic
// functions included.
func (t *Template) Paths() []Use { return t.paths }

// Error says what is wrong with a template, and where.
type Error struct {
	Pointer string // JSON pointer (RFC 6901) of the member or element
	What    string
	Err     error // the path's or intrinsic function's own error, or nil
}

func (e *Error) Error() string {
	if e.Pointer == "" {
		return e.What
	}
	return e.Pointer + ": " + e.What
}

func (e *Error) Unwrap() error { return e.Err }

// EvalError says which field of a template could not be computed. Its text is the
// service's. Intrinsic tells that the cause is an intrinsic function's own failure, and
// not a path's.
type EvalError struct {
	Pointer string
	Field   string
	What    string
	Err     error
}

func (e *EvalError) Error() string { return e.What }

func (e *EvalError) Unwrap() error { return e.Err }

// Intrinsic reports whether an intrinsic function failed, which the service reports as
// States.IntrinsicFailure; everything else is States.Runtime.
func (e *EvalError) Intrinsic() bool {
	var failed *intrinsic.Error
	return errors.As(e.Err, &failed) && !failed.Path()
}

// node is a part of a template: constant, computed, object or array.
type node interface {
	eval(scope intrinsic.Scope) (any, error)
}

type (
	constant struct{ value any }
	// computed is the value of a member "name.$": a path or a call.
	computed struct {
		pointer, field string
		path           *jsonpath.Path
		call           *intrinsic.Expr
	}
	object []member
	array  []node
)

type member struct {
	name  string
	value node
}

// suffix marks the members that are computed.
const suffix = ".$"

// Parse compiles a template. It finds all mistakes, not just the first; each is an
// *Error.
func Parse(value any) (*Template, []*Error) {
	p := &parser{}
	t := &Template{root: p.node("", value), paths: p.paths}
	if len(p.errors) > 0 {
		return nil, p.errors
	}
	return t, nil
}

type parser struct {
	errors []*Error
	paths  []Use
}

func (p *parser) fail(pointer string, err error, what string, args ...any) node {
	p.errors = append(p.errors, &Error{Pointer: pointer, What: fmt.Sprintf(what, args...), Err: err})
	return constant{}
}

func (p *parser) node(pointer string, value any) node {
	switch v := value.(type) {
	case *data.Object:
		return p.object(pointer, v)
	case []any:
		list, fixed := make(array, len(v)), true
		for i, item := range v {
			list[i] = p.node(pointer+"/"+strconv.Itoa(i), item)
			fixed = fixed && isConstant(list[i])
		}
		if !fixed {
			return list
		}
	}
	return constant{value}
}

func (p *parser) object(pointer string, o *data.Object) node {
	list, fixed := make(object, 0, o.Len()), true
	for _, m := range o.Members() {
		at := pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(m.Key)
		name, dynamic := strings.CutSuffix(m.Key, suffix)
		if !dynamic {
			value := p.node(at, m.Value)
			fixed = fixed && isConstant(value)
			list = append(list, member{name, value})
			continue
		}
		if _, both := o.Get(name); both {
			p.fail(at, nil, "The fields '%s' and '%s' would have the same name", name, m.Key)
		}
		list = append(list, member{name, p.computed(at, m.Key, m.Value)})
		fixed = false
	}
	if fixed {
		return constant{o}
	}
	return list
}

func isConstant(n node) bool {
	_, ok := n.(constant)
	return ok
}

func (p *parser) computed(pointer, field string, value any) node {
	text, ok := value.(string)
	if !ok {
		return p.fail(pointer, nil, "The value for the field '%s' must be a STRING that contains a JSONPath but was %s", field, kind(value))
	}
	if intrinsic.Is(text) {
		call, err := intrinsic.Parse(text)
		if err != nil {
			return p.fail(pointer, err, "The value for the field '%s' must be a valid JSONPath or a valid intrinsic function call: %v", field, err)
		}
		for _, path := range call.Paths() {
			p.paths = append(p.paths, Use{pointer, path})
		}
		return computed{pointer: pointer, field: field, call: call}
	}
	path, err := jsonpath.Parse(text)
	if err != nil {
		return p.fail(pointer, err, "The value for the field '%s' must be a valid JSONPath or a valid intrinsic function call: %v", field, err)
	}
	p.paths = append(p.paths, Use{pointer, path})
	return computed{pointer: pointer, field: field, path: path}
}

// kind names the type of a value as the service does.
func kind(v any) string {
	name := strings.ToUpper(data.Kind(v))
	if strings.Contains("AO", name[:1]) {
		return "an " + name
	}
	return "a " + name
}

// Eval gives the template's value. The error is an *EvalError.
func (t *Template) Eval(scope intrinsic.Scope) (any, error) { return t.root.eval(scope) }

func (c constant) eval(intrinsic.Scope) (any, error) { return c.value, nil }

func (c computed) eval(scope intrinsic.Scope) (any, error) {
	if c.call != nil {
		v, err := c.call.Eval(scope)
		if err != nil {
			return nil, &EvalError{Pointer: c.pointer, Field: c.field, What: err.Error(), Err: err}
		}
		return v, nil
	}
	v, err := scope.Eval(c.path)
	if err == nil {
		return v, nil
	}
	failed := &EvalError{Pointer: c.pointer, Field: c.field, What: err.Error(), Err: err}
	var missing *jsonpath.NotFoundError
	if document, bad := scope.Document(c.path); bad == nil && errors.As(err, &missing) {
		failed.What = fmt.Sprintf("The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'",
			c.path, c.field, intrinsic.Excerpt(document))
	}
	return nil, failed
}

func (o object) eval(scope intrinsic.Scope) (any, error) {
	made := data.NewObject(len(o))
	for _, m := range o {
		v, err := m.value.eval(scope)
		if err != nil {
			return nil, err
		}
		made.Set(m.name, v)
	}
	return made, nil
}

func (a array) eval(scope intrinsic.Scope) (any, error) {
	made := make([]any, len(a))
	for i, item := range a {
		v, err := item.eval(scope)
		if err != nil {
			return nil, err
		}
		made[i] = v
	}
	return made, nil
}
