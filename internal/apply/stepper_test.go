package apply_test

import (
	"encoding/json"
	"fmt"

	"tutti/internal/flow"
)

// activityStep is what a stepper asks for.
const activityStep = "step"

// codeCutOff is the failure of a stepper whose step may or may not have been done.
const codeCutOff = "CutOff"

// stepper is a small child machine: one activity, which can be paused and taken up
// again.
type stepper struct {
	Input json.RawMessage `json:"input"`
	// Out is the number of the activity that is out; 0 is none.
	Out  flow.ID `json:"out"`
	Last flow.ID `json:"last"`
	Stop bool    `json:"stop"`
	Over bool    `json:"over"`
}

var _ flow.Restorer = (*stepper)(nil)

func (s *stepper) Handle(e flow.Event) []flow.Command {
	if s.Over {
		return nil
	}
	switch e := e.(type) {
	case flow.Started:
		s.Input = e.Input
		return s.send()
	case flow.ActivityDone:
		if e.ID == s.Out {
			s.Over = true
			return []flow.Command{flow.Complete{Output: json.RawMessage("{}")}}
		}
	case flow.ActivityFailed:
		if e.ID == s.Out {
			return s.failed(e.Failure)
		}
	case flow.CancelRequested:
		s.Stop = true
		if s.Out == 0 {
			return []flow.Command{flow.Fail{Failure: flow.Failure{Kind: flow.Cancelled, Message: "paused"}}}
		}
	case flow.Signaled:
		if e.Name == flow.SignalResume {
			s.Stop = false
			if s.Out == 0 {
				return s.send()
			}
		}
	case flow.TimerFired, flow.ChildDone:
	default:
		panic(fmt.Sprintf("%T", e))
	}
	return nil
}

func (s *stepper) send() []flow.Command {
	var in struct{ Idempotent bool }
	if err := json.Unmarshal(s.Input, &in); err != nil {
		panic(err)
	}
	s.Last++
	s.Out = s.Last
	return []flow.Command{flow.Do{ID: s.Out, Activity: activityStep, Input: s.Input, Idempotent: in.Idempotent}}
}

// failed tells what was cut off from what was done and failed.
func (s *stepper) failed(f flow.Failure) []flow.Command {
	var in struct{ Idempotent bool }
	if err := json.Unmarshal(s.Input, &in); err != nil {
		panic(err)
	}
	s.Out = 0
	switch {
	case f.Kind != flow.Cancelled:
	case in.Idempotent || f.Code == flow.CodeNotStarted:
		if s.Stop {
			return []flow.Command{flow.Fail{Failure: flow.Failure{Kind: flow.Cancelled, Message: "paused"}}}
		}
		return s.send()
	default:
		f = flow.Failure{Kind: flow.Terminal, Code: codeCutOff, Message: "nobody knows how far it got"}
	}
	s.Over = true
	return []flow.Command{flow.Fail{Failure: f}}
}

func (s *stepper) Snapshot() ([]byte, error) { return json.Marshal(s) }

func (s *stepper) Restore(data []byte) error { return json.Unmarshal(data, s) }
