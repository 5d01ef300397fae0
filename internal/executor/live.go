package executor

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"tutti/internal/flow"
	"tutti/internal/secret"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/store"
)

// live are the machines that go on in this process, by what others ask for.
type live struct {
	mu sync.Mutex
	// byToken are an execution and its map runs, which share a token's base.
	byToken map[string][]*machine
	mapRuns map[string]*machine // by ARN
	// expected are executions whose beginning somebody waits to hear of, by token.
	expected map[string]*time.Time
}

func newLive() *live {
	return &live{byToken: map[string][]*machine{}, mapRuns: map[string]*machine{}, expected: map[string]*time.Time{}}
}

// Expect has it noted when the execution with this Start.Token begins, which is before
// whoever starts it returns. The function gives the time and forgets the matter; it
// must be called.
func (x *Executor) Expect(token string) (began func() time.Time) {
	at := new(time.Time)
	l := x.live
	l.mu.Lock()
	defer l.mu.Unlock()
	l.expected[token] = at
	return func() time.Time {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.expected, token)
		return *at
	}
}

func (l *live) began(token string, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if to, ok := l.expected[token]; ok {
		*to = at
	}
}

// machine is an execution's machine that can be asked from outside while a runtime
// drives it.
type machine struct {
	mu   sync.Mutex
	m    *execution.Machine
	live *live
	// id finds the run: a machine is made before its run has a number.
	id    store.RunFilter
	token string
	arn   string // of a map run
	// masker hides secrets in what the machine fails with; nil hides nothing.
	masker *secret.Masker
	// listed: it can be found. Only Handle changes it.
	listed bool
	// claimed are tokens whose answer is on its way to the machine.
	claimed []string
}

var _ flow.Restorer = (*machine)(nil)

func (l *live) machine(m *execution.Machine, r store.Run, in Input) *machine {
	x := &machine{m: m, live: l, token: in.Token}
	if len(in.Secrets) > 0 {
		x.masker = &secret.Masker{}
		x.masker.Add(in.Secrets...)
	}
	if r.Parent != 0 && r.Child != 0 {
		x.id = store.RunFilter{Parent: r.Parent, Child: r.Child}
	} else {
		x.id = store.RunFilter{Owner: r.Owner, Name: r.Name}
	}
	if in.MapRun != nil {
		x.arn = in.MapRun.ARN
	}
	return x
}

// Handle implements flow.Machine. A machine can be found from its first event until
// it has ended, and again when it is redriven.
func (x *machine) Handle(e flow.Event) []flow.Command {
	x.mu.Lock()
	commands := x.m.Handle(e)
	x.claimed = slices.DeleteFunc(x.claimed, func(token string) bool { return x.m.Token(token) != execution.TokenOpen })
	x.mu.Unlock()
	on := x.listed
	switch e := e.(type) {
	case flow.Started:
		on = true
		x.live.began(x.token, e.At)
	case flow.Signaled:
		on = on || e.Name == flow.SignalRedrive
	}
	for i, c := range commands {
		if f, ok := c.(flow.Fail); ok && x.masker != nil {
			f.Failure.Message = x.masker.String(f.Failure.Message)
			commands[i] = f
		}
		switch c.(type) {
		case flow.Complete, flow.Fail:
			on = false
		}
	}
	if on != x.listed {
		x.listed = on
		x.live.list(x, on)
	}
	return commands
}

// Snapshot implements flow.Machine.
func (x *machine) Snapshot() ([]byte, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.m.Snapshot()
}

// Restore implements flow.Restorer.
func (x *machine) Restore(snapshot []byte) error {
	x.mu.Lock()
	err := x.m.Restore(snapshot)
	x.mu.Unlock()
	if err == nil && !x.listed {
		x.listed = true
		x.live.list(x, true)
	}
	return err
}

func (l *live) list(x *machine, on bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if on {
		if x.token != "" {
			l.byToken[x.token] = append(l.byToken[x.token], x)
		}
		if x.arn != "" {
			l.mapRuns[x.arn] = x
		}
		return
	}
	left := slices.DeleteFunc(l.byToken[x.token], func(other *machine) bool { return other == x })
	if l.byToken[x.token] = left; len(left) == 0 {
		delete(l.byToken, x.token)
	}
	if l.mapRuns[x.arn] == x {
		delete(l.mapRuns, x.arn)
	}
}

// machines gives those that a token may be of.
func (l *live) machines(base string) []*machine {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.byToken[base])
}

// TokenState tells what may be done with a token.
type TokenState uint8

// The states of a token, as answers to its holder.
const (
	TokenInvalid TokenState = iota // it was never given out
	TokenClosed                    // the task is over, or timed out
	TokenOpen                      // the task waits for it
)

// Answer sends what came for a task token to the machine that waits for it. Only one
// success or failure gets through: who comes second is told that the token is closed.
// The signal must be durable when send returns.
func (x *Executor) Answer(ctx context.Context, a execution.TaskSignal, send func(context.Context, store.RunID, flow.Signaled) error) (TokenState, error) {
	base, ok := tokenForm(a.Token)
	if !ok {
		return TokenInvalid, nil
	}
	for _, m := range x.live.machines(base) {
		if !m.claim(a) {
			continue
		}
		run, err := x.runOf(ctx, m.id)
		if err == nil {
			err = send(ctx, run, flow.Signaled{Name: execution.SignalTask, Payload: encode(a)})
		}
		if err != nil {
			m.release(a.Token)
			return TokenOpen, fmt.Errorf("answer the task of a token: %w", err)
		}
		return TokenOpen, nil
	}
	return TokenClosed, nil
}

// claim reports whether the token is open, and takes it unless it is for a heartbeat.
func (x *machine) claim(a execution.TaskSignal) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.m.Token(a.Token) != execution.TokenOpen || slices.Contains(x.claimed, a.Token) {
		return false
	}
	if a.Kind != "heartbeat" {
		x.claimed = append(x.claimed, a.Token)
	}
	return true
}

func (x *machine) release(token string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.claimed = slices.DeleteFunc(x.claimed, func(t string) bool { return t == token })
}

// runOf finds the number of a run.
func (x *Executor) runOf(ctx context.Context, id store.RunFilter) (store.RunID, error) {
	id.Limit = 1
	runs, err := x.o.Store.Find(ctx, id)
	if err != nil {
		return 0, err
	}
	if len(runs) == 0 {
		return 0, store.ErrNotFound
	}
	return runs[0].ID, nil
}

// MapRun tells how far a map run is that goes on in this process; ok is false when
// it does not.
func (x *Executor) MapRun(arn string) (counts execution.MapRunCounts, bounds execution.MapRunBounds, ok bool) {
	x.live.mu.Lock()
	m := x.live.mapRuns[arn]
	x.live.mu.Unlock()
	if m == nil {
		return counts, bounds, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.m.MapRun()
}
