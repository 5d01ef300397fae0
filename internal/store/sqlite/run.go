package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"tutti/internal/flow"
	"tutti/internal/store"
)

const runCols = "id, parent, machine, command, user, host, created, ended, status, message"

func planBinding(run store.RunID) []byte {
	return []byte("plan\x00" + strconv.FormatInt(int64(run), 10))
}

// nanos stores a time; the zero time is 0.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func fromNanos(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

// CreateRun implements store.Runs. A run without a time is created now, one
// without a status is running.
func (s *Store) CreateRun(ctx context.Context, r store.Run) (store.RunID, error) {
	if r.Created.IsZero() {
		r.Created = time.Now()
	}
	if r.Status == "" {
		r.Status = store.Running
	}
	var id store.RunID
	err := s.write(ctx, "creating the run", func(t *tx) error {
		var err error
		if id, err = t.insertRun(&r); err != nil || r.Plan == nil {
			return err
		}
		// The plan is bound to the number that the run has only now.
		sealed, err := s.box.Seal(r.Plan, planBinding(id))
		if err != nil {
			return err
		}
		return t.exec("UPDATE run SET plan = ? WHERE id = ?", sealed, int64(id))
	})
	if err != nil {
		return 0, err
	}
	return id, nil
}

func (t *tx) insertRun(r *store.Run) (store.RunID, error) {
	res, err := t.result("INSERT INTO run (parent, machine, command, user, host, created, ended, status, message) VALUES (?,?,?,?,?,?,?,?,?)",
		int64(r.Parent), r.Machine, r.Command, r.User, r.Host, nanos(r.Created), nanos(r.Ended), string(r.Status), r.Message)
	if err != nil {
		return 0, err
	}
	id, err := res.LastInsertId()
	return store.RunID(id), err
}

func runDest(r *store.Run, created, ended *int64) []any {
	return []any{&r.ID, &r.Parent, &r.Machine, &r.Command, &r.User, &r.Host, created, ended, &r.Status, &r.Message}
}

// Run implements store.Runs.
func (s *Store) Run(ctx context.Context, id store.RunID) (*store.Run, error) {
	const op = "reading the run"
	r := &store.Run{}
	var created, ended int64
	var sealed []byte
	dest := append(runDest(r, &created, &ended), &sealed)
	err := s.reader.QueryRowContext(ctx, "SELECT "+runCols+", plan FROM run WHERE id = ?", int64(id)).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("run %d: %w", id, store.ErrNotFound)
	}
	if err != nil {
		return nil, s.explain(op, err)
	}
	r.Created, r.Ended = fromNanos(created), fromNanos(ended)
	if sealed != nil {
		if r.Plan, err = s.box.Open(sealed, planBinding(id)); err != nil {
			return nil, s.unsealError(fmt.Sprintf("the plan of run %d", id), err)
		}
	}
	return r, nil
}

// List implements store.Runs.
func (s *Store) List(ctx context.Context, limit int) ([]store.Run, error) {
	const op = "listing the runs"
	if limit <= 0 {
		limit = -1 // no limit, for SQLite
	}
	rows, err := s.reader.QueryContext(ctx, "SELECT "+runCols+" FROM run ORDER BY id DESC LIMIT ?", limit)
	if err != nil {
		return nil, s.explain(op, err)
	}
	defer rows.Close()
	var out []store.Run
	for rows.Next() {
		var r store.Run
		var created, ended int64
		if err := rows.Scan(runDest(&r, &created, &ended)...); err != nil {
			return nil, s.explain(op, err)
		}
		r.Created, r.Ended = fromNanos(created), fromNanos(ended)
		out = append(out, r)
	}
	return out, s.explain(op, rows.Err())
}

// SetStatus implements store.Runs.
func (s *Store) SetStatus(ctx context.Context, id store.RunID, status store.Status, message string) error {
	ended := time.Now()
	if status.Open() {
		ended = time.Time{}
	}
	return s.write(ctx, "writing the run's status", func(t *tx) error {
		res, err := t.result("UPDATE run SET status = ?, message = ?, ended = ? WHERE id = ?", string(status), message, nanos(ended), int64(id))
		if err != nil {
			return err
		}
		return mustTouch(res, id)
	})
}

func mustTouch(res sql.Result, id store.RunID) error {
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		err = fmt.Errorf("run %d: %w", id, store.ErrNotFound)
	}
	return err
}

func messageBinding(run store.RunID) []byte {
	return []byte("message\x00" + strconv.FormatInt(int64(run), 10))
}

// Post implements store.Mailbox.
func (s *Store) Post(ctx context.Context, run store.RunID, sig flow.Signaled) error {
	const op = "leaving a message for the run"
	start, err := s.started(ctx, run)
	if err != nil {
		return s.explain(op, err)
	}
	sealed, err := s.box.Seal([]byte(flow.FormatEvent(sig, start)), messageBinding(run))
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return s.write(ctx, op, func(t *tx) error {
		return t.exec("INSERT INTO message (run, sealed) VALUES (?,?)", int64(run), sealed)
	})
}

// Posted implements store.Mailbox.
func (s *Store) Posted(ctx context.Context, run store.RunID) ([]store.Message, error) {
	const op = "looking for messages"
	rows, err := s.reader.QueryContext(ctx, "SELECT number, sealed FROM message WHERE run = ? ORDER BY number", int64(run))
	if err != nil {
		return nil, s.explain(op, err)
	}
	defer rows.Close()
	var out []store.Message
	for rows.Next() {
		var number int64
		var sealed []byte
		if err := rows.Scan(&number, &sealed); err != nil {
			return nil, s.explain(op, err)
		}
		sig, err := s.openMessage(ctx, run, sealed)
		if err != nil {
			return nil, s.explain(op, err)
		}
		out = append(out, store.Message{Number: number, Signal: sig})
	}
	return out, s.explain(op, rows.Err())
}

func (s *Store) openMessage(ctx context.Context, run store.RunID, sealed []byte) (flow.Signaled, error) {
	start, err := s.started(ctx, run)
	if err != nil {
		return flow.Signaled{}, err
	}
	line, err := s.box.Open(sealed, messageBinding(run))
	if err != nil {
		return flow.Signaled{}, s.unsealError(fmt.Sprintf("a message to run %d", run), err)
	}
	e, err := flow.ParseEvent(string(line), start)
	sig, ok := e.(flow.Signaled)
	if err != nil || !ok {
		return flow.Signaled{}, corruptError("looking for messages", s.path, fmt.Sprintf("a message to run %d is not a signal", run))
	}
	return sig, nil
}
