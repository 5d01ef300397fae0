package attribute

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tutti/internal/ansible/module"
)

func put(t *testing.T, path, content string, mode uint32) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// look gives content and mode of a file.
func look(t *testing.T, path string) (string, uint32) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	st, err := lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content), st.Mode & 0o7777
}

// small mounts a file system of 64 KiB.
func small(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("no small file system can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })
	return dir
}

func TestAtomicMove(t *testing.T) {
	dir, other := t.TempDir(), small(t)
	for _, folder := range []string{dir, other} {
		src, dest := filepath.Join(dir, "src"), filepath.Join(folder, "dest")
		put(t, src, "new", 0o600)
		if err := AtomicMove(context.Background(), src, dest, Move{}); err != nil {
			t.Fatal(err)
		}
		if content, mode := look(t, dest); content != "new" || mode != 0o666&^Umask() {
			t.Errorf("a new file is %q with mode %o", content, mode)
		}
		put(t, src, "newer", 0o600)
		put(t, dest, "old", 0o751)
		if err := AtomicMove(context.Background(), src, dest, Move{}); err != nil {
			t.Fatal(err)
		}
		if content, mode := look(t, dest); content != "newer" || mode != 0o751 {
			t.Errorf("a replaced file is %q with mode %o", content, mode)
		}
		put(t, src, "own", 0o640)
		if err := AtomicMove(context.Background(), src, dest, Move{Fresh: true}); err != nil {
			t.Fatal(err)
		}
		if content, mode := look(t, dest); content != "own" || mode != 0o640 {
			t.Errorf("a fresh file is %q with mode %o", content, mode)
		}
		if _, err := os.Lstat(src); err == nil {
			t.Error("the source is left behind")
		}
	}
}

// TestFullDisk has no room for the new content: the old one stays, and nothing else is left.
func TestFullDisk(t *testing.T) {
	dir := small(t)
	dest := filepath.Join(dir, "dest")
	put(t, dest, "old", 0o644)
	src := filepath.Join(t.TempDir(), "src")
	put(t, src, string(bytes.Repeat([]byte("x"), 100<<10)), 0o600)
	err := AtomicMove(context.Background(), src, dest, Move{})
	if err == nil || !strings.Contains(err.Error(), "No space left on device") || !strings.Contains(err.Error(), dest) {
		t.Errorf("the error is %v", err)
	}
	if content, _ := look(t, dest); content != "old" {
		t.Errorf("the old content is gone: %.10q", content)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("something is left behind: %v", entries)
	}
}

// TestUnsafeWrites replaces what is a mount point itself and cannot be renamed over.
func TestUnsafeWrites(t *testing.T) {
	dir := t.TempDir()
	dest, under := filepath.Join(dir, "dest"), filepath.Join(dir, "under")
	put(t, dest, "", 0o644)
	put(t, under, "old", 0o644)
	if err := syscall.Mount(under, dest, "", syscall.MS_BIND, ""); err != nil {
		t.Skipf("no file can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dest, 0) })
	src := filepath.Join(dir, "src")
	put(t, src, "new", 0o600)
	if err := AtomicMove(context.Background(), src, dest, Move{}); err == nil {
		t.Error("a mount point was replaced")
	}
	put(t, src, "new", 0o600)
	if err := AtomicMove(context.Background(), src, dest, Move{Unsafe: true}); err != nil {
		t.Error(err)
	}
	if content, _ := look(t, under); content != "new" {
		t.Errorf("the content is %q", content)
	}
}

func TestBackup(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	c := &module.Call{}
	if name, err := Backup(context.Background(), c, path); name != "" || err != nil {
		t.Errorf("nothing was backed up as %q, %v", name, err)
	}
	put(t, path, "one", 0o751)
	first, err := Backup(context.Background(), c, path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, path, "two", 0o640)
	second, err := Backup(context.Background(), c, path)
	if err != nil || first == second {
		t.Fatalf("%s, %s, %v", first, second, err)
	}
	if content, mode := look(t, first); content != "one" || mode != 0o751 {
		t.Errorf("the first backup is %q with mode %o", content, mode)
	}
	check := &module.Call{CheckMode: true}
	name, err := Backup(context.Background(), check, path)
	if err != nil {
		t.Fatal(err)
	}
	entries, _ := os.ReadDir(dir)
	if !strings.HasPrefix(name, path+".") || len(entries) != 3 {
		t.Errorf("in check mode: %q, %v", name, entries)
	}
}

func TestRealPath(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range [][2]string{{"loop", "loop"}, {"target", "l"}, {"none", "broken"}, {".", "here"}} {
		if err := os.Symlink(link[0], filepath.Join(dir, link[1])); err != nil {
			t.Fatal(err)
		}
	}
	for in, want := range map[string]string{"l": "target", "broken": "none", "here/l": "target", "x/../l": "target", "no/such": "no/such", "here/here/here": ""} {
		if got := RealPath(dir + "/" + in); got != filepath.Join(dir, want) {
			t.Errorf("RealPath(%s) = %s, want %s", in, got, want)
		}
	}
	if got := RealPath(dir + "/loop"); !strings.HasPrefix(got, dir) {
		t.Errorf("a loop leads to %s", got)
	}
}
