// Package lockfile reads and writes .terraform.lock.hcl, the dependency lock
// file: which version of each provider a stack uses and by which checksums its
// packages are known.
//
// In and out: the file, in the text form that Terraform writes, byte for byte,
// so that both tools leave it alone in one checkout. It must not know how
// packages are found or what their checksums are made of.
//
// Source: the "Dependency Lock File" page of Terraform's documentation.
package lockfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	tfaddr "github.com/hashicorp/terraform-registry-address"
	svchost "github.com/hashicorp/terraform-svchost"

	"github.com/hashicorp/hcl/v2"

	"tutti/internal/diag"
	"tutti/internal/terraform/install/constraint"
)

// Name is the file's name in the stack's folder.
const Name = ".terraform.lock.hcl"

// OpenTofuHost is the registry that OpenTofu puts before a source without a
// host, where Terraform puts registry.terraform.io.
const OpenTofuHost = svchost.Hostname("registry.opentofu.org")

// Entry is the choice for one provider.
type Entry struct {
	Source      tfaddr.Provider
	Version     constraint.Version
	Constraints constraint.Set
	// Hashes are checksums of the version's packages for any platform, each with
	// its scheme ("h1:", "zh:"), sorted, without doubles.
	Hashes []string
	// Range is the block's header in the file; empty for an entry that was not
	// read from it.
	Range hcl.Range
}

// Holds reports whether the entry knows the checksum.
func (e *Entry) Holds(hash string) bool {
	_, ok := slices.BinarySearch(e.Hashes, hash)
	return ok
}

// File is a lock file in memory. It is not safe for concurrent use.
type File struct {
	path    string
	tool    string
	entries map[tfaddr.Provider]*Entry
	loaded  []byte // what the entries were when the file was read, in normal form
}

// Load reads the lock file of a stack's folder. A file that does not exist is an
// empty one. With errors, the entries that could be read are still given.
func Load(dir string) (*File, diag.List) {
	f := &File{path: filepath.Join(dir, Name), tool: "terraform", entries: map[tfaddr.Provider]*Entry{}}
	text, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return f, diag.FromError("Unreadable dependency lock file", err)
	}
	list := f.parse(text)
	f.loaded = f.Bytes()
	return f, list
}

// Path is where the file lies, or will lie.
func (f *File) Path() string { return f.path }

// Get gives the entry of a provider, nil when there is none. The caller must not
// change it.
func (f *File) Get(source tfaddr.Provider) *Entry { return f.entries[source] }

// All gives the entries by address.
func (f *File) All() []*Entry {
	return slices.SortedFunc(maps.Values(f.entries), func(a, b *Entry) int {
		switch {
		case a.Source.LessThan(b.Source):
			return -1
		case b.Source.LessThan(a.Source):
			return 1
		default:
			return 0
		}
	})
}

// Set puts an entry in, in place of any other for the same provider.
func (f *File) Set(e Entry) {
	e.Hashes = slices.Clone(e.Hashes)
	slices.Sort(e.Hashes)
	e.Hashes = slices.Compact(e.Hashes)
	f.entries[e.Source] = &e
}

// Retain drops every entry whose provider is not kept.
func (f *File) Retain(keep func(tfaddr.Provider) bool) {
	maps.DeleteFunc(f.entries, func(p tfaddr.Provider, _ *Entry) bool { return !keep(p) })
}

// Host says which registry a source without a host means in this stack. That is
// registry.terraform.io, except where the lock file shows that OpenTofu made
// it: the provider itself is locked under registry.opentofu.org only, or other
// providers are and none under registry.terraform.io.
func (f *File) Host(namespace, typeName string) svchost.Hostname {
	terraform := tfaddr.DefaultProviderRegistryHost
	if f.entries[tfaddr.NewProvider(terraform, namespace, typeName)] != nil {
		return terraform
	}
	if f.entries[tfaddr.NewProvider(OpenTofuHost, namespace, typeName)] != nil {
		return OpenTofuHost
	}
	host := terraform
	for p := range f.entries {
		switch p.Hostname {
		case terraform:
			return terraform
		case OpenTofuHost:
			host = OpenTofuHost
		}
	}
	return host
}

// Changed reports whether the entries differ from those that were read.
func (f *File) Changed() bool { return !bytes.Equal(f.loaded, f.Bytes()) }

// Save writes the file when its entries changed, in one step, so that a reader
// sees the old or the new one. A file without entries is not created.
func (f *File) Save() error {
	if !f.Changed() || len(f.entries) == 0 && f.loaded == nil {
		return nil
	}
	text := f.Bytes()
	tmp, err := os.CreateTemp(filepath.Dir(f.path), Name+".*.tmp")
	if err != nil {
		return fmt.Errorf("write dependency lock file: %w", err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.Write(text)
	err = errors.Join(err, tmp.Chmod(0o644), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), f.path)
	}
	if err != nil {
		return fmt.Errorf("write dependency lock file: %w", err)
	}
	f.loaded = text
	return nil
}

// Bytes gives the file's text.
func (f *File) Bytes() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# This file is maintained automatically by \"%s init\".\n# Manual edits may be lost in future updates.\n", f.tool)
	for _, e := range f.All() {
		writeEntry(&b, e)
	}
	return b.Bytes()
}

func writeEntry(b *bytes.Buffer, e *Entry) {
	fmt.Fprintf(b, "\nprovider %q {\n", e.Source.String())
	if text := e.Constraints.String(); text == "" {
		fmt.Fprintf(b, "  version = %q\n", e.Version.String())
	} else {
		fmt.Fprintf(b, "  version     = %q\n  constraints = %q\n", e.Version.String(), text)
	}
	if len(e.Hashes) > 0 {
		b.WriteString("  hashes = [\n")
		for _, h := range e.Hashes {
			fmt.Fprintf(b, "    %q,\n", h)
		}
		b.WriteString("  ]\n")
	}
	b.WriteString("}\n")
}

// toolOf finds who wrote the file, to leave its header as it is.
func toolOf(text []byte) string {
	line, _, _ := strings.Cut(string(text), "\n")
	if strings.HasPrefix(line, "#") && strings.Contains(line, `"tofu init"`) {
		return "tofu"
	}
	return "terraform"
}
