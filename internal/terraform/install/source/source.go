// Package source is where provider packages come from: registries, network
// mirrors and folders. A Source knows which versions of a provider there are and
// where the package of one version for one platform lies, with what is known of
// its checksums.
//
// In: provider addresses. Out: Package values; nothing is downloaded, unpacked
// or installed here, but signatures over checksums are verified. It must not
// know stacks or lock files.
//
// Sources: the "Provider Registry Protocol" and "Provider Network Mirror
// Protocol" pages of Terraform's documentation.
package source

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"

	tfaddr "github.com/hashicorp/terraform-registry-address"
	svchost "github.com/hashicorp/terraform-svchost"

	"tutti/internal/terraform/install/cliconfig"
	"tutti/internal/terraform/install/constraint"
)

// Platform is an operating system and an architecture, by Go's names.
type Platform struct{ OS, Arch string }

// Current is the platform of this process.
func Current() Platform { return Platform{runtime.GOOS, runtime.GOARCH} }

// ParsePlatform reads the form of String.
func ParsePlatform(s string) (Platform, error) {
	goos, arch, ok := strings.Cut(s, "_")
	if !ok || goos == "" || arch == "" || strings.ContainsAny(s, `/\. `) || strings.Contains(arch, "_") {
		return Platform{}, fmt.Errorf("%q is not a platform: write the operating system and the architecture, as in linux_amd64", s)
	}
	return Platform{goos, arch}, nil
}

// String gives the form that paths hold, such as "linux_amd64".
func (p Platform) String() string { return p.OS + "_" + p.Arch }

// Package is one version of one provider for one platform, and where it lies:
// exactly one of Dir, Archive and URL is set.
type Package struct {
	Source   tfaddr.Provider
	Version  constraint.Version
	Platform Platform

	Dir     string   // a folder that holds the unpacked package
	Archive string   // a zip file on this machine
	URL     *url.URL // a zip file to download
	// Credentials is the host whose credentials go with the download; "" for none.
	Credentials svchost.Hostname

	// SHA256 is the archive's sum in hexadecimal; "" when the source gives none.
	SHA256 string
	// Hashes are checksums that the source gives for the package, with scheme. One
	// of those whose scheme is known must match; none given, none must.
	Hashes []string
	// SignedBy is the ID of the key whose signature covers Hashes and SHA256, ""
	// for none. Only then do all Hashes, of every platform, enter the lock file.
	SignedBy string
	// Origin says where it comes from, for people.
	Origin string
}

// Source is a place to get packages from. It is safe for concurrent use.
type Source interface {
	// Versions gives all versions there are, in no order, with warnings of the
	// source about the provider. A *NotFoundError says that it has no such
	// provider.
	Versions(ctx context.Context, p tfaddr.Provider) (versions []constraint.Version, warnings []string, err error)
	// Package finds one package. A *NotFoundError or *PlatformError says that this
	// source lacks it.
	Package(ctx context.Context, p tfaddr.Provider, v constraint.Version, on Platform) (Package, error)
}

// NotFoundError is given for a provider, or a version, that a source lacks.
type NotFoundError struct {
	Source  tfaddr.Provider
	Version constraint.Version // zero when it lacks the provider
	Where   []string
	// Elsewhere are other addresses under which the source has a provider of that
	// namespace and type.
	Elsewhere []tfaddr.Provider
}

func (e *NotFoundError) Error() string {
	what := e.Source.String()
	if !e.Version.IsZero() {
		what += " " + e.Version.String()
	}
	if len(e.Where) == 0 {
		return fmt.Sprintf("no configured installation method serves %s", what)
	}
	return fmt.Sprintf("%s was not found in %s", what, strings.Join(e.Where, ", nor in "))
}

// PlatformError is given for a version that does not exist for the platform.
type PlatformError struct {
	Source   tfaddr.Provider
	Version  constraint.Version
	Platform Platform
	Has      []Platform // may be empty when that is not known
	Where    string
}

func (e *PlatformError) Error() string {
	has := "which platforms it has is not known"
	if len(e.Has) > 0 {
		names := make([]string, len(e.Has))
		for i, p := range e.Has {
			names[i] = p.String()
		}
		slices.Sort(names)
		has = "it has " + strings.Join(slices.Compact(names), ", ")
	}
	return fmt.Sprintf("%s %s in %s has no package for %s; %s", e.Source, e.Version, e.Where, e.Platform, has)
}

// ProtocolError is given for a provider that speaks no protocol of ours.
type ProtocolError struct {
	Source     tfaddr.Provider
	Version    constraint.Version
	Speaks     []string
	Compatible []constraint.Version // versions of which the source says they would do
}

func (e *ProtocolError) Error() string {
	advice := "no version of it speaks protocol 5 or 6"
	if len(e.Compatible) > 0 {
		oldest := slices.MinFunc(e.Compatible, constraint.Version.Compare)
		newest := slices.MaxFunc(e.Compatible, constraint.Version.Compare)
		advice = fmt.Sprintf("of its versions, %s to %s speak protocol 5 or 6: change the version constraint", oldest, newest)
	}
	return fmt.Sprintf("%s %s speaks only provider protocol %s; %s", e.Source, e.Version, strings.Join(e.Speaks, ", "), advice)
}

// lacking reports whether the error only says that a source has no such thing,
// so that the next one may be asked.
func lacking(err error) bool {
	var notFound *NotFoundError
	var platform *PlatformError
	return errors.As(err, &notFound) || errors.As(err, &platform)
}

// Choice is a source with the rule for which providers it is asked.
type Choice struct {
	Source Source
	Serves func(tfaddr.Provider) bool // nil for all
}

// Multi asks several sources in order. The versions of all are offered, and a
// package comes from the first that has it.
type Multi []Choice

var _ Source = Multi(nil)

// Versions implements Source.
func (m Multi) Versions(ctx context.Context, p tfaddr.Provider) ([]constraint.Version, []string, error) {
	missing := &NotFoundError{Source: p}
	var versions []constraint.Version
	var warnings []string
	found := false
	for _, c := range m {
		if c.Serves != nil && !c.Serves(p) {
			continue
		}
		v, w, err := c.Source.Versions(ctx, p)
		var notFound *NotFoundError
		switch {
		case errors.As(err, &notFound):
			missing.Where = append(missing.Where, notFound.Where...)
			missing.Elsewhere = append(missing.Elsewhere, notFound.Elsewhere...)
		case err != nil:
			return nil, nil, err
		default:
			found = true
			versions, warnings = append(versions, v...), append(warnings, w...)
		}
	}
	if !found {
		return nil, nil, missing
	}
	slices.SortFunc(versions, constraint.Version.Compare)
	return slices.CompactFunc(versions, func(a, b constraint.Version) bool { return a.Compare(b) == 0 }), warnings, nil
}

// Package implements Source.
func (m Multi) Package(ctx context.Context, p tfaddr.Provider, v constraint.Version, on Platform) (Package, error) {
	missing := &NotFoundError{Source: p, Version: v}
	var platform error
	for _, c := range m {
		if c.Serves != nil && !c.Serves(p) {
			continue
		}
		found, err := c.Source.Package(ctx, p, v, on)
		if err == nil || !lacking(err) {
			return found, err
		}
		var notFound *NotFoundError
		if errors.As(err, &notFound) {
			missing.Where = append(missing.Where, notFound.Where...)
		} else if platform == nil {
			platform = err
		}
	}
	if platform != nil {
		return Package{}, platform
	}
	return Package{}, missing
}

// Options of FromConfig.
type Options struct {
	Config *cliconfig.Config
	// PluginDirs, when there are any, are the only places to look.
	PluginDirs []string
	// StackDir is the folder in which an implied mirror may lie.
	StackDir string
	Client   Client
}

// FromConfig makes the source that the CLI configuration describes.
func FromConfig(o Options) Source {
	if len(o.PluginDirs) > 0 {
		var m Multi
		for _, dir := range o.PluginDirs {
			m = append(m, Choice{Source: &Folder{Path: dir}})
		}
		return m
	}
	registry := NewRegistry(o.Client)
	if o.Config.Installation == nil || len(o.Config.Installation.Methods) == 0 {
		return implied(o, registry)
	}
	var m Multi
	for _, method := range o.Config.Installation.Methods {
		c := Choice{Serves: method.Serves}
		switch method.Kind {
		case cliconfig.Direct:
			c.Source = registry
		case cliconfig.FilesystemMirror:
			c.Source = &Folder{Path: method.Location}
		case cliconfig.NetworkMirror:
			c.Source = NewMirror(o.Client, method.Location)
		default:
			panic(fmt.Sprintf("source: invalid installation method %d", method.Kind))
		}
		m = append(m, c)
	}
	return m
}

// implied is the way without provider_installation: a provider that lies in one
// of the usual folders comes from there only, any other from its registry.
func implied(o Options, registry Source) Source {
	var folders Multi
	for _, dir := range o.Config.ImpliedMirrors(o.StackDir) {
		folders = append(folders, Choice{Source: &Folder{Path: dir}})
	}
	var mu sync.Mutex
	local := map[tfaddr.Provider]bool{}
	isLocal := func(p tfaddr.Provider) bool {
		mu.Lock()
		defer mu.Unlock()
		known, asked := local[p]
		if !asked {
			for _, c := range folders {
				folder, ok := c.Source.(*Folder)
				if !ok {
					panic("source: an implied mirror is a folder")
				}
				known = known || folder.Has(p)
			}
			local[p] = known
		}
		return known
	}
	return Multi{
		{Source: folders, Serves: isLocal},
		{Source: registry, Serves: func(p tfaddr.Provider) bool { return !isLocal(p) }},
	}
}
