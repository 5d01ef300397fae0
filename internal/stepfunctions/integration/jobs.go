package integration

import (
	"context"
	"encoding/json"
	"errors"

	"tutti/internal/aws"
	"tutti/internal/flow"
	"tutti/internal/stepfunctions/execution"
)

// The jobs of each service: what their statuses are and which operations look at and stop them, from the services' API
// references.

// by makes a poll's input of the job's ID alone.
func by(member string) func(object, string) object {
	return func(_ object, id string) object { return object{member: id} }
}

// listed is by for operations that take several.
func listed(member string) func(object, string) object {
	return func(_ object, id string) object { return object{member: []any{id}} }
}

// with is by with arguments of the submission beside the ID.
func with(member string, same ...string) func(object, string) object {
	return func(arguments object, id string) object {
		input := object{member: id}
		for _, name := range same {
			input[name] = arguments[name]
		}
		return input
	}
}

// unreasoned makes a stop's input of a poll's.
func unreasoned(f func(object, string) object) func(object, string, string) object {
	return func(arguments object, id, _ string) object { return f(arguments, id) }
}

func athenaQuery() *job {
	id := by("QueryExecutionId")
	return &job{
		id: "QueryExecutionId", poll: "getQueryExecution", look: id, status: "QueryExecution.Status.State",
		done: []string{"SUCCEEDED"}, failed: []string{"FAILED", "CANCELLED"}, stop: "stopQueryExecution", end: unreasoned(id),
	}
}

// marker is the name under which a job that has no token carries its call's key.
const marker = "TUTTI_CALL"

func batchJob() *job {
	return &job{
		id: "JobId", again: batchAgain, poll: "describeJobs", look: listed("Jobs"), status: "Jobs.0.Status",
		done: []string{"SUCCEEDED"}, failed: []string{"FAILED"}, result: "Jobs.0",
		stop: "terminateJob", end: func(_ object, id, reason string) object { return object{"JobId": id, "Reason": reason} },
	}
}

// batchArguments marks a container job that is waited for: as Step Functions does, and with the call's key.
func batchArguments(t target, c execution.Call, arguments map[string]any) {
	for _, other := range []string{"NodeOverrides", "EksPropertiesOverride", "EcsPropertiesOverride"} {
		if arguments[other] != nil {
			return // ContainerOverrides are refused beside these
		}
	}
	if t.resource.Pattern == "" {
		return
	}
	overrides := object{}
	if raw, is := arguments["ContainerOverrides"].(json.RawMessage); is && json.Unmarshal(raw, &overrides) != nil {
		return
	}
	environment, _ := overrides["Environment"].([]any)
	overrides["Environment"] = append(environment,
		object{"Name": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"}, object{"Name": marker, "Value": c.Key})
	arguments["ContainerOverrides"] = overrides
}

// batchAgain looks among the jobs of the same name for one that carries the call's key. Batch has no client tokens.
func batchAgain(i *Integration, ctx context.Context, t target, c execution.Call) (string, error) {
	arguments, err := plainArguments(c)
	if err != nil {
		return "", err
	}
	found, err := i.lookUp(ctx, t, c, "listJobs", object{
		"JobQueue": arguments["JobQueue"], "Filters": []any{object{"Name": "JOB_NAME", "Values": []any{arguments["JobName"]}}},
	})
	if err != nil {
		return "", err
	}
	summaries, _ := found["JobSummaryList"].([]any)
	var ids []any
	for _, s := range summaries {
		ids = append(ids, at(s, "JobId"))
	}
	if len(ids) == 0 {
		return "", nil
	}
	described, err := i.lookUp(ctx, t, c, "describeJobs", object{"Jobs": ids[:min(len(ids), 100)]})
	if err != nil {
		return "", err
	}
	jobs, _ := described["Jobs"].([]any)
	for _, j := range jobs {
		environment, _ := at(j, "Container.Environment").([]any)
		for _, e := range environment {
			if at(e, "Name") == marker && at(e, "Value") == c.Key {
				id, _ := at(j, "JobId").(string)
				return id, nil
			}
		}
	}
	return "", nil
}

// lookUp asks for jobs that may be a call's own. A service that refuses to tell is taken to know of none: a role that may
// start jobs need not be allowed to list them.
func (i *Integration) lookUp(ctx context.Context, t target, c execution.Call, operation string, input object) (object, error) {
	out, err := i.options.AWS.Call(ctx, aws.Request{
		Service: t.service.name, Operation: operation, Input: input, Region: t.region, RoleARN: c.RoleARN, Style: optimisedStyle(),
	})
	var refused *aws.Error
	switch {
	case err == nil:
		return out, nil
	case errors.As(err, &refused) && !refused.Retryable:
		return object{}, nil
	}
	return nil, t.service.failure(ctx, c, err)
}

func bedrockJob() *job {
	id := by("JobIdentifier")
	return &job{
		id: "JobArn", poll: "getModelCustomizationJob", look: id, status: "Status", done: []string{"Completed"}, failed: []string{"Failed", "Stopped"},
		stop: "stopModelCustomizationJob", end: unreasoned(id),
	}
}

// build is a build or a batch of builds of CodeBuild.
func build(what string) *job {
	lists := map[string]struct{ poll, list, status, stop string }{
		"Build":      {"batchGetBuilds", "Builds", "BuildStatus", "stopBuild"},
		"BuildBatch": {"batchGetBuildBatches", "BuildBatches", "BuildBatchStatus", "stopBuildBatch"},
	}[what]
	return &job{
		id: what + ".Id", token: "IdempotencyToken", poll: lists.poll, look: listed("Ids"), status: lists.list + ".0." + lists.status,
		done: []string{"SUCCEEDED"}, failed: []string{"FAILED", "FAULT", "STOPPED", "TIMED_OUT"}, result: lists.list + ".0", as: what,
		stop: lists.stop, end: unreasoned(by("Id")),
	}
}

func databrewJob() *job {
	run := with("RunId", "Name")
	return &job{
		id: "RunId", poll: "describeJobRun", look: run, status: "State",
		done: []string{"SUCCEEDED"}, failed: []string{"FAILED", "STOPPED", "TIMEOUT"}, stop: "stopJobRun", end: unreasoned(run),
	}
}

func taskArguments(t target, _ execution.Call, arguments map[string]any) {
	if t.resource.Pattern != "" && arguments["StartedBy"] == nil {
		arguments["StartedBy"] = "AWS Step Functions"
	}
}

// taskResult fails a task that could not be placed, except for those who asked for the answer only.
func taskResult(t target, _ execution.Call, out map[string]any) error {
	if failures, _ := out["Failures"].([]any); len(failures) > 0 && t.resource.Pattern != "" {
		return flow.Failure{Kind: flow.Terminal, Code: "AmazonECS.Unknown", Message: text(out)}
	}
	return nil
}

func containerTask() *job {
	return &job{
		id: "Tasks.0.TaskArn", poll: "describeTasks", status: "Tasks.0.LastStatus", done: []string{"STOPPED"}, judge: exitedBadly, result: "Tasks.0",
		look: func(arguments object, id string) object {
			return object{"Cluster": arguments["Cluster"], "Tasks": []any{id}}
		},
		stop: "stopTask", end: func(arguments object, id, reason string) object {
			return object{"Cluster": arguments["Cluster"], "Task": id, "Reason": reason}
		},
	}
}

// exitedBadly reports whether a task of ECS ended in another way than by its containers' own success.
func exitedBadly(description object) bool {
	if code := at(description, "Tasks.0.StopCode"); code != nil && code != "EssentialContainerExited" {
		return true
	}
	containers, _ := at(description, "Tasks.0.Containers").([]any)
	for _, c := range containers {
		if code := at(c, "ExitCode"); code != nil && code != json.Number("0") {
			return true
		}
	}
	return false
}

// kubernetes is something of EKS that is being made. Nothing stops that.
func kubernetes(what, id string) *job {
	look := with(id, "ClusterName")
	if what == "Cluster" {
		look = by(id)
	}
	return &job{
		id: "." + id, poll: "describe" + what, look: look, status: what + ".Status",
		done: []string{"ACTIVE"}, failed: []string{"FAILED", "CREATE_FAILED", "DEGRADED"},
	}
}

// kubernetesGone is something of EKS that is being deleted.
func kubernetesGone(what, id string) *job {
	j := kubernetes(what, id)
	j.done, j.failed, j.gone = nil, []string{"FAILED", "DELETE_FAILED"}, true
	return j
}

func mapReduce() map[string]action {
	rename := func(from, to string, many bool) func(target, execution.Call, map[string]any) {
		return func(_ target, _ execution.Call, arguments map[string]any) {
			if v := arguments[from]; v != nil {
				delete(arguments, from)
				arguments[to] = v
				if many {
					arguments[to] = []any{v}
				}
			}
		}
	}
	cluster, step := by("ClusterId"), with("StepId", "ClusterId")
	terminate := func(_ object, id, _ string) object { return object{"JobFlowIds": []any{id}} }
	return map[string]action{
		"createCluster": {operation: "runJobFlow",
			result: func(_ target, _ execution.Call, out map[string]any) error {
				out["ClusterId"] = out["JobFlowId"]
				delete(out, "JobFlowId")
				return nil
			},
			job: &job{
				id: "ClusterId", poll: "describeCluster", look: cluster, status: "Cluster.Status.State",
				done: []string{"WAITING", "TERMINATED"}, failed: []string{"TERMINATED_WITH_ERRORS"}, stop: "terminateJobFlows", end: terminate,
			}},
		"terminateCluster": {operation: "terminateJobFlows", arguments: rename("ClusterId", "JobFlowIds", true), job: &job{
			id: ".ClusterId", poll: "describeCluster", look: cluster, status: "Cluster.Status.State", done: []string{"TERMINATED", "TERMINATED_WITH_ERRORS"},
		}},
		"addStep": {operation: "addJobFlowSteps",
			arguments: func(t target, c execution.Call, arguments map[string]any) {
				rename("ClusterId", "JobFlowId", false)(t, c, arguments)
				rename("Step", "Steps", true)(t, c, arguments)
			},
			result: func(_ target, _ execution.Call, out map[string]any) error {
				out["StepId"] = at(out, "StepIds.0")
				delete(out, "StepIds")
				return nil
			},
			job: &job{
				id: "StepId", poll: "describeStep", look: step, status: "Step.Status.State", done: []string{"COMPLETED"}, failed: []string{"CANCELLED", "FAILED", "INTERRUPTED"},
				stop: "cancelSteps", end: func(arguments object, id, _ string) object {
					return object{"ClusterId": arguments["ClusterId"], "StepIds": []any{id}}
				},
			}},
		"cancelStep":                      {operation: "cancelSteps", arguments: rename("StepId", "StepIds", true)},
		"setClusterTerminationProtection": {operation: "setTerminationProtection", arguments: rename("ClusterId", "JobFlowIds", true)},
	}
}

func containersJob() *job {
	run := with("Id", "VirtualClusterId")
	return &job{
		id: "Id", poll: "describeJobRun", look: run, status: "JobRun.State", done: []string{"COMPLETED"}, failed: []string{"FAILED", "CANCELLED"}, result: "JobRun",
		stop: "cancelJobRun", end: unreasoned(run),
	}
}

func virtualClusterGone() *job {
	return &job{id: ".Id", poll: "describeVirtualCluster", look: by("Id"), status: "VirtualCluster.State", done: []string{"TERMINATED"}, failed: []string{"ARRESTED"}, gone: true}
}

func serverless() map[string]action {
	application := func(id string, gone bool, done ...string) *job {
		return &job{id: id, poll: "getApplication", look: by("ApplicationId"), status: "Application.State", done: done, gone: gone, result: "Application"}
	}
	run := with("JobRunId", "ApplicationId")
	runs := func(id string, done, failed []string) *job {
		return &job{id: id, poll: "getJobRun", look: run, status: "JobRun.State", done: done, failed: failed, result: "JobRun", stop: "cancelJobRun", end: unreasoned(run)}
	}
	return map[string]action{
		"createApplication": {job: application("ApplicationId", false, "CREATED", "STARTED")},
		"startApplication":  {job: application(".ApplicationId", false, "STARTED")},
		"stopApplication":   {job: application(".ApplicationId", false, "STOPPED")},
		"deleteApplication": {job: application(".ApplicationId", true, "TERMINATED")},
		"startJobRun":       {job: runs("JobRunId", []string{"SUCCESS"}, []string{"FAILED", "CANCELLED"})},
		"cancelJobRun":      {job: runs(".JobRunId", []string{"CANCELLED", "SUCCESS", "FAILED"}, nil)},
	}
}

func glueJob() *job {
	return &job{
		id: "JobRunId", again: glueAgain, poll: "getJobRun", look: with("RunId", "JobName"), status: "JobRun.JobRunState", result: "JobRun",
		done: []string{"SUCCEEDED"}, failed: []string{"FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED"},
		stop: "batchStopJobRun", end: func(arguments object, id, _ string) object {
			return object{"JobName": arguments["JobName"], "JobRunIds": []any{id}}
		},
	}
}

// glueMarker is the job argument that carries the call's key. Glue gives scripts every argument and has no client tokens.
const glueMarker = "--" + marker

func glueArguments(t target, c execution.Call, arguments map[string]any) {
	given := object{}
	raw, is := arguments["Arguments"].(json.RawMessage)
	if t.resource.Pattern == "" || is && json.Unmarshal(raw, &given) != nil {
		return
	}
	given[glueMarker] = c.Key
	arguments["Arguments"] = given
}

// glueAgain looks among the last runs of the job for one that carries the call's key.
func glueAgain(i *Integration, ctx context.Context, t target, c execution.Call) (string, error) {
	arguments, err := plainArguments(c)
	if err != nil {
		return "", err
	}
	found, err := i.lookUp(ctx, t, c, "getJobRuns", object{"JobName": arguments["JobName"], "MaxResults": 50})
	if err != nil {
		return "", err
	}
	runs, _ := found["JobRuns"].([]any)
	for _, run := range runs {
		if at(run, "Arguments."+glueMarker) == c.Key {
			id, _ := at(run, "Id").(string)
			return id, nil
		}
	}
	return "", nil
}

func mediaJob() *job {
	return &job{
		id: "Job.Id", poll: "getJob", look: by("Id"), status: "Job.Status", done: []string{"COMPLETE"}, failed: []string{"ERROR", "CANCELED"},
		stop: "cancelJob", end: unreasoned(by("Id")),
	}
}

// learning are SageMaker's jobs, which users name.
func learning() map[string]action {
	actions := map[string]action{"createModel": {}, "createEndpoint": {}, "createEndpointConfig": {}, "updateEndpoint": {}}
	for _, what := range []string{"TrainingJob", "TransformJob", "ProcessingJob", "LabelingJob", "HyperParameterTuningJob"} {
		name := by(what + "Name")
		actions["create"+what] = action{job: &job{
			id: "." + what + "Name", poll: "describe" + what, look: name, status: what + "Status",
			done: []string{"Completed"}, failed: []string{"Failed", "Stopped"}, stop: "stop" + what, end: unreasoned(name),
		}}
	}
	return actions
}
