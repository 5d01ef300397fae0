package jinja

import (
	"errors"

	"tutti/internal/ansible/jinja/syntax"
	"tutti/internal/ansible/value"
)

// Native evaluates a template. One expression alone gives its own value, all else text,
// nothing at all nil. The result holds no template, and shares no list or dict with the
// variables; it may be, or hold, a *value.Unknown. It is Omit{} if the template gives omit.
func (t *Template) Native(c Context) (any, error) {
	st := t.env.state(c)
	v, err := t.run(st)
	if err == nil {
		v, err = st.finish(v)
	}
	if err != nil {
		return nil, t.done(st, err)
	}
	return v, nil
}

// done gives an error its place. The state knows where evaluation was.
func (t *Template) done(st *state, err error) error {
	if err == nil {
		return nil
	}
	if st.template == nil {
		st.template = t
	}
	return st.errorOf(err)
}

// Render evaluates a template to text, as the template module writes it.
func (t *Template) Render(c Context) (string, error) {
	v, err := t.Native(c)
	if err != nil {
		return "", err
	}
	st := t.env.state(c)
	st.template = t
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case Omit:
		return "", &Error{Message: omitted, Origin: t.origin, Source: t.source}
	}
	text, unknown, err := st.text(v)
	if unknown != nil {
		return "", &UnknownError{unknown}
	}
	return text, t.done(st, err)
}

const omitted = "A template was resolved to an Omit scalar."

// Resolve renders all templates within a value: the result is as that of Native.
func (e *Environment) Resolve(c Context, v any) (any, error) {
	switch x := v.(type) {
	case nil, bool, int64, float64, string:
		return v, nil
	case *value.Template:
		t, err := e.ParseTemplate(x)
		if err != nil {
			return nil, err
		}
		return t.Native(c)
	}
	st := e.state(c)
	st.template = &Template{env: e, tree: emptyTree()}
	v, err := st.force(v)
	if err == nil {
		v, err = st.finish(v)
	}
	if err != nil {
		return nil, st.errorOf(err)
	}
	return v, nil
}

// IsUndefined tells whether an error is that something is not defined.
func IsUndefined(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Reason == Undefined
}

func emptyTree() *syntax.Tree { return &syntax.Tree{} }
