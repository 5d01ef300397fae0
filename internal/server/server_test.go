package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tutti/internal/executor"
	"tutti/internal/flow"
	"tutti/internal/runtime/local"
	"tutti/internal/schedule"
	"tutti/internal/secret"
	"tutti/internal/server/control"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/worker"
	"tutti/internal/store"
	"tutti/internal/store/sqlite"
)

// testKey is one as TUTTI_KEY has it, 32 bytes in base64.
const testKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

// newOptions are of a store of its own, that calls nothing.
func newOptions(t *testing.T) Options {
	t.Helper()
	dir, err := os.MkdirTemp("", "serve") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(t.Context(), dir, sqlite.Options{Ring: secret.NewRing(testKey, "")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	x := executor.New(executor.Options{Store: s, Caller: func(context.Context, store.Run) (worker.Caller, error) {
		return nil, errors.New("nothing is called here")
	}})
	return Options{Folder: filepath.Join(dir, sqlite.Folder), Store: s, Executor: x, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Version: "test"}
}

func started(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestControl has a command talk to the server of its folder.
func TestControl(t *testing.T) {
	t.Parallel()
	o, ctx := newOptions(t), t.Context()
	if c, err := control.Dial(ctx, o.Folder); c != nil || err != nil {
		t.Fatalf("nobody serves, and there is %v, %v", c, err)
	}
	started(t, o)
	c, err := control.Dial(ctx, o.Folder)
	if err != nil || c == nil || c.Status().PID != os.Getpid() || c.Status().Version != "test" {
		t.Fatalf("the server is %+v, %v", c, err)
	}
	hash, err := o.Executor.KeepDefinition(ctx, `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":3600,"End":true}}}`, false)
	if err != nil {
		t.Fatal(err)
	}
	in := executor.Input{Definition: hash, Start: execution.Start{Token: executor.NewToken(), Input: json.RawMessage(`{}`)}}
	run := store.Run{Machine: execution.MachineExecution, Owner: "o", Name: "n", Command: "test", User: "me", Host: "here", Input: in.Encode()}
	id, err := c.Start(ctx, run)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := o.Store.Run(ctx, id); err != nil || r.Owner != "o" || r.Name != "n" || r.Command != "test" || r.User != "me" || r.Host != "here" {
		t.Errorf("the run is %+v, %v", r, err)
	}
	_, err = c.Start(ctx, run)
	var there *store.ExistsError
	if !errors.As(err, &there) || there.Run != id {
		t.Errorf("started again: %v", err)
	}
	if err := c.Signal(ctx, id, flow.Signaled{Name: "other"}); err != nil {
		t.Error(err)
	}
	if err := c.Cancel(ctx, id, `{"Error":"Mine"}`); err != nil {
		t.Error(err)
	}
	res, err := c.Wait(ctx, id)
	if err != nil || res.Status != store.Stopped || res.Failure == nil || res.Failure.Code != "Mine" || res.Failure.Kind != flow.Cancelled {
		t.Errorf("it ended with %+v, %v", res, err)
	}
	if err := c.Cancel(ctx, id, "again"); !errors.Is(err, local.ErrEnded) {
		t.Errorf("stopped again: %v", err)
	}
	if err := c.Resume(ctx, id+1); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a run that is not there: %v", err)
	}
}

// TestStaleSocket serves where a server was killed.
func TestStaleSocket(t *testing.T) {
	t.Parallel()
	o := newOptions(t)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(o.Folder, control.SocketName)})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if c, err := control.Dial(t.Context(), o.Folder); c != nil || err != nil {
		t.Fatalf("nobody serves, and there is %v, %v", c, err)
	}
	started(t, o)
	info, err := os.Stat(filepath.Join(o.Folder, control.SocketName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket is %v, %v", info.Mode(), err)
	}
	_, err = Start(t.Context(), o)
	var served *ServedError
	if !errors.As(err, &served) || served.Status.PID != os.Getpid() {
		t.Errorf("a second server: %v", err)
	}
}

// TestKeepSchedule starts for each time once, however often it fails in between.
func TestKeepSchedule(t *testing.T) {
	t.Parallel()
	o := newOptions(t)
	s := &Server{o: o, metrics: newMetrics()}
	s.store = &timedStore{Store: o.Store, metrics: s.metrics}
	hourly, err := schedule.Parse("rate(1 hour)", schedule.Options{Start: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	var begun []string
	broken := false
	x := Scheduled{Key: "w", Schedule: hourly, Start: func(_ context.Context, due time.Time) error {
		if broken {
			return errors.New("the disk is full")
		}
		begun = append(begun, due.UTC().Format("15:04"))
		return nil
	}}
	for _, step := range []struct {
		at     string
		broken bool
		want   string
	}{
		{"10:30", false, "[] next 11:00"},
		{"10:59", false, "[] next 11:00"},
		{"11:00", true, "[] failed"},
		{"11:01", false, "[11:00] next 12:00"},
		{"11:02", false, "[11:00] next 12:00"},
		{"15:10", false, "[11:00 15:00] next 16:00"},
	} {
		now, err := time.Parse("2006-01-02 15:04", "2026-11-23 "+step.at)
		if err != nil {
			t.Fatal(err)
		}
		broken = step.broken
		next, err := s.keepSchedule(t.Context(), x, now)
		got := fmt.Sprint(begun, " next ", next.UTC().Format("15:04"))
		if err != nil {
			got = fmt.Sprint(begun, " failed")
		}
		if got != step.want {
			t.Errorf("at %s: %s, want %s", step.at, got, step.want)
		}
	}
}
