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

// runner drives one machine. All of it belongs to one goroutine at a time; others
// reach it through the inbox.
type runner struct {
	opts  Options
	asked flow.Outstanding
	time  journalTime
	past
	commit committer
	inbox  *inbox
	outside
	timers timerList
	work
	family
	// halted is why nothing goes out any more, when the store or the lease failed.
	halted error
	ending
}

// outside is what a run does about others that use the store; one in a Host leaves
// that to it.
type outside struct {
	lease   leaseKeeper
	mailbox mailbox
}

// work is what is out, or about to be.
type work struct {
	// running are the activities that a worker has.
	running map[flow.ID]flight
	// queued wait for a place among those of all runs of a Host.
	queued map[flow.ID]flow.Do
	places *places
	held   int // places that this run has
	// rest is closed when the run comes to rest; made with the first activity.
	rest chan struct{}
	// makeWorker is asked when the worker is first needed: most runs that only wait
	// never need one.
	makeWorker func() Worker
}

func (r *runner) worker() Worker {
	if r.opts.Worker == nil {
		r.opts.Worker = r.makeWorker()
	}
	return r.opts.Worker
}

// flight is an activity that a worker has: how to cut it off, and whether it has a
// place.
type flight struct {
	cut    context.CancelCauseFunc
	placed bool
}

// past is what the journal said about earlier processes, and what this one added.
type past struct {
	begun  bool
	sent   map[flow.ID]bool
	parked map[flow.ID]bool
	left   map[flow.ID]Doubt
	// checkpoint is the index of the entry behind which the latest one stands.
	checkpoint int64
}

// ending is what the loop remembers of the ways in which a run may come to rest.
type ending struct {
	// woken holds a token while there may be mail; nil in a Host.
	woken   <-chan struct{}
	cancel  <-chan struct{}
	aborted bool
	told    bool // that the run is waiting
	// hosted is set for a run in a Host, which does not stop its machine when
	// something in the world fails, but takes it up again.
	hosted    bool
	suspended suspension
	// ended is called when the machine's end is durable; nil for nobody.
	ended func(end flow.Command)
	// noted is the end that the journal has written to the run's row.
	noted *store.End
}

func newRunner(opts Options, f *fault, in *inbox) (*runner, error) {
	if opts.Clock == nil {
		opts.Clock = wallClock{}
	}
	if opts.Grace == 0 {
		opts.Grace = DefaultGrace
	}
	if opts.CheckpointEvery == 0 {
		opts.CheckpointEvery = DefaultCheckpointEvery
	}
	if opts.Seed == 0 {
		var b [8]byte
		if _, err := rand.Read(b[:]); err != nil {
			return nil, fmt.Errorf("take a random seed: %w", err)
		}
		opts.Seed = int64(binary.LittleEndian.Uint64(b[:]))
	}
	r := &runner{
		opts:   opts,
		time:   journalTime{clock: opts.Clock},
		commit: committer{journal: opts.Store, run: opts.RunID, inbox: in, fault: f},
		inbox:  in,
		outside: outside{lease: leaseKeeper{leases: opts.Store, clock: opts.Clock},
			mailbox: mailbox{box: opts.Store, run: opts.RunID, clock: opts.Clock}},
		ending: ending{cancel: opts.Person.Cancel},
	}
	if opts.Lease != nil {
		l := *opts.Lease
		l.Run = opts.RunID
		r.lease.lease = &l
	}
	return r, nil
}

// note puts something into a map that most runs do without.
func note[T any](m *map[flow.ID]T, id flow.ID, v T) {
	if *m == nil {
		*m = map[flow.ID]T{}
	}
	(*m)[id] = v
}

// take gives the machine an event, puts it on its way to the journal, and carries
// out what the machine says. Entry holds what else goes into the transaction. An
// answer that nobody waits for is dropped: take reports false.
func (r *runner) take(ctx context.Context, e flow.Event, entry store.Entry) bool {
	again, over := r.comesAgain(e), r.asked.End() != nil
	if !r.asked.Took(e) {
		return false
	}
	r.told = false
	b := &r.commit.next
	b.telling = b.telling || !again
	entry.Event = e
	if over && r.asked.End() == nil {
		entry.End, b.end = &store.End{Status: store.Running}, nil
	}
	r.answered(e)
	commands := r.opts.Machine.Handle(e)
	r.asked.Gave(commands)
	for _, c := range commands {
		if end, ok := endOf(c); ok {
			entry.End, b.end = &end, c
		}
	}
	if entry.End != nil {
		r.noted = entry.End
	}
	r.journal(entry)
	for _, c := range commands {
		r.carryOut(ctx, c)
	}
	return true
}

// answered forgets what was of interest about an activity only until its answer.
func (p *past) answered(e flow.Event) {
	var id flow.ID
	switch e := e.(type) {
	case flow.ActivityDone:
		id = e.ID
	case flow.ActivityFailed:
		id = e.ID
	default:
		return
	}
	delete(p.sent, id)
	delete(p.parked, id)
	delete(p.left, id)
}

// endOf gives what a run's row says of its machine's end.
func endOf(c flow.Command) (store.End, bool) {
	switch c := c.(type) {
	case flow.Complete:
		return store.End{Status: store.Succeeded, Output: c.Output}, true
	case flow.Fail:
		status := store.Failed
		if c.Failure.Kind == flow.Cancelled {
			status = store.Stopped
		}
		return store.End{Status: status, Message: c.Failure.Message, Code: c.Failure.Code}, true
	}
	return store.End{}, false
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
		r.do(ctx, c)
	case flow.CancelActivity:
		r.callOff(c.ID)
	case flow.SetTimer:
		r.timers.add(c, &r.asked)
	case flow.StartChild:
		r.commit.next.children = append(r.commit.next.children, c)
	case flow.CancelChild:
		r.cancelChild(c)
	case flow.Record:
		at := r.time.last
		r.journal(store.Entry{Note: c.Text, NoteAt: at})
		r.tell(func() {
			if f := r.opts.Observer.Record; f != nil {
				f(c.Text, at)
			}
		})
	case flow.CancelTimer, flow.Complete, flow.Fail:
		// The list of what is outstanding knows.
	default:
		panic(fmt.Sprintf("local: a command of unknown type %T", c))
	}
}

// do has an activity carried out as soon as there is a place for it. Nothing goes
// out while the run comes to rest: what is asked for stays outstanding and unsent,
// and the resumed run sends it.
func (r *runner) do(ctx context.Context, d flow.Do) {
	if r.halted != nil || r.suspended != 0 {
		return
	}
	if !r.places.take(r.inbox, d) {
		note(&r.queued, d.ID, d)
		return
	}
	r.launch(ctx, d)
}

// admitted takes the place that an activity has waited for.
func (r *runner) admitted(ctx context.Context, d flow.Do) {
	_, wanted := r.queued[d.ID]
	delete(r.queued, d.ID)
	if !wanted || r.halted != nil || r.suspended != 0 {
		r.places.give(1)
		return
	}
	r.launch(ctx, d)
}

// launch puts an activity that has a place on its way.
func (r *runner) launch(ctx context.Context, d flow.Do) {
	r.held++
	switch {
	case d.Idempotent && r.commit.telling():
		r.commit.next.dos = append(r.commit.next.dos, d)
	case d.Idempotent:
		r.start(ctx, d)
	default:
		r.send(d)
	}
}

// send puts an activity that is not idempotent on its way: it goes out when that
// it does is durable.
func (r *runner) send(d flow.Do) {
	note(&r.sent, d.ID, true)
	r.journal(store.Entry{Sent: d.ID})
	r.commit.next.dos = append(r.commit.next.dos, d)
}

// callOff asks an activity to stop, wherever it is.
func (r *runner) callOff(id flow.ID) {
	if f, ok := r.running[id]; ok {
		f.cut(context.Canceled)
		return
	}
	if d, ok := r.queued[id]; ok {
		delete(r.queued, id)
		r.notStarted(d, false, "it was cancelled before it began")
		return
	}
	if d, ok := r.commit.withdraw(id); ok {
		r.notStarted(d, true, "it was cancelled before it began")
	}
}

// start hands an activity to the worker. When the run is being cut off it is
// answered here: nothing has begun. In a Host it then stays outstanding.
func (r *runner) start(ctx context.Context, d flow.Do) {
	if _, twice := r.running[d.ID]; twice {
		panic(fmt.Sprintf("local: invariant broken: activity #%d goes out twice", d.ID))
	}
	if r.hosted && (r.halted != nil || r.suspended > finishing || r.suspended == finishing && d.Idempotent) {
		return
	}
	if ctx.Err() != nil || r.halted != nil {
		r.notStarted(d, true, "the run stopped before it began")
		return
	}
	if f := r.opts.Observer.Sent; f != nil {
		f(d, r.time.now())
	}
	log := func(string) {}
	if f := r.opts.Observer.Log; f != nil {
		log = func(line string) { f(d.ID, line) }
	}
	if r.hosted {
		ctx = context.WithValue(ctx, restKey{}, r.resting())
	}
	ctx, cut := context.WithCancelCause(ctx)
	note(&r.running, d.ID, flight{cut: cut, placed: true})
	worker := r.worker()
	go func() {
		out, err := worker.Do(ctx, d, log)
		r.inbox.answer(answer{do: d, out: out, err: cutOff(ctx, err)})
	}()
}

// restKey is where the context of an activity has its run's rest.
type restKey struct{}

// Resting is closed when the run of an activity in a Host comes to rest, before the
// activity is cut off: what has not begun yet had better not, and answer with
// flow.CodeNotStarted. It is nil for what belongs to no such run.
func Resting(ctx context.Context) <-chan struct{} {
	rest, _ := ctx.Value(restKey{}).(chan struct{})
	return rest
}

func (r *runner) resting() chan struct{} {
	if r.rest == nil {
		if r.rest = make(chan struct{}); r.suspended != 0 {
			close(r.rest)
		}
	}
	return r.rest
}

// notStarted answers an activity in the worker's place.
func (r *runner) notStarted(d flow.Do, placed bool, why string) {
	note(&r.running, d.ID, flight{cut: func(error) {}, placed: placed})
	r.inbox.answer(answer{do: d, err: flow.Failure{Kind: flow.Cancelled, Code: flow.CodeNotStarted, Message: why}})
}

// landedBack takes an activity off the list of what is out.
func (r *runner) landedBack(id flow.ID) {
	f, ok := r.running[id]
	if !ok {
		return
	}
	f.cut(nil)
	delete(r.running, id)
	if f.placed {
		r.held--
		r.places.give(1)
	}
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
	r.landedBack(a.do.ID)
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
		if f.Kind == flow.Cancelled && r.putOff(ctx, a, f) {
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

// putOff keeps an activity outstanding that was cut off because the run comes to
// rest, and not because its machine wished so. It reports false when the answer is
// to be taken as it is.
func (r *runner) putOff(ctx context.Context, a answer, f flow.Failure) bool {
	if r.suspended != 0 && a.do.Idempotent && len(a.out.Writes) == 0 && !r.asked.Cancelled(a.do.ID) {
		return true
	}
	return (ctx.Err() != nil || r.suspended != 0) && r.cutShort(a, f)
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
	note(&r.left, a.do.ID, Doubt{Do: a.do, Why: f})
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

// halt lets nothing out any more because the store or the lease failed. The
// machine of a run in a Host is not told: it goes on when the store can be written
// again.
func (r *runner) halt(ctx context.Context, err error) {
	if r.halted != nil {
		return
	}
	r.halted = err
	if r.hosted {
		r.suspend(finishing)
		return
	}
	r.nursery.stop(cutting, r.opts.Grace)
	r.requestCancel(ctx, err.Error())
}

// suspend brings the run to rest. Its machine is not told.
func (r *runner) suspend(how suspension) {
	if how <= r.suspended {
		return
	}
	if r.suspended == 0 && r.rest != nil {
		close(r.rest)
	}
	r.suspended = how
	clear(r.queued)
	if how == abandoning {
		r.abandon(r.opts.Grace)
		return
	}
	for id, f := range r.running {
		if d, ok := r.asked.Activity(id); how == cutting || ok && d.Idempotent {
			f.cut(ErrSuspended)
		}
	}
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
			note(&r.left, d.ID, Doubt{Do: d, Why: why})
		}
		r.journal(store.Entry{Note: fmt.Sprintf("#%d was given up: %v", d.ID, why), NoteAt: r.time.now()})
	}
	clear(r.running)
}
