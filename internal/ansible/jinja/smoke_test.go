package jinja

import (
	"testing"

	"tutti/internal/ansible/value"
)

func TestSmoke(t *testing.T) {
	env := New(Options{})
	vars := value.NewDict("a", int64(1), "s", "hello", "l", value.NewList(int64(1), int64(2)), "d", value.NewDict("k", "v"),
		"t", &value.Template{Text: "{{ s }} world"}, "bad", &value.Template{Text: "{{ missing }}"},
		"loopy", &value.Template{Text: "{{ loopx }}"}, "loopx", &value.Template{Text: "{{ loopy }}"},
		"u", &value.Unknown{Why: "x"})
	for _, src := range []string{"{{ a }}", "{{ a }}{{ a }}", "{{ s }}\n", "{{ t }}", "{{ bad }}", "{{ loopy }}", "{{ missing + 1 }}",
		"{% for i in l %}{{ i }},{{ loop.index }};{% endfor %}", "{{ d.k }}{{ d.items() }}", "{{ 1 / 0 }}", "x{{ u }}", "{{ u.a.b }}",
		"{% macro m(a, b=2) %}{{ a }}-{{ b }}{% endmacro %}{{ m(1) }}{{ m(1, b=3) }}", "{{ range(3) }}", "{{ 'a,b'.split(',') }}",
		"{% set ns = namespace(x=1) %}{% for i in range(3) %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }}",
		"{{ 'abc' | foo }}", "{{ l[0] }} {{ l[::-1] }} {{ 'x%03d' % 7 }} {{ '{:>5}|{a}'.format(1, a=2) }}"} {
		tpl, err := env.Parse(src, "x.yml")
		var v any
		if err == nil {
			v, err = tpl.Native(Context{Variables: Dict{vars}})
		}
		t.Logf("%s => %s %v", src, value.Repr(v), err)
	}
}
