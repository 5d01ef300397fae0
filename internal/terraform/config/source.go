package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	hcljson "github.com/hashicorp/hcl/v2/json"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"tutti/internal/diag"
	"tutti/internal/expr"
)

// FileSource is where configuration files are read from: the disk, or the copy
// that a plan file carries. Both methods give an error that wraps
// fs.ErrNotExist for what is not there.
type FileSource interface {
	// ReadDir gives the names of the files, not folders, that lie in a folder.
	ReadDir(dir string) ([]string, error)
	ReadFile(name string) ([]byte, error)
}

// Disk reads files from the disk.
type Disk struct{}

var _ FileSource = Disk{}

// ReadDir lists the files of a folder.
func (Disk) ReadDir(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// ReadFile reads a file.
func (Disk) ReadFile(name string) ([]byte, error) { return os.ReadFile(name) }

// Snapshot holds files by their cleaned path, as Config.Sources gives them.
type Snapshot map[string][]byte

var _ FileSource = Snapshot(nil)

// ReadDir lists the files of a folder; a folder without files does not exist.
func (s Snapshot) ReadDir(dir string) ([]string, error) {
	var names []string
	for name := range s {
		if filepath.Dir(name) == filepath.Clean(dir) {
			names = append(names, filepath.Base(name))
		}
	}
	if names == nil {
		return nil, fmt.Errorf("%s: %w", dir, fs.ErrNotExist)
	}
	sort.Strings(names)
	return names, nil
}

// ReadFile gives a file.
func (s Snapshot) ReadFile(name string) ([]byte, error) {
	src, ok := s[filepath.Clean(name)]
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return src, nil
}

// source is one parsed file.
type source struct {
	name     string
	override bool
	body     hcl.Body
}

// IsConfigFile reports whether a file of this name is part of a module.
func IsConfigFile(name string) bool { _, ok := splitExt(name); return ok }

// splitExt gives a configuration file's extension; ok is false for other files,
// and for the hidden and back-up files of editors.
func splitExt(name string) (ext string, ok bool) {
	if strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") ||
		strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#") {
		return "", false
	}
	for _, ext := range []string{".tf.json", ".tofu.json", ".tf", ".tofu"} {
		if strings.HasSuffix(name, ext) {
			return ext, true
		}
	}
	return "", false
}

func isOverride(name, ext string) bool {
	stem := strings.TrimSuffix(name, ext)
	return stem == "override" || strings.HasSuffix(stem, "_override")
}

// moduleFiles picks the files of a module, in reading order: by name, overrides
// last. A .tofu file stands in for the .tf file of the same name.
func moduleFiles(names []string) []string {
	have := map[string]bool{}
	for _, n := range names {
		have[n] = true
	}
	var primary, override []string
	for _, n := range names {
		ext, ok := splitExt(n)
		if !ok {
			continue
		}
		stem := strings.TrimSuffix(n, ext)
		if twin := stem + strings.Replace(ext, ".tf", ".tofu", 1); twin != n && have[twin] {
			continue
		}
		if isOverride(n, ext) {
			override = append(override, n)
		} else {
			primary = append(primary, n)
		}
	}
	sort.Strings(primary)
	sort.Strings(override)
	return append(primary, override...)
}

// readModule reads and parses the files of a folder.
func readModule(files FileSource, dir string) ([]source, map[string][]byte, diag.List) {
	names, err := files.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, diag.Errorf(nil, "Module folder not found", "The folder %s does not exist or cannot be read.", dir)
	}
	if err != nil {
		return nil, nil, diag.FromError("Module folder cannot be read", err)
	}
	var diags diag.List
	var out []source
	sources := map[string][]byte{}
	for _, n := range moduleFiles(names) {
		path := filepath.Join(dir, n)
		src, err := files.ReadFile(path)
		if err != nil {
			diags = append(diags, diag.FromError("Configuration file cannot be read", err)...)
			continue
		}
		sources[path] = src
		ext, _ := splitExt(n)
		body, moreDiags := parseFile(src, path)
		diags = append(diags, moreDiags...)
		if body != nil {
			out = append(out, source{name: path, override: isOverride(n, ext), body: body})
		}
	}
	return out, sources, diags
}

// shareAmongInstances marks what is the same in every instance of a block that can
// have several. What is read rather than evaluated stays as it is.
func shareAmongInstances(f *hcl.File) {
	if f == nil {
		return
	}
	for _, blk := range f.Body.(*hclsyntax.Body).Blocks {
		switch blk.Type {
		case "resource", "data", "ephemeral", "module":
			expr.ShareBody(blk.Body, "count", "for_each", "enabled", "depends_on", "provider", "providers", "source", "version", "lifecycle")
			for _, life := range blk.Body.Blocks {
				if life.Type != "lifecycle" {
					continue
				}
				for _, condition := range life.Body.Blocks {
					expr.ShareBody(condition.Body)
				}
			}
		}
	}
}

// parseFile parses native or JSON syntax, by the file's name. A file with syntax
// errors still gives what could be understood of it.
func parseFile(src []byte, name string) (hcl.Body, diag.List) {
	var f *hcl.File
	var hd hcl.Diagnostics
	if strings.HasSuffix(name, ".json") {
		f, hd = hcljson.Parse(src, name)
	} else {
		f, hd = hclsyntax.ParseConfig(src, name, hcl.InitialPos)
		shareAmongInstances(f)
	}
	if f == nil {
		return nil, diag.FromHCL(hd)
	}
	return f.Body, diag.FromHCL(hd)
}
