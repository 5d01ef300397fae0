package expression

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/jsonata"
)

// IsJSONata reports whether a string of a JSONata state is an expression: it begins
// with {% and ends with %}, without blanks around them.
func IsJSONata(s string) bool {
	return strings.HasPrefix(s, jsonataOpen) && strings.HasSuffix(s, jsonataClose) && len(s) >= len(jsonataOpen)+len(jsonataClose)
}

const jsonataOpen, jsonataClose = "{%", "%}"

// JSONata compiles a string for which IsJSONata holds. field is where it stands, such as
// Output/total, for the messages of errors. The error is a *jsonata.Error, whose
// position counts from behind the opening {%.
func JSONata(field, text string) (Expr, error) {
	inner := text[len(jsonataOpen) : len(text)-len(jsonataClose)]
	e, err := jsonata.Parse(inner)
	if err != nil {
		return nil, err
	}
	q := &query{field: field, text: strings.TrimSpace(inner), expr: e}
	service := jsonata.Service(nil, nil)
	// Variables does not tell functions of the language that the service replaces.
	q.functions = slices.ContainsFunc(slices.Sorted(maps.Keys(service)), func(name string) bool { return strings.Contains(inner, "$"+name) })
	for _, name := range e.Variables() {
		_, added := service[name]
		switch {
		case name == "states":
			q.states = true
		case !added && name != "$":
			q.variables = append(q.variables, name)
		}
	}
	return q, nil
}

// References tells what the text of a string for which IsJSONata holds refers to. The
// error is that of JSONata.
func References(text string) (jsonata.References, error) {
	return jsonata.ReferencesOf(text[len(jsonataOpen) : len(text)-len(jsonataClose)])
}

// query is a JSONata expression in its field.
type query struct {
	field, text string
	expr        *jsonata.Expr
	// What the expression uses: variables of the workflow, $states, functions that the
	// service adds or takes away.
	variables         []string
	states, functions bool
}

var _ Expr = (*query)(nil)

// Eval implements Expr.
func (e *query) Eval(s *Scope) (any, error) {
	options := jsonata.Options{Now: s.Now, Random: s.Random, Variables: make(map[string]any, len(e.variables)+1)}
	for _, name := range e.variables {
		if v, ok := s.variable(name); ok {
			options.Variables[name] = v
		}
	}
	if e.states {
		options.Variables["states"] = s.states()
	}
	if e.functions {
		options.Functions = jsonata.Service(s.Random, s.UUID)
	}
	v, defined, err := e.expr.Eval(jsonata.Undefined, options)
	_, about := e.origin()
	switch {
	case err != nil:
		return nil, &Error{QueryEvaluationError, fmt.Sprintf("%s threw an error during evaluation. %s", about, described(err))}
	case !defined:
		return nil, &Error{QueryEvaluationError, about + " returned nothing (undefined)."}
	}
	return v, nil
}

func described(err error) string {
	var e *jsonata.Error
	if errors.As(err, &e) {
		return e.Code + ": " + e.Message
	}
	return err.Error()
}

// Names implements Expr.
func (e *query) Names(f func(string)) {
	for _, name := range e.variables {
		f(name)
	}
}

func (e *query) origin() (name, text string) {
	return QueryEvaluationError, fmt.Sprintf("The JSONata expression '%s' specified for the field '%s'", e.text, e.field)
}

// states is the value of $states.
func (s *Scope) states() *data.Object {
	o := data.NewObject(4)
	o.Set("input", s.Input)
	o.Set("context", s.Context)
	if s.HasResult {
		o.Set("result", s.Result)
	}
	if s.HasErrorOutput {
		o.Set("errorOutput", s.ErrorOutput)
	}
	return o
}
