package inventory

import (
	"encoding/json"
	"fmt"

	"tutti/internal/ansible/value"
)

// The wire form of an inventory, as a journal keeps it: hosts by their numbers.
type wireInventory struct {
	Options   Options
	Groups    []wireGroup
	Hosts     []wireHost
	Localhost int // a host's number, -1 for none
	Implicit  *wireHost
	Beside    *Vars
}

type wireGroup struct {
	Name     string
	Vars     json.RawMessage `json:",omitempty"`
	Priority int
	Depth    int
	Hosts    []int `json:",omitempty"`
	Children []int `json:",omitempty"`
}

type wireHost struct {
	Name   string
	Vars   json.RawMessage
	Groups []int `json:",omitempty"`
}

type wireEntry struct {
	Vars json.RawMessage `json:",omitempty"`
	Err  string          `json:",omitempty"`
}

// MarshalJSON writes the whole inventory so that UnmarshalJSON gives the same one back.
func (inv *Inventory) MarshalJSON() ([]byte, error) {
	w := wireInventory{Options: inv.options, Localhost: -1, Beside: inv.beside}
	hosts, groups := map[*Host]int{}, map[*Group]int{}
	for i, g := range inv.groups {
		groups[g] = i
	}
	for i, h := range inv.hosts {
		hosts[h] = i
		w.Hosts = append(w.Hosts, toWire(h, groups))
	}
	if l := inv.localhost; l != nil {
		if at, ok := hosts[l]; ok {
			w.Localhost = at
		} else {
			implicit := toWire(l, groups)
			w.Implicit = &implicit
			hosts[l] = len(inv.hosts)
		}
	}
	for _, g := range inv.groups {
		wg := wireGroup{Name: g.Name, Priority: g.Priority, Depth: g.Depth}
		if g.Vars.Len() > 0 {
			wg.Vars = value.Encode(g.Vars)
		}
		for _, h := range g.hosts {
			wg.Hosts = append(wg.Hosts, hosts[h])
		}
		for _, c := range g.children {
			wg.Children = append(wg.Children, groups[c])
		}
		w.Groups = append(w.Groups, wg)
	}
	return json.Marshal(w)
}

func toWire(h *Host, groups map[*Group]int) wireHost {
	w := wireHost{Name: h.Name, Vars: value.Encode(h.Vars)}
	for _, g := range h.groups {
		w.Groups = append(w.Groups, groups[g])
	}
	return w
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (inv *Inventory) UnmarshalJSON(text []byte) error {
	var w wireInventory
	if err := json.Unmarshal(text, &w); err != nil {
		return fmt.Errorf("inventory: %w", err)
	}
	*inv = Inventory{options: w.Options, groupBy: map[string]*Group{}, hostBy: map[string]*Host{}, warned: map[string]bool{}, beside: w.Beside}
	if inv.beside == nil {
		inv.beside = &Vars{}
	}
	for _, wg := range w.Groups {
		g := inv.newGroup(wg.Name)
		g.Priority, g.Depth = wg.Priority, wg.Depth
		var err error
		if g.Vars, err = decodeDict(wg.Vars); err != nil {
			return err
		}
	}
	hosts, err := inv.readHosts(w)
	if err != nil {
		return err
	}
	return inv.readEdges(w, hosts)
}

func (inv *Inventory) readHosts(w wireInventory) ([]*Host, error) {
	all := w.Hosts
	if w.Implicit != nil {
		all = append(all, *w.Implicit)
	}
	hosts := make([]*Host, len(all))
	for i, wh := range all {
		vars, err := decodeDict(wh.Vars)
		if err != nil {
			return nil, err
		}
		h := &Host{Name: wh.Name, Vars: vars, Implicit: i >= len(w.Hosts)}
		for _, n := range wh.Groups {
			if n < 0 || n >= len(inv.groups) {
				return nil, fmt.Errorf("inventory: host %s is in group number %d, which is not there", h.Name, n)
			}
			h.groups = append(h.groups, inv.groups[n])
		}
		hosts[i] = h
		if h.Implicit {
			inv.localhost = h
		} else {
			inv.hosts = append(inv.hosts, h)
			inv.hostBy[h.Name] = h
		}
	}
	if w.Localhost >= 0 && w.Localhost < len(inv.hosts) {
		inv.localhost = inv.hosts[w.Localhost]
	}
	return hosts, nil
}

func (inv *Inventory) readEdges(w wireInventory, hosts []*Host) error {
	for i, wg := range w.Groups {
		g := inv.groups[i]
		for _, n := range wg.Hosts {
			if n < 0 || n >= len(hosts) {
				return fmt.Errorf("inventory: group %s has host number %d, which is not there", g.Name, n)
			}
			g.hosts = append(g.hosts, hosts[n])
			g.members[hosts[n]] = true
		}
		for _, n := range wg.Children {
			if n < 0 || n >= len(inv.groups) {
				return fmt.Errorf("inventory: group %s has group number %d, which is not there", g.Name, n)
			}
			c := inv.groups[n]
			g.children, c.parents = append(g.children, c), append(c.parents, g)
		}
	}
	return nil
}

func decodeDict(text []byte) (*value.Dict, error) {
	if len(text) == 0 {
		return &value.Dict{}, nil
	}
	v, err := value.Decode(text)
	if err != nil {
		return nil, fmt.Errorf("inventory: %w", err)
	}
	d, ok := v.(*value.Dict)
	if !ok {
		return nil, fmt.Errorf("inventory: variables are of type %s", value.TypeName(v))
	}
	return d, nil
}

// MarshalJSON writes the entry's variables losslessly.
func (e Entry) MarshalJSON() ([]byte, error) {
	w := wireEntry{Err: e.Err}
	if e.Vars.Len() > 0 {
		w.Vars = value.Encode(e.Vars)
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (e *Entry) UnmarshalJSON(text []byte) error {
	var w wireEntry
	if err := json.Unmarshal(text, &w); err != nil {
		return err
	}
	e.Err, e.Vars = w.Err, nil
	if len(w.Vars) == 0 {
		return nil
	}
	var err error
	e.Vars, err = decodeDict(w.Vars)
	return err
}
