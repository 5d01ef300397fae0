package mock_test

import (
	"encoding/json"
	"strings"
	"testing"

	"tutti/internal/flow"
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/mock"
)

const config = `{
  "StateMachines": {"Shop": {"TestCases": {
    "Happy": {"Charge": "Paid", "Ask": "Yes"},
    "Busy": {"Charge": "BusyThenPaid"}}}},
  "MockedResponses": {
    "Paid": {"0": {"Return": {"paid": true}}},
    "Yes": {"0-9": {"Return": "yes"}},
    "BusyThenPaid": {"0-1": {"Throw": {"Error": "Busy", "Cause": "later"}}, "2": {"Return": 1.0}}}
}`

func read(t *testing.T) *mock.Config {
	t.Helper()
	c, diags := mock.Read("MockConfigFile.json", []byte(config))
	if diags.HasErrors() {
		t.Fatal(diags.Err())
	}
	return c
}

func do(t *testing.T, activity string, input any) flow.Do {
	t.Helper()
	raw, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	return flow.Do{ID: 1, Activity: activity, Input: raw}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	c := read(t)
	if names := c.Cases("Shop"); strings.Join(names, " ") != "Busy Happy" || len(c.Cases("Other")) != 0 {
		t.Error(names)
	}
	if _, ok := c.Case("Shop", "Sad"); ok {
		t.Error("there is no such case")
	}
	busy, ok := c.Case("Shop", "Busy")
	if !ok || !busy.Has("Charge") || busy.Has("Ask") {
		t.Fatal(busy)
	}
	for call, want := range []string{"Busy later null", "Busy later null", "  1.0", "States.Runtime No reply is given for call 4 of the state 'Charge'. null"} {
		r, _ := busy.Reply("Charge", int64(call))
		if got := r.Error + " " + r.Cause + " " + string(data.Encode(r.Output)); got != want {
			t.Errorf("call %d: %s, want %s", call, got, want)
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	happy, _ := read(t).Case("Shop", "Happy")
	busy, _ := read(t).Case("Shop", "Busy")
	call := execution.Call{State: "Charge", Key: "k"}
	late := execution.Call{State: "Charge", Key: "k", Calls: 2}
	ask := execution.Call{State: "Ask", Key: "k", Token: "T"}
	for _, c := range []struct {
		name string
		of   *mock.Case
		do   flow.Do
		want string
	}{
		{"a call", happy, do(t, execution.ActivityCall, call), `{"paid":true}`},
		{"a call that fails", busy, do(t, execution.ActivityCall, call), "Busy: later"},
		{"a later call", busy, do(t, execution.ActivityCall, late), "1.0"},
		{"a submit", happy, do(t, execution.ActivitySubmit, call), `{"id":"k"}`},
		{"a job", happy, do(t, execution.ActivityAwait, execution.JobCall{Call: call}), `{"paid":true}`},
		{"a stop", busy, do(t, execution.ActivityStop, execution.JobCall{Call: call}), "null"},
		{"a callback", happy, do(t, execution.ActivityCall, ask), `success T "yes"`},
		{"an offer", happy, do(t, execution.ActivityOffer, ask), `success T "yes"`},
		{"another state", busy, do(t, execution.ActivityCall, ask), "no answer"},
		{"a reading", happy, do(t, execution.ActivityRead, execution.ReadCall{}), "no answer"},
		{"what cannot be read", happy, flow.Do{Activity: execution.ActivityCall, Input: json.RawMessage("x")}, "States.Runtime: invalid character 'x' looking for beginning of value"},
	} {
		a, ok := c.of.Answer(c.do)
		got := "no answer"
		switch {
		case !ok:
		case a.Failure != nil:
			got = a.Failure.Error()
		case a.Signal != nil:
			got = a.Signal.Kind + " " + a.Signal.Token + " " + string(a.Signal.Output)
		default:
			got = string(a.Output)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{`[]`, "/ must be an object"},
		{`{}`, "StateMachines is missing"},
		{`{"StateMachine": {}, "StateMachines": {}}`, `/StateMachine is not a field here. Did you mean "StateMachines"?`},
		{`{"StateMachines": {"a": 1}}`, "/StateMachines/a must be an object, and is of type number."},
		{`{"StateMachines": {"a": {"TestCases": {"b": {"S": "R"}}}}, "MockedResponses": {"Q": {"0": {"Return": 1}}}}`, `MockedResponses has no "R".`},
		{`{"StateMachines": {"a": {"TestCases": {"b": {"S": 1}}}}}`, "must be the name of a response"},
		{`{"StateMachines": {}, "MockedResponses": {"Q": {"x": {"Return": 1}}}}`, `"x" is not the number of a call`},
		{`{"StateMachines": {}, "MockedResponses": {"Q": {"3-1": {"Return": 1}}}}`, `"3-1" is not the number of a call`},
		{`{"StateMachines": {}, "MockedResponses": {"Q": {"0-3": {"Return": 1}, "2": {"Return": 1}}}}`, "Another reply stands for some of the calls 2 already."},
		{`{"StateMachines": {}, "MockedResponses": {"Q": {"0": {}}}}`, "either Return or Throw"},
		{`{"StateMachines": {}, "MockedResponses": {"Q": {"0": {"Throw": {"Cause": "x"}}}}}`, "Throw needs an Error"},
		{`{"StateMachines": {}, "MockedResponses": {"Q": {"0": {"Throw": {"Error": 1}}}}}`, "/MockedResponses/Q/0/Throw/Error must be a string, and is of type number."},
		{`{`, "The file cannot be read"},
	} {
		_, diags := mock.Read("m.json", []byte(c.text))
		if len(diags) == 0 || !strings.Contains(diags[0].Detail, c.want) {
			t.Errorf("%s: %v, want %s", c.text, diags, c.want)
		}
	}
}
