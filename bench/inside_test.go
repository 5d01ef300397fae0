package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tutti/internal/store"
	"tutti/internal/terraform/provider/providertest"
)

// TestAppends sees to it that what is counted is in the journal.
func TestAppends(t *testing.T) {
	t.Chdir(t.TempDir())
	ctx := context.Background()
	s, err := open(ctx, "journal")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, callers := range []int{1, 7} {
		if rate, err := appends(ctx, s, callers, 50); err != nil || rate <= 0 {
			t.Fatalf("%d callers: %v, %v", callers, rate, err)
		}
	}
	if rate, err := runEntries(ctx, s, 30); err != nil || rate <= 0 {
		t.Fatal(rate, err)
	}
	// Started, then for each activity that it goes out and its answer.
	for run, want := range map[store.RunID]int{1: 50, 2: 50, 3: 61} {
		entries, err := s.Entries(ctx, run, 1)
		if err != nil || len(entries) != want {
			t.Errorf("run %d has %d entries, want %d (%v)", run, len(entries), want, err)
		}
	}
}

func TestChanges(t *testing.T) {
	t.Chdir(t.TempDir())
	ctx := context.Background()
	wall, _, err := changes(ctx, 20)
	if err != nil || wall <= 0 {
		t.Fatal(wall, err)
	}
	s, err := open(ctx, "state-20")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	snap, err := s.Snapshot(ctx)
	if err != nil || len(snap.Rows) != 20 {
		t.Fatalf("%d rows, want 20 (%v)", len(snap.Rows), err)
	}
	if snap.Serial <= changeCount {
		t.Errorf("the state was written %d times, want more than %d", snap.Serial, changeCount)
	}
}

// TestSchemaCached sees to it that the second reading is one of the cache.
func TestSchemaCached(t *testing.T) {
	path := providertest.Real(t, "tls")
	t.Chdir(t.TempDir())
	if _, err := oneSchema(path); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadDir("schema")
	if err != nil || len(kept) == 0 {
		t.Errorf("nothing is kept (%v)", err)
	}
	if _, err := oneSchema(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) && (err == nil || !strings.Contains(err.Error(), "none")) {
		t.Errorf("a provider that is not there gives %v", err)
	}
}

func TestStateFile(t *testing.T) {
	dir := t.TempDir()
	text := `{"version":4,"resources":[{"instances":[{},{}]},{"instances":[]},{"instances":[{"attributes":{"instances":[1]}}]}]}`
	if err := os.WriteFile(filepath.Join(dir, "terraform.tfstate"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := inStateFile(t.Context(), dir); err != nil || n != 3 {
		t.Errorf("%d instances, want 3 (%v)", n, err)
	}
	if _, err := inStateFile(t.Context(), t.TempDir()); err == nil {
		t.Error("a state that is not there is no error")
	}
}
