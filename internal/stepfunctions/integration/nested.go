package integration

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"tutti/internal/aws"
	"tutti/internal/aws/wire"
	"tutti/internal/flow"
	"tutti/internal/stepfunctions/execution"
)

// The errors that tell that there is an execution of the name, from an optimised integration and from the SDK's.
const (
	nestedTaken    = "StepFunctions.ExecutionAlreadyExistsException"
	nestedTakenSDK = "Sfn.ExecutionAlreadyExistsException"
)

func nested() *job {
	return &job{
		id: "ExecutionArn", named: executionARN, taken: nestedTaken, poll: "describeExecution", look: by("ExecutionArn"), status: "Status",
		done: []string{"SUCCEEDED"}, failed: []string{"FAILED", "TIMED_OUT", "ABORTED"},
		stop: "stopExecution", end: func(_ object, id, reason string) object { return object{"ExecutionArn": id, "Cause": reason} },
	}
}

// executionArguments completes what an execution is started with.
func executionArguments(_ target, c execution.Call, arguments map[string]any) {
	nameExecution(c, arguments)
	if arguments["Input"] == nil {
		arguments["Input"] = "{}"
	}
}

// nameExecution names an execution by the call's key, so that beginning it twice begins it once.
func nameExecution(c execution.Call, arguments map[string]any) {
	if arguments["Name"] == nil && arguments["name"] == nil {
		arguments["Name"] = c.Key
	}
}

// executionARN gives the ARN of an execution that nameExecution named, "" where the user did. Versions and aliases of a
// state machine begin executions of the machine itself.
func executionARN(arguments object, key string) string {
	machine, _ := arguments["StateMachineArn"].(string)
	parts := strings.Split(machine, ":")
	if arguments["Name"] != nil || arguments["name"] != nil || len(parts) < 7 || parts[5] != "stateMachine" {
		return ""
	}
	return strings.Join(parts[:5], ":") + ":execution:" + parts[6] + ":" + key
}

// begun answers a call that was cut off and is made again, when the execution that it had begun has ended meanwhile: the
// service refuses the name then. Any other failure stays what it is.
func (i *Integration) begun(ctx context.Context, t target, c execution.Call, style wire.Style, failed error) (json.RawMessage, error) {
	var f flow.Failure
	if !errors.As(failed, &f) || f.Code != nestedTaken && f.Code != nestedTakenSDK {
		return nil, failed
	}
	arguments, err := plainArguments(c)
	if err != nil {
		return nil, err
	}
	id := executionARN(arguments, c.Key)
	if id == "" {
		return nil, failed
	}
	a, err := i.options.AWS.Do(ctx, aws.Request{
		Service: "sfn", Operation: "describeExecution", Input: object{"ExecutionArn": id}, Region: t.region, RoleARN: c.RoleARN, Style: style,
	})
	if err != nil {
		return nil, failed
	}
	return json.Marshal(object{"ExecutionArn": id, "StartDate": a.Output["StartDate"]})
}
