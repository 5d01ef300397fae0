package integration

import (
	"testing"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/definition"
)

func TestCheckResult(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		resource, result string
		whole            bool
		want             string
	}{
		{"events:putEvents", `{"Entries":[{"EventId":"a"}]}`, true, ""},
		{"events:putEvents", `{"Entries":"a"}`, false, "Field 'Entries' must be an array"},
		{"events:putEvents", `{"Entries":[{"EventId":"a"},{"EventId":1}]}`, true, "Field 'EventId' must be a string"},
		{"states:startExecution", `{}`, true, "Required field 'ExecutionArn' is missing"},
		{"states:startExecution", `{"executionArn":"a"}`, true, "Required field 'ExecutionArn' is missing"},
		{"states:startExecution", `{"executionArn":"a"}`, false, ""},
		{"states:startExecution", `{"ExecutionArn":"a","StartDate":true}`, false, "Field 'StartDate' must be a string"},
		{"lambda:invoke", `{"StatusCode":"200"}`, true, "Field 'StatusCode' must be a number"},
		{"lambda:invoke", `{"Payload":{"any":1}}`, true, ""},
		{"lambda:invoke", `{"random":"json"}`, true, ""},
		{"dynamodb:getItem", `{"ConsumedCapacity":{"CapacityUnits":"1"}}`, true, "Field 'CapacityUnits' must be a number"},
		{"dynamodb:getItem", `{"Item":{"id":{"S":1}}}`, true, "Field 'S' must be a string"},
		{"dynamodb:getItem", `{"Item":[]}`, true, "Field 'Item' must be an object"},
		{"aws-sdk:s3:getObject", `{"ContentLength":"1"}`, true, "Field 'ContentLength' must be a number"},
		{"aws-sdk:kms:encrypt", `{"CiphertextBlob":1}`, true, "Field 'CiphertextBlob' must be a string"},
		{"sqs:sendMessage", `[]`, true, "Mock result must be a JSON object"},
		{"sqs:sendMessage.waitForTaskToken", `[]`, true, ""},
		{"http:invoke", `[]`, true, ""},
		{"aws-sdk:nosuch:thing", `[]`, true, ""},
	} {
		r, ok := definition.ParseResource("arn:aws:states:::" + c.resource)
		v, err := data.Decode([]byte(c.result))
		if !ok || err != nil {
			t.Fatal(c.resource, err)
		}
		if got := CheckResult(r, v, c.whole); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.resource, c.result, got, c.want)
		}
	}
}
