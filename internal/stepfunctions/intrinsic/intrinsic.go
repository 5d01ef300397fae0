// Package intrinsic evaluates the intrinsic functions of the Amazon States Language:
// States.Format('{} items', States.ArrayLength($.items)).
//
// In: an expression's text, compiled once by Parse, and a Scope that holds what paths
// start from. Out: a value, or an *Error that tells which function failed and why. An
// Expr is immutable and safe for concurrent use. The package reads no clock and knows
// no randomness: whoever evaluates gives both, so that a state machine can be replayed.
//
// Files: intrinsic.go the types, parse.go the syntax, function.go which functions there
// are and what they take, then the functions by kind: list.go, text.go, number.go.
//
// Sources: the Developer Guide's page "Intrinsic functions for JSONPath states" for
// functions and limits, the States Language's "Intrinsic Functions" for the syntax.
package intrinsic

import (
	"errors"
	"fmt"
	"strings"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/jsonpath"
)

// Limits, the first five of which are the service's own.
const (
	// MaxCalls is how many calls one expression may hold, the outermost included.
	MaxCalls = 10
	// MaxRange is how many numbers States.ArrayRange makes.
	MaxRange = 1000
	// MaxBase64 is how many characters States.Base64Encode and Base64Decode take.
	MaxBase64 = 10_000
	// MaxHash is how many characters States.Hash takes.
	MaxHash = 10_000
	// MaxInteger bounds what States.MathAdd and States.MathRandom take and give; the
	// lower bound is -MaxInteger-1.
	MaxInteger = 1<<31 - 1
	// MaxText is how long an expression may be, in bytes.
	MaxText = 64 << 10
	// MaxResult is about how many bytes of text one function makes.
	MaxResult = 64 << 20
)

// Scope is what an expression is evaluated with.
type Scope struct {
	jsonpath.Scope
	// Random gives a number from 0 up to 1, for States.MathRandom without a seed.
	Random func() float64
	// UUID gives a random UUID of version 4.
	UUID func() string
}

// Expr is a compiled call of an intrinsic function.
type Expr struct {
	text string
	call *call
}

// String gives the expression as it was written.
func (e *Expr) String() string { return e.text }

// Paths gives the paths that the expression evaluates, in the order of the text.
func (e *Expr) Paths() []*jsonpath.Path { return e.call.paths(nil) }

// Is reports whether a text means an intrinsic function rather than a path.
func Is(text string) bool { return strings.HasPrefix(strings.TrimLeft(text, " "), "States.") }

// call is one call of a function.
type call struct {
	function function
	name     string
	args     []argument
}

// argument is a path, another call or a literal. Of a text in quotes, raw is what stood
// between them.
type argument struct {
	path    *jsonpath.Path
	call    *call
	literal any
	raw     string
	quoted  bool
}

func (c *call) paths(list []*jsonpath.Path) []*jsonpath.Path {
	for _, a := range c.args {
		switch {
		case a.path != nil:
			list = append(list, a.path)
		case a.call != nil:
			list = a.call.paths(list)
		}
	}
	return list
}

// SyntaxError says where a text is no call of an intrinsic function.
type SyntaxError struct {
	Text   string
	Offset int // bytes from the start
	What   string
	// Err is what is wrong with a path, or nil.
	Err error
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("invalid intrinsic function at byte %d: %s", e.Offset, e.What)
}

func (e *SyntaxError) Unwrap() error { return e.Err }

// Error says that an expression could not be evaluated, in the service's words. Path
// tells that a path in it has no value, which the service reports as States.Runtime;
// everything else is a States.IntrinsicFailure.
type Error struct {
	Text string // the whole expression
	What string
	Err  error // the error of a path, or nil
}

func (e *Error) Error() string {
	return fmt.Sprintf("The function '%s' had the following error: %s", e.Text, e.What)
}

func (e *Error) Unwrap() error { return e.Err }

// Path reports whether the error is that of a path.
func (e *Error) Path() bool { return e.Err != nil }

// Eval gives the value of the expression. The error is an *Error.
func (e *Expr) Eval(scope Scope) (any, error) {
	v, err := e.call.eval(scope)
	if err == nil {
		return v, nil
	}
	var failed *Error
	if errors.As(err, &failed) {
		failed.Text = e.text
		return nil, failed
	}
	return nil, &Error{Text: e.text, What: err.Error()}
}

func (c *call) eval(scope Scope) (any, error) {
	values := make([]any, len(c.args))
	for i, a := range c.args {
		v, err := a.eval(scope)
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	v, err := c.function.do(values, scope)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	return v, nil
}

func (a argument) eval(scope Scope) (any, error) {
	switch {
	case a.call != nil:
		return a.call.eval(scope)
	case a.path == nil:
		return a.literal, nil
	}
	v, err := scope.Eval(a.path)
	if err != nil {
		return nil, pathError(a.path, scope, err)
	}
	return v, nil
}

// pathError words the error of a path as the service does.
func pathError(p *jsonpath.Path, scope Scope, err error) error {
	var missing *jsonpath.NotFoundError
	what := err.Error()
	if errors.As(err, &missing) {
		document, bad := scope.Document(p)
		what = fmt.Sprintf("The JsonPath argument for the field '%s' could not be found in the input '%s'", p, Excerpt(document))
		if bad != nil {
			what = fmt.Sprintf("The variable of the JsonPath argument '%s' is not defined", p)
		}
	}
	return &Error{What: what, Err: err}
}

// maxExcerpt is how large a document is shown in an error, in bytes: about what the
// service lets a cause be long.
const maxExcerpt = 30_000

// Excerpt gives a document as JSON for an error's text, unless it is very large.
func Excerpt(document any) string {
	if data.Size(document, maxExcerpt) > maxExcerpt {
		return fmt.Sprintf("(more than %d bytes)", maxExcerpt)
	}
	return string(data.Encode(document))
}
