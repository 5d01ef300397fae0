package builtin_test

import (
	"fmt"
	"testing"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/jinja/builtin"
	"tutti/internal/ansible/value"
)

const nginx = `# {{ ansible_managed | default('managed') }}
user {{ nginx_user | default('www-data') }};
worker_processes {{ workers }};
events { worker_connections {{ connections | int }}; }
http {
{% for host in hosts %}
  server {
    listen {{ host.port | default(80) }}{{ ' ssl' if host.ssl else '' }};
    server_name {{ host.name }}{% for alias in host.aliases %} {{ alias }}{% endfor %};
{% for location in host.locations %}
    location {{ location.path }} {
{% if location.proxy is defined %}
      proxy_pass http://{{ location.proxy | lower }};
{% else %}
      root {{ location.root }};
{% endif %}
    }
{% endfor %}
  }
{% endfor %}
}
`

func nginxVariables() *value.Dict {
	hosts := &value.List{}
	for i := range 20 {
		locations := &value.List{}
		for range 5 {
			locations.Items = append(locations.Items, value.NewDict("path", "/a", "root", "/srv/www"), value.NewDict("path", "/b", "proxy", "Backend:8080"))
		}
		hosts.Items = append(hosts.Items, value.NewDict("name", "example.org", "port", int64(8000+i), "ssl", i%2 == 0,
			"aliases", value.NewList("a.example.org", "b.example.org"), "locations", locations))
	}
	return value.NewDict("hosts", hosts, "workers", int64(4), "connections", "1024", "a", value.NewDict("b", "x"))
}

func benchmark(b *testing.B, source string) {
	env := builtin.New(jinja.Options{})
	c := jinja.Context{Variables: jinja.Dict{Dict: nginxVariables()}}
	b.ReportAllocs()
	for b.Loop() {
		t, err := env.Parse(source, "nginx.conf.j2")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := t.Native(c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTemplate(b *testing.B)   { benchmark(b, nginx) }
func BenchmarkExpression(b *testing.B) { benchmark(b, "{{ a.b | default('x') }}") }
func BenchmarkCondition(b *testing.B) {
	env := builtin.New(jinja.Options{})
	c := jinja.Context{Variables: jinja.Dict{Dict: nginxVariables()}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := env.Condition(c, "a.b == 'x' and workers > 2", value.Origin{}, jinja.Conditions{}); err != nil {
			b.Fatal(err)
		}
	}
}
func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		builtin.New(jinja.Options{})
	}
}

func BenchmarkLoop(b *testing.B) {
	l := &value.List{}
	for i := range 1000 {
		l.Items = append(l.Items, value.NewDict("name", fmt.Sprintf("user%d", i), "age", int64(20+i%40), "city", "Rome"))
	}
	env := builtin.New(jinja.Options{})
	c := jinja.Context{Variables: jinja.Dict{Dict: value.NewDict("users", l)}}
	for name, src := range map[string]string{"loop": `{% for u in users if u.age > 30 %}{{ loop.index }}. {{ u.name | title }} ({{ u.age }}){{ '' if loop.last else ', ' }}{% endfor %}`,
		"macro": `{% macro row(u, sep='|') %}{{ u.name }}{{ sep }}{{ u.age }};{% endmacro %}{% for u in users %}{{ row(u) }}{% endfor %}`} {
		t, _ := env.Parse(src, "x")
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := t.Render(c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
