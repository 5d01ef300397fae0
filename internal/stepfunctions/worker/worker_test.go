package worker_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"tutti/internal/flow"
	"tutti/internal/secret"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/worker"
)

// do carries an activity out and gives its answer as text: the result, or the error
// name with its cause.
func do(t *testing.T, w *worker.Worker, activity string, input any) string {
	t.Helper()
	raw, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	out, err := w.Do(t.Context(), flow.Do{ID: 1, Activity: activity, Input: raw}, func(line string) { t.Log(line) })
	var f flow.Failure
	switch {
	case errors.As(err, &f):
		return f.Code + ": " + f.Message
	case err != nil:
		t.Fatalf("%v is no failure", err)
	}
	return string(out)
}

func call(t *testing.T, w *worker.Worker, resource, arguments string) string {
	t.Helper()
	return do(t, w, execution.ActivityCall, execution.Call{Resource: resource, Arguments: json.RawMessage(arguments), Key: "k1", Execution: "arn:e", State: "Pack"})
}

func shell(script string) []string { return []string{"/bin/sh", "-c", script} }

func TestCommand(t *testing.T) {
	t.Parallel()
	w := worker.New(worker.Options{Dir: t.TempDir()})
	tests := []struct{ arguments, want string }{
		{`{"Command":["/bin/sh","-c","cat; echo $A $TUTTI_STATE >&2"],"Stdin":{"n":1},"Environment":{"A":"x"}}`, `{"ExitCode":0,"Stdout":"{\"n\":1}","Stderr":"x Pack","Output":{"n":1}}`},
		{`{"Command":["/bin/sh","-c","cat"],"Stdin":"plain"}`, `{"ExitCode":0,"Stdout":"plain","Stderr":"","Output":null}`},
		{`{"Command":["/bin/sh","-c","echo no light >&2; exit 3"]}`, "States.TaskFailed: /bin/sh ended with exit code 3: no light"},
		{`{"Command":["/bin/sh","-c","echo '{\"errorType\":\"Shop.Closed\",\"errorMessage\":\"no light\"}' >&2; exit 1"]}`, `Shop.Closed: {"errorType":"Shop.Closed","errorMessage":"no light"}`},
		{`{"Command":[]}`, "States.Runtime: the Arguments of arn:tutti:command must hold Command, such as {\"Command\": [\"bin/shop\", \"pack\"]}"},
		{`{"Comand":["x"]}`, `States.Runtime: the Arguments of arn:tutti:command hold "Comand"; there are Command, Environment, WorkingDir, Stdin`},
		{`"x"`, "States.Runtime: the Arguments of arn:tutti:command must be an object with Command, Environment, WorkingDir, Stdin"},
	}
	for _, tt := range tests {
		if got := call(t, w, "arn:tutti:command", tt.arguments); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.arguments, got, tt.want)
		}
	}
	if got := call(t, w, "arn:tutti:command", `{"Command":["no/such/program"]}`); !strings.HasPrefix(got, "States.TaskFailed: cannot start") {
		t.Error(got)
	}
	if got := call(t, w, "arn:tutti:robot", `{}`); !strings.HasPrefix(got, "States.Runtime: arn:tutti:robot is no resource") {
		t.Error(got)
	}
	// What ended when it was submitted is a job too.
	got := do(t, w, execution.ActivitySubmit, execution.Call{Resource: "arn:tutti:command.sync", Arguments: json.RawMessage(`{"Command":["echo","1"]}`), Key: "k1"})
	if want := `{"id":"k1","output":{"ExitCode":0,"Stdout":"1","Stderr":"","Output":1}}`; got != want {
		t.Errorf("got %s", got)
	}
	var job execution.Job
	if err := json.Unmarshal([]byte(got), &job); err != nil {
		t.Fatal(err)
	}
	awaited := do(t, w, execution.ActivityAwait, execution.JobCall{Call: execution.Call{Resource: "arn:tutti:command.sync"}, Job: job})
	if want := `{"ExitCode":0,"Stdout":"1","Stderr":"","Output":1}`; awaited != want {
		t.Errorf("got %s", awaited)
	}
}

func TestMappedCommand(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:lambda:eu-west-1:123456789012:function:pack"
	w := worker.New(worker.Options{Dir: t.TempDir(), Mapping: worker.Mapping{
		arn:                             {Command: shell(`read -r p; echo "{\"got\":$p,\"by\":\"$AWS_LAMBDA_FUNCTION_NAME\"}"`)},
		"refuse":                        {Command: shell(`echo '{"errorType":"TooHeavy","errorMessage":"9 kg"}'; exit 1`)},
		"mute":                          {Command: shell(`exit 7`)},
		"chatty":                        {Command: shell(`echo hello`)},
		"silent":                        {Command: shell(`:`)},
		"arn:aws:states:::sns:publish":  {Command: shell(`cat`)},
		"arn:aws:states:::batch:submit": {Command: shell(`exit 1`)},
	}})
	tests := []struct{ resource, arguments, want string }{
		{arn, `{"n":1}`, `{"got":{"n":1},"by":"pack"}`},
		{arn + ":live", `{"n":1}`, `{"got":{"n":1},"by":"pack"}`},
		{"arn:aws:states:::lambda:invoke", `{"FunctionName":"` + arn + `:$LATEST","Payload":[1]}`, `{"ExecutedVersion":"$LATEST","Payload":{"got":[1],"by":"pack"},"StatusCode":200}`},
		{"arn:aws:lambda:us-east-1:1:function:refuse", `{}`, `TooHeavy: {"errorType":"TooHeavy","errorMessage":"9 kg"}`},
		{"arn:aws:states:::lambda:invoke", `{"FunctionName":"mute"}`, "Lambda.Unknown: /bin/sh ended with exit code 7"},
		{"arn:aws:states:::lambda:invoke", `{"FunctionName":"chatty"}`, "Lambda.Unknown: /bin/sh printed what is no JSON: hello"},
		{"arn:aws:states:::lambda:invoke", `{"FunctionName":"silent"}`, `{"ExecutedVersion":"$LATEST","Payload":null,"StatusCode":200}`},
		{"arn:aws:states:::sns:publish", `{"Message":"m"}`, `{"Message":"m"}`},
		{"arn:aws:states:::batch:submit.sync", `{}`, "States.TaskFailed: /bin/sh ended with exit code 1"},
		{"arn:aws:states:::lambda:invoke", `{"FunctionName":"other"}`, "States.Runtime: nothing here carries out resources of AWS"},
	}
	for _, tt := range tests {
		if got := call(t, w, tt.resource, tt.arguments); got != tt.want {
			t.Errorf("%s %s:\n got %s\nwant %s", tt.resource, tt.arguments, got, tt.want)
		}
	}
}

func TestParseMapping(t *testing.T) {
	t.Parallel()
	if m, err := worker.ParseMapping([]byte(`{"a":{"command":["x"],"timeout":"5s","environment":{"A":"b"},"working_dir":"d"},"b":{"url":"https://h/","headers":{"X":"y"}}}`)); err != nil || len(m) != 2 {
		t.Errorf("%v, %v", m, err)
	}
	for text, want := range map[string]string{
		`[]`: "a mapping is an object", `{"a":"b"}`: "at byte 8 a value cannot be of the type string", `{} {}`: "something follows it", `{"a":{"comand":["x"]}}`: `unknown field "comand"`, `{"a":{}}`: "exactly one of command and url",
		`{"a":{"command":["x"],"url":"http://h"}}`: "exactly one of command and url", `{"a":{"command":["x"],"timeout":"5"}}`: `the timeout "5" is no duration`,
		`{"a":{"command":["x"],"timeout":"-5s"}}`: "no duration above 0", `{"a":{"command":["x"],"headers":{"a":"b"}}}`: "headers belong to a url",
		`{"a":{"url":"http://h","working_dir":"d"}}`: "working_dir to a command", `{"a":{"url":"/h"}}`: "must start with http://",
	} {
		if _, err := worker.ParseMapping([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		rw.Header().Set("Date", "now")
		switch r.URL.Path {
		case "/echo":
			_, _ = fmt.Fprintf(rw, `{"%s":%q,"x":%q,"body":%q}`, r.Method, r.URL.RawQuery, r.Header.Get("X"), body)
		case "/broken":
			rw.Header().Set("X-Amz-Function-Error", "Unhandled")
			_, _ = io.WriteString(rw, `{"errorType":"TooHeavy","errorMessage":"9 kg"}`)
		case "/text":
			_, _ = io.WriteString(rw, "plain")
		default:
			http.Error(rw, "nothing here", http.StatusNotFound)
		}
	}))
	defer server.Close()
	w := worker.New(worker.Options{Mapping: worker.Mapping{
		"echo": {URL: server.URL + "/echo", Headers: map[string]string{"X": "y"}}, "broken": {URL: server.URL + "/broken"}, "gone": {URL: server.URL + "/gone"},
		"text": {URL: server.URL + "/text"},
	}})
	tests := []struct{ resource, arguments, want string }{
		{"arn:tutti:http", `{"ApiEndpoint":"` + server.URL + `/echo?a=1","Method":"PUT","QueryParameters":{"b":["2",3]},"Headers":{"X":"z"},"RequestBody":{"n":1}}`,
			`{"Headers":{"content-length":["48"],"content-type":["text/plain; charset=utf-8"],"date":["now"]},"ResponseBody":{"PUT":"a=1\u0026b=2\u0026b=3","x":"z","body":"{\"n\":1}"},"StatusCode":200,"StatusText":"OK"}`},
		{"arn:tutti:http", `{"ApiEndpoint":"` + server.URL + `/gone"}`, "States.Http.StatusCode.404: Not Found: nothing here"},
		{"arn:tutti:http", `{"ApiEndpoint":"/gone"}`, "States.Runtime: ApiEndpoint must be an absolute URL that starts with http:// or https://"},
		{"arn:aws:lambda:us-east-1:1:function:echo", `{"n":1}`, `{"POST":"","x":"y","body":"{\"n\":1}"}`},
		{"arn:aws:lambda:us-east-1:1:function:broken", `{}`, `TooHeavy: {"errorType":"TooHeavy","errorMessage":"9 kg"}`},
		{"arn:aws:lambda:us-east-1:1:function:gone", `{}`, "Lambda.Unknown: the server answered 404 Not Found: nothing here"},
		{"arn:aws:lambda:us-east-1:1:function:text", `{}`, "Lambda.Unknown: the server answered what is no JSON: plain"},
	}
	for _, tt := range tests {
		if got := call(t, w, tt.resource, tt.arguments); got != tt.want {
			t.Errorf("%s %s:\n got %s\nwant %s", tt.resource, tt.arguments, got, tt.want)
		}
	}
	server.CloseClientConnections()
	server.Close()
	if got := call(t, w, "arn:tutti:http", `{"ApiEndpoint":"`+server.URL+`"}`); !strings.HasPrefix(got, "States.Http.Socket: ") {
		t.Error(got)
	}
}

// house stands for a stack, at the border that the engine fills.
type house struct{ started []string }

func (h *house) Task(_ context.Context, name string, extra worker.TaskInput, _ func(string)) (json.RawMessage, error) {
	return json.Marshal(map[string]any{"task": name, "environment": extra.Environment, "stdin": extra.Stdin})
}

func (h *house) Start(_ context.Context, workflow string, input json.RawMessage, key string) (string, error) {
	h.started = append(h.started, workflow+" "+string(input))
	return "run-" + key, nil
}

func (h *house) Wait(_ context.Context, workflow, run string) (json.RawMessage, error) {
	if workflow == "bad" {
		return nil, &worker.Ended{Code: "Shop.Closed", Message: "no light"}
	}
	return json.Marshal(run + " is done")
}

func (h *house) Stop(_ context.Context, workflow, run, reason string) error {
	h.started = append(h.started, "stop "+workflow+" "+run+" "+reason)
	return nil
}

func TestStack(t *testing.T) {
	t.Parallel()
	h := &house{}
	w := worker.New(worker.Options{Stack: h})
	job := func(name string) execution.JobCall {
		return execution.JobCall{Call: execution.Call{Resource: "arn:tutti:workflow:" + name + ".sync", Execution: "arn:e"}, Job: execution.Job{ID: "run-k1"}}
	}
	for _, tt := range []struct{ got, want string }{
		{call(t, w, "arn:tutti:task:load", `{"Environment":{"A":"x"},"Stdin":"in"}`), `{"environment":{"A":"x"},"stdin":"in","task":"load"}`},
		{call(t, w, "arn:tutti:task:load", `{"order":1}`), `{"environment":null,"stdin":"{\"order\":1}","task":"load"}`},
		{call(t, w, "arn:tutti:workflow:ship", `{"n":1}`), `{"Execution":"run-k1","Workflow":"ship"}`},
		{do(t, w, execution.ActivitySubmit, execution.Call{Resource: "arn:tutti:workflow:ship.sync", Arguments: json.RawMessage(`2`), Key: "k1"}),
			`{"id":"run-k1","output":{"Execution":"run-k1","Workflow":"ship"}}`},
		{do(t, w, execution.ActivityAwait, job("ship")), `"run-k1 is done"`},
		{do(t, w, execution.ActivityAwait, job("bad")), `States.TaskFailed: {"Cause":"no light","Error":"Shop.Closed","Execution":"run-k1","Workflow":"bad"}`},
		{do(t, w, execution.ActivityStop, job("ship")), ""},
		{strings.Join(h.started, "; "), `ship {"n":1}; ship 2; stop ship run-k1 stopped by arn:e`},
		{call(t, worker.New(worker.Options{}), "arn:tutti:task:load", `{}`), "States.Runtime: arn:tutti:task:load belongs to a stack, and this state machine does not run in one"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %s\nwant %s", tt.got, tt.want)
		}
	}
}

func TestSubmitsOnce(t *testing.T) {
	t.Parallel()
	w := worker.New(worker.Options{Mapping: worker.Mapping{"arn:aws:states:::batch:submitJob": {Command: []string{"x"}}}})
	for resource, want := range map[string]bool{"arn:tutti:command.sync": true, "arn:tutti:task:a.sync": true, "arn:tutti:workflow:a.sync": false,
		"arn:aws:states:::batch:submitJob.sync": true, "arn:aws:states:::glue:startJobRun.sync": false} {
		raw, err := json.Marshal(execution.Call{Resource: resource})
		if err != nil {
			t.Fatal(err)
		}
		if got := w.SubmitsOnce(flow.Do{Activity: execution.ActivitySubmit, Input: raw}); got != want {
			t.Errorf("%s: %v", resource, got)
		}
	}
}

func TestSecretsAreMasked(t *testing.T) {
	t.Parallel()
	m := &secret.Masker{}
	m.Add("hunter2222")
	w := worker.New(worker.Options{Masker: m})
	if got := call(t, w, "arn:tutti:command", `{"Command":["/bin/sh","-c","echo hunter2222 >&2; exit 1"]}`); strings.Contains(got, "hunter") || !strings.Contains(got, "exit code 1") {
		t.Error(got)
	}
}

func TestCommandIsStopped(t *testing.T) {
	t.Parallel()
	w := worker.New(worker.Options{Dir: t.TempDir(), Mapping: worker.Mapping{"slow": {Command: []string{"sleep", "1000"}, Timeout: "50ms"}}})
	if got := call(t, w, "arn:aws:lambda:us-east-1:1:function:slow", `{}`); got != "States.Timeout: the command did not end in time" {
		t.Error(got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	raw, _ := json.Marshal(execution.Call{Resource: "arn:tutti:command", Arguments: json.RawMessage(`{"Command":["/bin/sh","-c","echo up >&2; sleep 1000"]}`)})
	_, err := w.Do(ctx, flow.Do{Activity: execution.ActivityCall, Input: raw}, func(string) { cancel() })
	var f flow.Failure
	if !errors.As(err, &f) || f.Kind != flow.Cancelled {
		t.Errorf("%v", err)
	}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := worker.New(worker.Options{Dir: dir})
	c := execution.WriteCall{Resource: "arn:tutti:file", Arguments: json.RawMessage(`{"Path":"out"}`), MapRun: "arn:aws:states:r:a:mapRun:m/label:7f", Name: "SUCCEEDED_0.json",
		Items: []json.RawMessage{json.RawMessage(`{"a":1}`), json.RawMessage(`2`)}}
	for range 2 { // the same part again replaces the same file
		want := `{"key":"` + filepath.ToSlash(filepath.Join(dir, "out", "7f", "SUCCEEDED_0.json")) + `","size":11}`
		if got := do(t, w, execution.ActivityWrite, c); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
	read := do(t, w, execution.ActivityRead, execution.ReadCall{Resource: "arn:tutti:file", Arguments: json.RawMessage(`{"Path":"out/7f/SUCCEEDED_0.json"}`), InputType: "JSON", Count: 10})
	if read != `{"items":[{"a":1},2]}` {
		t.Error(read)
	}
	c.OutputType, c.Name = "JSONL", "SUCCEEDED_0.jsonl"
	do(t, w, execution.ActivityWrite, c)
	read = do(t, w, execution.ActivityRead, execution.ReadCall{Resource: "arn:tutti:file", Arguments: json.RawMessage(`{"Path":"out/7f/SUCCEEDED_0.jsonl"}`), InputType: "JSONL", Count: 10})
	if read != `{"items":[{"a":1},2]}` {
		t.Error(read)
	}
	c.Name = "../x"
	if got := do(t, w, execution.ActivityWrite, c); !strings.HasPrefix(got, "States.ResultWriterFailed") {
		t.Error(got)
	}
}
