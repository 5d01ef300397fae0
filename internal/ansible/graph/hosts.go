package graph

import (
	"fmt"
	"math/big"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/ansible/session"
	"tutti/internal/ansible/value"
)

// plain turns a known value without marks into one of a play. Text stays text: what comes of
// the graph is never rendered.
func plain(v cty.Value) any {
	switch {
	case v.IsNull():
		return nil
	case !v.IsKnown():
		return &value.Unknown{Why: "a value of the stack that is not known yet"}
	}
	switch ty := v.Type(); {
	case ty == cty.String:
		return v.AsString()
	case ty == cty.Bool:
		return v.True()
	case ty == cty.Number:
		return number(v.AsBigFloat())
	case ty.IsObjectType() || ty.IsMapType():
		d := &value.Dict{}
		for it := v.ElementIterator(); it.Next(); {
			k, x := it.Element()
			d.Set(k.AsString(), plain(x))
		}
		return d
	case ty.IsTupleType() || ty.IsListType() || ty.IsSetType():
		l := &value.List{}
		for it := v.ElementIterator(); it.Next(); {
			_, x := it.Element()
			l.Items = append(l.Items, plain(x))
		}
		return l
	}
	return fmt.Sprintf("%#v", v)
}

func number(f *big.Float) any {
	if i, accuracy := f.Int64(); accuracy == big.Exact {
		return i
	}
	x, _ := f.Float64()
	return x
}

// groupsOf reads an inventory: groups of hosts, or sources as -i takes them. What is not
// known yet gives neither.
func groupsOf(v cty.Value) (*session.Groups, []string, error) {
	if v.IsNull() {
		return nil, []string{"localhost,"}, nil
	}
	if !v.IsWhollyKnown() {
		return nil, nil, nil
	}
	switch x := plain(v).(type) {
	case string:
		return nil, []string{x}, nil
	case *value.List:
		var sources []string
		for _, item := range x.Items {
			text, ok := item.(string)
			if !ok {
				return nil, nil, fmt.Errorf("a list must hold sources of inventory as texts, and %s is none", value.Repr(item))
			}
			sources = append(sources, text)
		}
		return nil, sources, nil
	case *value.Dict:
		g := &session.Groups{Hosts: map[string][]string{}, Vars: map[string]*value.Dict{}, GroupVars: map[string]*value.Dict{}, Children: map[string][]string{}}
		for k, group := range x.All() {
			if err := addGroup(g, value.String(k), group); err != nil {
				return nil, nil, err
			}
		}
		return g, nil, nil
	}
	return nil, nil, fmt.Errorf("it must be an object of groups, or sources of inventory as texts")
}

// addGroup reads one group: a list of hosts, hosts with variables, or an object that says
// more of it.
func addGroup(g *session.Groups, name string, v any) error {
	switch v := v.(type) {
	case nil:
		g.Hosts[name] = nil
		return nil
	case string:
		g.Hosts[name] = append(g.Hosts[name], v)
		return nil
	case *value.List:
		for _, x := range v.Items {
			text, ok := x.(string)
			if !ok {
				return fmt.Errorf("the group %s must hold hosts as texts, and %s is none", name, value.Repr(x))
			}
			g.Hosts[name] = append(g.Hosts[name], text)
		}
		return nil
	case *value.Dict:
		if long(v) {
			return addLong(g, name, v)
		}
		return addHosts(g, name, v)
	}
	return fmt.Errorf("the group %s must be a list of hosts, or an object of hosts with their variables", name)
}

// long tells that a group is written out: { hosts, vars, children }.
func long(d *value.Dict) bool {
	for _, k := range d.Keys() {
		if k != "hosts" && k != "vars" && k != "children" {
			return false
		}
	}
	return d.Len() > 0
}

func addLong(g *session.Groups, name string, d *value.Dict) error {
	g.Hosts[name] = append(g.Hosts[name], nil...)
	if hosts, ok := d.Get("hosts"); ok {
		if err := addGroup(g, name, hosts); err != nil {
			return err
		}
	}
	if vars, ok := d.Get("vars"); ok && vars != nil {
		of, isDict := vars.(*value.Dict)
		if !isDict {
			return fmt.Errorf("vars of the group %s must be an object of variables", name)
		}
		g.GroupVars[name] = of
	}
	children, _ := d.Get("children")
	if l, ok := children.(*value.List); ok {
		for _, c := range l.Items {
			g.Children[name] = append(g.Children[name], value.String(c))
		}
	}
	return nil
}

func addHosts(g *session.Groups, name string, d *value.Dict) error {
	for k, vars := range d.All() {
		host := value.String(k)
		g.Hosts[name] = append(g.Hosts[name], host)
		switch vars := vars.(type) {
		case nil:
		case *value.Dict:
			if g.Vars[host] == nil {
				g.Vars[host] = &value.Dict{}
			}
			g.Vars[host].Update(vars)
		case string:
			// { eu-1 = aws_instance.eu.public_ip }: where the host is reached.
			if g.Vars[host] == nil {
				g.Vars[host] = &value.Dict{}
			}
			g.Vars[host].Set("ansible_host", vars)
		default:
			return fmt.Errorf("the host %s of the group %s must have an object of variables, or its address", host, name)
		}
	}
	return nil
}
