package jinja

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tutti/internal/ansible/value"
)

func native(t *testing.T, env *Environment, source string, c Context) (any, error) {
	t.Helper()
	tpl, err := env.parse(source, value.Origin{File: "play.yml", Line: 10, Column: 7}, textMode, env.options.Syntax)
	if err != nil {
		return nil, err
	}
	return tpl.Native(c)
}

// counting are variables that count how often each is asked for.
type counting struct {
	Dict
	asked map[string]int
}

func (c counting) Variable(name string) (any, bool, error) {
	c.asked[name]++
	return c.Dict.Variable(name)
}

func TestLazy(t *testing.T) {
	env := New(Options{})
	at := func(text string, line int) *value.Template {
		return &value.Template{Text: text, Origin: value.Origin{File: "vars.yml", Line: line}}
	}
	vars := counting{Dict{value.NewDict("a", int64(1), "used", at("{{ a + 1 }}", 3), "unused", at("{{ costly }}", 4),
		"costly", "x", "d", value.NewDict("x", at("{{ used }}", 5), "y", at("{{ costly }}", 6)),
		"untrusted", "{{ a }}", "through", at("{{ untrusted }}", 7))}, map[string]int{}}
	c := Context{Variables: vars}
	for _, test := range []struct{ in, out string }{
		{"{{ used }}", "2"}, {"{{ d.x }}", "2"}, {"{{ d['x'] + 1 }}", "3"}, {"{{ d.keys() }}", "['x', 'y']"},
		{"{{ untrusted }}", "'{{ a }}'"}, {"{{ through }}", "'{{ a }}'"}, {"{{ [untrusted] }}", "['{{ a }}']"}, {"{{ through ~ '!' }}", "'{{ a }}!'"},
		{"{% set a = 100 %}{{ used }}", "2"}, // a variable's template does not see the names of its user
		{"{% for a in [7] %}{{ used }}{% endfor %}", "2"},
	} {
		clear(vars.asked)
		v, err := native(t, env, test.in, c)
		if got := value.Repr(v); got != test.out || err != nil {
			t.Errorf("%s gives %s, %v; want %s", test.in, got, err, test.out)
		}
		if vars.asked["costly"] > 0 {
			t.Errorf("%s renders what it does not use", test.in)
		}
	}
}

func TestPlace(t *testing.T) {
	env := New(Options{})
	vars := value.NewDict("bad", &value.Template{Text: "{{ nowhere }}", Origin: value.Origin{File: "vars.yml", Line: 5, Column: 3}},
		"div", &value.Template{Text: "x\n{{ 1 // 0 }}", Origin: value.Origin{File: "vars.yml", Line: 8, Column: 3}},
		"syn", &value.Template{Text: "{{ 1 + }}", Origin: value.Origin{File: "vars.yml", Line: 11, Column: 3}}, "d", &value.Dict{})
	load := func(name string) (string, error) {
		if name == "inc.j2" {
			return "one\ntwo {{ nothing }}\n", nil
		}
		return "", fmt.Errorf("%w: %s", ErrNotFound, name)
	}
	for _, test := range []struct{ in, place, message string }{
		{"{{ missing }}", "play.yml:10:7", "'missing' is undefined"},
		{"a\nb\n{{ missing }}", "play.yml:12", "'missing' is undefined"},
		{"a\n{{ d.x.y }}", "play.yml:11", "object of type 'dict' has no attribute 'x'"},
		{"a\n{{ bad }}", "vars.yml:5:3", "'nowhere' is undefined"},
		{"a\n{{ div }}", "vars.yml:9", "Error rendering template: integer division or modulo by zero"},
		{"{{ syn }}", "vars.yml:11:3", "Syntax error in template: unexpected 'end of print statement'"},
		{"a\n\n{{ 1 / 0 }}", "play.yml:12", "Error rendering template: division by zero"},
		{"a\n{{ (1 }}", "play.yml:11", "Syntax error in template: unexpected '}', expected ')'"},
		{"a\n{% include 'inc.j2' %}", "inc.j2:2", "'nothing' is undefined"},
		{"a\n{% include 'none.j2' %}", "play.yml:11", "Error rendering template: template not found: none.j2"},
		{"{% macro m() %}\n{{ missing }}{% endmacro %}\n\n{{ m() }}", "play.yml:11", "'missing' is undefined"},
		{"a\n{{ 'x' | nope }}", "play.yml:11", "Syntax error in template: No filter named 'nope'."},
	} {
		_, err := native(t, env, test.in, Context{Variables: Dict{vars}, Load: load})
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q: %v is no Error", test.in, err)
			continue
		}
		if e.Message != test.message || e.Place().String() != test.place {
			t.Errorf("%q: %s at %s; want %s at %s", test.in, e.Message, e.Place(), test.message, test.place)
		}
	}
}

func TestLoop(t *testing.T) {
	env := New(Options{})
	tpl := func(text string) *value.Template {
		return &value.Template{Text: text, Origin: value.Origin{File: "vars.yml"}}
	}
	vars := value.NewDict("a", tpl("{{ b }}"), "b", tpl("{{ c.x }}"), "c", value.NewDict("x", tpl("{{ a }}"), "y", tpl("{{ b2 }}")), "b2", "fine",
		"self_", tpl("{{ self_ }}"))
	for _, source := range []string{"{{ a }}", "{{ c.x }}", "{{ self_ }}", "x{{ a }}", "{{ c }}", "{{ [a] }}"} {
		_, err := native(t, env, source, Context{Variables: Dict{vars}})
		if err == nil || !strings.Contains(err.Error(), "Recursive loop detected in template: {{") {
			t.Errorf("%s: %v", source, err)
		}
	}
	if v, err := native(t, env, "{{ c.y }}", Context{Variables: Dict{vars}}); v != "fine" || err != nil {
		t.Errorf("beside a loop: %v, %v", v, err)
	}
}

// A template may change its own lists and dicts, never those of the caller.
func TestVariablesAreNotChanged(t *testing.T) {
	env := New(Options{})
	make := func() *value.Dict {
		return value.NewDict("l", value.NewList(int64(1)), "d", value.NewDict("l", value.NewList(int64(1)), "d", value.NewDict("k", "v")),
			"t", value.NewList(&value.Template{Text: "{{ l }}"}), "alias", &value.Template{Text: "{{ d }}"})
	}
	want := value.Repr(make())
	load := func(string) (string, error) { return "{% macro m(x) %}{% set _ = x.append(5) %}{% endmacro %}", nil }
	for _, source := range []string{
		"{{ l.append(2) }}{{ l }}", "{% set x = l %}{{ x.append(2) }}", "{% set _ = d.l.append(2) %}{% set _ = d.d.update({'x': 1}) %}{% set _ = d.pop('l') %}",
		"{% for x in [l] %}{% set _ = x.append(1) %}{% endfor %}", "{% set _ = t[0].append(3) %}", "{% macro m(x) %}{{ x.clear() }}{% endmacro %}{{ m(d) }}{{ m(l) }}",
		"{{ l['append'](2) }}", "{{ l['app' ~ 'end'](2) }}", "{% set _ = alias.l.append(2) %}", "{% import 'x' as x %}{{ x.m(l) }}{{ x.m(d.l) }}", "{% from 'x' import m %}{{ m(d.l) }}",
		"{% set _ = d.setdefault('new', []) %}{% set _ = d.new.append(1) %}", "{% set _ = (l + [])[0:].append(3) %}", "{% set _ = d.values()[0].append(3) %}",
	} {
		vars := make()
		_, err := native(t, env, source, Context{Variables: Dict{vars}, Load: load})
		if got := value.Repr(vars); got != want {
			t.Errorf("%s changes the variables to %s (%v)", source, got, err)
		}
	}
	vars := make()
	v, err := native(t, env, "{{ d }}", Context{Variables: Dict{vars}})
	if err != nil {
		t.Fatal(err)
	}
	inner, _ := v.(*value.Dict).Get("l")
	inner.(*value.List).Items[0] = "changed"
	if got := value.Repr(vars); got != want {
		t.Errorf("a result shares lists with the variables: %s", got)
	}
}

func TestVault(t *testing.T) {
	env := New(Options{})
	secret := &value.Vaulted{Text: "$ANSIBLE_VAULT;…"}
	broken := &value.Vaulted{Text: "$ANSIBLE_VAULT;broken"}
	c := Context{Variables: Dict{value.NewDict("s", secret, "d", value.NewDict("s", secret, "x", "y"), "broken", broken, "a", "A",
		"templated", &value.Vaulted{Text: "t"})},
		Decrypt: func(v *value.Vaulted) (string, error) {
			switch v {
			case secret:
				return "opened", nil
			case broken:
				return "", errors.New("no secret matches")
			}
			return "{{ a }}!", nil
		}}
	for _, test := range []struct{ in, out string }{
		{"{{ s }}", "'opened'"}, {"{{ d.s ~ '!' }}", "'opened!'"}, {"{{ d }}", "{'s': 'opened', 'x': 'y'}"}, {"{{ d.x }}", "'y'"}, {"{{ templated }}", "'A!'"},
		{"{{ broken }}", "Error rendering template: Attempt to use undecryptable variable: no secret matches"},
		{"{{ [broken, 1][1] }}", "1"},
	} {
		v, err := native(t, env, test.in, c)
		got := value.Repr(v)
		if err != nil {
			got = err.Error()
		}
		if got != test.out {
			t.Errorf("%s gives %s, want %s", test.in, got, test.out)
		}
	}
	if v, err := env.Resolve(c, value.NewDict("k", value.NewList(secret))); err != nil || value.Repr(v) != "{'k': ['opened']}" {
		t.Errorf("Resolve gives %v, %v", value.Repr(v), err)
	}
}

func TestConditionOptions(t *testing.T) {
	env := New(Options{})
	at := value.Origin{File: "play.yml", Line: 4, Column: 9}
	var warned []string
	allow := Conditions{AllowBroken: true, Warn: func(message string, at value.Origin) { warned = append(warned, at.String()+" "+message) }}
	c := Context{Variables: Dict{value.NewDict("l", value.NewList())}}
	for condition, want := range map[string]bool{"l": false, "'x'": true, "": true, "1 == 1": true} {
		v, err := env.Condition(c, condition, at, allow)
		if v != want || err != nil {
			t.Errorf("%q gives %v, %v", condition, v, err)
		}
	}
	if len(warned) != 3 || !strings.Contains(strings.Join(warned, "\n"), "play.yml:4:9 Conditional result (True) was derived from value of type 'str' at 'play.yml:4:9'") {
		t.Errorf("warned %q", warned)
	}
	for _, condition := range []any{int64(1), nil, value.NewList()} {
		var e *Error
		if _, err := env.Condition(c, condition, at, Conditions{}); !errors.As(err, &e) || e.Reason != BrokenCondition {
			t.Errorf("%v: %v", condition, err)
		}
	}
	// What a host answered is never evaluated, by whatever way it gets there.
	tpl := func(text string) *value.Template { return &value.Template{Text: text} }
	answer := Context{Variables: answers{Dict{value.NewDict("r", value.NewDict("stdout", "1 == 1"), "written", "1 == 1", "d", value.NewDict("c", "2 == 2", "t", tpl("{{ r.stdout }}")),
		"direct", tpl("{{ written }}"), "around", tpl("{{ r.stdout }}"), "made", tpl("{{ r.stdout ~ '' }}"), "joined", tpl("1 == {{ 1 }}"), "loop", tpl("{{ loop }}"))}}}
	for condition, want := range map[string]bool{"{{ written }}": true, "{{ direct }}": true, "{{ d.c }}": true, "{{ d['c'] }}": true, "{{ r.stdout }}": false, "{{ around }}": false,
		"{{ made }}": false, "{{ joined }}": false, "{{ d.t }}": false, "{{ written }}{{ r.stdout }}": false, "{{ 'x' ~ written }}": false, "{{ '1 == 1' }}": false, "{{ [r.stdout][0] }}": false} {
		v, err := env.Condition(answer, condition, at, Conditions{})
		if want && (v != true || err != nil) || !want && (err == nil || err.Error() != "Encountered untrusted template or expression.") {
			t.Errorf("%s gives %v, %v", condition, v, err)
		}
	}
}

// answers are variables of which one came back from a host.
type answers struct{ Dict }

func (answers) Trusted(name string) bool { return name != "r" }

// The number of remembered templates is bounded.
func TestParsedIsBounded(t *testing.T) {
	env := New(Options{})
	for i := range maxParsed + 10 {
		if _, err := env.Parse(fmt.Sprintf("{{ %d }}", i), "x"); err != nil {
			t.Fatal(err)
		}
	}
	if len(env.parsed) > maxParsed {
		t.Errorf("%d templates are remembered", len(env.parsed))
	}
	for i := range 4 {
		if _, err := env.Parse(fmt.Sprint(strings.Repeat("x", maxParsedText/3), i), "x"); err != nil {
			t.Fatal(err)
		}
	}
	if env.parsedText > maxParsedText || len(env.parsed) > 3 {
		t.Errorf("%d bytes of templates are remembered", env.parsedText)
	}
}

// Filters and tests that are not registered are found through the caller.
func TestPlugin(t *testing.T) {
	env := New(Options{Plugin: func(kind Kind, name string) (Spec, bool) {
		if name != "my.own.thing" {
			return Spec{}, false
		}
		return Spec{Signature: "thing(value, n=2)", Run: func(c *Call) (any, error) {
			if c.Args[1] == int64(3) {
				return nil, errors.New("three is too much")
			}
			return fmt.Sprint(kind, c.Args[0], c.Args[1]), nil
		}}, true
	}})
	for _, test := range []struct{ in, out string }{
		{"{{ 'a' | my.own.thing }}", "'filtera2'"}, {"{{ 'a' | my.own.thing(n=5) }}", "'filtera5'"}, {"{{ 'a' is my.own.thing }}", "True"},
		{"{{ 'a' | my.own.thing(3) }}", "The filter plugin 'my.own.thing' failed: three is too much"},
		{"{{ 'a' | my.own.thing(1, 2) }}", "The filter plugin 'my.own.thing' failed: thing() takes from 1 to 2 positional arguments but 3 were given"},
		{"{{ 'a' | my.own.thing(m=2) }}", "The filter plugin 'my.own.thing' failed: thing() got an unexpected keyword argument 'm'"},
		{"{{ 'a' | my.own.think }}", "Syntax error in template: No filter named 'my.own.think'. Did you mean 'my.own.thing'?"},
	} {
		v, err := native(t, env, test.in, Context{})
		got := value.Repr(v)
		if err != nil {
			got = err.Error()
		}
		if got != test.out {
			t.Errorf("%s gives %s, want %s", test.in, got, test.out)
		}
	}
}
