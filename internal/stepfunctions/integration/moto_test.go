package integration

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"

	"tutti/internal/aws"
	"tutti/internal/aws/awstest"
	"tutti/internal/flow"
	"tutti/internal/stepfunctions/execution"
)

// peer is an Integration with an AWS that somebody else wrote.
type peer struct {
	*Integration
	t        *testing.T
	url, key string
}

func newPeer(t *testing.T, url, key string) peer {
	t.Helper()
	client := aws.New(aws.Options{Region: "eu-west-1", Endpoint: url, Credentials: sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
		return sdk.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
	})}, nil)
	return peer{New(Options{AWS: client, Poll: time.Millisecond, Dir: t.TempDir()}), t, url, key}
}

// setUp carries out an operation of a service, to have something to work with.
func (p peer) setUp(name, input string) object {
	p.t.Helper()
	service, operation, _ := strings.Cut(name, ":")
	out, err := p.options.AWS.Call(context.Background(), aws.Request{Service: service, Operation: operation, Input: json.RawMessage(input)})
	if err != nil {
		p.t.Fatalf("%s: %v", name, err)
	}
	return out
}

func (p peer) aCall(resource, arguments string) execution.Call {
	if !strings.HasPrefix(resource, "arn:") {
		resource = "arn:aws:states:::" + resource
	}
	return execution.Call{
		Resource: resource, Arguments: json.RawMessage(arguments), Key: p.key,
		Execution: "arn:aws:states:eu-west-1:123456789012:execution:m:e", State: "S",
	}
}

func (p peer) do(activity string, input any) (json.RawMessage, error) {
	p.t.Helper()
	raw, err := json.Marshal(input)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.Do(context.Background(), flow.Do{Activity: activity, Input: raw}, func(string) {})
}

// call gives the result of a call, decoded.
func (p peer) call(resource, arguments string) object {
	p.t.Helper()
	raw, err := p.do(execution.ActivityCall, p.aCall(resource, arguments))
	if err != nil {
		p.t.Fatalf("%s: %v", resource, err)
	}
	return p.decode(raw)
}

func (p peer) decode(raw json.RawMessage) object {
	p.t.Helper()
	var out object
	if err := json.Unmarshal(raw, &out); err != nil {
		p.t.Fatalf("%s: %v", raw, err)
	}
	return out
}

// refused makes a call that has to fail, and gives the cause.
func (p peer) refused(resource, arguments, code string) string {
	p.t.Helper()
	_, err := p.do(execution.ActivityCall, p.aCall(resource, arguments))
	return p.failure(resource, err, code)
}

func (p peer) failure(what string, err error, code string) string {
	p.t.Helper()
	var f flow.Failure
	if !errors.As(err, &f) || f.Code != code {
		p.t.Fatalf("%s: %v, want %s", what, err, code)
	}
	return f.Message
}

// submit begins a job, twice, which has to give one.
func (p peer) submit(resource, arguments string) execution.JobCall {
	p.t.Helper()
	j := execution.JobCall{Call: p.aCall(resource, arguments)}
	var ids []string
	for range 2 {
		raw, err := p.do(execution.ActivitySubmit, j.Call)
		if err != nil {
			p.t.Fatalf("%s: %v", resource, err)
		}
		if err := json.Unmarshal(raw, &j.Job); err != nil {
			p.t.Fatal(err)
		}
		ids = append(ids, j.Job.ID)
	}
	if ids[0] != ids[1] {
		p.t.Errorf("%s: submitted twice, there are the jobs %q", resource, ids)
	}
	return j
}

func (p peer) await(j execution.JobCall) (json.RawMessage, error) {
	p.t.Helper()
	return p.do(execution.ActivityAwait, j)
}

func (p peer) want(what string, got, want any) {
	p.t.Helper()
	if text(got) != text(want) {
		p.t.Errorf("%s is %s, want %s", what, text(got), text(want))
	}
}

func TestMoto(t *testing.T) {
	t.Parallel()
	url := awstest.Moto(t)
	for name, part := range map[string]func(p peer){
		"request": motoRequest, "function": motoFunction, "batch": motoBatch, "glue": motoGlue, "machine": motoMachine,
		"build": motoBuild, "query": motoQuery, "container": motoContainer, "items": motoItems, "manifests": motoManifests, "http": motoHTTP, "learning": motoLearning,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			part(newPeer(t, url, "0123456789abcdef-"+name))
		})
	}
}

func motoRequest(p peer) {
	queue, _ := p.setUp("sqs:createQueue", `{"QueueName":"q"}`)["QueueUrl"].(string)
	sent := p.call("sqs:sendMessage", `{"QueueUrl":"`+queue+`","MessageBody":{"z":1,"a":[2.0]}}`)
	p.want("the status", at(sent, "SdkHttpMetadata.HttpStatusCode"), 200)
	if sent["MD5OfMessageBody"] == nil || at(sent, "SdkResponseMetadata.RequestId") == "" {
		p.t.Errorf("sent %s", text(sent))
	}
	received := p.setUp("sqs:receiveMessage", `{"QueueUrl":"`+queue+`"}`)
	p.want("the message", at(received, "Messages.0.Body"), `{"z":1,"a":[2.0]}`)
	p.refused("sqs:sendMessage", `{"QueueUrl":"`+queue+`none","MessageBody":"b"}`, "SQS.QueueDoesNotExistException")
	p.refused("aws-sdk:sqs:sendMessage", `{"QueueUrl":"`+queue+`none","MessageBody":"b"}`, "Sqs.QueueDoesNotExistException")

	p.setUp("dynamodb:createTable", `{"TableName":"t","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"k","AttributeType":"S"}],"KeySchema":[{"AttributeName":"k","KeyType":"HASH"}]}`)
	put := `{"TableName":"t","Item":{"k":{"S":"1"}},"ConditionExpression":"attribute_not_exists(k)"}`
	p.call("dynamodb:putItem", put)
	cause := p.refused("dynamodb:putItem", put, "DynamoDB.ConditionalCheckFailedException")
	if !strings.Contains(cause, "(Service: AmazonDynamoDBv2; Status Code: 400; Error Code: ConditionalCheckFailedException; Request ID: ") {
		p.t.Errorf("the cause is %s", cause)
	}
	cause = p.refused("aws-sdk:dynamodb:putItem", put, "DynamoDb.ConditionalCheckFailedException")
	if !strings.Contains(cause, "(Service: DynamoDb, Status Code: 400, Request ID: ") {
		p.t.Errorf("the cause is %s", cause)
	}
	p.want("the item", p.call("aws-sdk:dynamodb:getItem", `{"TableName":"t","Key":{"k":{"S":"1"}}}`), object{"Item": object{"k": object{"S": "1"}}})
	cause = p.refused("dynamodb:getItem", `{"TableName":"t","Kee":{}}`, "States.Runtime")
	if !strings.Contains(cause, `The field "Key" is required but was missing`) || !strings.Contains(cause, `The field "Kee" is not supported by Step Functions`) {
		p.t.Errorf("the cause is %s", cause)
	}

	topic, _ := p.setUp("sns:createTopic", `{"Name":"t"}`)["TopicArn"].(string)
	p.call("sns:publish", `{"TopicArn":"`+topic+`","Message":{"a":1}}`)
	put = `{"Entries":[{"Source":"s","DetailType":"d","Detail":{"n":1}}]}`
	p.want("failed entries", p.call("events:putEvents", put)["FailedEntryCount"], 0)
	p.refused("aws-sdk:ec2:describeVpcs", `{"VpcIds":["vpc-0"]}`, "Ec2.Ec2Exception")
	p.refused("aws-sdk:s3:getObject", `{"Bucket":"none-such","Key":"k"}`, "S3.NoSuchBucketException")
	p.refused("aws-sdk:nothing:do", `{}`, "States.Runtime")
	clusters := p.call("aws-sdk:rds:describeDBInstances", `{}`)
	p.want("instances", clusters, object{"DbInstances": []any{}})
}

func motoFunction(p peer) {
	role, _ := at(p.setUp("iam:createRole", `{"RoleName":"r","AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[]}}`), "Role.Arn").(string)
	arn, _ := p.setUp("lambda:createFunction", `{"FunctionName":"f","Runtime":"python3.12","Role":"`+role+`","Handler":"h.h","Code":{"ZipFile":"UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA=="}}`)["FunctionArn"].(string)
	invoked := p.call("lambda:invoke", `{"FunctionName":"`+arn+`","Payload":{"n":1}}`)
	p.want("the status", invoked["StatusCode"], 200)
	if invoked["Payload"] == nil {
		p.t.Errorf("invoked %s", text(invoked))
	}
	if _, err := p.do(execution.ActivityCall, p.aCall(arn, `{"n":1}`)); err != nil {
		p.t.Error(err)
	}
}

func motoBatch(p peer) {
	role, _ := at(p.setUp("iam:createRole", `{"RoleName":"b","AssumeRolePolicyDocument":{"Version":"2012-10-17","Statement":[]}}`), "Role.Arn").(string)
	p.setUp("batch:createComputeEnvironment", `{"computeEnvironmentName":"env","type":"UNMANAGED","serviceRole":"`+role+`"}`)
	p.setUp("batch:createJobQueue", `{"jobQueueName":"q","state":"ENABLED","priority":1,"computeEnvironmentOrder":[{"order":1,"computeEnvironment":"env"}]}`)
	p.setUp("batch:registerJobDefinition", `{"jobDefinitionName":"d","type":"container","containerProperties":{"image":"i","vcpus":1,"memory":128}}`)
	j := p.submit("batch:submitJob.sync", `{"JobName":"j","JobQueue":"q","JobDefinition":"d","ContainerOverrides":{"Environment":[{"Name":"A","Value":"b"}]}}`)
	raw, err := p.await(j)
	if err != nil {
		p.t.Fatal(err)
	}
	done := p.decode(raw)
	p.want("the status", done["Status"], "SUCCEEDED")
	environment, _ := at(done, "Container.Environment").([]any)
	if !slices.ContainsFunc(environment, func(v any) bool { return at(v, "Value") == "STARTED_BY_STEP_FUNCTIONS" }) {
		p.t.Errorf("the environment is %s", text(environment))
	}
	j.Job.ID = ""
	if _, err := p.do(execution.ActivityStop, j); err != nil {
		p.t.Errorf("stop a job that has ended, without its ID: %v", err)
	}
}

func motoGlue(p peer) {
	p.setUp("glue:createJob", `{"Name":"j","Role":"r","Command":{"Name":"glueetl"},"ExecutionProperty":{"MaxConcurrentRuns":5}}`)
	j := p.submit("glue:startJobRun.sync", `{"JobName":"j","Arguments":{"--a":"b"}}`)
	raw, err := p.await(j)
	if err != nil {
		p.t.Fatal(err)
	}
	p.want("the state", p.decode(raw)["JobRunState"], "SUCCEEDED")
	p.want("the argument", at(p.decode(raw), "Arguments.--a"), "b")
	_, err = p.do(execution.ActivitySubmit, p.aCall("glue:startJobRun.sync", `{"JobName":"none"}`))
	p.failure("a job that is not there", err, "Glue.EntityNotFoundException")
}

func motoMachine(p peer) {
	role := "arn:aws:iam::123456789012:role/r"
	create := func(name, definition string) string {
		input := object{"name": name, "definition": definition, "roleArn": role}
		arn, _ := p.setUp("sfn:createStateMachine", text(input))["stateMachineArn"].(string)
		return arn
	}
	pass := create("pass", `{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}`)
	j := p.submit("states:startExecution.sync", `{"StateMachineArn":"`+pass+`","Input":{"b":1,"a":2}}`)
	raw, err := p.await(j)
	if err != nil {
		p.t.Fatal(err)
	}
	done := p.decode(raw)
	output, _ := done["Output"].(string)
	p.want("the output", p.decode(json.RawMessage(output)), object{"a": 2, "b": 1})
	if _, number := done["StartDate"].(float64); !number {
		p.t.Errorf("StartDate is %s", text(done["StartDate"]))
	}
	j.Call.Resource += ":2"
	if raw, err = p.await(j); err != nil {
		p.t.Fatal(err)
	}
	p.want("the output", p.decode(raw)["Output"], object{"a": 2, "b": 1})

	fails := create("fails", `{"StartAt":"F","States":{"F":{"Type":"Fail","Error":"Bad","Cause":"c"}}}`)
	j = p.submit("states:startExecution.sync", `{"StateMachineArn":"`+fails+`"}`)
	_, err = p.await(j)
	cause := p.failure("an execution that fails", err, "States.TaskFailed")
	p.want("the cause's error", p.decode(json.RawMessage(cause))["Error"], "Bad")

	waits := create("waits", `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":600,"End":true}}}`)
	j = p.submit("states:startExecution.sync", `{"StateMachineArn":"`+waits+`"}`)
	for range 2 { // the second finds it stopped
		if _, err := p.do(execution.ActivityStop, j); err != nil {
			p.t.Fatal(err)
		}
	}
	_, err = p.await(j)
	p.failure("an execution that was stopped", err, "States.TaskFailed")
	p.key += "-2"
	lost := execution.JobCall{Call: p.aCall("states:startExecution.sync", `{"StateMachineArn":"`+waits+`"}`)}
	if _, err := p.do(execution.ActivityStop, lost); err != nil {
		p.t.Errorf("stop what was never begun: %v", err)
	}
	began := p.submit("states:startExecution.sync", `{"StateMachineArn":"`+waits+`"}`)
	if _, err := p.do(execution.ActivityStop, lost); err != nil {
		p.t.Fatal(err)
	}
	_, err = p.await(began)
	p.failure("an execution that was stopped by its name", err, "States.TaskFailed")
	p.call("states:startExecution", `{"StateMachineArn":"`+pass+`","Name":"mine"}`)
	p.refused("states:startExecution", `{"StateMachineArn":"`+pass+`","Name":"mine","Input":"1"}`, "StepFunctions.ExecutionAlreadyExistsException")
	p.refused("states:startExecution", `{"StateMachineArn":"`+pass+`none"}`, "StepFunctions.StateMachineDoesNotExistException")
}

func motoBuild(p peer) {
	p.setUp("codebuild:createProject", `{"name":"a-project","source":{"type":"S3","location":"b/k"},"artifacts":{"type":"NO_ARTIFACTS"},"environment":{"type":"LINUX_CONTAINER","image":"i","computeType":"BUILD_GENERAL1_SMALL"},"serviceRole":"arn:aws:iam::123456789012:role/service-role/r"}`)
	raw, err := p.do(execution.ActivitySubmit, p.aCall("codebuild:startBuild.sync", `{"ProjectName":"a-project"}`))
	if err != nil {
		p.t.Fatal(err)
	}
	j := execution.JobCall{Call: p.aCall("codebuild:startBuild.sync", `{"ProjectName":"a-project"}`)}
	if err := json.Unmarshal(raw, &j.Job); err != nil {
		p.t.Fatal(err)
	}
	if raw, err = p.await(j); err != nil {
		p.t.Fatal(err)
	}
	p.want("the build", at(p.decode(raw), "Build.BuildStatus"), "SUCCEEDED")
}

func motoQuery(p peer) {
	raw, err := p.do(execution.ActivitySubmit, p.aCall("athena:startQueryExecution.sync", `{"QueryString":"select 1","ResultConfiguration":{"OutputLocation":"s3://b/"}}`))
	if err != nil {
		p.t.Fatal(err)
	}
	j := execution.JobCall{Call: p.aCall("athena:startQueryExecution.sync", `{}`)}
	if err := json.Unmarshal(raw, &j.Job); err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.do(execution.ActivityStop, j); err != nil {
		p.t.Fatal(err)
	}
	_, err = p.await(j)
	cause := p.failure("a query that was stopped", err, "States.TaskFailed")
	p.want("the state", at(p.decode(json.RawMessage(cause)), "QueryExecution.Status.State"), "CANCELLED")
}

func motoContainer(p peer) {
	p.setUp("ecs:createCluster", `{"clusterName":"c"}`)
	p.setUp("ecs:registerTaskDefinition", `{"family":"web","requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512","containerDefinitions":[{"name":"main","image":"i","memory":128,"cpu":1}]}`)
	subnet, _ := at(p.setUp("ec2:describeSubnets", `{}`), "Subnets.0.SubnetId").(string)
	run := `{"Cluster":"c","TaskDefinition":"web","LaunchType":"FARGATE","NetworkConfiguration":{"AwsvpcConfiguration":{"Subnets":["` + subnet + `"],"SecurityGroups":[]}}}`
	raw, err := p.do(execution.ActivitySubmit, p.aCall("ecs:runTask.sync", run))
	if err != nil {
		p.t.Fatal(err)
	}
	j := execution.JobCall{Call: p.aCall("ecs:runTask.sync", run), Reason: "States.Timeout"}
	if err := json.Unmarshal(raw, &j.Job); err != nil {
		p.t.Fatal(err)
	}
	p.want("the starter", at(p.decode(j.Job.Output), "Tasks.0.StartedBy"), "AWS Step Functions")
	if _, err := p.do(execution.ActivityStop, j); err != nil {
		p.t.Fatal(err)
	}
	raw, err = p.await(j)
	if err == nil {
		p.want("the status", p.decode(raw)["LastStatus"], "STOPPED")
		return
	}
	p.failure("a task that was stopped", err, "States.TaskFailed")
}

func motoLearning(p peer) {
	arguments := `{"TrainingJobName":"t","AlgorithmSpecification":{"TrainingInputMode":"File","TrainingImage":"i"},"RoleArn":"arn:aws:iam::123456789012:role/r","OutputDataConfig":{"S3OutputPath":"s3://b/o"},"ResourceConfig":{"InstanceType":"ml.m4.xlarge","InstanceCount":1,"VolumeSizeInGB":1},"StoppingCondition":{"MaxRuntimeInSeconds":60}}`
	raw, err := p.do(execution.ActivitySubmit, p.aCall("sagemaker:createTrainingJob.sync", arguments))
	if err != nil {
		p.t.Fatal(err)
	}
	j := execution.JobCall{Call: p.aCall("sagemaker:createTrainingJob.sync", arguments)}
	if err := json.Unmarshal(raw, &j.Job); err != nil {
		p.t.Fatal(err)
	}
	p.want("the job", j.Job.ID, "t")
	if raw, err = p.await(j); err != nil {
		p.t.Fatal(err)
	}
	p.want("the status", p.decode(raw)["TrainingJobStatus"], "Completed")
}

// all reads items to their end.
func (p peer) all(c execution.ReadCall) (items []json.RawMessage, pages int) {
	p.t.Helper()
	for {
		raw, err := p.do(execution.ActivityRead, c)
		if err != nil {
			p.t.Fatal(err)
		}
		var page execution.ReadResult
		if err := json.Unmarshal(raw, &page); err != nil {
			p.t.Fatal(err)
		}
		items, pages = append(items, page.Items...), pages+1
		if c.Cursor = page.Next; c.Cursor == "" {
			return items, pages
		}
	}
}

func motoManifests(p peer) {
	p.setUp("s3:createBucket", `{"Bucket":"lists","CreateBucketConfiguration":{"LocationConstraint":"eu-west-1"}}`)
	put := func(key, body string) {
		p.t.Helper()
		if _, err := p.s3(context.Background(), "putObject", "", object{"Bucket": "lists", "Key": key, "Body": []byte(body)}); err != nil {
			p.t.Fatal(err)
		}
	}
	var packed strings.Builder
	z := gzip.NewWriter(&packed)
	if _, err := io.WriteString(z, "lists,\"a b\",3\nlists,c,4\n"); err != nil || z.Close() != nil {
		p.t.Fatal(err)
	}
	put("inventory/1.csv.gz", packed.String())
	put("inventory/2.csv", "lists,d,5\n")
	put("inventory/manifest.json", `{"destinationBucket":"arn:aws:s3:::lists","fileFormat":"CSV","fileSchema":"Bucket, Key, Size","files":[{"key":"inventory/1.csv.gz"},{"key":"inventory/2.csv"}]}`)
	get := execution.ReadCall{Resource: "arn:aws:states:::s3:getObject", Count: 1}
	inventory := get
	inventory.InputType, inventory.Arguments = "MANIFEST", json.RawMessage(`{"Bucket":"lists","Key":"inventory/manifest.json"}`)
	items, _ := p.all(inventory)
	p.want("the inventory", items, json.RawMessage(`[{"Bucket":"lists","Key":"a b","Size":"3"},{"Bucket":"lists","Key":"c","Size":"4"},{"Bucket":"lists","Key":"d","Size":"5"}]`))

	put("unload/1", "{\"n\":1}\n{\"n\":2}\n")
	put("unload/2", "{\"n\":3}\n")
	put("unload/3", "")
	put("unload-manifest.csv", "s3://lists/unload/1\ns3://lists/unload/2\n")
	athena := get
	athena.InputType, athena.ManifestType, athena.Arguments = "JSONL", "ATHENA_DATA", json.RawMessage(`{"Bucket":"lists","Key":"unload-manifest.csv"}`)
	items, _ = p.all(athena)
	p.want("what was unloaded", items, json.RawMessage(`[{"n":1},{"n":2},{"n":3}]`))
	listed := execution.ReadCall{Resource: "arn:aws:states:::s3:listObjectsV2", Count: 1, InputType: "JSONL", Transformation: "LOAD_AND_FLATTEN", Arguments: json.RawMessage(`{"Bucket":"lists","Prefix":"unload/"}`)}
	items, _ = p.all(listed)
	p.want("what the listed objects hold", items, json.RawMessage(`[{"n":1},{"n":2},{"n":3}]`))

	put("bad.json", `{"fileFormat":"ORC"}`)
	put("bad.csv", "not a URI\n")
	for key, kind := range map[string]string{"bad.json": "", "bad.csv": "ATHENA_DATA", "unload/1": "S3_INVENTORY"} {
		bad := get
		bad.InputType, bad.ManifestType, bad.Arguments = "MANIFEST", kind, json.RawMessage(`{"Bucket":"lists","Key":"`+key+`"}`)
		_, err := p.do(execution.ActivityRead, bad)
		p.failure(key, err, "States.ItemReaderFailed")
	}
}

func motoItems(p peer) {
	p.setUp("s3:createBucket", `{"Bucket":"items","CreateBucketConfiguration":{"LocationConstraint":"eu-west-1"}}`)
	p.setUp("s3:putObject", `{"Bucket":"items","Key":"in/lines.jsonl","Body":"{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n"}`)
	p.setUp("s3:putObject", `{"Bucket":"items","Key":"in/rows.csv","Body":"a,b\nx,1\ny,ü\n"}`)
	object := execution.ReadCall{Resource: "arn:aws:states:::s3:getObject", InputType: "JSONL", Count: 2, Arguments: json.RawMessage(`{"Bucket":"items","Key":"in/lines.jsonl"}`)}
	items, pages := p.all(object)
	p.want("the items", items, json.RawMessage(`[{"n":1},{"n":2},{"n":3}]`))
	p.want("the pages", pages, 2)
	rows := execution.ReadCall{Resource: "arn:aws:states:::s3:getObject", InputType: "CSV", Count: 10, Arguments: json.RawMessage(`{"Bucket":"items","Key":"in/rows.csv"}`)}
	items, _ = p.all(rows)
	p.want("the rows", items, json.RawMessage(`[{"a":"x","b":"1"},{"a":"y","b":"ü"}]`))
	listing := execution.ReadCall{Resource: "arn:aws:states:::s3:listObjectsV2", Count: 1, Arguments: json.RawMessage(`{"Bucket":"items","Prefix":"in/"}`)}
	items, pages = p.all(listing)
	p.want("the objects", []any{at(p.decode(items[0]), "Key"), at(p.decode(items[1]), "Key")}, []string{"in/lines.jsonl", "in/rows.csv"})
	p.want("the pages", pages, 2)

	first, err := p.do(execution.ActivityRead, object)
	if err != nil {
		p.t.Fatal(err)
	}
	object.Cursor, _ = p.decode(first)["Next"].(string)
	if object.Cursor == "" {
		object.Cursor, _ = p.decode(first)["next"].(string)
	}
	p.items.dir = p.t.TempDir() // as in another process
	p.setUp("s3:putObject", `{"Bucket":"items","Key":"in/lines.jsonl","Body":"{}\n"}`)
	_, err = p.do(execution.ActivityRead, object)
	cause := p.failure("an object that has changed", err, "States.ItemReaderFailed")
	if !strings.Contains(cause, "has become another one") {
		p.t.Errorf("the cause is %s", cause)
	}

	raw, err := p.do(execution.ActivityWrite, execution.WriteCall{
		Resource: "arn:aws:states:::s3:putObject", Arguments: json.RawMessage(`{"Bucket":"items","Prefix":"out"}`), MapRun: "arn:aws:states:eu-west-1:1:mapRun:m/l:run-1",
		Name: "SUCCEEDED_0.json", Items: []json.RawMessage{json.RawMessage(`{"n":1}`), json.RawMessage(`"x"`)},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.want("the result", p.decode(raw), json.RawMessage(`{"bucket":"items","key":"out/run-1/SUCCEEDED_0.json","size":13}`))
	p.want("what was written", p.setUp("s3:getObject", `{"Bucket":"items","Key":"out/run-1/SUCCEEDED_0.json"}`)["Body"], `[{"n":1},"x"]`)
	_, err = p.do(execution.ActivityWrite, execution.WriteCall{Resource: "arn:aws:states:::s3:putObject", Arguments: json.RawMessage(`{"Bucket":"none-such"}`), Name: "a.json"})
	p.failure("a bucket that is not there", err, "States.ResultWriterFailed")
	_, err = p.do(execution.ActivityRead, execution.ReadCall{Resource: "arn:aws:states:::s3:getObject", InputType: "PARQUET", Arguments: json.RawMessage(`{}`)})
	p.failure("a type that cannot be read", err, "States.ItemReaderFailed")
}

func motoHTTP(p peer) {
	seen := make(chan *http.Request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		seen <- r
		if r.URL.Path == "/gone" {
			w.WriteHeader(http.StatusGone)
		}
		_, _ = io.WriteString(w, `{"ok":true}`)
	}))
	defer server.Close()
	connect := func(name, kind, parameters string) string {
		arn, _ := p.setUp("events:createConnection", `{"Name":"`+name+`","AuthorizationType":"`+kind+`","AuthParameters":`+parameters+`}`)["ConnectionArn"].(string)
		return arn
	}
	basic := connect("basic", "BASIC", `{"BasicAuthParameters":{"Username":"u","Password":"p"},"InvocationHttpParameters":{"QueryStringParameters":[{"Key":"from","Value":"connection","IsValueSecret":false}]}}`)
	out := p.call("http:invoke", `{"ApiEndpoint":"`+server.URL+`/a","Method":"POST","Authentication":{"ConnectionArn":"`+basic+`"},"QueryParameters":{"q":["1","2"]},"RequestBody":{"x":[1,2],"y":"a b"},"Transform":{"RequestBodyEncoding":"URL_ENCODED","RequestEncodingOptions":{"ArrayFormat":"BRACKETS"}}}`)
	p.want("the body", out["ResponseBody"], object{"ok": true})
	r := <-seen
	user, password, _ := r.BasicAuth()
	p.want("the user", user+":"+password, "u:p")
	p.want("the query", r.URL.Query(), map[string][]string{"q": {"1", "2"}, "from": {"connection"}})
	body, _ := io.ReadAll(r.Body)
	p.want("the form", string(body), "x%5B%5D=1&x%5B%5D=2&y=a+b")
	key := connect("key", "API_KEY", `{"ApiKeyAuthParameters":{"ApiKeyName":"X-Key","ApiKeyValue":"k"}}`)
	p.call("http:invoke", `{"ApiEndpoint":"`+server.URL+`","Method":"GET","InvocationConfig":{"ConnectionArn":"`+key+`"}}`)
	p.want("the key", (<-seen).Header.Get("X-Key"), "k")
	p.refused("http:invoke", `{"ApiEndpoint":"`+server.URL+`/gone","Method":"GET"}`, "States.Http.StatusCode.410")
	<-seen
	p.refused("http:invoke", `{"Method":"GET"}`, "States.Runtime")
	p.refused("http:invoke", `{"ApiEndpoint":"x","Method":"GET","Foo":1}`, "States.Runtime")
	p.refused("http:invoke", `{"ApiEndpoint":"`+server.URL+`","Method":"GET","Authentication":{"ConnectionArn":"arn:x"}}`, "States.Runtime")

	out = p.call("apigateway:invoke", `{"ApiEndpoint":"`+server.URL+`","Stage":"dev","Path":"orders/1","Method":"PUT","AuthType":"IAM_ROLE","QueryParameters":{"a":["b"]},"RequestBody":{"n":1}}`)
	p.want("the status", out["StatusCode"], 200)
	r = <-seen
	body, _ = io.ReadAll(r.Body)
	p.want("the request", r.Method+" "+r.URL.String()+" "+string(body), `PUT /dev/orders/1?a=b {"n":1}`)
	if !strings.Contains(r.Header.Get("Authorization"), "/execute-api/aws4_request") {
		p.t.Errorf("signed %q", r.Header.Get("Authorization"))
	}
	p.refused("apigateway:invoke", `{"ApiEndpoint":"`+server.URL+`","Path":"gone","Method":"GET"}`, "ApiGateway.410")
	<-seen
}
