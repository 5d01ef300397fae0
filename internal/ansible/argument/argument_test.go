package argument

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tutti/internal/ansible/value"
)

func testHost() Host {
	env := map[string]string{"HOME": "/home/me", "WHO": "you", "FALL": "back"}
	return Host{
		Expand: func(path string) string {
			path = strings.NewReplacer("$WHO", "you", "${WHO}", "you").Replace(path)
			if path == "~" || strings.HasPrefix(path, "~/") {
				path = "/home/me" + path[1:]
			}
			return path
		},
		Getenv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	}
}

// TestRecorded holds Check to what ansible-core's ArgumentSpecValidator gave for the same
// specifications and arguments (testdata/record.py).
func TestRecorded(t *testing.T) {
	data, err := os.ReadFile("testdata/recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := value.ParseJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	for i, item := range parsed.(*value.List).Items {
		recorded := item.(*value.Dict)
		get := func(key string) any { v, _ := recorded.Get(key); return v }
		t.Run(fmt.Sprintf("%d/%v", i, value.Repr(get("args"))), func(t *testing.T) {
			spec, err := FromDict(get("options").(*value.Dict))
			if err != nil {
				t.Fatal(err)
			}
			with(&spec, get("options").(*value.Dict), get("more").(*value.Dict))
			args := value.ToGo(get("args")).(map[string]any)
			before := value.Repr(value.FromGo(args))
			got := Check(spec, args, testHost())
			want := value.ToGo(get("errors")).([]any)
			messages := []any{}
			for _, m := range got.Messages() {
				messages = append(messages, setless(m))
			}
			for i := range want {
				want[i] = setless(want[i].(string))
			}
			if diff := cmp.Diff(want, messages); diff != "" {
				t.Errorf("errors: -want +got\n%s", diff)
			}
			if len(want) == 0 {
				compareArgs(t, value.ToGo(get("params")), got.Args)
			}
			compareNotices(t, get, got)
			if after := value.Repr(value.FromGo(args)); after != before {
				t.Errorf("the arguments given were changed: %s", after)
			}
		})
	}
}

func compareArgs(t *testing.T, want any, got map[string]any) {
	t.Helper()
	if diff := cmp.Diff(number(want), number(got)); diff != "" {
		t.Errorf("args: -want +got\n%s", diff)
	}
}

func compareNotices(t *testing.T, get func(string) any, got Checked) {
	t.Helper()
	var warnings, deprecations []string
	for _, w := range value.ToGo(get("warnings")).([]any) {
		warnings = append(warnings, w.(string))
	}
	for _, d := range value.ToGo(get("deprecations")).([]any) {
		deprecations = append(deprecations, fmt.Sprint(d))
	}
	var notices []string
	for _, d := range got.Deprecations {
		notices = append(notices, fmt.Sprint([]any{d.Msg, d.Version}))
	}
	// The real validator sends those about suboptions another way, which is not recorded.
	own := slices.DeleteFunc(slices.Clone(got.Warnings), func(w string) bool { return strings.Contains(w, "[") })
	if !slices.Equal(warnings, own) || !slices.Equal(deprecations, notices) {
		t.Errorf("warnings %q, deprecations %q; want %q, %q", got.Warnings, notices, warnings, deprecations)
	}
	var secrets []string
	for _, s := range value.ToGo(get("secrets")).([]any) {
		secrets = append(secrets, s.(string))
	}
	if !slices.Equal(secrets, got.Secrets) {
		t.Errorf("secrets %q, want %q", got.Secrets, secrets)
	}
}

// with adds what FromDict does not read, because roles cannot say it.
func with(s *Spec, options, more *value.Dict) {
	get := func(key string) any { v, _ := more.Get(key); return v }
	s.MutuallyExclusive, s.RequiredTogether, s.RequiredOneOf = groups(get("mutually_exclusive")), groups(get("required_together")), groups(get("required_one_of"))
	s.RequiredIf, s.RequiredBy = conditions(get("required_if")), by(get("required_by"))
	for i := range s.Options {
		d, _ := options.Get(s.Options[i].Name)
		fallback, _ := d.(*value.Dict).Get("fallback")
		s.Options[i].Fallback = names(fallback)
		deprecated, _ := d.(*value.Dict).Get("deprecated_aliases")
		if l, ok := deprecated.(*value.List); ok {
			s.Options[i].DeprecatedAliases = map[string]string{}
			for _, x := range l.Items {
				name, _ := x.(*value.Dict).Get("name")
				version, _ := x.(*value.Dict).Get("version")
				s.Options[i].DeprecatedAliases[value.String(name)] = value.String(version)
			}
		}
	}
}

var validBooleans = regexp.MustCompile(`(Valid booleans include: ).*`)

// setless takes a list out of a message that comes in the order of a Python set.
func setless(message string) string { return validBooleans.ReplaceAllString(message, "$1...") }

// number makes all numbers, and booleans that Python counts as such, alike.
func number(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for k, x := range v {
			m[k] = number(x)
		}
		return m
	case []any:
		l := make([]any, len(v))
		for i, x := range v {
			l[i] = number(x)
		}
		return l
	case int64:
		return float64(v)
	case bool:
		if v {
			return 1.0
		}
		return 0.0
	case float64:
		if math.IsNaN(v) {
			return "nan"
		}
	}
	return v
}

func TestMessage(t *testing.T) {
	c := Check(Spec{Options: []Option{{Name: "a"}}}, map[string]any{"b": 1}, Host{})
	if got, want := c.Message("copy"), "Unsupported parameters for (copy) module: b. Supported parameters include: a."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFromDictRefuses(t *testing.T) {
	deep := value.NewDict("a", value.NewDict("type", "dict"))
	for range depthLimit + 1 {
		deep = value.NewDict("a", value.NewDict("type", "dict", "options", deep))
	}
	for name, d := range map[string]*value.Dict{
		"type": value.NewDict("a", value.NewDict("type", "strange")), "description": value.NewDict("a", "text"), "deep": deep,
		"both": value.NewDict("a", value.NewDict("required", true, "default", int64(1))),
	} {
		if _, err := FromDict(d); err == nil {
			t.Errorf("%s: a wrong specification is accepted", name)
		}
	}
}

func TestHide(t *testing.T) {
	result := map[string]any{"msg": "the password is s3cret!", "list": []any{"s3cret", int64(12345), true, nil}, "names": []string{"s3cret"}, "n": 5}
	want := map[string]any{"msg": "the password is ********!", "list": []any{Hidden, Hidden, true, nil}, "names": []any{Hidden}, "n": 5}
	if diff := cmp.Diff(any(want), Hide(result, []string{"s3", "s3cret", "234"})); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func FuzzText(f *testing.F) {
	for _, seed := range []string{"a=1 b='2 3'", `{"a": 1}`, "{'a': (1, [None])}", "10K", "1e3"} {
		f.Add(seed)
	}
	types := []Type{Str, Bool, Int, Float, Path, List, Dict, Raw, JSONArg, Bytes, Bits}
	f.Fuzz(func(t *testing.T, s string) {
		for _, kind := range types {
			Check(Spec{Options: []Option{{Name: "x", Type: kind}}}, map[string]any{"x": s}, Host{})
		}
	})
}
