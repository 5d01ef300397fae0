package file

import (
	"crypto/rand"
	"fmt"
	"io"
	"os"
)

// shredPasses is how often a file is overwritten before it is removed.
const shredPasses = 3

// shred overwrites a file with random bytes and removes it. On disks that write elsewhere
// what is overwritten (flash, journals, snapshots) this does not help, as with the tool of
// that name; on a memory file system it is not needed.
func shred(name string) error {
	info, err := os.Lstat(name)
	if os.IsNotExist(err) {
		return nil
	}
	if err == nil && info.Mode().IsRegular() {
		err = overwrite(name, info.Size())
	}
	if gone := os.Remove(name); err == nil {
		err = gone
	}
	if err != nil {
		return fmt.Errorf("the file %s, which holds plain text, cannot be destroyed: %w", name, err)
	}
	return nil
}

func overwrite(name string, size int64) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	for range shredPasses {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if _, err := io.CopyN(f, rand.Reader, size); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
	}
	return f.Close()
}
