package teststate

import (
	"errors"
	"fmt"
	"math"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/expression"
)

// trial is one state being tried.
type trial struct {
	request *Request
	state   *definition.State
	context *data.Object
	// assigned are the variables after the state; its own fields see those before.
	assigned   *data.Object
	inspection *data.Object
	// effective is the input after InputPath; next is where a Choice leads.
	effective any
	next      string
}

// note keeps what a field made, as text of JSON.
func (t *trial) note(field string, v any) { t.inspection.Set(field, string(data.Encode(v))) }

func (t *trial) jsonata() bool { return t.state.QueryLanguage == definition.JSONata }

// scope is what the state's expressions see, with this value as $ in JSONPath.
func (t *trial) scope(input any) *expression.Scope {
	if t.jsonata() {
		input = t.request.Input
	}
	return &expression.Scope{Input: input, Context: t.context, Variable: t.request.Variables.Get, Now: t.request.Now, Random: t.request.Random, UUID: t.request.UUID}
}

// run carries the state out, and sees what becomes of a failure.
func (t *trial) run() *Response {
	t.note("input", t.request.Input)
	output, err := t.attempt()
	if err == nil {
		return &Response{Status: Succeeded, Output: output, HasOutput: true, NextState: t.next}
	}
	failed, ok := err.(*Failure)
	var e *expression.Error
	if errors.As(err, &e) {
		failed, ok = &Failure{e.Name, e.Cause}, true
	}
	if !ok {
		panic(fmt.Sprintf("teststate: invariant broken: a state failed with %T", err))
	}
	return t.handle(failed)
}

// attempt gives the state's output.
func (t *trial) attempt() (any, error) {
	var err error
	if t.effective, err = t.path(t.state.InputPath, t.request.Input); err != nil {
		return nil, err
	}
	if p := t.state.Pass; !t.jsonata() && (p == nil || !p.HasResult) {
		t.note("afterInputPath", t.effective)
	}
	t.next = t.state.Next
	switch t.state.Type {
	case definition.TypePass:
		return t.pass()
	case definition.TypeChoice:
		return t.choice()
	case definition.TypeFail:
		return nil, t.fail()
	case definition.TypeWait:
		if err := t.wait(); err != nil {
			return nil, err
		}
		return t.handOn(t.state.Output, t.state.Assign)
	case definition.TypeSucceed:
		return t.handOn(t.state.Output, nil)
	default:
		return t.work()
	}
}

func (t *trial) path(p *definition.Path, v any) (any, error) {
	switch {
	case p == nil:
		return v, nil
	case p.Null:
		return &data.Object{}, nil
	}
	return p.Expr.Eval(t.scope(v))
}

func (t *trial) pass() (any, error) {
	if t.jsonata() {
		return t.handOn(t.state.Output, t.state.Assign)
	}
	result := t.effective
	switch {
	case t.state.Pass.HasResult:
		result = t.state.Pass.Result
		t.note("result", result)
	default:
		var err error
		if t.state.Arguments != nil {
			if result, err = t.state.Arguments.Eval(t.scope(t.effective)); err != nil {
				return nil, err
			}
		}
		t.note("afterParameters", result)
	}
	return t.finish(result)
}

// choice goes on with the first rule that holds.
func (t *trial) choice() (any, error) {
	for _, rule := range t.state.Choice.Rules {
		v, err := rule.Condition.Eval(t.scope(t.effective))
		if err != nil {
			return nil, err
		}
		if v == true {
			t.next = rule.Next
			output := rule.Output
			if output == nil {
				output = t.state.Output
			}
			return t.handOn(output, rule.Assign)
		}
	}
	if t.next = t.state.Choice.Default; t.next == "" {
		return nil, &Failure{execution.NoChoiceMatched, "No choice rule of the state '" + t.state.Name + "' matched, and it has no Default"}
	}
	return t.handOn(t.state.Output, t.state.Assign)
}

func (t *trial) wait() error {
	e := t.state.Wait.Seconds
	if e == nil {
		e = t.state.Wait.Timestamp
	}
	_, err := e.Eval(t.scope(t.effective))
	return err
}

func (t *trial) fail() error {
	failed := &Failure{}
	for _, part := range []struct {
		expr expression.Expr
		to   *string
	}{{t.state.Fail.Error, &failed.Name}, {t.state.Fail.Cause, &failed.Cause}} {
		if part.expr == nil {
			continue
		}
		v, err := part.expr.Eval(t.scope(t.effective))
		if err != nil {
			return err
		}
		*part.to, _ = v.(string)
	}
	return failed
}

// handOn gives the output of a state without a result of its own.
func (t *trial) handOn(output expression.Expr, assign []definition.Assignment) (any, error) {
	sc := t.scope(t.effective)
	if err := t.assign(sc, assign); err != nil {
		return nil, err
	}
	switch {
	case !t.jsonata():
		return t.path(t.state.OutputPath, t.effective)
	case output == nil:
		return t.request.Input, nil
	}
	return output.Eval(sc)
}

// assign sets variables.
func (t *trial) assign(sc *expression.Scope, assign []definition.Assignment) error {
	if len(assign) == 0 {
		return nil
	}
	for _, a := range assign {
		v, err := a.Value.Eval(sc)
		if err != nil {
			return err
		}
		t.assigned = t.assigned.With(a.Name, v)
	}
	return nil
}

// work is what Task, Map and Parallel do.
func (t *trial) work() (any, error) {
	arguments := t.effective
	var err error
	if e := t.state.Arguments; e != nil {
		if arguments, err = e.Eval(t.scope(t.effective)); err != nil {
			return nil, err
		}
	}
	switch {
	case t.state.Map != nil:
		if err := t.items(); err != nil {
			return nil, err
		}
	case !t.jsonata():
		t.note("afterParameters", arguments)
	case t.state.Arguments != nil:
		t.note("afterArguments", arguments)
	}
	result, failed := t.result(arguments)
	if failed != nil {
		return nil, failed
	}
	if t.state.Map == nil {
		t.note("result", result)
	}
	if !t.jsonata() {
		return t.finish(result)
	}
	sc := t.scope(nil)
	sc.Result, sc.HasResult = result, true
	if err := t.assign(sc, t.state.Assign); err != nil {
		return nil, err
	}
	if t.state.Output == nil {
		return result, nil
	}
	return t.state.Output.Eval(sc)
}

// result is the mocked one, or that of the call.
func (t *trial) result(arguments any) (any, error) {
	m := t.request.Mock
	switch {
	case m == nil:
		return t.call(arguments)
	case m.Error != nil:
		return nil, m.Error
	case t.tooManyFailures():
		return nil, &Failure{execution.ExceedToleratedFailure, "The specified tolerated failure threshold was exceeded"}
	}
	return m.Result, nil
}

func (t *trial) call(arguments any) (any, error) {
	if t.request.Call == nil {
		panic("teststate: invariant broken: a task without a mock, and nothing to call it with")
	}
	call := execution.Call{Resource: t.state.Task.Resource, Arguments: data.Encode(arguments), Execution: t.request.Execution.ID, State: t.state.Name, Attempt: t.request.RetryCount}
	if e := t.state.Task.RoleARN; e != nil {
		v, err := e.Eval(t.scope(t.effective))
		if err != nil {
			return nil, err
		}
		call.RoleARN, _ = v.(string)
	}
	output, failed := t.request.Call(call)
	if failed != nil {
		return nil, failed
	}
	return output, nil
}

// finish takes a result through ResultSelector, ResultPath and OutputPath (JSONPath).
func (t *trial) finish(result any) (any, error) {
	if err := t.assign(t.scope(result), t.state.Assign); err != nil {
		return nil, err
	}
	var err error
	if e := t.state.ResultSelector; e != nil {
		if result, err = e.Eval(t.scope(result)); err != nil {
			return nil, err
		}
	}
	t.note("afterResultSelector", result)
	switch p := t.state.ResultPath; {
	case p == nil:
	case p.Null:
		result = t.request.Input
	default:
		if result, err = p.Set(t.request.Input, result); err != nil {
			return nil, err
		}
	}
	t.note("afterResultPath", result)
	return t.path(t.state.OutputPath, result)
}

// handle sees what becomes of a failure: another attempt, a catcher, the end.
func (t *trial) handle(f *Failure) *Response {
	branch := t.request.ErrorCausedByState != "" || t.state.Map != nil || t.state.Parallel != nil
	response := &Response{Status: Failed, Error: f.Name, Cause: f.Cause}
	details := &data.Object{}
	for i, r := range t.state.Retry {
		if f.Name == execution.Runtime || !execution.Matches(r.ErrorEquals, f.Name, branch) {
			continue
		}
		if t.request.RetryCount >= r.MaxAttempts {
			break
		}
		details.Set("retryIndex", float64(i))
		details.Set("retryBackoffIntervalSeconds", backoff(r, t.request.RetryCount))
		t.inspection.Set("errorDetails", details)
		response.Status = Retriable
		return response
	}
	for i := range t.state.Catch {
		c := &t.state.Catch[i]
		if !execution.Matches(c.ErrorEquals, f.Name, branch) {
			continue
		}
		details.Set("catchIndex", float64(i))
		t.inspection.Set("errorDetails", details)
		output, err := t.caught(c, f)
		var e *expression.Error
		if errors.As(err, &e) {
			return &Response{Status: Failed, Error: e.Name, Cause: e.Cause}
		}
		response.Status, response.NextState, response.Output, response.HasOutput = CaughtError, c.Next, output, true
		return response
	}
	return response
}

// backoff is how many seconds a retrier waits after so many attempts, without jitter.
func backoff(r definition.Retrier, attempts int64) float64 {
	seconds := float64(r.IntervalSeconds) * math.Pow(r.BackoffRate, float64(attempts))
	if r.MaxDelaySeconds > 0 {
		seconds = min(seconds, float64(r.MaxDelaySeconds))
	}
	return math.Floor(seconds)
}

func (t *trial) caught(c *definition.Catcher, f *Failure) (any, error) {
	errorOutput := data.ObjectOf(data.Member{Key: "Error", Value: f.Name}, data.Member{Key: "Cause", Value: f.Cause})
	sc := t.scope(errorOutput)
	if t.jsonata() {
		sc.ErrorOutput, sc.HasErrorOutput = errorOutput, true
	}
	if err := t.assign(sc, c.Assign); err != nil {
		return nil, err
	}
	switch {
	case t.jsonata() && c.Output == nil, !t.jsonata() && c.ResultPath == nil:
		return errorOutput, nil
	case t.jsonata():
		return c.Output.Eval(sc)
	case c.ResultPath.Null:
		return t.request.Input, nil
	}
	return c.ResultPath.Set(t.request.Input, errorOutput)
}
