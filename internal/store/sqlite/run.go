package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tutti/internal/flow"
	"tutti/internal/store"
)

const runCols = "id, parent, child, owner, name, machine, command, user, host, created, ended, status, message, code"

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

// runSecret names the place of one of a run's sealed columns.
func runSecret(column string, run store.RunID) []byte {
	return []byte(column + "\x00" + strconv.FormatInt(int64(run), 10))
}

func runDest(r *store.Run, created, ended *int64) []any {
	return []any{&r.ID, &r.Parent, &r.Child, &r.Owner, &r.Name, &r.Machine, &r.Command, &r.User, &r.Host, created, ended, &r.Status,
		&r.Message, &r.Code}
}

// Run implements store.Runs.
func (s *Store) Run(ctx context.Context, id store.RunID) (*store.Run, error) {
	const op = "reading the run"
	r := &store.Run{}
	var created, ended int64
	var plan, input, output []byte
	dest := append(runDest(r, &created, &ended), &plan, &input, &output)
	err := s.reader.QueryRowContext(ctx, "SELECT "+runCols+", plan, input, output FROM run WHERE id = ?", int64(id)).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("run %d: %w", id, store.ErrNotFound)
	}
	if err != nil {
		return nil, s.explain(op, err)
	}
	r.Created, r.Ended = fromNanos(created), fromNanos(ended)
	if r.Plan, err = s.openRunSecret("plan", id, plan); err != nil {
		return nil, err
	}
	if r.Input, err = s.openRunSecret("input", id, input); err != nil {
		return nil, err
	}
	r.Output, err = s.openRunSecret("output", id, output)
	return r, err
}

func (s *Store) openRunSecret(column string, id store.RunID, sealed []byte) ([]byte, error) {
	if sealed == nil {
		return nil, nil
	}
	plain, err := s.box.Open(sealed, runSecret(column, id))
	if err != nil {
		return nil, s.unsealError(fmt.Sprintf("the %s of run %d", column, id), err)
	}
	return plain, nil
}

func (s *Store) sealRunSecret(column string, id store.RunID, plain []byte) ([]byte, error) {
	if plain == nil {
		return nil, nil
	}
	return s.box.Seal(plain, runSecret(column, id))
}

// List implements store.Runs.
func (s *Store) List(ctx context.Context, limit int) ([]store.Run, error) {
	return s.Find(ctx, store.RunFilter{Limit: limit})
}

// Find implements store.Runs.
func (s *Store) Find(ctx context.Context, f store.RunFilter) ([]store.Run, error) {
	const op = "listing the runs"
	where, args := runConditions(f)
	rows, err := s.reader.QueryContext(ctx, "SELECT "+runCols+" FROM run "+where+" ORDER BY id DESC LIMIT ?", append(args, sqlLimit(f.Limit))...)
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

// runConditions writes a filter as SQL. The conditions of the partial indexes are
// among them word for word, or SQLite would not use those.
func runConditions(f store.RunFilter) (where string, args []any) {
	var list []string
	add := func(condition string, values ...any) {
		list = append(list, condition)
		args = append(args, values...)
	}
	if f.Owner != "" {
		add("owner = ? AND owner != ''", f.Owner)
	}
	if f.Name != "" {
		add("name = ? AND name != ''", f.Name)
	}
	if f.Parent != 0 {
		add("parent = ? AND parent != 0", int64(f.Parent))
	}
	if f.Child != 0 {
		add("child = ? AND child != 0", int64(f.Child))
	}
	if f.Machine != "" {
		add("machine = ?", f.Machine)
	}
	if f.OpenOnly {
		add("ended = 0")
	}
	if len(f.Statuses) > 0 {
		values := make([]any, len(f.Statuses))
		for i, status := range f.Statuses {
			values[i] = string(status)
		}
		add("status IN (?"+strings.Repeat(",?", len(values)-1)+")", values...)
	}
	if !f.EndedBefore.IsZero() {
		add("ended != 0 AND ended < ?", nanos(f.EndedBefore))
	}
	if f.Root {
		add("child = 0")
	}
	if f.Before != 0 {
		add("id < ?", int64(f.Before))
	}
	if len(list) == 0 {
		return "", nil
	}
	return "WHERE " + strings.Join(list, " AND "), args
}

// sqlLimit gives a limit as SQLite has it: below 0 is none.
func sqlLimit(n int) int {
	if n <= 0 {
		return -1
	}
	return n
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
	all, err := s.posted(ctx, "run = ?", int64(run))
	out := make([]store.Message, 0, len(all))
	for _, p := range all {
		out = append(out, p.Message)
	}
	return out, err
}

// PostedAll implements store.Mailbox.
func (s *Store) PostedAll(ctx context.Context, after int64) ([]store.Posted, error) {
	return s.posted(ctx, "number > ?", after)
}

func (s *Store) posted(ctx context.Context, where string, arg int64) ([]store.Posted, error) {
	const op = "looking for messages"
	rows, err := s.reader.QueryContext(ctx, "SELECT number, run, sealed FROM message WHERE "+where+" ORDER BY number", arg)
	if err != nil {
		return nil, s.explain(op, err)
	}
	defer rows.Close()
	var out []store.Posted
	for rows.Next() {
		var p store.Posted
		var sealed []byte
		if err := rows.Scan(&p.Number, &p.Run, &sealed); err != nil {
			return nil, s.explain(op, err)
		}
		if p.Signal, err = s.openMessage(ctx, p.Run, sealed); err != nil {
			return nil, s.explain(op, err)
		}
		out = append(out, p)
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
