package teststate

import (
	"slices"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/definition"
)

// check refuses what the API refuses.
func (r *Request) check(s *definition.State) error {
	group := s.Type == definition.TypeMap || s.Type == definition.TypeParallel
	if r.Mock == nil {
		switch {
		case group:
			return &InvalidError{InvalidDefinition, "TestState API does not support Map or Parallel states. Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]"}
		case r.Context != nil:
			return refuse("TestState does not support a Context object when no mock is specified.")
		}
		return r.checkCall(s)
	}
	switch {
	case s.Type != definition.TypeTask && !group:
		return refuse("State type '%s' is not supported when a mock is specified", s.Type)
	case r.Mock.HasResult == (r.Mock.Error != nil):
		return refuse("A test mock should have only one of the following fields: [result, errorOutput].")
	case r.RevealSecrets:
		return refuse("TestState does not support RevealSecrets when a mock is specified.")
	}
	if err := r.checkResult(s); err != nil {
		return err
	}
	return r.checkContext(s)
}

// checkCall refuses what can be tried with a mock only.
func (r *Request) checkCall(s *definition.State) error {
	if s.Task == nil {
		return nil
	}
	res, _ := definition.ParseResource(s.Task.Resource)
	switch {
	case res.Kind == definition.ActivityResource:
		return &InvalidError{InvalidDefinition, "TestState API does not support Activity tasks without a mock."}
	case res.Pattern != definition.RequestResponse:
		return &InvalidError{InvalidDefinition, "TestState API does not support '" + string(res.Pattern) + "' service integrations without a mock."}
	}
	return nil
}

func (r *Request) checkResult(s *definition.State) error {
	if !r.Mock.HasResult {
		return nil
	}
	list, isList := r.Mock.Result.([]any)
	_, isObject := r.Mock.Result.(*data.Object)
	switch {
	case s.Parallel != nil && !isList, s.Map != nil && s.Map.Writer == nil && !isList:
		return refuse("Mocked result must be an array.")
	case s.Map != nil && s.Map.Writer != nil && !isObject:
		return refuse("Mocked result must be a JSON object.")
	case s.Parallel != nil && len(list) != len(s.Parallel.Branches):
		return refuse("Mocked result must contain the same number of items as number of Parallel branches.")
	}
	if s.Task == nil || r.Mock.Check == nil {
		return nil
	}
	resource, _ := definition.ParseResource(s.Task.Resource)
	if wrong := r.Mock.Check(resource, r.Mock.Result); wrong != "" {
		return refuse("Mock result schema validation error: %s", wrong)
	}
	return nil
}

// checkContext refuses a context object that the service would not make.
func (r *Request) checkContext(s *definition.State) error {
	const prefix = "Invalid Context object provided: "
	for _, m := range r.Context.Members() {
		switch m.Key {
		case "Map":
			return refuse("%s'Map' field is not supported when mocking a Context object", prefix)
		case "Task":
			if !takesToken(s) {
				return refuse("%sContext object contains 'Task' when state is not a Task state with a '.sync' or '.waitForTaskToken' service integration pattern", prefix)
			}
		}
		fields, known := contextFields(m.Key)
		if !known {
			return refuse("%sField '%s' is not allowed", prefix, m.Key)
		}
		o, ok := m.Value.(*data.Object)
		if !ok {
			return refuse("%s%s must be an object", prefix, m.Key)
		}
		for _, inner := range o.Members() {
			if !slices.Contains(fields, inner.Key) {
				return refuse("%sField '%s' is not allowed", prefix, inner.Key)
			}
			if want := contextType(inner.Key); want != "" && data.Kind(inner.Value) != want {
				return refuse("%s%s.%s must be a %s", prefix, m.Key, inner.Key, want)
			}
		}
	}
	return nil
}

func takesToken(s *definition.State) bool {
	if s.Task == nil {
		return false
	}
	res, _ := definition.ParseResource(s.Task.Resource)
	return res.Kind == definition.ActivityResource || res.Pattern != definition.RequestResponse
}

func contextFields(object string) ([]string, bool) {
	switch object {
	case "Execution":
		return []string{"Id", "Input", "Name", "RoleArn", "StartTime", "RedriveCount", "RedriveTime"}, true
	case "StateMachine":
		return []string{"Id", "Name"}, true
	case "State":
		return []string{"Name", "EnteredTime", "RetryCount"}, true
	case "Task":
		return []string{"Token"}, true
	}
	return nil, false
}

// contextType is the type of a field of the context object; "" is any.
func contextType(field string) string {
	switch field {
	case "Input":
		return ""
	case "RedriveCount", "RetryCount":
		return "number"
	default:
		return "string"
	}
}
