package execution_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"strings"
	"testing"

	"tutti/internal/flow"
	"tutti/internal/flow/flowtest"
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/execution"
)

var update = flag.Bool("update", false, "rewrite the answers in testdata")

// parse reads a definition that must be right.
func parse(t testing.TB, text string) *definition.StateMachine {
	t.Helper()
	def, diags := definition.Parse("test.asl.json", []byte(text))
	if diags.HasErrors() {
		t.Fatalf("%s\n%v", text, diags)
	}
	return def
}

// startOf makes the input of a machine's Started.
func startOf(input string) json.RawMessage {
	raw, err := json.Marshal(execution.Start{Input: json.RawMessage(input), Token: "T",
		Execution:    execution.Identity{ID: "arn:aws:states:us-east-1:123456789012:execution:sm:e1", Name: "e1"},
		StateMachine: execution.Identity{ID: "arn:aws:states:us-east-1:123456789012:stateMachine:sm", Name: "sm"}})
	if err != nil {
		panic(err)
	}
	return raw
}

// TestScenarios runs what lies in testdata: events, and all that the machine says. The
// line start holds the input, and the limits behind "limits".
func TestScenarios(t *testing.T) {
	scenarios(t, "testdata/*.txt", func(args string) (json.RawMessage, error) {
		input, limits, limited := strings.Cut(args, " limits ")
		if !limited {
			return startOf(input), nil
		}
		var start execution.Start
		if err := json.Unmarshal(startOf(input), &start); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(limits), &start.Limits); err != nil {
			return nil, err
		}
		return json.Marshal(start)
	})
}

// TestMapRunScenarios runs the machine of a distributed Map by itself. The line
// start holds its MapRunStart.
func TestMapRunScenarios(t *testing.T) {
	scenarios(t, "testdata/maprun/*.txt", func(args string) (json.RawMessage, error) {
		var start execution.Start
		if err := json.Unmarshal(startOf("null"), &start); err != nil {
			return nil, err
		}
		start.MapRun = &execution.MapRunStart{}
		if err := json.Unmarshal([]byte(args), start.MapRun); err != nil {
			return nil, err
		}
		return json.Marshal(start)
	})
}

// scenarios runs files whose body is a definition; input makes the machine's input of
// the line start.
func scenarios(t *testing.T, files string, input func(args string) (json.RawMessage, error)) {
	var def *definition.StateMachine
	histories := map[flow.Machine]*[]execution.HistoryEvent{}
	flowtest.Run(t, files, flowtest.Kit{
		New: func() flow.Machine {
			m := execution.New(def)
			var events []execution.HistoryEvent
			m.Observe(func(e execution.HistoryEvent) { events = append(events, e) })
			histories[m] = &events
			return m
		},
		Restore: func(snapshot []byte) (flow.Machine, error) {
			m := execution.New(def)
			return m, m.Restore(snapshot)
		},
		Input: func(args, body string) (json.RawMessage, error) {
			def = parse(t, body)
			return input(args)
		},
		Report: func(m flow.Machine) string { return printHistory(*histories[m]) },
		Update: *update,
	})
}

func printHistory(events []execution.HistoryEvent) string {
	var b strings.Builder
	for _, e := range events {
		fmt.Fprintf(&b, "%d<-%d %s", e.ID, e.PreviousID, e.Type)
		if e.Details != nil {
			fmt.Fprintf(&b, " %s", data.Encode(e.Details))
		}
		b.WriteString("\n")
	}
	return b.String()
}
