package builtin_test

import (
	"errors"
	"strings"
	"testing"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/builtin"
	"tutti/internal/ansible/jinja/syntax"
	"tutti/internal/ansible/value"
)

func native(t *testing.T, env *jinja.Environment, source string, c jinja.Context) (any, error) {
	t.Helper()
	tpl, err := env.Parse(source, "play.yml")
	if err != nil {
		return nil, err
	}
	return tpl.Native(c)
}

func TestUnknown(t *testing.T) {
	env := builtin.New(jinja.Options{})
	u := &value.Unknown{Why: "the result of task \"build\""}
	vars := value.NewDict("u", u, "l", value.NewList(int64(1), u, int64(3)), "d", value.NewDict("known", "k", "unknown", u),
		"t", &value.Template{Text: "{{ u.stdout }}"}, "text", &value.Template{Text: "x {{ u }}"}, "yes", true, "a", int64(1))
	const unknown = "(unknown until applied)"
	for _, test := range []struct{ in, out string }{
		{"{{ u }}", unknown}, {"x{{ u }}", unknown}, {"{{ u.stdout }}", unknown}, {"{{ u['a'][0].b }}", unknown},
		{"{{ u() }}", unknown}, {"{{ u.get('x') }}", unknown}, {"{{ u + 1 }}", unknown}, {"{{ 1 + u }}", unknown}, {"{{ -u }}", unknown},
		{"{{ 'a' ~ u }}", unknown}, {"{{ '%s' % u }}", unknown}, {"{{ '%s' % [u] }}", unknown}, {"{{ u == 1 }}", unknown}, {"{{ 1 < u }}", unknown}, {"{{ not u }}", unknown},
		{"{{ u | upper }}", unknown}, {"{{ u | default('x') }}", unknown}, {"{{ u.x | default('x', true) }}", unknown}, {"{{ 'a' | default(u) }}", "'a'"},
		{"{{ missing | default(u) }}", unknown}, {"{{ u is defined }}", "True"}, {"{{ u.x is defined }}", "True"}, {"{{ u is undefined }}", "False"},
		{"{{ u is string }}", unknown}, {"{{ u and missing }}", unknown}, {"{{ u and false }}", "False"}, {"{{ false and u }}", "False"},
		{"{{ u or true }}", "True"}, {"{{ true or u }}", "True"}, {"{{ u or false }}", unknown}, {"{{ u and true }}", unknown}, {"{{ u or 'x' }}", unknown},
		{"{{ 'a' if u else 'b' }}", unknown}, {"{{ u if yes else 'b' }}", unknown}, {"{{ 'a' if yes else u }}", "'a'"},
		{"{% if u %}a{% endif %}", unknown}, {"{% if u %}a{% endif %}{{ missing }}", unknown}, {"{% for x in u %}{{ x }}{% endfor %}", unknown},
		{"{% if u is defined %}a{% endif %}", "'a'"}, {"{{ l }}", "[1, " + unknown + ", 3]"}, {"{{ l | length }}", "3"}, {"{{ l | first }}", "1"}, {"{{ l[1] }}", unknown},
		{"{{ l | list }}", "[1, " + unknown + ", 3]"}, {"{{ l | join(',') }}", unknown}, {"{{ l | sort }}", unknown}, {"{{ l | sum }}", unknown},
		{"{{ l | map('string') | list }}", "['1', " + unknown + ", '3']"}, {"{{ l | select('odd') | list }}", unknown}, {"{{ l | reverse }}", "[3, " + unknown + ", 1]"},
		{"{{ 1 in l }}", "True"}, {"{{ 5 in l }}", unknown}, {"{{ 1 not in l }}", "False"}, {"{{ u in [1] }}", unknown}, {"{{ l == [1] }}", unknown},
		{"{{ l + [4] }}", "[1, " + unknown + ", 3, 4]"}, {"{{ l }} text", unknown}, {"{{ d.known }}", "'k'"}, {"{{ d.unknown }}", unknown}, {"{{ d | length }}", "2"},
		{"{{ d.values() | list }}", "['k', " + unknown + "]"}, {"{{ d | tojson }}", unknown}, {"{{ d.get('known') }}", "'k'"}, {"{{ d.get(u) }}", unknown}, {"{{ d[u] }}", unknown},
		{"{{ t }}", unknown}, {"{{ t is defined }}", "True"}, {"{{ text }}", unknown}, {"{{ text | length }}", unknown},
		{"{% set x %}a{{ u }}{% endset %}{{ x }}", unknown}, {"{% set x = [u] %}{{ x | length }}", "1"},
		{"{% macro m(x) %}[{{ x }}]{% endmacro %}{{ m(u) }}", unknown}, {"{% macro m(x) %}{% if x %}a{% endif %}{% endmacro %}{{ m(u) | length }}", unknown},
		{"{% set l2 = [] %}{% set _ = l2.append(u) %}{{ l2 | length }}", "1"}, {"{{ ','.join(l) }}", unknown}, {"{{ 'a'.replace('a', u) }}", unknown},
		{"{% for x in l %}{{ loop.index }}{% endfor %}", "'123'"}, {"{% for x in l %}{{ x }}{% endfor %}", unknown}, {"{% for x in l if x %}y{% endfor %}", unknown},
		{"{% include u %}", unknown}, {"{{ dict(a=u) }}", "{'a': " + unknown + "}"}, {"{{ dict(a=u).b }}", "object of type 'dict' has no attribute 'b'"},
		{"{{ range(u) }}", unknown}, {"{{ u[1:] }}", unknown}, {"{{ 'abc'[u:] }}", unknown}, {"{{ {u: 1} }}", unknown}, {"{{ [missing, u] | length }}", "2"}, {"{{ u + missing }}", "'missing' is undefined"},
	} {
		v, err := native(t, env, test.in, jinja.Context{Variables: jinja.Dict{Dict: vars}})
		got := value.Repr(v)
		if err != nil {
			got = err.Error()
		}
		if got != test.out {
			t.Errorf("%s gives %s, want %s", test.in, got, test.out)
		}
	}
}

func TestUnknownText(t *testing.T) {
	env := builtin.New(jinja.Options{})
	c := jinja.Context{Variables: jinja.Dict{Dict: value.NewDict("u", &value.Unknown{Why: "the result of task \"build\""})}}
	for _, source := range []string{"a {{ u }}", "{{ u }}", "{{ [u] }}"} {
		tpl, err := env.File(source, "x.j2", env.FileOptions())
		if err != nil {
			t.Fatal(err)
		}
		var unknown *jinja.UnknownError
		if _, err := tpl.Render(c); !errors.As(err, &unknown) || !strings.Contains(err.Error(), `the result of task "build"`) {
			t.Errorf("%s: %v", source, err)
		}
	}
	for _, condition := range []string{"u", "u == 1 and true", "u.rc == 0 or u.rc == 2"} {
		v, err := env.Condition(c, condition, value.Origin{}, jinja.Conditions{})
		if _, ok := v.(*value.Unknown); !ok || err != nil {
			t.Errorf("%s gives %v, %v", condition, v, err)
		}
	}
}

// Nothing in a template hides that a function's answer has to be fetched first.
func TestPending(t *testing.T) {
	env := builtin.New(jinja.Options{})
	env.Function("lookup", jinja.Spec{Run: func(c *jinja.Call) (any, error) {
		return nil, &jinja.Pending{What: "a lookup", Request: c.Args[0]}
	}, Takes: jinja.TakesEmbedded})
	c := jinja.Context{Variables: jinja.Dict{Dict: value.NewDict("v", &value.Template{Text: "{{ lookup('x') }}"}, "a", "b")}}
	for _, source := range []string{
		"{{ lookup('x') }}", "{{ lookup('x') | default('y') }}", "{{ lookup('x') is defined }}", "{{ v }}", "{{ v | default('x') }}", "{{ v is undefined }}",
		"{{ [v] | length }}", "{{ [1] | map('default', lookup('x')) }}", "{{ {'a': v} | dictsort }}", "{{ [v] | select('defined') }}", "{% for x in lookup('x') %}{% endfor %}",
		"{% macro m() %}{{ lookup('x') }}{% endmacro %}{{ m() }}", "{% if lookup('x') %}{% endif %}", "a{{ v }}", "{{ 'a' ~ v }}", "{{ 'a'.join([v]) }}", "{{ dict(a=v) }}",
		"{{ missing | default(lookup('x')) }}", "{% set x = lookup('x') %}", "{% filter upper %}{{ v }}{% endfilter %}",
	} {
		_, err := native(t, env, source, c)
		var p *jinja.Pending
		if !errors.As(err, &p) || p.Request != "x" {
			t.Errorf("%s gives %v", source, err)
		}
	}
	_, err := native(t, env, "{{ lookup('{{ a }}c') }}", c)
	var p *jinja.Pending
	if !errors.As(err, &p) || p.Request != "bc" {
		t.Errorf("an embedded template is not rendered: %v", err)
	}
	for _, source := range []string{"{{ 'a' or lookup('x') }}", "{{ lookup('x') if false else 1 }}"} {
		if _, err := native(t, env, source, c); err != nil {
			t.Errorf("%s: %v", source, err)
		}
	}
}

func TestLimits(t *testing.T) {
	env := builtin.New(jinja.Options{})
	small := jinja.Limits{Steps: 100_000, Output: 100_000, Depth: 50}
	for _, source := range []string{
		"{% for i in range(1000000000) %}{% endfor %}",
		"{% for i in range(3000) %}{% for j in range(3000) %}{% endfor %}{% endfor %}",
		"{{ range(1000000000) | list }}", "{{ range(1000000000) | sum }}", "{{ range(1000000000) | random and 'x' * 1000000000000 }}",
		"{{ [1] * 1000000000 }}", "{{ 'x' * 1000000000 }}", "{{ 'x'.ljust(10000000000) }}", "{{ '%999999999d' % 1 }}", "{{ '{:999999999}'.format(1) }}", "{{ 'x' | center(10000000000) }}",
		"{{ ('b' * 40000000).replace('b', 'cc') }}", "{{ 'x' | indent(1000000000) }}", "{{ 'a'.zfill(10000000000) }}", "{{ 'a\tb'.expandtabs(1000000) ~ 'x' * 10000000000 }}",
		"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}", "{% include 'x' %}",
		"{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x | length }}",
		"{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
		"{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
		"{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x == [ns.x] }}",
		"{% set x = [] %}{% set _ = x.append(x) %}{{ x }}", "{% set x = [] %}{% set _ = x.append(x) %}{{ x | tojson }}", "{% set x = {} %}{% set _ = x.update({'a': x}) %}{{ x }}",
		"{% for i in range(2000) %}{{ 'x' * 1000 }}{% endfor %}", "{{ 2 ** 10000000000 }}", "{{ 10 ** 400 }}", "{{ [1, 2] | batch(1000000000000, 'x') }}", "{{ [] | slice(1000000000000) }}", "{{ lipsum(n=1000000000) }}",
		"{{ ('x' * 5000000) | list }}", "{{ ('a ' * 9000000).split() }}", "{{ ('a,' * 5000000).split(',') }}", "{% for c in 'x' * 5000000 %}{% endfor %}",
		"{% set l = [] %}{% for i in range(400) %}{% set _ = l.insert(0, l | length) %}{{ l | sort }}{% endfor %}",
		"{{ " + strings.Repeat("(", 190) + "1" + strings.Repeat(strings.Repeat("+1", 150)+")", 190) + " }}",
		"{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", "{% block a %}{{ self.a() }}{% endblock %}",
	} {
		_, err := native(t, env, source, jinja.Context{Limits: small, Load: func(string) (string, error) { return "{% include 'x' %}", nil }})
		if err == nil {
			t.Errorf("%s goes on", source)
		}
	}
	deep := strings.Repeat("(", 10_000) + "1" + strings.Repeat(")", 10_000)
	fine, err := native(t, env, "{% set ns = namespace(x=[]) %}{% set l = [] %}{% for i in range(10000) %}{% set _ = l.append(i) %}{% set ns.x = ns.x + [i] %}{% endfor %}{{ l == ns.x and 9999 in l }}", jinja.Context{})
	if fine != true || err != nil {
		t.Errorf("ten thousand items: %v, %v", fine, err)
	}
	for _, source := range []string{"{{ " + deep + " }}", "{{ " + strings.Repeat("not ", 100_000) + "a }}", strings.Repeat("{% if a %}", 10_000), "{{ " + strings.Repeat("-", 10_000) + "1 }}",
		"{{ a" + strings.Repeat("[a", 10_000), "{{ 1" + strings.Repeat(" + 1", 100_000) + " }}", "{{ a" + strings.Repeat(" | default(a", 10_000)} {
		if _, err := native(t, env, source, jinja.Context{}); err == nil {
			t.Errorf("%.40s… is read", source)
		}
	}
}

func TestOptions(t *testing.T) {
	o := syntax.Default()
	for _, name := range []string{"jinja2.ext.do", "jinja2.ext.loopcontrols"} {
		if err := o.Extend(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := o.Extend("my.own"); err == nil {
		t.Error("an unknown extension is taken")
	}
	env := builtin.New(jinja.Options{Syntax: o})
	for _, test := range []struct{ in, out string }{
		{"{% set x = [1] %}{% do x.append(2) %}{{ x }}", "[1, 2]"},
		{"{% for i in range(9) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 4 %}{% break %}{% endif %}{{ i }},{% endfor %}", "'0,1,3,'"},
		{"{% for i in range(3) %}{% for j in range(3) %}{% if j == 1 %}{% break %}{% endif %}{{ i }}{{ j }} {% endfor %}{% endfor %}", "'00 10 20 '"},
		{"{% do missing %}x", "'x'"},
		{"{% break %}", "Syntax error in template: 'break' outside loop"},
	} {
		v, err := native(t, env, test.in, jinja.Context{})
		got := value.Repr(v)
		if err != nil {
			got = err.Error()
		}
		if got != test.out {
			t.Errorf("%s gives %s, want %s", test.in, got, test.out)
		}
	}
}
