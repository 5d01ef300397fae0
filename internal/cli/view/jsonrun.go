package view

import (
	"io"
	"time"

	"tutti/internal/apply"
	"tutti/internal/engine"
	"tutti/internal/flow"
	"tutti/internal/object"
	"tutti/internal/store"
)

// runFormat is the version of the JSON forms of runs and of the graph, which are
// tutti's own.
const runFormat = "1.0"

type runJSON struct {
	Run     int64      `json:"run"`
	Parent  int64      `json:"parent,omitempty"`
	Status  string     `json:"status"`
	Command string     `json:"command"`
	User    string     `json:"user"`
	Host    string     `json:"host"`
	Started time.Time  `json:"started"`
	Ended   *time.Time `json:"ended,omitempty"`
	Message string     `json:"message,omitempty"`
	// Owner is what the run is one of; Name is its name there.
	Owner  string        `json:"owner,omitempty"`
	Name   string        `json:"name,omitempty"`
	Steps  []stepJSON    `json:"steps,omitempty"`
	States []enteredJSON `json:"states,omitempty"` // of an execution
}

type stepJSON struct {
	Step    int        `json:"step"`
	Status  string     `json:"status"`
	Action  string     `json:"action"`
	Address string     `json:"address"`
	Deposed string     `json:"deposed,omitempty"`
	Started *time.Time `json:"started,omitempty"`
	Ended   *time.Time `json:"ended,omitempty"`
	Error   string     `json:"error,omitempty"`
	Because int        `json:"because,omitempty"` // the step that failed
	// Run is the execution that carried the step out, with its states.
	Run    int64         `json:"run,omitempty"`
	States []enteredJSON `json:"states,omitempty"`
}

type enteredJSON struct {
	State    string     `json:"state"`
	Type     string     `json:"type"`
	Depth    int        `json:"depth,omitempty"`
	Started  time.Time  `json:"started"`
	Ended    *time.Time `json:"ended,omitempty"`
	Attempts int        `json:"attempts,omitempty"`
	Failed   bool       `json:"failed,omitempty"`
	Error    string     `json:"error,omitempty"`
	Cause    string     `json:"cause,omitempty"`
}

// newStatesJSON hides what was secret when the execution was begun.
func newStatesJSON(h *engine.ExecutionHistory) []enteredJSON {
	if h == nil {
		return nil
	}
	m := h.Masker()
	var out []enteredJSON
	for _, x := range h.Steps {
		out = append(out, enteredJSON{State: x.State, Type: x.Type, Depth: x.Depth, Started: x.Began, Ended: known(x.Ended), Attempts: x.Attempts,
			Failed: x.Failed, Error: m.String(x.Error), Cause: m.String(x.Cause)})
	}
	return out
}

// JSONRuns writes a list of runs.
func JSONRuns(w io.Writer, runs []store.Run) error {
	out := struct {
		Format string    `json:"format_version"`
		Runs   []runJSON `json:"runs"`
	}{runFormat, []runJSON{}}
	for i := range runs {
		out.Runs = append(out.Runs, newRunJSON(&runs[i]))
	}
	return encode(w, out)
}

// JSONRun writes one run with its steps, and the states of the executions among them:
// by their numbers as children, 0 for the run itself.
func JSONRun(w io.Writer, r *store.Run, rep apply.Report, states map[flow.ID]*engine.ExecutionHistory) error {
	out := struct {
		Format string `json:"format_version"`
		runJSON
	}{runFormat, newRunJSON(r)}
	out.States = newStatesJSON(states[0])
	for i := range rep.Actions {
		x := &rep.Actions[i]
		if x.Action.Verb == object.Join {
			continue
		}
		step := stepJSON{Step: x.ID, Status: string(x.Status), Action: x.Action.Verb.String(), Address: x.Action.Addr.String(), Deposed: x.Action.Deposed,
			Started: known(x.Started), Ended: known(x.Ended), Because: x.Because}
		if x.Failure != nil {
			step.Error = x.Failure.Message
		}
		if h := states[x.Child]; x.Child != 0 && h != nil {
			step.Run, step.States = int64(h.Run.ID), newStatesJSON(h)
		}
		out.Steps = append(out.Steps, step)
	}
	return encode(w, out)
}

func newRunJSON(r *store.Run) runJSON {
	return runJSON{Run: int64(r.ID), Parent: int64(r.Parent), Status: string(r.Status), Command: r.Command, User: r.User, Host: r.Host,
		Started: r.Created, Ended: known(r.Ended), Message: r.Message, Owner: r.Owner, Name: r.Name}
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
