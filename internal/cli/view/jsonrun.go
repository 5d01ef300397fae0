package view

import (
	"io"
	"time"

	"tutti/internal/apply"
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
	Steps   []stepJSON `json:"steps,omitempty"`
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

// JSONRun writes one run with its steps.
func JSONRun(w io.Writer, r *store.Run, rep apply.Report) error {
	out := struct {
		Format string `json:"format_version"`
		runJSON
	}{runFormat, newRunJSON(r)}
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
		out.Steps = append(out.Steps, step)
	}
	return encode(w, out)
}

func newRunJSON(r *store.Run) runJSON {
	return runJSON{Run: int64(r.ID), Parent: int64(r.Parent), Status: string(r.Status), Command: r.Command, User: r.User, Host: r.Host,
		Started: r.Created, Ended: known(r.Ended), Message: r.Message}
}

func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
