package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"tutti/internal/diag"
	"tutti/internal/executor"
	"tutti/internal/flow"
	"tutti/internal/runtime/local"
	"tutti/internal/secret"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/mock"
	"tutti/internal/stepfunctions/worker"
	"tutti/internal/stepfunctions/workflow"
	"tutti/internal/store"
)

// Runs carries out executions: a runtime of this process, or the server of the folder.
type Runs interface {
	// Start begins a run, which is durable when it returns; a run of the same owner and
	// name is a *store.ExistsError.
	Start(ctx context.Context, r store.Run) (store.RunID, error)
	// Resume takes up a run that rests, and does nothing to one that goes on.
	Resume(ctx context.Context, id store.RunID) error
	// Wait waits until a run has ended.
	Wait(ctx context.Context, id store.RunID) (local.Result, error)
	// Cancel asks a run to stop in order.
	Cancel(ctx context.Context, id store.RunID, reason string) error
	// Redrive takes up a run that has failed, or was stopped.
	Redrive(ctx context.Context, id store.RunID, payload []byte) error
}

// executions is what state machines of this process stand on. Its parts are made when
// they are first needed.
type executions struct {
	mu       sync.Mutex
	executor *executor.Executor
	runs     Runs
	own      *local.Host
	mapping  worker.Mapping
	mocks    *mock.Config
	// doubts are the calls that nobody has decided about.
	doubts []local.Doubt
}

// Executor makes the machines and workers of executions in this process.
func (e *Engine) Executor() *executor.Executor {
	x := &e.executions
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.executor == nil {
		x.executor = executor.New(executor.Options{Store: e.store, Caller: e.Caller})
	}
	return x.executor
}

// UseRuns has executions that this process begins carried out by somebody else than
// a runtime of its own.
func (e *Engine) UseRuns(r Runs) {
	e.executions.mu.Lock()
	defer e.executions.mu.Unlock()
	e.executions.runs = r
}

// Map sends resources of all state machines to commands and URLs; what a workflow's own
// mapping says comes before it. It must be called before any is carried out.
func (e *Engine) Map(m worker.Mapping) { e.executions.mapping = m }

// Mock has the cases of a mock file answer for the executions of this process that are
// begun with one. It must be called before any is carried out.
func (e *Engine) Mock(config *mock.Config) { e.executions.mocks = config }

// runs gives who carries executions out.
func (e *Engine) runs() (Runs, error) {
	machines := e.Executor()
	x := &e.executions
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.runs != nil {
		return x.runs, nil
	}
	h, err := local.NewHost(local.HostOptions{Store: e.store, Machines: machines, InDoubt: e.decide})
	if err != nil {
		return nil, err
	}
	if x.mocks != nil {
		machines.Mock(x.mocks, h.Signal)
	}
	x.own = h
	x.runs = &leasing{Host: h, engine: e}
	return x.runs, nil
}

// rest brings the executions of this process to rest: they stay open, and go on when
// somebody takes them up.
func (x *executions) rest(ctx context.Context) error {
	x.mu.Lock()
	h := x.own
	x.own, x.runs, x.doubts = nil, nil, nil
	x.mu.Unlock()
	if h == nil {
		return nil
	}
	return h.Close(ctx)
}

// leasing is a Host whose runs are leased, so that a server that starts beside it
// leaves them alone.
type leasing struct {
	*local.Host
	engine *Engine
}

func (l *leasing) Start(ctx context.Context, r store.Run) (store.RunID, error) {
	id, err := l.Host.Start(ctx, r)
	if err != nil {
		return 0, err
	}
	return id, l.lease(ctx, id)
}

func (l *leasing) Resume(ctx context.Context, id store.RunID) error {
	if err := l.lease(ctx, id); err != nil {
		return err
	}
	return l.Host.Resume(ctx, id)
}

func (l *leasing) Redrive(ctx context.Context, id store.RunID, payload []byte) error {
	if err := l.lease(ctx, id); err != nil {
		return err
	}
	return l.Host.Redrive(ctx, id, payload)
}

// lease holds the run for this process, which is known to live as long as it does.
func (l *leasing) lease(ctx context.Context, id store.RunID) error {
	person, host := holder()
	return l.engine.store.Acquire(ctx, store.Lease{Run: id, Holder: person + "@" + host + ", " + pid(), Reason: l.engine.o.Command, Since: l.engine.o.Now()})
}

func (l *leasing) Wait(ctx context.Context, id store.RunID) (local.Result, error) {
	res, err := l.Host.Wait(ctx, id)
	if err == nil {
		err = l.engine.store.Release(context.WithoutCancel(ctx), id)
	}
	return res, err
}

// particulars is executor.Input.Local of the executions that are begun here.
type particulars struct {
	Workflow string         `json:"workflow,omitempty"`
	Mapping  worker.Mapping `json:"mapping,omitempty"`
	// Secrets are those of executor.Input.
	Secrets []string `json:"-"`
}

// maxAncestors bounds how far up the particulars of a map run are looked for.
const maxAncestors = 64

// particularsOf finds what an execution was begun with, or the one that a map run is
// part of.
func (e *Engine) particularsOf(ctx context.Context, r store.Run) (particulars, error) {
	var out particulars
	for range maxAncestors {
		if len(r.Input) == 0 { // lists and runtimes leave it out
			whole, err := e.store.Run(ctx, r.ID)
			if err != nil {
				return out, err
			}
			r = *whole
		}
		in, err := executor.ReadInput(r)
		if err != nil {
			return out, err
		}
		if len(in.Local) > 0 {
			if err := json.Unmarshal(in.Local, &out); err != nil {
				return out, fmt.Errorf("read what run %d was begun with: %w", r.ID, err)
			}
			out.Secrets = in.Secrets
			return out, nil
		}
		if r.Parent == 0 || r.Child == 0 {
			return out, nil
		}
		parent, err := e.store.Run(ctx, r.Parent)
		if err != nil {
			return out, err
		}
		if !executor.Makes(parent.Machine) {
			return out, nil
		}
		r = *parent
	}
	return out, nil
}

// Caller gives who makes the calls of an execution's Tasks: commands, requests and
// tasks here, and what its mapping says.
func (e *Engine) Caller(ctx context.Context, r store.Run) (worker.Caller, error) {
	p, err := e.particularsOf(ctx, r)
	if err != nil {
		return nil, err
	}
	m := &secret.Masker{}
	m.Add(p.Secrets...)
	mapping := worker.Mapping{}
	maps.Copy(mapping, e.executions.mapping)
	maps.Copy(mapping, p.Mapping)
	return worker.New(worker.Options{Dir: e.o.Dir, Mapping: mapping, Stack: &house{e}, AWS: e.o.AWS, Masker: m}), nil
}

// The account and region in the ARNs of executions, as those of the server are unless
// it is told otherwise.
const (
	arnStates = "arn:aws:states:us-east-1:123456789012:"
)

// newExecution gives the run of an execution that is to be begun: its definition is
// kept. Name is made up when it is "".
func (e *Engine) newExecution(ctx context.Context, req workflow.Request, name string) (store.Run, error) {
	def, d := definition.Parse(req.Definition.File, []byte(req.Definition.Text))
	if def == nil {
		return store.Run{}, d.Err()
	}
	hash, err := e.Executor().Keep(ctx, req.Definition.Text, def)
	if err != nil {
		return store.Run{}, err
	}
	if name == "" {
		name = uuid.NewString()
	}
	special, err := json.Marshal(particulars{Workflow: req.Workflow, Mapping: req.Mapping})
	if err != nil {
		return store.Run{}, err
	}
	machine := MachineName(req.Workflow)
	in := executor.Input{Definition: hash, Local: special, Secrets: req.Secrets, Start: execution.Start{Input: req.Input, Limits: req.Limits, Token: executor.NewToken(),
		Execution:    execution.Identity{ID: arnStates + "execution:" + machine + ":" + name, Name: name, RoleARN: req.Role},
		StateMachine: execution.Identity{ID: arnStates + "stateMachine:" + machine, Name: machine}}}
	person, host := holder()
	return store.Run{Owner: req.Workflow, Name: name, Machine: execution.MachineExecution, Command: e.o.Command, User: person, Host: host, Input: in.Encode()}, nil
}

// MachineName makes a state machine's name, as it is in ARNs and mock files, of an address
// or a file's name: what ARNs cannot hold becomes a dash.
func MachineName(owner string) string {
	owner = strings.TrimPrefix(owner, "workflow.")
	for _, ending := range []string{".json", ".yaml", ".yml", ".asl"} {
		owner = strings.TrimSuffix(owner, ending)
	}
	name := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' {
			return c
		}
		return '-'
	}, filepath.Base(owner))
	if name = strings.Trim(name, "-"); name == "" {
		return "workflow"
	}
	return name[:min(len(name), 80)]
}

// Execution is one execution that a person asked for.
type Execution struct {
	ID  store.RunID
	Run *store.Run
	// ARN names it as the Step Functions API does.
	ARN string
}

// ExecutionOptions say how an execution is begun. The zero value takes all from the
// workflow.
type ExecutionOptions struct {
	// Name is the execution's, unique among those of the same workflow or file.
	Name string
	// Input is JSON; none takes the workflow's own.
	Input json.RawMessage
	// Mapping is added to the workflow's own.
	Mapping worker.Mapping
	// Limits other than 0 stand for the workflow's.
	Limits execution.Limits
	// From is the state to begin with; Variables are those that are set there.
	From      string
	Variables json.RawMessage
	// Case is a test case of a mock file, which answers for the Tasks.
	Case string
	// Parent is the run that this one does again; 0 is none.
	Parent store.RunID
}

// StartExecution begins an execution of a workflow or a file, and gives it when it is
// durable.
func (e *Engine) StartExecution(ctx context.Context, req workflow.Request, o ExecutionOptions) (*Execution, diag.List) {
	if len(o.Input) > 0 {
		req.Input = o.Input
	}
	if len(o.Mapping) > 0 {
		all := worker.Mapping{}
		maps.Copy(all, req.Mapping)
		maps.Copy(all, o.Mapping)
		req.Mapping = all
	}
	if o.Limits.Payload != 0 {
		req.Limits.Payload = o.Limits.Payload
	}
	if o.Limits.Events != 0 {
		req.Limits.Events = o.Limits.Events
	}
	if o.Limits.Seconds != 0 {
		req.Limits.Seconds = o.Limits.Seconds
	}
	if o.Name != "" && !executor.GoodName(o.Name) {
		return nil, diag.Errorf(nil, "Invalid name", "An execution cannot be called %q. A name has 1 to %d characters, without white space and without any of %s", o.Name, executor.MaxName, executor.Forbidden)
	}
	r, err := e.newExecution(ctx, req, o.Name)
	if err != nil {
		return nil, diag.FromError("Execution cannot be started", err)
	}
	if r.Parent = o.Parent; o.From != "" || o.Case != "" {
		in, err := executor.ReadInput(r)
		if err != nil {
			return nil, diag.FromError("Execution cannot be started", err)
		}
		in.From, in.Variables, in.Case = o.From, o.Variables, o.Case
		r.Input = in.Encode()
	}
	runs, err := e.runs()
	if err != nil {
		return nil, diag.FromError("Execution cannot be started", err)
	}
	id, err := runs.Start(ctx, r)
	var there *store.ExistsError
	switch {
	case errors.As(err, &there):
		return nil, diag.Errorf(nil, "Execution exists already", "Run %d is an execution of %s with the name %q. Names are used once: give another with -name, or none.", there.Run, r.Owner, r.Name)
	case err != nil:
		return nil, storeDiag(err)
	}
	return e.Execution(ctx, id)
}

// Execution gives a run that is an execution.
func (e *Engine) Execution(ctx context.Context, id store.RunID) (*Execution, diag.List) {
	r, err := e.store.Run(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, diag.Errorf(nil, "No such run", "This stack has no run %d. \"tutti runs\" lists them.", id)
	}
	if err != nil {
		return nil, storeDiag(err)
	}
	if r.Machine != execution.MachineExecution {
		return nil, diag.Errorf(nil, "Run is no execution", "Run %d carries out a plan, not a state machine.", id)
	}
	in, err := executor.ReadInput(*r)
	if err != nil {
		return nil, storeDiag(err)
	}
	return &Execution{ID: id, Run: r, ARN: in.Execution.ID}, nil
}

// ResumeExecution goes on with an execution: with one that has failed, or was stopped,
// from the states in which it ended.
func (e *Engine) ResumeExecution(ctx context.Context, id store.RunID, status store.Status) diag.List {
	runs, err := e.runs()
	if err != nil {
		return diag.FromError("Execution cannot be resumed", err)
	}
	aborted := false
	if status == store.Stopped {
		// It was paused, or stopped for good: its history knows.
		h, d := e.ExecutionHistory(ctx, id, true)
		if d.HasErrors() {
			return d
		}
		aborted = len(h.Events) > 0 && h.Events[len(h.Events)-1].Type == "ExecutionAborted"
	}
	if status == store.Failed || aborted {
		err = runs.Redrive(ctx, id, nil)
	} else {
		err = runs.Resume(ctx, id)
	}
	if errors.Is(err, local.ErrEnded) {
		return diag.Errorf(nil, "Run cannot be resumed", "Run %d has ended: %s. \"tutti resume %d -from STATE\" begins a new one with that state.", id, status, id)
	}
	var held *store.HeldError
	var lacks *executor.CaseError
	switch {
	case errors.As(err, &held):
		return heldDiag(held)
	case errors.As(err, &lacks):
		return diag.FromError("Test case is missing", lacks)
	}
	return storeDiag(err)
}

// decide asks about calls that were cut off, and remembers those that are left.
func (e *Engine) decide(ctx context.Context, r store.Run, doubts []local.Doubt) map[flow.ID]local.Decision {
	var decisions map[flow.ID]local.Decision
	if e.o.InDoubt != nil {
		decisions = e.o.InDoubt(ctx, r, doubts)
	}
	e.executions.mu.Lock()
	defer e.executions.mu.Unlock()
	for _, d := range doubts {
		if decisions[d.Do.ID] == local.Leave {
			e.executions.doubts = append(e.executions.doubts, d)
		}
	}
	return decisions
}

// doubtful gives what is in doubt once nothing else of this process's executions is
// being carried out.
func (x *executions) doubtful() []local.Doubt {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.own == nil || len(x.doubts) == 0 {
		return nil
	}
	if s := x.own.Stats(); s.Working+s.Queued > 0 {
		return nil
	}
	return slices.Clone(x.doubts)
}

// errDoubt ends the waiting for an execution that only a decision can bring on.
var errDoubt = errors.New("calls are in doubt")

// doubtEvery is how often it is looked whether only doubts are left.
const doubtEvery = 100 * time.Millisecond

// WaitExecution waits for the end of an execution. When the context ends before, the
// execution is brought to rest, if it is carried out here, and the error is the
// context's. One that waits for a decision about what was cut off is brought to rest
// too, and its status is InDoubt.
func (e *Engine) WaitExecution(ctx context.Context, id store.RunID) (local.Result, error) {
	runs, err := e.runs()
	if err != nil {
		return local.Result{}, err
	}
	waiting, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go func() {
		tick := time.NewTicker(doubtEvery)
		defer tick.Stop()
		for {
			select {
			case <-waiting.Done():
				return
			case <-tick.C:
				if len(e.executions.doubtful()) > 0 {
					stop(errDoubt)
				}
			}
		}
	}()
	res, err := runs.Wait(waiting, id)
	if err == nil || waiting.Err() == nil {
		return res, err
	}
	doubts := e.executions.doubtful()
	if errRest := e.executions.rest(context.WithoutCancel(ctx)); errRest != nil {
		return res, errRest
	}
	if ctx.Err() == nil && errors.Is(context.Cause(waiting), errDoubt) {
		return local.Result{Status: store.InDoubt, InDoubt: doubts}, nil
	}
	return res, err
}

// restGrace is how long executions may take to come to rest when the engine is closed.
const restGrace = 30 * time.Second
