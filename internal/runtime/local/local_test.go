package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tutti/internal/flow"
	"tutti/internal/runtime/local"
	"tutti/internal/store"
)

func TestRun(t *testing.T) {
	d, w := newDisk(), newWorld()
	opts := options(d, w, "#1 create a.a\n#2 create a.b needs=#1 idempotent\n#3 create a.c needs=#2\n")
	w.do = func(_ context.Context, n int, _ flow.Do) (local.Outcome, error) {
		w.effect(n)
		return local.Outcome{Output: json.RawMessage(`{"n":1}`), Writes: []store.Write{{DeleteOutput: string(rune('a' + n))}}}, nil
	}
	res, err := local.Run(context.Background(), opts)
	expectStatus(t, res, err, store.Succeeded)
	expectOnce(t, w, 1, 2, 3)
	want := []string{"started", "sent #1", `done #1 {"n":1}`, `done #2 {"n":1}`, "sent #3", `done #3 {"n":1}`}
	got := d.lines()
	got[0], _, _ = strings.Cut(got[0], " ")
	if !slices.Equal(got, want) {
		t.Errorf("the journal is\n%s", strings.Join(got, "\n"))
	}
	if d.status != store.Succeeded || len(d.writes) != 3 || string(res.Output) != `{"done":3,"failed":0,"skipped":0}` {
		t.Errorf("status %s, %d writes, output %s", d.status, len(d.writes), res.Output)
	}
}

// What is not idempotent must not be seen by a worker before the journal says so.
func TestSentIsDurableFirst(t *testing.T) {
	d, w := newDisk(), newWorld()
	w.do = func(_ context.Context, n int, do flow.Do) (local.Outcome, error) {
		if !slices.Contains(d.lines(), "sent #"+string(rune('0'+n))) {
			t.Errorf("action %d went out before that was durable", n)
		}
		return local.Outcome{}, nil
	}
	res, err := local.Run(context.Background(), options(d, w, wide(9, false)))
	expectStatus(t, res, err, store.Succeeded)
}

func TestFailure(t *testing.T) {
	d, w := newDisk(), newWorld()
	w.do = func(_ context.Context, n int, _ flow.Do) (local.Outcome, error) {
		w.effect(n)
		switch n {
		case 1:
			return local.Outcome{Writes: []store.Write{{DeleteOutput: "x"}}}, errors.New("it broke")
		case 3:
			return local.Outcome{Output: json.RawMessage(`{`)}, nil
		case 5:
			return local.Outcome{}, fmt.Errorf("wrapped: %w", &flow.Failure{Kind: flow.Retryable, Code: "Far", Message: "away"})
		case 4:
			return local.Outcome{}, flow.Failure{Kind: flow.Retryable, Code: "Busy", Message: "later"}
		}
		return local.Outcome{}, nil
	}
	res, err := local.Run(context.Background(), options(d, w, "#1 create a.a\n#2 create a.b needs=#1\n#3 create a.c\n#4 create a.d\n#5 create a.e\n"))
	expectStatus(t, res, err, store.Failed)
	expectOnce(t, w, 1, 3, 4, 5)
	if res.Failure.Message != "0 done, 4 failed, 1 skipped" || d.message != res.Failure.Message || len(d.writes) != 1 {
		t.Errorf("%v, noted as %q, %d writes", res.Failure, d.message, len(d.writes))
	}
	for _, want := range []string{`failed #1 kind=terminal message="it broke"`, `failed #4 kind=retryable code="Busy" message="later"`,
		`failed #5 kind=retryable code="Far" message="away"`} {
		if !slices.Contains(d.lines(), want) {
			t.Errorf("the journal lacks %s:\n%s", want, strings.Join(d.lines(), "\n"))
		}
	}
}

func TestObserver(t *testing.T) {
	d, w := newDisk(), newWorld()
	var mu sync.Mutex
	var got []string
	note := func(s string) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, s)
	}
	w.do = func(_ context.Context, n int, _ flow.Do) (local.Outcome, error) {
		if n == 2 {
			return local.Outcome{}, errors.New("no")
		}
		return local.Outcome{}, nil
	}
	opts := options(d, w, "#1 create a.a\n#2 create a.b needs=#1\n")
	opts.Observer = local.Observer{
		Sent:   func(d flow.Do, _ time.Time) { note("sent " + string(d.Input)) },
		Log:    func(_ flow.ID, line string) { note("log " + line) },
		Done:   func(d flow.Do, _ time.Time, _ json.RawMessage) { note("done " + string(d.Input)) },
		Failed: func(d flow.Do, _ time.Time, f flow.Failure) { note("failed " + string(d.Input) + " " + f.Message) },
	}
	if _, err := local.Run(context.Background(), opts); err != nil {
		t.Fatal(err)
	}
	// What was done is told when it is durable, which may be after the next went out.
	slices.Sort(got)
	want := []string{`done {"action":1}`, `failed {"action":2} no`, "log change 1", "log change 2", `sent {"action":1}`, `sent {"action":2}`}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestCancelAndResume(t *testing.T) {
	d, w := newDisk(), newWorld()
	cancel := make(chan struct{})
	w.do = func(_ context.Context, n int, _ flow.Do) (local.Outcome, error) {
		if n == 1 {
			close(cancel)
			waitFor(d, "cancel")
		}
		w.effect(n)
		return local.Outcome{}, nil
	}
	opts := options(d, w, "#1 create a.a\n#2 create a.b needs=#1\n")
	opts.Person.Cancel = cancel
	res, err := local.Run(context.Background(), opts)
	expectStatus(t, res, err, store.Stopped)
	expectOnce(t, w, 1)
	opts.Person.Cancel = nil
	if _, err := local.Run(context.Background(), opts); err == nil {
		t.Error("a run that has begun was started")
	}
	res, err = local.Run(context.Background(), resumed(opts))
	expectStatus(t, res, err, store.Succeeded)
	expectOnce(t, w, 1, 2)
	// A run that has ended is not done again.
	res, err = local.Run(context.Background(), resumed(opts))
	expectStatus(t, res, err, store.Succeeded)
	expectOnce(t, w, 1, 2)
}

// waitFor waits until the journal holds a line that starts so; the run's
// goroutines go on meanwhile.
func waitFor(d *disk, prefix string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for !slices.ContainsFunc(d.bare(), func(l string) bool { return strings.HasPrefix(l, prefix) }) {
		d.grown.Wait()
	}
}

func TestAbortAndResume(t *testing.T) {
	d, w := newDisk(), newWorld()
	ctx, abort := context.WithCancel(context.Background())
	w.do = func(ctx context.Context, n int, do flow.Do) (local.Outcome, error) {
		if n == 2 && ctx.Err() == nil && do.ID == 2 {
			abort()
			<-ctx.Done()
			return local.Outcome{}, ctx.Err()
		}
		w.effect(n)
		return local.Outcome{}, nil
	}
	opts := options(d, w, "#1 create a.a\n#2 create a.b needs=#1 idempotent\n#3 create a.c needs=#2\n")
	res, err := local.Run(ctx, opts)
	expectStatus(t, res, err, store.Stopped)
	expectOnce(t, w, 1)
	res, err = local.Run(context.Background(), resumed(opts))
	expectStatus(t, res, err, store.Succeeded)
	expectOnce(t, w, 1, 2, 3)
}

// What was cut off in the middle and is not idempotent is settled when the run is
// resumed, as after a crash.
func TestAbortInTheMiddle(t *testing.T) {
	for name, decision := range map[string]local.Decision{"leave": local.Leave, "retry": local.Retry, "give up": local.GiveUp} {
		t.Run(name, func(t *testing.T) {
			d, w := newDisk(), newWorld()
			ctx, abort := context.WithCancel(context.Background())
			w.do = func(ctx context.Context, n int, _ flow.Do) (local.Outcome, error) {
				if n == 1 && len(w.seen()) == 0 && ctx.Err() == nil && !slices.Contains(d.lines(), "signal resume") {
					abort()
					<-ctx.Done()
					return local.Outcome{}, fmt.Errorf("killed: %w", ctx.Err())
				}
				w.effect(n)
				return local.Outcome{}, nil
			}
			w.settle = func(int, flow.Do) (bool, error) { return false, errCannotTell }
			opts := options(d, w, "#1 create a.a\n#2 create a.b needs=#1\n")
			res, err := local.Run(ctx, opts)
			expectStatus(t, res, err, store.Stopped)
			if len(res.InDoubt) != 1 || res.InDoubt[0].Do.ID != 1 || d.message != "aborted; 1 activities were cut off" {
				t.Fatalf("in doubt %+v, noted as %q", res.InDoubt, d.message)
			}
			opts.Person.InDoubt = func(context.Context, []local.Doubt) map[flow.ID]local.Decision {
				return map[flow.ID]local.Decision{1: decision}
			}
			res, err = local.Run(context.Background(), resumed(opts))
			switch decision {
			case local.Leave:
				expectStatus(t, res, err, store.InDoubt)
				expectOnce(t, w)
			case local.Retry:
				expectStatus(t, res, err, store.Succeeded)
				expectOnce(t, w, 1, 2)
			case local.GiveUp:
				expectStatus(t, res, err, store.Failed)
				expectOnce(t, w)
			}
		})
	}
}

// An activity that does not obey is left behind: it is named as in doubt, at once and
// when the run is resumed.
func TestAbandon(t *testing.T) {
	d, w := newDisk(), newWorld()
	ctx, abort := context.WithCancel(context.Background())
	release := make(chan struct{})
	w.do = func(context.Context, int, flow.Do) (local.Outcome, error) {
		abort()
		<-release
		return local.Outcome{}, nil
	}
	opts := options(d, w, "#1 create a.a\n")
	opts.Grace = time.Millisecond
	res, err := local.Run(ctx, opts)
	if err != nil || res.Status != store.Stopped || d.status != store.Stopped || len(res.InDoubt) != 1 || !strings.Contains(res.InDoubt[0].Why.Error(), "did not stop") {
		t.Fatalf("%+v, %v", res, err)
	}
	close(release)
	w.settle = func(int, flow.Do) (bool, error) { return false, errCannotTell }
	res, err = local.Run(context.Background(), resumed(opts))
	expectStatus(t, res, err, store.InDoubt)
}

// stopAfter ends the process, as far as the run can tell, when the nth append has
// been made: every later one fails, and so does looking back.
func stopAfter(n int) func(int) (bool, error) {
	return func(i int) (bool, error) {
		if i > n {
			return false, errFull
		}
		return true, nil
	}
}

func TestFullDisk(t *testing.T) {
	for n := range 8 {
		d, w := newDisk(), newWorld()
		d.fault = stopAfter(n)
		opts := options(d, w, "#1 create a.a\n#2 create a.b needs=#1\n#3 create a.c needs=#1 idempotent\n#4 create a.d needs=#2,#3\n")
		res, err := local.Run(context.Background(), opts)
		if n < 4 && (!errors.Is(err, errFull) || res.Status != store.Stopped) {
			t.Fatalf("full after %d appends: %s, %v", n, res.Status, err)
		}
		d.fault = nil
		before := w.seen()
		res, err = local.Run(context.Background(), resumed(opts))
		expectStatus(t, res, err, store.Succeeded)
		for a, count := range w.seen() {
			if count > 1 && a != 3 {
				t.Errorf("full after %d appends: action %d was done %d times (%d before the resume)", n, a, count, before[a])
			}
		}
	}
}

// A disk that has room again when the activities have come back loses nothing:
// nothing has to be settled.
func TestFullDiskForAWhile(t *testing.T) {
	for _, kept := range []bool{false, true} {
		d, w := newDisk(), newWorld()
		d.fault = func(n int) (bool, error) {
			if n == 2 {
				return kept, errFull
			}
			return true, nil
		}
		w.settle = func(n int, _ flow.Do) (bool, error) {
			t.Errorf("action %d had to be settled", n)
			return false, errCannotTell
		}
		opts := options(d, w, "#1 create a.a\n#2 create a.b needs=#1 idempotent\n")
		res, err := local.Run(context.Background(), opts)
		if !errors.Is(err, errFull) || res.Status != store.Stopped || d.status != store.Stopped {
			t.Fatalf("%s, %v", res.Status, err)
		}
		res, err = local.Run(context.Background(), resumed(opts))
		expectStatus(t, res, err, store.Succeeded)
		if got := w.seen(); got[1] != 1 {
			t.Errorf("kept=%v: the world counts %v", kept, got)
		}
	}
}

// cutOffRun gives a disk on which n activities were sent and never answered.
func cutOffRun(t *testing.T, n, parallelism int, actions string) (*disk, *world, local.Options) {
	t.Helper()
	d, w := newDisk(), newWorld()
	opts := options(d, w, actions)
	opts.Input = input(actions, parallelism)
	d.fault = func(int) (bool, error) { return true, nil }
	reached := 0
	var mu sync.Mutex
	w.do = func(context.Context, int, flow.Do) (local.Outcome, error) {
		mu.Lock()
		defer mu.Unlock()
		if reached++; reached == n {
			d.mu.Lock()
			d.fault = stopAfter(0)
			d.mu.Unlock()
		}
		return local.Outcome{}, nil
	}
	// Answers are lost by holding them back until the disk is full.
	inner := w.do
	all := make(chan struct{})
	w.do = func(ctx context.Context, a int, do flow.Do) (local.Outcome, error) {
		out, err := inner(ctx, a, do)
		mu.Lock()
		if reached == n {
			reached++
			close(all)
		}
		mu.Unlock()
		<-all
		return out, err
	}
	if _, err := local.Run(context.Background(), opts); !errors.Is(err, errFull) {
		t.Fatalf("the run was not cut off: %v", err)
	}
	d.fault, w.do = nil, nil
	return d, w, resumed(opts)
}

func TestSettle(t *testing.T) {
	d, w, opts := cutOffRun(t, 2, 2, "#1 create a.a\n#2 create a.b\n#3 create a.c needs=#1,#2\n")
	w.settle = func(n int, _ flow.Do) (bool, error) { return n == 1, nil }
	res, err := local.Run(context.Background(), opts)
	expectStatus(t, res, err, store.Succeeded)
	expectOnce(t, w, 2, 3)
	text := strings.Join(d.lines(), "\n")
	for _, want := range []string{"#1 was cut off; the world shows that it was done", "#2 was cut off; the world shows that it was not done", "signal resume"} {
		if !strings.Contains(text, want) {
			t.Errorf("the journal lacks %q:\n%s", want, text)
		}
	}
}

func TestInDoubtLeft(t *testing.T) {
	// All places are taken by activities in doubt: the rest goes on nevertheless.
	d, w, opts := cutOffRun(t, 2, 2, "#1 create a.a\n#2 create a.b\n#3 create a.c needs=#1\n#4 create a.d\n#5 create a.e needs=#4\n")
	w.settle = func(int, flow.Do) (bool, error) { return false, errCannotTell }
	for range 2 {
		res, err := local.Run(context.Background(), opts)
		expectStatus(t, res, err, store.InDoubt)
		expectOnce(t, w, 4, 5)
		if len(res.InDoubt) != 2 || res.InDoubt[1].Do.ID != 2 || !errors.Is(res.InDoubt[1].Why, errCannotTell) || d.status != store.InDoubt {
			t.Fatalf("in doubt: %+v, status %s", res.InDoubt, d.status)
		}
		opts = resumed(opts)
	}
	parks := 0
	for _, l := range d.lines() {
		if strings.HasPrefix(l, "signal in-doubt") {
			parks++
		}
	}
	if parks != 2 {
		t.Errorf("%d in-doubt signals in\n%s", parks, strings.Join(d.lines(), "\n"))
	}
	opts.Person.InDoubt = func(_ context.Context, doubts []local.Doubt) map[flow.ID]local.Decision {
		return map[flow.ID]local.Decision{1: local.Retry, 2: local.GiveUp}
	}
	res, err := local.Run(context.Background(), opts)
	expectStatus(t, res, err, store.Failed)
	expectOnce(t, w, 1, 3, 4, 5)
	if res.Failure.Message != "4 done, 1 failed, 0 skipped" {
		t.Error(res.Failure.Message)
	}
}

// A worker that cannot tell how far it got leaves the activity outstanding, unless
// that can simply be done again.
func TestWorkerInDoubt(t *testing.T) {
	d, w := newDisk(), newWorld()
	gone := errors.New("whoever did it went away")
	opts := options(d, w, "#1 create a.a\n#2 create a.b needs=#1\n#3 create a.c\n#4 read a.d idempotent\n")
	w.do = func(_ context.Context, n int, _ flow.Do) (local.Outcome, error) {
		if n == 1 || n == 4 {
			return local.Outcome{}, &local.DoubtError{Err: gone}
		}
		w.effect(n)
		return local.Outcome{}, nil
	}
	res, err := local.Run(context.Background(), opts)
	expectStatus(t, res, err, store.InDoubt)
	expectOnce(t, w, 3)
	if len(res.InDoubt) != 1 || res.InDoubt[0].Do.ID != 1 || !errors.Is(res.InDoubt[0].Why, gone) {
		t.Fatalf("in doubt: %+v", res.InDoubt)
	}
	if text := strings.Join(d.lines(), "\n"); !strings.Contains(text, "#1 is in doubt: "+gone.Error()) || !strings.Contains(text, "failed #4") {
		t.Errorf("the journal does not tell what happened:\n%s", text)
	}
	w.do = nil
	w.settle = func(int, flow.Do) (bool, error) { return false, nil }
	res, err = local.Run(context.Background(), resumed(opts))
	expectStatus(t, res, err, store.Failed)
	expectOnce(t, w, 1, 2, 3)
}

func TestApprovalByMail(t *testing.T) {
	d, w := newDisk(), newWorld()
	opts := options(d, w, "#1 run approval.go\n#2 create a.b needs=#1\n")
	waiting := make(chan []flow.SetTimer, 1)
	opts.Observer.Waiting = func(timers []flow.SetTimer) { waiting <- timers }
	opts.Person.ReturnWhenWaiting = true
	res, err := local.Run(context.Background(), opts)
	expectStatus(t, res, err, store.Waiting)
	if timers := <-waiting; len(timers) != 1 {
		t.Errorf("waits for %v", timers)
	}
	say := func(s flow.Signaled) {
		if err := d.Post(context.Background(), 1, s); err != nil {
			t.Fatal(err)
		}
	}
	say(flow.Signaled{Name: "approve", Payload: json.RawMessage(`{"addr":"approval.other","approved":true}`)})
	say(flow.Signaled{Name: "approve", Payload: json.RawMessage(`{broken`)})
	say(flow.Signaled{Name: "approve", Payload: json.RawMessage(`{"addr":"approval.go","approved":true,"by":"ann"}`)})
	res, err = local.Run(context.Background(), resumed(opts))
	expectStatus(t, res, err, store.Succeeded)
	expectOnce(t, w, 1, 2)
	if len(d.messages) != 0 {
		t.Errorf("%d messages were not taken", len(d.messages))
	}
}

// A message that comes while the run waits is found by polling.
func TestMailWhileWaiting(t *testing.T) {
	for name, signal := range map[string]flow.Signaled{
		"approve": {Name: "approve", Payload: json.RawMessage(`{"addr":"approval.go","approved":true,"by":"ann"}`)},
		"cancel":  {Name: local.SignalCancel, Payload: json.RawMessage(`{"reason":"ann said so"}`)},
	} {
		t.Run(name, func(t *testing.T) {
			d, w := newDisk(), newWorld()
			opts := options(d, w, "#1 run approval.go\n")
			opts.Observer.Waiting = func([]flow.SetTimer) {
				if err := d.Post(context.Background(), 1, signal); err != nil {
					t.Error(err)
				}
			}
			res, err := local.Run(context.Background(), opts)
			want := store.Succeeded
			if name == "cancel" {
				want = store.Stopped
			}
			expectStatus(t, res, err, want)
		})
	}
}

func TestSignalsOfThisProcess(t *testing.T) {
	d, w := newDisk(), newWorld()
	opts := options(d, w, "#1 run approval.go\n")
	signals := make(chan flow.Signaled, 1)
	opts.Person.Signals = signals
	opts.Observer.Waiting = func([]flow.SetTimer) {
		signals <- flow.Signaled{Name: "approve", Payload: json.RawMessage(`{"addr":"approval.go","approved":false,"by":"ann"}`)}
	}
	res, err := local.Run(context.Background(), opts)
	expectStatus(t, res, err, store.Failed)
}

func TestLease(t *testing.T) {
	held := &store.HeldError{Holder: store.Lease{Run: 7, Holder: "bob"}}
	d, w := newDisk(), newWorld()
	opts := options(d, w, "#1 create a.a\n")
	opts.Lease = &store.Lease{Holder: "ann", Whole: true}
	res, err := local.Run(context.Background(), opts)
	expectStatus(t, res, err, store.Succeeded)
	if d.acquired != 1 || !d.released {
		t.Errorf("acquired %d times, released: %v", d.acquired, d.released)
	}
	d, w = newDisk(), newWorld()
	d.acquire = func(int) error { return held }
	opts.Store, opts.Worker = d, w
	_, err = local.Run(context.Background(), resumed(opts))
	if got := (*store.HeldError)(nil); !errors.As(err, &got) || len(d.journal) != 0 || d.released {
		t.Errorf("held: %v, journal %v, released %v", err, d.journal, d.released)
	}
}

// A lease that is lost while the run is under way stops it.
func TestLeaseLost(t *testing.T) {
	d, w := newDisk(), newWorld()
	clock := newFakeClock()
	d.acquire = func(n int) error {
		if n > 1 {
			return &store.HeldError{Holder: store.Lease{Run: 7, Holder: "bob"}}
		}
		return nil
	}
	w.do = func(_ context.Context, n int, _ flow.Do) (local.Outcome, error) {
		clock.jump(store.LeaseTTL)
		waitFor(d, "cancel")
		w.effect(n)
		return local.Outcome{}, nil
	}
	opts := options(d, w, "#1 create a.a\n#2 create a.b needs=#1\n")
	opts.Lease, opts.Clock = &store.Lease{Whole: true}, clock
	res, err := local.Run(context.Background(), opts)
	if err == nil || !strings.Contains(err.Error(), "the lease of run 1 is lost") || res.Status != store.Stopped {
		t.Errorf("%s, %v", res.Status, err)
	}
	// Whoever waits for a held lease must not take this for one and begin again.
	if got := (*store.HeldError)(nil); errors.As(err, &got) {
		t.Errorf("a lease that was lost on the way is given as %v", got)
	}
	expectOnce(t, w, 1)
}

func TestReplayMismatch(t *testing.T) {
	for _, line := range []string{"+1s done #7", "sent #7", "+1s fired #1", "+0s started at=2026-11-23T14:00:00Z seed=1"} {
		d, w := newDisk(), newWorld()
		opts := options(d, w, "#1 create a.a\n")
		d.journal = []string{`+0s started at=2026-11-23T14:00:00Z seed=1 ` + string(opts.Input), line}
		_, err := local.Run(context.Background(), resumed(opts))
		if !errors.Is(err, store.ErrCorrupt) || !strings.Contains(err.Error(), "entry 2") {
			t.Errorf("%s: %v", line, err)
		}
		expectOnce(t, w)
	}
}

func TestParallelism(t *testing.T) {
	d, w := newDisk(), newWorld()
	res, err := local.Run(context.Background(), options(d, w, wide(200, true)))
	expectStatus(t, res, err, store.Succeeded)
	if w.most > 10 || len(w.seen()) != 200 {
		t.Errorf("%d at once, %d done", w.most, len(w.seen()))
	}
}
