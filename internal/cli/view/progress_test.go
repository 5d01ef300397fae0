package view

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"tutti/internal/addr"
	"tutti/internal/apply"
	"tutti/internal/flow"
	"tutti/internal/object"
)

func runPlan(t *testing.T) *object.Plan {
	t.Helper()
	before := cty.ObjectVal(map[string]cty.Value{"id": cty.StringVal("i-1")})
	p := &object.Plan{}
	add := func(verb object.Verb, a string, b cty.Value) {
		p.Changes = append(p.Changes, object.PlannedChange{Addr: at(t, a), Change: object.Change{Verb: verb, Before: b}})
		p.Actions = append(p.Actions, object.Action{Verb: verb, Addr: at(t, a), Change: len(p.Changes) - 1})
	}
	add(object.Create, `local_file.a["x"]`, cty.NilVal)
	add(object.Update, "local_file.b", before)
	add(object.Delete, "local_file.c", before)
	add(object.Run, "task.build", cty.NilVal)
	add(object.Run, "approval.go", cty.NilVal)
	p.Actions = append(p.Actions, object.Action{Verb: object.Join, Change: -1}, object.Action{Verb: object.Set, Addr: at(t, "output.x"), Change: -1})
	return p
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func after0(s float64) time.Time { return noon.Add(time.Duration(s * float64(time.Second))) }

type follower interface {
	Begin(*object.Plan, time.Time)
	Started(*object.Action, time.Time)
	Log(*object.Action, string)
	Done(*object.Action, time.Time, string)
	Failed(*object.Action, time.Time, string)
	Tick(time.Time)
	End()
}

var (
	_ follower = (*Progress)(nil)
	_ follower = (*Stream)(nil)
)

func follow(f follower, p *object.Plan) {
	f.Begin(p, noon)
	for i := range p.Actions {
		f.Started(&p.Actions[i], after0(float64(i)/10))
	}
	f.Log(&p.Actions[3], "compiling\x1b[2J\r\n")
	f.Tick(after0(1))
	f.Done(&p.Actions[0], after0(2.2), "abc")
	f.Done(&p.Actions[6], after0(2.2), "")
	f.Tick(after0(11))
	f.Failed(&p.Actions[1], after0(12), "no space left\nmore")
	f.Tick(after0(75))
	f.Done(&p.Actions[2], after0(75.3), "")
	f.Done(&p.Actions[3], after0(75.3), "")
	f.Tick(after0(76))
	f.End()
}

func TestProgressPiped(t *testing.T) {
	var b bytes.Buffer
	follow(NewProgress(Style{}, &b, false), runPlan(t))
	want := `local_file.a["x"]: Creating...
local_file.b: Modifying... [id=i-1]
local_file.c: Destroying... [id=i-1]
task.build: Running...
approval.go: Asking for approval...
task.build: compiling␛[2J
local_file.a["x"]: Creation complete after 2s [id=abc]
local_file.b: Still modifying... [id=i-1, 10s elapsed]
local_file.c: Still destroying... [id=i-1, 10s elapsed]
task.build: Still running... [10s elapsed]
approval.go: Still waiting for approval... [10s elapsed]
local_file.b: Failed after 11s: no space left
local_file.c: Still destroying... [id=i-1, 1m10s elapsed]
task.build: Still running... [1m10s elapsed]
approval.go: Still waiting for approval... [1m10s elapsed]
local_file.c: Destruction complete after 1m15s
task.build: Run complete after 1m15s
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

// What follows from an operation may begin before that is told to be done; the view
// keeps the order of cause and effect.
func TestProgressKeepsOrder(t *testing.T) {
	p := &object.Plan{Actions: []object.Action{
		{Verb: object.Create, Addr: at(t, "local_file.a"), Change: -1},
		{Verb: object.Create, Addr: at(t, "local_file.b"), Change: -1},
		{Verb: object.Run, Addr: at(t, "task.c"), Change: -1, Needs: []int{1, 2}},
		{Verb: object.Run, Addr: at(t, "task.d"), Change: -1, Needs: []int{3}},
	}}
	var b bytes.Buffer
	v := NewProgress(Style{}, &b, false)
	v.Begin(p, noon)
	for i := range p.Actions {
		v.Started(&p.Actions[i], noon)
	}
	v.Done(&p.Actions[1], noon, "")
	v.Done(&p.Actions[0], noon, "")
	v.Done(&p.Actions[3], noon, "")
	v.Failed(&p.Actions[2], noon, "no")
	want := `local_file.a: Creating...
local_file.b: Creating...
local_file.b: Creation complete after 0s
local_file.a: Creation complete after 0s
task.c: Running...
task.d: Running...
task.d: Run complete after 0s
task.c: Failed after 0s: no
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

// screen is a terminal that understands what the live view sends: the lines that
// stand there at the end.
func screen(sent string) []string {
	var lines []string
	for sent != "" {
		if rest, ok := strings.CutPrefix(sent, "\x1b["); ok {
			i := strings.IndexAny(rest, "FJm")
			switch rest[i] {
			case 'F':
				n := 0
				for _, c := range rest[:i] {
					n = n*10 + int(c-'0')
				}
				lines = lines[:len(lines)-n]
			}
			sent = rest[i+1:]
			continue
		}
		line, rest, _ := strings.Cut(sent, "\n")
		lines = append(lines, line)
		sent = rest
	}
	return lines
}

func TestProgressLive(t *testing.T) {
	var b bytes.Buffer
	p := runPlan(t)
	v := NewProgress(Style{Width: 40}, &b, true)
	v.Begin(p, noon)
	for i := range p.Actions {
		v.Started(&p.Actions[i], after0(float64(i)/10))
	}
	v.Tick(after0(1))
	v.Done(&p.Actions[0], after0(2.2), "abc")
	v.Tick(after0(63))
	want := []string{`local_file.a["x"]: Creation complete after 2s [id=abc]`, "4 running, 1 of 5 done, 1m3s", "  local_file.b  modifying  1m2s",
		"  local_file.c  destroying  1m2s", "  task.build  running  1m2s", "  approv...  waiting for approval  1m2s"}
	if d := cmp.Diff(want, screen(b.String())); d != "" {
		t.Error(d)
	}
	for _, l := range screen(b.String())[1:] {
		if columns(l) >= 40 {
			t.Errorf("%q is wider than the terminal", l)
		}
	}
	v.End()
	if got := screen(b.String()); len(got) != 1 {
		t.Errorf("the block is left over: %q", got)
	}
}

func TestProgressManyRunning(t *testing.T) {
	var b bytes.Buffer
	p := &object.Plan{}
	for i := range 30 {
		p.Actions = append(p.Actions, object.Action{Verb: object.Create, Addr: addr.Object{Name: addr.Name{Kind: addr.Resource, Type: "a", Name: "b"}}.Instance(addr.IntKey(i)), Change: -1})
	}
	v := NewProgress(Style{}, &b, true)
	v.Begin(p, noon)
	for i := range p.Actions {
		v.Started(&p.Actions[i], noon)
	}
	v.Tick(after0(5))
	lines := screen(b.String())
	if len(lines) != 1+maxRunning || lines[len(lines)-1] != "  and 23 more" {
		t.Errorf("got %q", lines)
	}
}

func TestStreamIsJSON(t *testing.T) {
	var b bytes.Buffer
	follow(NewStream(&b, func() time.Time { return noon }), runPlan(t))
	dec := json.NewDecoder(&b)
	var kinds []string
	for {
		var m map[string]any
		if err := dec.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for _, k := range []string{"@level", "@message", "@module", "@timestamp", "type"} {
			if _, ok := m[k].(string); !ok {
				t.Errorf("%v has no %s", m, k)
			}
		}
		kinds = append(kinds, m["type"].(string))
	}
	counts := map[string]int{}
	for _, k := range kinds {
		counts[k]++
	}
	want := map[string]int{"apply_start": 5, "apply_complete": 3, "apply_errored": 1, "apply_progress": 7, "provision_progress": 1}
	if d := cmp.Diff(want, counts); d != "" {
		t.Error(d)
	}
}

func TestResult(t *testing.T) {
	p := runPlan(t)
	report := func(st ...apply.Status) apply.Report {
		var r apply.Report
		for i := range p.Actions {
			a := apply.ActionReport{ID: i + 1, Action: p.Actions[i], Status: st[i]}
			switch st[i] {
			case apply.Failed:
				a.Failure = &flow.Failure{Code: "X", Message: "no space left\nmore"}
			case apply.Skipped:
				a.Because = 2
			}
			r.Actions = append(r.Actions, a)
		}
		return r
	}
	d, f, s, w := apply.Done, apply.Failed, apply.Skipped, apply.Waiting
	for _, c := range []struct {
		name string
		in   Result
		want string
	}{
		{"done", Result{Run: 1, Plan: p, Report: report(d, d, d, d, d, d, d)}, `
Apply complete! Resources: 1 added, 1 changed, 1 destroyed. Tasks: 1 run, approvals: 1 given.
`},
		{"failed", Result{Run: 7, Plan: p, Report: report(d, f, s, s, w, s, s)}, `
Run 7 did not finish. Resources: 1 added, 0 changed, 0 destroyed.

Failed (1)
  local_file.b (update): no space left

Not done, because something that it needs failed (2)
  local_file.c (delete): needs local_file.b
  task.build (run): needs local_file.b

Not begun (1)
  approval.go (run)

What was done is recorded. When the cause is repaired, plan again: only what
is missing will be done.
`},
		{"in doubt", Result{Run: 7, Plan: p, Report: report(d, d, d, apply.InDoubt, d, d, d), InDoubt: []Doubt{{at(t, "task.build"), object.Run, "it left no trace"}}}, `
Run 7 did not finish. Resources: 1 added, 1 changed, 1 destroyed. Approvals: 1 given.

In doubt: cut off, and nobody can tell whether it was done (1)
  task.build (run): it left no trace

Look whether these happened, then:
  tutti resume 7 -in-doubt=retry  do them again
  tutti import ADDR ID            take over what was made
  tutti cancel 7                  close the run, and plan again
`},
		{"waiting", Result{Run: 7, Plan: p, Waiting: true, Report: report(d, d, d, d, apply.Asking, d, d)}, `
Run 7 waits. Resources: 1 added, 1 changed, 1 destroyed. Tasks: 1 run.

Waits for an approval (1)
  approval.go (run)

  tutti approve 7 'approval.go'
  tutti resume 7  goes on with the run afterwards
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			Style{}.Result(&b, c.in)
			if d := cmp.Diff(c.want, b.String()); d != "" {
				t.Error(d)
			}
		})
	}
}

// The steps between two sequences must turn one into the other, whatever they are,
// and must not call anything changed that need not be.
func TestEdits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.SliceOfN(rapid.IntRange(0, 3), 0, 12).Draw(t, "from")
		to := rapid.SliceOfN(rapid.IntRange(0, 3), 0, 12).Draw(t, "to")
		e := &recorder{from: from, to: to}
		walkEdits(len(from), len(to), func(i, j int) bool { return from[i] == to[j] }, e)
		if e.i != len(from) || e.j != len(to) {
			t.Fatalf("the steps end at %d and %d", e.i, e.j)
		}
		if e.bad != "" {
			t.Fatal(e.bad)
		}
		if want := common(from, to); e.kept != want {
			t.Fatalf("%d elements are kept, %d could be", e.kept, want)
		}
	})
}

type recorder struct {
	from, to   []int
	i, j, kept int
	bad        string
}

func (r *recorder) keep(i, j, n int, _, _ bool) {
	if i != r.i || j != r.j {
		r.bad = "a step leaves something out"
	}
	for k := range n {
		if r.from[i+k] != r.to[j+k] {
			r.bad = "what is kept differs"
		}
	}
	r.i, r.j, r.kept = i+n, j+n, r.kept+n
}

func (r *recorder) change(i, n, j, m int) {
	if i != r.i || j != r.j {
		r.bad = "a step leaves something out"
	}
	r.i, r.j = i+n, j+m
}

// common is the length of the longest common subsequence, by its definition.
func common(a, b []int) int {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	memo := make([][]int, len(a)+1)
	for i := range memo {
		memo[i] = make([]int, len(b)+1)
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			if a[i-1] == b[j-1] {
				memo[i][j] = memo[i-1][j-1] + 1
			} else {
				memo[i][j] = max(memo[i-1][j], memo[i][j-1])
			}
		}
	}
	return memo[len(a)][len(b)]
}

func TestEditsBeyondBound(t *testing.T) {
	n := 1200 // n*n is above maxCells
	e := &recorder{from: make([]int, n), to: make([]int, n)}
	for i := range n {
		e.from[i], e.to[i] = i, n-i
	}
	walkEdits(n, n, func(i, j int) bool { return e.from[i] == e.to[j] }, e)
	if e.i != n || e.j != n || e.bad != "" {
		t.Errorf("ends at %d and %d: %s", e.i, e.j, e.bad)
	}
}

func TestHCL(t *testing.T) {
	for _, c := range []struct {
		in   cty.Value
		want string
	}{
		{cty.StringVal("a\"b"), `"a\"b"`},
		{cty.NumberFloatVal(1.5), "1.5"},
		{cty.StringVal("a\nb"), "<<EOT\na\nb\nEOT"},
		{cty.StringVal("EOT\nb"), "<<EOT_\nEOT\nb\nEOT_"},
		{cty.NullVal(cty.String), "tostring(null)"},
		{cty.UnknownVal(cty.String), afterApply},
		{cty.StringVal("x").Mark(object.Sensitive), sensitive},
		{cty.ListValEmpty(cty.String), "tolist([])"},
		{cty.SetVal([]cty.Value{cty.StringVal("a")}), "toset([\n  \"a\",\n])"},
		{cty.MapVal(map[string]cty.Value{"a": cty.True}), "tomap({\n  \"a\" = true\n})"},
		{cty.ObjectVal(map[string]cty.Value{"a": cty.TupleVal([]cty.Value{cty.StringVal("x\ny")})}), "{\n  \"a\" = [\n    <<-EOT\n    x\n    y\n    EOT,\n  ]\n}"},
	} {
		if got := (Style{}).HCL(c.in); got != c.want {
			t.Errorf("%#v: got %s, want %s", c.in, got, c.want)
		}
	}
}

func TestWrap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[a-zé日]{1,9}`), 1, 30).Draw(t, "words")
		width := rapid.IntRange(20, 90).Draw(t, "width")
		text := strings.Join(words, " ")
		lines := Wrap(text, width)
		if got := strings.Join(lines, " "); got != text {
			t.Fatalf("got %q", got)
		}
		for _, l := range lines {
			if columns(l) > width {
				t.Fatalf("%q is wider than %d", l, width)
			}
		}
	})
}
