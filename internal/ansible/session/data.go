package session

import (
	"fmt"

	"tutti/internal/ansible/inventory"
	"tutti/internal/ansible/value"
)

// Groups is an inventory made of values instead of files: what a playbook block gives.
type Groups struct {
	// Hosts are the hosts of each group, by its name; "all" is for hosts without one.
	Hosts map[string][]string
	// Vars are variables of hosts, GroupVars those of groups.
	Vars, GroupVars map[string]*value.Dict
	// Children are the groups below a group.
	Children map[string][]string
}

// inventoryOf makes an inventory of groups.
func inventoryOf(g Groups) (*inventory.Inventory, error) {
	inv := inventory.New(inventory.Options{})
	for _, name := range ordered(g.Hosts) {
		group, err := addGroup(inv, name)
		if err != nil {
			return nil, err
		}
		for _, host := range g.Hosts[name] {
			if _, err := inv.AddHost(host, group, 0); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range ordered(g.Children) {
		group, err := addGroup(inv, name)
		if err != nil {
			return nil, err
		}
		for _, child := range g.Children[name] {
			c, err := addGroup(inv, child)
			if err != nil {
				return nil, err
			}
			if err := inv.AddChild(group, c); err != nil {
				return nil, err
			}
		}
	}
	for _, vars := range []map[string]*value.Dict{g.GroupVars, g.Vars} {
		for _, entity := range ordered(vars) {
			for k, v := range vars[entity].All() {
				if err := inv.SetVariable(entity, value.String(k), v); err != nil {
					return nil, fmt.Errorf("the variables of %s: %w", entity, err)
				}
			}
		}
	}
	inv.Reconcile()
	return inv, nil
}

func addGroup(inv *inventory.Inventory, name string) (string, error) {
	if inv.Group(name) != nil {
		return name, nil
	}
	return inv.AddGroup(name)
}
