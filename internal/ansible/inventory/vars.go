package inventory

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"tutti/internal/ansible/value"
)

// Combine gives a dict of both: what b has counts more, and dicts of the same name are
// merged, all the way down, when asked to. It changes neither.
func Combine(a, b *value.Dict, merge bool) *value.Dict {
	switch {
	case b.Len() == 0:
		return a.Shallow()
	case a.Len() == 0:
		return b.Shallow()
	case merge:
		return mergeDeep(a, b)
	}
	c := a.Shallow()
	c.Update(b)
	return c
}

func mergeDeep(a, b *value.Dict) *value.Dict {
	c := a.Shallow()
	for k, v := range b.All() {
		old, _ := c.Get(k)
		x, okX := old.(*value.Dict)
		y, okY := v.(*value.Dict)
		if okX && okY {
			v = mergeDeep(x, y)
		}
		c.Set(k, v)
	}
	return c
}

// Vars are the variables of the files in group_vars and host_vars, by the names of the
// entries in these folders: of "web", "web.yml", "web.yaml" and "web.json" the first that
// is there speaks for "web".
type Vars struct {
	Groups, Hosts map[string]Entry
}

// Entry is one file or folder of group_vars or host_vars. One that could not be read is an
// error only for who needs it.
type Entry struct {
	Vars *value.Dict
	Err  string
}

// find gives the variables of one host or group.
func find(entries map[string]Entry, name string) (*value.Dict, error) {
	if len(entries) == 0 || strings.HasPrefix(name, "/") {
		return nil, nil
	}
	for _, ext := range []string{"", ".yml", ".yaml", ".json"} {
		if e, ok := entries[name+ext]; ok {
			if e.Err != "" {
				return nil, fmt.Errorf("%s", e.Err)
			}
			return e.Vars, nil
		}
	}
	return nil, nil
}

// Group gives the variables that files hold for a group; nil when there are none.
func (v *Vars) Group(name string) (*value.Dict, error) {
	if v == nil {
		return nil, nil
	}
	return find(v.Groups, name)
}

// Host gives the variables that files hold for a host; nil when there are none.
func (v *Vars) Host(name string) (*value.Dict, error) {
	if v == nil {
		return nil, nil
	}
	return find(v.Hosts, name)
}

// Over gives the entries of both, those of other over these. Where both speak for an entry
// their variables are combined.
func (v *Vars) Over(other *Vars, merge bool) *Vars {
	return &Vars{Groups: over(v.Groups, other.Groups, merge), Hosts: over(v.Hosts, other.Hosts, merge)}
}

func over(a, b map[string]Entry, merge bool) map[string]Entry {
	c := maps.Clone(a)
	if c == nil {
		c = map[string]Entry{}
	}
	for _, name := range slices.Sorted(maps.Keys(b)) {
		e := b[name]
		if old, both := c[name]; both && e.Err == "" {
			if e = (Entry{Vars: Combine(old.Vars, e.Vars, merge), Err: old.Err}); old.Err != "" {
				e.Vars = nil
			}
		}
		c[name] = e
	}
	return c
}

// DefaultPrecedence is the order in which the variables of a host's groups are merged.
func DefaultPrecedence() []string {
	return []string{"all_inventory", "groups_inventory", "all_plugins_inventory", "all_plugins_play", "groups_plugins_inventory", "groups_plugins_play"}
}

// sorted are the groups in the order in which their variables count, the strongest last.
func sorted(groups []*Group) []*Group {
	out := slices.Clone(groups)
	slices.SortStableFunc(out, func(a, b *Group) int {
		return cmp.Or(cmp.Compare(a.Depth, b.Depth), cmp.Compare(a.Priority, b.Priority), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// HostVars gives all variables that a host has from the inventory: those of its groups and
// its own, from the sources and from files beside them and beside the playbook (play, which
// may be nil), merged by precedence. The names inventory_hostname, inventory_hostname_short
// and group_names are among them. The dict is the caller's.
func (inv *Inventory) HostVars(h *Host, play *Vars) (*value.Dict, error) {
	all, err := inv.groupVars(h, play)
	if err != nil {
		return nil, err
	}
	merge := inv.options.MergeHashes
	all = Combine(all, inv.ownVars(h), merge)
	for _, beside := range []*Vars{inv.beside, play} {
		vars, err := beside.Host(h.Name)
		if err != nil {
			return nil, err
		}
		if vars.Len() > 0 {
			all = Combine(all, vars, merge)
		}
	}
	return all, nil
}

// ownVars are the variables of the host itself, and what it is called.
func (inv *Inventory) ownVars(h *Host) *value.Dict {
	own := h.Vars
	if h.Implicit {
		own = Combine(inv.groupBy[All].Vars, own, inv.options.MergeHashes)
	}
	own = own.Shallow()
	own.Update(h.Magic())
	return own
}

// Magic are the variables by which a host knows what it is called and which groups it is in.
func (h *Host) Magic() *value.Dict {
	return value.NewDict("inventory_hostname", h.Name, "inventory_hostname_short", shortName(h.Name), "group_names", texts(h.groupNames()))
}

func (h *Host) groupNames() []string {
	names := make([]string, 0, len(h.groups))
	for _, g := range h.groups {
		if g.Name != All {
			names = append(names, g.Name)
		}
	}
	slices.Sort(names)
	return names
}

func texts(all []string) *value.List {
	l := &value.List{Items: make([]any, len(all))}
	for i, s := range all {
		l.Items[i] = s
	}
	return l
}

func shortName(name string) string {
	if _, err := netip.ParseAddr(name); err == nil {
		return name
	}
	short, _, _ := strings.Cut(name, ".")
	return short
}

// groupsKey is what the merged variables of groups depend on.
type groupsKey struct {
	play   *Vars
	groups string
}

// groupVars merges the variables of a host's groups. Hosts of the same groups share it.
func (inv *Inventory) groupVars(h *Host, play *Vars) (*value.Dict, error) {
	if inv.merged == nil || inv.mergedAt != inv.generation {
		inv.merged, inv.mergedAt = map[groupsKey]*value.Dict{}, inv.generation
	}
	groups := sorted(slices.DeleteFunc(slices.Clone(h.groups), func(g *Group) bool { return g.Name == All }))
	key := groupsKey{play: play}
	for _, g := range groups {
		key.groups += "\x00" + g.Name
	}
	if vars, ok := inv.merged[key]; ok {
		return vars, nil
	}
	vars := &value.Dict{}
	order := inv.options.Precedence
	if order == nil {
		order = DefaultPrecedence()
	}
	for _, entry := range order {
		more, err := inv.precedence(entry, groups, play)
		if err != nil {
			return nil, err
		}
		vars = Combine(vars, more, inv.options.MergeHashes)
	}
	inv.merged[key] = vars
	return vars, nil
}

// precedence gives the variables of one entry of the order of precedence.
func (inv *Inventory) precedence(entry string, groups []*Group, play *Vars) (*value.Dict, error) {
	all := inv.groupBy[All]
	switch entry {
	case "all_inventory":
		return all.Vars, nil
	case "all_plugins_inventory":
		return inv.beside.Group(All)
	case "all_plugins_play":
		return play.Group(All)
	case "groups_inventory":
		return inv.mergeGroups(groups, func(g *Group) (*value.Dict, error) { return g.Vars, nil })
	case "groups_plugins_inventory":
		return inv.mergeGroups(groups, func(g *Group) (*value.Dict, error) { return inv.beside.Group(g.Name) })
	case "groups_plugins_play":
		return inv.mergeGroups(groups, func(g *Group) (*value.Dict, error) { return play.Group(g.Name) })
	}
	inv.warn("Unknown precedence", "Ignoring unknown variable precedence entry: %s", entry)
	return nil, nil
}

func (inv *Inventory) mergeGroups(groups []*Group, of func(*Group) (*value.Dict, error)) (*value.Dict, error) {
	all := &value.Dict{}
	for _, g := range groups {
		vars, err := of(g)
		if err != nil {
			return nil, err
		}
		if vars.Len() > 0 {
			all = Combine(all, vars, inv.options.MergeHashes)
		}
	}
	return all, nil
}

// GroupVars gives the variables that a group has itself: from the sources and from files
// beside them and beside the playbook.
func (inv *Inventory) GroupVars(g *Group, play *Vars) (*value.Dict, error) {
	vars := g.Vars.Shallow()
	for _, beside := range []*Vars{inv.beside, play} {
		more, err := beside.Group(g.Name)
		if err != nil {
			return nil, err
		}
		vars = Combine(vars, more, inv.options.MergeHashes)
	}
	return vars, nil
}

// GroupsDict gives the magic variable "groups": the names of each group's hosts. It is made
// anew for each call, and costs time in proportion to all memberships.
func (inv *Inventory) GroupsDict() *value.Dict {
	d := &value.Dict{}
	for _, g := range inv.groups {
		d.Set(g.Name, texts(names(inv.reach(g))))
	}
	return d
}

// VarsSoFar gives the variables that a host has while sources are still being read: those of
// its groups, "all" included, in the order of their depth, and then its own.
func (inv *Inventory) VarsSoFar(h *Host, beside *Vars) (*value.Dict, error) {
	merge := inv.options.MergeHashes
	groups := sorted(h.groups)
	all, err := inv.mergeGroups(groups, func(g *Group) (*value.Dict, error) { return g.Vars, nil })
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		vars, err := beside.Group(g.Name)
		if err != nil {
			return nil, err
		}
		all = Combine(all, vars, merge)
	}
	all = Combine(all, inv.ownVars(h), merge)
	vars, err := beside.Host(h.Name)
	return Combine(all, vars, merge), err
}
