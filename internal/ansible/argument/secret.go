package argument

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Hidden stands where a secret stood.
const Hidden = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"

// secret remembers the value of an option that must not be shown.
func (c *checker) secret(o *Option, v any) {
	if o.NoLog {
		c.collect(v)
	}
}

func (c *checker) collect(v any) {
	switch v := v.(type) {
	case nil, bool:
	case []any:
		for _, x := range v {
			c.collect(x)
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			c.collect(v[k])
		}
	default:
		if s := text(v); s != "" {
			c.secrets = append(c.secrets, s)
		}
	}
}

// secretsOf collects the secrets of one level and all below it.
func (c *checker) secretsOf(options []Option, args map[string]any) {
	for i := range options {
		o := &options[i]
		v := args[o.Name]
		if v == nil || v == "" || v == false || equal(v, int64(0)) {
			continue
		}
		c.secret(o, v)
		if o.Options == nil || o.Type != Dict && (o.Type != List || o.Elements != Dict) {
			continue
		}
		items, many := v.([]any)
		if !many {
			items = []any{v}
		}
		for _, item := range items {
			if s, ok := item.(string); ok {
				parsed, err := toDict(s)
				if err != nil {
					c.fail(err.Error())
					return
				}
				item = parsed
			}
			m, ok := item.(map[string]any)
			if !ok {
				c.fail(fmt.Sprintf("Value '%s' in the sub parameter field '%s' must be a %s, not '%s'", text(item), o.Name, o.Type, typeName(item)))
				return
			}
			c.secretsOf(o.Options.options(), m)
		}
	}
}

// Hide gives a copy of a JSON value without the secrets: text that is one becomes Hidden,
// text that holds one gets asterisks in its place. Keys stay. Without secrets it is the
// value itself.
func Hide(v any, secrets []string) any {
	if len(secrets) == 0 {
		return v
	}
	// The longest first, so that a secret within another does not leave half of it.
	longest := slices.Clone(secrets)
	slices.SortStableFunc(longest, func(a, b string) int { return len(b) - len(a) })
	return hide(v, longest)
}

func hide(v any, secrets []string) any {
	switch v := v.(type) {
	case nil, bool:
		return v
	case string:
		return hideText(v, secrets)
	case int, int64, float64:
		s := text(v)
		for _, secret := range secrets {
			if strings.Contains(s, secret) {
				return Hidden
			}
		}
		return v
	case []any:
		list := make([]any, len(v))
		for i, x := range v {
			list[i] = hide(x, secrets)
		}
		return list
	case []string:
		list := make([]any, len(v))
		for i, x := range v {
			list[i] = hideText(x, secrets)
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			m[k] = hide(v[k], secrets)
		}
		return m
	default:
		// Rare: a module's own type in a result with secrets.
		data, err := json.Marshal(v)
		var plain any
		if err != nil || json.Unmarshal(data, &plain) != nil {
			return Hidden
		}
		return hide(plain, secrets)
	}
}

func hideText(s string, secrets []string) string {
	for _, secret := range secrets {
		if s == secret {
			return Hidden
		}
	}
	for _, secret := range secrets {
		s = strings.ReplaceAll(s, secret, "********")
	}
	return s
}
