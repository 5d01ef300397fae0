//go:build unix

package local_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"tutti/internal/secret"
	"tutti/internal/store"
	"tutti/internal/store/sqlite"
)

// ignoreFileSizeSignal makes a write beyond the limit of file sizes an error.
func ignoreFileSizeSignal() { signal.Ignore(syscall.SIGXFSZ) }

// TestFullDiskReal lets a real process run into a limit of file sizes at ever
// later moments, as a disk that fills up, and another one finish the run.
func TestFullDiskReal(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	full := 0
	for blocks := 8; blocks <= 1024; blocks += stride * max(8, blocks/8) {
		dir := t.TempDir()
		makeRun(t, dir)
		c := exec.Command("sh", "-c", fmt.Sprintf(`ulimit -f %d && exec "$0"`, blocks), self)
		c.Env = append(os.Environ(), childFolder+"="+dir)
		out, err := c.CombinedOutput()
		if strings.Contains(string(out), "panic") || strings.Contains(string(out), "SIGXFSZ") {
			t.Fatalf("limit %d: %s", blocks, out)
		}
		if err != nil && strings.Contains(string(out), "writing the journal") {
			full++
			t.Logf("limit %d: %.150s", blocks, out)
		}
		finish(t, dir, fmt.Sprintf("limit of %d blocks", blocks))
	}
	if full < 1 || full < 3 && stride == 1 {
		t.Errorf("only %d processes ran into the limit", full)
	}
}

// makeRun makes a store with run 1, which nobody has begun.
func makeRun(t *testing.T, dir string) {
	t.Helper()
	s, err := sqlite.Open(context.Background(), dir, sqlite.Options{Ring: secret.NewRing(killKey, "")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateRun(context.Background(), store.Run{Machine: "apply", Command: "test"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
