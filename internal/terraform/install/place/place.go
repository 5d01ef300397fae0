// Package place puts downloaded folders where they belong: in one step, so that
// nobody sees half of one, and one process at a time.
//
// In: paths. Out: folders and symbolic links on disk. It must not know what is
// in them.
package place

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// Exclusive takes a lock between processes, waiting for whoever has it.
func Exclusive(ctx context.Context, file string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	type outcome struct {
		unlock func()
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		unlock, err := lockedfile.MutexAt(file).Lock()
		done <- outcome{unlock, err}
	}()
	select {
	case o := <-done:
		if o.err != nil {
			return nil, fmt.Errorf("lock %s: %w", file, o.err)
		}
		return o.unlock, nil
	case <-ctx.Done():
		go func() { // whoever asked is gone: give it back when it comes
			if o := <-done; o.err == nil {
				o.unlock()
			}
		}()
		return nil, fmt.Errorf("wait for another installation in %s: %w", filepath.Dir(file), ctx.Err())
	}
}

// Move puts a folder in its place in one step, in the place of what is there.
// Both must be on one file system.
func Move(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if err := clear(to, from+".old"); err != nil {
		return err
	}
	return os.Rename(from, to)
}

// clear makes a path free. A folder is first moved aside, since removing it
// takes more than one step.
func clear(path, aside string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.IsDir():
		return os.Remove(path)
	}
	if err := os.Rename(path, aside); err != nil {
		return err
	}
	return os.RemoveAll(aside)
}

// Link makes a package that lies elsewhere on this machine be there too: by a
// symbolic link as Terraform makes it, or where that cannot be, by a copy.
func Link(target, path, stage string) error {
	target, err := filepath.Abs(target)
	if err != nil {
		return err
	}
	if old, err := os.Readlink(path); err == nil && old == target {
		return nil
	}
	made := filepath.Join(stage, "link")
	if err := os.Symlink(target, made); err != nil {
		if err := os.CopyFS(made, os.DirFS(target)); err != nil {
			return err
		}
	}
	return Move(made, path)
}
