package config

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
)

// moved understands a moved block.
func (l *loader) moved(block *hcl.Block) diag.List {
	content, hd := block.Body.Content(movedSchema)
	diags := diag.FromHCL(hd)
	from, ok1, moreDiags := endpoint(content.Attributes["from"])
	diags = append(diags, moreDiags...)
	to, ok2, moreDiags := endpoint(content.Attributes["to"])
	diags = append(diags, moreDiags...)
	if !ok1 || !ok2 {
		return diags
	}
	if from.IsModule() != to.IsModule() {
		return append(diags, diag.Errorf(&block.DefRange, "Invalid \"moved\" addresses",
			"\"from\" and \"to\" must both name resources or both name modules.")...)
	}
	for _, e := range []Endpoint{from, to} {
		if !e.IsModule() && e.Target.Name.Kind != addr.Resource && e.Target.Name.Kind != addr.Data {
			rng := e.Range
			return append(diags, diag.Errorf(&rng, "Invalid \"moved\" address",
				"Only resources and modules have a state to move; %s has none.", e.Target.Name)...)
		}
	}
	l.module.Changes.Moved = append(l.module.Changes.Moved, &Moved{From: from, To: to, DeclRange: block.DefRange})
	return diags
}

// removed understands a removed block.
func (l *loader) removed(block *hcl.Block) diag.List {
	content, hd := block.Body.Content(removedSchema)
	diags := diag.FromHCL(hd)
	from, ok, moreDiags := endpoint(content.Attributes["from"])
	diags = append(diags, moreDiags...)
	r := &Removed{From: from, DeclRange: block.DefRange}
	if ok {
		diags = append(diags, checkRemoved(from)...)
	}
	set, moreDiags := removedLifecycle(content.Blocks, &r.Destroy)
	diags = append(diags, moreDiags...)
	if conn, moreDiags := onlyBlock(content.Blocks, "connection"); conn != nil || moreDiags != nil {
		diags = append(diags, moreDiags...)
		r.Connection = &Connection{Body: conn.Body, DeclRange: conn.DefRange}
	}
	for _, b := range content.Blocks.OfType("provisioner") {
		p, moreDiags := provisioner(b)
		diags = append(diags, moreDiags...)
		if p != nil && !p.OnDestroy {
			diags = append(diags, diag.Errorf(&p.DeclRange, "Invalid provisioner block",
				"A removed block can have only provisioners that run at destruction: add when = destroy.")...)
		}
		if p != nil {
			r.Provisioners = append(r.Provisioners, p)
		}
	}
	if !diags.HasErrors() {
		diags = append(diags, removedWarnings(r, set)...)
	}
	if ok {
		l.module.Changes.Removed = append(l.module.Changes.Removed, r)
	}
	return diags
}

func checkRemoved(from Endpoint) diag.List {
	rng := from.Range
	for _, s := range from.Target.Module.Steps() {
		if !s.Key.IsNone() {
			return diag.Errorf(&rng, "Resource instance keys not allowed",
				"A removed block is about every instance of a module or resource: remove the key %s.", s.Key)
		}
	}
	if !from.Target.Key.IsNone() {
		return diag.Errorf(&rng, "Resource instance keys not allowed",
			"A removed block is about every instance of a resource: remove the key %s.", from.Target.Key)
	}
	if !from.IsModule() && from.Target.Name.Kind != addr.Resource {
		return diag.Errorf(&rng, "Invalid \"removed\" address",
			"Only managed resources and modules have a state to remove; %s is not one.", from.Target.Name)
	}
	return nil
}

func removedLifecycle(blocks hcl.Blocks, destroy *bool) (set bool, diags diag.List) {
	lc, diags := onlyBlock(blocks, "lifecycle")
	if lc == nil {
		return false, diags
	}
	content, hd := lc.Body.Content(removedLifecycleSchema)
	diags = append(diags, diag.FromHCL(hd)...)
	a := content.Attributes["destroy"]
	return a != nil, append(diags, staticInto(a, destroy)...)
}

// removedWarnings speaks where Terraform and OpenTofu differ: without a lifecycle
// block the one destroys and the other forgets. The one that loses nothing holds.
func removedWarnings(r *Removed, set bool) diag.List {
	switch {
	case !set:
		return diag.Warnf(&r.DeclRange, "Missing lifecycle in removed block",
			"Terraform destroys what such a block names, OpenTofu and tutti forget it. Say which is meant by a lifecycle block with destroy = true or destroy = false.")
	case !r.Destroy && len(r.Provisioners) > 0:
		return diag.Warnf(&r.DeclRange, "Removed block provisioners will not run",
			"With destroy = false nothing is destroyed, so its provisioners have nothing to run at.")
	default:
		return nil
	}
}

// endpoint reads an address of a moved or removed block.
func endpoint(attr *hcl.Attribute) (Endpoint, bool, diag.List) {
	if attr == nil {
		return Endpoint{}, false, nil
	}
	rng := attr.Expr.Range()
	tr, hd := hcl.AbsTraversalForExpr(attr.Expr)
	if hd.HasErrors() {
		return Endpoint{}, false, diag.FromHCL(hd)
	}
	target, diags := targetOf(tr, rng)
	return Endpoint{Target: target, Range: rng}, diags == nil, diags
}

// targetOf reads a whole traversal as an address.
func targetOf(tr hcl.Traversal, rng hcl.Range) (addr.Target, diag.List) {
	target, err := addr.ParseTarget(diag.Traversal(tr))
	if err != nil {
		return target, diag.Errorf(&rng, "Invalid address",
			"A resource address such as TYPE.NAME or module.CALL.TYPE.NAME, or a module address such as module.CALL, is expected here.")
	}
	if target.Name.Kind.IsValue() && (target.Name != addr.Name{}) {
		return target, diag.Errorf(&rng, "Invalid address", "%s is not a resource or module.", target.Name)
	}
	return target, nil
}

// imports understands an import block.
func (l *loader) imports(block *hcl.Block) diag.List {
	content, hd := block.Body.Content(importSchema)
	diags := diag.FromHCL(hd)
	imp := &Import{DeclRange: block.DefRange}
	get := func(name string) hcl.Expression {
		if a, ok := content.Attributes[name]; ok {
			return a.Expr
		}
		return nil
	}
	imp.ID, imp.Identity, imp.ForEach = get("id"), get("identity"), get("for_each")
	switch {
	case imp.ID == nil && imp.Identity == nil:
		diags = append(diags, diag.Errorf(&block.DefRange, "Missing required import argument",
			"Either \"id\" or \"identity\" must say what to import.")...)
	case imp.ID != nil && imp.Identity != nil:
		rng := content.Attributes["identity"].NameRange
		diags = append(diags, diag.Errorf(&rng, "Conflicting import arguments",
			"\"id\" and \"identity\" are two ways to say what to import: remove one of them.")...)
	}
	to := content.Attributes["to"]
	if to == nil {
		return diags
	}
	var moreDiags diag.List
	imp.To, imp.Object, moreDiags = importAddress(to.Expr)
	diags = append(diags, moreDiags...)
	if a, ok := content.Attributes["provider"]; ok {
		imp.Provider, moreDiags = providerRef(a.Expr)
		diags = append(diags, moreDiags...)
		if imp.Object.Module != (addr.ModulePath{}) {
			diags = append(diags, diag.Errorf(&a.NameRange, "Invalid import provider argument",
				"The provider can be chosen only for resources of this module. Inside %s it follows from the module block's providers.", imp.Object.Module)...)
		}
	}
	if !diags.HasErrors() {
		l.module.Changes.Imports = append(l.module.Changes.Imports, imp)
	}
	return diags
}

// importAddress reads the address of an import block, whose keys may be any
// expressions.
func importAddress(e hcl.Expression) (hcl.Expression, addr.Config, diag.List) {
	rng := e.Range()
	if hcljson.IsJSONExpression(e) {
		v, hd := e.Value(nil)
		if hd.HasErrors() || v.Type() != cty.String || !v.IsKnown() || v.IsNull() {
			return e, addr.Config{}, badImport(rng)
		}
		parsed, hd := hclsyntax.ParseExpression([]byte(v.AsString()), rng.Filename, rng.Start)
		if hd.HasErrors() {
			return e, addr.Config{}, diag.FromHCL(hd)
		}
		e = parsed
	}
	tr, ok := staticSteps(e)
	if !ok {
		return e, addr.Config{}, badImport(rng)
	}
	target, diags := targetOf(tr, rng)
	if diags != nil {
		return e, addr.Config{}, diags
	}
	if target.Name.Kind != addr.Resource {
		return e, addr.Config{}, badImport(rng)
	}
	return e, addr.Object{Module: target.Module, Name: target.Name}.Config(), nil
}

func badImport(rng hcl.Range) diag.List {
	return diag.Errorf(&rng, "Invalid import address",
		"The address must be that of a managed resource instance, such as aws_instance.web, aws_instance.web[\"a\"] or module.shop[each.key].aws_instance.web.")
}

// staticSteps gives the steps of an address without its dynamic keys.
func staticSteps(e hcl.Expression) (hcl.Traversal, bool) {
	switch e := e.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		return e.Traversal, true
	case *hclsyntax.IndexExpr:
		return staticSteps(e.Collection)
	case *hclsyntax.RelativeTraversalExpr:
		tr, ok := staticSteps(e.Source)
		return append(tr[:len(tr):len(tr)], e.Traversal...), ok
	default:
		return nil, false
	}
}

// checkImports finds two import blocks for one static address.
func (m *Module) checkImports() diag.List {
	var diags diag.List
	seen := map[string]hcl.Range{}
	for _, imp := range m.Changes.Imports {
		tr, hd := hcl.AbsTraversalForExpr(imp.To)
		if hd.HasErrors() || imp.ForEach != nil {
			continue
		}
		to := diag.Traversal(tr)
		if prev, ok := seen[to]; ok {
			diags = append(diags, diag.Errorf(imp.To.Range().Ptr(), "Duplicate import configuration",
				"%s is already to be imported at %s. A resource can be imported once.", to, prev)...)
			continue
		}
		seen[to] = imp.DeclRange
	}
	return diags
}

// action understands an action block.
func (l *loader) action(block *hcl.Block) diag.List {
	content, hd := block.Body.Content(actionSchema)
	diags := diag.FromHCL(hd)
	d := &declaration{block: block, layers: []layerOf{{block: block, content: content}}}
	a := &Action{Type: block.Labels[0], Name: block.Labels[1], Body: hcl.EmptyBody(), DeclRange: block.DefRange}
	diags = append(diags, notIdentifier("Invalid action type name", a.Type, block.LabelRanges[0])...)
	diags = append(diags, notIdentifier("Invalid action name", a.Name, block.LabelRanges[1])...)
	var moreDiags diag.List
	a.Repetition, moreDiags = d.repetition(nil)
	diags = append(diags, moreDiags...)
	if p := d.attr("provider"); p != nil {
		a.Provider, moreDiags = providerRef(p.Expr)
		diags = append(diags, moreDiags...)
	}
	conf, moreDiags := onlyBlock(content.Blocks, "config")
	diags = append(diags, moreDiags...)
	if conf != nil {
		a.Body = conf.Body
	}
	key := a.Type + "." + a.Name
	if prev, ok := l.actions[key]; ok {
		return append(diags, diag.Errorf(&block.DefRange, "Duplicate action declaration",
			"action.%s is already declared at %s.", key, prev)...)
	}
	l.actions[key] = block.DefRange
	l.module.Changes.Actions = append(l.module.Changes.Actions, a)
	return diags
}
