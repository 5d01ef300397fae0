package executor

import (
	"context"
	"fmt"

	"tutti/internal/stepfunctions/execution"
	"tutti/internal/store"
)

// Replay tells the history of a run, from its journal, in order. The machine that it
// gives is where the journal ends.
func (x *Executor) Replay(ctx context.Context, r store.Run, tell func(execution.HistoryEvent)) (*execution.Machine, error) {
	def, _, err := x.definitionOf(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("read the history of run %d: %w", r.ID, err)
	}
	entries, err := x.o.Store.Entries(ctx, r.ID, 1)
	if err != nil {
		return nil, fmt.Errorf("read the history of run %d: %w", r.ID, err)
	}
	m := execution.New(def)
	m.Observe(tell)
	for _, e := range entries {
		if e.Event != nil {
			m.Handle(e.Event)
		}
	}
	return m, nil
}
