package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"tutti/internal/terraform/install/service"
	"tutti/internal/terraform/install/source"
	"tutti/internal/terraform/install/unpack"
)

// maxPackage bounds a downloaded package; the largest providers known have a few
// hundred megabytes.
const maxPackage = 4 << 30

// fetched is a package that was got and whose checksums are right.
type fetched struct {
	dir string // unpacked; a mirror's own folder, or one below the stage
	zip string // the archive, "" for a package that is unpacked in its mirror
	h1  string
}

// ChecksumError is given for a package that is not the one that was promised.
type ChecksumError struct {
	Package source.Package
	Got     []string // what it is, with scheme
	Want    []string // any of which it had to be
	By      string   // who promises them: the lock file, the registry
}

func (e *ChecksumError) Error() string {
	return fmt.Sprintf("the package of %s %s for %s from %s has the checksum %s, but %s knows only %s",
		e.Package.Source, e.Package.Version, e.Package.Platform, e.Package.Origin,
		strings.Join(e.Got, " or "), e.By, shorten(e.Want))
}

// shorten names at most three: a lock file may hold dozens.
func shorten(hashes []string) string {
	const most = 3
	if len(hashes) <= most {
		return strings.Join(hashes, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(hashes[:most], ", "), len(hashes)-most)
}

// fetch gets a package and checks it against what its source and the lock file
// say. Everything it writes lies below stage, a folder of its own.
func (in *installer) fetch(ctx context.Context, p source.Package, locked []string, stage string) (*fetched, error) {
	if p.Dir != "" {
		h1, err := in.hashes.h1(p.Dir)
		if err != nil {
			return nil, err
		}
		f := &fetched{dir: p.Dir, h1: h1}
		return f, check(p, []string{h1}, locked)
	}
	f := &fetched{zip: p.Archive, dir: filepath.Join(stage, "package")}
	if p.URL != nil {
		f.zip = filepath.Join(stage, "package.zip")
		if err := in.download(ctx, p, f.zip); err != nil {
			return nil, err
		}
	}
	sum, err := zipSum(f.zip)
	if err != nil {
		return nil, err
	}
	if p.SHA256 != "" && p.SHA256 != sum {
		return nil, &ChecksumError{Package: p, Got: []string{sum}, Want: []string{p.SHA256}, By: "the registry's signed list"}
	}
	if err := unpack.Archive(ctx, f.zip, "zip", f.dir, unpack.Limits{}); err != nil {
		return nil, err
	}
	if f.h1, err = in.hashes.h1(f.dir); err != nil {
		return nil, err
	}
	return f, check(p, []string{f.h1, "zh:" + sum}, locked)
}

// check compares the checksums of a package with those of its source, and with
// those of the lock file where it has any.
func check(p source.Package, got, locked []string) error {
	matches := func(want []string) bool {
		return slices.ContainsFunc(got, func(h string) bool { return slices.Contains(want, h) })
	}
	// A source may give schemes that nobody here knows; they say nothing.
	known := slices.DeleteFunc(slices.Clone(p.Hashes), func(h string) bool {
		return !strings.HasPrefix(h, "h1:") && !strings.HasPrefix(h, "zh:")
	})
	if len(known) > 0 && !matches(known) {
		return &ChecksumError{Package: p, Got: got, Want: known, By: p.Origin}
	}
	if len(locked) > 0 && !matches(locked) {
		return &ChecksumError{Package: p, Got: got, Want: locked, By: "the lock file"}
	}
	return nil
}

func (in *installer) download(ctx context.Context, p source.Package, file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	err = in.Client.Download(ctx, p.URL, p.Credentials, &service.File{File: f}, maxPackage)
	return errors.Join(err, f.Close())
}

// executable finds the provider's program in an unpacked package, by the name
// that Terraform looks for: terraform-provider-TYPE, perhaps with a version
// after an underscore.
func executable(dir, typeName string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	base := "terraform-provider-" + typeName
	for _, e := range entries {
		name := e.Name()
		if runtime.GOOS == "windows" {
			name = strings.TrimSuffix(name, ".exe")
		}
		if name != base && !strings.HasPrefix(name, base+"_") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no program named %s in %s: %w", base, dir, fs.ErrNotExist)
}
