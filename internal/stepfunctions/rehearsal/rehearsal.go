// Package rehearsal carries out state machines in memory, without the world and without
// waiting: what they call is answered by mocks, and time jumps to the next thing that
// is due. It is what `tutti test` stands on.
//
// In: a definition, an input, and who answers (Run); or a file of cases beside a
// definition (ReadCases). Out: the result, the states that were entered, the history;
// for cases what is other than expected, and which states no case has entered.
//
// The machines are those of package execution, unchanged. A rehearsal of the same
// definition, input and replies is always the same.
package rehearsal

import (
	"encoding/json"
	"fmt"
	"time"

	"tutti/internal/flow"
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/mock"
)

// Limits of a rehearsal.
const (
	// MaxEvents is how many events the history of an execution may have unless Options
	// say otherwise: the service's own limit.
	MaxEvents = 25_000
	// maxSteps is how many events the machines of one rehearsal are given.
	maxSteps = 1_000_000
)

// Options are what a rehearsal is made of. Only Definition is needed.
type Options struct {
	Definition *definition.StateMachine
	Input      any
	Replies    *mock.Case
	// Name is the state machine's.
	Name string
	// At is when it begins; the zero value is the first of January 2030.
	At time.Time
	// From is the state to begin with instead of StartAt, and Variables are those that
	// are set there.
	From      string
	Variables *data.Object
	Limits    execution.Limits
}

// The statuses of an execution.
const (
	Succeeded = "SUCCEEDED"
	Failed    = "FAILED"
	TimedOut  = "TIMED_OUT"
)

// Result is what a rehearsal came to.
type Result struct {
	Status       string
	Output       any
	Error, Cause string
	// Path are the states in the order in which they were entered, those of branches,
	// iterations and map runs too.
	Path []string
	// Calls are what was asked of the world, in order.
	Calls   []execution.Call
	History []execution.HistoryEvent
	// Elapsed is how long the execution would have taken.
	Elapsed time.Duration
}

// StuckError says that an execution waits for something that never comes.
type StuckError struct{ State string }

func (e *StuckError) Error() string {
	return fmt.Sprintf("the execution waits for an answer to the state %q that never comes: no callback is given, and it has no timeout", e.State)
}

// MissingReplyError says that a state calls the world and has no reply.
type MissingReplyError struct{ State, Resource string }

func (e *MissingReplyError) Error() string {
	return fmt.Sprintf("the state %q calls %s, and no reply is given for it", e.State, e.Resource)
}

// Run carries out an execution. The error is a *StuckError, a *MissingReplyError, or
// one that says that the rehearsal goes on for ever.
func Run(o Options) (*Result, error) {
	if o.At.IsZero() {
		o.At = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if o.Limits.Events == 0 {
		o.Limits.Events = MaxEvents
	}
	if o.Name == "" {
		o.Name = "rehearsal"
	}
	if o.Replies == nil {
		o.Replies = &mock.Case{}
	}
	s := &stage{options: o, now: o.At, result: &Result{}}
	const prefix = "arn:aws:states:us-east-1:000000000000:"
	start := execution.Start{Input: data.Encode(o.Input), Token: "token", From: o.From, Limits: o.Limits,
		Execution:    execution.Identity{ID: prefix + "execution:" + o.Name + ":rehearsal", Name: "rehearsal"},
		StateMachine: execution.Identity{ID: prefix + "stateMachine:" + o.Name, Name: o.Name}}
	if o.Variables != nil {
		start.Variables = data.Encode(o.Variables)
	}
	raw, err := json.Marshal(start)
	if err != nil {
		return nil, fmt.Errorf("the start of the execution: %w", err)
	}
	root := s.player(nil, 0, raw)
	return s.play(root)
}

// play gives events to machines until the first one ends.
func (s *stage) play(root *player) (*Result, error) {
	for steps := 0; root.end == nil; steps++ {
		if s.err != nil {
			return nil, s.err
		}
		if steps >= maxSteps {
			return nil, fmt.Errorf("the rehearsal was stopped after %d events: it goes on and on", maxSteps)
		}
		due, ok := s.next()
		if !ok {
			return nil, &StuckError{s.waiting()}
		}
		s.now = due.at
		s.give(due)
	}
	s.result.Elapsed = s.now.Sub(s.options.At)
	switch end := root.end.(type) {
	case flow.Complete:
		s.result.Status = Succeeded
		output, err := data.Decode(end.Output)
		if err != nil {
			panic("rehearsal: invariant broken: an output that is no JSON: " + err.Error())
		}
		s.result.Output = output
	case flow.Fail:
		s.result.Status = Failed
		if execution.IsTimedOut(end.Failure.Code, end.Failure.Message) {
			s.result.Status = TimedOut
		}
		s.result.Error, s.result.Cause = end.Failure.Code, end.Failure.Message
	}
	return s.result, nil
}
