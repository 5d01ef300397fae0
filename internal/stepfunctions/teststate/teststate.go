// Package teststate tries one state by itself, as the API action TestState does: what
// goes through its fields, what it comes to, where it leads.
//
// In: a Request, with a mock in place of what the state calls. Out: a Response in the
// API's own form, or an *InvalidError for a request that the API refuses. It is a pure
// function: time, randomness and calls of the world come with the Request.
//
// Source: API_TestState of the Step Functions API reference, and the developer guide's
// "Using TestState API to test a state".
package teststate

import (
	"fmt"
	"strings"
	"time"

	"tutti/internal/diag"
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/execution"
)

// Level is how much a Response tells.
type Level string

// The levels. The zero value is Info.
const (
	Info  Level = "INFO"
	Debug Level = "DEBUG"
	Trace Level = "TRACE"
)

// The statuses of a tried state.
const (
	Succeeded   = "SUCCEEDED"
	Failed      = "FAILED"
	Retriable   = "RETRIABLE"
	CaughtError = "CAUGHT_ERROR"
)

// The codes of an InvalidError.
const (
	ValidationException = "ValidationException"
	InvalidDefinition   = "InvalidDefinition"
)

// InvalidError is a request that the API refuses.
type InvalidError struct{ Code, Message string }

func (e *InvalidError) Error() string { return e.Code + ": " + e.Message }

func refuse(format string, args ...any) error {
	return &InvalidError{ValidationException, fmt.Sprintf(format, args...)}
}

// Request is what is tried, and with what.
type Request struct {
	// Definition is a state, or, with StateName, a state machine that has it.
	Definition []byte
	StateName  string
	Input      any
	Variables  *data.Object
	// Context stands in place of the context object; it needs a Mock.
	Context *data.Object
	Mock    *Mock
	Configuration
	Level         Level
	RevealSecrets bool
	// Execution and StateMachine are those of the context object where none is given.
	Execution, StateMachine execution.Identity
	Now                     time.Time
	Random                  func() float64
	UUID                    func() string
	// Call calls a Task's resource where there is no Mock. The error is a flow.Failure's
	// code and message.
	Call func(execution.Call) (output any, failure *Failure)
	// Read gives the items of an ItemReader from Configuration.ReaderData.
	Read func(*definition.Reader, string) ([]any, error)
}

// Mock is what a Task, Map or Parallel comes to.
type Mock struct {
	// Result is the result, where HasResult is set; otherwise Error is.
	Result    any
	HasResult bool
	Error     *Failure
	// Check tells what of a Task's result could not have come from its resource; "" is
	// nothing. Without it any result is taken.
	Check func(definition.Resource, any) string
}

// Failure is an error with its name and cause, as Retry and Catch see it.
type Failure struct{ Name, Cause string }

func (e *Failure) Error() string { return e.Name + ": " + e.Cause }

// Configuration tells what happened before.
type Configuration struct {
	// RetryCount is how often the retrier that applies was used.
	RetryCount int64
	// ErrorCausedByState says that a mocked error of a Map or Parallel comes from the
	// state of this name in it.
	ErrorCausedByState string
	// MapIterationFailures is how many iterations of a Map failed.
	MapIterationFailures int64
	// ReaderData is what the ItemReader of a Map reads, in its own format; nil is that
	// nothing is said of it.
	ReaderData *string
}

// Response is what a state came to.
type Response struct {
	Status string
	// Output is there where HasOutput is set.
	Output       any
	HasOutput    bool
	Error, Cause string
	NextState    string
	// Inspection is the API's inspectionData: texts of JSON, numbers, objects. It is nil
	// for Info.
	Inspection *data.Object
}

// stateName is what a state without a name is called.
const stateName = "StateName"

// Run tries a state.
func Run(r Request) (*Response, error) {
	state, err := r.state()
	if err != nil {
		return nil, err
	}
	if err := r.check(state); err != nil {
		return nil, err
	}
	if r.Input == nil {
		r.Input = &data.Object{}
	}
	t := &trial{request: &r, state: state, inspection: &data.Object{}, assigned: r.Variables}
	t.context = r.Context
	if t.context == nil {
		t.context = r.defaultContext(state)
	}
	response := t.run()
	if r.Level == Debug || r.Level == Trace {
		if t.assigned.Len() > 0 {
			t.note("variables", t.assigned)
		}
		response.Inspection = t.inspection
	}
	return response, nil
}

// state reads the definition.
func (r *Request) state() (*definition.State, error) {
	if r.StateName == "" {
		s, findings := definition.CheckState(stateName, r.Definition, definition.Options{})
		if s == nil {
			return nil, invalid(findings)
		}
		return s, nil
	}
	m, findings := definition.Check("definition", r.Definition, definition.Options{})
	if m == nil {
		return nil, invalid(findings)
	}
	s, ok := m.Find(r.StateName)
	if !ok {
		return nil, refuse("State not found in definition")
	}
	return s, nil
}

// invalid words findings as CreateStateMachine does.
func invalid(findings []definition.Finding) error {
	var list []string
	for _, f := range findings {
		if f.Diagnostic.Severity == diag.Error {
			list = append(list, strings.TrimSpace(f.Code+": "+f.Message+" at "+f.Location))
		}
	}
	return &InvalidError{InvalidDefinition, "Invalid State Machine Definition: '" + strings.Join(list, ", ") + "'"}
}

// defaultContext is the context object of a state that is tried by itself.
func (r *Request) defaultContext(s *definition.State) *data.Object {
	const format = "2006-01-02T15:04:05.000Z"
	now := r.Now.UTC().Format(format)
	one := func(key string, v any) data.Member { return data.Member{Key: key, Value: v} }
	e := data.ObjectOf(one("Id", r.Execution.ID), one("Input", r.Input), one("Name", r.Execution.Name))
	if r.Execution.RoleARN != "" {
		e.Set("RoleArn", r.Execution.RoleARN)
	}
	e.Set("StartTime", now)
	return data.ObjectOf(one("Execution", e),
		one("StateMachine", data.ObjectOf(one("Id", r.StateMachine.ID), one("Name", r.StateMachine.Name))),
		one("State", data.ObjectOf(one("Name", s.Name), one("EnteredTime", now), one("RetryCount", float64(r.RetryCount)))))
}
