package engine

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"tutti/internal/activity"
	"tutti/internal/addr"
	"tutti/internal/apply"
	"tutti/internal/diag"
	"tutti/internal/flow"
	"tutti/internal/object"
	"tutti/internal/planfile"
	"tutti/internal/runtime/local"
	"tutti/internal/secret"
	"tutti/internal/stack"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/store"
	"tutti/internal/task"
	"tutti/internal/terraform/config"
)

// RunOptions say how a plan is carried out.
type RunOptions struct {
	// Parallelism is how many actions are under way at once; 0 is the default.
	Parallelism int
	// Person is what whoever started the run may say while it lasts.
	Person local.Person
	// ChildInDoubt decides about calls of a workflow's execution that were cut off; nil
	// leaves them.
	ChildInDoubt func(ctx context.Context, r store.Run, doubts []local.Doubt) map[flow.ID]local.Decision
	// Watch is told what happens; its fields may be nil.
	Watch Watch
	// LockTimeout is how long to wait for addresses that another run holds.
	LockTimeout time.Duration
	// Parent is the run that this one continues; 0 for none.
	Parent store.RunID
}

// Watch is told what happens in a run. It must not block.
type Watch struct {
	// Begun comes first, with the run's number and its plan.
	Begun   func(run store.RunID, plan *object.Plan)
	Started func(a *object.Action, at time.Time)
	Log     func(a *object.Action, line string)
	Done    func(a *object.Action, at time.Time, output json.RawMessage)
	// Failed has the full diagnostics, where this process made them.
	Failed func(a *object.Action, at time.Time, f flow.Failure, d diag.List)
	// Waiting comes when only people or timers can bring the run on.
	Waiting func(approvals []addr.Instance, timers []flow.SetTimer)
	// Locked comes while another run holds what this one wants.
	Locked func(*store.HeldError)
}

// Finished is how carrying a plan out ended.
type Finished struct {
	Run    store.RunID
	Status store.Status
	Plan   *object.Plan
	Report apply.Report
	// InDoubt are the addresses whose outcome cannot be told, with what was asked.
	InDoubt []Doubt
	// Diags are warnings and errors of the activities, in the files' order.
	Diags   diag.List
	Sources map[string][]byte
	// Deferred is set when the plan had a next phase.
	Deferred bool
}

// Doubt is an action that was cut off.
type Doubt struct {
	Addr addr.Instance
	Verb object.Verb
	Why  string
}

// Apply carries a plan out as a new run.
func (e *Engine) Apply(ctx context.Context, p *Planned, o RunOptions) (*Finished, diag.List) {
	if d := e.sameStack(ctx, p); d.HasErrors() {
		return nil, d
	}
	if _, d := e.current(ctx, p.File, 0); d.HasErrors() {
		return nil, d
	}
	body, err := planfile.Encode(p.File, e.box)
	if err != nil {
		return nil, diag.FromError("Plan cannot be stored", err)
	}
	person, host := holder()
	id, err := e.store.CreateRun(ctx, store.Run{Parent: o.Parent, Machine: "apply", Command: e.o.Command, User: person, Host: host,
		Created: e.o.Now(), Status: store.Running, Plan: body})
	if err != nil {
		return nil, storeDiag(err)
	}
	return e.carry(ctx, carrying{id: id, file: p.File, snap: p.Read, o: o})
}

// sameStack refuses a plan file that was made from another state.
func (e *Engine) sameStack(ctx context.Context, p *Planned) diag.List {
	if p.Read != nil {
		return nil // made here, by this process
	}
	snap, d := e.Snapshot(ctx)
	if d.HasErrors() || snap.Lineage == p.Lineage {
		return d
	}
	return append(d, diag.Errorf(nil, "Plan of another stack", "The plan was made for the workspace %q of another stack, or of this one before its state was replaced; this is the workspace %q. Carry it out in the folder and the workspace that it was made in, or plan again here.",
		p.Workspace, e.o.Workspace)...)
}

// carrying is one process's part in a run.
type carrying struct {
	id     store.RunID
	file   *planfile.File
	snap   *store.Snapshot
	o      RunOptions
	resume bool
	lease  *store.Lease
	// lock is the backend's.
	lock string
}

// carry carries a run out under its lease and the backend's lock.
func (e *Engine) carry(ctx context.Context, c carrying) (fin *Finished, d diag.List) {
	if d = e.begin(ctx, &c); !d.HasErrors() {
		fin, d = e.underLease(ctx, c)
	}
	if c.lock != "" {
		d = append(d, e.unlockBackend(ctx, c.lock)...)
	}
	return fin, d
}

func (e *Engine) underLease(ctx context.Context, c carrying) (*Finished, diag.List) {
	s, d := e.reopen(ctx, c.file, drivers(c.snap.Rows))
	if d.HasErrors() {
		return nil, append(d, e.abandon(ctx, c, "the stack could not be opened")...)
	}
	masker := &secret.Masker{}
	worker := activity.New(activity.Options{Root: s, Orphans: s, Approvals: task.Approvals{}, Plan: c.file.Plan, Rows: c.snap.Rows, Masker: masker,
		Children: &children{engine: e, run: c.id}})
	machine := apply.New()
	input, err := json.Marshal(apply.Input{Actions: object.Print(c.file.Plan.Actions), Parallelism: c.o.Parallelism})
	if err != nil {
		return nil, diag.FromError("Plan cannot be stored", err)
	}
	res, err := local.Run(ctx, local.Options{Machine: machine, Store: e.store, RunID: c.id, Worker: worker, Input: input, Resume: c.resume,
		Lease: c.lease, Observer: observer(c, machine, worker), Person: c.o.Person, Children: e.Executor(), ChildObserver: childObserver(c, machine), ChildInDoubt: c.o.ChildInDoubt})
	fin := &Finished{Run: c.id, Status: res.Status, Plan: c.file.Plan, Report: machine.Report(), Sources: s.Sources(), Deferred: len(c.file.Plan.Deferred) > 0}
	if res.Status == store.Succeeded {
		fin.Diags = worker.Checks(ctx)
	}
	fin.Diags = append(fin.Diags, worker.Close(context.WithoutCancel(ctx))...)
	for _, x := range res.InDoubt {
		fin.Diags = append(fin.Diags, worker.Diags(x.Do.ID)...)
		fin.InDoubt = append(fin.InDoubt, doubt(c.file.Plan, machine, x))
	}
	fin.InDoubt = append(fin.InDoubt, e.childDoubts(ctx, c, machine, res.ChildInDoubt)...)
	var held *store.HeldError
	switch {
	case errors.As(err, &held):
		return nil, append(heldDiag(held), e.abandon(ctx, c, "another run held what it wanted")...)
	case err != nil:
		return fin, storeDiag(err)
	}
	return fin, nil
}

// begin takes the lease and then looks whether what the run was made from still
// holds: before, another run might change it between the look and the lease.
func (e *Engine) begin(ctx context.Context, c *carrying) diag.List {
	c.lease = e.lease(*c)
	if err := e.acquire(ctx, *c); err != nil {
		var held *store.HeldError
		if errors.As(err, &held) {
			return append(heldDiag(held), e.abandon(ctx, *c, "another run held what it wanted")...)
		}
		return append(storeDiag(err), e.abandon(ctx, *c, "the lease could not be taken")...)
	}
	var d diag.List
	if c.lock, d = e.lockBackend(ctx, c.id, e.o.Command, c.o.LockTimeout); d.HasErrors() {
		return append(d, e.abandon(ctx, *c, "the backend's lock could not be taken")...)
	}
	if d = e.fetch(ctx); d.HasErrors() {
		return append(d, e.abandon(ctx, *c, "the backend could not be read")...)
	}
	if c.resume {
		var run *store.Run
		if run, _, d = e.RunPlan(ctx, c.id); !d.HasErrors() {
			d = resumable(run)
		}
	} else {
		var left []unfinished
		if left, d = e.current(ctx, c.file, c.id); !d.HasErrors() {
			d = e.supersede(ctx, left, c.id)
		}
	}
	if !d.HasErrors() && c.snap == nil {
		var err error
		c.snap, err = e.store.Snapshot(ctx)
		d = append(d, storeDiag(err)...)
	}
	if d.HasErrors() {
		d = append(d, e.abandon(ctx, *c, "what it was planned from has changed")...)
	}
	return d
}

// current refuses a plan that is stale, or that would do again what an earlier run
// may have done. It gives the runs that are closed when the plan is carried out.
func (e *Engine) current(ctx context.Context, f *planfile.File, self store.RunID) ([]unfinished, diag.List) {
	if d := e.stale(ctx, f); d.HasErrors() {
		return nil, d
	}
	left, d := e.unfinished(ctx, f, self)
	return left, append(d, clear(left)...)
}

// acquire takes the lease, waiting for another run's as long as it may.
func (e *Engine) acquire(ctx context.Context, c carrying) error {
	deadline := e.o.Now().Add(c.o.LockTimeout)
	for {
		err := e.store.Acquire(ctx, *c.lease)
		var held *store.HeldError
		if !errors.As(err, &held) || !e.o.Now().Before(deadline) {
			return err
		}
		if c.o.Watch.Locked != nil {
			c.o.Watch.Locked(held)
		}
		select {
		case <-time.After(lockRetry):
		case <-c.o.Person.Cancel:
			return err
		case <-ctx.Done():
			return err
		}
	}
}

// lockRetry is how often a held lease is asked for again.
const lockRetry = 200 * time.Millisecond

// abandon gives the lease back, and closes a run that nothing was done in.
func (e *Engine) abandon(ctx context.Context, c carrying, why string) diag.List {
	ctx = context.WithoutCancel(ctx)
	d := storeDiag(e.store.Release(ctx, c.id))
	if c.resume {
		return d
	}
	return append(d, storeDiag(e.store.SetStatus(ctx, c.id, store.Abandoned, why))...)
}

func heldDiag(h *store.HeldError) diag.List {
	return diag.Errorf(nil, "Another run holds the lock", "%s.\n\nWait until it has ended (-lock-timeout=5m waits for you), or, when it is certain that nobody carries it out any more, free it with \"tutti unlock %d\".", h.Error(), h.Holder.Run)
}

func (e *Engine) lease(c carrying) *store.Lease {
	person, host := holder()
	l := &store.Lease{Run: c.id, Holder: person + "@" + host + ", " + pid(), Reason: e.o.Command, Since: e.o.Now()}
	seen := map[addr.Object]bool{}
	for i := range c.file.Plan.Actions {
		a := &c.file.Plan.Actions[i]
		if a.Verb != object.Join && !seen[a.Addr.Object] {
			seen[a.Addr.Object] = true
			l.Objects = append(l.Objects, a.Addr.Object)
		}
	}
	return l
}

// reopen opens the stack from the plan's own copy of its files.
func (e *Engine) reopen(ctx context.Context, f *planfile.File, stateDrivers []string) (*stack.Stack, diag.List) {
	o := e.stackOptions(stack.Applying)
	o.Dir, o.Workspace, o.Time = f.Dir, f.Workspace, f.Plan.Time
	o.Files = config.Snapshot(f.Sources)
	o.StateDrivers = stateDrivers
	var d diag.List
	if o.Plain, d = e.inputs(f); d.HasErrors() {
		return nil, d
	}
	return e.open(ctx, o)
}

// observer turns what the runtime tells into what a person wants to know.
func observer(c carrying, m *apply.Machine, w *activity.Worker) local.Observer {
	watch, plan := c.o.Watch, c.file.Plan
	if watch.Begun != nil {
		watch.Begun(c.id, plan)
	}
	action := func(id flow.ID) *object.Action {
		n, ok := m.Action(id)
		if !ok {
			return nil
		}
		return &plan.Actions[n-1]
	}
	var out local.Observer
	if watch.Started != nil {
		out.Sent = func(d flow.Do, at time.Time) {
			if !concludes(d) {
				watch.Started(actionOf(plan, d), at)
			}
		}
	}
	if watch.Log != nil {
		out.Log = func(id flow.ID, line string) {
			if a := action(id); a != nil {
				watch.Log(a, line)
			}
		}
	}
	if watch.Done != nil {
		out.Done = func(d flow.Do, at time.Time, output json.RawMessage) {
			if !apply.AsksForChild(output) {
				watch.Done(actionOf(plan, d), at, output)
			}
		}
	}
	if watch.Failed != nil {
		out.Failed = func(d flow.Do, at time.Time, f flow.Failure) { watch.Failed(actionOf(plan, d), at, f, w.Diags(d.ID)) }
	}
	if watch.Waiting != nil {
		out.Waiting = func(timers []flow.SetTimer) {
			var asking []addr.Instance
			for _, r := range m.Report().Actions {
				if r.Status == apply.Asking {
					asking = append(asking, r.Action.Addr)
				}
			}
			watch.Waiting(asking, timers)
		}
	}
	return out
}

// childObserver tells what executions of a run's workflows call, and what that prints,
// as lines of the workflow's action.
func childObserver(c carrying, m *apply.Machine) func(store.Run) local.Observer {
	return func(r store.Run) local.Observer {
		n, ok := m.Action(r.Child)
		if c.o.Watch.Log == nil || r.Parent != c.id || !ok {
			return local.Observer{}
		}
		a := &c.file.Plan.Actions[n-1]
		return local.Observer{
			Log: func(_ flow.ID, line string) { c.o.Watch.Log(a, line) },
			Sent: func(d flow.Do, _ time.Time) {
				var call execution.Call
				if (d.Activity == execution.ActivityCall || d.Activity == execution.ActivitySubmit) && json.Unmarshal(d.Input, &call) == nil {
					c.o.Watch.Log(a, call.State+" calls "+call.Resource)
				}
			},
		}
	}
}

// concludes tells that an activity makes the row of what a child has done.
func concludes(d flow.Do) bool {
	var in apply.ChangeInput
	return json.Unmarshal(d.Input, &in) == nil && in.Child != nil
}

// actionOf gives the action that an activity carries out.
func actionOf(plan *object.Plan, d flow.Do) *object.Action {
	var in apply.ChangeInput
	if err := json.Unmarshal(d.Input, &in); err != nil || in.Action < 1 || in.Action > len(plan.Actions) {
		panic("engine: invariant broken: an activity without an action: " + string(d.Input))
	}
	return &plan.Actions[in.Action-1]
}

func doubt(plan *object.Plan, _ *apply.Machine, x local.Doubt) Doubt {
	a := actionOf(plan, x.Do)
	out := Doubt{Addr: a.Addr, Verb: a.Verb}
	var f flow.Failure
	switch {
	case errors.As(x.Why, &f):
		out.Why = f.Message
	case x.Why != nil:
		out.Why = x.Why.Error()
	}
	return out
}
