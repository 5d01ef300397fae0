package expr_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/tryfunc"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/expr"
	"tutti/internal/object"
)

// asked is a scope that notes what it is asked for: "a" the whole, "a[1]" an
// instance, "#a" its expansion.
type asked struct {
	calls []string
	many  map[string]object.Expansion
}

func (s *asked) note(what string) { s.calls = append(s.calls, what) }

func named(o addr.Object) string { return strings.TrimPrefix(o.String(), "t.") }

// one is the value of one instance: its address stands in it.
func one(i addr.Instance) cty.Value {
	return cty.ObjectVal(map[string]cty.Value{"id": cty.StringVal(named(i.Object) + i.Key.String()), "n": cty.NumberIntVal(7),
		"list": cty.ListVal([]cty.Value{cty.StringVal("l0"), cty.StringVal("l1")})})
}

func (s *asked) Object(_ context.Context, o addr.Object) cty.Value {
	s.note(named(o))
	switch o.Kind {
	case addr.Local:
		return cty.NumberIntVal(1)
	case addr.Output:
		return cty.StringVal(o.String())
	case addr.Variable:
		return cty.MapVal(map[string]cty.Value{"k": cty.StringVal("x")})
	}
	x := s.many[named(o)]
	vals := map[string]cty.Value{}
	var list []cty.Value
	for _, inst := range x.Instances {
		v := one(o.Instance(inst.Key))
		list = append(list, v)
		if k, ok := inst.Key.Str(); ok {
			vals[k] = v
		}
	}
	switch {
	case x.Unknown:
		return cty.DynamicVal
	case x.Shape == object.Count:
		return cty.TupleVal(list)
	case x.Shape == object.ForEach:
		return cty.ObjectVal(vals)
	case o.Kind == addr.ModuleCall:
		return cty.ObjectVal(map[string]cty.Value{"out": cty.StringVal("whole")})
	}
	return one(o.Instance(addr.NoKey))
}

func (s *asked) Instance(_ context.Context, i addr.Instance) cty.Value {
	s.note(named(i.Object) + i.Key.String())
	return one(i)
}

func (s *asked) Expansion(_ context.Context, o addr.Object) object.Expansion {
	s.note("#" + named(o))
	if x, ok := s.many[named(o)]; ok {
		return x
	}
	return object.One()
}

func (s *asked) After(context.Context, addr.Object) { panic("not asked by expressions") }

func (s *asked) Changed(context.Context, addr.Instance, cty.Path) bool {
	panic("not asked by expressions")
}

func count(n int) object.Expansion {
	x := object.Expansion{Shape: object.Count}
	for i := range n {
		x.Instances = append(x.Instances, object.Instance{Key: addr.IntKey(i)})
	}
	return x
}

func each(keys ...string) object.Expansion {
	x := object.Expansion{Shape: object.ForEach}
	for _, k := range keys {
		x.Instances = append(x.Instances, object.Instance{Key: addr.StringKey(k)})
	}
	return x
}

func scope() *asked {
	return &asked{many: map[string]object.Expansion{"a": count(3), "e": each("1", "x", "y"), "later": {Shape: object.Count, Unknown: true},
		"module.c": count(2), "module.e": each("x")}}
}

func env() *expr.Env {
	return &expr.Env{
		Functions: map[string]function.Function{"try": tryfunc.TryFunc, "can": tryfunc.CanFunc, "upper": stdlib.UpperFunc, "length": stdlib.LengthFunc},
		Roots:     map[string]cty.Value{"path": cty.ObjectVal(map[string]cty.Value{"module": cty.StringVal("here")})},
		Output:    func(_, output string) bool { return output != "missing" },
		Provided: func(_ context.Context, _ object.Scope, name string) (function.Function, diag.List) {
			if name != "provider::p::shout" {
				return function.Function{}, diag.Errorf(nil, "Function not found in provider", "%s is not there.", name)
			}
			return stdlib.UpperFunc, nil
		},
	}
}

// TestContext holds that an expression asks for just what it needs.
func TestContext(t *testing.T) {
	key := expr.Local{Instance: object.Instance{Key: addr.IntKey(1)}}
	letter := expr.Local{Instance: object.Instance{Key: addr.StringKey("x"), Value: cty.StringVal("v")}}
	for _, tc := range []struct {
		text  string
		local expr.Local
		calls string
		want  string // the value as text, "?" when it is unknown, or the headline of what is wrong
	}{
		{"t.plain.id", expr.Local{}, "plain", "plain"},
		{"t.a[0].id", expr.Local{}, "#a a[0]", "a[0]"},
		{"t.a[count.index].id", key, "#a a[1]", "a[1]"},
		{"t.a[count.index + 1].id", key, "#a a[2]", "a[2]"},
		{"t.a[count.index + 9].id", key, "#a", "Invalid index"},
		{"try(t.a[5].id, \"none\")", expr.Local{}, "#a", "none"},
		{"can(t.a[5].id) ? 1 : 0", expr.Local{}, "#a", "0"},
		{"t.a[\"2\"].id", expr.Local{}, "#a a[2]", "a[2]"},
		{"t.a[0].id == t.a[2].id ? \"same\" : \"other\"", expr.Local{}, "#a a[0] a[2]", "other"},
		{"length(t.a[*].id)", expr.Local{}, "a", "3"},
		{"length(t.a) == 3 ? t.a[0].id : \"\"", expr.Local{}, "a", "a[0]"},
		{"t.a[local.i].id", expr.Local{}, "local.i #a a[1]", "a[1]"},
		{"t.a[0].list[1]", expr.Local{}, "#a a[0]", "l1"},
		{"t.a[count.index].list[count.index]", key, "#a a[1]", "l1"},
		{"t.e[each.key].id", letter, "#e e[\"x\"]", "e[\"x\"]"},
		{"t.e[\"y\"].id", expr.Local{}, "#e e[\"y\"]", "e[\"y\"]"},
		{"t.e.y.id", expr.Local{}, "e", "e[\"y\"]"},
		{"t.e[1].id", expr.Local{}, "#e e[\"1\"]", "e[\"1\"]"},
		{"t.e[\"z\"].id", expr.Local{}, "#e", "Invalid index"},
		{"t.e[var.m.k].id", expr.Local{}, "var.m #e e[\"x\"]", "e[\"x\"]"},
		{"t.e[t.a[local.i].n].id", expr.Local{}, "local.i #e e #a a[1]", "Invalid index"},
		{"each.value", letter, "", "v"},
		{"path.module", expr.Local{}, "", "here"},
		{"t.plain[0].id", expr.Local{}, "#plain plain", "Invalid index"},
		{"t.later[0].id", expr.Local{}, "#later later", "?"},
		{"join([for x in t.a : x.id if x.n > t.plain.n])", expr.Local{}, "a plain", "Call to unknown function"},
		{"length([for a in [1, 2] : t.a[a].id])", expr.Local{}, "a", "2"},
		{"length([for t in [1, 2] : t])", expr.Local{}, "", "2"},
		{"upper(resource.t.plain.id)", expr.Local{}, "plain", "PLAIN"},
		{"provider::p::shout(\"x\")", expr.Local{}, "", "X"},
		{"provider::p::none(\"x\")", expr.Local{}, "", "Function not found in provider"},
		{"module.m.out", expr.Local{}, "#module.m module.m.output.out", "module.m.output.out"},
		{"module.m.out == module.m.other ? 1 : 0", expr.Local{}, "#module.m module.m.output.out module.m.output.other", "0"},
		{"module.m.missing", expr.Local{}, "#module.m", "Unsupported attribute"},
		{"[module.m][0].out", expr.Local{}, "#module.m module.m", "whole"},
		{"module.c[1].out", expr.Local{}, "#module.c module.c[1].output.out", "module.c[1].output.out"},
		{"module.c[count.index].out", key, "#module.c module.c[1].output.out", "module.c[1].output.out"},
		{"module.c[7].out", expr.Local{}, "#module.c", "Invalid index"},
		{"length(module.c[*].out)", expr.Local{}, "#module.c module.c", "Unsupported attribute"},
		{"module.e[each.key].out", letter, "#module.e module.e[\"x\"].output.out", "module.e[\"x\"].output.out"},
	} {
		t.Run(tc.text, func(t *testing.T) {
			x, hd := hclsyntax.ParseExpression([]byte(tc.text), "x", hcl.InitialPos)
			if hd.HasErrors() {
				t.Fatal(hd)
			}
			s := scope()
			got := evaluate(s, x, tc.local)
			if calls := strings.Join(s.calls, " "); calls != tc.calls || got != tc.want {
				t.Errorf("got %s asking for %q; want %s asking for %q", got, calls, tc.want, tc.calls)
			}
		})
	}
}

func evaluate(s *asked, x hcl.Expression, l expr.Local) string {
	code, d := expr.Compile(x)
	if d.HasErrors() {
		return d[0].Headline
	}
	ev, d := code.Context(context.Background(), s, env(), l)
	if d.HasErrors() {
		return d[0].Headline
	}
	v, hd := x.Value(ev)
	switch {
	case hd.HasErrors():
		return hd[0].Summary
	case !v.IsKnown():
		return "?"
	case v.Type() == cty.Number:
		return v.AsBigFloat().Text('f', -1)
	}
	return v.AsString()
}

// TestJSON: expressions in JSON are templates; an index there is followed when it
// is a literal, and otherwise asks for the whole.
func TestJSON(t *testing.T) {
	f, hd := json.Parse([]byte(`{"one": "${t.a[0].id}", "by": "${t.a[count.index].id}", "f": "${provider::p::shout(t.plain.id)}"}`), "x.json")
	if hd.HasErrors() {
		t.Fatal(hd)
	}
	attrs, hd := f.Body.JustAttributes()
	if hd.HasErrors() {
		t.Fatal(hd)
	}
	for name, want := range map[string][2]string{"one": {"a[0]", "#a a[0]"}, "by": {"a[1]", "#a a[1]"}, "f": {"PLAIN", "plain"}} {
		s := scope()
		got := evaluate(s, attrs[name].Expr, expr.Local{Instance: object.Instance{Key: addr.IntKey(1)}})
		if calls := strings.Join(s.calls, " "); got != want[0] || calls != want[1] && calls != "a" {
			t.Errorf("%s: got %s asking for %q; want %v", name, got, calls, want)
		}
	}
}

// TestBody: a body's own names hide objects only inside the blocks that define them.
func TestBody(t *testing.T) {
	f, hd := hclsyntax.ParseConfig([]byte(`
x = t.a[0].id
dynamic "t" {
  for_each = t.plain.list
  content {
    y = t.value
  }
}
dynamic "rule" {
  for_each = [1]
  iterator = it
  content {
    z = "${it.value} ${t.e["x"].id}"
  }
}
`), "x.tf", hcl.InitialPos)
	if hd.HasErrors() {
		t.Fatal(hd)
	}
	code, d := expr.CompileBody(f.Body, func(hcl.Body) []hcl.Traversal { panic("native syntax needs no schema") })
	if d.HasErrors() {
		t.Fatal(d.Err())
	}
	s := scope()
	ev, d := code.Context(context.Background(), s, env(), expr.Local{})
	if d.HasErrors() || !slices.Equal(s.calls, []string{"#a", "a[0]", "plain", "#e", `e["x"]`}) {
		t.Errorf("asked for %v, %v", s.calls, d.Err())
	}
	if _, ok := ev.Variables["t"]; !ok {
		t.Errorf("variables: %v", ev.Variables)
	}
}

// layered is a body with another one on top.
type layered struct {
	hcl.Body
	base, over hcl.Body
}

func (l layered) Layers() (base, over hcl.Body) { return l.base, l.over }

// TestOverride: what an override hides is not referred to.
func TestOverride(t *testing.T) {
	body := func(text string) hcl.Body {
		f, hd := hclsyntax.ParseConfig([]byte(text), "x.tf", hcl.InitialPos)
		if hd.HasErrors() {
			t.Fatal(hd)
		}
		return f.Body
	}
	b := layered{base: body("x = t.old.id\ny = t.kept.id\nz {\n v = t.gone.id\n}"), over: body("x = t.new.id\nz {\n v = t.here.id\n}")}
	code, d := expr.CompileBody(b, func(hcl.Body) []hcl.Traversal { panic("native syntax needs no schema") })
	if d.HasErrors() {
		t.Fatal(d.Err())
	}
	var got []string
	for _, r := range code.References() {
		got = append(got, r.Subject.Name)
	}
	if !slices.Equal(got, []string{"kept", "new", "here"}) {
		t.Errorf("got %v", got)
	}
}

// TestRepetition reads count, for_each and enabled.
func TestRepetition(t *testing.T) {
	marked := cty.NumberIntVal(1).Mark(object.Sensitive)
	for _, tc := range []struct {
		name string
		of   func(cty.Value, hcl.Range) (object.Expansion, diag.List)
		v    cty.Value
		want string // the keys, "?" when unknown, "!" when refused
	}{
		{"count", expr.Count, cty.NumberIntVal(2), "[0][1]"}, {"a count as text", expr.Count, cty.StringVal("1"), "[0]"}, {"none", expr.Count, cty.Zero, ""},
		{"below zero", expr.Count, cty.NumberIntVal(-1), "!"}, {"a fraction", expr.Count, cty.NumberFloatVal(1.5), "!"}, {"null count", expr.Count, cty.NullVal(cty.Number), "!"},
		{"unknown count", expr.Count, cty.UnknownVal(cty.Number), "?"}, {"sensitive count", expr.Count, marked, "!"}, {"too many", expr.Count, cty.NumberIntVal(expr.MaxInstances + 1), "!"},
		{"ephemeral count", expr.Count, cty.Zero.Mark(object.Ephemeral), "!"}, {"a list as count", expr.Count, cty.EmptyTupleVal, "!"},
		{"map", expr.ForEach, cty.MapVal(map[string]cty.Value{"b": cty.True, "a": cty.True}), `["a"]["b"]`}, {"object", expr.ForEach, cty.ObjectVal(map[string]cty.Value{"a": cty.Zero}), `["a"]`},
		{"set", expr.ForEach, cty.SetVal([]cty.Value{cty.StringVal("x")}), `["x"]`}, {"set of numbers", expr.ForEach, cty.SetVal([]cty.Value{cty.Zero}), "!"},
		{"set with unknown", expr.ForEach, cty.SetVal([]cty.Value{cty.UnknownVal(cty.String)}), "?"}, {"unknown map", expr.ForEach, cty.UnknownVal(cty.Map(cty.String)), "?"},
		{"null in a set", expr.ForEach, cty.SetVal([]cty.Value{cty.NullVal(cty.String)}), "!"},
		{"map with unknown values", expr.ForEach, cty.MapVal(map[string]cty.Value{"a": cty.UnknownVal(cty.String)}), `["a"]`}, {"tuple", expr.ForEach, cty.TupleVal([]cty.Value{cty.Zero}), "!"},
		{"null for_each", expr.ForEach, cty.NullVal(cty.Map(cty.String)), "!"}, {"sensitive values in a map", expr.ForEach, cty.MapVal(map[string]cty.Value{"a": marked}), `["a"]`},
		{"sensitive map", expr.ForEach, cty.MapValEmpty(cty.String).Mark(object.Sensitive), "!"},
		{"sensitive in a set", expr.ForEach, cty.SetVal([]cty.Value{cty.StringVal("a").Mark(object.Sensitive)}), "!"},
		{"enabled", expr.Enabled, cty.True, "-"}, {"disabled", expr.Enabled, cty.False, ""}, {"enabled as text", expr.Enabled, cty.StringVal("true"), "-"},
		{"unknown enabled", expr.Enabled, cty.UnknownVal(cty.Bool), "?"}, {"null enabled", expr.Enabled, cty.NullVal(cty.Bool), "!"}, {"sensitive enabled", expr.Enabled, cty.True.Mark(object.Sensitive), "!"},
	} {
		x, d := tc.of(tc.v, hcl.Range{})
		got := ""
		for _, i := range x.Instances {
			if got += i.Key.String(); i.Key.IsNone() {
				got += "-"
			}
		}
		switch {
		case d.HasErrors():
			got = "!"
		case x.Unknown:
			got = "?"
		}
		if got != tc.want {
			t.Errorf("%s: got %q, want %q (%v)", tc.name, got, tc.want, d.Err())
		}
	}
}
