package planner_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tutti/internal/activity"
	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/flow"
	"tutti/internal/object"
	"tutti/internal/object/objecttest"
	"tutti/internal/planner"
	"tutti/internal/secret"
)

// stack is a world with the state that plans of it left behind. Plans are made by
// the planner and carried out by the real worker, one action after the other in
// whatever order the plan allows.
type stack struct {
	world  *objecttest.World
	rows   map[object.RowKey]*object.State
	serial int64
}

func newStack() *stack {
	return &stack{world: objecttest.New(), rows: map[object.RowKey]*object.State{}}
}

// orphans gives the drivers of rows without a block.
type orphans struct {
	config objecttest.Config
	world  *objecttest.World
}

func (o orphans) DriverOf(ctx context.Context, s object.Scope, row *object.State) (object.Driver, diag.List) {
	return o.config.DriverOf(ctx, s, row, o.world)
}

func (s *stack) state() []*object.State {
	var rows []*object.State
	for _, r := range s.rows {
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b *object.State) int { return strings.Compare(text(a), text(b)) })
	return rows
}

func text(r *object.State) string { return r.Addr.String() + " " + r.Deposed }

// request is what a plan is made from.
func (s *stack) request(c objecttest.Config, o planner.Options) planner.Request {
	return planner.Request{Root: c.Namespace(s.world), Orphans: orphans{c, s.world}, State: planner.State{Serial: s.serial, Rows: s.state()}, Options: o}
}

// fataler is what both testing.T and rapid.T are.
type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

// apply carries the plan out. The next of the actions that are ready is picked.
// What failed is given, and nothing that needs it is done.
func (s *stack) apply(t fataler, c objecttest.Config, p *object.Plan, pick func(n int) int) (failed []string) {
	t.Helper()
	w := activity.New(activity.Options{Root: c.Namespace(s.world), Orphans: orphans{c, s.world}, Plan: p, Rows: s.state(), Masker: &secret.Masker{}})
	done := make([]bool, len(p.Actions))
	open := make([]bool, len(p.Actions))
	for i := range open {
		open[i] = true
	}
	for {
		var ready []int
		for i, a := range p.Actions {
			if open[i] && !slices.ContainsFunc(a.Needs, func(n int) bool { return !done[n-1] }) {
				ready = append(ready, i)
			}
		}
		if len(ready) == 0 {
			break
		}
		i := ready[pick(len(ready))]
		open[i] = false
		if p.Actions[i].Verb == object.Join {
			done[i] = true
			continue
		}
		input, err := json.Marshal(map[string]int{"action": i + 1})
		if err != nil {
			t.Fatalf("%v", err)
		}
		out, err := w.Do(context.Background(), flow.Do{ID: flow.ID(i + 1), Activity: "change", Input: input}, func(string) {})
		s.serial++
		for _, x := range out.Writes {
			switch {
			case x.Put != nil:
				row := *x.Put
				row.Serial = s.serial
				s.rows[row.Key()] = &row
			case x.Delete != nil:
				if i := p.Actions[i].Change; s.rows[*x.Delete] == nil && p.Changes[i].Imported == "" {
					t.Fatalf("#%d %s: the row %v is deleted, and there is none", i+1, p.Actions[i].Verb, x.Delete)
				}
				delete(s.rows, *x.Delete)
			}
		}
		if done[i] = err == nil; err != nil {
			failed = append(failed, fmt.Sprintf("%s %s: %v", p.Actions[i].Verb, p.Actions[i].Addr, err))
		}
	}
	if i := slices.Index(open, true); i >= 0 && len(failed) == 0 {
		t.Fatalf("#%d is never ready: the actions form a circle:\n%s", i+1, object.Print(p.Actions))
	}
	return failed
}

// consistent holds the rows against the world: each row stands for a thing that is
// there, and each thing has one row.
func (s *stack) consistent(t fataler, forgotten map[string]bool) {
	t.Helper()
	seen := map[string]bool{}
	for _, r := range s.state() {
		th, err := objecttest.ThingOf(r)
		if err != nil {
			t.Fatalf("%v", err)
		}
		if seen[th.ID] {
			t.Fatalf("%s has two rows", th.ID)
		}
		seen[th.ID] = true
	}
	for _, th := range s.world.Things() {
		if !seen[th.ID] && !forgotten[th.ID] {
			t.Fatalf("%s exists and has no row", th.ID)
		}
		delete(seen, th.ID)
	}
	for id := range seen {
		t.Fatalf("%s has a row and does not exist", id)
	}
}

// parse reads a configuration.
func parse(t fataler, text string) objecttest.Config {
	t.Helper()
	c, err := objecttest.Parse(text)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return c
}

// show writes a plan as the scenarios have it: changes, what is put off, and the
// graph with the names of its actions in the place of numbers.
func show(p *object.Plan) string {
	var b strings.Builder
	for _, c := range p.Drift {
		fmt.Fprintf(&b, "drift %s %s\n", c.Verb, c.Addr)
	}
	for _, c := range p.Changes {
		fmt.Fprintf(&b, "%s %s", c.Verb, c.Addr)
		if c.Deposed != "" {
			fmt.Fprintf(&b, " deposed %s", c.Deposed)
		}
		if c.CreateFirst {
			b.WriteString(" create first")
		}
		if c.MovedFrom != nil {
			fmt.Fprintf(&b, " from %s", *c.MovedFrom)
		}
		if c.Imported != "" {
			fmt.Fprintf(&b, " imported %s", c.Imported)
		}
		if c.Reason != "" {
			fmt.Fprintf(&b, " (%s)", c.Reason)
		}
		b.WriteString("\n")
	}
	for _, d := range p.Deferred {
		fmt.Fprintf(&b, "later %s%s: %s%v\n", d.Addr, d.Key, d.Reason, d.On)
	}
	for _, d := range p.Data {
		fmt.Fprintf(&b, "read %s\n", d.Addr)
	}
	for i, a := range p.Actions {
		needs := names(p, a.Needs)
		if a.Verb == object.Join {
			continue
		}
		fmt.Fprintf(&b, "%s", name(&p.Actions[i]))
		if len(needs) > 0 {
			fmt.Fprintf(&b, " <- %s", strings.Join(needs, ", "))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func name(a *object.Action) string {
	if a.Deposed != "" {
		return fmt.Sprintf("[%s %s %s]", a.Verb, a.Addr, a.Deposed[len(a.Deposed)-1:])
	}
	return fmt.Sprintf("[%s %s]", a.Verb, a.Addr)
}

// names follows joins to what they hold together.
func names(p *object.Plan, needs []int) []string {
	var out []string
	for _, n := range needs {
		a := &p.Actions[n-1]
		if a.Verb == object.Join {
			out = append(out, names(p, a.Needs)...)
			continue
		}
		out = append(out, name(a))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// targets reads addresses.
func targets(t fataler, list []string) []addr.Target {
	t.Helper()
	var out []addr.Target
	for _, s := range list {
		x, err := addr.ParseTarget(s)
		if err != nil {
			t.Fatalf("%v", err)
		}
		out = append(out, x)
	}
	return out
}
