package eval_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/eval"
	"tutti/internal/object"
	"tutti/internal/object/objecttest"
)

func local(name string) addr.Object {
	return addr.Object{Name: addr.Name{Kind: addr.Local, Name: name}}
}

// value is an object without instances of its own whose value is computed by f.
func value(name string, f func(context.Context, object.Scope) cty.Value) *objecttest.Value {
	return &objecttest.Value{Address: local(name), Of: func(ctx context.Context, s object.Scope, _ object.Instance) (cty.Value, diag.List) {
		return f(ctx, s), nil
	}}
}

// chain makes n values, each of which needs the next, the last first in the file.
func chain(n int) objecttest.Namespace {
	ns := make(objecttest.Namespace, n)
	byName := map[int]addr.Object{}
	for i := range ns {
		byName[i] = local(fmt.Sprint("v", i))
	}
	for i := range ns {
		ns[i] = value(byName[i].Name.Name, func(ctx context.Context, s object.Scope) cty.Value {
			if i+1 == n {
				return cty.Zero
			}
			return s.Object(ctx, byName[i+1]).Add(cty.NumberIntVal(1))
		})
	}
	return ns
}

// indexed finds its objects fast, for long chains.
type indexed struct {
	objecttest.Namespace
	byName map[addr.Name]object.Object
}

func index(ns objecttest.Namespace) indexed {
	x := indexed{ns, map[addr.Name]object.Object{}}
	for _, o := range ns {
		x.byName[o.Addr().Name] = o
	}
	return x
}

func (x indexed) Lookup(n addr.Name) object.Object { return x.byName[n] }

func TestChainWithinTheLimit(t *testing.T) {
	const n = 6000 // each object is two nodes of the chain, and some
	v, d := eval.New(index(chain(n)), noSource{}).Value(context.Background(), local("v0"))
	if d.HasErrors() || !v.RawEquals(cty.NumberIntVal(n-1)) {
		t.Errorf("got %#v, %v", v, d.Err())
	}
}

func TestChainTooLong(t *testing.T) {
	const n = 11_000
	e := eval.New(index(chain(n)), noSource{})
	_, d := e.Value(context.Background(), local("v0"))
	if len(d) != 1 || d[0].Headline != "Chain of references too long" {
		t.Errorf("got %v", d.Err())
	}
	e.All(context.Background(), nil) // what failed is failed, and nothing hangs
	if d := e.Diags(); len(d) != 1 {
		t.Errorf("got %v", d.Err())
	}
}

// TestManyDependencies is about the cost of one node with very many edges.
func TestManyDependencies(t *testing.T) {
	const n = 50_000
	ns := make(objecttest.Namespace, 0, n+1)
	for i := range n {
		ns = append(ns, value(fmt.Sprint("v", i), func(context.Context, object.Scope) cty.Value { return cty.NumberIntVal(1) }))
	}
	ns = append(ns, value("all", func(ctx context.Context, s object.Scope) cty.Value {
		for i := range n {
			s.After(ctx, local(fmt.Sprint("v", i)))
			s.After(ctx, local(fmt.Sprint("v", i)))
		}
		return cty.Zero
	}))
	e := eval.New(index(ns), noSource{})
	e.All(context.Background(), nil)
	e.Nodes(func(x *eval.Node) {
		if x.Kind == eval.Instance && x.Addr.Name.Name == "all" && len(x.Deps) != n+1 {
			t.Errorf("%d edges, want %d", len(x.Deps), n+1)
		}
	})
}

// TestCancel stops in the middle: what is asked after that fails without a word.
func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	ns := objecttest.Namespace{
		value("a", func(context.Context, object.Scope) cty.Value { cancel(); return cty.Zero }),
		value("b", func(ctx context.Context, s object.Scope) cty.Value {
			s.Object(ctx, local("a"))
			return s.Object(ctx, local("c"))
		}),
		value("c", func(context.Context, object.Scope) cty.Value {
			t.Error("c was evaluated after the end")
			return cty.Zero
		}),
	}
	e := eval.New(ns, noSource{})
	if v, d := e.Value(ctx, local("b")); len(d) != 0 || v.IsKnown() {
		t.Errorf("got %#v, %v", v, d.Err())
	}
	e.All(ctx, nil)
}

// TestUnknownModule asks for what lies in a module whose instances are not known:
// that waits, and is no mistake.
func TestUnknownModule(t *testing.T) {
	call := &objecttest.Module{Value: objecttest.Value{Address: addr.Object{Name: addr.Name{Kind: addr.ModuleCall, Name: "m"}}}}
	call.Many = func(context.Context, object.Scope) (object.Expansion, diag.List) {
		return object.Expansion{Shape: object.ForEach, Unknown: true}, nil
	}
	inside := addr.Object{Module: addr.Module{}.Child("m", addr.StringKey("a")), Name: addr.Name{Kind: addr.Local, Name: "x"}}
	e := eval.New(objecttest.Namespace{call, value("user", func(ctx context.Context, s object.Scope) cty.Value { return s.Object(ctx, inside) })}, noSource{})
	e.All(context.Background(), nil)
	if d := e.Diags(); len(d) != 0 {
		t.Errorf("got %v", d.Err())
	}
	if n, _ := e.Instance(context.Background(), local("user").Instance(addr.NoKey)); n == nil || !n.Deferred || n.Failed {
		t.Errorf("got %+v", n)
	}
	if st := e.Status(inside); !st.Unknown || st.Exists || st.Failed {
		t.Errorf("got %+v", st)
	}
}

// TestBrokenModule opens a module that cannot be opened: one error, not two.
func TestBrokenModule(t *testing.T) {
	call := &objecttest.Module{
		Value: objecttest.Value{Address: addr.Object{Name: addr.Name{Kind: addr.ModuleCall, Name: "m"}},
			Of: func(context.Context, object.Scope, object.Instance) (cty.Value, diag.List) {
				return cty.EmptyObjectVal, nil
			}},
		Inside: func(object.Instance) (object.Namespace, diag.List) {
			return nil, diag.Errorf(nil, "Broken", "It is broken.")
		},
	}
	inside := addr.Object{Module: addr.Module{}.Child("m", addr.NoKey), Name: addr.Name{Kind: addr.Local, Name: "x"}}
	e := eval.New(objecttest.Namespace{call, value("user", func(ctx context.Context, s object.Scope) cty.Value { return s.Object(ctx, inside) })}, noSource{})
	e.All(context.Background(), nil)
	if d := e.Diags(); len(d) != 1 || d[0].Headline != "Broken" {
		t.Errorf("got %v", d.Err())
	}
}

func TestMissingObject(t *testing.T) {
	e := eval.New(objecttest.Namespace{}, noSource{})
	_, d := e.Value(context.Background(), local("nowhere"))
	if len(d) != 1 || d[0].Headline != "Reference to something that does not exist" {
		t.Errorf("got %v", d.Err())
	}
}

// TestCircleByCount is a circle in which no instance takes part.
func TestCircleByCount(t *testing.T) {
	ns := objecttest.Namespace{}
	for i, name := range []string{"a", "b", "c"} {
		next := local([]string{"b", "c", "a"}[i])
		v := value(name, func(context.Context, object.Scope) cty.Value { return cty.Zero })
		v.Many = func(ctx context.Context, s object.Scope) (object.Expansion, diag.List) {
			s.Expansion(ctx, next)
			return objecttest.Keys(object.Count, 1), nil
		}
		ns = append(ns, v)
	}
	e := eval.New(ns, noSource{})
	e.All(context.Background(), nil)
	d := e.Diags()
	if len(d) != 1 || !slices.Equal(members(d[0]), []string{"local.a", "local.b", "local.c"}) {
		t.Errorf("got %v", d.Err())
	}
}

// TestCircleReadsTheSame starts at each object of a circle in turn, so that each of
// them is once the one that closes it: what is said is the same to the letter.
func TestCircleReadsTheSame(t *testing.T) {
	names := []string{"c", "a", "b"}
	circle := objecttest.Namespace{}
	for i, name := range names {
		next := local(names[(i+1)%len(names)])
		v := value(name, func(ctx context.Context, s object.Scope) cty.Value { return s.Object(ctx, next) })
		circle = append(circle, cited{v, addr.Reference{Subject: next.Name, Range: hcl.Range{Filename: "main", Start: hcl.Pos{Line: i + 1}}}})
	}
	self := value("a", func(ctx context.Context, s object.Scope) cty.Value { return s.Object(ctx, local("a")) })
	for _, tc := range []struct {
		ns             objecttest.Namespace
		headline, with string
		line           int // of the subject, 0 for none
	}{
		{circle, "Cycle", "local.a", 2},
		{objecttest.Namespace{circle[0], circle[1].(cited).Value, circle[2]}, "Cycle", "local.b", 3}, // the text of a names nothing
		{objecttest.Namespace{self}, "Self-referential block", "local.a", 0},
	} {
		for _, start := range tc.ns {
			e := eval.New(tc.ns, noSource{})
			e.Value(context.Background(), start.Addr())
			d := e.Diags()
			if len(d) != 1 || d[0].Headline != tc.headline || d[0].Address != tc.with {
				t.Errorf("from %s: got %+v, %v", start.Addr(), d, d.Err())
				continue
			}
			if line := lineOf(d[0]); line != tc.line {
				t.Errorf("from %s: the subject is in line %d, want %d", start.Addr(), line, tc.line)
			}
		}
	}
}

// TestOverlappingCircles has three circles that share objects: whichever evaluation
// comes upon, wherever it starts, the same one is told.
func TestOverlappingCircles(t *testing.T) {
	var ns objecttest.Namespace
	for _, of := range [][]string{{"a", "b", "c"}, {"b", "a"}, {"c", "b", "d"}, {"d", "c"}} {
		ns = append(ns, value(of[0], func(ctx context.Context, s object.Scope) cty.Value {
			for _, name := range of[1:] {
				s.Object(ctx, local(name))
			}
			return cty.Zero
		}))
	}
	for _, start := range ns {
		e := eval.New(ns, noSource{})
		e.Value(context.Background(), start.Addr())
		d := e.Diags()
		if len(d) != 1 || !slices.Equal(members(d[0]), []string{"local.a", "local.b"}) {
			t.Errorf("from %s: got %v", start.Addr(), d.Err())
		}
		if _, d := e.Value(context.Background(), start.Addr()); len(d) == 0 {
			t.Errorf("%s is not told to be on a circle", start.Addr())
		}
	}
}

func lineOf(d *diag.Diagnostic) int {
	if d.Subject == nil {
		return 0
	}
	return d.Subject.Start.Line
}

// cited is a value whose text names what it needs.
type cited struct {
	*objecttest.Value
	ref addr.Reference
}

func (c cited) References() []addr.Reference { return []addr.Reference{c.ref} }

// TestRemember makes a thing once for all who ask in one evaluation, and again in
// another.
func TestRemember(t *testing.T) {
	var made atomic.Int32
	ns := objecttest.Namespace{}
	for i := range 100 {
		ns = append(ns, value(fmt.Sprint("v", i), func(_ context.Context, s object.Scope) cty.Value {
			return s.(interface{ Remember(any, func() any) any }).Remember("key", func() any { return cty.NumberIntVal(int64(made.Add(1))) }).(cty.Value)
		}))
	}
	for want := range int64(2) {
		e := eval.New(index(ns), noSource{})
		e.All(context.Background(), nil)
		e.Nodes(func(n *eval.Node) {
			if n.Kind == eval.Instance && !n.Value.RawEquals(cty.NumberIntVal(want+1)) {
				t.Errorf("%s is %#v, want %d", n.Addr, n.Value, want+1)
			}
		})
	}
}

// TestWithConcurrently asks from outside, from many goroutines at once.
func TestWithConcurrently(t *testing.T) {
	broken := &objecttest.Value{Address: local("broken"), Of: func(context.Context, object.Scope, object.Instance) (cty.Value, diag.List) {
		return cty.NilVal, diag.Errorf(nil, "Broken", "It is broken.")
	}}
	ns := append(chain(100), broken)
	e := eval.New(index(ns), noSource{})
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			if i%2 == 0 {
				if _, d := e.Value(context.Background(), local("broken")); len(d) != 1 || d[0].Headline != "Broken" {
					t.Errorf("got %v", d.Err())
				}
				return
			}
			if v, d := e.Value(context.Background(), local(fmt.Sprint("v", i))); d.HasErrors() || !v.RawEquals(cty.NumberIntVal(int64(99-i))) {
				t.Errorf("v%d is %#v, %v", i, v, d.Err())
			}
		})
	}
	wg.Wait()
}

// pendingSource says that instances whose name begins with "p" are going to change.
type pendingSource struct{ noSource }

func (pendingSource) Instance(ctx context.Context, s object.Scope, o object.Driven, inst object.Instance, a addr.Instance) eval.Outcome {
	v, d := o.Wanted(ctx, s, inst)
	return eval.Outcome{Value: cty.TupleVal([]cty.Value{v, cty.BoolVal(eval.Pending(s))}), Pending: strings.HasPrefix(a.Name.Name, "p"), Diags: d}
}

// driven is a value that a source is asked about.
type driven struct{ *objecttest.Value }

func (driven) Driver(context.Context, object.Scope, object.Instance) (object.Driver, diag.List) {
	panic("the source asks for no driver")
}

func (driven) Policy(context.Context, object.Scope, object.Instance) (object.Policy, diag.List) {
	panic("the source asks for no policy")
}

// TestPending: what depends on a changing object by order alone is told so, also
// when the object lies in a module; what uses its value is not.
func TestPending(t *testing.T) {
	inner := driven{value("px", func(context.Context, object.Scope) cty.Value { return cty.Zero })}
	inner.Address.Module = addr.Module{}.Child("m", addr.NoKey)
	call := &objecttest.Module{
		Value: objecttest.Value{Address: addr.Object{Name: addr.Name{Kind: addr.ModuleCall, Name: "m"}},
			Of: func(context.Context, object.Scope, object.Instance) (cty.Value, diag.List) {
				return cty.EmptyObjectVal, nil
			}},
		Inside: func(object.Instance) (object.Namespace, diag.List) { return objecttest.Namespace{inner}, nil },
	}
	after := func(name string, of addr.Object) object.Object {
		return driven{value(name, func(ctx context.Context, s object.Scope) cty.Value { s.After(ctx, of); return cty.Zero })}
	}
	ns := objecttest.Namespace{
		call,
		driven{value("p", func(context.Context, object.Scope) cty.Value { return cty.Zero })},
		driven{value("still", func(context.Context, object.Scope) cty.Value { return cty.Zero })},
		after("afterP", local("p")), after("afterStill", local("still")), after("afterModule", call.Address),
		driven{value("user", func(ctx context.Context, s object.Scope) cty.Value { return s.Object(ctx, local("p")) })},
	}
	e := eval.New(ns, pendingSource{})
	e.All(context.Background(), nil)
	for name, want := range map[string]bool{"afterP": true, "afterStill": false, "afterModule": true, "user": false} {
		v, d := e.Value(context.Background(), local(name))
		if d.HasErrors() || v.Index(cty.NumberIntVal(1)).True() != want {
			t.Errorf("%s: pending is %#v, want %v (%v)", name, v, want, d.Err())
		}
	}
}

// TestFilter evaluates what the filter takes and what that needs, and knows of the
// rest that it exists.
func TestFilter(t *testing.T) {
	seen := map[string]bool{}
	var mu sync.Mutex
	make1 := func(name string, needs ...string) object.Object {
		return value(name, func(ctx context.Context, s object.Scope) cty.Value {
			mu.Lock()
			seen[name] = true
			mu.Unlock()
			for _, n := range needs {
				s.Object(ctx, local(n))
			}
			return cty.Zero
		})
	}
	e := eval.New(objecttest.Namespace{make1("a"), make1("b", "a"), make1("c", "b")}, noSource{})
	e.All(context.Background(), func(i addr.Instance) bool { return i.Name.Name == "b" })
	if !seen["a"] || !seen["b"] || seen["c"] {
		t.Errorf("evaluated: %v", seen)
	}
	if st := e.Status(local("c")); !st.Exists || st.Unknown || len(st.Expansion.Instances) != 1 {
		t.Errorf("got %+v", st)
	}
	if st := e.Status(local("d")); st.Exists {
		t.Errorf("got %+v", st)
	}
}

// TestCloseInReverse closes what was opened, the last first.
func TestCloseInReverse(t *testing.T) {
	var order []string
	open := func(name string, needs ...string) object.Object {
		return opener{value(name, func(ctx context.Context, s object.Scope) cty.Value {
			for _, n := range needs {
				s.Object(ctx, local(n))
			}
			return cty.Zero
		}), &order}
	}
	e := eval.New(objecttest.Namespace{open("c", "b"), open("b", "a"), open("a")}, noSource{})
	if _, d := e.Value(context.Background(), local("c")); d.HasErrors() {
		t.Fatal(d.Err())
	}
	if d := e.Close(context.Background()); len(d) != 0 || !slices.Equal(order, []string{"c", "b", "a"}) {
		t.Errorf("closed %v, %v", order, d.Err())
	}
}

type opener struct {
	*objecttest.Value
	order *[]string
}

func (o opener) OpenValue(ctx context.Context, s object.Scope, inst object.Instance) (cty.Value, func(context.Context) diag.List, diag.List) {
	v, d := o.Wanted(ctx, s, inst)
	return v, func(context.Context) diag.List {
		*o.order = append(*o.order, o.Address.Name.Name)
		return nil
	}, d
}
