package execution

import (
	"fmt"

	"tutti/internal/stepfunctions/definition"
)

// The error names that the language reserves.
const (
	All                    = "States.ALL"
	BranchFailed           = "States.BranchFailed"
	DataLimitExceeded      = "States.DataLimitExceeded"
	ExceedToleratedFailure = "States.ExceedToleratedFailureThreshold"
	HeartbeatTimeout       = "States.HeartbeatTimeout"
	ItemReaderFailed       = "States.ItemReaderFailed"
	NoChoiceMatched        = "States.NoChoiceMatched"
	ResultWriterFailed     = "States.ResultWriterFailed"
	Runtime                = "States.Runtime"
	TaskFailed             = "States.TaskFailed"
	Timeout                = "States.Timeout"
	queryEvaluationError   = "States.QueryEvaluationError"
)

// failure is why a state did not succeed.
type failure struct {
	name, cause string
	// branch says that it came from inside a Parallel or Map, so that
	// States.BranchFailed names it too.
	branch bool
	// evaluation says that an expression of the state itself failed.
	evaluation bool
}

// matches reports whether a Retry or Catch that names these errors applies.
//
// States.TaskFailed stands for every error but timeouts. States.ALL and
// States.TaskFailed stand for neither States.Runtime nor States.DataLimitExceeded,
// which nothing but their own name catches.
func (f failure) matches(names []string) bool {
	for _, n := range names {
		switch {
		case n == f.name:
			return true
		case f.name == Runtime || f.name == DataLimitExceeded:
		case n == All:
			return true
		case n == TaskFailed && f.name != Timeout && f.name != HeartbeatTimeout:
			return true
		case n == Timeout && f.name == HeartbeatTimeout:
			return true
		case n == BranchFailed && f.branch:
			return true
		}
	}
	return false
}

// Matches reports whether a Retry or Catch that names these errors applies to a failure
// of a state; branch says that it came from inside a Parallel or Map.
func Matches(names []string, failed string, branch bool) bool {
	return failure{name: failed, branch: branch}.matches(names)
}

// retrier gives the index of the first retrier for this failure; -1 is none.
// States.Runtime is never tried again.
func (f failure) retrier(all []definition.Retrier) int {
	if f.name == Runtime {
		return -1
	}
	for i, r := range all {
		if f.matches(r.ErrorEquals) {
			return i
		}
	}
	return -1
}

// catcher gives the first catcher for this failure.
func (f failure) catcher(all []definition.Catcher) *definition.Catcher {
	for i, c := range all {
		if f.matches(c.ErrorEquals) {
			return &all[i]
		}
	}
	return nil
}

// in says where a failed evaluation happened, in the service's words.
func (f failure) in(state *frame) failure {
	if f.evaluation {
		f.cause = fmt.Sprintf("An error occurred while executing the state '%s' (entered at the event id #%d). %s", state.state.Name, state.enteredID, f.cause)
		f.evaluation = false
	}
	return f
}
