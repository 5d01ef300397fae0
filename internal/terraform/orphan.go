package terraform

import (
	"context"
	"strings"

	tfaddr "github.com/hashicorp/terraform-registry-address"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/terraform/config"
	"tutti/internal/terraform/install/address"
	"tutti/internal/terraform/install/lockfile"
	"tutti/internal/terraform/provider"
	driver "tutti/internal/terraform/resource"
)

// DriverOf gives the driver of a row whose block is gone, from the provider
// configuration that the row names.
func (r *Root) DriverOf(ctx context.Context, s object.Scope, row *object.State) (object.Driver, diag.List) {
	name, err := parseDriverName(row.Driver)
	if err != nil {
		return nil, diag.Errorf(nil, "Invalid provider address in the state", "The row of %s names its provider as %q, which is no provider address: %s.", row.Addr, row.Driver, err)
	}
	name.source = r.present(name.source)
	m := r.nearest(name.module)
	if m == nil || m.cfg.Path != name.module {
		return nil, diag.Errorf(nil, "Provider configuration not present",
			"To work with %s its original provider configuration at %s is required, but it has been removed. Put it back until the object is destroyed, or forget the object with \"tutti state rm '%s'\".", row.Addr, row.Driver, row.Addr)
	}
	use := config.ProviderUse{Source: name.source, Module: name.module, Name: addr.Name{Kind: addr.Provider, Type: m.localName(name.source), Name: name.alias}}
	if name.alias != "" && m.cfg.Module.Providers[use.Name] == nil {
		return nil, diag.Errorf(nil, "Provider configuration not present",
			"To work with %s its original provider configuration at %s is required, but it has been removed. Put it back until the object is destroyed, or forget the object with \"tutti state rm '%s'\".", row.Addr, row.Driver, row.Addr)
	}
	sv, d := m.serveKey(ctx, s, use, name.key)
	switch {
	case d.HasErrors():
		return nil, d
	case sv.value == cty.NilVal:
		return nil, append(d, diag.Errorf(nil, "Provider instance not present",
			"To work with %s its original provider instance at %s is required, but the provider's for_each no longer has that key. Put it back until the object is destroyed, or forget the object with \"tutti state rm '%s'\".", row.Addr, row.Driver, row.Addr)...)
	}
	t := sv.schemas.typeOf(provider.Managed, row.Addr.Type)
	if t == nil {
		return nil, append(d, diag.Errorf(nil, "No schema for the type of an object in the state", "%s is in the state, but its provider %s no longer has the resource type %q. Use an older version of the provider to destroy it, or forget it with \"tutti state rm '%s'\".",
			row.Addr, name.source.ForDisplay(), row.Addr.Type, row.Addr)...)
	}
	p, pd := m.ready(ctx, sv)
	if d = append(d, pd...); pd.HasErrors() || p == nil {
		return nil, d
	}
	return driver.New(driver.Options{Provider: p, Name: row.Driver, Kind: provider.Managed, TypeName: row.Addr.Type, Schema: t,
		Provision: r.parting(s, row), Stages: driver.BeforeDelete}), d
}

// parting gives what runs the provisioners that a removed block has for the row's
// object; nil when there are none.
func (r *Root) parting(s object.Scope, row *object.State) driver.Provision {
	if row.Deposed != "" {
		return nil
	}
	r.partingOnce.Do(func() {
		for c := range r.opts.Config.All() {
			code, _ := r.compile(c)
			r.partings = append(r.partings, code.removed...)
		}
	})
	for _, rm := range r.partings {
		if rm.covers(row.Addr) {
			in := resource{base: base{m: r.nearest(rm.in)}, resourceCode: &resourceCode{provisions: rm.provisions}}
			return in.provision(s, object.Instance{Key: row.Addr.Key})
		}
	}
	return nil
}

// removedCode is a removed block with its provisioners, and the module that it
// stands in.
type removedCode struct {
	*config.Removed
	in         addr.ModulePath
	provisions []*provisionCode
}

// covers reports whether the block is about the instance.
func (rm *removedCode) covers(a addr.Instance) bool {
	names, steps := rm.in.Names(), a.Module.Steps()
	if len(steps) < len(names) {
		return false
	}
	rest := addr.Module{}
	for i, st := range steps {
		switch {
		case i >= len(names):
			rest = rest.Child(st.Name, st.Key)
		case st.Name != names[i]:
			return false
		}
	}
	return rm.From.Target.Covers(addr.Instance{Object: addr.Object{Module: rest, Name: a.Name}, Key: a.Key})
}

// DriverSource gives the provider that State.Driver names.
func DriverSource(driver string) (tfaddr.Provider, error) {
	name, err := parseDriverName(driver)
	return name.source, err
}

// Twin gives the same provider in the other tool's registry; false for one that
// lies in neither.
func Twin(source tfaddr.Provider) (tfaddr.Provider, bool) {
	switch source.Hostname {
	case tfaddr.DefaultProviderRegistryHost:
		source.Hostname = lockfile.OpenTofuHost
	case lockfile.OpenTofuHost:
		source.Hostname = tfaddr.DefaultProviderRegistryHost
	default:
		return source, false
	}
	return source, true
}

// present gives the provider that the configuration uses in the place of the one
// that a row names: the other tool's twin, when only that is required.
func (r *Root) present(source tfaddr.Provider) tfaddr.Provider {
	r.needed.Do(func() {
		r.needs = map[tfaddr.Provider]bool{}
		for _, n := range r.opts.Config.Needs() {
			r.needs[n.Source] = true
		}
	})
	if twin, ok := Twin(source); ok && r.needs[twin] && !r.needs[source] {
		return twin
	}
	return source
}

// nearest gives the module at a path whose calls have no keys, as all modules
// with provider configurations of their own; nil when it is gone.
func (r *Root) nearest(p addr.ModulePath) *module {
	m := r.namespace
	for _, name := range p.Names() {
		child := m.cfg.Children[name]
		if child == nil {
			return nil
		}
		m = r.module(child, m.addr.Child(name, addr.NoKey), m, object.Instance{})
	}
	return m
}

// localName gives what the module calls the provider.
func (m *module) localName(source tfaddr.Provider) string {
	for local, req := range m.cfg.Module.Settings.Required {
		if req.Source == source {
			return local
		}
	}
	return source.Type
}

func (m *module) serveKey(ctx context.Context, s object.Scope, use config.ProviderUse, key addr.Key) (served, diag.List) {
	out := served{source: use.Source, name: driverName(use, key), config: addr.Object{Module: m.addr, Name: use.Name}.Instance(key)}
	var d diag.List
	if out.schemas, d = m.root.session.schemasOf(ctx, use.Source); d.HasErrors() {
		return out, d
	}
	if m.cfg.Module.SourceOf(use.Name.Type) != use.Source {
		// Only the state names this provider: it has no settings of its own.
		out.config.Name.Type = use.Source.String()
		out.value = out.schemas.configBlock().Empty()
		return out, d
	}
	out.value = s.Instance(ctx, out.config)
	return out, d
}

// driverParts are the parts of a provider configuration's address.
type driverParts struct {
	module addr.ModulePath
	source tfaddr.Provider
	alias  string
	key    addr.Key
}

// parseDriverName reads module.a.provider["host/ns/type"].alias, as states have it.
func parseDriverName(s string) (driverParts, error) {
	var out driverParts
	before, rest, ok := strings.Cut(s, `provider["`)
	if !ok {
		return out, errNoProvider
	}
	source, rest, ok := strings.Cut(rest, `"]`)
	if !ok {
		return out, errNoProvider
	}
	if before != "" {
		m, err := addr.ParseModule(strings.TrimSuffix(before, "."))
		if err != nil {
			return out, err
		}
		out.module = m.Config()
	}
	var err error
	if out.source, _, err = address.Provider(source); err != nil {
		return out, err
	}
	if rest == "" {
		return out, nil
	}
	i, err := addr.ParseInstance("provider.x" + rest)
	if err != nil {
		return out, err
	}
	out.alias, out.key = i.Name.Name, i.Key
	return out, nil
}
