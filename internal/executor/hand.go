package executor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"tutti/internal/flow"
	"tutti/internal/runtime/local"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/mock"
	"tutti/internal/stepfunctions/worker"
	"tutti/internal/store"
)

// hand does what one execution's Tasks ask for.
type hand struct {
	x   *Executor
	run store.Run

	once   sync.Once
	caller worker.Caller
	err    error

	// The run's test case, if it has one.
	cases   sync.Once
	test    *mock.Case
	testErr error
}

var _ local.Worker = (*hand)(nil)

// Do implements local.Worker.
func (h *hand) Do(ctx context.Context, d flow.Do, log func(line string)) (local.Outcome, error) {
	if out, ok, err := h.mocked(ctx, d); ok {
		return out, err
	}
	switch {
	case d.Activity == execution.ActivityOffer:
		return h.offer(ctx, d)
	case d.Activity == execution.ActivityAwait, waits(d):
		// It waits more than it works, for as long as the job takes.
		return h.call(ctx, d, log)
	}
	if !h.x.place(ctx) {
		// The machine asks for it again, unless it was the machine that wished its end.
		return local.Outcome{}, flow.Failure{Kind: flow.Cancelled, Code: flow.CodeNotStarted, Message: "it was asked to stop before it had begun"}
	}
	defer func() { <-h.x.calls }()
	return h.call(ctx, d, log)
}

// place waits for one of the places for calls; false means that the call is not wanted
// any more, or that its run comes to rest.
func (x *Executor) place(ctx context.Context) bool {
	resting := local.Resting(ctx)
	select {
	case x.calls <- struct{}{}:
	case <-ctx.Done():
		return false
	case <-resting:
		return false
	}
	// Another call may have given its place up for the same reason.
	select {
	case <-ctx.Done():
	case <-resting:
	default:
		return true
	}
	<-x.calls
	return false
}

// waits reports whether a call lasts as long as another execution does, or until there
// is a task. What it waits for may be carried out here and make calls itself, so that
// it must not hold one of the places that those need.
func waits(d flow.Do) bool {
	if d.Activity != execution.ActivityCall || !bytes.Contains(d.Input, []byte(":aws-sdk:sfn:")) {
		return false
	}
	var c execution.Call
	if json.Unmarshal(d.Input, &c) != nil {
		return false // who carries it out tells
	}
	r, _ := definition.ParseResource(c.Resource)
	return r.Service == "aws-sdk:sfn" && (r.Action == "startSyncExecution" || r.Action == "getActivityTask")
}

func (h *hand) call(ctx context.Context, d flow.Do, log func(line string)) (local.Outcome, error) {
	h.once.Do(func() { h.caller, h.err = h.x.o.Caller(context.WithoutCancel(ctx), h.run) })
	if h.err != nil {
		return local.Outcome{}, h.err
	}
	output, err := h.caller.Do(ctx, d, log)
	return local.Outcome{Output: output}, err
}

func (h *hand) offer(ctx context.Context, d flow.Do) (local.Outcome, error) {
	var call execution.Call
	if err := json.Unmarshal(d.Input, &call); err != nil {
		return local.Outcome{}, fmt.Errorf("read the task of an activity: %w", err)
	}
	name, err := h.x.queues.offer(ctx, offerID{h.run.ID, d.ID}, call)
	if err != nil {
		return local.Outcome{}, flow.Failure{Kind: flow.Cancelled, Message: "no worker took the task before it was withdrawn"}
	}
	return local.Outcome{Output: taken(name)}, nil
}

// errCutOff is why a call that is not idempotent is in doubt after a crash.
var errCutOff = errors.New("the process ended while it waited for the answer, and what was called cannot be asked whether it had done it")

// onceCaller is a Caller some of whose submits are no jobs: they have done all of the work
// when they answer, and making them again does it again.
type onceCaller interface {
	SubmitsOnce(d flow.Do) bool
}

// Settle implements local.Worker. A submit is simply made again, since it comes to
// the same job; of any other call nobody can tell.
func (h *hand) Settle(ctx context.Context, d flow.Do) (local.Outcome, bool, error) {
	if d.Activity != execution.ActivitySubmit {
		return local.Outcome{}, false, errCutOff
	}
	h.once.Do(func() { h.caller, h.err = h.x.o.Caller(context.WithoutCancel(ctx), h.run) })
	if h.err != nil {
		return local.Outcome{}, false, h.err
	}
	if c, ok := h.caller.(onceCaller); ok && c.SubmitsOnce(d) {
		return local.Outcome{}, false, errCutOff
	}
	return local.Outcome{}, false, nil
}
