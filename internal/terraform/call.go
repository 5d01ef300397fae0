package terraform

import (
	"context"
	"fmt"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/terraform/config"
)

// callCode is a module block with its references.
type callCode struct {
	*config.ModuleCall
	repetition repetitionCode
}

// moduleCall is a module block in a module instance.
type moduleCall struct {
	base
	*callCode
}

var _ object.Container = (*moduleCall)(nil)

// References implements object.Object.
func (c *moduleCall) References() []addr.Reference {
	refs, _ := c.ModuleCall.References()
	return refs.Objects
}

// Expand implements object.Object. What the whole call must wait for is noted
// here, so that it holds for everything inside.
func (c *moduleCall) Expand(ctx context.Context, s object.Scope) (object.Expansion, diag.List) {
	d := c.after(ctx, s, c.DependsOn)
	x, xd := c.expand(ctx, s, c.repetition)
	return x, append(d, xd...)
}

// Wanted implements object.Object: the outputs.
func (c *moduleCall) Wanted(ctx context.Context, s object.Scope, inst object.Instance) (cty.Value, diag.List) {
	child := c.m.cfg.Children[c.Name]
	if child == nil {
		return cty.NilVal, diag.Errorf(&c.SourceRange, "Module not installed", "The module %q is not installed yet. Run \"tutti init\".", c.Name)
	}
	inside := c.m.addr.Child(c.Name, inst.Key)
	attrs := make(map[string]cty.Value, len(child.Module.Outputs))
	for name := range child.Module.Outputs {
		attrs[name] = s.Object(ctx, addr.Object{Module: inside, Name: addr.Name{Kind: addr.Output, Name: name}})
	}
	return cty.ObjectVal(attrs), nil
}

// Open implements object.Container.
func (c *moduleCall) Open(_ context.Context, _ object.Scope, inst object.Instance) (object.Namespace, diag.List) {
	child := c.m.cfg.Children[c.Name]
	if child == nil {
		return nil, diag.Errorf(&c.SourceRange, "Module not installed", "The module %q is not installed yet. Run \"tutti init\".", c.Name)
	}
	return c.m.root.module(child, c.m.addr.Child(c.Name, inst.Key), c.m, inst), nil
}

func boolOf(v cty.Value) (bool, error) {
	v, err := convert.Convert(v, cty.Bool)
	if err != nil {
		return false, err
	}
	if v.IsNull() {
		return false, fmt.Errorf("it is null")
	}
	return v.True(), nil
}
