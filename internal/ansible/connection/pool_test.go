package connection_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/connection"
	"tutti/internal/ansible/connection/channel"
	"tutti/internal/ansible/connection/program"
	"tutti/internal/ansible/connection/sshdtest"
	"tutti/internal/ansible/connection/target"
	"tutti/internal/ansible/module"
)

// TestMain lets this test be the program on hosts too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == target.Command {
		os.Exit(target.Main(os.Args[1:], modules))
	}
	code := m.Run()
	cleanUp()
	os.Exit(code)
}

// cleanUp takes away what the tests put onto this machine, as the hosts that it plays.
func cleanUp() {
	for _, p := range once() {
		hash, err := p.Digest()
		home, _ := os.UserHomeDir()
		if err == nil {
			_ = os.Remove(filepath.Join(home, ".cache/tutti/target", target.Prefix+hash))
		}
	}
}

// programs are those for hosts: this test, read and packed once, since it has the modules.
func programs(testing.TB) program.Set { return once() }

var once = sync.OnceValue(func() program.Set { return program.Set{program.Self()} })

// modules are those that the tests call.
func modules(name string) *module.Module {
	spec := argument.Spec{Check: true, Options: []argument.Option{{Name: "text"}, {Name: "file"}}}
	var run func(ctx context.Context, c *module.Call) module.Result
	switch name {
	case "who":
		run = func(ctx context.Context, c *module.Call) module.Result {
			out := module.Exec(ctx, module.Command{Argv: []string{"id", "-un"}})
			return module.Result{"user": strings.TrimSpace(out.Stdout), "text": c.String("text"), "whole": 3, "part": 1.5, "list": []string{"a"}}
		}
	case "hang": // until it is cut off, then it leaves a file
		run = func(ctx context.Context, c *module.Call) module.Result {
			_ = os.WriteFile(c.String("file"), []byte("begun"), 0o644)
			<-ctx.Done()
			_ = os.WriteFile(c.String("file"), []byte("cut"), 0o644)
			return module.Fail("cut off")
		}
	case "sleep":
		run = func(ctx context.Context, c *module.Call) module.Result {
			module.Exec(ctx, module.Command{Argv: []string{"sleep", "600"}})
			return module.Result{}
		}
	case "panic":
		run = func(context.Context, *module.Call) module.Result { panic("on purpose") }
	default:
		return nil
	}
	return &module.Module{Name: name, Spec: spec, Run: run}
}

// newPool makes a pool that is closed after the test.
func newPool(t testing.TB, home string) *connection.Pool {
	p := connection.NewPool(connection.Options{Modules: modules, Home: home, Programs: programs(t), Warn: func(text string) { t.Log("warning:", text) }})
	t.Cleanup(p.Close)
	return p
}

// spec is how root reaches a host of the server.
func spec(s *sshdtest.Server, host int) connection.Spec {
	return connection.Spec{Kind: "ssh", Name: fmt.Sprintf("host%d", host), Host: sshdtest.Address(host), Port: s.Port, User: "root",
		PrivateKeyFile: s.Key, HostKeyChecking: true}
}

func open(t testing.TB, p *connection.Pool, s connection.Spec) action.Target {
	t.Helper()
	target, err := p.Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// who runs the module "who" and gives the user, or the message of what failed.
func who(t testing.TB, target action.Target) string {
	t.Helper()
	result, err := target.Run(t.Context(), module.Request{Module: "ansible.builtin.who", Args: map[string]any{"text": "hello"}})
	if err != nil {
		var u *action.Unreachable
		if errors.As(err, &u) {
			return "UNREACHABLE: " + u.Message
		}
		return "ERROR: " + err.Error()
	}
	if result.Failed() {
		return fmt.Sprintf("FAILED: %v", result["msg"])
	}
	return result["user"].(string)
}

func TestLocal(t *testing.T) {
	conformance(t, open(t, newPool(t, ""), connection.Spec{Kind: "local", Name: "localhost"}))
}

func TestSSH(t *testing.T) {
	server := sshdtest.Start(t, sshdtest.Options{})
	conformance(t, open(t, newPool(t, server.Home), spec(server, 1)))
}

// TestWithoutProgram is the conformance of hosts that have only a shell: a pool that has no
// program for any platform.
func TestWithoutProgram(t *testing.T) {
	server := sshdtest.Start(t, sshdtest.Options{})
	p := connection.NewPool(connection.Options{Modules: modules, Home: server.Home, Programs: noPrograms()})
	t.Cleanup(p.Close)
	host := open(t, p, spec(server, 1))
	files(t, host)
	if got := who(t, host); !strings.Contains(got, "FAILED: the module ansible.builtin.who cannot be run: there is no program of tutti's for this host: no program for Linux") {
		t.Error(got)
	}
	p = connection.NewPool(connection.Options{Modules: modules, Home: server.Home, Programs: noPrograms(),
		Foreign: func(context.Context, action.Target, module.Request) (module.Result, error) {
			return module.Result{"user": "another way"}, nil
		}})
	t.Cleanup(p.Close)
	if got := who(t, open(t, p, spec(server, 1))); got != "another way" {
		t.Error(got)
	}
}

// conformance is what every target does.
func conformance(t *testing.T, host action.Target) {
	t.Helper()
	result, err := host.Run(t.Context(), module.Request{Module: "who", Args: map[string]any{"text": "<&>\u00fc"}})
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(map[string]any{"user": result["user"], "text": result["text"], "whole": result["whole"], "part": result["part"], "list": result["list"]})
	if want, _ := json.Marshal(map[string]any{"user": "root", "text": "<&>\u00fc", "whole": 3, "part": 1.5, "list": []string{"a"}}); !bytes.Equal(text, want) {
		t.Errorf("got %s, want %s", text, want)
	}
	result, err = host.Run(t.Context(), module.Request{Module: "panic"})
	if err != nil || !result.Failed() || !strings.Contains(result["msg"].(string), "on purpose") {
		t.Errorf("a panic gives %v, %v", result, err)
	}
	if got, err := host.Run(t.Context(), module.Request{Module: "who", Args: map[string]any{"nothing": 1}}); err != nil || !got.Failed() {
		t.Errorf("a wrong argument gives %v, %v", got, err)
	}
	files(t, host)
	cancelled(t, host)
	async(t, host)
}

func files(t *testing.T, host action.Target) {
	t.Helper()
	ctx := t.Context()
	out, err := host.Exec(ctx, action.Command{Shell: `echo out; echo err >&2; echo "$A" in $(pwd); cat; exit 3`, Executable: "/bin/sh",
		Stdin: []byte("input"), Env: map[string]string{"A": "it's"}, Dir: "/usr"})
	if err != nil || out.Stdout != "out\nit's in /usr\ninput" || out.Stderr != "err\n" || out.Code != 3 {
		t.Errorf("Exec gives %+v, %v", out, err)
	}
	out, err = host.Exec(ctx, action.Command{Argv: []string{"printf", "%s|", "a b", "", "$x"}})
	if err != nil || out.Stdout != "a b||$x|" || out.Code != 0 {
		t.Errorf("Exec of words gives %+v, %v", out, err)
	}
	content := bytes.Repeat([]byte("0123456789abcdef\x00\xff"), 200_000) // 3.6 MB
	path, err := host.Put(ctx, "some name.txt", bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() != int64(len(content)) {
		t.Errorf("Put makes %v, %v", info, err)
	}
	file, err := host.Get(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	back, err := io.ReadAll(file)
	if err != nil || sha256.Sum256(back) != sha256.Sum256(content) {
		t.Errorf("Get gives %d bytes, %v", len(back), err)
	}
	file.Close()
	// A reader that goes away in the middle holds nobody up.
	if file, err = host.Get(ctx, path); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Read(make([]byte, 10)); err != nil {
		t.Error(err)
	}
	file.Close()
	host.Remove(ctx, path)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after Remove: %v", err)
	}
	if _, err := host.Get(ctx, "/no/such/file"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Get of nothing: %v", err)
	}
	if _, err := host.Get(ctx, "/usr"); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("Get of a folder: %v", err)
	}
	if _, err := host.Put(ctx, "x", io.MultiReader(strings.NewReader("abc"), broken{})); err == nil || !strings.Contains(err.Error(), "unreadable") {
		t.Errorf("Put of what cannot be read: %v", err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("unreadable") }

// waitFor reads a file until it says something.
func waitFor(t *testing.T, file, want string) {
	t.Helper()
	waitUnless(t, file, want, nil)
}

// waitUnless is waitFor for as long as what writes the file has not ended.
func waitUnless(t *testing.T, file, want string, ended <-chan error) {
	t.Helper()
	for t.Context().Err() == nil {
		select {
		case err := <-ended:
			t.Fatalf("before %s says %q: %v", file, want, err)
		default:
		}
		text, _ := os.ReadFile(file)
		if strings.Contains(string(text), want) {
			return
		}
	}
	t.Fatalf("%s does not come to say %q", file, want)
}

// cancelled: a caller that gives up ends the module on the host, and the target goes on.
func cancelled(t *testing.T, host action.Target) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "state")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		result, err := host.Run(ctx, module.Request{Module: "hang", Args: map[string]any{"file": file}})
		if err == nil {
			err = fmt.Errorf("it ended with %v", result)
		}
		done <- err
	}()
	waitUnless(t, file, "begun", done)
	if got := who(t, host); got != "root" {
		t.Errorf("beside a call that hangs: %s", got)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled call gives %v", err)
	}
	waitFor(t, file, "cut")
	if got := who(t, host); got != "root" {
		t.Errorf("after a call that was cut off: %s", got)
	}
}

func async(t *testing.T, host action.Target) {
	t.Helper()
	start := func(job channel.Job) (string, string) {
		t.Helper()
		job.Dir = t.TempDir()
		result, err := host.(connection.Starter).StartAsync(t.Context(), job)
		if err != nil || result.Failed() || result["started"] != true || result["finished"] != false {
			t.Fatalf("StartAsync gives %v, %v", result, err)
		}
		id, file := result["ansible_job_id"].(string), result["results_file"].(string)
		if file != filepath.Join(job.Dir, id) || !strings.HasPrefix(id, job.ID+".") {
			t.Errorf("job %s is in %s", id, file)
		}
		return id, file
	}
	_, file := start(channel.Job{ID: "j1", Module: &module.Request{Module: "who"}, Limit: 60})
	waitFor(t, file, `"user":"root"`)
	_, file = start(channel.Job{ID: "j2", Module: &module.Request{Module: "sleep"}, Limit: 1})
	waitFor(t, file, `"started":true`)
	waitFor(t, file, "Timeout exceeded")
	payload, err := host.Put(t.Context(), "payload", strings.NewReader(`printf 'noise\n{"changed": true, "n": 7}\nmore'`))
	if err != nil {
		t.Fatal(err)
	}
	_, file = start(channel.Job{ID: "j3", Payload: payload, Command: &action.Command{Argv: []string{"/bin/sh", channel.PayloadMark}}})
	waitFor(t, file, `"n":7`)
	waitFor(t, file, `junk after the JSON data: more`)
}

func noPrograms() program.Set {
	return program.Set{{OS: "plan9", Arch: "mips", Hash: strings.Repeat("0", 64)}}
}

func job(id string, c *action.Command, dir string) channel.Job {
	return channel.Job{ID: id, Command: c, Dir: dir}
}
