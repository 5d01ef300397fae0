package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tutti/internal/secret"
	"tutti/internal/store"
)

// build makes a store's file from SQL text and gives the stack's folder.
func build(t *testing.T, statements string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, Folder), 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, Folder, File)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	execSQL(t, dir, statements)
	return dir
}

// execSQL changes a store's file behind its back.
func execSQL(t *testing.T, dir, statements string) {
	t.Helper()
	db, err := openDB(dsn(filepath.Join(dir, Folder, File), "", 0), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statements); err != nil {
		t.Fatal(err)
	}
}

func readTestdata(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestOldVersionsAreMigrated(t *testing.T) {
	for v := 1; v < version; v++ {
		if _, err := os.Stat(filepath.Join("testdata", "v"+string(rune('0'+v))+".sql")); err != nil {
			t.Errorf("version %d is not kept as SQL text: %v", v, err)
		}
	}
	for v, messages := range map[string]int{"v1": 0, "v2": 1} {
		t.Run(v, func(t *testing.T) { migrateOld(t, readTestdata(t, v+".sql"), messages) })
	}
}

func migrateOld(t *testing.T, statements string, messages int) {
	dir := build(t, statements)
	s := mustOpen(t, dir)
	defer s.Close()
	ctx := context.Background()
	snap, err := s.Snapshot(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if snap.Serial != 12 || !strings.HasSuffix(snap.Lineage, "0001") || len(snap.Rows) != 2 || string(snap.Outputs[0].Value) != `"v"` {
		t.Errorf("%+v", snap)
	}
	if got := string(snap.Rows[0].Attributes); got != `{"value":"hunter2"}` || len(snap.Rows[0].Needs) != 2 {
		t.Errorf("%s, %v", got, snap.Rows[0].Needs)
	}
	entries, err := s.Entries(ctx, 2, 1)
	if err != nil || len(entries) != 3 {
		t.Errorf("%+v, %v", entries, err)
	}
	pre, err := s.Preimages(ctx, 2)
	if err != nil || len(pre) != 1 || string(pre[0].Row.Attributes) != `{"value":"1"}` {
		t.Errorf("%+v, %v", pre, err)
	}
	box, err := s.Posted(ctx, 2)
	if err != nil || len(box) != messages {
		t.Errorf("messages: %+v, %v", box, err)
	}
	run, err := s.Run(ctx, 2)
	if err != nil || string(run.Plan) == "" || run.Child != 0 || run.Owner != "" || run.Input != nil || run.Output != nil {
		t.Errorf("%+v, %v", run, err)
	}
	if next, err := s.CreateRun(ctx, store.Run{Machine: "apply"}); err != nil || next != 3 {
		t.Errorf("the next run has number %d, %v", next, err)
	}
	if docs, err := s.ListDocuments(ctx, store.DocumentFilter{Kind: "x"}); err != nil || len(docs) != 0 {
		t.Errorf("what the new version added: %+v, %v", docs, err)
	}
	if have := userVersion(t, s); have != version {
		t.Errorf("schema version %d", have)
	}
}

func userVersion(t *testing.T, s *Store) int {
	t.Helper()
	var v int
	if err := s.reader.QueryRow("PRAGMA user_version").Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestOldVersionReadOnly(t *testing.T) {
	dir := build(t, readTestdata(t, "v1.sql"))
	_, err := Open(context.Background(), dir, Options{ReadOnly: true})
	expectError(t, err, store.ErrReadOnly, "schema version 1 and must be brought to")
}

func TestMigrationFailsWhole(t *testing.T) {
	// A table that is in the way of the last migration, after an earlier one was made.
	dir := build(t, readTestdata(t, "v1.sql")+"CREATE TABLE document (x);")
	_, err := Open(context.Background(), dir, Options{})
	if err == nil || !strings.Contains(err.Error(), "from schema version 2 to 3") {
		t.Fatalf("%v", err)
	}
	execSQL(t, dir, "CREATE TABLE message (x); DROP TABLE message; DROP TABLE document")
	s := mustOpen(t, dir)
	defer s.Close()
	if have := userVersion(t, s); have != version {
		t.Errorf("schema version %d", have)
	}
}

func expectError(t *testing.T, err, kind error, parts ...string) {
	t.Helper()
	if kind != nil && !errors.Is(err, kind) {
		t.Fatalf("got %v, want %v", err, kind)
	}
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}

func TestNewerVersionIsRefused(t *testing.T) {
	dir := t.TempDir()
	mustOpen(t, dir).Close()
	execSQL(t, dir, "PRAGMA user_version=99")
	for _, readOnly := range []bool{false, true} {
		_, err := Open(context.Background(), dir, Options{ReadOnly: readOnly})
		expectError(t, err, store.ErrNewer, "schema version 99", fmt.Sprint("versions up to ", version), filepath.Join(dir, Folder, File))
	}
	execSQL(t, dir, fmt.Sprint("PRAGMA user_version=", version))
	mustOpen(t, dir).Close()
}

func TestNotAStore(t *testing.T) {
	dir := build(t, "CREATE TABLE photos (x)")
	_, err := Open(context.Background(), dir, Options{})
	expectError(t, err, store.ErrCorrupt, "not a store of tutti")
	for name, content := range map[string]string{"text": "this is no database, but a text of some length\n", "noise": strings.Repeat("\x00\xff\x13", 5000)} {
		dir := build(t, "")
		path := filepath.Join(dir, Folder, File)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(context.Background(), dir, Options{})
		expectError(t, err, store.ErrCorrupt, path, "move it away")
		if after, _ := os.ReadFile(path); string(after) != content {
			t.Errorf("%s: the file that is not a store was changed", name)
		}
	}
}

func TestFolderAtTheFilesPlace(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, Folder, File), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Open(context.Background(), dir, Options{})
	expectError(t, err, nil, filepath.Join(dir, Folder, File))
}

// A store is made whole under another name, so that a file without a first page is
// one that was cut short: to go on with it would plan to make everything again.
func TestFileWithoutAFirstPage(t *testing.T) {
	for _, n := range []int64{0, 1, 511} {
		dir := t.TempDir()
		mustOpen(t, dir).Close()
		path := filepath.Join(dir, Folder, File)
		if err := os.Truncate(path, n); err != nil {
			t.Fatal(err)
		}
		_, err := Open(context.Background(), dir, Options{})
		expectError(t, err, store.ErrCorrupt, path, "was cut short", "keep a copy")
	}
}

func TestFolderIsPrivate(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	defer s.Close()
	if err := s.Write(context.Background(), "x", nil); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, Folder))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(filepath.Join(dir, Folder))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", e.Name(), info.Mode(), err)
		}
		if strings.HasPrefix(e.Name(), "new-") {
			t.Errorf("left behind: %s", e.Name())
		}
	}
	ignore, err := os.ReadFile(filepath.Join(dir, Folder, ".gitignore"))
	if err != nil || string(ignore) != "*\n" {
		t.Errorf(".gitignore: %q, %v", ignore, err)
	}
}

func TestManyOpenANewStoreAtOnce(t *testing.T) {
	dir := t.TempDir()
	lineages := make(chan string, 16)
	var wg sync.WaitGroup
	for range cap(lineages) {
		wg.Go(func() {
			s, err := Open(context.Background(), dir, Options{Ring: secret.NewRing(testKey, "")})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			snap, err := s.Snapshot(context.Background())
			if err != nil {
				t.Error(err)
				return
			}
			lineages <- snap.Lineage
		})
	}
	wg.Wait()
	close(lineages)
	first := <-lineages
	for l := range lineages {
		if l != first {
			t.Errorf("two stores were made: %s and %s", first, l)
		}
	}
}
