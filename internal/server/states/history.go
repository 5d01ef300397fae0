package states

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"tutti/internal/executor"
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/store"
)

type historyInput struct {
	ARN        string `json:"executionArn"`
	MaxResults int    `json:"maxResults"`
	Reverse    bool   `json:"reverseOrder"`
	NextToken  string `json:"nextToken"`
	Include    *bool  `json:"includeExecutionData"`
}

// getExecutionHistory makes the history anew from the journal: it is kept nowhere
// else. Only the page that is asked for is held.
func (a *API) getExecutionHistory(ctx context.Context, _ call, in *historyInput) (any, error) {
	r, from, err := a.historyRun(ctx, in.ARN)
	if err != nil {
		return nil, err
	}
	of := fmt.Sprintf("%s %t", in.ARN, in.Reverse)
	after, err := readPlace(in.NextToken, of)
	if err != nil {
		return nil, err
	}
	w := window{size: sizeOf(in.MaxResults), reverse: in.Reverse, after: after.Number}
	_, err = a.o.Executor.Replay(ctx, r, func(e execution.HistoryEvent) {
		if e.Execution == in.ARN {
			w.take(e)
		}
	})
	if err != nil {
		return nil, err
	}
	withData := in.Include == nil || *in.Include
	out := struct {
		Events []json.RawMessage `json:"events"`
		Next   string            `json:"nextToken,omitempty"`
	}{Events: []json.RawMessage{}}
	events, more := w.page()
	for _, e := range events {
		out.Events = append(out.Events, historyEvent(e, from, withData))
	}
	if more {
		out.Next = place{Of: of, Number: events[len(events)-1].ID}.token()
	}
	return out, nil
}

// historyRun gives the run whose journal holds the history of an execution, which is
// a map run's for those that a map run began.
func (a *API) historyRun(ctx context.Context, text string) (store.Run, executor.Input, error) {
	id, ok := parseArn(text)
	if !ok || id.kind != kindExecution || id.label == "" {
		return a.run(ctx, text)
	}
	r, _, err := a.mapRunOfChild(ctx, id)
	return r, executor.Input{}, err
}

// window holds the events of one page, and one more.
type window struct {
	size    int
	reverse bool
	after   int64
	events  []execution.HistoryEvent
}

func (w *window) take(e execution.HistoryEvent) {
	switch {
	case !w.reverse && (e.ID <= w.after || len(w.events) > w.size):
	case w.reverse && w.after != 0 && e.ID >= w.after:
	default:
		w.events = append(w.events, e)
		if w.reverse && len(w.events) > w.size+1 {
			w.events = slices.Delete(w.events, 0, 1)
		}
	}
}

func (w *window) page() (events []execution.HistoryEvent, more bool) {
	events = w.events
	if w.reverse {
		slices.Reverse(events)
	}
	if len(events) > w.size {
		return events[:w.size], true
	}
	return events, false
}

// dataFields are the members of details that hold payloads.
var dataFields = [...]string{"input", "output", "parameters", "assignedVariables"}

// historyEvent gives an event as the API does.
func historyEvent(e execution.HistoryEvent, in executor.Input, withData bool) json.RawMessage {
	o := data.ObjectOf(data.Member{Key: "timestamp", Value: float64(e.Time.UnixMilli()) / 1000}, data.Member{Key: "type", Value: e.Type},
		data.Member{Key: "id", Value: float64(e.ID)}, data.Member{Key: "previousEventId", Value: float64(e.PreviousID)})
	if e.Details != nil {
		details := e.Details
		if e.Type == "ExecutionStarted" {
			details = startedBy(details, in)
		}
		if !withData {
			details = withoutData(details)
		}
		o.Set(e.DetailsKey, details)
	}
	return data.Encode(o)
}

// startedBy adds by which version and alias the execution was started.
func startedBy(details *data.Object, in executor.Input) *data.Object {
	if in.Alias != "" {
		details = details.With("stateMachineAliasArn", in.Alias)
	}
	if in.Version != "" {
		details = details.With("stateMachineVersionArn", in.Version)
	}
	return details
}

func withoutData(details *data.Object) *data.Object {
	o := data.NewObject(details.Len())
	for _, m := range details.Members() {
		if !slices.Contains(dataFields[:], m.Key) {
			o.Set(m.Key, m.Value)
		}
	}
	return o
}
