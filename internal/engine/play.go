package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"tutti/internal/ansible/play"
	"tutti/internal/ansible/session"
	"tutti/internal/ansible/worker"
	"tutti/internal/diag"
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
	return local.Run(ctx, local.Options{Machine: play.New(), Store: e.store, RunID: id, Worker: &player{w: w}, Input: input, Resume: resume, Lease: lease,
		Observer: observer, Person: local.Person{Cancel: o.Cancel, InDoubt: o.InDoubt}})
}

// player is the worker of a play for a runtime.
type player struct {
	w  *worker.Worker
	mu sync.Mutex
	// again are the tasks that were cut off and are made once more.
	again map[flow.ID]bool
}

// Do implements local.Worker.
func (p *player) Do(ctx context.Context, d flow.Do, _ func(string)) (local.Outcome, error) {
	out, err := p.w.Do(ctx, d.Activity, d.Input)
	if err != nil {
		return local.Outcome{}, err
	}
	p.mu.Lock()
	again := p.again[d.ID]
	p.mu.Unlock()
	if again {
		out = changedBefore(out)
	}
	return local.Outcome{Output: out}, nil
}

// changedBefore makes the result of a task that was cut off and done once more one that
// changed something: the first time may have, and handlers must not be missed.
func changedBefore(out json.RawMessage) json.RawMessage {
	var r map[string]json.RawMessage
	if json.Unmarshal(out, &r) != nil || string(r["changed"]) != "false" || string(r["failed"]) == "true" || string(r["unreachable"]) == "true" {
		return out
	}
	r["changed"] = json.RawMessage("true")
	r["warnings"] = json.RawMessage(`["This task was cut off and has been done once more. It counts as changed, because the first time may have changed something."]`)
	text, err := json.Marshal(r)
	if err != nil {
		return out
	}
	return text
}

// errUnclear tells why a task that was cut off is in doubt.
var errUnclear = errors.New("the task was cut off, and nobody can tell whether it was done: it may have an effect each time that it is run")

// Settle implements local.Worker: what declares a state, and what only asks, is done again.
func (p *player) Settle(_ context.Context, d flow.Do) (local.Outcome, bool, error) {
	if d.Activity != play.ActivityTask {
		return local.Outcome{}, false, nil
	}
	var call play.Call
	if err := json.Unmarshal(d.Input, &call); err != nil {
		return local.Outcome{}, false, err
	}
	if !call.Rerunnable {
		return local.Outcome{}, false, fmt.Errorf("%s on %s: %w", call.Name, call.Host, errUnclear)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.again == nil {
		p.again = map[flow.ID]bool{}
	}
	p.again[d.ID] = true
	return local.Outcome{}, false, nil
}
