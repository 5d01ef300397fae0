package states

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tutti/internal/stepfunctions/execution"
	"tutti/internal/store"
)

func TestEveryActionIsKnown(t *testing.T) {
	t.Parallel()
	operations := slices.Sorted(maps.Keys(theModel().Operations))
	if len(operations) < 37 {
		t.Errorf("the model has %d actions only", len(operations))
	}
	for _, name := range operations {
		if actions()[name] == nil {
			t.Errorf("%s is not answered", name)
		}
	}
	if n := len(actions()); n != len(operations) {
		t.Errorf("%d actions are answered, and the service has %d", n, len(operations))
	}
}

func TestConstraints(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	arn := b.machine("m", pass)
	deep := strings.Repeat("[", 30) + strings.Repeat("]", 30)
	for _, c := range []struct{ action, input, want string }{
		{"ListStateMachines", `{"maxResults":-1}`, `ValidationException: 1 validation error detected: Value '-1' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 0`},
		{"ListStateMachines", `{"maxResults":1.5}`, `SerializationException: NUMBER_VALUE cannot be converted to a whole number`},
		{"ListStateMachines", `{"maxResults":"1"}`, `SerializationException: STRING_VALUE cannot be converted to Integer`},
		{"ListStateMachines", `[]`, `SerializationException: Start of structure or map found where not expected.`},
		{"ListStateMachines", `{`, `SerializationException: The request is not JSON: unexpected EOF`},
		{"ListStateMachines", `{"nextToken":""}`, `ValidationException: 1 validation error detected: Value '' at 'nextToken' failed to satisfy constraint: Member must have length greater than or equal to 1`},
		{"DescribeStateMachine", ``, `ValidationException: 1 validation error detected: Value null at 'stateMachineArn' failed to satisfy constraint: Member must not be null`},
		{"CreateStateMachine", `{"name":"","definition":"","roleArn":"r","type":"OTHER","publish":"x"}`, `SerializationException: STRING_VALUE cannot be converted to Boolean`},
		{"CreateStateMachine", `{"name":"","roleArn":"r","type":"OTHER"}`, `ValidationException: 3 validation errors detected: Value null at 'definition' failed to satisfy constraint: Member must not be null; ` +
			`Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1; Value 'OTHER' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [STANDARD, EXPRESS]`},
		{"TagResource", `{"resourceArn":"a","tags":[{"key":"k"},{"key":""}]}`, `ValidationException: 1 validation error detected: Value '' at 'tags.2.member.key' failed to satisfy constraint: Member must have length greater than or equal to 1`},
		{"TagResource", `{"resourceArn":"a","tags":` + deep + `}`, `SerializationException: LIST_VALUE cannot be converted to Structure`},
		{"CreateStateMachineAlias", `{"name":"12","routingConfiguration":[]}`, `ValidationException: 2 validation errors detected: Value '12' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: ^(?=.*[a-zA-Z_\-\.])[a-zA-Z0-9_\-\.]+$; ` +
			`Value '[...]' at 'routingConfiguration' failed to satisfy constraint: Member must have length greater than or equal to 1`},
		{"StartExecution", `{"stateMachineArn":"` + arn + `","traceHeader":"ä"}`, `ValidationException: 1 validation error detected: Value 'ä' at 'traceHeader' failed to satisfy constraint: Member must satisfy regular expression pattern: \p{ASCII}*`},
		{"SendTaskFailure", `{"taskToken":"t","error":"` + strings.Repeat("e", 257) + `"}`, `ValidationException: 1 validation error detected: Value '***' at 'error' failed to satisfy constraint: Member must have length less than or equal to 256`},
		{"UpdateMapRun", `{"mapRunArn":"m","toleratedFailurePercentage":100.5}`, `ValidationException: 1 validation error detected: Value '100.5' at 'toleratedFailurePercentage' failed to satisfy constraint: Member must have value less than or equal to 100`},
		{"Nonsense", `{}`, `UnknownOperationException: The requested operation is not known to this service.`},
	} {
		_, answer := b.call(c.action, c.input)
		var got struct {
			Type    string `json:"__type"`
			Message string
		}
		if err := json.Unmarshal([]byte(answer), &got); err != nil || got.Type+": "+got.Message != c.want {
			t.Errorf("%s %s\n got %s: %s\nwant %s", c.action, c.input, got.Type, got.Message, c.want)
		}
	}
}

// TestFaults has the protocol's form.
func TestFaults(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	r := httptest.NewRequest(http.MethodPost, "/", io.LimitReader(zeros{}, MaxRequest+1))
	r.Header.Set("X-Amz-Target", targetPrefix+"ListStateMachines")
	w := httptest.NewRecorder()
	b.api.ServeHTTP(w, r)
	if w.Code != http.StatusRequestEntityTooLarge || !strings.Contains(w.Body.String(), "RequestEntityTooLargeException") {
		t.Errorf("too large a request: %d %s", w.Code, w.Body)
	}
	if w.Header().Get("Content-Type") != "application/x-amz-json-1.0" || len(w.Header().Get("X-Amzn-Requestid")) != 36 {
		t.Errorf("the headers are %v", w.Header())
	}
	if status, _ := b.call("PublishStateMachineVersion", `{"stateMachineArn":"`+b.machine("m", pass)+`","revisionId":"x"}`); status != http.StatusConflict {
		t.Errorf("a conflict answers %d", status)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

func TestStrict(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(o *Options) { o.Strict, o.Limits = true, execution.Limits{Payload: 100, Events: 10} })
	arn := b.machine("m", pass)
	for _, c := range []struct{ action, want, input string }{
		{"StartExecution", "InvalidExecutionInput", text(object{"stateMachineArn": arn, "input": `"` + strings.Repeat("x", 99) + `"`})},
		{"StartExecution", "Member must have length less than or equal to 262144", text(object{"stateMachineArn": arn, "input": strings.Repeat("x", 262145)})},
		{"SendTaskSuccess", "InvalidOutput", text(object{"taskToken": "t", "output": `"` + strings.Repeat("x", 99) + `"`})},
		{"CreateStateMachine", "Member must have length less than or equal to 1048576", text(object{"name": "big", "roleArn": anyRole, "definition": strings.Repeat(" ", 1048577)})},
	} {
		if _, answer := b.call(c.action, c.input); !strings.Contains(answer, c.want) {
			t.Errorf("%s: %s\nwant %s", c.action, answer, c.want)
		}
	}
}

// TestQuotas fills a state machine up with versions and aliases.
func TestQuotas(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	arn := b.machine("m", pass)
	err := b.api.registry.change(t.Context(), arn, func(was *stateMachine) (*stateMachine, error) {
		m := was.clone()
		for range maxVersions {
			m.publish("", time.Unix(0, 0))
			m.Versions[len(m.Versions)-1].Revision = "old"
		}
		for i := range maxAliases {
			m.Aliases = append(m.Aliases, alias{Name: fmt.Sprintf("a%d", i), Routes: []route{{m.versionARN(1), 100}}})
		}
		return m, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	routes := []object{{"stateMachineVersionArn": arn + ":1", "weight": 100}}
	for action, in := range map[string]object{"PublishStateMachineVersion": {"stateMachineArn": arn}, "CreateStateMachineAlias": {"name": "more", "routingConfiguration": routes}} {
		if status, answer := b.call(action, text(in)); status != http.StatusPaymentRequired || !strings.Contains(answer, "ServiceQuotaExceededException") {
			t.Errorf("%s: %d %s", action, status, answer)
		}
	}
}

// TestRestart finds everything again in another process.
func TestRestart(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	arn := b.machine("m", waits)
	b.must("TagResource", "", object{"resourceArn": arn, "tags": []object{{"key": "k", "value": "v"}}})
	b.must("PublishStateMachineVersion", "", object{"stateMachineArn": arn})
	b.must("CreateStateMachineAlias", "", object{"name": "PROD", "routingConfiguration": []object{{"stateMachineVersionArn": arn + ":1", "weight": 100}}})
	b.must("CreateActivity", "", object{"name": "act"})
	run := b.must("StartExecution", "executionArn", object{"stateMachineArn": arn + ":PROD"})
	questions := map[string]object{"DescribeStateMachine": {"stateMachineArn": arn + ":1"}, "ListTagsForResource": {"resourceArn": arn}, "ListActivities": {},
		"DescribeStateMachineAlias": {"stateMachineAliasArn": arn + ":PROD"}, "DescribeExecution": {"executionArn": run}, "GetExecutionHistory": {"executionArn": run}}
	other, err := New(t.Context(), b.api.o)
	if err != nil {
		t.Fatal(err)
	}
	again := &bench{t: t, api: other}
	for action, in := range questions {
		_, want := b.call(action, text(in))
		if _, got := again.call(action, text(in)); got != want {
			t.Errorf("%s\n got %s\nwant %s", action, got, want)
		}
	}
}

func TestArn(t *testing.T) {
	t.Parallel()
	const prefix = "arn:aws:states:us-east-1:123456789012:"
	for text, want := range map[string]string{
		prefix + "stateMachine:m":                  "m  [] true",
		prefix + "stateMachine:m:3":                "m  [3] true",
		prefix + "stateMachine:m/L:PROD":           "m L [PROD] true",
		prefix + "stateMachine:m#Case":             "m  [] true",
		prefix + "stateMachine:m:1:2":              "m  [1 2] false",
		prefix + "execution:m:e":                   "m  [e] true",
		prefix + "execution:m":                     "m  [] false",
		prefix + "express:m:e:u":                   "m  [e u] true",
		prefix + "mapRun:m/L:u":                    "m L [u] true",
		prefix + "activity:a":                      "a  [] true",
		prefix + "activity:a:b":                    "a  [b] false",
		prefix + "other:a":                         "a  [] false",
		prefix + "stateMachine:a b":                "  [] false",
		prefix + "stateMachine:":                   "  [] false",
		prefix + "execution:m:":                    "  [] false",
		"arn:aws:states:us-east-1:1:activity:a":    "  [] false",
		"arn:aws:states::123456789012:activity:a":  "  [] false",
		"arn:aws:sqs:us-east-1:123456789012:queue": "  [] false",
		"": "  [] false",
		"arn:aws-cn:states:cn:123456789012:activity:" + strings.Repeat("n", 81): "  [] false",
	} {
		a, ok := parseArn(text)
		if got := fmt.Sprint(a.name, " ", a.label, " ", a.rest, " ", ok); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestAliasWeights(t *testing.T) {
	t.Parallel()
	x := alias{Routes: []route{{"arn:aws:states:us-east-1:123456789012:stateMachine:m:1", 30}, {"arn:aws:states:us-east-1:123456789012:stateMachine:m:2", 70}}}
	count := map[int64]int{}
	for draw := range 100 {
		count[x.choose(draw)]++
	}
	if count[1] != 30 || count[2] != 70 {
		t.Errorf("of 100 draws go to the versions: %v", count)
	}
}

// TestPages goes through lists of any length, in pages of any size.
func TestPages(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n, size := rapid.IntRange(0, 30).Draw(t, "n"), rapid.IntRange(0, 12).Draw(t, "size")
		var all, got []string
		for i := range n {
			all = append(all, fmt.Sprint(i))
		}
		in := &listInput{ARN: "x", MaxResults: size}
		for {
			page, next, err := pageOf(all, in, func(s string) string { return s })
			if err != nil || len(page) > sizeOf(size) {
				t.Fatalf("%v, %v", page, err)
			}
			got = append(got, page...)
			if next == "" {
				break
			}
			in.NextToken = next
			if _, _, err := pageOf(all, &listInput{ARN: "y", NextToken: next}, func(s string) string { return s }); err == nil {
				t.Fatal("the token of another list is taken")
			}
		}
		if !slices.Equal(got, all) {
			t.Fatalf("got %v, want %v", got, all)
		}
	})
}

// TestHistoryPages holds the window of a history to the whole of it.
func TestHistoryPages(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n, size, reverse := rapid.IntRange(1, 30).Draw(t, "n"), rapid.IntRange(1, 12).Draw(t, "size"), rapid.Bool().Draw(t, "reverse")
		var want, got []int64
		for i := range n {
			want = append(want, int64(i+1))
		}
		if reverse {
			slices.Reverse(want)
		}
		after, more := int64(0), true
		for more {
			w := window{size: size, reverse: reverse, after: after}
			for i := range n {
				w.take(execution.HistoryEvent{ID: int64(i + 1)})
			}
			var events []execution.HistoryEvent
			events, more = w.page()
			for _, e := range events {
				got = append(got, e.ID)
				after = e.ID
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

func TestMapRunIndex(t *testing.T) {
	t.Parallel()
	var x mapRunIndex
	for i := range maxIndexed + 1 {
		x.put(fmt.Sprint(i), store.RunID(i+1))
	}
	if n := len(x.byARN); n > maxIndexed {
		t.Errorf("%d are indexed", n)
	}
	if id, ok := x.get(fmt.Sprint(maxIndexed)); !ok || id != maxIndexed+1 {
		t.Errorf("the latest is %d, %v", id, ok)
	}
}

// FuzzInput has requests of any form answered, and none of them is our fault.
func FuzzInput(f *testing.F) {
	b := newBench(f, nil)
	b.machine("m", pass)
	for name := range theModel().Operations {
		if name != "GetActivityTask" {
			f.Add(name, []byte(`{"stateMachineArn":"arn:aws:states:us-east-1:123456789012:stateMachine:m"}`))
		}
	}
	f.Fuzz(func(t *testing.T, action string, body []byte) {
		if action == "GetActivityTask" {
			return // it waits for a minute
		}
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header.Set("X-Amz-Target", targetPrefix+action)
		w := httptest.NewRecorder()
		b.api.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError {
			t.Errorf("%s %s: %d %s", action, body, w.Code, w.Body)
		}
	})
}

// TestStrictWarnings tells where limits could be passed: in the answer that has a place
// for it, in the log otherwise, and not at all without Strict.
func TestStrictWarnings(t *testing.T) {
	t.Parallel()
	const round = `{"StartAt":"P","States":{"P":{"Type":"Choice","Choices":[{"Variable":"$","IsNull":true,"Next":"P"}],"Default":"E"},"E":{"Type":"Succeed"}}}`
	for _, strict := range []bool{true, false} {
		var log bytes.Buffer
		b := newBench(t, func(o *Options) { o.Strict, o.Log = strict, slog.New(slog.NewTextHandler(&log, nil)) })
		b.machine("round", round)
		if got := log.String(); strings.Contains(got, "location=/States/P why=\"The states P can come round") != strict {
			t.Errorf("strict %t: the log: %s", strict, got)
		}
		for severity, want := range map[string]bool{"WARNING": strict, "ERROR": false} {
			_, answer := b.call("ValidateStateMachineDefinition", text(object{"definition": round, "severity": severity}))
			if !strings.Contains(answer, `"result":"OK"`) || strings.Contains(answer, `{"severity":"WARNING","code":"POSSIBLE_LIMIT_EXCEEDED","message":"The states P can`) != want {
				t.Errorf("strict %t, %s: %s", strict, severity, answer)
			}
		}
		if _, answer := b.call("ValidateStateMachineDefinition", text(object{"definition": round, "severity": "WARNING", "type": "EXPRESS"})); !strings.Contains(answer, `"diagnostics":[]`) {
			t.Errorf("express: %s", answer)
		}
	}
}

// TestExpressTime gives EXPRESS executions five minutes, and the others what their
// definition says.
func TestExpressTime(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	express := b.must("CreateStateMachine", "stateMachineArn", object{"name": "e", "type": "EXPRESS", "definition": pass, "roleArn": anyRole})
	for arn, want := range map[string]int64{express: 300, b.machine("s", pass): 0} {
		o, err := b.api.order(t.Context(), &startInput{ARN: arn})
		if err != nil || o.input.Limits.Seconds != want {
			t.Errorf("%s: %d seconds (%v), want %d", arn, o.input.Limits.Seconds, err, want)
		}
	}
}

// TestMapItemReaderData has a Map's ItemReader read what the request says, in every format.
func TestMapItemReaderData(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	state := func(config string) string {
		return `{"Type":"Map","End":true,"ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":` + config + `,"Parameters":{"Bucket":"b","Key":"k"}},
			"ItemSelector":{"n.$":"$$.Map.Item.Value.n"},"ItemBatcher":{"MaxItemsPerBatch":2,"BatchInput":{"b":1}},
			"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}}`
	}
	for _, c := range []struct{ config, items, want string }{
		{`{"InputType":"JSON"}`, `[{"n":1},{"n":2},{"n":3}]`, `[{\"n\":1},{\"n\":2},{\"n\":3}]`},
		{`{"InputType":"JSON","ItemsPointer":"/a/b"}`, `{"a":{"b":[{"n":1}]}}`, `"afterItemsPointer":"[{\"n\":1}]"`},
		{`{"InputType":"JSONL","MaxItems":2}`, "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n", `"afterItemSelector":"[{\"n\":1},{\"n\":2}]"`},
		{`{"InputType":"CSV","CSVHeaderLocation":"FIRST_ROW"}`, "n,m\n1,2\n3,4\n5,6\n", `"afterItemBatcher":"[{\"BatchInput\":{\"b\":1},\"Items\":[{\"n\":\"1\"},{\"n\":\"3\"}]},{\"BatchInput\":{\"b\":1},\"Items\":[{\"n\":\"5\"}]}]"`},
		{`{"InputType":"JSON"}`, `nonsense`, `"error":"States.ItemReaderFailed","cause":"read the items of mapItemReaderData`},
	} {
		in := object{"definition": state(c.config), "inspectionLevel": "DEBUG", "mock": object{"result": "[]"}, "stateConfiguration": object{"mapItemReaderData": c.items}}
		if status, answer := b.call("TestState", text(in)); status != http.StatusOK || !strings.Contains(answer, c.want) {
			t.Errorf("%s of %s: %d %s", c.config, c.items, status, answer)
		}
	}
}

// TestVariableReferences tells which variables the states use.
func TestVariableReferences(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	arn := b.machine("v", `{"StartAt":"A","States":{"A":{"Type":"Pass","Assign":{"x":1,"y":2},"Next":"B"},
		"B":{"Type":"Pass","Parameters":{"s.$":"States.MathAdd($x, $y)"},"Next":"C"},
		"C":{"Type":"Pass","QueryLanguage":"JSONata","Output":"{% $y & $states.input.a & ($z := 1; $z) %}","End":true}}}`)
	if got := b.must("DescribeStateMachine", "variableReferences", object{"stateMachineArn": arn}); got != "map[B:[x y] C:[y]]" {
		t.Error(got)
	}
	if got := b.must("DescribeStateMachine", "variableReferences", object{"stateMachineArn": arn, "includedData": "METADATA_ONLY"}); got != "<nil>" {
		t.Error(got)
	}
}
