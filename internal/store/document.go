package store

import (
	"context"
	"fmt"
)

// Documents are small records beside the runs: definitions, schedules, whatever a
// server must not forget. Kind and key say which one; the value is the caller's.
type Documents interface {
	// PutDocuments makes all of the writes in one transaction, or none of them, and
	// returns when that is durable. A write whose condition does not hold is a
	// *ConflictError. Concurrent calls are grouped into one commit.
	PutDocuments(ctx context.Context, writes []DocumentWrite) error
	// Document gives one; ErrNotFound when there is none.
	Document(ctx context.Context, kind, key string) (Document, error)
	// ListDocuments gives those that fit in the order of their keys, byte by byte.
	ListDocuments(ctx context.Context, f DocumentFilter) ([]Document, error)
}

// Document is one record.
type Document struct {
	Kind, Key string
	// Value is encrypted by the store. Kind and Key are not.
	Value []byte
	// Serial tells one write of the document from another: it is above 0 and grows
	// with each. One that was deleted and made again does not begin anew.
	Serial int64
}

// DocumentWrite puts or deletes one document.
type DocumentWrite struct {
	Kind, Key string
	Value     []byte
	// Delete takes the document away; there need not be one.
	Delete bool
	// If is the condition of the write; the zero value is none.
	If Condition
}

// Condition is what must be true of a document for a write to be made.
type Condition struct {
	// Absent means that there is no such document, Serial that the present one is of
	// this write. At most one of them is set.
	Absent bool
	Serial int64
}

// DocumentFilter says which documents are meant.
type DocumentFilter struct {
	Kind   string
	Prefix string // of the key
	After  string // only greater keys: where the page before this one ended
	Limit  int    // 0 is all
}

// ConflictError says that the condition of a write does not hold.
type ConflictError struct {
	Kind, Key string
	Serial    int64 // of the present document; 0 when there is none
}

func (e *ConflictError) Error() string {
	if e.Serial == 0 {
		return fmt.Sprintf("the %s %q is no longer there", e.Kind, e.Key)
	}
	return fmt.Sprintf("the %s %q is there already, or was changed by somebody else", e.Kind, e.Key)
}
