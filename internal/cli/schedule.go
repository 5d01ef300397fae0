package cli

import (
	"context"
	"fmt"
	"time"

	"tutti/internal/engine"
	"tutti/internal/server"
)

// schedules are those of the stack's workflows, as the state has them.
type schedules struct{ engine *engine.Engine }

var _ server.Schedules = schedules{}

// Scheduled implements server.Schedules. A workflow whose schedule was changed begins
// without a past: what it was is part of the key.
func (s schedules) Scheduled(ctx context.Context) ([]server.Scheduled, error) {
	list, err := s.engine.Workflows(ctx)
	if err != nil {
		return nil, err
	}
	var out []server.Scheduled
	for _, w := range list {
		if w.Schedule == nil {
			continue
		}
		out = append(out, server.Scheduled{Key: fmt.Sprintf("%s %s", w.Address, w.Schedule), Schedule: w.Schedule,
			Start: func(ctx context.Context, due time.Time) error { return s.engine.StartScheduled(ctx, w, due) }})
	}
	return out, nil
}
