package resource

import (
	"testing"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/schema"
)

// everyType has every type that a schema can hold.
func everyType() cty.Type {
	leaf := cty.Object(map[string]cty.Type{"a": cty.String, "b": cty.Number})
	return cty.Object(map[string]cty.Type{"s": cty.String, "n": cty.Number, "b": cty.Bool, "d": cty.DynamicPseudoType, "l": cty.List(cty.String),
		"set": cty.Set(cty.Number), "m": cty.Map(cty.Bool), "t": cty.Tuple([]cty.Type{cty.String, cty.Bool}), "o": leaf, "lo": cty.List(leaf), "ld": cty.List(cty.DynamicPseudoType)})
}

var texts = []string{
	`{}`, `null`, `{"s":"x"}`, `{"s":null}`, `{"s":"\u00e9\n\"\\"}`, `{"s":"é"}`, `{"s":"e` + "\u0301" + `"}`, `{"s":1}`, `{"s":true}`, "{\"s\":\"\x01\"}", "{\"s\":\"\xff\"}",
	`{"n":1}`, `{"n":-1}`, `{"n":1.5}`, `{"n":1e3}`, `{"n":123456789012345678901234567890}`, `{"n":999999999999999999}`, `{"n":"12"}`, `{"n":01}`, `{"n":-0}`, `{"n":0}`,
	`{"b":true,"b":false}`, `{"b":"true"}`, `{"b":tru}`, `{"l":["a", "b" ]}`, `{"l":[]}`, `{"l":[null]}`, `{"l":["a",]}`, `{"set":[1,1,2]}`, `{"m":{"k":true}}`, `{"m":{}}`,
	`{"m":{"k":true,"k":false}}`, `{"t":["a",true]}`, `{"t":["a"]}`, `{"t":["a",true,1]}`, `{"o":{"a":"x"}}`, `{"o":{"c":1}}`, `{"lo":[{"a":"x","b":2},{}]}`, `{"zzz":1}`, `{"s":"x"} x`,
	`{"d":{"value":"x","type":"string"}}`, `{"d":{"type":["list","string"],"value":["a"]}}`, `{"d":{"value":{"a":[1,{"b":"}"}]},"type":["object",{"a":["tuple",["number",["object",{"b":"string"}]]]}]}}`,
	`{"d":{"value":null,"type":"dynamic"}}`, `{"d":null}`, `{"d":{"value":1}}`, `{"d":{"value":1,"type":"number","more":1}}`, `{"ld":[{"value":1,"type":"number"}]}`, ` { "s" : "x" , "n" : 3 } `, `[1]`, ``, `{`, `{"s"`,
}

func FuzzDecodeAttributes(f *testing.F) {
	for _, src := range texts {
		f.Add([]byte(src))
	}
	ty := everyType()
	f.Fuzz(func(t *testing.T, src []byte) {
		r := reader{src: src}
		v, ok := r.value(ty, maxNesting)
		if !ok || !r.atEnd() {
			return // left to the library
		}
		want, err := ctyjson.Unmarshal(src, ty)
		if err != nil {
			t.Fatalf("%q was read as %#v, but the library says %v", src, v, err)
		}
		if !v.RawEquals(want) {
			t.Fatalf("%q: got %#v, want %#v", src, v, want)
		}
	})
}

func TestUsualAttributesAreReadInOnePass(t *testing.T) {
	for _, src := range []string{texts[2], texts[4], texts[11], texts[24], texts[28], texts[29], texts[32], texts[37], texts[40], texts[41], texts[42]} {
		r := reader{src: []byte(src)}
		if _, ok := r.value(everyType(), maxNesting); !ok || !r.atEnd() {
			t.Errorf("%s is left to the library", src)
		}
	}
}

func FuzzCarried(f *testing.F) {
	identity := schema.New(&provider.Block{Attributes: map[string]*provider.Attribute{"name": {Type: cty.String, Required: true}}})
	f.Add([]byte{}, true, "n")
	f.Add([]byte("private"), false, "")
	f.Fuzz(func(t *testing.T, private []byte, known bool, name string) {
		if !utf8.ValidString(name) {
			t.Skip() // cty's strings are Unicode
		}
		in := carried{known: known, destroy: !known, private: private, identity: cty.ObjectVal(map[string]cty.Value{"name": cty.StringVal(name)})}
		out := decodeCarried(in.encode(identity), identity)
		if out.known != known || out.destroy == known || string(out.private) != string(private) || !out.identity.RawEquals(in.identity) {
			t.Fatalf("%#v came back as %#v", in, out)
		}
		decodeCarried(private, identity) // what is damaged does no harm
	})
}

func TestChanged(t *testing.T) {
	s := cty.StringVal
	v := func(name string, tags ...cty.Value) cty.Value {
		return cty.ObjectVal(map[string]cty.Value{"name": s(name), "tags": cty.SetVal(tags), "unknown": cty.UnknownVal(cty.String)})
	}
	name, element := cty.GetAttrPath("name"), cty.GetAttrPath("tags").Index(s("z"))
	for _, tc := range []struct {
		what           string
		prior, planned cty.Value
		path           cty.Path
		want           string
	}{
		{"changed", v("a", s("x")), v("b", s("x")), name, "name"},
		{"the same", v("a", s("x")), v("a", s("y")), name, ""},
		{"may change", v("a", s("x")), v("a", s("x")), cty.GetAttrPath("unknown"), "unknown"},
		{"an element of a set", v("a", s("x")), v("a", s("y")), element, "tags"},
		{"of a set that stays", v("a", s("x")), v("b", s("x")), element, ""},
	} {
		got := ""
		for _, p := range changed(tc.prior, tc.planned, []cty.Path{tc.path}) {
			got += schema.FormatPath(p)
		}
		if got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.what, got, tc.want)
		}
	}
}
