package argument

import (
	"fmt"

	"tutti/internal/ansible/value"
)

// FromDict makes a spec of the options that a role's meta/argument_specs.yml or
// validate_argument_spec names: a dict from option to its description, in order.
func FromDict(options *value.Dict) (Spec, error) { return fromDict(options, 0) }

func fromDict(options *value.Dict, depth int) (Spec, error) {
	var s Spec
	if depth > depthLimit {
		return s, fmt.Errorf("options lie more than %d deep in each other", depthLimit)
	}
	for k, v := range options.All() {
		name := value.String(k)
		d, ok := v.(*value.Dict)
		switch {
		case v == nil:
			d = value.NewDict()
		case !ok:
			return s, fmt.Errorf("the description of option %s is of type %s, but has to be a dict", name, value.TypeName(v))
		}
		o, err := option(name, d, depth)
		if err != nil {
			return s, err
		}
		s.Options = append(s.Options, o)
	}
	return s, nil
}

func option(name string, d *value.Dict, depth int) (Option, error) {
	get := func(key string) any { v, _ := d.Get(key); return v }
	text := func(key string) string { s, _ := get(key).(string); return s }
	yes := func(key string) bool { b, _ := truth(get(key)); return b }
	o := Option{
		Name: name, Type: Type(text("type")), Elements: Type(text("elements")), Required: yes("required"), NoLog: yes("no_log"),
		Aliases: names(get("aliases")), ApplyDefaults: yes("apply_defaults"),
		Removed: text("removed_in_version"),
	}
	if _, err := value.JSON(get("default")); err != nil {
		return o, fmt.Errorf("the default of option %s: %w", name, err)
	}
	o.Default = value.ToGo(get("default"))
	if o.Default != nil && o.Required {
		return o, fmt.Errorf("internal error: required and default are mutually exclusive for %s", name)
	}
	for _, t := range []Type{o.Type, o.Elements} {
		if !known(t) {
			return o, fmt.Errorf("option %s has the type %s, which there is not; use one of str, bool, int, float, path, list, dict, raw, jsonarg, bytes, bits", name, t)
		}
	}
	if list, ok := get("choices").(*value.List); ok {
		o.Choices, _ = value.ToGo(list).([]any)
	}
	sub, ok := get("options").(*value.Dict)
	if !ok {
		return o, nil
	}
	spec, err := fromDict(sub, depth+1)
	if err != nil {
		return o, fmt.Errorf("%w (in option %s)", err, name)
	}
	spec.MutuallyExclusive = groups(get("mutually_exclusive"))
	spec.RequiredTogether = groups(get("required_together"))
	spec.RequiredOneOf = groups(get("required_one_of"))
	spec.RequiredIf = conditions(get("required_if"))
	spec.RequiredBy = by(get("required_by"))
	o.Options = &spec
	return o, nil
}

func known(t Type) bool {
	switch t {
	case "", Str, Bool, Int, Float, Path, List, Dict, Raw, JSONArg, "json", Bytes, Bits:
		return true
	}
	return false
}

// names gives the texts of a list, or the one text.
func names(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case *value.List:
		var list []string
		for _, x := range v.Items {
			list = append(list, value.String(x))
		}
		return list
	}
	return nil
}

func groups(v any) [][]string {
	l, ok := v.(*value.List)
	if !ok {
		return nil
	}
	var list [][]string
	for _, x := range l.Items {
		list = append(list, names(x))
	}
	return list
}

func conditions(v any) []Condition {
	l, ok := v.(*value.List)
	if !ok {
		return nil
	}
	var list []Condition
	for _, x := range l.Items {
		parts, ok := x.(*value.List)
		if !ok || len(parts.Items) < 3 {
			continue
		}
		c := Condition{Option: value.String(parts.Items[0]), Value: value.ToGo(parts.Items[1]), Then: names(parts.Items[2])}
		if len(parts.Items) > 3 {
			c.Any, _ = truth(parts.Items[3])
		}
		list = append(list, c)
	}
	return list
}

func by(v any) map[string][]string {
	d, ok := v.(*value.Dict)
	if !ok {
		return nil
	}
	m := map[string][]string{}
	for k, x := range d.All() {
		m[value.String(k)] = names(x)
	}
	return m
}
