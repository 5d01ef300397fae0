package schema_test

import (
	"fmt"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/schema"
)

func TestProposedNew(t *testing.T) {
	leaf := attrs{"k": str(required), "c": str(either)}
	b := schema.New(&provider.Block{
		Attributes: attrs{"id": str(computed), "opt": str(optional), "both": str(either),
			"obj": nest(provider.NestingSingle, leaf, either), "objs": nest(provider.NestingList, leaf, optional)},
		Blocks: map[string]*provider.NestedBlock{"single": blockOf(provider.NestingSingle, leaf), "list": blockOf(provider.NestingList, leaf),
			"map": blockOf(provider.NestingMap, leaf), "set": blockOf(provider.NestingSet, leaf)},
	})
	null := cty.NullVal(cty.String)
	item := func(k string, c cty.Value) cty.Value {
		return cty.ObjectVal(map[string]cty.Value{"k": cty.StringVal(k), "c": c})
	}
	s := cty.StringVal
	list, set := func(v ...cty.Value) cty.Value { return cty.ListVal(v) }, func(v ...cty.Value) cty.Value { return cty.SetVal(v) }
	for _, tc := range []struct {
		name, attr          string
		prior, config, want cty.Value
	}{
		{"computed is kept", "id", s("1"), null, s("1")},
		{"optional goes when it is not set", "opt", s("1"), null, null},
		{"optional and computed is kept when it is not set", "both", s("1"), null, s("1")},
		{"what is configured counts", "both", s("1"), s("2"), s("2")},
		{"unknown counts", "both", s("1"), cty.UnknownVal(cty.String), cty.UnknownVal(cty.String)},
		{"a nested object keeps what it computed", "obj", item("a", s("1")), item("a", null), item("a", s("1"))},
		{"a nested object that was configured goes", "obj", item("a", s("1")), cty.NullVal(item("a", null).Type()), cty.NullVal(item("a", null).Type())},
		{"nested objects match by place", "objs", list(item("a", s("1")), item("b", s("2"))), list(item("x", null)), list(item("x", s("1")))},
		{"a block that appears has nothing to keep", "single", cty.NullVal(item("a", null).Type()), item("a", null), item("a", null)},
		{"a block that goes is gone", "single", item("a", s("1")), cty.NullVal(item("a", null).Type()), cty.NullVal(item("a", null).Type())},
		{"list blocks match by place", "list", list(item("a", s("1"))), list(item("b", null), item("a", null)), list(item("b", s("1")), item("a", null))},
		{"map blocks match by key", "map", cty.MapVal(map[string]cty.Value{"x": item("a", s("1")), "y": item("b", s("2"))}),
			cty.MapVal(map[string]cty.Value{"y": item("c", null), "z": item("a", null)}), cty.MapVal(map[string]cty.Value{"y": item("c", s("2")), "z": item("a", null)})},
		{"set blocks match by what is configured", "set", set(item("a", s("1")), item("b", s("2"))), set(item("b", null), item("c", null)), set(item("b", s("2")), item("c", null))},
		{"a changed element of a set is a new one", "set", set(item("a", s("1"))), set(item("a", s("9"))), set(item("a", s("9")))},
		{"an unknown collection stays unknown", "list", list(item("a", s("1"))), cty.UnknownVal(cty.List(item("a", null).Type())), cty.UnknownVal(cty.List(item("a", null).Type()))},
	} {
		t.Run(tc.name, func(t *testing.T) {
			prior, config := b.Empty().AsValueMap(), b.Empty().AsValueMap()
			prior[tc.attr], config[tc.attr] = tc.prior, tc.config
			got := b.ProposedNew(cty.ObjectVal(prior), cty.ObjectVal(config)).GetAttr(tc.attr)
			if !got.RawEquals(tc.want) {
				t.Errorf("got %#v, want %#v", got, tc.want)
			}
		})
	}
}

// drawBlock makes a schema: every nesting, every behaviour of attributes.
func drawBlock(t *rapid.T, depth int) *provider.Block {
	b := &provider.Block{Attributes: drawAttributes(t, depth), Blocks: map[string]*provider.NestedBlock{}}
	if depth == 0 {
		return b
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "blocks") {
		mode := drawNesting(t, provider.NestingMap)
		b.Blocks[fmt.Sprintf("b%d", i)] = &provider.NestedBlock{Nesting: mode, Block: drawBlock(t, depth-1)}
	}
	return b
}

func drawNesting(t *rapid.T, most provider.Nesting) provider.Nesting {
	return provider.Nesting(rapid.IntRange(int(provider.NestingSingle), int(most)).Draw(t, "nesting"))
}

func drawAttributes(t *rapid.T, depth int) attrs {
	out := attrs{}
	for i := range rapid.IntRange(1, 3).Draw(t, "attributes") {
		set := []func(*provider.Attribute){required, optional, computed, either}[rapid.IntRange(0, 3).Draw(t, "behaviour")]
		name := fmt.Sprintf("a%d", i)
		switch kind := rapid.IntRange(0, 3).Draw(t, "kind"); {
		case kind == 0 && depth > 0:
			mode := drawNesting(t, provider.NestingMap)
			if mode == provider.NestingGroup {
				mode = provider.NestingSingle
			}
			out[name] = nest(mode, drawAttributes(t, depth-1), set)
		case kind == 1:
			out[name] = of(cty.List(cty.String), set)
		default:
			out[name] = str(set)
		}
	}
	return out
}

// drawer draws values of a schema: configurations, and actual values.
type drawer struct {
	t      *rapid.T
	config bool
}

func (d drawer) chance(percent int, label string) bool {
	return rapid.IntRange(0, 99).Draw(d.t, label) < percent
}

func (d drawer) block(b *provider.Block) cty.Value {
	vals := d.attributes(b.Attributes)
	for _, name := range names(b.Blocks) {
		n := b.Blocks[name]
		if n.Nesting == provider.NestingSingle && d.chance(30, "no block") {
			vals[name] = cty.NullVal(schema.New(n.Block).Type())
			continue
		}
		vals[name] = d.collection(n.Nesting, schema.New(n.Block).Type(), func() cty.Value { return d.block(n.Block) })
	}
	return cty.ObjectVal(vals)
}

func (d drawer) attributes(as attrs) map[string]cty.Value {
	vals := map[string]cty.Value{}
	for _, name := range names(as) {
		vals[name] = d.attribute(as[name])
	}
	return vals
}

func (d drawer) attribute(a *provider.Attribute) cty.Value {
	switch {
	case d.config && a.Computed && !a.Optional, !a.Required && d.chance(35, "null"):
		return cty.NullVal(a.Type)
	case d.config && d.chance(10, "unknown"):
		return cty.UnknownVal(a.Type)
	case a.Nested != nil:
		return d.collection(a.Nested.Nesting, cty.Object(types(a.Nested.Attributes)), func() cty.Value { return cty.ObjectVal(d.attributes(a.Nested.Attributes)) })
	case a.Type == cty.String:
		return cty.StringVal(rapid.SampledFrom([]string{"p", "q"}).Draw(d.t, "text"))
	default:
		return cty.ListVal([]cty.Value{cty.StringVal(rapid.SampledFrom([]string{"p", "q"}).Draw(d.t, "text"))})
	}
}

func (d drawer) collection(mode provider.Nesting, elem cty.Type, draw func() cty.Value) cty.Value {
	if mode == provider.NestingSingle || mode == provider.NestingGroup {
		return draw()
	}
	var vals []cty.Value
	for range rapid.IntRange(0, 3).Draw(d.t, "elements") {
		vals = append(vals, draw())
	}
	switch {
	case mode == provider.NestingList && len(vals) == 0:
		return cty.ListValEmpty(elem)
	case mode == provider.NestingList:
		return cty.ListVal(vals)
	case mode == provider.NestingSet && len(vals) == 0:
		return cty.SetValEmpty(elem)
	case mode == provider.NestingSet:
		return cty.SetVal(vals)
	case len(vals) == 0:
		return cty.MapValEmpty(elem)
	}
	byKey := map[string]cty.Value{}
	for i, v := range vals {
		byKey[string(rune('x'+i))] = v
	}
	return cty.MapVal(byKey)
}

func types(as attrs) map[string]cty.Type {
	out := map[string]cty.Type{}
	for name, a := range as {
		out[name] = a.Type
	}
	return out
}

func names[V any](m map[string]V) []string {
	var out []string
	for i := range 10 {
		for _, p := range []string{"a", "b"} {
			if _, ok := m[fmt.Sprintf("%s%d", p, i)]; ok {
				out = append(out, fmt.Sprintf("%s%d", p, i))
			}
		}
	}
	return out
}

// twin is the proposal written for clearness only: no shortcut, no compiled
// schema, sets matched by masking what is computed.
type twin struct{}

func (w twin) block(as attrs, blocks map[string]*provider.NestedBlock, prior, config cty.Value) cty.Value {
	if prior.IsNull() || config.IsNull() || !config.IsKnown() {
		return config
	}
	out := map[string]cty.Value{}
	for name, a := range as {
		out[name] = w.attribute(a, prior.GetAttr(name), config.GetAttr(name))
	}
	for name, n := range blocks {
		out[name] = w.nested(n.Nesting, n.Block.Attributes, n.Block.Blocks, prior.GetAttr(name), config.GetAttr(name))
	}
	return cty.ObjectVal(out)
}

func (w twin) attribute(a *provider.Attribute, prior, config cty.Value) cty.Value {
	if a.Computed && config.IsNull() {
		if a.Optional && a.Nested != nil && w.configured(a.Nested, prior) {
			return config
		}
		return prior
	}
	if a.Nested == nil {
		return config
	}
	return w.nested(a.Nested.Nesting, a.Nested.Attributes, nil, prior, config)
}

// configured looks for any value below that is not computed.
func (w twin) configured(o *provider.Object, v cty.Value) bool {
	found := false
	_ = cty.Walk(v, func(p cty.Path, v cty.Value) (bool, error) {
		var step cty.GetAttrStep
		attributes, last := o.Attributes, (*provider.Attribute)(nil)
		for _, s := range p {
			var ok bool
			if step, ok = s.(cty.GetAttrStep); !ok || attributes == nil {
				last = nil
				continue
			}
			last, attributes = attributes[step.Name], nil
			if last.Nested != nil {
				attributes = last.Nested.Attributes
			} else {
				break
			}
		}
		if last != nil && !v.IsNull() && !last.Computed {
			found = true
		}
		return true, nil
	})
	return found
}

func (w twin) nested(mode provider.Nesting, as attrs, blocks map[string]*provider.NestedBlock, prior, config cty.Value) cty.Value {
	if mode == provider.NestingSingle || mode == provider.NestingGroup {
		return w.block(as, blocks, prior, config)
	}
	if config.IsNull() || !config.IsKnown() || config.LengthInt() == 0 || prior.IsNull() {
		return config
	}
	if mode == provider.NestingSet {
		var out []cty.Value
		left := prior.AsValueSlice()
		for _, c := range config.AsValueSlice() {
			for i, p := range left {
				if w.mask(as, blocks, c, p).RawEquals(plain(c)) {
					c = w.block(as, blocks, p, c)
					left = append(append([]cty.Value{}, left[:i]...), left[i+1:]...)
					break
				}
			}
			out = append(out, c)
		}
		return cty.SetVal(out)
	}
	elem := func(k, c cty.Value) cty.Value {
		if !prior.HasIndex(k).True() {
			return c
		}
		return w.block(as, blocks, prior.Index(k), c)
	}
	var list []cty.Value
	byKey := map[string]cty.Value{}
	for it := config.ElementIterator(); it.Next(); {
		k, c := it.Element()
		if mode == provider.NestingMap {
			byKey[k.AsString()] = elem(k, c)
		} else {
			list = append(list, elem(k, c))
		}
	}
	if mode == provider.NestingMap {
		return cty.MapVal(byKey)
	}
	return cty.ListVal(list)
}

// plain makes all unknown values alike.
func plain(v cty.Value) cty.Value {
	out, _ := cty.Transform(v, func(_ cty.Path, v cty.Value) (cty.Value, error) {
		if !v.IsKnown() {
			return cty.UnknownVal(v.Type()), nil
		}
		return v, nil
	})
	return out
}

// mask gives the prior with null where it is computed and not configured: if that
// is the configuration, then it came of it.
func (w twin) mask(as attrs, blocks map[string]*provider.NestedBlock, config, prior cty.Value) cty.Value {
	if config.IsNull() || prior.IsNull() || !config.IsKnown() {
		return prior
	}
	out := map[string]cty.Value{}
	for name, a := range as {
		c, p := config.GetAttr(name), prior.GetAttr(name)
		switch {
		case a.Computed && c.IsNull() && !(a.Optional && a.Nested != nil && w.configured(a.Nested, p)):
			p = c
		case a.Nested != nil:
			p = w.maskNested(a.Nested.Nesting, a.Nested.Attributes, nil, c, p)
		}
		out[name] = p
	}
	for name, n := range blocks {
		out[name] = w.maskNested(n.Nesting, n.Block.Attributes, n.Block.Blocks, config.GetAttr(name), prior.GetAttr(name))
	}
	return cty.ObjectVal(out)
}

func (w twin) maskNested(mode provider.Nesting, as attrs, blocks map[string]*provider.NestedBlock, config, prior cty.Value) cty.Value {
	switch {
	case mode == provider.NestingSingle || mode == provider.NestingGroup:
		return w.mask(as, blocks, config, prior)
	case mode == provider.NestingSet || config.IsNull() || prior.IsNull() || !config.IsKnown() || config.LengthInt() != prior.LengthInt() || config.LengthInt() == 0:
		return prior
	}
	var list []cty.Value
	byKey := map[string]cty.Value{}
	for it := prior.ElementIterator(); it.Next(); {
		k, p := it.Element()
		if !config.HasIndex(k).True() {
			return prior
		}
		m := w.mask(as, blocks, config.Index(k), p)
		list = append(list, m)
		if mode == provider.NestingMap {
			byKey[k.AsString()] = m
		}
	}
	if mode == provider.NestingMap {
		return cty.MapVal(byKey)
	}
	return cty.ListVal(list)
}

func TestProposedNewAgreesWithItsTwin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := drawBlock(t, 2)
		b := schema.New(src)
		prior, config := drawer{t, false}.block(src), drawer{t, true}.block(src)
		got := b.ProposedNew(prior, config)
		if want := (twin{}).block(src.Attributes, src.Blocks, prior, config); !got.RawEquals(want) {
			t.Fatalf("prior  %#v\nconfig %#v\ngot    %#v\nwant   %#v", prior, config, got, want)
		}
		if problems := b.Conforms(got); len(problems) > 0 {
			t.Fatal(problems)
		}
		if problems := b.CheckPlan(prior, config, got); len(problems) > 0 {
			t.Fatalf("a proposal is a valid plan, but: %v\nprior  %#v\nconfig %#v\ngot    %#v", problems, prior, config, got)
		}
		if created := b.ProposedNew(cty.NullVal(b.Type()), config); !created.RawEquals(config) {
			t.Fatalf("without a prior the proposal is the configuration, not %#v", created)
		}
	})
}

func TestChecksAgreeWithTheirOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := drawBlock(t, 2)
		b := schema.New(src)
		config, actual := drawer{t, true}.block(src), drawer{t, false}.block(src)
		if problems := b.CheckResult(config, config); len(problems) > 0 {
			t.Fatalf("a value agrees with itself: %v", problems)
		}
		if config.IsWhollyKnown() && !b.Settled(config, config) {
			t.Fatal("a known value is settled in itself")
		}
		if b.Settled(config, actual) && len(b.CheckPlan(cty.NullVal(b.Type()), config, actual)) > 0 {
			t.Fatalf("what is settled is a valid plan\nconfig %#v\nactual %#v", config, actual)
		}
		if whole := cty.UnknownAsNull(b.ComputedUnknown(config)); len(b.Conforms(whole)) > 0 {
			t.Fatal("the type stays")
		}
	})
}

func BenchmarkProposedNew(b *testing.B) {
	block := schema.New(&provider.Block{Attributes: attrs{"id": str(computed), "input": of(cty.DynamicPseudoType, optional),
		"output": of(cty.DynamicPseudoType, computed), "triggers_replace": of(cty.DynamicPseudoType, optional)}})
	prior := cty.ObjectVal(map[string]cty.Value{"id": cty.StringVal("1"), "input": cty.StringVal("x"), "output": cty.StringVal("x"), "triggers_replace": cty.NullVal(cty.DynamicPseudoType)})
	config := cty.ObjectVal(map[string]cty.Value{"id": cty.NullVal(cty.String), "input": cty.StringVal("x"), "output": cty.NullVal(cty.DynamicPseudoType), "triggers_replace": cty.NullVal(cty.DynamicPseudoType)})
	b.ReportAllocs()
	for b.Loop() {
		block.ProposedNew(prior, config)
	}
}
