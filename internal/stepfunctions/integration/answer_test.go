package integration

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"tutti/internal/flow"
	"tutti/internal/stepfunctions/execution"
)

// answers is an AWS that gives, to each operation, the answers that a test wants, one after the other and the last for
// ever. It stands in for what moto never answers: failures, refusals, states on the way.
type answers struct {
	mutex sync.Mutex
	by    map[string][]answer // by X-Amz-Target's operation, or "POST /path"
	seen  []string
}

type answer struct {
	status int
	header map[string]string
	body   string
}

func (a *answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	name := r.Method + " " + r.URL.Path
	if _, operation, found := strings.Cut(r.Header.Get("X-Amz-Target"), "."); found {
		name = operation
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.seen = append(a.seen, name+" "+string(body))
	list := a.by[name]
	if len(list) == 0 {
		http.Error(w, "no answer to "+name, http.StatusTeapot)
		return
	}
	if len(list) > 1 {
		a.by[name] = list[1:]
	}
	for key, value := range list[0].header {
		w.Header().Set(key, value)
	}
	if list[0].status != 0 {
		w.WriteHeader(list[0].status)
	}
	_, _ = io.WriteString(w, list[0].body)
}

func answering(t *testing.T, by map[string][]answer) (peer, *answers) {
	t.Helper()
	a := &answers{by: by}
	s := httptest.NewServer(a)
	t.Cleanup(s.Close)
	return newPeer(t, s.URL, "0123456789abcdef"), a
}

func TestFunctionErrors(t *testing.T) {
	t.Parallel()
	const path, arn = "POST /2015-03-31/functions/f/invocations", "arn:aws:lambda:eu-west-1:123456789012:function:f"
	failed := map[string]string{"X-Amz-Function-Error": "Unhandled"}
	for _, test := range []struct {
		answer answer
		code   string
		cause  string
	}{
		{answer{header: failed, body: `{"errorType":"OutOfStock","errorMessage":"m"}`}, "OutOfStock", `{"errorType":"OutOfStock","errorMessage":"m"}`},
		{answer{header: failed, body: `{"errorMessage":"timed out"}`}, "Lambda.Unknown", `{"errorMessage":"timed out"}`},
		{answer{status: 429, header: map[string]string{"X-Amzn-Errortype": "TooManyRequestsException"}, body: `{"message":"slow"}`}, "Lambda.TooManyRequestsException",
			"slow (Service: AWSLambda; Status Code: 429; Error Code: TooManyRequestsException; Request ID: ; Proxy: null)"},
		{answer{status: 403, header: map[string]string{"X-Amzn-Errortype": "AccessDeniedException"}, body: `{"Message":"no"}`}, "Lambda.AWSLambdaException",
			"no (Service: AWSLambda; Status Code: 403; Error Code: AccessDeniedException; Request ID: ; Proxy: null)"},
	} {
		p, _ := answering(t, map[string][]answer{path: {test.answer}, strings.Replace(path, "/f/", "/"+arn+"/", 1): {test.answer}})
		p.want("the cause", p.refused("lambda:invoke", `{"FunctionName":"f"}`, test.code), test.cause)
		p.refused(arn, `{}`, test.code)
	}
}

func TestFunctionPayloads(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ arguments, sent, answer, payload string }{
		{`{"FunctionName":"f"}`, `{}`, `null`, `null`},
		{`{"FunctionName":"f","Payload":{"z":1,"a":2}}`, `{"z":1,"a":2}`, `{"b":[1.50]}`, `{"b":[1.50]}`},
		{`{"FunctionName":"f","Payload":"{\"a\":1}"}`, `{"a":1}`, `"x"`, `"x"`},
		{`{"FunctionName":"f","Payload":"plain"}`, `"plain"`, ``, `null`},
		{`{"FunctionName":"f","Payload":[1]}`, `[1]`, `not JSON`, `"not JSON"`},
	} {
		p, a := answering(t, map[string][]answer{"POST /2015-03-31/functions/f/invocations": {{body: test.answer}}})
		raw, err := p.do(execution.ActivityCall, p.aCall("lambda:invoke", test.arguments))
		if err != nil {
			t.Fatal(err)
		}
		var out struct{ Payload json.RawMessage }
		if err := json.Unmarshal(raw, &out); err != nil {
			t.Fatal(err)
		}
		p.want("what was sent", a.seen[0], "POST /2015-03-31/functions/f/invocations "+test.sent)
		p.want("the payload", string(out.Payload), test.payload)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	p, a := answering(t, map[string][]answer{"PutEvents": {{body: `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"E"}]}`}}})
	cause := p.refused("events:putEvents", `{"Entries":[{"Source":"s","Detail":{"z":1,"a":2},"Resources":["mine"]}]}`, "EventBridge.FailedEntry")
	if !strings.Contains(cause, `"ErrorCode":"E"`) {
		t.Errorf("the cause is %s", cause)
	}
	p.want("what was sent", a.seen[0], `PutEvents {"Entries":[{"Detail":"{\"z\":1,\"a\":2}","Resources":["mine","arn:aws:states:eu-west-1:123456789012:stateMachine:m","arn:aws:states:eu-west-1:123456789012:execution:m:e"],"Source":"s"}]}`)
}

func TestAwait(t *testing.T) {
	t.Parallel()
	const running, done = `{"JobRun":{"JobRunState":"RUNNING"}}`, `{"JobRun":{"JobRunState":"SUCCEEDED","Id":"r"}}`
	throttled := answer{status: 400, body: `{"__type":"ThrottlingException"}`}
	for name, test := range map[string]struct {
		answers []answer
		want    string // the result, or the error's code
	}{
		"at once":         {[]answer{{body: done}}, `{"Id":"r","JobRunState":"SUCCEEDED"}`},
		"in the end":      {[]answer{{body: running}, {body: running}, {body: done}}, `{"Id":"r","JobRunState":"SUCCEEDED"}`},
		"after a fault":   {[]answer{throttled, {status: 503}, {body: done}}, `{"Id":"r","JobRunState":"SUCCEEDED"}`},
		"failed":          {[]answer{{body: `{"JobRun":{"JobRunState":"FAILED","ErrorMessage":"m"}}`}}, "States.TaskFailed"},
		"not to be seen":  {[]answer{{status: 400, body: `{"__type":"EntityNotFoundException"}`}}, "Glue.EntityNotFoundException"},
		"faults for good": {[]answer{throttled}, "Glue.ThrottlingException"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := answering(t, map[string][]answer{"GetJobRun": test.answers})
			raw, err := p.await(execution.JobCall{Call: p.aCall("glue:startJobRun.sync", `{"JobName":"j"}`), Job: execution.Job{ID: "r"}})
			if err != nil {
				p.failure(name, err, test.want)
				return
			}
			p.want("the result", string(raw), test.want)
		})
	}
}

func TestAwaitIsCancelled(t *testing.T) {
	t.Parallel()
	p, _ := answering(t, map[string][]answer{"GetJobRun": {{body: `{"JobRun":{"JobRunState":"RUNNING"}}`}}})
	ctx, cancel := context.WithCancel(context.Background())
	input := text(execution.JobCall{Call: p.aCall("glue:startJobRun.sync", `{"JobName":"j"}`), Job: execution.Job{ID: "r"}})
	_, err := p.Do(ctx, flow.Do{Activity: execution.ActivityAwait, Input: json.RawMessage(input)}, func(string) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	refusal := answer{status: 400, body: `{"__type":"InvalidInputException","message":"too late"}`}
	ended, running := answer{body: `{"JobRun":{"JobRunState":"SUCCEEDED"}}`}, answer{body: `{"JobRun":{"JobRunState":"RUNNING"}}`}
	call := func(p peer, id string) execution.JobCall {
		return execution.JobCall{Call: p.aCall("glue:startJobRun.sync", `{"JobName":"j"}`), Job: execution.Job{ID: id}, Reason: "States.Timeout"}
	}
	p, a := answering(t, map[string][]answer{"BatchStopJobRun": {{body: `{}`}}})
	if _, err := p.do(execution.ActivityStop, call(p, "r")); err != nil {
		t.Error(err)
	}
	p.want("what was sent", a.seen, []string{`BatchStopJobRun {"JobName":"j","JobRunIds":["r"]}`})
	p, _ = answering(t, map[string][]answer{"BatchStopJobRun": {refusal}, "GetJobRun": {ended}})
	if _, err := p.do(execution.ActivityStop, call(p, "r")); err != nil {
		t.Errorf("stop what has ended: %v", err)
	}
	p, _ = answering(t, map[string][]answer{"BatchStopJobRun": {refusal}, "GetJobRun": {running}})
	_, err := p.do(execution.ActivityStop, call(p, "r"))
	p.failure("stop what cannot be stopped", err, "Glue.InvalidInputException")
	// Without an ID the run is found by the key that it carries.
	p, a = answering(t, map[string][]answer{
		"GetJobRuns":      {{body: `{"JobRuns":[{"Id":"other"},{"Id":"mine","Arguments":{"--TUTTI_CALL":"0123456789abcdef"}}]}`}},
		"BatchStopJobRun": {{body: `{}`}},
	})
	if _, err := p.do(execution.ActivityStop, call(p, "")); err != nil {
		t.Error(err)
	}
	p.want("what was sent", a.seen[1], `BatchStopJobRun {"JobName":"j","JobRunIds":["mine"]}`)
	// Where nothing tells whether there is a job, that is all there is to say.
	var said []string
	j := execution.JobCall{Call: p.aCall("athena:startQueryExecution.sync", `{}`)}
	if _, err := p.Do(context.Background(), flow.Do{Activity: execution.ActivityStop, Input: json.RawMessage(text(j))}, func(line string) { said = append(said, line) }); err != nil || len(said) != 1 {
		t.Errorf("%v, said %q", err, said)
	}
}

// TestLookUp begins a job where nobody may list them, and not where it is not known whether there is one.
func TestLookUp(t *testing.T) {
	t.Parallel()
	denied := answer{status: 400, body: `{"__type":"AccessDeniedException"}`}
	p, _ := answering(t, map[string][]answer{"GetJobRuns": {denied}, "StartJobRun": {{body: `{"JobRunId":"r"}`}}})
	p.want("the job", p.submit("glue:startJobRun.sync", `{"JobName":"j"}`).Job.ID, "r")
	p, a := answering(t, map[string][]answer{"GetJobRuns": {{status: 503}}, "StartJobRun": {{body: `{"JobRunId":"r"}`}}})
	_, err := p.do(execution.ActivitySubmit, p.aCall("glue:startJobRun.sync", `{"JobName":"j"}`))
	p.failure("a service that is out", err, "Glue.AWSGlueException")
	p.want("what was sent", len(a.seen), 1)
}

func TestContainerTask(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		task string
		ok   bool
	}{
		{`{"LastStatus":"STOPPED","StopCode":"EssentialContainerExited","Containers":[{"ExitCode":0}]}`, true},
		{`{"LastStatus":"STOPPED","StopCode":"EssentialContainerExited","Containers":[{"ExitCode":0},{"ExitCode":3}]}`, false},
		{`{"LastStatus":"STOPPED","StopCode":"TaskFailedToStart","Containers":[{}]}`, false},
		{`{"LastStatus":"STOPPED","StopCode":"UserInitiated","Containers":[{"ExitCode":0}]}`, false},
	} {
		lower := strings.NewReplacer("LastStatus", "lastStatus", "StopCode", "stopCode", "Containers", "containers", "ExitCode", "exitCode").Replace(test.task)
		p, _ := answering(t, map[string][]answer{"DescribeTasks": {{body: `{"tasks":[` + lower + `]}`}}})
		raw, err := p.await(execution.JobCall{Call: p.aCall("ecs:runTask.sync", `{"Cluster":"c"}`), Job: execution.Job{ID: "t"}})
		if (err == nil) != test.ok {
			t.Errorf("%s: %v", test.task, err)
		}
		if err == nil {
			p.want("the task", p.decode(raw), json.RawMessage(text(p.decode(json.RawMessage(test.task)))))
		}
	}
	refused := answer{body: `{"tasks":[],"failures":[{"reason":"RESOURCE:MEMORY"}]}`}
	p, _ := answering(t, map[string][]answer{"RunTask": {refused}})
	if out := p.call("ecs:runTask", `{"TaskDefinition":"d"}`); at(out, "Failures.0.Reason") != "RESOURCE:MEMORY" {
		t.Errorf("answered %s", text(out))
	}
	_, err := p.do(execution.ActivitySubmit, p.aCall("ecs:runTask.sync", `{"TaskDefinition":"d"}`))
	p.failure("a task that has no place", err, "AmazonECS.Unknown")
	p.refused("ecs:runTask.waitForTaskToken", `{"TaskDefinition":"d"}`, "AmazonECS.Unknown")
}

// TestGone waits for a deletion: that nothing is left is its success.
func TestGone(t *testing.T) {
	t.Parallel()
	p, _ := answering(t, map[string][]answer{"GET /clusters/c": {
		{body: `{"cluster":{"status":"DELETING"}}`}, {status: 404, header: map[string]string{"X-Amzn-Errortype": "ResourceNotFoundException"}, body: `{}`},
	}})
	raw, err := p.await(execution.JobCall{Call: p.aCall("eks:deleteCluster.sync", `{"Name":"c"}`), Job: execution.Job{ID: "c"}})
	if err != nil || string(raw) != "{}" {
		t.Errorf("%s %v", raw, err)
	}
}

func TestMapReduce(t *testing.T) {
	t.Parallel()
	p, a := answering(t, map[string][]answer{
		"AddJobFlowSteps": {{body: `{"StepIds":["s-1"]}`}}, "DescribeStep": {{body: `{"Step":{"Id":"s-1","Status":{"State":"COMPLETED"}}}`}},
		"CancelSteps": {{body: `{}`}}, "RunJobFlow": {{body: `{"JobFlowId":"c-1","ClusterArn":"a"}`}},
	})
	j := p.submit("elasticmapreduce:addStep.sync", `{"ClusterId":"c-1","Step":{"Name":"n","HadoopJarStep":{"Jar":"j"}}}`)
	p.want("the job", j.Job.ID, "s-1")
	p.want("what was sent", a.seen[0], `AddJobFlowSteps {"JobFlowId":"c-1","Steps":[{"HadoopJarStep":{"Jar":"j"},"Name":"n"}]}`)
	if _, err := p.await(j); err != nil {
		t.Error(err)
	}
	if _, err := p.do(execution.ActivityStop, j); err != nil {
		t.Error(err)
	}
	out := p.call("elasticmapreduce:createCluster", `{"Name":"n","Instances":{}}`)
	p.want("the cluster", []any{out["ClusterId"], out["JobFlowId"], out["ClusterArn"]}, []any{"c-1", nil, "a"})
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	p := newPeer(t, "http://127.0.0.1:1", "k")
	p.refused("sqs:sendMessage", `{"QueueUrl":"q","MessageBody":"b"}`, "SQS.SdkClientException")
	p.refused("aws-sdk:sqs:sendMessage", `{"QueueUrl":"q","MessageBody":"b"}`, "Sqs.SdkClientException")
	p.refused("aws-sdk:s3:getObject", `{"Bucket":"b"}`, "States.Runtime")
	p.refused("aws-sdk:sqs:sendMassage", `{}`, "States.Runtime")
	p.refused("sqs:sendMessage", `[]`, "States.Runtime")
	_, err := p.do("dance", object{})
	if err == nil {
		t.Error("danced")
	}
}

func TestModel(t *testing.T) {
	t.Parallel()
	p, a := answering(t, map[string][]answer{"POST /model/m/invoke": {{header: map[string]string{"Content-Type": "application/json"}, body: `{"text":"hi"}`}}})
	out := p.call("bedrock:invokeModel", `{"ModelId":"m","Body":{"prompt":"p"}}`)
	p.want("the body", out["Body"], object{"text": "hi"})
	p.want("what was sent", a.seen[0], `POST /model/m/invoke {"prompt":"p"}`)
	p.refused("bedrock:invokeModel", `{"ModelId":"m","Input":{"S3Uri":"s3://b/k"}}`, "States.Runtime")
}

func TestForms(t *testing.T) {
	t.Parallel()
	for arrays, want := range map[string]string{
		"": "a%5Bb%5D=1&l%5B0%5D=x&l%5B1%5D=true", "INDICES": "a%5Bb%5D=1&l%5B0%5D=x&l%5B1%5D=true", "REPEAT": "a%5Bb%5D=1&l=x&l=true", "COMMAS": "a%5Bb%5D=1&l=x%2Ctrue", "BRACKETS": "a%5Bb%5D=1&l%5B%5D=x&l%5B%5D=true",
	} {
		r := request{RequestBody: json.RawMessage(`{"l":["x",true],"a":{"b":1},"n":null}`)}
		if err := encodeForm(&r, arrays); err != nil || string(r.RequestBody) != text(want) {
			t.Errorf("%s: %s (%v), want %s", arrays, r.RequestBody, err, want)
		}
	}
	if err := encodeForm(&request{RequestBody: json.RawMessage(`[]`)}, ""); err == nil {
		t.Error("a list is no form")
	}
}

// TestOAuth gets a token before it calls.
func TestOAuth(t *testing.T) {
	t.Parallel()
	p, a := answering(t, map[string][]answer{
		"DescribeConnection": {{body: `{"AuthorizationType":"OAUTH_CLIENT_CREDENTIALS","SecretArn":"s"}`}},
		"POST /token":        {{body: `{"access_token":"tok"}`}, {status: 401, body: `{}`}},
		"GET /api":           {{body: `{}`}},
	})
	secret := text(object{
		"client_id": "i", "client_secret": "s", "authorization_endpoint": p.url + "/token", "http_method": "POST",
		"oauth_http_parameters":      object{"body_parameters": []any{object{"key": "scope", "value": "all"}}},
		"invocation_http_parameters": object{"query_string_parameters": []any{object{"key": "key", "value": "hidden one"}}},
	})
	a.by["GetSecretValue"] = []answer{{body: text(object{"SecretString": secret})}}
	arguments := `{"ApiEndpoint":"` + p.url + `/api","Method":"GET","Authentication":{"ConnectionArn":"arn:aws:events:eu-west-1:123456789012:connection/c/1"}}`
	p.call("http:invoke", arguments)
	p.want("the form", a.seen[2], "POST /token client_id=i&client_secret=s&grant_type=client_credentials&scope=all")
	p.refused("http:invoke", arguments, "Events.ConnectionResource.AuthorizationFailed")
	a.by["POST /token"] = []answer{{body: `{"access_token":"tok"}`}}
	var said []string
	input := json.RawMessage(text(p.aCall("http:invoke", arguments)))
	if _, err := p.Do(context.Background(), flow.Do{Activity: execution.ActivityCall, Input: input}, func(line string) { said = append(said, line) }); err != nil {
		t.Fatal(err)
	}
	if all := strings.Join(said, "\n"); strings.Contains(all, "hidden") || !strings.Contains(all, "key=***") {
		t.Errorf("the log has %q", all)
	}
}
