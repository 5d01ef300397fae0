// Package expression evaluates the Jinja of constructed groups: it gives package source the
// Evaluator that it asks for. An environment with its filters goes in. It must not know what
// the expressions are for.
package expression

import (
	"errors"
	"fmt"

	"tutti/internal/ansible/inventory/source"
	"tutti/internal/ansible/jinja"
	"tutti/internal/ansible/value"
)

// Evaluator evaluates with one environment. Context has what is not the host's: the time, a
// seed, how to decrypt; its Variables are not used.
type Evaluator struct {
	Environment *jinja.Environment
	Context     jinja.Context
}

var _ source.Evaluator = (*Evaluator)(nil)

func (e *Evaluator) with(vars *value.Dict) jinja.Context {
	c := e.Context
	c.Variables = jinja.Dict{Dict: vars}
	return c
}

// Evaluate gives what an expression without delimiters is worth.
func (e *Evaluator) Evaluate(expression any, vars *value.Dict) (any, error) {
	var text string
	var at value.Origin
	switch x := expression.(type) {
	case string:
		text = x
	case *value.Template:
		text, at = x.Text, x.Origin
	default:
		return nil, fmt.Errorf("an expression must be a string, and is of type %s", value.TypeName(expression))
	}
	t, err := e.Environment.Expression(text, at)
	if err != nil {
		return nil, err
	}
	return known(t.Native(e.with(vars)))
}

// Condition tells whether a conditional holds.
func (e *Evaluator) Condition(conditional any, vars *value.Dict) (bool, error) {
	v, err := e.Environment.Condition(e.with(vars), conditional, value.Origin{}, jinja.Conditions{})
	if err != nil {
		return false, err
	}
	holds, ok := v.(bool)
	if !ok {
		return false, errUnknown
	}
	return holds, nil
}

// Template renders the templates within a value.
func (e *Evaluator) Template(v any, vars *value.Dict) (any, error) {
	return known(e.Environment.Resolve(e.with(vars), v))
}

var errUnknown = errors.New("the value is not known before the play runs")

// known refuses what is only known when a play runs: groups are made before that.
func known(v any, err error) (any, error) {
	switch v.(type) {
	case *value.Unknown:
		return nil, errUnknown
	case jinja.Omit:
		return nil, err
	}
	return v, err
}
