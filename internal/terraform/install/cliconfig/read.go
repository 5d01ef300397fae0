package cliconfig

import (
	"errors"
	"fmt"
	"strings"

	hcl1ast "github.com/hashicorp/hcl/hcl/ast"
	hcl1parser "github.com/hashicorp/hcl/hcl/parser"
	hcl1token "github.com/hashicorp/hcl/hcl/token"
	hcl1json "github.com/hashicorp/hcl/json/parser"

	"github.com/hashicorp/hcl/v2"

	"tutti/internal/diag"
	"tutti/internal/terraform/install/address"
)

const invalidFile = "Invalid CLI configuration"

// node is one setting. The file's syntax is HCL 1, whose labels, nested objects
// and JSON form all mean the same; a node makes them the same: `a "b" { c = 1 }`
// is a holding b holding c.
type node struct {
	name     string
	pos      hcl1token.Pos
	children []*node // of an object
	value    any     // string, float64, int64, bool or []any; nil for an object
}

// reader collects what is wrong with one file.
type reader struct {
	file string
	list diag.List
}

func (c *Config) readFile(file string, text []byte) diag.List {
	r := &reader{file: file}
	isJSON := strings.HasSuffix(file, ".json")
	root := r.parse(text, isJSON)
	// Where one file's object was cut into several nodes, they are one again.
	var installation *node
	for _, n := range root {
		if n.name == "provider_installation" {
			if installation != nil && !isJSON {
				r.fail(n, "There is more than one provider_installation block; only one can hold.")
				continue
			}
			if installation == nil {
				installation = &node{name: n.name, pos: n.pos}
			}
			installation.children = append(installation.children, n.children...)
			continue
		}
		c.setting(r, n)
	}
	if installation != nil {
		if c.Installation != nil {
			r.fail(installation, "A provider_installation block stands already in another configuration file; only one can hold.")
		} else {
			c.Installation = r.installation(installation)
		}
	}
	return r.list
}

// setting takes over one top-level setting. Unknown ones are for other versions
// and other tools; they are left alone.
func (c *Config) setting(r *reader, n *node) {
	switch n.name {
	case "plugin_cache_dir":
		if dir, ok := r.text(n); ok {
			c.setPluginCacheDir(dir)
		}
	case "plugin_cache_may_break_dependency_lock_file":
		v, ok := n.value.(bool)
		if !ok {
			r.fail(n, "plugin_cache_may_break_dependency_lock_file is true or false.")
		}
		c.CacheMayBreakLock = v
	case "credentials":
		for _, h := range n.children {
			c.credentialsBlock(r, h)
		}
	case "credentials_helper":
		for _, h := range n.children {
			c.helper = &helper{name: h.name}
			for _, a := range h.children {
				if a.name == "args" {
					c.helper.args = r.texts(a)
				}
			}
		}
	case "host":
		for _, h := range n.children {
			c.hostBlock(r, h)
		}
	}
}

func (c *Config) credentialsBlock(r *reader, n *node) {
	host, err := address.Host(n.name)
	if err != nil {
		r.fail(n, "In credentials, %s.", err)
		return
	}
	for _, a := range n.children {
		if a.name == "token" {
			// The token itself never enters a message.
			c.tokens[host], _ = r.text(a)
		}
	}
}

func (c *Config) hostBlock(r *reader, n *node) {
	host, err := address.Host(n.name)
	if err != nil {
		r.fail(n, "In host, %s.", err)
		return
	}
	services := map[string]any{}
	for _, s := range n.children {
		if s.name != "services" {
			continue
		}
		for _, service := range s.children {
			services[service.name] = service.plain()
		}
	}
	c.Services[host] = services
}

func (r *reader) fail(n *node, detail string, args ...any) {
	rng := r.rangeOf(n.pos, len(n.name))
	r.list = append(r.list, diag.Errorf(&rng, invalidFile, detail, args...)...)
}

func (r *reader) rangeOf(p hcl1token.Pos, length int) hcl.Range {
	start := hcl.Pos{Line: max(p.Line, 1), Column: max(p.Column, 1), Byte: p.Offset}
	end := start
	end.Column += length
	end.Byte += length
	return hcl.Range{Filename: r.file, Start: start, End: end}
}

// text gives the value of a setting that must be a string.
func (r *reader) text(n *node) (string, bool) {
	s, ok := n.value.(string)
	if !ok {
		r.fail(n, "The value of %q must be a string in quotes.", n.name)
	}
	return s, ok
}

// texts gives the value of a setting that must be a list of strings.
func (r *reader) texts(n *node) []string {
	items, ok := n.value.([]any)
	out := make([]string, 0, len(items))
	for _, item := range items {
		s, isText := item.(string)
		ok = ok && isText
		out = append(out, s)
	}
	if !ok {
		r.fail(n, "The value of %q must be a list of strings in square brackets.", n.name)
		return nil
	}
	return out
}

// plain gives the node as maps and values.
func (n *node) plain() any {
	if n.children == nil {
		return n.value
	}
	m := map[string]any{}
	for _, c := range n.children {
		m[c.name] = c.plain()
	}
	return m
}

func (r *reader) parse(text []byte, isJSON bool) (out []*node) {
	defer func() {
		// The HCL 1 parser is old and no longer hardened against odd input; what
		// it cannot read is a mistake in the file all the same.
		if p := recover(); p != nil {
			out = nil
			r.fail(&node{}, "The file cannot be read: %v.", p)
		}
	}()
	parse := hcl1parser.Parse
	if isJSON {
		parse = hcl1json.Parse
	}
	file, err := parse(text)
	if err != nil {
		at := &node{}
		var posErr *hcl1parser.PosError
		if errors.As(err, &posErr) {
			at.pos, err = posErr.Pos, posErr.Err
		}
		r.fail(at, "The file cannot be read: %s.", err)
		return nil
	}
	list, ok := file.Node.(*hcl1ast.ObjectList)
	if !ok {
		r.fail(&node{}, "The file must hold settings, not a single value.")
		return nil
	}
	return r.nodes(list)
}

func (r *reader) nodes(list *hcl1ast.ObjectList) []*node {
	out := make([]*node, 0, len(list.Items))
	for _, item := range list.Items {
		if len(item.Keys) == 0 {
			continue
		}
		inner := &node{}
		r.fill(inner, item.Val)
		for i := len(item.Keys) - 1; i >= 0; i-- {
			key := item.Keys[i].Token
			inner.name, inner.pos = fmt.Sprint(key.Value()), key.Pos
			if i > 0 {
				inner = &node{children: []*node{inner}}
			}
		}
		out = append(out, inner)
	}
	return out
}

func (r *reader) fill(n *node, val hcl1ast.Node) {
	switch v := val.(type) {
	case *hcl1ast.ObjectType:
		n.children = r.nodes(v.List)
	case *hcl1ast.LiteralType:
		n.value = v.Token.Value()
	case *hcl1ast.ListType:
		items := make([]any, 0, len(v.List))
		for _, e := range v.List {
			item := &node{pos: e.Pos()}
			r.fill(item, e)
			items = append(items, item.plain())
		}
		n.value = items
	}
}
