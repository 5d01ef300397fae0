package definition

import (
	"slices"

	"tutti/internal/stepfunctions/document"
)

// fieldSpec is a field that a type of state may have. language is empty where both
// query languages have it.
type fieldSpec struct {
	name     string
	language QueryLanguage
}

// stateFields are the fields of each type of state, as the service accepts them
// (measured by others with ValidateStateMachineDefinition; the States Language's own
// table says more of Succeed and Fail than the service takes).
func (c *checker) stateFields(t Type) []fieldSpec {
	if known, ok := c.fields[t]; ok {
		return known
	}
	fields := []fieldSpec{{"Type", ""}, {"Comment", ""}, {"QueryLanguage", ""}}
	both := func(names ...string) { fields = append(fields, in("", names...)...) }
	path := func(names ...string) { fields = append(fields, in(JSONPath, names...)...) }
	query := func(names ...string) { fields = append(fields, in(JSONata, names...)...) }
	if t != TypeFail {
		path("InputPath", "OutputPath")
		query("Output")
	}
	switch t {
	case TypeTask, TypePass, TypeWait, TypeParallel, TypeMap:
		both("Next", "End", "Assign")
	case TypeChoice:
		both("Choices", "Default", "Assign")
	}
	switch t {
	case TypeTask, TypeParallel, TypeMap:
		path("Parameters", "ResultSelector", "ResultPath")
		both("Retry", "Catch")
	case TypePass:
		path("Parameters", "Result", "ResultPath")
	}
	switch t {
	case TypeTask:
		both("Resource", "Credentials", "TimeoutSeconds", "HeartbeatSeconds")
		path("TimeoutSecondsPath", "HeartbeatSecondsPath")
		query("Arguments")
	case TypeWait:
		both("Seconds", "Timestamp")
		path("SecondsPath", "TimestampPath")
	case TypeFail:
		both("Error", "Cause")
		path("ErrorPath", "CausePath")
	case TypeParallel:
		both("Branches")
		query("Arguments")
	case TypeMap:
		both("ItemProcessor", "Iterator", "ItemSelector", "ItemReader", "ItemBatcher", "ResultWriter", "MaxConcurrency",
			"ToleratedFailureCount", "ToleratedFailurePercentage", "Label")
		path("ItemsPath", "MaxConcurrencyPath", "ToleratedFailureCountPath", "ToleratedFailurePercentagePath")
		query("Items")
	}
	if c.fields == nil {
		c.fields = map[Type][]fieldSpec{}
	}
	c.fields[t] = fields
	return fields
}

func in(language QueryLanguage, names ...string) []fieldSpec {
	list := make([]fieldSpec, len(names))
	for i, name := range names {
		list[i] = fieldSpec{name, language}
	}
	return list
}

// known reports fields that the node must not have: unknown ones, and those of the
// other query language.
func (r *reading) known(n *document.Node, fields []fieldSpec, what string) {
	for _, m := range n.Inner {
		i := slices.IndexFunc(fields, func(f fieldSpec) bool { return f.name == m.Key })
		switch {
		case i < 0:
			var names []string
			for _, f := range fields {
				if f.language == "" || f.language == r.language {
					names = append(names, f.name)
				}
			}
			r.c.unsupported(m, names, "is not known in "+what+".")
		case fields[i].language != "" && fields[i].language != r.language:
			r.otherLanguage(m, fields[i].language)
		}
	}
}

// otherLanguage reports a field of the query language that the state does not speak.
func (r *reading) otherLanguage(m *document.Node, of QueryLanguage) {
	instead := map[string]string{
		"Parameters": "Arguments, or Output in a Pass state,", "Arguments": "Parameters", "ResultSelector": "Output", "ResultPath": "Output", "OutputPath": "Output", "Output": "ResultSelector, ResultPath and OutputPath",
		"InputPath": "$states.input in Arguments or Output", "Result": "Output", "ItemsPath": "Items", "Items": "ItemsPath", "Variable": "Condition", "Condition": "Variable and a comparison",
		"SecondsPath": "Seconds", "TimestampPath": "Timestamp", "TimeoutSecondsPath": "TimeoutSeconds", "HeartbeatSecondsPath": "HeartbeatSeconds", "ErrorPath": "Error", "CausePath": "Cause",
		"MaxConcurrencyPath": "MaxConcurrency", "ToleratedFailureCountPath": "ToleratedFailureCount", "ToleratedFailurePercentagePath": "ToleratedFailurePercentage",
		"MaxItemsPath": "MaxItems", "MaxItemsPerBatchPath": "MaxItemsPerBatch", "MaxInputBytesPerBatchPath": "MaxInputBytesPerBatch",
	}
	hint := "Remove it."
	if use, ok := instead[m.Key]; ok {
		hint = "Use " + use + " instead."
	}
	r.c.wrongAt(m.Parent, r.c.source.NameOf(m), "Field of the other query language",
		"The QueryLanguage is set to '"+string(r.language)+"', but field '"+m.Key+"' is only supported for the '"+string(of)+"' QueryLanguage",
		"the field %s is one of %s, and the state's query language is %s. %s", quote(m.Key), of, r.language, hint)
}
