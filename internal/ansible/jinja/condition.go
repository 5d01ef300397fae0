package jinja

import (
	"errors"
	"fmt"
	"strings"

	"tutti/internal/ansible/jinja/python"
	"tutti/internal/ansible/jinja/syntax"
	"tutti/internal/ansible/value"
)

// Conditions are how a condition (when, changed_when, until, assert's that) is judged.
type Conditions struct {
	// AllowBroken lets one pass that gives no boolean, as ALLOW_BROKEN_CONDITIONALS does;
	// Warn is told then.
	AllowBroken bool
	Warn        func(message string, at value.Origin)
}

const brokenAllowed = "Broken conditionals are currently allowed because the `ALLOW_BROKEN_CONDITIONALS` configuration option is enabled."

// Condition tells what a condition gives: true, false, or a *value.Unknown. A condition is
// a boolean, or text without delimiters: a string that a person wrote where an expression
// belongs (also a *value.Template, where it has delimiters nevertheless).
func (e *Environment) Condition(c Context, condition any, at value.Origin, o Conditions) (any, error) {
	v, err := e.judge(c, condition, at, o)
	if err != nil {
		return nil, conditionError(err)
	}
	switch v := v.(type) {
	case bool, *value.Unknown:
		return v, nil
	case Omit:
		return nil, &Error{Message: omitted, Reason: BrokenCondition, Origin: at, Source: value.String(condition)}
	}
	truth := python.Truth(v)
	where := at.String()
	if where == "" {
		where = "<unknown>"
	}
	message := fmt.Sprintf("Conditional result (%s) was derived from value of type %s at %s. Conditionals must have a boolean result.",
		value.Repr(truth), value.Repr(value.TypeName(v)), value.Repr(where))
	if o.AllowBroken {
		o.warn(message, at)
		return truth, nil
	}
	return nil, &Error{Message: message, Reason: BrokenCondition, Origin: at, Source: value.String(condition)}
}

func (o Conditions) warn(message string, at value.Origin) {
	if o.Warn != nil {
		o.Warn(message+" "+brokenAllowed, at)
	}
}

func conditionError(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Reason == Undefined {
		again := *e
		again.Message = join("Error while evaluating conditional.", e.Message)
		return &again
	}
	return err
}

func (e *Environment) judge(c Context, condition any, at value.Origin, o Conditions) (any, error) {
	condition, done, err := o.stripped(condition, at)
	if done || err != nil {
		return condition, err
	}
	text := ""
	switch x := condition.(type) {
	case bool:
		return x, nil
	case string:
		text = x
	case *value.Template:
		text, at = x.Text, x.Origin
	default:
		if o.AllowBroken {
			return e.Resolve(c, condition)
		}
		return nil, &Error{Message: "Conditional expressions must be strings.", Reason: BrokenCondition, Origin: at}
	}
	if e.wrapped(text) {
		t, err := e.parse(text, at, textMode, e.options.Syntax)
		if err != nil {
			return nil, err
		}
		// What this gives is evaluated once more if it is text that a person wrote: the
		// name of a variable that holds an expression.
		st := e.state(c)
		v, err := t.run(st)
		if err == nil {
			v, err = st.finish(v)
		}
		if err != nil {
			return nil, t.done(st, err)
		}
		if v, done, err = o.stripped(v, at); done || err != nil {
			return v, err
		}
		again, ok := v.(string)
		if !ok {
			return v, nil
		}
		if !t.written(c, 0) {
			return nil, &Error{Message: "Encountered untrusted template or expression.", Origin: at, Source: text}
		}
		text = again
	}
	t, err := e.parse(text, at, conditionMode, e.options.Syntax)
	if err != nil {
		return nil, err
	}
	return t.Native(c)
}

// Trusting are variables that tell which of them a person wrote. Only such a one may hold
// the text of a condition: what comes back from a host is never evaluated.
type Trusting interface {
	// Trusted tells whether the variable comes from a playbook, a role, an inventory or a
	// file of variables.
	Trusted(name string) bool
}

// maxTrail bounds how many variables are followed to one that a person wrote.
const maxTrail = 20

// written tells whether the template gives nothing but a text that a person wrote: one that
// a trusted variable holds, or a template there that again gives only such.
func (t *Template) written(c Context, trail int) bool {
	trusting, ok := c.Variables.(Trusting)
	if !ok || trail > maxTrail || t.tree == nil || len(t.tree.Body) != 1 {
		return false
	}
	p, ok := t.tree.Body[0].(*syntax.Print)
	if !ok {
		return false
	}
	switch v := raw(c, trusting, p.X).(type) {
	case string:
		return true
	case *value.Template:
		next, err := t.env.ParseTemplate(v)
		return err == nil && next.written(c, trail+1)
	}
	return false
}

// raw gives what lies in a trusted variable, or at a path in it, without rendering anything.
func raw(c Context, trusting Trusting, e syntax.Expr) any {
	var of, key any
	switch x := e.(type) {
	case *syntax.Name:
		if !trusting.Trusted(x.Name) {
			return nil
		}
		v, _, err := c.Variables.Variable(x.Name)
		if err != nil {
			return nil
		}
		return v
	case *syntax.Attr:
		of, key = raw(c, trusting, x.X), x.Name
	case *syntax.Item:
		k, ok := x.Key.(*syntax.Const)
		if !ok {
			return nil
		}
		of, key = raw(c, trusting, x.X), k.Value
	default:
		return nil
	}
	v, _, _ := python.Item(of, key)
	return v
}

// stripped takes blanks off a condition. An empty one is broken.
func (o Conditions) stripped(condition any, at value.Origin) (any, bool, error) {
	switch x := condition.(type) {
	case string:
		condition = strings.TrimSpace(x)
	case *value.Template:
		condition = &value.Template{Text: strings.TrimSpace(x.Text), Origin: x.Origin}
	}
	if condition != nil && condition != "" {
		return condition, false, nil
	}
	if o.AllowBroken {
		o.warn("Empty conditional expression was evaluated as True.", at)
		return true, true, nil
	}
	return nil, false, &Error{Message: "Empty conditional expressions are not allowed.", Reason: BrokenCondition, Origin: at}
}

// wrapped tells whether a text seems to be a template from its first to its last character.
func (e *Environment) wrapped(text string) bool {
	o := e.options.Syntax
	begins := func(s, standard string) bool {
		if s == "" {
			s = standard
		}
		return strings.HasPrefix(text, s)
	}
	ends := func(s, standard string) bool {
		if s == "" {
			s = standard
		}
		return strings.HasSuffix(text, s)
	}
	return (begins(o.VariableStart, "{{") || begins(o.BlockStart, "{%") || begins(o.CommentStart, "{#")) &&
		(ends(o.VariableEnd, "}}") || ends(o.BlockEnd, "%}") || ends(o.CommentEnd, "#}"))
}
