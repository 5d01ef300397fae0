//go:build !unix

package file

import "os"

// takeOver gives a new file the permissions of the one that it replaces.
func takeOver(name string, old os.FileInfo) error { return os.Chmod(name, old.Mode().Perm()) }
