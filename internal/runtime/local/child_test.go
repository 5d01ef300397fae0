package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"tutti/internal/flow"
	"tutti/internal/flow/flowtest"
	"tutti/internal/runtime/local"
	"tutti/internal/store"
)

// parentRun gives the options of a run that is an errand with children.
func parentRun(t *testing.T, s store.Store, e *errands, in flowtest.ErrandInput) local.Options {
	t.Helper()
	run := errandRun(in)
	id, err := s.CreateRun(context.Background(), run)
	check(t, err)
	worker := e.Worker(store.Run{ID: id})
	return local.Options{Machine: flowtest.NewErrand(), Store: s, RunID: id, Worker: worker, Input: run.Input, Children: e}
}

func again(o local.Options) local.Options {
	o.Machine, o.Resume = flowtest.NewErrand(), true
	return o
}

func TestRunWithChildren(t *testing.T) {
	t.Parallel()
	s, e := openStore(t, t.TempDir()), newErrands()
	opts := parentRun(t, s, e, bigFamily("f"))
	var watched atomic.Int64
	opts.ChildObserver = func(r store.Run) local.Observer {
		if r.Parent == 0 || r.ID == 0 {
			t.Errorf("watched: %+v", r)
		}
		return local.Observer{Done: func(flow.Do, time.Time, json.RawMessage) { watched.Add(1) }}
	}
	res, err := local.Run(context.Background(), opts)
	expectStatus(t, res, err, store.Succeeded)
	if string(res.Output) != `{"done":11}` || len(e.count()) != familySize || watched.Load() != familySize-2 {
		t.Errorf("%s, %v, %d watched", res.Output, e.count(), watched.Load())
	}
	row, err := s.Run(context.Background(), opts.RunID)
	if err != nil || string(row.Output) != `{"done":11}` || row.Status != store.Succeeded {
		t.Errorf("%+v, %v", row, err)
	}
}

// Cancelled in order, the parent asks its children to stop; taken up again it starts
// others.
func TestRunCancelsChildren(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, e := openStore(t, t.TempDir()), newErrands()
	opts := parentRun(t, s, e, flowtest.ErrandInput{Name: "p", Children: []flowtest.ErrandInput{{Do: 1, Signal: "go"}, {Wait: time.Hour}}})
	cancel := make(chan struct{}, 1)
	opts.Person.Cancel = cancel
	opts.Observer.Waiting = func([]flow.SetTimer) { cancel <- struct{}{} }
	res, err := local.Run(ctx, opts)
	expectStatus(t, res, err, store.Stopped)
	children, err := s.Find(ctx, store.RunFilter{Parent: opts.RunID})
	check(t, err)
	for _, c := range children {
		if c.Status != store.Stopped {
			t.Errorf("child %d is %s", c.ID, c.Status)
		}
	}
	opts = again(opts)
	opts.Person = local.Person{ReturnWhenWaiting: true}
	opts.Observer.Waiting = nil
	res, err = local.Run(ctx, opts)
	expectStatus(t, res, err, store.Waiting)
	children, err = s.Find(ctx, store.RunFilter{Parent: opts.RunID, OpenOnly: true, Statuses: []store.Status{store.Running}})
	if err != nil || len(children) != 2 {
		t.Fatalf("%d children wait, %v", len(children), err)
	}
	// What is posted to a child is found when the parent goes on.
	for _, c := range children {
		check(t, s.Post(ctx, c.ID, flow.Signaled{Name: "go"}))
	}
	clock := newFakeClock()
	clock.jump(100 * 365 * 24 * time.Hour)
	opts = again(opts)
	opts.Clock = clock
	res, err = local.Run(ctx, opts)
	expectStatus(t, res, err, store.Succeeded)
}

// Aborted, the parent's children rest where they are. The next process finds them,
// and does with them what the parent's machine has asked for: an errand asks them to
// stop, and starts others.
func TestRunAbortsChildren(t *testing.T) {
	t.Parallel()
	s, e := openStore(t, t.TempDir()), newErrands()
	ctx, abort := context.WithCancel(context.Background())
	e.do = func(ctx context.Context, what string) error {
		if what != "p/0:1" {
			return nil
		}
		abort()
		<-ctx.Done()
		return ctx.Err()
	}
	opts := parentRun(t, s, e, flowtest.ErrandInput{Name: "p", Children: []flowtest.ErrandInput{{Do: 3, Idempotent: true}}})
	res, err := local.Run(ctx, opts)
	expectStatus(t, res, err, store.Stopped)
	children, err := s.Find(context.Background(), store.RunFilter{Parent: opts.RunID})
	if err != nil || len(children) != 1 || children[0].Status != store.Running {
		t.Errorf("%+v, %v", children, err)
	}
	e.do = nil
	res, err = local.Run(context.Background(), again(opts))
	expectStatus(t, res, err, store.Succeeded)
	children, err = s.Find(context.Background(), store.RunFilter{Parent: opts.RunID})
	if err != nil || len(children) > 2 || string(res.Output) != `{"done":3}` {
		t.Errorf("%+v, %v, %s", children, err, res.Output)
	}
	for _, c := range children {
		if c.Status != store.Stopped && c.Status != store.Succeeded {
			t.Errorf("child %d is %s", c.ID, c.Status)
		}
	}
}

// A child in doubt leaves its parent in doubt, and is decided about like it.
func TestChildInDoubt(t *testing.T) {
	t.Parallel()
	s, e := openStore(t, t.TempDir()), newErrands()
	e.do = func(context.Context, string) error { return &local.DoubtError{Err: errCannotTell} }
	e.tells = func(string) (bool, error) { return false, errCannotTell }
	opts := parentRun(t, s, e, flowtest.ErrandInput{Name: "p", Children: []flowtest.ErrandInput{{Do: 1}, {}}})
	for range 2 {
		res, err := local.Run(context.Background(), opts)
		expectStatus(t, res, err, store.InDoubt)
		children, err := s.Find(context.Background(), store.RunFilter{Parent: opts.RunID, OpenOnly: true})
		if err != nil || len(children) != 1 || children[0].Status != store.InDoubt {
			t.Fatalf("%+v, %v", children, err)
		}
		doubts := res.ChildInDoubt[children[0].ID]
		if len(res.InDoubt) != 0 || len(res.ChildInDoubt) != 1 || len(doubts) != 1 || !errors.Is(doubts[0].Why, errCannotTell) {
			t.Errorf("%+v", res)
		}
		opts = again(opts)
	}
	e.do = nil
	opts.ChildInDoubt = func(_ context.Context, r store.Run, doubts []local.Doubt) map[flow.ID]local.Decision {
		if r.Parent != opts.RunID {
			t.Errorf("asked about %+v", r)
		}
		return map[flow.ID]local.Decision{doubts[0].Do.ID: local.Retry}
	}
	res, err := local.Run(context.Background(), opts)
	expectStatus(t, res, err, store.Succeeded)
	if len(res.ChildInDoubt) != 0 {
		t.Errorf("%+v", res)
	}
}

// A store that fails stops the parent and lets the children rest; nothing is lost.
func TestRunWithChildrenOnAFullDisk(t *testing.T) {
	t.Parallel()
	s, e := openStore(t, t.TempDir()), newErrands()
	m := &mortal{Store: s}
	opts := parentRun(t, s, e, killFamily("e0"))
	opts.Store = m
	for n := 1; ; n++ {
		var room atomic.Int64
		room.Store(int64(n))
		m.fault = func() (bool, error) {
			if room.Add(-1) < 0 {
				return false, errFull
			}
			return true, nil
		}
		res, err := local.Run(context.Background(), opts)
		if err == nil {
			expectStatus(t, res, err, store.Succeeded)
			break
		}
		if !errors.Is(err, errFull) || res.Status != store.Stopped || n > 100 {
			t.Fatalf("full after %d writes: %+v, %v", n, res, err)
		}
		opts = again(opts)
	}
	for what, n := range e.count() {
		if n > 1 && what != "e0/0:0" && what != "e0/0:1" {
			t.Errorf("%s was done %d times", what, n)
		}
	}
	if len(e.count()) != killFamilySize {
		t.Errorf("%v", e.count())
	}
}

// unmakeable are errands of which those in a child cannot be made.
type unmakeable struct {
	*errands
	err atomic.Pointer[error]
}

func (u *unmakeable) Machine(ctx context.Context, r store.Run) (flow.Machine, error) {
	if err := u.err.Load(); err != nil && r.Parent != 0 {
		return nil, *err
	}
	return u.errands.Machine(ctx, r)
}

// A child whose machine cannot be made has failed, when that is certain; otherwise it
// is tried again.
func TestChildCannotBeMade(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		code string // "" when it is tried again
	}{
		"foreign": {local.ErrForeign, local.CodeNoChildren}, "failure": {flow.Failure{Kind: flow.Terminal, Code: "Bad", Message: "m"}, "Bad"},
		"for now": {errors.New("not now"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := newFakeClock()
			clock.auto = true
			u := &unmakeable{errands: newErrands()}
			u.err.Store(&c.err)
			h := hostOf(t, local.HostOptions{Store: openStore(t, t.TempDir()), Machines: u, Clock: clock, Trouble: func(err error) {
				if c.code != "" || !errors.Is(err, c.err) {
					t.Error(err)
				}
				u.err.Store(nil)
			}})
			id := start(t, h, flowtest.ErrandInput{Name: "p", Children: []flowtest.ErrandInput{{Do: 1}}})
			if c.code == "" {
				expectDone(t, h, id, 1)
			} else if res := wait(t, h, id); res.Status != store.Failed || res.Failure.Code != c.code {
				t.Errorf("%+v", res)
			}
		})
	}
}
