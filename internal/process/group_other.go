//go:build !unix

package process

import (
	"os"
	"syscall"
)

// Systems without process groups end the command itself only.
func ownGroup() *syscall.SysProcAttr { return nil }

func terminateGroup(group int) { killGroup(group) }

func killGroup(group int) {
	if p, err := os.FindProcess(group); err == nil {
		_ = p.Kill()
	}
}

func groupLives(int) bool { return false }

func signalName(*os.ProcessState) string { return "" }
