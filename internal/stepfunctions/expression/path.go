package expression

import (
	"errors"
	"fmt"
	"strings"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/intrinsic"
	"tutti/internal/stepfunctions/jsonpath"
)

// Path compiles a JSONPath: $.a of the input, $$.a of the context, $v.a of a variable.
// field is where it stands, for the messages of errors. The error is one of package
// jsonpath.
func Path(field, text string) (Expr, error) {
	p, err := jsonpath.Parse(text)
	if err != nil {
		return nil, err
	}
	return &path{field: field, path: p}, nil
}

// Reference compiles a Reference Path: one that names a single place by members and
// indices. The error is a *NotReferenceError or one of package jsonpath.
func Reference(field, text string) (Expr, error) {
	e, err := Path(field, text)
	if err != nil {
		return nil, err
	}
	if !e.(*path).path.IsReference() {
		return nil, &NotReferenceError{text}
	}
	return e, nil
}

// NotReferenceError is a path that is no Reference Path.
type NotReferenceError struct{ Path string }

func (e *NotReferenceError) Error() string { return e.Path + " is not a reference path" }

// Dynamic compiles what the value of a key that ends in .$ may be: a path or a call of
// an intrinsic function. The error is one of packages jsonpath or intrinsic.
func Dynamic(field, text string) (Expr, error) {
	if !intrinsic.Is(text) {
		return Path(field, text)
	}
	e, err := intrinsic.Parse(text)
	if err != nil {
		return nil, err
	}
	return &call{field: field, expr: e}, nil
}

// path is a JSONPath in its field.
type path struct {
	field string
	path  *jsonpath.Path
}

var _ Expr = (*path)(nil)

// Eval implements Expr.
func (e *path) Eval(s *Scope) (any, error) {
	v, err := e.find(s)
	if err != nil {
		return nil, e.failure(s, err)
	}
	return v, nil
}

// find evaluates the path; its error is one of package jsonpath.
func (e *path) find(s *Scope) (any, error) {
	switch root := e.path.Root(); root {
	case jsonpath.Input:
		return e.path.Eval(s.Input)
	case jsonpath.Context:
		return e.path.Eval(s.Context)
	default:
		name, _ := root.Variable()
		v, ok := s.variable(name)
		if !ok {
			return nil, &jsonpath.NotFoundError{Path: e.path.String(), Where: string(root), What: "there is no such variable"}
		}
		return e.path.Eval(v)
	}
}

// Names implements Expr.
func (e *path) Names(f func(string)) {
	if name, ok := e.path.Root().Variable(); ok {
		f(name)
	}
}

func (e *path) origin() (name, text string) {
	return Runtime, fmt.Sprintf("The JSONPath '%s' specified for the field '%s'", e.path, e.field)
}

// failure words a path without a value as the service does, which has its own words
// for some fields.
func (e *path) failure(s *Scope, err error) *Error {
	var missing *jsonpath.NotFoundError
	if !errors.As(err, &missing) {
		return &Error{Runtime, err.Error()}
	}
	field := e.field[strings.LastIndexByte(e.field, '/')+1:]
	switch {
	case field == "InputPath" || field == "OutputPath":
		return &Error{Runtime, fmt.Sprintf("Invalid path '%s' : %s", e.path, missing.Library())}
	case strings.HasSuffix(field, "Path") && field != "ItemsPath":
		return &Error{Runtime, fmt.Sprintf("The %s parameter does not reference an input value: %s", field, e.path)}
	}
	return &Error{Runtime, fmt.Sprintf("The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'", e.path, field, intrinsic.Excerpt(s.Input))}
}

// call is an intrinsic function in its field.
type call struct {
	field string
	expr  *intrinsic.Expr
}

var _ Expr = (*call)(nil)

// Eval implements Expr.
func (e *call) Eval(s *Scope) (any, error) {
	scope := intrinsic.Scope{Scope: jsonpath.Scope{Input: s.Input, Context: s.Context}, Random: s.Random, UUID: s.UUID}
	e.Names(func(name string) {
		if v, ok := s.variable(name); ok {
			if scope.Variables == nil {
				scope.Variables = data.NewObject(1)
			}
			scope.Variables.Set(name, v)
		}
	})
	v, err := e.expr.Eval(scope)
	if err == nil {
		return v, nil
	}
	name := IntrinsicFailure
	var failed *intrinsic.Error
	if errors.As(err, &failed) && failed.Path() {
		name = Runtime
	}
	return nil, &Error{name, err.Error()}
}

// Names implements Expr.
func (e *call) Names(f func(string)) {
	for _, p := range e.expr.Paths() {
		if name, ok := p.Root().Variable(); ok {
			f(name)
		}
	}
}

func (e *call) origin() (name, text string) {
	return IntrinsicFailure, fmt.Sprintf("The intrinsic function '%s' specified for the field '%s'", e.expr, e.field)
}

// ResultPath compiles where a result goes in a state's input. The function's error is
// an *Error; ResultPath's own is a *NotReferenceError or one of package jsonpath.
func ResultPath(text string) (func(input, result any) (any, error), error) {
	p, err := jsonpath.Parse(text)
	if err != nil {
		return nil, err
	}
	if !p.IsReference() || p.Root() != jsonpath.Input {
		return nil, &NotReferenceError{text}
	}
	return func(input, result any) (any, error) {
		v, err := p.Set(input, result)
		var match *jsonpath.MatchError
		switch {
		case errors.As(err, &match):
			return nil, &Error{ResultPathMatchFailure, fmt.Sprintf("Unable to apply step \"%s\" to input %s", match.Step, intrinsic.Excerpt(match.Document))}
		case err != nil:
			return nil, &Error{ResultPathMatchFailure, err.Error()}
		}
		return v, nil
	}, nil
}

func (s *Scope) variable(name string) (any, bool) {
	if s.Variable == nil {
		return nil, false
	}
	return s.Variable(name)
}
