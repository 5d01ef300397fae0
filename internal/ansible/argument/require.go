package argument

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// given tells that an argument is there, even when it is null: that is how Ansible counts.
func (l level) given(name string) bool {
	_, ok := l.args[name]
	return ok
}

func (l level) count(names []string) int {
	n := 0
	for _, name := range names {
		if l.given(name) {
			n++
		}
	}
	return n
}

func (c *checker) exclusive(l level) {
	var groups []string
	for _, names := range l.spec.MutuallyExclusive {
		if l.count(names) > 1 {
			groups = append(groups, strings.Join(names, "|"))
		}
	}
	if len(groups) > 0 {
		c.fail(l.in("parameters are mutually exclusive: " + strings.Join(groups, ", ")))
	}
}

func (c *checker) required(l level) {
	var missing []string
	for i := range l.options {
		if o := &l.options[i]; o.Required && !l.given(o.Name) {
			missing = append(missing, o.Name)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		c.fail(l.in("missing required arguments: " + strings.Join(missing, ", ")))
	}
}

// together, oneOf, conditions and by tell their first problem only, as Ansible does.
func (c *checker) together(l level) {
	for _, names := range l.spec.RequiredTogether {
		if n := l.count(names); n > 0 && n < len(names) {
			c.fail(l.in("parameters are required together: " + strings.Join(names, ", ")))
			return
		}
	}
}

func (c *checker) oneOf(l level) {
	for _, names := range l.spec.RequiredOneOf {
		if l.count(names) == 0 {
			c.fail(l.in("one of the following is required: " + strings.Join(names, ", ")))
			return
		}
	}
}

func (c *checker) conditions(l level) {
	for _, r := range l.spec.RequiredIf {
		if !l.given(r.Option) || !equal(l.args[r.Option], r.Value) {
			continue
		}
		var missing []string
		for _, name := range r.Then {
			if !l.given(name) {
				missing = append(missing, name)
			}
		}
		how, enough := "all", 1
		if r.Any {
			how, enough = "any", max(1, len(r.Then))
		}
		if len(missing) >= enough {
			c.fail(l.in(fmt.Sprintf("%s is %s but %s of the following are missing: %s", r.Option, text(r.Value), how, strings.Join(missing, ", "))))
			return
		}
	}
}

func (c *checker) by(l level) {
	for _, name := range slices.Sorted(maps.Keys(l.spec.RequiredBy)) {
		if l.args[name] == nil {
			continue
		}
		var missing []string
		for _, needed := range l.spec.RequiredBy[name] {
			if l.args[needed] == nil {
				missing = append(missing, needed)
			}
		}
		if len(missing) > 0 {
			c.fail(l.in(fmt.Sprintf("missing parameter(s) required by '%s': %s", name, strings.Join(missing, ", "))))
			return
		}
	}
}
