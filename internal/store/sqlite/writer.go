package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"tutti/internal/store"
)

// maxGroup bounds how many calls share one commit, and so how long the first of
// them waits for the others.
const maxGroup = 512

// writer is the one goroutine that writes. While it waits for the disk, calls
// gather; the next transaction takes them all, so that many callers pay for one
// fsync.
type writer struct {
	conn    *sql.Conn
	explain func(op string, err error) error
	jobs    chan *job
	quit    chan struct{}
	done    chan struct{}
	once    sync.Once
	// stmts are prepared when first used; of the goroutine only.
	stmts map[string]*sql.Stmt
}

// job is what one call wants written. do may be called twice, when another call
// of its group failed and each is tried alone: it must leave nothing behind
// outside of the transaction until it is committed.
type job struct {
	op    string
	do    func(*tx) error
	taken atomic.Bool
	err   chan error
}

func startWriter(conn *sql.Conn, explain func(string, error) error) *writer {
	w := &writer{
		conn: conn, explain: explain, jobs: make(chan *job, maxGroup), quit: make(chan struct{}), done: make(chan struct{}),
		stmts: map[string]*sql.Stmt{},
	}
	go w.loop()
	return w
}

// errClosed is given to calls after Close.
var errClosed = errors.New("the store is closed")

// write runs do in a transaction and returns when it is durable. When the context
// ends before the transaction has begun, nothing is written; after that it is
// waited for.
func (s *Store) write(ctx context.Context, op string, do func(*tx) error) error {
	if s.writer == nil {
		return fmt.Errorf("%s: %w: %s was opened for reading only", op, store.ErrReadOnly, s.path)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	j := &job{op: op, do: do, err: make(chan error, 1)}
	select {
	case s.writer.jobs <- j:
	case <-s.writer.quit:
		return fmt.Errorf("%s: %w", op, errClosed)
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", op, ctx.Err())
	}
	select {
	case err := <-j.err:
		return err
	case <-ctx.Done():
		if !j.taken.Swap(true) {
			return fmt.Errorf("%s: %w", op, ctx.Err())
		}
	case <-s.writer.done:
	}
	select {
	case err := <-j.err:
		return err
	case <-s.writer.done:
		// The loop has ended: it has answered, or never took the job.
		select {
		case err := <-j.err:
			return err
		default:
			return fmt.Errorf("%s: %w", op, errClosed)
		}
	}
}

func (w *writer) stop() error {
	w.once.Do(func() { close(w.quit) })
	<-w.done
	for _, st := range w.stmts {
		_ = st.Close()
	}
	return w.conn.Close()
}

func (w *writer) loop() {
	defer close(w.done)
	group := make([]*job, 0, maxGroup)
	for {
		group = group[:0]
		select {
		case j := <-w.jobs:
			group = w.gather(append(group, j))
		case <-w.quit:
			if group = w.gather(group); len(group) == 0 {
				return
			}
		}
		w.commit(group)
	}
}

// gather takes all calls that wait now. Callers that were just answered are about
// to come back: they get the processor once before the group is closed, which is
// far cheaper than an fsync for a group of one.
func (w *writer) gather(group []*job) []*job {
	group = w.drain(group)
	runtime.Gosched()
	return w.drain(group)
}

func (w *writer) drain(group []*job) []*job {
	for len(group) < maxGroup {
		select {
		case j := <-w.jobs:
			group = append(group, j)
		default:
			return group
		}
	}
	return group
}

// commit writes a group in one transaction. When one of several fails, none is
// kept and each gets a transaction of its own, so that only the guilty one fails.
func (w *writer) commit(group []*job) {
	live := group[:0]
	for _, j := range group {
		if !j.taken.Swap(true) {
			live = append(live, j)
		}
	}
	if len(live) == 0 {
		return
	}
	guilty, err := w.try(live)
	if guilty != nil && len(live) > 1 {
		for _, j := range live {
			_, err := w.try([]*job{j})
			j.err <- w.explain(j.op, err)
		}
		return
	}
	for _, j := range live {
		j.err <- w.explain(j.op, err)
	}
}

// try is one transaction. The job is given that failed; nil when it was not one of
// them but the transaction itself.
func (w *writer) try(group []*job) (*job, error) {
	t := &tx{w: w}
	if err := t.exec("BEGIN IMMEDIATE"); err != nil {
		return nil, err
	}
	guilty, err := t.run(group)
	if err == nil {
		err = t.exec("COMMIT")
	}
	if err != nil {
		// SQLite may have rolled back by itself, which makes this one fail.
		_ = t.exec("ROLLBACK")
	}
	return guilty, err
}

// tx is one write transaction. It is used by the writer's goroutine only.
type tx struct {
	w *writer
	// serial is the store's write counter; 0 until it is first asked for.
	serial int64
	grew   bool
	// tails caches the ends of the journals that are written to.
	tails map[store.RunID]tail
	// lastRun is the latest run's number; 0 until it is first asked for.
	lastRun store.RunID
}

func (t *tx) run(group []*job) (*job, error) {
	for _, j := range group {
		if err := j.do(t); err != nil {
			return j, err
		}
	}
	if t.grew {
		return nil, t.exec("UPDATE meta SET serial = ?", t.serial)
	}
	return nil, nil
}

// nextSerial counts the store's writes up by one.
func (t *tx) nextSerial() (int64, error) {
	if t.serial == 0 {
		if err := t.scan("SELECT serial FROM meta", nil, &t.serial); err != nil {
			return 0, err
		}
	}
	t.serial++
	t.grew = true
	return t.serial, nil
}

func (t *tx) exec(query string, args ...any) error {
	_, err := t.result(query, args...)
	return err
}

// result runs a statement, prepared once. The context is none that can end: the
// transaction is short, and the driver watches over others by a goroutine each.
func (t *tx) result(query string, args ...any) (sql.Result, error) {
	st, err := t.stmt(query)
	if err != nil {
		return nil, err
	}
	return st.ExecContext(context.Background(), args...)
}

// scan runs a query for one row; sql.ErrNoRows when there is none.
func (t *tx) scan(query string, args []any, dest ...any) error {
	st, err := t.stmt(query)
	if err != nil {
		return err
	}
	return st.QueryRowContext(context.Background(), args...).Scan(dest...)
}

func (t *tx) rows(query string, args ...any) (*sql.Rows, error) {
	return t.w.conn.QueryContext(context.Background(), query, args...)
}

func (t *tx) stmt(query string) (*sql.Stmt, error) {
	if st, ok := t.w.stmts[query]; ok {
		return st, nil
	}
	st, err := t.w.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	t.w.stmts[query] = st
	return st, nil
}
