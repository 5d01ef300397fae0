package main

import (
	"encoding/json"
	"fmt"
)

// contest is a template and the variables that it is rendered with.
type contest struct {
	name, source, variables string
}

const nginx = `user {{ nginx_user | default('www-data') }};
worker_processes {{ workers }};
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

// contests are what playbooks typically render: single expressions, conditions, a configuration file, and data of a
// thousand users.
func contests() []contest {
	small, sites, people := `{"a": {"b": "x"}, "s": "hello", "n": 3, "l": [1, 2, 3]}`, servers(20), users(1000)
	return []contest{
		{"variable", `{{ s }}`, small},
		{"default", `{{ a.b | default('x') }}`, small},
		{"condition", `{{ a.b == 'x' and n > 2 or s in ['a', 'b'] }}`, small},
		{"text", `{{ s | upper }}-{{ n + 1 }}-{{ l | join(',') }}`, small},
		{"nginx", nginx, sites},
		{"select", `{{ users | selectattr('age', 'gt', 30) | map(attribute='name') | map('upper') | sort | join(',') }}`, people},
		{"group", `{% for city, us in users | groupby('city') %}{{ city }}: {{ us | map(attribute='name') | join(' ') }};{% endfor %}`, people},
		{"loop", `{% for u in users if u.age > 30 %}{{ loop.index }}. {{ u.name | title }} ({{ u.age }}){{ '' if loop.last else ', ' }}{% endfor %}`, people},
		{"macro", `{% macro row(u, sep='|') %}{{ u.name }}{{ sep }}{{ u.age }};{% endmacro %}{% for u in users %}{{ row(u) }}{% endfor %}`, people},
	}
}

func servers(n int) string {
	var hosts []any
	for i := range n {
		var locations []any
		for range 5 {
			locations = append(locations, map[string]any{"path": "/a", "root": "/srv/www"}, map[string]any{"path": "/b", "proxy": "Backend:8080"})
		}
		hosts = append(hosts, map[string]any{"name": fmt.Sprintf("host%d.example.org", i), "port": 8000 + i, "ssl": i%2 == 0,
			"aliases": []string{"a.example.org", "b.example.org"}, "locations": locations})
	}
	return text(map[string]any{"hosts": hosts, "workers": 4})
}

func users(n int) string {
	var all []any
	for i := range n {
		all = append(all, map[string]any{"name": fmt.Sprintf("user%d", i*7919%n), "age": 20 + i%40, "city": []string{"Rome", "Oslo", "Graz"}[i%3]})
	}
	return text(map[string]any{"users": all})
}

func text(v any) string {
	out, err := json.Marshal(v)
	if err != nil {
		panic("bench: invariant broken: variables are no JSON: " + err.Error())
	}
	return string(out)
}
