package jsonpath

import (
	"fmt"

	"tutti/internal/stepfunctions/data"
)

// MatchError says that a reference path cannot be written in a document, which the
// service reports as States.ResultPathMatchFailure.
type MatchError struct {
	Path string
	// Step is the name or index that does not fit, Document the whole document.
	Step     string
	Document any
	What     string
}

func (e *MatchError) Error() string {
	return fmt.Sprintf("path %s cannot be written: %s at step %s", shorten(e.Path), e.What, shorten(e.Step))
}

// Set gives the document in which the path has this value; all that the path does not
// touch is shared with the given document, which stays as it is. Objects that are
// missing on the way are made, elements are not: an index must be there. A path
// without steps gives the value itself. The error is a *MatchError. Set panics for
// what is not a reference path.
func (p *Path) Set(document, value any) (any, error) {
	if !p.IsReference() {
		panic("jsonpath: invariant broken: Set needs a reference path")
	}
	return p.set(0, document, document, value)
}

// set gives at with the value at the end of the steps from i on.
func (p *Path) set(i int, document, at, value any) (any, error) {
	if i == len(p.steps) {
		return value, nil
	}
	mismatch := func(step any, what string, args ...any) error {
		return &MatchError{Path: p.text, Step: fmt.Sprint(step), Document: document, What: fmt.Sprintf(what, args...)}
	}
	switch s := p.steps[i].(type) {
	case members:
		o, ok := at.(*data.Object)
		if !ok {
			return nil, mismatch(s[0], "there is no object, but %s", article(data.Kind(at)))
		}
		child, ok := o.Get(s[0])
		if !ok {
			child = &data.Object{}
		}
		child, err := p.set(i+1, document, child, value)
		if err != nil {
			return nil, err
		}
		return o.With(s[0], child), nil
	case indices:
		list, ok := at.([]any)
		switch {
		case !ok:
			return nil, mismatch(s[0], "there is no array, but %s", article(data.Kind(at)))
		case s[0] >= len(list):
			return nil, mismatch(s[0], "the array has only %d elements", len(list))
		}
		child, err := p.set(i+1, document, list[s[0]], value)
		if err != nil {
			return nil, err
		}
		changed := append([]any(nil), list...)
		changed[s[0]] = child
		return changed, nil
	default:
		panic("jsonpath: invariant broken: a reference path has names and indices only")
	}
}
