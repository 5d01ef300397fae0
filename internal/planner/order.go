package planner

import (
	"slices"

	"tutti/internal/addr"
	"tutti/internal/object"
)

// deletion orders the ends of old objects, by what rows say of each other: what
// used an object ends, or changes so that it no longer does, before the object ends.
type deletion struct {
	g *graph
	// byObject are the rows that end; byConfig the objects that have some.
	byObject map[addr.Object][]object.RowKey
	byConfig map[addr.Config][]addr.Object
	// users are, by what they use as a whole, the actions after which they no
	// longer do.
	users map[addr.Object][]int
	still *still
	// inferred are the waits of ends for ends that follow from rows between them, to
	// which nothing is done.
	inferred []edge
}

// edge is that one action waits for another, by their numbers.
type edge struct{ id, need int }

func (g *graph) deletions() {
	if len(g.gone) == 0 {
		return
	}
	d := &deletion{g: g, byObject: map[addr.Object][]object.RowKey{}, byConfig: map[addr.Config][]addr.Object{}, users: map[addr.Object][]int{}}
	for _, key := range g.sortedGone() {
		d.byObject[key.Addr.Object] = append(d.byObject[key.Addr.Object], key)
	}
	for _, o := range sortedObjects(d.byObject) {
		d.byConfig[o.Config()] = append(d.byConfig[o.Config()], o)
	}
	d.ending()
	d.doubt()
	g.untangle()
	d.changing()
}

// ending lets the ends of what ends itself come first.
func (d *deletion) ending() {
	d.still = newStill(d.g)
	need := func(id, user int) { d.g.need(id, user) }
	for i := range d.g.plan.Changes {
		c := &d.g.plan.Changes[i]
		if id := d.g.goneOf[i]; id != 0 && c.Prior != nil {
			for _, n := range c.Prior.Needs {
				d.after(n, id, need)
				d.still.used(n, id)
			}
		}
	}
	d.still.each(func(n addr.Instance, id int) {
		d.after(n, id, func(end, user int) {
			need(end, user)
			d.inferred = append(d.inferred, edge{end, user})
		})
	})
	for _, o := range sortedObjects(d.byObject) {
		ids := d.g.joined(d.users[o], o.Instance(addr.NoKey))
		for _, key := range d.byObject[o] {
			d.g.need(d.g.gone[key], ids...)
		}
	}
	clear(d.users)
}

// doubt gives up inferred waits that lie on a circle. What the rows of the ends say
// themselves counts for more than what follows from rows between them, which may mean
// another object that had the same address.
func (d *deletion) doubt() {
	if len(d.inferred) == 0 {
		return
	}
	left := d.g.circular()
	if len(left) == 0 {
		return
	}
	said := map[edge]bool{}
	for i := range d.g.plan.Changes {
		c := &d.g.plan.Changes[i]
		if id := d.g.goneOf[i]; left[id] && c.Prior != nil {
			for _, n := range c.Prior.Needs {
				d.after(n, id, func(end, user int) { said[edge{end, user}] = true })
			}
		}
	}
	clear(d.users)
	for _, e := range d.inferred {
		if left[e.id] && left[e.need] && !said[e] {
			a := &d.g.plan.Actions[e.id-1]
			a.Needs = slices.DeleteFunc(a.Needs, func(n int) bool { return n == e.need })
		}
	}
}

// changing lets the changes of what goes on come before the ends of what it used,
// as far as that can be: an old object that has to go ahead of its successor cannot
// wait for those that need the successor.
func (d *deletion) changing() {
	w := &wishes{d: d}
	for i := range d.g.plan.Changes {
		c := &d.g.plan.Changes[i]
		id := d.g.exit[c.Addr]
		if c.Prior == nil || d.g.goneOf[i] != 0 || id == 0 || c.Deposed != "" {
			continue
		}
		for _, n := range c.Prior.Needs {
			d.after(n, id, w.add)
		}
	}
	for _, o := range sortedObjects(d.byObject) {
		if len(d.users[o]) == 0 {
			continue
		}
		x := wish{users: d.users[o], at: o.Instance(addr.NoKey)}
		for _, key := range d.byObject[o] {
			x.ends = append(x.ends, d.g.gone[key])
		}
		w.list = append(w.list, x)
	}
	w.grant()
}

// after calls f with the ends of what is needed, or keeps the action among the
// users of the whole object.
func (d *deletion) after(need addr.Instance, user int, f func(id, user int)) {
	need = d.g.p.rows.meant(need)
	for _, o := range d.meant(need) {
		keys := d.byObject[o]
		if need.Key.IsNone() && (len(keys) > 1 || !keys[0].Addr.Key.IsNone()) {
			d.users[o] = append(d.users[o], user)
			continue
		}
		at := o.Instance(need.Key)
		if id := d.g.gone[object.RowKey{Addr: at}]; id != 0 {
			f(id, user)
		}
		for _, id := range d.g.old[at] {
			f(id, user)
		}
	}
}

// meant gives the objects with ends that a row's need stands for. Needs that come from a
// Terraform state have no keys anywhere, and mean the object in every instance of
// its module.
func (d *deletion) meant(need addr.Instance) []addr.Object {
	if _, ok := d.byObject[need.Object]; ok || !need.Key.IsNone() {
		if !ok {
			return nil
		}
		return []addr.Object{need.Object}
	}
	for _, st := range need.Module.Steps() {
		if !st.Key.IsNone() {
			return nil
		}
	}
	return d.byConfig[need.Object.Config()]
}

// still are the rows that nothing is done to: the order of ends passes through them.
type still struct {
	g        *graph
	list     []*row
	rows     map[addr.Instance]*row
	byObject map[addr.Object][]*row
	ended    map[addr.Instance][]int // the ends of their users
	users    map[addr.Instance][]*row
	memo     map[addr.Instance][]int
}

func newStill(g *graph) *still {
	s := &still{g: g, rows: map[addr.Instance]*row{}, byObject: map[addr.Object][]*row{}, ended: map[addr.Instance][]int{},
		users: map[addr.Instance][]*row{}, memo: map[addr.Instance][]int{}}
	for _, r := range g.p.rows.sorted() {
		if len(r.Needs) > 0 && g.gone[object.RowKey{Addr: r.Addr}] == 0 && g.exit[r.Addr] == 0 {
			s.rows[r.Addr], s.list = r, append(s.list, r)
			s.byObject[r.Addr.Object] = append(s.byObject[r.Addr.Object], r)
		}
	}
	return s
}

// of gives the unchanged rows that a need means.
func (s *still) of(need addr.Instance) []*row {
	need = s.g.p.rows.meant(need)
	if r := s.rows[need]; r != nil {
		return []*row{r}
	}
	if need.Key.IsNone() {
		return s.byObject[need.Object]
	}
	return nil
}

func (s *still) used(need addr.Instance, id int) {
	for _, r := range s.of(need) {
		s.ended[r.Addr] = append(s.ended[r.Addr], id)
	}
}

// each calls f for what each row needs with each end of a user of the row, near or
// far.
func (s *still) each(f func(need addr.Instance, id int)) {
	if len(s.ended) == 0 {
		return
	}
	for _, r := range s.list {
		for _, need := range r.Needs {
			for _, x := range s.of(need) {
				s.users[x.Addr] = append(s.users[x.Addr], r)
			}
		}
	}
	for _, r := range s.list {
		for _, id := range s.ends(r) {
			for _, need := range r.Needs {
				f(need, id)
			}
		}
	}
}

func (s *still) ends(r *row) []int {
	if ids, ok := s.memo[r.Addr]; ok {
		return ids
	}
	s.memo[r.Addr] = nil
	ids := slices.Clone(s.ended[r.Addr])
	for _, u := range s.users[r.Addr] {
		ids = append(ids, s.ends(u)...)
	}
	ids = s.g.joined(ids, r.Addr)
	s.memo[r.Addr] = ids
	return ids
}
