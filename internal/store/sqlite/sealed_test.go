package sqlite

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tutti/internal/flow"
	"tutti/internal/store"
)

// begun gives a store with a run whose input, output, journal, checkpoint and
// document hold a password.
func begun(t *testing.T, dir string) (*Store, store.RunID) {
	t.Helper()
	s := mustOpen(t, dir)
	ctx := context.Background()
	password := []byte(`"hunter2"`)
	id, err := s.Begin(ctx, store.Run{Machine: "m", Input: password}, []store.Entry{{Event: flow.Started{At: time.Now(), Input: password}}})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Append(ctx, id, []store.Entry{{Note: "hunter2"}, {Note: "x", Checkpoint: password}, {Note: "y", End: &store.End{Status: store.Succeeded, Output: password}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutDocuments(ctx, []store.DocumentWrite{{Kind: "k", Key: "a", Value: password}, {Kind: "k", Key: "b", Value: password}}); err != nil {
		t.Fatal(err)
	}
	return s, id
}

func TestNothingOfARunLiesOpen(t *testing.T) {
	dir := t.TempDir()
	s, _ := begun(t, dir)
	defer s.Close()
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(filepath.Join(dir, Folder, File+suffix))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte("hunter2")) {
			t.Errorf("the password lies open in %s", File+suffix)
		}
	}
}

// What is encrypted for one place is refused in another.
func TestSealedIsBoundToItsPlace(t *testing.T) {
	for name, c := range map[string]struct {
		change string
		read   func(s *Store, id store.RunID) error
	}{
		"a checkpoint that was changed":           {"UPDATE checkpoint SET sealed = zeroblob(80)", readCheckpoint},
		"a checkpoint of another entry":           {"UPDATE checkpoint SET idx = 2", readCheckpoint},
		"a checkpoint of an entry that is gone":   {"UPDATE checkpoint SET idx = 20", readCheckpoint},
		"a checkpoint over an entry that changed": {"UPDATE journal SET sum = zeroblob(16) WHERE idx = 3", readCheckpoint},
		"an input for an output":                  {"UPDATE run SET output = input", readRun},
		"an output that was changed":              {"UPDATE run SET output = zeroblob(80)", readRun},
		"a document for another": {"UPDATE document SET sealed = (SELECT sealed FROM document WHERE key = 'b') WHERE key = 'a'",
			func(s *Store, _ store.RunID) error {
				_, err := s.Document(context.Background(), "k", "a")
				return err
			}},
		"a document for another in a list": {"UPDATE document SET sealed = (SELECT sealed FROM document WHERE key = 'b') WHERE key = 'a'",
			func(s *Store, _ store.RunID) error {
				_, err := s.ListDocuments(context.Background(), store.DocumentFilter{Kind: "k"})
				return err
			}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, id := begun(t, dir)
			s.Close()
			execSQL(t, dir, c.change)
			s = mustOpen(t, dir)
			defer s.Close()
			expectError(t, c.read(s, id), store.ErrCorrupt)
		})
	}
}

func readCheckpoint(s *Store, id store.RunID) error {
	_, err := s.Checkpoint(context.Background(), id)
	return err
}

func readRun(s *Store, id store.RunID) error {
	_, err := s.Run(context.Background(), id)
	return err
}

// The start times that are remembered are bounded, and found again.
func TestStartTimesAreBounded(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	defer s.Close()
	ctx := context.Background()
	at := time.Date(2026, 11, 23, 14, 8, 43, 5, time.UTC)
	id, err := s.Begin(ctx, store.Run{Created: at}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxStartTimes + 10 {
		s.starts.put(store.RunID(1_000_000+i), at)
	}
	if n := len(s.starts.at); n > maxStartTimes {
		t.Errorf("%d start times are remembered", n)
	}
	if _, known := s.starts.get(id); known {
		t.Error("the first is still known")
	}
	if got, err := s.started(ctx, id); err != nil || !got.Equal(at) {
		t.Errorf("found again: %v, %v", got, err)
	}
}
