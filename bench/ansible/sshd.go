package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// sshd is a server of OpenSSH on all addresses of the loopback, each of which is a host.
type sshd struct {
	dir  string
	port int
	cmd  *exec.Cmd
}

// startTime is how long the server may take to listen.
const startTime = 20 * time.Second

// startSSHD starts one, with keys of its own.
func startSSHD(dir string) (*sshd, error) {
	if os.Getuid() != 0 {
		return nil, fmt.Errorf("an sshd of one's own needs root")
	}
	program, err := exec.LookPath("sshd")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/sshd"); err != nil {
			return nil, fmt.Errorf("there is no sshd (apt-get install openssh-server)")
		}
	}
	for _, folder := range []string{dir, "/run/sshd"} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, err
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sshd{dir: dir, port: listener.Addr().(*net.TCPAddr).Port}
	if err := listener.Close(); err != nil {
		return nil, err
	}
	for _, key := range []string{"host", "user"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", s.file(key)).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("ssh-keygen: %w: %s", err, out)
		}
	}
	config := fmt.Sprintf("ListenAddress 0.0.0.0:%d\nHostKey %s\nPidFile none\nAuthorizedKeysFile %s\nStrictModes no\nUsePAM no\n"+
		"AllowUsers *@127.*\nPasswordAuthentication no\nPermitRootLogin yes\nMaxStartups 1000\nMaxSessions 50\nLogLevel ERROR\nPrintMotd no\nSubsystem sftp internal-sftp\n",
		s.port, s.file("host"), s.file("user.pub"))
	if err := os.WriteFile(s.file("config"), []byte(config), 0o600); err != nil {
		return nil, err
	}
	s.cmd = exec.Command(program, "-D", "-e", "-f", s.file("config"))
	s.cmd.Stderr = os.Stderr
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	return s, s.await()
}

func (s *sshd) await() error {
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)))
		if err == nil {
			return c.Close()
		}
		if time.Since(begin) > startTime {
			s.stop()
			return fmt.Errorf("sshd does not listen: %w", err)
		}
	}
}

func (s *sshd) file(name string) string { return filepath.Join(s.dir, name) }

func (s *sshd) stop() {
	if s == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// inventory lists hosts: 127.0.0.2 and those after it.
func (s *sshd) inventory(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "h%03d ansible_host=127.0.%d.%d\n", i+1, (i+2)/250, (i+2)%250)
	}
	fmt.Fprintf(&b, "\n[all:vars]\nansible_port=%d\nansible_user=root\nansible_ssh_private_key_file=%s\nansible_ssh_common_args='-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null'\n",
		s.port, s.file("user"))
	return b.String()
}
