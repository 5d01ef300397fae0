package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tutti/internal/engine"
	"tutti/internal/flow"
	"tutti/internal/object"
	"tutti/internal/runtime/local"
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/workflow"
	"tutti/internal/store"
)

// workflowStack has a workflow between two resources: its input comes from one, and the
// other uses its output. Each step of it leaves a line in a file.
const workflowStack = `
resource "terraform_data" "port" { input = 8443 }
resource "terraform_data" "after" { input = workflow.fulfil.output.packed }
`

const workflowBlock = `
workflow "fulfil" {
  source = "fulfil.asl.json"
  input  = { port = terraform_data.port.output }
}
`

const workflowFile = `{
  "QueryLanguage": "JSONata", "StartAt": "Check",
  "States": {
    "Check": {"Type": "Choice", "Choices": [{"Condition": "{% $states.input.port > 0 %}", "Next": "First"}], "Default": "Bad"},
    "Bad": {"Type": "Fail", "Error": "Bad.Port", "Cause": "the port is not above 0"},
    "First": {"Type": "Task", "Resource": "arn:tutti:command",
      "Arguments": {"Command": ["/bin/sh", "-c", "echo first >> log"], "WorkingDir": "DIR"}, "Assign": {"port": "{% $states.input.port %}"}, "Next": "Both"},
    "Both": {"Type": "Parallel", "Branches": [
      {"StartAt": "Left", "States": {"Left": {"Type": "Task", "Resource": "arn:tutti:command", "Arguments": {"Command": ["/bin/sh", "-c", "echo left >> log"], "WorkingDir": "DIR"}, "End": true}}},
      {"StartAt": "Right", "States": {"Right": {"Type": "Pass", "Output": 2, "End": true}}}], "Output": {}, "Next": "Done"},
    "Done": {"Type": "Pass", "Output": {"packed": "{% $port %}"}, "End": true}
  }
}
`

func TestWorkflow(t *testing.T) {
	s := newStack(t, "main.tf", workflowStack, "deploy.tutti.hcl", workflowBlock, "fulfil.asl.json", workflowFile)
	p, changes := s.plan(s.open(), engine.PlanOptions{})
	s.want("the plan", changes, "create terraform_data.after", "create terraform_data.port", "run workflow.fulfil")
	if note := p.Plan.Changes[2].Note; note != "first run" {
		t.Errorf("the plan notes %q", note)
	}
	// What is carried out is what was planned, whatever the file holds by then.
	s.write("fulfil.asl.json", `{"StartAt": "X", "States": {"X": {"Type": "Fail", "Error": "Not.Planned"}}}`)
	if fin := s.apply(s.open(), p); fin.Status != store.Succeeded {
		t.Fatal(outcome(fin))
	}
	s.write("fulfil.asl.json", workflowFile)
	s.want("done", s.lines("log"), "first", "left")
	e := s.open()
	snap, d := e.Snapshot(t.Context())
	s.fine(d)
	for _, row := range engine.Select(snap, nil) {
		switch row.Addr.String() {
		case "terraform_data.after":
			if !strings.Contains(string(row.Attributes), `"output":{"value":8443,"type":"number"}`) {
				t.Errorf("the output did not flow on: %s", row.Attributes)
			}
		case "workflow.fulfil":
			if !strings.Contains(string(row.Attributes), `"status":"SUCCEEDED"`) {
				t.Errorf("the row has %s", row.Attributes)
			}
		}
	}
	if _, changes = s.plan(s.open(), engine.PlanOptions{}); len(changes) > 0 {
		t.Errorf("left to do: %v", changes)
	}
	s.statesOfRun(t, "Check Choice 0; First Task 0; Both Parallel 0; Left Task 1; Right Pass 1; Done Pass 0")
	// Another input runs it again, and so does another definition.
	s.write("main.tf", strings.Replace(workflowStack, "8443", "9443", 1))
	p, changes = s.plan(s.open(), engine.PlanOptions{})
	s.want("another input", changes, "update terraform_data.after", "update terraform_data.port", "run workflow.fulfil")
	if note := p.Plan.Changes[2].Note; note != "input is not known yet" && note != "input changed" {
		t.Errorf("the plan notes %q", note)
	}
	s.done(engine.PlanOptions{})
	s.write("fulfil.asl.json", strings.Replace(workflowFile, "echo left", "echo LEFT", 1))
	if p, _ = s.plan(s.open(), engine.PlanOptions{}); p.Plan.Changes[len(p.Plan.Changes)-1].Note != "the definition changed" {
		t.Errorf("the plan notes %q", p.Plan.Changes[len(p.Plan.Changes)-1].Note)
	}
}

// statesOfRun checks the states of the newest execution.
func (s *stack) statesOfRun(t *testing.T, want string) *engine.ExecutionHistory {
	t.Helper()
	e := s.open()
	list, err := e.Store().Find(t.Context(), store.RunFilter{Machine: "execution", Limit: 1})
	if err != nil || len(list) == 0 {
		t.Fatalf("no execution: %v", err)
	}
	h, d := e.ExecutionHistory(t.Context(), list[0].ID, false)
	s.fine(d)
	var got []string
	for _, x := range h.Steps {
		text := fmt.Sprintf("%s %s %d", x.State, x.Type, x.Depth)
		if x.Error != "" {
			text += " " + x.Error
		}
		got = append(got, text)
	}
	if text := strings.Join(got, "; "); text != want {
		t.Errorf("the states are\n%s\nwant\n%s", text, want)
	}
	return h
}

func TestWorkflowFails(t *testing.T) {
	s := newStack(t, "main.tf", strings.Replace(workflowStack, "8443", "0", 1), "deploy.tutti.hcl", workflowBlock, "fulfil.asl.json", workflowFile)
	fin := s.up(engine.PlanOptions{})
	if got := outcome(fin); fin.Status != store.Failed || !strings.Contains(got, "ended as FAILED: Bad.Port: the port is not above 0") || !strings.Contains(got, "terraform_data.after: skipped") {
		t.Errorf("%s\n%s", fin.Status, got)
	}
	s.want("the state", s.state(s.open()), "terraform_data.port", "workflow.fulfil tainted")
	s.statesOfRun(t, "Check Choice 0; Bad Fail 0 Bad.Port")
	s.write("main.tf", workflowStack)
	s.done(engine.PlanOptions{})
	s.want("the state", s.state(s.open()), "terraform_data.after", "terraform_data.port", "workflow.fulfil")
}

func TestWorkflowDefinitionIsChecked(t *testing.T) {
	s := newStack(t, "main.tf", workflowStack, "deploy.tutti.hcl", workflowBlock, "fulfil.asl.json", strings.Replace(workflowFile, `"Next": "Both"`, `"Next": "Boht"`, 1))
	_, d := s.open().Plan(t.Context(), engine.PlanOptions{})
	if !d.HasErrors() || d[0].Subject == nil || !strings.HasSuffix(d[0].Subject.Filename, "fulfil.asl.json") || d[0].Subject.Start.Line != 7 || !strings.Contains(d[0].Detail, "Boht") {
		t.Errorf("%v", d)
	}
	s.write("deploy.tutti.hcl", `workflow "a" {
  definition = { StartAt = "X", States = { X = { Type = "Pass" } } }
}
workflow "b" { source = "none.asl.json" }
workflow "c" {
  source  = "fulfil.asl.json"
  mapping = { pack = { comand = ["x"] } }
  schedule { expression = "cron(0 10 * * * *)" }
}
`)
	s.write("main.tf", "")
	_, d = s.open().Plan(t.Context(), engine.PlanOptions{})
	all := d.Err().Error()
	for _, want := range []string{"End", "none.asl.json", `unknown field "comand"`, "exactly one of day-of-month and day-of-week must be ?"} {
		if !strings.Contains(all, want) {
			t.Errorf("nothing says %q: %s", want, all)
		}
	}
}

// Secrets of the input are in the store as nobody can read them, and a mapped command
// gets them.
func TestWorkflowSecrets(t *testing.T) {
	s := newStack(t, "main.tf", `
variable "token" {
  default   = "hunter2222"
  sensitive = true
}
output "said" {
  value     = workflow.a.output
  sensitive = true
}
`, "deploy.tutti.hcl", `
workflow "a" {
  definition = jsonencode({ StartAt = "X", States = { X = { Type = "Task", Resource = "arn:aws:states:::lambda:invoke", Parameters = { FunctionName = "f", "Payload.$" = "$" }, OutputPath = "$.Payload", End = true } } })
  input      = { token = var.token }
  mapping    = { f = { command = ["/bin/sh", "-c", "cat; echo hunter2222 >&2"] } }
}
`)
	p, _ := s.plan(s.open(), engine.PlanOptions{})
	var log []string
	o := engine.RunOptions{}
	o.Watch.Log = func(_ *object.Action, line string) { log = append(log, line) }
	fin, d := s.open().Apply(t.Context(), p, o)
	s.fine(d)
	if fin.Status != store.Succeeded {
		t.Fatal(outcome(fin))
	}
	if text := strings.Join(log, "\n"); strings.Contains(text, "hunter") || !strings.Contains(text, "X calls arn:aws:states:::lambda:invoke") {
		t.Errorf("the log: %s", text)
	}
	if where := s.holds("hunter2222"); where != "" {
		t.Errorf("%s holds the secret", where)
	}
	// What it fails with is stored as text that people read.
	s.write("bad.tutti.hcl", `
workflow "bad" {
  definition = jsonencode({ StartAt = "X", States = { X = { Type = "Pass", Parameters = { "a.$" = "$.none" }, End = true } } })
  input      = { token = var.token }
}
`)
	if fin := s.up(engine.PlanOptions{}); fin.Status != store.Failed || strings.Contains(outcome(fin), "hunter2222") {
		t.Errorf("%s: %s", fin.Status, outcome(fin))
	}
	if where := s.holds("hunter2222"); where != "" {
		t.Errorf("%s holds the secret", where)
	}
	snap, d := s.open().Snapshot(t.Context())
	s.fine(d)
	if len(snap.Outputs) != 1 || string(snap.Outputs[0].Value) != `{"token":"hunter2222"}` {
		t.Errorf("outputs: %+v", snap.Outputs)
	}
}

// A run that is stopped pauses the execution, and resuming it goes on where that was:
// what was done before is not done again. The task that waits is answered meanwhile.
func TestWorkflowStoppedAndResumed(t *testing.T) {
	s := newStack(t, "deploy.tutti.hcl", `
workflow "a" {
  source = "a.asl.json"
  input  = { n = 7 }
}
`, "a.asl.json", `{"StartAt": "First", "States": {
  "First": {"Type": "Task", "Resource": "arn:tutti:command", "Parameters": {"Command": ["/bin/sh", "-c", "echo first >> log"], "WorkingDir": "DIR"}, "ResultPath": null, "Next": "Person"},
  "Person": {"Type": "Task", "Resource": "arn:tutti:command.waitForTaskToken", "Parameters": {"Command": ["/bin/sh", "-c", "printf %s $TUTTI_TASK_TOKEN > token; echo asked >&2"], "WorkingDir": "DIR"}, "ResultPath": "$.person", "Next": "Last"},
  "Last": {"Type": "Pass", "Parameters": {"in.$": "$.n", "said.$": "$.person"}, "End": true}}}`)
	p, _ := s.plan(s.open(), engine.PlanOptions{})
	cancel := make(chan struct{})
	o := engine.RunOptions{Person: local.Person{Cancel: cancel}}
	o.Watch.Log = func(_ *object.Action, line string) {
		if line == "asked" {
			close(cancel)
		}
	}
	fin, d := s.open().Apply(t.Context(), p, o)
	s.fine(d)
	if fin.Status != store.Stopped {
		t.Fatalf("the run ended as %s\n%s", fin.Status, outcome(fin))
	}
	answer := execution.TaskSignal{Token: s.read("token"), Kind: "success", Output: json.RawMessage(`"yes"`)}
	_, d = s.open().AnswerTask(t.Context(), answer)
	s.fine(d)
	fin, d = s.open().Resume(t.Context(), fin.Run, engine.RunOptions{})
	s.fine(d)
	if fin.Status != store.Succeeded {
		t.Fatalf("the run ended as %s\n%s", fin.Status, outcome(fin))
	}
	s.want("done", s.lines("log"), "first")
	s.statesOfRun(t, "First Task 0; Person Task 0; Last Pass 0")
	snap, d := s.open().Snapshot(t.Context())
	s.fine(d)
	if got := string(snap.Rows[0].Attributes); !strings.Contains(got, `"output":{"in":7,"said":"yes"}`) {
		t.Errorf("the row has %s", got)
	}
	if _, d = s.open().AnswerTask(t.Context(), answer); !d.HasErrors() || d[0].Headline != "No task waits for this token" {
		t.Errorf("%v", d)
	}
}

func TestRestartExecution(t *testing.T) {
	s := newStack(t, "a.asl.json", `{"StartAt": "First", "States": {
  "First": {"Type": "Pass", "Result": {"n": 1}, "Assign": {"who": "first"}, "Next": "Second"},
  "Second": {"Type": "Task", "Resource": "arn:tutti:command", "Parameters": {"Command": ["/bin/sh", "-c", "test -e DIR/ready"]}, "ResultPath": null, "Next": "Last"},
  "Last": {"Type": "Pass", "Parameters": {"n.$": "$.n", "who.$": "$who"}, "End": true}}}`)
	e := s.open()
	req := s.request("a.asl.json")
	x, d := e.StartExecution(t.Context(), req, engine.ExecutionOptions{Name: "one"})
	s.fine(d)
	res, err := e.WaitExecution(t.Context(), x.ID)
	if err != nil || res.Status != store.Failed || res.Failure.Code != "States.TaskFailed" {
		t.Fatalf("%+v, %v", res, err)
	}
	if _, d := e.StartExecution(t.Context(), req, engine.ExecutionOptions{Name: "one"}); !d.HasErrors() || d[0].Headline != "Execution exists already" {
		t.Errorf("a name was used twice: %v", d)
	}
	s.write("ready", "")
	if _, d := e.RestartExecution(t.Context(), x.ID, "Last", nil); !d.HasErrors() || d[0].Headline != "State has no recorded input" {
		t.Errorf("it never came to Last: %v", d)
	}
	for _, tt := range []struct{ from, input, want string }{{"Second", "", `{"n":1,"who":"first"}`}, {"Second", `{"n":2}`, `{"n":2,"who":"first"}`}, {"First", "", `{"n":1,"who":"first"}`}} {
		again, d := e.RestartExecution(t.Context(), x.ID, tt.from, json.RawMessage(tt.input))
		s.fine(d)
		if res, err = e.WaitExecution(t.Context(), again.ID); err != nil || string(res.Output) != tt.want {
			t.Errorf("from %s: %+v, %v", tt.from, res, err)
		}
	}
	// And the old one goes on from the state that failed.
	s.fine(e.ResumeExecution(t.Context(), x.ID, store.Failed))
	if res, err = e.WaitExecution(t.Context(), x.ID); err != nil || string(res.Output) != `{"n":1,"who":"first"}` {
		t.Errorf("redriven: %+v, %v", res, err)
	}
	if d := e.ResumeExecution(t.Context(), x.ID, store.Succeeded); !d.HasErrors() || d[0].Headline != "Run cannot be resumed" {
		t.Errorf("%v", d)
	}
}

// A workflow is started once for each time at which it is due, also when two processes
// think of it.
func TestStartScheduled(t *testing.T) {
	s := newStack(t, "deploy.tutti.hcl", `
workflow "a" {
  definition = { StartAt = "X", States = { X = { Type = "Pass", End = true } } }
  input      = 7
  run        = "manual"
  schedule {
    expression = "cron(0 10 ? * MON-FRI *)"
    timezone   = "Europe/Paris"
  }
}
workflow "b" {
  definition = { StartAt = "X", States = { X = { Type = "Succeed" } } }
  schedule {
    expression = "@daily"
    enabled    = false
  }
}
`)
	s.done(engine.PlanOptions{})
	e := s.open()
	list, err := e.Workflows(t.Context())
	if err != nil || len(list) != 2 || list[0].Schedule == nil || list[1].Schedule != nil {
		t.Fatalf("%+v, %v", list, err)
	}
	due, ok := list[0].Schedule.Next(time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC))
	if want := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC); !ok || !due.Equal(want) {
		t.Errorf("it is due at %s, not %s", due, want)
	}
	for range 2 {
		if err := e.StartScheduled(t.Context(), list[0], due); err != nil {
			t.Fatal(err)
		}
	}
	runs, err := e.Store().Find(t.Context(), store.RunFilter{Owner: "workflow.a"})
	if err != nil || len(runs) != 1 || runs[0].Name != "schedule-20261130T090000Z" {
		t.Fatalf("%+v, %v", runs, err)
	}
	if res, err := e.WaitExecution(t.Context(), runs[0].ID); err != nil || string(res.Output) != "7" {
		t.Errorf("%+v, %v", res, err)
	}
}

// request reads a definition as it is given to StartExecution.
func (s *stack) request(name string) workflow.Request {
	s.t.Helper()
	def, _, d := workflow.Load(filepath.Join(s.dir, name), []byte(s.read(name)), nil)
	s.fine(d)
	return workflow.Request{Workflow: name, Definition: def, Input: json.RawMessage("{}")}
}

// A task and a workflow of the stack are there for its state machines.
func TestExecutionReachesTheStack(t *testing.T) {
	s := newStack(t, "deploy.tutti.hcl", `
task "load" {
  script      = "cat; echo \" $WHO\""
  environment = { WHO = "block" }
  working_dir = "DIR"
}
workflow "part" {
  definition = { StartAt = "X", States = { X = { Type = "Pass", Parameters = { "twice.$" = "States.Array($, $)" }, End = true } } }
  run        = "manual"
}
`, "a.asl.json", `{"QueryLanguage": "JSONata", "StartAt": "T", "States": {
  "T": {"Type": "Task", "Resource": "arn:tutti:task:load", "Arguments": {"Environment": {"WHO": "caller"}, "Stdin": "in"}, "Assign": {"said": "{% $states.result.stdout %}"}, "Next": "W"},
  "W": {"Type": "Task", "Resource": "arn:tutti:workflow:part.sync", "Arguments": {"said": "{% $said %}"}, "Next": "None"},
  "None": {"Type": "Task", "Resource": "arn:tutti:workflow:parts", "Arguments": {}, "End": true,
    "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Told", "Output": {"result": "{% $states.input %}", "error": "{% $states.errorOutput.Cause %}"}}]},
  "Told": {"Type": "Succeed"}}}`)
	s.done(engine.PlanOptions{})
	e := s.open()
	x, d := e.StartExecution(t.Context(), s.request("a.asl.json"), engine.ExecutionOptions{})
	s.fine(d)
	res, err := e.WaitExecution(t.Context(), x.ID)
	if err != nil || res.Failure == nil || !strings.Contains(res.Failure.Message, "no workflow of this name. Did you mean") {
		t.Errorf("%s %+v, %v", res.Output, res.Failure, err)
	}
	h, d := e.ExecutionHistory(t.Context(), x.ID, true)
	s.fine(d)
	last := ""
	for _, ev := range h.Events {
		if ev.Type == "TaskStateExited" {
			last = string(data.Encode(ev.Details))
		}
	}
	if !strings.Contains(last, `[{\"said\":\"in caller\"},{\"said\":\"in caller\"}]`) {
		t.Errorf("the workflow gave %s", last)
	}
	runs, err := e.Store().Find(t.Context(), store.RunFilter{Owner: "workflow.part"})
	if err != nil || len(runs) != 1 || runs[0].Status != store.Succeeded {
		t.Errorf("%+v, %v", runs, err)
	}
}

// TestWorkflowKilledAtEachAppend kills a process at each of its journal writes, those of
// the execution included, and resumes the run: what was done once stays so, and what was
// cut off is named and done again only when that is said.
func TestWorkflowKilledAtEachAppend(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: real processes are not killed")
	}
	for _, kind := range []string{"kill-at-append", "kill-after-append"} {
		n := 1
		for ; n < 100 && workflowKilledAt(t, fmt.Sprintf("%s:%d", kind, n)); n++ {
		}
		if n < 8 || n == 100 {
			t.Errorf("%s: a workflow had %d journal writes", kind, n-1)
		}
	}
}

// workflowKilledAt reports false when the process came to its end before the fault.
func workflowKilledAt(t *testing.T, fault string) bool {
	t.Helper()
	s := newStack(t, "main.tf", workflowStack, "deploy.tutti.hcl", workflowBlock, "fulfil.asl.json", workflowFile)
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
	if d.HasErrors() {
		// Nothing of it was durable, or all of it.
		s.done(engine.PlanOptions{})
	} else {
		fin, d := e.Resume(t.Context(), run.ID, engine.RunOptions{})
		s.fine(d)
		doubts := len(fin.InDoubt)
		if log := s.lines("log"); len(log) > 2 || doubts == 0 && fin.Status != store.Succeeded {
			t.Errorf("%s: done %v, %s with %d doubts\n%s", fault, log, fin.Status, doubts, outcome(fin))
		}
		if doubts > 0 {
			o := engine.RunOptions{ChildInDoubt: func(_ context.Context, _ store.Run, all []local.Doubt) map[flow.ID]local.Decision {
				out := map[flow.ID]local.Decision{}
				for _, x := range all {
					out[x.Do.ID] = local.Retry
				}
				return out
			}}
			if fin, d = s.open().Resume(t.Context(), run.ID, o); d.HasErrors() || fin.Status != store.Succeeded {
				t.Errorf("%s: %v, and yet %s\n%s", fault, d.Err(), fin.Status, outcome(fin))
			}
		}
		if log := s.lines("log"); len(log) > 2+doubts {
			t.Errorf("%s: done %v with %d doubts", fault, log, doubts)
		}
	}
	s.want(fault+": rows", s.state(s.open()), "terraform_data.after", "terraform_data.port", "workflow.fulfil")
	if _, changes := s.plan(s.open(), engine.PlanOptions{}); len(changes) > 0 {
		t.Errorf("%s: left to do: %v", fault, changes)
	}
	executions, err := s.open().Store().Find(t.Context(), store.RunFilter{Machine: "execution"})
	if err != nil || len(executions) != 1 || executions[0].Status != store.Succeeded {
		t.Errorf("%s: the executions are %+v, %v", fault, executions, err)
	}
	return true
}
