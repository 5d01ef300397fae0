package activity

import (
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/object"
	"tutti/internal/store"
)

// row makes the row of an instance as it now is.
func (w *Worker) row(drv object.Driver, a *object.Actual, c *object.PlannedChange) (*object.State, error) {
	row, err := drv.Encode(a)
	if err != nil {
		return nil, err
	}
	row.Addr, row.Needs = c.Addr, c.Needs
	if row.Driver == "" {
		row.Driver = c.Driver
	}
	row.CreateBeforeDestroy = c.CreateFirst || c.Wanted != cty.NilVal && c.Prior != nil && c.Prior.CreateBeforeDestroy
	row.Forget = c.Forget || c.Wanted != cty.NilVal && c.Prior != nil && c.Prior.Forget
	return row, nil
}

// put writes a row, and frees the place that it was moved from.
func (w *Worker) put(row *object.State, c *object.PlannedChange) []store.Write {
	writes := w.vacate(c)
	w.mu.Lock()
	w.rows[row.Key()] = row
	w.mu.Unlock()
	return append(writes, store.Write{Put: row})
}

// vacate deletes the row at the address that an instance was moved from.
func (w *Worker) vacate(c *object.PlannedChange) []store.Write {
	if c.MovedFrom == nil {
		return nil
	}
	key := object.RowKey{Addr: *c.MovedFrom, Deposed: c.Deposed}
	w.mu.Lock()
	_, there := w.rows[key]
	delete(w.rows, key)
	w.mu.Unlock()
	if !there {
		return nil // done by an earlier action of the same change
	}
	return []store.Write{{Delete: &key}}
}

// gone deletes the row of a change.
func (w *Worker) gone(c *object.PlannedChange, deposed string) []store.Write {
	if c.MovedFrom != nil {
		if writes := w.vacate(c); writes != nil {
			return writes
		}
	}
	key := object.RowKey{Addr: c.Addr, Deposed: deposed}
	w.mu.Lock()
	delete(w.rows, key)
	w.mu.Unlock()
	return []store.Write{{Delete: &key}}
}

// rewrite stores the row as the plan found it: moved, imported or refreshed.
func (w *Worker) rewrite(t *task) {
	row := *t.change.Prior
	row.Needs, row.CreateBeforeDestroy, row.Forget = t.change.Needs, t.change.CreateFirst, t.change.Forget
	t.writes = append(t.writes, w.put(&row, t.change)...)
}

// reinstate puts the old object, which stepped aside, back in its place when its
// replacement did not come into being at all.
func (w *Worker) reinstate(t *task) []store.Write {
	c := t.change
	if c == nil || t.action.Verb != object.Create || c.Verb != object.Replace || !c.CreateFirst || len(t.writes) > 0 {
		return nil
	}
	for _, id := range t.action.Needs {
		before := &w.o.Plan.Actions[id-1]
		if before.Verb != object.Depose || before.Addr != t.action.Addr {
			continue
		}
		row := *c.Prior
		row.Deposed = ""
		key := object.RowKey{Addr: t.action.Addr, Deposed: before.Deposed}
		w.mu.Lock()
		delete(w.rows, key)
		w.rows[row.Key()] = &row
		w.mu.Unlock()
		return []store.Write{{Delete: &key}, {Put: &row}}
	}
	return nil
}

// depose lets the present object step aside for its replacement.
func (w *Worker) depose(t *task) {
	row := *t.change.Prior
	row.Deposed = t.action.Deposed
	t.writes = append(t.writes, w.vacate(t.change)...)
	key := object.RowKey{Addr: t.action.Addr}
	w.mu.Lock()
	_, there := w.rows[key]
	delete(w.rows, key)
	w.rows[row.Key()] = &row
	w.mu.Unlock()
	if there {
		t.writes = append(t.writes, store.Write{Delete: &key})
	}
	t.writes = append(t.writes, store.Write{Put: &row})
}
