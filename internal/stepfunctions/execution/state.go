package execution

import (
	"errors"
	"fmt"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/expression"
)

// enter begins the state that the scope is to enter next.
func (m *Machine) enter(s *scope) {
	state, ok := s.body.State(s.next)
	if !ok {
		panic(fmt.Sprintf("execution: invariant broken: there is no state %q", s.next))
	}
	f := &frame{scope: s, state: state, input: s.input, entered: m.now}
	f.used = make([]int64, len(state.Retry))
	s.frame, s.next, s.input = f, "", nil
	m.noteEntered(f)
	f.enteredID = s.previous
	if m.tooMany(s) {
		return
	}
	m.run(f)
}

// tooMany ends an execution whose history is too long.
func (m *Machine) tooMany(s *scope) bool {
	limit := m.start.Limits.Events
	if limit == 0 {
		limit = DefaultEvents
	}
	if s.history.count < limit {
		return false
	}
	s.history.full = true
	outermost := s.outermost()
	m.abort(outermost, Runtime)
	m.endScope(outermost, failure{name: Runtime, cause: fmt.Sprintf("The execution reached the maximum number of history events (%d).", limit)})
	return true
}

// run carries out a state, or one more attempt at it.
func (m *Machine) run(f *frame) {
	var err error
	if f.effective, err = m.path(f, f.state.InputPath, f.input); err != nil {
		m.fail(f, asFailure(err))
		return
	}
	switch f.state.Type {
	case definition.TypePass:
		m.runPass(f)
	case definition.TypeChoice:
		m.runChoice(f)
	case definition.TypeWait:
		m.runWait(f)
	case definition.TypeSucceed:
		m.leave(f, outcome{result: f.effective, onInput: true}, "", nil)
	case definition.TypeFail:
		m.runFail(f)
	case definition.TypeTask:
		m.runTask(f)
	case definition.TypeParallel:
		m.runParallel(f)
	case definition.TypeMap:
		m.runMap(f)
	default:
		panic(fmt.Sprintf("execution: invariant broken: a state of type %q", f.state.Type))
	}
}

// runPass hands on the input, or what the state makes of it.
func (m *Machine) runPass(f *frame) {
	result := f.effective
	var err error
	switch {
	case f.state.Pass.HasResult:
		result = f.state.Pass.Result
	case f.state.Arguments != nil:
		result, err = f.state.Arguments.Eval(m.scopeOf(f, f.effective))
	}
	if err != nil {
		m.fail(f, asFailure(err))
		return
	}
	m.leave(f, outcome{result: result}, f.state.Next, f.state.Assign)
}

// runFail ends the scope.
func (m *Machine) runFail(f *frame) {
	var why failure
	for _, part := range []struct {
		expr expression.Expr
		to   *string
		name string
	}{{f.state.Fail.Error, &why.name, "Error"}, {f.state.Fail.Cause, &why.cause, "Cause"}} {
		if part.expr == nil {
			continue
		}
		v, err := part.expr.Eval(m.scopeOf(f, f.effective))
		if err != nil {
			m.fail(f, asFailure(err))
			return
		}
		text, ok := v.(string)
		if !ok {
			m.fail(f, failure{name: f.typeError(), cause: fmt.Sprintf("The %s of the state '%s' must be a string, and is: %s",
				part.name, f.state.Name, data.Encode(v))})
			return
		}
		*part.to = text
	}
	m.endScope(f.scope, why)
}

// typeError is the name of the error of a field whose value has the wrong type.
func (f *frame) typeError() string {
	if f.state.QueryLanguage == definition.JSONata {
		return queryEvaluationError
	}
	return Runtime
}

// outcome is what a state made, before it becomes its output.
type outcome struct {
	// result is the task's or group's result, or what Pass hands on.
	result any
	// output is the field that makes the output, of JSONata states; nil is the default.
	output expression.Expr
	// onInput: the state has no result of its own (Choice, Wait, Succeed).
	onInput bool
}

// leave makes the state's output and goes on; an empty next ends the scope.
func (m *Machine) leave(f *frame, o outcome, next string, assign []definition.Assignment) {
	output, assigned, err := m.output(f, o, assign)
	if err == nil {
		err = m.checkSize(f, output)
	}
	if err != nil {
		m.fail(f, asFailure(err))
		return
	}
	s := f.scope
	if assigned != nil {
		s.variables.set(assigned)
	}
	m.noteExited(f, output, assigned)
	if next == "" {
		m.succeedScope(s, output)
		return
	}
	m.to(s, next, output)
}

// output computes a state's output and its new variables. All fields see the
// variables as they were when the state was entered.
func (m *Machine) output(f *frame, o outcome, assign []definition.Assignment) (any, *data.Object, error) {
	if f.state.QueryLanguage == definition.JSONata {
		sc := m.scopeOf(f, f.input)
		output := f.input
		if f.hasResult() {
			sc.Result, sc.HasResult, output = o.result, true, o.result
		}
		assigned, err := evalAssign(sc, assign)
		if err != nil {
			return nil, nil, err
		}
		expr := o.output
		if expr == nil {
			expr = f.state.Output
		}
		if expr != nil {
			output, err = expr.Eval(sc)
		}
		return output, assigned, err
	}
	assigned, err := evalAssign(m.scopeOf(f, o.result), assign)
	if err != nil {
		return nil, nil, err
	}
	result := o.result
	if f.state.ResultSelector != nil {
		if result, err = f.state.ResultSelector.Eval(m.scopeOf(f, result)); err != nil {
			return nil, nil, err
		}
	}
	if !o.onInput {
		if result, err = place(f.state.ResultPath, f.input, result); err != nil {
			return nil, nil, err
		}
	}
	output, err := m.path(f, f.state.OutputPath, result)
	return output, assigned, err
}

// hasResult: only these have $states.result.
func (f *frame) hasResult() bool {
	switch f.state.Type {
	case definition.TypeTask, definition.TypeParallel, definition.TypeMap:
		return true
	}
	return false
}

// place puts a result into the input where ResultPath says.
func place(p *definition.ResultPath, input, result any) (any, error) {
	switch {
	case p == nil:
		return result, nil
	case p.Null:
		return input, nil
	}
	return p.Set(input, result)
}

// path applies InputPath or OutputPath.
func (m *Machine) path(f *frame, p *definition.Path, v any) (any, error) {
	switch {
	case p == nil:
		return v, nil
	case p.Null:
		return &data.Object{}, nil
	}
	return p.Expr.Eval(m.scopeOf(f, v))
}

// evalAssign gives the variables to set; nil is none.
func evalAssign(sc *expression.Scope, assign []definition.Assignment) (*data.Object, error) {
	if len(assign) == 0 {
		return nil, nil
	}
	o := data.NewObject(len(assign))
	for _, a := range assign {
		v, err := a.Value.Eval(sc)
		if err != nil {
			return nil, err
		}
		o.Set(a.Name, v)
	}
	return o, nil
}

// checkSize bounds a payload. What has not changed was checked before.
func (m *Machine) checkSize(f *frame, v any) error {
	limit := m.start.Limits.Payload
	if limit == 0 {
		limit = DefaultPayload
	}
	if o, ok := v.(*data.Object); ok {
		if same, ok := f.input.(*data.Object); ok && same == o {
			return nil
		}
	}
	if data.Size(v, limit) <= limit || len(data.Encode(v)) <= limit {
		return nil
	}
	return &expression.Error{Name: DataLimitExceeded,
		Cause: fmt.Sprintf("The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.", f.state.Name)}
}

func asFailure(err error) failure {
	var e *expression.Error
	if !errors.As(err, &e) {
		panic(fmt.Sprintf("execution: invariant broken: an expression failed with %T: %v", err, err))
	}
	return failure{name: e.Name, cause: e.Cause, evaluation: true}
}

// succeedScope hands a scope's output to whoever it belongs to.
func (m *Machine) succeedScope(s *scope, output any) {
	s.done, s.frame = true, nil
	if s.owner != nil {
		m.childSucceeded(s, output)
		return
	}
	m.note(s, "ExecutionSucceeded", func() *data.Object { return payload("output", output) })
	m.drop(&m.timeout)
	m.end = completed(output)
}

// endScope fails a scope.
func (m *Machine) endScope(s *scope, why failure) {
	if s.owner != nil {
		m.childFailed(s, why)
		return
	}
	s.dropped = true
	m.note(s, "ExecutionFailed", failed(why.name, why.cause))
	m.drop(&m.timeout)
	m.over(terminal(why))
}
