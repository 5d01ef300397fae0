package terraform

import (
	"context"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/expr"
	"tutti/internal/object"
	"tutti/internal/terraform/config"
)

// importCode is an import block with its references.
type importCode struct {
	*config.Import
	repetition repetitionCode
	code       *expr.Code
}

func (c *compiler) importBlock(imp *config.Import) *importCode {
	out := &importCode{Import: imp, repetition: c.repetition(config.Repetition{ForEach: imp.ForEach})}
	out.code = c.code(append(keysOf(imp.To), imp.ID, imp.Identity)...)
	return out
}

// keysOf gives the index expressions of an address.
func keysOf(e hcl.Expression) []hcl.Expression {
	switch e := e.(type) {
	case *hclsyntax.IndexExpr:
		return append(keysOf(e.Collection), e.Key)
	case *hclsyntax.RelativeTraversalExpr:
		return keysOf(e.Source)
	default:
		return nil
	}
}

// ImportOf implements object.Importable: import blocks stand in the root module.
func (r *resource) ImportOf(ctx context.Context, s object.Scope, inst object.Instance) (*object.Import, diag.List) {
	root := r.m.root.namespace
	me := r.addr.Instance(inst.Key)
	var d diag.List
	for _, imp := range root.imports {
		if imp.Object != r.addr.Config() {
			continue
		}
		at := base{m: root}
		x, xd := at.expand(ctx, s, imp.repetition)
		if d = append(d, xd...); xd.HasErrors() || x.Unknown {
			continue
		}
		for _, each := range x.Instances {
			found, id, fd := imp.match(ctx, s, root, each, me)
			if d = append(d, fd...); found || fd.HasErrors() {
				return id, d
			}
		}
	}
	return nil, d
}

// match evaluates the block for one of its instances and, when that is about the
// given address, what to import.
func (i *importCode) match(ctx context.Context, s object.Scope, root *module, each object.Instance, me addr.Instance) (bool, *object.Import, diag.List) {
	ev, d := i.code.Context(ctx, s, root.env, expr.Local{Instance: each})
	if d.HasErrors() {
		return false, nil, d
	}
	text, td := addressText(i.To, ev)
	if d = append(d, td...); td.HasErrors() {
		return false, nil, d
	}
	to, err := addr.ParseInstance(text)
	if err != nil {
		rng := i.To.Range()
		return false, nil, append(d, diag.Errorf(&rng, "Invalid import address", "%s.", err)...)
	}
	if to != me {
		return false, nil, d
	}
	out := &object.Import{To: me, Range: &i.DeclRange}
	if i.Identity != nil {
		v, hd := i.Identity.Value(ev)
		out.ID.Identity = v
		return true, out, append(d, diag.FromHCL(hd)...)
	}
	v, hd := i.ID.Value(ev)
	if d = append(d, diag.FromHCL(hd)...); d.HasErrors() {
		return true, nil, d
	}
	rng := i.ID.Range()
	bare, _ := v.Unmark()
	switch {
	case bare.IsKnown() && (bare.IsNull() || bare.Type() != cty.String || bare.AsString() == ""):
		return true, nil, append(d, diag.Errorf(&rng, "Invalid import id argument", "The ID must be a string that is not empty.")...)
	case object.HasMark(v, object.Sensitive):
		return true, nil, append(d, diag.Errorf(&rng, "Invalid import id argument", "The ID is shown in the plan, so it cannot be sensitive.")...)
	case bare.IsKnown():
		out.ID.ID = bare.AsString()
	}
	return true, out, d
}

// addressText writes an address whose keys are expressions.
func addressText(e hcl.Expression, ev *hcl.EvalContext) (string, diag.List) {
	switch e := e.(type) {
	case *hclsyntax.ScopeTraversalExpr:
		return diag.Traversal(e.Traversal), nil
	case *hclsyntax.RelativeTraversalExpr:
		text, d := addressText(e.Source, ev)
		return text + diag.Traversal(e.Traversal), d
	case *hclsyntax.IndexExpr:
		text, d := addressText(e.Collection, ev)
		v, hd := e.Key.Value(ev)
		if d = append(d, diag.FromHCL(hd)...); d.HasErrors() {
			return text, d
		}
		k, err := addr.KeyOf(v)
		if err != nil {
			rng := e.Key.Range()
			return text, append(d, diag.Errorf(&rng, "Invalid import address", "%s.", err)...)
		}
		return text + k.String(), d
	default:
		rng := e.Range()
		return "", diag.Errorf(&rng, "Invalid import address", "An address of a resource instance is expected.")
	}
}
