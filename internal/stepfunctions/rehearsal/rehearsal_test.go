package rehearsal_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/mock"
	"tutti/internal/stepfunctions/rehearsal"
)

func define(t *testing.T, text string) *definition.StateMachine {
	t.Helper()
	def, diags := definition.Parse("test.asl.json", []byte(text))
	if diags.HasErrors() {
		t.Fatal(diags.Err())
	}
	return def
}

func decode(t *testing.T, text string) any {
	t.Helper()
	v, err := data.Decode([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// told is a result in one line.
func told(r *rehearsal.Result, err error) string {
	if err != nil {
		return err.Error()
	}
	s := r.Status
	if r.Status == rehearsal.Succeeded {
		s += " " + string(data.Encode(r.Output))
	} else {
		s += " " + r.Error
	}
	return fmt.Sprintf("%s after %v by %s", s, r.Elapsed, strings.Join(r.Path, " "))
}

const task = `"Type":"Task","Resource":"arn:tutti:task:a"`

func TestRun(t *testing.T) {
	t.Parallel()
	ok, busy := mock.Reply{Output: true}, mock.Reply{Error: "Busy", Cause: "later"}
	for _, c := range []struct {
		name, text, input string
		replies           []mock.Reply
		want              string
	}{
		{"waits cost nothing", `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":86400,"Next":"X"},"X":{"Type":"Pass","Result":1,"End":true}}}`, `{}`, nil,
			"SUCCEEDED 1 after 24h0m0s by W X"},
		{"retries", `{"StartAt":"A","States":{"A":{` + task + `,"Retry":[{"ErrorEquals":["Busy"],"IntervalSeconds":10}],"End":true}}}`, `{}`, []mock.Reply{busy, busy, ok},
			"SUCCEEDED true after 30s by A"},
		{"catches", `{"StartAt":"A","States":{"A":{` + task + `,"Catch":[{"ErrorEquals":["Busy"],"ResultPath":"$.e","Next":"B"}],"End":true},"B":{"Type":"Succeed"}}}`, `{"x":1}`, []mock.Reply{busy},
			`SUCCEEDED {"x":1,"e":{"Error":"Busy","Cause":"later"}} after 0s by A B`},
		{"fails", `{"StartAt":"A","States":{"A":{` + task + `,"End":true}}}`, `{}`, []mock.Reply{busy}, "FAILED Busy after 0s by A"},
		{"times out", `{"StartAt":"A","States":{"A":{` + task + `,"TimeoutSeconds":60,"End":true}}}`, `{}`, []mock.Reply{{Never: true}}, "FAILED States.Timeout after 1m0s by A"},
		{"is too late", `{"StartAt":"A","TimeoutSeconds":30,"States":{"A":{` + task + `,"End":true}}}`, `{}`, []mock.Reply{{Output: 1.0, After: time.Minute}}, "TIMED_OUT States.Timeout after 30s by A"},
		{"takes its time", `{"StartAt":"A","States":{"A":{` + task + `,"TimeoutSeconds":60,"End":true}}}`, `{}`, []mock.Reply{{Output: 1.0, After: 59 * time.Second}}, "SUCCEEDED 1 after 59s by A"},
		{"waits for a callback", `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","Parameters":{"QueueUrl":"q","MessageBody.$":"$$.Task.Token"},"End":true}}}`, `{}`,
			[]mock.Reply{{Output: "yes", After: time.Hour}}, `SUCCEEDED "yes" after 1h0m0s by A`},
		{"is refused by callback", `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:us-east-1:123456789012:activity:a","End":true}}}`, `{}`, []mock.Reply{busy}, `FAILED Busy after 0s by A`},
		{"waits for ever", `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:us-east-1:123456789012:activity:a","End":true}}}`, `{}`, []mock.Reply{{Never: true}},
			`the execution waits for an answer to the state "A" that never comes: no callback is given, and it has no timeout`},
		{"runs a job", `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::batch:submitJob.sync","Parameters":{},"End":true}}}`, `{}`, []mock.Reply{{Output: "job", After: time.Hour}}, `SUCCEEDED "job" after 1h0m0s by A`},
		{"stops a job", `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:states:::batch:submitJob.sync","Parameters":{},"TimeoutSeconds":60,"End":true}}}`, `{}`, []mock.Reply{{Never: true}}, `FAILED States.Timeout after 1m0s by A`},
		{"has no reply", `{"StartAt":"A","States":{"A":{` + task + `,"End":true}}}`, `{}`, nil, `the state "A" calls arn:tutti:task:a, and no reply is given for it`},
		{"does many things", `{"StartAt":"P","States":{"P":{"Type":"Parallel","End":true,"Branches":[{"StartAt":"A","States":{"A":{` + task + `,"End":true}}},{"StartAt":"M","States":{"M":{"Type":"Map","ItemsPath":"$.l","End":true,"ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Pass","End":true}}}}}}]}}}`,
			`{"l":[1,2]}`, []mock.Reply{ok}, `SUCCEEDED [true,[1,2]] after 0s by P A M I I`},
	} {
		replies := &mock.Case{}
		if len(c.replies) > 0 {
			replies.Set("A", false, c.replies...)
		}
		got := told(rehearsal.Run(rehearsal.Options{Definition: define(t, c.text), Input: decode(t, c.input), Replies: replies}))
		if got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

func TestRunOutOfReplies(t *testing.T) {
	t.Parallel()
	def := define(t, `{"StartAt":"A","States":{"A":{`+task+`,"Retry":[{"ErrorEquals":["States.ALL"],"MaxAttempts":9}],"End":true}}}`)
	replies := &mock.Case{}
	replies.Set("A", false, mock.Reply{Error: "Busy"})
	r, err := rehearsal.Run(rehearsal.Options{Definition: def, Replies: replies})
	if got := told(r, err); got != "FAILED States.Runtime after 1s by A" || r.Cause != "No reply is given for call 2 of the state 'A'." {
		t.Error(got, r)
	}
	replies.Set("A", true, mock.Reply{Error: "Busy"})
	if got := told(rehearsal.Run(rehearsal.Options{Definition: def, Replies: replies})); got != "FAILED Busy after 8m31s by A" {
		t.Error(got)
	}
}

// A distributed Map's items come from the reply for its state, page by page.
func TestRunMapRun(t *testing.T) {
	t.Parallel()
	def := define(t, `{"StartAt":"M","States":{"M":{"Type":"Map","MaxConcurrency":1,"ToleratedFailureCount":1,"End":true,
	  "ItemReader":{"Resource":"arn:aws:states:::s3:getObject","Parameters":{"Bucket":"b","Key":"k"},"ReaderConfig":{"InputType":"JSON"}},
	  "ResultWriter":{"Resource":"arn:aws:states:::s3:putObject","Parameters":{"Bucket":"b"}},
	  "ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"A","States":{"A":{`+task+`,"End":true}}}}}}`)
	replies := &mock.Case{}
	replies.Set("M", true, mock.Reply{Output: []any{1.0, 2.0, 3.0}})
	replies.Set("A", true, mock.Reply{Output: "ok"})
	r, err := rehearsal.Run(rehearsal.Options{Definition: def, Replies: replies})
	if err != nil || r.Status != rehearsal.Succeeded || strings.Join(r.Path, "") != "MAAA" || len(r.Calls) != 3 || string(r.Calls[2].Arguments) != "3" {
		t.Error(told(r, err))
	}
	replies.Set("A", true, mock.Reply{Error: "Broken"})
	r, err = rehearsal.Run(rehearsal.Options{Definition: def, Replies: replies})
	if err != nil || r.Error != "States.ExceedToleratedFailureThreshold" {
		t.Error(told(r, err))
	}
	replies.Set("M", true, mock.Reply{Error: "S3.NoSuchKey"})
	if r, err = rehearsal.Run(rehearsal.Options{Definition: def, Replies: replies}); err != nil || r.Status != rehearsal.Failed {
		t.Error(told(r, err))
	}
}

// What goes round for ever is stopped.
func TestRunForever(t *testing.T) {
	t.Parallel()
	def := define(t, `{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":1,"Next":"C"},"C":{"Type":"Choice","Choices":[{"Variable":"$.a","IsPresent":true,"Next":"E"}],"Default":"A"},"E":{"Type":"Succeed"}}}`)
	r, err := rehearsal.Run(rehearsal.Options{Definition: def, Input: &data.Object{}})
	if err != nil || r.Status != rehearsal.Failed || r.Error != "States.Runtime" {
		t.Error(told(r, err))
	}
	var stuck *rehearsal.StuckError
	if errors.As(err, &stuck) {
		t.Error(err)
	}
}

func TestRunFrom(t *testing.T) {
	t.Parallel()
	def := define(t, `{"StartAt":"A","States":{"A":{`+task+`,"Next":"B"},"B":{"Type":"Pass","Parameters":{"v.$":"$v","at.$":"$$.State.EnteredTime"},"End":true}}}`)
	vars := decode(t, `{"v":7}`).(*data.Object)
	got := told(rehearsal.Run(rehearsal.Options{Definition: def, From: "B", Variables: vars, At: time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)}))
	if got != `SUCCEEDED {"v":7,"at":"2031-02-03T04:05:06.000Z"} after 0s by B` {
		t.Error(got)
	}
}
