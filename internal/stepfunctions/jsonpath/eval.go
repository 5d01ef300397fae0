package jsonpath

import (
	"errors"
	"fmt"

	"tutti/internal/stepfunctions/data"
)

// Eval gives what the path has in a document: one value for a definite path, a list
// for every other. What is given shares its parts with the document. The error is a
// *NotFoundError for a definite path without a value, and for any path whose beginning,
// up to what makes it indefinite, is not there; or a *LimitError.
func (p *Path) Eval(root any) (any, error) {
	e := &evaluation{path: p, root: root}
	return e.eval(p, root)
}

// evaluation is one call of Eval.
type evaluation struct {
	path  *Path // for errors
	root  any   // what $ means in a filter
	spent int
	// complete makes a member that is missing anywhere an error, as a filter demands
	// that asks whether something is there.
	complete bool
}

// spend pays for steps.
func (e *evaluation) spend(n int) error {
	if e.spent += n; e.spent > MaxSteps {
		return &LimitError{Path: e.path.text, What: "its evaluation takes too many steps", Limit: MaxSteps}
	}
	return nil
}

func (e *evaluation) eval(p *Path, start any) (any, error) {
	w := walk{evaluation: e, path: p}
	if !p.definite {
		w.found = []any{}
	}
	if err := w.follow(0, start, true); err != nil {
		return nil, err
	}
	if !p.definite {
		return w.found, nil
	}
	if len(w.found) == 0 {
		return nil, w.missing(len(p.steps)-1, "there is no such element")
	}
	return w.found[0], nil
}

// walk follows one path and gathers what it finds.
type walk struct {
	*evaluation
	path  *Path
	found []any
}

// missing says that the search ended at step i.
func (w *walk) missing(i int, what string, args ...any) *NotFoundError {
	where := string(w.path.root)
	for _, s := range w.path.steps[:i+1] {
		where += s.String()
	}
	return &NotFoundError{Path: w.path.text, Where: where, What: fmt.Sprintf(what, args...)}
}

// follow applies the steps from i on to a value. definite tells that all steps before
// led to one place, so that what is missing is an error.
func (w *walk) follow(i int, v any, definite bool) error {
	if err := w.spend(1); err != nil {
		return err
	}
	if i == len(w.path.steps) {
		if len(w.found) == MaxFound {
			return &LimitError{Path: w.evaluation.path.text, What: "it finds too many values", Limit: MaxFound}
		}
		w.found = append(w.found, v)
		return nil
	}
	switch s := w.path.steps[i].(type) {
	case members:
		return w.members(i, s, v, definite)
	case indices:
		return w.elements(i, v, definite, func(list []any) error {
			for _, at := range s {
				if err := w.element(i, list, at, definite && len(s) == 1); err != nil {
					return err
				}
			}
			return nil
		})
	case slice:
		return w.elements(i, v, definite, func(list []any) error { return w.slice(i, s, list) })
	case wildcard:
		return w.children(v, func(child any) error { return w.follow(i+1, child, false) })
	case scan:
		return w.scan(i, v)
	case filter:
		return w.filter(i, s, v, definite)
	default:
		panic("jsonpath: invariant broken: a step of no kind")
	}
}

func (w *walk) members(i int, names members, v any, definite bool) error {
	o, ok := v.(*data.Object)
	last := i == len(w.path.steps)-1
	switch {
	case !ok && definite:
		return w.missing(i, "there is no object, but %s", article(data.Kind(v)))
	case !ok:
		return nil
	case len(names) > 1 && last:
		return w.merge(i, names, o)
	}
	for _, name := range names {
		child, ok := o.Get(name)
		if !ok {
			if definite && len(names) == 1 || w.complete {
				err := w.missing(i, "there is no such member")
				err.within = !last
				return err
			}
			continue
		}
		if err := w.follow(i+1, child, definite && len(names) == 1); err != nil {
			return err
		}
	}
	return nil
}

// merge makes one object of several members; those that are missing are left out.
func (w *walk) merge(i int, names members, o *data.Object) error {
	merged := data.NewObject(len(names))
	for _, name := range names {
		if err := w.spend(1); err != nil {
			return err
		}
		if child, ok := o.Get(name); ok {
			merged.Set(name, child)
		} else if w.complete {
			return w.missing(i, "there is no such member")
		}
	}
	return w.follow(i+1, merged, false)
}

func article(kind string) string {
	switch kind {
	case "array", "object":
		return "an " + kind
	case "null":
		return kind
	}
	return "a " + kind
}

func (w *walk) elements(i int, v any, definite bool, do func([]any) error) error {
	list, ok := v.([]any)
	if ok {
		return do(list)
	}
	if definite {
		return w.missing(i, "there is no array, but %s", article(data.Kind(v)))
	}
	return nil
}

// element follows one element, counted from the end when the index is negative; one
// that is not there is left out.
func (w *walk) element(i int, list []any, at int, definite bool) error {
	if at < 0 {
		at += len(list)
	}
	if at < 0 || at >= len(list) {
		return w.spend(1)
	}
	return w.follow(i+1, list[at], definite)
}

// slice goes over the indices from "from" up to "to". As in the library, a start below
// zero before an end is not clamped: [-2:2] takes the last two and the first two, and
// [1:-1] nothing.
func (w *walk) slice(i int, s slice, list []any) error {
	from, to := s.from, len(list)
	switch {
	case s.hasFrom && s.hasTo:
		to = min(s.to, len(list))
		from = max(from, -len(list))
	case s.hasFrom && from < 0:
		from = max(0, from+len(list))
	case s.hasTo && s.to < 0:
		to = s.to + len(list)
	case s.hasTo:
		to = min(s.to, len(list))
	}
	for at := from; at < to; at++ {
		if err := w.element(i, list, at, false); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) children(v any, do func(any) error) error {
	switch v := v.(type) {
	case []any:
		for _, child := range v {
			if err := do(child); err != nil {
				return err
			}
		}
	case *data.Object:
		for _, m := range v.Members() {
			if err := do(m.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

// scan applies the rest of the path to the value and then, in order, to all that lies
// in it.
func (w *walk) scan(i int, v any) error {
	if err := w.spend(1); err != nil {
		return err
	}
	if err := w.visit(i+1, v); err != nil {
		return err
	}
	return w.children(v, func(child any) error { return w.scan(i, child) })
}

// visit applies step i and the rest to a value that a scan has come to. Names are tried
// only where all of them are. A filter that ends a path is tried as the library does,
// on the elements of an array only when it accepts the array itself; with more steps
// behind it, every value is judged once.
func (w *walk) visit(i int, v any) error {
	last := i == len(w.path.steps)-1
	list, isList := v.([]any)
	switch s := w.path.steps[i].(type) {
	case members:
		o, ok := v.(*data.Object)
		if !ok || s.definite(last) && !hasAll(o, s) {
			return nil
		}
	case filter:
		if isList && !last {
			return w.filterScalars(i, s, list)
		}
		if isList {
			if ok, err := w.accepts(s, list); err != nil || !ok {
				return err
			}
		}
	}
	return w.follow(i, v, false)
}

func hasAll(o *data.Object, names members) bool {
	for _, name := range names {
		if _, ok := o.Get(name); !ok {
			return false
		}
	}
	return true
}

// filterScalars leaves out objects, which the scan comes to by themselves.
func (w *walk) filterScalars(i int, f filter, list []any) error {
	for _, item := range list {
		if _, isObject := item.(*data.Object); isObject {
			continue
		}
		if err := w.filtered(i, f, item); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) filter(i int, f filter, v any, definite bool) error {
	switch v := v.(type) {
	case *data.Object:
		return w.filtered(i, f, v)
	case []any:
		for _, item := range v {
			if err := w.filtered(i, f, item); err != nil {
				return err
			}
		}
		return nil
	}
	if definite {
		return w.missing(i, "a filter takes an object or an array, but there is %s", article(data.Kind(v)))
	}
	return nil
}

func (w *walk) filtered(i int, f filter, item any) error {
	ok, err := w.accepts(f, item)
	if err != nil || !ok {
		return err
	}
	return w.follow(i+1, item, false)
}

// errRefused ends a condition over an item that cannot be judged, which refuses the
// item whatever the rest of the condition says.
var errRefused = errors.New("the comparison has no meaning for these values")

func (e *evaluation) accepts(f filter, item any) (bool, error) {
	if err := e.spend(1); err != nil {
		return false, err
	}
	ok, err := f.condition.accepts(e, item)
	if errors.Is(err, errRefused) {
		return false, nil
	}
	return ok, err
}

func (c every) accepts(e *evaluation, item any) (bool, error) {
	for _, part := range c {
		if ok, err := part.accepts(e, item); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

func (c either) accepts(e *evaluation, item any) (bool, error) {
	for _, part := range c {
		if ok, err := part.accepts(e, item); err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}

func (c not) accepts(e *evaluation, item any) (bool, error) {
	ok, err := c.condition.accepts(e, item)
	return !ok, err
}

func (c exists) accepts(e *evaluation, item any) (bool, error) {
	outer := e.complete
	e.complete = true
	_, ok, err := e.inner(c.path, item)
	e.complete = outer
	return ok, err
}

// inner evaluates a path of a filter from the item or the document.
func (e *evaluation) inner(p *Path, item any) (v any, ok bool, err error) {
	start := item
	if p.root != fromItem {
		start = e.root
	}
	v, err = e.eval(p, start)
	var missing *NotFoundError
	if errors.As(err, &missing) {
		return nil, false, nil
	}
	return v, err == nil, err
}
