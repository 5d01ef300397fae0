package worker

import (
	"os"
	"path/filepath"
	"syscall"
)

// isMount tells whether something is mounted at a path: its device is not that of its folder.
func isMount(path string) bool {
	var at, above syscall.Stat_t
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSymlink != 0 || syscall.Lstat(path, &at) != nil || syscall.Lstat(filepath.Join(path, ".."), &above) != nil {
		return false
	}
	return at.Dev != above.Dev || at.Ino == above.Ino
}
