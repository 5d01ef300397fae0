package expr_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"pgregory.net/rapid"

	"tutti/internal/addr"
	"tutti/internal/expr"
	"tutti/internal/object"
)

func parseBody(t testing.TB, text string) *hclsyntax.Body {
	t.Helper()
	f, hd := hclsyntax.ParseConfig([]byte(text), "x.tf", hcl.InitialPos)
	if hd.HasErrors() {
		t.Fatalf("%s: %s", text, hd)
	}
	return f.Body.(*hclsyntax.Body)
}

// TestShareBody tells which parts of a body are shared.
func TestShareBody(t *testing.T) {
	for _, tc := range []struct {
		text string
		want []string
	}{
		{`x = length(t.a)`, []string{`length(t.a)`}},
		{`x = t.a[*].id`, []string{`t.a[*].id`}},
		{`x = [for v in t.a : upper(v.id)]`, []string{`[for v in t.a : upper(v.id)]`}},
		{`x = [for count in t.a : upper(count.id)]`, []string{`[for count in t.a : upper(count.id)]`}},
		{`x = [for v in t.a : v.n + length(t.e) + count.index]`, []string{`length(t.e)`}},
		{`x = [for v in upper(t.a) : upper(v) if each.key == "x"]`, []string{`upper(t.a)`}},
		{`x = length(t.a) + count.index`, []string{`length(t.a)`}},
		{`x = concat(t.a[*].id, [each.key])`, []string{`t.a[*].id`}},
		{`x = (t.a[*].id)[count.index]`, []string{`t.a[*].id`}},
		{`x = t.a[length(t.e)].id`, []string{`length(t.e)`}},
		{`x = "${upper(var.m.k)}-${each.key}"`, []string{`upper(var.m.k)`}},
		{`x = "${upper(var.m.k)}"`, []string{`upper(var.m.k)`}},
		{`x = "%{for v in t.a}${v.id}%{endfor}"`, []string{`%{for v in t.a}${v.id}%{endfor}`}},
		{`x = {(upper("k")) = upper("v"), w = each.key}`, []string{`upper("v")`}},
		{`x = count.index > 0 ? upper(t.plain.id) : !can(t.a[each.key])`, []string{`upper(t.plain.id)`}},
		{`x = -length(t.a)`, []string{`length(t.a)`}},
		{`x = upper(path.module)`, []string{`upper(path.module)`}},
		{`x = upper(self.id)`, nil},
		{`x = upper(each.key)`, nil},
		{`x = t.a[count.index].id`, nil},
		{`x = list(string)`, nil}, // a type: what is no reference is not evaluated
		{`skip = upper("x")
		  not {
		    x = upper("x")
		  }`, nil},
		{`dynamic "rule" {
		    for_each = t.a[*].id
		    content {
		      x = upper(rule.value)
		      y = upper(t.plain.id)
		      z {
		        x = upper(rule.key)
		      }
		    }
		  }`, []string{`t.a[*].id`, `upper(t.plain.id)`}},
		{`dynamic "rule" {
		    for_each = [1]
		    iterator = it
		    content {
		      x = upper(it.value)
		      y = upper(rule.value.x)
		    }
		  }`, []string{`upper(rule.value.x)`}},
	} {
		body := parseBody(t, tc.text+"\n")
		expr.ShareBody(body, "skip", "not")
		var got []string
		hd := hclsyntax.VisitAll(body, func(n hclsyntax.Node) hcl.Diagnostics {
			if s, ok := n.(*expr.Shared); ok {
				got = append(got, string(s.Range().SliceBytes([]byte(tc.text))))
			}
			return nil
		})
		slices.Sort(got)
		if slices.Sort(tc.want); hd.HasErrors() || !slices.Equal(got, tc.want) {
			t.Errorf("%s\nshares %q, want %q", tc.text, got, tc.want)
		}
	}
}

// remembering is a scope of an evaluation that remembers.
type remembering struct {
	*asked
	kept map[any]any
}

var _ expr.Memory = (*remembering)(nil)

func (r *remembering) Remember(key any, make func() any) any {
	if _, ok := r.kept[key]; !ok {
		r.kept[key] = make()
	}
	return r.kept[key]
}

func (r *remembering) Object(ctx context.Context, o addr.Object) cty.Value {
	if v := r.asked.Object(ctx, o); o.Name.Name != "secret" {
		return v
	}
	return cty.StringVal("hush").Mark(object.Sensitive)
}

// stage is an environment whose function tick counts its calls.
func stage() (*expr.Env, *int) {
	e, n := env(), new(int)
	e.Functions["tick"] = function.New(&function.Spec{Type: function.StaticReturnType(cty.Number), Impl: func([]cty.Value, cty.Type) (cty.Value, error) {
		*n++
		return cty.NumberIntVal(int64(*n)), nil
	}})
	e.Varies = func(name string) bool { return name == "tick" }
	return e, n
}

// outcome is all that three instances of a block see of an attribute x.
func outcome(t testing.TB, text string, shared bool) string {
	body := parseBody(t, "x = "+text+"\n")
	if shared {
		expr.ShareBody(body)
	}
	x := body.Attributes["x"].Expr
	code, d := expr.Compile(x)
	if d.HasErrors() {
		return d.Err().Error()
	}
	e, _ := stage()
	kept, out := map[any]any{}, ""
	for i := range 3 {
		s := &remembering{scope(), kept}
		ev, d := code.Context(context.Background(), s, e, expr.Local{Instance: object.Instance{Key: addr.IntKey(i)}})
		v, hd := x.Value(ev)
		out += fmt.Sprintf("%d asks for %s: %#v, %v\n", i, strings.Join(s.calls, " "), v, d.Err())
		for _, x := range hd {
			first, _, _ := strings.Cut(x.Detail, "\n") // below may stand a stack of the library's
			out += fmt.Sprintf("  %s %s: %s\n", x.Subject, x.Summary, first)
		}
	}
	return out
}

// drawExpr gives the text of an expression; names are those that for expressions
// around it bind.
func drawExpr(t *rapid.T, depth int, names []string) string {
	atoms := append([]string{`1`, `"s"`, `t.plain.id`, `t.plain.n`, `t.a`, `t.a[0].id`, `t.a[count.index].id`, `t.a[5].id`, `t.a[*].id`, `t.e["x"].id`,
		`local.i`, `local.secret`, `var.m`, `var.m.k`, `count.index`, `path.module`, `t.later`, `t.later[0].id`, `module.c[*]`, `module.c[1].out`, `tick()`}, names...)
	if depth == 0 {
		return rapid.SampledFrom(atoms).Draw(t, "atom")
	}
	sub := func() string { return drawExpr(t, depth-1, names) }
	switch rapid.IntRange(0, 11).Draw(t, "form") {
	case 0:
		return "upper(" + sub() + ")"
	case 1:
		return "length(" + sub() + ")"
	case 2:
		return "try(" + sub() + ", " + sub() + ")"
	case 3:
		return "can(" + sub() + ")"
	case 4:
		return "[" + sub() + ", " + sub() + "]"
	case 5:
		return "{k = " + sub() + "}"
	case 6:
		return "(" + sub() + " ? " + sub() + " : " + sub() + ")"
	case 7:
		return `"${` + sub() + "}-${" + sub() + `}"`
	case 8:
		name := rapid.SampledFrom([]string{"v", "t", "count"}).Draw(t, "bound")
		return "[for " + name + " in " + sub() + " : " + drawExpr(t, depth-1, append(slices.Clone(names), name, name+".id")) + "]"
	case 9:
		return "(" + sub() + " == " + sub() + ")"
	case 10:
		return "(" + sub() + ")[" + sub() + "]"
	default:
		return sub()
	}
}

// TestSharingChangesNothing evaluates random expressions in three instances with and
// without sharing: values, marks, what is said and what is asked for are the same.
func TestSharingChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := drawExpr(rt, rapid.IntRange(0, 4).Draw(rt, "depth"), nil)
		if plain, shared := outcome(t, text, false), outcome(t, text, true); plain != shared {
			rt.Fatalf("%s\nalone:\n%s\nshared:\n%s", text, plain, shared)
		}
	})
}

// TestSharedOnce counts how often a shared part is evaluated.
func TestSharedOnce(t *testing.T) {
	key := func(i int) expr.Local { return expr.Local{Instance: object.Instance{Key: addr.IntKey(i)}} }
	overlaid := key(1)
	overlaid.Values = map[string]cty.Value{"t": cty.EmptyObjectVal}
	for _, tc := range []struct {
		name   string
		varies bool
		locals []expr.Local
		want   int
	}{
		{"instances", false, []expr.Local{key(0), key(1), key(2)}, 1},
		{"a function that varies", true, []expr.Local{key(0), key(1), key(2)}, 3},
		{"no instances", false, []expr.Local{{}, {}}, 2},
		{"other names on top", false, []expr.Local{key(0), overlaid}, 2},
	} {
		body := parseBody(t, "x = [tick(), count.index]\n")
		expr.ShareBody(body)
		x := body.Attributes["x"].Expr
		code, _ := expr.Compile(x)
		e, ticks := stage()
		e.Varies = func(string) bool { return tc.varies }
		kept := map[any]any{}
		for _, l := range tc.locals {
			ev, _ := code.Context(context.Background(), &remembering{scope(), kept}, e, l)
			_, _ = x.Value(ev) // without an instance there is no count
		}
		if *ticks != tc.want {
			t.Errorf("%s: evaluated %d times, want %d", tc.name, *ticks, tc.want)
		}
		other, more := stage()
		other.Varies = e.Varies
		ev, _ := code.Context(context.Background(), &remembering{scope(), kept}, other, key(0))
		if _, hd := x.Value(ev); hd.HasErrors() || *more != 1 {
			t.Errorf("%s: in another module evaluated %d times, %s", tc.name, *more, hd)
		}
	}
}
