//go:build unix

package process

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownGroup puts a command into a process group of its own: Ctrl-C on the terminal
// is for us, and what the command starts can be ended with it.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// Errors of signals are not looked at: a group that is gone is what is wanted.
func terminateGroup(group int) { _ = unix.Kill(-group, unix.SIGTERM) }

func killGroup(group int) { _ = unix.Kill(-group, unix.SIGKILL) }

func signalName(s *os.ProcessState) string {
	if ws, ok := s.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return ws.Signal().String()
	}
	return ""
}
