package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tutti/internal/stepfunctions/execution"
	"tutti/internal/store"
)

// Retention says which runs are not kept any more.
type Retention struct {
	// Before is the time before which they ended.
	Before time.Time
	// Keeps tells by the name of its machine that a run is kept however old it is; nil
	// keeps none.
	Keeps func(machine string) bool
}

// expiredPage is how many runs are looked at between one deletion and the next.
const expiredPage = 500

// Expired calls f with the runs that ended before the time, newest first: children stay
// and go with their parents. Executions that were stopped for good are among them, paused
// ones are not.
func (r Retention) Expired(ctx context.Context, s Store, f func(store.Run) error) error {
	ended := store.RunFilter{EndedBefore: r.Before, Root: true}
	stopped := store.RunFilter{Statuses: []store.Status{store.Stopped}, Root: true, Machine: execution.MachineExecution}
	for _, filter := range []store.RunFilter{ended, stopped} {
		filter.Limit = expiredPage
		for {
			page, err := s.Find(ctx, filter)
			if err != nil {
				return err
			}
			for _, run := range page {
				filter.Before = run.ID
				if r.Keeps != nil && r.Keeps(run.Machine) {
					continue
				}
				if run.Status == store.Stopped {
					if old, err := r.stoppedBefore(ctx, s, run); err != nil || !old {
						if err != nil {
							return err
						}
						continue
					}
				}
				if err := f(run); err != nil {
					return err
				}
			}
			if len(page) < expiredPage {
				break
			}
		}
	}
	return nil
}

// stoppedBefore reports whether an execution was stopped for good before the time. Its end
// is in its journal only: the store counts it as one that may go on.
func (r Retention) stoppedBefore(ctx context.Context, s Store, run store.Run) (bool, error) {
	if run.Code == execution.CodePaused || !run.Created.Before(r.Before) {
		return false, nil
	}
	entries, err := s.Entries(ctx, run.ID, 1)
	if err != nil {
		return false, fmt.Errorf("read when run %d was stopped: %w", run.ID, err)
	}
	for _, e := range slices.Backward(entries) {
		if e.Event != nil {
			return e.Event.When().Before(r.Before), nil
		}
	}
	return true, nil
}

// Prune deletes the runs that are not kept any more, and tells how many. Those that go on
// again meanwhile stay.
func (r Retention) Prune(ctx context.Context, s Store) (n int, err error) {
	err = r.Expired(ctx, s, func(run store.Run) error {
		err := s.Delete(ctx, run.ID)
		switch {
		case err == nil:
			n++
		case errors.Is(err, store.ErrOpen), errors.Is(err, store.ErrNotFound):
			return nil
		}
		return err
	})
	return n, err
}
