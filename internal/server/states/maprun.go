package states

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"tutti/internal/executor"
	"tutti/internal/flow"
	"tutti/internal/stepfunctions/data"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/store"
)

// mapRunIndex remembers the runs of map runs by their ARNs, for a map run's run has
// no name of its own.
type mapRunIndex struct {
	mu    sync.Mutex
	byARN map[string]store.RunID
}

// maxIndexed bounds the index; what is forgotten is looked for again.
const maxIndexed = 10_000

func (x *mapRunIndex) get(arn string) (store.RunID, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	id, ok := x.byARN[arn]
	return id, ok
}

func (x *mapRunIndex) put(arn string, id store.RunID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.byARN == nil || len(x.byARN) >= maxIndexed {
		x.byARN = map[string]store.RunID{}
	}
	x.byARN[arn] = id
}

// mapRunPage is how many map runs are looked through at a time.
const mapRunPage = 100

// eachMapRun goes through map runs, newest first, until f says that it is enough.
func (a *API) eachMapRun(ctx context.Context, parent store.RunID, f func(store.Run, executor.Input) (enough bool, err error)) error {
	filter := store.RunFilter{Parent: parent, Machine: execution.MachineMapRun, Limit: mapRunPage}
	for {
		found, err := a.o.Store.Find(ctx, filter)
		if err != nil {
			return err
		}
		for _, x := range found {
			filter.Before = x.ID
			r, err := a.o.Store.Run(ctx, x.ID)
			if err != nil {
				return err
			}
			in, err := executor.ReadInput(*r)
			if err != nil {
				return err
			}
			if in.MapRun == nil {
				continue
			}
			a.mapRuns.put(in.MapRun.ARN, r.ID)
			if enough, err := f(*r, in); enough || err != nil {
				return err
			}
		}
		if len(found) < mapRunPage {
			return nil
		}
	}
}

// mapRun finds the run of a map run's ARN.
func (a *API) mapRun(ctx context.Context, text string) (run store.Run, in executor.Input, err error) {
	if id, ok := parseArn(text); !ok || id.kind != kindMapRun {
		return run, in, invalidArn(text)
	}
	if known, ok := a.mapRuns.get(text); ok {
		r, err := a.o.Store.Run(ctx, known)
		if err != nil {
			return run, in, err
		}
		in, err = executor.ReadInput(*r)
		return *r, in, err
	}
	found := false
	err = a.eachMapRun(ctx, 0, func(r store.Run, from executor.Input) (bool, error) {
		if from.MapRun.ARN == text {
			run, in, found = r, from, true
		}
		return found, nil
	})
	if err == nil && !found {
		err = noResource(text)
	}
	return run, in, err
}

// mapRunOfChild finds the map run that began an execution: of those of the execution's
// label, the one whose journal tells of it.
func (a *API) mapRunOfChild(ctx context.Context, id arn) (run store.Run, in executor.Input, err error) {
	text := id.prefix(kindExecution) + id.name + "/" + id.label + ":" + id.rest[0]
	prefix := id.prefix(kindMapRun) + id.name + "/" + id.label + ":"
	found := false
	err = a.eachMapRun(ctx, 0, func(r store.Run, from executor.Input) (bool, error) {
		if !strings.HasPrefix(from.MapRun.ARN, prefix) {
			return false, nil
		}
		list, err := a.children(ctx, r)
		if slices.ContainsFunc(list, func(c *child) bool { return c.view.ARN == text }) {
			run, in, found = r, from, true
		}
		return found, err
	})
	if err == nil && !found {
		err = noExecution(text)
	}
	return run, in, err
}

// child is an execution that a map run began.
type child struct {
	view  executionView
	items int
}

// children gives the executions that a map run began, in their order, from its journal.
func (a *API) children(ctx context.Context, r store.Run) ([]*child, error) {
	in, err := executor.ReadInput(r)
	if err != nil {
		return nil, err
	}
	var list []*child
	byARN := map[string]*child{}
	_, err = a.o.Executor.Replay(ctx, r, func(e execution.HistoryEvent) {
		c := byARN[e.Execution]
		switch {
		case e.Type == "ExecutionStarted":
			c = newChild(e, in)
			byARN[e.Execution] = c
			list = append(list, c)
		case c != nil:
			c.note(e)
		}
	})
	return list, err
}

func newChild(e execution.HistoryEvent, in executor.Input) *child {
	id, _ := parseArn(in.MapRun.ARN)
	name := e.Execution[strings.LastIndexByte(e.Execution, ':')+1:]
	c := &child{items: 1, view: executionView{ARN: e.Execution, Machine: id.stateMachine() + "/" + id.label, Name: name, Status: statusRunning,
		Start: stamp(e.Time), MapRun: in.MapRun.ARN, Input: detail(e, "input"), InputDetails: &included{true}}}
	if in.MapRun.Batch != nil {
		var batch struct{ Items []json.RawMessage }
		if json.Unmarshal([]byte(c.view.Input), &batch) == nil {
			c.items = len(batch.Items)
		}
	}
	return c
}

func (c *child) note(e execution.HistoryEvent) {
	v := &c.view
	switch e.Type {
	case "ExecutionSucceeded":
		v.Status, v.Output, v.OutputDetails = statusSucceeded, detail(e, "output"), &included{true}
	case "ExecutionFailed":
		v.Status, v.Error, v.Cause = statusFailed, detail(e, "error"), detail(e, "cause")
	case "ExecutionTimedOut":
		v.Status = statusTimedOut
	case "ExecutionAborted":
		v.Status = statusAborted
	default:
		return
	}
	v.Stop = stampOf(e.Time)
}

// detail gives a field of an event's details as text.
func detail(e execution.HistoryEvent, field string) string {
	if e.Details == nil {
		return ""
	}
	v, _ := e.Details.Get(field)
	text, ok := v.(string)
	if !ok && v != nil {
		return string(data.Encode(v))
	}
	return text
}

func (a *API) describeChild(ctx context.Context, id arn, in *executionInput) (any, error) {
	r, _, err := a.mapRunOfChild(ctx, id)
	if err != nil {
		return nil, err
	}
	list, err := a.children(ctx, r)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		if c.view.ARN != in.ARN {
			continue
		}
		v := c.view
		v.RedriveStatus, v.RedriveReason = "NOT_REDRIVABLE", "Execution was started by a Map Run, which is redriven as a whole"
		if in.Included == metadataOnly {
			v.Input, v.InputDetails, v.Output, v.OutputDetails, v.Error, v.Cause = "", nil, "", nil, "", ""
		}
		return v, nil
	}
	return nil, noExecution(in.ARN)
}

// childItem is a child execution as a list shows it.
type childItem struct {
	executionView
	Items int `json:"itemCount"`
}

func (a *API) listChildren(ctx context.Context, in *listExecutionsInput) (any, error) {
	r, _, err := a.mapRun(ctx, in.MapRun)
	if err != nil {
		return nil, err
	}
	list, err := a.children(ctx, r)
	if err != nil {
		return nil, err
	}
	var all []childItem
	for _, c := range slices.Backward(list) {
		if in.Status != "" && in.Status != c.view.Status || in.Redrive == "REDRIVEN" {
			continue
		}
		v := c.view
		v.Input, v.InputDetails, v.Output, v.OutputDetails, v.Error, v.Cause = "", nil, "", nil, "", ""
		all = append(all, childItem{v, c.items})
	}
	of := strings.Join([]string{in.MapRun, in.Status, in.Redrive}, " ")
	page, next, err := pageOf(all, &listInput{ARN: of, MaxResults: in.MaxResults, NextToken: in.NextToken}, func(c childItem) string { return c.ARN })
	return struct {
		Items []childItem `json:"executions"`
		Next  string      `json:"nextToken,omitempty"`
	}{page, next}, err
}

type mapRunInput struct {
	ARN                        string   `json:"mapRunArn"`
	MaxConcurrency             *int64   `json:"maxConcurrency"`
	ToleratedFailureCount      *int64   `json:"toleratedFailureCount"`
	ToleratedFailurePercentage *float64 `json:"toleratedFailurePercentage"`
}

// counts are MapRunItemCounts and MapRunExecutionCounts.
type counts struct {
	Pending        int64 `json:"pending"`
	Running        int64 `json:"running"`
	Succeeded      int64 `json:"succeeded"`
	Failed         int64 `json:"failed"`
	TimedOut       int64 `json:"timedOut"`
	Aborted        int64 `json:"aborted"`
	Total          int64 `json:"total"`
	ResultsWritten int64 `json:"resultsWritten"`
}

type mapRunView struct {
	ARN             string  `json:"mapRunArn"`
	Execution       string  `json:"executionArn"`
	Status          string  `json:"status"`
	Start           stamp   `json:"startDate"`
	Stop            *stamp  `json:"stopDate,omitempty"`
	MaxConcurrency  int64   `json:"maxConcurrency"`
	Percentage      float64 `json:"toleratedFailurePercentage"`
	Count           int64   `json:"toleratedFailureCount"`
	ItemCounts      counts  `json:"itemCounts"`
	ExecutionCounts counts  `json:"executionCounts"`
	RedriveCount    int     `json:"redriveCount"`
}

func (a *API) describeMapRun(ctx context.Context, _ call, in *mapRunInput) (any, error) {
	r, from, err := a.mapRun(ctx, in.ARN)
	if err != nil {
		return nil, err
	}
	n, bounds, ok := a.o.Executor.MapRun(in.ARN)
	if !ok {
		m, err := a.o.Executor.Replay(ctx, r, func(execution.HistoryEvent) {})
		if err != nil {
			return nil, err
		}
		n, bounds, _ = m.MapRun()
	}
	v := mapRunView{ARN: in.ARN, Execution: from.MapRun.Parent, Status: mapRunStatus(r.Status), Start: stamp(r.Created)}
	stopped, err := a.stopped(ctx, r)
	if err != nil {
		return nil, err
	}
	v.Stop = stampOf(stopped)
	if bounds.MaxConcurrency != nil {
		v.MaxConcurrency = *bounds.MaxConcurrency
	}
	if bounds.ToleratedFailureCount != nil {
		v.Count = *bounds.ToleratedFailureCount
	}
	if bounds.ToleratedFailurePercentage != nil {
		v.Percentage = *bounds.ToleratedFailurePercentage
	}
	v.ExecutionCounts = counts{Pending: n.Pending, Running: n.Running, Succeeded: n.Succeeded, Failed: n.Failed, Aborted: n.Aborted, Total: n.Total, ResultsWritten: n.ResultsWritten}
	v.ItemCounts = v.ExecutionCounts
	if from.MapRun.Batch != nil {
		v.ItemCounts, v.ExecutionCounts, err = a.batchCounts(ctx, r, n)
	}
	return v, err
}

// batchCounts counts items and executions of a run with an ItemBatcher, whose
// executions work on several items each.
func (a *API) batchCounts(ctx context.Context, r store.Run, n execution.MapRunCounts) (items, executions counts, err error) {
	list, err := a.children(ctx, r)
	for _, c := range list {
		at := map[string][2]*int64{statusRunning: {&items.Running, &executions.Running}, statusSucceeded: {&items.Succeeded, &executions.Succeeded},
			statusFailed: {&items.Failed, &executions.Failed}, statusTimedOut: {&items.TimedOut, &executions.TimedOut},
			statusAborted: {&items.Aborted, &executions.Aborted}}[c.view.Status]
		*at[0] += int64(c.items)
		*at[1]++
	}
	items.Total, items.Pending, items.ResultsWritten = n.Total, n.Pending, n.ResultsWritten
	executions.Total, executions.ResultsWritten = int64(len(list)), n.ResultsWritten
	return items, executions, err
}

func mapRunStatus(s store.Status) string {
	switch {
	case running(s):
		return statusRunning
	case s == store.Succeeded:
		return statusSucceeded
	case s == store.Failed:
		return statusFailed
	default:
		return statusAborted
	}
}

type mapRunItem struct {
	Execution string `json:"executionArn"`
	ARN       string `json:"mapRunArn"`
	Machine   string `json:"stateMachineArn"`
	Start     stamp  `json:"startDate"`
	Stop      *stamp `json:"stopDate,omitempty"`
}

type listMapRunsInput struct {
	ARN        string `json:"executionArn"`
	MaxResults int    `json:"maxResults"`
	NextToken  string `json:"nextToken"`
}

func (a *API) listMapRuns(ctx context.Context, _ call, in *listMapRunsInput) (any, error) {
	r, _, err := a.run(ctx, in.ARN)
	if err != nil {
		return nil, err
	}
	var all []mapRunItem
	err = a.eachMapRun(ctx, r.ID, func(r store.Run, from executor.Input) (bool, error) {
		id, _ := parseArn(from.MapRun.ARN)
		item := mapRunItem{Execution: in.ARN, ARN: from.MapRun.ARN, Machine: id.stateMachine() + "/" + id.label, Start: stamp(r.Created)}
		stopped, err := a.stopped(ctx, r)
		item.Stop = stampOf(stopped)
		all = append(all, item)
		return false, err
	})
	if err != nil {
		return nil, err
	}
	page, next, err := pageOf(all, &listInput{ARN: in.ARN, MaxResults: in.MaxResults, NextToken: in.NextToken}, func(x mapRunItem) string { return x.ARN })
	return struct {
		Items []mapRunItem `json:"mapRuns"`
		Next  string       `json:"nextToken,omitempty"`
	}{page, next}, err
}

func (a *API) updateMapRun(ctx context.Context, _ call, in *mapRunInput) (any, error) {
	if in.MaxConcurrency == nil && in.ToleratedFailureCount == nil && in.ToleratedFailurePercentage == nil {
		f := invalid("At least one of maxConcurrency, toleratedFailureCount and toleratedFailurePercentage must be specified")
		f.Reason = "MISSING_REQUIRED_PARAMETER"
		return nil, f
	}
	r, _, err := a.mapRun(ctx, in.ARN)
	if err != nil {
		return nil, err
	}
	bounds, err := json.Marshal(execution.MapRunBounds{MaxConcurrency: in.MaxConcurrency, ToleratedFailureCount: in.ToleratedFailureCount,
		ToleratedFailurePercentage: in.ToleratedFailurePercentage})
	if err != nil {
		return nil, err
	}
	if running(r.Status) {
		err = a.o.Host.Signal(ctx, r.ID, flow.Signaled{Name: execution.SignalMapRun, Payload: bounds})
	}
	if !running(r.Status) || ended(err) {
		f := invalid("Map Run has completed and cannot be updated: '%s'", in.ARN)
		f.Reason = "CANNOT_UPDATE_COMPLETED_MAP_RUN"
		return nil, f
	}
	return struct{}{}, err
}
