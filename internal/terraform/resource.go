package terraform

import (
	"context"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/expr"
	"tutti/internal/object"
	"tutti/internal/terraform/config"
	"tutti/internal/terraform/provider"
	driver "tutti/internal/terraform/resource"
	"tutti/internal/terraform/schema"
)

// resourceCode is a resource, data or ephemeral block with its references.
type resourceCode struct {
	*config.Resource
	repetition repetitionCode
	body       boundBody
	pre, post  []conditionCode
	triggers   *expr.Code // replace_triggered_by
	prevent    *expr.Code
	destroy    *expr.Code
	ignore     []cty.Path
	provisions []*provisionCode
}

func (c *compiler) resource(r *config.Resource) *resourceCode {
	out := &resourceCode{Resource: r, repetition: c.repetition(r.Repetition),
		pre: c.conditions(r.Lifecycle.Preconditions), post: c.conditions(r.Lifecycle.Postconditions),
		triggers: c.code(r.Lifecycle.ReplaceTriggeredBy...), prevent: c.code(r.Lifecycle.PreventDestroy), destroy: c.code(r.Lifecycle.Destroy)}
	for _, tr := range r.Lifecycle.IgnoreChanges {
		out.ignore = append(out.ignore, pathOf(tr))
	}
	for _, p := range r.Provisioners {
		out.provisions = append(out.provisions, c.provisioner(p))
	}
	return out
}

// pathOf turns a relative traversal into a path of attributes.
func pathOf(tr hcl.Traversal) cty.Path {
	var p cty.Path
	for _, step := range tr {
		switch s := step.(type) {
		case hcl.TraverseRoot:
			p = p.GetAttr(s.Name)
		case hcl.TraverseAttr:
			p = p.GetAttr(s.Name)
		case hcl.TraverseIndex:
			p = p.Index(s.Key)
		}
	}
	return p
}

// resource is a managed resource or data source in a module instance.
type resource struct {
	base
	*resourceCode

	found sync.Once
	use   config.ProviderUse // once found

	mu     sync.Mutex
	shared *driver.Driver // of all instances, when nothing in it is particular to one
	metas  diag.List      // what evaluating the provider_meta of shared gave
}

var (
	_ object.Driven     = (*resource)(nil)
	_ object.Checked    = (*resource)(nil)
	_ object.Importable = (*resource)(nil)
)

// References implements object.Object.
func (r *resource) References() []addr.Reference {
	refs, _ := r.Resource.References()
	return refs.Objects
}

// Expand implements object.Object.
func (r *resource) Expand(ctx context.Context, s object.Scope) (object.Expansion, diag.List) {
	return r.expand(ctx, s, r.repetition)
}

// provider gives the configuration that serves all instances.
func (r *resource) provider() config.ProviderUse {
	r.found.Do(func() { r.use = r.m.cfg.ProviderFor(r.Resource) })
	return r.use
}

func (r *resource) kind() provider.Kind {
	switch r.addr.Kind {
	case addr.Resource:
		return provider.Managed
	case addr.Data:
		return provider.Data
	case addr.Ephemeral:
		return provider.Ephemeral
	default:
		panic("terraform: invariant broken: a resource of kind " + r.addr.Kind.String())
	}
}

// typed gives the type's schema and binds the body to it.
func (r *resource) typed(sc *schemas) (*schema.Type, diag.List) {
	t := sc.typeOf(r.kind(), r.addr.Type)
	if t == nil {
		return nil, r.unknownType(sc)
	}
	return t, r.body.bind(r.Body, t.Block)
}

func (r *resource) unknownType(sc *schemas) diag.List {
	what, headline := "resource type", "Invalid resource type"
	switch r.addr.Kind {
	case addr.Data:
		what, headline = "data source", "Invalid data source"
	case addr.Ephemeral:
		what, headline = "ephemeral resource type", "Invalid ephemeral resource"
	}
	names := sc.raw.Types.Names(r.kind())
	hint := diag.DidYouMean(r.addr.Type, names)
	if other := provider.Managed + provider.Data - r.kind(); hint == "" && r.kind() != provider.Ephemeral && sc.raw.Types.Type(other, r.addr.Type) != nil {
		hint = " There is a data source of that name: did you mean a data block?"
		if other == provider.Managed {
			hint = " There is a managed resource type of that name: did you mean a resource block?"
		}
	}
	return diag.Errorf(&r.TypeRange, headline, "The provider %s does not support %s %q.%s", sc.source.ForDisplay(), what, r.addr.Type, hint)
}

// Wanted implements object.Object.
func (r *resource) Wanted(ctx context.Context, s object.Scope, inst object.Instance) (cty.Value, diag.List) {
	d := r.after(ctx, s, r.DependsOn)
	sc, sd := r.m.root.session.schemasOf(ctx, r.provider().Source)
	if d = append(d, sd.At(r.DeclRange)...); d.HasErrors() {
		return cty.NilVal, d
	}
	if _, td := r.typed(sc); td.HasErrors() {
		return cty.NilVal, append(d, td...)
	}
	v, vd := r.body.decode(ctx, s, r.m, expr.Local{Instance: inst})
	d = append(d, vd...)
	for _, p := range r.provisions {
		d = append(d, p.edges(ctx, s, r.m, inst)...)
	}
	return v, r.soft(d)
}

// rangeOf gives the place of a path into the body; the block's own when it leads
// nowhere.
func (r *resource) rangeOf(p cty.Path) *hcl.Range {
	if rng := r.body.bound.RangeOf(p); rng != nil {
		return rng
	}
	return &r.DeclRange
}

// soft makes warnings of the errors of a data block inside a check.
func (r *resource) soft(d diag.List) diag.List {
	if r.Resource.Check == "" {
		return d
	}
	return warnings(d)
}

// Driver implements object.Driven.
func (r *resource) Driver(ctx context.Context, s object.Scope, inst object.Instance) (object.Driver, diag.List) {
	use := r.provider()
	sv, d := r.m.serve(ctx, s, use, inst)
	if d.HasErrors() {
		return nil, d.At(r.DeclRange)
	}
	t, d := r.typed(sv.schemas)
	if d.HasErrors() {
		return nil, d
	}
	p, pd := r.m.ready(ctx, sv)
	if pd.HasErrors() || p == nil {
		return nil, pd
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	common := use.Key == nil && len(r.provisions) == 0
	if common && r.shared != nil && r.shared.Provider() == p {
		return r.wrap(r.shared), r.metas
	}
	meta, constant, md := r.meta(ctx, s, sv)
	drv := driver.New(driver.Options{Provider: p, Name: sv.name, Kind: r.kind(), TypeName: r.addr.Type, Schema: t,
		IgnoreChanges: r.ignore, IgnoreAll: r.Lifecycle.IgnoreAll, Meta: meta, RangeOf: r.rangeOf,
		Provision: r.provision(s, inst), Stages: r.stages()})
	if common && constant {
		r.shared, r.metas = drv, md
	}
	return r.wrap(drv), md
}

// meta evaluates the module's provider_meta for the resource's provider. It is
// constant when it refers to nothing, so that no instance needs an edge for it.
func (r *resource) meta(ctx context.Context, s object.Scope, sv served) (v cty.Value, constant bool, d diag.List) {
	raw := sv.schemas.raw.ProviderMeta
	if raw == nil {
		return cty.NullVal(cty.DynamicPseudoType), true, nil
	}
	block := schema.New(raw)
	decl := r.m.cfg.Module.Settings.ProviderMeta[r.ProviderLocal()]
	if decl == nil {
		return cty.NullVal(block.Type()), true, nil
	}
	var body boundBody
	if d := body.bind(decl.Body, block); d.HasErrors() {
		return cty.NullVal(block.Type()), true, d
	}
	v, d = body.decode(ctx, s, r.m, expr.Local{})
	return v, len(body.code.References()) == 0, d
}

// Policy implements object.Driven.
func (r *resource) Policy(ctx context.Context, s object.Scope, inst object.Instance) (object.Policy, diag.List) {
	var p object.Policy
	if v := r.Lifecycle.CreateBeforeDestroy; v != nil {
		p.CreateBeforeDestroy = *v
	}
	var d diag.List
	p.PreventDestroy, d = r.flag(ctx, s, r.prevent, r.Lifecycle.PreventDestroy, false, inst)
	destroy, dd := r.flag(ctx, s, r.destroy, r.Lifecycle.Destroy, true, inst)
	p.Forget = !destroy
	d = append(d, dd...)
	refs := r.triggers.References()
	for _, ref := range refs {
		at := addr.Object{Module: r.m.addr, Name: ref.Subject}.Instance(ref.Key)
		if ref.Index != nil {
			k, kd := r.triggerKey(ctx, s, ref, inst)
			if d = append(d, kd...); kd.HasErrors() {
				continue
			}
			at.Key = k
		}
		if ref.Subject.Kind == addr.Resource && s.Changed(ctx, at, ref.Path()) {
			p.Replace = append(p.Replace, at.String())
		}
	}
	return p, d
}

func (r *resource) triggerKey(ctx context.Context, s object.Scope, ref addr.Reference, inst object.Instance) (addr.Key, diag.List) {
	code, d := expr.Compile(ref.Index)
	if d.HasErrors() {
		return addr.NoKey, d
	}
	v, vd := r.value(ctx, s, code, ref.Index, expr.Local{Instance: inst})
	if d = append(d, vd...); d.HasErrors() {
		return addr.NoKey, d
	}
	k, err := addr.KeyOf(v)
	if err != nil {
		rng := ref.Index.Range()
		return k, append(d, diag.Errorf(&rng, "Invalid key in replace_triggered_by", "The key must be known at plan time: %s.", err)...)
	}
	return k, d
}

// flag evaluates a lifecycle argument that is true or false.
func (r *resource) flag(ctx context.Context, s object.Scope, code *expr.Code, e hcl.Expression, unset bool, inst object.Instance) (bool, diag.List) {
	if e == nil {
		return unset, nil
	}
	v, d := r.value(ctx, s, code, e, expr.Local{Instance: inst})
	if d.HasErrors() {
		return unset, d
	}
	rng := e.Range()
	v, _ = v.Unmark()
	if !v.IsKnown() {
		return unset, append(d, diag.Errorf(&rng, "Invalid lifecycle argument", "The value must be known at plan time.")...)
	}
	if v.IsNull() {
		return unset, d
	}
	b, err := boolOf(v)
	if err != nil {
		return unset, append(d, diag.Errorf(&rng, "Invalid lifecycle argument", "The value must be true or false: %s.", err)...)
	}
	return b, d
}

// Check implements object.Checked.
func (r *resource) Check(ctx context.Context, s object.Scope, inst object.Instance, stage object.Stage, self cty.Value) diag.List {
	if stage == object.Before {
		return r.soft(r.m.check(ctx, s, r.pre, conditionPlace{what: "Resource precondition failed", inst: inst}))
	}
	return r.soft(r.m.check(ctx, s, r.post, conditionPlace{what: "Resource postcondition failed", inst: inst, value: self}))
}

// wrap lets a data block inside a check only warn.
func (r *resource) wrap(d *driver.Driver) object.Driver {
	if r.Resource.Check == "" {
		return d
	}
	return &softDriver{d}
}

// softDriver plans a data source whose failure stops nothing.
type softDriver struct{ *driver.Driver }

// Plan implements object.Driver.
func (s *softDriver) Plan(ctx context.Context, req object.PlanRequest) (object.Change, diag.List) {
	c, d := s.Driver.Plan(ctx, req)
	if !d.HasErrors() {
		return c, d
	}
	return object.Change{Verb: object.NoOp, Before: cty.NilVal, After: cty.DynamicVal}, warnings(d)
}
