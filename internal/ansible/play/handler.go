package play

import (
	"slices"

	"tutti/internal/ansible/playbook"
	"tutti/internal/ansible/value"
)

// notify notes the handlers that a changed task names; they run at the next flush.
func (t *turn) notify() {
	k, ok := t.scope.nearest("notify")
	if !ok || k.Value == nil {
		return
	}
	v, err := t.scope.render(k.Value)
	if err != nil {
		t.m.warn("the notify of task %q cannot be rendered: %v", t.name(), err)
		return
	}
	for _, x := range list(v) {
		t.notifyOne(value.String(x))
	}
}

func (t *turn) notifyOne(name string) {
	found := t.m.handlersOf(name)
	if len(found) == 0 {
		msg := "The requested handler '" + name + "' was not found in either the main handlers list nor in the listening handlers list"
		if t.m.in.Settings.ErrorOnMissingHandler {
			t.m.fail(msg)
		} else {
			t.m.warn("%s", msg)
		}
		return
	}
	for _, h := range t.forHosts() {
		if h.cursor != nil && h.cursor.flushing {
			for _, handler := range found {
				t.m.notifyHost(handler, h)
			}
			continue
		}
		if !slices.Contains(h.notified, name) {
			h.notified = append(h.notified, name)
		}
		t.m.note(Note{Kind: NoteNotified, Host: h.name, Text: name})
	}
}

func (m *Machine) notifyHost(handler *playbook.Task, h *host) {
	hosts := m.play.handlerHosts[handler]
	if hosts == nil {
		hosts = map[string]bool{}
		m.play.handlerHosts[handler] = hosts
	}
	hosts[h.name] = true
}

// handlersOf gives the handlers that a notification means: the last one of the name, and all
// that listen to it.
func (m *Machine) handlersOf(notification string) []*playbook.Task {
	var found []*playbook.Task
	all := m.play.handlers
	// Of the last block that has one, the first: as Ansible looks for it.
	for i := len(all) - 1; i >= 0; i-- {
		h := all[i]
		if h.Name == nil {
			continue
		}
		if len(found) > 0 && h.Parent != found[0].Parent {
			break
		}
		name := m.handlerName(h)
		if name == notification || h.Role != nil && (lastName(h.Role.Name)+" : "+name == notification || h.Role.Name+" : "+name == notification) {
			found = []*playbook.Task{h}
		}
	}
	seen := map[string]bool{}
	for i := len(all) - 1; i >= 0; i-- {
		h := all[i]
		if !slices.Contains(h.Listen, notification) || slices.Contains(found, h) {
			continue
		}
		name := m.handlerName(h)
		if name != "" && seen[name] {
			continue
		}
		seen[name] = true
		found = append(found, h)
	}
	return found
}

// handlerName renders a handler's name once, without any host.
func (m *Machine) handlerName(h *playbook.Task) string {
	if name, ok := m.play.handlerNames[h]; ok {
		return name
	}
	if h.Name == nil {
		return ""
	}
	v, err := m.newScope(nil, h, &m.play.desk).render(h.Name)
	if err != nil {
		if len(h.Listen) == 0 {
			m.warn("Handler '%s' is unusable because it has no listen topics and the name could not be templated (host-specific variables are not supported in handler names). The error: %v", value.String(h.Name), err)
		}
		m.play.handlerNames[h] = ""
		return ""
	}
	name := value.String(v)
	m.play.handlerNames[h] = name
	return name
}

// flush has a host go through the handlers that it notified.
func (m *Machine) flush(h *host) {
	for _, name := range h.notified {
		for _, handler := range m.handlersOf(name) {
			m.notifyHost(handler, h)
		}
	}
	h.notified = nil
	h.cursor.flush(m.play.handlers)
}
