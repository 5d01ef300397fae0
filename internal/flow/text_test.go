package flow_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tutti/internal/flow"
)

var start = time.Date(2026, 11, 23, 14, 8, 43, 500_000_000, time.UTC)

func TestEventText(t *testing.T) {
	for _, c := range []struct {
		line string
		want flow.Event
	}{
		{`+0s started at=2026-11-23T14:08:43.5Z seed=7 {"n":1}`, flow.Started{At: start, Seed: 7, Input: json.RawMessage(`{"n":1}`)}},
		{`+0s started at=2026-11-23T14:08:43.5Z seed=-9`, flow.Started{At: start, Seed: -9}},
		{`+3.5s done #4 {"rows":1}`, flow.ActivityDone{At: start.Add(3500 * time.Millisecond), ID: 4, Output: json.RawMessage(`{"rows":1}`)}},
		{`+0s done #4`, flow.ActivityDone{At: start, ID: 4}},
		{`+1h0m0.000000001s failed #12 kind=retryable code="States.Timeout" message="took \"too\" long\nby far"`,
			flow.ActivityFailed{At: start.Add(time.Hour + 1), ID: 12, Failure: flow.Failure{Kind: flow.Retryable, Code: "States.Timeout",
				Message: "took \"too\" long\nby far"}}},
		{`-2s fired #1`, flow.TimerFired{At: start.Add(-2 * time.Second), ID: 1}},
		{`at=2600-01-01T00:00:00Z fired #1`, flow.TimerFired{At: time.Date(2600, 1, 1, 0, 0, 0, 0, time.UTC), ID: 1}},
		{`+1s signal approve {"by":"ann b"}`, flow.Signaled{At: start.Add(time.Second), Name: "approve", Payload: json.RawMessage(`{"by":"ann b"}`)}},
		{`+1s signal "two words" "text"`, flow.Signaled{At: start.Add(time.Second), Name: "two words", Payload: json.RawMessage(`"text"`)}},
		{`+1s child #3 [1,2]`, flow.ChildDone{At: start.Add(time.Second), ID: 3, Output: json.RawMessage(`[1,2]`)}},
		{`+1s child #3 null kind=cancelled message=""`, flow.ChildDone{At: start.Add(time.Second), ID: 3, Output: json.RawMessage(`null`),
			Failure: &flow.Failure{Kind: flow.Cancelled}}},
		{`+1s cancel reason="Ctrl-C"`, flow.CancelRequested{At: start.Add(time.Second), Reason: "Ctrl-C"}},
	} {
		got, err := flow.ParseEvent(c.line, start)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s\n got %#v, %v\nwant %#v", c.line, got, err, c.want)
		}
		if line := flow.FormatEvent(c.want, start); line != c.line {
			t.Errorf("got  %s\nwant %s", line, c.line)
		}
	}
}

func TestCommandText(t *testing.T) {
	for _, c := range []struct {
		line string
		want flow.Command
	}{
		{`do #1 change {"action":4} queue="eu" idempotent=false`, flow.Do{ID: 1, Activity: "change", Input: json.RawMessage(`{"action":4}`), Queue: "eu"}},
		{`do #1 change idempotent=true`, flow.Do{ID: 1, Activity: "change", Idempotent: true}},
		{`cancel #2`, flow.CancelActivity{ID: 2}},
		{`timer #3 +2s`, flow.SetTimer{ID: 3, At: start.Add(2 * time.Second)}},
		{`cancel-timer #3`, flow.CancelTimer{ID: 3}},
		{`child #4 fulfil {"n":1}`, flow.StartChild{ID: 4, Machine: "fulfil", Input: json.RawMessage(`{"n":1}`)}},
		{`cancel-child #4`, flow.CancelChild{ID: 4}},
		{`record "a \"b\""`, flow.Record{Text: `a "b"`}},
		{`complete`, flow.Complete{}},
		{`complete {"rows":1}`, flow.Complete{Output: json.RawMessage(`{"rows":1}`)}},
		{`fail kind=terminal code="X" message="boom"`, flow.Fail{Failure: flow.Failure{Kind: flow.Terminal, Code: "X", Message: "boom"}}},
	} {
		got, err := flow.ParseCommand(c.line, start)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s\n got %#v, %v\nwant %#v", c.line, got, err, c.want)
		}
		if line := flow.FormatCommand(c.want, start); line != c.line {
			t.Errorf("got  %s\nwant %s", line, c.line)
		}
	}
}

func TestTextRefuses(t *testing.T) {
	for _, line := range []string{
		"", "+1s", "+1s done", "+1s done 4", "+1s done #0", "+1s done #-4", "+1s done #4 {", "+1s done #4 {} {}", "+1s done #4 1 2",
		"1s done #4", "+1x done #4", "+1s explode #4", "+1s failed #4", "+1s failed #4 kind=odd message=\"\"", "+1s failed #4 kind=terminal",
		"+1s cancel", "+1s cancel reason=x", "+1s signal", "+1s signal two words", "+0s started", "+0s started at=now seed=1",
		"+0s started at=2026-11-23T14:08:43.5Z", "+0s started at=9999-12-31T23:59:59-01:00 seed=1", "at=x fired #1",
		`+1s cancel reason="a"x`, `+1s cancel reason='a'`,
	} {
		if e, err := flow.ParseEvent(line, start); err == nil {
			t.Errorf("event %q is read as %#v", line, e)
		}
	}
	for _, line := range []string{
		"", "do", "do #1", "do #1 change", "do #1 change idempotent=maybe", "do #1 {} idempotent=true", "timer #1", "timer #1 2s",
		"record text", "fail", "complete {", "cancel 1", "child #1", "cancel-child",
	} {
		if c, err := flow.ParseCommand(line, start); err == nil {
			t.Errorf("command %q is read as %#v", line, c)
		}
	}
}

// A payload that is not JSON would make a journal that cannot be read back, so it
// must never get as far as the text.
func TestFormatPanicsOnBrokenPayload(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a broken payload was written")
		}
	}()
	flow.FormatEvent(flow.ActivityDone{At: start, ID: 1, Output: json.RawMessage(`{"a":`)}, start)
}

func TestPayloadOverSeveralLines(t *testing.T) {
	line := flow.FormatEvent(flow.ActivityDone{At: start, ID: 1, Output: json.RawMessage("{\r\n  \"a\": \"x  y\"\n}\n")}, start)
	if want := `+0s done #1 {"a":"x  y"}`; line != want {
		t.Errorf("got %s, want %s", line, want)
	}
}

func TestEventTextInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := drawEvent(t)
		line := flow.FormatEvent(e, start)
		if strings.ContainsAny(line, "\r\n") {
			t.Fatalf("more than one line: %q", line)
		}
		got, err := flow.ParseEvent(line, start)
		if err != nil || !reflect.DeepEqual(got, e) {
			t.Fatalf("%s\n got %#v, %v\nwant %#v", line, got, err, e)
		}
	})
}

func TestCommandTextInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawCommand(t)
		line := flow.FormatCommand(c, start)
		got, err := flow.ParseCommand(line, start)
		if err != nil || !reflect.DeepEqual(got, c) {
			t.Fatalf("%s\n got %#v, %v\nwant %#v", line, got, err, c)
		}
	})
}

func drawEvent(t *rapid.T) flow.Event {
	at := drawTime(t)
	id := drawID(t)
	switch rapid.IntRange(0, 6).Draw(t, "kind") {
	case 0:
		return flow.Started{At: at, Seed: rapid.Int64().Draw(t, "seed"), Input: drawPayload(t)}
	case 1:
		return flow.ActivityDone{At: at, ID: id, Output: drawPayload(t)}
	case 2:
		return flow.ActivityFailed{At: at, ID: id, Failure: drawFailure(t)}
	case 3:
		return flow.TimerFired{At: at, ID: id}
	case 4:
		return flow.Signaled{At: at, Name: drawName(t), Payload: drawPayload(t)}
	case 5:
		e := flow.ChildDone{At: at, ID: id, Output: drawPayload(t)}
		if rapid.Bool().Draw(t, "failed") {
			f := drawFailure(t)
			e.Failure = &f
		}
		return e
	default:
		return flow.CancelRequested{At: at, Reason: drawName(t)}
	}
}

func drawCommand(t *rapid.T) flow.Command {
	id := drawID(t)
	switch rapid.IntRange(0, 8).Draw(t, "kind") {
	case 0:
		return flow.Do{ID: id, Activity: drawName(t), Input: drawPayload(t), Queue: drawName(t), Idempotent: rapid.Bool().Draw(t, "idempotent")}
	case 1:
		return flow.CancelActivity{ID: id}
	case 2:
		return flow.SetTimer{ID: id, At: drawTime(t)}
	case 3:
		return flow.CancelTimer{ID: id}
	case 4:
		return flow.StartChild{ID: id, Machine: drawName(t), Input: drawPayload(t)}
	case 5:
		return flow.Record{Text: drawName(t)}
	case 6:
		return flow.Complete{Output: drawPayload(t)}
	case 7:
		return flow.CancelChild{ID: id}
	default:
		return flow.Fail{Failure: drawFailure(t)}
	}
}

func drawID(t *rapid.T) flow.ID { return flow.ID(rapid.Int64Range(1, 1<<62).Draw(t, "id")) }

func drawTime(t *rapid.T) time.Time {
	if rapid.Bool().Draw(t, "far") {
		return time.Unix(rapid.Int64Range(-62167219200, 253402300799).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC()
	}
	return start.Add(time.Duration(rapid.Int64Range(-1e18, 1e18).Draw(t, "since")))
}

func drawName(t *rapid.T) string {
	return rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"change", "a b", "kind=x", "queue", "", "\xff\n\"\\", "true"})).Draw(t, "name")
}

func drawFailure(t *rapid.T) flow.Failure {
	return flow.Failure{Kind: flow.FailureKind(rapid.IntRange(1, 3).Draw(t, "failure")), Code: drawName(t), Message: drawName(t)}
}

func drawPayload(t *rapid.T) json.RawMessage {
	v := rapid.SampledFrom([]any{nil, "none", 1, -2.5, true, "queue=\"x\"", []any{}, map[string]any{"a": []any{1, "\n\u2028"}, "b c": nil}}).Draw(t, "payload")
	if v == "none" {
		return nil
	}
	if s, ok := v.(string); ok {
		v = s + rapid.String().Draw(t, "text")
	}
	p, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func FuzzParseEvent(f *testing.F) {
	for _, s := range []string{
		`+0s started at=2026-11-23T14:08:43.5Z seed=7 {"n":1}`, `+3.5s done #4 {"rows":1}`, `+3s failed #4 kind=terminal code="X" message="m"`,
		`at=2600-01-01T00:00:00Z fired #1`, `+1s child #3 null kind=cancelled message=""`, `+1s signal "a b"`, `-1ns cancel reason=""`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		e, err := flow.ParseEvent(line, start)
		if err != nil {
			return
		}
		again, err := flow.ParseEvent(flow.FormatEvent(e, start), start)
		if err != nil || !reflect.DeepEqual(e, again) {
			t.Fatalf("%q is read as %#v and then as %#v, %v", line, e, again, err)
		}
	})
}

func FuzzParseCommand(f *testing.F) {
	for _, s := range []string{
		`do #1 change {"action":4} queue="eu" idempotent=false`, `timer #3 +2s`, `child #4 fulfil {"n":1}`, `record "a \"b\""`, `complete 1`,
		`fail kind=terminal code="X" message="boom"`, `cancel #2`, `cancel-timer #3`, `cancel-child #4`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		c, err := flow.ParseCommand(line, start)
		if err != nil {
			return
		}
		again, err := flow.ParseCommand(flow.FormatCommand(c, start), start)
		if err != nil || !reflect.DeepEqual(c, again) {
			t.Fatalf("%q is read as %#v and then as %#v, %v", line, c, again, err)
		}
	})
}
