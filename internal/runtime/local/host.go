package local

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"tutti/internal/flow"
	"tutti/internal/store"
)

// Machines makes what a run needs from what is stored of it. Its methods are called
// concurrently.
type Machines interface {
	// Machine gives the machine of a run, not started. The run has no ID yet when it
	// is about to begin. An error that is ErrForeign says that this process does not
	// carry out such runs. A child whose machine cannot be made because of that, or of a
	// flow.Failure, has failed; for any other error it is tried again later.
	Machine(ctx context.Context, r store.Run) (flow.Machine, error)
	// Worker gives who carries out the run's activities. It is asked once for each
	// time that the run is taken up, before the first of them.
	Worker(r store.Run) Worker
}

// Errors that callers of a Host branch on, beside those of the store.
var (
	// ErrForeign means that a run is not for this Host's Machines.
	ErrForeign = errors.New("runs of this kind are not carried out here")
	// ErrEnded means that the run has come to its end.
	ErrEnded = errors.New("the run has ended")
	// ErrClosed means that the Host is closing.
	ErrClosed = errors.New("no more runs are carried out here: the process is stopping")
	// ErrSuspended is the context.Cause of an activity's context when its run comes to
	// rest and will be taken up again. An activity that is idempotent is then asked for
	// again: what it has begun elsewhere is best left alone.
	ErrSuspended = errors.New("the run is suspended")
)

// machineError is that of Machines about a run that has not begun.
type machineError struct{ err error }

func (e *machineError) Error() string { return e.err.Error() }
func (e *machineError) Unwrap() error { return e.err }

// final tells that asking again would give the same.
func (e *machineError) final() bool {
	_, failed := asFailure(e.err)
	return failed || errors.Is(e.err, ErrForeign)
}

// HostOptions say where the runs of a Host are kept and what they are. Functions
// that are nil are not called; they must not block.
type HostOptions struct {
	Store    Store
	Machines Machines
	// Clock is the machine's own when nil.
	Clock Clock
	// MaxWorking is how many activities may be out at once; 0 is DefaultMaxWorking.
	MaxWorking int
	// Grace is how long Close waits for activities that cannot be done again; 0 is
	// DefaultGrace.
	Grace time.Duration
	// CheckpointEvery is as in Options.
	CheckpointEvery int64
	// Observer gives who watches a run.
	Observer func(r store.Run) Observer
	// InDoubt decides as Person.InDoubt does, for any run.
	InDoubt func(ctx context.Context, r store.Run, doubts []Doubt) map[flow.ID]Decision
	// Ended is told of each run that has ended when that is durable.
	Ended func(r store.Run, res Result)
	// Trouble is told when the store failed. The runs concerned rest, and are taken up
	// again after a while.
	Trouble func(err error)
}

// DefaultMaxWorking bounds the activities of a Host that are out at once: many of
// them only wait for somebody else.
const DefaultMaxWorking = 10_000

const (
	// recoverAtOnce is how many runs are read at a time by Recover.
	recoverAtOnce = 8
	// pollAll is how often a Host looks for messages from other processes.
	pollAll = time.Second
	// retryAfter is when a run is taken up again after the store has failed.
	retryAfter = 5 * time.Second
	// cutGrace is how long Close waits for activities that were cut off.
	cutGrace = 5 * time.Second
	// minSteppers is how many machines can be driven at a time at least.
	minSteppers = 4
)

// Host carries out many runs of one store in one process. A run that waits costs
// memory and nothing else: it has no goroutine, one heap holds the timers of all,
// and one query looks for messages to all. A run is carried out by at most one Host
// at a time, which is for its callers to see to. Safe for concurrent use.
type Host struct {
	opts   HostOptions
	fault  *fault
	places *places

	mu        sync.Mutex
	residents map[store.RunID]*resident
	// queue holds those whose turn it is to be driven; ready is told of each.
	queue []*resident
	ready sync.Cond
	// restless counts those that do more than wait; quiet is called when none does.
	restless int
	quiet    func()
	watch
	life
}

// watch is what the goroutine needs that looks at the clock.
type watch struct {
	alarms alarmHeap
	nudge  chan struct{}
	// seen is the number of the latest message.
	seen         int64
	pollFailures int // in a row
}

// life is where a Host is between its first run and its end.
type life struct {
	started bool
	closing bool
	// empty is closed when it is closing and has no runs any more.
	empty chan struct{}
	once  sync.Once
	// staff are the goroutines of the Host itself.
	staff sync.WaitGroup
}

// NewHost gives a Host without runs.
func NewHost(opts HostOptions) (*Host, error) {
	f, err := faultFromEnvironment()
	if err != nil {
		return nil, err
	}
	return newHost(opts, f), nil
}

func newHost(opts HostOptions, f *fault) *Host {
	if opts.Clock == nil {
		opts.Clock = wallClock{}
	}
	if opts.Grace == 0 {
		opts.Grace = DefaultGrace
	}
	if opts.MaxWorking == 0 {
		opts.MaxWorking = DefaultMaxWorking
	}
	h := &Host{opts: opts, fault: f, places: &places{free: opts.MaxWorking}, residents: map[store.RunID]*resident{},
		watch: watch{nudge: make(chan struct{}, 1)}, life: life{empty: make(chan struct{})}}
	h.ready.L = &h.mu
	return h
}

// Start begins a run and returns when that is durable, with all that follows from
// its start at once: its end, if it has one. The store's *store.ExistsError tells
// that there is a run of this name. The run's Input is what the machine is started
// with; its Created and Status are set here.
func (h *Host) Start(ctx context.Context, r store.Run) (store.RunID, error) {
	res, err := h.begin(ctx, r, nil)
	if err != nil {
		return 0, err
	}
	return res.run.ID, nil
}

// Signal gives a run's machine a signal and returns when that is durable. A run
// that is open but not carried out here gets it by the mailbox. Errors: ErrEnded,
// store.ErrNotFound.
func (h *Host) Signal(ctx context.Context, run store.RunID, s flow.Signaled) error {
	return h.tell(ctx, run, s, s)
}

// Cancel asks a run to stop in order, as Signal does.
func (h *Host) Cancel(ctx context.Context, run store.RunID, reason string) error {
	return h.tell(ctx, run, flow.CancelRequested{Reason: reason}, cancelSignal(reason))
}

func (h *Host) tell(ctx context.Context, run store.RunID, e flow.Event, mail flow.Signaled) error {
	h.mu.Lock()
	res := h.residents[run]
	h.mu.Unlock()
	if res == nil {
		r, err := h.opts.Store.Run(ctx, run)
		if err != nil {
			return err
		}
		if over(r.Status) {
			return fmt.Errorf("run %d: %w", run, ErrEnded)
		}
		mail.At = h.opts.Clock.Now()
		return h.opts.Store.Post(ctx, run, mail)
	}
	return h.request(ctx, res, e)
}

// request gives a resident an event, or none, and waits until that and all before it
// is durable.
func (h *Host) request(ctx context.Context, res *resident, e flow.Event) error {
	reply := make(chan error, 1)
	res.inbox.request(request{event: e, reply: reply})
	select {
	case err := <-reply:
		return err
	case <-h.empty:
		return fmt.Errorf("run %d: %w", res.run.ID, ErrClosed)
	case <-ctx.Done():
		return fmt.Errorf("run %d: tell it: %w", res.run.ID, ctx.Err())
	}
}

// Wait waits until a run has ended and gives its result. Errors: ErrClosed, also for
// a run that is open and carried out by nobody here; store.ErrNotFound.
func (h *Host) Wait(ctx context.Context, run store.RunID) (Result, error) {
	h.mu.Lock()
	res := h.residents[run]
	var wait chan Result
	if res != nil && res.over == nil {
		wait = make(chan Result, 1)
		res.waiters = append(res.waiters, wait)
	}
	h.mu.Unlock()
	if wait == nil {
		r, err := h.opts.Store.Run(ctx, run)
		if err != nil {
			return Result{}, err
		}
		if !over(r.Status) {
			return Result{Status: r.Status}, fmt.Errorf("run %d: %w", run, ErrClosed)
		}
		return resultOf(store.End{Status: r.Status, Message: r.Message, Code: r.Code, Output: r.Output}), nil
	}
	select {
	case result, ok := <-wait:
		if !ok {
			return Result{}, fmt.Errorf("run %d: %w", run, ErrClosed)
		}
		return result, nil
	case <-ctx.Done():
		return Result{}, fmt.Errorf("wait for run %d: %w", run, ctx.Err())
	}
}

// resultOf gives a result from what a run's row says.
func resultOf(end store.End) Result {
	res := Result{Status: end.Status, Output: end.Output}
	if end.Status != store.Succeeded {
		res.Output, res.Failure = nil, endOfChild(0, end).failure
	}
	return res
}

// Resume takes up an open run, also one that was stopped in order, and returns when
// that is durable; one that is on its way already is left alone. Errors: ErrEnded,
// ErrForeign, store.ErrNotFound, store.ErrCorrupt.
func (h *Host) Resume(ctx context.Context, run store.RunID) error {
	return h.reopen(ctx, run, func(s store.Status) bool { return !s.Open() }, flow.Signaled{Name: flow.SignalResume})
}

// Redrive takes up a run that has failed, or was stopped, by flow.SignalRedrive.
// Errors are those of Resume; ErrEnded is for one that has succeeded or is not over.
func (h *Host) Redrive(ctx context.Context, run store.RunID, payload []byte) error {
	return h.reopen(ctx, run, func(s store.Status) bool { return s != store.Failed && s != store.Stopped },
		flow.Signaled{Name: flow.SignalRedrive, Payload: payload})
}

func (h *Host) reopen(ctx context.Context, run store.RunID, refused func(store.Status) bool, s flow.Signaled) error {
	r, err := h.opts.Store.Run(ctx, run)
	if err != nil {
		return err
	}
	if refused(r.Status) {
		return fmt.Errorf("run %d is %s: %w", run, r.Status, ErrEnded)
	}
	res, err := h.load(ctx, *r, nil, &s)
	if err != nil {
		return err
	}
	if err := h.request(ctx, res, nil); !errors.Is(err, ErrEnded) {
		return err
	}
	return nil // it was taken up, and has ended meanwhile
}

// Recover takes up the store's open runs that this Host's Machines make and that
// nobody has leased, each once, and tells how many. Runs that were stopped in order
// stay so. Children are taken up by their parents; those whose parent has ended are
// asked to stop. What is wrong with one run does not keep the others; all of it is
// in the error.
func (h *Host) Recover(ctx context.Context) (int, error) {
	runs, err := h.recoverable(ctx)
	if err != nil {
		return 0, err
	}
	var wait sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	n := 0
	work := make(chan store.Run)
	for range recoverAtOnce {
		wait.Go(func() {
			for r := range work {
				err := h.recoverOne(ctx, r)
				mu.Lock()
				switch {
				case err == nil:
					n++
				case !errors.Is(err, ErrForeign):
					errs = append(errs, err)
				}
				mu.Unlock()
			}
		})
	}
	for _, r := range runs {
		work <- r
	}
	close(work)
	wait.Wait()
	return n, errors.Join(errs...)
}

func (h *Host) recoverOne(ctx context.Context, r store.Run) error {
	full, err := h.opts.Store.Run(ctx, r.ID)
	if err != nil {
		return err
	}
	res, err := h.load(ctx, *full, nil, nil)
	if err == nil && r.Child != 0 {
		res.cancel(fmt.Sprintf("run %d has ended", r.Parent))
	}
	return err
}

func (h *Host) recoverable(ctx context.Context) ([]store.Run, error) {
	open, err := h.opts.Store.Find(ctx, store.RunFilter{OpenOnly: true})
	if err != nil {
		return nil, err
	}
	leases, err := h.opts.Store.Held(ctx)
	if err != nil {
		return nil, err
	}
	held, isOpen := map[store.RunID]bool{}, map[store.RunID]bool{}
	for _, l := range leases {
		held[l.Run] = true
	}
	for _, r := range open {
		isOpen[r.ID] = true
	}
	var out []store.Run
	for i := len(open) - 1; i >= 0; i-- { // the oldest first
		r := open[i]
		if over(r.Status) || held[r.ID] || r.Child != 0 && isOpen[r.Parent] {
			continue
		}
		out = append(out, r)
	}
	return out, nil
}

// Stats are numbers for people who watch a Host.
type Stats struct {
	Runs    int // that are carried out
	Working int // activities that are out
	Queued  int // activities that wait for a place
}

// Stats gives the numbers of this moment.
func (h *Host) Stats() Stats {
	h.mu.Lock()
	s := Stats{Runs: len(h.residents)}
	h.mu.Unlock()
	h.places.mu.Lock()
	defer h.places.mu.Unlock()
	s.Working, s.Queued = h.opts.MaxWorking-h.places.free, len(h.places.waiting)
	return s
}

// Close lets nothing new go out and waits until all runs rest. Activities that are
// idempotent are cut off with ErrSuspended, since they are done again; others may
// finish within Grace, and are cut off then. The runs stay open in the store, and
// the next Recover goes on with them. An error means that the context ended before.
func (h *Host) Close(ctx context.Context) error {
	h.suspend(finishing)
	for _, stage := range []struct {
		grace time.Duration
		next  suspension
	}{{h.opts.Grace, cutting}, {cutGrace, abandoning}} {
		timer, stop := h.opts.Clock.Timer(stage.grace)
		select {
		case <-h.empty:
			stop()
			h.staff.Wait()
			return nil
		case <-timer:
		case <-ctx.Done():
		}
		stop()
		h.suspend(stage.next)
	}
	<-h.empty
	h.staff.Wait()
	if ctx.Err() != nil {
		return fmt.Errorf("stop all runs in order: %w", ctx.Err())
	}
	return nil
}

// stop brings all runs to rest without waiting for it; those that do not rest
// within the grace are left behind. A nil Host has none.
func (h *Host) stop(how suspension, grace time.Duration) {
	if h == nil {
		return
	}
	h.once.Do(func() {
		h.suspend(how)
		go func() {
			timer, stop := h.opts.Clock.Timer(grace)
			defer stop()
			select {
			case <-h.empty:
			case <-timer:
				h.suspend(abandoning)
			}
		}()
	})
}

// isEmpty tells that nothing is carried out any more since stop; a nil Host never
// carries anything out.
func (h *Host) isEmpty() bool {
	if h == nil {
		return true
	}
	select {
	case <-h.empty:
		return true
	default:
		return false
	}
}

// isQuiet tells that all runs do nothing but wait.
func (h *Host) isQuiet() bool {
	if h == nil {
		return true
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.restless == 0
}

// doubts are those of all runs that do nothing but wait; a nil Host has none.
func (h *Host) doubts() map[store.RunID][]Doubt {
	if h == nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	var all map[store.RunID][]Doubt
	for id, res := range h.residents {
		if !res.resting || len(res.r.left) == 0 {
			continue
		}
		if all == nil {
			all = map[store.RunID][]Doubt{}
		}
		all[id] = res.r.doubts()
	}
	return all
}

// suspend tells all runs how to come to rest.
func (h *Host) suspend(how suspension) {
	for _, res := range h.closeDoor() {
		res.inbox.suspend(how)
	}
}

// closeDoor lets no run in any more, lets those go that rest because of the store,
// and gives the others.
func (h *Host) closeDoor() []*resident {
	h.mu.Lock()
	defer h.mu.Unlock()
	first := !h.closing
	h.closing = true
	all := slices.Collect(maps.Values(h.residents))
	if first && len(all) == 0 {
		h.lastGone()
	}
	return slices.DeleteFunc(all, func(res *resident) bool {
		if res.phase == halted {
			h.remove(res)
		}
		return res.phase == away
	})
}

// lastGone is called once, when no run is left of a Host that is closing.
func (h *Host) lastGone() {
	close(h.empty)
	h.ready.Broadcast()
	if h.quiet != nil {
		go h.quiet()
	}
}
