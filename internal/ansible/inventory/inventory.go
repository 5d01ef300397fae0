// Package inventory holds the hosts and groups of a play: which there are, in which order
// they were defined, who belongs to whom, and what variables they bring. It answers host
// patterns and limits, and takes what add_host and group_by add while a play runs.
//
// In go the answers of the package source, which reads files, directories and scripts. Out
// come hosts in order, merged variables, and the texts of ansible-inventory (package report).
//
// The package is pure: it reads no file, starts no process and asks no clock, so that a
// machine may hold an Inventory, change it and write it into its snapshot (MarshalJSON).
// It must not know plays, tasks or Jinja: templates in variables stay templates.
package inventory

import (
	"fmt"
	"slices"
	"strings"

	"tutti/internal/ansible/value"
	"tutti/internal/diag"
)

// The groups that every inventory has.
const (
	All       = "all"
	Ungrouped = "ungrouped"
)

// Options are what the configuration says about inventories. The zero value is Ansible's
// default.
type Options struct {
	// MergeHashes is hash_behaviour = merge: dicts of the same name are merged and not replaced.
	MergeHashes bool
	// Sanitize says what becomes of characters that do not belong into the name of a group.
	Sanitize Sanitize
	// Mismatch says what a pattern is that matches nothing.
	Mismatch Mismatch
	// Precedence is the order in which group variables are merged, DefaultPrecedence when nil.
	Precedence []string
	// QuietLocalhost leaves out the warning about an inventory without hosts.
	QuietLocalhost bool
	// Python is the interpreter of the implicit localhost; empty leaves it to discovery.
	Python string
}

// Sanitize is TRANSFORM_INVALID_GROUP_CHARS.
type Sanitize uint8

// Whether names of groups are changed, and whether that is told.
const (
	SanitizeNever Sanitize = iota
	SanitizeAlways
	SanitizeSilently
	SanitizeIgnore
)

// Mismatch is HOST_PATTERN_MISMATCH.
type Mismatch uint8

// What becomes of a pattern that matches no host and no group.
const (
	MismatchWarning Mismatch = iota
	MismatchError
	MismatchIgnore
)

// Group is a set of hosts and of groups below it.
type Group struct {
	Name string
	// Vars are the variables of the inventory sources, without those of group_vars files.
	Vars     *value.Dict
	Priority int
	// Depth is the longest way from a group without parents.
	Depth    int
	hosts    []*Host
	members  map[*Host]bool
	children []*Group
	parents  []*Group
	// reached are all hosts below, as of a generation of the inventory.
	reached   []*Host
	reachedAt int
}

// Host is a machine that plays run on.
type Host struct {
	Name string
	// Vars are the variables of the inventory sources, without those of host_vars files.
	Vars *value.Dict
	// Implicit marks the localhost that no source defines.
	Implicit bool
	groups   []*Group
}

// Inventory is the whole. Hosts and groups keep the order in which they were defined. It is
// not safe for use by several goroutines at once.
type Inventory struct {
	options   Options
	groups    []*Group
	hosts     []*Host
	groupBy   map[string]*Group
	hostBy    map[string]*Host
	localhost *Host
	// beside are the group_vars and host_vars that lie beside the sources.
	beside *Vars
	// source is what is being read; new hosts remember it.
	source    string
	sourceDir string
	// generation counts the changes, for what is cached.
	generation int
	merged     map[groupsKey]*value.Dict
	mergedAt   int
	warnings   diag.List
	warned     map[string]bool
}

// New gives an inventory of the groups all and ungrouped.
func New(o Options) *Inventory {
	inv := &Inventory{options: o, groupBy: map[string]*Group{}, hostBy: map[string]*Host{}, warned: map[string]bool{}, beside: &Vars{}}
	all, ungrouped := inv.newGroup(All), inv.newGroup(Ungrouped)
	if err := inv.adopt(all, ungrouped); err != nil {
		panic("inventory: invariant broken: " + err.Error())
	}
	return inv
}

func (inv *Inventory) newGroup(name string) *Group {
	g := &Group{Name: name, Vars: &value.Dict{}, Priority: 1, members: map[*Host]bool{}, reachedAt: -1}
	inv.groups = append(inv.groups, g)
	inv.groupBy[name] = g
	inv.generation++
	return g
}

// GroupList gives all groups in the order of definition: first all and ungrouped.
func (inv *Inventory) GroupList() []*Group { return inv.groups }

// HostList gives all hosts in the order of definition, without an implicit localhost.
func (inv *Inventory) HostList() []*Host { return inv.hosts }

// HostNames gives the names of HostList.
func (inv *Inventory) HostNames() []string { return names(inv.hosts) }

func names(hosts []*Host) []string {
	out := make([]string, len(hosts))
	for i, h := range hosts {
		out[i] = h.Name
	}
	return out
}

// Serial changes whenever the inventory does, for who keeps what was made of it.
func (inv *Inventory) Serial() int { return inv.generation }

// GroupNames gives the magic variable group_names of a host: all its groups but "all",
// sorted. It is nil for a host that is not there.
func (inv *Inventory) GroupNames(host string) []string {
	if h := inv.Host(host); h != nil {
		return h.groupNames()
	}
	return nil
}

// File gives a host's inventory_file: the source that defined it first, or nil.
func (inv *Inventory) File(host string) (any, bool) { return inv.hostVar(host, "inventory_file") }

// Dir gives a host's inventory_dir: the folder of that source, or nil.
func (inv *Inventory) Dir(host string) (any, bool) { return inv.hostVar(host, "inventory_dir") }

func (inv *Inventory) hostVar(host, name string) (any, bool) {
	if h := inv.Host(host); h != nil {
		return h.Vars.Get(name)
	}
	return nil, false
}

// Group gives a group, or nil.
func (inv *Inventory) Group(name string) *Group { return inv.groupBy[name] }

// Options are those that the inventory was made with.
func (inv *Inventory) Options() Options { return inv.options }

// SetBeside sets the variables of group_vars and host_vars beside the sources.
func (inv *Inventory) SetBeside(v *Vars) {
	if v == nil {
		v = &Vars{}
	}
	inv.beside = v
	inv.generation++
}

// Beside gives the variables of group_vars and host_vars beside the sources.
func (inv *Inventory) Beside() *Vars { return inv.beside }

// Reading tells the inventory which source is read next, so that hosts know where they come
// from (inventory_file, inventory_dir). Empty ends it.
func (inv *Inventory) Reading(source, dir string) { inv.source, inv.sourceDir = source, dir }

// TakeWarnings gives what there was to tell since it was last asked.
func (inv *Inventory) TakeWarnings() diag.List {
	w := inv.warnings
	inv.warnings = nil
	return w
}

// warn tells something once.
func (inv *Inventory) warn(headline, detail string, args ...any) {
	d := diag.Warnf(nil, headline, detail, args...)
	if inv.warned[d[0].Detail] {
		return
	}
	inv.warned[d[0].Detail] = true
	inv.warnings = append(inv.warnings, d...)
}

// Localhosts are the names that stand for the machine that plays are started on.
func Localhosts() []string { return []string{"127.0.0.1", "localhost", "::1"} }

func isLocalhost(name string) bool {
	return name == "localhost" || name == "127.0.0.1" || name == "::1"
}

// Host gives a host. A name of the local machine that no source defines gives the implicit
// localhost. Otherwise it is nil.
func (inv *Inventory) Host(name string) *Host {
	if h := inv.hostBy[name]; h != nil {
		return h
	}
	if !isLocalhost(name) {
		return nil
	}
	if inv.localhost == nil {
		h := &Host{Name: name, Implicit: true, Vars: value.NewDict("ansible_connection", "local")}
		if inv.options.Python != "" {
			h.Vars = value.NewDict("ansible_python_interpreter", inv.options.Python, "ansible_connection", "local")
		}
		inv.localhost = h
	}
	return inv.localhost
}

// AddGroup adds a group that is not there yet. It gives the name that it has, which may be
// another where invalid characters are replaced.
func (inv *Inventory) AddGroup(name string) (string, error) {
	if name == "" {
		return "", fmt.Errorf("Invalid empty/false group name provided: %s", name)
	}
	if inv.groupBy[name] != nil {
		return name, nil
	}
	if name = inv.SafeName(name); inv.groupBy[name] == nil {
		inv.newGroup(name)
	}
	return name, nil
}

// SafeName is the name that a new group gets: another one where the option Sanitize says so.
func (inv *Inventory) SafeName(name string) string {
	clean := SafeGroupName(name)
	if clean == name {
		return name
	}
	const found = "Invalid characters were found in group names"
	switch inv.options.Sanitize {
	case SanitizeAlways:
		inv.warn(InvalidGroupName, found+" and automatically replaced, use -vvvv to see details")
		return clean
	case SanitizeSilently:
		return clean
	case SanitizeNever:
		inv.warn(InvalidGroupName, found+" but not replaced, use -vvvv to see details")
	}
	return name
}

// SafeGroupName replaces by underscores what could not stand in a variable's name.
func SafeGroupName(name string) string {
	first := true
	return strings.Map(func(c rune) rune {
		ok := isWord(c) && (!first || c < '0' || c > '9')
		first = false
		if ok {
			return c
		}
		return '_'
	}, name)
}

// AddHost adds a host that is not there yet, and puts it into a group unless that is "". A
// port of 0 is none.
func (inv *Inventory) AddHost(name, group string, port int) (*Host, error) {
	if name == "" {
		return nil, fmt.Errorf("Invalid empty host name provided: %s", name)
	}
	g := inv.groupBy[group]
	if group != "" && g == nil {
		return nil, fmt.Errorf("Could not find group %s in inventory", group)
	}
	h := inv.hostBy[name]
	if h == nil {
		h = &Host{Name: name, Vars: &value.Dict{}}
		if port != 0 {
			h.Vars.Set("ansible_port", int64(port))
		}
		if inv.source != "" {
			h.Vars.Set("inventory_file", inv.source)
			h.Vars.Set("inventory_dir", inv.sourceDir)
		} else {
			h.Vars.Set("inventory_file", nil)
			h.Vars.Set("inventory_dir", nil)
		}
		inv.hosts = append(inv.hosts, h)
		inv.hostBy[name] = h
		inv.generation++
		inv.noteLocalhost(h)
	}
	if g != nil {
		inv.enter(g, h)
	}
	return h, nil
}

// noteLocalhost has the first host with a name of the local machine stand for it.
func (inv *Inventory) noteLocalhost(h *Host) {
	switch {
	case !isLocalhost(h.Name):
	case inv.localhost == nil:
		inv.localhost = h
	default:
		inv.warn("Duplicate localhost", "A duplicate localhost-like entry was found (%s). First found localhost was %s", h.Name, inv.localhost.Name)
	}
}

// enter puts a host into a group. It reports whether it was not there.
func (inv *Inventory) enter(g *Group, h *Host) bool {
	if g.members[h] {
		return false
	}
	g.hosts = append(g.hosts, h)
	g.members[h] = true
	h.join(g)
	inv.generation++
	return true
}

// join notes the group, and all above it, with the host.
func (h *Host) join(g *Group) bool {
	for _, above := range g.Ancestors() {
		if !slices.Contains(h.groups, above) {
			h.groups = append(h.groups, above)
		}
	}
	if slices.Contains(h.groups, g) {
		return false
	}
	h.groups = append(h.groups, g)
	return true
}

// AddChild puts a group or a host below a group.
func (inv *Inventory) AddChild(group, child string) error {
	g := inv.groupBy[group]
	if g == nil {
		return fmt.Errorf("%s is not a known group", group)
	}
	if c := inv.groupBy[child]; c != nil {
		return inv.adopt(g, c)
	}
	if h := inv.hostBy[child]; h != nil {
		inv.enter(g, h)
		return nil
	}
	return fmt.Errorf("%s is not a known host nor group", child)
}

// adopt puts a group below another.
func (inv *Inventory) adopt(g, child *Group) error {
	if g == child {
		return fmt.Errorf("can't add group to itself")
	}
	if slices.Contains(g.children, child) {
		return nil
	}
	above := g.Ancestors()
	if slices.Contains(above, child) {
		return fmt.Errorf("Adding group '%s' as child to '%s' creates a recursive dependency loop.", child.Name, g.Name)
	}
	above = append(above, g)
	g.children = append(g.children, child)
	child.parents = append(child.parents, g)
	child.sink(g.Depth + 1)
	for _, h := range child.below() {
		for _, a := range above {
			if !slices.Contains(h.groups, a) {
				h.groups = append(h.groups, a)
			}
		}
	}
	inv.generation++
	return nil
}

// sink makes the group and what is below it at least so deep. There are no circles.
func (g *Group) sink(depth int) {
	if g.Depth >= depth {
		return
	}
	g.Depth = depth
	for _, c := range g.children {
		c.sink(depth + 1)
	}
}

// Ancestors are all groups above, each once.
func (g *Group) Ancestors() []*Group {
	return walk(g.parents, func(g *Group) []*Group { return g.parents })
}

// walk gives these groups and what can be reached from them, level by level.
func walk(from []*Group, next func(*Group) []*Group) []*Group {
	var all []*Group
	seen := map[*Group]bool{}
	for level := from; len(level) > 0; {
		var further []*Group
		for _, g := range level {
			if !seen[g] {
				seen[g] = true
				all = append(all, g)
				further = append(further, next(g)...)
			}
		}
		level = further
	}
	return all
}

// Children are the groups directly below, in order.
func (g *Group) Children() []*Group { return g.children }

// Members are the hosts that are directly in the group, in order.
func (g *Group) Members() []*Host { return g.hosts }

// below gives all hosts of the group and of the groups below it, the nearest first.
func (g *Group) below() []*Host {
	groups := walk([]*Group{g}, func(g *Group) []*Group { return g.children })
	if len(groups) == 1 {
		return g.hosts
	}
	var hosts []*Host
	seen := map[*Host]bool{}
	for _, g := range groups {
		for _, h := range g.hosts {
			if !seen[h] {
				seen[h] = true
				hosts = append(hosts, h)
			}
		}
	}
	return hosts
}

// HostsOf gives the names of all hosts of a group and of the groups below it. The implicit
// localhost is never part of "all".
func (inv *Inventory) HostsOf(group string) []string {
	if g := inv.groupBy[group]; g != nil {
		return names(inv.reach(g))
	}
	return nil
}

// reach gives all hosts of a group and of the groups below it.
func (inv *Inventory) reach(g *Group) []*Host {
	if g.reachedAt != inv.generation {
		g.reached, g.reachedAt = g.below(), inv.generation
		if g.Name == All {
			g.reached = slices.DeleteFunc(slices.Clone(g.reached), func(h *Host) bool { return h.Implicit })
		}
	}
	return g.reached
}

// Groups are the groups that the host is in, directly or through others.
func (h *Host) Groups() []*Group { return h.groups }

// SetVariable sets a variable of a group or host; a group counts first where both have the
// name. The variable ansible_group_priority sets a group's priority.
func (inv *Inventory) SetVariable(entity string, key, v any) error {
	if name, ok := key.(string); !ok || !IsVariableName(name) {
		inv.warn("Invalid variable name", "Accepting inventory variable with invalid name %s.", value.Repr(key))
	}
	inv.generation++
	if g := inv.groupBy[entity]; g != nil {
		if key == "ansible_group_priority" {
			return g.setPriority(v)
		}
		inv.put(g.Vars, key, v)
		return nil
	}
	if h := inv.hostBy[entity]; h != nil {
		inv.put(h.Vars, key, v)
		return nil
	}
	return fmt.Errorf("Could not identify group or host named %s", entity)
}

func (g *Group) setPriority(v any) error {
	switch v := v.(type) {
	case int64:
		g.Priority = int(v)
	case bool:
		if g.Priority = 0; v {
			g.Priority = 1
		}
	case float64:
		g.Priority = int(v)
	case string:
		if _, err := fmt.Sscanf(strings.TrimSpace(v), "%d", &g.Priority); err != nil {
			return fmt.Errorf("ansible_group_priority of group %s must be a whole number, and is %s", g.Name, value.Repr(v))
		}
	default:
		return fmt.Errorf("ansible_group_priority of group %s must be a whole number, and is of type %s", g.Name, value.TypeName(v))
	}
	return nil
}

func (inv *Inventory) put(vars *value.Dict, key, v any) {
	if inv.options.MergeHashes {
		old, _ := vars.Get(key)
		a, okA := old.(*value.Dict)
		b, okB := v.(*value.Dict)
		if okA && okB {
			vars.Set(key, mergeDeep(a, b))
			return
		}
	}
	vars.Set(key, v)
}

// Reconcile brings the inventory in order after it was read or changed: every group is below
// all, hosts without a group are ungrouped, and others are not.
func (inv *Inventory) Reconcile() {
	inv.Reading("", "")
	all, ungrouped := inv.groupBy[All], inv.groupBy[Ungrouped]
	for _, g := range inv.groups {
		if g != all && len(g.parents) == 0 {
			// A group without parents has no way up to a circle.
			if err := inv.adopt(all, g); err != nil {
				panic("inventory: invariant broken: " + err.Error())
			}
		}
	}
	leave := map[*Host]bool{}
	for _, h := range inv.hosts {
		others := slices.ContainsFunc(h.groups, func(g *Group) bool { return g != all && g != ungrouped })
		switch {
		case ungrouped.members[h] && others:
			leave[h] = true
		case !ungrouped.members[h] && !others:
			inv.enter(ungrouped, h)
		}
	}
	if len(leave) > 0 {
		inv.leave(ungrouped, leave)
	}
	for _, g := range inv.groups {
		if inv.hostBy[g.Name] != nil {
			inv.warn("Group and host with the same name", "Found both group and host with same name: %s", g.Name)
		}
	}
}

// leave takes hosts out of a group that is below nothing but all.
func (inv *Inventory) leave(g *Group, hosts map[*Host]bool) {
	g.hosts = slices.DeleteFunc(g.hosts, func(h *Host) bool { return hosts[h] })
	for _, h := range inv.hosts {
		if hosts[h] {
			delete(g.members, h)
			h.groups = slices.DeleteFunc(h.groups, func(other *Group) bool { return other == g })
		}
	}
	inv.generation++
}

// InvalidGroupName is the headline of the warning about names of groups.
const InvalidGroupName = "Invalid group name"
