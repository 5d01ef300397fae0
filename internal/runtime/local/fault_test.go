package local_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"tutti/internal/flow"
	"tutti/internal/object"
	"tutti/internal/runtime/local"
	"tutti/internal/store"
)

// TestFaultSeeds runs random plans on a disk that fills up, cancels and aborts
// them, and resumes until they are done. The goroutines' order is not the seed's,
// so a seed that fails may need several tries.
func TestFaultSeeds(t *testing.T) {
	seeds := 300
	if n := os.Getenv("TUTTI_SIM_SEEDS"); n != "" {
		seeds, _ = strconv.Atoi(n)
	}
	for seed := range seeds {
		if faultSeed(t, rand.New(rand.NewPCG(uint64(seed), 0))); t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func faultSeed(t *testing.T, r *rand.Rand) {
	actions := randomActions(r)
	d, w := newDisk(), newWorld()
	w.do = func(ctx context.Context, n int, _ flow.Do) (local.Outcome, error) {
		if ctx.Err() != nil {
			return local.Outcome{}, flow.Failure{Kind: flow.Cancelled, Code: flow.CodeNotStarted, Message: "cut off"}
		}
		w.effect(n)
		return local.Outcome{}, nil
	}
	opts := options(d, w, object.Print(actions))
	opts.Input = input(object.Print(actions), 1+r.IntN(4))
	for life := 0; ; life++ {
		ctx, abort := context.WithCancel(context.Background())
		cancel := make(chan struct{}, 1)
		opts.Person.Cancel = cancel
		d.fault = drawFault(r, life, d.appends, abort, cancel)
		res, err := local.Run(ctx, opts)
		abort()
		if err == nil && res.Status == store.Succeeded {
			break
		}
		if err != nil && !errors.Is(err, errFull) && !errors.Is(err, context.Canceled) || err == nil && res.Status != store.Stopped {
			t.Fatalf("life %d: %+v, %v", life, res, err)
		}
		opts = resumed(opts)
	}
	for i, a := range actions {
		if got := w.seen()[i+1]; got == 0 || got > 1 && !a.Idempotent {
			t.Errorf("action %d, idempotent %v, was done %d times\n%s", i+1, a.Idempotent, got, strings.Join(d.lines(), "\n"))
		}
	}
}

func randomActions(r *rand.Rand) []object.Action {
	actions := make([]object.Action, 1+r.IntN(20))
	for i := range actions {
		actions[i] = object.Action{Verb: object.Create, Change: i, Idempotent: r.IntN(2) == 0}
		for need := 1; need <= i; need++ {
			if r.IntN(i+3) < 2 {
				actions[i].Needs = append(actions[i].Needs, need)
			}
		}
	}
	return actions
}

// drawFault lets something happen at one append of a process: the disk is full for
// ever or once, the append is kept though it failed, or the person stops the run.
func drawFault(r *rand.Rand, life, done int, abort func(), cancel chan<- struct{}) func(int) (bool, error) {
	if life > 6 {
		return nil
	}
	at, kind := done+1+r.IntN(6), r.IntN(5)
	return func(n int) (bool, error) {
		switch {
		case n < at || n > at && kind != 0:
			return true, nil
		case kind <= 1:
			return false, errFull
		case kind == 2:
			return true, errFull
		case kind == 3:
			abort()
		default:
			cancel <- struct{}{}
		}
		return true, nil
	}
}
