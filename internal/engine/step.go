package engine

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"tutti/internal/diag"
	"tutti/internal/executor"
	"tutti/internal/secret"
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/store"
)

// Step is one entering of a state, with all its attempts.
type Step struct {
	// State is the state's name, Type such as Task.
	State, Type string
	// Depth is 0 for states of the outermost level, 1 for those of its branches and
	// iterations, and so on.
	Depth int
	// Began and Ended are zero when it has not.
	Began, Ended time.Time
	// Attempts counts the calls of a Task's resource.
	Attempts int
	// Error and Cause are those of the last failure, also when the state went on after
	// it. Failed means that the state ended by it.
	Error, Cause string
	Failed       bool

	parent *Step
}

// Open reports whether the state is being carried out, or waits.
func (s *Step) Open() bool { return s.Ended.IsZero() }

// Steps makes steps of a history's events. The zero value is ready.
type Steps struct {
	list []*Step
	// of is the step that an event belongs to, by the event's number.
	of map[int64]*Step
}

// List gives the steps in the order in which the states were entered.
func (s *Steps) List() []*Step { return s.list }

// Add takes the next event.
func (s *Steps) Add(e execution.HistoryEvent) {
	if s.of == nil {
		s.of = map[int64]*Step{}
	}
	before := s.of[e.PreviousID]
	if state, ok := strings.CutSuffix(e.Type, "StateEntered"); ok {
		name, _ := text(e.Details, "name")
		step := &Step{State: name, Type: state, Began: e.Time, parent: before}
		if before != nil && !before.Open() {
			step.parent = before.parent
		}
		if step.parent != nil {
			step.Depth = step.parent.Depth + 1
		}
		s.list, s.of[e.ID] = append(s.list, step), step
		return
	}
	if strings.HasSuffix(e.Type, "StateExited") {
		// It follows what was last in the state, which need not be the state's own event.
		if name, _ := text(e.Details, "name"); before != nil {
			before = before.around(name)
		}
	}
	if before != nil {
		s.of[e.ID] = before
		before.take(e)
	}
	s.over(e)
}

// around gives the step of this state that a step is, or lies in.
func (s *Step) around(name string) *Step {
	for x := s; x != nil; x = x.parent {
		if x.State == name {
			return x
		}
	}
	return s
}

// take notes what an event says of its state.
func (s *Step) take(e execution.HistoryEvent) {
	switch {
	case strings.HasSuffix(e.Type, "StateExited"):
		if s.Open() {
			s.Ended = e.Time
		}
	case strings.HasSuffix(e.Type, "StateAborted"):
		s.fail(e, "Aborted", "")
	case strings.HasSuffix(e.Type, "Scheduled"):
		s.Attempts++
	case strings.HasPrefix(e.Type, "Execution"):
	case strings.HasSuffix(e.Type, "TimedOut"), strings.HasSuffix(e.Type, "Failed"):
		if name, _ := text(e.Details, "error"); name != "" {
			s.Error = name
			s.Cause, _ = text(e.Details, "cause")
		} else if strings.HasSuffix(e.Type, "TimedOut") {
			s.Error, s.Cause = "States.Timeout", ""
		}
	}
}

func (s *Step) fail(e execution.HistoryEvent, name, cause string) {
	s.Ended, s.Failed = e.Time, true
	if s.Error == "" {
		s.Error, s.Cause = name, cause
	}
}

// over ends what is open when the execution has.
func (s *Steps) over(e execution.HistoryEvent) {
	switch e.Type {
	case "ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted":
	default:
		return
	}
	name, _ := text(e.Details, "error")
	cause, _ := text(e.Details, "cause")
	if name == "" {
		name = strings.TrimPrefix(e.Type, "Execution")
	}
	for _, step := range s.list {
		if step.Open() {
			step.fail(e, name, cause)
		}
	}
}

// ExecutionHistory is what became of an execution.
type ExecutionHistory struct {
	Run   *store.Run
	ARN   string
	Steps []*Step
	// Events are there when they were asked for.
	Events []execution.HistoryEvent
	// secrets are what was sensitive when the execution was begun.
	secrets []string
}

// Masker hides in views what was sensitive when the execution was begun.
func (h *ExecutionHistory) Masker() *secret.Masker {
	m := &secret.Masker{}
	m.Add(h.secrets...)
	return m
}

// ExecutionHistory replays an execution's journal.
func (e *Engine) ExecutionHistory(ctx context.Context, id store.RunID, events bool) (*ExecutionHistory, diag.List) {
	x, d := e.Execution(ctx, id)
	if d.HasErrors() {
		return nil, d
	}
	out := &ExecutionHistory{Run: x.Run, ARN: x.ARN}
	p, err := e.particularsOf(ctx, *x.Run)
	if err != nil {
		return nil, storeDiag(err)
	}
	out.secrets = p.Secrets
	var steps Steps
	_, err = e.Executor().Replay(ctx, *x.Run, func(h execution.HistoryEvent) {
		if h.Execution != x.ARN {
			return
		}
		steps.Add(h)
		if events {
			out.Events = append(out.Events, h)
		}
	})
	out.Steps = steps.List()
	return out, diag.FromError("History cannot be read", err)
}

// Children gives the runs that were begun as children of another, by their numbers.
func (e *Engine) Children(ctx context.Context, parent store.RunID) ([]store.Run, diag.List) {
	list, err := e.store.Find(ctx, store.RunFilter{Parent: parent})
	if err != nil {
		return nil, storeDiag(err)
	}
	var out []store.Run
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].Child != 0 && executor.Makes(list[i].Machine) {
			out = append(out, list[i])
		}
	}
	return out, nil
}

// EventJSON gives an event as GetExecutionHistory does, without what was sensitive when
// the execution was begun.
func (h *ExecutionHistory) EventJSON(e execution.HistoryEvent) json.RawMessage {
	o := data.ObjectOf(data.Member{Key: "timestamp", Value: e.Time.UTC().Format(time.RFC3339Nano)}, data.Member{Key: "type", Value: e.Type},
		data.Member{Key: "id", Value: float64(e.ID)}, data.Member{Key: "previousEventId", Value: float64(e.PreviousID)})
	if e.Details != nil {
		o.Set(e.DetailsKey, e.Details)
	}
	return json.RawMessage(h.Masker().String(string(data.Encode(o))))
}

// Masker hides what was sensitive when a run's execution was begun; of any other run
// it hides nothing, for its journal holds no secrets.
func (e *Engine) Masker(ctx context.Context, r *store.Run) (*secret.Masker, error) {
	m := &secret.Masker{}
	list := []store.Run{*r}
	if !executor.Makes(r.Machine) {
		var d diag.List
		if list, d = e.Children(ctx, r.ID); d.HasErrors() {
			return nil, d.Err()
		}
	}
	for _, x := range list {
		p, err := e.particularsOf(ctx, x)
		if err != nil {
			return nil, err
		}
		m.Add(p.Secrets...)
	}
	return m, nil
}
