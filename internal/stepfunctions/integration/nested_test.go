package integration

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"tutti/internal/flow"
	"tutti/internal/stepfunctions/execution"
)

// fakeHouse stands for the server of this process: what it says to each action, a fault with its status before it.
type fakeHouse map[string]string

func (h fakeHouse) Here(_ context.Context, service string, _ []byte) http.Handler {
	if service != "stepfunctions" {
		return nil
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		status, text, fault := strings.Cut(h[action], " ")
		switch {
		case !fault:
			text = status
		case status == "503":
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = io.WriteString(w, text)
	})
}

func (h fakeHouse) Ended(context.Context, string) {}

const (
	nestedExists = `400 {"__type":"ExecutionAlreadyExists","message":"m"}`
	nestedKey    = "0123456789abcdef0123456789abcdef"
	nestedARN    = "arn:aws:states:us-east-1:123456789012:execution:m:" + nestedKey
)

// TestNestedAgain makes calls again that were cut off.
func TestNestedAgain(t *testing.T) {
	t.Parallel()
	there := fakeHouse{"StartExecution": nestedExists, "DescribeExecution": `{"executionArn":"` + nestedARN + `","startDate":1,"status":"FAILED"}`}
	for _, c := range []struct {
		name, activity, resource, given string
		house                           fakeHouse
		want                            string
		failure                         flow.Failure
	}{
		{"it has ended meanwhile", execution.ActivityCall, "states:startExecution", "", there, `{"ExecutionArn":"` + nestedARN + `","StartDate":1000}`, flow.Failure{}},
		{"so it has for the SDK", execution.ActivityCall, "aws-sdk:sfn:startExecution", "", there, `{"ExecutionArn":"` + nestedARN + `","StartDate":"1970-01-01T00:00:01Z"}`, flow.Failure{}},
		{"the job has ended meanwhile", execution.ActivitySubmit, "states:startExecution.sync", "", there, `{"id":"` + nestedARN + `","output":{}}`, flow.Failure{}},
		{"the name is the user's", execution.ActivityCall, "states:startExecution", "mine", there, "", flow.Failure{Kind: flow.Terminal, Code: nestedTaken}},
		{"so it is for the SDK", execution.ActivityCall, "aws-sdk:sfn:startExecution", "mine", there, "", flow.Failure{Kind: flow.Terminal, Code: nestedTakenSDK}},
		{"nothing can be looked at", execution.ActivityCall, "states:startExecution", "", fakeHouse{"StartExecution": nestedExists, "DescribeExecution": nestedExists}, "",
			flow.Failure{Kind: flow.Terminal, Code: nestedTaken}},
		{"the server stops", execution.ActivitySubmit, "states:startExecution.sync", "", fakeHouse{"StartExecution": `503 {"__type":"ServiceUnavailable"}`}, "", flow.Failure{Kind: flow.Cancelled}},
		{"so it does for the SDK", execution.ActivityCall, "aws-sdk:sfn:startExecution", "", fakeHouse{"StartExecution": `503 {"__type":"ServiceUnavailable"}`}, "", flow.Failure{Kind: flow.Cancelled}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			arguments := object{"StateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:m"}
			if c.given != "" {
				arguments["Name"] = c.given
			}
			call := execution.Call{Resource: "arn:aws:states:::" + c.resource, Arguments: json.RawMessage(text(arguments)), Key: nestedKey}
			input, err := json.Marshal(call)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := New(Options{House: c.house}).Do(t.Context(), flow.Do{Activity: c.activity, Input: input}, func(string) {})
			var f flow.Failure
			if errors.As(err, &f); f.Kind != c.failure.Kind || f.Code != c.failure.Code || string(raw) != c.want {
				t.Errorf("%s, %v", raw, err)
			}
		})
	}
}
