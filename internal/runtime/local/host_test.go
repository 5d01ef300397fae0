package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tutti/internal/flow"
	"tutti/internal/flow/flowtest"
	"tutti/internal/runtime/local"
	"tutti/internal/secret"
	"tutti/internal/store"
	"tutti/internal/store/sqlite"
)

// errands makes errands and counts what their activities do in the world.
type errands struct {
	mu    sync.Mutex
	done  map[string]int
	runs  map[string]store.RunID // by whose worker an errand's activities were done
	do    func(ctx context.Context, what string) error
	tells func(what string) (bool, error) // Settle
}

func newErrands() *errands { return &errands{done: map[string]int{}, runs: map[string]store.RunID{}} }

func (e *errands) Machine(_ context.Context, r store.Run) (flow.Machine, error) {
	if r.Machine != flowtest.ErrandMachine {
		return nil, fmt.Errorf("machine %q: %w", r.Machine, local.ErrForeign)
	}
	return flowtest.NewErrand(), nil
}

func (e *errands) Worker(r store.Run) local.Worker { return errandWorker{e, r.ID} }

type errandWorker struct {
	*errands
	run store.RunID
}

func what(d flow.Do) (name, id string) {
	var a flowtest.ErrandActivity
	if err := json.Unmarshal(d.Input, &a); err != nil {
		panic(err)
	}
	return a.Name, fmt.Sprintf("%s:%d", a.Name, a.N)
}

func (w errandWorker) Do(ctx context.Context, d flow.Do, _ func(string)) (local.Outcome, error) {
	name, id := what(d)
	if w.do != nil {
		if err := w.do(ctx, id); err != nil {
			return local.Outcome{}, err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done[id]++
	w.runs[name] = w.run
	return local.Outcome{}, nil
}

func (w errandWorker) Settle(_ context.Context, d flow.Do) (local.Outcome, bool, error) {
	_, id := what(d)
	if w.tells != nil {
		done, err := w.tells(id)
		return local.Outcome{}, done, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return local.Outcome{}, w.done[id] > 0, nil
}

func (e *errands) count() map[string]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.done)
}

func (e *errands) workerOf(name string) store.RunID {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.runs[name]
}

// mortal is a store that can be made to fail, or to die as with its process.
type mortal struct {
	store.Store
	// life is held by accesses under way: what has begun is over before the death.
	life sync.RWMutex
	dead atomic.Bool
	// fault is asked at each access to runs when it is set: whether it is made, and
	// whether it fails, made or not.
	fault func() (made bool, err error)
}

var errDead = errors.New("the process is dead")

func (m *mortal) die() {
	m.life.Lock()
	defer m.life.Unlock()
	m.dead.Store(true)
}

func (m *mortal) access(do func() error) error {
	m.life.RLock()
	defer m.life.RUnlock()
	if m.dead.Load() {
		return errDead
	}
	if m.fault == nil {
		return do()
	}
	made, fault := m.fault()
	if made {
		if err := do(); err != nil {
			return err
		}
	}
	return fault
}

func (m *mortal) Append(ctx context.Context, run store.RunID, entries []store.Entry) error {
	return m.access(func() error { return m.Store.Append(ctx, run, entries) })
}

func (m *mortal) Begin(ctx context.Context, r store.Run, entries []store.Entry) (id store.RunID, err error) {
	err = m.access(func() error {
		id, err = m.Store.Begin(ctx, r, entries)
		return err
	})
	return id, err
}

func (m *mortal) SetStatus(ctx context.Context, id store.RunID, s store.Status, message string) error {
	return m.access(func() error { return m.Store.SetStatus(ctx, id, s, message) })
}

func (m *mortal) Run(ctx context.Context, id store.RunID) (r *store.Run, err error) {
	err = m.access(func() error {
		r, err = m.Store.Run(ctx, id)
		return err
	})
	return r, err
}

func (m *mortal) Entries(ctx context.Context, id store.RunID, from int64) (list []store.Entry, err error) {
	err = m.access(func() error {
		list, err = m.Store.Entries(ctx, id, from)
		return err
	})
	return list, err
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func openStore(t testing.TB, dir string) store.Store {
	t.Helper()
	s, err := sqlite.Open(context.Background(), dir, sqlite.Options{Ring: secret.NewRing(killKey, "")})
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	return s
}

func newHost(t testing.TB, o local.HostOptions) *local.Host {
	t.Helper()
	h, err := local.NewHost(o)
	check(t, err)
	return h
}

// hostOf gives a Host that is closed with the test.
func hostOf(t testing.TB, o local.HostOptions) *local.Host {
	t.Helper()
	if o.Trouble == nil {
		o.Trouble = func(err error) { t.Error(err) }
	}
	h := newHost(t, o)
	t.Cleanup(func() { check(t, h.Close(context.Background())) })
	return h
}

func errandRun(in flowtest.ErrandInput) store.Run {
	input, err := json.Marshal(in)
	if err != nil {
		panic(err)
	}
	return store.Run{Machine: flowtest.ErrandMachine, Owner: "errands", Name: in.Name, Input: input}
}

func start(t testing.TB, h *local.Host, in flowtest.ErrandInput) store.RunID {
	t.Helper()
	id, err := h.Start(context.Background(), errandRun(in))
	check(t, err)
	return id
}

func wait(t testing.TB, h *local.Host, id store.RunID) local.Result {
	t.Helper()
	res, err := h.Wait(context.Background(), id)
	check(t, err)
	return res
}

func expectDone(t testing.TB, h *local.Host, id store.RunID, total int) {
	t.Helper()
	res := wait(t, h, id)
	if want := fmt.Sprintf(`{"done":%d}`, total); res.Status != store.Succeeded || string(res.Output) != want {
		t.Errorf("run %d ended %s with %s (%v), want %s", id, res.Status, res.Output, res.Failure, want)
	}
}

// bigFamily has activities, children and grandchildren: 2+3*(1+2*1) of them.
func bigFamily(name string) flowtest.ErrandInput {
	grandchild := flowtest.ErrandInput{Do: 1, Idempotent: true, Wait: time.Millisecond}
	child := flowtest.ErrandInput{Do: 1, Children: []flowtest.ErrandInput{grandchild, grandchild}}
	return flowtest.ErrandInput{Name: name, Do: 2, Children: []flowtest.ErrandInput{child, child, child}}
}

const familySize = 11

func TestHost(t *testing.T) {
	t.Parallel()
	s, e := openStore(t, t.TempDir()), newErrands()
	h := hostOf(t, local.HostOptions{Store: s, Machines: e})
	ids := map[string]store.RunID{}
	for i := range 20 {
		name := fmt.Sprint("f", i)
		ids[name] = start(t, h, bigFamily(name))
	}
	for name, id := range ids {
		expectDone(t, h, id, familySize)
		if got := e.workerOf(name); got != id {
			t.Errorf("the worker of %s was made for run %d, not %d", name, got, id)
		}
		children, err := s.Find(context.Background(), store.RunFilter{Parent: id})
		check(t, err)
		for _, c := range children {
			if c.Status != store.Succeeded || c.Child == 0 {
				t.Errorf("child %+v", c)
			}
		}
		if len(children) != 3 {
			t.Errorf("%s has %d children", name, len(children))
		}
	}
	for id, n := range e.count() {
		if n != 1 {
			t.Errorf("%s was done %d times", id, n)
		}
	}
	if len(e.count()) != 20*familySize {
		t.Errorf("%d activities were done", len(e.count()))
	}
	row, err := s.Run(context.Background(), ids["f3"])
	check(t, err)
	if row.Status != store.Succeeded || string(row.Output) != `{"done":11}` || row.Ended.IsZero() || row.Name != "f3" || len(row.Input) == 0 {
		t.Errorf("%+v", row)
	}
}

// What ends at once is in one entry of its journal, and has no more cost.
func TestHostEndsAtOnce(t *testing.T) {
	t.Parallel()
	s, e := openStore(t, t.TempDir()), newErrands()
	h := hostOf(t, local.HostOptions{Store: s, Machines: e})
	id := start(t, h, flowtest.ErrandInput{Name: "quick"})
	expectDone(t, h, id, 0)
	failing := start(t, h, flowtest.ErrandInput{Name: "failing", Fail: "Broken"})
	if res := wait(t, h, failing); res.Status != store.Failed || res.Failure.Code != "Broken" || res.Failure.Message != "as was wished" {
		t.Errorf("%+v", res)
	}
	entries, err := s.Entries(context.Background(), id, 1)
	if err != nil || len(entries) != 1 {
		t.Errorf("%+v, %v", entries, err)
	}
	if n := h.Stats(); n.Runs != 0 {
		t.Errorf("%+v", n)
	}
	// A child that ends at once, too.
	expectDone(t, h, start(t, h, flowtest.ErrandInput{Name: "parent", Children: []flowtest.ErrandInput{{}, {}}}), 0)
}

func TestHostNames(t *testing.T) {
	t.Parallel()
	h := hostOf(t, local.HostOptions{Store: openStore(t, t.TempDir()), Machines: newErrands()})
	id := start(t, h, flowtest.ErrandInput{Name: "one", Signal: "go"})
	var exists *store.ExistsError
	if _, err := h.Start(context.Background(), errandRun(flowtest.ErrandInput{Name: "one"})); !errors.As(err, &exists) || exists.Run != id {
		t.Errorf("started twice: %v", err)
	}
	if _, err := h.Start(context.Background(), store.Run{Machine: "other"}); !errors.Is(err, local.ErrForeign) {
		t.Errorf("a machine that nobody makes: %v", err)
	}
}

func TestHostSignals(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := openStore(t, t.TempDir())
	h := hostOf(t, local.HostOptions{Store: s, Machines: newErrands()})
	a := start(t, h, flowtest.ErrandInput{Name: "a", Signal: "go"})
	b := start(t, h, flowtest.ErrandInput{Name: "b", Signal: "go"})
	c := start(t, h, flowtest.ErrandInput{Name: "c", Signal: "go"})
	check(t, h.Signal(ctx, a, flow.Signaled{Name: "go"}))
	entries, err := s.Entries(ctx, a, 1)
	if err != nil || len(entries) != 2 {
		t.Errorf("a signal is not durable when Signal returns: %+v, %v", entries, err)
	}
	expectDone(t, h, a, 0)
	// What another process posts is found by looking.
	check(t, s.Post(ctx, b, flow.Signaled{Name: "go"}))
	expectDone(t, h, b, 0)
	check(t, h.Cancel(ctx, c, "enough"))
	if res := wait(t, h, c); res.Status != store.Stopped || res.Failure.Code != "Stopped" {
		t.Errorf("%+v", res)
	}
	for _, id := range []store.RunID{a, c} {
		if err := h.Signal(ctx, id, flow.Signaled{Name: "go"}); !errors.Is(err, local.ErrEnded) {
			t.Errorf("a signal to a run that has ended: %v", err)
		}
	}
	if err := h.Cancel(ctx, 77, ""); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a run that does not exist: %v", err)
	}
	if _, err := h.Wait(ctx, 77); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a run that does not exist: %v", err)
	}
}

// A cancelled parent asks its children to stop, and waits for them; taken up again
// it starts others.
func TestHostCancelsChildren(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, e := openStore(t, t.TempDir()), newErrands()
	h := hostOf(t, local.HostOptions{Store: s, Machines: e})
	child := flowtest.ErrandInput{Signal: "go", Children: []flowtest.ErrandInput{{Wait: 24 * 365 * time.Hour}}}
	id := start(t, h, flowtest.ErrandInput{Name: "p", Children: []flowtest.ErrandInput{child, child}})
	local.AwaitQuiet(h, 5)
	check(t, h.Cancel(ctx, id, "enough"))
	if res := wait(t, h, id); res.Status != store.Stopped {
		t.Errorf("%+v", res)
	}
	all, err := s.List(ctx, 0)
	check(t, err)
	for _, r := range all {
		if r.Status != store.Stopped {
			t.Errorf("run %d, child of %d, is %s", r.ID, r.Parent, r.Status)
		}
	}
	check(t, h.Resume(ctx, id))
	local.AwaitQuiet(h, 5)
	if all, err := s.List(ctx, 0); err != nil || len(all) != 9 {
		t.Errorf("%d runs, %v", len(all), err)
	}
	if n, err := h.Recover(ctx); n != 1 || err != nil {
		t.Errorf("recovered %d, %v: its children are its own", n, err)
	}
}

func TestHostRedrive(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, e := openStore(t, t.TempDir()), newErrands()
	broken := true
	e.do = func(_ context.Context, what string) error {
		if what == "x/1:0" && broken {
			return flow.Failure{Kind: flow.Retryable, Code: "Broken", Message: "no"}
		}
		return nil
	}
	h := hostOf(t, local.HostOptions{Store: s, Machines: e})
	id := start(t, h, flowtest.ErrandInput{Name: "x", Do: 1, Children: []flowtest.ErrandInput{{Do: 1}, {Do: 1}}})
	if res := wait(t, h, id); res.Status != store.Failed || res.Failure.Code != "Broken" || res.Failure.Kind != flow.Terminal {
		t.Fatalf("%+v", res)
	}
	if err := h.Resume(ctx, id); !errors.Is(err, local.ErrEnded) {
		t.Errorf("a run that failed was resumed: %v", err)
	}
	broken = false
	check(t, h.Redrive(ctx, id, nil))
	if row, err := s.Run(ctx, id); err != nil || row.Status == store.Failed {
		t.Errorf("what Redrive did is not durable when it returns: %+v, %v", row, err)
	}
	expectDone(t, h, id, 3)
	if got := e.count(); got["x:0"] != 1 || got["x/1~2:0"] != 1 {
		t.Errorf("%v", got)
	}
	if err := h.Redrive(ctx, id, nil); !errors.Is(err, local.ErrEnded) {
		t.Errorf("a run that succeeded was taken up: %v", err)
	}
	row, err := s.Run(ctx, id)
	if err != nil || row.Status != store.Succeeded || row.Code != "" || row.Message != "" {
		t.Errorf("%+v, %v", row, err)
	}
}

// No more activities are out at once than there are places for, and those that wait
// are not journaled as having gone out.
func TestHostPlaces(t *testing.T) {
	t.Parallel()
	s, e := openStore(t, t.TempDir()), newErrands()
	var out, most atomic.Int64
	e.do = func(context.Context, string) error {
		n := out.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		out.Add(-1)
		return nil
	}
	h := hostOf(t, local.HostOptions{Store: s, Machines: e, MaxWorking: 3})
	var ids []store.RunID
	for i := range 30 {
		ids = append(ids, start(t, h, flowtest.ErrandInput{Name: fmt.Sprint(i), Do: 5, Idempotent: i%2 == 0}))
	}
	for _, id := range ids {
		expectDone(t, h, id, 5)
	}
	if most.Load() > 3 {
		t.Errorf("%d at once", most.Load())
	}
	if n := h.Stats(); n.Working != 0 || n.Queued != 0 {
		t.Errorf("%+v", n)
	}
}

// What is said to a run that is being taken up, and then cannot be, is answered.
func TestHostSignalsWhileLoading(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := openStore(t, t.TempDir())
	id, err := s.Begin(ctx, errandRun(flowtest.ErrandInput{Name: "x"}), nil)
	check(t, err)
	u := &late{errands: newErrands(), asked: make(chan struct{}), answer: make(chan error)}
	h := hostOf(t, local.HostOptions{Store: s, Machines: u})
	resumed, told := make(chan error), make(chan error)
	go func() { resumed <- h.Resume(ctx, id) }()
	<-u.asked
	go func() { told <- h.Signal(ctx, id, flow.Signaled{Name: "go"}) }()
	go func() { u.answer <- errCannotTell }()
	if err := <-resumed; !errors.Is(err, errCannotTell) {
		t.Errorf("resumed: %v", err)
	}
	if err := <-told; err != nil && !errors.Is(err, local.ErrClosed) {
		t.Errorf("told: %v", err)
	}
}

// late answers when it is told what.
type late struct {
	*errands
	asked  chan struct{}
	answer chan error
}

func (l *late) Machine(context.Context, store.Run) (flow.Machine, error) {
	close(l.asked)
	return nil, <-l.answer
}
