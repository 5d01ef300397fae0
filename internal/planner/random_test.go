package planner_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"tutti/internal/addr"
	"tutti/internal/object"
	"tutti/internal/planner"
)

// drawing makes random configurations as text.
type drawing struct {
	lines map[string]string
	order []string
}

var blockNames = []string{"a", "b", "module.m", "module.m.p", "module.m.q", "c", "data.d", "e", "f"}

// redraw changes some blocks. The order says what may refer to what; it is turned
// round now and then, so that what needed something is needed by it.
func (w *drawing) redraw(t *rapid.T, providers bool) string {
	if w.lines == nil || rapid.IntRange(0, 5).Draw(t, "turn round") == 0 {
		w.lines = map[string]string{}
		w.order = slices.Clone(blockNames)
		if rapid.Bool().Draw(t, "backwards") {
			slices.Reverse(w.order)
		}
	}
	for i, n := range w.order {
		switch roll := rapid.IntRange(0, 9).Draw(t, n); {
		case roll == 0:
			delete(w.lines, n)
		case roll < 4 || w.lines[n] == "":
			w.lines[n] = drawBlock(t, n, w.order[:i], providers)
		}
	}
	var b strings.Builder
	for _, n := range blockNames {
		if strings.HasPrefix(n, "module.m.") && w.lines["module.m"] == "" {
			continue
		}
		if w.lines[n] != "" {
			b.WriteString(w.without(n, w.lines[n]) + "\n")
		}
	}
	return b.String()
}

// without drops references to blocks that are gone: a language would refuse them.
func (w *drawing) without(name, line string) string {
	return strings.Join(slices.DeleteFunc(strings.Fields(line), func(word string) bool {
		attr, ref, _ := strings.Cut(word, "=")
		if attr != "uses" && attr != "after" && attr != "countof" {
			return false
		}
		ref, _, _ = strings.Cut(ref, "[")
		in, inner, deep := strings.Cut(ref, "/")
		switch {
		case deep:
			return w.lines["module."+in] == "" || w.lines["module."+in+"."+inner] == ""
		case strings.HasPrefix(ref, "^"):
			return w.lines[ref[1:]] == ""
		case strings.HasPrefix(name, "module.m."):
			return w.lines["module.m."+ref] == ""
		default:
			return w.lines[ref] == ""
		}
	}), " ")
}

func drawBlock(t *rapid.T, n string, earlier []string, providers bool) string {
	words := []string{n}
	add := func(f string, args ...any) { words = append(words, fmt.Sprintf(f, args...)) }
	inside := strings.HasPrefix(n, "module.m.")
	switch rapid.IntRange(0, 4).Draw(t, "shape") {
	case 0:
		add("count=%d", rapid.IntRange(0, 3).Draw(t, "count"))
	case 1:
		add("each=%s", strings.Join(rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"x", "y", "z"}), 0, 3, rapid.ID).Draw(t, "each"), ","))
	}
	if n == "module.m" {
		return strings.Join(words, " ")
	}
	add("text=%d force=%d", rapid.IntRange(0, 1).Draw(t, "text"), rapid.IntRange(0, 1).Draw(t, "force"))
	if rapid.IntRange(0, 3).Draw(t, "cbd") == 0 {
		add("cbd")
	}
	var refs []string
	for _, e := range earlier {
		other := strings.HasPrefix(e, "module.m.")
		switch {
		case e == "module.m":
			continue
		case inside && other:
			e = strings.TrimPrefix(e, "module.m.")
		case inside:
			e = "^" + e
		case other:
			e = "m/" + strings.TrimPrefix(e, "module.m.")
		}
		refs = append(refs, e)
	}
	if len(refs) == 0 {
		return strings.Join(words, " ")
	}
	for _, attr := range []string{"uses", "uses", "after"} {
		if rapid.IntRange(0, 1).Draw(t, attr) == 0 {
			add("%s=%s%s", attr, rapid.SampledFrom(refs).Draw(t, "ref"), rapid.SampledFrom([]string{"", "", "[.]", "[0]", "[x]"}).Draw(t, "index"))
		}
	}
	if providers && !inside && rapid.IntRange(0, 4).Draw(t, "special") == 0 {
		if e := rapid.SampledFrom(refs).Draw(t, "ref"); !strings.ContainsAny(e, "/.^") {
			add("countof=%s", e)
		}
	}
	return strings.Join(words, " ")
}

// TestRandomHistories takes a world through random configurations: plans are the
// same however they are made, can be carried out in every order that they allow,
// do nothing in a wrong order, and leave nothing to be done.
func TestRandomHistories(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newStack()
		var w drawing
		for range rapid.IntRange(1, 5).Draw(t, "steps") {
			config := w.redraw(t, true)
			s.converge(t, config)
		}
	})
}

// maxPhases is more than the phases that any of these configurations has.
const maxPhases = 12

// converge plans and applies until nothing is put off any more, and then holds
// that nothing is left to do.
func (s *stack) converge(t *rapid.T, config string) {
	last := ""
	for range maxPhases {
		c := parse(t, config)
		p, d := planner.Plan(context.Background(), s.request(c, planner.Options{}))
		if d.HasErrors() {
			t.Fatalf("%s\n%v", config, d.Err())
		}
		again, _ := planner.Plan(context.Background(), s.request(parse(t, config), planner.Options{Parallelism: 1}))
		if a, b := object.Print(p.Actions), object.Print(again.Actions); a != b || show(p) != show(again) {
			t.Fatalf("%s\ntwo plans of the same:\n%s\n%s", config, a, b)
		}
		last = show(p)
		places(t, p)
		before := s.state()
		if failed := s.apply(t, c, p, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "next") }); len(failed) > 0 {
			t.Fatalf("%s\n%s\n%v", config, show(p), failed)
		}
		s.judge(t, config, p, before)
		s.consistent(t, nil)
		if len(p.Actions) == 0 {
			if len(p.Deferred) > 0 {
				t.Fatalf("%s\nnothing to do, and yet something waits:\n%s", config, show(p))
			}
			return
		}
	}
	t.Fatalf("%s\nthere is something to do again and again:\n%s", config, last)
}

// judge looks at what was done in a wrong order. Where the change of a user has to
// come after an end (a replacement that destroys first is between them), the user
// holds what is gone for a while: that is so by the nature of it. All else is a
// mistake of the plan.
func (s *stack) judge(t *rapid.T, config string, p *object.Plan, before []*object.State) {
	ends, changes := map[string]int{}, map[string]int{}
	for i := range p.Actions {
		a := &p.Actions[i]
		if a.Change < 0 || p.Changes[a.Change].Before == cty.NilVal {
			continue
		}
		id := p.Changes[a.Change].Before.GetAttr("id").AsString()
		if a.Verb == object.Delete {
			ends[id] = i + 1
		} else {
			changes[id] = i + 1
		}
	}
	for _, wrong := range s.world.Wrong() {
		id, rest, _ := strings.Cut(wrong, " ends while ")
		user := strings.TrimSuffix(rest, " holds it")
		if (p.Targeted || waits(p, user)) && ends[id] != 0 && p.Changes[p.Actions[ends[id]-1].Change].Verb == object.Replace {
			continue // likewise: the user changes in a later phase, or is left out
		}
		if ends[user] == 0 && changes[user] != 0 && after(p, changes[user], ends[id]) {
			continue
		}
		t.Fatalf("%s\n%s\n%s\nstate before:\n%s", config, show(p), wrong, rowsText(before))
	}
}

// waits reports whether the object that made the thing is put off.
func waits(p *object.Plan, id string) bool {
	return slices.ContainsFunc(p.Deferred, func(d object.Deferred) bool {
		name, _, _ := strings.Cut(id, "#")
		return name == d.Addr.Instance(d.Key).String() || strings.HasPrefix(name, d.Addr.String()+"[") && d.Key.IsNone() || name == d.Addr.String()
	})
}

// after reports whether one action comes after another whatever the order.
func after(p *object.Plan, id, other int) bool {
	seen := map[int]bool{}
	queue := []int{id}
	for ; len(queue) > 0; queue = queue[1:] {
		if queue[0] == other {
			return true
		}
		if !seen[queue[0]] {
			seen[queue[0]] = true
			queue = append(queue, p.Actions[queue[0]-1].Needs...)
		}
	}
	return false
}

func rowsText(rows []*object.State) string {
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, "%s needs %v\n", text(r), r.Needs)
	}
	return b.String()
}

// places holds that each row is in one place of the plan at most.
func places(t *rapid.T, p *object.Plan) {
	seen := map[object.RowKey]bool{}
	for _, c := range p.Changes {
		key := object.RowKey{Addr: c.Addr, Deposed: c.Deposed}
		if seen[key] {
			t.Fatalf("%v is in the plan twice:\n%s", key, show(p))
		}
		seen[key] = true
	}
}

// TestRandomFailures lets some things fail on the way: rows and world agree after
// it all the same, what needs a failed thing was not done, and the next plans go on
// from there to the end.
func TestRandomFailures(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newStack()
		var w drawing
		for range rapid.IntRange(1, 4).Draw(t, "steps") {
			config := w.redraw(t, true)
			c := parse(t, config)
			p, d := planner.Plan(context.Background(), s.request(c, planner.Options{}))
			if d.HasErrors() {
				t.Fatalf("%s\n%v", config, d.Err())
			}
			for _, ch := range p.Changes {
				if rapid.IntRange(0, 3).Draw(t, "fails") == 0 {
					s.world.Fail[ch.Addr.String()] = true
				}
			}
			s.apply(t, c, p, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "next") })
			clear(s.world.Fail)
			s.consistent(t, nil)
			for _, wrong := range s.world.Wrong() {
				if strings.Contains(wrong, "does not exist") {
					t.Fatalf("%s\n%s\n%s", config, show(p), wrong)
				}
			}
			s.converge(t, config)
		}
	})
}

// TestRandomChoices plans a part only: what is left out is not touched, nothing is
// done in a wrong order, and a whole plan afterwards comes to the end.
func TestRandomChoices(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newStack()
		var w drawing
		for range rapid.IntRange(1, 4).Draw(t, "steps") {
			config := w.redraw(t, false)
			c := parse(t, config)
			var o planner.Options
			chosen := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"t.a", "t.b", "t.c", "t.e", "t.f", "module.m"}), 1, 2, rapid.ID).Draw(t, "chosen")
			exclude := rapid.Bool().Draw(t, "exclude")
			if exclude {
				o.Excludes = targets(t, chosen)
			} else {
				o.Targets = targets(t, chosen)
			}
			if rapid.IntRange(0, 3).Draw(t, "destroy") == 0 {
				o.Mode = object.Destroy
			}
			p, d := planner.Plan(context.Background(), s.request(c, o))
			if d.HasErrors() {
				t.Fatalf("%s\n%v", config, d.Err())
			}
			for _, ch := range p.Changes {
				if exclude && ch.Verb != object.Record && slices.ContainsFunc(o.Excludes, func(x addr.Target) bool { return x.Covers(ch.Addr) }) {
					t.Fatalf("%s\n%s is left out, and yet: %s", config, ch.Addr, ch.Verb)
				}
			}
			before := s.state()
			if failed := s.apply(t, c, p, func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "next") }); len(failed) > 0 {
				t.Fatalf("%s\n%v %v\n%s\n%v", config, chosen, exclude, show(p), failed)
			}
			s.judge(t, fmt.Sprint(config, chosen, " left out: ", exclude), p, before)
			s.consistent(t, nil)
			if o.Mode == object.Normal {
				s.converge(t, config)
			}
		}
	})
}
