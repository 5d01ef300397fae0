package play

import (
	"fmt"
	gostrings "strings"

	"tutti/internal/ansible/value"
)

// stats counts what became of tasks, per host.
type stats struct {
	tallies map[string]*Tally
	// custom are those of set_stats: host (or "_run") to names to values.
	custom *value.Dict
}

func newStats() *stats { return &stats{tallies: map[string]*Tally{}, custom: &value.Dict{}} }

func (s *stats) of(host string) *Tally {
	t := s.tallies[host]
	if t == nil {
		t = &Tally{Host: host}
		s.tallies[host] = t
	}
	return t
}

// recap gives the counts of the hosts that took part.
func (s *stats) recap(order []string) []Tally {
	list := []Tally{}
	for _, name := range order {
		if t := s.tallies[name]; t != nil {
			list = append(list, *t)
		}
	}
	return list
}

func (s *stats) anyFailed() bool {
	for _, t := range sorted(s.tallies) {
		if t.Failed > 0 {
			return true
		}
	}
	return false
}

func (s *stats) anyUnreachable() bool {
	for _, t := range sorted(s.tallies) {
		if t.Unreachable > 0 {
			return true
		}
	}
	return false
}

// summary names the hosts that failed.
func (s *stats) summary(order []string) string {
	var failed, unreachable []string
	for _, t := range s.recap(order) {
		if t.Failed > 0 {
			failed = append(failed, t.Host)
		}
		if t.Unreachable > 0 {
			unreachable = append(unreachable, t.Host)
		}
	}
	var parts []string
	if len(failed) > 0 {
		parts = append(parts, "tasks failed on "+few(failed))
	}
	if len(unreachable) > 0 {
		parts = append(parts, few(unreachable)+" could not be reached")
	}
	if len(parts) == 0 {
		return "the play failed"
	}
	return gostrings.Join(parts, "; ")
}

// shown is how many hosts a message names.
const shown = 5

func few(list []string) string {
	if len(list) > shown {
		return fmt.Sprintf("%s and %d more", gostrings.Join(list[:shown], ", "), len(list)-shown)
	}
	return gostrings.Join(list, ", ")
}

// set notes a statistic of set_stats; aggregate adds to what is there.
func (s *stats) set(host, name string, v any, aggregate bool) {
	of, _ := s.custom.Get(host)
	d, ok := of.(*value.Dict)
	if !ok {
		d = &value.Dict{}
		s.custom.Set(host, d)
	}
	old, had := d.Get(name)
	if aggregate && had {
		v = added(old, v)
	}
	d.Set(name, v)
}

// added is old + new as Ansible aggregates them: numbers are added, texts and lists joined,
// dicts merged; values of different types are not put together.
func added(old, v any) any {
	switch a := old.(type) {
	case int64:
		if b, ok := v.(int64); ok {
			return a + b
		}
		if b, ok := v.(float64); ok {
			return float64(a) + b
		}
	case float64:
		if b, ok := v.(float64); ok {
			return a + b
		}
		if b, ok := v.(int64); ok {
			return a + float64(b)
		}
	case string:
		if b, ok := v.(string); ok {
			return a + b
		}
	case *value.List:
		if b, ok := v.(*value.List); ok {
			return value.NewList(append(append([]any(nil), a.Items...), b.Items...)...)
		}
	case *value.Dict:
		if b, ok := v.(*value.Dict); ok {
			return merge(a, b)
		}
	}
	return old
}

// customShown is what the recap shows: nil when there is none.
func (s *stats) customShown() *value.Dict {
	if s.custom.Len() == 0 {
		return nil
	}
	return s.custom
}
