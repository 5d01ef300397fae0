package engine

import (
	"context"
	"fmt"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/store"
)

// Snapshot gives the stored state.
func (e *Engine) Snapshot(ctx context.Context) (*store.Snapshot, diag.List) {
	s, err := e.store.Snapshot(ctx)
	return s, storeDiag(err)
}

// Select gives the rows that the targets cover, current and deposed, sorted; all
// of them when there is no target.
func Select(s *store.Snapshot, targets []addr.Target) []*object.State {
	var out []*object.State
	for _, r := range s.Rows {
		if len(targets) == 0 {
			out = append(out, r)
			continue
		}
		for _, t := range targets {
			if t.Covers(r.Addr) {
				out = append(out, r)
				break
			}
		}
	}
	sortRows(out)
	return out
}

// Forget drops rows without touching what they stand for (state rm).
func (e *Engine) Forget(ctx context.Context, targets []addr.Target) (rows []*object.State, d diag.List) {
	d = e.editing(ctx, "state rm", func() (d diag.List) {
		rows, d = e.forget(ctx, targets)
		return d
	})
	return rows, d
}

func (e *Engine) forget(ctx context.Context, targets []addr.Target) ([]*object.State, diag.List) {
	snap, d := e.Snapshot(ctx)
	if d.HasErrors() {
		return nil, d
	}
	rows := Select(snap, targets)
	if len(rows) == 0 {
		return nil, noMatch(targets)
	}
	var writes []store.Write
	for _, r := range rows {
		key := r.Key()
		writes = append(writes, store.Write{Delete: &key})
	}
	return rows, storeDiag(e.store.Write(ctx, "state rm", writes))
}

func noMatch(targets []addr.Target) diag.List {
	return diag.Errorf(nil, "Invalid target address", "No objects in the state match %s. \"tutti state list\" shows what there is.", targets[0])
}

// Move gives rows another address (state mv): an instance, all instances of an
// object, or all that lies in a module.
func (e *Engine) Move(ctx context.Context, from, to addr.Target) (n int, d diag.List) {
	d = e.editing(ctx, "state mv", func() (d diag.List) {
		n, d = e.move(ctx, from, to)
		return d
	})
	return n, d
}

func (e *Engine) move(ctx context.Context, from, to addr.Target) (int, diag.List) {
	snap, d := e.Snapshot(ctx)
	if d.HasErrors() {
		return 0, d
	}
	taken := map[object.RowKey]bool{}
	for _, r := range snap.Rows {
		taken[r.Key()] = true
	}
	var writes []store.Write
	for _, r := range Select(snap, []addr.Target{from}) {
		at, ok := moveTo(r.Addr, from, to)
		if !ok {
			return 0, diag.Errorf(nil, "Invalid state move request", "%s cannot become %s: one names a module and the other an object, or their types differ.", from, to)
		}
		key := object.RowKey{Addr: at, Deposed: r.Deposed}
		if taken[key] {
			return 0, diag.Errorf(nil, "Invalid target address", "There is already an object at %s in the state.", at)
		}
		writes = append(writes, store.Write{Rekey: &store.Rekey{From: r.Key(), To: key}})
	}
	if len(writes) == 0 {
		return 0, noMatch([]addr.Target{from})
	}
	return len(writes), storeDiag(e.store.Write(ctx, fmt.Sprintf("state mv %s %s", from, to), writes))
}

// moveTo gives an address after a move.
func moveTo(a addr.Instance, from, to addr.Target) (addr.Instance, bool) {
	whole := addr.Name{}
	if (from.Name == whole) != (to.Name == whole) {
		return a, false
	}
	if from.Name == whole {
		rest := a.Module.Steps()[len(from.Module.Steps()):]
		a.Module = to.Module
		for _, st := range rest {
			a.Module = a.Module.Child(st.Name, st.Key)
		}
		return a, true
	}
	if from.Name.Kind != to.Name.Kind || from.Name.Type != to.Name.Type {
		return a, false
	}
	a.Module, a.Name = to.Module, to.Name
	if !from.Whole || !to.Whole {
		a.Key = to.Key
	}
	return a, true
}

// Taint marks an instance to be replaced, or takes the mark away.
func (e *Engine) Taint(ctx context.Context, a addr.Instance, tainted bool) diag.List {
	return e.editing(ctx, "taint", func() diag.List { return e.taint(ctx, a, tainted) })
}

func (e *Engine) taint(ctx context.Context, a addr.Instance, tainted bool) diag.List {
	snap, d := e.Snapshot(ctx)
	if d.HasErrors() {
		return d
	}
	for _, r := range snap.Rows {
		if r.Addr == a && r.Deposed == "" {
			c := *r
			c.Tainted = tainted
			return storeDiag(e.store.Write(ctx, "taint "+a.String(), []store.Write{{Put: &c}}))
		}
	}
	return diag.Errorf(nil, "No such resource instance", "%s is not in the state. \"tutti state list\" shows what there is.", a)
}
