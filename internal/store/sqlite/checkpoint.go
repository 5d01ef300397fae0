package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"tutti/internal/store"
)

// checkpointBinding binds a checkpoint to the entry that it stands behind, and by
// its checksum to all entries before that: it cannot be taken for another's.
func checkpointBinding(run store.RunID, at tail) []byte {
	return append([]byte("checkpoint\x00"+strconv.FormatInt(int64(run), 10)+"\x00"+strconv.FormatInt(at.index, 10)+"\x00"), at.sum...)
}

func (t *tx) checkpoint(s *Store, run store.RunID, data []byte, at tail) error {
	sealed, err := s.box.Seal(data, checkpointBinding(run, at))
	if err != nil {
		return err
	}
	return t.exec("INSERT OR REPLACE INTO checkpoint (run, idx, sealed) VALUES (?,?,?)", int64(run), at.index, sealed)
}

// Checkpoint implements store.Journal.
func (s *Store) Checkpoint(ctx context.Context, run store.RunID) (*store.Checkpoint, error) {
	const op = "reading the checkpoint"
	var at tail
	var sealed []byte
	err := s.reader.QueryRowContext(ctx, "SELECT c.idx, c.sealed, j.sum FROM checkpoint c LEFT JOIN journal j ON j.run = c.run AND j.idx = c.idx "+
		"WHERE c.run = ?", int64(run)).Scan(&at.index, &sealed, &at.sum)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, s.explain(op, err)
	}
	data, err := s.box.Open(sealed, checkpointBinding(run, at))
	if err != nil {
		return nil, s.unsealError(fmt.Sprintf("the checkpoint of run %d", run), err)
	}
	return &store.Checkpoint{Index: at.index, Data: data}, nil
}

// end notes how a run ended. What was posted to it and not taken never will be.
func (t *tx) end(run store.RunID, e *readyEntry) error {
	var ended time.Time
	if !e.end.Status.Open() {
		ended = time.Now()
		if err := t.exec("DELETE FROM message WHERE run = ?", int64(run)); err != nil {
			return err
		}
	}
	return t.exec("UPDATE run SET status = ?, message = ?, code = ?, output = ?, ended = ? WHERE id = ?",
		string(e.end.Status), e.end.Message, e.end.Code, e.output, nanos(ended), int64(run))
}
