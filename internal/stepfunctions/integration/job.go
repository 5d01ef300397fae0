package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tutti/internal/aws"
	"tutti/internal/flow"
	"tutti/internal/stepfunctions/execution"
)

// object is a JSON object.
type object = map[string]any

// job is what .sync begins, waits for and stops. Paths are of member names and list indices: "Jobs.0.Status".
type job struct {
	// id is where the submission's answer has what the job is known by; or, with a leading ".", the argument that names it.
	id string
	// token is an argument that makes submitting twice begin one job, where the model does not mark it as such.
	token string
	// again finds a job that this call has begun before, where the service has no such argument: "" is none.
	again func(i *Integration, ctx context.Context, t target, c execution.Call) (id string, err error)
	// named gives the ID of a job that is named by the call's key, "" where the user named it; taken is the error that
	// tells that there is one of that name.
	named func(arguments object, key string) string
	taken string

	// poll describes the job; look is its input.
	poll string
	look func(arguments object, id string) object
	// status is where the description has the status; it is over at one of done or failed.
	status       string
	done, failed []string
	// gone says that the job is done when there is nothing left to describe.
	gone bool
	// judge looks at a job that is done: true if it has failed all the same.
	judge func(description object) bool
	// result is the part of the description that becomes the task's; "" is all of it. as puts it under a name again.
	result, as string

	// stop ends the job; end is its input. "" where nothing can.
	stop string
	end  func(arguments object, id, reason string) object
}

// Limits of looking at a job.
const (
	// firstPoll is the first pause; each is half as long again as the one before.
	firstPoll = time.Second
	// maxFailedLooks is how many looks in a row may fail for a passing reason.
	maxFailedLooks = 20
)

// submit begins a job. Doing so twice with the same key begins one.
func (i *Integration) submit(ctx context.Context, t target, c execution.Call) (json.RawMessage, error) {
	j := t.action.job
	if j == nil {
		return nil, refuse("%s cannot be waited for", c.Resource)
	}
	if j.again != nil {
		id, err := j.again(i, ctx, t, c)
		if err != nil {
			return nil, err
		}
		if id != "" {
			return json.Marshal(execution.Job{ID: id, Output: json.RawMessage("{}")})
		}
	}
	if j.token != "" {
		arguments, err := argumentsOf(c)
		if err != nil {
			return nil, err
		}
		if arguments[j.token] == nil {
			arguments[j.token] = c.Key
			c.Arguments = json.RawMessage(text(arguments))
		}
	}
	out, err := i.request(ctx, t, c)
	var f flow.Failure
	if j.named != nil && errors.As(err, &f) && f.Code == j.taken {
		if id, errID := j.ours(c); errID == nil && id != "" {
			return json.Marshal(execution.Job{ID: id, Output: json.RawMessage("{}")})
		}
	}
	if err != nil {
		return nil, err
	}
	id, err := j.idOf(c, out)
	if err != nil {
		return nil, err
	}
	return json.Marshal(execution.Job{ID: id, Output: json.RawMessage(text(out))})
}

// ours gives the ID of the job that is named by the call's key.
func (j *job) ours(c execution.Call) (string, error) {
	arguments, err := plainArguments(c)
	if err != nil {
		return "", err
	}
	return j.named(arguments, c.Key), nil
}

// idOf gives what a job is known by.
func (j *job) idOf(c execution.Call, out object) (string, error) {
	var id string
	if name, own := strings.CutPrefix(j.id, "."); own {
		arguments, err := plainArguments(c)
		if err != nil {
			return "", err
		}
		id, _ = arguments[name].(string)
	} else {
		id, _ = at(out, j.id).(string)
	}
	if id == "" {
		return "", flow.Failure{Kind: flow.Terminal, Code: codeTaskFailed, Message: fmt.Sprintf("%s began a job and did not say which: %s", c.Resource, text(out))}
	}
	return id, nil
}

// plainArguments gives the arguments as plain JSON values.
func plainArguments(c execution.Call) (object, error) {
	var arguments object
	if err := json.Unmarshal(c.Arguments, &arguments); err != nil {
		return nil, refuse("the arguments of %s are no object", c.Resource)
	}
	return arguments, nil
}

// at looks into nested objects and lists; nil where there is nothing.
func at(v any, path string) any {
	if path == "" {
		return v
	}
	for step := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case object:
			v = in[step]
		case []any:
			if step != "0" || len(in) == 0 {
				return nil
			}
			v = in[0]
		default:
			return nil
		}
	}
	return v
}

// state is what a look at a job has found.
type state struct {
	status      string
	over, ok    bool
	description object
}

// look describes a job once.
func (i *Integration) look(ctx context.Context, t target, c execution.Call, id string) (state, error) {
	j := t.action.job
	arguments, err := plainArguments(c)
	if err != nil {
		return state{}, err
	}
	a, err := i.options.AWS.Do(ctx, aws.Request{
		Service: t.service.name, Operation: j.poll, Input: j.look(arguments, id), Region: t.region, RoleARN: c.RoleARN, Style: optimisedStyle(),
	})
	if err != nil {
		if j.gone && missing(err) {
			return state{status: "gone", over: true, ok: true, description: object{}}, nil
		}
		return state{}, err
	}
	s := state{description: a.Output}
	s.status, _ = at(a.Output, j.status).(string)
	switch {
	case slices.Contains(j.done, s.status):
		s.over, s.ok = true, j.judge == nil || !j.judge(a.Output)
	case slices.Contains(j.failed, s.status):
		s.over = true
	}
	return s, nil
}

// missing reports whether a service says that what was asked for does not exist.
func missing(err error) bool {
	var e *aws.Error
	return errors.As(err, &e) && (e.StatusCode == 404 || strings.Contains(e.Code, "NotFound") || strings.Contains(e.Code, "DoesNotExist"))
}

// await waits for a job's end and gives its result. That the job has failed is States.TaskFailed, its description the
// cause; any other error is one of looking.
func (i *Integration) await(ctx context.Context, t target, j execution.JobCall, log func(string)) (json.RawMessage, error) {
	pause, failures, last := min(firstPoll, i.options.Poll), 0, ""
	for {
		if i.options.House != nil && t.service.name == "sfn" {
			i.options.House.Ended(ctx, j.Job.ID)
		}
		s, err := i.look(ctx, t, j.Call, j.Job.ID)
		var refused *aws.Error
		switch {
		case err == nil:
			failures = 0
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.As(err, &refused) && !refused.Retryable, failures >= maxFailedLooks:
			return nil, t.service.failure(ctx, j.Call, err)
		default:
			failures++
			log(fmt.Sprintf("%s %s: %v", t.resource.Service, j.Job.ID, err))
		}
		if s.status != last {
			log(fmt.Sprintf("%s %s: %s", t.resource.Service, j.Job.ID, s.status))
			last = s.status
		}
		switch {
		case s.over && s.ok:
			return t.jobResult(s.description), nil
		case s.over:
			return nil, flow.Failure{Kind: flow.Terminal, Code: codeTaskFailed, Message: string(t.jobResult(s.description))}
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, err
		}
		pause = min(pause*3/2, i.options.Poll)
	}
}

func sleep(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// jobResult gives the part of a description that the task's result, or its cause, is.
func (t target) jobResult(description object) json.RawMessage {
	j := t.action.job
	part := at(description, j.result)
	if j.as != "" {
		part = object{j.as: part}
	}
	if t.resource.Pattern == ".sync:2" {
		part = opened(part)
	}
	return json.RawMessage(text(part))
}

// opened makes JSON of the texts Input and Output, which .sync leaves as they are.
func opened(v any) any {
	description, is := v.(object)
	if !is {
		return v
	}
	for _, name := range []string{"Input", "Output"} {
		if text, is := description[name].(string); is && json.Valid([]byte(text)) {
			description[name] = json.RawMessage(text)
		}
	}
	return description
}

// stop ends a job. One that has ended, or never was, is no error.
func (i *Integration) stop(ctx context.Context, t target, c execution.JobCall, log func(string)) error {
	j := t.action.job
	if j == nil {
		return refuse("%s cannot be stopped", c.Call.Resource)
	}
	id := c.Job.ID
	if id == "" {
		// The call was given up before it could say what it had begun.
		var err error
		switch {
		case j.again != nil:
			id, err = j.again(i, ctx, t, c.Call)
		case j.named != nil:
			id, err = j.ours(c.Call)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case id == "":
		log(fmt.Sprintf("%s: the call was given up before it named a job; look whether there is one", c.Call.Resource))
		return nil
	case j.stop == "":
		log(fmt.Sprintf("%s %s cannot be stopped; it goes on", c.Call.Resource, id))
		return nil
	}
	arguments, err := plainArguments(c.Call)
	if err != nil {
		return err
	}
	reason := "Stopped by a state machine"
	if c.Reason != "" {
		reason += ": " + c.Reason
	}
	_, err = i.ask(ctx, t, c.Call, j.stop, j.end(arguments, id, reason))
	if err == nil {
		return nil
	}
	if s, looked := i.look(ctx, t, c.Call, id); looked == nil && s.over || missing(looked) {
		return nil
	}
	return err
}
