package play

import (
	"fmt"
	gostrings "strings"

	"tutti/internal/ansible/playbook"
	"tutti/internal/ansible/value"
)

// prompts asks for the play's vars_prompt: what an extra variable says is not asked.
func (m *Machine) prompts() error {
	p := m.play
	s := m.newScope(nil, nil, &p.desk)
	for _, d := range p.source.VarsPrompt {
		name := dictItem(d, "name")
		if m.extra.Has(name) || p.prompted.Has(name) {
			continue
		}
		v, err := s.render(d)
		if err != nil {
			return err
		}
		q, ok := v.(*value.Dict)
		if !ok {
			return fmt.Errorf("vars_prompt: expected a dict with a name, got %s", value.TypeName(v))
		}
		text := dictItem(q, "prompt")
		if text == "" {
			text = name
		}
		private := !q.Has("private") || truth(q, "private")
		byDefault := dictItem(q, "default")
		shown := text
		if byDefault != "" && !private {
			shown = fmt.Sprintf("%s [%s]", text, byDefault)
		}
		a, err := p.desk.asked(Ask{Kind: AskPerson, Name: name, Prompt: shown + ": ", Private: private, Default: byDefault, Confirm: truth(q, "confirm")})
		if err != nil {
			return err
		}
		answer, err := a.value()
		if err != nil {
			return err
		}
		given, err := s.promptValue(answer, q)
		if err != nil {
			return err
		}
		p.prompted.Set(name, given)
	}
	return nil
}

// promptValue encrypts what was entered when the prompt says so. What a person types is no
// template.
func (s *scope) promptValue(answer any, q *value.Dict) (any, error) {
	method := dictItem(q, "encrypt")
	if method == "" {
		return answer, nil
	}
	e := s.with("_answer", answer)
	e.own.Set("_method", method)
	e.own.Set("_salt", dictItem(q, "salt"))
	call := "_answer | password_hash(_method)"
	if dictItem(q, "salt") != "" {
		call = "_answer | password_hash(_method, _salt)"
	}
	return e.expression(call)
}

// readVarsFiles sees to it that a host has what the play's vars_files hold for it. It is
// looked at before every task, because their names may depend on facts.
func (m *Machine) readVarsFiles(h *host) error {
	src := m.play.source
	if len(src.VarsFiles) == 0 {
		return nil
	}
	s := m.newScope(h, nil, &h.varsDesk)
	var wanted [][]string
	key := ""
	for _, raw := range src.VarsFiles {
		names, err := s.fileNames(raw)
		switch {
		case err != nil && pendingError(err):
			return err
		case err != nil && !h.gathered:
			continue // it may depend on facts that are still to be gathered
		case err != nil:
			return fmt.Errorf("an undefined variable was found when attempting to template the vars_files item '%s': %w", value.String(raw), err)
		}
		wanted = append(wanted, names)
		key += gostrings.Join(names, "\x00") + "\x01"
	}
	if key == h.varsNames {
		return nil
	}
	var found []*value.Dict
	for _, names := range wanted {
		vars, file, diags, err := m.loader(&h.varsDesk, false).VarsFiles(src, names)
		switch {
		case err != nil:
			return err
		case diags.HasErrors():
			return diags.Err()
		case file == "":
			// As Ansible, which goes on; but it says nothing.
			m.warn("vars file %s was not found", gostrings.Join(names, " or "))
		}
		found = append(found, vars)
	}
	h.varsFiles, h.varsNames = found, key
	return nil
}

// fileNames renders one item of vars_files: a name, or names of which the first that is there
// counts.
func (s *scope) fileNames(raw any) ([]string, error) {
	v, err := s.render(raw)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, x := range list(v) {
		name, ok := x.(string)
		if !ok {
			return nil, fmt.Errorf("Invalid `vars_files` value of type '%s'.", value.TypeName(x)) // Ansible's words
		}
		names = append(names, name)
	}
	return names, nil
}

// width is how many hosts are at a task at a time.
func (m *Machine) width(s *scope) int {
	n := max(1, m.in.Options.Forks)
	if t, err := s.number("throttle", 0); err == nil && t > 0 {
		n = min(n, t)
	}
	return n
}

// once tells that one host does a task for all of the batch.
func (m *Machine) once(s *scope, t *playbook.Task) bool {
	switch metaOf(t) {
	case "":
	case "clear_facts", "clear_host_errors", "end_play", "end_batch", "refresh_inventory":
		return true
	default:
		return false
	}
	if name := shortName(t.Module); name == "add_host" || name == "pause" && !t.Implicit {
		return true
	}
	once, err := s.flag("run_once", false)
	return err == nil && once
}

// stepped asks before a task when the user steps through the play.
func (m *Machine) stepped(t *playbook.Task, h *host, do, skip func()) {
	if !m.in.Options.Step || m.unstepped || metaOf(t) != "" {
		do()
		return
	}
	name, err := m.taskName(m.newScope(h, t, &m.play.desk), t)
	if err != nil {
		name = t.Action
	}
	var d desk
	var ask func()
	ask = func() {
		a, err := d.asked(Ask{Kind: AskPerson, Prompt: fmt.Sprintf("Perform task: TASK: %s (N)o/(y)es/(c)ontinue: ", name)})
		if err != nil {
			m.await(err, ask)
			return
		}
		v, err := a.value()
		if err != nil {
			m.fail(err.Error())
			return
		}
		switch gostrings.ToLower(gostrings.TrimSpace(value.String(v))) {
		case "c", "continue":
			m.unstepped = true
			do()
		case "y", "yes":
			do()
		default:
			m.later(skip)
		}
	}
	ask()
}
