package servetest

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"

	"tutti/internal/aws/awstest"
)

const (
	role  = "arn:aws:iam::123456789012:role/anybody"
	hello = `{"StartAt":"P","States":{"P":{"Type":"Pass","Result":{"hello":"world"},"End":true}}}`
)

// TestBoto3 has boto3 drive every action; testdata/actions.py says what must come of each.
func TestBoto3(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir())
	t.Log(s.python("actions.py", s.url))
}

// TestAWSCommand has the ordinary command start an execution and read its result.
func TestAWSCommand(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir())
	states := func(args ...string) string {
		t.Helper()
		return strings.TrimSpace(s.run(awstest.Program(t, "aws"), append([]string{"stepfunctions", "--endpoint-url", s.url, "--output", "text"}, args...)...))
	}
	arn := states("create-state-machine", "--name", "hello", "--definition", hello, "--role-arn", role, "--query", "stateMachineArn")
	execution := states("start-execution", "--state-machine-arn", arn, "--name", "one", "--query", "executionArn")
	if want := "arn:aws:states:us-east-1:123456789012:execution:hello:one"; execution != want {
		t.Errorf("the execution is %s, want %s", execution, want)
	}
	if output := states("describe-execution", "--execution-arn", execution, "--query", "output"); output != `{"hello":"world"}` {
		t.Errorf("the output is %s", output)
	}
	if types := states("get-execution-history", "--execution-arn", execution, "--max-items", "2", "--query", "events[].type"); !strings.HasPrefix(types, "ExecutionStarted\tPassStateEntered") {
		t.Errorf("the history is %s", types)
	}
}

// TestGoSDK goes through an execution's life with the Go SDK.
func TestGoSDK(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir())
	c, ctx := s.client("test", "test"), t.Context()
	act, err := c.CreateActivity(ctx, &sfn.CreateActivityInput{Name: aws.String("act")})
	if err != nil {
		t.Fatal(err)
	}
	definition := `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"` + *act.ActivityArn + `","End":true}}}`
	machine, err := c.CreateStateMachine(ctx, &sfn.CreateStateMachineInput{Name: aws.String("go"), Definition: aws.String(definition), RoleArn: aws.String(role), Publish: true})
	if err != nil {
		t.Fatal(err)
	}
	started, err := c.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: machine.StateMachineVersionArn, Input: aws.String(`{"n":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	task, err := c.GetActivityTask(ctx, &sfn.GetActivityTaskInput{ActivityArn: act.ActivityArn})
	if err != nil || aws.ToString(task.Input) != `{"n":1}` {
		t.Fatalf("the task is %+v, %v", task, err)
	}
	if _, err := c.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: task.TaskToken, Output: aws.String(`{"n":2}`)}); err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for status := types.ExecutionStatusRunning; status == types.ExecutionStatusRunning; {
		d, err := c.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: started.ExecutionArn})
		if err != nil {
			t.Fatal(err)
		}
		if status = d.Status; status == types.ExecutionStatusSucceeded && aws.ToString(d.Output) != `{"n":2}` {
			t.Errorf("the output is %s", aws.ToString(d.Output))
		}
	}
	for p := sfn.NewGetExecutionHistoryPaginator(c, &sfn.GetExecutionHistoryInput{ExecutionArn: started.ExecutionArn, MaxResults: 2}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			kinds = append(kinds, string(e.Type))
		}
	}
	if got, want := strings.Join(kinds, " "), "ExecutionStarted TaskStateEntered ActivityScheduled ActivityStarted ActivitySucceeded TaskStateExited ExecutionSucceeded"; got != want {
		t.Errorf("the history is %s\nwant %s", got, want)
	}
	_, err = c.StopExecution(ctx, &sfn.StopExecutionInput{ExecutionArn: aws.String(*started.ExecutionArn + "x")})
	var absent *types.ExecutionDoesNotExist
	if !errors.As(err, &absent) {
		t.Errorf("stopping what is not there: %v", err)
	}
}

// TestAccessKeys has callers prove who they are.
func TestAccessKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keys := filepath.Join(dir, "keys")
	if err := os.WriteFile(keys, []byte("[one]\naws_access_key_id = AKIDONE\naws_secret_access_key = hidden/one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, dir, "-access-keys", keys, "-log-level", "debug")
	if _, err := s.client("AKIDONE", "hidden/one").ListStateMachines(t.Context(), nil); err != nil {
		t.Errorf("who holds the key is refused: %v", err)
	}
	for _, c := range []struct{ id, secret, want string }{{"AKIDONE", "guessed", "InvalidSignatureException"}, {"OTHER", "hidden/one", "UnrecognizedClientException"}} {
		_, err := s.client(c.id, c.secret).ListStateMachines(t.Context(), nil)
		var api smithy.APIError
		if !errors.As(err, &api) || api.ErrorCode() != c.want {
			t.Errorf("%s: %v, want %s", c.id, err, c.want)
		}
	}
	if status, _ := s.get("/healthz"); status != 200 {
		t.Errorf("health answers %d", status)
	}
	s.stop()
	if strings.Contains(s.log.String(), "hidden") {
		t.Errorf("the log holds a secret")
	}
}

// TestAnyAddress refuses to serve everybody without keys.
func TestAnyAddress(t *testing.T) {
	t.Parallel()
	s := launch(t, t.TempDir(), nil, "-listen", "0.0.0.0:0")
	s.start()
	if code := s.wait(); code != 1 || !strings.Contains(s.log.String(), "without access keys only loopback addresses") {
		t.Errorf("exit code %d:\n%s", code, s.log)
	}
}

// TestOneServer has a second server say who serves, and a third take over from one
// that was killed.
func TestOneServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := serve(t, dir)
	second := launch(t, dir, nil)
	second.start()
	if code := second.wait(); code != 1 || !strings.Contains(second.log.String(), "serves this store already") || !strings.Contains(second.log.String(), first.url) {
		t.Errorf("exit code %d:\n%s", code, second.log)
	}
	first.kill()
	third := serve(t, dir)
	if status, body := third.get("/readyz"); status != 200 {
		t.Errorf("not ready: %d %s", status, body)
	}
	if code := third.stop(); code != 0 {
		t.Errorf("a stop in order exits with %d", code)
	}
}

// TestMocks has a mock file answer for what a state machine calls.
func TestMocks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config := `{"StateMachines": {"m": {"TestCases": {"Busy": {"Call": "BusyOnce", "Ask": "Answer"}}}}, "MockedResponses": {
		"BusyOnce": {"0": {"Throw": {"Error": "Busy", "Cause": "so many"}}, "1": {"Return": {"got": 1}}}, "Answer": {"0": {"Return": {"asked": 2}}}}}`
	definition := `{"StartAt": "Call", "States": {
		"Call": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:123456789012:function:f", "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 1}], "Next": "Ask"},
		"Ask": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "Parameters": {"QueueUrl": "q", "MessageBody": "b"}, "End": true}}}`
	if err := os.WriteFile(filepath.Join(dir, "mocks.json"), []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	s := serveWith(t, dir, []string{"SFN_MOCK_CONFIG=mocks.json"})
	c := s.client("test", "test")
	m, err := c.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{Name: aws.String("m"), Definition: aws.String(definition), RoleArn: aws.String(role)})
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: aws.String(*m.StateMachineArn + "#Busy")})
	if err != nil {
		t.Fatal(err)
	}
	var d *sfn.DescribeExecutionOutput
	eventually(t, "the execution ends", func() bool {
		if d, err = c.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: e.ExecutionArn}); err != nil {
			t.Fatal(err)
		}
		return d.Status != types.ExecutionStatusRunning
	})
	if aws.ToString(d.Output) != `{"asked":2}` {
		t.Errorf("%s %s %s %s", d.Status, aws.ToString(d.Output), aws.ToString(d.Error), aws.ToString(d.Cause))
	}
	_, err = c.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: aws.String(*m.StateMachineArn + "#Other")})
	var wrong *types.InvalidName
	if !errors.As(err, &wrong) {
		t.Errorf("a test case that is not there: %v", err)
	}
}

// TestMetrics counts an execution.
func TestMetrics(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir(), "-log-format", "json")
	c := s.client("test", "test")
	m, err := c.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{Name: aws.String("m"), Definition: aws.String(hello), RoleArn: aws.String(role)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: m.StateMachineArn}); err != nil {
		t.Fatal(err)
	}
	_, body := s.get("/metrics")
	for _, want := range []string{"tutti_executions_started_total 1", `tutti_executions_ended_total{status="succeeded"} 1`, "tutti_executions_open 0",
		`tutti_api_requests_total{action="StartExecution",error=""} 1`, "tutti_journal_seconds_count"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in:\n%s", want, body)
		}
	}
	s.stop()
	for line := range strings.Lines(s.log.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("a line of the log is no JSON: %s", line)
		}
	}
}

// TestDifferential does the same things to tutti and to moto; testdata/differ.py says
// which, and compares.
func TestDifferential(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir())
	t.Log(s.python("differ.py", s.url, awstest.Moto(t)))
}
