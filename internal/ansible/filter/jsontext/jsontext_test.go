package jsontext

import (
	"testing"
	"unicode/utf8"

	"tutti/internal/ansible/value"
)

// What Python makes of documents is held by the recorded filters to_json and from_json.

// JSON that can be read is written such that it reads as the same.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a": [1, 2.5, null, true, "x\u00e9\ud83d\ude00"]}`, `[NaN, -Infinity]`, `"\n`, `{"a":1,}`, `[[[[`, `-0`, `1e400`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		v, err := Parse(text, true)
		if err != nil {
			return
		}
		for _, o := range []Options{{Item: ", ", Key: ": ", ASCII: true}, {Lines: true, Indent: "  ", Item: ",", Key: ": ", SortKeys: true}} {
			written, err := Format(v, o)
			if err != nil {
				t.Fatalf("%s cannot be written: %v", value.Repr(v), err)
			}
			back, err := Parse(written, true)
			if err != nil || value.Repr(back) != value.Repr(v) && !o.SortKeys {
				t.Fatalf("%s was written as %s, which reads as %s (%v)", value.Repr(v), written, value.Repr(back), err)
			}
		}
	})
}
