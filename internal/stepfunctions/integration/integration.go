// Package integration carries out on AWS what the Tasks of a state machine ask for: the service integrations of Step
// Functions.
//
// In: the activities of package execution. Out: results in the service's own shapes and names, or failures with the
// error names that Retry and Catch see. It owns which actions there are, how a job is begun, waited for and stopped, and
// items and results in S3. It must not know how a call travels (internal/aws), nor what a state machine is.
//
//	arn:aws:lambda:...:function:NAME          calls a function
//	arn:aws:states:::aws-sdk:SERVICE:ACTION   any action of any service, as package aws has them
//	arn:aws:states:::SERVICE:ACTION           an optimised integration: see optimised.go
//	....sync, ....sync:2                      begins a job and waits for its end: see jobs.go
//	....waitForTaskToken                      the request only; whoever got the token answers
//
// Source: the AWS Step Functions developer guide, "Integrating services".
package integration

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"tutti/internal/aws"
	"tutti/internal/aws/wire"
	"tutti/internal/flow"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/worker"
)

// Options are what an Integration works with.
type Options struct {
	// AWS is nil for a client that finds its configuration in the environment, as the AWS SDKs do, and tries thrice.
	AWS *aws.Client
	// Poll is the longest pause between two looks at a job; 0 is DefaultPoll.
	Poll time.Duration
	// House is what is here of Step Functions; nil is nothing. It counts only where AWS is nil.
	House House
	// Dir is where objects that hold items lie while they are read; "" is items in tutti's folder among the user's caches.
	Dir string
}

// House is a server of Step Functions in this process. It is safe for concurrent use.
type House interface {
	// Here is as in aws.Options.
	Here(ctx context.Context, service string, body []byte) http.Handler
	// Ended returns when the execution of an ARN has ended, when the context does, or when nothing here can tell.
	Ended(ctx context.Context, execution string)
}

// DefaultPoll is the longest pause between two looks at a job. The first pauses are shorter.
const DefaultPoll = 10 * time.Second

// defaultAttempts is the SDKs' own.
const defaultAttempts = 3

// Integration carries out activities on AWS. It is safe for concurrent use.
type Integration struct {
	options  Options
	services map[string]service
	// local does what no AWS is needed for: the request of http:invoke, items once they are here.
	local *worker.Worker
	items itemFiles
}

var _ worker.Caller = (*Integration)(nil)

// New gives an Integration. Nothing is read before the first call.
func New(o Options) *Integration {
	if o.AWS == nil {
		options := aws.Options{Attempts: defaultAttempts}
		if o.House != nil {
			options.Here = o.House.Here
		}
		o.AWS = aws.New(options, nil)
	}
	if o.Poll == 0 {
		o.Poll = DefaultPoll
	}
	return &Integration{options: o, services: optimised(), local: worker.New(worker.Options{}), items: itemFiles{dir: o.Dir}}
}

// The error names of package execution that calls end in.
const (
	codeRuntime    = execution.Runtime
	codeTaskFailed = execution.TaskFailed
)

// Do implements worker.Caller.
func (i *Integration) Do(ctx context.Context, d flow.Do, log func(line string)) (json.RawMessage, error) {
	switch d.Activity {
	case execution.ActivityCall, execution.ActivitySubmit:
		var c execution.Call
		if err := json.Unmarshal(d.Input, &c); err != nil {
			return nil, fmt.Errorf("the call cannot be read: %w", err)
		}
		t, err := i.find(c)
		if err != nil {
			return nil, err
		}
		if d.Activity == execution.ActivitySubmit {
			return i.submit(ctx, t, c)
		}
		return i.call(ctx, t, c, log)
	case execution.ActivityAwait, execution.ActivityStop:
		var j execution.JobCall
		if err := json.Unmarshal(d.Input, &j); err != nil {
			return nil, fmt.Errorf("the job cannot be read: %w", err)
		}
		t, err := i.find(j.Call)
		if err != nil {
			return nil, err
		}
		if d.Activity == execution.ActivityStop {
			return nil, i.stop(ctx, t, j, log)
		}
		return i.await(ctx, t, j, log)
	case execution.ActivityRead:
		var c execution.ReadCall
		if err := json.Unmarshal(d.Input, &c); err != nil {
			return nil, fmt.Errorf("the request for items cannot be read: %w", err)
		}
		return i.read(ctx, c)
	case execution.ActivityWrite:
		var c execution.WriteCall
		if err := json.Unmarshal(d.Input, &c); err != nil {
			return nil, fmt.Errorf("the results cannot be read: %w", err)
		}
		return i.write(ctx, c)
	}
	return nil, fmt.Errorf("no activity is called %q", d.Activity)
}

// target is what a call is for.
type target struct {
	resource definition.Resource
	region   string
	// Of an optimised integration:
	service service
	action  action
}

// find takes a resource apart and finds the action. That there is none is the definition's fault.
func (i *Integration) find(c execution.Call) (target, error) {
	r, ok := definition.ParseResource(c.Resource)
	if !ok {
		return target{}, refuse("%s is not the ARN of something that a Task can call", c.Resource)
	}
	t := target{resource: r}
	if parts := strings.SplitN(c.Resource, ":", 5); len(parts) == 5 {
		t.region = parts[3]
	}
	switch {
	case r.Kind == definition.LambdaResource:
		t.service, t.action = i.services["lambda"], i.services["lambda"].actions["invoke"]
		return t, nil
	case r.Kind != definition.IntegrationResource:
		return target{}, refuse("%s is nothing of AWS", c.Resource)
	case strings.HasPrefix(r.Service, sdkPrefix):
		return t, nil
	}
	s, known := i.services[r.Service]
	if !known {
		return target{}, refuse("there is no integration with %s; %s", r.Service, otherwise(i.options.AWS.Catalog(), r.Service, r.Action))
	}
	a, known := s.actions[r.Action]
	if !known {
		return target{}, refuse("the integration with %s has no action %s; %s", r.Service, r.Action, otherwise(i.options.AWS.Catalog(), s.name, r.Action))
	}
	if r.Pattern != definition.RequestResponse && r.Pattern != definition.WaitForTaskToken && a.job == nil {
		return target{}, refuse("%s:%s cannot be called as %s", r.Service, r.Action, r.Pattern)
	}
	t.service, t.action = s, a
	return t, nil
}

func refuse(format string, args ...any) flow.Failure {
	return flow.Failure{Kind: flow.Terminal, Code: codeRuntime, Message: fmt.Sprintf(format, args...)}
}

const sdkPrefix = "aws-sdk:"

// call carries out a request and gives its result.
func (i *Integration) call(ctx context.Context, t target, c execution.Call, log func(string)) (json.RawMessage, error) {
	switch {
	case strings.HasPrefix(t.resource.Service, sdkPrefix):
		return i.sdk(ctx, t, c)
	case t.resource.Kind == definition.LambdaResource:
		return i.function(ctx, t, c)
	case t.action.carry != nil:
		return t.action.carry(i, ctx, c, log)
	}
	out, err := i.request(ctx, t, c)
	if err != nil {
		return i.begun(ctx, t, c, optimisedStyle(), err)
	}
	return json.Marshal(out)
}

// sdk carries out any action of any service. Members are named and timestamps written as the AWS SDK for Java 2 has them.
func (i *Integration) sdk(ctx context.Context, t target, c execution.Call) (json.RawMessage, error) {
	name := strings.TrimPrefix(t.resource.Service, sdkPrefix)
	style := wire.Style{Names: wire.PascalNames, JSONBodies: true}
	starts := name == "sfn" && t.resource.Action == "startExecution"
	input := any(c.Arguments)
	if starts {
		arguments, err := argumentsOf(c)
		if err != nil {
			return nil, err
		}
		nameExecution(c, arguments)
		input = arguments
	}
	a, err := i.options.AWS.Do(ctx, aws.Request{
		Service: name, Operation: t.resource.Action, Input: input, Region: t.region, RoleARN: c.RoleARN, Token: c.Key, Style: style,
	})
	if err != nil {
		err = i.sdkFailure(ctx, name, c, err)
		if starts {
			return i.begun(ctx, t, c, style, err)
		}
		return nil, err
	}
	return json.Marshal(a.Output)
}

// optimisedStyle is that of the AWS SDK for Java 1.
func optimisedStyle() wire.Style {
	return wire.Style{Names: wire.UpperNames, Milliseconds: true, JSONBodies: true}
}

// ask carries out an operation of an optimised integration's service.
func (i *Integration) ask(ctx context.Context, t target, c execution.Call, operation string, input any) (*aws.Answer, error) {
	a, err := i.options.AWS.Do(ctx, aws.Request{
		Service: t.service.name, Operation: operation, Input: input, Region: t.region, RoleARN: c.RoleARN, Token: c.Key, Style: optimisedStyle(),
	})
	if err != nil {
		return nil, t.service.failure(ctx, c, err)
	}
	return a, nil
}

// request carries out the action itself.
func (i *Integration) request(ctx context.Context, t target, c execution.Call) (map[string]any, error) {
	arguments, err := argumentsOf(c)
	if err != nil {
		return nil, err
	}
	if t.action.arguments != nil {
		t.action.arguments(t, c, arguments)
	}
	a, err := i.ask(ctx, t, c, cmp.Or(t.action.operation, t.resource.Action), arguments)
	if err != nil {
		return nil, err
	}
	if t.action.result != nil {
		if err := t.action.result(t, c, a.Output); err != nil {
			return nil, err
		}
	}
	a.Output["SdkHttpMetadata"], a.Output["SdkResponseMetadata"] = httpMetadata(a), map[string]any{"RequestId": a.RequestID}
	return a.Output, nil
}

// httpMetadata tells of an answer's headers what Java's clients tell.
func httpMetadata(a *aws.Answer) map[string]any {
	all, last := map[string]any{}, map[string]any{}
	for name, values := range a.Header {
		list := make([]any, len(values))
		for n := range values {
			list[n] = values[n]
		}
		name = http.CanonicalHeaderKey(name)
		all[name], last[name] = list, values[len(values)-1]
	}
	return map[string]any{"AllHttpHeaders": all, "HttpHeaders": last, "HttpStatusCode": a.Status}
}

// argumentsOf gives the arguments, one level open: what becomes text keeps its order.
func argumentsOf(c execution.Call) (map[string]any, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(c.Arguments, &members); err != nil {
		return nil, refuse("The Parameters '%s' could not be used to start the Task: they are no object", c.Arguments)
	}
	arguments := make(map[string]any, len(members))
	for name, v := range members {
		arguments[name] = v
	}
	return arguments, nil
}
