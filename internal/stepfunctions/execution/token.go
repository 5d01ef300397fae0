package execution

import (
	"encoding/json"

	"tutti/internal/flow"
)

// TokenState tells what became of a task token.
type TokenState uint8

// The states of a token.
const (
	TokenUnknown  TokenState = iota // never given out, or answered already
	TokenOpen                       // the task waits for its answer
	TokenTimedOut                   // the task timed out
)

// Token tells what became of a task token, for TaskDoesNotExist and TaskTimedOut.
func (m *Machine) Token(token string) TokenState {
	switch {
	case m.tokens[token] != nil:
		return TokenOpen
	case m.gone[token]:
		return TokenTimedOut
	}
	return TokenUnknown
}

func (m *Machine) signaled(s flow.Signaled) {
	switch s.Name {
	case flow.SignalResume:
		m.repay()
		m.resume()
	case flow.SignalInDoubt:
		m.doubt(s.Payload)
	case SignalTask:
		var t TaskSignal
		if json.Unmarshal(s.Payload, &t) == nil {
			m.taskAnswered(t)
		}
	case flow.SignalRedrive:
		m.redrive()
	case SignalMapRun:
		var b MapRunBounds
		if m.start.MapRun != nil && json.Unmarshal(s.Payload, &b) == nil {
			m.rebound(b)
		}
	}
}

// taskAnswered takes a callback; one for a token that is not open is dropped, for
// the answer may come twice.
func (m *Machine) taskAnswered(t TaskSignal) {
	f := m.tokens[t.Token]
	if f == nil {
		return
	}
	switch t.Kind {
	case "heartbeat":
		m.beat(f)
	case "success":
		m.taskSucceeded(f, t.Output)
	case "failure":
		m.taskFailed(f, failure{name: t.Error, cause: t.Cause})
	}
}
