package workflow_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/block"
	"tutti/internal/diag"
	"tutti/internal/expr"
	"tutti/internal/flow"
	"tutti/internal/object"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/workflow"
)

// scope is what blocks see of others: values by address.
type scope map[string]cty.Value

var _ object.Scope = scope(nil)

func (s scope) Object(_ context.Context, o addr.Object) cty.Value {
	if v, ok := s[o.String()]; ok {
		return v
	}
	return cty.DynamicVal
}
func (s scope) Instance(ctx context.Context, i addr.Instance) cty.Value {
	return s.Object(ctx, i.Object)
}
func (s scope) Expansion(context.Context, addr.Object) object.Expansion { return object.One() }
func (s scope) After(context.Context, addr.Object)                      {}
func (s scope) Changed(context.Context, addr.Instance, cty.Path) bool   { return false }

// stand is one workflow with what is stored of it, taken through plans and applies as
// the hall does it.
type stand struct {
	t      *testing.T
	values scope
	files  map[string]string
	row    *object.State
	object object.Driven
}

func newStand(t *testing.T, src string) *stand {
	t.Helper()
	s := &stand{t: t, values: scope{}, files: map[string]string{"a.asl.json": `{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}`}}
	s.edit(src)
	return s
}

func (s *stand) edit(src string) {
	s.t.Helper()
	f, d := block.Load(map[string][]byte{"main.tutti.hcl": []byte(src)}, workflow.Kinds())
	if d.HasErrors() {
		s.t.Fatal(d.Err())
	}
	s.object = workflow.Object(f.Blocks[0], &expr.Env{Roots: map[string]cty.Value{"path": cty.ObjectVal(map[string]cty.Value{"root": cty.StringVal(".")})}}, func(path string) ([]byte, error) {
		text, ok := s.files[path]
		if !ok {
			return nil, fmt.Errorf("there is no %s", path)
		}
		return []byte(text), nil
	}).(object.Driven)
}

// plan gives the change, or what is wrong.
func (s *stand) plan(req object.PlanRequest) (object.Change, diag.List) {
	s.t.Helper()
	wanted, d := s.object.Wanted(s.t.Context(), s.values, object.Instance{})
	if d.HasErrors() {
		return object.Change{}, d
	}
	drv, _ := s.object.Driver(s.t.Context(), s.values, object.Instance{})
	req.Addr, req.Wanted = s.object.Addr().Instance(addr.NoKey), wanted
	if s.row != nil {
		if req.Prior, d = drv.Decode(s.t.Context(), s.row); d.HasErrors() {
			return object.Change{}, d
		}
	}
	return drv.Plan(s.t.Context(), req)
}

// carryOut does what the plan says, with an execution that ends as given.
func (s *stand) carryOut(c object.Change, ended object.Ended) diag.List {
	s.t.Helper()
	wanted, d := s.object.Wanted(s.t.Context(), s.values, object.Instance{})
	if d.HasErrors() {
		return d
	}
	drv, _ := s.object.Driver(s.t.Context(), s.values, object.Instance{})
	req := object.ApplyRequest{Addr: s.object.Addr().Instance(addr.NoKey), Verb: c.Verb, Wanted: wanted, Planned: c.After, Private: c.Private}
	if s.row != nil {
		req.Prior, _ = drv.Decode(s.t.Context(), s.row)
	}
	work, d := drv.(object.Stepwise).Begin(s.t.Context(), req)
	if d.HasErrors() {
		return d
	}
	var res object.Result
	if work == nil {
		res, d = drv.Apply(s.t.Context(), req)
	} else {
		res, d = drv.(object.Stepwise).Conclude(s.t.Context(), req, ended)
	}
	if s.row = nil; res.Actual != nil {
		row, err := drv.Encode(res.Actual)
		if err != nil {
			s.t.Fatal(err)
		}
		row.Addr = req.Addr
		s.row = row
	}
	return d
}

// said is what a plan would do, in short.
func (s *stand) said(req object.PlanRequest) string {
	s.t.Helper()
	c, d := s.plan(req)
	if d.HasErrors() {
		return "error: " + d[0].Detail
	}
	return strings.TrimSpace(c.Verb.String() + " " + c.Note)
}

func (s *stand) expect(want string, req object.PlanRequest) {
	s.t.Helper()
	if got := s.said(req); got != want {
		s.t.Errorf("the plan says %q, want %q", got, want)
	}
}

var succeeded = object.Ended{Run: "arn:x", Output: json.RawMessage(`{"done": true}`)}

func (s *stand) done(ended object.Ended) {
	s.t.Helper()
	c, d := s.plan(object.PlanRequest{})
	if d.HasErrors() {
		s.t.Fatal(d.Err())
	}
	if d := s.carryOut(c, ended); d.HasErrors() != (ended.Failure != nil) {
		s.t.Fatalf("%v", d)
	}
}

func TestWhenItRuns(t *testing.T) {
	t.Parallel()
	const plain = "workflow \"a\" {\n  source = \"a.asl.json\"\n  input  = { n = 1 }\n  %s\n}"
	s := newStand(t, fmt.Sprintf(plain, ""))
	s.expect("run first run", object.PlanRequest{})
	s.done(succeeded)
	s.expect("no-op", object.PlanRequest{})
	s.expect("run asked for", object.PlanRequest{Replace: true})
	s.files["a.asl.json"] = `{"StartAt": "B", "States": {"B": {"Type": "Succeed"}}}`
	s.expect("run the definition changed", object.PlanRequest{})
	s.edit(strings.Replace(fmt.Sprintf(plain, ""), "n = 1", "n = 2", 1))
	s.expect("run the definition changed, input changed", object.PlanRequest{})
	s.done(succeeded)
	// What has to do with nothing that ran is only noted.
	s.edit(strings.Replace(fmt.Sprintf(plain, "schedule { expression = \"@daily\" }"), "n = 1", "n = 2", 1))
	s.expect("update will not run", object.PlanRequest{})
	s.done(succeeded)
	s.expect("no-op", object.PlanRequest{})
	s.edit(strings.Replace(fmt.Sprintf(plain, "run = \"always\""), "n = 1", "n = 2", 1))
	s.expect(`run run = "always"`, object.PlanRequest{})
	s.expect("update will not run", object.PlanRequest{Done: true})
	s.edit(strings.Replace(fmt.Sprintf(plain, "timeout = \"90m\""), "n = 1", "n = 2", 1))
	s.expect("update will not run", object.PlanRequest{})
	s.done(succeeded)
	if stored, err := workflow.FromRow(s.row); err != nil || stored.Start.Limits.Seconds != 5400 {
		t.Errorf("%+v, %v", stored.Start, err)
	}
	// What is not known yet counts as changed.
	s.edit(strings.Replace(fmt.Sprintf(plain, ""), "n = 1", "n = terraform_data.x.id", 1))
	s.expect("run input is not known yet", object.PlanRequest{})
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		failure flow.Failure
		want    string
	}{
		{flow.Failure{Kind: flow.Terminal, Code: "Shop.Closed", Message: "no light"}, "workflow.a ended as FAILED: Shop.Closed: no light\n\nIts execution was arn:x."},
		{flow.Failure{Kind: flow.Terminal, Code: "States.Timeout", Message: execution.PastLimit}, "workflow.a ended as TIMED_OUT: States.Timeout: The execution took longer than the time that it was given.\n\nIts execution was arn:x."},
		{flow.Failure{Kind: flow.Terminal, Code: "States.Timeout"}, "workflow.a ended as FAILED: States.Timeout\n\nIts execution was arn:x."},
		{flow.Failure{Kind: flow.Cancelled}, "workflow.a ended as ABORTED: it gave no reason\n\nIts execution was arn:x."},
	} {
		s := newStand(t, `workflow "a" { source = "a.asl.json" }`)
		c, _ := s.plan(object.PlanRequest{})
		d := s.carryOut(c, object.Ended{Run: "arn:x", Failure: &tt.failure})
		if !d.HasErrors() || d[0].Detail != tt.want || !s.row.Tainted {
			t.Errorf("%v: %v, tainted %v", tt.failure, d, s.row.Tainted)
		}
		s.expect("run the last run failed", object.PlanRequest{})
	}
}

func TestManual(t *testing.T) {
	t.Parallel()
	s := newStand(t, `workflow "a" {
  source = "a.asl.json"
  run    = "manual"
  schedule {
    expression = "rate(5 minutes)"
  }
}`)
	s.expect("create runs only when it is asked for", object.PlanRequest{})
	s.done(succeeded)
	s.expect("no-op", object.PlanRequest{})
	s.expect("run asked for", object.PlanRequest{Requested: true})
	stored, err := workflow.FromRow(s.row)
	if err != nil || stored.Start == nil || stored.Start.Workflow != "workflow.a" || stored.Schedule == nil || stored.Schedule.Disabled || stored.Schedule.Since.IsZero() {
		t.Fatalf("%+v, %v", stored, err)
	}
	since := stored.Schedule.Since
	s.edit(`workflow "a" {
  source = "a.asl.json"
  run    = "manual"
  input  = 2
  schedule {
    expression = "rate(5 minutes)"
    enabled    = false
  }
}`)
	s.done(succeeded)
	stored, err = workflow.FromRow(s.row)
	if err != nil || !stored.Schedule.Disabled || !stored.Schedule.Since.Equal(since) || string(stored.Start.Input) != "2" {
		t.Errorf("%+v, %v", stored.Schedule, err)
	}
}

func TestDestroy(t *testing.T) {
	t.Parallel()
	s := newStand(t, `workflow "a" {
  source = "a.asl.json"
  on_destroy {
    source = "b.asl.json"
    input  = { bye = true }
  }
}`)
	s.expect("error: The definition of on_destroy of workflow.a cannot be read: there is no b.asl.json.", object.PlanRequest{})
	s.files["b.asl.json"] = `{"StartAt": "Bye", "States": {"Bye": {"Type": "Succeed"}}}`
	s.done(succeeded)
	drv, d := workflow.DriverOf(s.row)
	if d.HasErrors() {
		t.Fatal(d.Err())
	}
	prior, d := drv.Decode(t.Context(), s.row)
	if d.HasErrors() {
		t.Fatal(d.Err())
	}
	c, d := drv.Plan(t.Context(), object.PlanRequest{Prior: prior})
	if d.HasErrors() || c.Verb != object.Delete || c.Note != "on_destroy will run" {
		t.Errorf("%+v, %v", c, d)
	}
	work, d := drv.(object.Stepwise).Begin(t.Context(), object.ApplyRequest{Verb: object.Delete, Prior: prior})
	var req workflow.Request
	if d.HasErrors() || json.Unmarshal(work.Input, &req) != nil || string(req.Input) != `{"bye":true}` || req.Definition.File != "b.asl.json" {
		t.Errorf("%+v, %v", req, d)
	}
	failure := object.Ended{Failure: &flow.Failure{Kind: flow.Terminal, Code: "E"}}
	if res, d := drv.(object.Stepwise).Conclude(t.Context(), object.ApplyRequest{Verb: object.Delete, Prior: prior}, failure); !d.HasErrors() || res.Actual != prior {
		t.Error("a failed on_destroy leaves the row")
	}
	if _, d := workflow.DriverOf(&object.State{Driver: "task"}); !d.HasErrors() {
		t.Error("a row of another driver was accepted")
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	for arguments, want := range map[string]string{
		`source = ""`:                                    "The path is empty.",
		"source = \"a\"\n  definition = \"b\"":           "Exactly one of source, definition may be there.",
		`definition = [1]`:                               "It must be a text or an object with StartAt and States.",
		`definition = "{}"`:                              "StartAt",
		"source = \"a.asl.json\"\n  run = \"often\"":     `It must be one of on_change, always, manual, and not "often".`,
		"source = \"a.asl.json\"\n  mapping = { f = 1 }": "a mapping is an object such as",
		"source = \"a.asl.json\"\n  mapping = { f = { command = [\"x\"], url = null, timeout = \"1\" } }": `the timeout "1" is no duration above 0`,
		"source = \"a.asl.json\"\n  definition_substitutions = { a = null }":                              "a is null, and must be a text.",
		"source = \"a.asl.json\"\n  schedule {\n  expression = \"often\"\n  }":                            `"often" is no schedule`,
		"source = \"a.asl.json\"\n  schedule {\n  expression = \"@daily\"\n  start = \"soon\"\n  }":       `"soon" is no time such as 2026-12-01T10:00:00Z.`,
		"source = \"a.asl.json\"\n  limits {\n  payload = 0\n  }":                                         "0 is no whole number from 1 to",
		"source = \"a.asl.json\"\n  input = terraform_data.secret":                                        "The value is ephemeral",
		"source = \"a.asl.json\"\n  timeout = \"1500ms\"":                                                 "It must be a whole number of seconds",
		"source = \"a.asl.json\"\n  timeout = \"40000h\"":                                                 "and at most 27777h46m39s",
		`source = "none.asl.json"`: "The definition of workflow.a cannot be read: there is no none.asl.json.",
	} {
		s := newStand(t, "workflow \"a\" {\n  "+arguments+"\n}")
		s.values["terraform_data.secret"] = cty.StringVal("x").Mark(object.Ephemeral)
		_, d := s.plan(object.PlanRequest{})
		if !d.HasErrors() || !strings.Contains(d.Err().Error(), want) {
			t.Errorf("%s: %v, want %q", arguments, d.Err(), want)
		}
		for _, x := range d {
			if x.Subject == nil {
				t.Errorf("%s: no place: %s", arguments, x.Detail)
			}
		}
	}
	if _, d := block.Load(map[string][]byte{"a.tutti.hcl": []byte("workflow \"a\" {\n  on_destroy {\n  }\n}")}, workflow.Kinds()); len(d) != 2 || d[0].Headline != "Nothing to run" {
		t.Errorf("%v", d)
	}
}

func TestSecretsAndSubstitutions(t *testing.T) {
	t.Parallel()
	s := newStand(t, `workflow "a" {
  source                   = "s.asl.json"
  definition_substitutions = { Arn = "arn:tutti:command", Text = "a \"b\"" }
  input                    = { token = terraform_data.secret }
}`)
	s.files["s.asl.json"] = `{"Comment": "${Text}", "StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "${Arn}", "End": true}}}`
	s.values["terraform_data.secret"] = cty.StringVal("hunter2222").Mark(object.Sensitive)
	s.done(object.Ended{Run: "arn:x", Output: json.RawMessage(`"hunter2222"`)})
	if strings.Contains(string(s.row.Attributes), `"token":"hunter2222"`) || len(s.row.Sensitive) != 2 {
		t.Errorf("the row has %s, of which is sensitive %v", s.row.Attributes, s.row.Sensitive)
	}
	stored, err := workflow.FromRow(s.row)
	if err != nil || stored.Start.Definition.Text != `{"Comment": "a \"b\"", "StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "arn:tutti:command", "End": true}}}` || string(stored.Start.Input) != `{"token":"hunter2222"}` {
		t.Errorf("%+v, %v", stored.Start, err)
	}
	s.expect("no-op", object.PlanRequest{})
	s.values["terraform_data.secret"] = cty.StringVal("hunter3333").Mark(object.Sensitive)
	s.expect("run input changed", object.PlanRequest{})
}
