package provider

import (
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Limits of what a cache folder keeps: a provider under development has a new
// digest with each build.
const (
	maxKept    = 128
	maxUnused  = 90 * 24 * time.Hour
	touchAfter = 24 * time.Hour
)

// touch notes that a cached file is in use, at most once a day.
func touch(path string, info os.FileInfo) {
	if now := time.Now(); now.Sub(info.ModTime()) > touchAfter {
		_ = os.Chtimes(path, now, now)
	}
}

// prune removes the files of a folder that were not used for long, and the
// longest unused of too many. Failing to is of no consequence.
func prune(dir string, now time.Time) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	type file struct {
		name string
		used time.Time
	}
	var files []file
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			files = append(files, file{e.Name(), info.ModTime()})
		}
	}
	slices.SortFunc(files, func(a, b file) int { return b.used.Compare(a.used) })
	for i, f := range files {
		if i >= maxKept || now.Sub(f.used) > maxUnused {
			_ = os.Remove(filepath.Join(dir, f.name))
		}
	}
}
