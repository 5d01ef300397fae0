package sqlite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"tutti/internal/object"
	"tutti/internal/store"
)

// sumSize is the length of an entry's checksum: the front of a SHA-256.
const sumSize = 16

// tail is the end of a journal: what the next entry is chained to.
type tail struct {
	index int64
	sum   []byte
}

// chain gives the checksum of an entry, which covers all entries before it too:
// an entry that is missing, changed or out of order shows at the next one.
func chain(before []byte, run store.RunID, index int64, sealed []byte) []byte {
	h := sha256.New()
	var head [16]byte
	binary.BigEndian.PutUint64(head[:], uint64(run))
	binary.BigEndian.PutUint64(head[8:], uint64(index))
	h.Write(head[:])
	h.Write(before)
	h.Write(sealed)
	return h.Sum(nil)[:sumSize]
}

// Entries may hold sensitive values in the payloads of events, which the store
// cannot tell from others: so all of them are sealed.
func journalBinding(run store.RunID) []byte {
	return []byte("journal\x00" + strconv.FormatInt(int64(run), 10))
}

// readyEntry is an entry as text, with its writes encoded, and sealed when the
// number of its run is known.
type readyEntry struct {
	line       []byte
	took       int64
	writes     []ready
	end        *store.End
	checkpoint []byte
	// sealed are the line, the end's output and the checkpoint; the last is bound to
	// the entry's index and sealed when that is known.
	sealed, output []byte
}

// readyEntries does what can be done before the run is known.
func (s *Store) readyEntries(entries []store.Entry, start time.Time) ([]readyEntry, error) {
	list := make([]readyEntry, len(entries))
	for i, e := range entries {
		writes, err := s.prepare(e.Writes)
		if err != nil {
			return nil, err
		}
		list[i] = readyEntry{line: []byte(store.FormatEntry(e, start)), took: e.Took, writes: writes, end: e.End, checkpoint: e.Checkpoint}
	}
	return list, nil
}

// seal encrypts what belongs to a run.
func (s *Store) seal(run store.RunID, list []readyEntry) (err error) {
	binding := journalBinding(run)
	for i := range list {
		e := &list[i]
		if e.sealed, err = s.box.Seal(e.line, binding); err != nil {
			return err
		}
		if e.end == nil {
			continue
		}
		if e.output, err = s.sealRunSecret("output", run, e.end.Output); err != nil {
			return err
		}
	}
	return nil
}

// Append implements store.Journal.
func (s *Store) Append(ctx context.Context, run store.RunID, entries []store.Entry) error {
	const op = "writing the journal"
	if len(entries) == 0 {
		return nil
	}
	start, err := s.started(ctx, run)
	if err != nil {
		return s.explain(op, err)
	}
	list, err := s.readyEntries(entries, start)
	if err == nil {
		err = s.seal(run, list)
	}
	if err != nil {
		return s.explain(op, err)
	}
	return s.write(ctx, op, func(t *tx) error { return t.append(s, run, list) })
}

func (t *tx) append(s *Store, run store.RunID, list []readyEntry) error {
	end, err := t.tail(run)
	if err != nil {
		return err
	}
	for i := range list {
		e := &list[i]
		end.index++
		end.sum = chain(end.sum, run, end.index, e.sealed)
		if err := t.exec("INSERT INTO journal (run, idx, sum, sealed) VALUES (?,?,?,?)", int64(run), end.index, end.sum, e.sealed); err != nil {
			return err
		}
		if err := t.follow(s, run, e, end); err != nil {
			return err
		}
	}
	t.knowTail(run, end)
	return nil
}

// follow writes what goes with an entry.
func (t *tx) follow(s *Store, run store.RunID, e *readyEntry, at tail) error {
	if e.took > 0 {
		if err := t.exec("DELETE FROM message WHERE number = ? AND run = ?", e.took, int64(run)); err != nil {
			return err
		}
	}
	if e.end != nil {
		if err := t.end(run, e); err != nil {
			return err
		}
	}
	if e.checkpoint != nil {
		if err := t.checkpoint(s, run, e.checkpoint, at); err != nil {
			return err
		}
	}
	return t.apply(s, run, e.writes)
}

// tail gives the end of a run's journal. It is remembered for the transaction
// only: another process may write the next one.
func (t *tx) tail(run store.RunID) (tail, error) {
	if end, ok := t.tails[run]; ok {
		return end, nil
	}
	var end tail
	err := t.scan("SELECT idx, sum FROM journal WHERE run = ? ORDER BY idx DESC LIMIT 1", []any{int64(run)}, &end.index, &end.sum)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return end, err
}

func (t *tx) knowTail(run store.RunID, end tail) {
	if t.tails == nil {
		t.tails = map[store.RunID]tail{}
	}
	t.tails[run] = end
}

// started gives when a run was created.
func (s *Store) started(ctx context.Context, run store.RunID) (time.Time, error) {
	if at, ok := s.starts.get(run); ok {
		return at, nil
	}
	var ns int64
	err := s.reader.QueryRowContext(ctx, "SELECT created FROM run WHERE id = ?", int64(run)).Scan(&ns)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, fmt.Errorf("run %d: %w", run, store.ErrNotFound)
	}
	if err != nil {
		return time.Time{}, err
	}
	at := fromNanos(ns)
	s.starts.put(run, at)
	return at, nil
}

// maxStartTimes bounds what is remembered of runs; it is looked up again then.
const maxStartTimes = 1 << 16

// startTimes remembers when runs were created: it never changes, and the text form
// of every journal entry is relative to it.
type startTimes struct {
	mu sync.RWMutex
	at map[store.RunID]time.Time
}

func (t *startTimes) get(run store.RunID) (time.Time, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	at, ok := t.at[run]
	return at, ok
}

func (t *startTimes) put(run store.RunID, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.at == nil || len(t.at) >= maxStartTimes {
		t.at = map[store.RunID]time.Time{}
	}
	t.at[run] = at
}

func (t *startTimes) forget(run store.RunID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.at, run)
}

// Entries implements store.Journal.
func (s *Store) Entries(ctx context.Context, run store.RunID, from int64) ([]store.Entry, error) {
	const op = "reading the journal"
	start, err := s.started(ctx, run)
	if err != nil {
		return nil, s.explain(op, err)
	}
	// The entry before the first is read for its checksum.
	from = max(from, 1)
	rows, err := s.reader.QueryContext(ctx, "SELECT idx, sum, sealed FROM journal WHERE run = ? AND idx >= ? ORDER BY idx", int64(run), from-1)
	if err != nil {
		return nil, s.explain(op, err)
	}
	defer rows.Close()
	out, err := s.scanEntries(rows, run, from, start)
	return out, s.explain(op, err)
}

func (s *Store) scanEntries(rows *sql.Rows, run store.RunID, from int64, start time.Time) ([]store.Entry, error) {
	var out []store.Entry
	var before []byte
	want := from
	var sum, sealed sql.RawBytes
	var index int64
	for rows.Next() {
		if err := rows.Scan(&index, &sum, &sealed); err != nil {
			return nil, err
		}
		if index == from-1 {
			before = bytes.Clone(sum)
			continue
		}
		if index != want || index > 1 && before == nil {
			return nil, s.brokenEntry(run, want, "it is missing")
		}
		if !bytes.Equal(chain(before, run, index, sealed), sum) {
			return nil, s.brokenEntry(run, index, "its checksum does not fit: it, or one before it, was changed")
		}
		line, err := s.box.Open(sealed, journalBinding(run))
		if err != nil {
			return nil, s.unsealError(fmt.Sprintf("entry %d of run %d", index, run), err)
		}
		e, err := store.ParseEntry(string(line), start)
		if err != nil {
			return nil, s.brokenEntry(run, index, err.Error())
		}
		e.Index = index
		out = append(out, e)
		before = append(before[:0], sum...)
		want++
	}
	return out, rows.Err()
}

func (s *Store) brokenEntry(run store.RunID, index int64, what string) error {
	return corruptError("reading the journal", s.path, fmt.Sprintf("entry %d of run %d: %s", index, run, what))
}

// Preimages implements store.Journal: rows first, then outputs.
func (s *Store) Preimages(ctx context.Context, run store.RunID) ([]store.Preimage, error) {
	const op = "reading the journal"
	if _, err := s.started(ctx, run); err != nil {
		return nil, s.explain(op, err)
	}
	rows, err := s.reader.QueryContext(ctx, "SELECT "+keyCols+", "+bodyCols+" FROM preimage WHERE run = ? ORDER BY id", int64(run))
	if err != nil {
		return nil, s.explain(op, err)
	}
	defer rows.Close()
	var out []store.Preimage
	r := newRowReader(s)
	for rows.Next() {
		if err := rows.Scan(r.dest...); err != nil {
			return nil, s.explain(op, err)
		}
		row, err := r.row()
		if err != nil {
			return nil, s.explain(op, err)
		}
		key, _ := r.keys.read(&r.key) // it was read by row already
		out = append(out, store.Preimage{Key: key, Row: row})
	}
	if err := rows.Err(); err != nil {
		return nil, s.explain(op, err)
	}
	out, err = s.outputPreimages(ctx, run, out)
	return out, s.explain(op, err)
}

func (s *Store) outputPreimages(ctx context.Context, run store.RunID, out []store.Preimage) ([]store.Preimage, error) {
	rows, err := s.reader.QueryContext(ctx,
		"SELECT name, serial, sensitive, type, value, sealed FROM preimage_output WHERE run = ? ORDER BY name", int64(run))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var serial sql.NullInt64
		var sensitive sql.NullBool
		var sealed []byte
		o := &object.OutputState{}
		if err := rows.Scan(&o.Name, &serial, &sensitive, &o.Type, &o.Value, &sealed); err != nil {
			return nil, err
		}
		p := store.Preimage{Output: o.Name}
		if serial.Valid {
			o.Serial, o.Sensitive = serial.Int64, sensitive.Bool
			if err := s.openOutput(o, sealed); err != nil {
				return nil, err
			}
			p.Before = o
		}
		out = append(out, p)
	}
	return out, rows.Err()
}
