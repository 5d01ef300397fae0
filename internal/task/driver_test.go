package task

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/block"
	"tutti/internal/object"
)

func (s *stand) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stand) read(name string) string {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

func TestRunsOnChange(t *testing.T) {
	const src = `task "a" {
  script      = "echo run >> log; printf '{\"port\": %s}\n\n' $PORT; echo warned >&2"
  environment = { PORT = var.port }
  triggers    = { file = var.file }
}`
	s := newStand(t, src)
	s.values["var.port"], s.values["var.file"] = cty.NumberIntVal(80), cty.StringVal("one")
	c := s.plan()
	if c.Verb != object.Run || c.Note != "first run" || c.Idempotent {
		t.Errorf("planned %s, %q, idempotent %t", c.Verb, c.Note, c.Idempotent)
	}
	if out := c.After.GetAttr("stdout"); out.IsKnown() || !c.After.GetAttr("status").IsNull() {
		t.Errorf("planned outputs %#v", c.After)
	}
	s.must(object.Run)
	for name, want := range map[string]string{"stdout": `{"port": 80}`, "stderr": "warned", "exit_code": "0", "status": "null", "working_dir": "null"} {
		if got := s.output(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if port := s.prior().Value.GetAttr("json").GetAttr("port"); !port.RawEquals(cty.NumberIntVal(80)) {
		t.Errorf("json.port is %#v", port)
	}
	if got := joined(s.log); !strings.Contains(got, "warned") || !strings.Contains(got, `{"port": 80}`) {
		t.Errorf("the log is %q", s.log)
	}
	s.must(object.NoOp)
	s.values["var.port"] = cty.NumberIntVal(81)
	if c := s.plan(); c.Note != "environment changed" {
		t.Errorf("the note is %q", c.Note)
	}
	s.must(object.Run)
	s.values["var.file"] = cty.StringVal("two")
	if c := s.plan(); c.Note != "triggers changed" {
		t.Errorf("the note is %q", c.Note)
	}
	s.must(object.Run)
	s.must(object.NoOp)
	s.values["var.file"] = cty.UnknownVal(cty.String)
	if c := s.plan(); c.Verb != object.Run || c.Note != "triggers is not known yet" {
		t.Errorf("planned %s, %q", c.Verb, c.Note)
	}
	if got := s.read("log"); got != "run\nrun\nrun\n" {
		t.Errorf("it ran %q", got)
	}
}

func TestWhatDoesNotTrigger(t *testing.T) {
	s := newStand(t, `task "a" {
  command = ["true"]
}`)
	s.must(object.Run)
	s.edit(`task "a" {
  command       = ["true"]
  timeout       = "1m"
  ok_exit_codes = [0, 1]
  depends_on    = [local_file.x]
  lifecycle {
    precondition {
      condition     = var.port > 0
      error_message = "no port"
    }
  }
}`)
	s.must(object.NoOp)
}

func TestAlwaysAndManual(t *testing.T) {
	s := newStand(t, `task "a" {
  run    = "always"
  script = "echo run >> log"
}`)
	s.must(object.Run)
	s.must(object.Run)
	again, _ := s.driver().Plan(t.Context(), object.PlanRequest{Addr: s.address(), Wanted: s.wanted(), Prior: s.prior(), Done: true})
	if again.Verb != object.NoOp {
		t.Errorf("the next phase of the same command would %s it", again.Verb)
	}
	s.edit(`task "a" {
  run    = "manual"
  script = "echo run >> log; test -e good"
}`)
	s.must(object.NoOp) // although the script is another one
	if got := s.read("log"); got != "run\nrun\n" {
		t.Errorf("it ran %q", got)
	}
	s.replace = true
	if _, d := s.apply(); !d.HasErrors() {
		t.Error("it failed and nothing was said")
	}
	s.replace = false
	s.must(object.NoOp) // although it failed
	s.write("good", "")
	s.replace = true
	s.must(object.Run)
	if got := s.read("log"); got != "run\nrun\nrun\nrun\n" {
		t.Errorf("it ran %q", got)
	}
}

func TestManualIsRecordedFirst(t *testing.T) {
	const src = `task "a" {
  run     = "manual"
  command = ["echo", "hi"]
  on_destroy {
    script = "echo never >> log"
  }
}`
	s := newStand(t, src)
	s.must(object.Create)
	s.must(object.NoOp)
	if got := s.output("stdout"); got != "null" {
		t.Errorf("stdout is %q before any run", got)
	}
	if d := s.destroy(); len(d) > 0 {
		t.Error(d.Err())
	}
	if _, err := os.Stat(filepath.Join(s.dir, "log")); err == nil {
		t.Error("on_destroy was run for a task that never was")
	}
	s = newStand(t, src)
	s.replace = true
	s.must(object.Run)
	if got := s.output("stdout"); got != "hi" {
		t.Errorf("stdout is %q", got)
	}
}

func TestFailure(t *testing.T) {
	s := newStand(t, `task "a" {
  script      = "echo out; echo first >&2; echo key $KEY >&2; test -e good || exit 3; echo never"
  environment = { KEY = var.key }
}`)
	s.values["var.key"] = secretText("hunter22")
	_, d := s.apply()
	if len(d) != 1 || d[0].Headline != "Task failed" {
		t.Fatal(d.Err())
	}
	const want = "task.a failed: exit code 3.\n\nThe end of its output:\n  first\n  key (sensitive value)"
	if d[0].Detail != want {
		t.Errorf("said\n%s\nwant\n%s", d[0].Detail, want)
	}
	if !s.prior().Tainted || s.output("exit_code") != "3" || s.output("stdout") != "out" {
		t.Errorf("stored %#v", s.prior())
	}
	if c := s.plan(); c.Verb != object.Run || c.Note != "the last run failed" {
		t.Errorf("planned %s, %q", c.Verb, c.Note)
	}
	s.write("good", "")
	s.must(object.Run)
	s.must(object.NoOp)
}

func TestNothingStarted(t *testing.T) {
	s := newStand(t, `task "a" {
  command = ["no-such-program-anywhere"]
  retry {}
}`)
	_, d := s.apply()
	if !d.HasErrors() || s.row != nil || !strings.Contains(d[0].Detail, "no-such-program-anywhere") {
		t.Errorf("left %v with %v", s.row, d.Err())
	}
	if len(s.log) > 0 {
		t.Errorf("what cannot start was tried again: %q", s.log)
	}
	s.edit(`task "a" {
  command = ["true"]
}`)
	s.must(object.Run)
	s.edit(`task "a" {
  command     = ["true"]
  working_dir = "missing"
}`)
	if _, d := s.apply(); !d.HasErrors() || s.prior() == nil {
		t.Errorf("left %v with %v", s.row, d.Err())
	}
}

func TestTimeoutAndCancel(t *testing.T) {
	s := newStand(t, `task "a" {
  script  = "echo begun; exec sleep 600"
  timeout = "50ms"
}`)
	_, d := s.apply()
	if !d.HasErrors() || !strings.Contains(d[0].Detail, "after 50ms") || !s.prior().Tainted || s.output("exit_code") != "null" {
		t.Errorf("left %v with %v", s.row, d.Err())
	}
}

func TestCreates(t *testing.T) {
	s := newStand(t, `task "a" {
  script  = "touch made"
  creates = "made"
}`)
	c := s.plan()
	s.must(object.Run)
	s.must(object.NoOp)
	// Interrupted: what was planned with the file missing is done when it is there.
	req := s.request(c)
	settler := s.driver().(object.Settler)
	res, done, err := settler.Settle(t.Context(), req)
	if err != nil || !done || res.Actual == nil || res.Actual.Tainted || !res.Actual.Value.GetAttr("stdout").IsNull() {
		t.Errorf("settled %v, %t, %v", res.Actual, done, err)
	}
	if err := os.Remove(filepath.Join(s.dir, "made")); err != nil {
		t.Fatal(err)
	}
	if _, done, err = settler.Settle(t.Context(), req); err == nil || done {
		t.Errorf("settled %t, %v with the path missing", done, err)
	}
	if c := s.plan(); c.Verb != object.Run || c.Note != "made is not there" {
		t.Errorf("planned %s, %q", c.Verb, c.Note)
	}
	s.must(object.Run)
	// When it was there before, it shows nothing.
	s.replace = true
	if _, done, err = settler.Settle(t.Context(), s.request(s.plan())); err == nil || done {
		t.Errorf("settled %t, %v by a path that was there before", done, err)
	}
}

func TestCreatesNothing(t *testing.T) {
	s := newStand(t, `task "a" {
  command = ["true"]
  creates = ["made", "."]
}`)
	_, d := s.apply()
	if !d.HasErrors() || d[0].Detail != "task.a failed: it ended well, but made, which creates names, is not there." || !s.prior().Tainted {
		t.Errorf("left %v with %v", s.row, d.Err())
	}
}

func TestSettleIdempotent(t *testing.T) {
	for src, idempotent := range map[string]bool{
		`command = ["true"]`:                                     false,
		"command = [\"true\"]\nidempotent = true":                true,
		"http {\nurl = \"http://x.test\"\n}":                     true,
		"http {\nurl = \"http://x.test\"\nmethod=\"POST\"\n}":    false,
		"http {\nurl = \"http://x.test\"\nmethod=\"PUT\"\n}":     true,
		"idempotent = false\nhttp {\nurl = \"http://x.test\"\n}": false,
	} {
		s := newStand(t, "task \"a\" {\n"+src+"\n}")
		c := s.plan()
		_, done, err := s.driver().(object.Settler).Settle(t.Context(), s.request(c))
		if c.Idempotent != idempotent || done || (err == nil) != idempotent {
			t.Errorf("%s: planned idempotent %t, settled %t, %v", src, c.Idempotent, done, err)
		}
	}
}

func TestOnDestroy(t *testing.T) {
	const src = `task "a" {
  command     = ["true"]
  environment = { NAME = var.name, KEY = var.key, GONE = var.gone }
  working_dir = "sub"
  on_destroy {
    script      = "echo $WORD $NAME $KEY $${GONE:-none} >> log; echo $KEY"
    environment = { WORD = "bye" }
  }
}`
	s := newStand(t, src)
	if err := os.Mkdir(filepath.Join(s.dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.values["var.name"], s.values["var.key"] = cty.StringVal("ann"), secretText("hunter22")
	s.values["var.gone"] = cty.StringVal("ephemeral-secret").Mark(object.Ephemeral)
	s.must(object.Run)
	if strings.Contains(string(s.row.Attributes)+string(s.row.Private), "ephemeral-secret") {
		t.Error("an ephemeral value was stored")
	}
	s.edit(strings.Replace(src, "bye", "farewell", 1))
	s.must(object.Update)
	s.must(object.NoOp)
	if d := s.destroy(); len(d) > 0 {
		t.Fatal(d.Err())
	}
	if got := s.read("sub/log"); got != "farewell ann hunter22 none\n" {
		t.Errorf("on_destroy wrote %q", got)
	}
	if got := joined(s.log); got != "(sensitive value)" {
		t.Errorf("the log is %q", got)
	}
	s.edit(strings.Replace(src, "echo $KEY\"", "exit 1\"", 1))
	s.must(object.Update)
	if d := s.destroy(); !d.HasErrors() {
		t.Error("a failing on_destroy was taken for done")
	}
}

func TestUnknownDriver(t *testing.T) {
	if _, d := DriverOf(&object.State{Driver: "playbook", Addr: addr.Instance{}}); !d.HasErrors() {
		t.Error("a row of an unknown driver was accepted")
	}
	drv, _ := DriverOf(&object.State{Driver: driverName})
	for _, row := range []object.State{{SchemaVersion: 1, Attributes: []byte(`{}`)}, {Attributes: []byte(`[1]`)}, {Attributes: []byte(`{`)}, {Attributes: []byte(`null`)}, {}} {
		if _, d := drv.Decode(t.Context(), &row); !d.HasErrors() {
			t.Errorf("%s was decoded", row.Attributes)
		}
	}
	if a, d := drv.Decode(t.Context(), &object.State{Attributes: []byte(`{"stdout":"x"}`)}); len(d) > 0 || a.Value.GetAttr("stdout").AsString() != "x" {
		t.Errorf("a row that lacks attributes gave %v, %v", a, d.Err())
	}
}

func TestConditions(t *testing.T) {
	s := newStand(t, `task "a" {
  command = ["echo", "7"]
  lifecycle {
    prevent_destroy = true
    precondition {
      condition     = var.ready
      error_message = "Not ready: ${var.why}."
    }
    postcondition {
      condition     = self.json == 8
      error_message = "Got ${self.stdout}."
    }
  }
}`)
	checked := s.object.(object.Checked)
	check := func(stage object.Stage, self cty.Value, want string) {
		t.Helper()
		got := ""
		for _, d := range checked.Check(t.Context(), s.values, object.Instance{}, stage, self) {
			got += d.Headline + ": " + d.Detail
		}
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	check(object.Before, cty.NilVal, "")
	s.values["var.ready"], s.values["var.why"] = cty.False, cty.StringVal("tired")
	check(object.Before, cty.NilVal, "Precondition failed: Not ready: tired.")
	s.values["var.why"] = secretText("tired")
	check(object.Before, cty.NilVal, "Precondition failed: The condition is not met. Its error message holds a sensitive value and is not shown.")
	s.values["var.ready"] = cty.NullVal(cty.Bool)
	check(object.Before, cty.NilVal, "Invalid condition result: A condition must be true or false, and this one is null.")
	check(object.After, s.plan().After, "")
	s.must(object.Run)
	check(object.After, s.prior().Value, "Postcondition failed: Got 7.")
	p, _ := s.object.Policy(t.Context(), s.values, object.Instance{})
	if !p.PreventDestroy {
		t.Error("prevent_destroy was lost")
	}
}

func TestObjects(t *testing.T) {
	f, d := block.Load(map[string][]byte{
		"b.tutti.hcl": []byte("task \"b\" {\n  for_each = { eu = 1, us = 2 }\n  script = \"echo ${each.key} ${each.value} ${local_file.x[each.key].id} ${upper(\"a\")}\"\n}\nstack {\n  name = \"shop\"\n}"),
		"a.tutti.hcl": []byte("approval \"z\" {\n  message = \"go?\"\n}\ntask \"a\" {\n  count = 2\n  command = [\"echo\", count.index]\n  depends_on = [task.b, module.m]\n}"),
	}, Kinds())
	if len(d) > 0 {
		t.Fatal(d.Err())
	}
	if f.Stack == nil || f.Stack.Name != "shop" {
		t.Errorf("the stack is %v", f.Stack)
	}
	var got []string
	for _, o := range objects(f, testEnv(".")) {
		x, d := o.Expand(t.Context(), scope{})
		if len(d) > 0 {
			t.Fatal(d.Err())
		}
		line := o.Addr().String()
		for _, r := range o.References() {
			line += " " + r.Subject.String()
		}
		for _, inst := range x.Instances {
			line += " " + inst.Key.String()
		}
		got = append(got, line)
	}
	want := "approval.z \ntask.a task.b module.m [0] [1]\ntask.b local_file.x [\"eu\"] [\"us\"]"
	if joined(got) != want {
		t.Errorf("got\n%s\nwant\n%s", joined(got), want)
	}
	task := objects(f, testEnv("."))[1]
	v, d := task.Wanted(t.Context(), scope{}, object.Instance{Key: addr.IntKey(1)})
	if len(d) > 0 || !v.GetAttr("command").RawEquals(cty.ListVal([]cty.Value{cty.StringVal("echo"), cty.StringVal("1")})) {
		t.Errorf("wanted %#v, %v", v, d.Err())
	}
}
