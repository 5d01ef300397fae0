package literal

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"tutti/internal/ansible/value"
)

// deviations are literals that we read otherwise than Python, with our answer: no names of
// characters, no bytes beyond UTF-8, no integers beyond 64 bits.
var deviations = map[string]string{
	`'\N{BULLET}'`:                    "",
	`b'\xff'`:                         `'ÿ'`,
	"123456789012345678901234567890":  `'123456789012345678901234567890'`,
	"-123456789012345678901234567890": `'-123456789012345678901234567890'`,
	"9223372036854775808":             `'9223372036854775808'`,
	"-9223372036854775808":            `'-9223372036854775808'`,
}

// testdata/literals.json holds what Python's ast.literal_eval gives, in its notation; tuples
// and sets as lists.
func TestRecorded(t *testing.T) {
	raw, err := os.ReadFile("testdata/literals.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases [][2]*string
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		text, want := *c[0], "no literal"
		if c[1] != nil {
			want = *c[1]
		}
		if ours, ok := deviations[text]; ok {
			if want = ours; ours == "" {
				want = "no literal"
			}
		}
		got := "no literal"
		if v, ok := Parse(text); ok {
			got = value.Repr(v)
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestDepth(t *testing.T) {
	if _, ok := Parse(strings.Repeat("[", MaxDepth+2) + strings.Repeat("]", MaxDepth+2)); ok {
		t.Error("too deep a list is read")
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"[1, 'a', {2: 3.5}]", `'''x''' r"\d"`, "-1+2j", "{1, 2}"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if v, ok := Parse(text); ok {
			_ = value.Repr(v)
		}
	})
}
