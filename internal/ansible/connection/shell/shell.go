// Package shell is what it takes to run a line in a host's shell: the line goes out, a Process
// with its three streams comes back. This machine's shell is here; package ssh gives the same
// for others. What the streams carry is of no concern here.
package shell

import (
	"context"
	"io"
	"os/exec"
	"strings"
	"syscall"

	"github.com/creack/pty"
)

// Process is a line that runs in a shell. Stdout has everything when there is a terminal.
type Process struct {
	Stdin          io.WriteCloser
	Stdout, Stderr io.Reader
	// Wait gives the exit code, after both streams were read to their end; an error is that of
	// a connection.
	Wait func() (int, error)
	// Kill ends it as hard as can be. It may be called at any time, and more than once.
	Kill func()
}

// Starter runs lines in a shell. terminal asks for a pseudo terminal, which some programs insist
// upon before they ask for a password.
type Starter interface {
	Start(ctx context.Context, line string, terminal bool) (*Process, error)
}

// Quote makes one word of a text for any shell: those of POSIX, csh and fish.
func Quote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}

// Local runs lines in this machine's /bin/sh.
type Local struct{}

var _ Starter = Local{}

// Start implements Starter. The process is in a session of its own, so that Kill reaches what it
// started.
func (Local) Start(_ context.Context, line string, terminal bool) (*Process, error) {
	cmd := exec.Command("/bin/sh", "-c", line)
	if terminal {
		return startTerminal(cmd)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &Process{Stdin: stdin, Stdout: stdout, Stderr: stderr, Wait: wait(cmd), Kill: kill(cmd)}, nil
}

func startTerminal(cmd *exec.Cmd) (*Process, error) {
	terminal, err := pty.Start(cmd)
	if err != nil {
		return nil, err
	}
	ended := wait(cmd)
	return &Process{Stdin: terminal, Stdout: terminal, Stderr: strings.NewReader(""), Kill: kill(cmd),
		Wait: func() (int, error) {
			defer terminal.Close()
			return ended()
		}}, nil
}

func wait(cmd *exec.Cmd) func() (int, error) {
	return func() (int, error) {
		err := cmd.Wait()
		if cmd.ProcessState == nil {
			return -1, err
		}
		return cmd.ProcessState.ExitCode(), nil
	}
}

func kill(cmd *exec.Cmd) func() {
	return func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
