package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tutti/internal/addr"
	"tutti/internal/flow"
	"tutti/internal/store"
)

var start = time.Date(2026, 11, 23, 14, 8, 43, 0, time.UTC)

func TestEntryText(t *testing.T) {
	tests := []struct {
		entry store.Entry
		text  string
	}{
		{store.Entry{Sent: 4}, "sent #4"},
		{store.Entry{Note: "two\nlines \"quoted\"", NoteAt: start.Add(500 * time.Millisecond)}, `note 2026-11-23T14:08:43.5Z "two\nlines \"quoted\""`},
		{store.Entry{NoteAt: start}, `note 2026-11-23T14:08:43Z ""`},
		{store.Entry{Event: flow.TimerFired{At: start.Add(2 * time.Second), ID: 6}}, "+2s fired #6"},
		{store.Entry{Event: flow.Started{At: start, Seed: 7, Input: []byte(`{}`)}}, "+0s started at=2026-11-23T14:08:43Z seed=7 {}"},
	}
	for _, tt := range tests {
		if got := store.FormatEntry(tt.entry, start); got != tt.text {
			t.Errorf("got %s, want %s", got, tt.text)
		}
		got, err := store.ParseEntry(tt.text, start)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(tt.entry, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.text, diff)
		}
	}
}

func TestParseEntryRefuses(t *testing.T) {
	for _, line := range []string{"", "sent #0", "sent #-1", "sent #x", "sent 4", "note", "note x \"y\"", "note 2026-11-23T14:08:43Z y", "do #1 x idempotent=true"} {
		if e, err := store.ParseEntry(line, start); err == nil {
			t.Errorf("%q was read as %+v", line, e)
		}
	}
}

func TestFormatEntryPanicsOnTwoInOne(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("an entry of two kinds has a text")
		}
	}()
	store.FormatEntry(store.Entry{Sent: 1, Note: "x"}, start)
}

func TestNoteTextInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := store.Entry{Note: rapid.String().Draw(t, "note"), NoteAt: start.Add(time.Duration(rapid.Int64().Draw(t, "at")))}
		line := store.FormatEntry(e, start)
		if strings.ContainsAny(line, "\n\r") {
			t.Fatalf("more than one line: %q", line)
		}
		got, err := store.ParseEntry(line, start)
		if err != nil || got.Note != e.Note || !got.NoteAt.Equal(e.NoteAt) {
			t.Fatalf("%q came back as %+v, %v", line, got, err)
		}
	})
}

func FuzzParseEntry(f *testing.F) {
	for _, seed := range []string{"sent #4", `note 2026-11-23T14:08:43.5Z "x"`, "+2s fired #6"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		e, err := store.ParseEntry(line, start)
		if err != nil {
			return
		}
		again := store.FormatEntry(e, start)
		if twice, err := store.ParseEntry(again, start); err != nil || store.FormatEntry(twice, start) != again {
			t.Errorf("%q became %q and then %+v, %v", line, again, twice, err)
		}
	})
}

func TestHeldErrorText(t *testing.T) {
	holder := store.Lease{Run: 7, Holder: "ann@build-1, process 42", Reason: "tutti up", Since: start}
	x := addr.Object{Name: addr.Name{Kind: addr.Resource, Type: "local_file", Name: "x"}}
	for want, e := range map[string]store.HeldError{
		"the whole stack is being changed by run 7 (ann@build-1, process 42, tutti up), for 1m30s now":         {},
		"local_file.x is being changed by run 7 (ann@build-1, process 42, tutti up), for 1m30s now":            {Objects: []addr.Object{x}},
		"local_file.x and 1 more is being changed by run 7 (ann@build-1, process 42, tutti up), for 1m30s now": {Objects: []addr.Object{x, x}},
	} {
		e.Holder, e.Now = holder, start.Add(90*time.Second)
		if got := e.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestStatusOpen(t *testing.T) {
	open := map[store.Status]bool{
		store.Running: true, store.Stopped: true, store.InDoubt: true, store.Waiting: true,
		store.Succeeded: false, store.Failed: false, store.Abandoned: false,
	}
	for s, want := range open {
		if s.Open() != want {
			t.Errorf("%s: open is %t", s, s.Open())
		}
	}
}
