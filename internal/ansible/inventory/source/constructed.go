package source

import (
	"errors"
	"fmt"
	"strings"

	"tutti/internal/ansible/document"
	"tutti/internal/ansible/inventory"
	"tutti/internal/ansible/value"
)

// constructing makes variables and groups of what hosts have already.
type constructing struct {
	*loader
	config *value.Dict
	strict bool
	// separator is false where leading_separator says that groups without a prefix begin
	// with no separator.
	separator bool
	// beside are the vars of files beside the sources, where use_vars_plugins asks for them.
	beside *inventory.Vars
}

func (l *loader) constructed(n *document.Node, path string) error {
	config, _ := n.Value().(*value.Dict)
	if l.options.Evaluator == nil {
		return at(n, "groups cannot be constructed here, because nothing is there to evaluate their expressions")
	}
	c := &constructing{loader: l, config: config, separator: true}
	c.strict = c.flag("strict", false)
	c.separator = c.flag("leading_separator", true)
	if c.flag("use_vars_plugins", false) {
		c.beside = &inventory.Vars{}
		for _, dir := range folders(l.processed) {
			vars, diags := Beside(dir, l.options)
			l.diags = append(l.diags, diags...)
			c.beside = c.beside.Over(vars, l.options.Inventory.MergeHashes)
		}
	}
	for _, h := range l.inv.HostList() {
		if err := c.host(h); err != nil {
			return fmt.Errorf("Failed to parse '%s': %w", path, err)
		}
	}
	return nil
}

func (c *constructing) flag(name string, otherwise bool) bool {
	v, ok := c.config.Get(name)
	if !ok {
		return otherwise
	}
	if s, text := v.(string); text {
		switch strings.ToLower(s) {
		case "yes", "true", "on", "1", "y", "t":
			return true
		}
		return false
	}
	return value.Truth(v)
}

// vars are the variables that a host has so far.
func (c *constructing) vars(h *inventory.Host) (*value.Dict, error) {
	vars, err := c.inv.VarsSoFar(h, c.beside)
	if err != nil {
		return nil, err
	}
	merge := c.options.Inventory.MergeHashes
	if c.options.Facts != nil {
		vars = inventory.Combine(vars, c.options.Facts(h.Name), merge)
	}
	return vars, nil
}

func (c *constructing) host(h *inventory.Host) error {
	vars, err := c.vars(h)
	if err != nil {
		return err
	}
	if err := c.compose(h, vars); err != nil {
		return err
	}
	if vars, err = c.vars(h); err != nil {
		return err
	}
	if err := c.conditional(h, vars); err != nil {
		return err
	}
	return c.keyed(h, vars)
}

// evaluate gives the worth of an expression with a host's variables.
func (c *constructing) evaluate(expression any, vars *value.Dict) (any, error) {
	if c.flag("use_extra_vars", false) {
		vars = inventory.Combine(vars, c.options.Extra, c.options.Inventory.MergeHashes)
	}
	return c.options.Evaluator.Evaluate(expression, vars)
}

func (c *constructing) compose(h *inventory.Host, vars *value.Dict) error {
	compose, _ := c.dict("compose")
	for k, expression := range compose.All() {
		v, err := c.evaluate(expression, vars)
		if err != nil {
			if c.strict {
				return fmt.Errorf("Could not set %s for host %s: %w", value.String(k), h.Name, err)
			}
			continue
		}
		if err := c.inv.SetVariable(h.Name, k, v); err != nil {
			return err
		}
	}
	return nil
}

func (c *constructing) dict(name string) (*value.Dict, bool) {
	v, _ := c.config.Get(name)
	d, ok := v.(*value.Dict)
	return d, ok
}

// conditional adds the host to the groups whose conditional holds for it.
func (c *constructing) conditional(h *inventory.Host, vars *value.Dict) error {
	groups, _ := c.dict("groups")
	for k, conditional := range groups.All() {
		name := inventory.SafeGroupName(value.String(k))
		holds, err := c.options.Evaluator.Condition(conditional, vars)
		if err != nil {
			if c.strict {
				return fmt.Errorf("Could not add host %s to group %s: %w", h.Name, name, err)
			}
			continue
		}
		if !holds {
			continue
		}
		if name, err = c.inv.AddGroup(name); err != nil {
			return err
		}
		if err := c.inv.AddChild(name, h.Name); err != nil {
			return err
		}
	}
	return nil
}

// keyed adds the host to groups that are named by its variables.
func (c *constructing) keyed(h *inventory.Host, vars *value.Dict) error {
	v, _ := c.config.Get("keyed_groups")
	list, ok := v.(*value.List)
	if !ok {
		return nil
	}
	for _, item := range list.Items {
		entry, ok := item.(*value.Dict)
		if !ok || entry.Len() == 0 {
			return fmt.Errorf("Invalid keyed group entry, it must be a dictionary: %s ", value.String(item))
		}
		if err := c.keyedEntry(h, entry, vars); err != nil {
			return err
		}
	}
	return nil
}

func (c *constructing) keyedEntry(h *inventory.Host, entry, vars *value.Dict) error {
	expression, _ := entry.Get("key")
	key, err := c.evaluate(expression, vars)
	if err != nil {
		if c.strict {
			return fmt.Errorf("Could not generate group for host %s from %s entry: %w", h.Name, value.String(expression), err)
		}
		return nil
	}
	k := keyedGroup{entry: entry, key: key}
	if err := k.check(); err != nil {
		return err
	}
	if !value.Truth(key) && !k.useFallback() {
		if c.strict && !isEmptyContainer(key) {
			return fmt.Errorf("No key or key resulted empty for %s in host %s, invalid entry", value.String(expression), h.Name)
		}
		return nil
	}
	parent, err := c.parent(entry, vars)
	if err != nil {
		if c.strict {
			raw, _ := entry.Get("parent_group")
			return fmt.Errorf("Could not generate parent group %s for group %s: %w", value.Repr(raw), value.Repr(key), err)
		}
		return nil
	}
	names, err := k.names()
	if err != nil {
		return err
	}
	return c.enter(h, names, entry, parent)
}

func isEmptyContainer(v any) bool {
	switch v.(type) {
	case *value.List, *value.Dict:
		return true
	}
	return false
}

func (c *constructing) parent(entry, vars *value.Dict) (string, error) {
	raw, ok := entry.Get("parent_group")
	if !ok || raw == nil {
		return "", nil
	}
	v, err := c.options.Evaluator.Template(raw, vars)
	if err != nil || !value.Truth(v) {
		return "", err
	}
	return value.String(v), nil
}

// enter adds the host to groups of these names, with their prefix and parent.
func (c *constructing) enter(h *inventory.Host, names []string, entry *value.Dict, parent string) error {
	prefix, separator := textOr(entry, "prefix", ""), textOr(entry, "separator", "_")
	if prefix == "" && !c.separator {
		separator = ""
	}
	for _, name := range names {
		group, err := c.inv.AddGroup(inventory.SafeGroupName(prefix + separator + name))
		if err != nil {
			return err
		}
		if _, err := c.inv.AddHost(h.Name, group, 0); err != nil {
			return err
		}
		if parent == "" {
			continue
		}
		above, err := c.inv.AddGroup(inventory.SafeGroupName(parent))
		if err == nil {
			err = c.inv.AddChild(above, group)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func textOr(d *value.Dict, name, otherwise string) string {
	if v, ok := d.Get(name); ok {
		return value.String(v)
	}
	return otherwise
}

// keyedGroup is one entry of keyed_groups with what its key is worth.
type keyedGroup struct {
	entry *value.Dict
	key   any
}

func (k keyedGroup) fallback() (any, bool) {
	v, ok := k.entry.Get("default_value")
	return v, ok && v != nil
}

func (k keyedGroup) check() error {
	_, hasFallback := k.fallback()
	if t, ok := k.entry.Get("trailing_separator"); ok && t != nil && hasFallback {
		return errors.New("parameters are mutually exclusive for keyed groups: default_value|trailing_separator")
	}
	return nil
}

// isMissing tells of a value for which default_value stands.
func isMissing(v any) bool { return v == nil || v == "" }

func (k keyedGroup) useFallback() bool {
	_, ok := k.fallback()
	return ok && isMissing(k.key)
}

// names gives the names of the groups, without prefix.
func (k keyedGroup) names() ([]string, error) {
	fallback, hasFallback := k.fallback()
	if k.useFallback() {
		return []string{value.String(fallback)}, nil
	}
	switch key := k.key.(type) {
	case string:
		return []string{key}, nil
	case *value.List:
		var names []string
		for _, item := range key.Items {
			if isMissing(item) && hasFallback {
				item = fallback
			}
			names = append(names, value.String(item))
		}
		return names, nil
	case *value.Dict:
		return k.pairs(key), nil
	}
	return nil, fmt.Errorf("Invalid group name format, expected a string or a list of them or dictionary, got: %s", value.TypeName(k.key))
}

func (k keyedGroup) pairs(key *value.Dict) []string {
	fallback, hasFallback := k.fallback()
	trailing, _ := k.entry.Get("trailing_separator")
	separator := textOr(k.entry, "separator", "_")
	var names []string
	for name, v := range key.All() {
		bare := value.String(name) + separator + value.String(v)
		switch {
		case !isMissing(v):
		case hasFallback:
			bare = value.String(name) + separator + value.String(fallback)
		case trailing == false:
			bare = value.String(name)
		}
		names = append(names, bare)
	}
	return names
}
