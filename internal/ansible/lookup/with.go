package lookup

import (
	"fmt"
	"strings"

	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/value"
)

// Loop is a with_x of a task.
type Loop struct {
	// Lookup is what follows with_.
	Lookup string
	// Terms is the value as it was written: text, a template, a list or dict of such.
	Terms any
	// Action is that of the task, as it was written.
	Action string
}

// The names under which With gives its expression what it needs; nobody's variables are
// called so.
const (
	nameLookup = "_loop_lookup"
	nameTerms  = "_loop_terms"
	nameAction = "_loop_action"
)

// With gives the items of a loop: a *value.List, or a *value.Unknown where nobody can tell
// them yet. Text is rendered first, and what is no list becomes the only term.
func With(e *jinja.Environment, c jinja.Context, l Loop) (any, error) {
	terms := l.Terms
	switch t := terms.(type) {
	case string:
		terms = strings.TrimSpace(t)
	case *value.Template:
		v, err := e.Resolve(c, t)
		if err != nil {
			return nil, err
		}
		terms = v
	}
	switch t := terms.(type) {
	case *value.Unknown:
		return t, nil
	case *value.List:
	default:
		terms = value.NewList(t)
	}
	c.Variables = overlay{c.Variables, value.NewDict(nameLookup, l.Lookup, nameTerms, terms, nameAction, l.Action)}
	t, err := e.Expression(fmt.Sprintf("query(%s, *%s, %s=%s)", nameLookup, nameTerms, argAction, nameAction), value.Origin{})
	if err != nil {
		return nil, err
	}
	return t.Native(c)
}

// overlay is variables with a few more on top.
type overlay struct {
	jinja.Variables
	more *value.Dict
}

// Variable gives a variable's value.
func (o overlay) Variable(name string) (any, bool, error) {
	if v, ok := o.more.Get(name); ok {
		return v, true, nil
	}
	if o.Variables == nil {
		return nil, false, nil
	}
	return o.Variables.Variable(name)
}
