package module

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"sync"

	tfaddr "github.com/hashicorp/terraform-registry-address"

	"tutti/internal/terraform/install/constraint"
	"tutti/internal/terraform/install/service"
)

// registries asks module registries; each for a module's versions once. It is
// safe for concurrent use.
type registries struct {
	client *service.Client

	mu    sync.Mutex // guards lists
	lists map[tfaddr.ModulePackage]*versionList
}

type versionList struct {
	once     sync.Once
	versions []constraint.Version
	err      error
}

// errNoModule is given for a module that its registry does not know.
var errNoModule = errors.New("the registry has no such module")

func (r *registries) endpoint(ctx context.Context, p tfaddr.ModulePackage, parts ...string) (*url.URL, error) {
	base, err := r.client.Discover(ctx, p.Host, "modules.v1")
	if err != nil {
		return nil, err
	}
	return base.JoinPath(append([]string{p.Namespace, p.Name, p.TargetSystem}, parts...)...), nil
}

// versions gives all versions of a module, in no order.
func (r *registries) versions(ctx context.Context, p tfaddr.ModulePackage) ([]constraint.Version, error) {
	r.mu.Lock()
	l := r.lists[p]
	if l == nil {
		l = &versionList{}
		r.lists[p] = l
	}
	r.mu.Unlock()
	l.once.Do(func() { l.versions, l.err = r.ask(ctx, p) })
	return l.versions, l.err
}

func (r *registries) ask(ctx context.Context, p tfaddr.ModulePackage) ([]constraint.Version, error) {
	u, err := r.endpoint(ctx, p, "versions")
	if err != nil {
		return nil, err
	}
	var body struct {
		Modules []struct {
			Versions []struct{ Version string }
		}
	}
	if _, err := r.client.JSON(ctx, u, p.Host, &body); err != nil {
		if service.IsNotFound(err) {
			return nil, errNoModule
		}
		return nil, err
	}
	var out []constraint.Version
	for _, m := range body.Modules {
		for _, v := range m.Versions {
			// A version that nobody can ask for is no reason to stop.
			if parsed, err := constraint.ParseVersion(strings.TrimPrefix(v.Version, "v")); err == nil {
				out = append(out, parsed)
			}
		}
	}
	return out, nil
}

// locate gives the package in which a version of a module lies.
func (r *registries) locate(ctx context.Context, p tfaddr.ModulePackage, v constraint.Version) (Source, error) {
	u, err := r.endpoint(ctx, p, v.String(), "download")
	if err != nil {
		return Source{}, err
	}
	resp, err := r.client.Get(ctx, u, p.Host)
	if err != nil {
		return Source{}, err
	}
	location := resp.Header.Get("X-Terraform-Get")
	if location == "" {
		// OpenTofu's registry protocol gives it in the body.
		var body struct {
			Location string `json:"location"`
		}
		if len(resp.Body) > 0 {
			if err := json.Unmarshal(resp.Body, &body); err != nil {
				return Source{}, fmt.Errorf("the registry %s gave no valid JSON: %w", p.Host.ForDisplay(), err)
			}
		}
		location = body.Location
	}
	if location == "" {
		return Source{}, fmt.Errorf("the registry %s does not say where version %s lies", p.Host.ForDisplay(), v)
	}
	return parseLocation(resp.URL, location)
}

// parseLocation reads an address that a server gives; it may be relative to the
// URL at which it was asked.
func parseLocation(at *url.URL, location string) (Source, error) {
	if strings.HasPrefix(location, "/") || strings.HasPrefix(location, "./") || strings.HasPrefix(location, "../") {
		pkg, subdir, err := splitSubdir(location)
		if err != nil {
			return Source{}, err
		}
		u, err := at.Parse(pkg)
		if err != nil {
			return Source{}, unwrapURL(err)
		}
		return Source{Kind: Remote, Package: u.String(), Subdir: subdir}, nil
	}
	s, err := parseRemote(location)
	if err != nil {
		return Source{}, err
	}
	if strings.HasPrefix(s.Package, "file:") {
		return Source{}, errors.New("the server points to a file on this machine")
	}
	return s, nil
}

// below puts a folder of a package and one within that together.
func below(outer, inner string) string { return path.Join(outer, inner) }
