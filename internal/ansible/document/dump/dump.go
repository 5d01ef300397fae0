// Package dump writes values as YAML, byte for byte as PyYAML (with libyaml, as Ansible uses
// it) does: which text gets quotes, where lines are folded, which lists stand on one line.
// The filters to_yaml and to_nice_yaml and ansible-inventory --yaml write by it.
//
// A value goes in, text comes out. The package is pure; it must not know filters or
// inventories. Reading is the business of the package document.
package dump

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"tutti/internal/ansible/document"
	"tutti/internal/ansible/value"
)

// FlowStyle says which lists and dicts are written on one line, in brackets.
type FlowStyle uint8

// The ways of writing lists and dicts.
const (
	// FlowLeaves writes those on one line that hold nothing but scalars: PyYAML's
	// default_flow_style=None.
	FlowLeaves FlowStyle = iota
	FlowNever
	FlowAlways
)

// Options are the arguments of yaml.dump. The zero value is how the filter to_yaml calls it.
type Options struct {
	// Indent and Width are 2 and 80 when 0; a negative Width folds nothing.
	Indent, Width int
	Flow          FlowStyle
	// Unsorted keeps the order of keys.
	Unsorted bool
	// Style is default_style: 0, or one of ', ", | and >, which all scalars get.
	Style byte
	// Blocks has texts of several lines written in the style |.
	Blocks bool
	// ExplicitStart and ExplicitEnd write --- and ....
	ExplicitStart, ExplicitEnd bool
}

// MaxDepth bounds how deep values may lie in each other: those of a circle lie deeper.
const MaxDepth = 1000

// YAML writes a value. Something undefined or unknown is an error; templates are written as
// their text.
func YAML(v any, o Options) (string, error) {
	d := &dumper{options: o, seen: map[any]*node{}}
	root, err := d.node(v, 0)
	if err != nil {
		return "", err
	}
	e := newEmitter(o)
	e.document(root)
	return e.out.String(), nil
}

// node is what is written of one value.
type node struct {
	kind  kind
	text  string
	style byte
	// tag is written before the value; empty where its form tells it.
	tag string
	// plain tells whether the form of a plain scalar tells its type, isText whether that of
	// one in quotes does.
	plain  bool
	isText bool
	flow   bool
	items  []*node // of a mapping: keys and values in turn
	anchor int
	alias  bool
}

type kind uint8

const (
	scalar kind = iota + 1
	sequence
	mapping
)

// dumper makes nodes of values.
type dumper struct {
	options Options
	// seen are the nodes of lists and dicts that were met; one that is met twice gets an
	// anchor.
	seen    map[any]*node
	anchors int
}

func (d *dumper) node(v any, depth int) (*node, error) {
	if depth > MaxDepth {
		return nil, fmt.Errorf("values lie more than %d deep in each other", MaxDepth)
	}
	switch v := v.(type) {
	case *value.List:
		return d.shared(v, sequence, func(n *node) error { return d.list(n, v.Items, depth) })
	case *value.Dict:
		return d.shared(v, mapping, func(n *node) error { return d.dict(n, v, depth) })
	case *value.Time:
		return &node{kind: scalar, text: value.String(v), style: d.options.Style, plain: true}, nil
	case *value.Vaulted:
		return &node{kind: scalar, text: v.Text, style: '|', tag: "!vault"}, nil
	case *value.Undefined:
		return nil, errors.New(v.Hint)
	case *value.Unknown:
		return nil, errors.New("the value is not known yet")
	}
	text, tag, err := scalarText(v)
	if err != nil {
		return nil, err
	}
	style := d.options.Style
	if d.options.Blocks && tag == "!!str" && strings.ContainsAny(text, "\n\r\u0085\u2028\u2029") {
		style = '|'
	}
	return &node{kind: scalar, text: text, style: style, plain: document.Resolve(text) == tag, isText: tag == "!!str"}, nil
}

// shared makes the node of a list or dict; the second time it is an alias of the first.
func (d *dumper) shared(v any, k kind, fill func(*node) error) (*node, error) {
	if first := d.seen[v]; first != nil {
		if first.anchor == 0 { // numbered in the order in which they are met again
			d.anchors++
			first.anchor = d.anchors
		}
		return &node{kind: k, alias: true, items: []*node{first}}, nil
	}
	n := &node{kind: k}
	d.seen[v] = n
	return n, fill(n)
}

func (d *dumper) list(n *node, items []any, depth int) error {
	n.items = make([]*node, 0, len(items))
	for _, item := range items {
		inner, err := d.node(item, depth+1)
		if err != nil {
			return err
		}
		n.items = append(n.items, inner)
	}
	n.flow = d.flow(n)
	return nil
}

func (d *dumper) dict(n *node, v *value.Dict, depth int) error {
	keys := v.Keys()
	if !d.options.Unsorted {
		keys = sorted(keys)
	}
	n.items = make([]*node, 0, 2*len(keys))
	for _, key := range keys {
		k, err := d.node(key, depth+1)
		if err != nil {
			return err
		}
		item, _ := v.Get(key)
		inner, err := d.node(item, depth+1)
		if err != nil {
			return err
		}
		n.items = append(n.items, k, inner)
	}
	n.flow = d.flow(n)
	return nil
}

func (d *dumper) flow(n *node) bool {
	switch d.options.Flow {
	case FlowNever:
		return false
	case FlowAlways:
		return true
	}
	return !slices.ContainsFunc(n.items, func(i *node) bool { return i.kind != scalar || i.style != 0 })
}

// sorted gives the keys in order, or as they are when they have none.
func sorted(keys []any) []any {
	out := slices.Clone(keys)
	ok := true
	slices.SortStableFunc(out, func(a, b any) int {
		c, err := value.Compare(a, b)
		ok = ok && err == nil
		return c
	})
	if !ok {
		return keys
	}
	return out
}

// scalarText gives the text of a plain value and its tag.
func scalarText(v any) (text, tag string, err error) {
	switch v := v.(type) {
	case nil:
		return "null", "!!null", nil
	case bool:
		return strconv.FormatBool(v), "!!bool", nil
	case int64:
		return strconv.FormatInt(v, 10), "!!int", nil
	case float64:
		return floatText(v), "!!float", nil
	case string:
		return v, "!!str", nil
	case *value.Template:
		return v.Text, "!!str", nil
	}
	return "", "", fmt.Errorf("a value of type %s cannot be written as YAML", value.TypeName(v))
}

func floatText(f float64) string {
	switch {
	case math.IsNaN(f):
		return ".nan"
	case math.IsInf(f, 1):
		return ".inf"
	case math.IsInf(f, -1):
		return "-.inf"
	}
	text := value.Float(f)
	if !strings.Contains(text, ".") {
		text = strings.Replace(text, "e", ".0e", 1)
	}
	return text
}
