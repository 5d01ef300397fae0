package planner

import (
	"slices"

	"tutti/internal/addr"
	"tutti/internal/eval"
	"tutti/internal/object"
)

// choice is which instances the user's targets and excludes mean.
type choice struct {
	targets, excludes []addr.Target
	// For destroying, what uses a target goes too, and what something uses that is
	// to stay stays too. They are nil otherwise.
	users, needs *held
}

func newChoice(o *Options, rows *rows) *choice {
	c := &choice{targets: o.Targets, excludes: o.Excludes}
	if o.Mode != object.Destroy {
		return c
	}
	if len(c.targets) > 0 {
		c.users = &held{}
		c.users.climb(func(a addr.Instance) bool { return covered(c.targets, a) }, rows)
	}
	if len(c.excludes) > 0 {
		c.needs = &held{}
		var queue []*row
		for _, r := range rows.sorted() {
			if covered(c.excludes, r.Addr) {
				queue = append(queue, r)
			}
		}
		c.needs.spread(queue, rows)
	}
	return c
}

// partial reports whether only a part is planned.
func (c *choice) partial() bool { return len(c.targets)+len(c.excludes) > 0 }

// wants reports whether the targets mean the instance.
func (c *choice) wants(a addr.Instance) bool {
	return len(c.targets) == 0 || covered(c.targets, a) || c.users != nil && c.users.has(a)
}

// spares reports whether the instance is to be left alone.
func (c *choice) spares(a addr.Instance) bool {
	return covered(c.excludes, a) || c.needs != nil && c.needs.has(a)
}

func covered(targets []addr.Target, i addr.Instance) bool {
	return slices.ContainsFunc(targets, func(t addr.Target) bool { return t.Covers(i) })
}

// climb follows what rows say that they need the other way: to what needs the
// chosen rows, near or far.
func (h *held) climb(chosen func(addr.Instance) bool, rows *rows) {
	h.ready()
	users := map[addr.Instance][]*row{}
	list := rows.sorted()
	for _, r := range list {
		for _, need := range r.Needs {
			need = rows.meant(need)
			users[need] = append(users[need], r)
		}
	}
	var queue []addr.Instance
	for _, r := range list {
		if chosen(r.Addr) {
			queue = append(queue, r.Addr)
		}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		a := queue[0]
		for _, r := range slices.Concat(users[a], users[a.Object.Instance(addr.NoKey)]) {
			if !h.instances[r.Addr] {
				h.instances[r.Addr] = true
				queue = append(queue, r.Addr)
			}
		}
	}
}

// filter leaves out what the user did not ask for; what a target refers to is
// evaluated on demand. To destroy, only what has rows is looked at.
func (p *planner) filter() eval.Filter {
	destroy := p.req.Options.Mode == object.Destroy
	if c := p.choice; destroy || len(c.targets)+len(c.excludes) > 0 {
		return func(i addr.Instance) bool {
			return !(destroy && !stateful(i.Kind)) && !c.spares(i) && c.wants(i)
		}
	}
	return nil
}
