package play

import (
	"errors"

	"tutti/internal/ansible/playbook"
	"tutti/internal/diag"
)

// Preload reads an input's playbooks before any run begins, so that mistakes in them are told
// at once and the run need not ask for files one by one: what was read is put into the
// input's Files. answer is asked what lies on this machine.
func Preload(in *Input, answer func(Ask) Answer) ([]*playbook.Playbook, diag.List, error) {
	m := New()
	m.in = *in
	if err := m.prepare(); err != nil {
		return nil, nil, err
	}
	if in.Files == nil {
		in.Files = map[string]Recorded{}
	}
	var books []*playbook.Playbook
	var said diag.List
	for _, name := range in.Playbooks {
		pb, diags, err := m.preload(name, in, answer)
		said = append(said, diags...)
		if err != nil {
			return nil, said, err
		}
		books = append(books, pb)
	}
	return books, said, nil
}

func (m *Machine) preload(name string, in *Input, answer func(Ask) Answer) (*playbook.Playbook, diag.List, error) {
	for {
		var pb *playbook.Playbook
		var diags diag.List
		err := m.sure(&m.desk, func() (err error) {
			pb, diags, err = m.loader(&m.desk, false).Playbook(name)
			return err
		})
		var p *pending
		if !errors.As(err, &p) {
			return pb, diags, err
		}
		a := answer(p.ask)
		if v, err := a.value(); p.ask.Kind == AskModule && err == nil {
			if full, ok := v.(string); ok {
				in.Modules = append(in.Modules, p.ask.Name, full)
			}
		}
		if a.Recorded != nil {
			in.Files[p.ask.Kind+":"+p.ask.Path] = *a.Recorded
		}
		if p.desk.answers == nil {
			p.desk.answers = map[string]Answer{}
		}
		p.desk.answers[p.ask.key()] = a
	}
}
