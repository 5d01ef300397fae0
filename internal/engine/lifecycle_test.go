package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tutti/internal/apply"
	"tutti/internal/diag"
	"tutti/internal/engine"
	"tutti/internal/object"
	"tutti/internal/store"
)

// noted is a terraform_data that notes in a file when it is made and unmade.
func noted(name, body string) string {
	return `
resource "terraform_data" "` + name + `" {
  provisioner "local-exec" { command = "echo +` + name + ` >> DIR/log" }
  provisioner "local-exec" {
    when    = destroy
    command = "echo -` + name + ` >> DIR/log"
  }
` + body + "\n}\n"
}

func TestCreateUpdateReplaceDestroy(t *testing.T) {
	s := newStack(t, "main.tf", noted("a", `input = 1`)+noted("b", `input = terraform_data.a.id`)+`
output "b" { value = terraform_data.b.output }
`)
	s.done(engine.PlanOptions{})
	s.want("log", s.lines("log"), "+a", "+b")
	e := s.open()
	if p, changes := s.plan(e, engine.PlanOptions{}); len(changes)+len(p.Plan.Actions) != 0 {
		t.Errorf("left to do: %v", changes)
	}
	if snap, d := e.Snapshot(t.Context()); d.HasErrors() || len(snap.Outputs) != 1 || snap.Outputs[0].Name != "b" {
		t.Errorf("outputs: %+v %v", snap, d.Err())
	}
	s.write("main.tf", strings.ReplaceAll(s.read("main.tf"), "input = 1", "input = 2\n triggers_replace = 1"))
	_, changes := s.plan(s.open(), engine.PlanOptions{})
	s.want("changes", changes, "replace terraform_data.a", "update terraform_data.b")
	s.done(engine.PlanOptions{})
	s.want("log", s.lines("log"), "+a", "+b", "-a", "+a")
	s.write("main.tf", strings.ReplaceAll(s.read("main.tf"), "triggers_replace = 1", "triggers_replace = 2\n lifecycle { create_before_destroy = true }"))
	s.done(engine.PlanOptions{})
	// As with the peers, what steps aside for its successor ends without provisioners.
	s.want("log", s.lines("log"), "+a", "+b", "-a", "+a", "+a")
	s.done(engine.PlanOptions{Mode: object.Destroy})
	s.want("log", s.lines("log"), "+a", "+b", "-a", "+a", "+a", "-b", "-a")
	if rows := s.state(s.open()); len(rows) != 0 {
		t.Errorf("rows left: %v", rows)
	}
}

// TestFailure: what needs the failed object is skipped, the rest is done, the
// failed one is tainted, and the next plan goes on from there.
func TestFailure(t *testing.T) {
	s := newStack(t, "main.tf", noted("a", "")+`
resource "terraform_data" "bad" {
  input = terraform_data.a.id
  provisioner "local-exec" { command = "echo bad >> DIR/log; test -e DIR/mended" }
}
resource "terraform_data" "after" { input = terraform_data.bad.id }
`+noted("other", ""))
	fin := s.up(engine.PlanOptions{})
	if fin.Status != store.Failed || !fin.Diags.HasErrors() && len(fin.Report.Actions) == 0 {
		t.Fatalf("the run ended as %s", fin.Status)
	}
	text := outcome(fin)
	for _, want := range []string{"create terraform_data.bad: failed", "create terraform_data.after: skipped", "create terraform_data.a: done", "create terraform_data.other: done"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing from\n%s", want, text)
		}
	}
	s.want("rows", s.state(s.open()), "terraform_data.a", "terraform_data.bad tainted", "terraform_data.other")
	s.write("mended", "")
	_, changes := s.plan(s.open(), engine.PlanOptions{})
	s.want("changes", changes, "create terraform_data.after", "replace terraform_data.bad")
	s.done(engine.PlanOptions{})
	s.want("rows", s.state(s.open()), "terraform_data.a", "terraform_data.after", "terraform_data.bad", "terraform_data.other")
}

func TestOnFailureContinue(t *testing.T) {
	s := newStack(t, "main.tf", `
resource "terraform_data" "a" {
  provisioner "local-exec" {
    command    = "exit 3"
    on_failure = continue
  }
}`)
	s.done(engine.PlanOptions{})
	s.want("rows", s.state(s.open()), "terraform_data.a")
}

// TestSecrets: neither sensitive nor ephemeral values lie in the store in plain text,
// nor in a saved plan or in what a run says.
func TestSecrets(t *testing.T) {
	const secret, passing = "hunter2-very-secret", "passing-by-only"
	s := newStack(t, "main.tf", `
variable "secret" {
  type      = string
  sensitive = true
  default   = "`+secret+`"
}
variable "passing" {
  type      = string
  ephemeral = true
  default   = "`+passing+`"
}
resource "terraform_data" "a" {
  input = var.secret
  provisioner "local-exec" {
    command     = "echo $WORD $SECRET; echo $WORD > DIR/word; exit $CODE"
    environment = { WORD = var.passing, SECRET = self.input, CODE = fileexists("DIR/mended") ? 0 : 1 }
  }
}
output "secret" {
  value     = terraform_data.a.output
  sensitive = true
}
`)
	// The default stands in the files, of which a plan has a copy: give the values
	// from outside instead.
	text := strings.NewReplacer(`= "`+secret+`"`, "= null", `= "`+passing+`"`, "= null").Replace(s.read("main.tf"))
	s.write("main.tf", text)
	s.write("terraform.tfvars", `secret = "`+secret+`"`)
	t.Setenv("TF_VAR_passing", passing)
	e := s.open()
	p, _ := s.plan(e, engine.PlanOptions{})
	file := filepath.Join(s.dir, ".tutti", "saved")
	s.fine(e.Save(p, file))
	fin := s.apply(e, p)
	if strings.Contains(outcome(fin), secret) || strings.Contains(outcome(fin), passing) {
		t.Errorf("said: %s", outcome(fin))
	}
	s.write("mended", "")
	s.done(engine.PlanOptions{})
	if got := strings.TrimSpace(s.read("word")); got != passing {
		t.Errorf("the provisioner got %q", got)
	}
	for _, word := range []string{secret, passing} {
		if where := s.holds(word); where != "" {
			t.Errorf("%s holds %q", where, word)
		}
	}
}

// TestSavedPlan carries a plan out by another engine, after the files changed: by
// the plan's own copy of them.
func TestSavedPlan(t *testing.T) {
	s := newStack(t, "main.tf", `
variable "v" { default = "unset" }
module "m" {
  source = "./m"
  v      = var.v
}`, "m/main.tf", `
variable "v" {}
resource "terraform_data" "a" { input = "${var.v} old" }
`)
	s.initialise()
	e := s.open()
	p, _ := s.plan(e, engine.PlanOptions{})
	file := filepath.Join(t.TempDir(), "plan")
	s.fine(e.Save(p, file))
	s.write("m/main.tf", `resource "terraform_data" "b" {}`)
	other := s.open()
	if !engine.IsPlanFile(file) {
		t.Error("this is no plan file")
	}
	read, d := other.ReadPlan(file)
	s.fine(d)
	if fin := s.apply(other, read); fin.Status != store.Succeeded {
		t.Fatal(outcome(fin))
	}
	s.want("rows", s.state(other), "module.m.terraform_data.a")
	read, d = s.open().ReadPlan(file)
	s.fine(d)
	if _, d := s.open().Apply(t.Context(), read, engine.RunOptions{}); len(d) != 1 || d[0].Headline != "Saved plan is stale" {
		t.Errorf("the plan again: %v", d.Err())
	}
}

func (s *stack) initialise() {
	s.t.Helper()
	_, d := s.open().Init(s.t.Context(), engine.InitOptions{})
	s.fine(d)
}

func TestPlanFileRefused(t *testing.T) {
	s := newStack(t, "main.tf", `resource "terraform_data" "a" {}`)
	e := s.open()
	for name, text := range map[string]string{"none": "not a plan", "empty": ""} {
		s.write(name, text)
		if _, d := e.ReadPlan(filepath.Join(s.dir, name)); !d.HasErrors() {
			t.Errorf("%s is read as a plan", name)
		}
	}
	p, _ := s.plan(e, engine.PlanOptions{})
	s.fine(e.Save(p, filepath.Join(s.dir, "plan")))
	whole := s.read("plan")
	for _, n := range []int{8, len(whole) / 2, len(whole) - 1} {
		if err := os.WriteFile(filepath.Join(s.dir, "cut"), []byte(whole[:n]), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, d := e.ReadPlan(filepath.Join(s.dir, "cut")); !d.HasErrors() {
			t.Errorf("%d bytes of %d are read as a plan", n, len(whole))
		}
	}
}

// TestPhases: how many there are depends on what is made in the first phase.
func TestPhases(t *testing.T) {
	s := newStack(t, "main.tf", `
resource "terraform_data" "a" { input = toset(["x", "y"]) }
resource "terraform_data" "b" {
  for_each = terraform_data.a.output
  input    = each.key
}
output "all" { value = [for k, v in terraform_data.b : v.output] }
`)
	fin := s.done(engine.PlanOptions{})
	if !fin.Deferred {
		t.Error("nothing was put off")
	}
	s.want("rows", s.state(s.open()), "terraform_data.a")
	if fin := s.done(engine.PlanOptions{}); fin.Deferred {
		t.Error("something was put off again")
	}
	s.want("rows", s.state(s.open()), "terraform_data.a", `terraform_data.b["x"]`, `terraform_data.b["y"]`)
	if p, changes := s.plan(s.open(), engine.PlanOptions{}); len(p.Plan.Actions) != 0 {
		t.Errorf("left to do: %v", changes)
	}
}

func TestConditions(t *testing.T) {
	s := newStack(t, "main.tf", `
variable "n" {
  type    = number
  default = 1
}
resource "terraform_data" "a" {
  input = var.n
  lifecycle {
    precondition {
      condition     = var.n < 10
      error_message = "Too many: ${var.n}."
    }
    postcondition {
      condition     = self.output != 5
      error_message = "Five is not wanted."
    }
  }
}
resource "terraform_data" "b" { input = terraform_data.a.id }
check "c" {
  assert {
    condition     = terraform_data.a.output != 3
    error_message = "Three is odd."
  }
}`)
	s.done(engine.PlanOptions{})
	t.Setenv("TF_VAR_n", "10")
	if _, d := s.open().Plan(t.Context(), engine.PlanOptions{}); !d.HasErrors() || !strings.Contains(d.Err().Error(), "Too many: 10.") {
		t.Errorf("precondition: %v", d.Err())
	}
	t.Setenv("TF_VAR_n", "3")
	fin := s.done(engine.PlanOptions{})
	_, d := s.open().Plan(t.Context(), engine.PlanOptions{})
	s.fine(d)
	for what, list := range map[string]diag.List{"apply": fin.Diags, "plan": d} {
		if len(list) != 1 || list[0].Severity != diag.Warning || list[0].Detail != "Three is odd." {
			t.Errorf("the check said at %s: %v", what, list)
		}
	}
	t.Setenv("TF_VAR_n", "5")
	e := s.open()
	p, d := e.Plan(t.Context(), engine.PlanOptions{})
	s.fine(d)
	if fin := s.apply(e, p); fin.Status != store.Failed || !strings.Contains(outcome(fin), "Five is not wanted.") {
		t.Errorf("postcondition: %s", outcome(fin))
	}
}

func TestTriggersMovedRemoved(t *testing.T) {
	s := newStack(t, "main.tf", noted("a", `input = 1`)+noted("b", `lifecycle { replace_triggered_by = [terraform_data.a.output] }`)+noted("c", ""))
	s.done(engine.PlanOptions{})
	s.write("main.tf", strings.ReplaceAll(s.read("main.tf"), "input = 1", "input = 2"))
	_, changes := s.plan(s.open(), engine.PlanOptions{})
	s.want("changes", changes, "update terraform_data.a", "replace terraform_data.b")
	s.done(engine.PlanOptions{})
	s.write("main.tf", noted("a2", `input = 2`)+`
moved {
  from = terraform_data.a
  to   = terraform_data.a2
}
removed {
  from = terraform_data.b
  lifecycle { destroy = false }
}`)
	_, changes = s.plan(s.open(), engine.PlanOptions{})
	s.want("changes", changes, "record terraform_data.a2", "forget terraform_data.b", "delete terraform_data.c")
	s.done(engine.PlanOptions{})
	s.want("rows", s.state(s.open()), "terraform_data.a2")
	if log := s.read("log"); strings.Count(log, "+a") != 1 || strings.Count(log, "-b") != 1 {
		t.Errorf("log: %s", log)
	}
}

// TestDestroyFalseRemembered: the row remembers what the block said.
func TestDestroyFalseRemembered(t *testing.T) {
	s := newStack(t, "main.tf", `
resource "terraform_data" "a" {
  lifecycle { destroy = false }
}`)
	s.done(engine.PlanOptions{})
	s.write("main.tf", "")
	_, changes := s.plan(s.open(), engine.PlanOptions{})
	s.want("changes", changes, "forget terraform_data.a")
}

// TestDisjointRuns: two runs on different addresses go on side by side; one that
// overlaps is refused with the holder's name.
func TestDisjointRuns(t *testing.T) {
	s := newStack(t, "main.tf", `
resource "terraform_data" "a" {
  provisioner "local-exec" { command = "touch DIR/a; cat DIR/go" }
}
resource "terraform_data" "b" {
  provisioner "local-exec" { command = "touch DIR/b; echo > DIR/go" }
}`)
	s.pipe("go")
	only := func(name string) engine.PlanOptions {
		return engine.PlanOptions{Targets: s.targets("terraform_data." + name)}
	}
	first, second, third := s.open(), s.open(), s.open()
	p1, _ := s.plan(first, only("a"))
	p2, _ := s.plan(second, only("b"))
	p3, _ := s.plan(third, only("a"))
	started := make(chan struct{})
	ended := make(chan *engine.Finished)
	go func() {
		fin, d := first.Apply(t.Context(), p1, engine.RunOptions{Watch: engine.Watch{Log: nil, Started: onFirst(started)}})
		if d.HasErrors() {
			t.Error(d.Err())
		}
		ended <- fin
	}()
	<-started
	if _, d := third.Apply(t.Context(), p3, engine.RunOptions{}); len(d) == 0 || d[0].Headline != "Another run holds the lock" || !strings.Contains(d[0].Detail, "pid") {
		t.Errorf("the overlapping run: %v", d.Err())
	}
	if fin := s.apply(second, p2); fin.Status != store.Succeeded { // sets the first one free
		t.Error(outcome(fin))
	}
	if fin := <-ended; fin == nil || fin.Status != store.Succeeded {
		t.Errorf("the first run: %+v", fin)
	}
	s.want("rows", s.state(s.open()), "terraform_data.a", "terraform_data.b")
}

// TestStopAndResume stops a run in order in the middle, and resumes it: nothing is
// done twice.
func TestStopAndResume(t *testing.T) {
	s := newStack(t, "main.tf", noted("a", "")+`
resource "terraform_data" "slow" {
  input = terraform_data.a.id
  provisioner "local-exec" { command = "echo slow >> DIR/log; cat DIR/go" }
}`+noted("c", `input = terraform_data.slow.id`))
	s.pipe("go")
	e := s.open()
	p, _ := s.plan(e, engine.PlanOptions{})
	cancel := make(chan struct{})
	var run store.RunID
	watch := engine.Watch{
		Begun: func(id store.RunID, _ *object.Plan) { run = id },
		Started: func(a *object.Action, _ startTime) {
			if a.Addr.Name.Name == "slow" {
				close(cancel)
				// Opens the pipe for writing, which waits for the reader.
				go func() {
					if err := os.WriteFile(filepath.Join(s.dir, "go"), []byte("on"), 0o600); err != nil {
						t.Error(err)
					}
				}()
			}
		},
	}
	o := engine.RunOptions{Watch: watch}
	o.Person.Cancel = cancel
	fin, d := e.Apply(t.Context(), p, o)
	s.fine(d)
	if fin.Status != store.Stopped {
		t.Fatalf("the run ended as %s\n%s", fin.Status, outcome(fin))
	}
	s.want("log", s.lines("log"), "+a", "slow")
	fin, d = s.open().Resume(t.Context(), run, engine.RunOptions{})
	s.fine(d)
	if fin.Status != store.Succeeded {
		t.Fatal(outcome(fin))
	}
	s.want("log", s.lines("log"), "+a", "slow", "+c")
	if _, d := s.open().Resume(t.Context(), run, engine.RunOptions{}); len(d) == 0 || d[0].Headline != "Run cannot be resumed" {
		t.Errorf("resumed again: %v", d.Err())
	}
	_, _, report, entries, d := s.open().History(t.Context(), run)
	s.fine(d)
	if len(entries) == 0 || len(report.Actions) != 3 || report.Actions[2].Status != apply.Done {
		t.Errorf("history: %+v", report)
	}
}
