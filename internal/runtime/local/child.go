package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"tutti/internal/flow"
	"tutti/internal/store"
)

// family is what a runner knows of its children.
type family struct {
	// nursery runs them; nil when this run can have none.
	nursery *Host
	// births counts those that are being started or looked for.
	births int
	alive  map[flow.ID]*resident
}

// birth tells how starting a child, or finding it again, went: it runs, or has
// ended already, or the store failed.
type birth struct {
	id    flow.ID
	child *resident
	end   *childEnd
	err   error
}

// childEnd is how a child ended.
type childEnd struct {
	id      flow.ID
	output  json.RawMessage
	failure *flow.Failure
}

// CodeNoChildren is the code of the failure of a child in a run that can have none.
const CodeNoChildren = "NoChildren"

// CodeAbandoned is the code of the failure of a child that a person closed.
const CodeAbandoned = "Abandoned"

// beginChild has a child started, or found again: what asked for it is durable. A
// child that was asked to stop, or whose parent has ended, is only looked for.
func (r *runner) beginChild(ctx context.Context, c flow.StartChild) {
	if r.nursery == nil {
		r.inbox.end(childEnd{id: c.ID, failure: &flow.Failure{Kind: flow.Terminal, Code: CodeNoChildren,
			Message: fmt.Sprintf("this run cannot start the machine %q inside itself", c.Machine)}})
		return
	}
	if r.halted != nil || r.suspended != 0 {
		return
	}
	r.births++
	b := bearing{parent: r.opts.RunID, command: c, inbox: r.inbox, unwanted: r.asked.Cancelled(c.ID) || r.asked.End() != nil}
	durable := context.WithoutCancel(ctx)
	go func() { r.inbox.birth(r.nursery.bear(durable, b)) }()
}

func (r *runner) born(ctx context.Context, b birth) {
	r.births--
	switch {
	case errors.Is(b.err, ErrClosed):
		// It stays outstanding.
	case b.err != nil:
		r.halt(ctx, fmt.Errorf("run %d: start child #%d: %w", r.opts.RunID, b.id, b.err))
	case b.end != nil:
		r.childEnded(ctx, *b.end)
	default:
		if _, ok := r.asked.Child(b.id); !ok {
			return // its end was quicker
		}
		note(&r.alive, b.id, b.child)
		if r.asked.Cancelled(b.id) || r.asked.End() != nil {
			b.child.cancel(r.stopReason(r.asked.CancelReason(b.id)))
		}
	}
}

func (r *runner) childEnded(ctx context.Context, e childEnd) {
	delete(r.alive, e.id)
	r.take(ctx, flow.ChildDone{At: r.time.now(), ID: e.id, Output: e.output, Failure: e.failure}, store.Entry{})
}

// cancelChild asks a child to stop, wherever it is. One that is being started is
// asked when it is born.
func (r *runner) cancelChild(c flow.CancelChild) {
	if child, ok := r.alive[c.ID]; ok {
		child.cancel(r.stopReason(c.Reason))
	} else if r.commit.withdrawChild(c.ID) {
		r.inbox.end(neverBegun(c.ID))
	}
}

// stopReason is what a child is told.
func (r *runner) stopReason(given string) string {
	if given != "" {
		return given
	}
	return fmt.Sprintf("run %d asks for it", r.opts.RunID)
}

// orphan asks all children to stop because their parent has ended and nobody waits
// for them.
func (r *runner) orphan() {
	for _, c := range r.alive {
		c.cancel(fmt.Sprintf("run %d has ended", r.opts.RunID))
	}
}

func neverBegun(id flow.ID) childEnd {
	return childEnd{id: id, failure: &flow.Failure{Kind: flow.Cancelled, Code: flow.CodeNotStarted, Message: "it was cancelled before it began"}}
}

// bearing is what a Host must know to start a child.
type bearing struct {
	parent   store.RunID
	command  flow.StartChild
	inbox    *inbox
	unwanted bool
}

// cradle is where a child's end is told, and by which number.
type cradle struct {
	inbox *inbox
	id    flow.ID
}

func (b bearing) cradle() *cradle { return &cradle{b.inbox, b.command.ID} }

// bear starts a child or, when an earlier process began it, goes on with it. That
// it is there is known by its parent and number, so that none is started twice.
func (h *Host) bear(ctx context.Context, b bearing) birth {
	id := b.command.ID
	failed := func(err error) birth { return birth{id: id, err: err} }
	if b.unwanted {
		found, err := h.opts.Store.Find(ctx, store.RunFilter{Parent: b.parent, Child: b.command.Number()})
		switch {
		case err != nil:
			return failed(err)
		case len(found) == 0:
			end := neverBegun(id)
			return birth{id: id, end: &end}
		}
		return h.adopt(ctx, b, found[0].ID)
	}
	run := store.Run{Parent: b.parent, Child: b.command.Number(), Machine: b.command.Machine, Input: b.command.Input}
	child, err := h.begin(ctx, run, b.cradle())
	var exists *store.ExistsError
	var cannot *machineError
	switch {
	case errors.As(err, &exists):
		return h.adopt(ctx, b, exists.Run)
	case errors.As(err, &cannot) && cannot.final():
		f := failureOf(cannot.err)
		if f.Code == "" {
			f.Code = CodeNoChildren
		}
		return birth{id: id, end: &childEnd{id: id, failure: &f}}
	case err != nil:
		return failed(err)
	case child.over != nil:
		end := endOfChild(id, *child.over)
		return birth{id: id, end: &end}
	}
	return birth{id: id, child: child}
}

// adopt goes on with a child that was begun earlier, also with one that was stopped
// in order and is wanted again (if only to be told the reason why it is not), or
// tells how it ended.
func (h *Host) adopt(ctx context.Context, b bearing, run store.RunID) birth {
	id := b.command.ID
	r, err := h.opts.Store.Run(ctx, run)
	if err != nil {
		return birth{id: id, err: err}
	}
	if b.command.Redrive && (r.Status == store.Failed || r.Status == store.Stopped) {
		child, err := h.load(ctx, *r, b.cradle(), &flow.Signaled{Name: flow.SignalRedrive})
		return birth{id: id, child: child, err: err}
	}
	if r.Status == store.Stopped && (!b.unwanted || b.command.Continues != 0) {
		child, err := h.load(ctx, *r, b.cradle(), &flow.Signaled{Name: flow.SignalResume})
		return birth{id: id, child: child, err: err}
	}
	if over(r.Status) {
		end := endOfChild(id, store.End{Status: r.Status, Message: r.Message, Code: r.Code, Output: r.Output})
		return birth{id: id, end: &end}
	}
	child, err := h.load(ctx, *r, b.cradle(), nil)
	return birth{id: id, child: child, err: err}
}

// over tells that a run's machine has come to an end. One that was stopped in order
// has, too, though a person may take it up again.
func over(s store.Status) bool { return !s.Open() || s == store.Stopped }

// endOfChild tells a parent how its child ended, from what the child's row says, so
// that it is told the same after a crash.
func endOfChild(id flow.ID, end store.End) childEnd {
	if end.Status == store.Succeeded {
		return childEnd{id: id, output: end.Output}
	}
	f := &flow.Failure{Kind: flow.Terminal, Code: end.Code, Message: end.Message}
	switch {
	case end.Status == store.Stopped:
		f.Kind = flow.Cancelled
	case end.Status == store.Abandoned && f.Code == "":
		f.Code = CodeAbandoned
	}
	return childEnd{id: id, failure: f}
}
