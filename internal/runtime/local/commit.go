package local

import (
	"context"
	"fmt"
	"slices"

	"tutti/internal/flow"
	"tutti/internal/store"
)

// maxUncommitted is how many entries may wait for the journal before no more
// answers are taken.
const maxUncommitted = 10_000

// batch is what is appended in one transaction and what follows from that.
type batch struct {
	entries []store.Entry
	// telling is set when a crash that loses the entries may let the run go another
	// way: what follows from them must not go out before they are durable.
	telling bool
	// dos go out, children begin, and tell is called, when the entries are durable.
	dos      []flow.Do
	children []flow.StartChild
	tell     []func()
	// replies are answered with what becomes of the append.
	replies []chan<- error
	// end is set when the machine ends with these entries.
	end flow.Command
}

// landed tells those who watch that the entries are durable.
func (b *batch) landed() {
	for _, tell := range b.tell {
		tell()
	}
}

func (b *batch) reply(err error) {
	for _, r := range b.replies {
		r <- err
	}
	b.replies = nil
}

// committer appends batches one after the other, beside the machine: while one is
// under way, the next gathers. It belongs to the goroutine of the machine.
type committer struct {
	journal Journal
	run     store.RunID
	inbox   *inbox
	fault   *fault
	// durable counts the entries that the journal holds.
	durable int64
	next    batch
	flying  *batch
	// lost is a batch whose append failed.
	lost *batch
}

// latest gives the batch of the latest entry that is not durable; nil when all are.
func (c *committer) latest() *batch {
	if len(c.next.entries) > 0 {
		return &c.next
	}
	return c.flying
}

// idle tells that a batch has gathered and nothing keeps it.
func (c *committer) idle() bool { return c.flying == nil && c.lost == nil && len(c.next.entries) > 0 }

// launch makes the gathered batch the one under way.
func (c *committer) launch() *batch {
	b := c.next
	c.flying, c.next = &b, batch{}
	return &b
}

// flush sends the gathered batch on its way unless one is under way. The context
// must not end before the run is over: an append that has begun is finished.
func (c *committer) flush(ctx context.Context) {
	if !c.idle() {
		return
	}
	b := c.launch()
	go func() {
		c.inbox.commit(c.fault.around(func() error { return c.journal.Append(ctx, c.run, b.entries) }))
	}()
}

// withdraw takes back an activity that has not gone out yet.
func (c *committer) withdraw(id flow.ID) (flow.Do, bool) {
	for _, b := range []*batch{&c.next, c.flying} {
		if b == nil {
			continue
		}
		for i, d := range b.dos {
			if d.ID == id {
				b.dos = slices.Delete(b.dos, i, i+1)
				return d, true
			}
		}
	}
	return flow.Do{}, false
}

// withdrawChild takes back a child that has not begun yet.
func (c *committer) withdrawChild(id flow.ID) bool {
	for _, b := range []*batch{&c.next, c.flying} {
		if b == nil {
			continue
		}
		if i := slices.IndexFunc(b.children, func(s flow.StartChild) bool { return s.ID == id && s.Continues == 0 }); i >= 0 {
			b.children = slices.Delete(b.children, i, i+1)
			return true
		}
	}
	return false
}

// landed takes the result of the append under way and gives its batch.
func (c *committer) landed(err error) (*batch, error) {
	b := c.flying
	c.flying = nil
	b.reply(err)
	if err != nil {
		c.lost = b
		c.next.reply(err)
		return nil, fmt.Errorf("run %d: %w", c.run, err)
	}
	c.durable += int64(len(b.entries))
	return b, nil
}

// telling tells that something that is not durable yet must be before anything
// that follows from it goes out.
func (c *committer) telling() bool { return c.next.telling || c.flying != nil && c.flying.telling }

// full tells that no more answers should be taken.
func (c *committer) full() bool { return len(c.next.entries) >= maxUncommitted && c.lost == nil }

// clean tells that nothing is waiting for the journal.
func (c *committer) clean() bool {
	return c.flying == nil && (len(c.next.entries) == 0 || c.lost != nil)
}

// close is called when nothing runs any more. After a failed append it offers what
// is not in the journal once more: the disk may have room again, and what was
// done would otherwise be in doubt. Sent entries are left out, for nothing has
// gone out since.
func (c *committer) close(ctx context.Context) error {
	if c.flying != nil || c.lost == nil && len(c.next.entries) > 0 {
		panic("local: invariant broken: the journal is closed while entries wait for it")
	}
	if c.lost == nil {
		return nil
	}
	kept, err := c.journal.Entries(ctx, c.run, c.durable+1)
	if err != nil {
		return fmt.Errorf("read back the journal of run %d: %w", c.run, err)
	}
	again := c.next.entries
	switch len(kept) {
	case 0:
		again = append(c.lost.entries, again...)
	case len(c.lost.entries):
		// The append failed after it was durable.
	default:
		return fmt.Errorf("the journal of run %d holds %d entries of %d appended at once: %w", c.run, len(kept), len(c.lost.entries), store.ErrCorrupt)
	}
	var events []store.Entry
	for _, e := range again {
		if e.Sent == 0 {
			events = append(events, e)
		}
	}
	if len(events) == 0 {
		return nil
	}
	if err := c.fault.around(func() error { return c.journal.Append(ctx, c.run, events) }); err != nil {
		return fmt.Errorf("run %d, once more: %w", c.run, err)
	}
	return nil
}
