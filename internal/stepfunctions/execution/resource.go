package execution

import (
	"strings"

	"tutti/internal/stepfunctions/definition"
)

// pattern is how a Task's resource is called.
type pattern uint8

const (
	requestResponse pattern = iota + 1
	runJob                  // .sync and .sync:2
	taskToken               // .waitForTaskToken
	activityWorker          // an activity: workers fetch the task
)

// target is a Task's Resource, taken apart.
type target struct {
	pattern pattern
	lambda  bool // a Lambda function's own ARN, which has its own history events
	// service and action are resourceType and resource in the history.
	service, action string
}

// readTarget takes a Task's resource apart, which the definition's reader has checked.
func readTarget(resource string) target {
	r, ok := definition.ParseResource(resource)
	if !ok {
		panic("execution: invariant broken: a Task calls " + resource)
	}
	t := target{pattern: requestResponse, service: r.Service, action: r.Action + string(r.Pattern)}
	switch r.Pattern {
	case definition.Sync, definition.Sync2:
		t.pattern = runJob
	case definition.WaitForTaskToken:
		t.pattern = taskToken
	}
	switch r.Kind {
	case definition.LambdaResource:
		t.lambda, t.service, t.action = true, "lambda", "invoke"
	case definition.ActivityResource:
		t.pattern, t.service, t.action = activityWorker, "activity", resource
	case definition.TuttiResource:
		t.service, t.action = "tutti", strings.TrimPrefix(resource, "arn:tutti:")
	}
	return t
}

func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// readOnly reports whether a call changes nothing at the far end, by its name: such
// a call may be made again after a crash.
func (t target) readOnly() bool {
	if t.pattern != requestResponse || t.lambda || t.service == "tutti" || t.service == "http" || t.service == "lambda" {
		return false
	}
	for _, verb := range []string{"get", "list", "describe", "head", "query", "scan", "lookup", "batchGet", "filter"} {
		if rest, ok := strings.CutPrefix(t.action, verb); ok && (rest == "" || rest[0] >= 'A' && rest[0] <= 'Z') {
			return true
		}
	}
	return false
}
