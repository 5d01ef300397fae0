package planner

import (
	"slices"
	"strings"
	"sync"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
)

// rows is the state indexed by address, after the moved blocks were followed.
type rows struct {
	mu      sync.Mutex
	current map[addr.Instance]*row
	deposed map[addr.Instance][]*row
	objects map[addr.Object]int // how many current rows there are
}

// row is a state row on its way through the plan.
type row struct {
	*object.State
	from    addr.Instance // where it lies in the store
	claimed bool          // a block stands for it
	stuck   bool          // its move had no free target
	renamed bool          // what it needs has moved
}

// maxMoves bounds how many moved blocks one row may go through.
const maxMoves = 100

func indexRows(req Request) (*rows, diag.List) {
	r := &rows{
		current: make(map[addr.Instance]*row, len(req.State.Rows)),
		deposed: map[addr.Instance][]*row{}, objects: map[addr.Object]int{},
	}
	for _, s := range req.State.Rows {
		x := &row{State: s, from: s.Addr}
		if s.Deposed != "" {
			r.deposed[s.Addr] = append(r.deposed[s.Addr], x)
			continue
		}
		r.current[s.Addr] = x
		r.objects[s.Addr.Object]++
	}
	var d diag.List
	if len(req.Moves) > 0 {
		d = r.follow(req.Moves)
	}
	return r, d
}

// follow applies the moved blocks until no row is moved any more. What has the
// shortest way goes first, and so makes place for what follows it.
func (r *rows) follow(moves []object.Move) diag.List {
	type way struct {
		from, to addr.Instance
		steps    int
	}
	var d diag.List
	var ways []way
	for _, x := range r.sorted() {
		to, steps := destination(moves, x.Addr)
		if steps > maxMoves {
			d = append(d, diag.Errorf(moves[0].Range, "Cyclic dependency in move statements", "Following the moved blocks from %s comes to no end. Remove the block that leads back.", x.Addr)...)
		} else if steps > 0 {
			ways = append(ways, way{x.Addr, to, steps})
		}
	}
	slices.SortStableFunc(ways, func(a, b way) int { return a.steps - b.steps })
	for _, x := range ways {
		d = append(d, r.move(x.from, x.to, moves)...)
	}
	r.rename(moves)
	return d
}

// destination follows the moved blocks from an address; more than maxMoves steps
// mean that they lead in a circle.
func destination(moves []object.Move, a addr.Instance) (to addr.Instance, steps int) {
	to = a
	for i := 0; i < len(moves) && steps <= maxMoves; {
		next, ok := moved(moves[i], to)
		if !ok || next == to {
			i++
			continue
		}
		to, i, steps = next, 0, steps+1
	}
	return to, steps
}

// rename follows the moved blocks in what rows need, so that ends stay in order.
func (r *rows) rename(moves []object.Move) {
	memo := map[addr.Instance]addr.Instance{}
	for _, x := range r.every() {
		for i, need := range x.Needs {
			to, ok := memo[need]
			if !ok {
				var steps int
				if to, steps = destination(moves, need); steps > maxMoves {
					to = need
				}
				memo[need] = to
			}
			if to == need {
				continue
			}
			if !x.renamed {
				c := *x.State
				c.Needs = slices.Clone(c.Needs)
				x.State, x.renamed = &c, true
			}
			x.Needs[i] = to
		}
	}
}

func (r *rows) move(from, to addr.Instance, moves []object.Move) diag.List {
	x := r.current[from]
	if other := r.current[to]; other != nil {
		x.stuck = true
		return diag.Warnf(moves[0].Range, "Unresolved resource instance address changes", "%s cannot be moved to %s: there is already an object at that address. The plan treats the former as no longer wanted.", from, to)
	}
	delete(r.current, from)
	r.place(x, to)
	if dep := r.deposed[from]; dep != nil {
		delete(r.deposed, from)
		for _, y := range dep {
			c := *y.State
			c.Addr = to
			y.State = &c
		}
		r.deposed[to] = dep
	}
	return nil
}

// place puts a row at another address.
func (r *rows) place(x *row, to addr.Instance) {
	r.objects[x.Addr.Object]--
	c := *x.State
	c.Addr = to
	x.State = &c
	r.current[to] = x
	r.objects[to.Object]++
}

// moved gives the address after one moved block; false when it does not concern it.
func moved(m object.Move, a addr.Instance) (addr.Instance, bool) {
	prefix, rest, ok := within(m.In, a.Module)
	if !ok {
		return a, false
	}
	local := addr.Instance{Object: addr.Object{Module: rest, Name: a.Name}, Key: a.Key}
	var to addr.Instance
	switch {
	case (m.From.Name == addr.Name{}):
		mod, ok := movedModule(m.From.Module, m.To.Module, rest)
		if !ok {
			return a, false
		}
		to = addr.Instance{Object: addr.Object{Module: mod, Name: a.Name}, Key: a.Key}
	case m.From.Name == a.Name && m.From.Module == rest && (m.From.Whole || m.From.Key == a.Key):
		if m.From.Whole && m.To.Whole {
			to = addr.Instance{Object: addr.Object{Module: m.To.Module, Name: m.To.Name}, Key: a.Key}
		} else if m.From.Whole && !a.Key.IsNone() {
			return a, false
		} else {
			to = addr.Instance{Object: addr.Object{Module: m.To.Module, Name: m.To.Name}, Key: m.To.Key}
		}
	default:
		return a, false
	}
	if to == local {
		return a, false
	}
	for _, st := range to.Module.Steps() {
		prefix = prefix.Child(st.Name, st.Key)
	}
	to.Module = prefix
	return to, true
}

// within splits a module instance at the module that a statement stands in.
func within(in addr.ModulePath, m addr.Module) (prefix, rest addr.Module, ok bool) {
	names, steps := in.Names(), m.Steps()
	if len(steps) < len(names) {
		return prefix, rest, false
	}
	for i, st := range steps {
		if i < len(names) {
			if st.Name != names[i] {
				return prefix, rest, false
			}
			prefix = prefix.Child(st.Name, st.Key)
			continue
		}
		rest = rest.Child(st.Name, st.Key)
	}
	return prefix, rest, true
}

// movedModule replaces the module from, at the start of m, by to. A from without
// key stands for every key where to has none either.
func movedModule(from, to, m addr.Module) (addr.Module, bool) {
	fs, ts, ms := from.Steps(), to.Steps(), m.Steps()
	if len(ms) < len(fs) || len(fs) == 0 || len(ts) == 0 {
		return m, false
	}
	last := len(fs) - 1
	for i, f := range fs {
		keep := i == last && f.Key.IsNone() && ts[len(ts)-1].Key.IsNone()
		if f.Name != ms[i].Name || !keep && f.Key != ms[i].Key {
			return m, false
		}
	}
	if k := ms[last].Key; fs[last].Key.IsNone() && !k.IsNone() {
		ts[len(ts)-1].Key = k
	}
	out := addr.Module{}
	for _, st := range append(ts, ms[len(fs):]...) {
		out = out.Child(st.Name, st.Key)
	}
	return out, out != m
}

// claim gives the row that the block's instance stands for. An object whose count
// came or went takes over its first instance, as Terraform does without a moved
// block.
func (r *rows) claim(a addr.Instance, shape object.Shape) *row {
	r.mu.Lock()
	defer r.mu.Unlock()
	x := r.current[a]
	if x == nil {
		other := a.Object.Instance(addr.NoKey)
		if a.Key.IsNone() {
			other = a.Object.Instance(addr.IntKey(0))
		}
		first := shape == object.Count && a.Key == addr.IntKey(0) || shape == object.Single
		if y := r.current[other]; first && y != nil && !y.claimed {
			delete(r.current, other)
			r.place(y, a)
			x = y
		}
	}
	if x != nil {
		x.claimed = true
	}
	return x
}

// unclaimed gives the rows that no block stands for, and all deposed ones, sorted.
func (r *rows) unclaimed() []*row {
	var out []*row
	for _, x := range r.current {
		if !x.claimed {
			out = append(out, x)
		}
	}
	for _, list := range r.deposed {
		out = append(out, list...)
	}
	slices.SortFunc(out, func(a, b *row) int {
		if c := a.Addr.Compare(b.Addr); c != 0 {
			return c
		}
		return strings.Compare(a.Deposed, b.Deposed)
	})
	return out
}

// meant gives what a row's need stands for now: an instance that has no row any
// more, since its object came to have a count or lost it, means the whole object.
func (r *rows) meant(need addr.Instance) addr.Instance {
	if need.Key.IsNone() || r.current[need] != nil || r.deposed[need] != nil {
		return need
	}
	return need.Object.Instance(addr.NoKey)
}

// every gives all rows, in no particular order.
func (r *rows) every() []*row {
	var out []*row
	for _, x := range r.current {
		out = append(out, x)
	}
	for _, list := range r.deposed {
		out = append(out, list...)
	}
	return out
}

// sorted gives the current rows.
func (r *rows) sorted() []*row {
	out := make([]*row, 0, len(r.current))
	for _, x := range r.current {
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b *row) int { return a.Addr.Compare(b.Addr) })
	return out
}

// keysOf gives the deposed keys that an address has already.
func (r *rows) keysOf(a addr.Instance) map[string]bool {
	taken := map[string]bool{}
	for _, x := range r.deposed[a] {
		taken[x.Deposed] = true
	}
	return taken
}
