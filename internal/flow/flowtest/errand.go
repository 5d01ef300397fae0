package flowtest

import (
	"encoding/json"
	"fmt"
	"time"

	"tutti/internal/flow"
)

// ErrandMachine is the name under which an errand starts its children.
const ErrandMachine = "errand"

// ErrandInput says what an errand does, in this order: activities one after the
// other, children all at once, a timer, waiting for a signal; then it completes
// with an ErrandOutput, or fails.
type ErrandInput struct {
	// Name is that of the errand; its children's are Name/0, Name/1 and so on, and
	// Name/0~2 when the first is started for the second time.
	Name       string        `json:"name"`
	Do         int           `json:"do,omitempty"`
	Idempotent bool          `json:"idempotent,omitempty"`
	Children   []ErrandInput `json:"children,omitempty"`
	Wait       time.Duration `json:"wait,omitempty"`
	Signal     string        `json:"signal,omitempty"`
	// Fail is the code with which it fails in the end, instead of completing.
	Fail string `json:"fail,omitempty"`
}

// ErrandActivity is the input of an errand's activity, and the name of what it does.
type ErrandActivity struct {
	Name string `json:"name"`
	N    int    `json:"n"`
}

// ErrandOutput counts the activities of an errand and its children.
type ErrandOutput struct {
	Done int `json:"done"`
}

// Errand is a machine that uses all that the contract has: what runtimes and the
// simulator are tried with. One that was cancelled asks all that is out to stop,
// waits for it, and can be taken up again; so can one that failed, by a redrive.
type Errand struct{ s errand }

// errand is the state of the machine, and its snapshot.
type errand struct {
	Input ErrandInput
	Next  flow.ID
	Done  int // activities of its own
	// Activity, Timer are what is out; 0 for nothing.
	Activity, Timer flow.ID
	// Out are the children that are out, by their index from 0, and Totals what those
	// that are done have done; below 0 for the others.
	Out      map[int]flow.ID
	Totals   []int
	Attempts []int
	Waited   bool // for the timer
	Told     bool // by the signal
	// Stopping is set by a cancel, and Failure by what failed; both end the errand when
	// nothing is out.
	Stopping bool
	Failure  *flow.Failure
	Ended    bool
}

var _ flow.Restorer = (*Errand)(nil)

// NewErrand gives an errand that has not started.
func NewErrand() *Errand { return &Errand{} }

// Snapshot implements flow.Machine.
func (m *Errand) Snapshot() ([]byte, error) { return json.Marshal(m.s) }

// Restore implements flow.Restorer.
func (m *Errand) Restore(snapshot []byte) error {
	var s errand
	if err := json.Unmarshal(snapshot, &s); err != nil {
		return fmt.Errorf("read the snapshot of an errand: %w", err)
	}
	m.s = s
	return nil
}

// Handle implements flow.Machine.
func (m *Errand) Handle(e flow.Event) []flow.Command {
	s := &m.s
	switch e := e.(type) {
	case flow.Started:
		if err := json.Unmarshal(e.Input, &s.Input); err != nil {
			s.Failure = &flow.Failure{Kind: flow.Terminal, Code: "Input", Message: err.Error()}
		}
		s.Totals, s.Attempts = make([]int, len(s.Input.Children)), make([]int, len(s.Input.Children))
		for i := range s.Totals {
			s.Totals[i] = -1
		}
	case flow.ActivityDone:
		s.Activity = 0
		s.Done++
	case flow.ActivityFailed:
		s.Activity = 0
		if e.Failure.Kind == flow.Cancelled && e.Failure.Code != flow.CodeNotStarted && !s.Input.Idempotent {
			// Nobody knows how far it got, so it must not be done again.
			e.Failure = flow.Failure{Kind: flow.Terminal, Code: "CutOff", Message: e.Failure.Message}
		}
		s.failed(e.Failure)
	case flow.ChildDone:
		s.childDone(e)
	case flow.TimerFired:
		s.Timer, s.Waited = 0, true
	case flow.Signaled:
		s.signaled(e)
	case flow.CancelRequested:
		if s.Stopping || s.Ended {
			return nil
		}
		s.Stopping = true
		return append(s.callOff(), s.advance(e.When())...)
	}
	var out []flow.Command
	if s.Failure != nil {
		out = s.callOff()
	}
	return append(out, s.advance(e.When())...)
}

func (s *errand) failed(f flow.Failure) {
	if f.Kind != flow.Cancelled && s.Failure == nil {
		s.Failure = &f
	}
}

func (s *errand) childDone(e flow.ChildDone) {
	for i, id := range s.Out {
		if id != e.ID {
			continue
		}
		delete(s.Out, i)
		if e.Failure != nil {
			s.failed(*e.Failure)
			return
		}
		var o ErrandOutput
		if err := json.Unmarshal(e.Output, &o); err != nil {
			s.failed(flow.Failure{Kind: flow.Terminal, Code: "Output", Message: err.Error()})
			return
		}
		s.Totals[i] = o.Done
		return
	}
}

func (s *errand) signaled(e flow.Signaled) {
	switch {
	case e.Name == s.Input.Signal && !s.Ended:
		s.Told = true
	case e.Name == flow.SignalResume && s.Stopping && s.Failure == nil:
		s.Stopping, s.Ended = false, false
	case e.Name == flow.SignalRedrive && s.Ended && (s.Stopping || s.Failure != nil):
		s.Stopping, s.Ended, s.Failure, s.Input.Fail = false, false, nil, ""
	}
}

// callOff asks all that is out to stop.
func (s *errand) callOff() []flow.Command {
	var out []flow.Command
	if s.Activity != 0 {
		out = append(out, flow.CancelActivity{ID: s.Activity})
	}
	for i := range s.Totals {
		if id, ok := s.Out[i]; ok {
			out = append(out, flow.CancelChild{ID: id})
		}
	}
	if s.Timer != 0 {
		out = append(out, flow.CancelTimer{ID: s.Timer})
		s.Timer = 0
	}
	return out
}

// advance goes as far as it can.
func (s *errand) advance(now time.Time) []flow.Command {
	switch {
	case s.Ended || s.Activity != 0 || s.Timer != 0:
		return nil
	case s.Stopping || s.Failure != nil:
		if len(s.Out) > 0 {
			return nil
		}
		s.Ended = true
		if s.Failure != nil {
			return []flow.Command{flow.Fail{Failure: *s.Failure}}
		}
		return []flow.Command{flow.Fail{Failure: flow.Failure{Kind: flow.Cancelled, Code: "Stopped", Message: "it was stopped"}}}
	case s.Done < s.Input.Do:
		s.Activity = s.id()
		return []flow.Command{flow.Do{ID: s.Activity, Activity: "errand", Idempotent: s.Input.Idempotent,
			Input: mustJSON(ErrandActivity{Name: s.Input.Name, N: s.Done})}}
	}
	if out := s.startChildren(); len(s.Out) > 0 {
		return out
	}
	if s.Input.Wait > 0 && !s.Waited {
		s.Timer = s.id()
		return []flow.Command{flow.SetTimer{ID: s.Timer, At: now.Add(s.Input.Wait)}}
	}
	if s.Input.Signal != "" && !s.Told {
		return nil
	}
	return s.end()
}

// startChildren starts the children that are neither out nor done.
func (s *errand) startChildren() []flow.Command {
	var out []flow.Command
	for i, total := range s.Totals {
		if _, is := s.Out[i]; is || total >= 0 {
			continue
		}
		if s.Out == nil {
			s.Out = map[int]flow.ID{}
		}
		s.Out[i] = s.id()
		child := s.Input.Children[i]
		child.Name = fmt.Sprintf("%s/%d", s.Input.Name, i)
		if s.Attempts[i]++; s.Attempts[i] > 1 {
			child.Name += fmt.Sprintf("~%d", s.Attempts[i])
		}
		out = append(out, flow.StartChild{ID: s.Out[i], Machine: ErrandMachine, Input: mustJSON(child)})
	}
	return out
}

func (s *errand) end() []flow.Command {
	s.Ended = true
	if s.Input.Fail != "" {
		s.Failure = &flow.Failure{Kind: flow.Terminal, Code: s.Input.Fail, Message: "as was wished"}
		return []flow.Command{flow.Fail{Failure: *s.Failure}}
	}
	total := s.Done
	for _, n := range s.Totals {
		total += n
	}
	return []flow.Command{flow.Complete{Output: mustJSON(ErrandOutput{Done: total})}}
}

func (s *errand) id() flow.ID {
	s.Next++
	return s.Next
}

func mustJSON(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic("flowtest: invariant broken: an errand's own form is JSON: " + err.Error())
	}
	return data
}
