package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"tutti/internal/ansible/document"
	"tutti/internal/ansible/value"
	"tutti/internal/diag"
	"tutti/internal/process"
)

// NoHostVars is the headline of the warning about scripts that have to be run for each host.
const NoHostVars = "Inventory script without _meta.hostvars"

// script runs an inventory script.
func (l *loader) script(ctx context.Context, path string) error {
	text, err := l.run(ctx, path, "--list")
	if err != nil {
		return err
	}
	name := fmt.Sprintf("<inventory script output from '%s'>", path)
	return l.listing(text, name, func(host string) (*value.Dict, error) {
		text, err := l.run(ctx, path, "--host", host)
		if err != nil || len(strings.TrimSpace(string(text))) == 0 {
			return &value.Dict{}, err
		}
		v, err := readJSON(text, name)
		if err != nil {
			return nil, fmt.Errorf("Inventory script result for host '%s' could not be parsed as JSON: %w", host, err)
		}
		vars, ok := v.Value().(*value.Dict)
		if !ok {
			return nil, fmt.Errorf("Invalid data from file, expected dictionary and got:\n\n%s", value.String(v.Value()))
		}
		return vars, nil
	})
}

// run gives what a script prints.
func (l *loader) run(ctx context.Context, argv ...string) ([]byte, error) {
	res, err := process.Run(ctx, process.Command{Argv: argv, Env: os.Environ(), Dir: l.options.Dir, Capture: MaxBytes})
	var start *process.StartError
	switch {
	case errors.As(err, &start):
		return nil, fmt.Errorf("Failed to execute inventory script command '%s': %w", strings.Join(argv, " "), start.Err)
	case err != nil:
		return nil, err
	}
	said := ""
	if text := strings.TrimSpace(string(res.Stderr.Text)); text != "" {
		said = " Standard error from inventory script:\n" + text
	}
	switch {
	case res.Signal != "":
		return nil, fmt.Errorf("the inventory script was %s.%s", res, said)
	case res.ExitCode != 0:
		return nil, fmt.Errorf("Inventory script returned non-zero exit code %d.%s", res.ExitCode, said)
	case res.Stdout.Dropped > 0:
		return nil, fmt.Errorf("the inventory script printed more than %d bytes", MaxBytes)
	case !utf8.Valid(res.Stdout.Text):
		return nil, fmt.Errorf("Inventory script result contained characters that cannot be interpreted as UTF-8.%s", said)
	}
	return res.Stdout.Text, nil
}

// readJSON reads JSON that is nothing else.
func readJSON(text []byte, name string) (*document.Node, error) {
	n, ok := document.JSON(text, name)
	if !ok {
		// The package json of Go tells best where a text stops being JSON.
		if _, err := value.ParseJSON(text); err != nil {
			return nil, err
		}
		return nil, errors.New("the text is no JSON")
	}
	return n, nil
}

// listing reads what scripts print for --list: groups of hosts, children and vars, and the
// hosts' variables in _meta.hostvars, or else from asking for each host.
func (l *loader) listing(text []byte, name string, ask func(host string) (*value.Dict, error)) error {
	n, err := readJSON(text, name)
	if err != nil {
		return fmt.Errorf("Inventory script result could not be parsed as JSON: %w", err)
	}
	if n.Kind != document.Dict {
		return fmt.Errorf("Value is '%s' instead of 'dict'.", n.TypeName())
	}
	var meta *document.Node
	var hosts []string
	seen := map[string]bool{}
	for i, k := range n.Keys {
		if keyText(k) == "_meta" {
			if meta = n.Items[i].Get("hostvars"); meta != nil && meta.Kind != document.Dict {
				return fmt.Errorf("Value contains '_meta.hostvars' which is '%s' instead of 'dict'.", meta.TypeName())
			}
			continue
		}
		members, err := l.listedGroup(keyText(k), n.Items[i])
		if err != nil {
			return err
		}
		for _, h := range members {
			if !seen[h] {
				seen[h] = true
				hosts = append(hosts, h)
			}
		}
	}
	return l.listedVars(hosts, meta, ask)
}

func (l *loader) listedVars(hosts []string, meta *document.Node, ask func(host string) (*value.Dict, error)) error {
	if meta == nil {
		l.diags = append(l.diags, diag.Warnf(nil, NoHostVars, "Inventory scripts should always provide 'meta.hostvars'. "+
			"Host variables will be collected by running the inventory script with the '--host' option for each host.")...)
	}
	for _, h := range hosts {
		vars := &value.Dict{}
		if meta == nil {
			var err error
			if vars, err = ask(h); err != nil {
				return err
			}
		} else if n := meta.Get(h); n != nil {
			var ok bool
			if vars, ok = n.Value().(*value.Dict); !ok {
				return fmt.Errorf("Invalid data from file, expected dictionary and got:\n\n%s", value.String(n.Value()))
			}
		}
		if err := l.populate([]string{h}, 0, "", vars); err != nil {
			return err
		}
	}
	return nil
}

// listedGroup reads one group and gives the hosts that it names.
func (l *loader) listedGroup(name string, n *document.Node) ([]string, error) {
	group, err := l.inv.AddGroup(name)
	if err != nil {
		return nil, err
	}
	if n.Kind != document.Dict {
		l.diags = append(l.diags, diag.Warnf(nil, Unparsed, "Group '%s' was converted to 'dict' from '%s'.", group, n.TypeName())...)
		return l.listedHosts(group, n)
	}
	hosts, vars, children := n.Get("hosts"), n.Get("vars"), n.Get("children")
	if hosts == nil && vars == nil && children == nil {
		l.diags = append(l.diags, diag.Warnf(nil, Unparsed, "Treating malformed group '%s' as the sole host of that group. Variables provided in this manner cannot be templated.", group)...)
		if _, err := l.inv.AddHost(group, group, 0); err != nil {
			return nil, err
		}
		return []string{group}, l.listedGroupVars(group, n)
	}
	var members []string
	if hosts != nil {
		if members, err = l.listedHosts(group, hosts); err != nil {
			return nil, err
		}
	}
	if vars != nil {
		if err := l.listedGroupVars(group, vars); err != nil {
			return nil, err
		}
	}
	if children == nil {
		return members, nil
	}
	for _, c := range childNodes(children) {
		child, err := l.inv.AddGroup(value.String(c.Value()))
		if err == nil {
			err = l.inv.AddChild(group, child)
		}
		if err != nil {
			return nil, err
		}
	}
	return members, nil
}

func childNodes(n *document.Node) []*document.Node {
	if n.Kind == document.Dict {
		return n.Keys
	}
	return n.Items
}

func (l *loader) listedHosts(group string, n *document.Node) ([]string, error) {
	if n.Kind != document.List {
		return nil, fmt.Errorf("Value contains '%s.hosts' which is '%s' instead of 'list'.", group, n.TypeName())
	}
	var members []string
	for _, h := range n.Items {
		name, ok := h.Text()
		if !ok {
			return nil, fmt.Errorf("Invalid host name supplied, expected a string but got %s for %s", h.TypeName(), value.String(h.Value()))
		}
		if _, err := l.inv.AddHost(name, group, 0); err != nil {
			return nil, err
		}
		members = append(members, name)
	}
	return members, nil
}

func (l *loader) listedGroupVars(group string, n *document.Node) error {
	if n.Kind != document.Dict {
		return fmt.Errorf("Value contains '%s.vars' which is '%s' instead of 'dict'.", group, n.TypeName())
	}
	for i, k := range n.Keys {
		if err := l.inv.SetVariable(group, k.Scalar, n.Items[i].Value()); err != nil {
			return err
		}
	}
	return nil
}
