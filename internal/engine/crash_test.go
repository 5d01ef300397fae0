package engine_test

import (
	"context"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"tutti/internal/engine"
	"tutti/internal/flow"
	"tutti/internal/runtime/local"
	"tutti/internal/store"
	"tutti/internal/terraform/provider/providertest"
)

// faulty makes a stack of tutti's own test provider, whose faults are its arguments.
func faulty(t *testing.T, body string) *stack {
	t.Helper()
	s := newStack(t, "main.tf", `
terraform {
  required_providers {
    faulty = { source = "tutti.test/tutti/faulty" }
  }
}
`+body)
	s.mirror = t.TempDir()
	link(t, providertest.Faulty(t), filepath.Join(s.mirror, "tutti.test", "tutti", "faulty", "0.0.1", runtime.GOOS+"_"+runtime.GOARCH, "terraform-provider-faulty_v0.0.1"))
	s.initialise()
	return s
}

// TestProviderCrashes: a provider that dies while it makes something leaves that in
// doubt or failed, by name; what does not need it is done, and the run can be ended.
func TestProviderCrashes(t *testing.T) {
	for _, fault := range []string{"apply_crash", "apply_crash_after", "apply_exit"} {
		t.Run(fault, func(t *testing.T) {
			s := faulty(t, `
variable "fault" { default = "`+fault+`" }
resource "faulty_thing" "bad" {
  name  = "bad"
  fault = var.fault
}
resource "faulty_thing" "after" { name = faulty_thing.bad.id }
resource "terraform_data" "other" { input = 1 }
`)
			e := s.open()
			p, _ := s.plan(e, engine.PlanOptions{})
			fin := s.apply(e, p)
			text := outcome(fin)
			switch fin.Status {
			case store.InDoubt:
				if len(fin.InDoubt) != 1 || fin.InDoubt[0].Addr.String() != "faulty_thing.bad" {
					t.Errorf("in doubt: %+v", fin.InDoubt)
				}
			case store.Failed:
				if !strings.Contains(text, "create faulty_thing.bad: failed") {
					t.Errorf("outcome: %s", text)
				}
			default:
				t.Fatalf("the run ended as %s\n%s", fin.Status, text)
			}
			for _, want := range []string{"terraform_data.other: done"} {
				if !strings.Contains(text, want) {
					t.Errorf("%q is missing from\n%s", want, text)
				}
			}
			if strings.Contains(text, "faulty_thing.after: done") {
				t.Errorf("what needs the thing was made:\n%s", text)
			}
			if fin.Status == store.InDoubt {
				s.giveUp(fin.Run)
			}
			t.Setenv("TF_VAR_fault", "")
			s.done(engine.PlanOptions{})
			s.want("rows", s.state(s.open()), "faulty_thing.after", "faulty_thing.bad", "terraform_data.other")
		})
	}
}

// giveUp ends a run whose doubts count as failures.
func (s *stack) giveUp(id store.RunID) {
	s.t.Helper()
	o := engine.RunOptions{}
	o.Person.InDoubt = func(_ context.Context, doubts []local.Doubt) map[flow.ID]local.Decision {
		all := map[flow.ID]local.Decision{}
		for _, x := range doubts {
			all[x.Do.ID] = local.GiveUp
		}
		return all
	}
	fin, d := s.open().Resume(s.t.Context(), id, o)
	s.fine(d)
	if fin.Status != store.Failed {
		s.t.Errorf("the run that was given up is %s\n%s", fin.Status, outcome(fin))
	}
}

// TestLyingProvider: what does not agree with the plan is an error that blames the
// provider, and what was made is kept, to be replaced.
func TestLyingProvider(t *testing.T) {
	s := faulty(t, `
variable "fault" { default = "apply_wrong_value" }
resource "faulty_thing" "bad" {
  name  = "bad"
  size  = 3
  fault = var.fault
}
`)
	fin := s.up(engine.PlanOptions{})
	if fin.Status != store.Failed || !strings.Contains(outcome(fin), "Provider produced inconsistent result after apply") {
		t.Errorf("%s: %s", fin.Status, outcome(fin))
	}
	if rows := s.state(s.open()); len(rows) != 1 {
		t.Errorf("rows: %v", rows)
	}
}
