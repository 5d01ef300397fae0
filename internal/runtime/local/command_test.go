package local_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"tutti/internal/flow"
	"tutti/internal/runtime/local"
	"tutti/internal/store"
)

// scripted is a machine whose answer to each kind of event is a function.
type scripted struct {
	handle func(flow.Event) []flow.Command
}

func (s scripted) Handle(e flow.Event) []flow.Command { return s.handle(e) }
func (s scripted) Snapshot() ([]byte, error)          { return nil, nil }

// hand is a worker for machines that are not of a plan: it waits to be cut off
// when its input says so.
type hand struct{}

func (hand) Do(ctx context.Context, d flow.Do, _ func(string)) (local.Outcome, error) {
	if d.Activity == "wait" {
		<-ctx.Done()
		return local.Outcome{}, ctx.Err()
	}
	return local.Outcome{Output: d.Input}, nil
}

func (hand) Settle(context.Context, flow.Do) (local.Outcome, bool, error) {
	return local.Outcome{}, false, errCannotTell
}

func runScript(t *testing.T, d *disk, handle func(flow.Event) []flow.Command) local.Result {
	t.Helper()
	res, err := local.Run(context.Background(), local.Options{Machine: scripted{handle}, Store: d, RunID: 1, Worker: hand{}, Seed: 7,
		Input: json.RawMessage(`{}`)})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestCancelActivity(t *testing.T) {
	for _, idempotent := range []bool{true, false} {
		d := newDisk()
		var failure flow.Failure
		runScript(t, d, func(e flow.Event) []flow.Command {
			switch e := e.(type) {
			case flow.Started:
				return []flow.Command{flow.Do{ID: 1, Activity: "wait", Idempotent: idempotent}, flow.Do{ID: 2, Activity: "quick", Idempotent: true}}
			case flow.ActivityDone:
				return []flow.Command{flow.CancelActivity{ID: 1}}
			case flow.ActivityFailed:
				failure = e.Failure
				return []flow.Command{flow.Complete{}}
			}
			return nil
		})
		if failure.Kind != flow.Cancelled || failure.Code != "" {
			t.Errorf("the activity that was cut off ended as %+v", failure)
		}
	}
}

// An activity that is called off before it went out never goes out.
func TestCancelActivityBefore(t *testing.T) {
	d := newDisk()
	var failure flow.Failure
	runScript(t, d, func(e flow.Event) []flow.Command {
		switch e := e.(type) {
		case flow.Started:
			return []flow.Command{flow.Do{ID: 1, Activity: "wait"}, flow.CancelActivity{ID: 1}}
		case flow.ActivityFailed:
			failure = e.Failure
			return []flow.Command{flow.Complete{}}
		}
		return nil
	})
	if failure.Kind != flow.Cancelled || failure.Code != flow.CodeNotStarted {
		t.Errorf("the activity ended as %+v", failure)
	}
}

func TestTimersInOrder(t *testing.T) {
	d := newDisk()
	var fired []flow.ID
	runScript(t, d, func(e flow.Event) []flow.Command {
		switch e := e.(type) {
		case flow.Started:
			at := func(id flow.ID, ms int) flow.Command {
				return flow.SetTimer{ID: id, At: e.At.Add(time.Duration(ms) * time.Millisecond)}
			}
			return []flow.Command{at(1, 3), at(2, 1), at(3, 2), at(4, 1), flow.CancelTimer{ID: 3}, at(5, -60_000)}
		case flow.TimerFired:
			if fired = append(fired, e.ID); len(fired) == 4 {
				return []flow.Command{flow.Complete{Output: json.RawMessage(`true`)}}
			}
		}
		return nil
	})
	if !slices.Equal(fired, []flow.ID{5, 2, 4, 1}) {
		t.Errorf("fired %v", fired)
	}
}

// Timers outlive the process that set them.
func TestTimerAfterResume(t *testing.T) {
	d := newDisk()
	handle := func(e flow.Event) []flow.Command {
		switch e := e.(type) {
		case flow.Started:
			return []flow.Command{flow.SetTimer{ID: 1, At: e.At.Add(5 * time.Millisecond)}}
		case flow.TimerFired:
			return []flow.Command{flow.Complete{}}
		}
		return nil
	}
	opts := local.Options{Machine: scripted{handle}, Store: d, RunID: 1, Worker: hand{}, Input: json.RawMessage(`{}`),
		Person: local.Person{ReturnWhenWaiting: true}}
	for range 1000 {
		res, err := local.Run(context.Background(), opts)
		if err != nil {
			t.Fatal(err)
		}
		if res.Status == store.Succeeded {
			return
		}
		expectStatus(t, res, err, store.Waiting)
		opts.Resume, opts.Person.ReturnWhenWaiting = true, false
	}
	t.Error("the timer never fired")
}

func TestRecordsAndChildren(t *testing.T) {
	d := newDisk()
	var child *flow.Failure
	res := runScript(t, d, func(e flow.Event) []flow.Command {
		switch e := e.(type) {
		case flow.Started:
			return []flow.Command{flow.Record{Text: "two\nlines"}, flow.StartChild{ID: 1, Machine: "other"}}
		case flow.ChildDone:
			child = e.Failure
			return []flow.Command{flow.Fail{Failure: *e.Failure}}
		}
		return nil
	})
	if child == nil || res.Status != store.Failed || res.Failure.Code != "NoChildren" {
		t.Errorf("%+v", res)
	}
	if !strings.Contains(strings.Join(d.lines(), "\n"), `"two\nlines"`) {
		t.Errorf("the note is not in\n%s", strings.Join(d.lines(), "\n"))
	}
}
