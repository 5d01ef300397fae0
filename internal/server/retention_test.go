package server

import (
	"errors"
	"testing"
	"time"

	"tutti/internal/flow"
	"tutti/internal/server/states"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/store"
)

// TestForget deletes executions that ended long enough ago, and nothing else.
func TestForget(t *testing.T) {
	t.Parallel()
	o := newOptions(t)
	o.Retain = DefaultRetain
	now := time.Now()
	begin := func(machine string, status store.Status, code string) store.RunID {
		run := store.Run{Machine: machine, Created: now.Add(-time.Hour), Command: string(status) + code}
		id, err := o.Store.Begin(t.Context(), run, []store.Entry{{Event: flow.Started{At: now}, End: &store.End{Status: status, Code: code}}})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	old := []store.RunID{begin(execution.MachineExecution, store.Succeeded, ""), begin(execution.MachineExecution, store.Failed, "E"),
		begin(states.MachineExpress, store.Succeeded, ""), begin(execution.MachineExecution, store.Stopped, "")}
	kept := []store.RunID{begin("apply", store.Succeeded, ""), begin("apply", store.Stopped, ""), begin(execution.MachineExecution, store.Stopped, execution.CodePaused)}
	s := started(t, o)
	there := func(id store.RunID) bool {
		_, err := o.Store.Run(t.Context(), id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			t.Fatal(err)
		}
		return err == nil
	}
	s.forgetOnce(t.Context(), now.Add(DefaultRetain-time.Minute))
	for _, id := range append(old, kept...) {
		if !there(id) {
			t.Errorf("run %d is gone before its time", id)
		}
	}
	s.forgetOnce(t.Context(), now.Add(DefaultRetain+time.Hour))
	for _, id := range old {
		if there(id) {
			t.Errorf("run %d is still there", id)
		}
	}
	for _, id := range kept {
		if !there(id) {
			t.Errorf("run %d is gone", id)
		}
	}
}
