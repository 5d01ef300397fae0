package world

import (
	"errors"
	"fmt"

	"tutti/internal/ansible/lookup"
	"tutti/internal/ansible/value"
)

// Setting is a setting of Ansible's configuration.
type Setting struct {
	Value any
	// Origin is where it comes from, such as "default".
	Origin string
}

func (m *Machine) config(r Request) ([]any, error) {
	o, err := lookup.NewOptions(r.Name, r.Options, lookup.Option{Name: "on_missing", Default: "error"}, lookup.Option{Name: "plugin_type", Type: lookup.Text},
		lookup.Option{Name: "plugin_name", Type: lookup.Text}, lookup.Option{Name: "show_origin", Type: lookup.Bool})
	if err != nil {
		return nil, err
	}
	missing := o.Text("on_missing")
	switch missing {
	case "error", "warn", "skip":
	default:
		return nil, fmt.Errorf("Invalid value %s for config 'on_missing' for 'config' lookup plugin.", value.Repr(o.Get("on_missing"))) // Ansible's own words
	}
	kind, plugin := o.Text("plugin_type"), o.Text("plugin_name")
	if (kind == "") != (plugin == "") {
		return nil, errors.New("Both plugin_type and plugin_name are required, cannot use one without the other.") // Ansible's own words
	}
	out := []any{}
	for _, t := range r.Terms {
		name, ok := t.(string)
		if !ok {
			return nil, fmt.Errorf("Invalid setting identifier, %s is not a <class 'str'>, its a <class '%s'>.", value.Repr(t), value.TypeName(t)) // Ansible's own words
		}
		var s Setting
		found := false
		if m.Config != nil {
			s, found = m.Config(name, kind, plugin)
		}
		switch {
		case !found && missing == "error":
			return nil, fmt.Errorf("No config definition exists for %s.", value.Repr(name)) // Ansible's own words
		case !found && missing == "warn":
			m.warn(fmt.Sprintf("Skipping %s: No config definition exists for %s.", name, value.Repr(name)))
		case !found:
		case o.Bool("show_origin"):
			out = append(out, value.NewList(s.Value, s.Origin))
		default:
			out = append(out, s.Value)
		}
	}
	return out, nil
}

func (m *Machine) warn(text string) {
	if m.Warn != nil {
		m.Warn(text)
	}
}
