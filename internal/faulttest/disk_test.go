package faulttest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// small mounts a file system of so many bytes; the test is skipped where that is not
// allowed.
func small(t *testing.T, bytes int) string {
	t.Helper()
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("a small file system can be mounted by root on Linux only")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%d", bytes), "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("mount: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir
}

// TestFullDisk lets the disk run full in the middle of a run: it stops with a clear
// error, and goes on when there is room again. Nothing is done twice.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	f := newFolder(t)
	f.dir = small(t, 4<<20)
	counters := t.TempDir()
	f.write("main.tf", fmt.Sprintf(`
resource "terraform_data" "first" {
  input = "x"
}
resource "terraform_data" "fill" {
  input = terraform_data.first.id
  provisioner "local-exec" {
    command = "echo x >> %[1]s/fill; test $(wc -l < %[1]s/fill) -gt 1 || dd if=/dev/zero of=filler bs=1024 count=100000 2>/dev/null; true"
  }
}
resource "terraform_data" "after" {
  count = 20
  input = "${terraform_data.fill.id}${join("", [for i in range(1000): "so very long text"])}"
  provisioner "local-exec" {
    command = "echo x >> %[1]s/after-${count.index}"
  }
}
`, counters))
	s := f.run("apply", "-auto-approve")
	if s.code != 1 {
		t.Fatalf("the disk was to be full:\n%s", s)
	}
	f.has(s, "the disk is full: make room in", "go on with `tutti resume`")
	// Still full: commands say so or work, but never panic.
	f.run("plan")
	f.run("state", "list")
	if err := os.Remove(f.path("filler")); err != nil {
		t.Fatal(err)
	}
	s = f.run("resume", "-in-doubt=stop")
	named := s.doubts()
	if len(named) > 0 {
		s = f.run("resume", "-in-doubt=retry")
	}
	if s.code != 0 {
		t.Fatalf("with room again it should go on:\n%s", s)
	}
	for i := range 20 {
		b, err := os.ReadFile(filepath.Join(counters, fmt.Sprintf("after-%d", i)))
		if n := strings.Count(string(b), "x"); err != nil || n != 1 && !strings.Contains(strings.Join(named, " "), fmt.Sprintf("after[%d]", i)) {
			t.Errorf("after[%d] happened %d times, %v", i, n, err)
		}
	}
	if b, err := os.ReadFile(filepath.Join(counters, "fill")); err != nil || string(b) != "x\n" && !strings.Contains(strings.Join(named, " "), "fill") {
		t.Errorf("fill happened %q, %v", b, err)
	}
	f.must(0, "plan", "-detailed-exitcode")
}

// TestReadOnlyFolder runs as a user who may read the folder and not write it.
func TestReadOnlyFolder(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("needs root, to run as another user")
	}
	f := newFolder(t, "main.tf", "resource \"terraform_data\" \"a\" {}\n")
	f.must(0, "apply", "-auto-approve")
	open(t, f.dir)
	for _, tc := range []struct {
		args []string
		code int
	}{
		{[]string{"apply", "-auto-approve", "-replace=terraform_data.a"}, 1},
		{[]string{"state", "rm", "terraform_data.a"}, 1},
	} {
		s := f.as(65534, tc.args...)
		if s.code != tc.code {
			t.Errorf("exit code %d:\n%s", s.code, s)
		}
		f.has(s, "tutti.db", "give the user who runs tutti the right to write")
	}
	f.must(0, "plan", "-detailed-exitcode")
}

// open lets every user read the folder, down from the root.
func open(t *testing.T, dir string) {
	t.Helper()
	for d := dir; len(d) > len(os.TempDir()); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{".tutti", ".tutti/tutti.db"} {
		mode := os.FileMode(0o644)
		if name == ".tutti" {
			mode = 0o755
		}
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
}

// as runs tutti as another user, with a home of that user's own.
func (f *folder) as(uid uint32, args ...string) said {
	f.t.Helper()
	home := f.t.TempDir()
	if err := os.Chown(home, int(uid), int(uid)); err != nil {
		f.t.Fatal(err)
	}
	for d := filepath.Dir(home); len(d) > len(os.TempDir()); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			f.t.Fatal(err)
		}
	}
	r := &folder{t: f.t, dir: f.dir, env: append(append([]string(nil), f.env...), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home)}
	return r.startAs(uid, args...).wait()
}

// TestTruncatedState cuts the store off at random places: every command ends in a
// clear error, or works with what it can show to be whole.
func TestTruncatedState(t *testing.T) {
	t.Parallel()
	base := newFolder(t, "main.tf", `
resource "terraform_data" "a" {
  count = 200
  input = "some text to fill pages ${count.index}"
}
`)
	base.must(0, "apply", "-auto-approve")
	info, err := os.Stat(base.path(".tutti/tutti.db"))
	if err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	cuts := []int64{0, 1, 99, 100, 4095, 4096, info.Size() - 1, info.Size() - 4096}
	for len(cuts) < 20 && !testing.Short() {
		cuts = append(cuts, random.Int64N(info.Size()))
	}
	for _, n := range cuts {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			f := base.copy(t)
			if err := os.Truncate(f.path(".tutti/tutti.db"), n); err != nil {
				t.Fatal(err)
			}
			for _, args := range [][]string{{"plan", "-detailed-exitcode"}, {"state", "list"}, {"apply", "-auto-approve"}, {"runs"}} {
				s := f.run(args...)
				switch {
				case s.code == 1 && strings.Contains(s.stderr, "State is damaged"):
				case s.code == 0 && args[0] == "runs": // it reads only what is whole
				case s.code == 0 && args[0] != "apply" && strings.Contains(f.run("plan", "-detailed-exitcode").stdout, "No changes."):
				default:
					t.Errorf("cut to %d bytes:\n%s", n, s)
				}
			}
		})
	}
}

func (f *folder) startAs(uid uint32, args ...string) *running {
	f.t.Helper()
	return f.startWith(nil, &syscall.Credential{Uid: uid, Gid: uid}, args...)
}
