package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/object"
	"tutti/internal/secret"
	"tutti/internal/store"
)

func testRow(name, value string) store.Write {
	return store.Write{Put: &object.State{
		Addr:       addr.Object{Name: addr.Name{Kind: addr.Resource, Type: "a", Name: name}}.Instance(addr.NoKey),
		Attributes: []byte(value), Private: []byte("private of " + name),
	}}
}

func sensitiveRow(name, value string) store.Write {
	w := testRow(name, `{"password":"`+value+`"}`)
	w.Put.Sensitive = []cty.Path{cty.GetAttrPath("password")}
	return w
}

func write(t *testing.T, s *Store, writes ...store.Write) {
	t.Helper()
	if err := s.Write(context.Background(), "test", writes); err != nil {
		t.Fatal(err)
	}
}

// TestSensitiveValuesAreNotOnDisk looks for them in every byte of every file.
func TestSensitiveValuesAreNotOnDisk(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	const hidden = "hunter2-never-on-disk"
	ctx := context.Background()
	write(t, s, sensitiveRow("x", hidden), testRow("y", `{"plain":"plain-is-on-disk"}`),
		store.Write{PutOutput: &object.OutputState{Name: "o", Value: []byte(hidden), Sensitive: true}})
	flat := sensitiveRow("flat", hidden)
	flat.Put.Attributes, flat.Put.Flatmap, flat.Put.Private = nil, map[string]string{"password": hidden}, []byte(hidden)
	write(t, s, flat)
	run, err := s.CreateRun(ctx, store.Run{Plan: []byte(hidden)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Append(ctx, run, []store.Entry{{Note: hidden, Writes: []store.Write{sensitiveRow("x", "changed")}}}); err != nil {
		t.Fatal(err)
	}
	look := func(when string) {
		found := false
		files, _ := filepath.Glob(filepath.Join(dir, Folder, "*"))
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(data, []byte(hidden)) {
				t.Errorf("%s: %s holds the sensitive value", when, f)
			}
			found = found || bytes.Contains(data, []byte("plain-is-on-disk"))
		}
		if !found {
			t.Errorf("%s: the search finds nothing at all", when)
		}
	}
	look("while open")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	look("when closed")
}

func TestWrongKey(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	write(t, s, sensitiveRow("x", "1"))
	s.Close()
	other := secret.RingOf(secret.NewKey())
	s, err := Open(context.Background(), dir, Options{Ring: other})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Snapshot(context.Background())
	expectError(t, err, store.ErrKey, "a.x", secret.EnvKey)
	s.Close()
	s, err = Open(context.Background(), dir, Options{Ring: secret.NewRing("", filepath.Join(dir, "nokey"))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.Snapshot(context.Background())
	expectError(t, err, store.ErrKey, "nokey")
	if _, err := os.Stat(filepath.Join(dir, "nokey")); !os.IsNotExist(err) {
		t.Error("a key was made to read what another one sealed")
	}
}

// TestDamage changes what lies in the file: no reader takes it for good.
func TestDamage(t *testing.T) {
	tests := []struct{ name, sql, read, want string }{
		{"attributes", `UPDATE state SET attributes = X'7b7d' WHERE name = 'y'`, "state", "resource a y: its checksum"},
		{"sealed", `UPDATE state SET sealed = zeroblob(60) WHERE name = 'x'`, "state", "a.x: the sealed value is damaged"},
		{"sealed swapped", `UPDATE state SET sealed = (SELECT sealed FROM state WHERE name = 'y') WHERE name = 'x'`, "state", "a.x"},
		{"address", `UPDATE state SET key = '[oops' WHERE name = 'x'`, "state", "resource a x[oops"},
		{"kind", `UPDATE state SET kind = 'oops' WHERE name = 'x'`, "state", `"oops" is not a kind`},
		{"entry missing", `DELETE FROM journal WHERE idx = 2`, "journal", "entry 2 of run 2: it is missing"},
		{"first missing", `DELETE FROM journal WHERE idx = 1`, "journal", "entry 1 of run 2: it is missing"},
		{"entry changed", `UPDATE journal SET sealed = (SELECT sealed FROM journal WHERE idx = 3) WHERE idx = 2`, "journal", "entry 2 of run 2: its checksum"},
		{"order", `UPDATE journal SET idx = 9 WHERE idx = 2; UPDATE journal SET idx = 2 WHERE idx = 3; UPDATE journal SET idx = 3 WHERE idx = 9`,
			"journal", "entry 2 of run 2: its checksum"},
		{"plan", `UPDATE run SET plan = substr(plan, 1, length(plan)-1)`, "run", "the plan of run 2"},
		{"output", `UPDATE output SET sealed = X'01'`, "state", "output o"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			s := mustOpen(t, dir)
			ctx := context.Background()
			write(t, s, sensitiveRow("x", "1"), testRow("y", `{"a":1}`), store.Write{PutOutput: &object.OutputState{Name: "o", Sensitive: true}})
			run, err := s.CreateRun(ctx, store.Run{Plan: []byte("plan")})
			if err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				if err := s.Append(ctx, run, []store.Entry{{Note: fmt.Sprint(i)}}); err != nil {
					t.Fatal(err)
				}
			}
			s.Close()
			execSQL(t, dir, tt.sql)
			s = mustOpen(t, dir)
			defer s.Close()
			switch tt.read {
			case "state":
				_, err = s.Snapshot(ctx)
			case "journal":
				_, err = s.Entries(ctx, run, 1)
			default:
				_, err = s.Run(ctx, run)
			}
			expectError(t, err, store.ErrCorrupt, tt.want)
		})
	}
}

// TestBytesOfTheFileChange flips bytes all over a store's file: an error or a
// right answer, never a panic, a hang or a wrong row.
func TestBytesOfTheFileChange(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	for i := range 30 {
		write(t, s, testRow(fmt.Sprintf("r%d", i), fmt.Sprintf(`{"value":"%0200d"}`, i)))
	}
	s.Close()
	path := filepath.Join(dir, Folder, File)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	steps := 150
	if testing.Short() {
		steps = 20
	}
	for i := range steps {
		bad := bytes.Clone(good)
		if i%10 == 0 {
			bad = bad[:len(bad)*i/steps]
		} else {
			at := i * (len(bad) - 16) / steps
			copy(bad[at:], "\xff\x00\xa5\x5a\x01\x80\x7f\xfe")
		}
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		readDamaged(t, dir, i)
	}
}

func readDamaged(t *testing.T, dir string, i int) {
	s, err := Open(context.Background(), dir, Options{Ring: secret.NewRing(testKey, "")})
	if err != nil {
		return
	}
	defer s.Close()
	snap, err := s.Snapshot(context.Background())
	if err != nil {
		return
	}
	for _, r := range snap.Rows {
		var n int
		if _, err := fmt.Sscanf(r.Addr.Name.Name, "r%d", &n); err == nil && string(r.Attributes) != fmt.Sprintf(`{"value":"%0200d"}`, n) {
			t.Errorf("damage %d: the row of %s came back as %s", i, r.Addr, r.Attributes)
		}
	}
}

// TestFullDisk limits the file's size in the place of a disk that is full.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	defer s.Close()
	var pages int
	if err := s.reader.QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	run, err := s.CreateRun(ctx, store.Run{})
	if err != nil {
		t.Fatal(err)
	}
	limit := func(n int) {
		t.Helper()
		err := s.write(ctx, "limiting", func(tx *tx) error {
			var have int
			return tx.scan(fmt.Sprintf("PRAGMA max_page_count=%d", n), nil, &have)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	limit(pages + 20)
	acked := 0
	for ; acked < 10_000; acked++ {
		err = s.Append(ctx, run, []store.Entry{{Note: fmt.Sprint(acked), Writes: []store.Write{testRow(fmt.Sprintf("r%d", acked), `{"v":1}`)}}})
		if err != nil {
			break
		}
	}
	expectError(t, err, nil, "the disk is full", "tutti resume", s.path)
	entries, err := s.Entries(ctx, run, 1)
	if err != nil || len(entries) != acked {
		t.Fatalf("%d entries of %d: %v", len(entries), acked, err)
	}
	snap, err := s.Snapshot(ctx)
	if err != nil || len(snap.Rows) != acked {
		t.Fatalf("%d rows of %d: %v", len(snap.Rows), acked, err)
	}
	limit(1 << 20)
	if err := s.Append(ctx, run, []store.Entry{{Note: "there is room again"}}); err != nil {
		t.Fatal(err)
	}
}

// TestFullFileSystem fills a real file system, where the user may mount one.
func TestFullFileSystem(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=400k"); err != nil {
		t.Skipf("no small file system can be mounted here: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	s := mustOpen(t, dir)
	defer func() { s.Close() }()
	ctx := context.Background()
	run, err := s.CreateRun(ctx, store.Run{})
	if err != nil {
		t.Fatal(err)
	}
	acked := 0
	for ; acked < 10_000; acked++ {
		if err = s.Append(ctx, run, []store.Entry{{Note: strings.Repeat("x", 500)}}); err != nil {
			break
		}
	}
	expectError(t, err, nil, "full", "tutti resume", s.path)
	if acked == 0 {
		t.Fatal("nothing could be written at all")
	}
	s.Close()
	s = mustOpen(t, dir)
	entries, err := s.Entries(ctx, run, 1)
	if err != nil || len(entries) != acked {
		t.Fatalf("%d entries of %d: %v", len(entries), acked, err)
	}
}

const envReadOnly = "TUTTI_TEST_READ_ONLY"

// TestReadOnlyFolder runs as somebody who may not write: for root, as nobody.
func TestReadOnlyFolder(t *testing.T) {
	if dir := os.Getenv(envReadOnly); dir != "" {
		inReadOnlyFolder(t, dir)
		return
	}
	dir, err := os.MkdirTemp("", "tutti-ro-") // t.TempDir lies below a folder that nobody may enter
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	s := mustOpen(t, dir)
	write(t, s, testRow("x", `{"v":1}`))
	s.Close()
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o755); err != nil {
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{
		dir: 0o555, empty: 0o555, filepath.Join(dir, Folder): 0o555, filepath.Join(dir, Folder, File): 0o444,
	} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	defer func() {
		_ = os.Chmod(dir, 0o755)
		_ = os.Chmod(filepath.Join(dir, Folder), 0o755)
	}()
	// The test binary may lie where nobody else can reach it.
	binary := filepath.Join(os.TempDir(), fmt.Sprintf("tutti-ro-%d.test", os.Getpid()))
	data, err := os.ReadFile(os.Args[0])
	if err == nil {
		err = os.WriteFile(binary, data, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(binary)
	cmd := exec.Command(binary, "-test.run=^TestReadOnlyFolder$", "-test.v")
	cmd.Env = append(os.Environ(), envReadOnly+"="+dir)
	cmd.Dir = dir
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("PASS: TestReadOnlyFolder")) {
		t.Errorf("%v\n%s", err, out)
	}
}

func inReadOnlyFolder(t *testing.T, dir string) {
	ctx := context.Background()
	ring := secret.NewRing(testKey, "")
	_, err := Open(ctx, filepath.Join(dir, "empty"), Options{Ring: ring})
	expectError(t, err, store.ErrReadOnly, filepath.Join(dir, "empty", Folder), "right to write")

	s, err := Open(ctx, dir, Options{Ring: ring, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	snap, err := s.Snapshot(ctx)
	if err != nil || len(snap.Rows) != 1 {
		t.Fatalf("%+v, %v", snap, err)
	}
	expectError(t, s.Write(ctx, "x", nil), store.ErrReadOnly, s.path)

	s, err = Open(ctx, dir, Options{Ring: ring})
	if err == nil {
		defer s.Close()
		err = s.Write(ctx, "x", []store.Write{testRow("y", "{}")})
	}
	expectError(t, err, store.ErrReadOnly, filepath.Join(dir, Folder, File), "right to write")
}

func TestReadOnlyWithoutAStore(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(context.Background(), dir, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	snap, err := s.Snapshot(context.Background())
	if err != nil || len(snap.Rows) != 0 || snap.Serial != 0 {
		t.Errorf("%+v, %v", snap, err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("reading left %v", left)
	}
}

func TestReadOnlyBesideAWriter(t *testing.T) {
	dir := t.TempDir()
	w := mustOpen(t, dir)
	defer w.Close()
	write(t, w, testRow("x", "{}"))
	r, err := Open(context.Background(), dir, Options{ReadOnly: true, Ring: secret.NewRing(testKey, "")})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for i := range 3 {
		snap, err := r.Snapshot(context.Background())
		if err != nil || len(snap.Rows) != i+1 {
			t.Fatalf("%+v, %v", snap, err)
		}
		write(t, w, testRow(fmt.Sprintf("y%d", i), "{}"))
	}
}

func TestClosed(t *testing.T) {
	s := mustOpen(t, t.TempDir())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closed twice: %v", err)
	}
	if err := s.Write(context.Background(), "x", nil); !errors.Is(err, errClosed) {
		t.Errorf("written after Close: %v", err)
	}
	if _, err := s.Snapshot(context.Background()); err == nil {
		t.Error("read after Close")
	}
}

// TestFateOfProcesses covers what cannot be had for real: other machines.
func TestFateOfProcesses(t *testing.T) {
	me := thisProcess()
	if me.place.Boot == "" || me.started == "" {
		t.Skip("this system does not tell when it and its processes were started")
	}
	other := func(change func(*process)) process { p := me; change(&p); return p }
	tests := map[string]struct {
		p    process
		want fate
	}{
		"itself":              {me, alive},
		"number used again":   {other(func(p *process) { p.started = "1" }), dead},
		"no such number":      {other(func(p *process) { p.pid = 1 << 22 }), dead},
		"another host":        {other(func(p *process) { p.place.Host = "elsewhere" }), unknown},
		"another container":   {other(func(p *process) { p.place.PIDs = "pid:[1]" }), unknown},
		"another of the name": {other(func(p *process) { p.place.Boot = "x"; p.place.Machine = "y" }), unknown},
	}
	if me.place.Machine != "" {
		tests["before a restart"] = struct {
			p    process
			want fate
		}{other(func(p *process) { p.place.Boot = "earlier" }), dead}
	}
	for name, tt := range tests {
		if got := me.fateOf(tt.p); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

func TestLeaseOfAnotherHostEnds(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	defer s.Close()
	far := mustOpen(t, dir)
	defer far.Close()
	far.self.place.Host = "elsewhere"
	ctx := context.Background()
	whole := func(run store.RunID) store.Lease { return store.Lease{Run: run, Holder: "x", Whole: true} }
	if err := far.Acquire(ctx, whole(1)); err != nil {
		t.Fatal(err)
	}
	var held *store.HeldError
	if err := s.Acquire(ctx, whole(2)); !errors.As(err, &held) {
		t.Fatalf("beside a fresh lease of another host: %v", err)
	}
	old := time.Now().Add(-store.LeaseTTL).UnixNano()
	execSQL(t, dir, fmt.Sprintf("UPDATE lease SET renewed = %d", old))
	if all, err := s.Held(ctx); err != nil || len(all) != 0 {
		t.Errorf("held: %+v, %v", all, err)
	}
	if err := s.Acquire(ctx, whole(2)); err != nil {
		t.Fatal(err)
	}
	if err := far.Acquire(ctx, whole(1)); !errors.As(err, &held) || held.Holder.Run != 2 {
		t.Errorf("the one that came too late: %v", err)
	}
	// Of a process on this host the time does not matter.
	execSQL(t, dir, "UPDATE lease SET renewed = 0")
	if all, err := s.Held(ctx); err != nil || len(all) != 1 {
		t.Errorf("held by a living process: %+v, %v", all, err)
	}
}
