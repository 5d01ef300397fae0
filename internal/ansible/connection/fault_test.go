package connection_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/connection"
	"tutti/internal/ansible/connection/program"
	"tutti/internal/ansible/connection/sshdtest"
	"tutti/internal/ansible/module"
)

// killConnections ends all connections of the server from its side.
func killConnections(t *testing.T, s *sshdtest.Server) {
	t.Helper()
	out, _ := exec.Command("ps", "-o", "pid=", "--ppid", fmt.Sprint(s.Pid())).Output()
	for _, pid := range strings.Fields(string(out)) {
		var n int
		if _, err := fmt.Sscan(pid, &n); err == nil {
			_ = syscall.Kill(n, syscall.SIGKILL)
		}
	}
}

// TestCut: a connection that goes away while a module runs, and one that goes while nothing does.
func TestCut(t *testing.T) {
	server := sshdtest.Start(t, sshdtest.Options{})
	host := open(t, newPool(t, server.Home), spec(server, 1))
	file := filepath.Join(t.TempDir(), "state")
	done := make(chan error)
	go func() {
		result, err := host.Run(context.Background(), module.Request{Module: "hang", Args: map[string]any{"file": file}})
		if err == nil {
			err = fmt.Errorf("it ended with %v", result)
		}
		done <- err
	}()
	waitUnless(t, file, "begun", done)
	killConnections(t, server)
	err := <-done
	var cut *connection.Cut
	var lost *action.Unreachable
	if !errors.As(err, &cut) || !cut.Sent || !errors.As(err, &lost) || !strings.Contains(lost.Message, "Connection to host1 was lost") ||
		!strings.Contains(lost.Message, "it may have been carried out") {
		t.Errorf("a cut connection gives %v", err)
	}
	// The module is told, and leaves nothing behind.
	waitFor(t, file, "cut")
	if got := who(t, host); got != "root" {
		t.Errorf("after the cut: %s", got)
	}
	killConnections(t, server)
	// A call may go out before the end is known here; it is in doubt then, and the next is not.
	if got := who(t, host); strings.HasSuffix(got, "may have been carried out") {
		got = who(t, host)
		if got != "root" {
			t.Errorf("after a cut between two tasks: %s", got)
		}
	} else if got != "root" {
		t.Errorf("after a cut between two tasks: %s", got)
	}
	if err := host.Reset(t.Context()); err != nil {
		t.Error(err)
	}
	if got := who(t, host); got != "root" {
		t.Errorf("after Reset: %s", got)
	}
}

// TestAsyncOutlives: a job goes on when the connection is gone.
func TestAsyncOutlives(t *testing.T) {
	server := sshdtest.Start(t, sshdtest.Options{})
	p := newPool(t, server.Home)
	host := open(t, p, spec(server, 1))
	dir := t.TempDir()
	gate := filepath.Join(dir, "gate")
	job := job("j7", &action.Command{Shell: fmt.Sprintf(`while ! [ -e %s ]; do :; done; echo '{"changed": true, "said": "after all"}'`, gate)}, dir)
	result, err := host.(connection.Starter).StartAsync(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	killConnections(t, server)
	write(t, gate, "")
	waitFor(t, result["results_file"].(string), "after all")
}

// TestUploadRace: several controllers put the program onto a host at the same time.
func TestUploadRace(t *testing.T) {
	server := sshdtest.Start(t, sshdtest.Options{})
	sshdtest.User(t, "tuttitest7", "")
	s := spec(server, 1)
	s.User = "tuttitest7"
	var all sync.WaitGroup
	for range 6 {
		p := newPool(t, server.Home)
		all.Go(func() {
			if got := who(t, open(t, p, s)); got != "tuttitest7" {
				t.Error(got)
			}
		})
	}
	all.Wait()
	left, _ := filepath.Glob("/home/tuttitest7/.cache/tutti/target/*")
	if hidden, _ := filepath.Glob("/home/tuttitest7/.cache/tutti/target/.t*"); len(left) != 1 || len(hidden) != 0 {
		t.Errorf("on the host are %v %v", left, hidden)
	}
	// A program that is not what its name says is put there again.
	damaged := append([]byte(read(t, left[0])), "tail"...)
	if err := os.WriteFile(left[0]+".new", damaged, 0o700); err != nil {
		t.Fatal(err)
	}
	sshdtest.Run(t, "chown", "tuttitest7", left[0]+".new")
	sshdtest.Run(t, "mv", left[0]+".new", left[0])
	p := newPool(t, server.Home)
	got := who(t, open(t, p, s))
	if now := sha256.Sum256([]byte(read(t, left[0]))); got != "tuttitest7" || now == sha256.Sum256(damaged) {
		t.Errorf("with a damaged program: %s", got)
	}
	if err := p.Clean(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Dir(left[0])); err == nil {
		t.Error("Clean leaves the folder")
	}
	// What runs goes on without its file.
	if got := who(t, open(t, p, s)); got != "tuttitest7" {
		t.Errorf("after Clean: %s", got)
	}
}

// TestOtherProgram: something else that answers in the program's place is not spoken to.
func TestOtherProgram(t *testing.T) {
	server := sshdtest.Start(t, sshdtest.Options{})
	sshdtest.User(t, "tuttitest8", "")
	s := spec(server, 1)
	s.User = "tuttitest8"
	packed, err := programs(t)[0].Packed()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	// The name promises another hash.
	write(t, filepath.Join(dir, fmt.Sprintf("target_linux_%s_%s.gz", runtime.GOARCH, strings.Repeat("a", 64))), string(packed))
	t.Setenv(program.DirVariable, dir)
	p := connection.NewPool(connection.Options{Modules: modules, Home: server.Home})
	t.Cleanup(p.Close)
	if got := who(t, open(t, p, s)); !strings.HasPrefix(got, "UNREACHABLE: could not put the program for modules into ") || !strings.Contains(got, "the program did not arrive whole") {
		t.Error(got)
	}
}

// TestFullDisk: the program does not fit onto the host's disk.
func TestFullDisk(t *testing.T) {
	server := sshdtest.Start(t, sshdtest.Options{})
	sshdtest.User(t, "tuttitest9", "")
	home := "/home/tuttitest9"
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", home).CombinedOutput(); err != nil {
		t.Skipf("skipped: a small disk cannot be mounted here: %s", bytes.TrimSpace(out))
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", home).Run() })
	sshdtest.Run(t, "chown", "tuttitest9", home)
	var warnings []string
	p := connection.NewPool(connection.Options{Modules: modules, Home: server.Home, Programs: programs(t),
		Warn: func(text string) { warnings = append(warnings, text) }})
	t.Cleanup(p.Close)
	s := spec(server, 1)
	s.User = "tuttitest9"
	if got := who(t, open(t, p, s)); got != "tuttitest9" {
		t.Error(got)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "No space left on device; trying another folder") {
		t.Errorf("warnings: %q", warnings)
	}
	if err := p.Clean(t.Context()); err != nil {
		t.Error(err)
	}
	if entries, _ := filepath.Glob(home + "/.cache/tutti/target/.*"); len(entries) > 0 {
		t.Errorf("the full disk keeps %v", entries)
	}
	// A task's own files meet the same disk.
	if _, err := open(t, p, s).Put(t.Context(), "big", io.LimitReader(zeros{}, 8<<20)); err == nil || !strings.Contains(err.Error(), "no space left on device") {
		t.Errorf("Put gives %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// TestManyHosts connects to many hosts at once, and says what one costs. TUTTI_HOSTS is how many;
// all of them run on this machine, so they take it time.
func TestManyHosts(t *testing.T) {
	hosts := 40
	if text := os.Getenv("TUTTI_HOSTS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		hosts = n
	}
	server := sshdtest.Start(t, sshdtest.Options{Hosts: hosts})
	p := newPool(t, server.Home)
	patient := func(host int) connection.Spec {
		s := spec(server, host)
		s.Timeout = 300 // all hosts are this machine
		return s
	}
	if got := who(t, open(t, p, patient(1))); got != "root" {
		t.Fatal(got)
	}
	before := memory()
	begin := time.Now()
	var all sync.WaitGroup
	for i := range hosts {
		all.Go(func() {
			if got := who(t, open(t, p, patient(i+1))); got != "root" {
				t.Errorf("host %d: %s", i+1, got)
			}
		})
	}
	all.Wait()
	first := time.Since(begin)
	each := (memory() - before) / uint64(hosts-1)
	begin = time.Now()
	for i := range hosts {
		all.Go(func() { who(t, open(t, p, patient(i+1))) })
	}
	all.Wait()
	t.Logf("%d hosts: connected and first task in %s, next task in %s, %d KB of memory a host", hosts, first.Round(time.Millisecond),
		time.Since(begin).Round(time.Millisecond), each>>10)
	if each > 1<<20 {
		t.Errorf("a host costs %d bytes", each)
	}
}

// memory is what lives on the heap and on stacks.
func memory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
