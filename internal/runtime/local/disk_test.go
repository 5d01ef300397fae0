package local_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"tutti/internal/flow"
	"tutti/internal/runtime/local"
	"tutti/internal/store"
)

// disk is a store in memory whose faults a test chooses. It keeps entries as text,
// as a real store does.
type disk struct {
	mu       sync.Mutex
	created  time.Time
	journal  []string
	messages []store.Message
	numbers  int64
	status   store.Status
	message  string
	writes   []store.Write
	appends  int
	// fault decides about the nth append, from 1: whether it is kept and whether it
	// fails.
	fault func(n int) (kept bool, err error)
	// acquire is asked by Acquire when it is set.
	acquire  func(n int) error
	acquired int
	released bool
	// grown is told of each append.
	grown *sync.Cond
	oneRun
}

// oneRun is what a store that knows one run says of others.
type oneRun struct{}

func (oneRun) Begin(context.Context, store.Run, []store.Entry) (store.RunID, error) {
	return 0, errors.New("this disk holds one run")
}
func (oneRun) Run(context.Context, store.RunID) (*store.Run, error)               { return nil, store.ErrNotFound }
func (oneRun) Find(context.Context, store.RunFilter) ([]store.Run, error)         { return nil, nil }
func (oneRun) Held(context.Context) ([]store.Lease, error)                        { return nil, nil }
func (oneRun) Checkpoint(context.Context, store.RunID) (*store.Checkpoint, error) { return nil, nil }

var _ local.Store = (*disk)(nil)

var errFull = errors.New("no space left on device")

func newDisk() *disk {
	d := &disk{created: time.Date(2026, 11, 23, 14, 0, 0, 0, time.UTC)}
	d.grown = sync.NewCond(&d.mu)
	return d
}

func (d *disk) Append(_ context.Context, _ store.RunID, entries []store.Entry) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.appends++
	kept, err := true, error(nil)
	if d.fault != nil {
		kept, err = d.fault(d.appends)
	}
	if !kept {
		return err
	}
	for _, e := range entries {
		if e.End != nil {
			d.status, d.message = e.End.Status, e.End.Message
		}
		d.journal = append(d.journal, store.FormatEntry(e, d.created))
		d.writes = append(d.writes, e.Writes...)
		d.messages = slices.DeleteFunc(d.messages, func(m store.Message) bool { return m.Number == e.Took })
	}
	d.grown.Broadcast()
	return err
}

func (d *disk) Entries(_ context.Context, _ store.RunID, from int64) ([]store.Entry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []store.Entry
	for i, line := range d.journal {
		if int64(i+1) < from {
			continue
		}
		e, err := store.ParseEntry(line, d.created)
		if err != nil {
			return nil, err
		}
		e.Index = int64(i + 1)
		out = append(out, e)
	}
	return out, nil
}

func (d *disk) SetStatus(_ context.Context, _ store.RunID, s store.Status, message string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.status, d.message = s, message
	return nil
}

func (d *disk) Post(_ context.Context, _ store.RunID, s flow.Signaled) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.numbers++
	d.messages = append(d.messages, store.Message{Number: d.numbers, Signal: s})
	return nil
}

func (d *disk) Posted(context.Context, store.RunID) ([]store.Message, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.messages), nil
}

func (d *disk) PostedAll(ctx context.Context, after int64) ([]store.Posted, error) {
	messages, err := d.Posted(ctx, 1)
	var out []store.Posted
	for _, m := range messages {
		if m.Number > after {
			out = append(out, store.Posted{Run: 1, Message: m})
		}
	}
	return out, err
}

func (d *disk) Acquire(_ context.Context, l store.Lease) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l.Run == 0 {
		return fmt.Errorf("a lease without a run")
	}
	d.acquired++
	if d.acquire != nil {
		return d.acquire(d.acquired)
	}
	return nil
}

func (d *disk) Release(context.Context, store.RunID) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.released = true
	return nil
}

// lines gives the journal without times.
func (d *disk) lines() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.bare()
}

func (d *disk) bare() []string {
	out := make([]string, 0, len(d.journal))
	for _, l := range d.journal {
		if _, rest, ok := strings.Cut(l, " "); ok && (l[0] == '+' || l[0] == '-') {
			l = rest
		}
		out = append(out, l)
	}
	return out
}
