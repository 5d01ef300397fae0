package object

import (
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

func TestPathsText(t *testing.T) {
	tests := []struct {
		paths []cty.Path
		text  string
	}{
		{nil, `[]`},
		{[]cty.Path{cty.GetAttrPath("a")}, `[[{"type":"get_attr","value":"a"}]]`},
		{
			[]cty.Path{cty.GetAttrPath("l").IndexInt(2).GetAttr("x"), cty.GetAttrPath("m").IndexString("k \"q\"")},
			`[[{"type":"get_attr","value":"l"},{"type":"index","value":{"value":2,"type":"number"}},{"type":"get_attr","value":"x"}],` +
				`[{"type":"get_attr","value":"m"},{"type":"index","value":{"value":"k \"q\"","type":"string"}}]]`,
		},
	}
	for _, tt := range tests {
		text, err := MarshalPaths(tt.paths)
		if err != nil || string(text) != tt.text {
			t.Errorf("got %s, want %s (%v)", text, tt.text, err)
		}
		paths, err := UnmarshalPaths([]byte(tt.text))
		if err != nil || len(paths) != len(tt.paths) {
			t.Fatalf("%s: %v, %v", tt.text, paths, err)
		}
		for i, p := range paths {
			if !p.Equals(tt.paths[i]) {
				t.Errorf("%s: path %d is %#v", tt.text, i, p)
			}
		}
	}
}

func TestUnmarshalPathsRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`{}`: "list of lists", `[["a"]]`: "list of lists", `[[{"type":"oops"}]]`: `"oops" is not a kind of step`,
		`[[{"type":"get_attr","value":1}]]`: "path 1, step 1", `[[],[{"type":"index","value":"a"}]]`: "path 2, step 1",
		`[[{"type":"index","value":{"value":true,"type":"bool"}}]]`:   "a string or a number",
		`[[{"type":"index","value":{"value":null,"type":"string"}}]]`: "a string or a number",
	} {
		if _, err := UnmarshalPaths([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
