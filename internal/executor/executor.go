// Package executor makes of a stored run the machine that carries a state machine's
// execution out, and the worker that does what its Tasks ask for. It is what a
// runtime/local Host, or Run, is given for executions and map runs, whoever began
// them: the Step Functions API, a workflow of a stack, `tutti run`.
//
// In: a store.Run whose input is an Input. Out: a flow.Machine and a local.Worker.
// It owns definitions (documents, by the SHA-256 of their text), what is known of the
// machines that live in this process (task tokens, map runs), and the queues of
// activities. It must not know who starts executions, nor how a resource is called:
// that is package
// worker's.
//
// Start at Executor; definition.go the definitions, live.go the machines of this
// process, hand.go,
// activity.go and mocked.go the world's side, history.go what a journal
// tells of an execution.
package executor

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"tutti/internal/ansible/play"
	"tutti/internal/flow"
	"tutti/internal/runtime/local"
	"tutti/internal/stepfunctions/definition"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/worker"
	"tutti/internal/store"
)

// Input is the input of a run of execution.MachineExecution: what the machine is
// started with, and what others keep with it.
type Input struct {
	execution.Start
	// Definition is the key of the definition's document.
	Definition string `json:"definition,omitempty"`
	// Version and Alias are the ARNs by which it was started, if it was by such.
	Version string `json:"version,omitempty"`
	Alias   string `json:"alias,omitempty"`
	// Trace is the X-Ray header that came with the request.
	Trace string `json:"trace,omitempty"`
	// Local is what the Caller needs to know of this run, such as a workflow's mapping;
	// whoever gives Callers reads it.
	Local json.RawMessage `json:"local,omitempty"`
	// Secrets are texts among the input that must not be shown: they are masked in what
	// the execution failed with, which is stored as it is.
	Secrets []string `json:"secrets,omitempty"`
	// Case names the test case of a mock file that answers for the Tasks.
	Case string `json:"case,omitempty"`
}

// Encode gives the run's input.
func (in Input) Encode() json.RawMessage {
	text, err := json.Marshal(in)
	if err != nil {
		panic(fmt.Sprintf("executor: invariant broken: an input is no JSON: %v", err))
	}
	return text
}

// ReadInput reads a run's input.
func ReadInput(r store.Run) (Input, error) {
	var in Input
	if err := json.Unmarshal(r.Input, &in); err != nil {
		return Input{}, fmt.Errorf("%w: the input of run %d: %w", store.ErrCorrupt, r.ID, err)
	}
	return in, nil
}

// NewToken gives an execution's Start.Token, which nobody can guess.
func NewToken() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // it never fails
	return hex.EncodeToString(b)
}

// Store is the part of a store that is needed.
type Store interface {
	store.Runs
	store.Journal
	store.Documents
}

// Options say what an executor stands on.
type Options struct {
	Store Store
	// Caller gives who makes the calls of a run.
	Caller func(ctx context.Context, r store.Run) (worker.Caller, error)
	// MaxCalls is how many calls go on at once in this process; 0 is DefaultMaxCalls.
	// Offers of activities do not count, nor waits for jobs.
	MaxCalls int
}

// DefaultMaxCalls is how many calls go on at once unless Options say otherwise.
const DefaultMaxCalls = 256

// Executor makes machines and workers. It is safe for concurrent use.
type Executor struct {
	o           Options
	definitions *definitions
	live        *live
	queues      *queues
	calls       chan struct{}
	mocks       mocks
}

var _ local.Machines = (*Executor)(nil)

// New gives an executor.
func New(o Options) *Executor {
	if o.MaxCalls == 0 {
		o.MaxCalls = DefaultMaxCalls
	}
	return &Executor{o: o, definitions: newDefinitions(o.Store), live: newLive(), queues: newQueues(), calls: make(chan struct{}, o.MaxCalls)}
}

// Makes reports whether runs of a machine are made here.
func Makes(machine string) bool {
	return machine == execution.MachineExecution || machine == execution.MachineMapRun
}

// Machine implements local.Machines.
func (x *Executor) Machine(ctx context.Context, r store.Run) (flow.Machine, error) {
	if r.Machine == play.MachinePlay {
		return play.New(), nil
	}
	if !Makes(r.Machine) {
		return nil, local.ErrForeign
	}
	def, in, err := x.definitionOf(ctx, r)
	switch {
	case errors.Is(err, store.ErrCorrupt), errors.Is(err, store.ErrNotFound), errors.Is(err, errNoDefinition):
		// Trying again gives the same: whoever waits for it must know.
		return nil, flow.Failure{Kind: flow.Terminal, Code: execution.Runtime, Message: fmt.Sprintf("run %d cannot be carried out: %v", r.ID, err)}
	case err != nil:
		return nil, fmt.Errorf("take up run %d: %w", r.ID, err)
	}
	if _, ok := x.Case(in.StateMachine.Name, in.Case); in.Case != "" && !ok {
		// Without it the world itself would be called.
		return nil, &CaseError{Run: r.ID, Machine: in.StateMachine.Name, Case: in.Case}
	}
	if len(in.Secrets) == 0 && r.Machine == execution.MachineMapRun {
		parent, err := x.o.Store.Run(ctx, r.Parent)
		if err != nil {
			return nil, err
		}
		outer, err := ReadInput(*parent)
		if err != nil {
			return nil, err
		}
		in.Secrets = outer.Secrets
	}
	return x.live.machine(execution.New(def), r, in), nil
}

// Definition gives a run's definition.
func (x *Executor) Definition(ctx context.Context, r store.Run) (*definition.StateMachine, error) {
	def, _, err := x.definitionOf(ctx, r)
	return def, err
}

// Caller gives who makes the calls of a run.
func (x *Executor) Caller(ctx context.Context, r store.Run) (worker.Caller, error) {
	return x.o.Caller(ctx, r)
}

// Worker implements local.Machines.
func (x *Executor) Worker(r store.Run) local.Worker {
	if r.Machine == play.MachinePlay {
		return x.childPlay(r)
	}
	return &hand{x: x, run: r}
}

// maxParents bounds how far up a run's definition is looked for: a map run may be
// the child of one, and definitions nest no deeper.
const maxParents = 64

var errNoDefinition = errors.New("its definition is not named")

// definitionOf finds the definition of a run: its own, or that of the execution that
// began it.
func (x *Executor) definitionOf(ctx context.Context, r store.Run) (*definition.StateMachine, Input, error) {
	own, err := ReadInput(r)
	if err != nil {
		return nil, Input{}, err
	}
	from := own
	for range maxParents {
		if from.Definition != "" {
			def, err := x.definitions.get(ctx, from.Definition)
			return def, own, err
		}
		if r.Parent == 0 || !Makes(r.Machine) {
			break
		}
		parent, err := x.o.Store.Run(ctx, r.Parent)
		if err != nil {
			return nil, Input{}, err
		}
		r = *parent
		if from, err = ReadInput(r); err != nil {
			return nil, Input{}, err
		}
	}
	return nil, Input{}, errNoDefinition
}

// tokenForm reports whether a text could be a task token that was given out, and
// gives the part that tells the execution.
func tokenForm(token string) (base string, ok bool) {
	base, rest, ok := strings.Cut(token, ".")
	if _, err := hex.DecodeString(base); err != nil || len(base) != 32 || len(rest) != 32 {
		return "", false
	}
	return base, ok
}

// TokenForm reports whether a text has the form of the task tokens that are given out
// here. The service's own are longer and of another form.
func TokenForm(text string) bool {
	_, ok := tokenForm(text)
	return ok
}
