package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"tutti/internal/flow"
	"tutti/internal/store"
)

func deleteTests() map[string]func(*testing.T, Open) {
	return map[string]func(*testing.T, Open){
		"delete/whole":  deleteWhole,
		"delete/open":   deleteOpen,
		"delete/long":   deleteLong,
		"delete/expiry": deleteExpiry,
	}
}

// deleteWhole forgets everything of a run and its children, and nothing of others; the
// rows that it wrote stay.
func deleteWhole(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	ctx := context.Background()
	parent, err := s.CreateRun(ctx, store.Run{Machine: "a", Owner: "o", Name: "n"})
	check(t, err)
	child, err := s.CreateRun(ctx, store.Run{Machine: "a", Parent: parent, Child: 1})
	check(t, err)
	grandchild, err := s.CreateRun(ctx, store.Run{Machine: "a", Parent: child, Child: 7})
	check(t, err)
	after, err := s.CreateRun(ctx, store.Run{Machine: "a", Parent: parent}) // it only goes on where the parent was
	check(t, err)
	at := time.Now()
	end := &store.End{Status: store.Succeeded}
	for _, run := range []store.RunID{grandchild, child, parent, after} {
		check(t, s.Append(ctx, run, []store.Entry{{Note: "x", NoteAt: at, Writes: []store.Write{put(t, "a.b", "1")}, Checkpoint: []byte("c")}, {Note: "y", NoteAt: at, End: end}}))
	}
	check(t, s.Delete(ctx, parent))
	check(t, s.Close())
	s = open(t, dir)
	t.Cleanup(func() { check(t, s.Close()) })
	for _, run := range []store.RunID{parent, child, grandchild} {
		_, readErr := s.Run(ctx, run)
		_, entriesErr := s.Entries(ctx, run, 1)
		if !errors.Is(readErr, store.ErrNotFound) || !errors.Is(entriesErr, store.ErrNotFound) || !errors.Is(s.Delete(ctx, run), store.ErrNotFound) {
			t.Errorf("run %d is there: %v, %v", run, readErr, entriesErr)
		}
	}
	if entries, err := s.Entries(ctx, after, 1); err != nil || len(entries) != 2 {
		t.Errorf("another run's journal: %v, %v", entries, err)
	}
	expectValues(t, s, map[string]string{"a.b": "1"})
	again, err := s.CreateRun(ctx, store.Run{Machine: "a", Owner: "o", Name: "n"})
	check(t, err)
	if again != after+1 {
		t.Errorf("the run that has the name now is number %d", again)
	}
}

// deleteOpen leaves what goes on alone.
func deleteOpen(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	parent, err := s.CreateRun(ctx, store.Run{Machine: "a"})
	check(t, err)
	child, err := s.CreateRun(ctx, store.Run{Machine: "a", Parent: parent, Child: 1})
	check(t, err)
	for _, c := range []struct {
		parent, child store.Status
		kept          bool
	}{
		{store.Running, store.Succeeded, true}, {store.Waiting, store.Succeeded, true}, {store.InDoubt, store.Succeeded, true},
		{store.Failed, store.Running, true}, {store.Failed, store.Waiting, true}, {store.Stopped, store.Stopped, false},
	} {
		check(t, s.SetStatus(ctx, parent, c.parent, ""))
		check(t, s.SetStatus(ctx, child, c.child, ""))
		if err := s.Delete(ctx, parent); errors.Is(err, store.ErrOpen) != c.kept || !c.kept && err != nil {
			t.Errorf("%s with a child that is %s: %v", c.parent, c.child, err)
		}
	}
}

// deleteLong deletes a journal that is too long for one transaction.
func deleteLong(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	id := newRun(t, s)
	entries := make([]store.Entry, 25_001)
	for i := range entries {
		entries[i] = store.Entry{Event: flow.TimerFired{At: time.Unix(int64(i), 0), ID: 1}}
	}
	entries[len(entries)-1].End = &store.End{Status: store.Failed}
	check(t, s.Append(ctx, id, entries))
	check(t, s.Delete(ctx, id))
	if _, err := s.Entries(ctx, id, 1); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the run is there: %v", err)
	}
}

// deleteExpiry finds the runs that ended before a time.
func deleteExpiry(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	ended := newRun(t, s)
	check(t, s.SetStatus(ctx, ended, store.Failed, ""))
	stopped := newRun(t, s)
	check(t, s.SetStatus(ctx, stopped, store.Stopped, ""))
	child, err := s.CreateRun(ctx, store.Run{Machine: "a", Parent: ended, Child: 1})
	check(t, err)
	check(t, s.SetStatus(ctx, child, store.Failed, ""))
	r, err := s.Run(ctx, ended)
	check(t, err)
	for before, want := range map[time.Time]int{r.Ended: 0, r.Ended.Add(time.Nanosecond): 1, r.Ended.Add(time.Hour): 1} {
		if got, err := s.Find(ctx, store.RunFilter{EndedBefore: before, Root: true}); err != nil || len(got) != want {
			t.Errorf("before %v: %v, %v", before, got, err)
		}
	}
	if got, err := s.Find(ctx, store.RunFilter{EndedBefore: r.Ended.Add(time.Hour)}); err != nil || len(got) != 2 || got[0].ID != child {
		t.Errorf("with children: %v, %v", got, err)
	}
}
