package jinja

import (
	"errors"
	"fmt"
	"strings"

	"tutti/internal/ansible/value"
)

// force gives what a value is when it is used: a template is rendered, text of the vault is
// decrypted. Containers stay as they are; their items are forced when they are used.
func (st *state) force(v any) (any, error) {
	switch v := v.(type) {
	case *value.Template:
		return st.render(v)
	case *value.Vaulted:
		return st.decrypt(v)
	default:
		return v, nil
	}
}

func (st *state) decrypt(v *value.Vaulted) (any, error) {
	if st.ctx.Decrypt == nil {
		return &value.Undefined{Err: &Plain{"Attempt to use undecryptable variable."}}, nil
	}
	text, err := st.ctx.Decrypt(v)
	if err != nil {
		if fatal(err) {
			return nil, err
		}
		return &value.Undefined{Err: fmt.Errorf("Attempt to use undecryptable variable: %w", err)}, nil // Ansible's words
	}
	if st.env.options.Syntax.Holds(text) {
		return st.render(&value.Template{Text: text, Origin: v.Origin})
	}
	return text, nil
}

// render gives what a variable's template is in the caller's variables: the template that
// uses it has names of its own, which that one does not see. What goes wrong becomes
// something undefined, so that it only matters when it is used.
func (st *state) render(t *value.Template) (any, error) {
	if v, ok := st.rendered[t]; ok {
		return v, nil
	}
	for _, on := range st.rendering {
		if on == t {
			return nil, st.loop(t)
		}
	}
	if err := st.enter(); err != nil {
		return nil, err
	}
	st.rendering = append(st.rendering, t)
	template, line := st.template, st.line
	v, err := st.nested(t)
	st.template, st.line = template, line
	st.rendering = st.rendering[:len(st.rendering)-1]
	st.depth--
	if err != nil {
		return nil, err
	}
	if st.rendered == nil {
		st.rendered = map[*value.Template]any{}
	}
	st.rendered[t] = v
	return v, nil
}

func (st *state) nested(t *value.Template) (any, error) {
	parsed, err := st.env.ParseTemplate(t)
	if err == nil {
		embedded := st.embedded
		st.embedded = false
		var v any
		v, err = parsed.run(st)
		st.embedded = embedded
		if err == nil {
			return v, nil
		}
	}
	var tripped *trip
	if errors.As(err, &tripped) && tripped.u.Err == nil {
		return tripped.u, nil
	}
	if fatal(err) {
		return nil, err
	}
	if parsed != nil {
		st.template = parsed
		err = st.errorOf(err)
	}
	return &value.Undefined{Err: err}, nil
}

// loop is the error about variables that need each other.
func (st *state) loop(t *value.Template) error {
	var ring []string
	for i := len(st.rendering) - 1; i >= 0; i-- {
		ring = append([]string{strings.TrimSpace(st.rendering[i].Text)}, ring...)
		if st.rendering[i] == t {
			break
		}
	}
	return &Error{Message: "Recursive loop detected in template: " + strings.Join(append(ring, strings.TrimSpace(t.Text)), " -> "),
		Origin: t.Origin, Source: t.Text}
}

// inside is what a container turned out to hold.
type inside struct {
	undefined *value.Undefined
	unknown   *value.Unknown
}

// settle renders everything within a value. What does not change is not copied. Something
// undefined or unknown stays where it is and is told; so is an omit.
func (st *state) settle(v any) (any, inside, error) {
	w := walker{st: st}
	v, err := w.walk(v, 0)
	return v, w.inside, err
}

type walker struct {
	st *state
	inside
	// final makes what may leave a template: lists of tuples, without omit.
	final bool
	// text says that this is for text, where any value may stand.
	text bool
}

func (w *walker) walk(v any, depth int) (any, error) {
	switch x := v.(type) {
	case string, nil, bool, int64, float64:
		return v, nil
	case *value.Template, *value.Vaulted:
		forced, err := w.st.force(v)
		if err != nil {
			return nil, err
		}
		return w.walk(forced, depth)
	case *value.List:
		if err := w.down(depth, len(x.Items)); err != nil {
			return nil, err
		}
		return w.list(x, depth)
	case *value.Dict:
		if err := w.down(depth, x.Len()); err != nil {
			return nil, err
		}
		return w.dict(x, depth)
	case *value.Undefined:
		if w.undefined == nil && !x.Lenient {
			w.undefined = x
		}
		return x, nil
	case *value.Unknown:
		if w.unknown == nil {
			w.unknown = x
		}
		return x, nil
	}
	if w.final {
		return w.finalOther(v, depth)
	}
	return v, nil
}

func (w *walker) down(depth, n int) error {
	if depth > maxContainers {
		return &Limit{"levels of lists and dicts", maxContainers}
	}
	return w.st.step(1 + n/4)
}

func (w *walker) list(l *value.List, depth int) (any, error) {
	out := l
	if w.final {
		out = &value.List{Items: make([]any, 0, len(l.Items))}
	}
	for i, x := range l.Items {
		if w.final && x == (any)(Omit{}) {
			continue
		}
		y, err := w.walk(x, depth+1)
		if err != nil {
			return nil, err
		}
		switch {
		case w.final:
			if y != (any)(Omit{}) {
				out.Items = append(out.Items, y)
			}
		case out == l && !same(x, y):
			out = &value.List{Items: append(make([]any, 0, len(l.Items)), l.Items...), Tuple: l.Tuple}
			out.Items[i] = y
		case out != l:
			out.Items[i] = y
		}
	}
	return out, nil
}

func (w *walker) dict(d *value.Dict, depth int) (any, error) {
	out := d
	if w.final {
		out = &value.Dict{}
	}
	for k, x := range d.All() {
		y, err := w.walk(x, depth+1)
		if err != nil {
			return nil, err
		}
		switch {
		case w.final:
			if y == (any)(Omit{}) {
				continue
			}
			if _, tuple := k.(*value.List); tuple {
				return nil, errors.New("unhashable type: 'list'") // a tuple becomes a list here
			}
			out.Set(k, y)
		case out == d && !same(x, y):
			out = d.Shallow()
			out.Set(k, y)
		case out != d:
			out.Set(k, y)
		}
	}
	return out, nil
}

// same tells whether a value was left alone.
func same(a, b any) bool {
	switch a := a.(type) {
	case *value.Template, *value.Vaulted:
		return false
	case *value.List, *value.Dict:
		return a == b
	default:
		return true
	}
}

// finalOther makes what only templates know into something that may leave them.
func (w *walker) finalOther(v any, depth int) (any, error) {
	switch v := v.(type) {
	case *value.Time, Omit:
		return v, nil
	case *Module:
		return w.walk(v.text, depth)
	case Mapping:
		d := &value.Dict{}
		for _, k := range v.Keys() {
			x, _, err := v.Item(k)
			if err != nil {
				return nil, err
			}
			if x, err = w.walk(x, depth+1); err != nil {
				return nil, err
			}
			d.Set(k, x)
		}
		return d, nil
	}
	if w.text {
		return v, nil
	}
	return nil, fmt.Errorf("Type '%s' is unsupported for variable storage.", value.TypeName(v)) // Ansible's words
}

// finish makes a result into what may leave a template.
func (st *state) finish(v any) (any, error) {
	w := walker{st: st, final: true}
	v, err := w.walk(v, 0)
	if err == nil && w.undefined != nil {
		err = &trip{w.undefined}
	}
	if u, ok := v.(*value.Undefined); ok && err == nil { // what "x if false" gives
		err = fmt.Errorf("Type '%s' is unsupported for variable storage.", value.TypeName(u)) // Ansible's words
	}
	return v, err
}
