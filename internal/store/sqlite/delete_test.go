package sqlite

import (
	"testing"

	"tutti/internal/flow"
	"tutti/internal/store"
)

// TestDeleteLeavesNothing looks into every table that has to do with runs.
func TestDeleteLeavesNothing(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, t.TempDir())
	defer s.Close()
	ctx := t.Context()
	id, err := s.CreateRun(ctx, store.Run{Machine: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Post(ctx, id, flow.Signaled{Name: "x"}); err != nil {
		t.Fatal(err)
	}
	if err := s.Acquire(ctx, store.Lease{Run: id, Whole: true}); err != nil {
		t.Fatal(err)
	}
	output := store.Write{DeleteOutput: "o"}
	if err := s.Append(ctx, id, []store.Entry{{Note: "n", Checkpoint: []byte("c"), Writes: []store.Write{output}}}); err != nil {
		t.Fatal(err)
	}
	if err := s.SetStatus(ctx, id, store.Failed, ""); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(ctx, id); err != nil {
		t.Fatal(err)
	}
	rows, err := s.reader.QueryContext(ctx, "SELECT m.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = 'run'")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	tables := []string{"run"}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
	}
	if len(tables) != 7 {
		t.Fatalf("tables that name runs: %v", tables)
	}
	for _, name := range tables {
		var n int
		if err := s.reader.QueryRowContext(ctx, "SELECT count(*) FROM "+name).Scan(&n); err != nil || n != 0 {
			t.Errorf("%s has %d rows (%v)", name, n, err)
		}
	}
}
