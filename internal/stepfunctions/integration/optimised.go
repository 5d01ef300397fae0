package integration

import (
	"context"
	"encoding/json"
	"strings"

	"tutti/internal/flow"
	"tutti/internal/stepfunctions/execution"
)

// service is a service with optimised integrations.
type service struct {
	name    string // in package aws
	prefix  string // of its errors: "DynamoDB"
	general string // the error for what the model does not name: "AmazonDynamoDBException"
	product string // as causes name it: "AmazonDynamoDBv2"
	actions map[string]action
}

// action is something that a Task can have done.
type action struct {
	operation string // where it is not the action's own name
	// arguments changes what is sent; result looks at what came, changes it, or finds that it is a failure.
	arguments func(t target, c execution.Call, arguments map[string]any)
	result    func(t target, c execution.Call, out map[string]any) error
	// carry replaces the request.
	carry func(i *Integration, ctx context.Context, c execution.Call, log func(string)) (json.RawMessage, error)
	job   *job // for .sync
}

// optimised gives the services that Step Functions has integrations with, by the name in their ARNs.
func optimised() map[string]service {
	plain := action{}
	return map[string]service{
		"apigateway": {"", "ApiGateway", "", "", map[string]action{"invoke": {carry: (*Integration).gateway}}},
		"athena": {"athena", "Athena", "AmazonAthenaException", "AmazonAthena", map[string]action{
			"startQueryExecution": {job: athenaQuery()}, "stopQueryExecution": plain, "getQueryExecution": plain, "getQueryResults": plain,
		}},
		"batch":   {"batch", "Batch", "AWSBatchException", "AWSBatch", map[string]action{"submitJob": {arguments: batchArguments, job: batchJob()}}},
		"bedrock": {"bedrock", "Bedrock", "BedrockException", "Bedrock", map[string]action{"createModelCustomizationJob": {job: bedrockJob()}, "invokeModel": {carry: (*Integration).invokeModel}}},
		"codebuild": {"codebuild", "CodeBuild", "AWSCodeBuildException", "AWSCodeBuild", map[string]action{
			"startBuild": {job: build("Build")}, "startBuildBatch": {job: build("BuildBatch")}, "retryBuildBatch": {job: build("BuildBatch")},
			"stopBuild": plain, "stopBuildBatch": plain, "deleteBuildBatch": plain, "batchDeleteBuilds": plain, "batchGetReports": plain,
		}},
		"databrew": {"databrew", "DataBrew", "AWSGlueDataBrewException", "AWSGlueDataBrew", map[string]action{"startJobRun": {job: databrewJob()}}},
		"dynamodb": {"dynamodb", "DynamoDB", "AmazonDynamoDBException", "AmazonDynamoDBv2", map[string]action{
			"getItem": plain, "putItem": plain, "updateItem": plain, "deleteItem": plain,
		}},
		"ecs": {"ecs", "ECS", "AmazonECSException", "AmazonECS", map[string]action{"runTask": {arguments: taskArguments, result: taskResult, job: containerTask()}}},
		"eks": {"eks", "EKS", "AmazonEKSException", "AmazonEKS", map[string]action{
			"createCluster": {job: kubernetes("Cluster", "Name")}, "deleteCluster": {job: kubernetesGone("Cluster", "Name")},
			"createNodegroup": {job: kubernetes("Nodegroup", "NodegroupName")}, "deleteNodegroup": {job: kubernetesGone("Nodegroup", "NodegroupName")},
			"createFargateProfile": {job: kubernetes("FargateProfile", "FargateProfileName")}, "deleteFargateProfile": {job: kubernetesGone("FargateProfile", "FargateProfileName")},
		}},
		"elasticmapreduce": {"emr", "ElasticMapReduce", "AmazonElasticMapReduceException", "AmazonElasticMapReduce", mapReduce()},
		"emr-containers": {"emr-containers", "EMRContainers", "AmazonEMRContainersException", "AmazonEMRContainers", map[string]action{
			"createVirtualCluster": plain, "deleteVirtualCluster": {job: virtualClusterGone()}, "startJobRun": {job: containersJob()},
		}},
		"emr-serverless": {"emr-serverless", "EMRServerless", "AWSEMRServerlessException", "AWSEMRServerless", serverless()},
		"events":         {"events", "EventBridge", "AmazonEventBridgeException", "AmazonEventBridge", map[string]action{"putEvents": {arguments: eventArguments, result: eventResult}}},
		"glue":           {"glue", "Glue", "AWSGlueException", "AWSGlue", map[string]action{"startJobRun": {arguments: glueArguments, job: glueJob()}}},
		"http":           {"", "States.Http", "", "", map[string]action{"invoke": {carry: (*Integration).httpInvoke}}},
		"lambda":         {"lambda", "Lambda", "AWSLambdaException", "AWSLambda", map[string]action{"invoke": {arguments: functionArguments, result: functionResult}}},
		"mediaconvert":   {"mediaconvert", "MediaConvert", "AWSMediaConvertException", "AWSMediaConvert", map[string]action{"createJob": {job: mediaJob()}}},
		"sagemaker":      {"sagemaker", "SageMaker", "AmazonSageMakerException", "AmazonSageMaker", learning()},
		"sns":            {"sns", "SNS", "AmazonSNSException", "AmazonSNS", map[string]action{"publish": plain}},
		"sqs":            {"sqs", "SQS", "AmazonSQSException", "AmazonSQS", map[string]action{"sendMessage": plain}},
		"states":         {"sfn", "StepFunctions", "AWSStepFunctionsException", "AWSStepFunctions", map[string]action{"startExecution": {arguments: executionArguments, job: nested()}}},
	}
}

// eventArguments names the execution among the resources of each event.
func eventArguments(_ target, c execution.Call, arguments map[string]any) {
	raw, _ := arguments["Entries"].(json.RawMessage)
	var entries []map[string]json.RawMessage
	if json.Unmarshal(raw, &entries) != nil {
		return // the operation's own check will tell
	}
	all := make([]any, len(entries))
	for n, entry := range entries {
		wide := make(map[string]any, len(entry)+1)
		for name, v := range entry {
			wide[name] = v
		}
		var resources []any
		if given, is := entry["Resources"]; is && json.Unmarshal(given, &resources) != nil {
			all[n] = wide
			continue
		}
		wide["Resources"] = append(resources, machineOf(c.Execution), c.Execution)
		all[n] = wide
	}
	arguments["Entries"] = all
}

// machineOf gives the ARN of an execution's state machine.
func machineOf(executionARN string) string {
	parts := strings.Split(executionARN, ":")
	if len(parts) < 7 {
		return executionARN
	}
	return strings.Join(parts[:5], ":") + ":stateMachine:" + parts[6]
}

func eventResult(_ target, _ execution.Call, out map[string]any) error {
	if n, _ := out["FailedEntryCount"].(json.Number); n == "" || n == "0" {
		return nil
	}
	return flow.Failure{Kind: flow.Terminal, Code: "EventBridge.FailedEntry", Message: text(out)}
}

// text gives a value as JSON, for a cause.
func text(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("integration: what came as JSON has no JSON form: " + err.Error())
	}
	return string(raw)
}
