package server

import (
	"context"
	"time"

	"tutti/internal/executor"
	"tutti/internal/server/states"
)

// DefaultRetain is how long the service keeps executions after their end (developer guide,
// "Quotas"); then a name can be used again.
const DefaultRetain = 90 * 24 * time.Hour

// forgetEvery is how often it is looked for executions that are not kept any more.
const forgetEvery = time.Hour

// forget deletes executions that ended long enough ago, until the context ends.
func (s *Server) forget(ctx context.Context) {
	if s.o.Retain <= 0 {
		return
	}
	tick := time.NewTicker(forgetEvery)
	defer tick.Stop()
	for {
		s.forgetOnce(ctx, time.Now())
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *Server) forgetOnce(ctx context.Context, now time.Time) {
	r := executor.Retention{Before: now.Add(-s.o.Retain), Keeps: func(machine string) bool {
		return !executor.Makes(machine) && machine != states.MachineExpress
	}}
	n, err := r.Prune(ctx, s.store)
	if err != nil && ctx.Err() == nil {
		s.o.Log.Error("executions that are old enough could not be deleted; it is tried again", "error", err)
	}
	if n > 0 {
		s.o.Log.Info("executions deleted that ended long enough ago", "count", n, "retain", s.o.Retain)
	}
}
