package states

import (
	"context"
	"encoding/json"
	"time"

	"tutti/internal/executor"
	"tutti/internal/stepfunctions/execution"
)

func taskActions() map[string]action {
	return map[string]action{
		"GetActivityTask":   typed((*API).getActivityTask),
		"SendTaskSuccess":   typed((*API).sendTaskSuccess),
		"SendTaskFailure":   typed((*API).sendTaskFailure),
		"SendTaskHeartbeat": typed((*API).sendTaskHeartbeat),
	}
}

type createActivityInput struct {
	Name       string          `json:"name"`
	Tags       []tag           `json:"tags"`
	Encryption json.RawMessage `json:"encryptionConfiguration"`
}

// createActivity makes an activity; one of the name that is there is the answer, and
// its tags stay (API reference).
func (a *API) createActivity(ctx context.Context, c call, in *createActivityInput) (any, error) {
	if !executor.GoodName(in.Name) {
		return nil, invalidName(in.Name)
	}
	x := &activity{ARN: a.arn(c, kindActivity, in.Name), Name: in.Name, Created: a.o.Clock().UTC()}
	var err error
	if x.Tags, err = newTags("", nil, in.Tags); err != nil {
		return nil, err
	}
	if x.Encryption, err = encryption(nil, in.Encryption); err != nil {
		return nil, err
	}
	err = a.registry.changeActivity(ctx, x.ARN, func(was *activity) (*activity, error) {
		if was != nil {
			x = was
		}
		return x, nil
	})
	return struct {
		ARN     string `json:"activityArn"`
		Created stamp  `json:"creationDate"`
	}{x.ARN, stamp(x.Created)}, err
}

type activityInput struct {
	ARN    string `json:"activityArn"`
	Worker string `json:"workerName"`
}

func activityID(text string) error {
	if id, ok := parseArn(text); !ok || id.kind != kindActivity || id.label != "" {
		return invalidArn(text)
	}
	return nil
}

func (a *API) deleteActivity(ctx context.Context, _ call, in *activityInput) (any, error) {
	if err := activityID(in.ARN); err != nil {
		return nil, err
	}
	return struct{}{}, a.registry.changeActivity(ctx, in.ARN, func(*activity) (*activity, error) { return nil, nil })
}

type activityItem struct {
	ARN        string          `json:"activityArn"`
	Name       string          `json:"name"`
	Created    stamp           `json:"creationDate"`
	Encryption json.RawMessage `json:"encryptionConfiguration,omitempty"`
}

func (a *API) describeActivity(_ context.Context, _ call, in *activityInput) (any, error) {
	if err := activityID(in.ARN); err != nil {
		return nil, err
	}
	x := a.registry.activity(in.ARN)
	if x == nil {
		return nil, noActivity(in.ARN)
	}
	return activityItem{x.ARN, x.Name, stamp(x.Created), x.Encryption}, nil
}

func (a *API) listActivities(_ context.Context, c call, in *listInput) (any, error) {
	var all []activityItem
	for _, x := range a.registry.activities() {
		if id, ok := parseArn(x.ARN); ok && id.region == c.region {
			all = append(all, activityItem{ARN: x.ARN, Name: x.Name, Created: stamp(x.Created)})
		}
	}
	page, next, err := pageOf(all, in, func(x activityItem) string { return x.Name })
	return struct {
		Items []activityItem `json:"activities"`
		Next  string         `json:"nextToken,omitempty"`
	}{page, next}, err
}

// activityPoll is how long GetActivityTask waits for a task (API reference).
const activityPoll = 60 * time.Second

func (a *API) getActivityTask(ctx context.Context, _ call, in *activityInput) (any, error) {
	if err := activityID(in.ARN); err != nil {
		return nil, err
	}
	if a.registry.activity(in.ARN) == nil {
		return nil, noActivity(in.ARN)
	}
	ctx, cancel := context.WithTimeout(ctx, activityPoll)
	defer cancel()
	task, ok := a.o.Executor.TakeTask(ctx, in.ARN, in.Worker)
	if !ok {
		return struct{}{}, nil
	}
	return struct {
		Token string `json:"taskToken"`
		Input string `json:"input"`
	}{task.Token, string(task.Arguments)}, nil
}

type taskInput struct {
	Token  string `json:"taskToken"`
	Output string `json:"output"`
	Error  string `json:"error"`
	Cause  string `json:"cause"`
}

func (a *API) sendTaskSuccess(ctx context.Context, _ call, in *taskInput) (any, error) {
	if len(in.Output) > a.payloadLimit() {
		return nil, fault("InvalidOutput", "Invalid Output: 'the output is larger than %d bytes'", a.payloadLimit())
	}
	if err := validJSON(in.Output); err != nil {
		return nil, fault("InvalidOutput", "Invalid Output: '%s'", err)
	}
	return a.answerTask(ctx, execution.TaskSignal{Token: in.Token, Kind: "success", Output: json.RawMessage(in.Output)})
}

func (a *API) sendTaskFailure(ctx context.Context, _ call, in *taskInput) (any, error) {
	return a.answerTask(ctx, execution.TaskSignal{Token: in.Token, Kind: "failure", Error: in.Error, Cause: in.Cause})
}

func (a *API) sendTaskHeartbeat(ctx context.Context, _ call, in *taskInput) (any, error) {
	return a.answerTask(ctx, execution.TaskSignal{Token: in.Token, Kind: "heartbeat"})
}

func (a *API) answerTask(ctx context.Context, s execution.TaskSignal) (any, error) {
	state, err := a.o.Executor.Answer(ctx, s, a.o.Host.Signal)
	switch {
	case ended(err):
		state = executor.TokenClosed // it ended just now
	case err != nil:
		return nil, err
	}
	switch state {
	case executor.TokenInvalid:
		return nil, badToken()
	case executor.TokenClosed:
		return nil, fault("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
	default:
		return struct{}{}, nil
	}
}
