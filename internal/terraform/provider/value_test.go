package provider

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/msgpack"
	"pgregory.net/rapid"

	"tutti/internal/terraform/provider/tfplugin6"
)

// every is a type that has something of everything.
func every() cty.Type {
	return cty.Object(map[string]cty.Type{
		"s": cty.String, "n": cty.Number, "b": cty.Bool, "any": cty.DynamicPseudoType,
		"l": cty.List(cty.String), "m": cty.Map(cty.Number), "set": cty.Set(cty.Object(map[string]cty.Type{"x": cty.Bool})),
		"anys": cty.List(cty.Object(map[string]cty.Type{"any": cty.DynamicPseudoType})),
	})
}

func drawAny(t *rapid.T, ty cty.Type, depth int) cty.Value {
	switch rapid.IntRange(0, 9).Draw(t, "what") {
	case 0:
		return cty.NullVal(ty)
	case 1:
		return cty.UnknownVal(ty)
	case 2:
		if ty != cty.DynamicPseudoType {
			return cty.UnknownVal(ty).RefineNotNull()
		}
	}
	switch {
	case ty == cty.String:
		return cty.StringVal(rapid.String().Draw(t, "s"))
	case ty == cty.Number:
		return cty.NumberFloatVal(rapid.Float64Range(-1e9, 1e9).Draw(t, "n"))
	case ty == cty.Bool:
		return cty.BoolVal(rapid.Bool().Draw(t, "b"))
	case ty == cty.DynamicPseudoType:
		if depth > 2 {
			return cty.StringVal("deep")
		}
		return drawAny(t, rapid.SampledFrom([]cty.Type{cty.String, cty.Number, cty.List(cty.Bool), every()}).Draw(t, "ty"), depth+1)
	case ty.IsObjectType():
		attrs := map[string]cty.Value{}
		for _, name := range sortedNames(ty) {
			attrs[name] = drawAny(t, ty.AttributeType(name), depth+1)
		}
		return cty.ObjectVal(attrs)
	}
	return drawCollection(t, ty, depth)
}

func drawCollection(t *rapid.T, ty cty.Type, depth int) cty.Value {
	var list []cty.Value
	if !ty.HasDynamicTypes() {
		for range rapid.IntRange(0, 3).Draw(t, "length") {
			list = append(list, drawAny(t, ty.ElementType(), depth+1))
		}
	}
	switch {
	case ty.IsListType() && len(list) == 0:
		return cty.ListValEmpty(ty.ElementType())
	case ty.IsListType():
		return cty.ListVal(list)
	case ty.IsSetType() && len(list) == 0:
		return cty.SetValEmpty(ty.ElementType())
	case ty.IsSetType():
		return cty.SetVal(list)
	case len(list) == 0:
		return cty.MapValEmpty(ty.ElementType())
	}
	m := map[string]cty.Value{}
	for i, v := range list {
		m[strings.Repeat("k", i+1)] = v
	}
	return cty.MapVal(m)
}

// sortedNames makes drawing deterministic.
func sortedNames(ty cty.Type) []string { return slices.Sorted(maps.Keys(ty.AttributeTypes())) }

func TestValuesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawAny(t, every(), 0)
		d, err := encode(want, every())
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode(d, every())
		if err != nil {
			t.Fatal(err)
		}
		if !got.RawEquals(want) {
			t.Fatalf("got %#v\nwant %#v", got, want)
		}
	})
}

// TestBlockEncoding holds the encoder of blocks to the library's bytes.
func TestBlockEncoding(t *testing.T) {
	// A value of a block with attributes of any type is never of the block's own type.
	dynamic, static := &Block{Attributes: map[string]*Attribute{}}, &Block{Attributes: map[string]*Attribute{}}
	for name, ty := range every().AttributeTypes() {
		dynamic.Attributes[name] = &Attribute{Type: ty}
		if !ty.HasDynamicTypes() {
			static.Attributes[name] = &Attribute{Type: ty}
		}
	}
	wide := &Block{Attributes: maps.Clone(static.Attributes)}
	for i := range 20 { // a map of more than 15
		wide.Attributes[fmt.Sprint("more", i)] = &Attribute{Type: cty.String}
	}
	rapid.Check(t, func(t *rapid.T) {
		block := rapid.SampledFrom([]*Block{static, wide, dynamic}).Draw(t, "block")
		ty := block.ImpliedType()
		v := drawAny(t, ty, 0)
		if rapid.Bool().Draw(t, "odd") && v.IsKnown() && !v.IsNull() {
			v = withOdd(t, v)
		}
		want, wantErr := encode(v, ty)
		got, err := block.encode(v)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) || !bytes.Equal(got.GetMsgpack(), want.GetMsgpack()) {
			t.Fatalf("%#v\ngot  %x, %v\nwant %x, %v", v, got.GetMsgpack(), err, want.GetMsgpack(), wantErr)
		}
	})
	if got, err := static.encode(cty.NilVal); err != nil || !bytes.Equal(got.Msgpack, []byte{0xc0}) {
		t.Errorf("no value is %x, %v", got.GetMsgpack(), err)
	}
	if got, err := (*Block)(nil).encode(cty.EmptyObjectVal); err != nil || !bytes.Equal(got.Msgpack, []byte{0x80}) {
		t.Errorf("no block's value is %x, %v", got.GetMsgpack(), err)
	}
}

// withOdd puts something rare into one attribute of type string or number.
func withOdd(t *rapid.T, v cty.Value) cty.Value {
	m := v.AsValueMap()
	name := rapid.SampledFrom(sortedNames(v.Type())).Draw(t, "attribute")
	switch m[name].Type() {
	case cty.String:
		m[name] = rapid.SampledFrom([]cty.Value{
			cty.UnknownVal(cty.String).RefineNotNull(), cty.UnknownVal(cty.String).Refine().StringPrefix("pre").NewValue(),
			cty.StringVal("hush").Mark("sensitive"), cty.StringVal(strings.Repeat("x", 31)), cty.StringVal(strings.Repeat("x", 32)),
			cty.StringVal(strings.Repeat("x", 255)), cty.StringVal(strings.Repeat("x", 256)), cty.StringVal(strings.Repeat("x", 1<<16)),
		}).Draw(t, "text")
	case cty.Number:
		m[name] = rapid.SampledFrom([]cty.Value{
			cty.UnknownVal(cty.Number).RefineNotNull(), cty.NumberIntVal(127), cty.NumberIntVal(128), cty.NumberIntVal(-1), cty.NumberFloatVal(0.5),
			cty.NumberIntVal(1 << 40), cty.MustParseNumberVal("12345678901234567890123"), cty.PositiveInfinity,
		}).Draw(t, "number")
	}
	return cty.ObjectVal(m)
}

func TestDecodeRefusesWhatDoesNotFit(t *testing.T) {
	list := cty.List(cty.DynamicPseudoType)
	mixed, err := msgpack.Marshal(cty.TupleVal([]cty.Value{cty.StringVal("a"), cty.NumberIntVal(1)}), cty.Tuple([]cty.Type{cty.DynamicPseudoType, cty.DynamicPseudoType}))
	if err != nil {
		t.Fatal(err)
	}
	if v, err := decode(&tfplugin6.DynamicValue{Msgpack: mixed}, list); err == nil {
		t.Errorf("a list of mixed elements gave %#v", v)
	}
	if v, err := decode(&tfplugin6.DynamicValue{Msgpack: []byte{0x80}}, every()); err == nil {
		t.Errorf("an empty object gave %#v", v)
	}
	if v, err := decode(nil, every()); err != nil || !v.RawEquals(cty.NullVal(every())) {
		t.Errorf("nothing gave %#v, %v", v, err)
	}
	if v, err := decode(&tfplugin6.DynamicValue{Json: []byte(`"x"`)}, cty.String); err != nil || !v.RawEquals(cty.StringVal("x")) {
		t.Errorf("JSON gave %#v, %v", v, err)
	}
	_, err = encode(cty.StringVal("hush").Mark("sensitive"), cty.String)
	if err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("a marked value: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{0xc0}, false)
	f.Add([]byte(`{"s":"x"}`), true)
	f.Fuzz(func(t *testing.T, raw []byte, json bool) {
		d := &tfplugin6.DynamicValue{Msgpack: raw}
		if json {
			d = &tfplugin6.DynamicValue{Json: raw}
		}
		if v, err := decode(d, every()); err == nil && !v.Type().Equals(every()) && v.Type().TestConformance(every()) != nil {
			t.Errorf("decoded to type %#v", v.Type())
		}
	})
}
