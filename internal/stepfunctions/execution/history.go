package execution

import (
	"encoding/json"
	"strings"
	"time"

	"tutti/internal/flow"
	"tutti/internal/stepfunctions/data"
)

// HistoryEvent is one event of an execution's history, as GetExecutionHistory shows
// it.
type HistoryEvent struct {
	// Execution is the ARN of the execution that the event is of: a map run has many.
	Execution string
	// ID numbers an execution's events from 1; PreviousID is the event before it in
	// the same branch or iteration, 0 for the first.
	ID, PreviousID int64
	Time           time.Time
	// Type is such as TaskStateEntered.
	Type string
	// Details are the event's details; nil where the type has none. DetailsKey is the
	// member of the API's event that holds them.
	DetailsKey string
	Details    *data.Object
}

// history numbers one execution's events.
type history struct {
	count int64
	full  bool
}

// chronicle tells the history to whoever listens.
type chronicle struct{ observer func(HistoryEvent) }

// Observe has the machine tell each event of the history, in order, from the next
// flow.Event on. A replay of the journal through a fresh machine tells all of them.
func (m *Machine) Observe(observer func(HistoryEvent)) { m.observer = observer }

// note counts an event; its details are made only when somebody listens.
func (m *Machine) note(s *scope, kind string, details func() *data.Object) {
	s.history.count++
	previous := s.previous
	s.previous = s.history.count
	if m.observer == nil {
		return
	}
	e := HistoryEvent{Execution: s.who.arn, ID: s.history.count, PreviousID: previous, Time: m.now, Type: kind}
	if details != nil {
		e.Details, e.DetailsKey = details(), detailsKey(kind)
	}
	m.observer(e)
}

// detailsKey is the name of the details' member for an event type.
func detailsKey(kind string) string {
	switch {
	case strings.HasSuffix(kind, "StateEntered"):
		return "stateEnteredEventDetails"
	case strings.HasSuffix(kind, "StateExited"):
		return "stateExitedEventDetails"
	}
	return strings.ToLower(kind[:1]) + kind[1:] + "EventDetails"
}

func truncated() *data.Object { return data.ObjectOf(data.Member{Key: "truncated", Value: false}) }

// payload is a field that holds JSON as text, with its details.
func payload(field string, v any) *data.Object {
	return data.ObjectOf(data.Member{Key: field, Value: string(data.Encode(v))}, data.Member{Key: field + "Details", Value: truncated()})
}

// failed gives the details of a failure; empty fields are left out.
func failed(name, cause string) func() *data.Object {
	return func() *data.Object {
		o := data.NewObject(2)
		if name != "" {
			o.Set("error", name)
		}
		if cause != "" {
			o.Set("cause", cause)
		}
		return o
	}
}

func (m *Machine) noteStarted(s *scope, input any) {
	m.note(s, "ExecutionStarted", func() *data.Object {
		o := payload("input", input)
		if role := m.start.Execution.RoleARN; role != "" {
			o.Set("roleArn", role)
		}
		return o
	})
}

func (m *Machine) noteAborted(s *scope, name, cause string) {
	m.note(s, "ExecutionAborted", failed(name, cause))
}

func (m *Machine) noteEntered(f *frame) {
	m.note(f.scope, string(f.state.Type)+"StateEntered", func() *data.Object {
		o := data.ObjectOf(data.Member{Key: "name", Value: f.state.Name})
		for _, mem := range payload("input", f.input).Members() {
			o.Set(mem.Key, mem.Value)
		}
		return o
	})
}

func (m *Machine) noteExited(f *frame, output any, assigned *data.Object) {
	m.note(f.scope, string(f.state.Type)+"StateExited", func() *data.Object {
		o := data.ObjectOf(data.Member{Key: "name", Value: f.state.Name})
		for _, mem := range payload("output", output).Members() {
			o.Set(mem.Key, mem.Value)
		}
		if assigned.Len() > 0 {
			values := data.NewObject(assigned.Len())
			for _, v := range assigned.Members() {
				values.Set(v.Key, string(data.Encode(v.Value)))
			}
			o.Set("assignedVariables", values)
			o.Set("assignedVariablesDetails", truncated())
		}
		return o
	})
}

func (m *Machine) noteEvaluationFailed(f *frame, why failure) {
	m.note(f.scope, "EvaluationFailed", func() *data.Object {
		o := failed(why.name, why.cause)()
		o.Set("state", f.state.Name)
		return o
	})
}

// noteStateAborted is told of the states that the service has such an event for.
func (m *Machine) noteStateAborted(s *scope, f *frame) {
	switch f.state.Type {
	case "Task", "Wait", "Parallel", "Map":
		m.note(s, string(f.state.Type)+"StateAborted", nil)
	}
	if s.owner != nil && s.owner.group != nil && s.owner.group.items != nil && !s.owner.isMapRun() {
		m.noteIteration(s, "MapIterationAborted")
	}
}

// noteGroupFailed is told before a Parallel's or Map's failure is handled.
func (m *Machine) noteGroupFailed(f *frame) {
	if f.group != nil && f.group.mapRun == 0 {
		m.note(f.scope, string(f.state.Type)+"StateFailed", nil)
	}
}

func (m *Machine) noteIteration(s *scope, kind string) {
	m.note(s, kind, func() *data.Object {
		return data.ObjectOf(data.Member{Key: "name", Value: s.owner.state.Name}, data.Member{Key: "index", Value: float64(s.index)})
	})
}

// taskNote is an event of a Task: Lambda functions and activities have types of
// their own, without the resource.
func (m *Machine) taskNote(f *frame, kind string, details func(o *data.Object)) {
	t := f.call.target
	prefix := "Task"
	switch {
	case t.lambda:
		prefix = "LambdaFunction"
	case t.pattern == activityWorker:
		prefix = "Activity"
	}
	m.note(f.scope, prefix+kind, func() *data.Object {
		o := data.NewObject(6)
		if prefix == "Task" {
			o.Set("resourceType", t.service)
			o.Set("resource", t.action)
		}
		if details != nil {
			details(o)
		}
		return o
	})
}

func (m *Machine) noteScheduled(f *frame) {
	c := f.call
	m.taskNote(f, "Scheduled", func(o *data.Object) {
		if c.target.lambda || c.target.pattern == activityWorker {
			o.Set("resource", c.call.Resource)
			o.Set("input", string(c.call.Arguments))
			o.Set("inputDetails", truncated())
		} else {
			o.Set("region", region(c.call.Resource))
			o.Set("parameters", string(c.call.Arguments))
		}
		if c.call.TimeoutSeconds > 0 {
			o.Set("timeoutInSeconds", float64(c.call.TimeoutSeconds))
		}
		if c.heartbeatSeconds > 0 && !c.target.lambda {
			o.Set("heartbeatInSeconds", float64(c.heartbeatSeconds))
		}
		if c.call.RoleARN != "" {
			o.Set("taskCredentials", data.ObjectOf(data.Member{Key: "roleArn", Value: c.call.RoleARN}))
		}
	})
}

// region is the one that a resource names, or the default of local endpoints.
func region(resource string) string {
	if parts := strings.SplitN(resource, ":", 5); len(parts) == 5 && parts[3] != "" {
		return parts[3]
	}
	return "us-east-1"
}

func (m *Machine) noteTaskStarted(f *frame) {
	if f.call.target.lambda {
		m.note(f.scope, "LambdaFunctionStarted", nil)
		return
	}
	m.taskNote(f, "Started", nil)
}

func (m *Machine) noteActivityStarted(f *frame, output json.RawMessage) {
	var taken struct{ WorkerName string }
	_ = json.Unmarshal(output, &taken) // a worker need not have a name
	m.taskNote(f, "Started", func(o *data.Object) {
		if taken.WorkerName != "" {
			o.Set("workerName", taken.WorkerName)
		}
	})
}

func (m *Machine) noteSubmitted(f *frame, output json.RawMessage) {
	m.taskNote(f, "Submitted", func(o *data.Object) {
		o.Set("output", string(output))
		o.Set("outputDetails", truncated())
	})
}

func (m *Machine) noteSucceeded(f *frame, result any) {
	m.taskNote(f, "Succeeded", func(o *data.Object) {
		for _, mem := range payload("output", result).Members() {
			o.Set(mem.Key, mem.Value)
		}
	})
}

func (m *Machine) noteTaskFailed(f *frame, why failure) {
	m.taskNote(f, "Failed", func(o *data.Object) {
		for _, mem := range failed(why.name, why.cause)().Members() {
			o.Set(mem.Key, mem.Value)
		}
	})
}

func (m *Machine) noteTimedOut(f *frame, why failure) {
	m.taskNote(f, "TimedOut", func(o *data.Object) {
		for _, mem := range failed(why.name, why.cause)().Members() {
			o.Set(mem.Key, mem.Value)
		}
	})
}

// noteMapRun is an event of a distributed Map's run.
func (m *Machine) noteMapRun(f *frame, kind string, why *flow.Failure) {
	m.note(f.scope, kind, func() *data.Object {
		o := data.NewObject(3)
		if kind == "MapRunStarted" || kind == "MapRunRedriven" {
			o.Set("mapRunArn", f.group.arn)
		}
		if kind == "MapRunRedriven" {
			o.Set("redriveCount", float64(m.redrives))
		}
		if why != nil {
			for _, mem := range failed(why.Code, why.Message)().Members() {
				o.Set(mem.Key, mem.Value)
			}
		}
		return o
	})
}
