package local_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"tutti/internal/flow"
	"tutti/internal/flow/flowtest"
	"tutti/internal/runtime/local"
	"tutti/internal/store"
)

// counted is an errand that counts the events that it handles, and may refuse to be
// restored.
type counted struct {
	*flowtest.Errand
	events *atomic.Int64
	refuse bool
}

var _ flow.Restorer = counted{}

func (c counted) Handle(e flow.Event) []flow.Command {
	c.events.Add(1)
	return c.Errand.Handle(e)
}

func (c counted) Restore(snapshot []byte) error {
	if c.refuse {
		return errors.New("a snapshot of another version")
	}
	return c.Errand.Restore(snapshot)
}

// countedErrands makes them.
type countedErrands struct {
	*errands
	events atomic.Int64
	refuse bool
}

func (e *countedErrands) Machine(context.Context, store.Run) (flow.Machine, error) {
	return counted{flowtest.NewErrand(), &e.events, e.refuse}, nil
}

// A run with a long journal is taken up from its latest checkpoint, or from its start
// when this program cannot use that; all of its entries are still there.
func TestCheckpoint(t *testing.T) {
	t.Parallel()
	const activities, every = 100, 10
	for _, refuse := range []bool{false, true} {
		t.Run(fmt.Sprintf("refused %v", refuse), func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			s := openStore(t, t.TempDir())
			e := &countedErrands{errands: newErrands(), refuse: refuse}
			h := newHost(t, local.HostOptions{Store: s, Machines: e, CheckpointEvery: every})
			// One activity is out for ever in the first process.
			e.do = func(ctx context.Context, what string) error {
				if what == fmt.Sprintf("long:%d", activities-1) {
					<-ctx.Done()
					return ctx.Err()
				}
				return nil
			}
			id := start(t, h, flowtest.ErrandInput{Name: "long", Do: activities, Idempotent: true, Signal: "go"})
			await(t, s, id, activities)
			check(t, h.Close(ctx))
			cp, err := s.Checkpoint(ctx, id)
			if err != nil || cp == nil || cp.Index < activities-2*every {
				t.Fatalf("the checkpoint is %+v, %v", cp, err)
			}
			e.do = nil
			e.events.Store(0)
			next := hostOf(t, local.HostOptions{Store: s, Machines: e, CheckpointEvery: every})
			if n, err := next.Recover(ctx); n != 1 || err != nil {
				t.Fatalf("recovered %d, %v", n, err)
			}
			check(t, next.Signal(ctx, id, flow.Signaled{Name: "go"}))
			expectDone(t, next, id, activities)
			if n := e.events.Load(); !refuse && n > 2*every || refuse && n < activities {
				t.Errorf("the machine handled %d events", n)
			}
			entries, err := s.Entries(ctx, id, 1)
			if err != nil || len(entries) != activities+2 {
				t.Errorf("%d entries, %v", len(entries), err)
			}
			for what, n := range e.count() {
				if n != 1 {
					t.Errorf("%s was done %d times", what, n)
				}
			}
		})
	}
}

// await waits until a run's journal has so many entries.
func await(t *testing.T, s store.Store, id store.RunID, n int) {
	t.Helper()
	for {
		entries, err := s.Entries(context.Background(), id, 1)
		check(t, err)
		if len(entries) >= n {
			return
		}
	}
}
