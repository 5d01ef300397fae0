package executor

import (
	"context"
	"fmt"
	"time"

	"tutti/internal/flow"
	"tutti/internal/runtime/local"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/mock"
	"tutti/internal/store"
)

// mocks answer for the Tasks of executions that were started with a test case.
type mocks struct {
	config *mock.Config
	tell   func(context.Context, store.RunID, flow.Signaled) error
}

// Mock has the cases of a mock file answer for executions whose Input names one. Tell
// gives a run a signal: the callback that a mocked task gets. It must be called before
// any machine is made.
func (x *Executor) Mock(config *mock.Config, tell func(context.Context, store.RunID, flow.Signaled) error) {
	x.mocks = mocks{config: config, tell: tell}
}

// Case finds a test case of a state machine.
func (x *Executor) Case(machine, name string) (*mock.Case, bool) {
	if x.mocks.config == nil {
		return nil, false
	}
	return x.mocks.config.Case(machine, name)
}

// CaseError says that a run cannot be carried out, because its test case is not there.
type CaseError struct {
	Run           store.RunID
	Machine, Case string
}

// Error implements error.
func (e *CaseError) Error() string {
	return fmt.Sprintf("run %d was started with the test case %q of the state machine %s, which no mock file has now; SFN_MOCK_CONFIG names the file", e.Run, e.Case, e.Machine)
}

// caseOf gives the test case of a run, or of the execution that began it; nil when it
// has none.
func (x *Executor) caseOf(ctx context.Context, id store.RunID) (*mock.Case, error) {
	for range maxParents {
		r, err := x.o.Store.Run(ctx, id)
		if err != nil {
			return nil, err
		}
		in, err := ReadInput(*r)
		if err != nil {
			return nil, err
		}
		if in.Case != "" {
			c, ok := x.Case(in.StateMachine.Name, in.Case)
			if !ok {
				return nil, &CaseError{Run: r.ID, Machine: in.StateMachine.Name, Case: in.Case}
			}
			return c, nil
		}
		if r.Parent == 0 || r.Child == 0 {
			return nil, nil
		}
		id = r.Parent
	}
	return nil, errNoDefinition
}

// mocked answers an activity from a test case; ok is false when the case has nothing
// for it.
func (h *hand) mocked(ctx context.Context, d flow.Do) (out local.Outcome, ok bool, err error) {
	if h.x.mocks.config == nil {
		return out, false, nil
	}
	h.cases.Do(func() { h.test, h.testErr = h.x.caseOf(context.WithoutCancel(ctx), h.run.ID) })
	if h.test == nil || h.testErr != nil {
		return out, h.testErr != nil, h.testErr
	}
	a, ok := h.test.Answer(d)
	if !ok {
		return out, false, nil
	}
	if a.Signal == nil {
		if err := takes(ctx, a); err != nil {
			return out, true, err
		}
		if a.Failure != nil {
			return out, true, *a.Failure
		}
		return local.Outcome{Output: a.Output}, true, nil
	}
	go h.callBack(context.WithoutCancel(ctx), a)
	return local.Outcome{Output: a.Output}, true, nil
}

// takes waits as long as the mocked call takes.
func takes(ctx context.Context, a mock.Answer) error {
	if a.Never {
		<-ctx.Done()
		return ctx.Err()
	}
	timer := time.NewTimer(a.After)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// callBack answers a task's token as the mocked service would. A process that ends
// before it loses the callback, as a service that is down would.
func (h *hand) callBack(ctx context.Context, a mock.Answer) {
	if a.Never {
		return
	}
	if err := takes(ctx, a); err != nil {
		return
	}
	// What cannot be told to a run that has ended meanwhile is of no use to it.
	_ = h.x.mocks.tell(ctx, h.run.ID, flow.Signaled{Name: execution.SignalTask, Payload: encode(a.Signal)})
}
