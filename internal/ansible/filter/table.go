package filter

import "tutti/internal/ansible/value"

// table is a set of numbers as CPython 3.11 keeps it: open addressing with a few linear
// probes before each jump. What it is good for is only the order in which the numbers come
// out of it.
type table struct {
	slots []slot
	// fill counts slots that were ever used, used those that are.
	fill, used int
}

type slot struct {
	hash  uint64
	v     any
	taken bool
	// gone marks a slot whose value was taken away.
	gone bool
}

// The constants of CPython's sets.
const (
	smallest     = 8
	linearProbes = 9
	perturbShift = 5
	manyItems    = 50_000
)

// hashOf gives Python's hash of a whole number.
func hashOf(v any) (uint64, bool) {
	const prime = 1<<61 - 1
	n, ok := v.(int64)
	if b, isBool := v.(bool); isBool {
		ok = true
		if b {
			n = 1
		}
	}
	if !ok {
		return 0, false
	}
	if n < 0 {
		h := -int64(uint64(-n) % prime)
		if h == -1 {
			h = -2
		}
		return uint64(h), true
	}
	return uint64(n) % prime, true
}

// newTable makes a table of numbers, or reports that not all of the items are.
func newTable(items []any) (*table, bool) {
	t := &table{slots: make([]slot, smallest)}
	for _, v := range items {
		h, ok := hashOf(v)
		if !ok {
			return nil, false
		}
		t.add(slot{hash: h, v: v, taken: true})
	}
	return t, true
}

// find gives the slot of a value, or the first free one where it would lie.
func (t *table) find(hash uint64, v any) (at int, found bool) {
	mask := uint64(len(t.slots) - 1)
	perturb, i := hash, hash&mask
	for {
		probes := uint64(0)
		if i+linearProbes <= mask {
			probes = linearProbes
		}
		for j := i; j <= i+probes; j++ {
			s := &t.slots[j]
			if !s.taken && !s.gone {
				return int(j), false
			}
			if s.taken && s.hash == hash && value.Equal(s.v, v) {
				return int(j), true
			}
		}
		perturb >>= perturbShift
		i = (i*5 + 1 + perturb) & mask
	}
}

func (t *table) add(s slot) {
	at, found := t.find(s.hash, s.v)
	if found {
		return
	}
	t.slots[at] = s
	t.fill++
	t.used++
	if t.fill*5 < (len(t.slots)-1)*3 {
		return
	}
	if t.used > manyItems {
		t.resize(t.used * 2)
	} else {
		t.resize(t.used * 4)
	}
}

func (t *table) remove(s slot) bool {
	at, found := t.find(s.hash, s.v)
	if found {
		t.slots[at] = slot{gone: true}
		t.used--
	}
	return found
}

func (t *table) resize(atLeast int) {
	size := smallest
	for size <= atLeast {
		size *= 2
	}
	if size == smallest && len(t.slots) == smallest && t.fill == t.used {
		return
	}
	old := t.slots
	t.slots, t.fill = make([]slot, size), t.used
	for _, s := range old {
		if s.taken {
			at, _ := t.find(s.hash, s.v)
			t.slots[at] = s
		}
	}
}

// merge adds what is in another table.
func (t *table) merge(other *table) {
	if other.used == 0 {
		return
	}
	if (t.fill+other.used)*5 >= (len(t.slots)-1)*3 {
		t.resize((t.used + other.used) * 2)
	}
	if t.fill == 0 && len(t.slots) == len(other.slots) && other.fill == other.used {
		copy(t.slots, other.slots)
		t.fill, t.used = other.fill, other.used
		return
	}
	clean := t.fill == 0
	for _, s := range other.slots {
		switch {
		case !s.taken:
		case clean:
			at, _ := t.find(s.hash, s.v)
			t.slots[at] = s
			t.fill++
			t.used++
		default:
			t.add(s)
		}
	}
}

func (t *table) copy() *table {
	c := &table{slots: make([]slot, smallest)}
	c.merge(t)
	return c
}

// with carries out an operation of two sets in the way that CPython does.
func (t *table) with(other *table, what operation) *table {
	out := &table{slots: make([]slot, smallest)}
	switch what {
	case intersection:
		small, large := other, t
		if other.used > t.used {
			small, large = t, other
		}
		for _, s := range small.slots {
			if s.taken && large.has(s) {
				out.add(s)
			}
		}
	case subtraction:
		if t.used>>2 > other.used {
			out = t.copy()
			for _, s := range other.slots {
				if s.taken {
					out.remove(s)
				}
			}
			return out
		}
		for _, s := range t.slots {
			if s.taken && !other.has(s) {
				out.add(s)
			}
		}
	case unification:
		out = t.copy()
		out.merge(other)
	case exclusion:
		out = other.copy()
		for _, s := range t.slots {
			if s.taken && !out.remove(s) {
				out.add(s)
			}
		}
	}
	return out
}

func (t *table) has(s slot) bool {
	_, found := t.find(s.hash, s.v)
	return found
}

func (t *table) items() []any {
	out := make([]any, 0, t.used)
	for _, s := range t.slots {
		if s.taken {
			out = append(out, s.v)
		}
	}
	return out
}
