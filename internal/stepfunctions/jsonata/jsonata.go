// Package jsonata parses and evaluates JSONata 2.0 expressions, the query and transformation language described at
// https://docs.jsonata.org, with the meaning that the reference implementation (jsonata-js 2.x) gives them.
//
// In: an expression's text (Parse), and for each evaluation a JSON value of package data and Options. Out: a JSON value,
// the fact that there is none (undefined is not null), or an *Error with JSONata's own code.
//
// An evaluation is a pure function of its input and Options: no clock, no randomness but what the caller hands in, no
// I/O, no goroutine. So it may run inside a deterministic machine. It ends: steps, nesting and bytes built are bounded
// (Limits). Regular expressions run in linear time, but for those with look-around or back-references, whose steps count.
//
// Where it differs from the reference, which testdata/record.js asks: members of objects keep the order in which they
// came, also when their keys look like integers; strings are sequences of code points, so a regular expression never
// splits a surrogate pair; a regular expression that is none of ECMAScript is refused (U1002); a function in the
// result is an error (U1003); the input is never changed; of several errors in the items of one array or object the
// first one is told; numbers keep their digits as long as nothing is computed of them.
//
// The way through the package: lexer.go and parser.go make a tree, resolve.go turns it into paths and steps,
// compile.go makes operations of it, path.go is the heart of their evaluation, call.go holds functions, library.go
// lists the built-in ones, service.go those that AWS Step Functions adds.
package jsonata

import (
	"slices"
	"time"
)

// Expr is a parsed expression. It does not change and is safe for concurrent use.
type Expr struct {
	root      op
	variables []string
	// globals is the number of places for variables that only the caller can bind.
	globals []string
}

// Options are what an evaluation knows beside its input. The zero value is an evaluation without variables.
type Options struct {
	// Variables are the values of $name, without the dollar sign: JSON values of package data, or Undefined.
	Variables map[string]any
	// Functions are further functions by name. One with the name of a built-in function takes its place; one whose
	// Call is nil takes it away.
	Functions map[string]Function
	// Now is what $now() and $millis() give.
	Now time.Time
	// Random gives numbers in [0,1) for $random() and $shuffle(). Without it they are errors (U1004).
	Random func() float64
	Limits Limits
}

// Function is a function that the caller provides. It must not keep or change its arguments.
type Function struct {
	// Signature is a JSONata signature such as "<s-n?:s>", which arguments are checked against; empty: anything goes.
	Signature string
	// Call gives a JSON value or Undefined. Arguments that were not supplied are Undefined or absent. An error that
	// is an *Error keeps its code.
	Call func(args []any) (any, error)
}

// Limits bound an evaluation; what goes beyond ends with the error U1001. Zero means the default.
type Limits struct {
	MaxDepth  int   // expressions inside each other while they are evaluated, recursion included
	MaxSteps  int64 // operations, loops' rounds and characters looked at, roughly
	MaxMemory int64 // bytes of all values built, also of those that are garbage by now
}

// The limits of an evaluation that names none. A step takes some 5 to 50 ns.
const (
	DefaultMaxDepth  = 20_000
	DefaultMaxSteps  = 50_000_000
	DefaultMaxMemory = 512 << 20
)

// Parse reads an expression. The error is an *Error whose code begins with S, or U1001 for a text that is too long or
// nested too deep.
func Parse(source string) (*Expr, error) {
	c := newCompiler()
	root, err := c.source(source)
	if err != nil {
		return nil, complete(err)
	}
	return &Expr{root: root, variables: c.variables, globals: c.globals}, nil
}

// Variables gives the names of the variables and functions that the expression uses and does not bind itself, sorted,
// without dollar signs. "$" stands for the root of the input ($$); the context ($) is not among them.
func (e *Expr) Variables() []string { return slices.Clone(e.variables) }

// Eval evaluates the expression. defined is false when there is no value, which is not the same as null. The error is
// an *Error.
func (e *Expr) Eval(input any, opts Options) (value any, defined bool, err error) {
	r := newRun(e, input, opts)
	r.parse = parseDynamic
	var in any = input
	if list, ok := input.([]any); ok {
		// An array as the whole input is one value, not a sequence of contexts.
		in = &array{items: []any{list}, sequence: true, wrapper: true}
	}
	v, err := e.root.eval(r, in, &frame{})
	if err == nil {
		v, err = r.result(v)
	}
	if err != nil {
		return nil, false, complete(err)
	}
	if isUndefined(v) {
		return nil, false, nil
	}
	return v, true, nil
}
