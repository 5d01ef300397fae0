package play

import (
	"encoding/json"
	"fmt"

	"tutti/internal/ansible/value"
	"tutti/internal/flow"
)

// eachHost are the meta actions that are announced anew for every host.
var eachHost = map[string]bool{"noop": true, "reset_connection": true, "end_host": true, "flush_handlers": true, "end_role": true}

// meta carries a meta task out.
func (t *turn) meta(name string) error {
	t.scope = t.m.newScope(t.host, t.task, &t.desk)
	yes, _, err := t.scope.when()
	if err != nil {
		return err
	}
	if !t.task.Implicit {
		if t.round != nil && eachHost[name] {
			t.round.announced = false
		}
		if err := t.m.announce(t); err != nil {
			return err
		}
	}
	if yes != isTrue {
		t.result = value.NewDict("skipped", true, "skip_reason", name+" conditional evaluated to False")
		t.m.note(Note{Kind: NoteResult, Host: t.host.name, Number: t.task.Number, Task: t.name(), Action: t.task.Action, Path: t.task.Origin.String(), Status: "skipped", Result: t.result})
		t.leave()
		return nil
	}
	switch name {
	case "flush_handlers":
		t.m.flush(t.host)
	case "noop", "role_complete":
	case "clear_facts":
		for _, h := range t.allHosts() {
			h.facts, h.injected, h.gathered = emptyDict(), emptyDict(), false
		}
	case "clear_host_errors":
		t.clearErrors()
	case "end_host":
		t.note(fmt.Sprintf("ending play for %s", t.host.name))
		t.host.cursor.done = true
	case "end_play", "end_batch":
		for _, h := range t.m.play.batch {
			h.cursor.done = true
		}
		if name == "end_play" {
			t.note("ending play")
			t.m.play.ended = true
		} else {
			t.note("ending batch")
		}
	case "end_role":
		if t.task.Role == nil || !t.host.cursor.endRole(t.task.Role) {
			return fmt.Errorf("Cannot execute 'end_role' from outside of a role") // Ansible's words
		}
		t.note(fmt.Sprintf("ending role %s for %s", t.task.Role.Name, t.host.name))
	case "reset_connection":
		return t.reset()
	case "refresh_inventory":
		return fmt.Errorf("meta: refresh_inventory cannot be carried out: the hosts of a run are decided when it begins. Use add_host, or a second run")
	default:
		return fmt.Errorf("invalid meta action requested: %s", name)
	}
	t.leave()
	return nil
}

func (t *turn) note(text string) {
	t.m.note(Note{Kind: NoteText, Text: "META: " + text, Host: t.host.name})
}

func (t *turn) allHosts() []*host { return t.m.play.hosts }

// clearErrors takes failed hosts back into the play.
func (t *turn) clearErrors() {
	for _, h := range t.m.play.batch {
		h.cursor.clear()
		delete(t.m.unreachable, h.name)
		delete(t.m.gone, h.name)
		if h.cursor.failed {
			h.cursor = t.host.cursor.fork(h.cursor)
		}
	}
}

// reset closes the host's connections; the next task opens them anew.
func (t *turn) reset() error {
	to, err := t.scope.connection("")
	if err != nil {
		return err
	}
	t.m.do(ActivityReset, Call{Host: t.host.name, Name: "reset_connection", Item: -1, To: to}, anyTime, func(json.RawMessage, *flow.Failure) { t.leave() })
	return nil
}
