package attribute

import (
	"bytes"
	"errors"

	"golang.org/x/sys/unix"
)

// xattrLimit bounds the list of names and each value, as Linux does.
const xattrLimit = 64 << 10

// copyXattrs copies extended attributes; what the file system or the user's rights do not
// allow is left out.
func copyXattrs(src, dest string) error {
	n, err := unix.Listxattr(src, nil)
	if err != nil || n <= 0 {
		return nil
	}
	names := make([]byte, min(n, xattrLimit))
	if n, err = unix.Listxattr(src, names); err != nil {
		return nil
	}
	for _, name := range bytes.Split(bytes.TrimRight(names[:n], "\x00"), []byte{0}) {
		value := make([]byte, xattrLimit)
		size, err := unix.Getxattr(src, string(name), value)
		if err != nil {
			continue
		}
		err = unix.Setxattr(dest, string(name), value[:size], 0)
		if err != nil && !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.ENOTSUP) && !errors.Is(err, unix.ENODATA) && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.EACCES) {
			return err
		}
	}
	return nil
}
