package integration

import (
	"context"
	"errors"
	"fmt"
	"strings"

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
	code := s.general
	if e.Modelled {
		code = strings.TrimSuffix(e.Code, "Exception") + "Exception"
	}
	return flow.Failure{
		Kind: kindOf(e), Code: s.prefix + "." + code,
		Message: fmt.Sprintf("%s (Service: %s; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)", e.Message, s.product, e.StatusCode, e.Code, e.RequestID),
	}
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
	if errors.Is(err, aws.ErrNoCredentials) {
		message = fmt.Sprintf("no AWS credentials were found to call %s with. Give them as to the AWS command (AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), "+
			"or let something here stand for it: a mapping, as -mapping FILE or in the workflow block, names a command or URL. (%v)", c.Resource, err)
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
