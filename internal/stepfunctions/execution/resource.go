package execution

import "strings"

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

// readTarget takes a resource apart. Resources have these forms:
//
//	arn:aws:lambda:REGION:ACCOUNT:function:NAME
//	arn:aws:states:REGION:ACCOUNT:activity:NAME
//	arn:aws:states:REGION:ACCOUNT:SERVICE:ACTION[.sync|.sync:2|.waitForTaskToken]
//	arn:aws:states:::aws-sdk:SERVICE:ACTION[.waitForTaskToken]
//	arn:tutti:KIND[:NAME][.sync|.waitForTaskToken]
func readTarget(resource string) target {
	t := target{pattern: requestResponse}
	body := resource
	for _, p := range []struct {
		suffix  string
		pattern pattern
	}{{".sync", runJob}, {".sync:2", runJob}, {".waitForTaskToken", taskToken}} {
		if rest, ok := strings.CutSuffix(resource, p.suffix); ok {
			body, t.pattern = rest, p.pattern
		}
	}
	parts := strings.SplitN(body, ":", 6)
	switch {
	case len(parts) >= 3 && parts[1] == "tutti":
		t.service, t.action = "tutti", strings.Join(parts[2:], ":")
	case len(parts) == 6 && parts[2] == "lambda":
		t.lambda, t.service, t.action = true, "lambda", "invoke"
	case len(parts) == 6 && parts[2] == "states" && strings.HasPrefix(parts[5], "activity:"):
		t.pattern, t.service, t.action = activityWorker, "activity", parts[5]
	case len(parts) == 6 && parts[2] == "states":
		service, action, _ := cutLast(parts[5])
		t.service, t.action = service, action+resource[len(body):]
	default:
		t.service, t.action = "", resource
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
