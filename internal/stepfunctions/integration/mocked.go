package integration

import (
	"fmt"
	"strings"

	"tutti/internal/aws/catalog"
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/definition"
)

// CheckResult tells what of a made-up result could not have come from an integration, in
// the words of TestState; "" is nothing. With whole, all that the service always gives
// must be there. Only the types of fields are looked at, not their bounds; results of
// jobs, and of actions that have no model, are not looked at.
func CheckResult(r definition.Resource, result any, whole bool) string {
	if r.Kind != definition.IntegrationResource || r.Pattern != definition.RequestResponse {
		return ""
	}
	name, operation, sdk := strings.TrimPrefix(r.Service, sdkPrefix), r.Action, strings.HasPrefix(r.Service, sdkPrefix)
	if !sdk {
		s := optimised()[r.Service]
		a, known := s.actions[r.Action]
		if !known || a.carry != nil {
			return ""
		}
		name = s.name
		if a.operation != "" {
			operation = a.operation
		}
	}
	var services catalog.Catalog
	s, ok := services.Service(name)
	if !ok {
		return ""
	}
	op, ok := s.Operation(operation)
	if !ok || op.Output == nil {
		return ""
	}
	c := resultCheck{whole: whole}
	if !sdk && r.Service == "lambda" {
		c.any = "Payload" // what the function gives, decoded
	}
	return c.structure(op.Output, result)
}

type resultCheck struct {
	whole bool
	// any is a field that may be anything.
	any string
}

func (c resultCheck) structure(s *catalog.Shape, v any) string {
	o, ok := v.(*data.Object)
	if !ok {
		return "Mock result must be a JSON object"
	}
	for _, m := range s.Members {
		field := catalog.Pascal(m.Name)
		inner, there := o.Get(field)
		switch {
		case !there && m.Required && c.whole:
			return fmt.Sprintf("Required field '%s' is missing", field)
		case !there || field == c.any:
			continue
		}
		if wrong := c.value(m.Shape, field, inner); wrong != "" {
			return wrong
		}
	}
	return ""
}

func (c resultCheck) value(s *catalog.Shape, field string, v any) string {
	want := ""
	switch s.Kind {
	case catalog.Structure:
		if _, ok := v.(*data.Object); ok {
			return c.structure(s, v)
		}
		want = "object"
	case catalog.Map:
		o, ok := v.(*data.Object)
		if !ok {
			want = "object"
			break
		}
		for _, m := range o.Members() {
			if wrong := c.value(s.Element.Shape, m.Key, m.Value); wrong != "" {
				return wrong
			}
		}
	case catalog.List:
		list, ok := v.([]any)
		if !ok {
			want = "array"
			break
		}
		for _, item := range list {
			if wrong := c.value(s.Element.Shape, field, item); wrong != "" {
				return wrong
			}
		}
	case catalog.Integer, catalog.Long, catalog.Float, catalog.Double:
		want = unless(v, "number")
	case catalog.Boolean:
		want = unless(v, "boolean")
	case catalog.String, catalog.Blob, catalog.Timestamp:
		want = unless(v, "string")
	}
	if want == "" {
		return ""
	}
	article := "a"
	if want == "array" || want == "object" {
		article = "an"
	}
	return fmt.Sprintf("Field '%s' must be %s %s", field, article, want)
}

// unless gives the type that a value is not of.
func unless(v any, want string) string {
	if data.Kind(v) == want {
		return ""
	}
	return want
}
