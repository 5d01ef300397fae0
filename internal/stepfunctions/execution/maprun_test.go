package execution_test

import (
	"encoding/json"
	"testing"

	"tutti/internal/flow"
	"tutti/internal/flow/flowtest"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/execution"
)

// TestMapRunScenarios runs the machine of a distributed Map by itself. The line
// start holds its MapRunStart.
func TestMapRunScenarios(t *testing.T) {
	var def *definition.StateMachine
	histories := map[flow.Machine]*[]execution.HistoryEvent{}
	flowtest.Run(t, "testdata/maprun/*.txt", flowtest.Kit{
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
			var start execution.Start
			if err := json.Unmarshal(startOf("null"), &start); err != nil {
				return nil, err
			}
			start.MapRun = &execution.MapRunStart{}
			if err := json.Unmarshal([]byte(args), start.MapRun); err != nil {
				return nil, err
			}
			return json.Marshal(start)
		},
		Report: func(m flow.Machine) string { return printHistory(*histories[m]) },
		Update: *update,
	})
}
