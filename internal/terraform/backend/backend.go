// Package backend keeps a Terraform state where a backend block says that it lies: it
// reads and writes it whole, and locks it, as Terraform does, so that both tools can share
// it.
//
// In: the type of a backend and its settings as texts. Out: a Backend. It must not know
// what a state holds, nor what is done with it.
//
// Files: backend.go the contract, http.go the backend "http", initialized.go what init notes.
package backend

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"tutti/internal/diag"
)

// Backend is one place of one state. It is used by one command at a time.
type Backend interface {
	// Read gives the state; nil when there is none yet.
	Read(ctx context.Context) ([]byte, error)
	// Write replaces the state, under the lock of this ID; "" is none.
	Write(ctx context.Context, state []byte, lock string) error
	// Lock takes the lock; a *HeldError when somebody has it. A backend without locks gives
	// no error.
	Lock(ctx context.Context, l Lock) error
	// Unlock gives the lock of this ID back.
	Unlock(ctx context.Context, id string) error
}

// Lock says who holds the state, in the form that Terraform has.
type Lock struct {
	ID        string
	Operation string
	Info      string
	Who       string
	Version   string
	Created   time.Time
	Path      string
}

// HeldError says that somebody else holds the state. Lock is what is known of it.
type HeldError struct{ Lock Lock }

// Error implements error.
func (e *HeldError) Error() string {
	if e.Lock.ID == "" {
		return "the state is locked"
	}
	return fmt.Sprintf("the state is locked by %s since %s, for %s (lock %s)", orUnknown(e.Lock.Who), e.Lock.Created.UTC().Format(time.RFC3339), orUnknown(e.Lock.Operation), e.Lock.ID)
}

func orUnknown(text string) string {
	if text == "" {
		return "somebody"
	}
	return text
}

// readLock reads what a backend says of who holds the lock.
func readLock(text []byte) Lock {
	var l Lock
	_ = json.Unmarshal(text, &l) // whatever else it says, the lock is held
	return l
}

// Types are the backends that there are here, besides local.
var types = []string{"http"}

// Known reports whether a type of backend can be used.
func Known(kind string) bool { return slices.Contains(types, kind) }

// Open gives a backend. Env gives variables of the environment, which stand for settings
// that are not there.
func Open(kind string, settings map[string]string, env func(string) string) (Backend, error) {
	switch kind {
	case "http":
		return openHTTP(settings, env)
	default:
		return nil, fmt.Errorf("there is no backend %q here; there are local and %s", kind, strings.Join(types, ", "))
	}
}

// unknown refuses settings that a backend does not have.
func unknown(settings map[string]string, known []string) error {
	for name := range settings {
		if !slices.Contains(known, name) {
			return fmt.Errorf("the backend has no setting %q.%s", name, diag.DidYouMean(name, known))
		}
	}
	return nil
}
