package stack

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"tutti/internal/diag"
	"tutti/internal/terraform/config"
	"tutti/internal/terraform/install"
	"tutti/internal/terraform/install/module"
)

// modules gives what finds the folder of an installed module, from the manifest
// that init wrote. A plan carries the manifest among its files.
func (s *Stack) modules(o Options) (func(config.ModuleRequest) (string, diag.List), diag.List) {
	name := module.ManifestPath(install.DataDir(o.Dir, o.Install.DataDir, o.Install.Config))
	src, err := o.Files.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, diag.FromError("List of installed modules cannot be read", err)
	}
	if err == nil {
		s.extra[filepath.Clean(name)] = src
	} else {
		src = []byte(`{"Modules":[]}`)
	}
	manifest, err := module.ParseManifest(name, src)
	if err != nil {
		return nil, diag.FromError("List of installed modules cannot be read", err)
	}
	return finder(o.Dir, manifest), nil
}

// finder looks modules up by the path of their calls.
func finder(dir string, manifest *module.Manifest) func(config.ModuleRequest) (string, diag.List) {
	return func(r config.ModuleRequest) (string, diag.List) {
		names := r.Path.Names()
		last := len(names) - 1
		call := module.Call{Name: names[last], Source: r.Source, SourceRange: r.Call.SourceRange, Version: r.Version}
		if r.Call.Version != nil {
			call.VersionRange = r.Call.Version.Range()
		}
		found, d := manifest.Find(module.Record{Key: strings.Join(names[:last], "."), Dir: "."}, call)
		if d.HasErrors() {
			return "", d
		}
		if place := filepath.FromSlash(found.Dir); filepath.IsAbs(place) {
			return place, nil
		}
		return filepath.Join(dir, filepath.FromSlash(found.Dir)), nil
	}
}
