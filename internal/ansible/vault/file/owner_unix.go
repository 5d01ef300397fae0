//go:build unix

package file

import (
	"os"
	"syscall"
)

// takeOver gives a new file the permissions and the owner of the one that it replaces.
func takeOver(name string, old os.FileInfo) error {
	if err := os.Chmod(name, old.Mode().Perm()); err != nil {
		return err
	}
	s, ok := old.Sys().(*syscall.Stat_t)
	if !ok || int(s.Uid) == os.Getuid() && int(s.Gid) == os.Getgid() {
		return nil
	}
	// Only root may give files away; for others the file simply becomes theirs.
	if err := os.Lchown(name, int(s.Uid), int(s.Gid)); err != nil && os.Getuid() == 0 {
		return err
	}
	return nil
}
