package execution

import (
	"fmt"
	"time"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/expression"
)

// identity is what $$ says of an execution and its state machine.
type identity struct {
	execution    *data.Object
	stateMachine *data.Object
	arn          string
}

// timestamp is how $$ writes times.
const timestamp = "2006-01-02T15:04:05.000Z"

func instant(t time.Time) string { return t.UTC().Format(timestamp) }

func (m *Machine) identity(input any) *identity {
	e, s := m.start.Execution, m.start.StateMachine
	o := data.NewObject(7)
	o.Set("Id", e.ID)
	o.Set("Input", input)
	o.Set("Name", e.Name)
	if e.RoleARN != "" {
		o.Set("RoleArn", e.RoleARN)
	}
	o.Set("StartTime", instant(m.began))
	o.Set("RedriveCount", float64(m.redrives))
	if m.redrives > 0 {
		o.Set("RedriveTime", instant(m.redriven))
	}
	return &identity{execution: o, arn: e.ID,
		stateMachine: data.ObjectOf(data.Member{Key: "Id", Value: s.ID}, data.Member{Key: "Name", Value: s.Name})}
}

// scopeOf is what a state's expressions see, with this value as $ in JSONPath.
func (m *Machine) scopeOf(f *frame, input any) *expression.Scope {
	if f.state.QueryLanguage == definition.JSONata {
		input = f.input
	}
	return &expression.Scope{Input: input, Context: m.contextOf(f), Variable: f.scope.variables.get, Now: m.now, Random: m.random.float, UUID: m.random.uuid}
}

// contextOf makes the context object.
func (m *Machine) contextOf(f *frame) *data.Object {
	s := f.scope
	o := data.NewObject(5)
	o.Set("Execution", s.who.execution)
	o.Set("StateMachine", s.who.stateMachine)
	o.Set("State", data.ObjectOf(data.Member{Key: "Name", Value: f.state.Name}, data.Member{Key: "EnteredTime", Value: instant(f.entered)},
		data.Member{Key: "RetryCount", Value: float64(f.retries)}))
	if f.call != nil && f.call.token != "" {
		o.Set("Task", data.ObjectOf(data.Member{Key: "Token", Value: f.call.token}))
	}
	if it := s.item; it != nil {
		o.Set("Map", it.context())
	}
	return o
}

func (it *item) context() *data.Object {
	o := data.NewObject(4)
	o.Set("Index", float64(it.index))
	if it.key != nil {
		o.Set("Key", *it.key)
	}
	o.Set("Value", it.value)
	if it.source != "" {
		o.Set("Source", it.source)
	}
	return data.ObjectOf(data.Member{Key: "Item", Value: o})
}

// whole evaluates a field that gives a whole number from least to MaxWaitSeconds.
func (m *Machine) whole(f *frame, e expression.Expr, field string, least int64) (int64, *failure) {
	v, err := e.Eval(m.scopeOf(f, f.effective))
	if err != nil {
		why := asFailure(err)
		return 0, &why
	}
	n, ok := data.Int(v)
	if !ok || n < least || n > MaxWaitSeconds {
		return 0, &failure{name: f.typeError(), cause: fmt.Sprintf("The %s of the state '%s' must be a whole number from %d to %d, and is: %s",
			field, f.state.Name, least, MaxWaitSeconds, data.Encode(v))}
	}
	return n, nil
}
