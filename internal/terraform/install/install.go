// Package install finds and installs what a Terraform stack needs from outside:
// the packages of its providers. (Its modules are package module's.)
//
// In: requirements (address, version constraint, where they are written) and the
// CLI configuration. Out: packages in .terraform/providers and the lock file,
// both laid out as Terraform has them, so that the two tools share a checkout;
// and for a plan or an apply, the executable of each provider. It owns
// downloads, checksums, the package cache and the lock file's upkeep. It must
// not know the configuration language, nor what a provider does once launched.
//
// Start reading at Providers, which makes things be there, and at Locate, which
// only looks. Subpackages: source (where packages come from), service (HTTP),
// lockfile, constraint, cliconfig, unpack, module.
package install

import (
	"path/filepath"
	"slices"
	"strings"

	tfaddr "github.com/hashicorp/terraform-registry-address"

	"github.com/hashicorp/hcl/v2"

	"tutti/internal/diag"
	"tutti/internal/terraform/install/cliconfig"
	"tutti/internal/terraform/install/constraint"
	"tutti/internal/terraform/install/lockfile"
	"tutti/internal/terraform/install/service"
	"tutti/internal/terraform/install/source"
)

// Requirement is that a stack needs a provider. One provider may be required in
// several places; all constraints hold together.
type Requirement struct {
	Source tfaddr.Provider
	// HostImplied says that the source was written without a host, or not at all.
	// Then the lock file decides between the registries of Terraform and of
	// OpenTofu (see lockfile.File.Host), whatever host Source holds.
	HostImplied bool
	Constraints string // "" for any version
	// Ranges are where it is required; the first is shown with an error.
	Ranges []hcl.Range
}

// Options say where to install and from where.
type Options struct {
	// Dir is the stack's folder.
	Dir string
	// DataDir is where packages are put, relative to Dir; "" means TF_DATA_DIR or
	// ".terraform".
	DataDir string
	Config  *cliconfig.Config // nil means no configuration
	// PluginDirs, when there are any, are the only mirrors to install from.
	PluginDirs []string
	// Client speaks with registries; nil means one made from Config.
	Client *service.Client
	// CacheDir is where checksums of installed packages are remembered; ""
	// means the user's cache folder.
	CacheDir string
	// Upgrade chooses the newest versions that are allowed, whatever is locked.
	Upgrade bool
	// ReadOnlyLock makes it an error if the lock file would have to change.
	ReadOnlyLock bool
	// Report is told of progress, from several goroutines at once; may be nil.
	Report func(Event)
}

// EventKind is a step of an installation.
type EventKind uint8

// The steps. The zero value is invalid.
const (
	Finding    EventKind = iota + 1 // looking for versions that meet Detail, the constraints
	Reusing                         // the version is the lock file's
	Present                         // it is installed already
	Linking                         // it is taken from Detail, a folder on this machine
	Installing                      // it is being got from Detail
	Installed                       // it is there; Detail says who signed it, if anybody
	Overridden                      // the CLI configuration's dev_overrides put Detail, a folder, in its place
)

// Event is progress with one provider.
type Event struct {
	Kind    EventKind
	Source  tfaddr.Provider
	Version string
	Detail  string
}

func (o *Options) report(e Event) {
	if o.Report != nil {
		o.Report(e)
	}
}

// withDefaults gives options whose Config, Client and folders are set.
func (o Options) withDefaults() Options {
	if o.Config == nil {
		o.Config = &cliconfig.Config{}
	}
	if o.Client == nil {
		o.Client = service.New(service.Options{Config: o.Config})
	}
	o.DataDir = DataDir(o.Dir, o.DataDir, o.Config)
	return o
}

// DataDir gives the folder of installed things of a stack, as a path that can be
// opened: what is given, or TF_DATA_DIR, or ".terraform", within the stack's
// folder unless absolute.
func DataDir(dir, given string, config *cliconfig.Config) string {
	if given == "" && config != nil {
		given = config.Var("TF_DATA_DIR")
	}
	if given == "" {
		given = ".terraform"
	}
	if filepath.IsAbs(given) {
		return given
	}
	return filepath.Join(dir, given)
}

func (o *Options) source() source.Source {
	return source.FromConfig(source.Options{Config: o.Config, PluginDirs: o.PluginDirs, StackDir: o.Dir, Client: o.Client})
}

func (o *Options) providersDir() string { return filepath.Join(o.DataDir, "providers") }

// packageDir is where a package lies below a folder of packages.
func packageDir(root string, p tfaddr.Provider, v constraint.Version, on source.Platform) string {
	return filepath.Join(root, p.Hostname.ForDisplay(), p.Namespace, p.Type, v.String(), on.String())
}

// wanted is a provider with all that is required of it.
type wanted struct {
	source  tfaddr.Provider
	asked   []tfaddr.Provider // the addresses by which requirements call it
	allowed constraint.Set
	ranges  []hcl.Range
}

// at is the place to blame, nil when none is known.
func (w *wanted) at() *hcl.Range {
	if len(w.ranges) == 0 {
		return nil
	}
	return &w.ranges[0]
}

// gather groups requirements by provider, sorted by address. Built-in providers
// are not among them: there is nothing to install.
func gather(reqs []Requirement, locks *lockfile.File) ([]*wanted, diag.List) {
	var list diag.List
	byAddress := map[tfaddr.Provider]*wanted{}
	for _, r := range reqs {
		if r.Source.IsBuiltIn() {
			continue
		}
		address := Address(r, locks)
		w := byAddress[address]
		if w == nil {
			w = &wanted{source: address}
			byAddress[address] = w
		}
		set, err := constraint.Parse(r.Constraints)
		if err != nil {
			found := diag.FromError("Invalid version constraint", err)
			if len(r.Ranges) > 0 {
				found = found.At(r.Ranges[0])
			}
			list = append(list, found...)
		}
		w.allowed = w.allowed.And(set)
		w.ranges = append(w.ranges, r.Ranges...)
		if !slices.Contains(w.asked, r.Source) {
			w.asked = append(w.asked, r.Source)
		}
	}
	out := make([]*wanted, 0, len(byAddress))
	for _, w := range byAddress {
		out = append(out, w)
	}
	slices.SortFunc(out, func(a, b *wanted) int { return strings.Compare(a.source.String(), b.source.String()) })
	return out, list
}

// Address gives the full address that a requirement stands for in a stack with
// this lock file.
func Address(r Requirement, locks *lockfile.File) tfaddr.Provider {
	if r.HostImplied && !r.Source.IsBuiltIn() {
		r.Source.Hostname = locks.Host(r.Source.Namespace, r.Source.Type)
	}
	return r.Source
}
