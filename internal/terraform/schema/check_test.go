package schema_test

import (
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/schema"
)

var (
	null    = cty.NullVal(cty.String)
	unknown = cty.UnknownVal(cty.String)
	s       = cty.StringVal
)

func leafItem(k, c cty.Value) cty.Value { return cty.ObjectVal(map[string]cty.Value{"k": k, "c": c}) }

func listOf(v ...cty.Value) cty.Value { return cty.ListVal(v) }

func checked() *schema.Block {
	leaf := attrs{"k": str(required), "c": str(either)}
	return schema.New(&provider.Block{
		Attributes: attrs{"id": str(computed), "opt": str(optional), "both": str(either), "secret": str(sensitive), "once": str(writeOnly),
			"objs": nest(provider.NestingList, leaf, optional), "words": of(cty.Set(cty.String), either), "any": of(cty.DynamicPseudoType, either)},
		Blocks: map[string]*provider.NestedBlock{"single": blockOf(provider.NestingSingle, leaf), "list": blockOf(provider.NestingList, leaf),
			"map": blockOf(provider.NestingMap, leaf), "set": blockOf(provider.NestingSet, leaf)},
	})
}

// with gives the empty value with one attribute set.
func with(b *schema.Block, attr string, v cty.Value) cty.Value {
	vals := b.Empty().AsValueMap()
	if v != cty.NilVal {
		vals[attr] = v
	}
	return cty.ObjectVal(vals)
}

func expectProblem(t *testing.T, got []schema.Problem, want string) {
	t.Helper()
	switch {
	case want == "" && len(got) > 0:
		t.Errorf("got %v, want nothing", got)
	case want != "" && (len(got) != 1 || !strings.Contains(got[0].Error(), want)):
		t.Errorf("got %v, want one with %q", got, want)
	}
}

func TestCheckPlan(t *testing.T) {
	b := checked()
	for _, tc := range []struct {
		name, attr             string
		prior, config, planned cty.Value
		want                   string
	}{
		{"as configured", "opt", null, s("x"), s("x"), ""},
		{"computed is free", "id", s("1"), null, s("2"), ""},
		{"computed may be unknown", "id", s("1"), null, unknown, ""},
		{"not configured and computed", "both", null, null, s("x"), ""},
		{"configured, though computed", "both", null, s("x"), s("y"), `.both: the planned value cty.StringVal("y") is not the configured value`},
		{"prior means the same", "opt", s("X"), s("x"), s("X"), ""},
		{"neither prior nor configured", "opt", s("X"), s("x"), s("z"), `neither the configured value`},
		{"invented", "opt", null, null, s("x"), `.opt: cty.StringVal("x") is planned for an attribute that is not computed`},
		{"dropped", "opt", null, s("x"), null, "is not the configured value"},
		{"unknown for what is configured", "opt", null, s("x"), unknown, "is not the configured value"},
		{"sensitive values are not shown", "secret", null, s("hush"), s("x"), ".secret: the planned value (sensitive) is not the configured value (sensitive)"},
		{"write-only is null", "once", null, s("x"), null, ""},
		{"fewer blocks", "list", cty.NilVal, listOf(leafItem(s("a"), null)), cty.ListValEmpty(leafItem(s("a"), null).Type()), ".list: 0 are planned, but 1 are configured"},
		{"inside a block", "list", cty.NilVal, listOf(leafItem(s("a"), null)), listOf(leafItem(s("b"), unknown)), ".list[0].k: "},
		{"computed inside a block", "list", cty.NilVal, listOf(leafItem(s("a"), null)), listOf(leafItem(s("a"), unknown)), ""},
		{"blocks unknown as a whole", "list", cty.NilVal, listOf(leafItem(s("a"), null)), cty.UnknownVal(cty.List(leafItem(s("a"), null).Type())), "must not be unknown as a whole"},
		{"no blocks are not null", "list", cty.NilVal, cty.NilVal, cty.NullVal(cty.List(leafItem(s("a"), null).Type())), "not null"},
		{"an unknown dynamic block", "list", cty.NilVal, cty.UnknownVal(cty.List(leafItem(s("a"), null).Type())), listOf(leafItem(s("b"), null)), "dynamic block that is not known"},
		{"a block that is not configured", "single", cty.NilVal, cty.NilVal, leafItem(s("a"), null), ".single: planned to be there"},
		{"a block that is left out", "single", cty.NilVal, leafItem(s("a"), null), cty.NullVal(leafItem(s("a"), null).Type()), ".single: planned to be absent"},
		{"another key", "map", cty.NilVal, cty.MapVal(map[string]cty.Value{"x": leafItem(s("a"), null)}), cty.MapVal(map[string]cty.Value{"y": leafItem(s("a"), null)}), `the key "y" is planned`},
		{"sets are believed", "set", cty.NilVal, cty.SetVal([]cty.Value{leafItem(s("a"), null)}), cty.SetVal([]cty.Value{leafItem(s("z"), null)}), ""},
		{"nested objects", "objs", cty.NilVal, listOf(leafItem(s("a"), null)), listOf(leafItem(s("b"), null)), ".objs[0].k: "},
		{"a nested object's prior", "objs", listOf(leafItem(s("A"), null)), listOf(leafItem(s("a"), null)), listOf(leafItem(s("A"), null)), ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			expectProblem(t, b.CheckPlan(with(b, tc.attr, tc.prior), with(b, tc.attr, tc.config), with(b, tc.attr, tc.planned)), tc.want)
		})
	}
	none := cty.NullVal(b.Type())
	expectProblem(t, b.CheckPlan(none, b.Empty(), none), "planned to be absent")
	expectProblem(t, b.CheckPlan(none, none, b.Empty()), "planned to be there")
	expectProblem(t, b.CheckPlan(none, b.Empty(), cty.UnknownVal(b.Type())), "must not be unknown itself")
}

func TestCheckResult(t *testing.T) {
	b := checked()
	words := func(v ...cty.Value) cty.Value { return cty.SetVal(v) }
	for _, tc := range []struct {
		name, attr      string
		planned, actual cty.Value
		want            string
	}{
		{"as planned", "opt", s("x"), s("x"), ""},
		{"unknown becomes anything", "id", unknown, s("x"), ""},
		{"unknown becomes null", "id", unknown, null, ""},
		{"not null, as refined", "id", unknown.RefineNotNull(), null, "not within what was planned"},
		{"another value", "opt", s("x"), s("y"), `.opt: was cty.StringVal("x"), but is now cty.StringVal("y")`},
		{"null", "opt", s("x"), null, "but is now null"},
		{"not null any more", "opt", null, s("x"), "was null, but is now"},
		{"sensitive", "secret", s("hush"), s("x"), ".secret: the values of this sensitive attribute do not agree"},
		{"any type", "any", cty.DynamicVal, cty.True, ""},
		{"another type", "any", s("x"), cty.True, "was a string, but is now a bool"},
		{"a set may shrink", "words", words(unknown, s("x")), words(s("x")), ""},
		{"a set may not grow", "words", words(unknown), words(s("x"), s("y")), "grew from 1 to 2"},
		{"an element of a set is lost", "words", words(s("x"), s("y")), words(s("x")), `the planned element cty.StringVal("y")`},
		{"a new element of a set", "words", words(s("x")), words(s("x"), s("y")), ""},
		{"parts of a tuple", "any", cty.TupleVal([]cty.Value{s("x"), unknown}), cty.TupleVal([]cty.Value{s("x"), s("y")}), ""},
		{"a key of a map", "any", cty.MapVal(map[string]cty.Value{"k": s("x")}), cty.MapVal(map[string]cty.Value{"l": s("x")}), ""},
		{"inside an object", "any", cty.ObjectVal(map[string]cty.Value{"k": s("x")}), cty.ObjectVal(map[string]cty.Value{"k": s("y")}), ".any.k: was"},
		{"blocks", "list", listOf(leafItem(s("a"), unknown)), listOf(leafItem(s("a"), s("1"))), ""},
		{"another number of blocks", "list", listOf(leafItem(s("a"), unknown)), listOf(leafItem(s("a"), s("1")), leafItem(s("b"), s("1"))), "changed from 1 to 2"},
		{"inside a block", "list", listOf(leafItem(s("a"), unknown)), listOf(leafItem(s("b"), s("1"))), ".list[0].k: was"},
		{"blocks that were not known", "list", cty.UnknownVal(cty.List(leafItem(s("a"), null).Type())), listOf(leafItem(s("b"), s("1"))), ""},
		{"a key vanished", "map", cty.MapVal(map[string]cty.Value{"x": leafItem(s("a"), null)}), cty.MapVal(map[string]cty.Value{"y": leafItem(s("a"), null)}), `"x" has vanished`},
		{"a set of blocks", "set", words(leafItem(s("a"), unknown)), words(leafItem(s("a"), s("1"))), ""},
		{"another set of blocks", "set", words(leafItem(s("a"), unknown)), words(leafItem(s("b"), s("1"))), "is none of the actual ones"},
		{"a block vanished", "single", leafItem(s("a"), null), cty.NullVal(leafItem(s("a"), null).Type()), ".single: was there"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := b.CheckResult(with(b, tc.attr, tc.planned), with(b, tc.attr, tc.actual))
			switch tc.name {
			case "a new element of a set":
				tc.want = "was not planned"
				got = got[:1] // that it grew is said as well
			case "a key of a map":
				tc.want = "the element has vanished"
				got = got[:1] // that a new one appeared is said as well
			}
			expectProblem(t, got, tc.want)
		})
	}
}

func TestConforms(t *testing.T) {
	b := checked()
	expectProblem(t, b.Conforms(b.Empty()), "")
	expectProblem(t, b.Conforms(cty.NilVal), "no value at all")
	expectProblem(t, b.Conforms(cty.StringVal("x")), "object required")
}

func TestHide(t *testing.T) {
	b := checked()
	problems := func() []schema.Problem {
		return b.CheckPlan(b.Empty(), with(b, "list", listOf(leafItem(s("hush"), null))), with(b, "list", listOf(leafItem(s("x"), null))))
	}
	for _, p := range []cty.Path{cty.GetAttrPath("list"), cty.GetAttrPath("list").IndexInt(0).GetAttr("k")} {
		if got := schema.Hide(problems(), []cty.Path{p}); strings.Contains(got[0].Text, "hush") {
			t.Errorf("%s: the secret is in %q", schema.FormatPath(p), got[0].Text)
		}
	}
	if got := schema.Hide(problems(), []cty.Path{cty.GetAttrPath("opt")}); !strings.Contains(got[0].Text, "hush") {
		t.Errorf("hidden without need: %q", got[0].Text)
	}
}

func TestSettled(t *testing.T) {
	b := checked()
	for _, tc := range []struct {
		name, attr      string
		config, planned cty.Value
		want            bool
	}{
		{"the same", "opt", s("x"), s("x"), true},
		{"planned without knowing", "opt", s("x"), unknown, false},
		{"planned otherwise", "opt", s("x"), s("y"), false},
		{"computed", "id", null, unknown, true},
		{"not configured after all", "both", null, unknown, true},
		{"configured after all", "both", s("x"), unknown, false},
		{"not computed and unknown", "opt", null, unknown, false},
		{"write-only", "once", s("x"), null, true},
		{"blocks", "list", listOf(leafItem(s("a"), null)), listOf(leafItem(s("a"), unknown)), true},
		{"other blocks", "list", listOf(leafItem(s("a"), null)), listOf(leafItem(s("b"), unknown)), false},
		{"nested objects", "objs", listOf(leafItem(s("a"), null)), listOf(leafItem(s("a"), unknown)), true},
		{"sets with something computed", "set", cty.SetVal([]cty.Value{leafItem(s("a"), null)}), cty.SetVal([]cty.Value{leafItem(s("a"), unknown)}), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := b.Settled(with(b, tc.attr, tc.config), with(b, tc.attr, tc.planned)); got != tc.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
