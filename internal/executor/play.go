package executor

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
	"tutti/internal/flow"
	"tutti/internal/runtime/local"
	"tutti/internal/store"
)

// PlayWorker gives the worker of a play for a runtime.
func PlayWorker(w *worker.Worker) local.Worker { return &player{w: w} }

// childPlay gives the worker of a play whose input lies in the store, made when it is first
// needed.
func (x *Executor) childPlay(r store.Run) *player { return &player{store: x.o.Store, run: r} }

// player is the worker of a play.
type player struct {
	store Store
	run   store.Run

	mu   sync.Mutex
	w    *worker.Worker
	pool *session.Held
	busy int
	idle *time.Timer
	// again are the tasks that were cut off and are made once more.
	again map[flow.ID]bool
}

// worker gives the worker, made of the run's input when there is none yet.
func (p *player) worker(ctx context.Context) (*worker.Worker, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.w != nil {
		return p.w, nil
	}
	input := p.run.Input
	if len(input) == 0 {
		whole, err := p.store.Run(ctx, p.run.ID)
		if err != nil {
			return nil, err
		}
		input = whole.Input
	}
	var in play.Input
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, fmt.Errorf("%w: the input of run %d: %w", store.ErrCorrupt, p.run.ID, err)
	}
	p.w, p.pool = session.Worker(session.Request{}, in)
	return p.w, nil
}

// Do implements local.Worker.
func (p *player) Do(ctx context.Context, d flow.Do, _ func(string)) (local.Outcome, error) {
	p.begin()
	defer p.end()
	w, err := p.worker(ctx)
	if err != nil {
		return local.Outcome{}, err
	}
	out, err := w.Do(ctx, d.Activity, d.Input)
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

// rest closes the connections when nothing has been asked for a while: a machine does not say
// to its worker that it has ended. What comes later opens them anew.
func (p *player) rest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy > 0 || p.pool == nil {
		return
	}
	p.pool.Close()
	p.w, p.pool = nil, nil
}

// idleTime is after how long without a task a child's connections are closed.
const idleTime = 2 * time.Minute

// begin and end count the tasks that use the connections.
func (p *player) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy++
	if p.idle != nil {
		p.idle.Stop()
	}
}

func (p *player) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.busy--; p.busy == 0 && p.pool != nil {
		p.idle = time.AfterFunc(idleTime, p.rest)
	}
}
