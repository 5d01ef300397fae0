package source

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"

	tfaddr "github.com/hashicorp/terraform-registry-address"

	"tutti/internal/terraform/install/constraint"
	"tutti/internal/terraform/install/service"
)

// Registry asks each provider's own registry.
type Registry struct {
	client Client

	mu    sync.Mutex // guards lists
	lists map[tfaddr.Provider]*versionList
}

var _ Source = (*Registry)(nil)

// NewRegistry makes the source.
func NewRegistry(c Client) *Registry {
	return &Registry{client: c, lists: map[tfaddr.Provider]*versionList{}}
}

// versionList is the registry's answer for a provider, asked for once.
type versionList struct {
	once     sync.Once
	err      error
	warnings []string
	entries  []versionEntry
}

type versionEntry struct {
	version   constraint.Version
	protocols []string
	platforms []Platform
}

func (r *Registry) list(ctx context.Context, p tfaddr.Provider) (*versionList, error) {
	r.mu.Lock()
	l := r.lists[p]
	if l == nil {
		l = &versionList{}
		r.lists[p] = l
	}
	r.mu.Unlock()
	l.once.Do(func() { l.err = r.ask(ctx, p, l) })
	return l, l.err
}

func (r *Registry) endpoint(ctx context.Context, p tfaddr.Provider, parts ...string) (*url.URL, error) {
	base, err := r.client.Discover(ctx, p.Hostname, "providers.v1")
	if err != nil {
		return nil, err
	}
	return base.JoinPath(append([]string{p.Namespace, p.Type}, parts...)...), nil
}

func (r *Registry) ask(ctx context.Context, p tfaddr.Provider, into *versionList) error {
	u, err := r.endpoint(ctx, p, "versions")
	if err != nil {
		return err
	}
	var body struct {
		Versions []struct {
			Version   string   `json:"version"`
			Protocols []string `json:"protocols"`
			Platforms []struct{ OS, Arch string }
		} `json:"versions"`
		Warnings []string `json:"warnings"`
	}
	if _, err := r.client.JSON(ctx, u, p.Hostname, &body); err != nil {
		if service.IsNotFound(err) {
			return &NotFoundError{Source: p, Where: []string{"the registry " + p.Hostname.ForDisplay()}}
		}
		return err
	}
	into.warnings = body.Warnings
	for _, v := range body.Versions {
		version, err := constraint.ParseVersion(v.Version)
		if err != nil {
			continue // a version that nobody can ask for is no reason to stop
		}
		e := versionEntry{version: version, protocols: v.Protocols}
		for _, on := range v.Platforms {
			e.platforms = append(e.platforms, Platform{on.OS, on.Arch})
		}
		into.entries = append(into.entries, e)
	}
	return nil
}

// Versions implements Source.
func (r *Registry) Versions(ctx context.Context, p tfaddr.Provider) ([]constraint.Version, []string, error) {
	l, err := r.list(ctx, p)
	if err != nil {
		return nil, nil, err
	}
	out := make([]constraint.Version, len(l.entries))
	for i, e := range l.entries {
		out[i] = e.version
	}
	return out, l.warnings, nil
}

// download is the registry's description of a package.
type download struct {
	Protocols           []string
	OS, Arch            string
	Filename            string
	DownloadURL         string `json:"download_url"`
	ShasumsURL          string `json:"shasums_url"`
	ShasumsSignatureURL string `json:"shasums_signature_url"`
	Shasum              string
	SigningKeys         struct {
		GPGPublicKeys []struct {
			KeyID      string `json:"key_id"`
			ASCIIArmor string `json:"ascii_armor"`
		} `json:"gpg_public_keys"`
	} `json:"signing_keys"`
}

// Package implements Source. The signature over the checksums has been verified
// in what it gives.
func (r *Registry) Package(ctx context.Context, p tfaddr.Provider, v constraint.Version, on Platform) (Package, error) {
	u, err := r.endpoint(ctx, p, v.String(), "download", on.OS, on.Arch)
	if err != nil {
		return Package{}, err
	}
	var d download
	at, err := r.client.JSON(ctx, u, p.Hostname, &d)
	if service.IsNotFound(err) {
		return Package{}, r.lacks(ctx, p, v, on)
	}
	if err != nil {
		return Package{}, err
	}
	if d.OS != on.OS || d.Arch != on.Arch {
		return Package{}, fmt.Errorf("the registry %s gave a package for %s_%s instead of %s %s for %s", p.Hostname.ForDisplay(), d.OS, d.Arch, p, v, on)
	}
	if !speaksOurs(d.Protocols) {
		return Package{}, r.protocolError(ctx, p, v, d.Protocols)
	}
	from, err := webURL(at, d.DownloadURL)
	if err != nil {
		return Package{}, fmt.Errorf("download URL of %s %s: %w", p, v, err)
	}
	sums, keyID, err := r.signedSums(ctx, at, &d)
	if err != nil {
		return Package{}, fmt.Errorf("%s %s: %w", p, v, err)
	}
	if signed := sums.byFile[d.Filename]; signed != strings.ToLower(d.Shasum) || signed == "" {
		return Package{}, fmt.Errorf("%s %s: the registry gives %q as the checksum of %s, but its signed list of checksums says %q", p, v, d.Shasum, d.Filename, signed)
	}
	return Package{Source: p, Version: v, Platform: on, URL: from, SHA256: strings.ToLower(d.Shasum),
		Hashes: sums.hashes, SignedBy: keyID, Origin: p.Hostname.ForDisplay()}, nil
}

// lacks finds out whether the version or only the platform is missing.
func (r *Registry) lacks(ctx context.Context, p tfaddr.Provider, v constraint.Version, on Platform) error {
	l, err := r.list(ctx, p)
	if err != nil {
		return err
	}
	for _, e := range l.entries {
		if e.version.Compare(v) == 0 {
			return &PlatformError{Source: p, Version: v, Platform: on, Has: e.platforms, Where: p.Hostname.ForDisplay()}
		}
	}
	return &NotFoundError{Source: p, Version: v, Where: []string{"the registry " + p.Hostname.ForDisplay()}}
}

// speaksOurs reports whether any of the protocol versions ("5.0") is 5 or 6. A
// registry that does not tell is believed; the handshake will show.
func speaksOurs(protocols []string) bool {
	for _, p := range protocols {
		if major, _, _ := strings.Cut(p, "."); major == "5" || major == "6" {
			return true
		}
	}
	return len(protocols) == 0
}

func (r *Registry) protocolError(ctx context.Context, p tfaddr.Provider, v constraint.Version, speaks []string) error {
	e := &ProtocolError{Source: p, Version: v, Speaks: speaks}
	l, err := r.list(ctx, p)
	if err != nil {
		return e
	}
	for _, entry := range l.entries {
		if len(entry.protocols) > 0 && speaksOurs(entry.protocols) {
			e.Compatible = append(e.Compatible, entry.version)
		}
	}
	return e
}

func webURL(base *url.URL, text string) (*url.URL, error) {
	u, err := base.Parse(text)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || text == "" {
		return nil, fmt.Errorf("%q is not a web address", text)
	}
	return u, nil
}
