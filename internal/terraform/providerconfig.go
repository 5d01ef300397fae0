package terraform

import (
	"context"
	"sync"

	"github.com/hashicorp/hcl/v2"
	tfaddr "github.com/hashicorp/terraform-registry-address"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/expr"
	"tutti/internal/object"
	"tutti/internal/terraform/config"
	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/schema"
)

// providerCode is a provider block with its references. Nil stands for a provider
// that no block configures.
type providerCode struct {
	*config.ProviderConfig
	repetition repetitionCode
	body       boundBody
}

func (c *compiler) provider(p *config.ProviderConfig) *providerCode {
	return &providerCode{ProviderConfig: p, repetition: c.repetition(config.Repetition{ForEach: p.ForEach})}
}

// boundBody is a body bound to its schema once for all instances.
type boundBody struct {
	once  sync.Once
	bound *schema.Bound
	code  *expr.Code
	diags diag.List
}

func (b *boundBody) bind(body hcl.Body, block *schema.Block) diag.List {
	b.once.Do(func() {
		b.bound, b.diags = block.Bind(body)
		var d diag.List
		b.code, d = expr.CompileBody(body, func(hcl.Body) []hcl.Traversal { return b.bound.Variables() })
		b.diags = append(b.diags, d...)
	})
	return b.diags
}

// decode evaluates the body for one instance. It must have been bound.
func (b *boundBody) decode(ctx context.Context, s object.Scope, m *module, l expr.Local) (cty.Value, diag.List) {
	ev, d := b.code.Context(ctx, s, m.env, l)
	if d.HasErrors() {
		return cty.NilVal, d
	}
	v, vd := b.bound.Decode(ev)
	if d = append(d, vd...); d.HasErrors() {
		return cty.NilVal, d
	}
	return v, d
}

// providerConfig is a provider configuration in a module instance.
type providerConfig struct {
	base
	*providerCode
}

// References implements object.Object.
func (p *providerConfig) References() []addr.Reference {
	if p.providerCode == nil {
		return nil
	}
	refs, _ := p.ProviderConfig.References()
	return refs.Objects
}

// Expand implements object.Object.
func (p *providerConfig) Expand(ctx context.Context, s object.Scope) (object.Expansion, diag.List) {
	if p.providerCode == nil {
		return object.One(), nil
	}
	return p.expand(ctx, s, p.repetition)
}

// Wanted implements object.Object: the configuration as the provider's schema has it.
func (p *providerConfig) Wanted(ctx context.Context, s object.Scope, inst object.Instance) (cty.Value, diag.List) {
	source := p.m.cfg.Module.SourceOf(p.addr.Type)
	sc, d := p.m.root.session.schemasOf(ctx, source)
	if d.HasErrors() {
		if p.providerCode != nil {
			d = d.At(p.DeclRange)
		}
		return cty.NilVal, d
	}
	block := sc.configBlock()
	if p.providerCode == nil {
		return block.Empty(), nil
	}
	if d = p.body.bind(p.Body, block); d.HasErrors() {
		return cty.NilVal, d
	}
	v, vd := p.body.decode(ctx, s, p.m, expr.Local{Instance: inst})
	if d = append(d, vd...); vd.HasErrors() || !p.m.root.opts.Closed {
		return v, d
	}
	return v, append(d, p.validate(ctx, source, v)...)
}

// validate asks the provider whether it likes its configuration.
func (p *providerConfig) validate(ctx context.Context, source tfaddr.Provider, v cty.Value) diag.List {
	pr, d := p.m.root.session.plain(ctx, source)
	if d.HasErrors() {
		return d
	}
	bare, _ := v.UnmarkDeep()
	_, d = pr.ValidateConfig(ctx, bare)
	for i, x := range d {
		if x.Subject == nil {
			c := *x
			if c.Subject = p.body.bound.RangeOf(x.Attribute); c.Subject == nil {
				c.Subject = &p.DeclRange
			}
			d[i] = &c
		}
	}
	return d
}

// served is a resource's provider, ready or not.
type served struct {
	source  tfaddr.Provider
	schemas *schemas
	// name is State.Driver.
	name string
	// config is where the provider's configuration is; value what it is.
	config addr.Instance
	value  cty.Value
}

// serve finds the provider configuration of a use in this module instance and
// evaluates it. Inst is the instance of the object that uses it.
func (m *module) serve(ctx context.Context, s object.Scope, use config.ProviderUse, inst object.Instance) (served, diag.List) {
	out := served{source: use.Source}
	at := m.above(use.Module)
	obj := addr.Object{Module: at.addr, Name: use.Name}
	key := addr.NoKey
	if use.Key != nil {
		var d diag.List
		if key, d = m.providerKey(ctx, s, use, inst); d.HasErrors() {
			return out, d
		}
	}
	out.config = obj.Instance(key)
	out.name = driverName(use, key)
	var d diag.List
	if out.schemas, d = m.root.session.schemasOf(ctx, use.Source); d.HasErrors() {
		return out, d
	}
	out.value = s.Instance(ctx, out.config)
	if out.value == cty.NilVal {
		return out, diag.Errorf(nil, "Provider instance not present", "%s has no instance %s.", obj, key)
	}
	return out, nil
}

// providerKey evaluates which instance of a provider configuration is meant.
func (m *module) providerKey(ctx context.Context, s object.Scope, use config.ProviderUse, inst object.Instance) (addr.Key, diag.List) {
	at, l := m, expr.Local{Instance: inst}
	for at.cfg.Path != use.KeyModule {
		l = expr.Local{Instance: at.call}
		at = at.parent
	}
	code, d := expr.Compile(use.Key)
	if d.HasErrors() {
		return addr.NoKey, d
	}
	v, vd := at.value(ctx, s, code, use.Key, l)
	if d = append(d, vd...); d.HasErrors() {
		return addr.NoKey, d
	}
	rng := use.Key.Range()
	k, err := addr.KeyOf(v)
	if err != nil {
		return addr.NoKey, append(d, diag.Errorf(&rng, "Invalid provider instance key", "The key must be known at plan time: %s.", err)...)
	}
	return k, d
}

// above gives the module instance of that path around this one.
func (m *module) above(p addr.ModulePath) *module {
	at := m
	for at.cfg.Path != p {
		if at.parent == nil {
			panic("terraform: invariant broken: a provider configuration outside the modules around its user: " + p.String())
		}
		at = at.parent
	}
	return at
}

// driverName writes a provider configuration's address as states have it.
func driverName(use config.ProviderUse, key addr.Key) string {
	name := `provider["` + use.Source.String() + `"]`
	if use.Name.Name != "" {
		name += "." + use.Name.Name + key.String()
	}
	if p := use.Module.String(); p != "" {
		name = p + "." + name
	}
	return name
}

// ready gives the configured provider; nil when its configuration is not known.
func (m *module) ready(ctx context.Context, sv served) (provider.Provider, diag.List) {
	if m.root.opts.Closed {
		// Validating: nothing is configured, and a provider checks configurations
		// without that.
		return m.root.session.plain(ctx, sv.source)
	}
	if bare, _ := sv.value.UnmarkDeep(); !bare.IsWhollyKnown() {
		return nil, nil
	}
	return m.root.session.Provider(ctx, sv.config, sv.source, sv.value)
}
