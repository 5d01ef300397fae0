package faulttest

import (
	"strings"
	"sync"
	"testing"
)

// TestTwoRunsOfTheSame starts two applies of the same objects at once: the second is
// refused with the holder's name.
func TestTwoRunsOfTheSame(t *testing.T) {
	t.Parallel()
	f := newFolder(t, "main.tf", slow)
	f.must(0, "plan", "-out=first")
	f.must(0, "plan", "-out=second")
	r := f.start(nil, "apply", "first")
	r.await("terraform_data.a[0]: Executing")
	s := f.run("apply", "second")
	if s.code != 1 {
		t.Errorf("exit code %d", s.code)
	}
	f.has(s, "Error: Another run holds the lock", "terraform_data.a and 1 more is being changed by run 1 (", "tutti", "(-lock-timeout=5m waits", `free it with "tutti unlock 1".`)
	if s := r.wait(); s.code != 0 {
		t.Fatal(s)
	}
	f.countedOnce("a0", "a1", "b")
	f.must(0, "plan", "-detailed-exitcode")
}

// countedOnce checks that each side effect happened once.
func (f *folder) countedOnce(files ...string) {
	f.t.Helper()
	for _, name := range files {
		if n := f.count(name); n != 1 {
			f.t.Errorf("%s happened %d times", name, n)
		}
	}
}

// TestTwoRunsWait lets the second run wait for the first: then its plan is stale, and
// must not be carried out.
func TestTwoRunsWait(t *testing.T) {
	t.Parallel()
	f := newFolder(t, "main.tf", slow)
	f.must(0, "plan", "-out=first")
	f.must(0, "plan", "-out=second")
	r := f.start(nil, "apply", "first")
	r.await("terraform_data.a[0]: Executing")
	s := f.run("apply", "second", "-lock-timeout=1m")
	if s.code != 1 {
		t.Errorf("exit code %d", s.code)
	}
	f.has(s, "Waiting: ", " holds it (run 1, tutti", "Error: Saved plan is stale", "has changed since this plan was made")
	if s := r.wait(); s.code != 0 {
		t.Fatal(s)
	}
	f.countedOnce("a0", "a1", "b")
	f.has(f.must(0, "runs"), "abandoned", "succeeded")
}

// TestTwoRunsApart carries out two plans of different objects side by side: each
// waits until the other has begun, so that neither can wait for the other's end.
func TestTwoRunsApart(t *testing.T) {
	t.Parallel()
	f := newFolder(t, "main.tf", `
resource "terraform_data" "left" {
  provisioner "local-exec" {
    command = "echo x >> left; n=0; until test -e right || test $n -ge 600; do sleep 0.05; n=$((n+1)); done; test -e right"
  }
}
resource "terraform_data" "right" {
  provisioner "local-exec" {
    command = "echo x >> right; n=0; until test -e left || test $n -ge 600; do sleep 0.05; n=$((n+1)); done; test -e left"
  }
}
`)
	left := f.start(nil, "apply", "-auto-approve", "-target=terraform_data.left")
	right := f.start(nil, "apply", "-auto-approve", "-target=terraform_data.right")
	for _, r := range []*running{left, right} {
		if s := r.wait(); s.code != 0 {
			t.Errorf("%s", s)
		}
	}
	f.countedOnce("left", "right")
	f.must(0, "plan", "-detailed-exitcode")
}

// TestManyRunsAtOnce starts several applies of the same new stack at the same
// moment, first store included: one carries it out, and nothing is done twice.
func TestManyRunsAtOnce(t *testing.T) {
	t.Parallel()
	f := newFolder(t, "main.tf", slow)
	var all [5]*running
	for i := range all {
		all[i] = f.start(nil, "apply", "-auto-approve", "-lock-timeout=1m")
	}
	done := 0
	for _, r := range all {
		switch s := r.wait(); {
		case s.code == 0:
			done++
		case strings.Contains(s.stderr, "Saved plan is stale"):
		default:
			t.Errorf("%s", s)
		}
	}
	if done == 0 {
		t.Error("nobody carried it out")
	}
	f.countedOnce("a0", "a1", "b")
	f.must(0, "plan", "-detailed-exitcode")
}

// TestResumeTwiceAtOnce resumes one run from two terminals.
func TestResumeTwiceAtOnce(t *testing.T) {
	t.Parallel()
	f := newFolder(t, "main.tf", slow)
	if s := f.runWith([]string{"TUTTI_FAULT=kill-after-append:1"}, "apply", "-auto-approve"); !s.killed() {
		t.Fatal(s)
	}
	named := f.must(1, "resume", "-in-doubt=stop").doubts()
	var wait sync.WaitGroup
	results := [2]said{}
	for i := range results {
		r := f.start(nil, "resume", "1", "-in-doubt=retry")
		wait.Go(func() { results[i] = r.wait() })
	}
	wait.Wait()
	done := 0
	for _, s := range results {
		switch {
		case s.code == 0:
			done++
		case strings.Contains(s.stderr, "Another run holds the lock"), strings.Contains(s.stderr, "Run cannot be resumed"):
		default:
			t.Errorf("%s", s)
		}
	}
	if done != 1 {
		t.Errorf("%d of two resumed it:\n%s\n%s", done, results[0], results[1])
	}
	f.countedOnce("b")
	if len(named) != 2 || f.count("a0") > 2 || f.count("a1") > 2 {
		t.Errorf("in doubt %v, and they happened %d and %d times", named, f.count("a0"), f.count("a1"))
	}
}

// TestApplyAfterKill plans anew instead of resuming: what may have been done is not
// done again, and each way out is open.
func TestApplyAfterKill(t *testing.T) {
	t.Parallel()
	base := newFolder(t, "main.tf", `
resource "terraform_data" "a" {
  provisioner "local-exec" {
    command = "echo x >> a"
  }
}
resource "terraform_data" "b" {
  input = terraform_data.a.id
}
resource "terraform_data" "other" {
  depends_on = [terraform_data.a]
}
`)
	// Killed when the outcome of a was about to be journaled.
	if s := base.runWith([]string{"TUTTI_FAULT=kill-at-append:2"}, "apply", "-auto-approve"); !s.killed() {
		t.Fatal(s)
	}
	base.countedOnce("a")
	const refused = "Error: An earlier run was cut off\n│\n│ Run 1 (tutti apply) was cut off while it changed these, and what became of\n│ them is not known:\n│   terraform_data.a\n"
	base.has(base.must(0, "plan"), "Warning: An earlier run was cut off", `Go on with it first: "tutti resume 1".`)
	for _, args := range [][]string{{"apply", "-auto-approve"}, {"apply", "-auto-approve", "-target=terraform_data.other"}} {
		s := base.must(1, args...)
		base.has(s, refused, `"tutti resume 1" finds out where it can`, "cancel 1\" closes it")
		base.countedOnce("a")
	}
	t.Run("cancel", func(t *testing.T) {
		t.Parallel()
		f := base.copy(t)
		f.must(0, "cancel", "1")
		f.must(0, "apply", "-auto-approve")
		f.must(0, "plan", "-detailed-exitcode")
	})
	t.Run("import", func(t *testing.T) {
		t.Parallel()
		f := base.copy(t)
		f.must(0, "import", "terraform_data.a", "the-id")
		f.must(0, "resume", "-in-doubt=stop")
		f.countedOnce("a")
		f.has(f.must(0, "state", "show", "terraform_data.b"), `"the-id"`)
	})
	t.Run("retry", func(t *testing.T) {
		t.Parallel()
		f := base.copy(t)
		f.must(0, "resume", "-in-doubt=retry")
		if f.count("a") != 2 {
			t.Errorf("a happened %d times", f.count("a"))
		}
		f.must(0, "plan", "-detailed-exitcode")
	})
}

// TestApplyAfterStop plans anew after a run that was stopped in order: the new run
// takes its place.
func TestApplyAfterStop(t *testing.T) {
	t.Parallel()
	f := newFolder(t, "main.tf", slow)
	if s := f.runWith([]string{"TUTTI_FAULT=kill-at-append:1"}, "apply", "-auto-approve"); !s.killed() {
		t.Fatal(s)
	}
	f.has(f.must(0, "plan"), "Warning: An earlier run was not finished", `"tutti resume 1" goes on with it; carrying out`)
	f.must(0, "apply", "-auto-approve")
	f.countedOnce("a0", "a1", "b")
	f.has(f.must(1, "resume"), "Nothing to resume")
	f.has(f.must(1, "resume", "1"), "Error: Run cannot be resumed", "Run 1 has ended: abandoned. To carry out what is left, plan again.")
	f.must(0, "plan", "-detailed-exitcode")
}
