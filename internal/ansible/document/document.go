// Package document reads YAML and JSON as Ansible does: text goes in, a tree of nodes comes
// out that knows for every key and value where it stands, and from which plain values are
// made (Node.Value).
//
// What plain scalars mean is YAML 1.1 as PyYAML reads it: yes and no are booleans, 0644 is
// octal, 1:30 is ninety, 1e3 is text. Text with Jinja in it becomes a *value.Template,
// !vault a *value.Vaulted, and what lies below !unsafe stays plain text.
//
// The package must not know what documents are about (plays, inventories, variables), reads
// no files and asks no clock: machines call it while they decide. What is wrong is told as
// diagnostics in the words that users of Ansible can search for. Writing YAML is the
// business of the package dump.
package document

import (
	"strings"

	"github.com/hashicorp/hcl/v2"

	"tutti/internal/ansible/value"
)

// Kind tells what a node is made of.
type Kind uint8

// The kinds of node. The zero value is invalid.
const (
	Scalar Kind = iota + 1
	List
	Dict
)

// Node is one value of a document. An alias is the node that it stands for, so one node may
// be reached by several ways; its Origin is where the anchor stands.
type Node struct {
	Kind Kind
	// Scalar is the value of a scalar: nil, bool, int64, float64, string, *value.Time,
	// *value.Template or *value.Vaulted.
	Scalar any
	// Keys are those of a dict, beside Items. They are scalars, and each is there once.
	Keys []*Node
	// Items are the values of a list or a dict.
	Items []*Node
	// Tuple marks the pairs that !!omap and !!pairs give.
	Tuple  bool
	Origin value.Origin
	// size counts the node and everything in it, aliases at their full weight.
	size int
}

// Value makes plain values of the node: its own lists and dicts, all the way down.
func (n *Node) Value() any {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case List:
		l := &value.List{Items: make([]any, len(n.Items)), Tuple: n.Tuple}
		for i, item := range n.Items {
			l.Items[i] = item.Value()
		}
		return l
	case Dict:
		d := &value.Dict{}
		for i, key := range n.Keys {
			d.Set(key.Scalar, n.Items[i].Value())
		}
		return d
	default:
		return n.Scalar
	}
}

// Get gives the value of a text key of a dict, or nil.
func (n *Node) Get(key string) *Node {
	_, v := n.Entry(key)
	return v
}

// Entry gives a text key of a dict with its value; both are nil when it is not there.
func (n *Node) Entry(key string) (k, v *Node) {
	if n == nil {
		return nil, nil
	}
	for i, k := range n.Keys {
		if k.Scalar == key {
			return k, n.Items[i]
		}
	}
	return nil, nil
}

// Text gives a scalar that was written as text, templates included, as it was written.
func (n *Node) Text() (string, bool) {
	if n == nil || n.Kind != Scalar {
		return "", false
	}
	switch s := n.Scalar.(type) {
	case string:
		return s, true
	case *value.Template:
		return s.Text, true
	}
	return "", false
}

// Null reports whether the node is missing or says null.
func (n *Node) Null() bool { return n == nil || n.Kind == Scalar && n.Scalar == nil }

// TypeName is Python's name of the node's type.
func (n *Node) TypeName() string {
	switch {
	case n == nil:
		return "NoneType"
	case n.Kind == List && n.Tuple:
		return "tuple"
	case n.Kind == List:
		return "list"
	case n.Kind == Dict:
		return "dict"
	default:
		return value.TypeName(n.Scalar)
	}
}

// Range is the node's place, for diagnostics.
func (n *Node) Range() *hcl.Range { return RangeOf(n.Origin) }

// RangeOf is an origin as a range of diagnostics; nil when there is no file.
func RangeOf(o value.Origin) *hcl.Range {
	if o.File == "" {
		return nil
	}
	at := hcl.Pos{Line: max(o.Line, 1), Column: max(o.Column, 1)}
	return &hcl.Range{Filename: o.File, Start: at, End: at}
}

// IsTemplate reports whether text has anything in it that Jinja would act upon.
func IsTemplate(text string) bool {
	for {
		i := strings.IndexByte(text, '{')
		if i < 0 || i+1 >= len(text) {
			return false
		}
		switch text[i+1] {
		case '{', '%', '#':
			return true
		}
		text = text[i+1:]
	}
}

// TextValue is the value that somebody's text stands for: a template, or the text itself.
func TextValue(text string, at value.Origin) any {
	if IsTemplate(text) {
		return &value.Template{Text: text, Origin: at}
	}
	return text
}
