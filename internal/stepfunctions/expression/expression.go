// Package expression is everything in a state machine's definition whose value is
// known only when a state runs: a path, an intrinsic function, a payload template,
// a JSONata expression or JSON with such expressions in it. It makes the two query
// languages look the same to the machine.
//
// In: a field's JSON, and the scope of the state. Out: a value, or an *Error with
// the name that Retry and Catch know. It is pure: time, randomness and identifiers
// come with the Scope, so that a replay computes the same.
package expression

import (
	"time"

	"tutti/internal/stepfunctions/data"
)

// Expr is a compiled expression. It is immutable and safe for concurrent use.
type Expr interface {
	// Eval gives the value in this scope; the error is an *Error.
	Eval(s *Scope) (any, error)
	// Names calls f for each variable that the expression reads, without the $.
	Names(f func(name string))
}

// Scope is what an expression sees.
type Scope struct {
	// Input is $ of JSONPath and $states.input of JSONata.
	Input any
	// Context is $$ of JSONPath and $states.context of JSONata.
	Context *data.Object
	// Result is $states.result, where HasResult says that the field may use it.
	Result    any
	HasResult bool
	// ErrorOutput is $states.errorOutput, in a Catch.
	ErrorOutput    any
	HasErrorOutput bool
	// Variable gives what Assign has set in this scope and those around it.
	Variable func(name string) (any, bool)
	// Now is the time of the event that the machine handles; Random and UUID follow
	// from the execution's seed.
	Now    time.Time
	Random func() float64
	UUID   func() string
}

// Error is an expression that could not be evaluated.
type Error struct {
	// Name is States.QueryEvaluationError, States.ParameterPathFailure,
	// States.IntrinsicFailure, States.ResultPathMatchFailure or States.Runtime.
	Name string
	// Cause is for people.
	Cause string
}

func (e *Error) Error() string { return e.Name + ": " + e.Cause }

// The error names of the language that expressions come to.
const (
	QueryEvaluationError   = "States.QueryEvaluationError"
	ParameterPathFailure   = "States.ParameterPathFailure"
	IntrinsicFailure       = "States.IntrinsicFailure"
	ResultPathMatchFailure = "States.ResultPathMatchFailure"
	Runtime                = "States.Runtime"
)

// Constant is a value that is known from the definition.
type Constant struct{ Value any }

var _ Expr = Constant{}

// Eval implements Expr.
func (c Constant) Eval(*Scope) (any, error) { return c.Value, nil }

// Names implements Expr.
func (Constant) Names(func(string)) {}
