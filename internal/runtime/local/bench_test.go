package local_test

import (
	"context"
	"testing"

	"tutti/internal/apply"
	"tutti/internal/flow"
	"tutti/internal/runtime/local"
	"tutti/internal/secret"
	"tutti/internal/store"
	"tutti/internal/store/sqlite"
)

// idle does nothing, as fast as it can.
type idle struct{}

func (idle) Do(context.Context, flow.Do, func(string)) (local.Outcome, error) {
	return local.Outcome{}, nil
}
func (idle) Settle(context.Context, flow.Do) (local.Outcome, bool, error) {
	return local.Outcome{}, false, nil
}

// benchmark carries out n actions that do nothing against a real store.
func benchmark(b *testing.B, n int, idempotent bool) {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, b.TempDir(), sqlite.Options{Ring: secret.NewRing(killKey, "")})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	in := input(wide(n, idempotent), 10)
	events := 0
	for b.Loop() {
		id, err := s.CreateRun(ctx, store.Run{Machine: "apply"})
		if err != nil {
			b.Fatal(err)
		}
		res, err := local.Run(ctx, local.Options{Machine: apply.New(), Store: s, RunID: id, Worker: idle{}, Input: in})
		if err != nil || res.Status != store.Succeeded {
			b.Fatal(res, err)
		}
		events += n
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "activities/s")
}

func BenchmarkIdempotent2000(b *testing.B)    { benchmark(b, 2000, true) }
func BenchmarkNotIdempotent2000(b *testing.B) { benchmark(b, 2000, false) }

// BenchmarkResume100000 replays the journal of a run that is over.
func BenchmarkResume100000(b *testing.B) {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, b.TempDir(), sqlite.Options{Ring: secret.NewRing(killKey, "")})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	id, err := s.CreateRun(ctx, store.Run{Machine: "apply"})
	if err != nil {
		b.Fatal(err)
	}
	opts := local.Options{Machine: apply.New(), Store: s, RunID: id, Worker: idle{}, Input: input(wide(100_000, true), 10)}
	if _, err := local.Run(ctx, opts); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if res, err := local.Run(ctx, resumed(opts)); err != nil || res.Status != store.Succeeded {
			b.Fatal(res, err)
		}
	}
}
