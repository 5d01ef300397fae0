//go:build unix && !linux

package process

import "golang.org/x/sys/unix"

// groupLives reports whether the group has a member.
func groupLives(group int) bool { return unix.Kill(-group, 0) != unix.ESRCH }
