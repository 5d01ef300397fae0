package playbook

import (
	"encoding/json"
	"maps"
	"os"
	"strings"
	"testing"
)

// TestPairs holds parsePairs to what ansible-core's parse_kv gives for each line of
// testdata/pairs.jsonl: a text, whether the module takes free form text, and the options.
func TestPairs(t *testing.T) {
	text, err := os.ReadFile("testdata/pairs.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var parts [3]any
		if err := json.Unmarshal([]byte(line), &parts); err != nil {
			t.Fatal(err)
		}
		in, free := parts[0].(string), parts[1].(bool)
		want := map[string]string{}
		wantErr := false
		switch w := parts[2].(type) {
		case string:
			wantErr = true
		case map[string]any:
			for k, v := range w {
				want[k] = v.(string)
			}
		}
		options, raw, hasRaw, err := parsePairs(in, free)
		got := map[string]string{}
		for _, o := range options {
			got[o.key] = o.value
		}
		if hasRaw {
			got["_raw_params"] = raw
		}
		if (err != nil) != wantErr || !wantErr && !maps.Equal(got, want) {
			t.Errorf("%q (free form %v): got %q, %v; want %q, error %v", in, free, got, err, want, wantErr)
		}
	}
}

// FuzzPairs looks for texts that cannot be read without a fault, and words that lose text.
func FuzzPairs(f *testing.F) {
	for _, s := range []string{"a=b c", `a="b c" {{ d }} e='`, "a \\\n b", `\x41\u00e9=\`} {
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, s string, free bool) {
		words, err := splitWords(s)
		if err != nil {
			return
		}
		if bare := func(s string) string { return strings.NewReplacer(" ", "", "\n", "", `\`, "").Replace(s) }; bare(strings.Join(words, "")) != bare(s) {
			t.Errorf("%q: words %q", s, words)
		}
		if _, _, _, err := parsePairs(s, free); err != nil {
			t.Errorf("%q: %v, but it can be split", s, err)
		}
	})
}

// FuzzPlaybook looks for playbooks that make the loader fail in another way than it may.
func FuzzPlaybook(f *testing.F) {
	text, err := os.ReadFile("testdata/syntax/playbooks.txt")
	if err != nil {
		f.Fatal(err)
	}
	for part := range strings.SplitSeq(string(text), "=== ") {
		_, body, _ := strings.Cut(part, "\n")
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, s string) {
		files := texts{"site.yml": s, "there.yml": "- ping:\n", "roles/there/tasks/main.yml": "- ping:\n"}
		pb, diags, err := New(files, testOptions()).Playbook("site.yml")
		if err != nil || pb == nil {
			t.Fatal(err)
		}
		for _, d := range diags {
			if d.Detail == "" {
				t.Errorf("nothing is said: %v", d)
			}
		}
		var out tree
		out.playbook(pb)
	})
}
