package servetest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// house is a server whose state machines start each other.
type house struct {
	*server
	c *sfn.Client
}

// machine creates a state machine and gives its ARN.
func (h house) machine(name, definition string, kind types.StateMachineType) string {
	h.t.Helper()
	m, err := h.c.CreateStateMachine(h.t.Context(), &sfn.CreateStateMachineInput{Name: aws.String(name), Definition: aws.String(definition), RoleArn: aws.String(role), Type: kind})
	if err != nil {
		h.t.Fatal(err)
	}
	return *m.StateMachineArn
}

// calling is a definition with one Task.
func calling(resource, parameters string) string {
	return `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:states:::` + resource + `","Parameters":` + parameters + `,"End":true}}}`
}

// start starts an execution with the input {"n":1} and gives its ARN.
func (h house) start(machine string) string {
	h.t.Helper()
	e, err := h.c.StartExecution(h.t.Context(), &sfn.StartExecutionInput{StateMachineArn: &machine, Input: aws.String(`{"n":1}`)})
	if err != nil {
		h.t.Fatal(err)
	}
	return *e.ExecutionArn
}

// ended waits for an execution's end.
func (h house) ended(execution string) *sfn.DescribeExecutionOutput {
	h.t.Helper()
	var d *sfn.DescribeExecutionOutput
	eventually(h.t, execution+" ends", func() (over bool) {
		var err error
		if d, err = h.c.DescribeExecution(h.t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: &execution}); err != nil {
			h.t.Fatal(err)
		}
		return d.Status != types.ExecutionStatusRunning
	})
	return d
}

// outcome carries an execution out and gives its output, or what it failed with.
func (h house) outcome(machine string) map[string]any {
	h.t.Helper()
	d := h.ended(h.start(machine))
	if d.Status != types.ExecutionStatusSucceeded {
		return map[string]any{"Error": aws.ToString(d.Error), "Cause": aws.ToString(d.Cause)}
	}
	var out map[string]any
	if err := json.Unmarshal([]byte(aws.ToString(d.Output)), &out); err != nil {
		h.t.Fatalf("the output of %s is %s: %v", machine, aws.ToString(d.Output), err)
	}
	return out
}

// children gives the executions of a state machine.
func (h house) children(machine string) []types.ExecutionListItem {
	h.t.Helper()
	l, err := h.c.ListExecutions(h.t.Context(), &sfn.ListExecutionsInput{StateMachineArn: &machine})
	if err != nil {
		h.t.Fatal(err)
	}
	return l.Executions
}

// TestNested has Tasks start state machines of their own server, which asks its callers
// for access keys, and one of another, which stands for AWS.
func TestNested(t *testing.T) {
	t.Parallel()
	var away atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		away.Add(1)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, `{"executionArn":"elsewhere","startDate":1}`)
	}))
	t.Cleanup(elsewhere.Close)
	dir := t.TempDir()
	keys := filepath.Join(dir, "keys")
	if err := os.WriteFile(keys, []byte("[one]\naws_access_key_id = AKIDONE\naws_secret_access_key = hidden\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serveWith(t, dir, []string{"AWS_ENDPOINT_URL_SFN=" + elsewhere.URL, "AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b"}, "-access-keys", keys)
	h := house{s, s.client("AKIDONE", "hidden")}

	pass := h.machine("pass", `{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}`, "")
	quick := h.machine("quick", `{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}`, types.StateMachineTypeExpress)
	bad := h.machine("bad", `{"StartAt":"F","States":{"F":{"Type":"Fail","Error":"Bad","Cause":"so bad"}}}`, "")
	tells := h.machine("tells", calling("aws-sdk:sfn:sendTaskSuccess", `{"TaskToken.$":"$.token","Output":"{\"told\":2}"}`), "")
	for _, c := range []struct{ name, resource, parameters, member, want string }{
		{"request", "states:startExecution", `{"StateMachineArn":"` + pass + `","Name":"mine"}`, "ExecutionArn", `"arn:aws:states:us-east-1:123456789012:execution:pass:mine"`},
		{"taken", "states:startExecution", `{"StateMachineArn":"` + pass + `","Name":"mine","Input":"2"}`, "Error", `"StepFunctions.ExecutionAlreadyExistsException"`},
		{"sync", "states:startExecution.sync", `{"StateMachineArn":"` + pass + `","Input":{"m.$":"$.n"}}`, "Output", `"{\"m\":1}"`},
		{"sync2", "states:startExecution.sync:2", `{"StateMachineArn":"` + pass + `","Input":{"m.$":"$.n"}}`, "Output", `{"m":1}`},
		{"failure", "states:startExecution.sync:2", `{"StateMachineArn":"` + bad + `"}`, "Error", `"States.TaskFailed"`},
		{"token", "states:startExecution.waitForTaskToken", `{"StateMachineArn":"` + tells + `","Input":{"token.$":"$$.Task.Token"}}`, "told", `2`},
		{"express", "aws-sdk:sfn:startSyncExecution", `{"StateMachineArn":"` + quick + `","Input":"{\"e\":3}"}`, "Output", `"{\"e\":3}"`},
		{"sdk", "aws-sdk:sfn:describeStateMachine", `{"StateMachineArn":"` + pass + `"}`, "Name", `"pass"`},
	} {
		out := h.outcome(h.machine(c.name, calling(c.resource, c.parameters), ""))
		if got, err := json.Marshal(out[c.member]); err != nil || string(got) != c.want {
			t.Errorf("%s: %s is %s, want %s, in %v", c.name, c.member, got, c.want, out)
		}
		if c.name == "failure" && !strings.Contains(out["Cause"].(string), `"Error":"Bad"`) {
			t.Errorf("the cause is %s", out["Cause"])
		}
	}
	if n := away.Load(); n != 0 {
		t.Errorf("%d calls went out, though all were about what is here", n)
	}
	out := h.outcome(h.machine("away", calling("states:startExecution", `{"StateMachineArn":"arn:aws:states:eu-west-1:123456789012:stateMachine:pass"}`), ""))
	if n := away.Load(); n != 1 || out["ExecutionArn"] != "elsewhere" {
		t.Errorf("%d calls went out for a state machine of another region: %v", n, out)
	}
}

// TestNestedStop stops what a stopped execution has started.
func TestNestedStop(t *testing.T) {
	t.Parallel()
	s := serve(t, t.TempDir())
	h := house{s, s.client("test", "test")}
	waits := h.machine("waits", `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":36000,"End":true}}}`, "")
	parent := h.start(h.machine("parent", calling("states:startExecution.sync", `{"StateMachineArn":"`+waits+`"}`), ""))
	eventually(t, "the nested execution begins", func() bool { return len(h.children(waits)) == 1 })
	if _, err := h.c.StopExecution(t.Context(), &sfn.StopExecutionInput{ExecutionArn: &parent}); err != nil {
		t.Fatal(err)
	}
	if d := h.ended(*h.children(waits)[0].ExecutionArn); d.Status != types.ExecutionStatusAborted {
		t.Errorf("the nested execution is %s", d.Status)
	}
	if d := h.ended(parent); d.Status != types.ExecutionStatusAborted {
		t.Errorf("the execution is %s", d.Status)
	}
}

// TestNestedKill kills the server while an execution waits for the one that it has
// started, and then stops it in order. One is started all the same.
func TestNestedKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := serve(t, dir)
	h := house{s, s.client("test", "test")}
	act, err := h.c.CreateActivity(t.Context(), &sfn.CreateActivityInput{Name: aws.String("act")})
	if err != nil {
		t.Fatal(err)
	}
	child := h.machine("child", `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"`+*act.ActivityArn+`","End":true}}}`, "")
	parent := h.start(h.machine("parent", calling("states:startExecution.sync:2", `{"StateMachineArn":"`+child+`","Input":{"n.$":"$.n"}}`), ""))
	eventually(t, "the nested execution begins", func() bool { return len(h.children(child)) == 1 })
	for _, end := range []func(){s.kill, func() { h.stop() }} {
		end()
		s = serve(t, dir)
		h = house{s, s.client("test", "test")}
	}
	task, err := h.c.GetActivityTask(t.Context(), &sfn.GetActivityTaskInput{ActivityArn: act.ActivityArn})
	if err != nil || aws.ToString(task.Input) != `{"n":1}` {
		t.Fatalf("the task is %+v, %v", task, err)
	}
	if _, err := h.c.SendTaskSuccess(t.Context(), &sfn.SendTaskSuccessInput{TaskToken: task.TaskToken, Output: aws.String(`{"n":2}`)}); err != nil {
		t.Fatal(err)
	}
	if d := h.ended(parent); d.Status != types.ExecutionStatusSucceeded || !strings.Contains(aws.ToString(d.Output), `"Output":{"n":2}`) {
		t.Errorf("%s %s %s %s", d.Status, aws.ToString(d.Output), aws.ToString(d.Error), aws.ToString(d.Cause))
	}
	if all := h.children(child); len(all) != 1 {
		t.Errorf("%d executions were started", len(all))
	}
}
