package local

import (
	"context"
	"errors"
	"fmt"

	"tutti/internal/flow"
	"tutti/internal/store"
)

func (h *Host) newResident(run store.Run, parent *cradle) *resident {
	res := &resident{host: h, run: run, parent: parent, place: -1}
	res.run.Plan, res.run.Input, res.run.Output = nil, nil, nil
	res.inbox = &inbox{wake: func() { h.wake(res) }}
	return res
}

// newRunner gives a resident a runner that has not begun.
func (h *Host) newRunner(ctx context.Context, res *resident, run store.Run) (*runner, error) {
	m, err := h.opts.Machines.Machine(ctx, run)
	if err != nil {
		return nil, &machineError{err}
	}
	opts := Options{Machine: m, Store: h.opts.Store, RunID: run.ID, Input: run.Input, Resume: true, Clock: h.opts.Clock, Grace: h.opts.Grace,
		CheckpointEvery: h.opts.CheckpointEvery}
	if h.opts.InDoubt != nil {
		opts.Person.InDoubt = func(ctx context.Context, doubts []Doubt) map[flow.ID]Decision {
			return h.opts.InDoubt(ctx, res.run, doubts)
		}
	}
	r, err := newRunner(opts, h.fault, res.inbox)
	if err != nil {
		return nil, err
	}
	r.places, r.nursery, r.hosted = h.places, h, true
	r.makeWorker = func() Worker { return h.opts.Machines.Worker(res.run) }
	r.ended = func(end flow.Command) { h.ended(res, end) }
	res.r = r
	return r, nil
}

// known tells a runner of its run, when that has its number.
func (res *resident) known() {
	h, r := res.host, res.r
	r.opts.RunID, r.commit.run, r.mailbox.run = res.run.ID, res.run.ID, res.run.ID
	if h.opts.Observer != nil {
		r.opts.Observer = h.opts.Observer(res.run)
	}
}

// begin begins a run: what its machine says to its start is in the transaction that
// makes it.
func (h *Host) begin(ctx context.Context, run store.Run, parent *cradle) (*resident, error) {
	if err := h.open(); err != nil {
		return nil, err
	}
	res := h.newResident(run, parent)
	r, err := h.newRunner(ctx, res, run)
	if err != nil {
		return nil, err
	}
	at := r.time.now()
	r.begun = true
	r.take(ctx, flow.Started{At: at, Input: run.Input, Seed: r.opts.Seed}, store.Entry{})
	b := r.commit.launch()
	run.Created, run.Status = at, store.Running
	err = h.fault.around(func() error {
		var err error
		run.ID, err = h.opts.Store.Begin(ctx, run, b.entries)
		return err
	})
	if err != nil {
		h.mu.Lock()
		h.leave(res)
		h.mu.Unlock()
		return nil, err
	}
	res.run.ID, res.run.Created, res.run.Status = run.ID, run.Created, run.Status
	res.known()
	if b.end != nil && len(b.dos)+len(b.children)+len(r.queued) == 0 {
		b.landed()
		res.parent = nil // who has asked for it is told at once
		h.ended(res, b.end)
		return res, nil
	}
	h.mu.Lock()
	if h.closing {
		h.leave(res) // the next process takes it up
		h.mu.Unlock()
		return res, nil
	}
	h.admit(res)
	res.phase = idle
	h.mu.Unlock()
	res.inbox.commit(nil)
	return res, nil
}

func (h *Host) open() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing {
		return ErrClosed
	}
	return nil
}

// admit makes a run one of the Host's. The lock is held.
func (h *Host) admit(res *resident) {
	h.residents[res.run.ID] = res
	h.restless++
	h.start()
	if len(h.residents) == 1 {
		h.nudgeWatch()
	}
}

// load takes up a run from its journal, unless it is here already. The signal, when
// there is one, is given to a machine that has come to an end.
func (h *Host) load(ctx context.Context, run store.Run, parent *cradle, signal *flow.Signaled) (*resident, error) {
	h.mu.Lock()
	for res := h.residents[run.ID]; res != nil && res.over != nil; res = h.residents[run.ID] {
		// It has ended and only clears up.
		if res.departed == nil {
			res.departed = make(chan struct{})
		}
		departed := res.departed
		h.mu.Unlock()
		select {
		case <-departed:
		case <-ctx.Done():
			return nil, fmt.Errorf("take up run %d: %w", run.ID, ctx.Err())
		}
		h.mu.Lock()
	}
	if h.closing {
		h.mu.Unlock()
		return nil, ErrClosed
	}
	if res, here := h.residents[run.ID]; here {
		if parent != nil {
			res.parent = parent
		}
		h.mu.Unlock()
		return res, nil
	}
	res := h.newResident(run, parent)
	h.admit(res)
	h.mu.Unlock()
	if err := h.bringBack(ctx, res, run, signal); err != nil {
		h.mu.Lock()
		h.remove(res)
		h.mu.Unlock()
		return nil, err
	}
	return res, nil
}

// bringBack replays a resident's journal and has it go on.
func (h *Host) bringBack(ctx context.Context, res *resident, run store.Run, signal *flow.Signaled) error {
	r, err := h.newRunner(ctx, res, run)
	if err != nil {
		return err
	}
	res.known()
	if err := r.replay(ctx); err != nil {
		return err
	}
	if err := r.takeUpHosted(ctx, run, signal); err != nil {
		return err
	}
	messages, err := h.opts.Store.Posted(ctx, run.ID)
	if err != nil {
		return err
	}
	h.mu.Lock()
	res.phase = idle
	unwanted := res.unwanted
	h.mu.Unlock()
	if unwanted != "" {
		res.inbox.request(request{event: flow.CancelRequested{Reason: unwanted}})
	}
	res.inbox.poll(poll{messages: messages})
	return nil
}

// takeUpHosted begins the machine of a run that has no journal, or goes on with it.
func (r *runner) takeUpHosted(ctx context.Context, run store.Run, signal *flow.Signaled) error {
	over := r.asked.End() != nil
	switch {
	case over && signal == nil:
		// Its end got into the journal when it was offered for the second time.
		r.takeUpOrphans(ctx)
		r.ended(r.asked.End())
		return nil
	case !over:
		signal = nil
		if run.Status != store.Running {
			if err := r.opts.Store.SetStatus(ctx, run.ID, store.Running, ""); err != nil {
				return err
			}
		}
	}
	return r.takeUp(ctx, signal)
}

// giveUp lets go of a runner whose store has failed, and has the run taken up again
// later. What its activities answered is offered to the journal once more.
func (h *Host) giveUp(res *resident) {
	err := res.r.commit.close(context.Background())
	h.trouble(res.r.halted)
	if err != nil && !errors.Is(err, res.r.halted) {
		h.trouble(err)
	}
	h.rest(res)
}

// rest keeps a run that cannot be carried out now for later.
func (h *Host) rest(res *resident) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closing {
		h.remove(res)
		return
	}
	if res.r != nil {
		h.giveBack(res.r)
	}
	res.phase = halted
	h.setAlarmAt(res, h.opts.Clock.Now().Add(retryAfter))
}

// reload takes up a run again whose store had failed.
func (h *Host) reload(res *resident) {
	ctx := context.Background()
	run, err := h.opts.Store.Run(ctx, res.run.ID)
	if err == nil {
		err = h.bringBack(ctx, res, *run, nil)
	}
	if err != nil {
		h.trouble(fmt.Errorf("take up run %d again: %w", res.run.ID, err))
		h.rest(res)
	}
}
