package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/lockedfile"

	"tutti/internal/terraform/install/source"
)

// exclusive takes a lock between processes, waiting for whoever has it.
func exclusive(ctx context.Context, file string) (unlock func(), err error) {
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

// move puts a folder in its place in one step, in the place of what is there.
// Both must be on one file system.
func move(from, to string) error {
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

// link makes a package that lies elsewhere on this machine be there too: by a
// symbolic link as Terraform makes it, or where that cannot be, by a copy.
func link(target, path, stage string) error {
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
	return move(made, path)
}

// cachePath is where the package cache has, or will have, a package; "" without
// a cache.
func (in *installer) cachePath(p source.Package) string {
	if in.Config.PluginCacheDir == "" {
		return ""
	}
	return packageDir(in.Config.PluginCacheDir, p.Source, p.Version, p.Platform)
}

// fromCache reports whether the cache has a package that may be used: one that
// the lock file knows by its h1 checksum, or any at all where the user accepts
// that the lock file will then know this platform only.
func (in *installer) fromCache(path string, locked []string) (h1 string, ok bool) {
	if path == "" {
		return "", false
	}
	if _, err := os.Stat(path); err != nil {
		return "", false
	}
	h1, err := in.hashes.h1(path)
	if err != nil {
		return "", false
	}
	for _, l := range locked {
		if l == h1 {
			return h1, true
		}
	}
	return h1, in.Config.CacheMayBreakLock && len(locked) == 0
}

// inCache runs work while no other process touches the package in the cache. It
// gives work a folder of its own that is on the cache's file system and is
// removed afterwards, also what an earlier process left of it when it was
// killed.
func (in *installer) inCache(ctx context.Context, p source.Package, work func(stage string) error) error {
	root := in.Config.PluginCacheDir
	key := strings.Join([]string{p.Source.Hostname.String(), p.Source.Namespace, p.Source.Type, p.Version.String(), p.Platform.String()}, "_")
	unlock, err := exclusive(ctx, filepath.Join(root, ".locks", key+".lock"))
	if err != nil {
		return err
	}
	defer unlock()
	stage := filepath.Join(root, ".staging", key)
	if err := os.RemoveAll(stage); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(stage) }()
	if err := os.MkdirAll(stage, 0o755); err != nil {
		return err
	}
	return work(stage)
}
