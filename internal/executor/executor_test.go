package executor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tutti/internal/flow"
	"tutti/internal/runtime/local"
	"tutti/internal/secret"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/worker"
	"tutti/internal/store"
	"tutti/internal/store/sqlite"
)

// testKey is one as TUTTI_KEY has it, 32 bytes in base64.
const testKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

func newExecutor(t *testing.T) (*Executor, store.Store) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{Ring: secret.NewRing(testKey, "")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return New(Options{Store: s, Caller: func(context.Context, store.Run) (worker.Caller, error) {
		return nil, errors.New("nothing is called here")
	}}), s
}

func hosted(t *testing.T, x *Executor, s store.Store) *local.Host {
	t.Helper()
	h, err := local.NewHost(local.HostOptions{Store: s, Machines: x, Observer: x.Observer})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return h
}

// ask is a definition whose only state is a task of an activity.
const ask = `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:us-east-1:123456789012:activity:a","End":true}}}`

const activityARN = "arn:aws:states:us-east-1:123456789012:activity:a"

func begin(t *testing.T, x *Executor, h *local.Host, name, definition string) store.RunID {
	t.Helper()
	hash, err := x.KeepDefinition(t.Context(), definition, false)
	if err != nil {
		t.Fatal(err)
	}
	in := Input{Definition: hash, Start: execution.Start{Input: json.RawMessage(`{}`), Token: NewToken(), Execution: execution.Identity{ID: "arn:" + name, Name: name}}}
	id, err := h.Start(t.Context(), store.Run{Machine: execution.MachineExecution, Owner: "o", Name: name, Input: in.Encode()})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestTokens goes through the life of a task's token.
func TestTokens(t *testing.T) {
	t.Parallel()
	x, s := newExecutor(t)
	h := hosted(t, x, s)
	run := begin(t, x, h, "e", ask)
	task, ok := x.TakeTask(t.Context(), activityARN, "me")
	if !ok {
		t.Fatal("there is no task")
	}
	expect := func(token, kind string, want TokenState) {
		t.Helper()
		got, err := x.Answer(t.Context(), execution.TaskSignal{Token: token, Kind: kind, Output: json.RawMessage(`1`)}, h.Signal)
		if err != nil || got != want {
			t.Errorf("%s %s: %d, %v, want %d", kind, token, got, err, want)
		}
	}
	expect("nonsense", "success", TokenInvalid)
	expect("", "success", TokenInvalid)
	expect(strings.Repeat("a", 32)+"."+strings.Repeat("b", 32), "success", TokenClosed)
	expect(task.Token, "heartbeat", TokenOpen)
	expect(task.Token, "heartbeat", TokenOpen)
	failing := func(context.Context, store.RunID, flow.Signaled) error { return errors.New("the disk is full") }
	if _, err := x.Answer(t.Context(), execution.TaskSignal{Token: task.Token, Kind: "success"}, failing); err == nil {
		t.Error("an answer that is not durable counts")
	}
	expect(task.Token, "success", TokenOpen)
	expect(task.Token, "success", TokenClosed)
	res, err := h.Wait(t.Context(), run)
	if err != nil || string(res.Output) != "1" {
		t.Errorf("the execution ended with %+v, %v", res, err)
	}
	expect(task.Token, "failure", TokenClosed)
}

// TestQueue gives tasks out in their order, each to one worker, and takes back those
// that are no longer wanted.
func TestQueue(t *testing.T) {
	t.Parallel()
	q := newQueues()
	call := func(n int) execution.Call {
		return execution.Call{Resource: "a", Arguments: json.RawMessage(fmt.Sprint(n))}
	}
	offered := make(chan string, 3)
	withdrawn, withdraw := context.WithCancel(t.Context())
	for n, ctx := range []context.Context{t.Context(), withdrawn, t.Context()} {
		go func() {
			name, err := q.offer(ctx, offerID{1, flow.ID(n + 1)}, call(n))
			offered <- fmt.Sprint(n, " ", name, " ", err)
		}()
		for waiting := 0; waiting <= n; { // so that they come in their order
			q.mu.Lock()
			waiting = q.of("a").tasks.Len()
			q.mu.Unlock()
		}
	}
	withdraw()
	if got := <-offered; got != "1  context canceled" {
		t.Errorf("the withdrawn task: %s", got)
	}
	for _, want := range []string{"0", "2"} {
		o := q.take(t.Context(), "a", "me")
		if got := string(o.call.Arguments); got != want {
			t.Errorf("got the task %s, want %s", got, want)
		}
		if got := <-offered; got != want+" me <nil>" {
			t.Errorf("the offer ended: %s", got)
		}
	}
	given, give := context.WithCancel(t.Context())
	give()
	if o := q.take(given, "a", "me"); o != nil {
		t.Errorf("got a task of an empty queue: %v", o)
	}
	if len(q.byActivity) > 0 {
		t.Errorf("queues are left: %v", q.byActivity)
	}
}

// TestDefinitions are stored once, parsed once, and not all of them kept in memory.
func TestDefinitions(t *testing.T) {
	t.Parallel()
	x, s := newExecutor(t)
	if _, err := x.KeepDefinition(t.Context(), `{"StartAt":"A"}`, false); err == nil {
		t.Error("a definition with errors is kept")
	}
	first, err := x.KeepDefinition(t.Context(), ask, false)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := New(x.o).KeepDefinition(t.Context(), ask, false); err != nil || again != first {
		t.Errorf("kept again: %s, %v", again, err)
	}
	docs, err := s.ListDocuments(t.Context(), store.DocumentFilter{Kind: documentDefinition})
	if err != nil || len(docs) != 1 || string(docs[0].Value) != ask {
		t.Errorf("stored: %v, %v", docs, err)
	}
	def, err := x.definitions.get(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxParsed {
		x.definitions.add(fmt.Sprint(i), def)
	}
	if n := x.definitions.recent.Len(); n != maxParsed || len(x.definitions.byHash) != n {
		t.Errorf("%d are kept in memory", n)
	}
	if again, err := x.definitions.get(t.Context(), first); err != nil || again == def || again.StartAt != "T" {
		t.Errorf("read again: %v", err)
	}
	if _, err := x.definitions.get(t.Context(), "absent"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("one that is not there: %v", err)
	}
}

// TestReplay gives the history of an execution that has ended, from its journal.
func TestReplay(t *testing.T) {
	t.Parallel()
	x, s := newExecutor(t)
	h := hosted(t, x, s)
	id := begin(t, x, h, "e", `{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}`)
	r, err := s.Run(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	if _, err := x.Replay(t.Context(), *r, func(e execution.HistoryEvent) { kinds = append(kinds, e.Type) }); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(kinds, " "); got != "ExecutionStarted PassStateEntered PassStateExited ExecutionSucceeded" {
		t.Errorf("the history is %s", got)
	}
	foreign := store.Run{Machine: "apply", Input: json.RawMessage(`{}`)}
	if _, err := x.Machine(t.Context(), foreign); !errors.Is(err, local.ErrForeign) {
		t.Errorf("a run of another kind: %v", err)
	}
	// Such a run fails: it would be tried again for ever.
	var failure flow.Failure
	if _, err := x.Machine(t.Context(), store.Run{Machine: execution.MachineExecution, Input: json.RawMessage(`{}`)}); !errors.As(err, &failure) || failure.Code != execution.Runtime {
		t.Errorf("a run without a definition: %v", err)
	}
}

// TestExpect hears of a beginning before whoever started it goes on.
func TestExpect(t *testing.T) {
	t.Parallel()
	x, _ := newExecutor(t)
	began := x.Expect("t")
	at := time.Unix(7, 0)
	x.live.began("other", time.Unix(1, 0))
	x.live.began("t", at)
	if got := began(); !got.Equal(at) || len(x.live.expected) > 0 {
		t.Errorf("it began at %v; still expected: %v", got, x.live.expected)
	}
}

// TestKeptYAML reads a definition in YAML again after the process that kept it has
// gone, as a resumed run does.
func TestKeptYAML(t *testing.T) {
	t.Parallel()
	x, s := newExecutor(t)
	text := "StartAt: P\nStates:\n  P:\n    Type: Pass\n    End: true\n"
	def, diags := definition.Parse("p.asl.yaml", []byte(text))
	if def == nil {
		t.Fatal(diags)
	}
	hash, err := x.Keep(t.Context(), text, def)
	if err != nil {
		t.Fatal(err)
	}
	later := New(Options{Store: s})
	if again, err := later.definitions.get(t.Context(), hash); err != nil || again.StartAt != "P" {
		t.Errorf("read again: %v", err)
	}
}

// done is a Caller that has everything done at once.
type done struct{}

func (done) Do(context.Context, flow.Do, func(string)) (json.RawMessage, error) {
	return json.RawMessage(`{}`), nil
}

// TestPlaces has all places for calls taken, and nobody who waits for one.
func TestPlaces(t *testing.T) {
	t.Parallel()
	x := New(Options{MaxCalls: 1, Caller: func(context.Context, store.Run) (worker.Caller, error) { return done{}, nil }})
	x.calls <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for resource, free := range map[string]bool{"aws-sdk:sfn:startSyncExecution": true, "aws-sdk:sfn:getActivityTask": true,
		"aws-sdk:sfn:startExecution": false, "states:startExecution": false, "sqs:sendMessage": false} {
		_, err := x.Worker(store.Run{}).Do(ctx, flow.Do{Activity: execution.ActivityCall, Input: json.RawMessage(`{"resource":"arn:aws:states:::` + resource + `"}`)}, nil)
		var f flow.Failure
		if errors.As(err, &f); free && err != nil || !free && f.Code != flow.CodeNotStarted {
			t.Errorf("%s: %v", resource, err)
		}
	}
	rests, stop := context.WithCancelCause(t.Context())
	stop(local.ErrSuspended)
	_, err := x.Worker(store.Run{}).Do(rests, flow.Do{Activity: execution.ActivityCall, Input: json.RawMessage(`{}`)}, nil)
	var f flow.Failure
	if errors.As(err, &f); f.Kind != flow.Cancelled || f.Code != flow.CodeNotStarted {
		t.Errorf("a call that waited for its place when the run came to rest is in doubt: %v", err)
	}
}

// holding is a Caller whose calls last until they may end. It counts those that began.
type holding struct{ begun, end chan struct{} }

func (c holding) Do(context.Context, flow.Do, func(string)) (json.RawMessage, error) {
	c.begun <- struct{}{}
	<-c.end
	return json.RawMessage(`{}`), nil
}

// TestPlacesAreNoDoubt stops a process in which one call is under way and others wait for
// their places: the one may end, the others are left, as they have not begun, to the next
// process, to which nothing is in doubt.
func TestPlacesAreNoDoubt(t *testing.T) {
	t.Parallel()
	_, s := newExecutor(t)
	caller := holding{begun: make(chan struct{}, 9), end: make(chan struct{})}
	x := New(Options{Store: s, MaxCalls: 1, Caller: func(context.Context, store.Run) (worker.Caller, error) { return caller, nil }})
	back := make(chan struct{}, 9)
	h, err := local.NewHost(local.HostOptions{Store: s, Machines: x, Grace: time.Hour, Observer: func(store.Run) local.Observer {
		return local.Observer{Failed: func(flow.Do, time.Time, flow.Failure) { back <- struct{}{} }}
	}})
	if err != nil {
		t.Fatal(err)
	}
	const calls = `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:tutti:task:a","End":true}}}`
	for _, name := range []string{"a", "b", "c"} {
		begin(t, x, h, name, calls)
	}
	<-caller.begun
	closed := make(chan error)
	go func() { closed <- h.Close(t.Context()) }()
	<-back
	<-back
	close(caller.end)
	if err := <-closed; err != nil || len(caller.begun) != 0 {
		t.Fatalf("%d calls began while the process stopped (%v)", len(caller.begun), err)
	}
	x = New(Options{Store: s, Caller: func(context.Context, store.Run) (worker.Caller, error) { return done{}, nil }})
	h, err = local.NewHost(local.HostOptions{Store: s, Machines: x, Observer: x.Observer, InDoubt: func(_ context.Context, r store.Run, _ []local.Doubt) map[flow.ID]local.Decision {
		t.Errorf("a call of run %d is in doubt", r.ID)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close(context.WithoutCancel(t.Context()))
	if _, err := h.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id := store.RunID(1); id <= 3; id++ {
		if res, err := h.Wait(t.Context(), id); !errors.Is(err, local.ErrEnded) && (err != nil || res.Status != store.Succeeded) {
			t.Errorf("run %d: %+v, %v", id, res, err)
		}
	}
}
