package jinja

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tutti/internal/ansible/jinja/syntax"
	"tutti/internal/ansible/value"
)

// Reason tells errors of templates apart.
type Reason uint8

// The reasons.
const (
	// Failed is anything that went wrong while a template was evaluated.
	Failed Reason = iota
	// Syntax is a mistake in the text.
	Syntax
	// Undefined is the use of something that is not there.
	Undefined
	// BrokenCondition is a condition that gives no boolean.
	BrokenCondition
)

// Error is why a template gave nothing.
type Error struct {
	// Message is the sentence that Ansible prints.
	Message string
	Reason  Reason
	// Origin is where the template was written, as far as that is known, and Line the line
	// within its text, from 1.
	Origin value.Origin
	Line   int
	// Source is the template's text.
	Source string
	// Err is the cause.
	Err error
}

func (e *Error) Error() string { return e.Message }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Place is the file and line of the mistake, or of the text that holds it.
func (e *Error) Place() value.Origin {
	at := e.Origin
	if e.Line > 1 || at.Line == 0 {
		at.Line, at.Column = max(at.Line, 1)+e.Line-1, 0
	}
	return at
}

// Pending says that a function's answer has to be fetched first. It passes unchanged
// through everything up to the caller.
type Pending struct {
	// What says to a person what is waited for.
	What string
	// Request is the caller's own.
	Request any
}

func (p *Pending) Error() string { return "waiting for " + p.What }

// Limit says that a template costs more than it may.
type Limit struct {
	What string
	Max  int
}

func (l *Limit) Error() string {
	return fmt.Sprintf("the template takes more than %d %s: it may never end; simplify it", l.Max, l.What)
}

// ErrNotFound is wrapped by Context.Load when there is no such template.
var ErrNotFound = errors.New("template not found")

// UnknownError is given by Render when the text depends on what is not known yet.
type UnknownError struct{ Unknown *value.Unknown }

func (u *UnknownError) Error() string {
	return "the text is unknown until applied: it depends on " + u.Unknown.Why
}

// trip is the use of something undefined.
type trip struct{ u *value.Undefined }

func (t *trip) Error() string {
	if t.u.Err != nil {
		return t.u.Err.Error()
	}
	return t.u.Hint
}

func (t *trip) Unwrap() error { return t.u.Err }

// Use is the error that a function gives when it uses something undefined.
func Use(u *value.Undefined) error { return &trip{u} }

// stop ends a template whose result is unknown.
type stop struct{ u *value.Unknown }

func (s *stop) Error() string { return "unknown until applied: " + s.u.Why }

// missingPlugin is a filter or test that nobody has.
type missingPlugin struct {
	kind    Kind
	name    string
	closest string
}

func (m *missingPlugin) Error() string {
	text := fmt.Sprintf("No %s named %s.", m.kind, value.Repr(m.name))
	if m.closest != "" {
		text += " Did you mean " + value.Repr(m.closest) + "?"
	}
	return text
}

// pluginError is the failure of a filter, test or lookup.
type pluginError struct {
	kind Kind
	name string
	err  error
}

func (p *pluginError) Error() string {
	return fmt.Sprintf("The %s plugin %s failed: %s", p.kind, value.Repr(p.name), p.err)
}

func (p *pluginError) Unwrap() error { return p.err }

// LookupError gives the failure of a lookup plugin Ansible's words.
func LookupError(name string, err error) error { return &pluginError{"lookup", name, err} }

// Plain is an error whose text is a whole sentence, to be shown without more before it.
type Plain struct{ Message string }

func (p *Plain) Error() string { return p.Message }

// fatal errors end an evaluation, whatever would otherwise have been done about them.
func fatal(err error) bool {
	var p *Pending
	var l *Limit
	return errors.As(err, &p) || errors.As(err, &l)
}

func (t *Template) kindOf() string {
	if t.how == textMode {
		return "template"
	}
	return "expression"
}

func (t *Template) syntaxError(err error) error {
	e := &Error{Message: "Syntax error in " + t.kindOf() + ".", Reason: Syntax, Origin: t.origin, Source: t.source, Err: err}
	var s *syntax.Error
	if errors.As(err, &s) {
		e.Line = s.Line
	}
	if t.how != textMode && t.env.options.Syntax.Holds(t.source) {
		e.Message += " Template delimiters are not supported in expressions."
	}
	e.Message = join(e.Message, err.Error())
	return e
}

// join puts a cause behind a message as Ansible does: the point becomes a colon.
func join(message, cause string) string { return strings.TrimSuffix(message, ".") + ": " + cause }

// errorOf gives an error its message and place; st tells where the evaluation was.
func (st *state) errorOf(err error) error {
	var done *Error
	var pending *Pending
	var tripped *trip
	var missing *missingPlugin
	var plugin *pluginError
	var plain *Plain
	t := st.template
	switch {
	case errors.As(err, &pending):
		return err
	case errors.As(err, &plugin), errors.As(err, &plain):
		return &Error{Message: err.Error(), Origin: t.origin, Line: st.line, Source: t.source, Err: err}
	case errors.As(err, &done):
		return done
	case errors.As(err, &missing):
		return &Error{Message: join("Syntax error in "+t.kindOf()+".", err.Error()), Reason: Syntax, Origin: t.origin, Line: st.line, Source: t.source, Err: err}
	case errors.As(err, &tripped) && tripped.u.Err != nil:
		return st.errorOf(tripped.u.Err)
	case errors.As(err, &tripped) && tripped.u.Origin.File != "":
		return &Error{Message: tripped.u.Hint, Reason: Undefined, Origin: tripped.u.Origin, Source: t.Source(), Err: err}
	case errors.As(err, &tripped):
		return &Error{Message: tripped.u.Hint, Reason: Undefined, Origin: t.origin, Line: st.line, Source: t.source, Err: err}
	}
	return &Error{Message: join("Error rendering "+t.kindOf()+".", err.Error()), Origin: t.origin, Line: st.line, Source: t.source, Err: err}
}

// Source is the template's text.
func (t *Template) Source() string { return t.source }

// closest gives the registered name that is most like one that is not, if any is.
func closest(name string, table map[string]*plugin) string {
	best, at := "", len(name)/3+2
	for _, n := range slices.Sorted(maps.Keys(table)) {
		if d := distance(name, n); d < at {
			best, at = n, d
		}
	}
	return best
}

// distance is how many characters have to be changed, put in or taken out.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := last
			if a[i] != b[j] {
				change++
			}
			last = row[j+1]
			row[j+1] = min(change, row[j]+1, last+1)
		}
	}
	return row[len(b)]
}
