package states

import (
	"context"

	"tutti/internal/flow"
	"tutti/internal/runtime/local"
	"tutti/internal/store"
)

// oblivion is the store of a Host that forgets: runs come with the numbers of their
// records, and nothing is kept.
type oblivion struct{}

var _ local.Store = (*oblivion)(nil)

// Begin implements local.Store.
func (*oblivion) Begin(_ context.Context, r store.Run, _ []store.Entry) (store.RunID, error) {
	return r.ID, nil
}

// Run implements local.Store.
func (*oblivion) Run(context.Context, store.RunID) (*store.Run, error) {
	return nil, store.ErrNotFound
}

// Find implements local.Store.
func (*oblivion) Find(context.Context, store.RunFilter) ([]store.Run, error) { return nil, nil }

// SetStatus implements local.Store.
func (*oblivion) SetStatus(context.Context, store.RunID, store.Status, string) error { return nil }

// Append implements local.Store.
func (*oblivion) Append(context.Context, store.RunID, []store.Entry) error { return nil }

// Checkpoint implements local.Store.
func (*oblivion) Checkpoint(context.Context, store.RunID) (*store.Checkpoint, error) {
	return nil, nil
}

// Entries implements local.Store.
func (*oblivion) Entries(context.Context, store.RunID, int64) ([]store.Entry, error) {
	return nil, nil
}

// Acquire implements local.Store.
func (*oblivion) Acquire(context.Context, store.Lease) error { return nil }

// Release implements local.Store.
func (*oblivion) Release(context.Context, store.RunID) error { return nil }

// Held implements local.Store.
func (*oblivion) Held(context.Context) ([]store.Lease, error) { return nil, nil }

// Post implements local.Store.
func (*oblivion) Post(context.Context, store.RunID, flow.Signaled) error { return store.ErrNotFound }

// Posted implements local.Store.
func (*oblivion) Posted(context.Context, store.RunID) ([]store.Message, error) { return nil, nil }

// PostedAll implements local.Store.
func (*oblivion) PostedAll(context.Context, int64) ([]store.Posted, error) { return nil, nil }
