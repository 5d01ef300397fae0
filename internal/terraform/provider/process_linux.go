package provider

import "syscall"

// processAttributes makes the kernel end the provider when we are killed: an
// orphan would go on changing the world with nobody to record what it did.
func processAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
