package storetest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tutti/internal/flow"
	"tutti/internal/object"
	"tutti/internal/store"
)

func journalTests() map[string]func(*testing.T, Open) {
	return map[string]func(*testing.T, Open){
		"journal/entries":     journalEntries,
		"journal/with writes": journalWrites,
		"journal/preimages":   journalPreimages,
		"journal/concurrent":  journalConcurrent,
		"journal/one fails":   journalOneFails,
		"journal/large":       journalLarge,
	}
}

// everyEntry has one entry of each kind.
func everyEntry(at time.Time) []store.Entry {
	failure := flow.Failure{Kind: flow.Retryable, Code: "X", Message: "no \"way\"\nat all"}
	return []store.Entry{
		{Event: flow.Started{At: at, Input: []byte(`{"n":1}`), Seed: -7}},
		{Sent: 4},
		{Event: flow.ActivityDone{At: at.Add(time.Second), ID: 4, Output: []byte(`{"rows":1}`)}},
		{Event: flow.ActivityFailed{At: at.Add(2 * time.Second), ID: 5, Failure: failure}},
		{Note: "a line\nand another", NoteAt: at.Add(3 * time.Nanosecond)},
		{Event: flow.TimerFired{At: at.Add(time.Hour), ID: 6}},
		{Event: flow.Signaled{At: at.Add(-time.Hour), Name: "approve", Payload: []byte(`"yes"`)}},
		{Event: flow.ChildDone{At: at, ID: 7, Output: []byte(`1`)}},
		{Event: flow.ChildDone{At: at, ID: 8, Failure: &failure}},
		{Event: flow.CancelRequested{At: at, Reason: "Ctrl-C"}},
	}
}

func expectEntries(t testing.TB, s store.Store, run store.RunID, from int64, want []store.Entry) {
	t.Helper()
	got, err := s.Entries(context.Background(), run, from)
	check(t, err)
	if diff := cmp.Diff(want, got, options()); diff != "" {
		t.Errorf("run %d from %d (-want +got):\n%s", run, from, diff)
	}
}

func journalEntries(t *testing.T, open Open) {
	dir := t.TempDir()
	s := open(t, dir)
	ctx := context.Background()
	run, other := newRun(t, s), newRun(t, s)
	want := everyEntry(time.Date(2026, 11, 23, 14, 8, 43, 123456789, time.UTC))
	check(t, s.Append(ctx, run, want[:3]))
	check(t, s.Append(ctx, other, want[:1]))
	check(t, s.Append(ctx, run, nil))
	check(t, s.Close())
	s = open(t, dir)
	defer s.Close()
	check(t, s.Append(ctx, run, want[3:]))
	for i := range want {
		want[i].Index = int64(i + 1)
	}
	expectEntries(t, s, run, 1, want)
	expectEntries(t, s, run, 0, want)
	expectEntries(t, s, run, 4, want[3:])
	expectEntries(t, s, run, 11, nil)
	expectEntries(t, s, run, 99, nil)
	expectEntries(t, s, other, 1, want[:1])
}

func journalWrites(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	run := newRun(t, s)
	check(t, s.Append(ctx, run, []store.Entry{
		{Note: "one", Writes: []store.Write{put(t, "a.x", "1"), put(t, "a.y", "1")}},
		{Note: "two", Writes: []store.Write{put(t, "a.x", "2"), {PutOutput: &object.OutputState{Name: "o"}}}},
	}))
	expectValues(t, s, map[string]string{"a.x": "2", "a.y": "1"})
	got, err := s.Entries(ctx, run, 1)
	check(t, err)
	if len(got) != 2 || got[0].Writes != nil {
		t.Errorf("%+v", got)
	}
}

func journalPreimages(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	output := func(v string) store.Write {
		return store.Write{PutOutput: &object.OutputState{Name: "o", Value: []byte(v), Type: []byte(`"number"`), Sensitive: true}}
	}
	check(t, s.Write(ctx, "before", []store.Write{put(t, "a.x", "1"), put(t, "a.y", "1"), put(t, "a.z", "1"), output("1")}))
	first, second := newRun(t, s), newRun(t, s)
	step := func(run store.RunID, writes ...store.Write) {
		t.Helper()
		check(t, s.Append(ctx, run, []store.Entry{{Note: "step", Writes: writes}}))
	}
	step(first, put(t, "a.x", "2"), put(t, "a.new", "2"), output("2"))
	step(second, put(t, "a.x", "3"))
	step(first, put(t, "a.x", "4"), remove(t, "a.new"), remove(t, "a.y"), output("3"))
	step(first, store.Write{Rekey: &store.Rekey{From: key(t, "a.z"), To: key(t, "a.moved")}}, store.Write{DeleteOutput: "o"})
	for _, tt := range []struct {
		run  store.RunID
		want map[string]string
	}{
		{first, map[string]string{"a.x": `{"value":"1"}`, "a.new": "none", "a.y": `{"value":"1"}`, "a.z": `{"value":"1"}`, "a.moved": "none", "output o": "1"}},
		{second, map[string]string{"a.x": `{"value":"2"}`}},
	} {
		pre, err := s.Preimages(ctx, tt.run)
		check(t, err)
		got := map[string]string{}
		for _, p := range pre {
			switch {
			case p.Output != "" && p.Before != nil:
				got["output "+p.Output] = string(p.Before.Value)
			case p.Output != "":
				got["output "+p.Output] = "none"
			case p.Row != nil:
				got[p.Key.Addr.String()] = string(p.Row.Attributes)
			default:
				got[p.Key.Addr.String()] = "none"
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("run %d (-want +got):\n%s", tt.run, diff)
		}
	}
}

// journalConcurrent appends from many goroutines: the numbers have no gap, and the
// entries of each call are in order and together.
func journalConcurrent(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	run := newRun(t, s)
	const callers, calls = 8, 40
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range calls {
				id := flow.ID(c*calls + i + 1)
				batch := []store.Entry{{Sent: id}, {Note: fmt.Sprint(id), Writes: []store.Write{put(t, fmt.Sprintf("a.c%d", c), fmt.Sprint(i))}}}
				if err := s.Append(ctx, run, batch); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	got, err := s.Entries(ctx, run, 1)
	check(t, err)
	if len(got) != callers*calls*2 {
		t.Fatalf("%d entries of %d", len(got), callers*calls*2)
	}
	last := map[int]flow.ID{}
	for i, e := range got {
		if e.Index != int64(i+1) {
			t.Fatalf("entry %d has number %d", i+1, e.Index)
		}
		if i%2 == 1 {
			if e.Note != fmt.Sprint(got[i-1].Sent) {
				t.Fatalf("entry %d: another call came between", i)
			}
			continue
		}
		c := int(e.Sent-1) / calls
		if e.Sent <= last[c] {
			t.Fatalf("caller %d: %d after %d", c, e.Sent, last[c])
		}
		last[c] = e.Sent
	}
	for name, v := range values(t, s) {
		if v != fmt.Sprint(calls-1) {
			t.Errorf("%s is %s", name, v)
		}
	}
}

// journalOneFails has one failing call among many at once: only that one fails.
func journalOneFails(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	run := newRun(t, s)
	bad := store.Write{Rekey: &store.Rekey{From: key(t, "a.missing"), To: key(t, "a.b")}}
	var wg sync.WaitGroup
	const callers = 20
	for c := range callers {
		wg.Go(func() {
			e := store.Entry{Sent: flow.ID(c + 1)}
			if c%5 == 0 {
				e.Writes = []store.Write{bad}
			}
			if err := s.Append(ctx, run, []store.Entry{e}); (err != nil) != (c%5 == 0) {
				t.Errorf("caller %d: %v", c, err)
			}
		})
	}
	wg.Wait()
	got, err := s.Entries(ctx, run, 1)
	check(t, err)
	if len(got) != callers-callers/5 {
		t.Errorf("%d entries", len(got))
	}
	for _, e := range got {
		if (e.Sent-1)%5 == 0 {
			t.Errorf("the failed entry %d is there", e.Sent)
		}
	}
}

func journalLarge(t *testing.T, open Open) {
	s := fresh(t, open)
	ctx := context.Background()
	run := newRun(t, s)
	big := make([]byte, 4<<20)
	for i := range big {
		big[i] = 'a' + byte(i%26)
	}
	big[0], big[len(big)-1] = '"', '"'
	at := time.Unix(1, 0).UTC()
	check(t, s.Append(ctx, run, []store.Entry{{Event: flow.Started{At: at, Input: big}}}))
	got, err := s.Entries(ctx, run, 1)
	check(t, err)
	if len(got) != 1 || !bytes.Equal(got[0].Event.(flow.Started).Input, big) {
		t.Errorf("%d entries, or a large payload came back changed", len(got))
	}
}
