package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tutti/internal/flow"
	"tutti/internal/store"
)

func beginTests() map[string]func(*testing.T, Open) {
	return map[string]func(*testing.T, Open){
		"begin/with entries": beginEntries,
		"begin/exists":       beginExists,
		"begin/concurrent":   beginConcurrent,
		"begin/ends":         beginEnds,
		"run/find":           runFind,
		"run/end":            runEnd,
		"journal/checkpoint": journalCheckpoint,
		"run/posted to all":  runPostedAll,
	}
}

func started(at time.Time) store.Entry {
	return store.Entry{Event: flow.Started{At: at, Input: []byte(`{"n":1}`), Seed: 7}}
}

func beginEntries(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	ctx := context.Background()
	at := time.Date(2026, 11, 23, 14, 8, 43, 512345678, time.UTC)
	want := store.Run{
		Parent: 9, Child: 4, Owner: "arn:x", Name: "order-17", Machine: "execution", Command: "c", User: "ann", Host: "h", Created: at,
		Status: store.Running, Input: []byte(`{"secret":"hunter2"}`), Plan: []byte("plan"),
	}
	first := started(at)
	first.Writes = []store.Write{put(t, "a.x", "1")}
	id, err := s.Begin(ctx, want, []store.Entry{first, {Sent: 1}})
	check(t, err)
	check(t, s.Append(ctx, id, []store.Entry{{Note: "later", NoteAt: at}}))
	check(t, s.Close())
	s = open(t, dir)
	defer s.Close()
	got, err := s.Run(ctx, id)
	check(t, err)
	want.ID = id
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	entries := []store.Entry{started(at), {Sent: 1}, {Note: "later", NoteAt: at}}
	for i := range entries {
		entries[i].Index = int64(i + 1)
	}
	expectEntries(t, s, id, 1, entries)
	expectValues(t, s, map[string]string{"a.x": "1"})
	pre, err := s.Preimages(ctx, id)
	if err != nil || len(pre) != 1 || pre[0].Row != nil {
		t.Errorf("preimages %+v, %v", pre, err)
	}
	// A beginning that fails leaves nothing, not even a number.
	bad := started(at)
	bad.Writes = []store.Write{{Rekey: &store.Rekey{From: key(t, "a.missing"), To: key(t, "a.b")}}}
	if _, err := s.Begin(ctx, store.Run{Owner: "arn:x", Name: "bad"}, []store.Entry{bad}); err == nil {
		t.Error("a run with a failing entry was begun")
	}
	next, err := s.Begin(ctx, store.Run{Owner: "arn:x", Name: "bad"}, nil)
	if err != nil || next != id+1 {
		t.Errorf("the next run has number %d, %v", next, err)
	}
}

func beginExists(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	begin := func(r store.Run) (store.RunID, error) { return s.Begin(ctx, r, []store.Entry{started(time.Now())}) }
	must := func(r store.Run) store.RunID {
		t.Helper()
		id, err := begin(r)
		check(t, err)
		return id
	}
	refused := func(r store.Run, want store.RunID) {
		t.Helper()
		var exists *store.ExistsError
		if _, err := begin(r); !errors.As(err, &exists) || exists.Run != want {
			t.Errorf("%+v: %v, want that run %d exists", r, err, want)
		}
	}
	named := must(store.Run{Owner: "a", Name: "x"})
	refused(store.Run{Owner: "a", Name: "x"}, named)
	must(store.Run{Owner: "b", Name: "x"})
	unowned := must(store.Run{Name: "x"})
	refused(store.Run{Name: "x"}, unowned)
	must(store.Run{Owner: "a"})
	must(store.Run{Owner: "a"}) // many without a name
	child := must(store.Run{Parent: named, Child: 3})
	refused(store.Run{Parent: named, Child: 3, Owner: "a", Name: "other"}, child)
	must(store.Run{Parent: named, Child: 4})
	must(store.Run{Parent: child, Child: 3})
	must(store.Run{Parent: named})
	must(store.Run{Parent: named}) // those that merely continue it
	// A name stays taken when its run has ended.
	check(t, s.SetStatus(ctx, named, store.Succeeded, ""))
	refused(store.Run{Owner: "a", Name: "x"}, named)
	if all, err := s.List(ctx, 0); err != nil || len(all) != 10 {
		t.Errorf("%d runs, %v: a refused one left something", len(all), err)
	}
}

// beginConcurrent has many callers want the same names: each name goes to one.
func beginConcurrent(t *testing.T, open Open) {
	const callers, names = 8, 50
	s := fresh(t, open)
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := map[string]store.RunID{}
	lost := 0
	for range callers {
		wg.Go(func() {
			for i := range names {
				name := fmt.Sprint("n", i)
				id, err := s.Begin(context.Background(), store.Run{Owner: "o", Name: name}, []store.Entry{started(time.Now())})
				mu.Lock()
				var exists *store.ExistsError
				switch {
				case err == nil && won[name] == 0:
					won[name] = id
				case errors.As(err, &exists):
					lost++
				default:
					t.Errorf("%s: run %d, %v beside run %d", name, id, err, won[name])
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(won) != names || lost != names*(callers-1) {
		t.Errorf("%d names won, %d lost", len(won), lost)
	}
	for name, id := range won {
		if entries, err := s.Entries(context.Background(), id, 1); err != nil || len(entries) != 1 {
			t.Errorf("%s: %d entries, %v", name, len(entries), err)
		}
	}
}

func beginEnds(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	e := started(time.Now())
	e.End = &store.End{Status: store.Failed, Message: "m", Code: "C", Output: []byte(`1`)}
	id, err := s.Begin(ctx, store.Run{Owner: "a", Name: "x"}, []store.Entry{e})
	check(t, err)
	expectEnd(t, s, id, *e.End)
}

func expectEnd(t testing.TB, s store.Store, id store.RunID, want store.End) {
	t.Helper()
	r, err := s.Run(context.Background(), id)
	check(t, err)
	if got := (store.End{Status: r.Status, Message: r.Message, Code: r.Code, Output: r.Output}); cmp.Diff(want, got, options()) != "" {
		t.Errorf("run %d ended as %+v, want %+v", id, got, want)
	}
	if r.Ended.IsZero() != r.Status.Open() {
		t.Errorf("%s: ended at %v", r.Status, r.Ended)
	}
}

func runEnd(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	id, other := newRun(t, s), newRun(t, s)
	for _, run := range []store.RunID{id, other} {
		check(t, s.Post(ctx, run, flow.Signaled{Name: "late"}))
	}
	for _, end := range []store.End{
		{Status: store.Stopped, Message: "by ann", Code: "Stopped"}, {Status: store.Running}, {Status: store.InDoubt, Message: "one"},
		{Status: store.Succeeded, Output: []byte(`{"password":"hunter2"}`)},
	} {
		check(t, s.Append(ctx, id, []store.Entry{{Note: "n"}, {Note: "end", End: &end}}))
		expectEnd(t, s, id, end)
	}
	if box, err := s.Posted(ctx, id); err != nil || len(box) != 0 {
		t.Errorf("what was posted to a run that ended is still there: %+v, %v", box, err)
	}
	if box, err := s.Posted(ctx, other); err != nil || len(box) != 1 {
		t.Errorf("the other run's: %+v, %v", box, err)
	}
	// An entry that fails ends nothing.
	bad := store.Entry{Note: "bad", End: &store.End{Status: store.Failed}, Writes: []store.Write{{Rekey: &store.Rekey{From: key(t, "a.no"), To: key(t, "a.b")}}}}
	if err := s.Append(ctx, other, []store.Entry{bad}); err == nil {
		t.Error("a failing entry was appended")
	}
	expectEnd(t, s, other, store.End{Status: store.Running})
}

func runFind(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	for i, r := range []store.Run{
		{Owner: "a", Name: "x", Machine: "m", Input: []byte("1"), Plan: []byte("p")}, // 1
		{Owner: "a", Name: "y", Machine: "m", Status: store.Stopped},                 // 2
		{Owner: "b", Name: "x", Machine: "n", Parent: 1, Child: 2},                   // 3
		{Owner: "a", Machine: "n", Parent: 1, Child: 3, Status: store.Waiting},       // 4
		{Owner: "a", Name: "z", Machine: "m", Parent: 1},                             // 5
	} {
		id, err := s.Begin(ctx, r, nil)
		check(t, err)
		if int(id) != i+1 {
			t.Fatalf("run %d has number %d", i+1, id)
		}
	}
	check(t, s.SetStatus(ctx, 5, store.Failed, "why"))
	for name, c := range map[string]struct {
		filter store.RunFilter
		want   []store.RunID
	}{
		"all":              {store.RunFilter{}, []store.RunID{5, 4, 3, 2, 1}},
		"owner":            {store.RunFilter{Owner: "a"}, []store.RunID{5, 4, 2, 1}},
		"a page":           {store.RunFilter{Owner: "a", Limit: 2}, []store.RunID{5, 4}},
		"the next page":    {store.RunFilter{Owner: "a", Limit: 2, Before: 4}, []store.RunID{2, 1}},
		"the last page":    {store.RunFilter{Owner: "a", Limit: 2, Before: 1}, nil},
		"owner and name":   {store.RunFilter{Owner: "a", Name: "x"}, []store.RunID{1}},
		"name":             {store.RunFilter{Name: "x"}, []store.RunID{3, 1}},
		"parent":           {store.RunFilter{Parent: 1}, []store.RunID{5, 4, 3}},
		"parent and child": {store.RunFilter{Parent: 1, Child: 3}, []store.RunID{4}},
		"machine":          {store.RunFilter{Machine: "n"}, []store.RunID{4, 3}},
		"statuses":         {store.RunFilter{Statuses: []store.Status{store.Stopped, store.Failed}}, []store.RunID{5, 2}},
		"open":             {store.RunFilter{OpenOnly: true}, []store.RunID{4, 3, 2, 1}},
		"open and owner":   {store.RunFilter{OpenOnly: true, Owner: "b"}, []store.RunID{3}},
		"nothing":          {store.RunFilter{Owner: "a", Statuses: []store.Status{store.InDoubt}}, nil},
	} {
		found, err := s.Find(ctx, c.filter)
		check(t, err)
		var ids []store.RunID
		for _, r := range found {
			ids = append(ids, r.ID)
			if r.Plan != nil || r.Input != nil {
				t.Errorf("%s: a list holds plans or inputs", name)
			}
		}
		if diff := cmp.Diff(c.want, ids); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	found, err := s.Find(ctx, store.RunFilter{Parent: 1, Child: 3})
	check(t, err)
	if r := found[0]; r.Owner != "a" || r.Child != 3 || r.Parent != 1 || r.Status != store.Waiting || r.Machine != "n" || r.Created.IsZero() {
		t.Errorf("%+v", r)
	}
}

func journalCheckpoint(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	ctx := context.Background()
	run, other := newRun(t, s), newRun(t, s)
	expect := func(run store.RunID, want *store.Checkpoint) {
		t.Helper()
		got, err := s.Checkpoint(ctx, run)
		check(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("run %d (-want +got):\n%s", run, diff)
		}
	}
	expect(run, nil)
	check(t, s.Append(ctx, run, []store.Entry{{Note: "1"}, {Note: "2", Checkpoint: []byte("two")}, {Note: "3"}}))
	expect(run, &store.Checkpoint{Index: 2, Data: []byte("two")})
	expect(other, nil)
	bad := store.Entry{Note: "bad", Checkpoint: []byte("bad"), Writes: []store.Write{{Rekey: &store.Rekey{From: key(t, "a.no"), To: key(t, "a.b")}}}}
	if err := s.Append(ctx, run, []store.Entry{bad}); err == nil {
		t.Error("a failing entry was appended")
	}
	check(t, s.Close())
	s = open(t, dir)
	defer s.Close()
	expect(run, &store.Checkpoint{Index: 2, Data: []byte("two")})
	check(t, s.Append(ctx, run, []store.Entry{{Note: "4"}, {Note: "5", Checkpoint: []byte("five\x00")}}))
	expect(run, &store.Checkpoint{Index: 5, Data: []byte("five\x00")})
	expectEntries(t, s, run, 4, []store.Entry{{Index: 4, Note: "4"}, {Index: 5, Note: "5"}})
	if all, err := s.Entries(ctx, run, 1); err != nil || len(all) != 5 {
		t.Errorf("the entries before a checkpoint: %d, %v", len(all), err)
	}
	begun, err := s.Begin(ctx, store.Run{}, []store.Entry{{Note: "1", Checkpoint: []byte("one")}})
	check(t, err)
	expect(begun, &store.Checkpoint{Index: 1, Data: []byte("one")})
}

func runPostedAll(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	one, two := newRun(t, s), newRun(t, s)
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	signals := []flow.Signaled{{At: at, Name: "a", Payload: []byte(`{"by":"ann"}`)}, {At: at, Name: "b"}, {At: at, Name: "c"}}
	for i, run := range []store.RunID{one, two, one} {
		check(t, s.Post(ctx, run, signals[i]))
	}
	all, err := s.PostedAll(ctx, 0)
	check(t, err)
	var want []store.Posted
	for i, run := range []store.RunID{one, two, one} {
		p := store.Posted{Run: run, Message: store.Message{Signal: signals[i]}}
		if i < len(all) {
			p.Number = all[i].Number
		}
		want = append(want, p)
	}
	if diff := cmp.Diff(want, all, options()); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	check(t, s.Append(ctx, two, []store.Entry{{Event: signals[1], Took: all[1].Number}}))
	rest, err := s.PostedAll(ctx, all[0].Number)
	if err != nil || len(rest) != 1 || rest[0].Number != all[2].Number {
		t.Errorf("after the first: %+v, %v", rest, err)
	}
	if none, err := s.PostedAll(ctx, all[2].Number); err != nil || len(none) != 0 {
		t.Errorf("after the last: %+v, %v", none, err)
	}
}
