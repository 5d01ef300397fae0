package servetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"tutti/internal/aws/awstest"
)

// hang is how long something may take before the test says that it hangs.
const hang = 90 * time.Second

// built is where TestMain has put the binary.
var built = struct{ binary, home string }{}

func TestMain(m *testing.M) {
	code, err := withBinary(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withBinary(run func() int) (code int, err error) {
	dir, err := os.MkdirTemp("", "tutti-serve-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	built.binary, built.home = filepath.Join(dir, "tutti"), filepath.Join(dir, "home")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", built.binary, "tutti/cmd/tutti").CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("build tutti: %w\n%s", err, out)
	}
	if err := os.Mkdir(built.home, 0o755); err != nil {
		return 0, err
	}
	return run(), nil
}

// environment is what every process gets and no more.
func environment() []string {
	return []string{"HOME=" + built.home, "XDG_CONFIG_HOME=" + built.home, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(), "TZ=UTC", "LANG=C.UTF-8"}
}

// server is a `tutti serve` of a folder.
type server struct {
	t       testing.TB
	dir     string
	url     string
	process *exec.Cmd
	log     *lines
	ended   chan error
}

// lines gathers what a process writes.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

var urlLine = regexp.MustCompile(`Step Functions API +(http://\S+)`)

// serve starts a server in a folder, and waits until it says where it serves. It ends
// with the test.
func serve(t testing.TB, dir string, args ...string) *server {
	t.Helper()
	return serveWith(t, dir, nil, args...)
}

// serveWith is serve with more in the environment.
func serveWith(t testing.TB, dir string, env []string, args ...string) *server {
	t.Helper()
	s := launch(t, dir, env, args...)
	out, err := s.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.start()
	said := make(chan string, 1)
	go func() {
		var text strings.Builder
		buffer := make([]byte, 4096)
		for !strings.Contains(text.String(), "Ctrl-C stops.") {
			n, err := out.Read(buffer)
			text.Write(buffer[:n])
			if err != nil {
				break
			}
		}
		said <- text.String()
		_, _ = io.Copy(io.Discard, out)
	}()
	select {
	case text := <-said:
		m := urlLine.FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("the server did not start:\n%s\n%s", text, s.log)
		}
		s.url = m[1]
	case <-time.After(hang):
		t.Fatalf("the server does not start:\n%s", s.log)
	}
	return s
}

// launch prepares a server's process.
func launch(t testing.TB, dir string, env []string, args ...string) *server {
	t.Helper()
	s := &server{t: t, dir: dir, log: &lines{}, ended: make(chan error, 1)}
	s.process = exec.Command(built.binary, append([]string{"serve", "-listen", "127.0.0.1:0"}, args...)...)
	s.process.Dir, s.process.Env, s.process.Stderr = dir, append(environment(), env...), s.log
	return s
}

func (s *server) start() {
	s.t.Helper()
	if err := s.process.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { s.ended <- s.process.Wait() }()
	s.t.Cleanup(func() {
		s.kill()
		if s.t.Failed() {
			s.t.Logf("the log of the server:\n%s", s.log)
		}
	})
}

// kill ends the server as a crash would.
func (s *server) kill() {
	_ = s.process.Process.Kill() // it may have ended
	s.wait()
}

// stop ends the server in order and gives its exit code.
func (s *server) stop() int {
	s.t.Helper()
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	return s.wait()
}

// wait gives the exit code when the process has ended.
func (s *server) wait() int {
	select {
	case err := <-s.ended:
		s.ended <- err
		return s.process.ProcessState.ExitCode()
	case <-time.After(hang):
		s.t.Errorf("the server does not end:\n%s", s.log)
		return -1
	}
}

// get asks for one of the server's own pages.
func (s *server) get(path string) (status int, body string) {
	s.t.Helper()
	r, err := http.Get(s.url + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return r.StatusCode, string(text)
}

// poll is how often something is looked at that is to come.
const poll = 50 * time.Millisecond

// eventually waits until something is so.
func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	late := time.After(hang)
	for now := time.NewTicker(poll); !so(); {
		select {
		case <-now.C:
		case <-late:
			t.Fatalf("it does not come to this: %s", what)
		}
	}
}

// client is the Go SDK's, with its own retries: it gives up a connection now and then
// on which the answer is quicker than the end of the request.
func (s *server) client(id, secret string) *sfn.Client {
	return sfn.New(sfn.Options{BaseEndpoint: aws.String(s.url), Region: "us-east-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret}, nil
		})})
}

// python runs a script of testdata in the folder, and fails the test with what it says.
func (s *server) python(script string, args ...string) string {
	s.t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", script))
	if err != nil {
		s.t.Fatal(err)
	}
	return s.run(awstest.Program(s.t, "python"), append([]string{path}, args...)...)
}

// run runs a program that talks to the server.
func (s *server) run(program string, args ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*hang)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = s.dir, append(awstest.Environment(environment()), "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}
