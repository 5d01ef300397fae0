package install

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"tutti/internal/terraform/install/place"
	"tutti/internal/terraform/install/source"
)

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
	unlock, err := place.Exclusive(ctx, filepath.Join(root, ".locks", key+".lock"))
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
