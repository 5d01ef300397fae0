package play

import (
	"tutti/internal/ansible/playbook"
	"tutti/internal/ansible/value"
)

// nearest gives a keyword of a task: its own, or that of the closest thing around it.
func (s *scope) nearest(name string) (playbook.Keyword, bool) {
	if s.task != nil {
		if k, ok := s.task.Keywords[name]; ok {
			return k, true
		}
		for b := s.task.Parent; b != nil; b = b.Parent {
			if k, ok := b.Keywords[name]; ok {
				return k, true
			}
		}
	}
	if s.play != nil {
		k, ok := s.play.source.Keywords[name]
		return k, ok
	}
	return playbook.Keyword{}, false
}

// collected gives the lists of a keyword of a task and of all around it, outermost first.
func collected(p *playbook.Play, t *playbook.Task, name string) []any {
	var lists []*value.List
	add := func(ks playbook.Keywords) {
		if l, ok := ks[name].Value.(*value.List); ok {
			lists = append(lists, l)
		}
	}
	if t != nil {
		add(t.Keywords)
		for b := t.Parent; b != nil; b = b.Parent {
			add(b.Keywords)
		}
	}
	if p != nil {
		add(p.Keywords)
	}
	var all []any
	for i := len(lists) - 1; i >= 0; i-- {
		all = append(all, lists[i].Items...)
	}
	return all
}

// conditions are those of "when", outermost first.
func (s *scope) conditions() []any { return collected(nil, s.task, "when") }

// environments are the dicts of "environment", outermost first, unrendered.
func (s *scope) environments() []any {
	var p *playbook.Play
	if s.play != nil {
		p = s.play.source
	}
	return collected(p, s.task, "environment")
}

// own gives a keyword that is not inherited.
func own(t *playbook.Task, name string) (any, bool) {
	k, ok := t.Keywords[name]
	return k.Value, ok && k.Value != nil
}

// field renders a keyword; without one it gives nil.
func (s *scope) field(name string) (any, error) {
	k, ok := s.nearest(name)
	if !ok || k.Value == nil {
		return nil, nil
	}
	return s.render(k.Value)
}

// flag renders a yes-or-no keyword.
func (s *scope) flag(name string, otherwise bool) (bool, error) {
	v, err := s.field(name)
	if err != nil || v == nil {
		return otherwise, err
	}
	b, ok := boolean(v)
	if !ok {
		return false, s.fieldError(name, v, "bool")
	}
	return b, nil
}

// number renders a keyword that is a whole number.
func (s *scope) number(name string, otherwise int) (int, error) {
	v, err := s.field(name)
	if err != nil || v == nil {
		return otherwise, err
	}
	n, ok := integer(v)
	if !ok {
		return 0, s.fieldError(name, v, "int")
	}
	return n, nil
}

// text renders a keyword that is text.
func (s *scope) text(name string) (string, error) {
	v, err := s.field(name)
	if err != nil || v == nil {
		return "", err
	}
	return value.String(v), nil
}

// constFlag looks at a keyword without rendering: for what must be known before anything.
func (s *scope) constFlag(name string, otherwise bool) bool {
	k, ok := s.nearest(name)
	if !ok {
		return otherwise
	}
	b, ok := boolean(k.Value)
	return ok && b || !ok && otherwise
}

// checkMode tells whether the task is one of check mode.
func (s *scope) checkMode() bool { return s.constFlag("check_mode", s.m.in.Options.Check) }

func (s *scope) diffMode() bool { return s.constFlag("diff", s.m.in.Options.Diff) }
