package local

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tutti/internal/store"
)

// leaseKeeper takes, renews and releases a run's lease. Without a lease it does
// nothing.
type leaseKeeper struct {
	leases Leases
	lease  *store.Lease
	clock  Clock
	// renewed is when that last succeeded; asking is set while a renewal is under way.
	renewed, asked time.Time
	asking         bool
	renewals       sync.WaitGroup
}

func (k *leaseKeeper) acquire(ctx context.Context) error {
	if k.lease == nil {
		return nil
	}
	if err := k.leases.Acquire(ctx, *k.lease); err != nil {
		return fmt.Errorf("lease what run %d changes: %w", k.lease.Run, err)
	}
	k.renewed = k.clock.Now()
	k.asked = k.renewed
	return nil
}

func (k *leaseKeeper) release(ctx context.Context) error {
	if k.lease == nil {
		return nil
	}
	// A renewal that is still under way would take the lease again.
	k.renewals.Wait()
	return k.leases.Release(ctx, k.lease.Run)
}

// due tells how long it is until the next renewal; ok is false when none is due.
func (k *leaseKeeper) due() (wait time.Duration, ok bool) {
	if k.lease == nil || k.asking {
		return 0, false
	}
	return remaining(store.LeaseTTL/3, k.clock.Now().Sub(k.asked)), true
}

// renew asks in the background; what comes of it goes to tell.
func (k *leaseKeeper) renew(ctx context.Context, tell func(error)) {
	k.asking, k.asked = true, k.clock.Now()
	k.renewals.Go(func() { tell(k.leases.Acquire(ctx, *k.lease)) })
}

// again takes the lease once more after time has passed. That it is another's now
// is not a *store.HeldError to the caller: the run has begun.
func (k *leaseKeeper) again(ctx context.Context) error {
	if err := k.acquire(ctx); err != nil {
		return k.lost(err)
	}
	return nil
}

func (k *leaseKeeper) lost(err error) error {
	return fmt.Errorf("the lease of run %d is lost: %v", k.lease.Run, err)
}

// answered takes what came of a renewal. An error that it gives means that the
// lease is lost; others are tried again until the lease has run out.
func (k *leaseKeeper) answered(err error) error {
	k.asking = false
	if err == nil {
		k.renewed = k.asked
		return nil
	}
	var held *store.HeldError
	if errors.As(err, &held) || k.asked.Sub(k.renewed) >= store.LeaseTTL {
		return k.lost(err)
	}
	return nil
}
