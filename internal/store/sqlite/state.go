package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/user"
	"time"

	"tutti/internal/object"
	"tutti/internal/store"
)

// Snapshot implements store.States. It reads in one transaction, beside writers.
func (s *Store) Snapshot(ctx context.Context) (*store.Snapshot, error) {
	const op = "reading the state"
	t, err := s.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, s.explain(op, err)
	}
	defer func() { _ = t.Rollback() }()
	snap := &store.Snapshot{}
	var rows int
	err = t.QueryRowContext(ctx, "SELECT serial, lineage, (SELECT count(*) FROM state) FROM meta").Scan(&snap.Serial, &snap.Lineage, &rows)
	if err != nil {
		return nil, s.explain(op, err)
	}
	snap.Rows = make([]*object.State, 0, rows)
	if err := s.readRows(ctx, t, snap); err != nil {
		return nil, s.explain(op, err)
	}
	if err := s.readOutputs(ctx, t, snap); err != nil {
		return nil, s.explain(op, err)
	}
	return snap, nil
}

func (s *Store) readRows(ctx context.Context, t *sql.Tx, snap *store.Snapshot) error {
	rows, err := t.QueryContext(ctx, "SELECT "+keyCols+", "+bodyCols+" FROM state")
	if err != nil {
		return err
	}
	defer rows.Close()
	r := newRowReader(s)
	for rows.Next() {
		if err := rows.Scan(r.dest...); err != nil {
			return err
		}
		row, err := r.row()
		if err != nil {
			return err
		}
		snap.Rows = append(snap.Rows, row)
	}
	return rows.Err()
}

// rowReader scans and decodes rows one after the other, with one set of buffers.
type rowReader struct {
	s      *Store
	keys   *keyReader
	needs  needsReader
	key    keyColumns
	driver sql.NullString
	text   sql.NullString
	serial sql.NullInt64
	schema sql.NullInt64
	sum    sql.NullInt64
	body   body
	dest   []any
}

func newRowReader(s *Store) *rowReader {
	r := &rowReader{s: s, keys: newKeyReader()}
	r.dest = append(r.key.dest(), &r.serial, &r.driver, &r.schema, &r.body.attributes, &r.body.detail, &r.text, &r.body.sealed, &r.sum)
	return r
}

// row decodes what was scanned; nil for a pre-image that did not exist.
func (r *rowReader) row() (*object.State, error) {
	key, err := r.keys.read(&r.key)
	if err != nil {
		return nil, r.damaged(err)
	}
	if !r.serial.Valid {
		return nil, nil
	}
	r.body.driver, r.body.needs, r.body.schemaVersion = r.keys.intern(r.driver.String), r.text.String, r.schema.Int64
	if r.body.sum() != r.sum.Int64 {
		return nil, r.damaged(errors.New("its checksum does not fit"))
	}
	row, err := r.s.decode(key, r.serial.Int64, &r.body, &r.needs)
	if err != nil && !explained(err) {
		return nil, r.damaged(err)
	}
	return row, err
}

func (r *rowReader) damaged(err error) error {
	name := r.key.module + " " + r.key.kind + " " + r.key.typ + " " + r.key.name + r.key.key
	return corruptError("reading the state", r.s.path, "the row of "+name+": "+err.Error())
}

func outputBinding(name string) []byte { return []byte("output\x00" + name) }

func (s *Store) readOutputs(ctx context.Context, t *sql.Tx, snap *store.Snapshot) error {
	rows, err := t.QueryContext(ctx, "SELECT name, serial, sensitive, type, value, sealed FROM output ORDER BY name")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		o := &object.OutputState{}
		var sealed []byte
		if err := rows.Scan(&o.Name, &o.Serial, &o.Sensitive, &o.Type, &o.Value, &sealed); err != nil {
			return err
		}
		if err := s.openOutput(o, sealed); err != nil {
			return err
		}
		snap.Outputs = append(snap.Outputs, o)
	}
	return rows.Err()
}

func (s *Store) openOutput(o *object.OutputState, sealed []byte) error {
	if sealed == nil {
		return nil
	}
	var err error
	if o.Value, err = s.box.Open(sealed, outputBinding(o.Name)); err != nil {
		return s.unsealError("output "+o.Name, err)
	}
	return nil
}

// Changed implements store.States.
func (s *Store) Changed(ctx context.Context, after int64) ([]object.RowKey, error) {
	const op = "reading the state"
	// A key that was deleted and made again may stand in both tables.
	rows, err := s.reader.QueryContext(ctx,
		"SELECT "+keyCols+" FROM state WHERE serial > ?1 UNION SELECT "+keyCols+" FROM gone WHERE serial > ?1", after)
	if err != nil {
		return nil, s.explain(op, err)
	}
	defer rows.Close()
	var out []object.RowKey
	var c keyColumns
	r, dest := newKeyReader(), c.dest()
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return nil, s.explain(op, err)
		}
		key, err := r.read(&c)
		if err != nil {
			return nil, corruptError(op, s.path, err.Error())
		}
		out = append(out, key)
	}
	return out, s.explain(op, rows.Err())
}

// Write implements store.States.
func (s *Store) Write(ctx context.Context, why string, writes []store.Write) error {
	const op = "writing the state"
	ready, err := s.prepare(writes)
	if err != nil {
		return s.explain(op, err)
	}
	now := time.Now()
	record := store.Run{
		Machine: store.MachineEdit, Command: why, User: userName(), Host: hostName(), Created: now, Ended: now, Status: store.Succeeded,
	}
	return s.write(ctx, op, func(t *tx) error {
		run, err := t.begin(s, &record, nil)
		if err != nil {
			return err
		}
		return t.apply(s, run, ready)
	})
}

func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return os.Getenv("USER")
}

func hostName() string {
	h, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return h
}

// ready is a write with its row encoded: that is done by the caller, so that the
// writer's goroutine does only what must be done in its turn.
type ready struct {
	store.Write
	body   *body
	sealed []byte // of a sensitive output
}

func (s *Store) prepare(writes []store.Write) ([]ready, error) {
	out := make([]ready, len(writes))
	for i, w := range writes {
		mustBeOne(w)
		out[i].Write = w
		var err error
		switch {
		case w.Put != nil:
			out[i].body, err = s.encode(w.Put)
		case w.PutOutput != nil && w.PutOutput.Sensitive:
			out[i].sealed, err = s.box.Seal(w.PutOutput.Value, outputBinding(w.PutOutput.Name))
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func mustBeOne(w store.Write) {
	n := 0
	for _, set := range []bool{w.Put != nil, w.Delete != nil, w.PutOutput != nil, w.DeleteOutput != "", w.Rekey != nil, w.Adopt != nil} {
		if set {
			n++
		}
	}
	if n != 1 {
		panic(fmt.Sprintf("store: invariant broken: a write has exactly one field set, this one %d", n))
	}
}

// apply makes the writes of one call; they get one serial.
func (t *tx) apply(s *Store, run store.RunID, writes []ready) error {
	if len(writes) == 0 {
		return nil
	}
	serial, err := t.nextSerial()
	if err != nil {
		return err
	}
	for _, w := range writes {
		if err := t.applyOne(s, run, serial, w); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) applyOne(s *Store, run store.RunID, serial int64, w ready) error {
	switch {
	case w.Put != nil:
		return t.put(run, w.Put.Key(), w.body, serial)
	case w.Delete != nil:
		return t.delete(run, *w.Delete, serial)
	case w.PutOutput != nil:
		return t.putOutput(run, serial, w)
	case w.DeleteOutput != "":
		if err := t.keepOutput(run, w.DeleteOutput); err != nil {
			return err
		}
		return t.exec("DELETE FROM output WHERE name = ?", w.DeleteOutput)
	case w.Rekey != nil:
		return t.rekey(s, run, serial, *w.Rekey)
	case w.Adopt != nil:
		return t.adopt(serial, w.Adopt)
	default:
		panic("store: invariant broken: an empty write passed prepare")
	}
}

const sameKey = "module=? AND kind=? AND type=? AND name=? AND key=? AND deposed=?"

const keepSQL = "INSERT OR IGNORE INTO preimage (run, " + keyCols + ", " + bodyCols + ") " +
	"SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, " + bodyCols + " FROM (SELECT 1) LEFT JOIN state " +
	"ON module=?2 AND kind=?3 AND type=?4 AND name=?5 AND key=?6 AND deposed=?7"

// keep notes the row as it is, or that there is none, unless the run changed it
// before. The columns are copied as they are: a sealed value is bound to the key.
func (t *tx) keep(run store.RunID, key []any) error {
	return t.exec(keepSQL, append([]any{int64(run)}, key...)...)
}

const putSQL = "INSERT INTO state (" + keyCols + ", " + bodyCols + ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?) " +
	"ON CONFLICT (" + keyCols + ") DO UPDATE SET serial=excluded.serial, driver=excluded.driver, " +
	"schema_version=excluded.schema_version, attributes=excluded.attributes, detail=excluded.detail, " +
	"needs=excluded.needs, sealed=excluded.sealed, sum=excluded.sum"

func (t *tx) put(run store.RunID, k object.RowKey, b *body, serial int64) error {
	key := keyArgs(k)
	if err := t.keep(run, key); err != nil {
		return err
	}
	return t.exec(putSQL, append(key, b.args(serial)...)...)
}

const goneSQL = "INSERT INTO gone (" + keyCols + ", serial) VALUES (?,?,?,?,?,?,?) " +
	"ON CONFLICT (" + keyCols + ") DO UPDATE SET serial=excluded.serial"

func (t *tx) delete(run store.RunID, k object.RowKey, serial int64) error {
	key := keyArgs(k)
	if err := t.keep(run, key); err != nil {
		return err
	}
	if err := t.exec("DELETE FROM state WHERE "+sameKey, key...); err != nil {
		return err
	}
	return t.exec(goneSQL, append(key, serial)...)
}

func (t *tx) rekey(s *Store, run store.RunID, serial int64, m store.Rekey) error {
	from, err := t.readRow(s, m.From)
	if err != nil {
		return err
	}
	if from == nil {
		return fmt.Errorf("moving %s to %s: there is no row of that address", m.From.Addr, m.To.Addr)
	}
	to, err := t.readRow(s, m.To)
	if err != nil {
		return err
	}
	if to != nil {
		return fmt.Errorf("moving %s to %s: there is a row of that address already", m.From.Addr, m.To.Addr)
	}
	if err := t.delete(run, m.From, serial); err != nil {
		return err
	}
	moved := *from
	moved.Addr, moved.Deposed = m.To.Addr, m.To.Deposed
	b, err := s.encode(&moved) // seals it anew, bound to its new key
	if err != nil {
		return err
	}
	return t.put(run, m.To, b, serial)
}

func (t *tx) readRow(s *Store, k object.RowKey) (*object.State, error) {
	r := newRowReader(s)
	err := t.scan("SELECT "+keyCols+", "+bodyCols+" FROM state WHERE "+sameKey, keyArgs(k), r.dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return r.row()
}

func (t *tx) putOutput(run store.RunID, serial int64, w ready) error {
	o := w.PutOutput
	if err := t.keepOutput(run, o.Name); err != nil {
		return err
	}
	value := o.Value
	if o.Sensitive {
		value = nil
	}
	return t.exec("INSERT OR REPLACE INTO output (name, serial, sensitive, type, value, sealed) VALUES (?,?,?,?,?,?)",
		o.Name, serial, o.Sensitive, blob(o.Type), blob(value), blob(w.sealed))
}

func (t *tx) keepOutput(run store.RunID, name string) error {
	return t.exec("INSERT OR IGNORE INTO preimage_output (run, name, serial, sensitive, type, value, sealed) "+
		"SELECT ?1, ?2, serial, sensitive, type, value, sealed FROM (SELECT 1) LEFT JOIN output ON name = ?2", int64(run), name)
}

func (t *tx) adopt(serial int64, a *store.Adopt) error {
	if a.Serial >= serial {
		t.serial = a.Serial + 1
	}
	return t.exec("UPDATE meta SET lineage = ?", a.Lineage)
}
