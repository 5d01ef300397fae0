package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	tfaddr "github.com/hashicorp/terraform-registry-address"

	"tutti/internal/terraform/install/address"
	"tutti/internal/terraform/install/constraint"
)

// Folder is a filesystem mirror. Packages lie unpacked in
// HOST/NAMESPACE/TYPE/VERSION/OS_ARCH/, or packed as
// HOST/NAMESPACE/TYPE/terraform-provider-TYPE_VERSION_OS_ARCH.zip.
type Folder struct{ Path string }

var _ Source = (*Folder)(nil)

// Has reports whether the mirror has anything of the provider.
func (f *Folder) Has(p tfaddr.Provider) bool {
	found, err := f.list(p)
	return err == nil && len(found) > 0
}

// Versions implements Source.
func (f *Folder) Versions(_ context.Context, p tfaddr.Provider) ([]constraint.Version, []string, error) {
	found, err := f.list(p)
	if err != nil {
		return nil, nil, err
	}
	if len(found) == 0 {
		return nil, nil, f.missing(p)
	}
	out := make([]constraint.Version, len(found))
	for i, pkg := range found {
		out[i] = pkg.Version
	}
	return out, nil, nil
}

// Package implements Source.
func (f *Folder) Package(_ context.Context, p tfaddr.Provider, v constraint.Version, on Platform) (Package, error) {
	found, err := f.list(p)
	if err != nil {
		return Package{}, err
	}
	lack := &PlatformError{Source: p, Version: v, Platform: on, Where: f.Path}
	for _, pkg := range found {
		if pkg.Version.Compare(v) != 0 {
			continue
		}
		if pkg.Platform == on {
			return pkg, nil
		}
		lack.Has = append(lack.Has, pkg.Platform)
	}
	if len(lack.Has) > 0 {
		return Package{}, lack
	}
	missing := f.missing(p)
	missing.Version = v
	return Package{}, missing
}

func (f *Folder) missing(p tfaddr.Provider) *NotFoundError {
	e := &NotFoundError{Source: p, Where: []string{"the folder " + f.Path}}
	hosts, err := os.ReadDir(f.Path)
	if err != nil {
		return e // then the folder itself is missing, which Where says well enough
	}
	for _, h := range hosts {
		host, err := address.Host(h.Name())
		other := tfaddr.Provider{Hostname: host, Namespace: p.Namespace, Type: p.Type}
		if err == nil && host != p.Hostname && f.Has(other) {
			e.Elsewhere = append(e.Elsewhere, other)
		}
	}
	return e
}

// list reads the provider's own folder, nothing else: a mirror of thousands of
// providers costs no more than one of a few.
func (f *Folder) list(p tfaddr.Provider) ([]Package, error) {
	dir := filepath.Join(f.Path, p.Hostname.ForDisplay(), p.Namespace, p.Type)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read provider mirror: %w", err)
	}
	var out []Package
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if strings.HasSuffix(e.Name(), ".zip") {
			if pkg, ok := packed(p, path); ok {
				out = append(out, pkg)
			}
			continue
		}
		v, err := constraint.ParseVersion(e.Name())
		if err != nil {
			continue // index.json of a network mirror, editors' leavings
		}
		platforms, err := os.ReadDir(path)
		if err != nil {
			continue
		}
		for _, e := range platforms {
			on, err := ParsePlatform(e.Name())
			unpacked := filepath.Join(path, e.Name())
			// Stat follows a symbolic link, which may well be one.
			if info, statErr := os.Stat(unpacked); err == nil && statErr == nil && info.IsDir() {
				out = append(out, Package{Source: p, Version: v, Platform: on, Dir: unpacked, Origin: f.Path})
			}
		}
	}
	return out, nil
}

func packed(p tfaddr.Provider, path string) (Package, bool) {
	name, ok := strings.CutPrefix(strings.TrimSuffix(filepath.Base(path), ".zip"), "terraform-provider-"+p.Type+"_")
	version, platform, hasPlatform := strings.Cut(name, "_")
	v, err := constraint.ParseVersion(version)
	on, platformErr := ParsePlatform(platform)
	if !ok || !hasPlatform || err != nil || platformErr != nil {
		return Package{}, false
	}
	return Package{Source: p, Version: v, Platform: on, Archive: path, Origin: filepath.Dir(path)}, true
}
