package play

import (
	"cmp"
	"slices"
)

// touch notes what an item was about, once it was carried out.
func (m *Machine) touch(it *item) {
	if it.call == nil || it.about == "" || readOnly[shortName(it.call.Task.Module)] || it.call.Task.CheckMode ||
		truth(it.result, "failed") || truth(it.result, "unreachable") || truth(it.result, "skipped") {
		return
	}
	t := Touched{Host: it.call.To.Name, Action: it.t.task.Action, About: it.about}
	i, ok := m.touchedAt[t]
	if !ok {
		if m.touchedAt == nil {
			m.touchedAt = map[Touched]int{}
		}
		i = len(m.touched)
		m.touchedAt[t] = i
		m.touched = append(m.touched, t)
	}
	m.touched[i].Changed = m.touched[i].Changed || truth(it.result, "changed")
}

// allTouched gives what was touched in an order that does not tell who answered first.
func (m *Machine) allTouched() []Touched {
	list := slices.Clone(m.touched)
	slices.SortFunc(list, func(a, b Touched) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Action, b.Action), cmp.Compare(a.About, b.About))
	})
	return list
}
