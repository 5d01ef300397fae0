package action

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTaskKeepsNumbers(t *testing.T) {
	task := Task{Module: "copy", Args: map[string]any{"mode": int64(384), "f": 1.5, "whole": 2.0, "list": []any{int64(1), map[string]any{"n": int64(1) << 60}}, "s": "1"},
		Facts: map[string]any{"n": int64(12)}}
	data, err := json.Marshal(task)
	if err != nil {
		t.Fatal(err)
	}
	var back Task
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	// JSON of Go does not tell 2.0 from 2.
	task.Args["whole"] = int64(2)
	if diff := cmp.Diff(task, back); diff != "" {
		t.Errorf("-before +after\n%s", diff)
	}
	if err := json.Unmarshal([]byte(`{"args": 1}`), &back); err == nil {
		t.Error("arguments that are no object are accepted")
	}
}
