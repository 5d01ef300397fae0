package command

import (
	"os"

	"golang.org/x/sys/unix"
)

// noEcho has a terminal not show what is typed, so that passwords do not get into the output.
func noEcho(tty *os.File) error {
	state, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		return err
	}
	state.Lflag &^= unix.ECHO
	return unix.IoctlSetTermios(int(tty.Fd()), unix.TCSETS, state)
}
