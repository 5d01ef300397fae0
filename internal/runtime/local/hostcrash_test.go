package local_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tutti/internal/flow"
	"tutti/internal/flow/flowtest"
	"tutti/internal/runtime/local"
	"tutti/internal/store"
)

// life is one process that carries runs out, until it dies.
type life struct {
	*local.Host
	store *mortal
}

// born gives a process of the store; what its workers do after its death does not
// happen.
func born(t *testing.T, s store.Store, e *errands) life {
	t.Helper()
	m := &mortal{Store: s}
	h := newHost(t, local.HostOptions{Store: m, Machines: &mortalErrands{e, m}, CheckpointEvery: 4, MaxWorking: 50})
	t.Cleanup(func() { check(t, h.Close(context.Background())) })
	return life{h, m}
}

// mortalErrands are errands whose workers die with their process.
type mortalErrands struct {
	*errands
	m *mortal
}

func (e *mortalErrands) Worker(r store.Run) local.Worker {
	return mortalWorker{errandWorker{e.errands, r.ID}, e.m}
}

type mortalWorker struct {
	errandWorker
	m *mortal
}

func (w mortalWorker) Do(ctx context.Context, d flow.Do, log func(string)) (local.Outcome, error) {
	_, id := what(d)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.m.dead.Load() {
		return local.Outcome{}, errDead
	}
	w.done[id]++
	return local.Outcome{}, nil
}

// die ends a process: nothing that it does any more is seen by anybody.
func (l life) die(e *errands) {
	e.mu.Lock()
	defer e.mu.Unlock()
	l.store.die()
}

// TestHostCrash lets a thousand runs with children go through five processes of
// which four die: each activity that cannot be done again is done once, the others
// at least once, and all runs end.
func TestHostCrash(t *testing.T) {
	t.Parallel()
	const n, deaths = 1000, 4
	ctx := context.Background()
	s, e := openStore(t, t.TempDir()), newErrands()
	run := func(i int) flowtest.ErrandInput {
		return flowtest.ErrandInput{Name: fmt.Sprint("r", i), Do: 3, Wait: time.Duration(i%3) * time.Millisecond,
			Children: []flowtest.ErrandInput{{Do: 2, Idempotent: true}, {Do: 1}}[:i%3]}
	}
	ids := make([]store.RunID, n)
	l := born(t, s, e)
	for death := range deaths {
		for i := death * n / deaths; i < (death+1)*n/deaths; i++ {
			ids[i] = start(t, l.Host, run(i))
		}
		l.die(e)
		l = born(t, s, e)
		if _, err := l.Recover(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for i, id := range ids {
		expectDone(t, l.Host, id, 3+[]int{0, 2, 3}[i%3])
	}
	want, again := 0, 0
	for i := range n {
		want += 3 + []int{0, 2, 3}[i%3]
	}
	counts := e.count()
	for id, times := range counts {
		if idempotent := strings.Contains(id, "/0:"); times > 1 && !idempotent {
			t.Errorf("%s is not idempotent and was done %d times", id, times)
		} else if times > 1 {
			again++
		}
	}
	if len(counts) != want {
		t.Errorf("%d activities were done, want %d", len(counts), want)
	}
	t.Logf("%d idempotent activities were done again", again)
	open, err := s.Find(ctx, store.RunFilter{OpenOnly: true})
	if err != nil || len(open) != 0 {
		t.Errorf("%d runs are still open, %v", len(open), err)
	}
}

// An orphan, whose parent has ended without it, is asked to stop, also by the next
// process.
func TestHostOrphans(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, e := openStore(t, t.TempDir()), newErrands()
	now := time.Now()
	parent, err := s.Begin(ctx, store.Run{Machine: flowtest.ErrandMachine}, []store.Entry{
		{Note: "x", NoteAt: now, End: &store.End{Status: store.Failed}}})
	check(t, err)
	orphan := errandRun(flowtest.ErrandInput{Wait: time.Hour})
	orphan.Parent, orphan.Child, orphan.Owner = parent, 3, ""
	id, err := s.Begin(ctx, orphan, []store.Entry{{Event: flow.Started{At: now, Input: orphan.Input, Seed: 1}}})
	check(t, err)
	h := hostOf(t, local.HostOptions{Store: s, Machines: e})
	if n, err := h.Recover(ctx); n != 1 || err != nil {
		t.Fatalf("recovered %d, %v", n, err)
	}
	if res := wait(t, h, id); res.Status != store.Stopped {
		t.Errorf("%+v", res)
	}
}

// Recover leaves alone what is stopped, foreign, leased by somebody, or carried out
// by a parent; what is damaged does not keep the others.
func TestHostRecovers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := openStore(t, t.TempDir())
	begin := func(r store.Run, entries ...store.Entry) store.RunID {
		id, err := s.Begin(ctx, r, entries)
		check(t, err)
		return id
	}
	started := store.Entry{Event: flow.Started{At: time.Now(), Input: []byte(`{"signal":"go"}`), Seed: 1}}
	errand := store.Run{Machine: flowtest.ErrandMachine, Input: []byte(`{"signal":"go"}`)}
	begin(store.Run{Machine: "apply"}, started)
	begin(errand, started, store.Entry{Note: "x", End: &store.End{Status: store.Stopped}})
	check(t, s.Acquire(ctx, store.Lease{Run: begin(errand, started), Holder: "ann"}))
	damaged := begin(errand, started, started)
	waiting := begin(errand, started, store.Entry{Note: "x", End: &store.End{Status: store.Waiting}})
	fresh := begin(errand)
	h := hostOf(t, local.HostOptions{Store: s, Machines: newErrands()})
	n, err := h.Recover(ctx)
	if n != 2 || !errors.Is(err, store.ErrCorrupt) || !strings.Contains(err.Error(), fmt.Sprintf("replay run %d", damaged)) {
		t.Errorf("recovered %d, %v", n, err)
	}
	for _, id := range []store.RunID{waiting, fresh} {
		check(t, h.Signal(ctx, id, flow.Signaled{Name: "go"}))
		expectDone(t, h, id, 0)
	}
}

// Close cuts off what can be done again, lets the rest finish, sends nothing new
// out, and leaves the runs open.
func TestHostClose(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, e := openStore(t, t.TempDir()), newErrands()
	began, closing, finish := make(chan string, 10), make(chan struct{}), make(chan struct{})
	e.do = func(ctx context.Context, what string) error {
		began <- what
		switch what {
		case "again:0":
			<-ctx.Done()
			if !errors.Is(context.Cause(ctx), local.ErrSuspended) {
				t.Errorf("cut off because of %v", context.Cause(ctx))
			}
			close(closing)
			return ctx.Err()
		case "once:0":
			<-finish
		}
		return nil
	}
	h := newHost(t, local.HostOptions{Store: s, Machines: e})
	once := start(t, h, flowtest.ErrandInput{Name: "once", Do: 2})
	again := start(t, h, flowtest.ErrandInput{Name: "again", Do: 1, Idempotent: true, Children: []flowtest.ErrandInput{{Do: 1}}})
	waiting := start(t, h, flowtest.ErrandInput{Name: "waiting", Wait: time.Hour})
	<-began
	<-began
	closed := make(chan error)
	go func() { closed <- h.Close(ctx) }()
	<-closing
	if _, err := h.Start(ctx, errandRun(flowtest.ErrandInput{})); !errors.Is(err, local.ErrClosed) {
		t.Errorf("begun while closing: %v", err)
	}
	close(finish)
	check(t, <-closed)
	if err := h.Close(ctx); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	if got := e.count(); len(got) != 1 || got["once:0"] != 1 {
		t.Errorf("done: %v", got)
	}
	for _, id := range []store.RunID{once, again, waiting} {
		if r, err := s.Run(ctx, id); err != nil || r.Status != store.Running {
			t.Errorf("run %d is %s, %v", id, r.Status, err)
		}
		if _, err := h.Wait(ctx, id); !errors.Is(err, local.ErrClosed) {
			t.Errorf("waited for run %d: %v", id, err)
		}
	}
	// What is said to a run that nobody carries out waits for the next process.
	check(t, h.Cancel(ctx, waiting, "enough"))
	e.do = nil
	next := hostOf(t, local.HostOptions{Store: s, Machines: e})
	if n, err := next.Recover(ctx); n != 3 || err != nil {
		t.Fatalf("recovered %d, %v", n, err)
	}
	expectDone(t, next, once, 2)
	expectDone(t, next, again, 2)
	if res := wait(t, next, waiting); res.Status != store.Stopped {
		t.Errorf("%+v", res)
	}
	if got := e.count(); got["once:0"] != 1 || got["once:1"] != 1 || got["again:0"] != 1 {
		t.Errorf("done: %v", got)
	}
}

// An activity that does not obey is left behind when Close has waited long enough;
// it is settled by the next process, and whatever it says later is not heard.
func TestHostCloseAbandons(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, e := openStore(t, t.TempDir()), newErrands()
	began, release, returned := make(chan struct{}), make(chan struct{}), make(chan struct{})
	e.do = func(context.Context, string) error {
		close(began)
		<-release
		close(returned)
		return nil
	}
	clock := newFakeClock()
	clock.auto = true
	h := newHost(t, local.HostOptions{Store: s, Machines: e, Clock: clock})
	id := start(t, h, flowtest.ErrandInput{Name: "deaf", Do: 1})
	<-began
	check(t, h.Close(ctx))
	close(release)
	<-returned
	asked := false
	e.do = nil
	e.tells = func(what string) (bool, error) {
		asked = true
		return what == "deaf:0", nil
	}
	next := hostOf(t, local.HostOptions{Store: s, Machines: e})
	if n, err := next.Recover(ctx); n != 1 || err != nil || !asked {
		t.Fatalf("recovered %d, %v, asked: %v", n, err, asked)
	}
	expectDone(t, next, id, 1)
}

// What was cut off and cannot be told is in doubt, until somebody decides.
func TestHostInDoubt(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, e := openStore(t, t.TempDir()), newErrands()
	e.do = func(context.Context, string) error { return &local.DoubtError{Err: errCannotTell} }
	e.tells = func(string) (bool, error) { return false, errCannotTell }
	h := newHost(t, local.HostOptions{Store: s, Machines: e})
	id := start(t, h, flowtest.ErrandInput{Name: "d", Do: 1})
	local.AwaitQuiet(h, 1)
	if r, err := s.Run(ctx, id); err != nil || r.Status != store.InDoubt {
		t.Errorf("%+v, %v", r, err)
	}
	check(t, h.Close(ctx))
	e.do = nil
	var asked store.Run
	decision := local.Leave
	for _, decision = range []local.Decision{local.Leave, local.Retry} {
		h := newHost(t, local.HostOptions{Store: s, Machines: e,
			InDoubt: func(_ context.Context, r store.Run, doubts []local.Doubt) map[flow.ID]local.Decision {
				asked = r
				return map[flow.ID]local.Decision{doubts[0].Do.ID: decision}
			}})
		if n, err := h.Recover(ctx); n != 1 || err != nil || asked.ID != id || asked.Name != "d" {
			t.Fatalf("recovered %d, %v, asked about %+v", n, err, asked)
		}
		if decision == local.Leave {
			local.AwaitQuiet(h, 1)
			if r, err := s.Run(ctx, id); err != nil || r.Status != store.InDoubt {
				t.Errorf("%+v, %v", r, err)
			}
		} else {
			expectDone(t, h, id, 1)
		}
		check(t, h.Close(ctx))
	}
}

// A store that fails for a while loses nothing: the runs are taken up again.
func TestHostStoreFails(t *testing.T) {
	t.Parallel()
	s, e := openStore(t, t.TempDir()), newErrands()
	var writes atomic.Int64
	m := &mortal{Store: s, fault: func() (bool, error) {
		if n := writes.Add(1); n%7 == 3 {
			return false, errFull
		}
		return true, nil
	}}
	clock := newFakeClock()
	clock.auto = true
	var troubles atomic.Int64
	h := hostOf(t, local.HostOptions{Store: m, Machines: e, Clock: clock, Trouble: func(err error) {
		if !errors.Is(err, errFull) {
			t.Error(err)
		}
		troubles.Add(1)
	}})
	for i := range 20 {
		run := errandRun(bigFamily(fmt.Sprint("f", i)))
		id, err := h.Start(context.Background(), run)
		for errors.Is(err, errFull) {
			id, err = h.Start(context.Background(), run)
		}
		check(t, err)
		expectDone(t, h, id, familySize)
	}
	for id, n := range e.count() {
		// A grandchild's activities are idempotent.
		if n > 1 && strings.Count(id, "/") < 2 {
			t.Errorf("%s was done %d times", id, n)
		}
	}
	if troubles.Load() == 0 || len(e.count()) != 20*familySize {
		t.Errorf("%d troubles, %d activities", troubles.Load(), len(e.count()))
	}
}

// TestHostFaultSeeds lets families of runs go through processes that die and stores
// that fail, also after they have written. The goroutines' order is not the seed's,
// so a seed that fails may need several tries.
func TestHostFaultSeeds(t *testing.T) {
	t.Parallel()
	seeds := 8
	if n := os.Getenv("TUTTI_SIM_SEEDS"); n != "" {
		seeds, _ = strconv.Atoi(n)
	}
	for seed := range seeds {
		if hostFaultSeed(t, rand.New(rand.NewPCG(uint64(seed), 3))); t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func hostFaultSeed(t *testing.T, r *rand.Rand) {
	ctx := context.Background()
	s, e := openStore(t, t.TempDir()), newErrands()
	var mu sync.Mutex
	clock := newFakeClock()
	clock.auto = true
	lives := 3
	process := func() (*local.Host, *mortal) {
		m := &mortal{Store: s}
		often := 5 + r.IntN(30)
		if lives--; lives >= 0 {
			m.fault = func() (bool, error) {
				mu.Lock()
				defer mu.Unlock()
				if r.IntN(often) > 0 {
					return true, nil
				}
				return r.IntN(2) == 0, errFull
			}
		}
		h := newHost(t, local.HostOptions{Store: m, Machines: &mortalErrands{e, m}, Clock: clock, CheckpointEvery: int64(1 + r.IntN(5)),
			MaxWorking: 1 + r.IntN(3)})
		return h, m
	}
	h, m := process()
	for n := range 6 {
		for {
			_, err := h.Start(ctx, errandRun(bigFamily(fmt.Sprint("f", n))))
			if exists := (*store.ExistsError)(nil); err == nil || errors.As(err, &exists) {
				break
			}
			if !errors.Is(err, errFull) {
				t.Fatal(err)
			}
		}
		if n%2 == 1 {
			e.mu.Lock()
			m.die()
			e.mu.Unlock()
			check(t, h.Close(ctx))
			h, m = process()
			for {
				if _, err := h.Recover(ctx); err == nil {
					break
				} else if !errors.Is(err, errFull) {
					t.Fatal(err)
				}
			}
		}
	}
	defer func() { check(t, h.Close(ctx)) }()
	for n := range 6 {
		found, err := s.Find(ctx, store.RunFilter{Owner: "errands", Name: fmt.Sprint("f", n)})
		check(t, err)
		expectDone(t, h, found[0].ID, familySize)
	}
	for id, n := range e.count() {
		if n > 1 && strings.Count(id, "/") < 2 {
			t.Errorf("%s is not idempotent and was done %d times", id, n)
		}
	}
	if all, err := s.Find(ctx, store.RunFilter{}); err != nil || len(all) != 6*10 || len(e.count()) != 6*familySize {
		t.Errorf("%d runs, %v, %d activities", len(all), err, len(e.count()))
	}
}
