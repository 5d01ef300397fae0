// Package definition is the Amazon States Language as text becomes a checked tree:
// JSON or YAML in, a StateMachine with every expression compiled out, or
// diagnostics that name the state, the field and the place in the file.
//
// It owns the tree (this file and state.go), reading (Parse) and the rules that a
// definition must keep. It must not know how states run: that is package execution.
//
// Source: states-language.net/spec.html and the AWS Step Functions developer guide.
package definition

import (
	"github.com/hashicorp/hcl/v2"

	"tutti/internal/stepfunctions/expression"
)

// QueryLanguage is what paths and expressions of a state are written in.
type QueryLanguage string

// The query languages. The zero value is not one: a reader fills in the default.
const (
	JSONPath QueryLanguage = "JSONPath"
	JSONata  QueryLanguage = "JSONata"
)

// StateMachine is a definition, or the body of a Map's ItemProcessor or of a
// Parallel's branch.
type StateMachine struct {
	Comment       string
	Version       string // "1.0" unless the file says so otherwise
	QueryLanguage QueryLanguage
	// TimeoutSeconds bounds the whole execution; 0 is no bound. Top level only.
	TimeoutSeconds int64
	StartAt        string
	// States are in the order of the file.
	States []*State
	byName map[string]*State
	Range  hcl.Range
}

// State gives a state by its name.
func (m *StateMachine) State(name string) (*State, bool) {
	s, ok := m.byName[name]
	return s, ok
}

// Type is what a state does.
type Type string

// The types of state.
const (
	TypeTask     Type = "Task"
	TypePass     Type = "Pass"
	TypeChoice   Type = "Choice"
	TypeWait     Type = "Wait"
	TypeSucceed  Type = "Succeed"
	TypeFail     Type = "Fail"
	TypeParallel Type = "Parallel"
	TypeMap      Type = "Map"
)

// State is one state. Fields that its type or query language does not have are
// zero; a nil Expr means that the field is not there.
type State struct {
	Name          string
	Type          Type
	Comment       string
	QueryLanguage QueryLanguage
	Next          string
	End           bool
	Range         hcl.Range
	// pointer is where it stands, such as /States/Pay.
	pointer string
	// variables are those that its fields use, sorted.
	variables []string

	// InputPath and OutputPath are of JSONPath states: nil is "$"; NullPath (an
	// explicit null) gives {}.
	InputPath, OutputPath *Path
	// Arguments are Parameters (JSONPath) or Arguments (JSONata).
	Arguments expression.Expr
	// ResultSelector and ResultPath are of JSONPath states. ResultPath nil is "$".
	ResultSelector expression.Expr
	ResultPath     *ResultPath
	// Output is of JSONata states.
	Output expression.Expr
	// Assign are the variables to set, in the order of the file.
	Assign []Assignment

	Retry []Retrier
	Catch []Catcher

	// Exactly one of these is set for the type; Succeed has none.
	Task     *Task
	Pass     *Pass
	Choice   *Choice
	Wait     *Wait
	Fail     *Fail
	Parallel *Parallel
	Map      *Map
}

// Path is InputPath, OutputPath or ItemsPath. Null is an explicit null.
type Path struct {
	Null bool
	Expr expression.Expr
}

// ResultPath says where a result goes. Null drops it: the state's input is its
// output.
type ResultPath struct {
	Null bool
	// Text is the reference path.
	Text string
	Set  func(input, result any) (any, error) // the error is an *expression.Error
}

// Assignment sets one variable.
type Assignment struct {
	Name  string
	Value expression.Expr
}

// Retrier is one entry of Retry. Fields that the file leaves out have the
// language's defaults.
type Retrier struct {
	ErrorEquals     []string
	IntervalSeconds int64   // 1
	MaxAttempts     int64   // 3; 0 never tries again
	BackoffRate     float64 // 2.0; at least 1
	MaxDelaySeconds int64   // 0 is none
	FullJitter      bool    // JitterStrategy FULL
}

// Catcher is one entry of Catch.
type Catcher struct {
	ErrorEquals []string
	Next        string
	ResultPath  *ResultPath // JSONPath; nil is "$"
	Output      expression.Expr
	Assign      []Assignment
}
