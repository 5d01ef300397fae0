// Package activity carries out the actions of a plan, one at a time and many at
// once: it is the worker behind the apply machine.
//
// In: the plan, the rows as they are now, the stack's objects. Out: for each
// action the writes that record what it did. What a user wants is evaluated again
// when an action's turn has come, now that what it depends on is done, and the
// driver holds the two against each other.
//
// It owns the second evaluation and the making of rows. It must not know any
// language, the order of actions (package apply) or how a store keeps rows.
//
// Files: activity.go what an action needs, change.go instances, row.go rows that
// are only rewritten, end.go deletions, settle.go what was cut off.
package activity

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/eval"
	"tutti/internal/flow"
	"tutti/internal/object"
	"tutti/internal/runtime/local"
	"tutti/internal/secret"
	"tutti/internal/store"
)

// OrphanDrivers gives the driver of a row whose block is gone.
type OrphanDrivers interface {
	DriverOf(ctx context.Context, s object.Scope, row *object.State) (object.Driver, diag.List)
}

// Approvals turns what approvals are into activities.
type Approvals interface {
	// Ask gives the output of the activity ask for a wanted approval.
	Ask(wanted cty.Value) (json.RawMessage, error)
	// Answer gives the actual approval after a person's word, the input of the
	// activity answer.
	Answer(wanted cty.Value, input json.RawMessage) (*object.Actual, error)
}

// Children knows the machines that carry out what has many steps.
type Children interface {
	// Prepare gives what a child is started with.
	Prepare(ctx context.Context, w object.Work) (object.Work, error)
	// Name names the run that a child is, or was.
	Name(ctx context.Context, child flow.ID) (string, error)
}

// Options are what a Worker works with.
type Options struct {
	Root      object.Namespace
	Orphans   OrphanDrivers
	Approvals Approvals
	// Children may be nil when no driver of the plan is object.Stepwise.
	Children Children
	Plan     *object.Plan
	// Rows are the state's as they are when the work begins, or goes on.
	Rows []*object.State
	// Masker hides what is known to be sensitive in log lines and errors.
	Masker *secret.Masker
	// Edges evaluates what is wanted of an instance even where only its row counts,
	// so that all that it refers to is followed.
	Edges bool
}

// Worker implements local.Worker.
type Worker struct {
	o      Options
	byAddr map[addr.Instance]int // index of the change that gives the instance its value
	data   map[addr.Instance]cty.Value
	// now evaluates with what the run has done so far; before with what was there
	// when it began, for deletions, whose turn comes ahead of what is new.
	now, before *eval.Evaluator

	mu     sync.Mutex
	rows   map[object.RowKey]*object.State
	active map[addr.Instance]*task
	diags  map[flow.ID]diag.List
}

var _ local.Worker = (*Worker)(nil)

// task is one action under way.
type task struct {
	action *object.Action
	change *object.PlannedChange
	log    func(string)
	// settle asks the world whether it happened instead of doing it.
	settle bool
	// ended is what came of the child, and work the child that is asked for.
	ended *object.Ended
	work  *object.Work
	// doubt is set when the driver cannot tell how far it got.
	doubt  bool
	done   bool
	err    error
	writes []store.Write
	value  cty.Value
}

// New makes the worker of a run, or of its resumption.
func New(o Options) *Worker {
	w := &Worker{o: o, byAddr: map[addr.Instance]int{}, data: make(map[addr.Instance]cty.Value, len(o.Plan.Data)),
		rows: make(map[object.RowKey]*object.State, len(o.Rows)), active: map[addr.Instance]*task{}, diags: map[flow.ID]diag.List{}}
	for i := range o.Plan.Changes {
		if c := &o.Plan.Changes[i]; c.Deposed == "" {
			w.byAddr[c.Addr] = i
		}
	}
	for _, d := range o.Plan.Data {
		w.data[d.Addr] = d.Value
	}
	for _, r := range o.Rows {
		w.rows[r.Key()] = r
	}
	w.now = eval.New(o.Root, &source{w: w})
	w.before = eval.New(o.Root, &source{w: w, before: true})
	return w
}

// Close closes what was opened while the run lasted.
func (w *Worker) Close(ctx context.Context) diag.List {
	return append(w.now.Close(ctx), w.before.Close(ctx)...)
}

// Checks evaluates the stack's checks with what the run left behind, and gives what
// they say. It must not run beside an activity.
func (w *Worker) Checks(ctx context.Context) diag.List {
	w.now.All(ctx, func(a addr.Instance) bool { return a.Kind == addr.Check })
	var out diag.List
	w.now.Nodes(func(n *eval.Node) {
		if n.Addr.Kind == addr.Check && n.Kind == eval.Instance {
			out = append(out, n.Diags.In(n.Addr.String())...)
		}
	})
	return out.Sorted()
}

// Diags gives what an activity reported in full, for views; its failure holds the
// same in short.
func (w *Worker) Diags(id flow.ID) diag.List {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.diags[id]
}

// Do implements local.Worker.
func (w *Worker) Do(ctx context.Context, d flow.Do, log func(string)) (local.Outcome, error) {
	t, err := w.task(ctx, d)
	if err != nil {
		return local.Outcome{}, err
	}
	t.log = func(line string) { log(w.o.Masker.String(line)) }
	a := t.action
	var out local.Outcome
	var diags diag.List
	switch d.Activity {
	case "change":
		diags = w.change(ctx, t)
		out.Writes = t.writes
		if out.Output = w.summary(t); t.work != nil && !diags.HasErrors() {
			out.Output = goOn(t.work)
		}
	case "ask":
		out.Output, diags = w.ask(ctx, a)
	case "answer":
		diags = w.answer(ctx, t, d.Input)
		out.Writes = t.writes
	default:
		return out, fmt.Errorf("no activity is called %q", d.Activity)
	}
	w.keep(d.ID, diags)
	switch {
	case diags.HasErrors() && t.doubt && !a.Idempotent:
		return local.Outcome{}, &local.DoubtError{Err: w.failure(ctx, diags)}
	case diags.HasErrors():
		out.Writes = append(out.Writes, w.reinstate(t)...)
		return out, w.failure(ctx, diags)
	default:
		return out, nil
	}
}

// input is that of the activities, as package apply writes it.
type input struct {
	Action int `json:"action"`
	Child  *struct {
		ID      flow.ID         `json:"id"`
		Output  json.RawMessage `json:"output"`
		Failure *flow.Failure   `json:"failure"`
	} `json:"child"`
}

// task finds the action that an activity is about.
func (w *Worker) task(ctx context.Context, d flow.Do) (*task, error) {
	var in input
	if err := json.Unmarshal(d.Input, &in); err != nil || in.Action < 1 || in.Action > len(w.o.Plan.Actions) {
		return nil, fmt.Errorf("activity %s has the input %s, which names no action of the plan", d.Activity, d.Input)
	}
	t := &task{action: &w.o.Plan.Actions[in.Action-1]}
	if t.action.Change >= 0 {
		t.change = &w.o.Plan.Changes[t.action.Change]
	}
	if in.Child == nil {
		return t, nil
	}
	name, err := w.o.Children.Name(ctx, in.Child.ID)
	t.ended = &object.Ended{Run: name, Output: in.Child.Output, Failure: in.Child.Failure}
	return t, err
}

func (w *Worker) keep(id flow.ID, d diag.List) {
	if len(d) == 0 {
		return
	}
	for i, x := range d {
		c := *x
		c.Detail = w.o.Masker.String(c.Detail)
		d[i] = &c
	}
	w.mu.Lock()
	w.diags[id] = d
	w.mu.Unlock()
}

// failure is the short form of diagnostics.
func (w *Worker) failure(ctx context.Context, d diag.List) error {
	kind := flow.Terminal
	if ctx.Err() != nil {
		kind = flow.Cancelled
	}
	for _, x := range d {
		if x.Severity == diag.Error {
			text := x.Headline
			if x.Detail != "" {
				text += ": " + strings.SplitN(x.Detail, "\n\n", 2)[0]
			}
			return flow.Failure{Kind: kind, Code: x.ID(), Message: w.o.Masker.String(text)}
		}
	}
	panic("activity: invariant broken: a failure without an error")
}

// summary is what the journal keeps of an answer: enough for people, nothing secret.
func (w *Worker) summary(t *task) json.RawMessage {
	if t.value == cty.NilVal || t.value.IsNull() || !t.value.IsKnown() || t.value.IsMarked() || !t.value.Type().IsObjectType() || !t.value.Type().HasAttribute("id") {
		return nil
	}
	id := t.value.GetAttr("id")
	if id.IsMarked() || !id.IsKnown() || id.IsNull() || id.Type() != cty.String {
		return nil
	}
	out, err := json.Marshal(map[string]string{"id": id.AsString()})
	if err != nil {
		panic("activity: invariant broken: a string has no JSON form: " + err.Error())
	}
	return out
}

// change does what the action's verb says.
func (w *Worker) change(ctx context.Context, t *task) diag.List {
	switch t.action.Verb {
	case object.Create, object.Update, object.Read, object.Run:
		return w.instance(ctx, t)
	case object.Delete:
		return w.end(ctx, t)
	case object.Forget:
		t.writes = append(t.writes, w.gone(t.change, t.action.Deposed)...)
		return nil
	case object.Record:
		w.rewrite(t)
		return nil
	case object.Depose:
		w.depose(t)
		return nil
	case object.Set:
		return w.set(ctx, t)
	case object.NoOp, object.Replace, object.Join:
		panic("activity: invariant broken: an action with the verb " + t.action.Verb.String())
	default:
		panic("activity: invariant broken: " + t.action.Verb.String())
	}
}

// secrets makes every sensitive string of a value known to the masker.
func (w *Worker) secrets(v cty.Value) {
	if v == cty.NilVal || !v.ContainsMarked() {
		return
	}
	var list []string
	_, paths := v.UnmarkDeepWithPaths()
	bare, _ := v.UnmarkDeep()
	for _, p := range paths {
		if _, ok := p.Marks[object.Sensitive]; !ok {
			continue
		}
		part, err := p.Path.Apply(bare)
		if err != nil {
			continue
		}
		_ = cty.Walk(part, func(_ cty.Path, leaf cty.Value) (bool, error) {
			if leaf.IsKnown() && !leaf.IsNull() && leaf.Type() == cty.String {
				list = append(list, leaf.AsString())
			}
			return true, nil
		})
	}
	w.o.Masker.Add(list...)
}

// Present gives an evaluator in which every instance has the value that its row
// has; data sources are read.
func Present(o Options) *eval.Evaluator { return New(o).now }
