package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"tutti/internal/server/control"
)

// lock is held by the one server of a store as long as its process lives; the system
// lets go of it however the process ends.
type lock struct{ file *os.File }

// ServedError says that another process serves the store.
type ServedError struct{ Status control.Status }

// Error implements error.
func (e *ServedError) Error() string {
	s := e.Status
	if s.PID == 0 {
		return "another process is about to serve this store"
	}
	text := fmt.Sprintf("process %d serves this store already, since %s", s.PID, s.Since.Local().Format("2006-01-02 15:04:05"))
	if len(s.URLs) > 0 {
		text += ", at " + strings.Join(s.URLs, " and ")
	}
	return text
}

// maxLockText bounds what is read of another's lock.
const maxLockText = 64 << 10

func takeLock(folder string, who control.Status) (*lock, error) {
	path := filepath.Join(folder, control.LockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the store for this server: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		served := &ServedError{}
		// Who holds it may not have written yet who it is.
		_ = json.NewDecoder(io.LimitReader(f, maxLockText)).Decode(&served.Status)
		return nil, errors.Join(served, f.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock the store for this server: %w", err), f.Close())
	}
	l := &lock{file: f}
	if err := l.note(who); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return l, nil
}

// note writes who holds the lock.
func (l *lock) note(who control.Status) error {
	text, err := json.Marshal(who)
	if err == nil {
		err = l.file.Truncate(0)
	}
	if err == nil {
		_, err = l.file.WriteAt(text, 0)
	}
	if err != nil {
		return fmt.Errorf("note who serves the store: %w", err)
	}
	return nil
}

func (l *lock) release() error { return l.file.Close() }
