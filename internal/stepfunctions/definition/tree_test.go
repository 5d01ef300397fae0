package definition_test

import (
	"strings"
	"testing"
	"time"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/document"
	"tutti/internal/stepfunctions/expression"
)

const everything = `{
  "Comment": "all types", "StartAt": "Charge", "TimeoutSeconds": 600,
  "States": {
    "Charge": {
      "Type": "Task", "Resource": "arn:tutti:task:charge", "Comment": "takes the money",
      "InputPath": "$.order", "Parameters": {"id.$": "$.id", "fixed": {"x": [1, null]}}, "ResultSelector": {"paid.$": "$.ok"}, "ResultPath": "$.charge.result", "OutputPath": null,
      "Assign": {"last.$": "$.ok", "seen": true},
      "TimeoutSecondsPath": "$.limit", "HeartbeatSeconds": 5,
      "Credentials": {"RoleArn": "arn:aws:iam::123456789012:role/r"},
      "Retry": [{"ErrorEquals": ["Busy"]}, {"ErrorEquals": ["States.ALL"], "IntervalSeconds": 3, "MaxAttempts": 0, "BackoffRate": 1.5, "MaxDelaySeconds": 9, "JitterStrategy": "FULL"}],
      "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": null, "Next": "Stop"}],
      "Next": "Which"
    },
    "Which": {
      "Type": "Choice",
      "Choices": [{"And": [{"Variable": "$.n", "NumericGreaterThan": 3}, {"Not": {"Variable": "$.s", "StringMatches": "a*"}}], "Next": "Each"}],
      "Default": "Wait"
    },
    "Wait": {"Type": "Wait", "Timestamp": "2030-01-01T00:00:00Z", "Next": "Both"},
    "Both": {"Type": "Parallel", "QueryLanguage": "JSONata", "Arguments": {"a": "{% $states.input.a %}"}, "Output": "{% $states.result[0] %}", "Next": "Each",
      "Branches": [{"StartAt": "One", "States": {"One": {"Type": "Pass", "Result": null, "End": true}}}, {"StartAt": "Two", "States": {"Two": {"Type": "Succeed"}}}]},
    "Each": {"Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 4, "ToleratedFailurePercentage": 12.5, "ToleratedFailureCountPath": "$.count", "End": true,
      "ItemSelector": {"v.$": "$$.Map.Item.Value"},
      "ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "b", "Key": "k"}, "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["a", "b"], "CSVDelimiter": "TAB", "MaxItemsPath": "$.max"}},
      "ItemBatcher": {"MaxItemsPerBatch": 10, "BatchInput": {"n.$": "$.n"}},
      "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b"}, "WriterConfig": {"Transformation": "COMPACT", "OutputType": "JSONL"}},
      "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"}, "StartAt": "Item", "States": {"Item": {"Type": "Pass", "End": true}}}},
    "Stop": {"Type": "Fail", "Error": "Stopped", "CausePath": "States.Format('because {}', $.why)"}
  }
}`

func parse(t *testing.T, text string) *definition.StateMachine {
	t.Helper()
	m, diags := definition.Parse("order.asl.json", []byte(text))
	if len(diags) > 0 {
		t.Fatal(diags.Err())
	}
	return m
}

func state(t *testing.T, m *definition.StateMachine, name string) *definition.State {
	t.Helper()
	s, ok := m.State(name)
	if !ok {
		t.Fatalf("there is no state %s", name)
	}
	return s
}

// eval gives what an expression comes to, as JSON.
func eval(t *testing.T, e expression.Expr, input string) string {
	t.Helper()
	in, err := data.Decode([]byte(input))
	if err != nil {
		t.Fatal(err)
	}
	context, _ := data.Decode([]byte(`{"Map":{"Item":{"Index":1,"Value":"v"}}}`))
	v, err := e.Eval(&expression.Scope{Input: in, Context: context.(*data.Object), Result: []any{"r"}, HasResult: true, Now: time.Unix(0, 0)})
	if err != nil {
		return err.Error()
	}
	return string(data.Encode(v))
}

func TestTreeOfTask(t *testing.T) {
	t.Parallel()
	m := parse(t, everything)
	if m.StartAt != "Charge" || m.TimeoutSeconds != 600 || m.QueryLanguage != definition.JSONPath || m.Version != "1.0" || len(m.States) != 6 || m.States[1].Name != "Which" {
		t.Errorf("%+v", m)
	}
	s := state(t, m, "Charge")
	if s.Type != definition.TypeTask || s.Next != "Which" || s.End || s.Task.Resource != "arn:tutti:task:charge" || s.Range.Start.Line != 4 || s.Comment == "" {
		t.Errorf("%+v", s)
	}
	for want, got := range map[string]string{
		`{"id":7}`:                           eval(t, s.InputPath.Expr, `{"order":{"id":7}}`),
		`{"id":8,"fixed":{"x":[1,null]}}`:    eval(t, s.Arguments, `{"id":8}`),
		`{"paid":true}`:                      eval(t, s.ResultSelector, `{"ok":true}`),
		`30`:                                 eval(t, s.Task.TimeoutSeconds, `{"limit":30}`),
		`5`:                                  eval(t, s.Task.HeartbeatSeconds, `{}`),
		`"arn:aws:iam::123456789012:role/r"`: eval(t, s.Task.RoleARN, `{}`),
		`1`:                                  eval(t, s.Assign[0].Value, `{"ok":1}`),
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if !s.OutputPath.Null || s.Assign[0].Name != "last" || s.Assign[1].Name != "seen" {
		t.Errorf("%+v %+v", s.OutputPath, s.Assign)
	}
	v, err := s.ResultPath.Set(data.ObjectOf(data.Member{Key: "a", Value: 1.0}), "r")
	if got := string(data.Encode(v)); err != nil || got != `{"a":1,"charge":{"result":"r"}}` {
		t.Error(got, err)
	}
	if r := s.Retry[0]; r.IntervalSeconds != 1 || r.MaxAttempts != 3 || r.BackoffRate != 2 || r.MaxDelaySeconds != 0 || r.FullJitter {
		t.Errorf("%+v", r)
	}
	if r := s.Retry[1]; r.IntervalSeconds != 3 || r.MaxAttempts != 0 || r.BackoffRate != 1.5 || r.MaxDelaySeconds != 9 || !r.FullJitter {
		t.Errorf("%+v", r)
	}
	if c := s.Catch[0]; c.Next != "Stop" || !c.ResultPath.Null || c.ErrorEquals[0] != "States.ALL" {
		t.Errorf("%+v", c)
	}
}

func TestTreeOfOtherStates(t *testing.T) {
	t.Parallel()
	m := parse(t, everything)
	rule := state(t, m, "Which").Choice.Rules[0]
	both, each, stop := state(t, m, "Both"), state(t, m, "Each"), state(t, m, "Stop")
	mp := each.Map
	for _, c := range []struct{ got, want string }{
		{eval(t, rule.Condition, `{"n":4,"s":"b"}`), `true`},
		{eval(t, rule.Condition, `{"n":4,"s":"ab"}`), `false`},
		{eval(t, state(t, m, "Wait").Wait.Timestamp, `{}`), `"2030-01-01T00:00:00Z"`},
		{eval(t, both.Arguments, `{"a":2}`), `{"a":2}`},
		{eval(t, both.Output, `{}`), `"r"`},
		{eval(t, mp.Items, `{"items":[1]}`), `[1]`},
		{eval(t, mp.Items, `{"items":1}`), `States.Runtime: Reference path "$.items" must point to array.`},
		{eval(t, mp.Selector, `{}`), `{"v":"v"}`},
		{eval(t, mp.MaxConcurrency, `{}`), `4`},
		{eval(t, mp.ToleratedFailurePercentage, `{}`), `12.5`},
		{eval(t, mp.ToleratedFailureCount, `{"count":-1}`), `States.Runtime: The JSONPath '$.count' specified for the field 'ToleratedFailureCountPath' gave a value out of range: -1, which must be at least 0`},
		{eval(t, mp.Reader.MaxItems, `{"max":5}`), `5`},
		{eval(t, mp.Reader.Arguments, `{}`), `{"Bucket":"b","Key":"k"}`},
		{eval(t, mp.Batcher.MaxItems, `{}`), `10`},
		{eval(t, mp.Batcher.BatchInput, `{"n":1}`), `{"n":1}`},
		{eval(t, mp.Writer.Arguments, `{}`), `{"Bucket":"b"}`},
		{eval(t, stop.Fail.Error, `{}`), `"Stopped"`},
		{eval(t, stop.Fail.Cause, `{"why":"x"}`), `"because x"`},
	} {
		if c.got != c.want {
			t.Errorf("got  %s\nwant %s", c.got, c.want)
		}
	}
	if len(both.Parallel.Branches) != 2 || both.QueryLanguage != definition.JSONata || both.Parallel.Branches[0].QueryLanguage != definition.JSONPath {
		t.Errorf("%+v", both)
	}
	if one := state(t, both.Parallel.Branches[0], "One"); !one.Pass.HasResult || one.Pass.Result != nil {
		t.Errorf("%+v", one.Pass)
	}
	if !mp.Distributed || !mp.Express || mp.Label != "Each" || mp.Processor.StartAt != "Item" || mp.Batcher.MaxBytes != nil {
		t.Errorf("%+v", mp)
	}
	if r := mp.Reader; r.InputType != "CSV" || r.CSVDelimiter != "TAB" || strings.Join(r.CSVHeaders, "") != "ab" || r.CSVHeaderLocation != "GIVEN" {
		t.Errorf("%+v", r)
	}
	if w := mp.Writer; w.Transformation != "COMPACT" || w.OutputType != "JSONL" || w.Resource != "arn:aws:states:::s3:putObject" {
		t.Errorf("%+v", w)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	nested := `{"StartAt":"S","States":{"S":{"Type":"Succeed"}}}`
	for i := range definition.MaxNesting {
		name := strings.Repeat("P", i+1)
		nested = `{"StartAt":"` + name + `","States":{"` + name + `":{"Type":"Parallel","End":true,"Branches":[` + nested + `]}}}`
	}
	if m, diags := definition.Parse("nested.json", []byte(nested)); m == nil {
		t.Error(diags.Err())
	}
	nested = `{"StartAt":"Q","States":{"Q":{"Type":"Parallel","End":true,"Branches":[` + nested + `]}}}`
	for what, text := range map[string]string{
		"state machines lie more than 32 deep in each other": nested,
		"larger than 16777216 bytes":                         strings.Repeat("x", document.MaxBytes+1),
		"values lie too deep in each other":                  strings.Repeat("[", document.MaxDepth+1),
		"the file has too many values":                       "[" + strings.Repeat("1,", document.MaxNodes) + "1]",
	} {
		_, diags := definition.Parse("x.json", []byte(text))
		if len(diags) != 1 || !strings.Contains(diags[0].Detail, what) {
			t.Errorf("%s: %v", what, diags)
		}
	}
	many := `{"StartAt":"A","States":{"A":{"Type":"Succeed"` + strings.Repeat(`,"x":1`, definition.MaxFindings+5) + `}}}`
	if _, diags := definition.Parse("x.json", []byte(many)); len(diags) != definition.MaxFindings {
		t.Errorf("%d findings", len(diags))
	}
}

// The places of what is inside a string follow the file's escapes.
func TestPlaceInString(t *testing.T) {
	t.Parallel()
	_, diags := definition.Parse("x.json", []byte(`{"StartAt":"A","States":{"A":{"Type":"Pass","Parameters":{"a.$":"$.\u00e9\"\ud83d\ude00['"},"End":true}}}`))
	if len(diags) != 1 {
		t.Fatal(diags)
	}
	// The quote behind the bracket is wrong: column 89 of the file, byte 9 of the path.
	if r := diags[0].Subject; r.Start.Column != 89 || r.End.Column != 90 {
		t.Errorf("%v", r)
	}
}
