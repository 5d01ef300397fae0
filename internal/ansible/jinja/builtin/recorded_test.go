package builtin_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/builtin"
	"tutti/internal/ansible/value"
)

// recorded is one template and what ansible-core made of it; see testdata/record.py.
type recorded struct {
	In    string
	Out   *string
	Error string
}

func readRecorded(t testing.TB) []recorded {
	t.Helper()
	text, err := os.ReadFile("testdata/recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []recorded
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// templates makes every string with delimiters into a template, as in a file of variables.
func templates(v any) any {
	switch v := v.(type) {
	case string:
		if strings.Contains(v, "{{") {
			return &value.Template{Text: v, Origin: value.Origin{File: "variables.json", Line: 1}}
		}
	case *value.List:
		for i, x := range v.Items {
			v.Items[i] = templates(x)
		}
	case *value.Dict:
		for _, k := range v.Keys() {
			x, _ := v.Get(k)
			v.Set(k, templates(x))
		}
	}
	return v
}

func readVariables(t testing.TB) *value.Dict {
	t.Helper()
	text, err := os.ReadFile("testdata/variables.json")
	if err != nil {
		t.Fatal(err)
	}
	v, err := value.ParseJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	return templates(v).(*value.Dict)
}

func load(name string) (string, error) {
	text, err := os.ReadFile(filepath.Join("testdata/templates", filepath.Base(name)))
	if err != nil {
		return "", fmt.Errorf("'%s' not found: %w", name, jinja.ErrNotFound)
	}
	return string(text), nil
}

// evaluate gives what we make of a line of the corpus.
func evaluate(t testing.TB, env *jinja.Environment, line string, c jinja.Context) (any, error) {
	if text, ok := strings.CutPrefix(line, "? "); ok {
		return env.Condition(c, text, value.Origin{}, jinja.Conditions{})
	}
	text, file := strings.CutPrefix(line, "! ")
	if strings.HasPrefix(text, `"`) {
		if err := json.Unmarshal([]byte(text), &text); err != nil {
			t.Fatal(err)
		}
	}
	var tpl *jinja.Template
	var err error
	if file {
		tpl, err = env.File(text, "x.j2", env.FileOptions())
	} else {
		tpl, err = env.Parse(text, "play.yml")
	}
	if err != nil {
		return nil, err
	}
	return tpl.Native(c)
}

// same tells whether what we say is what Ansible says. Our messages may tell more at their
// end, and Python's own type names differ where Ansible has types of its own.
func same(ours string, failed bool, theirs recorded) bool {
	if theirs.Out != nil {
		return !failed && ours == *theirs.Out
	}
	own := strings.NewReplacer("_AnsibleTaggedStr", "str", "_AnsibleTaggedInt", "int", "_AnsibleTaggedList", "list",
		"_AnsibleLazyTemplateDict", "dict", "_AnsibleLazyTemplateList", "list", "_AnsibleLazyAccessTuple", "tuple", "UndefinedMarker", "Undefined")
	return failed && strings.HasPrefix(ours, own.Replace(theirs.Error))
}

func TestRecorded(t *testing.T) {
	env := builtin.New(jinja.Options{})
	known := differences(t)
	cases := readRecorded(t)
	if len(cases) < 600 {
		t.Fatalf("only %d cases are recorded", len(cases))
	}
	for _, r := range cases {
		t.Run(r.In, func(t *testing.T) {
			c := jinja.Context{Variables: jinja.Dict{Dict: readVariables(t)}, Load: load}
			v, err := evaluate(t, env, r.In, c)
			ours := value.Repr(v)
			if _, omit := v.(jinja.Omit); omit {
				err = errors.New("A template was resolved to an Omit scalar.") // Ansible's words
			}
			if err != nil {
				ours = err.Error()
			}
			theirs := "error: " + r.Error
			if r.Out != nil {
				theirs = *r.Out
			}
			reason, different := known[r.In]
			switch ok := same(ours, err != nil, r); {
			case ok && different:
				t.Errorf("is no longer different (%s): take it out of testdata/differences.txt", reason)
			case !ok && !different:
				t.Errorf("\n   in %s\n got %s (error: %t)\nwant %s", r.In, ours, err != nil, theirs)
			}
		})
	}
}

// differences reads the lines of the corpus that we treat otherwise on purpose: a reason,
// and below it the lines, each behind a tab.
func differences(t testing.TB) map[string]string {
	t.Helper()
	text, err := os.ReadFile("testdata/differences.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]string{}
	reason := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if in, ok := strings.CutPrefix(line, "\t"); ok {
			known[in] = reason
		} else {
			reason = line
		}
	}
	return known
}
