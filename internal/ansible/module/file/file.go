// Package file holds the modules of ansible.builtin that are about files of the host: file,
// stat, copy (the host's side of it), find, lineinfile and their like. One module, one file of
// source.
//
// In: checked arguments and this machine's file system. Out: what the real modules return.
// What happens on the controller before (finding and sending a local file) is the business of
// package action.
package file

import (
	"os"
	"syscall"

	"tutti/internal/ansible/module"
)

// Modules lists the modules of this package.
func Modules() []module.Module {
	return []module.Module{
		assembleModule(),
		blockinfileModule(),
		copyModule(),
		fileModule(),
		findModule(),
		lineinfileModule(),
		placeModule(),
		replaceModule(),
		slurpModule(),
		statModule(),
		tempfileModule(),
		unarchiveModule(),
	}
}

// stateOf tells what is at a path, in the words of the file module.
func stateOf(path string) string {
	info, err := os.Lstat(path)
	if err != nil {
		return "absent"
	}
	switch st, ok := info.Sys().(*syscall.Stat_t); {
	case info.Mode()&os.ModeSymlink != 0:
		return "link"
	case info.IsDir():
		return "directory"
	case ok && st.Nlink > 1:
		return "hard"
	}
	return "file"
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func isLink(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode()&os.ModeSymlink != 0
}

// readable, writable and executable say what the kernel lets this process do.
func readable(path string) bool   { return syscall.Access(path, 4) == nil }
func writable(path string) bool   { return syscall.Access(path, 2) == nil }
func executable(path string) bool { return syscall.Access(path, 1) == nil }
