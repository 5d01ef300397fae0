package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"tutti/internal/store"
)

// deletedAtOnce is how many entries of a journal one transaction deletes: others wait
// for it.
const deletedAtOnce = 10_000

// maxDescendants bounds how many runs are deleted with one: children of children nest no
// deeper than definitions do, but each may have many.
const maxDescendants = 1 << 20

// Delete implements store.Runs. A long journal goes piece by piece from its end, so that
// what is left when the process dies is still a journal; its run can not be opened again
// from the first piece on.
func (s *Store) Delete(ctx context.Context, id store.RunID) error {
	const op = "deleting the run"
	for {
		// That it must stay is no failure of the transaction, which others share.
		var stays error
		var more bool
		err := s.write(ctx, op, func(t *tx) (err error) {
			more, stays, err = t.deleteTree(id)
			return err
		})
		switch {
		case err != nil:
			return err
		case stays != nil:
			return fmt.Errorf("%s: run %d: %w", op, id, stays)
		case !more:
			s.starts.forget(id)
			return nil
		}
	}
}

// deleteTree deletes a run with its children, or as much of it as one transaction may;
// stays is why nothing of it may be.
func (t *tx) deleteTree(id store.RunID) (more bool, stays, err error) {
	tree, stays, err := t.tree(id)
	if err != nil || stays != nil {
		return false, stays, err
	}
	left := deletedAtOnce
	for _, run := range slices.Backward(tree) {
		n, err := t.deleteRun(run, left)
		if err != nil {
			return false, nil, err
		}
		if left -= n; left <= 0 {
			return true, nil, nil
		}
	}
	return false, nil, nil
}

// tree gives a run and its descendants, parents first.
func (t *tx) tree(id store.RunID) (tree []store.RunID, stays, err error) {
	var status string
	err = t.scan("SELECT status FROM run WHERE id = ?", []any{int64(id)}, &status)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, store.ErrNotFound, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if !restsFor(status) {
		return nil, store.ErrOpen, nil
	}
	tree = []store.RunID{id}
	for i := 0; i < len(tree); i++ {
		children, open, err := t.children(tree[i])
		switch {
		case err != nil:
			return nil, nil, err
		case open:
			return nil, store.ErrOpen, nil
		case len(tree)+len(children) > maxDescendants:
			return nil, fmt.Errorf("it has more than %d children", maxDescendants), nil
		}
		tree = append(tree, children...)
	}
	return tree, nil, nil
}

// restsFor reports whether nobody carries a run of this status out or waits for it.
func restsFor(status string) bool {
	s := store.Status(status)
	return s == store.Stopped || !s.Open()
}

func (t *tx) children(id store.RunID) (list []store.RunID, open bool, err error) {
	rows, err := t.rows("SELECT id, status FROM run WHERE parent = ? AND parent != 0 AND child != 0", int64(id))
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	for rows.Next() {
		var child store.RunID
		var status string
		if err := rows.Scan(&child, &status); err != nil {
			return nil, false, err
		}
		open = open || !restsFor(status)
		list = append(list, child)
	}
	return list, open, rows.Err()
}

// deleteRun deletes one run, or the last entries of its journal when it has more of them
// than may be deleted now.
func (t *tx) deleteRun(run store.RunID, left int) (deleted int, err error) {
	id := int64(run)
	if err := t.exec("DELETE FROM checkpoint WHERE run = ?", id); err != nil {
		return 0, err
	}
	end, err := t.tail(run)
	if err != nil {
		return 0, err
	}
	if end.index > int64(left) {
		if err := t.exec("DELETE FROM journal WHERE run = ? AND idx > ?", id, end.index-int64(left)); err != nil {
			return 0, err
		}
		return left, t.exec("UPDATE run SET status = ?, ended = CASE ended WHEN 0 THEN created ELSE ended END WHERE id = ?", string(store.Abandoned), id)
	}
	for _, table := range []string{"journal", "preimage", "preimage_output", "message", "lease"} {
		if err := t.exec("DELETE FROM "+table+" WHERE run = ?", id); err != nil {
			return 0, err
		}
	}
	// Something of each run counts, so that very many small ones are divided too.
	return int(end.index) + 1, t.exec("DELETE FROM run WHERE id = ?", id)
}
