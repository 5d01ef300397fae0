// Package report writes an inventory as ansible-inventory does: --list as JSON and YAML, --host,
// --graph. An inventory goes in, the text that stands on standard output comes out. It must
// not know where the inventory came from.
package report

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"tutti/internal/ansible/document"
	"tutti/internal/ansible/document/dump"
	"tutti/internal/ansible/inventory"
	"tutti/internal/ansible/value"
)

// Options are the flags of ansible-inventory.
type Options struct {
	// Export writes variables where they were defined, instead of all with each host.
	Export bool
	// YAML writes --list and --host in YAML.
	YAML bool
	// Vars shows variables in the graph.
	Vars bool
	// Limit are the patterns of --limit.
	Limit []string
	// Beside are the variables beside the playbook of --playbook-dir; nil for none.
	Beside *inventory.Vars
	// Extra are the extra variables.
	Extra *value.Dict
	// Decrypt opens values that the graph shows; nil refuses.
	Decrypt func(*value.Vaulted) (string, error)
}

// internal are the variables that Ansible makes itself; they are not shown.
func internal(name string) bool {
	switch name {
	case "ansible_async_path", "ansible_collection_name", "ansible_config_file", "ansible_dependent_role_names",
		"ansible_diff_mode", "ansible_facts", "ansible_forks", "ansible_inventory_sources", "ansible_limit",
		"ansible_play_batch", "ansible_play_hosts", "ansible_play_hosts_all", "ansible_play_role_names",
		"ansible_playbook_python", "ansible_role_name", "ansible_role_names", "ansible_run_tags", "ansible_skip_tags",
		"ansible_verbosity", "ansible_version", "group_names", "groups", "hostvars", "inventory_dir", "inventory_file",
		"inventory_hostname", "inventory_hostname_short", "play_hosts", "playbook_dir", "role_name", "role_names",
		"role_path", "role_uuid":
		return true
	}
	return false
}

// reporter writes one inventory.
type reporter struct {
	inv     *inventory.Inventory
	options Options
	// shown are the hosts within the limit.
	shown map[*inventory.Host]bool
	// seen are the groups and hosts that were written already.
	seen map[any]bool
}

func newReporter(inv *inventory.Inventory, o Options) (*reporter, []*inventory.Host, error) {
	r := &reporter{inv: inv, options: o, shown: map[*inventory.Host]bool{}, seen: map[any]bool{}}
	hosts, _, err := inv.Select(inventory.Selection{Patterns: []string{inventory.All}, Limit: o.Limit})
	for _, h := range hosts {
		r.shown[h] = true
	}
	return r, hosts, err
}

// List writes the whole inventory.
func List(inv *inventory.Inventory, o Options) (string, error) {
	r, hosts, err := newReporter(inv, o)
	if err != nil {
		return "", err
	}
	all := inv.Group(inventory.All)
	if o.YAML {
		d, err := r.tree(all)
		if err != nil {
			return "", err
		}
		return r.write(d, false)
	}
	groups := &value.Dict{}
	if err := r.flat(all, groups); err != nil {
		return "", err
	}
	vars := &value.Dict{}
	for _, h := range hosts {
		v, err := r.hostVars(h)
		if err != nil {
			return "", err
		}
		if v.Len() > 0 {
			vars.Set(h.Name, v)
		}
	}
	groups.Set("_meta", value.NewDict("hostvars", vars, "profile", "inventory_legacy"))
	return r.write(groups, true)
}

// Host writes the variables of the one host that a pattern matches.
func Host(inv *inventory.Inventory, pattern string, o Options) (string, error) {
	hosts, _, err := inv.Select(inventory.Selection{Patterns: []string{pattern}})
	if err != nil {
		return "", err
	}
	if len(hosts) != 1 {
		return "", errors.New("You must pass a single valid host to --host parameter")
	}
	r := &reporter{inv: inv, options: o}
	vars, err := r.hostVars(hosts[0])
	if err != nil {
		return "", err
	}
	return r.write(vars, false)
}

func (r *reporter) write(d *value.Dict, marks bool) (string, error) {
	if r.options.YAML {
		text, err := dump.YAML(d, dump.Options{Flow: dump.FlowNever})
		return strings.TrimSuffix(text, "\n"), err
	}
	var b bytes.Buffer
	w := jsonWriter{out: &b, marks: marks}
	if err := w.value(d, 0); err != nil {
		return "", err
	}
	return b.String(), nil
}

// hostVars are a host's variables: all of them, or with Export its own.
func (r *reporter) hostVars(h *inventory.Host) (*value.Dict, error) {
	merge := r.inv.Options().MergeHashes
	if !r.options.Export {
		vars, err := r.inv.HostVars(h, r.options.Beside)
		if err != nil {
			return nil, err
		}
		return visible(inventory.Combine(vars, r.options.Extra, merge)), nil
	}
	vars := h.Vars
	for _, beside := range []*inventory.Vars{r.inv.Beside(), r.options.Beside} {
		more, err := beside.Host(h.Name)
		if err != nil {
			return nil, err
		}
		vars = inventory.Combine(vars, more, merge)
	}
	return visible(vars), nil
}

func (r *reporter) groupVars(g *inventory.Group) (*value.Dict, error) {
	vars, err := r.inv.GroupVars(g, r.options.Beside)
	if err != nil {
		return nil, err
	}
	if g.Priority != 1 {
		vars.Set("ansible_group_priority", int64(g.Priority))
	}
	return visible(vars), nil
}

func visible(vars *value.Dict) *value.Dict {
	out := &value.Dict{}
	for k, v := range vars.All() {
		if name, ok := k.(string); !ok || !internal(name) {
			out.Set(k, v)
		}
	}
	return out
}

// flat writes a group, and each group below it once, beside each other.
func (r *reporter) flat(g *inventory.Group, into *value.Dict) error {
	d := &value.Dict{}
	if g.Name != inventory.All {
		hosts := value.NewList()
		for _, h := range g.Members() {
			if r.shown[h] {
				hosts.Items = append(hosts.Items, h.Name)
			}
		}
		d.Set("hosts", hosts)
	}
	children := value.NewList()
	for _, c := range g.Children() {
		children.Items = append(children.Items, c.Name)
		if !r.seen[c] {
			if err := r.flat(c, into); err != nil {
				return err
			}
			r.seen[c] = true
		}
	}
	d.Set("children", children)
	if err := r.exported(g, d); err != nil {
		return err
	}
	if dropEmpty(d); d.Len() > 0 {
		into.Set(g.Name, d)
	}
	return nil
}

// exported adds the group's own variables where they are asked for.
func (r *reporter) exported(g *inventory.Group, d *value.Dict) error {
	if !r.options.Export {
		return nil
	}
	vars, err := r.groupVars(g)
	if err == nil {
		d.Set("vars", vars)
	}
	return err
}

func dropEmpty(d *value.Dict) {
	for _, name := range []string{"hosts", "vars", "children"} {
		if v, ok := d.Get(name); ok && !value.Truth(v) {
			d.Delete(name)
		}
	}
}

// tree writes a group with the groups below it inside.
func (r *reporter) tree(g *inventory.Group) (*value.Dict, error) {
	d, children := &value.Dict{}, &value.Dict{}
	for _, c := range g.Children() {
		if r.seen[c] {
			children.Set(c.Name, &value.Dict{})
			continue
		}
		below, err := r.tree(c)
		if err != nil {
			return nil, err
		}
		children.Update(below)
		r.seen[c] = true
	}
	d.Set("children", children)
	hosts := &value.Dict{}
	for _, h := range g.Members() {
		if !r.shown[h] || g.Name == inventory.All {
			continue
		}
		vars := &value.Dict{}
		if !r.seen[h] {
			r.seen[h] = true
			var err error
			if vars, err = r.hostVars(h); err != nil {
				return nil, err
			}
		}
		hosts.Set(h.Name, vars)
	}
	d.Set("hosts", hosts)
	if err := r.exported(g, d); err != nil {
		return nil, err
	}
	if dropEmpty(d); d.Len() == 0 {
		return &value.Dict{}, nil
	}
	return value.NewDict(g.Name, d), nil
}

// Graph draws a group with what is below it. The pattern is a group's name; empty is all.
func Graph(inv *inventory.Inventory, pattern string, o Options) (string, error) {
	if pattern == "" {
		pattern = inventory.All
	}
	g := inv.Group(pattern)
	if g == nil {
		return "", errors.New("Pattern must be valid group name when using --graph")
	}
	r := &reporter{inv: inv, options: o}
	var b strings.Builder
	if err := r.graph(&b, g, 0); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

func line(b *strings.Builder, depth int, text string) {
	if depth > 0 {
		b.WriteString(strings.Repeat("  |", depth))
		b.WriteString("--")
	}
	b.WriteString(text)
	b.WriteByte('\n')
}

func (r *reporter) graph(b *strings.Builder, g *inventory.Group, depth int) error {
	line(b, depth, "@"+g.Name+":")
	for _, c := range g.Children() {
		if err := r.graph(b, c, depth+1); err != nil {
			return err
		}
	}
	if g.Name != inventory.All {
		for _, h := range g.Members() {
			line(b, depth+1, h.Name)
			if err := r.graphVars(b, depth+2, func() (*value.Dict, error) { return r.hostVars(h) }); err != nil {
				return err
			}
		}
	}
	return r.graphVars(b, depth+1, func() (*value.Dict, error) { return r.groupVars(g) })
}

func (r *reporter) graphVars(b *strings.Builder, depth int, of func() (*value.Dict, error)) error {
	if !r.options.Vars {
		return nil
	}
	vars, err := of()
	if err != nil {
		return err
	}
	for _, k := range sortedKeys(vars) {
		v, _ := vars.Get(k)
		if v, err = r.opened(v, 0); err != nil {
			return err
		}
		line(b, depth, fmt.Sprintf("{%s = %s}", value.String(k), value.String(v)))
	}
	return nil
}

// opened gives a value with what is encrypted in it decrypted.
func (r *reporter) opened(v any, depth int) (any, error) {
	if depth > dump.MaxDepth {
		return nil, fmt.Errorf("values lie more than %d deep in each other", dump.MaxDepth)
	}
	switch v := v.(type) {
	case *value.Vaulted:
		if r.options.Decrypt == nil {
			return nil, errors.New("Attempting to decrypt but no vault secrets found.")
		}
		return r.options.Decrypt(v)
	case *value.List:
		c := &value.List{Tuple: v.Tuple}
		for _, x := range v.Items {
			o, err := r.opened(x, depth+1)
			if err != nil {
				return nil, err
			}
			c.Items = append(c.Items, o)
		}
		return c, nil
	case *value.Dict:
		c := &value.Dict{}
		for k, x := range v.All() {
			o, err := r.opened(x, depth+1)
			if err != nil {
				return nil, err
			}
			c.Set(k, o)
		}
		return c, nil
	}
	return v, nil
}

func sortedKeys(d *value.Dict) []any {
	keys := slices.Clone(d.Keys())
	slices.SortStableFunc(keys, func(a, b any) int { return strings.Compare(value.KeyJSON(a), value.KeyJSON(b)) })
	return keys
}

// jsonWriter writes JSON as Python does with indent=4 and sort_keys=True.
type jsonWriter struct {
	out *bytes.Buffer
	// marks has text that looks like a template and is none marked as unsafe.
	marks bool
}

func (w jsonWriter) newline(depth int) {
	w.out.WriteByte('\n')
	for range depth {
		w.out.WriteString("    ")
	}
}

func (w jsonWriter) value(v any, depth int) error {
	if depth > dump.MaxDepth {
		return fmt.Errorf("values lie more than %d deep in each other", dump.MaxDepth)
	}
	switch v := v.(type) {
	case *value.Dict:
		return w.dict(v, depth)
	case *value.List:
		if len(v.Items) == 0 {
			w.out.WriteString("[]")
			return nil
		}
		w.out.WriteByte('[')
		for i, item := range v.Items {
			if i > 0 {
				w.out.WriteByte(',')
			}
			w.newline(depth + 1)
			if err := w.value(item, depth+1); err != nil {
				return err
			}
		}
		w.newline(depth)
		w.out.WriteByte(']')
		return nil
	case *value.Vaulted:
		return w.dict(value.NewDict("__ansible_vault", &value.Template{Text: v.Text}), depth)
	case string:
		if w.marks && document.IsTemplate(v) {
			return w.dict(value.NewDict("__ansible_unsafe", &value.Template{Text: v}), depth)
		}
	case float64:
		if math.IsInf(v, 0) {
			w.out.WriteString(strings.Replace(value.Float(v), "inf", "Infinity", 1))
			return nil
		}
	}
	text, err := value.JSON(v)
	w.out.Write(text)
	return err
}

func (w jsonWriter) dict(d *value.Dict, depth int) error {
	if d.Len() == 0 {
		w.out.WriteString("{}")
		return nil
	}
	w.out.WriteByte('{')
	for i, k := range sortedKeys(d) {
		if i > 0 {
			w.out.WriteByte(',')
		}
		w.newline(depth + 1)
		value.QuoteJSON(w.out, value.KeyJSON(k), false)
		w.out.WriteString(": ")
		v, _ := d.Get(k)
		if err := w.value(v, depth+1); err != nil {
			return err
		}
	}
	w.newline(depth)
	w.out.WriteByte('}')
	return nil
}
