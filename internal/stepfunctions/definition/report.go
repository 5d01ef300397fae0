package definition

import (
	"fmt"
	"strconv"
	"strings"
	"tutti/internal/stepfunctions/document"

	"github.com/hashicorp/hcl/v2"

	"tutti/internal/diag"
)

func quote(s string) string { return strconv.Quote(s) }

// owner gives the state that a node lies in, or nil.
func (c *checker) owner(n *document.Node) *document.Node {
	for at := n; at != nil; at = at.Parent {
		if c.states[at] {
			return at
		}
	}
	return nil
}

// field is the way to a node from its state, such as Retry[0]/Next.
func (c *checker) field(n *document.Node) string {
	return strings.TrimPrefix(n.PathFrom(c.owner(n)), "/")
}

// place begins a detail: the state and the field that it is about.
func (c *checker) place(n *document.Node) string {
	state, field := c.owner(n), c.field(n)
	switch {
	case state == nil && field == "":
		return "The state machine"
	case state == nil:
		return "The state machine, " + field
	case field == "":
		return "State " + quote(state.Key)
	default:
		return "State " + quote(state.Key) + ", " + field
	}
}

// wrong reports an error about a node: the service's words first, then ours.
func (c *checker) wrong(n *document.Node, headline, service, detail string, args ...any) {
	c.wrongAt(n, c.source.Head(n), headline, service, detail, args...)
}

func (c *checker) wrongAt(n *document.Node, rng hcl.Range, headline, service, detail string, args ...any) {
	c.coded(n, rng, SchemaValidation, headline, service, detail, args...)
}

func (c *checker) coded(n *document.Node, rng hcl.Range, code, headline, service, detail string, args ...any) {
	c.add(Finding{Code: code, Message: service, Location: n.Pointer()}, headline, c.place(n)+": "+fmt.Sprintf(detail, args...), &rng)
}

// doubtful reports a warning.
func (c *checker) doubtful(n *document.Node, code, headline, service, detail string, args ...any) {
	rng := c.source.Head(n)
	c.warn(Finding{Code: code, Message: service, Location: n.Pointer()}, headline, c.place(n)+": "+fmt.Sprintf(detail, args...), &rng)
}

// maxListed is how many names a diagnostic lists.
const maxListed = 25

// similar gives the name that may have been meant, or "". Short names resemble each
// other too easily.
func similar(given string, names []string) string {
	for _, n := range names {
		if strings.EqualFold(n, given) && n != given {
			return n
		}
	}
	if len(given) < 3 {
		return ""
	}
	return diag.Suggest(given, names)
}

// unsupported reports a field that does not belong where it stands. The service
// points at what holds the field.
func (c *checker) unsupported(field *document.Node, known []string, why string) {
	if near := similar(field.Key, known); near != "" {
		why += " Did you mean " + near + "?"
	} else if len(known) > 0 && len(known) <= maxListed {
		why += " Possible are: " + strings.Join(known, ", ") + "."
	}
	c.wrongAt(field.Parent, c.source.NameOf(field), "Unsupported field", "Field '"+field.Key+"' is not supported",
		"the field %s %s", quote(field.Key), strings.TrimSpace(why))
}

// required reports fields that are not there.
func (c *checker) required(n *document.Node, fields ...string) bool {
	var missing []string
	for _, f := range fields {
		if !n.Has(f) {
			missing = append(missing, f)
		}
	}
	if len(missing) == 0 {
		return true
	}
	what := "the field %s is required. Add it."
	if len(missing) > 1 {
		what = "the fields %s are required. Add them."
	}
	c.wrongAt(n, c.subject(n), "Missing field", "These fields are required: ["+strings.Join(missing, ", ")+"]", what, strings.Join(missing, ", "))
	return false
}

// subject is the range that stands for an object as a whole: its name, or its first
// line when it has none.
func (c *checker) subject(n *document.Node) hcl.Range { return c.source.NameOf(n) }

// oneOf reports that two of these fields are there, or, when one must be, none. It
// gives the one that is there.
func (c *checker) oneOf(n *document.Node, must bool, fields ...string) *document.Node {
	var there []*document.Node
	for _, f := range fields {
		if m := n.Get(f); m != nil {
			there = append(there, m)
		}
	}
	list := strings.Join(fields, ", ")
	switch {
	case len(there) > 1:
		c.wrongAt(n, c.source.NameOf(there[1]), "Conflicting fields", "There should only be one of the following fields: ["+list+"]",
			"the fields %s and %s exclude each other. Remove one of them.", there[0].Key, there[1].Key)
	case len(there) == 0 && must:
		c.wrongAt(n, c.subject(n), "Missing field", "This object should have only one of the following fields: ["+list+"]",
			"one of the fields %s is required. Add one of them.", list)
	case len(there) == 1:
		return there[0]
	}
	return nil
}

// fieldsOf reports the fields of an object that are none of those known.
func (c *checker) fieldsOf(n *document.Node, known ...string) {
	for _, m := range n.Inner {
		if !contains(known, m.Key) {
			c.unsupported(m, known, "is not known here.")
		}
	}
}

func contains(list []string, s string) bool {
	for _, have := range list {
		if have == s {
			return true
		}
	}
	return false
}

// typed reports a value of another type than the one wanted.
func (c *checker) typed(n *document.Node, want string) {
	c.wrong(n, "Wrong type", "Expected value of type "+strings.ToUpper(want[:1])+want[1:], "the value must be %s %s, and it is %s %s.", article(want), want, article(n.TypeName()), n.TypeName())
}

func article(noun string) string {
	switch {
	case noun == "null":
		return "a"
	case strings.IndexByte("aeio", noun[0]) >= 0:
		return "an"
	}
	return "a"
}

// stringOf gives the string of a field; ok is false when it is not there or not one.
func (c *checker) stringOf(n *document.Node, field string) (string, bool) {
	m := n.Get(field)
	if m == nil {
		return "", false
	}
	s, ok := m.Text()
	if !ok {
		c.typed(m, "string")
	}
	return s, ok
}

// oneWord gives the string of a field that takes one of these words.
func (c *checker) oneWord(n *document.Node, field string, words ...string) string {
	s, ok := c.stringOf(n, field)
	if !ok {
		return ""
	}
	if !contains(words, s) {
		list := strings.Join(words, ", ")
		hint := ""
		if near := similar(s, words); near != "" {
			hint = " Did you mean " + near + "?"
		}
		c.wrong(n.Get(field), "Invalid value", "Value should be one of the following: ["+list+"]", "%s is not one of %s.%s", quote(s), list, hint)
		return ""
	}
	return s
}

// objectOf gives a field that must be an object.
func (c *checker) objectOf(n *document.Node, field string) *document.Node {
	m := n.Get(field)
	if m != nil && m.Kind != document.Object {
		c.typed(m, "object")
		return nil
	}
	return m
}

// listOf gives a field that must be a list, and not an empty one.
func (c *checker) listOf(n *document.Node, field string) []*document.Node {
	m := n.Get(field)
	switch {
	case m == nil:
		return nil
	case m.Kind != document.List:
		c.typed(m, "array")
		return nil
	case len(m.Inner) == 0:
		c.wrong(m, "Invalid value", "Value cannot be empty", "the list is empty. Add an entry, or remove the field.")
		return nil
	}
	return m.Inner
}
