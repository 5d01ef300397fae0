package integration

import (
	"strings"
	"testing"

	"tutti/internal/stepfunctions/definition"
)

func TestRecognise(t *testing.T) {
	t.Parallel()
	recognise := Recognise()
	for arn, want := range map[string]string{
		"arn:aws:states:::sqs:sendMessage":                          "",
		"arn:aws:states:::sqs:sendMessage.waitForTaskToken":         "",
		"arn:aws:states:::batch:submitJob.sync":                     "",
		"arn:aws:states:::states:startExecution.sync:2":             "",
		"arn:aws:states:::aws-sdk:s3:listBuckets":                   "",
		"arn:aws:states:::aws-sdk:cloudwatchlogs:putLogEvents":      "",
		"arn:aws:states:::aws-sdk:sfn:startExecution":               "",
		"arn:aws:states:::sqs:sendMesage":                           `the integration with sqs has no action sendMesage; the SDK has no such action either, so only a mapping to a command or URL can carry it out. It has sendMessage. Did you mean "sendMessage"?`,
		"arn:aws:states:::dynamodb:query":                           "the integration with dynamodb has no action query; call it as aws-sdk:dynamodb:query.",
		"arn:aws:states:::eks:runJob.sync":                          "the integration with eks has no action runJob; the SDK has no such action either",
		"arn:aws:states:::elasticmapreduce:listClusters":            "the integration with elasticmapreduce has no action listClusters; call it as aws-sdk:emr:listClusters.",
		"arn:aws:states:::lamda:invoke":                             "there is no integration with lamda; ",
		"arn:aws:states:::eks:createCluster":                        "",
		"arn:aws:states:::athena:getQueryResults.sync":              "athena:getQueryResults cannot be called as .sync",
		"arn:aws:states:::aws-sdk:s3:listBukets":                    `s3 has no action listBukets. Did you mean "listBuckets"?`,
		"arn:aws:states:::aws-sdk:s3:ListBuckets":                   `s3 has no action ListBuckets. Did you mean "listBuckets"?`,
		"arn:aws:states:::aws-sdk:logs:putLogEvents":                `AWS has no service logs. Did you mean "cloudwatchlogs"?`,
		"arn:aws:states:::aws-sdk:dynamodbb:putItem":                `AWS has no service dynamodbb. Did you mean "dynamodb"?`,
		"arn:aws:states:::aws-sdk:nothinglikethis:describeAnything": "AWS has no service nothinglikethis.",
	} {
		r, ok := definition.ParseResource(arn)
		if !ok {
			t.Fatal(arn)
		}
		if got := recognise(r); want == "" && got != "" || !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", arn, got, want)
		}
	}
}
