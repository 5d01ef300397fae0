package config

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/expr"
)

// readLifecycle reads the lifecycle blocks of every layer, argument by argument,
// and gives the argument "enabled", which belongs to the repetition.
func (r *Resource) readLifecycle(d *declaration) (*hcl.Attribute, diag.List) {
	blocks, diags := d.single("lifecycle")
	if len(blocks) == 0 {
		return nil, diags
	}
	inner := &declaration{block: blocks[0]}
	base := d.layers[0].content.Blocks.OfType("lifecycle")
	for _, b := range blocks {
		content, hd := b.Body.Content(lifecycleSchema)
		diags = append(diags, diag.FromHCL(hd)...)
		inner.layers = append(inner.layers, layerOf{block: b, content: content})
		if len(base) == 0 || b != base[0] {
			for _, c := range append(content.Blocks.OfType("precondition"), content.Blocks.OfType("postcondition")...) {
				diags = append(diags, diag.Errorf(&c.DefRange, "Unsupported override",
					"A %s block cannot be overridden. Write it in the file that declares the resource.", c.Type)...)
			}
		}
	}
	diags = append(diags, r.lifecycleArguments(inner)...)
	var moreDiags diag.List
	r.Lifecycle.Preconditions, moreDiags = conditions(inner.blocks("precondition"))
	diags = append(diags, moreDiags...)
	r.Lifecycle.Postconditions, moreDiags = conditions(inner.blocks("postcondition"))
	diags = append(diags, moreDiags...)
	for _, b := range inner.blocks("action_trigger") {
		t, moreDiags := actionTrigger(b)
		diags = append(diags, moreDiags...)
		r.Lifecycle.ActionTriggers = append(r.Lifecycle.ActionTriggers, t)
	}
	return inner.attr("enabled"), append(diags, r.onlyManaged(inner)...)
}

func (r *Resource) lifecycleArguments(inner *declaration) diag.List {
	var diags diag.List
	if a := inner.attr("create_before_destroy"); a != nil {
		v := false
		moreDiags := staticInto(a, &v)
		diags = append(diags, moreDiags...)
		if !moreDiags.HasErrors() {
			r.Lifecycle.CreateBeforeDestroy = &v
		}
	}
	r.Lifecycle.PreventDestroy = inner.expr("prevent_destroy")
	r.Lifecycle.Destroy = inner.expr("destroy")
	diags = append(diags, r.ignoreChanges(inner.attr("ignore_changes"))...)
	if a := inner.attr("replace_triggered_by"); a != nil {
		exprs, hd := hcl.ExprList(a.Expr)
		diags = append(diags, diag.FromHCL(hd)...)
		for _, e := range exprs {
			diags = append(diags, replaceTrigger(e)...)
		}
		r.Lifecycle.ReplaceTriggeredBy = exprs
	}
	return diags
}

// onlyManaged complains about what only a managed resource can have.
func (r *Resource) onlyManaged(inner *declaration) diag.List {
	if r.Name.Kind == addr.Resource {
		return nil
	}
	var diags diag.List
	for _, name := range []string{"create_before_destroy", "prevent_destroy", "destroy", "ignore_changes", "replace_triggered_by"} {
		if a := inner.attr(name); a != nil {
			diags = append(diags, diag.Errorf(&a.NameRange, "Invalid lifecycle argument",
				"The lifecycle argument %q is for managed resources only, not for %s blocks.", name, r.Name.Kind)...)
		}
	}
	for _, b := range inner.blocks("action_trigger") {
		diags = append(diags, diag.Errorf(&b.DefRange, "Invalid lifecycle block",
			"An action_trigger block is for managed resources only, not for %s blocks.", r.Name.Kind)...)
	}
	return diags
}

func (r *Resource) ignoreChanges(attr *hcl.Attribute) diag.List {
	if attr == nil {
		return nil
	}
	if hcl.ExprAsKeyword(attr.Expr) == "all" {
		r.Lifecycle.IgnoreAll = true
		return nil
	}
	exprs, hd := hcl.ExprList(attr.Expr)
	diags := diag.FromHCL(hd)
	for _, e := range exprs {
		if text, rng, ok := quoted(e); ok && text == "*" {
			diags = append(diags, diag.Errorf(&rng, "Invalid ignore_changes wildcard",
				"To ignore changes to every argument, write ignore_changes = all.")...)
			continue
		}
		tr, moreDiags := traversal(e, true)
		diags = append(diags, moreDiags...)
		if len(tr) > 0 {
			r.Lifecycle.IgnoreChanges = append(r.Lifecycle.IgnoreChanges, tr)
		}
	}
	return diags
}

// replaceTrigger checks an element of replace_triggered_by: a managed resource,
// an instance, or an attribute of one, with count.index or each.key as the only
// dynamic keys.
func replaceTrigger(e hcl.Expression) diag.List {
	rng := e.Range()
	bad := func(detail string, args ...any) diag.List {
		return diag.Errorf(&rng, "Invalid replace_triggered_by expression", detail, args...)
	}
	if _, ok := e.(*hclsyntax.FunctionCallExpr); ok {
		return bad("Only references to resources of the same module can stand here, not function calls.")
	}
	refs, diags := expr.References(e)
	if len(refs.Objects) != 1 {
		if diags.HasErrors() {
			return diags
		}
		return bad("Each element must be one reference to a managed resource of the same module, to one of its instances, or to one of its attributes.")
	}
	if k := refs.Objects[0].Subject.Kind; k != addr.Resource {
		return append(diags, bad("%s is not a managed resource: only changes of managed resources can trigger a replacement.", refs.Objects[0].Subject)...)
	}
	for _, s := range refs.Specials {
		if s.Root == "count" && s.Name == "index" || s.Root == "each" && s.Name == "key" {
			continue
		}
		diags = append(diags, bad("Only count.index and each.key can stand in the brackets here, not %s.%s.", s.Root, s.Name)...)
	}
	return diags
}

func actionTrigger(b *hcl.Block) (*ActionTrigger, diag.List) {
	content, hd := b.Body.Content(actionTriggerSchema)
	diags := diag.FromHCL(hd)
	t := &ActionTrigger{DeclRange: b.DefRange}
	if a, ok := content.Attributes["condition"]; ok {
		t.Condition = a.Expr
	}
	if a, ok := content.Attributes["actions"]; ok {
		t.Actions, hd = hcl.ExprList(a.Expr)
		diags = append(diags, diag.FromHCL(hd)...)
	}
	if a, ok := content.Attributes["events"]; ok {
		exprs, hd := hcl.ExprList(a.Expr)
		diags = append(diags, diag.FromHCL(hd)...)
		for _, e := range exprs {
			kw := hcl.ExprAsKeyword(e)
			switch kw {
			case "before_create", "after_create", "before_update", "after_update", "before_destroy", "after_destroy":
				t.Events = append(t.Events, kw)
			default:
				rng := e.Range()
				diags = append(diags, diag.Errorf(&rng, "Invalid action trigger event",
					"An event is one of before_create, after_create, before_update, after_update, before_destroy and after_destroy.")...)
			}
		}
	}
	return t, diags
}
