package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"tutti/internal/engine"
	"tutti/internal/flow"
	"tutti/internal/runtime/local"
	"tutti/internal/store"
	"tutti/internal/terraform/provider/providertest"
)

// childFolder makes the test binary plan and apply the stack in that folder.
const childFolder = "TUTTI_TEST_APPLY_IN"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childFolder); dir != "" {
		if err := applyIn(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func applyIn(dir string) error {
	ctx := context.Background()
	e, d := engine.Open(ctx, options(dir))
	if d.HasErrors() {
		return d.Err()
	}
	p, d := e.Plan(ctx, engine.PlanOptions{})
	if d.HasErrors() {
		return d.Err()
	}
	fin, d := e.Apply(ctx, p, engine.RunOptions{})
	if d.HasErrors() {
		return d.Err()
	}
	if fin.Status != store.Succeeded {
		return fmt.Errorf("the run ended as %s", fin.Status)
	}
	return e.Close(ctx)
}

// killStack is made by a real provider and by commands whose effects can be counted.
const killStack = `
terraform {
  required_providers {
    local = { source = "hashicorp/local" }
  }
}
resource "local_file" "a" {
  filename = "DIR/out/a"
  content  = "a"
}
resource "terraform_data" "b" {
  input = local_file.a.id
  provisioner "local-exec" { command = "echo b >> DIR/log" }
}
resource "local_file" "c" {
  filename = "DIR/out/c"
  content  = terraform_data.b.output
}
resource "terraform_data" "d" {
  input = local_file.a.id
  provisioner "local-exec" { command = "echo d >> DIR/log" }
}
output "c" { value = local_file.c.content_md5 }
`

// TestKilledAtEachAppend kills a process at each of its journal writes, before and
// after it, and resumes the run: all is there, what was finished was done once, and
// what was cut off is named and done again only when that is said.
func TestKilledAtEachAppend(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: real processes are not killed")
	}
	providertest.Real(t, "local")
	for _, kind := range []string{"kill-at-append", "kill-after-append"} {
		for n := 1; ; n++ {
			if n > 100 {
				t.Fatal("a run of five actions has more than a hundred journal writes")
			}
			if !killedAt(t, fmt.Sprintf("%s:%d", kind, n)) {
				if n < 5 {
					t.Errorf("%s: a run of five actions had only %d journal writes", kind, n-1)
				}
				break
			}
		}
	}
}

// killedAt reports false when the process came to its end before the fault.
func killedAt(t *testing.T, fault string) bool {
	t.Helper()
	s := newStack(t, "main.tf", killStack)
	s.initialise()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self)
	child.Env = append(os.Environ(), childFolder+"="+s.dir, "TUTTI_FAULT="+fault)
	out, err := child.CombinedOutput()
	if err == nil {
		return false
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("%s: the process was not killed: %v\n%s", fault, err, out)
	}
	e := s.open()
	run, d := e.Latest(t.Context())
	switch all, err := e.Store().List(t.Context(), 1); {
	case err != nil:
		t.Fatal(err)
	case !d.HasErrors():
		s.resume(e, run.ID, fault)
	case len(all) == 1 && all[0].Machine == "apply" && all[0].Status == store.Succeeded:
		// It was killed behind the entry that ended the run.
		if log := s.lines("log"); len(log) != 2 {
			t.Errorf("%s: the run has succeeded, and yet only %v was done", fault, log)
		}
	default:
		if log := s.lines("log"); len(log) > 0 {
			t.Errorf("%s: nothing to resume, and yet %v was done", fault, log)
		}
		s.done(engine.PlanOptions{})
	}
	s.want(fault+": rows", s.state(s.open()), "local_file.a", "local_file.c", "terraform_data.b", "terraform_data.d")
	if p, changes := s.plan(s.open(), engine.PlanOptions{}); len(p.Plan.Actions) > 0 {
		t.Errorf("%s: left to do: %v", fault, changes)
	}
	const idOfA = "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8" // the SHA-1 of "a"
	if a, c := s.read("out/a"), s.read("out/c"); a != "a" || c != idOfA {
		t.Errorf("%s: the files hold %q and %q", fault, a, c)
	}
	return true
}

// resume goes on, first without a word about what is in doubt, then with.
func (s *stack) resume(e *engine.Engine, id store.RunID, fault string) {
	s.t.Helper()
	fin, d := e.Resume(s.t.Context(), id, engine.RunOptions{})
	s.fine(d)
	var doubted []string
	for _, x := range fin.InDoubt {
		doubted = append(doubted, x.Addr.Name.Name)
	}
	log := s.lines("log")
	for _, name := range []string{"b", "d"} {
		times := len(slices.DeleteFunc(slices.Clone(log), func(x string) bool { return x != name }))
		switch in := slices.Contains(doubted, name); {
		case !in && times != 1 && !(name == "b" && slices.Contains(doubted, "a")) && !(name == "d" && slices.Contains(doubted, "a")):
			s.t.Errorf("%s: %s was done %d times, and is not in doubt (%v)", fault, name, times, doubted)
		case times > 1:
			s.t.Errorf("%s: %s was done %d times", fault, name, times)
		}
	}
	if len(doubted) == 0 {
		if fin.Status != store.Succeeded {
			s.t.Errorf("%s: the run ended as %s\n%s", fault, fin.Status, outcome(fin))
		}
		return
	}
	if fin.Status != store.InDoubt {
		s.t.Errorf("%s: with %v in doubt the run is %s", fault, doubted, fin.Status)
	}
	o := engine.RunOptions{}
	o.Person.InDoubt = func(_ context.Context, doubts []local.Doubt) map[flow.ID]local.Decision {
		all := map[flow.ID]local.Decision{}
		for _, x := range doubts {
			all[x.Do.ID] = local.Retry
		}
		return all
	}
	if fin, d = s.open().Resume(s.t.Context(), id, o); d.HasErrors() || fin.Status != store.Succeeded {
		s.t.Errorf("%s: doubts were settled, and yet: %v", fault, d.Err())
	}
	if got := strings.Join(s.lines("log"), ""); len(got) > 2+len(doubted) {
		s.t.Errorf("%s: done %s with %v in doubt", fault, got, doubted)
	}
}

// TestImportReal takes over what the real provider can read.
func TestImportReal(t *testing.T) {
	providertest.Real(t, "random")
	s := newStack(t, "main.tf", `
terraform {
  required_providers {
    random = { source = "hashicorp/random" }
  }
}
resource "random_id" "a" { byte_length = 4 }
import {
  to = random_id.a
  id = "p-9hUg"
}
output "hex" { value = random_id.a.hex }
`)
	s.initialise()
	e := s.open()
	p, d := e.Plan(t.Context(), engine.PlanOptions{})
	s.fine(d)
	if len(p.Plan.Changes) != 1 || p.Plan.Changes[0].Imported != "p-9hUg" {
		t.Fatalf("changes: %+v", p.Plan.Changes)
	}
	if fin := s.apply(e, p); fin.Status != store.Succeeded {
		t.Fatal(outcome(fin))
	}
	snap, d := s.open().Snapshot(t.Context())
	s.fine(d)
	if len(snap.Outputs) != 1 || string(snap.Outputs[0].Value) != `"a7ef6152"` {
		t.Errorf("outputs: %s", snap.Outputs[0].Value)
	}
	if p, changes := s.plan(s.open(), engine.PlanOptions{}); len(p.Plan.Actions) > 0 {
		t.Errorf("left to do: %v", changes)
	}
}
