// Package sshdtest runs a real sshd of OpenSSH for tests: on the loopback, with keys and a
// configuration of its own, reachable as many hosts (127.0.0.1, 127.0.0.2, ...), and makes users
// that come and go with the test. It needs root and skips, with the reason, where it cannot run.
package sshdtest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// maxListen is on how many addresses one sshd listens, a limit of its own.
const maxListen = 16

// startTime is how long sshd may take to listen.
const startTime = 20 * time.Second

// Server is a running sshd.
type Server struct {
	Port int
	// Home has .ssh with the key of the user that runs the test, and known_hosts.
	Home string
	// Key is the private key that every user made by User, and root, may log in with.
	Key string
	// Config is the text of sshd_config.
	Config string

	dir string
	cmd *exec.Cmd
	log *output
}

// Options change the server.
type Options struct {
	// Hosts is how many addresses it listens on; 0 is 1.
	Hosts int
	// Lines are what sshd_config begins with.
	Lines []string
}

// output collects what sshd says; it is read while sshd runs.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String gives what was said so far.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Start runs sshd until the test ends.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	need(t, "sshd", "ssh-keygen")
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "tutti-sshd-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	// sshd reads the keys of a user as that user.
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := &Server{dir: dir, Home: filepath.Join(dir, "home"), Key: filepath.Join(dir, "home/.ssh/id_ed25519"), Port: freePort(t), log: &output{}}
	if err := os.MkdirAll(filepath.Dir(s.Key), 0o700); err != nil {
		t.Fatal(err)
	}
	Run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", s.Key)
	Run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, "host"))
	Run(t, "install", "-m", "644", s.Key+".pub", s.file("authorized_keys"))
	s.write(t, o)
	s.run(t)
	s.Know(t, max(o.Hosts, 1))
	return s
}

func need(t testing.TB, programs ...string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("skipped: sshd for tests needs root")
	}
	for _, p := range programs {
		if _, err := find(p); err != nil {
			t.Skipf("skipped: there is no %s here: apt-get install openssh-server openssh-client sudo", p)
		}
	}
}

func find(program string) (string, error) {
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/" + program)
}

// Run runs a command that has to succeed.
func Run(t testing.TB, argv ...string) string {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return string(out)
}

func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// Address is that of a host, from 1.
func Address(host int) string { return fmt.Sprintf("127.0.%d.%d", host/250, host%250) }

func (s *Server) write(t testing.TB, o Options) {
	var b strings.Builder
	if o.Hosts > maxListen {
		fmt.Fprintf(&b, "ListenAddress 0.0.0.0:%d\n", s.Port)
	} else {
		for i := range max(o.Hosts, 1) {
			fmt.Fprintf(&b, "ListenAddress %s:%d\n", Address(i+1), s.Port)
		}
	}
	// The first word on anything is the last.
	b.WriteString(strings.Join(o.Lines, "\n") + "\n")
	fmt.Fprintf(&b, `HostKey %s/host
PidFile %s/pid
AuthorizedKeysFile %s/authorized_keys
StrictModes no
UsePAM no
AllowUsers *@127.*
PermitRootLogin yes
PasswordAuthentication yes
KbdInteractiveAuthentication no
MaxStartups 1000
MaxSessions 50
LogLevel ERROR
PrintMotd no
Subsystem sftp internal-sftp
`, s.dir, s.dir, s.dir)
	s.Config = b.String()
	if err := os.WriteFile(s.file("sshd_config"), []byte(s.Config), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *Server) file(name string) string { return filepath.Join(s.dir, name) }

func (s *Server) run(t testing.TB) {
	t.Helper()
	path, err := find("sshd")
	if err != nil {
		t.Fatal(err)
	}
	s.cmd = exec.Command(path, "-D", "-e", "-f", s.file("sshd_config"))
	s.cmd.Stderr = s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
	})
	for begin := time.Now(); ; {
		connection, err := net.Dial("tcp", net.JoinHostPort(Address(1), strconv.Itoa(s.Port)))
		if err == nil {
			connection.Close()
			return
		}
		if time.Since(begin) > startTime {
			t.Fatalf("sshd does not listen: %v\n%s", err, s.log)
		}
	}
}

// Log is what sshd said.
func (s *Server) Log() string { return s.log.String() }

// Pid is sshd's own process: its children are the connections.
func (s *Server) Pid() int { return s.cmd.Process.Pid }

// HostKey is the server's public key: type and text.
func (s *Server) HostKey(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(s.file("host.pub"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(text))[:2], " ")
}

// KnownHosts is the file of known hosts in Home.
func (s *Server) KnownHosts() string { return filepath.Join(s.Home, ".ssh", "known_hosts") }

// Know writes the keys of that many hosts into known_hosts, in place of all others.
func (s *Server) Know(t testing.TB, hosts int) {
	t.Helper()
	key := s.HostKey(t)
	var b strings.Builder
	for i := range hosts {
		fmt.Fprintf(&b, "[%s]:%d %s\n", Address(i+1), s.Port, key)
	}
	if err := os.WriteFile(s.KnownHosts(), []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// User makes a user with a home and, unless it is empty, a password. It is gone after the test.
func User(t testing.TB, name, password string) {
	t.Helper()
	need(t, "useradd", "userdel", "chpasswd")
	_ = exec.Command("userdel", "-r", name).Run()
	Run(t, "useradd", "-m", "-s", "/bin/bash", name)
	t.Cleanup(func() {
		_ = exec.Command("pkill", "-KILL", "-u", name).Run()
		_ = exec.Command("userdel", "-f", "-r", name).Run()
	})
	if password == "" {
		// Without any, sshd takes the account for locked.
		Run(t, "usermod", "-p", "*", name)
		return
	}
	cmd := exec.Command("chpasswd")
	cmd.Stdin = strings.NewReader(name + ":" + password + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("chpasswd: %v\n%s", err, out)
	}
}

// Sudo gives a user rights, as in "ALL=(ALL) NOPASSWD: ALL".
func Sudo(t testing.TB, name, rights string) {
	t.Helper()
	need(t, "sudo")
	file := "/etc/sudoers.d/tutti-test-" + name
	if err := os.WriteFile(file, []byte(name+" "+rights+"\n"), 0o440); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(file) })
}
