package wire

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"tutti/internal/aws/catalog"
)

// writeXML writes a value as the element of a member.
func writeXML(m *catalog.Member, v any) []byte {
	w := &xmlWriter{}
	w.element(m.OnWire(), m, v)
	return w.b.Bytes()
}

type xmlWriter struct{ b bytes.Buffer }

func (w *xmlWriter) open(name string, m *catalog.Member) {
	w.b.WriteString("<" + name)
	if m != nil && m.Namespace != "" {
		attribute := "xmlns"
		if m.Prefix != "" {
			attribute += ":" + m.Prefix
		}
		w.attribute(attribute, m.Namespace)
	}
}

func (w *xmlWriter) attribute(name, value string) {
	w.b.WriteString(" " + name + `="`)
	w.text(value)
	w.b.WriteByte('"')
}

func (w *xmlWriter) text(text string) {
	// A buffer takes everything; what XML cannot hold, EscapeText replaces.
	_ = xml.EscapeText(&w.b, []byte(text))
}

func (w *xmlWriter) close(name string) { w.b.WriteString("</" + name + ">") }

func (w *xmlWriter) element(name string, m *catalog.Member, v any) {
	switch v := v.(type) {
	case *record:
		w.record(name, m, v)
	case []any:
		w.list(name, m, v)
	case []entry:
		w.entries(name, m, v)
	default:
		w.open(name, m)
		w.b.WriteByte('>')
		w.text(plainText(m.Shape, v, catalog.ISO8601))
		w.close(name)
	}
}

func (w *xmlWriter) record(name string, m *catalog.Member, r *record) {
	w.open(name, m)
	for _, f := range r.fields {
		if f.member.Attribute {
			w.attribute(f.member.OnWire(), plainText(f.member.Shape, f.value, catalog.ISO8601))
		}
	}
	w.b.WriteByte('>')
	for _, f := range r.fields {
		if !f.member.Attribute {
			w.element(f.member.OnWire(), f.member, f.value)
		}
	}
	w.close(name)
}

func (w *xmlWriter) list(name string, m *catalog.Member, list []any) {
	element := m.Shape.Element
	if m.Flat {
		for _, v := range list {
			w.element(name, element, v)
		}
		return
	}
	w.open(name, m)
	w.b.WriteByte('>')
	for _, v := range list {
		w.element(cmp.Or(element.Wire, "member"), element, v)
	}
	w.close(name)
}

func (w *xmlWriter) entries(name string, m *catalog.Member, entries []entry) {
	each := name
	if !m.Flat {
		each = "entry"
		w.open(name, m)
		w.b.WriteByte('>')
	}
	key, value := m.Shape.Key, m.Shape.Element
	for _, e := range entries {
		w.open(each, nil)
		w.b.WriteByte('>')
		w.element(cmp.Or(key.Wire, "key"), key, e.key)
		w.element(cmp.Or(value.Wire, "value"), value, e.value)
		w.close(each)
	}
	if !m.Flat {
		w.close(name)
	}
}

// node is an element of an answer. Namespaces are not looked at: the shapes say what is meant.
type node struct {
	name     string
	attrs    []xml.Attr
	text     string
	children []*node
}

var errNoXML = errors.New("the answer is not XML")

// parseXML reads an answer; none is nil.
func parseXML(body []byte) (*node, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	root := &node{}
	open := []*node{root}
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errNoXML, err)
		}
		top := open[len(open)-1]
		switch t := token.(type) {
		case xml.StartElement:
			if len(open) > maxDepth {
				return nil, tooDeep(len(open))
			}
			child := &node{name: t.Name.Local, attrs: t.Attr}
			top.children = append(top.children, child)
			open = append(open, child)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			top.text += string(t)
		}
	}
	switch {
	case len(root.children) == 0 && strings.TrimSpace(root.text) == "":
		return nil, nil
	case len(root.children) != 1:
		return nil, errNoXML
	}
	return root.children[0], nil
}

// child gives the first child of a name, or nil.
func (n *node) child(name string) *node {
	if n == nil {
		return nil
	}
	for _, c := range n.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

func (n *node) all(name string) []*node {
	var found []*node
	for _, c := range n.children {
		if c.name == name {
			found = append(found, c)
		}
	}
	return found
}

// fromXML reads the value of an element.
func (r reader) fromXML(shape *catalog.Shape, n *node) (any, error) {
	switch shape.Kind {
	case catalog.Structure:
		return r.membersFromXML(shape, n)
	case catalog.List:
		return r.listFromXML(shape, n.children)
	case catalog.Map:
		return r.mapFromXML(shape, n.children)
	case catalog.Document:
		return nil, errors.New("the answer has a document in XML")
	}
	return r.plainFromText(shape, n.text)
}

func (r reader) listFromXML(shape *catalog.Shape, elements []*node) (any, error) {
	list := make([]any, 0, len(elements))
	for _, n := range elements {
		v, err := r.fromXML(shape.Element.Shape, n)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

func (r reader) mapFromXML(shape *catalog.Shape, entries []*node) (any, error) {
	out := map[string]any{}
	for _, n := range entries {
		key, value := n.child(cmp.Or(shape.Key.Wire, "key")), n.child(cmp.Or(shape.Element.Wire, "value"))
		if key == nil || value == nil {
			return nil, errors.New("the answer has an entry of a map without key or value")
		}
		v, err := r.fromXML(shape.Element.Shape, value)
		if err != nil {
			return nil, err
		}
		out[key.text] = v
	}
	return out, nil
}

func (r reader) membersFromXML(shape *catalog.Shape, n *node) (map[string]any, error) {
	out := map[string]any{}
	for i := range shape.Members {
		m := &shape.Members[i]
		if m.Location != catalog.Body || i == shape.Payload {
			continue
		}
		v, err := r.memberFromXML(m, n)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		if v != nil {
			out[r.style.name(m)] = v
		}
	}
	return out, nil
}

func (r reader) memberFromXML(m *catalog.Member, n *node) (any, error) {
	if m.Attribute {
		_, local, _ := strings.Cut(":"+m.OnWire(), ":")
		if _, after, found := strings.Cut(local, ":"); found {
			local = after
		}
		for _, a := range n.attrs {
			if a.Name.Local == local {
				return r.plainFromText(m.Shape, a.Value)
			}
		}
		return nil, nil
	}
	if m.Flat && (m.Shape.Kind == catalog.List || m.Shape.Kind == catalog.Map) {
		name := m.OnWire()
		if m.Shape.Kind == catalog.List {
			name = cmp.Or(m.Shape.Element.Wire, name)
		}
		found := n.all(name)
		switch {
		case len(found) == 0:
			return nil, nil
		case m.Shape.Kind == catalog.List:
			return r.listFromXML(m.Shape, found)
		default:
			return r.mapFromXML(m.Shape, found)
		}
	}
	if child := n.child(m.OnWire()); child != nil {
		return r.fromXML(m.Shape, child)
	}
	return nil, nil
}
