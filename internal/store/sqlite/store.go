// Package sqlite keeps a stack's store in one SQLite file, .tutti/tutti.db in the
// stack's folder: the default, which needs no service.
//
// In and out: what package store says. It owns the file, its schema and its
// migrations, the grouping of commits, and which bytes are encrypted. It must not
// know languages, plans or machines.
//
// Where to read next: schema.go for what lies in the file, writer.go for how
// concurrent calls become one durable commit, state.go, journal.go and lease.go
// for the parts of the contract.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"

	"tutti/internal/secret"
	"tutti/internal/store"
)

// Folder is the folder in a stack's folder that holds the store, and File the
// store in it.
const (
	Folder = ".tutti"
	File   = "tutti.db"
)

// busyTimeout is how long a write waits for one of another process. Transactions
// are short: more than this means that something holds the file.
const busyTimeout = 20 * time.Second

// maxReaders bounds the connections that read side by side.
const maxReaders = 4

// Options of Open. The zero value is the default.
type Options struct {
	// Ring gives the key; nil takes TUTTI_KEY or the user's key file.
	Ring *secret.Ring
	// ReadOnly makes every write fail with store.ErrReadOnly and changes nothing on
	// disk. A store that does not exist is then an empty one.
	ReadOnly bool
}

// Store is a store.Store in a file. Safe for concurrent use.
type Store struct {
	path    string
	box     *secret.Box
	reader  *sql.DB
	writer  *writer // nil when read only
	self    process
	starts  startTimes
	closed  atomic.Bool
	cleanup func() error
}

var _ store.Store = (*Store)(nil)

// Open opens the store in the stack's folder; it makes one when there is none.
// Errors: store.ErrNewer, store.ErrCorrupt, store.ErrReadOnly, and those of the
// file system, all with the file's name and what to do.
func Open(ctx context.Context, dir string, opts Options) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("opening the store: %w", err)
	}
	ring := opts.Ring
	if ring == nil {
		ring = secret.NewRing(os.Getenv(secret.EnvKey), "")
	}
	s := &Store{path: filepath.Join(dir, Folder, File), box: secret.NewBox(ring), self: thisProcess()}
	if opts.ReadOnly {
		err = s.openReadOnly(ctx)
	} else {
		err = s.openWritable(ctx, dir)
	}
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) openWritable(ctx context.Context, dir string) error {
	if err := prepareFolder(dir); err != nil {
		return err
	}
	if _, err := os.Stat(s.path); errors.Is(err, os.ErrNotExist) {
		if err := create(ctx, s.path); err != nil {
			return err
		}
	}
	if err := whole(s.path); err != nil {
		return err
	}
	db, err := openDB(dsn(s.path, "", 0), 1)
	if err != nil {
		return s.explain("opening the store", err)
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		_ = db.Close()
		return s.explain("opening the store", err)
	}
	s.cleanup = db.Close
	// fdatasync skips the file's times, which nobody needs to find the data again:
	// what SQLite does wherever it is built for Linux itself. Elsewhere it is not
	// to be had, and fsync stays.
	_, _ = sqlite.Fdatasync(true)
	if err := migrate(ctx, conn, s.path); err != nil {
		_ = conn.Close()
		return s.diagnose(ctx, db, err)
	}
	s.writer = startWriter(conn, s.explain)
	s.reader, err = openDB(dsn(s.path, "", 1), maxReaders)
	return err
}

// openReadOnly opens an existing file for reading. In a folder that cannot be
// written SQLite cannot make its shared index; then, and only when no write-ahead
// log is there whose content would be missed, the file is read as unchanging.
func (s *Store) openReadOnly(ctx context.Context) error {
	if _, err := os.Stat(s.path); errors.Is(err, os.ErrNotExist) {
		return s.openEmpty(ctx)
	}
	err := s.tryReadOnly(ctx, "ro")
	if err == nil || errors.Is(err, store.ErrNewer) || errors.Is(err, store.ErrCorrupt) {
		return err
	}
	if info, serr := os.Stat(s.path + "-wal"); serr == nil && info.Size() > 0 {
		return err
	}
	return s.tryReadOnly(ctx, "immutable")
}

func (s *Store) tryReadOnly(ctx context.Context, mode string) error {
	db, err := openDB(dsn(s.path, mode, 1), maxReaders)
	if err != nil {
		return s.explain("opening the store", err)
	}
	conn, err := db.Conn(ctx)
	if err == nil {
		err = checkVersion(ctx, conn, s.path)
		_ = conn.Close()
	}
	if err != nil {
		_ = db.Close()
		return s.explain("opening the store", err)
	}
	s.reader = db
	return nil
}

// openEmpty stands in for a file that does not exist and must not be made.
func (s *Store) openEmpty(ctx context.Context) error {
	db, err := openDB("file::memory:", 1)
	if err != nil {
		return err
	}
	s.reader = db
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return migrate(ctx, conn, s.path)
}

// Close waits for the writes under way and releases the file.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	var errs []error
	if s.reader != nil {
		errs = append(errs, s.reader.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.stop())
	}
	if s.cleanup != nil {
		errs = append(errs, s.cleanup()) // last, so that the log is merged into the file
	}
	return errors.Join(errs...)
}

// prepareFolder makes the folder that only the user may look into, and tells Git
// to leave it alone.
func prepareFolder(dir string) error {
	folder := filepath.Join(dir, Folder)
	err := os.Mkdir(folder, 0o700)
	if err != nil && !errors.Is(err, os.ErrExist) {
		return worldError("making the store", folder, err)
	}
	ignore := filepath.Join(folder, ".gitignore")
	if _, err := os.Stat(ignore); errors.Is(err, os.ErrNotExist) {
		if err := os.WriteFile(ignore, []byte("*\n"), 0o600); err != nil {
			return worldError("making the store", ignore, err)
		}
	}
	return nil
}

// whole refuses what SQLite would take for a new database: a file of ours is never
// without its first page, so one that is has lost the state.
func whole(path string) error {
	const firstPage = 512 // the smallest that SQLite knows
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Size() < firstPage {
		return corruptError("opening the store", path, fmt.Sprintf("the file was cut short: it has %d bytes", info.Size()))
	}
	return nil
}

// create makes the file under another name and links it to its own, so that no
// process ever sees half a store, however many make it at once and wherever one
// is killed.
func create(ctx context.Context, path string) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), "new-*.db") // mode 0600
	if err != nil {
		return worldError("making the store", path, err)
	}
	name := tmp.Name()
	_ = tmp.Close()
	defer func() {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			_ = os.Remove(name + suffix)
		}
	}()
	if err := fill(ctx, name); err != nil {
		return explain("making the store", path, err)
	}
	if err := os.Link(name, path); err != nil && !errors.Is(err, os.ErrExist) {
		return worldError("making the store", path, err)
	}
	return nil
}

func fill(ctx context.Context, path string) error {
	db, err := openDB(dsn(path, "", 0), 1)
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "PRAGMA journal_mode=WAL"); err != nil {
		return err
	}
	if err := migrate(ctx, conn, path); err != nil {
		return err
	}
	if err := conn.Close(); err != nil {
		return err
	}
	return db.Close() // merges the log, so that the one file is the whole store
}

// dsn names the file for the driver. A query-only connection cannot write.
func dsn(path, mode string, queryOnly int) string {
	q := url.Values{}
	q.Add("_pragma", "busy_timeout("+strconv.FormatInt(busyTimeout.Milliseconds(), 10)+")")
	q.Add("_pragma", "synchronous(FULL)")
	q.Add("_pragma", "query_only("+strconv.Itoa(queryOnly)+")")
	q.Add("_error_rc", "1")
	switch mode {
	case "ro":
		q.Set("mode", "ro")
	case "immutable":
		q.Set("immutable", "1")
	default:
		q.Set("mode", "rw")
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}).String()
}

func openDB(dsn string, conns int) (*sql.DB, error) {
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}
