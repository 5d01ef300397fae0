package activity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/eval"
	"tutti/internal/flow"
	"tutti/internal/object"
	"tutti/internal/runtime/local"
)

// ErrCannotTell says that nothing in the world shows how an activity ended.
var ErrCannotTell = errors.New("nothing shows whether it happened")

// Settle implements local.Worker: it finds out how an activity ended whose answer
// was lost with the process that waited for it.
func (w *Worker) Settle(ctx context.Context, d flow.Do) (local.Outcome, bool, error) {
	var in input
	if err := json.Unmarshal(d.Input, &in); err != nil || in.Action < 1 || in.Action > len(w.o.Plan.Actions) {
		return local.Outcome{}, false, fmt.Errorf("activity %s has the input %s, which names no action of the plan", d.Activity, d.Input)
	}
	a := &w.o.Plan.Actions[in.Action-1]
	if a.Change < 0 || d.Activity != "change" {
		return local.Outcome{}, false, nil // these are idempotent
	}
	t := &task{action: a, change: &w.o.Plan.Changes[a.Change], settle: true, log: func(string) {}}
	if w.takenOver(a) {
		return local.Outcome{}, true, nil
	}
	var diags diag.List
	if a.Verb == object.Delete {
		diags = w.settleEnd(ctx, t)
	} else {
		diags = w.settleInstance(ctx, t)
	}
	if err := diags.Err(); err != nil && t.err == nil {
		t.err = err
	}
	return local.Outcome{Writes: t.writes, Output: w.summary(t)}, t.done, t.err
}

// takenOver tells that somebody has put into the state what a creation that was cut
// off was to make: by importing it. A creation begins without a row at its address.
func (w *Worker) takenOver(a *object.Action) bool {
	if a.Verb != object.Create || a.Deposed != "" {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rows[object.RowKey{Addr: a.Addr}] != nil
}

// settleInstance evaluates the instance in an evaluator of its own, so that it can
// be carried out later if it was not.
func (w *Worker) settleInstance(ctx context.Context, t *task) diag.List {
	e := eval.New(w.o.Root, &settling{source{w: w}, t})
	n, d := e.Instance(ctx, t.action.Addr)
	d = append(d, e.Close(ctx)...)
	if n == nil {
		return d
	}
	return append(d, n.Diags...)
}

// settling is the source of an evaluation that asks the world about one instance.
type settling struct {
	source
	t *task
}

// Instance implements eval.Source.
func (s *settling) Instance(ctx context.Context, sc object.Scope, o object.Driven, inst object.Instance, a addr.Instance) eval.Outcome {
	if a == s.t.action.Addr {
		return s.w.apply(ctx, sc, o, inst, s.t)
	}
	return s.source.Instance(ctx, sc, o, inst, a)
}

func (w *Worker) settleEnd(ctx context.Context, t *task) diag.List {
	return w.withOld(ctx, t, func(drv object.Driver) diag.List {
		req, d := w.request(ctx, drv, t)
		if d.HasErrors() {
			return d
		}
		var res object.Result
		if res, t.done, t.err = settle(ctx, drv, req); t.done && t.err == nil {
			w.ended(drv, t, res, nil)
		}
		return d
	})
}

func settle(ctx context.Context, drv object.Driver, req object.ApplyRequest) (object.Result, bool, error) {
	s, ok := drv.(object.Settler)
	if !ok {
		return object.Result{}, false, ErrCannotTell
	}
	return s.Settle(ctx, req)
}
