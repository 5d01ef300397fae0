package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"tutti/internal/store"
)

// CreateRun implements store.Runs.
func (s *Store) CreateRun(ctx context.Context, r store.Run) (store.RunID, error) {
	return s.Begin(ctx, r, nil)
}

// Begin implements store.Runs.
func (s *Store) Begin(ctx context.Context, r store.Run, entries []store.Entry) (store.RunID, error) {
	const op = "creating the run"
	now := time.Now()
	if r.Created.IsZero() {
		r.Created = now
	}
	if r.Status == "" {
		r.Status = store.Running
	}
	for _, e := range entries {
		if e.End == nil {
			continue
		}
		r.Status, r.Message, r.Code, r.Output = e.End.Status, e.End.Message, e.End.Code, e.End.Output
		if r.Ended = now; r.Status.Open() {
			r.Ended = time.Time{}
		}
	}
	list, err := s.readyEntries(entries, r.Created)
	if err != nil {
		return 0, s.explain(op, err)
	}
	for i := range list {
		list[i].end = nil // it is in the run's row from the first
	}
	var id store.RunID
	// That the run exists is found before anything is written, so that it is no
	// failure of the transaction, which others share.
	var exists error
	err = s.write(ctx, op, func(t *tx) error {
		if exists = t.existing(&r); exists != nil {
			return nil
		}
		var err error
		id, err = t.begin(s, &r, list)
		return err
	})
	switch {
	case err != nil:
		return 0, err
	case exists != nil:
		return 0, s.explain(op, exists)
	}
	s.starts.put(id, fromNanos(nanos(r.Created)))
	return id, nil
}

// existing gives an *ExistsError when a run of the same name, or the same child, is
// there.
func (t *tx) existing(r *store.Run) error {
	var found store.RunID
	if r.Child != 0 {
		err := t.scan("SELECT id FROM run WHERE parent = ? AND child = ? AND child != 0", []any{int64(r.Parent), int64(r.Child)}, &found)
		if err == nil {
			err = &store.ExistsError{Run: found}
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	if r.Name != "" {
		err := t.scan("SELECT id FROM run WHERE owner = ? AND name = ? AND name != ''", []any{r.Owner, r.Name}, &found)
		if err == nil {
			err = &store.ExistsError{Run: found}
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
	}
	return nil
}

// begin writes the run and its first entries, all sealed for the number that it
// has only now.
func (t *tx) begin(s *Store, r *store.Run, list []readyEntry) (store.RunID, error) {
	id, err := t.nextRun()
	if err != nil {
		return 0, err
	}
	sealed := make([][]byte, 3)
	for i, c := range []struct {
		column string
		plain  []byte
	}{{"plan", r.Plan}, {"input", r.Input}, {"output", r.Output}} {
		if sealed[i], err = s.sealRunSecret(c.column, id, c.plain); err != nil {
			return 0, err
		}
	}
	if err := s.seal(id, list); err != nil {
		return 0, err
	}
	err = t.exec("INSERT INTO run (id, parent, child, owner, name, machine, command, user, host, created, ended, status, message, code, "+
		"plan, input, output) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
		int64(id), int64(r.Parent), int64(r.Child), r.Owner, r.Name, r.Machine, r.Command, r.User, r.Host, nanos(r.Created), nanos(r.Ended),
		string(r.Status), r.Message, r.Code, sealed[0], sealed[1], sealed[2])
	if err != nil || len(list) == 0 {
		return id, err
	}
	t.knowTail(id, tail{})
	return id, t.append(s, id, list)
}

// nextRun gives the number of the next run. SQLite counts them itself, but what
// the run's row holds is bound to its number.
func (t *tx) nextRun() (store.RunID, error) {
	if t.lastRun == 0 {
		err := t.scan("SELECT seq FROM sqlite_sequence WHERE name = 'run'", nil, &t.lastRun)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return 0, err
		}
	}
	t.lastRun++
	return t.lastRun, nil
}
