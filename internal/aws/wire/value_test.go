package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tutti/internal/aws/catalog"
)

// TestInput holds inputs against their shapes.
func TestInput(t *testing.T) {
	t.Parallel()
	var services catalog.Catalog
	deep := any(object{"S": "x"})
	for range maxDepth {
		deep = object{"L": []any{deep}}
	}
	many := object{}
	for i := range maxProblems + 5 {
		many[fmt.Sprintf("X%02d", i)] = 1
	}
	for _, test := range []struct {
		name  string
		style Style
		input any
		body  string // or the error, "! ..."
	}{
		{name: "sqs:SendMessage", input: "x", body: `! the field "" is not an object`},
		{name: "sqs:SendMessage", input: object{"QueueUrl": "q", "MessageBody": "b", "DelaySeconds": "3"}, body: `{"DelaySeconds":3,"MessageBody":"b","QueueUrl":"q"}`},
		{name: "sqs:SendMessage", input: object{"QueueUrl": "q", "MessageBody": nil}, body: `! the field "MessageBody" is required but was missing`},
		{name: "sqs:SendMessage", input: object{"QueueUrl": "q", "MessageBody": "b", "DelaySeconds": 1.5}, body: `! the field "DelaySeconds" has to be a whole number, and is 1.5`},
		{name: "sqs:SendMessage", input: object{"QueueUrl": "q", "MessageBody": "b", "DelaySeconds": []any{}}, body: `! has to be a whole number, and is a list`},
		{name: "sqs:SendMessage", input: object{"QueueUrl": "q", "MessageBody": object{"a<": []any{1, json.Number("2.0")}}}, body: `{"MessageBody":"{\"a<\":[1,2.0]}","QueueUrl":"q"}`},
		{name: "sqs:SendMessage", input: json.RawMessage(`{"QueueUrl":"q","MessageBody":{"z":1.0, "a":[null]},"DelaySeconds":3,"MessageGroupId":null}`),
			body: `{"DelaySeconds":3,"MessageBody":"{\"z\":1.0,\"a\":[null]}","QueueUrl":"q"}`},
		{name: "sqs:SendMessage", input: json.RawMessage(`{"QueueUrl":"q","MessageBody":7,"MessageAttributes":{"k":{"DataType":"String","StringValue":"é"}}}`),
			body: `{"MessageAttributes":{"k":{"DataType":"String","StringValue":"é"}},"MessageBody":"7","QueueUrl":"q"}`},
		{name: "ecs:DescribeTasks", input: json.RawMessage(`{"tasks":["a",null,"b"],"Include":[]}`), body: `{"include":[],"tasks":["a","b"]}`},
		{name: "ecs:DescribeTasks", input: json.RawMessage(`[]`), body: `! the field "" is not an object`},
		{name: "sqs:SendMessage", input: object{"QueueUrl": "q", "MessageBody": "b", "MessageAttributes": object{"k": object{"DataTyp": "String"}}},
			body: `! there is no field "MessageAttributes.k.DataTyp"; there are StringValue, BinaryValue`},
		{name: "ecs:RunTask", style: Style{Names: PascalNames}, input: object{"TaskDefinition": "d", "Overrides": object{"Foo": 1}}, body: `! there is no field "Overrides.Foo"; there are ContainerOverrides, Cpu`},
		{name: "ecs:RunTask", style: Style{Names: PascalNames}, input: object{}, body: `! the field "TaskDefinition" is required but was missing`},
		{name: "ecs:RunTask", input: object{"taskDefinition": "d", "Count": json.Number("2.0"), "enableECSManagedTags": "true"}, body: `{"clientToken":"made-up","count":2,"enableECSManagedTags":true,"taskDefinition":"d"}`},
		{name: "ecs:RunTask", input: object{"taskDefinition": "d", "enableExecuteCommand": 1}, body: `! has to be a boolean, and is a number`},
		{name: "ecs:RunTask", input: object{"taskDefinition": "d", "tags": object{}}, body: `! the field "tags" has to be a list, and is an object`},
		{name: "ecs:DescribeTasks", input: object{"tasks": []any{"a", nil, "b"}}, body: `{"tasks":["a","b"]}`},
		{name: "dynamodb:PutItem", input: object{"TableName": "t", "Item": object{"a": deep}}, body: `! deep`},
		{name: "dynamodb:PutItem", input: object{"TableName": "t", "Item": object{"a": object{"B": "not base64"}}}, body: `{"Item":{"a":{"B":"bm90IGJhc2U2NA=="}},"TableName":"t"}`},
		{name: "glue:StartJobRun", input: object{"JobName": "j", "MaxCapacity": "0.5"}, body: `{"JobName":"j","MaxCapacity":0.5}`},
		{name: "glue:StartJobRun", input: object{"JobName": "j", "MaxCapacity": "NaN"}, body: `{"JobName":"j","MaxCapacity":"NaN"}`},
		{name: "glue:StartJobRun", input: object{"JobName": "j", "MaxCapacity": "much"}, body: `! has to be a number, and is "much"`},
		{name: "events:PutEvents", input: object{"Entries": []any{object{"Time": 1700000000}}}, body: `{"Entries":[{"Time":1700000000}]}`},
		{name: "events:PutEvents", input: object{"Entries": []any{object{"Time": "2023-11-14T23:13:20.5+01:00"}}}, body: `{"Entries":[{"Time":1700000000.5}]}`},
		{name: "events:PutEvents", input: object{"Entries": []any{object{"Time": "soon"}}}, body: `! the field "Entries[0].Time" has to be a timestamp, and is "soon"`},
		{name: "events:PutEvents", input: object{"Entries": []any{object{"Time": true}}}, body: `! has to be a timestamp, and is a boolean`},
		{name: "lambda:Invoke", input: object{"FunctionName": "f", "Payload": `{"a":1}`}, body: `{"a":1}`},
		{name: "lambda:Invoke", input: object{"FunctionName": "f", "Payload": object{"a": 1}}, body: `{"a":1}`},
		{name: "lambda:Invoke", style: Style{JSONBodies: true}, input: object{"FunctionName": "f", "Payload": []byte("\xff")}, body: "\xff"},
		{name: "lambda:Invoke", style: Style{JSONBodies: true}, input: object{"FunctionName": "f", "Payload": "x"}, body: `"x"`},
		{name: "lambda:Invoke", input: object{"FunctionName": ""}, body: `! the field "FunctionName" may not be empty`},
	} {
		c := call(t, &services, strings.Split(test.name, ":")[0], strings.Split(test.name, ":")[1], test.input)
		c.Style = test.style
		r, err := Write(c)
		want, refused := strings.CutPrefix(test.body, "! ")
		switch {
		case refused && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s %v: %v, want %s", test.name, test.input, err, want)
		case refused:
			var input *InputError
			if !errors.As(err, &input) {
				t.Errorf("%s: %v is a %T", test.name, err, err)
			}
		case err != nil || string(r.Body) != want:
			t.Errorf("%s: %s (%v), want %s", test.name, r.Body, err, want)
		}
	}
	var input *InputError
	if _, err := Write(call(t, &services, "sqs", "ListQueues", many)); !errors.As(err, &input) || len(input.Problems) != maxProblems {
		t.Errorf("%v", err)
	}
}

func TestChecksum(t *testing.T) {
	t.Parallel()
	var services catalog.Catalog
	objects := object{"Bucket": "b", "Delete": object{"Objects": []any{object{"Key": "k"}}}}
	r, err := Write(call(t, &services, "s3", "DeleteObjects", objects))
	if err != nil || r.Header.Get("X-Amz-Checksum-Crc32") == "" || r.Header.Get("X-Amz-Sdk-Checksum-Algorithm") != "CRC32" {
		t.Errorf("%v %v", r.Header, err)
	}
	for name, required := range map[string]bool{"s3:PutObject": false, "s3:GetObject": false, "glacier:UploadArchive": false} {
		service, operation, _ := strings.Cut(name, ":")
		c := call(t, &services, service, operation, nil)
		if c.Operation.ChecksumRequired != required {
			t.Errorf("%s: %t", name, c.Operation.ChecksumRequired)
		}
	}
	c := Call{Service: &catalog.Service{Protocol: catalog.RESTJSON}, Operation: &catalog.Operation{Name: "Old", Method: http.MethodPut, URI: "/", ChecksumRequired: true}}
	if r, err := Write(c); err != nil || r.Header.Get("Content-Md5") != "1B2M2Y8AsgTpgAmY7PhCfg==" {
		t.Errorf("%v %v", r.Header, err)
	}
}
