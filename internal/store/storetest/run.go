package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tutti/internal/flow"
	"tutti/internal/store"
)

func runTests() map[string]func(*testing.T, Open) {
	return map[string]func(*testing.T, Open){
		"run/create and read": runCreate,
		"run/list":            runList,
		"run/status":          runStatus,
		"run/not found":       runNotFound,
		"run/mailbox":         runMailbox,
	}
}

func runCreate(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	ctx := context.Background()
	want := store.Run{
		Parent: 3, Machine: "apply", Command: "up -var x", User: "ann", Host: "h", Status: store.Running, Plan: []byte("the plan\x00\xff"),
		Created: time.Date(2026, 11, 23, 14, 8, 43, 512345678, time.UTC),
	}
	id, err := s.CreateRun(ctx, want)
	check(t, err)
	if id != 1 {
		t.Errorf("the first run has number %d", id)
	}
	second, err := s.CreateRun(ctx, store.Run{Machine: "apply"})
	check(t, err)
	if second != 2 {
		t.Errorf("the second run has number %d", second)
	}
	check(t, s.Close())
	s = open(t, dir)
	defer s.Close()
	got, err := s.Run(ctx, id)
	check(t, err)
	want.ID = id
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got, err = s.Run(ctx, second)
	check(t, err)
	if got.Status != store.Running || got.Created.IsZero() || !got.Ended.IsZero() || got.Plan != nil {
		t.Errorf("a run of defaults: %+v", got)
	}
}

func runList(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	for range 5 {
		_, err := s.CreateRun(ctx, store.Run{Machine: "apply", Plan: []byte("p")})
		check(t, err)
	}
	for limit, want := range map[int][]store.RunID{0: {5, 4, 3, 2, 1}, 2: {5, 4}, 9: {5, 4, 3, 2, 1}} {
		runs, err := s.List(ctx, limit)
		check(t, err)
		var ids []store.RunID
		for _, r := range runs {
			ids = append(ids, r.ID)
			if r.Plan != nil {
				t.Error("a list holds plans")
			}
		}
		if diff := cmp.Diff(want, ids); diff != "" {
			t.Errorf("limit %d (-want +got):\n%s", limit, diff)
		}
	}
}

func runStatus(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	id := newRun(t, s)
	for _, status := range []store.Status{store.Stopped, store.Running, store.InDoubt, store.Waiting, store.Failed, store.Running, store.Succeeded, store.Abandoned} {
		check(t, s.SetStatus(ctx, id, status, "because of "+string(status)))
		r, err := s.Run(ctx, id)
		check(t, err)
		if r.Status != status || r.Message != "because of "+string(status) {
			t.Errorf("set to %s: %s, %q", status, r.Status, r.Message)
		}
		if r.Ended.IsZero() != status.Open() {
			t.Errorf("%s: ended at %v", status, r.Ended)
		}
	}
}

func runNotFound(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	_, readErr := s.Run(ctx, 7)
	_, entriesErr := s.Entries(ctx, 7, 1)
	_, preErr := s.Preimages(ctx, 7)
	for name, err := range map[string]error{
		"Run": readErr, "Entries": entriesErr, "Preimages": preErr, "SetStatus": s.SetStatus(ctx, 7, store.Failed, ""),
		"Append": s.Append(ctx, 7, []store.Entry{{Note: "x"}}), "Post": s.Post(ctx, 7, flow.Signaled{Name: "x"}),
	} {
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s of a run that does not exist: %v", name, err)
		}
	}
}

func runMailbox(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	ctx := context.Background()
	one, two := newRun(t, s), newRun(t, s)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	approve := flow.Signaled{At: at, Name: "approve", Payload: []byte(`{"by":"ann"}`)}
	check(t, s.Post(ctx, one, approve))
	check(t, s.Post(ctx, two, flow.Signaled{At: at, Name: "other"}))
	check(t, s.Post(ctx, one, flow.Signaled{At: at, Name: "second"}))
	check(t, s.Close())
	s = open(t, dir)
	defer s.Close()
	box, err := s.Posted(ctx, one)
	check(t, err)
	if len(box) != 2 || box[0].Number <= 0 || box[0].Number >= box[1].Number || box[1].Signal.Name != "second" {
		t.Fatalf("posted: %+v", box)
	}
	if diff := cmp.Diff(approve, box[0].Signal, options()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// A message goes with the entry that took it, or stays with one that failed.
	bad := store.Write{Rekey: &store.Rekey{From: key(t, "a.missing"), To: key(t, "a.b")}}
	entry := store.Entry{Event: box[0].Signal, Took: box[0].Number}
	failing := entry
	failing.Writes = []store.Write{bad}
	if err := s.Append(ctx, one, []store.Entry{failing}); err == nil {
		t.Fatal("a failing entry was appended")
	}
	if again, err := s.Posted(ctx, one); err != nil || len(again) != 2 {
		t.Errorf("after a failed entry: %+v, %v", again, err)
	}
	check(t, s.Append(ctx, one, []store.Entry{entry}))
	rest, err := s.Posted(ctx, one)
	check(t, err)
	if len(rest) != 1 || rest[0].Number != box[1].Number {
		t.Errorf("after one was taken: %+v", rest)
	}
	if others, err := s.Posted(ctx, two); err != nil || len(others) != 1 {
		t.Errorf("the other run's: %+v, %v", others, err)
	}
}
