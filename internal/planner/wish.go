package planner

import (
	"slices"

	"tutti/internal/addr"
	"tutti/internal/object"
)

// wishes are edges that are wanted and not necessary. One order of all actions is
// found that keeps as many of them as it can; those that agree with it are added,
// and so there is never a circle.
type wishes struct {
	d    *deletion
	list []wish
	// pos is where each action stands in the order, by its index.
	pos []int
}

// wish is that the ends come after the users.
type wish struct {
	users, ends []int
	at          addr.Instance
}

func (w *wishes) add(id, user int) {
	w.list = append(w.list, wish{users: []int{user}, ends: []int{id}, at: w.d.g.plan.Actions[id-1].Addr})
}

func (w *wishes) grant() {
	if len(w.list) == 0 {
		return
	}
	w.arrange()
	byPos := func(a, b int) int { return w.pos[a-1] - w.pos[b-1] }
	for _, x := range w.list {
		slices.SortFunc(x.users, byPos)
		slices.SortFunc(x.ends, byPos)
		var ids []int
		next := 0
		for _, end := range x.ends {
			from := next
			for next < len(x.users) && w.pos[x.users[next]-1] < w.pos[end-1] {
				next++
			}
			if next > from {
				ids = w.d.g.joined(append(slices.Clone(ids), x.users[from:next]...), x.at)
			}
			w.d.g.need(end, ids...)
		}
	}
}

// arrange puts the actions in an order that keeps all edges. While something can
// go on without breaking a wish, it does; else the first end goes that a user in
// some wish waits for.
func (w *wishes) arrange() {
	g := w.d.g
	n := len(g.plan.Actions)
	o := &arranging{w: w, pos: make([]int, n), needs: make([]int, n), open: make([]int, n), users: make([][]int, n), wanted: make([][]int, n), waits: make([]int, len(w.list))}
	for i := range g.plan.Actions {
		o.needs[i] = len(g.plan.Actions[i].Needs)
		for _, id := range g.plan.Actions[i].Needs {
			o.users[id-1] = append(o.users[id-1], i)
		}
	}
	for k, x := range w.list {
		o.waits[k] = len(x.users)
		for _, u := range x.users {
			o.wanted[u-1] = append(o.wanted[u-1], k)
		}
		for _, e := range x.ends {
			o.open[e-1]++
		}
	}
	o.needed = w.needed()
	o.run()
	w.pos = o.pos
}

// arranging is the work of arrange.
type arranging struct {
	w     *wishes
	pos   []int
	needs []int // how many needs are not done
	open  []int // how many wishes are not fulfilled
	waits []int // of each wish: how many users are not done
	users [][]int
	// wanted are the wishes that an action is a user of.
	wanted [][]int
	needed map[int]bool
	done   int
	// ready can go on; torn could, but for a wish: first those that help.
	ready, helps, torn []int
	placed             []bool
}

func (o *arranging) run() {
	o.placed = make([]bool, len(o.pos))
	for i := range o.needs {
		o.offer(i)
	}
	for o.done < len(o.pos) {
		switch {
		case o.take(&o.ready), o.take(&o.helps), o.take(&o.torn):
		default:
			panic("planner: invariant broken: the actions form a circle before wishes are looked at")
		}
	}
}

// offer puts an action that nothing holds back where it can be taken.
func (o *arranging) offer(i int) {
	switch {
	case o.needs[i] > 0:
	case o.open[i] == 0:
		o.ready = append(o.ready, i)
	case o.needed[i+1]:
		o.helps = append(o.helps, i)
	default:
		o.torn = append(o.torn, i)
	}
}

func (o *arranging) take(list *[]int) bool {
	for len(*list) > 0 {
		i := (*list)[0]
		*list = (*list)[1:]
		if !o.placed[i] {
			o.place(i)
			return true
		}
	}
	return false
}

func (o *arranging) place(i int) {
	o.placed[i], o.pos[i] = true, o.done
	o.done++
	for _, u := range o.users[i] {
		if o.needs[u]--; o.needs[u] == 0 {
			o.offer(u)
		}
	}
	for _, k := range o.wanted[i] {
		if o.waits[k]--; o.waits[k] > 0 {
			continue
		}
		for _, e := range o.w.list[k].ends {
			if o.open[e-1]--; o.open[e-1] == 0 && !o.placed[e-1] {
				o.offer(e - 1)
			}
		}
	}
}

// needed gives all that the users of wishes need, near or far: only the going of
// such an end can bring the fulfilment of another wish nearer.
func (w *wishes) needed() map[int]bool {
	var queue []int
	for _, x := range w.list {
		queue = append(queue, x.users...)
	}
	seen := map[int]bool{}
	for ; len(queue) > 0; queue = queue[1:] {
		if !seen[queue[0]] {
			seen[queue[0]] = true
			queue = append(queue, w.d.g.plan.Actions[queue[0]-1].Needs...)
		}
	}
	return seen
}

// maxUntangle is how many rows are tried one by one when rows contradict each other.
const maxUntangle = 100

// untangle takes circles apart. There are none unless rows contradict each other:
// what once needed something and is needed by it now, of which only one was
// written anew. The oldest row on a circle is the one that is out of date.
func (g *graph) untangle() {
	for range maxUntangle {
		left := g.circular()
		if len(left) == 0 {
			return
		}
		oldest := g.oldest(left)
		g.cut(left, func(n int) bool { return n == oldest })
	}
	left := g.circular()
	g.cut(left, func(n int) bool { return g.plan.Actions[n-1].Verb != object.Create })
}

// oldest gives the end whose row was written first.
func (g *graph) oldest(left map[int]bool) int {
	found, serial := 0, int64(0)
	for id := range left {
		a := &g.plan.Actions[id-1]
		if a.Verb != object.Delete && a.Verb != object.Forget {
			continue
		}
		was := g.plan.Changes[a.Change].Prior.Serial
		if found == 0 || was < serial || was == serial && id < found {
			found, serial = id, was
		}
	}
	if found == 0 {
		panic("planner: invariant broken: a circle of actions that ends nothing")
	}
	return found
}

// cut lets nothing that ends, and no join of such, wait for what f says.
func (g *graph) cut(left map[int]bool, f func(int) bool) {
	for id := range left {
		switch a := &g.plan.Actions[id-1]; a.Verb {
		case object.Delete, object.Forget, object.Join:
			a.Needs = slices.DeleteFunc(a.Needs, func(n int) bool { return left[n] && f(n) })
		}
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
