package place

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestExclusiveWaitsAndGivesUp(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new", "lock")
	unlock, err := Exclusive(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Exclusive(ctx, file); !errors.Is(err, context.Canceled) {
		t.Errorf("while it is taken: %v", err)
	}
	got := make(chan error)
	go func() {
		unlock, err := Exclusive(context.Background(), file)
		if err == nil {
			unlock()
		}
		got <- err
	}()
	unlock()
	if err := <-got; err != nil {
		t.Error(err)
	}
}

func TestMoveAndLinkReplaceWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	folder := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, "f"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	place := filepath.Join(dir, "a", "b", "place")
	check := func(err error, want string) {
		t.Helper()
		text, readErr := os.ReadFile(filepath.Join(place, "f"))
		if err != nil || readErr != nil || string(text) != want {
			t.Errorf("%q, %v, %v; want %q", text, readErr, err, want)
		}
	}
	check(Move(folder("one", "1"), place), "1")
	check(Move(folder("two", "2"), place), "2")
	target := folder("three", "3")
	check(Link(target, place, dir), "3")
	check(Link(target, place, dir), "3")
	check(Link(folder("four", "4"), place, dir), "4")
	check(Move(folder("five", "5"), place), "5")
	if _, err := os.Stat(filepath.Join(target, "f")); err != nil {
		t.Errorf("the target of a link that was replaced: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 { // a, three, four
		t.Errorf("left over: %v, %v", entries, err)
	}
}
