package eval_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/eval"
	"tutti/internal/object"
	"tutti/internal/object/objecttest"
)

// how is a way to refer to an object.
type how int

const (
	whole how = iota
	one
	expansion
	after
	hows
)

type ref struct {
	how how
	to  int // index of the spec
	key int // of its instances, modulo their number
}

// spec is a random object: its value is its own number, plus those of what it refers to.
type spec struct {
	addr      addr.Object
	shape     object.Shape
	n         int
	own       int64
	refs      []ref
	countRefs []ref // followed while it is expanded
	fails     bool
	unknown   bool
	module    int // the module call that it lies in, by index; -1 for the root
}

func (s *spec) keys() []object.Instance { return objecttest.Keys(s.shape, s.n).Instances }

// world is a random graph of specs.
type world []*spec

func drawWorld(t *rapid.T, cyclic, modules bool) world {
	n := rapid.IntRange(1, 9).Draw(t, "objects")
	w := make(world, n)
	for i := range w {
		s := &spec{module: -1, own: int64(rapid.IntRange(0, 99).Draw(t, "own"))}
		s.shape = rapid.SampledFrom([]object.Shape{object.Single, object.Count, object.ForEach}).Draw(t, "shape")
		if s.n = 1; s.shape != object.Single {
			s.n = rapid.IntRange(0, 3).Draw(t, "instances")
		}
		name := addr.Name{Kind: addr.Local, Name: fmt.Sprint("o", i)}
		if modules && i%3 == 1 && i > 1 {
			s.module = 0
		}
		if modules && i == 0 {
			name.Kind = addr.ModuleCall
			s.n = max(s.n, 1)
		}
		s.addr = addr.Object{Name: name}
		if s.module >= 0 {
			call := w[s.module]
			key := call.keys()[rapid.IntRange(0, call.n-1).Draw(t, "module key")].Key
			s.addr.Module = addr.Module{}.Child(call.addr.Name.Name, key)
		}
		limit := i
		if cyclic {
			limit = n
		}
		// A module waits for all that lies in it, so in a graph without circles only
		// what comes last may wait for a module.
		if limit > 0 && (i > 0 || !modules) {
			s.refs = drawRefs(t, limit, 3)
			if rapid.IntRange(0, 4).Draw(t, "counted") == 0 {
				s.countRefs = drawRefs(t, limit, 1)
			}
		}
		s.fails = rapid.IntRange(0, 19).Draw(t, "fails") == 0
		s.unknown = rapid.IntRange(0, 19).Draw(t, "unknown") == 0 && !(modules && i == 0)
		w[i] = s
		if modules && (i < n-1 || s.module >= 0) {
			for k, r := range s.refs {
				if r.how == after && r.to == 0 {
					s.refs[k].how = whole
				}
			}
			for k, r := range s.countRefs {
				if r.how == after && r.to == 0 {
					s.countRefs[k].how = whole
				}
			}
		}
	}
	return w
}

func drawRefs(t *rapid.T, limit, most int) []ref {
	var refs []ref
	for range rapid.IntRange(0, most).Draw(t, "refs") {
		refs = append(refs, ref{how(rapid.IntRange(0, int(hows)-1).Draw(t, "how")), rapid.IntRange(0, limit-1).Draw(t, "to"), rapid.IntRange(0, 2).Draw(t, "key")})
	}
	return refs
}

// follow asks the scope for what a reference stands for.
func (w world) follow(ctx context.Context, s object.Scope, r ref) cty.Value {
	to := w[r.to]
	switch r.how {
	case whole:
		return sum(s.Object(ctx, to.addr))
	case one:
		if to.n == 0 {
			s.Expansion(ctx, to.addr)
			return cty.Zero
		}
		v := s.Instance(ctx, to.addr.Instance(to.keys()[r.key%to.n].Key))
		return sum(v)
	case expansion:
		x := s.Expansion(ctx, to.addr)
		if x.Unknown {
			return cty.UnknownVal(cty.Number)
		}
		return cty.NumberIntVal(int64(len(x.Instances)))
	case after:
		s.After(ctx, to.addr)
		return cty.Zero
	}
	panic("invalid reference")
}

// sum adds up the numbers in a value; it is unknown when one of them is.
func sum(v cty.Value) cty.Value {
	if !v.IsKnown() {
		return cty.UnknownVal(cty.Number)
	}
	if v.Type() == cty.Number {
		return v
	}
	total := cty.Zero
	for it := v.ElementIterator(); it.Next(); {
		_, e := it.Element()
		if e = sum(e); !e.IsKnown() {
			return e
		}
		total = total.Add(e)
	}
	return total
}

// root makes the objects of the world, those of modules inside their containers.
func (w world) root() object.Namespace {
	var ns objecttest.Namespace
	inside := map[addr.Module]objecttest.Namespace{}
	for _, s := range w {
		v := objecttest.Value{Address: s.addr}
		v.Many = func(ctx context.Context, sc object.Scope) (object.Expansion, diag.List) {
			for _, r := range s.countRefs {
				w.follow(ctx, sc, r)
			}
			if s.unknown {
				return object.Expansion{Shape: s.shape, Unknown: true}, nil
			}
			return objecttest.Keys(s.shape, s.n), nil
		}
		v.Of = func(ctx context.Context, sc object.Scope, inst object.Instance) (cty.Value, diag.List) {
			total := cty.NumberIntVal(s.own)
			for _, r := range s.refs {
				total = total.Add(w.follow(ctx, sc, r))
			}
			if s.fails {
				return cty.NilVal, diag.Errorf(nil, "Broken", "%s is broken.", s.addr.Instance(inst.Key))
			}
			return total, nil
		}
		switch {
		case s.addr.Kind == addr.ModuleCall:
			ns = append(ns, &objecttest.Module{Value: v, Inside: func(inst object.Instance) (object.Namespace, diag.List) {
				return inside[addr.Module{}.Child(s.addr.Name.Name, inst.Key)], nil
			}})
		case s.module >= 0:
			inside[s.addr.Module] = append(inside[s.addr.Module], &v)
		default:
			ns = append(ns, &v)
		}
	}
	return ns
}

// noSource is asked nothing: there are no driven objects in these graphs.
type noSource struct{}

func (noSource) Instance(context.Context, object.Scope, object.Driven, object.Instance, addr.Instance) eval.Outcome {
	panic("no driven object here")
}
func (noSource) Changed(addr.Instance, cty.Path) bool { return false }

// point is a node of the graph as the twin sees it.
type point struct {
	spec int
	kind eval.NodeKind
	key  addr.Key
}

// next gives what a point needs, by a plain reading of the rules.
func (w world) next(p point) []point {
	s := w[p.spec]
	var out []point
	refs := func(list []ref) {
		for _, r := range list {
			to := w[r.to]
			switch {
			case r.how == one && to.n > 0 && !to.unknown:
				out = append(out, point{r.to, eval.Expansion, addr.NoKey}, point{r.to, eval.Instance, to.keys()[r.key%to.n].Key})
			case r.how == one || r.how == expansion:
				out = append(out, point{r.to, eval.Expansion, addr.NoKey})
			case r.how == after && to.addr.Kind == addr.ModuleCall:
				out = append(out, point{r.to, eval.Contents, addr.NoKey})
			default:
				out = append(out, point{r.to, eval.Whole, addr.NoKey})
			}
		}
	}
	switch p.kind {
	case eval.Expansion:
		refs(s.countRefs)
	case eval.Whole:
		out = append(out, point{p.spec, eval.Expansion, addr.NoKey})
		if !s.unknown {
			for _, i := range s.keys() {
				out = append(out, point{p.spec, eval.Instance, i.Key})
			}
		}
	case eval.Instance:
		out = append(out, point{p.spec, eval.Expansion, addr.NoKey})
		refs(s.refs)
	case eval.Contents:
		out = append(out, point{p.spec, eval.Expansion, addr.NoKey})
		for i, in := range w {
			if in.module == p.spec {
				out = append(out, point{i, eval.Whole, addr.NoKey})
			}
		}
	default:
		panic("no such point")
	}
	return out
}

// reach calls f for all that a point needs, itself too.
func (w world) reach(p point, seen map[point]bool) {
	if seen[p] {
		return
	}
	seen[p] = true
	for _, q := range w.next(p) {
		w.reach(q, seen)
	}
}

// value computes a point's value recursively; nil when it is unknown.
func (w world) value(p point) *int64 {
	s := w[p.spec]
	var total int64
	add := func(v *int64) bool {
		if v == nil {
			return false
		}
		total += *v
		return true
	}
	if p.kind == eval.Whole {
		if s.unknown {
			return nil
		}
		for _, i := range s.keys() {
			if !add(w.value(point{p.spec, eval.Instance, i.Key})) {
				return nil
			}
		}
		return &total
	}
	total = s.own
	if s.fails {
		return nil
	}
	for _, r := range s.refs {
		to := w[r.to]
		ok := true
		switch {
		case r.how == after:
		case r.how == expansion && to.unknown:
			ok = false
		case r.how == expansion:
			total += int64(to.n)
		case r.how == whole:
			ok = add(w.value(point{r.to, eval.Whole, addr.NoKey}))
		case to.n == 0:
		case to.unknown:
			ok = false
		default:
			ok = add(w.value(point{r.to, eval.Instance, to.keys()[r.key%to.n].Key}))
		}
		if !ok {
			return nil
		}
	}
	return &total
}

func (w world) evaluate() *eval.Evaluator {
	e := eval.New(w.root(), noSource{})
	e.All(context.Background(), nil)
	return e
}

// specOf finds the spec of an address.
func (w world) specOf(o addr.Object) int {
	return slices.IndexFunc(w, func(s *spec) bool { return s.addr == o })
}

func edges(w world, n *eval.Node) []string {
	var out []string
	for _, d := range n.Deps {
		if d.Kind >= eval.Instance && d.Kind <= eval.Contents {
			out = append(out, fmt.Sprint(d.Kind, " ", d.Addr))
		}
	}
	slices.Sort(out)
	return out
}

func (w world) expectedEdges(p point) []string {
	var out []string
	for _, q := range w.next(p) {
		out = append(out, fmt.Sprint(q.kind, " ", w[q.spec].addr.Instance(q.key)))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestAgainstTwin evaluates random graphs without circles at once and compares
// every instance with a naive recursive evaluation: value, edges, and whether it
// failed or waits.
func TestAgainstTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t, false, rapid.Bool().Draw(t, "modules"))
		e := w.evaluate()
		found := 0
		e.Nodes(func(n *eval.Node) {
			i := w.specOf(n.Addr.Object)
			if n.Kind != eval.Instance {
				return
			}
			found++
			p := point{i, eval.Instance, n.Addr.Key}
			seen := map[point]bool{}
			w.reach(p, seen)
			failed, deferred := false, false
			for q := range seen {
				failed = failed || w[q.spec].fails && q.kind == eval.Instance
				deferred = deferred || w[q.spec].unknown && q.kind == eval.Expansion
			}
			if n.Failed != failed || !failed && n.Deferred != deferred {
				t.Fatalf("%s: failed %v and deferred %v, want %v and %v", n.Addr, n.Failed, n.Deferred, failed, deferred)
			}
			if got, want := edges(w, n), w.expectedEdges(p); !slices.Equal(got, want) {
				t.Fatalf("%s: edges\n%s\nwant\n%s", n.Addr, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			want := w.value(p)
			switch {
			case w[i].fails:
			case want == nil && n.Value.IsKnown():
				t.Fatalf("%s is %#v, want unknown", n.Addr, n.Value)
			case want != nil && !n.Value.RawEquals(cty.NumberIntVal(*want)):
				t.Fatalf("%s is %#v, want %d", n.Addr, n.Value, *want)
			}
		})
		total, broken := 0, 0
		for _, s := range w {
			if !s.unknown {
				total += s.n
				if s.fails {
					broken += s.n
				}
			}
		}
		if found != total {
			t.Fatalf("%d instances were evaluated of %d", found, total)
		}
		if d := e.Diags(); len(d) != broken {
			t.Fatalf("%d failures were reported, want %d:\n%v", len(d), broken, d.Err())
		}
	})
}

// circles gives the strongly connected parts that are circles, by brute force: two
// points belong together when each reaches the other.
func (w world) circles() (parts [][]point) {
	var all []point
	for i, s := range w {
		all = append(all, point{i, eval.Whole, addr.NoKey})
		if s.addr.Kind == addr.ModuleCall {
			all = append(all, point{i, eval.Contents, addr.NoKey})
		}
	}
	seen := map[point]bool{}
	for _, p := range all {
		w.reach(p, seen)
	}
	below := map[point]map[point]bool{}
	for p := range seen {
		below[p] = map[point]bool{}
		for _, q := range w.next(p) {
			w.reach(q, below[p])
		}
	}
	done := map[point]bool{}
	for p := range seen {
		if done[p] || !below[p][p] {
			continue
		}
		var part []point
		for q := range seen {
			if below[p][q] && below[q][p] {
				part, done[q] = append(part, q), true
			}
		}
		parts = append(parts, part)
	}
	return parts
}

// names gives what may stand in the message of a circle.
func (w world) names(part []point) map[string]bool {
	names := map[string]bool{}
	for _, p := range part {
		names[w[p.spec].addr.String()] = true
		names[w[p.spec].addr.Instance(p.key).String()] = true
	}
	return names
}

// members reads the names in the message of a circle.
func members(d *diag.Diagnostic) []string {
	if d.Headline == "Self-referential block" {
		name, _, _ := strings.Cut(d.Detail, " refers to itself")
		return []string{name}
	}
	var out []string
	for line := range strings.Lines(d.Detail) {
		if name, ok := strings.CutSuffix(strings.TrimSpace(line), " needs"); ok {
			out = append(out, name)
		}
	}
	return out
}

// TestCircles evaluates random graphs with circles: it always ends, each circle that
// can be seen is reported, what is reported is a circle, and just what depends on one has failed.
func TestCircles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t, true, false)
		e := w.evaluate()
		parts := w.circles()
		reported := make([]int, len(parts))
		for _, d := range e.Diags() {
			if d.Headline == "Broken" {
				continue
			}
			list := members(d)
			// An object can be on several circles of its own, which read the same.
			var at []int
			for i, part := range parts {
				names := w.names(part)
				if !slices.ContainsFunc(list, func(n string) bool { return !names[n] }) {
					at = append(at, i)
					reported[i]++
				}
			}
			if len(at) == 0 || len(list) == 0 {
				t.Fatalf("this is no circle of the graph: %s: %s", d.Headline, d.Detail)
			}
			if len(at) == 1 {
				w.checkSimple(t, parts[at[0]], list, reported[at[0]])
			}
		}
		for i, n := range reported {
			if n == 0 && !w.hidden(parts, i) {
				t.Fatalf("the circle of %v was not reported: %v", w.names(parts[i]), e.Diags().Err())
			}
		}
		w.checkFailed(t, e, parts)
	})
}

// hidden reports whether how often something on a circle exists depends on another
// circle: then its instances are not evaluated, and the other is told first.
func (w world) hidden(parts [][]point, i int) bool {
	seen := map[point]bool{}
	for _, p := range parts[i] {
		w.reach(point{p.spec, eval.Expansion, addr.NoKey}, seen)
	}
	for j, other := range parts {
		if i != j && slices.ContainsFunc(other, func(p point) bool { return seen[p] }) {
			return true
		}
	}
	return false
}

// checkSimple holds a part whose points each have one way on, so that it is one
// circle, to being reported once and with all its objects.
func (w world) checkSimple(t *rapid.T, part []point, list []string, times int) {
	objects := map[string]bool{}
	for _, p := range part {
		ways := 0
		for _, q := range slices.Compact(slices.Clone(w.next(p))) {
			if slices.Contains(part, q) {
				ways++
			}
		}
		if ways != 1 {
			return
		}
		objects[w[p.spec].addr.String()] = true
	}
	if times > 1 {
		t.Fatalf("the circle of %v was reported %d times", objects, times)
	}
	for o := range objects {
		if !slices.ContainsFunc(list, func(n string) bool { return n == o || strings.HasPrefix(n, o+"[") }) {
			t.Fatalf("%s is missing from the circle %v", o, list)
		}
	}
}

func (w world) checkFailed(t *rapid.T, e *eval.Evaluator, parts [][]point) {
	circular := map[point]bool{}
	for _, part := range parts {
		for _, p := range part {
			circular[p] = true
		}
	}
	e.Nodes(func(n *eval.Node) {
		if n.Kind != eval.Instance {
			return
		}
		seen := map[point]bool{}
		w.reach(point{w.specOf(n.Addr.Object), eval.Instance, n.Addr.Key}, seen)
		want := false
		for q := range seen {
			want = want || circular[q] || w[q.spec].fails && q.kind == eval.Instance
		}
		if n.Failed != want {
			t.Fatalf("%s: failed is %v, want %v", n.Addr, n.Failed, want)
		}
	})
}
