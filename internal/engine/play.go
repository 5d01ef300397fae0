package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tutti/internal/ansible/play"
	"tutti/internal/ansible/session"
	"tutti/internal/ansible/worker"
	"tutti/internal/diag"
	"tutti/internal/executor"
	"tutti/internal/flow"
	"tutti/internal/runtime/local"
	"tutti/internal/store"
)

// PlayOptions say how a play is carried out and watched.
type PlayOptions struct {
	// Note is told what happens, in order.
	Note func(n play.Note, at time.Time)
	// Log is told lines that tasks print while they run; it may be nil.
	Log func(line string)
	// Cancel is closed, or sent to, to stop in order.
	Cancel <-chan struct{}
	// InDoubt decides about tasks that were cut off; nil leaves them.
	InDoubt func(ctx context.Context, doubts []local.Doubt) map[flow.ID]local.Decision
	// Request is what a session of a resumed play is made of: prompts, warnings.
	Request session.Request
}

// Play carries a play out in a run of its own. The run is there, and can be resumed, as soon
// as anything was done.
func (e *Engine) Play(ctx context.Context, s *session.Session, o PlayOptions) (store.RunID, local.Result, diag.List) {
	input, err := json.Marshal(s.Input)
	if err != nil {
		return 0, local.Result{}, storeDiag(fmt.Errorf("keep the input of a play: %w", err))
	}
	person, host := holder()
	owner := ""
	if len(s.Input.Playbooks) > 0 {
		owner = s.Input.Playbooks[0]
	}
	id, err := e.store.Begin(ctx, store.Run{Machine: play.MachinePlay, Command: e.o.Command, User: person, Host: host, Owner: owner, Input: input}, nil)
	if err != nil {
		return 0, local.Result{}, storeDiag(err)
	}
	res, err := e.carryPlay(ctx, id, input, s.Worker, false, o)
	if err != nil {
		return id, res, storeDiag(err)
	}
	return id, res, nil
}

// ResumePlay goes on with a play that was cut off or stopped.
func (e *Engine) ResumePlay(ctx context.Context, r *store.Run, o PlayOptions) (local.Result, diag.List) {
	var in play.Input
	if err := json.Unmarshal(r.Input, &in); err != nil {
		return local.Result{}, storeDiag(fmt.Errorf("%w: the input of run %d: %w", store.ErrCorrupt, r.ID, err))
	}
	w, pool := session.Worker(o.Request, in)
	defer pool.Close()
	res, err := e.carryPlay(ctx, r.ID, r.Input, w, true, o)
	if err != nil {
		return res, storeDiag(err)
	}
	return res, nil
}

func (e *Engine) carryPlay(ctx context.Context, id store.RunID, input json.RawMessage, w *worker.Worker, resume bool, o PlayOptions) (local.Result, error) {
	person, host := holder()
	lease := &store.Lease{Run: id, Holder: person + "@" + host + ", " + pid(), Reason: e.o.Command, Since: e.o.Now()}
	observer := local.Observer{Record: func(text string, at time.Time) {
		var n play.Note
		if err := json.Unmarshal([]byte(text), &n); err == nil && o.Note != nil {
			o.Note(n, at)
		}
	}}
	if o.Log != nil {
		observer.Log = func(_ flow.ID, line string) { o.Log(line) }
	}
	return local.Run(ctx, local.Options{Machine: play.New(), Store: e.store, RunID: id, Worker: executor.PlayWorker(w), Input: input, Resume: resume, Lease: lease,
		Observer: observer, Person: local.Person{Cancel: o.Cancel, InDoubt: o.InDoubt}})
}

// PlayNotes gives what a play told, from its journal: the same as when it was carried out.
func (e *Engine) PlayNotes(ctx context.Context, id store.RunID, note func(n play.Note, at time.Time)) diag.List {
	_, d := e.replayPlay(ctx, id, note)
	return d
}

// replayPlay brings a play's machine to where it is.
func (e *Engine) replayPlay(ctx context.Context, id store.RunID, note func(n play.Note, at time.Time)) (*play.Machine, diag.List) {
	entries, err := e.store.Entries(ctx, id, 0)
	if err != nil {
		return nil, storeDiag(err)
	}
	m := play.New()
	for _, entry := range entries {
		if entry.Event == nil {
			continue
		}
		for _, c := range m.Handle(entry.Event) {
			var n play.Note
			if r, ok := c.(flow.Record); ok && note != nil && json.Unmarshal([]byte(r.Text), &n) == nil {
				note(n, entry.Event.When())
			}
		}
	}
	return m, nil
}

// RestartPlay begins a play anew from a task of it: with the facts, and what was registered
// and set, of the run that it was.
func (e *Engine) RestartPlay(ctx context.Context, r *store.Run, from string, o PlayOptions) (store.RunID, local.Result, diag.List) {
	m, d := e.replayPlay(ctx, r.ID, nil)
	if d.HasErrors() {
		return 0, local.Result{}, d
	}
	var in play.Input
	if err := json.Unmarshal(r.Input, &in); err != nil {
		return 0, local.Result{}, storeDiag(fmt.Errorf("%w: the input of run %d: %w", store.ErrCorrupt, r.ID, err))
	}
	text, err := m.Snapshot()
	if err != nil {
		return 0, local.Result{}, storeDiag(err)
	}
	var was play.Output
	if err := json.Unmarshal(text, &was); err != nil {
		return 0, local.Result{}, storeDiag(err)
	}
	in.Options.StartAtTask, in.Facts, in.Set = from, was.Facts, was.Registered
	w, pool := session.Worker(o.Request, in)
	defer pool.Close()
	return e.Play(ctx, &session.Session{Input: in, Worker: w}, o)
}
