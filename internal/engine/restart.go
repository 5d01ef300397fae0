package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"tutti/internal/diag"
	"tutti/internal/executor"
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/workflow"
	"tutti/internal/store"
)

// restart is a place in an execution from which another can begin.
type restart struct {
	State     string
	Input     json.RawMessage
	Variables json.RawMessage
}

// restartAt finds when an execution last entered a state of its outermost level, and
// with what; the latest of all when the name is "". Nil means that it never did.
func (e *Engine) restartAt(ctx context.Context, r store.Run, state string) (*restart, error) {
	in, err := executor.ReadInput(r)
	if err != nil {
		return nil, err
	}
	def, err := e.Executor().Definition(ctx, r)
	if err != nil {
		return nil, err
	}
	var found *restart
	variables := data.NewObject(0)
	if len(in.Variables) > 0 {
		if v, err := data.Decode(in.Variables); err == nil {
			if o, ok := v.(*data.Object); ok {
				variables = o
			}
		}
	}
	_, err = e.Executor().Replay(ctx, r, func(h execution.HistoryEvent) {
		name, _ := text(h.Details, "name")
		if _, outermost := def.State(name); !outermost || h.Execution != in.Execution.ID {
			return
		}
		switch {
		case strings.HasSuffix(h.Type, "StateEntered") && (state == "" || name == state):
			input, _ := text(h.Details, "input")
			found = &restart{State: name, Input: json.RawMessage(input), Variables: json.RawMessage(data.Encode(variables))}
		case strings.HasSuffix(h.Type, "StateExited"):
			variables = assigned(variables, h.Details)
		}
	})
	return found, err
}

// assigned adds the variables that a state has set.
func assigned(variables, details *data.Object) *data.Object {
	v, _ := details.Get("assignedVariables")
	set, _ := v.(*data.Object)
	for _, m := range set.Members() {
		raw, _ := m.Value.(string)
		if value, err := data.Decode([]byte(raw)); err == nil {
			variables = variables.With(m.Key, value)
		}
	}
	return variables
}

func text(o *data.Object, name string) (string, bool) {
	v, _ := o.Get(name)
	s, ok := v.(string)
	return s, ok
}

// RestartExecution begins an execution anew from a state of its outermost level, with
// the input and the variables that were recorded when it last came there. Another
// input may be given.
func (e *Engine) RestartExecution(ctx context.Context, id store.RunID, from string, input json.RawMessage) (*Execution, diag.List) {
	old, d := e.Execution(ctx, id)
	if d.HasErrors() {
		return nil, d
	}
	if old.Run.Status.Open() && old.Run.Status != store.Stopped {
		return nil, diag.Errorf(nil, "Execution has not ended", "Run %d is %s. Stop it first with \"tutti cancel %d\".", id, old.Run.Status, id)
	}
	at, err := e.restartAt(ctx, *old.Run, from)
	if err != nil {
		return nil, diag.FromError("History cannot be read", err)
	}
	if at == nil && len(input) == 0 {
		return nil, diag.Errorf(nil, "State has no recorded input", "Run %d never came to a state %q of its outermost level. Give the input that it is to begin with: -input JSON.", id, from)
	}
	if at == nil {
		at = &restart{State: from}
	}
	if len(input) > 0 {
		at.Input = input
	}
	req, d := e.requestOf(ctx, old)
	if d.HasErrors() {
		return nil, d
	}
	in, err := executor.ReadInput(*old.Run)
	if err != nil {
		return nil, storeDiag(err)
	}
	return e.StartExecution(ctx, req, ExecutionOptions{Input: at.Input, From: at.State, Variables: at.Variables, Case: in.Case, Parent: id})
}

// requestOf gives what an execution was begun with.
func (e *Engine) requestOf(ctx context.Context, x *Execution) (workflow.Request, diag.List) {
	var req workflow.Request
	in, err := executor.ReadInput(*x.Run)
	if err != nil {
		return req, storeDiag(err)
	}
	p, err := e.particularsOf(ctx, *x.Run)
	if err != nil {
		return req, storeDiag(err)
	}
	text, err := e.Executor().DefinitionText(ctx, in.Definition)
	if err != nil {
		return req, storeDiag(err)
	}
	owner := x.Run.Owner
	if owner == "" {
		owner = p.Workflow
	}
	if owner == "" {
		owner = fmt.Sprintf("run-%d", x.ID)
	}
	return workflow.Request{Workflow: owner, Definition: workflow.Definition{File: "definition.asl", Text: text}, Input: in.Input, Role: in.Execution.RoleARN,
		Limits: in.Limits, Mapping: p.Mapping, Secrets: p.Secrets}, nil
}
