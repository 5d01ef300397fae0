package builtin_test

import (
	"testing"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/builtin"
	"tutti/internal/ansible/value"
)

// FuzzTemplate looks for templates that make the program panic, never end, change the
// caller's variables, or give something else the second time.
func FuzzTemplate(f *testing.F) {
	for _, r := range readRecorded(f) {
		f.Add(r.In)
	}
	f.Add("{{ u | default(u) }}{% for x in l recursive %}{{ loop(u) }}{% endfor %}")
	vars := readVariables(f)
	vars.Set("u", &value.Unknown{Why: "fuzzing"})
	before := value.Repr(vars)
	c := jinja.Context{Variables: jinja.Dict{Dict: vars}, Load: load,
		Limits: jinja.Limits{Steps: 20_000, Output: 100_000, Depth: 30}}
	env := builtin.New(jinja.Options{})
	f.Fuzz(func(t *testing.T, source string) {
		var first string
		for i := range 2 {
			got := outcome(env, source, c)
			if i == 0 {
				first = got
			} else if got != first {
				t.Errorf("once %s, then %s", first, got)
			}
			if value.Repr(vars) != before {
				t.Fatal("the variables have changed")
			}
		}
	})
}

func outcome(env *jinja.Environment, source string, c jinja.Context) string {
	got := ""
	if tpl, err := env.Parse(source, "play.yml"); err != nil {
		got = err.Error()
	} else if v, err := tpl.Native(c); err != nil {
		got = err.Error()
	} else {
		got = value.Repr(v)
	}
	v, err := env.Condition(c, source, value.Origin{}, jinja.Conditions{AllowBroken: true})
	if err != nil {
		return got + "; " + err.Error()
	}
	return got + "; " + value.Repr(v)
}
