package definition

import (
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/document"
	"tutti/internal/stepfunctions/expression"
)

func (r *reading) task(n *document.Node, s *State) *Task {
	c := r.c
	t := &Task{}
	c.required(n, "Resource")
	var resource Resource
	if text, ok := c.stringOf(n, "Resource"); ok {
		t.Resource = text
		resource = r.resource(n.Get("Resource"), text)
	}
	r.integration(n, resource)
	t.TimeoutSeconds = r.number(n, "TimeoutSeconds", "TimeoutSecondsPath", wholeNumber(1, maxSeconds))
	t.HeartbeatSeconds = r.number(n, "HeartbeatSeconds", "HeartbeatSecondsPath", wholeNumber(1, maxSeconds))
	r.heartbeat(n, t)
	t.RoleARN = r.credentials(n, resource)
	return t
}

// heartbeat checks that a heartbeat is due before the task's time is over.
func (r *reading) heartbeat(n *document.Node, t *Task) {
	h, ok := t.HeartbeatSeconds.(expression.Constant)
	if !ok {
		return
	}
	limit, ok := t.TimeoutSeconds.(expression.Constant)
	if !ok {
		if t.TimeoutSeconds != nil || n.Has("TimeoutSeconds") || n.Has("TimeoutSecondsPath") {
			return
		}
		limit = expression.Constant{Value: float64(maxSeconds)}
	}
	beat, _ := data.Float(h.Value)
	if end, _ := data.Float(limit.Value); beat >= end {
		r.c.wrong(n.Get("HeartbeatSeconds"), "Invalid value", "HeartbeatSeconds must be less than TimeoutSeconds", "the heartbeat, every %v seconds, must be due before the task's time is over, after %v seconds.", beat, end)
	}
}

func (r *reading) credentials(n *document.Node, resource Resource) expression.Expr {
	m := r.c.objectOf(n, "Credentials")
	if m == nil {
		return nil
	}
	if resource.Kind == ActivityResource {
		r.c.wrongAt(n, r.c.source.NameOf(m), "Unsupported field", "The field 'Credentials' is not supported for activities", "an activity's workers have credentials of their own. Remove Credentials.")
		return nil
	}
	role, path := m.Get("RoleArn"), m.Get("RoleArn"+dynamicSuffix)
	switch {
	case path != nil && r.language == JSONPath:
		r.twice(m, path, "RoleArn")
		if e := r.dynamic(path); e != nil {
			return expression.OfKind(e, "string")
		}
		return nil
	case role == nil:
		r.c.wrongAt(m, r.c.subject(m), "Missing field", "The field 'RoleArn' is required but was missing", "the field RoleArn is required: the ARN of the role that the task works in.")
		return nil
	}
	text, e := r.words(role, asString)
	if text == nil {
		return e
	}
	return expression.Constant{Value: *text}
}
