package python

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed embedded/main.py
var mainScript []byte

// maxFiles is how many files one module may bring along.
const maxFiles = 5000

// Payload is a module with all that it imports, as one file that Python runs.
type Payload struct {
	// Hash tells payloads apart.
	Hash string
	Zip  []byte
	// Unit is the module as Python imports it.
	Unit string
}

// packing is a payload that is made once.
type packing struct {
	once    sync.Once
	payload *Payload
	err     error
}

// Pack makes the payload of a module of the new style. It is made once for a run.
func (f *Finder) Pack(m *Module) (*Payload, error) {
	f.mu.Lock()
	if f.packed == nil {
		f.packed = map[string]*packing{}
	}
	p := f.packed[m.Path]
	if p == nil {
		p = &packing{}
		f.packed[m.Path] = p
	}
	f.mu.Unlock()
	p.once.Do(func() { p.payload, p.err = f.pack(m) })
	return p.payload, p.err
}

func (f *Finder) pack(m *Module) (*Payload, error) {
	if f.Core == nil && bytes.Contains(m.text, []byte("ansible.module_utils")) {
		return nil, fmt.Errorf("the module %s (%s) imports ansible.module_utils, which is part of ansible-core, and no ansible-core was found on this machine: "+
			"install it (pip install ansible-core) and start tutti again; the hosts do not need it", m.Name, m.Path)
	}
	b := &bundle{finder: f, files: map[string][]byte{}}
	b.files["__main__.py"] = mainScript
	b.add(m.unit, false, m.text)
	if f.Core != nil {
		release := fmt.Sprintf("__version__ = %q\n__author__ = \"Ansible, Inc.\"\n", f.Core.Version)
		b.files["ansible/__init__.py"] = []byte(release)
		for _, unit := range []string{"ansible.module_utils.basic", "ansible.module_utils._internal._ansiballz._loader",
			"ansible.module_utils._internal._json._profiles._module_legacy_c2m", "ansible.module_utils._internal._json._profiles._module_legacy_m2c"} {
			b.want(imported{module: unit})
		}
	}
	if err := b.complete(); err != nil {
		return nil, fmt.Errorf("the module %s cannot be packed: %w", m.Name, err)
	}
	text, err := b.zip()
	if err != nil {
		return nil, fmt.Errorf("the module %s cannot be packed: %w", m.Name, err)
	}
	hash := sha256.Sum256(text)
	return &Payload{Hash: hex.EncodeToString(hash[:16]), Zip: text, Unit: m.unit}, nil
}

// bundle is a payload in the making.
type bundle struct {
	finder *Finder
	files  map[string][]byte
	queue  []imported
	seen   map[imported]bool
}

// want puts an import on the list.
func (b *bundle) want(i imported) {
	if b.seen == nil {
		b.seen = map[imported]bool{}
	}
	if !b.seen[i] {
		b.seen[i] = true
		b.queue = append(b.queue, i)
	}
}

// add puts a file into the bundle, with the packages around it, and what it imports on the list.
func (b *bundle) add(unit string, pack bool, text []byte) {
	path := strings.ReplaceAll(unit, ".", "/")
	if pack {
		path += "/__init__"
	}
	if _, there := b.files[path+".py"]; there && pack {
		return
	}
	b.files[path+".py"] = text
	for dir := parent(unit); dir != ""; dir = parent(dir) {
		init := strings.ReplaceAll(dir, ".", "/") + "/__init__.py"
		if _, there := b.files[init]; there {
			continue
		}
		b.files[init] = nil
		if file, found := b.source(dir); found && filepath.Base(file) == "__init__.py" {
			if text, err := os.ReadFile(file); err == nil && strings.Contains(dir, "module_utils") {
				b.files[init] = text
				b.imports(dir, true, text)
			}
		}
	}
	b.imports(unit, pack, text)
}

func (b *bundle) imports(unit string, pack bool, text []byte) {
	for _, i := range scan(text, unit, pack) {
		b.want(i)
	}
}

func parent(unit string) string {
	if i := strings.LastIndexByte(unit, '.'); i >= 0 {
		return unit[:i]
	}
	return ""
}

// complete adds what is on the list until nothing is. What cannot be found is left out: it may be
// imported under a condition, and if it is not, Python says what is missing and where.
func (b *bundle) complete() error {
	for len(b.queue) > 0 {
		i := b.queue[0]
		b.queue = b.queue[1:]
		units := []string{i.module}
		if i.name != "" && i.name != "*" {
			units = append(units, i.module+"."+i.name)
		}
		for _, unit := range units {
			if err := b.include(unit); err != nil {
				return err
			}
		}
		if len(b.files) > maxFiles {
			return fmt.Errorf("it imports more than %d files", maxFiles)
		}
	}
	return nil
}

// include adds the file of a unit, or of the nearest package around it that there is.
func (b *bundle) include(unit string) error {
	base := strings.ReplaceAll(unit, ".", "/")
	if b.files[base+".py"] != nil || b.files[base+"/__init__.py"] != nil {
		return nil
	}
	if text := b.moved(unit); text != nil {
		b.add(unit, false, text)
		return nil
	}
	file, found := b.source(unit)
	if !found {
		return nil
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if info.Size() > maxFile {
		return fmt.Errorf("%s has %d bytes, and %d is the most", file, info.Size(), maxFile)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if len(text) == 0 {
		text = []byte("\n")
	}
	b.add(unit, filepath.Base(file) == "__init__.py", text)
	return nil
}

// moved gives a file that stands for one that a collection has moved.
func (b *bundle) moved(unit string) []byte {
	parts := strings.Split(unit, ".")
	if len(parts) < 6 || parts[0] != "ansible_collections" || parts[4] != "module_utils" {
		return nil
	}
	root := b.finder.collection(parts[1], parts[2])
	if root == "" {
		return nil
	}
	r, ok := b.finder.routing(filepath.Join(root, "meta", "runtime.yml")).Plugins.ModuleUtils[strings.Join(parts[5:], ".")]
	if !ok || r.Redirect == "" {
		return nil
	}
	to := r.Redirect
	if words := strings.Split(to, "."); words[0] != "ansible_collections" && len(words) >= 3 {
		to = fmt.Sprintf("ansible_collections.%s.%s.plugins.module_utils.%s", words[0], words[1], strings.Join(words[2:], "."))
	}
	b.want(imported{module: to})
	return fmt.Appendf(nil, "import sys\nimport %s as moved\nsys.modules[%q] = moved\n", to, unit)
}

// source gives the file of a unit.
func (b *bundle) source(unit string) (file string, found bool) {
	var bases []string
	switch parts := strings.Split(unit, "."); {
	case strings.HasPrefix(unit, "ansible.module_utils"):
		rest := strings.Join(parts[2:], "/")
		if rest != "" {
			for _, dir := range b.finder.ModuleUtils {
				bases = append(bases, filepath.Join(dir, rest))
			}
		}
		if b.finder.Core != nil {
			bases = append(bases, filepath.Join(b.finder.Core.Dir, "module_utils", rest))
		}
	case parts[0] == "ansible_collections" && len(parts) > 3:
		if root := b.finder.collection(parts[1], parts[2]); root != "" {
			bases = append(bases, filepath.Join(append([]string{root}, parts[3:]...)...))
		}
	}
	for _, base := range bases {
		for _, path := range []string{filepath.Join(base, "__init__.py"), base + ".py"} {
			if exists(path) {
				return path, true
			}
		}
	}
	return "", false
}

// zip writes the bundle, the same bytes for the same files.
func (b *bundle) zip() ([]byte, error) {
	var buffer bytes.Buffer
	w := zip.NewWriter(&buffer)
	for _, name := range slices.Sorted(maps.Keys(b.files)) {
		part, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			return nil, err
		}
		if _, err := part.Write(b.files[name]); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return buffer.Bytes(), err
}
