package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"tutti/internal/store"
)

func documentBinding(kind, key string) []byte { return []byte("document\x00" + kind + "\x00" + key) }

// PutDocuments implements store.Documents.
func (s *Store) PutDocuments(ctx context.Context, writes []store.DocumentWrite) error {
	const op = "writing a document"
	sealed := make([][]byte, len(writes))
	for i, w := range writes {
		if w.Delete {
			continue
		}
		var err error
		if sealed[i], err = s.box.Seal(w.Value, documentBinding(w.Kind, w.Key)); err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
	}
	// All conditions are looked at before anything is written, so that one that does
	// not hold is no failure of the transaction, which others share.
	var conflict error
	err := s.write(ctx, op, func(t *tx) error {
		if conflict = t.documentConflict(writes); conflict != nil {
			return nil
		}
		for i, w := range writes {
			if err := t.writeDocument(&w, sealed[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = s.explain(op, conflict)
	}
	return err
}

func (t *tx) documentConflict(writes []store.DocumentWrite) error {
	for _, w := range writes {
		if w.If == (store.Condition{}) {
			continue
		}
		var have int64
		err := t.scan("SELECT serial FROM document WHERE kind = ? AND key = ?", []any{w.Kind, w.Key}, &have)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if have != w.If.Serial {
			return &store.ConflictError{Kind: w.Kind, Key: w.Key, Serial: have}
		}
	}
	return nil
}

func (t *tx) writeDocument(w *store.DocumentWrite, sealed []byte) error {
	if w.Delete {
		return t.exec("DELETE FROM document WHERE kind = ? AND key = ?", w.Kind, w.Key)
	}
	// What is replaced gets a new number, which is its serial.
	return t.exec("INSERT OR REPLACE INTO document (kind, key, sealed) VALUES (?,?,?)", w.Kind, w.Key, sealed)
}

// Document implements store.Documents.
func (s *Store) Document(ctx context.Context, kind, key string) (store.Document, error) {
	const op = "reading a document"
	d := store.Document{Kind: kind, Key: key}
	var sealed []byte
	err := s.reader.QueryRowContext(ctx, "SELECT serial, sealed FROM document WHERE kind = ? AND key = ?", kind, key).Scan(&d.Serial, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		return store.Document{}, fmt.Errorf("%s %q: %w", kind, key, store.ErrNotFound)
	}
	if err != nil {
		return store.Document{}, s.explain(op, err)
	}
	if d.Value, err = s.openDocument(kind, key, sealed); err != nil {
		return store.Document{}, err
	}
	return d, nil
}

func (s *Store) openDocument(kind, key string, sealed []byte) ([]byte, error) {
	value, err := s.box.Open(sealed, documentBinding(kind, key))
	if err != nil {
		return nil, s.unsealError(fmt.Sprintf("the %s %q", kind, key), err)
	}
	return value, nil
}

// ListDocuments implements store.Documents.
func (s *Store) ListDocuments(ctx context.Context, f store.DocumentFilter) ([]store.Document, error) {
	const op = "listing documents"
	query, args := "SELECT key, serial, sealed FROM document WHERE kind = ? AND key > ? AND key >= ?", []any{f.Kind, f.After, f.Prefix}
	if f.After == "" {
		query = "SELECT key, serial, sealed FROM document WHERE kind = ? AND key >= ? AND key >= ?"
	}
	if end, ok := behind(f.Prefix); ok {
		query, args = query+" AND key < ?", append(args, end)
	}
	rows, err := s.reader.QueryContext(ctx, query+" ORDER BY key LIMIT ?", append(args, sqlLimit(f.Limit))...)
	if err != nil {
		return nil, s.explain(op, err)
	}
	defer rows.Close()
	var out []store.Document
	for rows.Next() {
		d := store.Document{Kind: f.Kind}
		var sealed []byte
		if err := rows.Scan(&d.Key, &d.Serial, &sealed); err != nil {
			return nil, s.explain(op, err)
		}
		if d.Value, err = s.openDocument(f.Kind, d.Key, sealed); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, s.explain(op, rows.Err())
}

// behind gives the least text that is greater than all that begin with the prefix;
// there is none for an empty one.
func behind(prefix string) (string, bool) {
	end := []byte(prefix)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i] < 0xff {
			end[i]++
			return string(end[:i+1]), true
		}
	}
	return "", false
}
