package local_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"tutti/internal/apply"
	"tutti/internal/flow"
	"tutti/internal/object"
	"tutti/internal/runtime/local"
	"tutti/internal/secret"
	"tutti/internal/store"
	"tutti/internal/store/sqlite"
)

// childFolder makes the test binary carry out the run in that folder and exit.
const childFolder = "TUTTI_TEST_RUN_IN"

// childTask says what it does there, when it is not a plan.
const childTask = "TUTTI_TEST_TASK"

// killKey is fixed, so that all processes of a test share it.
const killKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

func TestMain(m *testing.M) {
	if dir := os.Getenv(childFolder); dir != "" {
		ignoreFileSizeSignal()
		carryOut := carryOutIn
		switch os.Getenv(childTask) {
		case "errand":
			carryOut = errandIn
		case "host":
			carryOut = hostIn
		}
		if err := carryOut(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// files is a worker whose effects outlive it: each time an action is carried out
// it leaves one more file.
type files struct{ dir string }

func (f files) Do(_ context.Context, d flow.Do, _ func(string)) (local.Outcome, error) {
	h, err := os.CreateTemp(f.dir, fmt.Sprintf("effect-%d-*", actionOf(d)))
	if err != nil {
		return local.Outcome{}, err
	}
	return local.Outcome{Output: json.RawMessage(strconv.Quote(filepath.Base(h.Name())))}, h.Close()
}

func (f files) Settle(_ context.Context, d flow.Do) (local.Outcome, bool, error) {
	found, err := filepath.Glob(filepath.Join(f.dir, fmt.Sprintf("effect-%d-*", actionOf(d))))
	return local.Outcome{}, len(found) > 0, err
}

// killGraph has chains, joins and both natures of action.
func killGraph() string {
	const n = 24
	actions := make([]object.Action, n)
	for i := range actions {
		actions[i] = object.Action{Verb: object.Create, Change: i, Idempotent: i%3 == 0}
		if i >= 6 {
			actions[i].Needs = []int{i - 5, i - 3}
		}
	}
	actions[12].Verb = object.Join
	return object.Print(actions)
}

func openKillStore(ctx context.Context, dir string) (store.Store, error) {
	return sqlite.Open(ctx, dir, sqlite.Options{Ring: secret.NewRing(killKey, "")})
}

// carryOutIn starts or resumes run 1 of the store in the folder.
func carryOutIn(dir string) error {
	ctx := context.Background()
	s, err := openKillStore(ctx, dir)
	if err != nil {
		return err
	}
	defer s.Close()
	id := store.RunID(1)
	if _, err := s.Run(ctx, id); errors.Is(err, store.ErrNotFound) {
		if id, err = s.CreateRun(ctx, store.Run{Machine: "apply", Command: "test"}); err != nil {
			return err
		}
	}
	res, err := local.Run(ctx, local.Options{
		Machine: apply.New(), Store: s, RunID: id, Worker: files{dir}, Input: input(killGraph(), 4), Resume: true,
		Lease: &store.Lease{Holder: "test", Whole: true},
	})
	if err == nil && res.Status != store.Succeeded {
		err = fmt.Errorf("the run ended %s: %v", res.Status, res.Failure)
	}
	return err
}

// child gives a process that carries the run out.
func child(t *testing.T, dir, fault string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), childFolder+"="+dir, "TUTTI_FAULT="+fault)
	return c
}

// TestKill kills a real process at each of its journal writes, before and after,
// and at random moments, and lets another finish the run. Each kill may hit the
// process that resumes as well.
func TestKill(t *testing.T) {
	t.Run("at append", func(t *testing.T) {
		t.Parallel()
		killAtEach(t, "kill-at-append")
	})
	t.Run("after append", func(t *testing.T) {
		t.Parallel()
		killAtEach(t, "kill-after-append")
	})
	t.Run("at random", func(t *testing.T) {
		t.Parallel()
		seeds := 12 / stride
		if v := os.Getenv("TUTTI_SIM_SEEDS"); v != "" {
			seeds, _ = strconv.Atoi(v)
		}
		for seed := range seeds {
			killAtRandom(t, uint64(seed))
		}
	})
}

func killAtEach(t *testing.T, fault string) {
	for n := 1; ; n += stride {
		dir := t.TempDir()
		first := child(t, dir, fmt.Sprintf("%s:%d", fault, n)).Run()
		if first == nil {
			if n < 5 {
				t.Errorf("the whole run took only %d appends", n-1)
			}
			finish(t, dir, fmt.Sprintf("%s:%d", fault, n))
			return
		}
		// The process that resumes is killed too.
		_ = child(t, dir, fmt.Sprintf("%s:%d", fault, 1+n%3)).Run()
		finish(t, dir, fmt.Sprintf("%s:%d", fault, n))
	}
}

func killAtRandom(t *testing.T, seed uint64) {
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(seed, 0))
	for range 3 {
		c := child(t, dir, "")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(r.IntN(40_000))*time.Microsecond, func() { _ = c.Process.Kill() })
		_ = c.Wait()
		timer.Stop()
	}
	finish(t, dir, fmt.Sprintf("seed %d", seed))
}

// finish lets an undisturbed process end the run and counts what was done.
func finish(t *testing.T, dir, what string) {
	t.Helper()
	if out, err := child(t, dir, "").CombinedOutput(); err != nil {
		t.Fatalf("%s: the run cannot be finished: %v\n%s", what, err, out)
	}
	actions, err := object.ParseActions(killGraph())
	if err != nil {
		t.Fatal(err)
	}
	counts := map[int]int{}
	effects, err := filepath.Glob(filepath.Join(dir, "effect-*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range effects {
		n, err := strconv.Atoi(strings.Split(filepath.Base(e), "-")[1])
		if err != nil {
			t.Fatal(err)
		}
		counts[n]++
	}
	for i, a := range actions {
		got := counts[i+1]
		switch {
		case a.Verb == object.Join && got != 0, a.Verb != object.Join && got == 0:
			t.Errorf("%s: action %d was done %d times", what, i+1, got)
		case !a.Idempotent && got > 1:
			t.Errorf("%s: action %d is not idempotent and was done %d times", what, i+1, got)
		}
	}
	checkJournal(t, dir, what)
}

// checkJournal checks that every action was answered once, and that the run is
// closed.
func checkJournal(t *testing.T, dir, what string) {
	t.Helper()
	ctx := context.Background()
	s, err := sqlite.Open(ctx, dir, sqlite.Options{Ring: secret.NewRing(killKey, ""), ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	entries, err := s.Entries(ctx, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	answers := map[flow.ID]int{}
	for _, e := range entries {
		if d, ok := e.Event.(flow.ActivityDone); ok {
			answers[d.ID]++
		}
	}
	for id, n := range answers {
		if n != 1 {
			t.Errorf("%s: activity #%d was answered %d times", what, id, n)
		}
	}
	run, err := s.Run(ctx, 1)
	if err != nil || run.Status != store.Succeeded || len(answers) != 23 {
		t.Errorf("%s: run %+v, %v; %d answers", what, run, err, len(answers))
	}
}
