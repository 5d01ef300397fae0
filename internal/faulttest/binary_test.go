package faulttest

import (
	"bytes"
	"context"
	"errors"
	"flag"
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

	"tutti/internal/terraform/provider/providertest"
)

// hang is how long a command may take before the test says that it hangs.
const hang = 90 * time.Second

// built is where TestMain has put the binary, and what all tests share.
var built = struct{ binary, home string }{}

func TestMain(m *testing.M) {
	flag.Parse()
	// The tests wait for other processes more than they work.
	if err := flag.Set("test.parallel", strconv.Itoa(max(abreast, 2*runtime.NumCPU()))); err != nil {
		panic(err)
	}
	code, err := withBinary(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// withBinary builds tutti into a folder that is gone afterwards.
func withBinary(run func() int) (code int, err error) {
	dir, err := os.MkdirTemp("", "tutti-fault-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// Other users run it in one of the tests.
	if err := os.Chmod(dir, 0o755); err != nil {
		return 0, err
	}
	built.binary, built.home = filepath.Join(dir, "tutti"), filepath.Join(dir, "home")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", built.binary, "tutti/cmd/tutti").CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("build tutti: %w\n%s", err, out)
	}
	if err := os.Mkdir(built.home, 0o755); err != nil {
		return 0, err
	}
	rc := fmt.Sprintf("provider_installation {\n  filesystem_mirror { path = %q }\n}\n", providertest.Mirror())
	if err := os.WriteFile(filepath.Join(built.home, "cli.tfrc"), []byte(rc), 0o644); err != nil {
		return 0, err
	}
	return run(), nil
}

// environment is what every command gets and no more: nothing of the person's own
// set-up reaches the tests.
func environment(home string) []string {
	return []string{
		"HOME=" + home, "XDG_CONFIG_HOME=" + home, "XDG_CACHE_HOME=" + filepath.Join(home, "cache"),
		"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(), "TF_CLI_CONFIG_FILE=" + filepath.Join(built.home, "cli.tfrc"), "TZ=UTC", "LANG=C.UTF-8",
	}
}

// folder is a stack's folder with what is needed to run the binary there.
type folder struct {
	t   testing.TB
	dir string
	env []string
}

// newFolder makes a folder with these files, by name and text in turns.
func newFolder(t testing.TB, files ...string) *folder {
	t.Helper()
	f := &folder{t: t, dir: t.TempDir(), env: environment(built.home)}
	for i := 0; i < len(files); i += 2 {
		f.write(files[i], files[i+1])
	}
	return f
}

func (f *folder) path(name string) string { return filepath.Join(f.dir, name) }

func (f *folder) write(name, text string) {
	f.t.Helper()
	if err := os.MkdirAll(filepath.Dir(f.path(name)), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(f.path(name), []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
}

// read gives a file's text; "" when there is none.
func (f *folder) read(name string) string {
	f.t.Helper()
	b, err := os.ReadFile(f.path(name))
	if err != nil && !os.IsNotExist(err) {
		f.t.Fatal(err)
	}
	return string(b)
}

// copy gives a folder with the same files, for a test that starts from the same
// point many times.
func (f *folder) copy(t testing.TB) *folder {
	t.Helper()
	out := &folder{t: t, dir: t.TempDir(), env: f.env}
	if text, err := exec.Command("cp", "-a", f.dir+"/.", out.dir).CombinedOutput(); err != nil {
		t.Fatalf("cp: %v\n%s", err, text)
	}
	return out
}

// said is what a command said and how it ended.
type said struct {
	args           []string
	stdout, stderr string
	// code is the exit code; 128+N when signal N ended it, as in a shell.
	code int
}

// killed tells that it was ended by kill -9.
func (s said) killed() bool { return s.code == 128+int(syscall.SIGKILL) }

func (s said) String() string {
	return fmt.Sprintf("$ tutti %s\n%s%sexit code %d", strings.Join(s.args, " "), s.stdout, s.stderr, s.code)
}

// running is a command that has been started.
type running struct {
	f      *folder
	args   []string
	cmd    *exec.Cmd
	out    watched
	err    watched
	cancel context.CancelFunc
	ctx    context.Context
}

// start starts the binary. It is killed, and the test fails, when it hangs.
func (f *folder) start(env []string, args ...string) *running {
	f.t.Helper()
	return f.startWith(env, nil, args...)
}

func (f *folder) startWith(env []string, who *syscall.Credential, args ...string) *running {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), hang)
	r := &running{f: f, args: args, ctx: ctx, cancel: cancel, cmd: exec.CommandContext(ctx, built.binary, args...)}
	r.cmd.Dir, r.cmd.Env = f.dir, append(append([]string(nil), f.env...), env...)
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.err
	r.cmd.WaitDelay = 2 * time.Second // an orphan may hold the pipes open
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: who}
	if err := r.cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	return r
}

// wait gives what it said when it has ended.
func (r *running) wait() said {
	r.f.t.Helper()
	err := r.cmd.Wait()
	defer r.cancel()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		r.f.t.Fatal(err)
	}
	s := said{args: r.args, stdout: r.out.String(), stderr: r.err.String(), code: r.cmd.ProcessState.ExitCode()}
	if status, ok := r.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		s.code = 128 + int(status.Signal())
	}
	if r.ctx.Err() != nil {
		r.f.t.Fatalf("it hangs:\n%s", s)
	}
	if strings.Contains(s.stderr, "goroutine ") && strings.Contains(s.stderr, "panic:") || strings.Contains(s.stderr, "fatal error: ") {
		r.f.t.Fatalf("it panicked:\n%s", s)
	}
	return s
}

// await waits until it has printed the text on standard output or error.
func (r *running) await(text string) {
	r.f.t.Helper()
	ok := make(chan struct{})
	var once sync.Once
	found := func() { once.Do(func() { close(ok) }) }
	r.out.until(text, found)
	r.err.until(text, found)
	select {
	case <-ok:
	case <-r.ctx.Done():
		r.f.t.Fatalf("it never said %q:\n%s%s", text, r.out.String(), r.err.String())
	}
}

// signal sends a signal to tutti alone.
func (r *running) signal(s syscall.Signal) {
	r.f.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		r.f.t.Fatal(err)
	}
}

// killAll kills tutti's whole process group: it and its providers.
func (r *running) killAll() {
	r.f.t.Helper()
	if err := syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		r.f.t.Fatal(err)
	}
}

func (f *folder) run(args ...string) said {
	f.t.Helper()
	return f.start(nil, args...).wait()
}

func (f *folder) runWith(env []string, args ...string) said {
	f.t.Helper()
	return f.start(env, args...).wait()
}

// must runs a command that has to end with this code.
func (f *folder) must(code int, args ...string) said {
	f.t.Helper()
	s := f.run(args...)
	if s.code != code {
		f.t.Fatalf("it should have ended with %d:\n%s", code, s)
	}
	return s
}

// has fails the test when a text is missing from what was said, however its lines
// were wrapped.
func (f *folder) has(s said, texts ...string) {
	f.t.Helper()
	all := s.stdout + s.stderr
	flat := strings.Join(strings.Fields(strings.ReplaceAll(all, "│", "")), " ")
	for _, x := range texts {
		if !strings.Contains(all, x) && !strings.Contains(flat, x) {
			f.t.Fatalf("it should have said %q:\n%s", x, s)
		}
	}
}

// watched keeps what is written and calls back when a text has come.
type watched struct {
	mu   sync.Mutex
	b    bytes.Buffer
	want []func(string) bool
}

var _ io.Writer = (*watched)(nil)

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.b.Write(p)
	for i := 0; i < len(w.want); i++ {
		if w.want[i](w.b.String()) {
			w.want = append(w.want[:i], w.want[i+1:]...)
			i--
		}
	}
	return len(p), nil
}

func (w *watched) until(text string, found func()) {
	check := func(all string) bool {
		if !strings.Contains(all, text) {
			return false
		}
		found()
		return true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !check(w.b.String()) {
		w.want = append(w.want, check)
	}
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// awaitFile waits until a file of the folder holds the text.
func (f *folder) awaitFile(name, text string) {
	f.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	over := time.After(hang)
	for !strings.Contains(f.read(name), text) {
		select {
		case <-tick.C:
		case <-over:
			f.t.Fatalf("%s never held %q: %q", name, text, f.read(name))
		}
	}
}
