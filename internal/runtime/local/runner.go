package local

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tutti/internal/flow"
	"tutti/internal/store"
)

// runner drives one machine. All of it belongs to one goroutine; others reach it
// through the inbox.
type runner struct {
	opts  Options
	asked flow.Outstanding
	time  journalTime
	past
	commit  committer
	inbox   *inbox
	lease   leaseKeeper
	mailbox mailbox
	timers  timerList
	// running are the activities that a worker has, with how to cut them off.
	running map[flow.ID]context.CancelFunc
	// halted is why nothing goes out any more, when the store or the lease failed.
	halted error
	ending
}

// past is what the journal said about earlier processes.
type past struct {
	begun  bool
	sent   map[flow.ID]bool
	parked map[flow.ID]bool
	left   map[flow.ID]Doubt
}

// ending is what the loop remembers of the ways in which a run may come to rest.
type ending struct {
	cancel  <-chan struct{}
	aborted bool
	told    bool // that the run is waiting
}

func newRunner(opts Options) (*runner, error) {
	fault, err := faultFromEnvironment()
	if err != nil {
		return nil, err
	}
	if opts.Clock == nil {
		opts.Clock = wallClock{}
	}
	if opts.Grace == 0 {
		opts.Grace = DefaultGrace
	}
	if opts.Seed == 0 {
		var b [8]byte
		if _, err := rand.Read(b[:]); err != nil {
			return nil, fmt.Errorf("take a random seed: %w", err)
		}
		opts.Seed = int64(binary.LittleEndian.Uint64(b[:]))
	}
	in := newInbox()
	r := &runner{
		opts:    opts,
		time:    journalTime{clock: opts.Clock},
		past:    past{sent: map[flow.ID]bool{}, parked: map[flow.ID]bool{}, left: map[flow.ID]Doubt{}},
		commit:  committer{journal: opts.Store, run: opts.RunID, inbox: in, fault: fault},
		inbox:   in,
		lease:   leaseKeeper{leases: opts.Store, clock: opts.Clock},
		mailbox: mailbox{box: opts.Store, run: opts.RunID, clock: opts.Clock},
		running: map[flow.ID]context.CancelFunc{},
		ending:  ending{cancel: opts.Person.Cancel},
	}
	if opts.Lease != nil {
		l := *opts.Lease
		l.Run = opts.RunID
		r.lease.lease = &l
	}
	return r, nil
}

// take gives the machine an event, puts it on its way to the journal, and carries
// out what the machine says. Entry holds what else goes into the transaction. An
// answer that nobody waits for is dropped: take reports false.
func (r *runner) take(ctx context.Context, e flow.Event, entry store.Entry) bool {
	again := r.comesAgain(e)
	if !r.asked.Took(e) {
		return false
	}
	r.told = false
	r.commit.next.telling = r.commit.next.telling || !again
	entry.Event = e
	r.journal(entry)
	commands := r.opts.Machine.Handle(e)
	r.asked.Gave(commands)
	for _, c := range commands {
		r.carryOut(ctx, c)
	}
	return true
}

// comesAgain tells that an event, were it lost in a crash, would come about again
// by itself: the success of an idempotent activity. A failure need not, for the
// reason may be gone; nor what people and timers say.
func (r *runner) comesAgain(e flow.Event) bool {
	done, ok := e.(flow.ActivityDone)
	if !ok {
		return false
	}
	d, ok := r.asked.Activity(done.ID)
	return ok && d.Idempotent
}

func (r *runner) journal(e store.Entry) { r.commit.next.entries = append(r.commit.next.entries, e) }

func (r *runner) tell(f func()) { r.commit.next.tell = append(r.commit.next.tell, f) }

func (r *runner) carryOut(ctx context.Context, c flow.Command) {
	switch c := c.(type) {
	case flow.Do:
		switch {
		case r.halted != nil:
			// It stays outstanding and unsent: the resumed run sends it.
		case c.Idempotent && r.commit.telling():
			r.commit.next.dos = append(r.commit.next.dos, c)
		case c.Idempotent:
			r.start(ctx, c)
		default:
			r.send(c)
		}
	case flow.CancelActivity:
		if cut, ok := r.running[c.ID]; ok {
			cut()
		} else if d, ok := r.commit.withdraw(c.ID); ok {
			r.notStarted(d, "it was cancelled before it began")
		}
	case flow.SetTimer:
		r.timers.add(c)
	case flow.StartChild:
		r.inbox.child(c)
	case flow.Record:
		at := r.time.last
		r.journal(store.Entry{Note: c.Text, NoteAt: at})
		if f := r.opts.Observer.Record; f != nil {
			r.tell(func() { f(c.Text, at) })
		}
	case flow.CancelTimer, flow.CancelChild, flow.Complete, flow.Fail:
		// The list of what is outstanding knows.
	default:
		panic(fmt.Sprintf("local: a command of unknown type %T", c))
	}
}

// send puts an activity that is not idempotent on its way: it goes out when that
// it does is durable.
func (r *runner) send(d flow.Do) {
	r.journal(store.Entry{Sent: d.ID})
	r.commit.next.dos = append(r.commit.next.dos, d)
}

// start hands an activity to the worker. When the run is being cut off it is
// answered here: nothing has begun.
func (r *runner) start(ctx context.Context, d flow.Do) {
	if _, twice := r.running[d.ID]; twice {
		panic(fmt.Sprintf("local: invariant broken: activity #%d goes out twice", d.ID))
	}
	if ctx.Err() != nil || r.halted != nil {
		r.notStarted(d, "the run stopped before it began")
		return
	}
	if f := r.opts.Observer.Sent; f != nil {
		f(d, r.time.now())
	}
	log := func(string) {}
	if f := r.opts.Observer.Log; f != nil {
		log = func(line string) { f(d.ID, line) }
	}
	ctx, cut := context.WithCancel(ctx)
	r.running[d.ID] = cut
	go func() {
		out, err := r.opts.Worker.Do(ctx, d, log)
		r.inbox.answer(answer{do: d, out: out, err: cutOff(ctx, err)})
	}()
}

// notStarted answers an activity in the worker's place.
func (r *runner) notStarted(d flow.Do, why string) {
	r.running[d.ID] = func() {}
	r.inbox.answer(answer{do: d, err: flow.Failure{Kind: flow.Cancelled, Code: flow.CodeNotStarted, Message: why}})
}

// cutOff gives an error that comes of the end of the context as what it is.
func cutOff(ctx context.Context, err error) error {
	if _, known := asFailure(err); err == nil || known || ctx.Err() == nil {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return flow.Failure{Kind: flow.Cancelled, Message: err.Error()}
	}
	return err
}

// takeAnswer takes what a worker said of an activity.
func (r *runner) takeAnswer(ctx context.Context, a answer) {
	if cut, ok := r.running[a.do.ID]; ok {
		cut()
		delete(r.running, a.do.ID)
	}
	at := r.time.now()
	if a.err == nil && len(a.out.Output) > 0 && !json.Valid(a.out.Output) {
		a.err = flow.Failure{Kind: flow.Terminal, Code: CodeInvalidOutput, Message: "what it gave back is not JSON"}
	}
	entry := store.Entry{Writes: a.out.Writes}
	if a.err != nil {
		f := failureOf(a.err)
		if r.doubtful(ctx, a) {
			return
		}
		if ctx.Err() != nil && f.Kind == flow.Cancelled && r.cutShort(a, f) {
			return
		}
		if r.take(ctx, flow.ActivityFailed{At: at, ID: a.do.ID, Failure: f}, entry) && r.opts.Observer.Failed != nil {
			r.tell(func() { r.opts.Observer.Failed(a.do, at, f) })
		}
		return
	}
	if r.take(ctx, flow.ActivityDone{At: at, ID: a.do.ID, Output: a.out.Output}, entry) && r.opts.Observer.Done != nil {
		r.tell(func() { r.opts.Observer.Done(a.do, at, a.out.Output) })
	}
}

// doubtful keeps an activity outstanding of which its worker cannot tell how far it
// got. It reports false when the answer is to be taken as it is.
func (r *runner) doubtful(ctx context.Context, a answer) bool {
	var doubt *DoubtError
	if !errors.As(a.err, &doubt) || a.do.Idempotent {
		return false
	}
	if _, ok := r.asked.Activity(a.do.ID); !ok {
		return false
	}
	r.journal(store.Entry{Note: fmt.Sprintf("#%d is in doubt: %s", a.do.ID, doubt.Err), NoteAt: r.time.now()})
	r.leave(ctx, Doubt{Do: a.do, Why: doubt.Err})
	return true
}

// cutShort keeps what the end of the context cut off in the middle outstanding,
// where nobody can say how far it got: the run that is resumed settles it, as
// after a crash. It reports false where the answer says enough.
func (r *runner) cutShort(a answer, f flow.Failure) bool {
	if a.do.Idempotent || f.Code == flow.CodeNotStarted || len(a.out.Writes) > 0 {
		return false
	}
	if _, ok := r.asked.Activity(a.do.ID); !ok {
		return false
	}
	r.left[a.do.ID] = Doubt{Do: a.do, Why: f}
	r.journal(store.Entry{Note: fmt.Sprintf("#%d was cut off: %s", a.do.ID, f.Message), NoteAt: r.time.now()})
	return true
}

func failureOf(err error) flow.Failure {
	if f, ok := asFailure(err); ok {
		return f
	}
	return flow.Failure{Kind: flow.Terminal, Message: err.Error()}
}

// asFailure finds a failure in an error, by value or by pointer.
func asFailure(err error) (flow.Failure, bool) {
	var p *flow.Failure
	if errors.As(err, &p) && p != nil && p.Kind != 0 {
		return *p, true
	}
	var f flow.Failure
	ok := errors.As(err, &f) && f.Kind != 0
	return f, ok
}

// halt lets nothing out any more because the store or the lease failed.
func (r *runner) halt(ctx context.Context, err error) {
	if r.halted != nil {
		return
	}
	r.halted = err
	r.requestCancel(ctx, err.Error())
}

// requestCancel asks the machine to end in order.
func (r *runner) requestCancel(ctx context.Context, reason string) {
	if r.asked.End() == nil {
		r.take(ctx, flow.CancelRequested{At: r.time.now(), Reason: reason}, store.Entry{})
	}
}

// abandon gives up on activities that did not return in time after the run was
// cut off. They stay outstanding: what is not idempotent is in doubt, and settled
// when the run is resumed.
func (r *runner) abandon(grace time.Duration) {
	for _, d := range r.asked.Activities() {
		if _, ok := r.running[d.ID]; !ok {
			continue
		}
		why := fmt.Errorf("it did not stop within %s of being told to", grace)
		if !d.Idempotent {
			r.left[d.ID] = Doubt{Do: d, Why: why}
		}
		r.journal(store.Entry{Note: fmt.Sprintf("#%d was given up: %v", d.ID, why), NoteAt: r.time.now()})
	}
	clear(r.running)
}
