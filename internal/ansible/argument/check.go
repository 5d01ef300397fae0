package argument

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tutti/internal/ansible/value"
)

// depthLimit is how deep options may lie within options.
const depthLimit = 32

// Check holds arguments against a spec. The arguments given are not changed.
func Check(s Spec, args map[string]any, h Host) Checked {
	c := checker{host: h}
	args = maps.Clone(args)
	if args == nil {
		args = map[string]any{}
	}
	l := level{spec: s, options: s.options(), args: args}
	c.fallbacks(l)
	aliases := c.aliases(l, "")
	c.secretsOf(l.options, args)
	c.removed(l.options, args, "")
	c.unsupported(l, aliases)
	c.values(l)
	c.suboptions(l, "")
	if len(c.unknown) > 0 {
		slices.Sort(c.unknown)
		c.problems = append(c.problems, Problem{Unsupported: true,
			Text: fmt.Sprintf("%s. Supported parameters include: %s.", strings.Join(c.unknown, ", "), c.supported)})
	}
	return Checked{Args: args, Problems: c.problems, Warnings: c.warnings, Deprecations: c.deprecations,
		Secrets: slices.Compact(slices.Sorted(slices.Values(c.secrets)))}
}

type checker struct {
	host         Host
	problems     []Problem
	warnings     []string
	deprecations []Deprecation
	secrets      []string
	unknown      []string
	supported    string
}

// level is one dict of arguments with its spec; path are the options that it lies in.
type level struct {
	spec    Spec
	options []Option
	args    map[string]any
	path    []string
}

// in adds to a message where the arguments are.
func (l level) in(message string) string {
	if len(l.path) == 0 {
		return message
	}
	return message + " found in " + strings.Join(l.path, " -> ")
}

func (c *checker) fail(message string) { c.problems = append(c.problems, Problem{Text: message}) }

func (c *checker) fallbacks(l level) {
	if c.host.Getenv == nil {
		return
	}
	for i := range l.options {
		o := &l.options[i]
		if _, given := l.args[o.Name]; given {
			continue
		}
		for _, name := range o.Fallback {
			if v, found := c.host.Getenv(name); found {
				l.args[o.Name] = v
				c.secret(o, v)
				break
			}
		}
	}
}

// aliases copies what was given by another name to the option, and gives all those names.
func (c *checker) aliases(l level, prefix string) map[string]bool {
	names := map[string]bool{}
	for i := range l.options {
		o := &l.options[i]
		for _, alias := range o.Aliases {
			names[alias] = true
			v, given := l.args[alias]
			if !given {
				continue
			}
			if version, goes := o.DeprecatedAliases[alias]; goes {
				c.deprecations = append(c.deprecations, Deprecation{
					Msg: fmt.Sprintf("Alias '%s%s' is deprecated. See the module docs for more information", prefix, alias), Version: version})
			}
			if _, both := l.args[o.Name]; both {
				c.warnings = append(c.warnings, fmt.Sprintf("Both option %[1]s%[2]s and its alias %[1]s%[3]s are set.", prefix, o.Name, alias))
			}
			l.args[o.Name] = v
		}
	}
	return names
}

func (c *checker) removed(options []Option, args map[string]any, prefix string) {
	for i := range options {
		o := &options[i]
		v, given := args[o.Name]
		if !given || o.Removed == "" && o.Options == nil {
			continue
		}
		name := o.Name
		if prefix != "" {
			name = fmt.Sprintf("%s[%q]", prefix, o.Name)
		}
		if o.Removed != "" {
			c.deprecations = append(c.deprecations, Deprecation{
				Msg: fmt.Sprintf("Param '%s' is deprecated. See the module docs for more information", name), Version: o.Removed})
		}
		for _, sub := range dicts(v) {
			if o.Options != nil {
				c.removed(o.Options.options(), sub, name)
			}
		}
	}
}

// dicts gives the dicts that v is or holds.
func dicts(v any) []map[string]any {
	switch v := v.(type) {
	case map[string]any:
		return []map[string]any{v}
	case []any:
		var list []map[string]any
		for _, x := range v {
			if m, ok := x.(map[string]any); ok {
				list = append(list, m)
			}
		}
		return list
	}
	return nil
}

func (c *checker) unsupported(l level, aliases map[string]bool) {
	found := false
	for _, name := range slices.Sorted(maps.Keys(l.args)) {
		if has(l.options, name) || aliases[name] || l.spec.FreeForm && name == "_raw_params" {
			continue
		}
		found = true
		c.unknown = append(c.unknown, strings.Join(append(slices.Clone(l.path), name), "."))
	}
	if !found {
		return
	}
	var names []string
	for i := range l.options {
		if !aliases[l.options[i].Name] {
			names = append(names, l.options[i].Name)
		}
	}
	slices.Sort(names)
	c.supported = strings.Join(names, ", ")
	if len(aliases) > 0 {
		c.supported += " (" + strings.Join(slices.Sorted(maps.Keys(aliases)), ", ") + ")"
	}
}

// values checks one level, without what lies deeper.
func (c *checker) values(l level) {
	c.exclusive(l)
	c.defaults(l, false)
	c.required(l)
	for i := range l.options {
		c.convert(l, &l.options[i])
	}
	for i := range l.options {
		c.choices(l, &l.options[i])
	}
	c.together(l)
	c.oneOf(l)
	c.conditions(l)
	c.by(l)
	c.defaults(l, true)
}

func (c *checker) defaults(l level, all bool) {
	for i := range l.options {
		o := &l.options[i]
		if _, given := l.args[o.Name]; given || o.Default == nil && !all {
			continue
		}
		c.secret(o, o.Default)
		l.args[o.Name] = o.Default
	}
}

func (c *checker) convert(l level, o *Option) {
	v, given := l.args[o.Name]
	if !given || v == nil && !o.Required && o.Default == nil {
		return
	}
	wanted := o.Type.name()
	converted, err := c.host.convert(o.Type, v)
	if err != nil {
		where := ""
		if len(l.path) > 0 {
			where = " found in '" + strings.Join(l.path, " -> ") + "'."
		}
		c.fail(fmt.Sprintf("argument '%s' is of type %s%s and we were unable to convert to %s: %s", o.Name, typeName(v), where, wanted, err))
		return
	}
	l.args[o.Name] = converted
	if o.Elements == "" {
		return
	}
	items, isList := converted.([]any)
	if !isList {
		where := ""
		if len(l.path) > 0 {
			where = " found in '" + strings.Join(l.path, " -> ") + "'."
		}
		c.fail(fmt.Sprintf("Invalid type %s for option '%s'%s, elements value check is supported only with 'list' type", wanted, text(converted), where))
		return
	}
	l.args[o.Name] = c.elements(l, o, items)
}

func (c *checker) elements(l level, o *Option, items []any) []any {
	list := make([]any, 0, len(items))
	for _, item := range items {
		converted, err := c.host.convert(o.Elements, item)
		if err != nil {
			where := ""
			if len(l.path) > 0 {
				where = " found in '" + strings.Join(l.path, " -> ") + "'"
			}
			c.fail(fmt.Sprintf("Elements value for option '%s'%s is of type %s and we were unable to convert to %s: %s",
				o.Name, where, typeName(item), o.Elements.name(), err))
			continue
		}
		list = append(list, converted)
	}
	return list
}

func (c *checker) choices(l level, o *Option) {
	v, given := l.args[o.Name]
	if o.Choices == nil || !given {
		return
	}
	if list, ok := v.([]any); ok {
		var strange []string
		for _, x := range list {
			if !among(o.Choices, x) {
				strange = append(strange, text(x))
			}
		}
		if len(strange) > 0 {
			c.fail(l.in(fmt.Sprintf("value of %s must be one or more of: %s. Got no match for: %s", o.Name, texts(o.Choices), strings.Join(strange, ", "))))
		}
		return
	}
	if among(o.Choices, v) {
		return
	}
	// YAML makes booleans of yes and no; when one choice means that, it is what was meant.
	if b, meant := meantChoice(o.Choices, v); meant {
		l.args[o.Name] = b
		return
	}
	c.fail(l.in(fmt.Sprintf("value of %s must be one of: %s, got: %s", o.Name, texts(o.Choices), text(v))))
}

// meantChoice finds for "True" or "False" the one choice that means the same.
func meantChoice(choices []any, v any) (any, bool) {
	s, _ := v.(string)
	if s != "True" && s != "False" {
		return nil, false
	}
	var meant []any
	for _, choice := range choices {
		name, isText := choice.(string)
		if isText && name != strings.ToLower(name) {
			continue
		}
		if b, ok := truth(choice); ok && b == (s == "True") {
			meant = append(meant, choice)
		}
	}
	if len(meant) != 1 {
		return nil, false
	}
	return meant[0], true
}

func among(choices []any, v any) bool {
	return slices.ContainsFunc(choices, func(choice any) bool { return equal(choice, v) })
}

func equal(a, b any) bool { return value.Equal(value.FromGo(a), value.FromGo(b)) }

// text is Python's str(v).
func text(v any) string { return value.String(value.FromGo(v)) }

func texts(list []any) string {
	parts := make([]string, len(list))
	for i, x := range list {
		parts[i] = text(x)
	}
	return strings.Join(parts, ", ")
}

// suboptions checks the dicts that lie within options. Each is copied first.
func (c *checker) suboptions(l level, prefix string) {
	if len(l.path) >= depthLimit {
		c.fail(fmt.Sprintf("options lie more than %d deep in each other", depthLimit))
		return
	}
	for i := range l.options {
		o := &l.options[i]
		isList := o.Type == List && o.Elements == Dict
		if o.Options == nil || o.Type != Dict && !isList {
			continue
		}
		if l.args[o.Name] == nil {
			if !o.ApplyDefaults {
				continue
			}
			l.args[o.Name] = map[string]any{}
		}
		items, many := l.args[o.Name].([]any)
		if !many {
			items = []any{l.args[o.Name]}
		}
		checked := make([]any, len(items))
		for n, item := range items {
			name := prefix + o.Name + "."
			if isList {
				name = fmt.Sprintf("%s%s[%d].", prefix, o.Name, n)
			}
			checked[n] = c.suboption(l, o, item, name)
		}
		if many {
			l.args[o.Name] = checked
		} else {
			l.args[o.Name] = checked[0]
		}
	}
}

func (c *checker) suboption(l level, o *Option, item any, prefix string) any {
	given, ok := item.(map[string]any)
	if !ok {
		c.fail(fmt.Sprintf("value of '%s' must be of type dict or list of dicts", o.Name))
		return item
	}
	args := maps.Clone(given)
	sub := level{spec: *o.Options, options: o.Options.options(), args: args, path: append(slices.Clone(l.path), o.Name)}
	c.fallbacks(sub)
	aliases := c.aliases(sub, prefix)
	c.secretsOf(sub.options, args)
	c.unsupported(sub, aliases)
	c.values(sub)
	c.suboptions(sub, prefix)
	return args
}

// Text gives a value as Python's str() does.
func Text(v any) string { return text(v) }

// TypeName is Python's name of a value's type.
func TypeName(v any) string { return typeName(v) }
