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
	// late are the actions that come after the first half of a replacement that
	// destroys first, and ahead those that come before one.
	late, ahead map[int]bool
	// users are, by what they use as a whole, the actions after which they no
	// longer do.
	users map[addr.Object][]int
	still *still
}

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
	d.changing()
	g.untangle()
}

// ending lets the ends of what ends itself come first.
func (d *deletion) ending() {
	d.still = newStill(d.g)
	for i := range d.g.plan.Changes {
		c := &d.g.plan.Changes[i]
		if id := d.g.goneOf[i]; id != 0 && c.Prior != nil {
			for _, need := range c.Prior.Needs {
				d.after(need, id)
				d.still.used(need, id)
			}
		}
	}
	d.still.each(d.after)
	d.wholes()
}

// changing lets the changes of what goes on come before the ends of what it used.
// Where such a change itself comes after a replacement that destroys first, nothing
// that this end waits for may wait for it: there the order stays open, since an old
// object that has to go ahead of its successor cannot wait for those that need that.
func (d *deletion) changing() {
	d.late, d.ahead = d.g.aroundReplacements()
	for _, late := range []bool{false, true} {
		for i := range d.g.plan.Changes {
			c := &d.g.plan.Changes[i]
			id := d.g.exit[c.Addr]
			if c.Prior == nil || d.g.goneOf[i] != 0 || id == 0 || c.Deposed != "" || d.late[id] != late {
				continue
			}
			for _, need := range c.Prior.Needs {
				d.after(need, id)
			}
		}
		d.wholes()
	}
}

// after lets the ends of what is needed wait for the action.
func (d *deletion) after(need addr.Instance, user int) {
	for _, o := range d.meant(need) {
		keys := d.byObject[o]
		if need.Key.IsNone() && (len(keys) > 1 || !keys[0].Addr.Key.IsNone()) {
			d.users[o] = append(d.users[o], user)
			continue
		}
		at := o.Instance(need.Key)
		if id := d.g.gone[object.RowKey{Addr: at}]; id != 0 {
			d.end(id, user)
		}
		for _, id := range d.g.old[at] {
			d.end(id, user)
		}
	}
}

func (d *deletion) end(id int, users ...int) {
	if len(users) > 0 && !(d.late[users[0]] && d.ahead[id]) {
		d.g.need(id, users...)
	}
}

// wholes does what after put by. The users are either all late or none is.
func (d *deletion) wholes() {
	for _, o := range sortedObjects(d.byObject) {
		if len(d.users[o]) == 0 {
			continue
		}
		late := d.late[d.users[o][0]]
		ids := d.g.joined(d.users[o], o.Instance(addr.NoKey))
		for _, key := range d.byObject[o] {
			if id := d.g.gone[key]; !(late && d.ahead[id]) {
				d.g.need(id, ids...)
			}
		}
	}
	clear(d.users)
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

// aroundReplacements gives what comes after and what comes before an end which a
// creation at the same address waits for, itself with both.
func (g *graph) aroundReplacements() (late, ahead map[int]bool) {
	var ends []int
	for i := range g.plan.Actions {
		a := &g.plan.Actions[i]
		if a.Verb == object.Delete && g.plan.Changes[a.Change].Verb == object.Replace && !g.plan.Changes[a.Change].CreateFirst {
			ends = append(ends, i+1)
		}
	}
	if len(ends) == 0 {
		return nil, nil
	}
	needs, users := make([][]int, len(g.plan.Actions)+1), make([][]int, len(g.plan.Actions)+1)
	for i := range g.plan.Actions {
		needs[i+1] = g.plan.Actions[i].Needs
		for _, n := range needs[i+1] {
			users[n] = append(users[n], i+1)
		}
	}
	return closure(ends, users), closure(ends, needs)
}

func closure(from []int, next [][]int) map[int]bool {
	seen := map[int]bool{}
	queue := slices.Clone(from)
	for ; len(queue) > 0; queue = queue[1:] {
		if !seen[queue[0]] {
			seen[queue[0]] = true
			queue = append(queue, next[queue[0]]...)
		}
	}
	return seen
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

// untangle takes circles apart. There are none unless rows contradict each other:
// what once needed something and is needed by it now, of which only one was
// written anew. Then the order among those ends is open.
func (g *graph) untangle() {
	left := g.circular()
	if len(left) == 0 {
		return
	}
	for id := range left {
		a := &g.plan.Actions[id-1]
		if a.Verb != object.Delete && a.Verb != object.Forget {
			continue
		}
		a.Needs = slices.DeleteFunc(a.Needs, func(n int) bool {
			own := g.plan.Actions[n-1].Addr == a.Addr && g.plan.Actions[n-1].Change == a.Change
			return left[n] && !own
		})
	}
}

// circular gives the actions that lie on circles, or between two of them.
func (g *graph) circular() map[int]bool {
	n := len(g.plan.Actions)
	needs, users := make([][]int, n), make([][]int, n)
	for i := range g.plan.Actions {
		for _, id := range g.plan.Actions[i].Needs {
			needs[i] = append(needs[i], id-1)
			users[id-1] = append(users[id-1], i)
		}
	}
	left := make([]bool, n)
	for i := range left {
		left[i] = true
	}
	if peel(left, needs, users) == 0 {
		return nil
	}
	peel(left, users, needs)
	ids := map[int]bool{}
	for i, is := range left {
		if is {
			ids[i+1] = true
		}
	}
	return ids
}

// peel takes away what needs nothing that is left, until all that is left does,
// and gives how much that is.
func peel(left []bool, needs, users [][]int) int {
	count, total := make([]int, len(left)), 0
	var ready []int
	for i, is := range left {
		if !is {
			continue
		}
		total++
		for _, n := range needs[i] {
			if left[n] {
				count[i]++
			}
		}
		if count[i] == 0 {
			ready = append(ready, i)
		}
	}
	for ; len(ready) > 0; ready = ready[1:] {
		left[ready[0]] = false
		total--
		for _, u := range users[ready[0]] {
			if count[u]--; left[u] && count[u] == 0 {
				ready = append(ready, u)
			}
		}
	}
	return total
}
