package cliconfig

import (
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	tfaddr "github.com/hashicorp/terraform-registry-address"
	svchost "github.com/hashicorp/terraform-svchost"

	"tutti/internal/diag"
	"tutti/internal/terraform/install/address"
)

// Installation is a provider_installation block.
type Installation struct {
	// Methods are tried in the order in which they are written.
	Methods []Method
	// DevOverrides are folders with a provider that is being developed, which is
	// used as it is: neither its version nor its checksum is looked at.
	DevOverrides map[tfaddr.Provider]string
}

// DevOverride gives the folder that overrides a provider. An address that was
// written without a host stands for the default host of either tool.
func (i *Installation) DevOverride(p tfaddr.Provider) (string, bool) {
	if i == nil {
		return "", false
	}
	if dir, ok := i.DevOverrides[p]; ok {
		return dir, true
	}
	if p.Hostname == openTofuHost {
		dir, ok := i.DevOverrides[tfaddr.NewProvider(tfaddr.DefaultProviderRegistryHost, p.Namespace, p.Type)]
		return dir, ok
	}
	return "", false
}

// Kind is a way to get packages.
type Kind uint8

// The kinds. The zero value is invalid.
const (
	Direct Kind = iota + 1 // from each provider's own registry
	FilesystemMirror
	NetworkMirror
)

// Method is one way to get packages, for the providers that it is meant for.
type Method struct {
	Kind Kind
	// Location is the folder or the base URL of a mirror.
	Location         string
	Include, Exclude []Pattern
}

// Serves reports whether the method is meant for the provider.
func (m *Method) Serves(p tfaddr.Provider) bool {
	match := func(pat Pattern) bool { return pat.Matches(p) }
	if slices.ContainsFunc(m.Exclude, match) {
		return false
	}
	return len(m.Include) == 0 || slices.ContainsFunc(m.Include, match)
}

const openTofuHost = svchost.Hostname("registry.opentofu.org")

// Pattern matches provider addresses; "*" in a part matches any. An empty Host
// is the default registry of either tool.
type Pattern struct {
	Host            svchost.Hostname
	Namespace, Type string
}

// Matches reports whether the pattern matches the address.
func (p Pattern) Matches(a tfaddr.Provider) bool {
	host := p.Host == "*" || p.Host == a.Hostname
	if p.Host == "" {
		host = a.Hostname == tfaddr.DefaultProviderRegistryHost || a.Hostname == openTofuHost
	}
	return host && (p.Namespace == "*" || p.Namespace == a.Namespace) && (p.Type == "*" || p.Type == a.Type)
}

// ParsePattern reads a pattern such as "hashicorp/*" or "example.com/*/*".
func ParsePattern(s string) (Pattern, error) {
	parts := strings.Split(s, "/")
	if len(parts) != 2 && len(parts) != 3 {
		return Pattern{}, fmt.Errorf("%q is not a pattern of provider addresses: write NAMESPACE/TYPE or HOST/NAMESPACE/TYPE, with * for any", s)
	}
	// A wildcard is read as a name that is valid in its place, then put back.
	const any = "any"
	plain := slices.Clone(parts)
	for i, part := range plain {
		if part == "*" {
			plain[i] = any
			if i == 0 && len(parts) == 3 {
				plain[i] = string(tfaddr.DefaultProviderRegistryHost)
			}
		}
	}
	a, _, err := address.Provider(strings.Join(plain, "/"))
	if err != nil {
		return Pattern{}, fmt.Errorf("%q is not a pattern of provider addresses: %w", s, err)
	}
	out := Pattern{Namespace: a.Namespace, Type: a.Type}
	n := len(parts)
	if n == 3 {
		out.Host = a.Hostname
		if parts[0] == "*" {
			out.Host = "*"
		}
	}
	if parts[n-2] == "*" {
		out.Namespace = "*"
	}
	if parts[n-1] == "*" {
		out.Type = "*"
	}
	return out, nil
}

// installation reads the block. Several nodes of that name come only from JSON,
// where one object is parsed into several.
func (r *reader) installation(block *node) *Installation {
	out := &Installation{DevOverrides: map[tfaddr.Provider]string{}}
	for i, m := range block.children {
		switch m.name {
		case "dev_overrides":
			if i > 0 {
				r.fail(m, "Write dev_overrides before every other method of provider_installation: it is always looked at first.")
			}
			r.devOverrides(m, out.DevOverrides)
		case "direct":
			out.add(r.method(m, Direct, ""))
		case "filesystem_mirror":
			out.add(r.method(m, FilesystemMirror, "path"))
		case "network_mirror":
			out.add(r.method(m, NetworkMirror, "url"))
		case "oci_mirror":
			r.fail(m, "The method oci_mirror is not supported: tutti installs from filesystem mirrors, network mirrors and registries.")
		default:
			r.fail(m, "The installation method %q is not known.%s", m.name,
				diag.DidYouMean(m.name, []string{"dev_overrides", "direct", "filesystem_mirror", "network_mirror"}))
		}
	}
	return out
}

func (i *Installation) add(m Method, ok bool) {
	if ok {
		i.Methods = append(i.Methods, m)
	}
}

func (r *reader) devOverrides(block *node, into map[tfaddr.Provider]string) {
	for _, c := range block.children {
		p, _, err := address.Provider(c.name)
		if err != nil {
			r.fail(c, "%q is not a provider's source address: %s.", c.name, err)
			continue
		}
		if dir, ok := r.text(c); ok {
			into[p] = filepath.Clean(dir)
		}
	}
}

func (r *reader) method(block *node, kind Kind, locationName string) (Method, bool) {
	m, before := Method{Kind: kind}, len(r.list)
	for _, c := range block.children {
		switch c.name {
		case "include":
			m.Include = append(m.Include, r.patterns(c)...)
		case "exclude":
			m.Exclude = append(m.Exclude, r.patterns(c)...)
		case locationName:
			m.Location, _ = r.text(c)
		default:
			known := []string{"include", "exclude", locationName}
			r.fail(c, "The argument %q is not known in %s.%s", c.name, block.name, diag.DidYouMean(c.name, known))
		}
	}
	if locationName != "" && m.Location == "" && len(r.list) == before {
		r.fail(block, "The method %s needs the argument %q.", block.name, locationName)
	}
	if kind == NetworkMirror && m.Location != "" {
		m.Location = r.mirrorURL(block, m.Location)
	}
	return m, len(r.list) == before
}

func (r *reader) mirrorURL(at *node, s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		r.fail(at, "%q is not the URL of a network mirror: it begins with https:// and a host.", s)
		return ""
	}
	if !strings.HasSuffix(u.Path, "/") {
		u.Path += "/"
	}
	return u.String()
}

func (r *reader) patterns(n *node) (out []Pattern) {
	for _, s := range r.texts(n) {
		p, err := ParsePattern(s)
		if err != nil {
			r.fail(n, "%s.", err)
			continue
		}
		out = append(out, p)
	}
	return out
}

// Overridden gives the providers with a dev override, sorted; for messages.
func (i *Installation) Overridden() []tfaddr.Provider {
	if i == nil {
		return nil
	}
	return slices.SortedFunc(maps.Keys(i.DevOverrides), func(a, b tfaddr.Provider) int { return strings.Compare(a.String(), b.String()) })
}
