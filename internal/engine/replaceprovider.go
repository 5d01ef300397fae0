package engine

import (
	"context"
	"errors"
	"slices"
	"strings"

	tfaddr "github.com/hashicorp/terraform-registry-address"

	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/store"
	"tutti/internal/terraform/install/address"
)

// errDeclined ends an edit that a person did not want.
var errDeclined = errors.New("it was not confirmed")

// ReplaceProvider has rows belong to another provider. A source without a host is meant
// at whichever public registry the rows name. Approve is asked about the rows.
func (e *Engine) ReplaceProvider(ctx context.Context, from, to string, approve func([]*object.State) bool) (rows []*object.State, d diag.List) {
	d = e.editing(ctx, "state replace-provider", func() diag.List {
		old, anyHost, err := address.Provider(from)
		if err != nil {
			return diag.Errorf(nil, "Invalid provider", "%q is not the source of a provider, such as hashicorp/random: %v.", from, err)
		}
		next, sameHost, err := address.Provider(to)
		if err != nil {
			return diag.Errorf(nil, "Invalid provider", "%q is not the source of a provider, such as hashicorp/random: %v.", to, err)
		}
		snap, d := e.Snapshot(ctx)
		if d.HasErrors() {
			return d
		}
		var writes []store.Write
		for _, r := range Select(snap, nil) {
			driver, ok := replaced(r.Driver, old, next, anyHost, sameHost)
			if !ok {
				continue
			}
			c := *r
			c.Driver = driver
			rows, writes = append(rows, r), append(writes, store.Write{Put: &c})
		}
		switch {
		case len(writes) == 0:
			return d
		case !approve(rows):
			return append(d, diag.FromError("Providers were not replaced", errDeclined)...)
		}
		return append(d, storeDiag(e.store.Write(ctx, "state replace-provider", writes))...)
	})
	return rows, d
}

// publicHosts are the registries that a source without a host may mean.
var publicHosts = [...]string{"registry.terraform.io", "registry.opentofu.org"}

// replaced gives a row's driver with another provider in it, when it has the old one.
func replaced(driver string, old, next tfaddr.Provider, anyHost, sameHost bool) (string, bool) {
	before, rest, ok := strings.Cut(driver, `provider["`)
	if !ok {
		return "", false
	}
	source, after, ok := strings.Cut(rest, `"]`)
	if !ok {
		return "", false
	}
	have, _, err := address.Provider(source)
	if err != nil {
		return "", false
	}
	public := slices.Contains(publicHosts[:], have.Hostname.String())
	if have.Namespace != old.Namespace || have.Type != old.Type || have.Hostname != old.Hostname && (!anyHost || !public) {
		return "", false
	}
	if sameHost && public {
		next.Hostname = have.Hostname
	}
	return before + `provider["` + next.String() + `"]` + after, true
}
