package sqlite

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"tutti/internal/addr"
	"tutti/internal/flow"
	"tutti/internal/object"
	"tutti/internal/store"
)

func benchRun(b *testing.B, s *Store) store.RunID {
	b.Helper()
	run, err := s.CreateRun(context.Background(), store.Run{Machine: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	return run
}

func benchRow(i int) *object.State {
	o := addr.Object{Name: addr.Name{Kind: addr.Resource, Type: "terraform_data", Name: "b"}}
	need := addr.Object{Name: addr.Name{Kind: addr.Resource, Type: "terraform_data", Name: "a"}}
	return &object.State{
		Addr: o.Instance(addr.IntKey(i)), Driver: `provider["terraform.io/builtin/terraform"]`,
		Attributes: fmt.Appendf(nil, `{"id":"8f0c2b52-7c4d-5c43-a8f5-%012d","input":{"value":"value of %d","type":"string"},"output":null}`, i, i),
		Private:    []byte("opaque to us"), Needs: []addr.Instance{need.Instance(addr.IntKey(i))},
	}
}

// BenchmarkAppend measures events a second, each durable when its call returns.
func BenchmarkAppend(b *testing.B) {
	done := func(i int) []store.Entry {
		return []store.Entry{{Event: flow.ActivityDone{At: time.Unix(int64(i), 0), ID: flow.ID(i + 1), Output: []byte(`{"rows":1}`)}}}
	}
	b.Run("1 caller", func(b *testing.B) {
		s := mustOpen(b, b.TempDir())
		defer s.Close()
		run := benchRun(b, s)
		i := 0
		for b.Loop() {
			if err := s.Append(context.Background(), run, done(i)); err != nil {
				b.Fatal(err)
			}
			i++
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
	})
	b.Run("10 callers", func(b *testing.B) { benchCallers(b, 10, done) })
	b.Run("10 callers with a row each", func(b *testing.B) {
		benchCallers(b, 10, func(i int) []store.Entry {
			e := done(i)
			e[0].Writes = []store.Write{{Put: benchRow(i)}}
			return e
		})
	})
	b.Run("1 caller, batches of 20", func(b *testing.B) {
		s := mustOpen(b, b.TempDir())
		defer s.Close()
		run := benchRun(b, s)
		i := 0
		for b.Loop() {
			var batch []store.Entry
			for range 20 {
				batch = append(batch, done(i)...)
				i++
			}
			if err := s.Append(context.Background(), run, batch); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "events/s")
	})
}

func benchCallers(b *testing.B, callers int, entry func(int) []store.Entry) {
	s := mustOpen(b, b.TempDir())
	defer s.Close()
	run := benchRun(b, s)
	at(b, callers, func(i int) error { return s.Append(context.Background(), run, entry(i)) })
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkBegin measures runs begun a second with their first entry, each durable
// when its call returns, as a server's clients ask for them.
func BenchmarkBegin(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("%d callers", callers), func(b *testing.B) {
			s := mustOpen(b, b.TempDir())
			defer s.Close()
			at(b, callers, func(i int) error {
				now := time.Now()
				_, err := s.Begin(context.Background(), store.Run{Machine: "execution", Owner: "arn:aws:states:eu-west-1:123456789012:stateMachine:order",
					Name: fmt.Sprintf("8f0c2b52-7c4d-5c43-a8f5-%012d", i), Input: []byte(`{"input":{"order":17}}`), Created: now},
					[]store.Entry{{Event: flow.Started{At: now, Input: []byte(`{"input":{"order":17}}`), Seed: 7}}})
				return err
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
		})
	}
}

// BenchmarkAppendMany measures events a second, each to a journal of its own.
func BenchmarkAppendMany(b *testing.B) {
	const callers = 64
	s := mustOpen(b, b.TempDir())
	defer s.Close()
	runs := make([]store.RunID, callers)
	for i := range runs {
		runs[i] = benchRun(b, s)
	}
	at(b, callers, func(i int) error {
		e := store.Entry{Event: flow.ActivityDone{At: time.Unix(int64(i), 0), ID: flow.ID(i + 1), Output: []byte(`{"rows":1}`)}}
		return s.Append(context.Background(), runs[i%callers], []store.Entry{e})
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// at calls do b.N times, so many at a time.
func at(b *testing.B, callers int, do func(i int) error) {
	var wg sync.WaitGroup
	next := make(chan int, callers)
	b.ResetTimer()
	for range callers {
		wg.Go(func() {
			for i := range next {
				if err := do(i); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range b.N {
		next <- i
	}
	close(next)
	wg.Wait()
}

func fillRows(b *testing.B, s *Store, n int) {
	b.Helper()
	writes := make([]store.Write, n)
	for i := range writes {
		writes[i].Put = benchRow(i)
	}
	if err := s.Write(context.Background(), "fill", writes); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkWriteRow shows that the cost of one change does not depend on the size
// of the state.
func BenchmarkWriteRow(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("%d rows", n), func(b *testing.B) {
			s := mustOpen(b, b.TempDir())
			defer s.Close()
			fillRows(b, s, n)
			run := benchRun(b, s)
			i := 0
			for b.Loop() {
				e := store.Entry{Sent: flow.ID(i + 1), Writes: []store.Write{{Put: benchRow(i * 7919 % n)}}}
				if err := s.Append(context.Background(), run, []store.Entry{e}); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}

func BenchmarkSnapshot(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("%d rows", n), func(b *testing.B) {
			s := mustOpen(b, b.TempDir())
			defer s.Close()
			fillRows(b, s, n)
			b.ReportAllocs()
			var snap *store.Snapshot
			for b.Loop() {
				var err error
				if snap, err = s.Snapshot(context.Background()); err != nil || len(snap.Rows) != n {
					b.Fatal(len(snap.Rows), err)
				}
			}
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.HeapAlloc)/float64(n), "heap-B/row")
			runtime.KeepAlive(snap)
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	mustOpen(b, dir).Close()
	for b.Loop() {
		mustOpen(b, dir).Close()
	}
}
