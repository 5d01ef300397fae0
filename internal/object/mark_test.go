package object_test

import (
	"testing"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/object"
)

func TestMarkPaths(t *testing.T) {
	secret := cty.StringVal("s").Mark(object.Sensitive)
	plain := cty.StringVal("s")
	for _, tc := range []struct {
		name string
		v    cty.Value
		path cty.Path
		want cty.Value
	}{
		{"the whole", plain, nil, secret},
		{"an attribute", cty.ObjectVal(map[string]cty.Value{"a": plain, "b": plain}), cty.GetAttrPath("a"),
			cty.ObjectVal(map[string]cty.Value{"a": secret, "b": plain})},
		{"a map's element", cty.MapVal(map[string]cty.Value{"a": plain}), cty.IndexStringPath("a"), cty.MapVal(map[string]cty.Value{"a": secret})},
		{"a list's element", cty.ListVal([]cty.Value{plain, plain}), cty.IndexIntPath(1), cty.ListVal([]cty.Value{plain, secret})},
		{"a tuple's element", cty.TupleVal([]cty.Value{cty.True, plain}), cty.IndexIntPath(1), cty.TupleVal([]cty.Value{cty.True, secret})},
		{"deep", cty.ObjectVal(map[string]cty.Value{"a": cty.ListVal([]cty.Value{plain})}), cty.GetAttrPath("a").IndexInt(0),
			cty.ObjectVal(map[string]cty.Value{"a": cty.ListVal([]cty.Value{secret})})},
		{"beside another mark", cty.ObjectVal(map[string]cty.Value{"a": plain}).Mark(object.Ephemeral), cty.GetAttrPath("a"),
			cty.ObjectVal(map[string]cty.Value{"a": secret}).Mark(object.Ephemeral)},
		{"inside a set", cty.SetVal([]cty.Value{plain}), cty.IndexPath(plain), cty.SetVal([]cty.Value{plain}).Mark(object.Sensitive)},
		{"inside null", cty.NullVal(cty.Map(cty.String)), cty.IndexStringPath("a"), cty.NullVal(cty.Map(cty.String)).Mark(object.Sensitive)},
		{"inside unknown", cty.UnknownVal(cty.Map(cty.String)), cty.IndexStringPath("a"), cty.UnknownVal(cty.Map(cty.String)).Mark(object.Sensitive)},
		{"a key that went", cty.ObjectVal(map[string]cty.Value{"a": cty.MapVal(map[string]cty.Value{"x": plain})}), cty.GetAttrPath("a").IndexString("y"),
			cty.ObjectVal(map[string]cty.Value{"a": cty.MapVal(map[string]cty.Value{"x": plain}).Mark(object.Sensitive)})},
		{"an index beyond the end", cty.ListVal([]cty.Value{plain}), cty.IndexIntPath(1), cty.ListVal([]cty.Value{plain}).Mark(object.Sensitive)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := object.MarkPaths(tc.v, []cty.Path{tc.path}, object.Sensitive); !got.RawEquals(tc.want) {
				t.Errorf("got %#v, want %#v", got, tc.want)
			}
		})
	}
}

// TestMarkPathsTogether marks the whole and a part, in both orders.
func TestMarkPathsTogether(t *testing.T) {
	v := cty.ObjectVal(map[string]cty.Value{"a": cty.StringVal("s"), "b": cty.True})
	want := cty.ObjectVal(map[string]cty.Value{"a": cty.StringVal("s").Mark(object.Sensitive), "b": cty.True}).Mark(object.Sensitive)
	for _, paths := range [][]cty.Path{{nil, cty.GetAttrPath("a")}, {cty.GetAttrPath("a"), nil}, {cty.GetAttrPath("gone"), cty.GetAttrPath("a")}} {
		if got := object.MarkPaths(v, paths, object.Sensitive); !got.RawEquals(want) {
			t.Errorf("%v: got %#v, want %#v", paths, got, want)
		}
	}
}
