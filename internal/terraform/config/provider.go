package config

import (
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	tfaddr "github.com/hashicorp/terraform-registry-address"
	svchost "github.com/hashicorp/terraform-svchost"

	"tutti/internal/addr"
	"tutti/internal/diag"
)

// impliedProvider gives the local name of the provider that a resource type
// belongs to when the block does not say: the type up to its first underscore.
func impliedProvider(typeName string) string {
	name, _, _ := strings.Cut(typeName, "_")
	return name
}

// declareProvider notes a provider block. Unlike others an override file may
// declare a default configuration, because a missing one means an empty one.
func (l *loader) declareProvider(block *hcl.Block, override bool) diag.List {
	lay, diags := readLayer(block, providerSchema, true, override)
	name := addr.Name{Kind: addr.Provider, Type: block.Labels[0]}
	diags = append(diags, normalName(name.Type, block.LabelRanges[0])...)
	if a, ok := lay.content.Attributes["alias"]; ok {
		moreDiags := staticInto(a, &name.Name)
		diags = append(diags, moreDiags...)
		if !moreDiags.HasErrors() {
			diags = append(diags, notIdentifier("Invalid provider configuration alias", name.Name, a.Expr.Range())...)
		}
	}
	if override && name.Name == "" && l.found[name] == nil {
		override = false
	}
	return append(diags, l.place(name, lay, override)...)
}

// provider understands a provider block.
func (l *loader) provider(name addr.Name, d *declaration) diag.List {
	p := &ProviderConfig{Name: name, ForEach: d.expr("for_each"), DeclRange: d.block.DefRange}
	l.module.Providers[name] = p
	diags := d.reserved("provider", "lifecycle", "locals")
	for _, arg := range []string{"count", "depends_on", "source"} {
		if a := d.attr(arg); a != nil {
			diags = append(diags, diag.Errorf(&a.NameRange, "Reserved argument name in provider block",
				"The argument %q is reserved by the language and means nothing in a provider block.", arg)...)
		}
	}
	if a := d.attr("version"); a != nil {
		moreDiags := staticInto(a, &p.Version)
		if !moreDiags.HasErrors() {
			moreDiags = append(constraintSyntax(p.Version, a.Expr.Range()), diag.Warnf(&a.NameRange, "Version constraints inside provider configuration blocks are deprecated",
				"Say which version is needed in the required_providers block of a terraform block.")...)
		}
		diags = append(diags, moreDiags...)
	}
	if a := d.attr("for_each"); a != nil && name.Name == "" {
		diags = append(diags, diag.Errorf(&a.NameRange, "Alias required when using for_each",
			"Only a provider configuration with an alias can have for_each: add the \"alias\" argument.")...)
	}
	body, moreDiags := d.rest()
	p.Body = body
	return append(diags, moreDiags...)
}

// SourceOf gives the address of the provider that a local name stands for in the
// module.
func (m *Module) SourceOf(local string) tfaddr.Provider {
	if r := m.Settings.Required[local]; r != nil {
		return r.Source
	}
	source, implied := defaultSource(local)
	if implied && m.host != nil {
		source.Hostname = m.host(source.Namespace, source.Type)
	}
	return source
}

// hostImplied says whether the files write the host of a local name's provider.
func (m *Module) hostImplied(local string) bool {
	if r := m.Settings.Required[local]; r != nil {
		return r.HostImplied
	}
	_, implied := defaultSource(local)
	return implied
}

// resolveHosts gives every source that was written without a host the registry
// that is meant.
func (m *Module) resolveHosts(host func(namespace, typeName string) svchost.Hostname) {
	if host == nil {
		return
	}
	m.host = host
	for _, r := range m.Settings.Required {
		if r.HostImplied {
			r.Source.Hostname = host(r.Source.Namespace, r.Source.Type)
		}
	}
}

// ProviderFor gives the configuration that serves a resource of this module.
func (c *Config) ProviderFor(r *Resource) ProviderUse {
	if r.Provider != nil {
		return c.ResolveProvider(*r.Provider)
	}
	return c.ResolveProvider(ProviderRef{Local: r.ProviderLocal(), Range: r.TypeRange})
}

// ResolveProvider follows a provider reference of this module to where the
// configuration stands: here, or in a module above that passes it down.
func (c *Config) ResolveProvider(ref ProviderRef) ProviderUse {
	use := ProviderUse{Source: c.Module.SourceOf(ref.Local), Key: ref.Key, KeyModule: c.Path}
	source := use.Source
	for {
		name := ref.Name()
		if p := c.Module.Providers[name]; p != nil && (len(bodyItems(p)) > 0 || c.Parent == nil || !c.passed(ref)) {
			use.Module, use.Name, use.Config = c.Path, name, p
			return use
		}
		if c.Parent == nil {
			use.Module, use.Name = c.Path, name
			return use
		}
		next, explicit := c.inParent(ref)
		if !explicit {
			if ref.Alias != "" {
				use.Module, use.Name = c.Path, name // undefined; reported by checkProviders
				return use
			}
			// A default configuration is inherited by provider, whatever its
			// local name is up there.
			next = ProviderRef{Local: c.Parent.Module.localFor(source, ref.Local), Range: ref.Range}
		}
		if next.Key != nil {
			use.Key, use.KeyModule = next.Key, c.Parent.Path
		}
		ref, c = next, c.Parent
	}
}

// bodyItems names the settings of a provider block; one without any only says
// that a configuration is to be passed in (the form before Terraform 0.15).
func bodyItems(p *ProviderConfig) []string {
	attrs, hd := p.Body.JustAttributes()
	names := sortedKeys(attrs)
	if hd.HasErrors() {
		names = append(names, "block")
	}
	if p.ForEach != nil {
		names = append(names, "for_each")
	}
	return names
}

// passed reports whether the call hands over a configuration for the reference.
func (c *Config) passed(ref ProviderRef) bool {
	_, ok := c.inParent(ref)
	return ok || ref.Alias == "" && !c.Call.ProvidersSet
}

// inParent gives what the call's providers argument says for a reference.
func (c *Config) inParent(ref ProviderRef) (ProviderRef, bool) {
	for _, p := range c.Call.Providers {
		if p.InChild.Local == ref.Local && p.InChild.Alias == ref.Alias {
			return p.InParent, true
		}
	}
	return ProviderRef{}, false
}

// localFor gives the local name of a provider in the module.
func (m *Module) localFor(source tfaddr.Provider, fallback string) string {
	if m.SourceOf(fallback) == source {
		return fallback
	}
	for _, name := range sortedKeys(m.Settings.Required) {
		if m.Settings.Required[name].Source == source {
			return name
		}
	}
	return source.Type
}

// Needs gives what the tree from here on asks of providers, by address.
func (c *Config) Needs() []ProviderNeed {
	all := map[tfaddr.Provider]*ProviderNeed{}
	var constraints = map[tfaddr.Provider]map[string]bool{}
	add := func(m *Module, local, constraint string, rng hcl.Range) {
		source, implied := m.SourceOf(local), m.hostImplied(local)
		n := all[source]
		if n == nil {
			n = &ProviderNeed{Source: source, HostImplied: implied}
			all[source], constraints[source] = n, map[string]bool{}
		}
		n.HostImplied = n.HostImplied && implied
		n.Ranges = append(n.Ranges, rng)
		if constraint != "" && !constraints[source][constraint] {
			constraints[source][constraint] = true
			if n.Constraints != "" {
				n.Constraints += ", "
			}
			n.Constraints += constraint
		}
	}
	for m := range c.All() {
		m.needs(add)
	}
	out := make([]ProviderNeed, 0, len(all))
	for _, n := range all {
		out = append(out, *n)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Source.LessThan(out[j].Source) })
	return out
}

// needs adds what one module asks for; only the first of many resources that
// imply a provider is named.
func (c *Config) needs(add func(m *Module, local, constraint string, rng hcl.Range)) {
	m := c.Module
	seen := map[string]bool{}
	for _, name := range sortedKeys(m.Settings.Required) {
		r := m.Settings.Required[name]
		add(m, name, r.Constraints, r.DeclRange)
		seen[name] = true
	}
	imply := func(local string, rng hcl.Range) {
		if !seen[local] {
			seen[local] = true
			add(m, local, "", rng)
		}
	}
	for _, name := range m.Order {
		switch name.Kind {
		case addr.Provider:
			if p := m.Providers[name]; p.Version != "" {
				add(m, name.Type, p.Version, p.DeclRange)
			}
			imply(name.Type, m.Providers[name].DeclRange)
		case addr.Resource, addr.Data, addr.Ephemeral:
			r := m.Resources[name]
			imply(r.ProviderLocal(), r.TypeRange)
		}
	}
	for _, imp := range m.Changes.Imports {
		if imp.Object.Module == (addr.ModulePath{}) {
			local := impliedProvider(imp.Object.Type)
			if imp.Provider != nil {
				local = imp.Provider.Local
			}
			imply(local, imp.DeclRange)
		}
	}
}

// checkProviders checks the passing of configurations into each module below.
func (c *Config) checkProviders() diag.List {
	var diags diag.List
	for _, name := range sortedKeys(c.Module.Calls) {
		if child := c.Children[name]; child != nil {
			diags = append(diags, c.checkPassing(c.Module.Calls[name], child)...)
		}
	}
	for _, name := range c.Module.Order {
		if name.Kind.Typed() {
			r := c.Module.Resources[name]
			if r.Provider != nil {
				diags = append(diags, c.checkRef(*r.Provider)...)
				diags = append(diags, c.sameForEach(*r.Provider, r.Repetition)...)
			}
			if local := r.ProviderLocal(); c.Module.Settings.Required[local] == nil {
				diags = append(diags, normalName(local, r.TypeRange)...)
			}
		}
	}
	return diags
}

// declares reports whether a reference names something in the module: a block, an
// alias to be passed in, or a default configuration, which always exists.
func (c *Config) declares(ref ProviderRef) bool {
	if ref.Alias == "" || c.Module.Providers[ref.Name()] != nil {
		return true
	}
	return c.expects(ref)
}

func (c *Config) expects(ref ProviderRef) bool {
	r := c.Module.Settings.Required[ref.Local]
	if r == nil {
		return false
	}
	for _, a := range r.Aliases {
		if a.Alias == ref.Alias {
			return true
		}
	}
	return false
}

// checkRef complains about a reference to a configuration that is not there.
func (c *Config) checkRef(ref ProviderRef) diag.List {
	rng := ref.Range
	if !c.declares(ref) {
		var names []string
		for n := range c.Module.Providers {
			names = append(names, refString(ProviderRef{Local: n.Type, Alias: n.Name}))
		}
		return diag.Errorf(&rng, "Reference to undefined provider",
			"There is no provider configuration %s in this module.%s Add a provider %q block with alias = %q, or, in a module that is called, list it in configuration_aliases.",
			refString(ref), diag.DidYouMean(refString(ref), names), ref.Local, ref.Alias)
	}
	p := c.Module.Providers[ref.Name()]
	switch {
	case p != nil && p.ForEach != nil && ref.Key == nil:
		return diag.Errorf(&rng, "Provider instance key required",
			"%s has for_each, so a key in brackets must say which of its instances is meant.", refString(ref))
	case p != nil && p.ForEach == nil && ref.Key != nil:
		return diag.Errorf(&rng, "Unexpected provider instance key",
			"%s has no for_each, so there is nothing to choose from: remove the key in brackets.", refString(ref))
	}
	return nil
}

// sameForEach warns when a configuration has just the instances of what it serves:
// an instance that is taken out would leave with the configuration that is needed
// to destroy it.
func (c *Config) sameForEach(ref ProviderRef, rep Repetition) diag.List {
	p := c.Module.Providers[ref.Name()]
	if p == nil || p.ForEach == nil || rep.ForEach == nil {
		return nil
	}
	a, hd1 := hcl.AbsTraversalForExpr(p.ForEach)
	b, hd2 := hcl.AbsTraversalForExpr(rep.ForEach)
	if hd1.HasErrors() || hd2.HasErrors() || diag.Traversal(a) != diag.Traversal(b) {
		return nil
	}
	return diag.Warnf(rep.ForEach.Range().Ptr(), "Provider configuration has the same for_each",
		"%s and what it serves both have for_each = %s. When an element is removed, its provider configuration is gone before its objects can be destroyed. Let the provider's for_each hold more than the other.",
		refString(ref), diag.Traversal(a))
}

// checkPassing checks the providers argument of one call.
func (c *Config) checkPassing(call *ModuleCall, child *Config) diag.List {
	var diags diag.List
	for _, p := range call.Providers {
		diags = append(diags, c.checkRef(p.InParent)...)
		diags = append(diags, c.sameForEach(p.InParent, call.Repetition)...)
		in, out := p.InChild, p.InParent
		rng := in.Range
		from, to := c.Module.SourceOf(out.Local), child.Module.SourceOf(in.Local)
		switch {
		case in.Alias != "" && !child.declares(in):
			diags = append(diags, unexpected(call, in, child.Module)...)
		case from != to:
			outRange := out.Range
			diags = append(diags, diag.Errorf(&outRange, "Provider type mismatch",
				"%s stands for %s here, and module %q expects %s as %s. If they are the same, say so in the required_providers of the module.",
				out.Local, from.ForDisplay(), call.Name, to.ForDisplay(), refString(in))...)
		}
		if p := child.Module.Providers[in.Name()]; p != nil && len(bodyItems(p)) > 0 {
			diags = append(diags, diag.Errorf(&rng, "Cannot override provider configuration",
				"Module %q configures %s itself, at %s: remove that block, or do not pass a configuration.", call.Name, refString(in), p.DeclRange)...)
		}
	}
	return append(append(diags, missingAliases(call, child)...), repeatedProviders(call, child)...)
}

// unexpected speaks about a configuration that the module has not asked for:
// that of an implied provider is harmless.
func unexpected(call *ModuleCall, in ProviderRef, child *Module) diag.List {
	rng := in.Range
	detail := "Module %q does not expect a provider configuration %s: it would have to list it in configuration_aliases."
	if child.Settings.Required[in.Local] == nil {
		return diag.Warnf(&rng, "Reference to undefined provider", detail, call.Name, refString(in))
	}
	return diag.Errorf(&rng, "Reference to undefined provider", detail, call.Name, refString(in))
}

// missingAliases complains about expected configurations that are not passed.
func missingAliases(call *ModuleCall, child *Config) diag.List {
	var diags diag.List
	for _, local := range sortedKeys(child.Module.Settings.Required) {
		for _, a := range child.Module.Settings.Required[local].Aliases {
			if _, ok := child.inParent(a); !ok && child.Module.Providers[a.Name()] == nil {
				diags = append(diags, diag.Errorf(&call.DeclRange, "Missing required provider configuration",
					"Module %q expects a provider configuration %s. Add providers = { %s = ... } to this block.", call.Name, refString(a), refString(a))...)
			}
		}
	}
	return diags
}

// repeatedProviders complains about a module with its own provider settings that
// is called many times: its configurations would have no fixed address.
func repeatedProviders(call *ModuleCall, child *Config) diag.List {
	what := ""
	switch {
	case call.Repetition.Count != nil:
		what = "count"
	case call.Repetition.ForEach != nil:
		what = "for_each"
	case call.Repetition.Enabled != nil:
		what = "enabled"
	case len(call.DependsOn) > 0:
		what = "depends_on"
	default:
		return nil
	}
	for below := range child.All() {
		for _, name := range below.Module.Order {
			p := below.Module.Providers[name]
			if p == nil || len(bodyItems(p)) == 0 {
				continue
			}
			return diag.Errorf(&call.DeclRange, "Module is incompatible with count, for_each, enabled and depends_on",
				"Module %q cannot have %s, because %s configures a provider at %s. Configure the provider outside and pass it in with the providers argument.",
				call.Name, what, below.Path, p.DeclRange)
		}
	}
	return nil
}
