package activity_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/activity"
	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/flow"
	"tutti/internal/object"
	"tutti/internal/object/objecttest"
	"tutti/internal/runtime/local"
	"tutti/internal/secret"
	"tutti/internal/store"
)

// lever is the driver of one thing, whose world can be made to misbehave.
type lever struct {
	*objecttest.Driver
	apply  func(object.ApplyRequest) (object.Result, diag.List)
	settle func(object.ApplyRequest) (object.Result, bool, error)
}

var _ object.Settler = (*lever)(nil)

func (l *lever) Apply(ctx context.Context, req object.ApplyRequest) (object.Result, diag.List) {
	if l.apply != nil {
		return l.apply(req)
	}
	return l.Driver.Apply(ctx, req)
}

func (l *lever) Settle(_ context.Context, req object.ApplyRequest) (object.Result, bool, error) {
	return l.settle(req)
}

// thing is a block of the stack, with the driver of all its kind.
type thing struct {
	*objecttest.Value
	drv object.Driver
}

func (t thing) Driver(context.Context, object.Scope, object.Instance) (object.Driver, diag.List) {
	return t.drv, nil
}

func (t thing) Policy(context.Context, object.Scope, object.Instance) (object.Policy, diag.List) {
	return object.Policy{}, nil
}

// DriverOf makes a thing the driver of rows without a block, too.
func (t thing) DriverOf(context.Context, object.Scope, *object.State) (object.Driver, diag.List) {
	return t.drv, nil
}

var thingA = addr.Object{Name: addr.Name{Kind: addr.Resource, Type: "t", Name: "a"}}.Instance(addr.NoKey)

func value(id, text string) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{"id": cty.StringVal(id), "text": cty.StringVal(text), "force": cty.StringVal("")})
}

// stage is a stack of one thing with a plan for it, and the worker of its run.
type stage struct {
	world  *objecttest.World
	lever  *lever
	plan   *object.Plan
	masker secret.Masker
	wanted cty.Value
	rows   []*object.State
	names  activity.Approvals
}

func newStage(v object.Verb) *stage {
	w := objecttest.New()
	s := &stage{world: w, lever: &lever{Driver: &objecttest.Driver{World: w}}, wanted: value("", "new")}
	c := object.PlannedChange{Addr: thingA, Change: object.Change{Verb: v, Before: cty.NilVal, After: cty.NilVal}}
	if v == object.Update || v == object.Delete {
		s.world.Put(objecttest.Thing{ID: "old", Text: "old"})
		c.Prior = objecttest.RowOf(thingA, objecttest.Thing{ID: "old", Text: "old"})
		s.rows = []*object.State{c.Prior}
	}
	s.plan = &object.Plan{Changes: []object.PlannedChange{c}, Actions: []object.Action{{Addr: thingA, Verb: v}}}
	return s
}

func (s *stage) worker() *activity.Worker {
	o := thing{&objecttest.Value{Address: thingA.Object, Of: func(context.Context, object.Scope, object.Instance) (cty.Value, diag.List) {
		return s.wanted, nil
	}}, s.lever}
	return activity.New(activity.Options{Root: objecttest.Namespace{o}, Orphans: o, Approvals: s.names, Plan: s.plan, Rows: s.rows, Masker: &s.masker})
}

func do(what, input string) flow.Do {
	return flow.Do{ID: 1, Activity: what, Input: json.RawMessage(input)}
}

var first = do("change", `{"action":1}`)

// written tells what an outcome does to the state.
func written(t testing.TB, writes []store.Write) string {
	t.Helper()
	var out []string
	for _, w := range writes {
		switch {
		case w.Put != nil:
			th, err := objecttest.ThingOf(w.Put)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, fmt.Sprintf("put %s %s=%s", w.Put.Addr, th.ID, th.Text))
		case w.Delete != nil:
			out = append(out, "delete "+w.Delete.Addr.String())
		default:
			t.Fatalf("what is %+v", w)
		}
	}
	return strings.Join(out, ", ")
}

// TestDo carries out one action and looks at what it leaves in the state.
func TestDo(t *testing.T) {
	t.Parallel()
	refused := diag.Errorf(nil, "Refused", "The world says hush.\n\nMore of it.")
	for _, tc := range []struct {
		name  string
		verb  object.Verb
		apply func(object.ApplyRequest) (object.Result, diag.List)
		want  string // the writes
		fails string // the failure's text, "doubt: " before it when it is in doubt
	}{
		{"create", object.Create, nil, "put t.a t.a#1=new", ""},
		{"update", object.Update, nil, "put t.a old=new", ""},
		{"delete", object.Delete, nil, "delete t.a", ""},
		{"create fails", object.Create, func(object.ApplyRequest) (object.Result, diag.List) { return object.Result{}, refused }, "", "Refused: The world says (sensitive value)."},
		{"create fails half-way", object.Create, func(object.ApplyRequest) (object.Result, diag.List) {
			return object.Result{Actual: &object.Actual{Value: value("half", "x"), Tainted: true}}, refused
		}, "put t.a half=x", "Refused: The world says (sensitive value)."},
		{"delete fails", object.Delete, func(req object.ApplyRequest) (object.Result, diag.List) {
			return object.Result{Actual: req.Prior}, refused
		}, "put t.a old=old", "Refused: The world says (sensitive value)."},
		{"create is cut off", object.Create, func(object.ApplyRequest) (object.Result, diag.List) { return object.Result{InDoubt: true}, refused }, "", "doubt: refused: Refused: The world says (sensitive value)."},
		{"delete is cut off", object.Delete, func(req object.ApplyRequest) (object.Result, diag.List) {
			return object.Result{Actual: req.Prior, InDoubt: true}, refused
		}, "", "doubt: refused: Refused: The world says (sensitive value)."},
	} {
		s := newStage(tc.verb)
		s.masker.Add("hush")
		s.lever.apply = tc.apply
		w := s.worker()
		out, err := w.Do(t.Context(), first, func(string) {})
		got := ""
		var doubt *local.DoubtError
		if err != nil {
			got = err.Error()
		}
		if errors.As(err, &doubt) {
			got = "doubt: " + got
		}
		if text := written(t, out.Writes); text != tc.want || !strings.Contains(got, tc.fails) || (got == "") != (tc.fails == "") {
			t.Errorf("%s: wrote %q and failed with %q; want %q and %q", tc.name, text, got, tc.want, tc.fails)
		}
		if d := w.Diags(1); tc.fails != "" && (len(d) != 1 || strings.Contains(d[0].Detail, "hush") || !strings.Contains(d[0].Detail, "More of it.")) {
			t.Errorf("%s: told in full: %v", tc.name, d.Err())
		}
		if d := w.Close(t.Context()); len(d) > 0 {
			t.Errorf("%s: closing: %v", tc.name, d.Err())
		}
	}
}

// TestCancelled: what fails after the run was told to stop was cancelled.
func TestCancelled(t *testing.T) {
	t.Parallel()
	s := newStage(object.Delete)
	ctx, cancel := context.WithCancel(t.Context())
	s.lever.apply = func(req object.ApplyRequest) (object.Result, diag.List) {
		cancel()
		return object.Result{Actual: req.Prior}, diag.Errorf(nil, "Stopped", "It was told to.")
	}
	_, err := s.worker().Do(ctx, first, func(string) {})
	var f flow.Failure
	if !errors.As(err, &f) || f.Kind != flow.Cancelled || f.Code != "stopped" {
		t.Errorf("got %+v", err)
	}
}

// TestLog: secrets of what is wanted and of what was there are hidden in log lines.
func TestLog(t *testing.T) {
	t.Parallel()
	s := newStage(object.Update)
	s.wanted = cty.ObjectVal(map[string]cty.Value{"id": cty.StringVal(""), "text": cty.StringVal("tell-nobody").Mark(object.Sensitive), "force": cty.StringVal("")})
	s.lever.apply = func(req object.ApplyRequest) (object.Result, diag.List) {
		req.Log("now it is tell-nobody")
		return object.Result{Actual: req.Prior}, nil
	}
	var lines []string
	if _, err := s.worker().Do(t.Context(), first, func(line string) { lines = append(lines, line) }); err != nil {
		t.Fatal(err)
	}
	if want := []string{"now it is (sensitive value)"}; !slices.Equal(lines, want) {
		t.Errorf("logged %q, want %q", lines, want)
	}
}

// TestWrongInput: what names no action or activity does nothing.
func TestWrongInput(t *testing.T) {
	t.Parallel()
	for _, d := range []flow.Do{do("change", `{"action":0}`), do("change", `{"action":2}`), do("change", `[]`), do("dance", `{"action":1}`)} {
		s := newStage(object.Create)
		w := s.worker()
		if out, err := w.Do(t.Context(), d, func(string) {}); err == nil || len(out.Writes) > 0 {
			t.Errorf("%s %s: wrote %d, %v", d.Activity, d.Input, len(out.Writes), err)
		}
		if len(s.world.Things()) > 0 {
			t.Errorf("%s %s made %v", d.Activity, d.Input, s.world.Things())
		}
	}
	if _, _, err := newStage(object.Create).worker().Settle(t.Context(), do("change", `{"action":7}`)); err == nil {
		t.Error("settling an action that is not there gives no error")
	}
}

// TestSettle asks the world how something ended whose answer was lost.
func TestSettle(t *testing.T) {
	t.Parallel()
	lost := errors.New("it is not told")
	made := object.Result{Actual: &object.Actual{Value: value("found", "new")}}
	for _, tc := range []struct {
		name string
		verb object.Verb
		res  object.Result
		done bool
		err  error
		want string
	}{
		{"it was made", object.Create, made, true, nil, "put t.a found=new"},
		{"it was not made", object.Create, object.Result{}, false, nil, ""},
		{"nobody knows", object.Create, object.Result{}, false, lost, ""},
		{"it was changed", object.Update, made, true, nil, "put t.a found=new"},
		{"it is gone", object.Delete, object.Result{}, true, nil, "delete t.a"},
		{"it is still there", object.Delete, object.Result{}, false, nil, ""},
		{"nobody knows whether it is there", object.Delete, object.Result{}, false, lost, ""},
	} {
		s := newStage(tc.verb)
		s.lever.settle = func(req object.ApplyRequest) (object.Result, bool, error) {
			if req.Addr != thingA || req.Verb != tc.verb || (req.Prior == nil) != (tc.verb == object.Create) {
				t.Errorf("%s: settles %+v", tc.name, req)
			}
			return tc.res, tc.done, tc.err
		}
		s.lever.apply = func(object.ApplyRequest) (object.Result, diag.List) {
			t.Errorf("%s: it was done once more", tc.name)
			return object.Result{}, nil
		}
		w := s.worker()
		out, done, err := w.Settle(t.Context(), first)
		if got := written(t, out.Writes); got != tc.want || done != tc.done || !errors.Is(err, tc.err) {
			t.Errorf("%s: wrote %q, done %t, %v", tc.name, got, done, err)
		}
		if tc.done || tc.err != nil {
			continue
		}
		// What did not happen can be done now: asking has spoilt nothing.
		s.lever.apply = nil
		if out, err := w.Do(t.Context(), first, func(string) {}); err != nil || written(t, out.Writes) == "" {
			t.Errorf("%s: done afterwards: wrote %q, %v", tc.name, written(t, out.Writes), err)
		}
	}
}

// TestSettleWithoutAsking: nobody is asked about what somebody imported meanwhile,
// about what may be done again anyway, nor a driver that cannot tell.
func TestSettleWithoutAsking(t *testing.T) {
	t.Parallel()
	s := newStage(object.Create)
	s.rows = []*object.State{objecttest.RowOf(thingA, objecttest.Thing{ID: "imported"})}
	if out, done, err := s.worker().Settle(t.Context(), first); !done || err != nil || len(out.Writes) > 0 {
		t.Errorf("imported: done %t, wrote %d, %v", done, len(out.Writes), err)
	}
	if _, done, err := newStage(object.Create).worker().Settle(t.Context(), do("ask", `{"action":1}`)); done || err != nil {
		t.Errorf("a question: done %t, %v", done, err)
	}
	s = newStage(object.Delete)
	mute := thing{&objecttest.Value{Address: thingA.Object, Of: func(context.Context, object.Scope, object.Instance) (cty.Value, diag.List) {
		return s.wanted, nil
	}}, s.lever.Driver}
	w := activity.New(activity.Options{Root: objecttest.Namespace{mute}, Orphans: mute, Plan: s.plan, Rows: s.rows, Masker: &s.masker})
	if _, done, err := w.Settle(t.Context(), first); done || !errors.Is(err, activity.ErrCannotTell) {
		t.Errorf("a driver that cannot tell: done %t, %v", done, err)
	}
}

// TestDataAfterResume: data that an earlier process of the run had read is read
// again when it is needed; what the plan read already is not.
func TestDataAfterResume(t *testing.T) {
	t.Parallel()
	at := addr.Object{Name: addr.Name{Kind: addr.Data, Type: "t", Name: "d"}}
	for _, planned := range []bool{false, true} {
		s := newStage(object.Create)
		reader := thing{&objecttest.Value{Address: at, Of: func(context.Context, object.Scope, object.Instance) (cty.Value, diag.List) {
			return value("", "again"), nil
		}}, &objecttest.Driver{World: s.world, Data: true}}
		user := thing{&objecttest.Value{Address: thingA.Object, Of: func(ctx context.Context, sc object.Scope, _ object.Instance) (cty.Value, diag.List) {
			return value("", sc.Object(ctx, at).GetAttr("id").AsString()), nil
		}}, s.lever}
		want := "put t.a t.a#1=data:again"
		if planned {
			s.plan.Data = []object.DataValue{{Addr: at.Instance(addr.NoKey), Value: value("data:planned", "")}}
			want = "put t.a t.a#1=data:planned"
		}
		w := activity.New(activity.Options{Root: objecttest.Namespace{reader, user}, Plan: s.plan, Masker: &s.masker})
		out, err := w.Do(t.Context(), first, func(string) {})
		if got := written(t, out.Writes); err != nil || got != want {
			t.Errorf("wrote %q, %v; want %q", got, err, want)
		}
	}
}

// votes is what approvals are.
type votes struct{ refuse error }

func (v votes) Ask(wanted cty.Value) (json.RawMessage, error) {
	return json.Marshal(map[string]string{"question": wanted.GetAttr("text").AsString()})
}

func (v votes) Answer(_ cty.Value, input json.RawMessage) (*object.Actual, error) {
	return &object.Actual{Value: value("vote", string(input))}, v.refuse
}

// TestApproval asks, and stores what a person said.
func TestApproval(t *testing.T) {
	t.Parallel()
	s := newStage(object.Run)
	s.names = votes{}
	w := s.worker()
	out, err := w.Do(t.Context(), do("ask", `{"action":1}`), func(string) {})
	if err != nil || string(out.Output) != `{"question":"new"}` || len(out.Writes) > 0 {
		t.Errorf("asked %s, wrote %d, %v", out.Output, len(out.Writes), err)
	}
	out, err = w.Do(t.Context(), do("answer", `{"action":1,"yes":true}`), func(string) {})
	if got := written(t, out.Writes); err != nil || got != `put t.a vote={"action":1,"yes":true}` {
		t.Errorf("wrote %q, %v", got, err)
	}
	s.names = votes{errors.New("too late")}
	if out, err = s.worker().Do(t.Context(), do("answer", `{"action":1}`), func(string) {}); err == nil || len(out.Writes) > 0 {
		t.Errorf("wrote %d, %v", len(out.Writes), err)
	}
}
