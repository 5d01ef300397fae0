package states

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"

	"tutti/internal/flow"
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/integration"
	"tutti/internal/stepfunctions/teststate"
	"tutti/internal/stepfunctions/worker"
	"tutti/internal/store"
)

type testStateInput struct {
	Definition string  `json:"definition"`
	RoleARN    string  `json:"roleArn"`
	Input      *string `json:"input"`
	Level      string  `json:"inspectionLevel"`
	Reveal     bool    `json:"revealSecrets"`
	Variables  *string `json:"variables"`
	StateName  string  `json:"stateName"`
	Context    *string `json:"context"`
	Mock       *struct {
		Result *string `json:"result"`
		Error  *struct {
			Error string `json:"error"`
			Cause string `json:"cause"`
		} `json:"errorOutput"`
		Validation string `json:"fieldValidationMode"`
	} `json:"mock"`
	Configuration struct {
		RetryCount     int64  `json:"retrierRetryCount"`
		CausedByState  string `json:"errorCausedByState"`
		IterationCount int64  `json:"mapIterationFailureCount"`
		// ReaderData is what an ItemReader reads, in its own format.
		ReaderData *string `json:"mapItemReaderData"`
	} `json:"stateConfiguration"`
}

type testStateOutput struct {
	Status     string          `json:"status"`
	Output     string          `json:"output,omitempty"`
	Error      string          `json:"error,omitempty"`
	Cause      string          `json:"cause,omitempty"`
	NextState  string          `json:"nextState,omitempty"`
	Inspection json.RawMessage `json:"inspectionData,omitempty"`
}

// testStateLimit is how long a state may take (API reference, TestState).
const testStateLimit = 5 * time.Minute

func (a *API) testState(ctx context.Context, c call, in *testStateInput) (any, error) {
	r, err := a.testRequest(c, in)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, testStateLimit)
	defer cancel()
	r.Call = func(call execution.Call) (any, *teststate.Failure) { return a.tryCall(ctx, call) }
	r.Read = func(from *definition.Reader, text string) ([]any, error) { return readItems(ctx, from, text) }
	got, err := teststate.Run(*r)
	if refused := (*teststate.InvalidError)(nil); errors.As(err, &refused) {
		return nil, &Fault{Code: refused.Code, Message: refused.Message}
	}
	if err != nil {
		return nil, err
	}
	out := testStateOutput{Status: got.Status, Error: got.Error, Cause: got.Cause, NextState: got.NextState}
	if got.HasOutput {
		out.Output = string(data.Encode(got.Output))
	}
	if got.Inspection != nil {
		out.Inspection = data.Encode(got.Inspection)
	}
	return out, nil
}

// testRequest reads what is tried.
func (a *API) testRequest(c call, in *testStateInput) (*teststate.Request, error) {
	arn := a.arn(c, kindStateMachine, "TestState")
	r := &teststate.Request{Definition: []byte(in.Definition), StateName: in.StateName, Level: teststate.Level(in.Level), RevealSecrets: in.Reveal,
		Configuration: teststate.Configuration{RetryCount: in.Configuration.RetryCount, ErrorCausedByState: in.Configuration.CausedByState,
			MapIterationFailures: in.Configuration.IterationCount, ReaderData: in.Configuration.ReaderData},
		StateMachine: execution.Identity{ID: arn, Name: "TestState"},
		Execution:    execution.Identity{ID: a.arn(c, kindExecution, "TestState:"+uuid.NewString()), Name: "TestState", RoleARN: in.RoleARN},
		Now:          a.o.Clock(), Random: rand.Float64, UUID: uuid.NewString}
	var err error
	if in.Input != nil {
		if r.Input, err = data.Decode([]byte(*in.Input)); err != nil {
			return nil, fault("InvalidExecutionInput", "Invalid State Machine Execution Input: '%s'", err)
		}
	}
	if r.Variables, err = objectOf("variables", in.Variables); err != nil {
		return nil, err
	}
	if r.Context, err = objectOf("context", in.Context); err != nil {
		return nil, err
	}
	if in.Mock == nil {
		return r, nil
	}
	r.Mock = &teststate.Mock{}
	if e := in.Mock.Error; e != nil {
		r.Mock.Error = &teststate.Failure{Name: e.Error, Cause: e.Cause}
	}
	if in.Mock.Result != nil {
		r.Mock.HasResult = true
		if r.Mock.Result, err = data.Decode([]byte(*in.Mock.Result)); err != nil {
			return nil, invalid("Mocked result must be a valid JSON: %s", err)
		}
		if mode := in.Mock.Validation; mode != "NONE" {
			r.Mock.Check = func(resource definition.Resource, result any) string {
				return integration.CheckResult(resource, result, mode != "PRESENT")
			}
		}
	}
	return r, nil
}

// objectOf reads a field that holds an object as text.
func objectOf(field string, text *string) (*data.Object, error) {
	if text == nil {
		return nil, nil
	}
	v, err := data.Decode([]byte(*text))
	o, ok := v.(*data.Object)
	if err != nil || !ok {
		return nil, invalid("The value of '%s' must be a JSON object", field)
	}
	return o, nil
}

// tryCall calls the resource of a Task that is tried without a mock.
func (a *API) tryCall(ctx context.Context, call execution.Call) (any, *teststate.Failure) {
	caller, err := a.o.Executor.Caller(ctx, store.Run{Machine: execution.MachineExecution, Input: json.RawMessage("{}")})
	if err != nil {
		return nil, &teststate.Failure{Name: execution.Runtime, Cause: err.Error()}
	}
	input, err := json.Marshal(call)
	if err != nil {
		return nil, &teststate.Failure{Name: execution.Runtime, Cause: err.Error()}
	}
	output, err := caller.Do(ctx, flow.Do{ID: 1, Activity: execution.ActivityCall, Input: input}, func(string) {})
	var failure flow.Failure
	switch {
	case ctx.Err() != nil:
		return nil, &teststate.Failure{Name: execution.Timeout}
	case errors.As(err, &failure) && failure.Code != "":
		return nil, &teststate.Failure{Name: failure.Code, Cause: failure.Message}
	case err != nil:
		return nil, &teststate.Failure{Name: execution.TaskFailed, Cause: err.Error()}
	}
	v, err := data.Decode(output)
	if err != nil {
		return nil, &teststate.Failure{Name: execution.Runtime, Cause: "the result is " + err.Error()}
	}
	return v, nil
}

// testStateItems is how many items one page of an ItemReader has.
const testStateItems = 10_000

// readItems reads the items of an ItemReader from what it is said to read, as from a file.
func readItems(ctx context.Context, r *definition.Reader, text string) (items []any, err error) {
	file, err := os.CreateTemp("", "tutti-items-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = file.WriteString(text)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	arguments, err := json.Marshal(map[string]string{"Path": file.Name()})
	if err != nil {
		return nil, err
	}
	read := execution.ReadCall{Resource: "arn:tutti:file", Arguments: arguments, InputType: r.InputType, CSVHeaderLocation: r.CSVHeaderLocation,
		CSVHeaders: r.CSVHeaders, CSVDelimiter: r.CSVDelimiter, ItemsPointer: r.ItemsPointer, Count: testStateItems}
	if read.InputType == "" {
		read.InputType = "JSON" // a listing, as a list of objects
	}
	w := worker.New(worker.Options{})
	for {
		input, err := json.Marshal(read)
		if err != nil {
			return nil, err
		}
		out, err := w.Do(ctx, flow.Do{ID: 1, Activity: execution.ActivityRead, Input: input}, func(string) {})
		if err != nil {
			return nil, errors.New(strings.ReplaceAll(errorText(err), file.Name(), "mapItemReaderData"))
		}
		var page execution.ReadResult
		if err := json.Unmarshal(out, &page); err != nil {
			return nil, err
		}
		for i, raw := range page.Items {
			item, err := data.Decode(raw)
			if err != nil {
				return nil, err
			}
			if len(page.Keys) > 0 {
				item = data.ObjectOf(data.Member{Key: "Key", Value: page.Keys[i]}, data.Member{Key: "Value", Value: item})
			}
			items = append(items, item)
		}
		if read.Cursor = page.Next; page.Next == "" {
			return items, nil
		}
	}
}

func errorText(err error) string {
	var f flow.Failure
	if errors.As(err, &f) {
		return f.Message
	}
	return err.Error()
}
