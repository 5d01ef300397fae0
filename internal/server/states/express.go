package states

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"tutti/internal/runtime/local"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/store"
)

// MachineExpress is Run.Machine of the record of an EXPRESS execution. Only its start
// and its end are stored: the machine runs on a Host whose store forgets everything,
// and an execution that was interrupted starts again (at least once), or, when
// somebody waited for its answer, is given up (at most once).
const MachineExpress = "express"

const commandSync = "StartSyncExecution"

// expresses runs the EXPRESS executions.
type expresses struct {
	a    *API
	host *local.Host
	mu   sync.Mutex
	// open are the executions under way, by ARN.
	open map[string]*expressRun
}

type expressRun struct {
	record store.RunID
	ended  time.Time
	result local.Result
	// over is closed when the end is stored.
	over chan struct{}
	err  error
}

func newExpresses(a *API) (*expresses, error) {
	e := &expresses{a: a, open: map[string]*expressRun{}}
	var err error
	// Executions that wait inside others must never hold all places: there are as good as endlessly many.
	e.host, err = local.NewHost(local.HostOptions{Store: &oblivion{}, Machines: a.o.Executor, Ended: e.ended, MaxWorking: maxExpressWorking})
	return e, err
}

// maxExpressWorking is how many activities of EXPRESS executions may be out at once.
const maxExpressWorking = 1 << 20

// maxExpressSeconds is how long an EXPRESS execution may take: the service's five minutes
// (developer guide, "Quotas").
const maxExpressSeconds = 5 * 60

// start begins an execution, whose record is durable when it returns.
func (e *expresses) start(ctx context.Context, o *order, command string) (*expressRun, time.Time, error) {
	o.run.Machine, o.run.Name, o.run.Command = MachineExpress, o.input.Execution.ID, command
	o.run.Created, o.run.Status = e.a.o.Clock().UTC(), store.Running
	id, err := e.a.o.Store.Begin(ctx, o.run, nil)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("start an express execution: %w", err)
	}
	o.run.ID = id
	x, err := e.run(ctx, o.run)
	return x, o.run.Created, err
}

// run carries out what a record says.
func (e *expresses) run(ctx context.Context, record store.Run) (*expressRun, error) {
	x := &expressRun{record: record.ID, over: make(chan struct{})}
	e.mu.Lock()
	e.open[record.Name] = x
	e.mu.Unlock()
	_, err := e.host.Start(ctx, store.Run{ID: record.ID, Machine: execution.MachineExecution, Owner: record.Owner, Name: record.Name, Input: record.Input})
	if err != nil {
		e.mu.Lock()
		delete(e.open, record.Name)
		e.mu.Unlock()
		return nil, fmt.Errorf("start an express execution: %w", err)
	}
	return x, nil
}

// ended stores an end and tells whoever waits. It must not hold up the Host.
func (e *expresses) ended(r store.Run, res local.Result) {
	e.mu.Lock()
	x := e.open[r.Name]
	delete(e.open, r.Name)
	e.mu.Unlock()
	if x == nil {
		return // the start had failed
	}
	if e.a.o.Ended != nil {
		e.a.o.Ended(r, res)
	}
	go func() {
		defer close(x.over)
		x.ended, x.result = e.a.o.Clock().UTC(), res
		end := &store.End{Status: res.Status, Output: res.Output}
		if res.Failure != nil {
			end.Code, end.Message = res.Failure.Code, res.Failure.Message
		}
		note := store.Entry{Note: "the end of an express execution", NoteAt: x.ended, End: end}
		if x.err = e.a.o.Store.Append(context.Background(), x.record, []store.Entry{note}); x.err != nil {
			e.a.o.Log.Error("the end of an express execution could not be stored; it starts again with the server", "execution", r.Name, "error", x.err)
		}
	}()
}

// recover starts interrupted executions again, and closes those whose caller is gone.
func (e *expresses) recover(ctx context.Context) (n int, err error) {
	open, err := e.a.o.Store.Find(ctx, store.RunFilter{Machine: MachineExpress, OpenOnly: true})
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, r := range open {
		if r.Command == commandSync {
			errs = append(errs, e.a.o.Store.SetStatus(ctx, r.ID, store.Abandoned, "the server ended while the caller waited"))
			continue
		}
		record, err := e.a.o.Store.Run(ctx, r.ID)
		if err == nil {
			_, err = e.run(ctx, *record)
		}
		if err == nil {
			n++
		}
		errs = append(errs, err)
	}
	return n, errors.Join(errs...)
}

type startSyncOutput struct {
	ARN           string    `json:"executionArn"`
	Machine       string    `json:"stateMachineArn"`
	Name          string    `json:"name"`
	Start         stamp     `json:"startDate"`
	Stop          stamp     `json:"stopDate"`
	Status        string    `json:"status"`
	Error         string    `json:"error,omitempty"`
	Cause         string    `json:"cause,omitempty"`
	Input         string    `json:"input,omitempty"`
	InputDetails  *included `json:"inputDetails,omitempty"`
	Output        string    `json:"output,omitempty"`
	OutputDetails *included `json:"outputDetails,omitempty"`
	Trace         string    `json:"traceHeader,omitempty"`
	Billing       billing   `json:"billingDetails"`
}

// billing is what the service would count: memory in chunks of 64 MB, time in steps
// of 100 ms (Step Functions pricing). The memory of one execution is not measured
// here; it is the least chunk.
type billing struct {
	Memory   int64 `json:"billedMemoryUsedInMB"`
	Duration int64 `json:"billedDurationInMilliseconds"`
}

const (
	billedMemory = 64
	billedStep   = 100 * time.Millisecond
)

func (a *API) startSyncExecution(ctx context.Context, _ call, in *startInput) (any, error) {
	o, err := a.order(ctx, in)
	if err != nil {
		return nil, err
	}
	if o.machine.Type != typeExpress {
		return nil, wrongType()
	}
	x, began, err := a.express.start(ctx, o, commandSync)
	if err != nil {
		return nil, err
	}
	select {
	case <-x.over:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if x.err != nil {
		return nil, fmt.Errorf("store the end of an express execution: %w", x.err)
	}
	took := x.ended.Sub(began)
	out := startSyncOutput{ARN: o.input.Execution.ID, Machine: o.machine.ARN, Name: o.input.Execution.Name, Start: stamp(began), Stop: stamp(x.ended),
		Status: statusSucceeded, Trace: in.Trace, Billing: billing{billedMemory, ((took + billedStep - 1) / billedStep * billedStep).Milliseconds()}}
	if f := x.result.Failure; f != nil {
		out.Status, out.Error, out.Cause = statusFailed, f.Code, f.Message
		if execution.IsTimedOut(f.Code, f.Message) {
			out.Status, out.Error, out.Cause = statusTimedOut, "", ""
		}
	}
	if in.Included != metadataOnly {
		out.Input, out.InputDetails = string(o.input.Input), &included{true}
		if x.result.Failure == nil {
			out.Output, out.OutputDetails = string(x.result.Output), &included{true}
		}
	}
	return out, nil
}
