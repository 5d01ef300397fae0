package play

import "tutti/internal/ansible/jinja"

var _ jinja.Trusting = (*scope)(nil)

// Trusted tells whether a variable's text was written by a person: only such text may be a
// condition that is named indirectly, as in when: "{{ condition }}". What hosts answered
// (registered results, facts), what set_fact made and the items of loops never is, though
// ansible-core also takes what set_fact was given word by word.
func (s *scope) Trusted(name string) bool {
	if s.own.Has(name) {
		return false
	}
	for _, l := range s.layers {
		if l.Has(name) {
			return s.host == nil || l != s.host.set && l != s.host.injected
		}
	}
	return false
}
