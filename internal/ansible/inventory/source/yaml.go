package source

import (
	"context"
	"errors"
	"fmt"

	"tutti/internal/ansible/document"
	"tutti/internal/ansible/inventory"
	"tutti/internal/ansible/value"
	"tutti/internal/diag"
)

// parse reads a file of YAML or JSON.
func (l *loader) parse(path string) (*document.Node, error) {
	text, err := l.read(path)
	if err != nil {
		return nil, err
	}
	n, diags := document.Parse(text, path, document.Options{Duplicates: l.options.Duplicates})
	if diags.HasErrors() {
		for _, d := range diags {
			if d.Severity == diag.Error {
				return nil, d
			}
		}
	}
	l.diags = append(l.diags, diags...)
	return n, nil
}

// at makes an error of a node.
func at(n *document.Node, text string, args ...any) error {
	return diag.Errorf(n.Range(), Unparsed, text, args...)[0]
}

// auto reads the configuration of an inventory plugin.
func (l *loader) auto(ctx context.Context, path string) error {
	before := len(l.diags)
	n, err := l.parse(path)
	if err != nil {
		return errDeclined // whoever reads it as an inventory tells what is wrong
	}
	name, ok := n.Get("plugin").Text()
	if !ok {
		l.diags = l.diags[:before]
		return errDeclined
	}
	switch name {
	case "constructed", "ansible.builtin.constructed":
		return l.constructed(n, path)
	}
	if l.options.Plugin == nil {
		return at(n.Get("plugin"), "inventory config '%s' specifies unknown plugin '%s': tutti has no native form of it, and runs plugins in Python only where Python and the plugin are installed", path, name)
	}
	text, err := l.options.Plugin.List(ctx, name, path)
	if err != nil {
		return err
	}
	return l.listing(text, fmt.Sprintf("<inventory plugin '%s' with source '%s'>", name, path), func(host string) (*value.Dict, error) {
		return &value.Dict{}, nil
	})
}

// yaml reads groups, with their hosts, variables and groups below.
func (l *loader) yaml(path string) error {
	n, err := l.parse(path)
	switch {
	case err != nil:
		return err
	case !value.Truth(n.Value()):
		return errors.New("Parsed empty YAML file")
	case n.Kind != document.Dict:
		return at(n, "YAML inventory has invalid structure, it should be a dictionary, got: %s", n.TypeName())
	case value.Truth(n.Get("plugin").Value()):
		return errors.New("Plugin configuration YAML file, not YAML inventory")
	}
	for i, k := range n.Keys {
		if _, err := l.yamlGroup(k, n.Items[i], 0); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) warn(n *document.Node, text string, args ...any) {
	l.diags = append(l.diags, diag.Warnf(n.Range(), Unparsed, text, args...)...)
}

func keyText(k *document.Node) string { return value.String(k.Scalar) }

// yamlGroup reads a group and gives the name that it has.
func (l *loader) yamlGroup(k, n *document.Node, depth int) (string, error) {
	name, isText := k.Scalar.(string)
	if depth > document.MaxDepth {
		return "", at(k, "groups lie too deep in each other")
	}
	if n.Kind != document.Dict && !n.Null() {
		l.warn(k, "Skipping '%s' as this is not a valid group definition", keyText(k))
		return keyText(k), nil
	}
	if !isText {
		return "", at(k, "Unable to add group %s: Invalid group name supplied, expected a string but got %s for %s", keyText(k), k.TypeName(), keyText(k))
	}
	group, err := l.inv.AddGroup(name)
	if err != nil {
		return "", at(k, "Unable to add group %s: %s", name, err)
	}
	if n.Null() {
		return group, nil
	}
	for i, part := range n.Keys {
		if err := l.yamlPart(group, part, n.Items[i], depth); err != nil {
			return "", err
		}
	}
	return group, nil
}

// yamlPart reads one part of a group: vars, children or hosts.
func (l *loader) yamlPart(group string, k, n *document.Node, depth int) error {
	part := keyText(k)
	known := part == "vars" || part == "children" || part == "hosts"
	if text, ok := n.Text(); ok && known {
		// A single name may stand for itself.
		n = &document.Node{Kind: document.Dict, Origin: n.Origin,
			Keys:  []*document.Node{{Kind: document.Scalar, Scalar: text, Origin: n.Origin}},
			Items: []*document.Node{{Kind: document.Scalar, Origin: n.Origin}}}
	}
	switch {
	case n.Null():
		return nil
	case n.Kind != document.Dict && known:
		return at(n, "Invalid \"%s\" entry for \"%s\" group, requires a dictionary, found \"%s\" instead.", part, group, n.TypeName())
	case n.Kind != document.Dict:
		l.warn(k, "Skipping key (%s) in group (%s) as it is not a mapping, it is a %s", part, group, n.TypeName())
		return nil
	case !known:
		l.warn(k, "Skipping unexpected key (%s) in group (%s), only \"vars\", \"children\" and \"hosts\" are valid", part, group)
		return nil
	}
	for i, key := range n.Keys {
		var err error
		switch part {
		case "vars":
			err = l.inv.SetVariable(group, key.Scalar, n.Items[i].Value())
		case "children":
			var child string
			if child, err = l.yamlGroup(key, n.Items[i], depth+1); err == nil {
				err = l.inv.AddChild(group, child)
			}
		default:
			err = l.yamlHosts(group, key, n.Items[i])
		}
		if err != nil {
			return l.placed(key, err)
		}
	}
	return nil
}

// placed gives an error the place of a node, unless it has one.
func (l *loader) placed(n *document.Node, err error) error {
	var d *diag.Diagnostic
	if errors.As(err, &d) {
		return err
	}
	return at(n, "%s", err.Error())
}

func (l *loader) yamlHosts(group string, k, n *document.Node) error {
	pattern, ok := k.Scalar.(string)
	if !ok {
		return at(k, "Host pattern %s must be a string. Enclose integers/floats in quotation marks.", keyText(k))
	}
	v := n.Value()
	if !value.Truth(v) {
		v = &value.Dict{}
	}
	vars, ok := v.(*value.Dict)
	if !ok {
		return at(n, "Invalid data from file, expected dictionary and got:\n\n%s", value.String(v))
	}
	return l.hosts(pattern, group, vars)
}

// hosts adds the hosts of a definition with their variables.
func (l *loader) hosts(pattern, group string, vars *value.Dict) error {
	names, port, err := inventory.Expand(pattern)
	if err != nil {
		return err
	}
	return l.populate(names, port, group, vars)
}

// populate adds hosts to a group and sets their variables.
func (l *loader) populate(names []string, port int, group string, vars *value.Dict) error {
	for _, name := range names {
		if _, err := l.inv.AddHost(name, group, port); err != nil {
			return err
		}
		for k, v := range vars.All() {
			if err := l.inv.SetVariable(name, k, v); err != nil {
				return err
			}
		}
	}
	return nil
}
