package install

import (
	"archive/zip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tutti/internal/diag"
	"tutti/internal/terraform/install/constraint"
	"tutti/internal/terraform/install/source"
)

// Lock makes the lock file know the packages of every required provider for the
// given platforms, without installing any. Versions that are locked stay.
func Lock(ctx context.Context, reqs []Requirement, platforms []source.Platform, o Options) diag.List {
	o = o.withDefaults()
	in, wants, list := newInstaller(reqs, o)
	if list.HasErrors() {
		return list
	}
	results := make([]*chosen, len(wants))
	list = append(list, in.everyPackage(ctx, wants, platforms, func(i int, v constraint.Version, p source.Package, f *fetched) error {
		if results[i] == nil {
			results[i] = &chosen{version: v}
			if e := in.locks.Get(p.Source); e != nil && e.Version.Compare(v) == 0 {
				results[i].hashes = slices.Clone(e.Hashes)
			}
		}
		results[i].hashes = append(results[i].hashes, f.h1)
		if p.SignedBy != "" {
			results[i].hashes = append(results[i].hashes, p.Hashes...)
		}
		return nil
	})...)
	if list.HasErrors() {
		return list
	}
	return append(list, in.updateLocks(wants, results)...)
}

// Mirror writes the packages of every required provider for the given platforms
// into a folder that serves both as a filesystem mirror (packed) and, put behind
// a web server, as a network mirror. Versions that are locked are taken.
func Mirror(ctx context.Context, reqs []Requirement, platforms []source.Platform, folder string, o Options) diag.List {
	o = o.withDefaults()
	in, wants, list := newInstaller(reqs, o)
	if list.HasErrors() {
		return list
	}
	list = append(list, in.everyPackage(ctx, wants, platforms, func(_ int, _ constraint.Version, p source.Package, f *fetched) error {
		dir := filepath.Join(folder, p.Source.Hostname.ForDisplay(), p.Source.Namespace, p.Source.Type)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		name := fmt.Sprintf("terraform-provider-%s_%s_%s.zip", p.Source.Type, p.Version, p.Platform)
		if err := saveZip(f, filepath.Join(dir, name)); err != nil {
			return err
		}
		return addToMirror(dir, name, p, f.h1)
	})...)
	return list
}

// everyPackage fetches the packages of all providers for all platforms, and
// hands each to use; for one provider one after the other.
func (in *installer) everyPackage(ctx context.Context, wants []*wanted, platforms []source.Platform,
	use func(i int, v constraint.Version, p source.Package, f *fetched) error) diag.List {
	return each(ctx, wants, func(ctx context.Context, i int, w *wanted) (diag.List, error) {
		v, warnings, err := in.choose(ctx, w, in.Upgrade)
		if err != nil {
			return warnings, err
		}
		for _, on := range platforms {
			p, err := in.from.Package(ctx, w.source, v, on)
			if err != nil {
				return warnings, err
			}
			in.report(Event{Kind: Installing, Source: w.source, Version: v.String(), Detail: on.String() + " from " + p.Origin})
			if err := in.withPackage(ctx, p, func(f *fetched) error { return use(i, v, p, f) }); err != nil {
				return warnings, err
			}
		}
		return warnings, nil
	})
}

// withPackage fetches a package for the time of a call.
func (in *installer) withPackage(ctx context.Context, p source.Package, use func(*fetched) error) error {
	stage, err := os.MkdirTemp("", "tutti-provider-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(stage) }()
	f, err := in.fetch(ctx, p, in.lockedFor(p), stage)
	if err != nil {
		return err
	}
	return use(f)
}

// lockedFor gives the locked checksums that a package must meet. Those of an
// unsigned source cover the platforms they were recorded on only, so they bind
// just where a zip's own sum ("zh:") shows that they cover all.
func (in *installer) lockedFor(p source.Package) []string {
	e := in.locks.Get(p.Source)
	if e == nil || e.Version.Compare(p.Version) != 0 || p.Dir != "" {
		return nil
	}
	if !slices.ContainsFunc(e.Hashes, func(h string) bool { return strings.HasPrefix(h, "zh:") }) {
		return nil
	}
	return e.Hashes
}

func saveZip(f *fetched, path string) error {
	tmp := path + ".tmp"
	defer func() { _ = os.Remove(tmp) }()
	var err error
	if f.zip != "" {
		err = copyFile(f.zip, tmp)
	} else {
		err = zipFolder(f.dir, tmp)
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = out.ReadFrom(in)
	return errors.Join(err, out.Close())
}

// zipFolder packs an unpacked package. Times are left out, so that the same
// package gives the same archive.
func zipFolder(dir, to string) error {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	z := zip.NewWriter(out)
	err = filepath.WalkDir(real, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		return zipFile(z, real, path)
	})
	return errors.Join(err, z.Close(), out.Close())
}

func zipFile(z *zip.Writer, root, path string) error {
	name, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h := &zip.FileHeader{Name: filepath.ToSlash(name), Method: zip.Deflate}
	h.SetMode(info.Mode())
	w, err := z.CreateHeader(h)
	if err != nil {
		return err
	}
	_, err = f.WriteTo(w)
	return err
}

// archiveEntry is a package in a network mirror's VERSION.json.
type archiveEntry struct {
	Hashes []string `json:"hashes"`
	URL    string   `json:"url"`
}

// addToMirror keeps index.json and VERSION.json: what they know already stays.
func addToMirror(dir, name string, p source.Package, h1 string) error {
	var index struct {
		Versions map[string]struct{} `json:"versions"`
	}
	err := edit(filepath.Join(dir, "index.json"), &index, func() {
		if index.Versions == nil {
			index.Versions = map[string]struct{}{}
		}
		index.Versions[p.Version.String()] = struct{}{}
	})
	if err != nil {
		return err
	}
	var version struct {
		Archives map[string]archiveEntry `json:"archives"`
	}
	return edit(filepath.Join(dir, p.Version.String()+".json"), &version, func() {
		if version.Archives == nil {
			version.Archives = map[string]archiveEntry{}
		}
		version.Archives[p.Platform.String()] = archiveEntry{Hashes: []string{h1}, URL: name}
	})
}

func edit(file string, into any, change func()) error {
	text, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	default:
		if err := json.Unmarshal(text, into); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	change()
	text, err = json.MarshalIndent(into, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".tmp", text, 0o644); err != nil {
		return err
	}
	return os.Rename(file+".tmp", file)
}
