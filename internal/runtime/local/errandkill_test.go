package local_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tutti/internal/flow"
	"tutti/internal/flow/flowtest"
	"tutti/internal/runtime/local"
	"tutti/internal/store"
)

// errandFiles makes errands whose activities leave files.
type errandFiles struct{ dir string }

func (f errandFiles) Machine(context.Context, store.Run) (flow.Machine, error) {
	return flowtest.NewErrand(), nil
}
func (f errandFiles) Worker(store.Run) local.Worker { return f }

func (f errandFiles) pattern(d flow.Do) string {
	_, id := what(d)
	return "effect-" + strings.NewReplacer("/", "_", ":", ".").Replace(id) + "-*"
}

func (f errandFiles) Do(_ context.Context, d flow.Do, _ func(string)) (local.Outcome, error) {
	h, err := os.CreateTemp(f.dir, f.pattern(d))
	if err != nil {
		return local.Outcome{}, err
	}
	return local.Outcome{}, h.Close()
}

func (f errandFiles) Settle(_ context.Context, d flow.Do) (local.Outcome, bool, error) {
	found, err := filepath.Glob(filepath.Join(f.dir, f.pattern(d)))
	return local.Outcome{}, len(found) > 0, err
}

// killFamily has children, a grandchild, timers and both natures of activity: six
// activities.
func killFamily(name string) flowtest.ErrandInput {
	return flowtest.ErrandInput{Name: name, Do: 1, Wait: time.Millisecond, Children: []flowtest.ErrandInput{
		{Do: 2, Idempotent: true},
		{Do: 1, Wait: time.Millisecond, Children: []flowtest.ErrandInput{{Do: 2}}},
	}}
}

const killFamilySize = 6

// errandIn carries out run 1, an errand with children, as `tutti up` does.
func errandIn(dir string) error {
	ctx := context.Background()
	s, err := openKillStore(ctx, dir)
	if err != nil {
		return err
	}
	defer s.Close()
	id := store.RunID(1)
	run := errandRun(killFamily("e0"))
	if _, err := s.Run(ctx, id); errors.Is(err, store.ErrNotFound) {
		if id, err = s.CreateRun(ctx, run); err != nil {
			return err
		}
	}
	f := errandFiles{dir}
	res, err := local.Run(ctx, local.Options{Machine: flowtest.NewErrand(), Store: s, RunID: id, Worker: f, Input: run.Input, Resume: true,
		Children: f, CheckpointEvery: 3})
	return ended(res, err)
}

// hostIn begins three errands, or goes on with them, as `tutti serve` does.
func hostIn(dir string) error {
	ctx := context.Background()
	s, err := openKillStore(ctx, dir)
	if err != nil {
		return err
	}
	defer s.Close()
	var errs []error
	h, err := local.NewHost(local.HostOptions{Store: s, Machines: errandFiles{dir}, CheckpointEvery: 3,
		Trouble: func(err error) { errs = append(errs, err) }})
	if err != nil {
		return err
	}
	if _, err := h.Recover(ctx); err != nil {
		return err
	}
	for i := range 3 {
		id, err := h.Start(ctx, errandRun(killFamily(fmt.Sprint("e", i))))
		if exists := (*store.ExistsError)(nil); errors.As(err, &exists) {
			id, err = exists.Run, nil
		}
		if err != nil {
			return err
		}
		res, err := h.Wait(ctx, id)
		if err := ended(res, err); err != nil {
			return err
		}
	}
	return errors.Join(append(errs, h.Close(ctx))...)
}

func ended(res local.Result, err error) error {
	if err == nil && (res.Status != store.Succeeded || string(res.Output) != fmt.Sprintf(`{"done":%d}`, killFamilySize)) {
		err = fmt.Errorf("the run ended %s with %s: %v", res.Status, res.Output, res.Failure)
	}
	return err
}

// TestKillErrands kills a real process at each of its journal writes, before and
// after, wherever its runs' children are then, and the process that goes on, too.
func TestKillErrands(t *testing.T) {
	for _, task := range []string{"errand", "host"} {
		for _, fault := range []string{"kill-at-append", "kill-after-append"} {
			t.Run(task+" "+fault, func(t *testing.T) {
				t.Parallel()
				killErrandsAtEach(t, task, fault)
			})
		}
	}
}

func killErrandsAtEach(t *testing.T, task, fault string) {
	for n := 1; ; n += stride {
		dir := t.TempDir()
		at := fmt.Sprintf("%s:%d", fault, n)
		run := func(fault string) ([]byte, error) {
			c := child(t, dir, fault)
			c.Env = append(c.Env, childTask+"="+task)
			return c.CombinedOutput()
		}
		_, first := run(at)
		if first != nil {
			_, _ = run(fmt.Sprintf("%s:%d", fault, 1+n%4))
		} else if n < 10 {
			t.Errorf("all took only %d appends", n-1)
		}
		if out, err := run(""); err != nil {
			t.Fatalf("%s: it cannot be finished: %v\n%s", at, err, out)
		}
		checkErrands(t, dir, task, at)
		if first == nil {
			return
		}
	}
}

// checkErrands checks that each activity was done, what is not idempotent once, that
// no child was begun twice, and that everything has ended.
func checkErrands(t *testing.T, dir, task, at string) {
	t.Helper()
	effects, err := filepath.Glob(filepath.Join(dir, "effect-*"))
	check(t, err)
	counts := map[string]int{}
	for _, e := range effects {
		counts[strings.Split(filepath.Base(e), "-")[1]]++
	}
	roots := 1
	if task == "host" {
		roots = 3
	}
	for name, n := range counts {
		if idempotent := strings.Contains(name, "_0.") && strings.Count(name, "_") == 1; n > 1 && !idempotent {
			t.Errorf("%s: %s is not idempotent and was done %d times", at, name, n)
		}
	}
	if len(counts) != roots*killFamilySize {
		t.Errorf("%s: %d activities were done: %v", at, len(counts), counts)
	}
	s, err := openKillStore(context.Background(), dir)
	check(t, err)
	defer s.Close()
	all, err := s.List(context.Background(), 0)
	check(t, err)
	if len(all) != roots*4 {
		t.Errorf("%s: there are %d runs", at, len(all))
	}
	for _, r := range all {
		if r.Status != store.Succeeded || r.Ended.IsZero() {
			t.Errorf("%s: run %d, child #%d of %d, is %s", at, r.ID, r.Child, r.Parent, r.Status)
		}
	}
}
