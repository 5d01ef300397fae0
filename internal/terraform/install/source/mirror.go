package source

import (
	"context"
	"fmt"
	"net/url"

	tfaddr "github.com/hashicorp/terraform-registry-address"
	svchost "github.com/hashicorp/terraform-svchost"

	"tutti/internal/terraform/install/address"
	"tutti/internal/terraform/install/constraint"
	"tutti/internal/terraform/install/lockfile"
	"tutti/internal/terraform/install/service"
)

// Client is what registries and mirrors are asked through.
type Client interface {
	Discover(ctx context.Context, host svchost.Hostname, service string) (*url.URL, error)
	JSON(ctx context.Context, u *url.URL, host svchost.Hostname, into any) (*url.URL, error)
	Get(ctx context.Context, u *url.URL, host svchost.Hostname) (*service.Response, error)
}

var _ Client = (*service.Client)(nil)

// Mirror is a network mirror.
type Mirror struct {
	client Client
	base   string // ends in a slash
}

var _ Source = (*Mirror)(nil)

// NewMirror makes the source of a base URL, as cliconfig gives it.
func NewMirror(c Client, base string) *Mirror { return &Mirror{client: c, base: base} }

// get reads a document of the mirror. The credentials of the mirror's own host
// go with it, not those of the provider's.
func (m *Mirror) get(ctx context.Context, p tfaddr.Provider, name string, into any) (*url.URL, svchost.Hostname, error) {
	base, err := url.Parse(m.base)
	if err != nil {
		return nil, "", fmt.Errorf("network mirror %q: %w", m.base, err)
	}
	host, err := address.Host(base.Host)
	if err != nil {
		return nil, "", fmt.Errorf("network mirror %q: %w", m.base, err)
	}
	u := base.JoinPath(p.Hostname.String(), p.Namespace, p.Type, name)
	final, err := m.client.JSON(ctx, u, host, into)
	return final, host, err
}

// Versions implements Source.
func (m *Mirror) Versions(ctx context.Context, p tfaddr.Provider) ([]constraint.Version, []string, error) {
	names, err := m.index(ctx, p)
	if service.IsNotFound(err) {
		return nil, nil, m.missing(ctx, p)
	}
	if err != nil {
		return nil, nil, err
	}
	var out []constraint.Version
	for name := range names {
		v, err := constraint.ParseVersion(name)
		if err != nil {
			continue // a version that nobody can ask for is no reason to stop
		}
		out = append(out, v)
	}
	return out, nil, nil
}

func (m *Mirror) index(ctx context.Context, p tfaddr.Provider) (map[string]any, error) {
	var body struct {
		Versions map[string]any `json:"versions"`
	}
	_, _, err := m.get(ctx, p, "index.json", &body)
	return body.Versions, err
}

func (m *Mirror) missing(ctx context.Context, p tfaddr.Provider) *NotFoundError {
	e := &NotFoundError{Source: p, Where: []string{"the mirror " + m.base}}
	for _, host := range []svchost.Hostname{tfaddr.DefaultProviderRegistryHost, lockfile.OpenTofuHost} {
		other := tfaddr.Provider{Hostname: host, Namespace: p.Namespace, Type: p.Type}
		if host == p.Hostname {
			continue
		}
		if _, err := m.index(ctx, other); err == nil {
			e.Elsewhere = append(e.Elsewhere, other)
		}
	}
	return e
}

// Package implements Source.
func (m *Mirror) Package(ctx context.Context, p tfaddr.Provider, v constraint.Version, on Platform) (Package, error) {
	var body struct {
		Archives map[string]struct {
			URL    string   `json:"url"`
			Hashes []string `json:"hashes"`
		} `json:"archives"`
	}
	at, host, err := m.get(ctx, p, v.String()+".json", &body)
	if service.IsNotFound(err) {
		return Package{}, &NotFoundError{Source: p, Version: v, Where: []string{"the mirror " + m.base}}
	}
	if err != nil {
		return Package{}, err
	}
	archive, ok := body.Archives[on.String()]
	if !ok {
		lack := &PlatformError{Source: p, Version: v, Platform: on, Where: m.base}
		for name := range body.Archives {
			if has, err := ParsePlatform(name); err == nil {
				lack.Has = append(lack.Has, has)
			}
		}
		return Package{}, lack
	}
	u, err := at.Parse(archive.URL)
	if err != nil || u.Scheme != "https" {
		return Package{}, fmt.Errorf("the mirror %s gives %q as the URL of %s %s", m.base, archive.URL, p, v)
	}
	pkg := Package{Source: p, Version: v, Platform: on, URL: u, Hashes: archive.Hashes, Origin: m.base}
	if u.Host == at.Host {
		pkg.Credentials = host
	}
	return pkg, nil
}
