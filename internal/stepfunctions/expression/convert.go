package expression

import (
	"fmt"
	"strings"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/intrinsic"
)

// OfKind gives an expression that fails unless its value is of one of these types of
// JSON (data.Kind). What is constant has been checked with the definition.
func OfKind(e Expr, kinds ...string) Expr {
	if _, ok := e.(Constant); ok {
		return e
	}
	return &checked{e, func(v any) string {
		for _, k := range kinds {
			if data.Kind(v) == k {
				return ""
			}
		}
		return unexpected(kinds[0], v)
	}}
}

// Number gives an expression that fails unless its value is a number from low to high,
// and a whole one where whole is set.
func Number(e Expr, whole bool, low, high float64) Expr {
	if _, ok := e.(Constant); ok {
		return e
	}
	return &checked{e, func(v any) string {
		f, ok := data.Float(v)
		switch {
		case !ok:
			return unexpected("number", v)
		case f < low:
			return fmt.Sprintf("gave a value out of range: %s, which must be at least %s", data.Encode(v), data.AppendFloat(nil, low))
		case f > high:
			return fmt.Sprintf("gave a value out of range: %s, which must be at most %s", data.Encode(v), data.AppendFloat(nil, high))
		}
		if _, ok := data.Int(v); whole && !ok {
			return fmt.Sprintf("gave %s, which is not a whole number", data.Encode(v))
		}
		return ""
	}}
}

// Timestamp gives an expression that fails unless its value is a timestamp.
func Timestamp(e Expr) Expr {
	if _, ok := e.(Constant); ok {
		return e
	}
	return &checked{e, func(v any) string {
		s, ok := v.(string)
		if !ok {
			return unexpected("string", v)
		}
		if _, ok := ParseTimestamp(s); !ok {
			return fmt.Sprintf("gave %s, which is not a timestamp as RFC 3339 writes it, such as 2030-01-31T12:00:00Z", data.Encode(v))
		}
		return ""
	}}
}

func unexpected(want string, v any) string {
	return fmt.Sprintf("returned an unexpected result type. Expected '%s', but was '%s' for value: %s", want, data.Kind(v), intrinsic.Excerpt(v))
}

// ItemsAt gives the list or object that a path made by Reference leads to, and fails for
// anything else in the service's own words.
func ItemsAt(reference Expr) Expr { return itemsAt{reference.(*path)} }

type itemsAt struct{ *path }

// Eval implements Expr.
func (e itemsAt) Eval(s *Scope) (any, error) {
	v, err := e.path.Eval(s)
	if err != nil {
		return nil, err
	}
	if k := data.Kind(v); k == "array" || k == "object" {
		return v, nil
	}
	// The service leaves out one of the two dollar signs of a path into the context.
	shown := e.path.path.String()
	if strings.HasPrefix(shown, "$$") {
		shown = shown[1:]
	}
	return nil, &Error{Runtime, fmt.Sprintf("Reference path %q must point to array.", shown)}
}

// checked looks at the value of another expression; wrong tells what is wrong with it.
type checked struct {
	Expr
	wrong func(any) string
}

// Eval implements Expr.
func (e *checked) Eval(s *Scope) (any, error) {
	v, err := e.Expr.Eval(s)
	if err != nil {
		return nil, err
	}
	if wrong := e.wrong(v); wrong != "" {
		name, text := Runtime, "The expression"
		if o, ok := e.Expr.(interface{ origin() (string, string) }); ok {
			name, text = o.origin()
		}
		return nil, &Error{name, text + " " + wrong}
	}
	return v, nil
}
