package local_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"tutti/internal/flow/flowtest"
	"tutti/internal/runtime/local"
)

// startMany starts runs from so many callers at once.
func startMany(b testing.TB, h *local.Host, n, callers int, in func(i int) flowtest.ErrandInput) {
	b.Helper()
	var wg sync.WaitGroup
	next := make(chan int, callers)
	for range callers {
		wg.Go(func() {
			for i := range next {
				if _, err := h.Start(context.Background(), errandRun(in(i))); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

// BenchmarkHostStart measures durable starts a second, of runs that end at once, that
// wait, and that have one activity.
func BenchmarkHostStart(b *testing.B) {
	for name, in := range map[string]flowtest.ErrandInput{
		"ends at once": {}, "waits": {Wait: 24 * 365 * time.Hour}, "one activity": {Do: 1, Idempotent: true},
	} {
		b.Run(name, func(b *testing.B) {
			h := hostOf(b, local.HostOptions{Store: openStore(b, b.TempDir()), Machines: newErrands()})
			b.ResetTimer()
			startMany(b, h, b.N, 64, func(i int) flowtest.ErrandInput {
				in.Name = fmt.Sprint("run", i)
				return in
			})
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "starts/s")
		})
	}
}

// BenchmarkHostWaiting measures what 10,000 runs cost that wait for a year, and how
// long the next process needs to take them up.
func BenchmarkHostWaiting(b *testing.B) {
	const n = 10_000
	for b.Loop() {
		s := openStore(b, b.TempDir())
		h := newHost(b, local.HostOptions{Store: s, Machines: newErrands()})
		before := heap()
		startMany(b, h, n, 64, func(i int) flowtest.ErrandInput {
			return flowtest.ErrandInput{Name: fmt.Sprint("run", i), Wait: 24 * 365 * time.Hour}
		})
		local.AwaitQuiet(h, n)
		b.ReportMetric(float64(heap()-before)/n, "heap-B/run")
		b.ReportMetric(float64(runtime.NumGoroutine()), "goroutines")
		check(b, h.Close(context.Background()))
		next := newHost(b, local.HostOptions{Store: s, Machines: newErrands()})
		begin := time.Now()
		if got, err := next.Recover(context.Background()); got != n || err != nil {
			b.Fatal(got, err)
		}
		b.ReportMetric(time.Since(begin).Seconds(), "s/recover")
		check(b, next.Close(context.Background()))
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
