package schema_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/schema"
)

type attrs = map[string]*provider.Attribute

func str(set func(*provider.Attribute)) *provider.Attribute { return of(cty.String, set) }

func of(ty cty.Type, set func(*provider.Attribute)) *provider.Attribute {
	a := &provider.Attribute{Type: ty}
	set(a)
	return a
}

func required(a *provider.Attribute)  { a.Required = true }
func optional(a *provider.Attribute)  { a.Optional = true }
func computed(a *provider.Attribute)  { a.Computed = true }
func either(a *provider.Attribute)    { a.Optional, a.Computed = true, true }
func sensitive(a *provider.Attribute) { a.Optional, a.Sensitive = true, true }
func writeOnly(a *provider.Attribute) { a.Optional, a.WriteOnly = true, true }

func nest(mode provider.Nesting, content attrs, set func(*provider.Attribute)) *provider.Attribute {
	types := map[string]cty.Type{}
	for name, a := range content {
		types[name] = a.Type
	}
	ty := cty.Object(types)
	switch mode {
	case provider.NestingList:
		ty = cty.List(ty)
	case provider.NestingSet:
		ty = cty.Set(ty)
	case provider.NestingMap:
		ty = cty.Map(ty)
	}
	a := &provider.Attribute{Type: ty, Nested: &provider.Object{Attributes: content, Nesting: mode}}
	set(a)
	return a
}

func blockOf(mode provider.Nesting, content attrs) *provider.NestedBlock {
	return &provider.NestedBlock{Nesting: mode, Block: &provider.Block{Attributes: content}}
}

// everything has every way to nest, with attributes of every behaviour.
func everything() *provider.Block {
	leaf := func() attrs { return attrs{"a": str(required), "b": str(either)} }
	old := cty.List(cty.Object(map[string]cty.Type{"port": cty.Number, "cidr": cty.List(cty.String),
		"deep": cty.Set(cty.Object(map[string]cty.Type{"x": cty.String}))}))
	return &provider.Block{
		Attributes: attrs{
			"name": str(required), "id": str(computed), "size": of(cty.Number, optional), "tags": of(cty.Map(cty.String), optional),
			"any": of(cty.DynamicPseudoType, optional), "secret": str(sensitive), "once": str(writeOnly),
			"old": {Type: old, Optional: true, Computed: true},
			"was": {Type: cty.String, Optional: true, Deprecated: true, DeprecationMessage: "Use name."},
			"one": nest(provider.NestingSingle, leaf(), optional), "many": nest(provider.NestingList, leaf(), optional),
			"keyed": nest(provider.NestingMap, leaf(), optional), "bag": nest(provider.NestingSet, leaf(), optional),
		},
		Blocks: map[string]*provider.NestedBlock{
			"single": blockOf(provider.NestingSingle, leaf()), "group": blockOf(provider.NestingGroup, attrs{"a": str(optional)}),
			"list": blockOf(provider.NestingList, leaf()), "set": blockOf(provider.NestingSet, leaf()), "map": blockOf(provider.NestingMap, leaf()),
			"dyn":   blockOf(provider.NestingList, attrs{"v": of(cty.DynamicPseudoType, optional)}),
			"dynm":  blockOf(provider.NestingMap, attrs{"v": of(cty.DynamicPseudoType, optional)}),
			"twice": {Nesting: provider.NestingList, MinItems: 0, MaxItems: 2, Block: &provider.Block{Attributes: attrs{"a": str(optional)}}},
			"gone":  {Nesting: provider.NestingList, Block: &provider.Block{Deprecated: true, DeprecationMessage: "Use list."}},
		},
	}
}

func evalContext() *hcl.EvalContext {
	return &hcl.EvalContext{Variables: map[string]cty.Value{
		"unknown": cty.UnknownVal(cty.List(cty.String)),
		"text":    cty.UnknownVal(cty.String),
		"secret":  cty.StringVal("s").Mark(object.Sensitive),
		"hidden":  cty.ListVal([]cty.Value{cty.StringVal("x")}).Mark(object.Sensitive),
		"names":   cty.ListVal([]cty.Value{cty.StringVal("x"), cty.StringVal("y")}),
	}}
}

func parse(t testing.TB, src string) hcl.Body {
	t.Helper()
	if strings.HasPrefix(src, "{") {
		f, d := hcljson.Parse([]byte(src), "test.tf.json")
		if d.HasErrors() {
			t.Fatal(d)
		}
		return f.Body
	}
	f, d := hclsyntax.ParseConfig([]byte(src), "test.tf", hcl.InitialPos)
	if d.HasErrors() {
		t.Fatal(d)
	}
	return f.Body
}

func decode(t testing.TB, b *schema.Block, src string) (cty.Value, diag.List) {
	t.Helper()
	bound, d := b.Bind(parse(t, src))
	if d.HasErrors() {
		return cty.NilVal, d
	}
	v, more := bound.Decode(evalContext())
	return v, append(d, more...)
}

func TestDecode(t *testing.T) {
	b := schema.New(everything())
	leaf := func(a, b string) cty.Value {
		v := cty.NullVal(cty.String)
		if b != "" {
			v = cty.StringVal(b)
		}
		return cty.ObjectVal(map[string]cty.Value{"a": cty.StringVal(a), "b": v})
	}
	old := func(port int64, cidr cty.Value, deep ...cty.Value) cty.Value {
		set := cty.NullVal(b.Type().AttributeType("old").ElementType().AttributeType("deep"))
		if len(deep) > 0 {
			set = cty.SetVal(deep)
		}
		return cty.ObjectVal(map[string]cty.Value{"port": cty.NumberIntVal(port), "cidr": cidr, "deep": set})
	}
	noCidr := cty.NullVal(cty.List(cty.String))
	x := cty.ObjectVal(map[string]cty.Value{"x": cty.StringVal("1")})
	for _, tc := range []struct {
		name, src, attr string
		want            cty.Value
	}{
		{"converted", `name = 1`, "name", cty.StringVal("1")},
		{"not set", `name = "n"`, "size", cty.NullVal(cty.Number)},
		{"any type", "name = 1\nany = [1, true]", "any", cty.TupleVal([]cty.Value{cty.NumberIntVal(1), cty.True})},
		{"marks stay", "name = secret", "name", cty.StringVal("s").Mark(object.Sensitive)},
		{"unknown", "name = text", "name", cty.UnknownVal(cty.String)},
		{"nested object with what is optional left out", "name = 1\none = { a = 1 }", "one", leaf("1", "")},
		{"nested list", "name = 1\nmany = [{ a = 1 }, { a = 2, b = 3 }]", "many", cty.ListVal([]cty.Value{leaf("1", ""), leaf("2", "3")})},
		{"nested map", "name = 1\nkeyed = { k = { a = 1 } }", "keyed", cty.MapVal(map[string]cty.Value{"k": leaf("1", "")})},
		{"nested set", "name = 1\nbag = [{ a = 1 }, { a = 1 }]", "bag", cty.SetVal([]cty.Value{leaf("1", "")})},
		{"nested unknown", "name = 1\nmany = [for n in unknown : { a = n }]", "many", cty.UnknownVal(cty.List(leaf("1", "").Type()))},
		{"single block", "name = 1\nsingle {\n a = 1\n}", "single", leaf("1", "")},
		{"no single block", "name = 1", "single", cty.NullVal(leaf("1", "").Type())},
		{"no group block", "name = 1", "group", cty.ObjectVal(map[string]cty.Value{"a": cty.NullVal(cty.String)})},
		{"list blocks", "name = 1\nlist {\n a = 1\n}\nlist {\n a = 2\n}", "list", cty.ListVal([]cty.Value{leaf("1", ""), leaf("2", "")})},
		{"no list blocks", "name = 1", "list", cty.ListValEmpty(leaf("1", "").Type())},
		{"set blocks", "name = 1\nset {\n a = 1\n}\nset {\n a = 1\n}", "set", cty.SetVal([]cty.Value{leaf("1", "")})},
		{"map blocks", "name = 1\nmap \"k\" {\n a = 1\n}", "map", cty.MapVal(map[string]cty.Value{"k": leaf("1", "")})},
		{"blocks of dynamic type", "name = 1\ndyn {\n v = 1\n}\ndyn {\n v = true\n}", "dyn", cty.TupleVal([]cty.Value{
			cty.ObjectVal(map[string]cty.Value{"v": cty.NumberIntVal(1)}), cty.ObjectVal(map[string]cty.Value{"v": cty.True})})},
		{"keyed blocks of dynamic type", "name = 1\ndynm \"k\" {\n v = 1\n}", "dynm", cty.ObjectVal(map[string]cty.Value{
			"k": cty.ObjectVal(map[string]cty.Value{"v": cty.NumberIntVal(1)})})},
		{"no blocks of dynamic type", "name = 1", "dyn", cty.EmptyTupleVal},
		{"dynamic blocks", "name = 1\ndynamic \"list\" {\n for_each = names\n content {\n  a = list.value\n  b = list.key\n }\n}", "list",
			cty.ListVal([]cty.Value{leaf("x", "0"), leaf("y", "1")})},
		{"dynamic blocks that are not known", "name = 1\ndynamic \"list\" {\n for_each = unknown\n content {\n  a = list.value\n }\n}", "list",
			cty.UnknownVal(cty.List(leaf("1", "").Type()))},
		{"a known block beside an unknown one", "name = 1\nlist {\n a = 1\n}\ndynamic \"list\" {\n for_each = unknown\n content {\n  a = list.value\n }\n}", "list",
			cty.UnknownVal(cty.List(leaf("1", "").Type()))},
		{"dynamic blocks of something sensitive", "name = 1\ndynamic \"list\" {\n for_each = hidden\n content {\n  a = 1\n }\n}", "list",
			cty.ListVal([]cty.Value{cty.ObjectVal(map[string]cty.Value{"a": cty.StringVal("1").Mark(object.Sensitive), "b": cty.NullVal(cty.String)}).Mark(object.Sensitive)})},
		{"a set of blocks of something sensitive", "name = 1\ndynamic \"set\" {\n for_each = hidden\n content {\n  a = 1\n }\n}", "set",
			cty.SetVal([]cty.Value{leaf("1", "")}).Mark(object.Sensitive)},
		{"an attribute as attribute", "name = 1\nold = [{ port = 1, cidr = null, deep = null }]", "old", cty.ListVal([]cty.Value{old(1, noCidr)})},
		{"an attribute as blocks", "name = 1\nold {\n port = 1\n}\nold {\n port = 2\n cidr = [\"c\"]\n deep {\n  x = 1\n }\n}", "old", cty.ListVal([]cty.Value{
			old(1, noCidr, []cty.Value(nil)...), old(2, cty.ListVal([]cty.Value{cty.StringVal("c")}), x)})},
		{"an attribute as dynamic blocks", "name = 1\ndynamic \"old\" {\n for_each = [7]\n content {\n  port = old.value\n }\n}", "old", cty.ListVal([]cty.Value{old(7, noCidr)})},
		{"JSON", `{"name": "${1}", "list": [{"a": "1"}, {"a": "2"}]}`, "list", cty.ListVal([]cty.Value{leaf("1", ""), leaf("2", "")})},
		{"JSON map blocks", `{"name": "n", "map": {"k": {"a": "1"}}}`, "map", cty.MapVal(map[string]cty.Value{"k": leaf("1", "")})},
		{"JSON attribute that may be blocks", `{"name": "n", "old": [{"port": 1, "cidr": null, "deep": null}]}`, "old", cty.ListVal([]cty.Value{old(1, noCidr)})},
		{"JSON dynamic", `{"name": "n", "dynamic": {"list": {"for_each": ["q"], "content": {"a": "${list.value}"}}}}`, "list", cty.ListVal([]cty.Value{leaf("q", "")})},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v, d := decode(t, b, tc.src)
			if d.HasErrors() {
				t.Fatal(d.Err())
			}
			if problems := b.Conforms(v); len(problems) > 0 {
				t.Errorf("the value is not of the block's type: %v", problems)
			}
			if got := v.GetAttr(tc.attr); !got.RawEquals(tc.want) && !unknownAlike(got, tc.want) {
				t.Errorf("got %#v, want %#v", got, tc.want)
			}
		})
	}
}

func unknownAlike(a, b cty.Value) bool {
	return !a.IsKnown() && !b.IsKnown() && a.Type().Equals(b.Type()) && a.HasSameMarks(b)
}

func TestDecodeComplains(t *testing.T) {
	b := schema.New(everything())
	for _, tc := range []struct{ name, src, want string }{
		{"unknown argument", "name = 1\nnam = 2", `Unsupported argument`},
		{"missing argument", "", `Missing required argument`},
		{"missing in a block", "name = 1\nlist {}", `Missing required argument`},
		{"wrong type", "name = []", `Incorrect attribute value type: Inappropriate value for attribute "name": string required`},
		{"wrong type inside", "name = 1\nmany = [{ a = [] }]", `"many": `},
		{"missing inside", "name = 1\nmany = [{ b = 1 }]", `attribute "a" is required`},
		{"unknown variable", "name = nobody", "Unknown variable"},
		{"second single block", "name = 1\nsingle {\n a = 1\n}\nsingle {\n a = 1\n}", `Too many blocks: No more than 1 "single" block may stand here`},
		{"too many blocks", "name = 1\ntwice {}\ntwice {}\ntwice {}", `No more than 2 "twice" blocks`},
		{"same key twice", "name = 1\nmap \"k\" {\n a = 1\n}\nmap \"k\" {\n a = 2\n}", `Duplicate block: There is already a "map" block with the key "k"`},
		{"set in two ways", "name = 1\nold = []\nold {}", `Argument is set in two ways`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, d := decode(t, b, tc.src)
			if err := d.Err(); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			for _, one := range d {
				if one.Subject == nil {
					t.Errorf("%s has no place", one.Headline)
				}
			}
		})
	}
	least := schema.New(&provider.Block{Blocks: map[string]*provider.NestedBlock{"b": {Nesting: provider.NestingList, MinItems: 2, Block: &provider.Block{}}}})
	if _, d := decode(t, least, "b {}"); !strings.Contains(fmt.Sprint(d.Err()), `This needs at least 2 "b" blocks, and there is 1`) {
		t.Error(d.Err())
	}
	if _, d := decode(t, least, "dynamic \"b\" {\n for_each = unknown\n content {}\n}"); d.HasErrors() {
		t.Errorf("blocks that are not known yet cannot be too few: %v", d.Err())
	}
}

func TestDeprecation(t *testing.T) {
	b := schema.New(everything())
	_, d := decode(t, b, "name = 1\nwas = 2\ngone {}")
	if d.HasErrors() || len(d) != 2 {
		t.Fatalf("got %d diagnostics: %v", len(d), d)
	}
	got := d[0].Headline + "|" + d[0].Detail + "|" + d[1].Headline + "|" + d[1].Detail
	want := `Argument is deprecated|The argument "was" is deprecated: Use name.|Block is deprecated|The block "gone" is deprecated: Use list.`
	if got != want {
		t.Errorf("got %s", got)
	}
}

func TestVariablesAndRanges(t *testing.T) {
	b := schema.New(everything())
	bound, d := b.Bind(parse(t, "name = text\nlist {\n  a = secret\n}\nlist {\n  a = names[0]\n}\nmap \"k\" {\n  a = 1\n}\nold {\n  port = unknown\n}"))
	if d.HasErrors() {
		t.Fatal(d.Err())
	}
	var got []string
	for _, tr := range bound.Variables() {
		got = append(got, diag.Traversal(tr))
	}
	if want := "text unknown secret names[0]"; !sameWords(got, want) {
		t.Errorf("variables %q, want %q", got, want)
	}
	for _, tc := range []struct {
		path cty.Path
		line int
	}{
		{cty.GetAttrPath("name"), 1},
		{cty.GetAttrPath("list").IndexInt(1).GetAttr("a"), 6},
		{cty.GetAttrPath("list").IndexInt(1), 5},
		{cty.GetAttrPath("map").IndexString("k").GetAttr("a"), 9},
		{cty.GetAttrPath("old").IndexInt(0).GetAttr("port"), 12},
	} {
		if rng := bound.RangeOf(tc.path); rng == nil || rng.Start.Line != tc.line {
			t.Errorf("%s is at %v, want line %d", schema.FormatPath(tc.path), rng, tc.line)
		}
	}
	if rng := bound.RangeOf(cty.GetAttrPath("id")); rng == nil {
		t.Error("what is not there has the place where it is missing")
	}
}

func TestVariablesOfDynamicBlocks(t *testing.T) {
	b := schema.New(everything())
	bound, d := b.Bind(parse(t, "name = 1\ndynamic \"list\" {\n for_each = names\n content {\n  a = list.value\n  b = secret\n }\n}"))
	if d.HasErrors() {
		t.Fatal(d.Err())
	}
	var got []string
	for _, tr := range bound.Variables() {
		got = append(got, diag.Traversal(tr))
	}
	if !sameWords(got, "names secret") {
		t.Errorf("got %q", got)
	}
}

func sameWords(got []string, want string) bool {
	left := map[string]int{}
	for _, w := range strings.Fields(want) {
		left[w]++
	}
	for _, w := range got {
		left[w]--
	}
	for _, n := range left {
		if n != 0 {
			return false
		}
	}
	return true
}

func TestCoerce(t *testing.T) {
	b := schema.New(&provider.Block{
		Attributes: attrs{"name": str(required), "size": of(cty.Number, optional)},
		Blocks:     map[string]*provider.NestedBlock{"list": blockOf(provider.NestingList, attrs{"a": str(optional)}), "map": blockOf(provider.NestingMap, attrs{"a": str(optional)})},
	})
	item := cty.ObjectVal(map[string]cty.Value{"a": cty.StringVal("1")})
	full := func(size cty.Value, list cty.Value) cty.Value {
		return cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal("n"), "size": size, "list": list, "map": cty.MapValEmpty(item.Type())})
	}
	none := cty.ListValEmpty(item.Type())
	for _, tc := range []struct {
		name string
		in   map[string]cty.Value
		want cty.Value
		err  string
	}{
		{"filled in", map[string]cty.Value{"name": cty.StringVal("n")}, full(cty.NullVal(cty.Number), none), ""},
		{"converted", map[string]cty.Value{"name": cty.StringVal("n"), "size": cty.StringVal("3")}, full(cty.NumberIntVal(3), none), ""},
		{"tuples become lists", map[string]cty.Value{"name": cty.StringVal("n"), "list": cty.TupleVal([]cty.Value{cty.ObjectVal(map[string]cty.Value{"a": cty.NumberIntVal(1)})})},
			full(cty.NullVal(cty.Number), cty.ListVal([]cty.Value{item})), ""},
		{"missing", map[string]cty.Value{"size": cty.Zero}, cty.NilVal, `attribute "name" is required`},
		{"too much", map[string]cty.Value{"name": cty.StringVal("n"), "x": cty.True}, cty.NilVal, `unsupported attribute "x"`},
		{"wrong type", map[string]cty.Value{"name": cty.StringVal("n"), "size": cty.StringVal("big")}, cty.NilVal, "number"},
		{"keys where there are none", map[string]cty.Value{"name": cty.StringVal("n"), "list": cty.ObjectVal(map[string]cty.Value{"k": item})}, cty.NilVal, "wrong kind"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := b.Coerce(cty.ObjectVal(tc.in))
			switch {
			case tc.err != "":
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("got %v, want %q", err, tc.err)
				}
			case err != nil:
				t.Error(err)
			case !got.RawEquals(tc.want):
				t.Errorf("got %#v, want %#v", got, tc.want)
			}
		})
	}
}

func TestMarksAndRewrites(t *testing.T) {
	b := schema.New(&provider.Block{
		Attributes: attrs{"secret": str(sensitive), "once": str(writeOnly), "id": str(computed), "plain": str(optional),
			"nested": nest(provider.NestingList, attrs{"secret": str(sensitive), "once": str(writeOnly)}, optional)},
		Blocks: map[string]*provider.NestedBlock{"set": blockOf(provider.NestingSet, attrs{"secret": str(sensitive)})},
	})
	s := cty.StringVal
	pair := func(secret, once cty.Value) cty.Value {
		return cty.ObjectVal(map[string]cty.Value{"secret": secret, "once": once})
	}
	item := cty.ObjectVal(map[string]cty.Value{"secret": s("x")})
	v := cty.ObjectVal(map[string]cty.Value{"secret": s("x"), "once": s("x"), "id": cty.NullVal(cty.String), "plain": s("x"),
		"nested": cty.ListVal([]cty.Value{pair(s("x"), s("x"))}), "set": cty.SetVal([]cty.Value{item})})
	marked := b.MarkSensitive(v)
	if got, want := paths(object.PathsMarked(marked, object.Sensitive)), "nested[0].secret secret set"; !sameWords(got, want) {
		t.Errorf("marked %q, want %q", got, want)
	}
	if plain, _ := marked.UnmarkDeep(); !plain.RawEquals(v) {
		t.Errorf("marking changed the value: %#v", plain)
	}
	nulled := b.NullWriteOnly(v)
	if got := len(b.WriteOnlySet(v)); got != 2 {
		t.Errorf("%d write-only values are set, want 2", got)
	}
	if got := b.WriteOnlySet(nulled); len(got) > 0 {
		t.Errorf("write-only values are left at %q", paths(got))
	}
	if got := nulled.GetAttr("plain"); !got.RawEquals(s("x")) {
		t.Errorf("plain became %#v", got)
	}
	if got := b.ComputedUnknown(v); got.GetAttr("id").IsKnown() || !got.GetAttr("plain").IsKnown() {
		t.Errorf("got %#v", got)
	}
	eph := cty.ObjectVal(map[string]cty.Value{"secret": s("x").Mark(object.Ephemeral), "once": s("x").Mark(object.Ephemeral), "id": cty.NullVal(cty.String),
		"plain": s("x"), "nested": cty.ListVal([]cty.Value{pair(s("x"), s("x").Mark(object.Ephemeral))}), "set": cty.SetVal([]cty.Value{item})})
	if got := paths(b.EphemeralMisuse(eph)); len(got) != 1 || got[0] != "secret" {
		t.Errorf("misused at %q", got)
	}
}

func paths(list []cty.Path) []string {
	var out []string
	for _, p := range list {
		out = append(out, schema.FormatPath(p))
	}
	return out
}

func BenchmarkDecode(b *testing.B) {
	block := schema.New(&provider.Block{Attributes: attrs{"id": str(computed), "input": of(cty.DynamicPseudoType, optional),
		"output": of(cty.DynamicPseudoType, computed), "triggers_replace": of(cty.DynamicPseudoType, optional)}})
	bound, d := block.Bind(parse(b, "input = \"x${names[1]}\""))
	if d.HasErrors() {
		b.Fatal(d)
	}
	ctx := evalContext()
	b.ReportAllocs()
	for b.Loop() {
		if _, d := bound.Decode(ctx); d.HasErrors() {
			b.Fatal(d)
		}
	}
}
