package integration

import (
	"bytes"
	"context"
	"encoding/json"

	"tutti/internal/flow"
	"tutti/internal/stepfunctions/execution"
)

// function calls a function by its ARN: the state's input is its payload, what it returns the result.
func (i *Integration) function(ctx context.Context, t target, c execution.Call) (json.RawMessage, error) {
	a, err := i.ask(ctx, t, c, "invoke", map[string]any{"FunctionName": c.Resource, "Payload": c.Arguments})
	if err != nil {
		return nil, err
	}
	if err := functionResult(t, c, a.Output); err != nil {
		return nil, err
	}
	return json.Marshal(a.Output["Payload"])
}

// functionArguments settles what a function is given: {} where nothing is, and a text that is JSON as that JSON.
func functionArguments(_ target, _ execution.Call, arguments map[string]any) {
	raw, is := arguments["Payload"].(json.RawMessage)
	if !is {
		arguments["Payload"] = json.RawMessage("{}")
		return
	}
	var text string
	if json.Unmarshal(raw, &text) == nil && json.Valid([]byte(text)) {
		arguments["Payload"] = json.RawMessage(text)
	}
}

// functionResult opens what a function returned. A function that failed fails the task with the error that it names.
func functionResult(_ target, _ execution.Call, out map[string]any) error {
	text, _ := out["Payload"].(string)
	if out["FunctionError"] != nil {
		var told struct{ ErrorType string }
		code := "Lambda.Unknown"
		if json.Unmarshal([]byte(text), &told) == nil && told.ErrorType != "" {
			code = told.ErrorType
		}
		return flow.Failure{Kind: flow.Terminal, Code: code, Message: text}
	}
	switch {
	case len(bytes.TrimSpace([]byte(text))) == 0:
		out["Payload"] = nil
	case json.Valid([]byte(text)):
		out["Payload"] = json.RawMessage(text)
	}
	return nil
}
