package integration

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"tutti/internal/aws"
	"tutti/internal/aws/catalog"
	"tutti/internal/aws/wire"
	"tutti/internal/flow"
	"tutti/internal/stepfunctions/execution"
)

// sdkFailure names an error as the AWS SDK for Java 2 does: "DynamoDb.ConditionalCheckFailedException". What the model
// does not name is the service's general exception.
func (i *Integration) sdkFailure(ctx context.Context, name string, c execution.Call, err error) error {
	class := name
	if s, known := i.options.AWS.Catalog().Service(name); known {
		class = catalog.ClassName(s.ID)
	}
	var e *aws.Error
	if !errors.As(err, &e) {
		return unanswered(ctx, class, c, err)
	}
	if stopping(e) {
		return cutOff(ctx, c)
	}
	code := class + "Exception"
	if e.Modelled {
		code = catalog.ErrorClass(e.Code)
	}
	return flow.Failure{
		Kind: kindOf(e), Code: class + "." + code,
		Message: fmt.Sprintf("%s (Service: %s, Status Code: %d, Request ID: %s)", e.Message, class, e.StatusCode, e.RequestID),
	}
}

// failure names an error as the AWS SDK for Java 1 does, which the optimised integrations are made with.
func (s service) failure(ctx context.Context, c execution.Call, err error) error {
	var e *aws.Error
	if !errors.As(err, &e) {
		return unanswered(ctx, s.prefix, c, err)
	}
	if stopping(e) {
		return cutOff(ctx, c)
	}
	code := s.general
	if e.Modelled {
		code = strings.TrimSuffix(e.Code, "Exception") + "Exception"
	}
	return flow.Failure{
		Kind: kindOf(e), Code: s.prefix + "." + code,
		Message: fmt.Sprintf("%s (Service: %s; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)", e.Message, s.product, e.StatusCode, e.Code, e.RequestID),
	}
}

// restPause is how long a call is held that the stopping server refused: a Host refuses new runs a moment before it tells
// those that are open that they come to rest, and only then is an activity that was cut off kept for later.
const restPause = 250 * time.Millisecond

// stopping reports whether the server of this process answered that it takes nothing in any more.
func stopping(e *aws.Error) bool { return e.Here && e.StatusCode == http.StatusServiceUnavailable }

// cutOff is a call that this process's end cuts off, as any other that is out then: it is made again, or asked about,
// when its execution is taken up.
func cutOff(ctx context.Context, c execution.Call) flow.Failure {
	_ = sleep(ctx, restPause) // the end of the context is the same end
	return flow.Failure{Kind: flow.Cancelled, Message: c.Resource + ": this server is stopping"}
}

func kindOf(e *aws.Error) flow.FailureKind {
	if e.Retryable {
		return flow.Retryable
	}
	return flow.Terminal
}

// unanswered names what is no answer of a service: arguments that it would not take, or nothing that came back.
func unanswered(ctx context.Context, prefix string, c execution.Call, err error) error {
	var input *wire.InputError
	var unknown *aws.UnknownError
	switch {
	case errors.As(err, &input):
		var problems []string
		for _, p := range input.Problems {
			problems = append(problems, problem(p))
		}
		return refuse("The Parameters '%s' could not be used to start the Task: [%s]", c.Arguments, strings.Join(problems, ", "))
	case errors.As(err, &unknown):
		return refuse("%v", unknown)
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %w", c.Resource, ctx.Err())
	}
	message := err.Error()
	switch {
	case errors.Is(err, aws.ErrNoCredentials):
		message = fmt.Sprintf("no AWS credentials were found to call %s with. Give them as to the AWS command (AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), "+
			"or let something here stand for it: a mapping, as -mapping FILE or in the workflow block, names a command or URL.%s (%v)", c.Resource, nestedAdvice(c), err)
	case errors.Is(err, aws.ErrNoRegion):
		message += "." + nestedAdvice(c)
	}
	return flow.Failure{Kind: flow.Retryable, Code: prefix + ".SdkClientException", Message: message}
}

// problem tells of an argument in the service's own words.
func problem(p wire.Problem) string {
	switch p.Kind {
	case wire.Missing:
		return fmt.Sprintf("The field %q is required but was missing", p.Path)
	case wire.Unknown:
		return fmt.Sprintf("The field %q is not supported by Step Functions", p.Path)
	}
	return fmt.Sprintf("The value for the field %q %s", p.Path, p.Text)
}

// nestedAdvice tells who calls Step Functions without AWS how its state machines are reached here.
func nestedAdvice(c execution.Call) string {
	if !strings.HasPrefix(c.Resource, "arn:aws:states:::states:") && !strings.HasPrefix(c.Resource, "arn:aws:states:::aws-sdk:sfn:") {
		return ""
	}
	return " \"tutti serve\" carries out executions of the state machines that were created there; AWS_ENDPOINT_URL_SFN names another server of Step Functions; " +
		"and arn:tutti:workflow:NAME.sync starts a workflow of this stack."
}
