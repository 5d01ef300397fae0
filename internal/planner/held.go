package planner

import (
	"slices"

	"tutti/internal/addr"
	"tutti/internal/eval"
	"tutti/internal/object"
)

// held are the old objects that something which is put off still uses, near or
// far: they end in a later phase, when their users have changed.
type held struct {
	instances map[addr.Instance]bool
	objects   map[addr.Object]bool
	// configs come from Terraform states, whose needs have no keys.
	configs map[addr.Config]bool
}

func (h *held) has(a addr.Instance) bool {
	return h.instances[a] || h.objects[a.Object] || h.configs[a.Object.Config()]
}

// hold finds what is held. It must not run beside an evaluation.
func (p *planner) hold() {
	waiting := map[addr.Instance]bool{}
	any := p.choice.partial()
	p.eval.Nodes(func(n *eval.Node) {
		any = any || n.Deferred
		if n.Kind == eval.Instance && (n.Deferred || n.LeftOut) {
			waiting[n.Addr] = true
		}
	})
	if !any {
		return
	}
	unknown := map[addr.Object]bool{}
	var queue []*row
	for _, r := range p.rows.sorted() {
		o := r.Addr.Object
		if _, known := unknown[o]; !known {
			unknown[o] = p.eval.Status(o).Unknown
		}
		// With targets, what nobody looked at stays as it is, unless it ends.
		passed := p.choice.partial() && !r.claimed && !p.orphaned(r)
		if unknown[o] || waiting[r.Addr] || passed {
			queue = append(queue, r)
		}
	}
	p.held.spread(queue, p.rows)
}

// postpone puts off the ends of what rows need whose own end has to wait.
func (p *planner) postpone() {
	if len(p.unserved) == 0 {
		return
	}
	p.held.spread(p.unserved, p.rows)
	p.changes = slices.DeleteFunc(p.changes, func(c *object.PlannedChange) bool {
		if c.Verb != object.Delete || !p.held.has(c.Addr) {
			return false
		}
		p.putOff(c.Addr)
		if c.Deposed == "" {
			delete(p.byAddr, c.Addr)
		}
		return true
	})
}

// ready makes the maps, unless that is done.
func (h *held) ready() {
	if h.instances == nil {
		h.instances, h.objects, h.configs = map[addr.Instance]bool{}, map[addr.Object]bool{}, map[addr.Config]bool{}
	}
}

// spread follows what rows say that they need.
func (h *held) spread(queue []*row, rows *rows) {
	h.ready()
	byObject, byConfig := map[addr.Object][]*row{}, map[addr.Config][]*row{}
	for _, r := range rows.sorted() {
		byObject[r.Addr.Object] = append(byObject[r.Addr.Object], r)
		byConfig[r.Addr.Object.Config()] = append(byConfig[r.Addr.Object.Config()], r)
	}
	seen := map[*row]bool{}
	for ; len(queue) > 0; queue = queue[1:] {
		if seen[queue[0]] {
			continue
		}
		seen[queue[0]] = true
		for _, need := range queue[0].Needs {
			need = rows.meant(need)
			if h.instances[need] {
				continue
			}
			h.instances[need] = true
			if need.Key.IsNone() {
				h.objects[need.Object] = true
				if keyless(need.Module) {
					h.configs[need.Object.Config()] = true
					queue = append(queue, byConfig[need.Object.Config()]...)
				}
			}
			for _, r := range byObject[need.Object] {
				if need.Key.IsNone() || r.Addr == need {
					queue = append(queue, r)
				}
			}
		}
	}
}

// keyless reports whether a module address below the root names no instance.
func keyless(m addr.Module) bool {
	return !m.IsRoot() && !slices.ContainsFunc(m.Steps(), func(st addr.Step) bool { return !st.Key.IsNone() })
}

// putOff notes an old object whose end has to wait for its users. In a plan of a
// part those may be left out, and no later phase would come to it.
func (p *planner) putOff(a addr.Instance) {
	if p.choice.partial() {
		p.notes = append(p.notes, a.String()+" is no longer wanted, but stays for now: something that uses it is not in this plan")
		return
	}
	p.later = append(p.later, object.Deferred{Addr: a.Object, Key: a.Key, Reason: "it is no longer wanted, but something that uses it waits itself"})
}
