package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"tutti/internal/secret"
	"tutti/internal/store"
)

// explain turns a failure of SQLite or the file system into one that names the
// file and says what to do. Errors that do so already stay as they are.
func (s *Store) explain(op string, err error) error { return explain(op, s.path, err) }

func explain(op, path string, err error) error {
	if err == nil || explained(err) {
		return err
	}
	var se *sqlite.Error
	if errors.As(err, &se) {
		return sqliteError(op, path, se.Code(), err)
	}
	// A value of a kind that its column never holds: database/sql has no error
	// type for it.
	if strings.HasPrefix(err.Error(), "sql: Scan error") {
		return corruptError(op, path, err.Error())
	}
	return worldError(op, path, err)
}

func explained(err error) bool {
	for _, known := range []error{store.ErrNewer, store.ErrCorrupt, store.ErrReadOnly, store.ErrNotFound, store.ErrKey,
		context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return true
		}
	}
	var held *store.HeldError
	var exists *store.ExistsError
	var conflict *store.ConflictError
	return errors.As(err, &held) || errors.As(err, &exists) || errors.As(err, &conflict)
}

func sqliteError(op, path string, code int, err error) error {
	switch code & 0xff {
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%s: %s: the disk is full: make room in %s and go on with `tutti resume`; what was stored before is safe: %w",
			op, path, filepath.Dir(path), err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return readOnlyError(op, path, err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return corruptError(op, path, err.Error())
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("%s: %s: another process has kept the file locked for %s; end it or wait for it: %w", op, path, busyTimeout, err)
	case sqlite3.SQLITE_CANTOPEN:
		return fmt.Errorf("%s: %s cannot be opened: look whether it is a file and whether you may read and write it and its folder: %w",
			op, path, err)
	case sqlite3.SQLITE_IOERR:
		return fmt.Errorf("%s: %s: the disk failed (or is full): make sure that %s can be written and go on with `tutti resume`; "+
			"what was stored before is safe: %w", op, path, filepath.Dir(path), err)
	default:
		return fmt.Errorf("%s: %s: %w", op, path, err)
	}
}

func corruptError(op, path, what string) error {
	return fmt.Errorf("%s: %w: %s: %s; keep a copy of it and of %s-wal, then put a good copy in its place, or move it away and adopt "+
		"the state from a terraform.tfstate (tutti state push)", op, store.ErrCorrupt, path, what, filepath.Base(path))
}

func readOnlyError(op, path string, err error) error {
	return fmt.Errorf("%s: %w: %s: %w; give the user who runs tutti the right to write this file and its folder", op, store.ErrReadOnly,
		path, err)
}

// worldError is for failures of the file system itself.
func worldError(op, path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS):
		return readOnlyError(op, path, err)
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("%s: %s: the disk is full: make room in %s and go on with `tutti resume`: %w", op, path, filepath.Dir(path), err)
	default:
		return fmt.Errorf("%s: %s: %w", op, path, err)
	}
}

// unsealError tells a missing or wrong key from damage.
func (s *Store) unsealError(what string, err error) error {
	if errors.Is(err, secret.ErrDamaged) {
		return corruptError("reading the store", s.path, what+": "+err.Error())
	}
	return fmt.Errorf("reading the store: %s: %w: %w; give the key that was used when it was written: the key file of that user, or %s",
		what, store.ErrKey, err, secret.EnvKey)
}

// diagnose looks at the whole file when opening found it damaged, for a better
// account of what is wrong.
func (s *Store) diagnose(ctx context.Context, db *sql.DB, err error) error {
	err = s.explain("opening the store", err)
	if !errors.Is(err, store.ErrCorrupt) {
		return err
	}
	var found string
	if qerr := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found); qerr == nil && found != "ok" {
		return fmt.Errorf("%w (quick_check: %s)", err, found)
	}
	return err
}
