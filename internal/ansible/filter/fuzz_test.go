package filter_test

import (
	"testing"
	"unicode/utf8"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/value"
)

// evaluate evaluates an expression with one variable more.
func evaluate(e *jinja.Environment, expression, name string, v any) (any, error) {
	t, err := e.Parse("{{ "+expression+" }}", "")
	if err != nil {
		return nil, err
	}
	c := context()
	c.Variables = jinja.Dict{Dict: value.NewDict(name, v, "more", "x")}
	return t.Native(c)
}

// What is written as YAML reads back as it was, whatever the text.
func FuzzYAMLRoundTrip(f *testing.F) {
	for _, s := range []string{"", "a", "yes", "1e3", "0o7", "- x", "a: b", "x\n y\n\n", "\u0085", "'\"", "#", "1:30", "2020-01-01", "\t", "é\x00", "~", "...", "---\n"} {
		f.Add(s, true)
	}
	e := environment()
	f.Fuzz(func(t *testing.T, text string, nice bool) {
		if !utf8.ValidString(text) {
			return // such bytes are no characters, in YAML and in JSON
		}
		v := value.NewDict("k", text, text, value.NewList(text, int64(1), nil, value.NewDict(text, true)))
		filters := "x | to_yaml | from_yaml"
		if nice {
			filters = "x | to_nice_yaml | from_yaml"
		}
		back, err := evaluate(e, filters, "x", v)
		if err != nil {
			return // control characters and text that is not UTF-8 cannot be written
		}
		if !value.Equal(v, back) {
			t.Errorf("%s\n gives %s", value.Repr(v), value.Repr(back))
		}
	})
}

// No pattern and no text make the filters fall over.
func FuzzRegexFilters(f *testing.F) {
	f.Add("a(b)?", "abc", `\1`)
	f.Add("(?P<n>x)", "xx", `\g<n>`)
	f.Add("[", "a", `\`)
	f.Add(`\d+|^`, "1\n2", `\g<0>`)
	e := environment()
	f.Fuzz(func(t *testing.T, pattern, text, replacement string) {
		if len(pattern) > 40 || len(text) > 40 {
			return // patterns that backtrack for ever are those of Python too
		}
		v := value.NewList(pattern, text, replacement)
		for _, expression := range []string{"x[1] | regex_replace(x[0], x[2])", "x[1] | regex_search(x[0], x[2])", "x[1] | regex_findall(x[0])",
			"x[1] is match(x[0])", "x[1] is regex(x[0], match_type='fullmatch')", "x[1] | regex_escape"} {
			if got, err := evaluate(e, expression, "x", v); err == nil {
				_ = value.Repr(got)
			}
		}
	})
}

// Filters of text take any text.
func FuzzTextFilters(f *testing.F) {
	f.Add("http://u:p@[::1]:80/p?q#f", "10 MB")
	f.Add("YWJj", "%41%C3")
	f.Add("~/x/$Y", "1.2.3-rc.1+b")
	e := environment()
	f.Fuzz(func(t *testing.T, a, b string) {
		v := value.NewList(a, b)
		for _, expression := range []string{"x[0] | urlsplit", "x[0] | b64decode", "x[0] | urldecode", "x[0] | human_to_bytes", "x[0] | comment(x[1])",
			"x[0] | comment('plain', decoration=x[1])", "x[0] | hash(x[1])", "x[0] | to_uuid(x[1])", "x[0] | to_datetime(x[1])", "x[0] | strftime(0)",
			"x[0] | win_dirname", "x[0] | splitext", "x[0] | expandvars", "x | commonpath", "x | path_join", "x[0] | from_json", "x[0] | from_yaml_all",
			"x[0] | password_hash('md5', x[1])", "x[0] is version(x[1], '<')", "x[0] is version(x[1], '<', version_type='pep440')", "x[0] is uri", "x[0] | unvault(x[1])",
			"x[0] | split(x[1])", "x[0] | b64encode(x[1])", "x[0] | quote", "x[0] | normpath", "x[0] | relpath(x[1])"} {
			if got, err := evaluate(e, expression, "x", v); err == nil {
				_ = value.Repr(got)
			}
		}
	})
}

// What shuffle and random give without a seed follows from the context's alone.
func TestRandomnessIsTheContexts(t *testing.T) {
	e := environment()
	for _, expression := range []string{"range(1000) | list | random", "range(50) | list | shuffle", "1000000 | random", "'x' | password_hash('md5')", "'x' | vault('y')"} {
		template, err := e.Parse("{{ "+expression+" }}", "")
		if err != nil {
			t.Fatal(err)
		}
		results := map[string]bool{}
		for _, seed := range []uint64{1, 1, 2} {
			c := context()
			c.Seed = seed
			v, err := template.Native(c)
			if err != nil {
				t.Fatal(err)
			}
			results[value.Repr(v)] = true
		}
		if len(results) != 2 {
			t.Errorf("%s: two seeds, one of them used twice, gave %d results", expression, len(results))
		}
	}
}

// deaf is a caller that cannot reach the machine.
type deaf struct{}

func TestWithoutAWorldThereIsAnError(t *testing.T) {
	e := environment()
	for _, expression := range []string{"'~' | expanduser", "'/' is directory", "'x' | realpath", "'/' is vaulted_file"} {
		template, err := e.Parse("{{ "+expression+" }}", "")
		if err != nil {
			t.Fatal(err)
		}
		c := context()
		c.Data = deaf{}
		if v, err := template.Native(c); err == nil {
			t.Errorf("%s gave %s", expression, value.Repr(v))
		}
	}
}

func TestWhatIsUnknownStaysSo(t *testing.T) {
	e := environment()
	u := &value.Unknown{Why: "the result of a task"}
	for expression, want := range map[string]string{
		"x | b64encode":                            "(unknown until applied)",
		"{'a': x} | combine({'b': 1})":             "{'a': (unknown until applied), 'b': 1}",
		"[x] | zip([1])":                           "[[(unknown until applied), 1]]",
		"x | ternary(1, 2)":                        "(unknown until applied)",
		"x is changed":                             "(unknown until applied)",
		"{'changed': x} is changed":                "(unknown until applied)",
		"{'changed': x, 'failed': true} is failed": "True",
		"[x] | flatten":                            "(unknown until applied)",
		"{'a': x} | dict2items":                    "[{'key': 'a', 'value': (unknown until applied)}]",
		"[true, x] is any":                         "True",
		"[x, true] is all":                         "(unknown until applied)",
		"'x' is vault_encrypted":                   "False",
	} {
		v, err := evaluate(e, expression, "x", u)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
		} else if got := value.Repr(v); got != want {
			t.Errorf("%s: got %s, want %s", expression, got, want)
		}
	}
}

func TestCombinationsThatWouldFillTheMemoryAreRefused(t *testing.T) {
	e := environment()
	items := make([]any, 100)
	for _, expression := range []string{"x | product(x, x, x)", "x | permutations", "x | combinations(50)", "x | product(repeat=1000000000)", "[[]] | product(repeat=4611686018427387904)"} {
		if v, err := evaluate(e, expression, "x", value.NewList(items...)); err == nil {
			t.Errorf("%s gave %.80s", expression, value.Repr(v))
		}
	}
}
