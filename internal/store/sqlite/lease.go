package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"time"

	"tutti/internal/addr"
	"tutti/internal/store"
)

// leaseRow is a lease as it is stored.
type leaseRow struct {
	run            int64
	holder, reason string
	since, renewed int64
	whole          bool
	objects        string // addresses, one a line, sorted
	process        process
}

// Acquire implements store.Leases.
func (s *Store) Acquire(ctx context.Context, l store.Lease) error {
	now := time.Now()
	if l.Since.IsZero() {
		l.Since = now
	}
	want := leaseRow{
		run: int64(l.Run), holder: l.Holder, reason: l.Reason, since: nanos(l.Since), renewed: nanos(now), whole: l.Whole,
		process: s.self,
	}
	if !l.Whole {
		want.objects = joinObjects(l.Objects)
	}
	return s.write(ctx, "taking the lease", func(t *tx) error { return t.acquire(s, &want, now) })
}

func (t *tx) acquire(s *Store, want *leaseRow, now time.Time) error {
	rows, err := t.rows("SELECT " + leaseCols + " FROM lease ORDER BY run")
	if err != nil {
		return err
	}
	all, err := scanLeases(rows)
	if err != nil {
		return err
	}
	for i := range all {
		have := &all[i]
		if !s.inForce(have, now) {
			if err := t.exec("DELETE FROM lease WHERE run = ?", have.run); err != nil {
				return err
			}
			continue
		}
		if have.run == want.run && have.process == want.process {
			if have.whole == want.whole && have.objects == want.objects {
				// Renewed as it is, and so without a look at the others: none of them
				// can have got what this one holds.
				return t.exec("UPDATE lease SET renewed = ? WHERE run = ?", want.renewed, want.run)
			}
			want.since = have.since
		}
	}
	for i := range all {
		if err := s.conflict(&all[i], want, now); err != nil {
			return err
		}
	}
	return t.exec("INSERT OR REPLACE INTO lease ("+leaseCols+") VALUES (?,?,?,?,?,?,?,?,?,?)", want.run, want.holder, want.reason,
		want.since, want.renewed, want.whole, want.objects, want.process.place.text(), want.process.pid, want.process.started)
}

// conflict gives the error when a lease in force forbids the wanted one.
func (s *Store) conflict(have, want *leaseRow, now time.Time) error {
	if !s.inForce(have, now) || have.run == want.run && have.process == want.process {
		return nil
	}
	whole := have.run == want.run || have.whole || want.whole
	var both []addr.Object
	if !whole {
		var err error
		if both, err = inBoth(have.objects, want.objects); err != nil {
			return corruptError("taking the lease", s.path, err.Error())
		}
		if len(both) == 0 {
			return nil
		}
	}
	holder, err := have.lease()
	if err != nil {
		return corruptError("taking the lease", s.path, err.Error())
	}
	return &store.HeldError{Holder: holder, Objects: both, Now: now}
}

// inBoth gives the objects in both lists of lines.
func inBoth(a, b string) ([]addr.Object, error) {
	if a == "" || b == "" {
		return nil, nil
	}
	lines := map[string]bool{}
	for line := range strings.SplitSeq(a, "\n") {
		lines[line] = true
	}
	var out []addr.Object
	for line := range strings.SplitSeq(b, "\n") {
		if !lines[line] {
			continue
		}
		o, err := addr.ParseObject(line)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

// inForce tells whether a lease still counts.
func (s *Store) inForce(l *leaseRow, now time.Time) bool {
	switch s.self.fateOf(l.process) {
	case alive:
		return true
	case dead:
		return false
	default:
		// A renewal from the future (another host's clock) counts as one of now.
		return now.Sub(fromNanos(l.renewed)) < store.LeaseTTL
	}
}

// Release implements store.Leases.
func (s *Store) Release(ctx context.Context, run store.RunID) error {
	return s.write(ctx, "giving the lease back", func(t *tx) error {
		return t.exec("DELETE FROM lease WHERE run = ? AND pid = ? AND started = ? AND place = ?",
			int64(run), s.self.pid, s.self.started, s.self.place.text())
	})
}

// Break implements store.Leases.
func (s *Store) Break(ctx context.Context, run store.RunID) error {
	return s.write(ctx, "breaking the lease", func(t *tx) error {
		return t.exec("DELETE FROM lease WHERE run = ?", int64(run))
	})
}

// Held implements store.Leases.
func (s *Store) Held(ctx context.Context) ([]store.Lease, error) {
	const op = "reading the leases"
	rows, err := s.reader.QueryContext(ctx, "SELECT "+leaseCols+" FROM lease ORDER BY run")
	if err != nil {
		return nil, s.explain(op, err)
	}
	all, err := scanLeases(rows)
	if err != nil {
		return nil, s.explain(op, err)
	}
	now := time.Now()
	var out []store.Lease
	for i := range all {
		if !s.inForce(&all[i], now) {
			continue
		}
		l, err := all[i].lease()
		if err != nil {
			return nil, corruptError(op, s.path, err.Error())
		}
		out = append(out, l)
	}
	return out, nil
}

const leaseCols = "run, holder, reason, since, renewed, whole, objects, place, pid, started"

func scanLeases(rows *sql.Rows) ([]leaseRow, error) {
	defer rows.Close()
	var out []leaseRow
	for rows.Next() {
		var l leaseRow
		var where string
		err := rows.Scan(&l.run, &l.holder, &l.reason, &l.since, &l.renewed, &l.whole, &l.objects, &where, &l.process.pid, &l.process.started)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(where), &l.process.place); err != nil {
			return nil, fmt.Errorf("the place of the lease of run %d: %w", l.run, err)
		}
		out = append(out, l)
	}
	return out, rows.Err()
}

func (l *leaseRow) lease() (store.Lease, error) {
	out := store.Lease{Run: store.RunID(l.run), Holder: l.holder, Reason: l.reason, Since: fromNanos(l.since), Whole: l.whole}
	if l.objects == "" {
		return out, nil
	}
	for line := range strings.SplitSeq(l.objects, "\n") {
		o, err := addr.ParseObject(line)
		if err != nil {
			return out, fmt.Errorf("the lease of run %d: %w", l.run, err)
		}
		out.Objects = append(out.Objects, o)
	}
	return out, nil
}

func joinObjects(list []addr.Object) string {
	texts := make([]string, len(list))
	for i, o := range list {
		texts[i] = o.String()
	}
	sort.Strings(texts)
	return strings.Join(texts, "\n")
}
