package config

import (
	"github.com/hashicorp/hcl/v2"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/expr"
)

// resource understands a resource, data or ephemeral block.
func (l *loader) resource(name addr.Name, d *declaration) diag.List {
	r, diags := readResource(name, d)
	l.module.Resources[name] = r
	return diags
}

func readResource(name addr.Name, d *declaration) (*Resource, diag.List) {
	r := &Resource{Name: name, DeclRange: d.block.DefRange, TypeRange: d.block.LabelRanges[0]}
	diags := d.reserved(d.block.Type, "locals")
	body, moreDiags := d.rest()
	r.Body = body
	diags = append(diags, moreDiags...)
	if a := d.attr("provider"); a != nil {
		r.Provider, moreDiags = providerRef(a.Expr)
		diags = append(diags, moreDiags...)
	}
	diags = append(diags, d.noOverride("depends_on")...)
	r.DependsOn, moreDiags = dependsOn(d.layers[0].content.Attributes["depends_on"])
	diags = append(diags, moreDiags...)
	enabled, moreDiags := r.readLifecycle(d)
	diags = append(diags, moreDiags...)
	r.Repetition, moreDiags = d.repetition(enabled)
	diags = append(diags, moreDiags...)
	if name.Kind == addr.Resource {
		diags = append(diags, r.readProvisioners(d)...)
	}
	return r, append(diags, r.selfReferences()...)
}

// selfReferences finds references of a block to itself as a whole, which can
// never be resolved. Those to a single instance are left to the planner.
func (r *Resource) selfReferences() diag.List {
	var refs []addr.Reference
	for _, e := range []hcl.Expression{r.Repetition.Count, r.Repetition.ForEach, r.Repetition.Enabled} {
		if e != nil {
			found, _ := expr.References(e)
			refs = append(refs, found.Objects...)
		}
	}
	found, _ := expr.BodyReferences(r.Body)
	for _, ref := range found.Objects {
		if ref.Key.IsNone() && ref.Index == nil {
			refs = append(refs, ref)
		}
	}
	var diags diag.List
	for _, s := range found.Specials {
		if s.Root == "self" {
			rng := s.Range
			diags = append(diags, diag.Errorf(&rng, "Invalid \"self\" reference",
				"\"self\" is known only in provisioners, connections and postconditions, once the resource is there.")...)
		}
	}
	for _, c := range r.Lifecycle.Preconditions {
		found, _ := expr.References(c.Condition)
		refs = append(refs, found.Objects...)
	}
	for _, ref := range refs {
		if ref.Subject == r.Name {
			rng := ref.Range
			diags = append(diags, diag.Errorf(&rng, "Self-referential block",
				"%s cannot refer to itself here: its value is what this block is to give.", r.Name)...)
		}
	}
	return diags
}

// readProvisioners reads the connection and provisioner blocks.
func (r *Resource) readProvisioners(d *declaration) diag.List {
	connections, diags := d.single("connection")
	if n := len(connections); n > 0 {
		r.Connection = &Connection{Body: connections[n-1].Body, DeclRange: connections[n-1].DefRange}
	}
	for _, b := range d.blocks("provisioner") {
		p, moreDiags := provisioner(b)
		diags = append(diags, moreDiags...)
		if p == nil {
			continue
		}
		r.Provisioners = append(r.Provisioners, p)
		if p.OnDestroy && p.Connection == nil && r.Connection != nil {
			diags = append(diags, onlySelf(r.Connection.Body)...)
		}
	}
	return diags
}

// provisioner understands a provisioner block.
func provisioner(b *hcl.Block) (*Provisioner, diag.List) {
	content, rest, hd := b.Body.PartialContent(provisionerSchema)
	diags := diag.FromHCL(hd)
	d := &declaration{block: b, layers: []layerOf{{b, content, without(b.Body, rest, provisionerSchema)}}}
	p := &Provisioner{Type: b.Labels[0], DeclRange: b.DefRange, TypeRange: b.LabelRanges[0]}
	switch p.Type {
	case "chef", "habitat", "puppet", "salt-masterless":
		return nil, append(diags, diag.Errorf(&p.TypeRange, "Provisioner has been removed",
			"The %s provisioner was removed from the language in Terraform 0.15. A playbook or a local-exec provisioner can do its work.", p.Type)...)
	}
	var moreDiags diag.List
	p.OnDestroy, moreDiags = choice(d.attr("when"), "create", "destroy")
	diags = append(diags, moreDiags...)
	p.Continue, moreDiags = choice(d.attr("on_failure"), "fail", "continue")
	diags = append(diags, moreDiags...)
	diags = append(diags, d.reserved("provisioner", "lifecycle")...)
	p.Body, moreDiags = d.rest()
	diags = append(diags, moreDiags...)
	conn, moreDiags := onlyBlock(content.Blocks, "connection")
	diags = append(diags, moreDiags...)
	if conn != nil {
		p.Connection = &Connection{Body: conn.Body, DeclRange: conn.DefRange}
	}
	if p.OnDestroy {
		diags = append(diags, onlySelf(p.Body)...)
		if p.Connection != nil {
			diags = append(diags, onlySelf(p.Connection.Body)...)
		}
	}
	return p, diags
}

// choice reads a keyword argument of two values and tells whether it is the
// second.
func choice(attr *hcl.Attribute, first, second string) (bool, diag.List) {
	if attr == nil {
		return false, nil
	}
	var diags diag.List
	kw := hcl.ExprAsKeyword(attr.Expr)
	if text, rng, ok := quoted(attr.Expr); ok {
		kw = text
		diags = diag.Warnf(&rng, "Quoted keywords are deprecated", "Keywords are written without quotes here: %s.", text)
	}
	switch kw {
	case first, second:
		return kw == second, diags
	default:
		rng := attr.Expr.Range()
		return false, diag.Errorf(&rng, "Invalid "+attr.Name+" keyword",
			"The %q argument takes one of the keywords %s and %s.%s", attr.Name, first, second, diag.DidYouMean(kw, []string{first, second}))
	}
}

// onlySelf holds what runs at destruction to references that are still known then.
func onlySelf(body hcl.Body) diag.List {
	refs, diags := expr.BodyReferences(body)
	complain := func(rng hcl.Range, what string) {
		diags = append(diags, diag.Errorf(&rng, "Invalid reference from destroy provisioner",
			"What runs at destruction can refer only to the resource itself, by self, count.index and each.key, and not to %s, which may be gone by then.", what)...)
	}
	for _, r := range refs.Objects {
		complain(r.Range, r.Subject.String())
	}
	for _, s := range refs.Specials {
		if s.Root == "each" && s.Name != "key" {
			complain(s.Range, s.Root+"."+s.Name)
		}
	}
	return diags
}

// providerRef reads the value of a provider argument.
func providerRef(e hcl.Expression) (*ProviderRef, diag.List) {
	ref := &ProviderRef{Range: e.Range()}
	var diags diag.List
	ref.Key, e = splitKey(e)
	tr, moreDiags := traversal(e, false)
	diags = append(diags, moreDiags...)
	if moreDiags.HasErrors() {
		return nil, diags
	}
	ref.Local = tr.RootName()
	bad := func(detail string) (*ProviderRef, diag.List) {
		rng := ref.Range
		return nil, append(diags, diag.Errorf(&rng, "Invalid provider configuration reference", "%s", detail)...)
	}
	for i, step := range tr[1:] {
		switch s := step.(type) {
		case hcl.TraverseAttr:
			if i > 0 {
				return bad("A provider is named by its local name, or by its local name and an alias with a dot between them; there is more here.")
			}
			ref.Alias = s.Name
		case hcl.TraverseIndex:
			if i != 1 || ref.Key != nil {
				return bad("A key in brackets can stand only after the alias of a provider configuration that has for_each.")
			}
			ref.Key = hcl.StaticExpr(s.Key, s.SrcRange)
		default:
			return bad("A provider is named by its local name, or by its local name and an alias with a dot between them.")
		}
	}
	if ref.Key != nil && ref.Alias == "" {
		return bad("A key in brackets can stand only after the alias of a provider configuration that has for_each.")
	}
	return ref, diags
}
