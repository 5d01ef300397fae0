package inventory

import (
	"fmt"
	"slices"

	"tutti/internal/ansible/value"
)

// NewHost is what the action add_host asks for.
type NewHost struct {
	Name   string
	Groups []string
	Vars   *value.Dict
}

// Add does what add_host asks for, and reports whether that changed anything.
func (inv *Inventory) Add(n NewHost) (changed bool, err error) {
	h := inv.hostBy[n.Name]
	if h == nil {
		if h, err = inv.AddHost(n.Name, All, 0); err != nil {
			return false, err
		}
		changed = true
	}
	if vars := Combine(h.Vars, n.Vars, inv.options.MergeHashes); !value.Equal(vars, h.Vars) {
		h.Vars = vars
		inv.generation++
		changed = true
	}
	for _, name := range n.Groups {
		if inv.groupBy[name] == nil {
			if name, err = inv.AddGroup(name); err != nil {
				return changed, err
			}
			changed = true
		}
		if inv.enter(inv.groupBy[name], h) {
			changed = true
		}
	}
	if changed {
		inv.Reconcile()
	}
	return changed, nil
}

// Sort puts a host into a group as group_by asks for, makes the group where it is not there,
// and puts it below its parents. It reports whether that changed anything.
func (inv *Inventory) Sort(host, group string, parents []string) (changed bool, err error) {
	h := inv.Host(host)
	if h == nil {
		return false, fmt.Errorf("%s cannot be matched in inventory", host)
	}
	if group, err = inv.AddGroup(group); err != nil {
		return false, err
	}
	g := inv.groupBy[group]
	for _, parent := range parents {
		known := inv.groupBy[parent] != nil
		if parent, err = inv.AddGroup(parent); err != nil {
			return changed, err
		}
		changed = changed || !known || !slices.Contains(inv.groupBy[parent].children, g)
		if err := inv.adopt(inv.groupBy[parent], g); err != nil {
			return changed, err
		}
	}
	if !slices.Contains(inv.reach(g), h) {
		changed = inv.enter(g, h)
	}
	if !slices.Contains(h.groups, g) {
		changed = h.join(g)
	}
	if changed {
		inv.Reconcile()
	}
	return changed, nil
}
