package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"

	"tutti/internal/apply"
	"tutti/internal/flow"
	"tutti/internal/object"
	"tutti/internal/runtime/local"
	"tutti/internal/store"
)

// world counts what was really done. Tests put behaviour into do and settle, by
// the action's number; nil does it and settles by looking.
type world struct {
	mu     sync.Mutex
	counts map[int]int
	out    int
	most   int
	do     func(ctx context.Context, action int, d flow.Do) (local.Outcome, error)
	settle func(action int, d flow.Do) (bool, error)
}

var _ local.Worker = (*world)(nil)

func newWorld() *world { return &world{counts: map[int]int{}} }

func (w *world) Do(ctx context.Context, d flow.Do, log func(string)) (local.Outcome, error) {
	w.mu.Lock()
	w.out++
	w.most = max(w.most, w.out)
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		w.out--
		w.mu.Unlock()
	}()
	n := actionOf(d)
	log(fmt.Sprintf("%s %d", d.Activity, n))
	if d.Activity == apply.ActivityAsk {
		return local.Outcome{Output: json.RawMessage(`{"timeout":"1h","on_timeout":"reject"}`)}, nil
	}
	if w.do != nil {
		return w.do(ctx, n, d)
	}
	w.effect(n)
	return local.Outcome{Output: json.RawMessage(`{}`)}, nil
}

func (w *world) effect(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counts[n]++
}

func (w *world) Settle(_ context.Context, d flow.Do) (local.Outcome, bool, error) {
	n := actionOf(d)
	if w.settle != nil {
		done, err := w.settle(n, d)
		return local.Outcome{}, done, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return local.Outcome{}, w.counts[n] > 0, nil
}

func (w *world) seen() map[int]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.counts)
}

func actionOf(d flow.Do) int {
	var in apply.ChangeInput
	if err := json.Unmarshal(d.Input, &in); err != nil {
		panic(err)
	}
	return in.Action
}

// input makes the start of a run from the text of its actions.
func input(actions string, parallelism int) json.RawMessage {
	in, err := json.Marshal(apply.Input{Actions: actions, Parallelism: parallelism})
	if err != nil {
		panic(err)
	}
	return in
}

// wide gives n actions of which none needs another.
func wide(n int, idempotent bool) string {
	actions := make([]object.Action, n)
	for i := range actions {
		actions[i] = object.Action{Verb: object.Create, Change: i, Idempotent: idempotent}
	}
	return object.Print(actions)
}

// options are those of a run of actions on the disk.
func options(d local.Store, w local.Worker, actions string) local.Options {
	return local.Options{Machine: apply.New(), Store: d, RunID: 1, Worker: w, Input: input(actions, 10), Seed: 1}
}

// resumed gives the options for the next process.
func resumed(o local.Options) local.Options {
	o.Machine = apply.New()
	o.Resume = true
	return o
}

func expectStatus(t *testing.T, res local.Result, err error, want store.Status) {
	t.Helper()
	if err != nil || res.Status != want {
		t.Fatalf("the run ended %s (%v), error %v; want %s", res.Status, res.Failure, err, want)
	}
}

// expectOnce checks that exactly these actions were done, each once.
func expectOnce(t *testing.T, w *world, actions ...int) {
	t.Helper()
	want := map[int]int{}
	for _, a := range actions {
		want[a] = 1
	}
	if got := w.seen(); !maps.Equal(got, want) {
		t.Errorf("the world counts %v, want %v", got, want)
	}
}

var errCannotTell = errors.New("there is nothing to look at")
