package play

import (
	"encoding/json"
	"fmt"
	"path"
	gostrings "strings"

	"tutti/internal/ansible/playbook"
	"tutti/internal/ansible/value"
)

// seeks tells that a task lies before the one to start at, so that the host passes it by.
// Facts are gathered all the same. When no task that is there from the beginning has the
// name, includes are carried out, for it may be in what they bring.
func (m *Machine) seeks(h *host, t *playbook.Task) bool {
	switch {
	case t.Implicit:
		return t.Action == "meta"
	case m.isStart(t):
		h.seeking, m.started = false, true
		return false
	case isAction(t, "include_tasks") || isAction(t, "include_role"):
		return m.play.startStatic
	}
	return true
}

// isStart tells that a task has the name to start at, which may be a pattern.
func (m *Machine) isStart(t *playbook.Task) bool {
	if t.Name == nil {
		return false
	}
	plain := value.String(t.Name)
	if v, err := m.newScope(nil, t, &desk{}).render(t.Name); err == nil {
		plain = value.String(v)
	}
	names := []string{plain}
	if t.Role != nil {
		names = append(names, t.Role.Name+" : "+plain)
	}
	want := m.in.Options.StartAtTask
	for _, name := range names {
		if name == want || matches(want, name) {
			return true
		}
	}
	return false
}

// matches is fnmatch: slashes are characters as others.
func matches(pattern, name string) bool {
	plain := gostrings.NewReplacer("/", "\x00")
	ok, err := path.Match(plain.Replace(pattern), plain.Replace(name))
	return err == nil && ok
}

// findStart looks whether the task to start at is there without any include.
func (m *Machine) findStart() {
	for _, b := range m.play.blocks {
		for _, t := range flatten(b, nil) {
			if m.isStart(t) {
				m.play.startStatic = true
				return
			}
		}
	}
}

// recall gives hosts what they have from before.
func (m *Machine) recall() error {
	for name, text := range sorted(m.in.Facts) {
		var d value.Dict
		if err := json.Unmarshal(text, &d); err != nil {
			return fmt.Errorf("the facts of %s cannot be read: %w", name, err)
		}
		h := m.host(name)
		prefixed := &value.Dict{}
		for k, v := range d.All() {
			prefixed.Set("ansible_"+gostrings.TrimPrefix(value.String(k), "ansible_"), v)
		}
		m.addFacts(h, prefixed)
	}
	for name, text := range sorted(m.in.Set) {
		var d value.Dict
		if err := json.Unmarshal(text, &d); err != nil {
			return fmt.Errorf("what was registered for %s cannot be read: %w", name, err)
		}
		m.host(name).set.Update(&d)
	}
	return nil
}
