package module

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"tutti/internal/diag"
	"tutti/internal/terraform/install/constraint"
	"tutti/internal/terraform/install/lockfile"
)

// Record is where one module call's module lies.
type Record struct {
	// Key is the path of calls from the root module, joined by dots; "" for the
	// root module itself.
	Key string `json:"Key"`
	// Source is the source address in full.
	Source string `json:"Source"`
	// Version is that of a registry's module, else "".
	Version string `json:"Version,omitempty"`
	// Dir is the module's folder, relative to the stack's, with slashes.
	Dir string `json:"Dir"`
}

// Manifest is .terraform/modules/modules.json: where the module of each call
// lies. It is not safe for concurrent use.
type Manifest struct {
	path    string
	records map[string]Record
}

// ManifestPath gives where the manifest lies in a data folder.
func ManifestPath(dataDir string) string { return filepath.Join(dataDir, "modules", "modules.json") }

// ReadManifest reads the manifest of a data folder (".terraform"). One that does
// not exist is empty.
func ReadManifest(dataDir string) (*Manifest, error) {
	path := ManifestPath(dataDir)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &Manifest{path: path, records: map[string]Record{}}, nil
	}
	if err != nil {
		return &Manifest{path: path, records: map[string]Record{}}, fmt.Errorf("read module manifest: %w", err)
	}
	return ParseManifest(path, text)
}

// ParseManifest reads a manifest from its text; path is where it lies.
func ParseManifest(path string, text []byte) (*Manifest, error) {
	m := &Manifest{path: path, records: map[string]Record{}}
	return m, m.parse(text)
}

func (m *Manifest) parse(text []byte) error {
	var file struct{ Modules []Record }
	if err := json.Unmarshal(text, &file); err != nil {
		return fmt.Errorf("read module manifest %s: %w; remove it and run \"tutti init\"", m.path, err)
	}
	for _, r := range file.Modules {
		r.Dir = path.Clean(filepath.ToSlash(r.Dir))
		m.records[r.Key] = r
	}
	return nil
}

// Records gives all records by key.
func (m *Manifest) Records() []Record {
	return slices.SortedFunc(maps.Values(m.records), func(a, b Record) int { return strings.Compare(a.Key, b.Key) })
}

// Key gives the key of a call within the module of another key.
func Key(parent, call string) string {
	if parent == "" {
		return call
	}
	return parent + "." + call
}

// Find gives the record of a call in the module that parent records (the zero
// Record with Dir "." for the root module). A local source needs no
// installation, so it is found without being in the manifest. Any other that is
// missing, or was installed from another source or version, is an error that
// says to run init.
func (m *Manifest) Find(parent Record, c Call) (Record, diag.List) {
	key := Key(parent.Key, c.Name)
	s, list := c.parse()
	if list.HasErrors() {
		return Record{}, list
	}
	if s.Kind == Local {
		return Record{Key: key, Source: s.String(), Dir: path.Join(parent.Dir, s.Path)}, nil
	}
	r, ok := m.records[key]
	switch {
	case !ok:
		return Record{}, diag.Errorf(&c.SourceRange, "Module not installed", "The module %q is not installed. Run \"tutti init\".", c.Name)
	case !sameSource(r, s):
		return Record{}, diag.Errorf(&c.SourceRange, "Module source has changed",
			"The module %q was installed from %s, but its source is now %s. Run \"tutti init\".", c.Name, redactSource(r.Source), redactSource(s.String()))
	case !c.allows(r.Version):
		return Record{}, diag.Errorf(&c.VersionRange, "Module version requirements have changed",
			"The module %q is installed in version %s, but the configuration wants %s. Run \"tutti init\".", c.Name, r.Version, c.Version)
	}
	return r, nil
}

// sameSource reports whether a record is of the source; for a source without a
// host, of either tool's registry.
func sameSource(r Record, s Source) bool {
	return r.Source == s.String() || s.HostImplied && r.Source == s.withHost(lockfile.OpenTofuHost).String()
}

// allows reports whether the version, "" for none, meets the call's constraint.
func (c Call) allows(version string) bool {
	set, err := constraint.Parse(c.Version)
	if err != nil {
		return false
	}
	if version == "" {
		return c.Version == ""
	}
	v, err := constraint.ParseVersion(version)
	return err == nil && set.Allows(v)
}

// bytes gives the file's text as Terraform writes it.
func (m *Manifest) bytes() []byte {
	text, err := json.Marshal(struct{ Modules []Record }{m.Records()})
	if err != nil {
		panic("module: a manifest is made of strings: " + err.Error())
	}
	return text
}

// save writes the manifest in one step, and only if it changed.
func (m *Manifest) save() error {
	text := m.bytes()
	if old, err := os.ReadFile(m.path); err == nil && string(old) == string(text) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(m.path), 0o755); err != nil {
		return fmt.Errorf("write module manifest: %w", err)
	}
	tmp := m.path + ".tmp"
	err := os.WriteFile(tmp, text, 0o644)
	if err == nil {
		err = os.Rename(tmp, m.path)
	}
	if err != nil {
		return fmt.Errorf("write module manifest: %w", err)
	}
	return nil
}
