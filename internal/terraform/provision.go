package terraform

import (
	"context"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/expr"
	"tutti/internal/object"
	"tutti/internal/terraform/config"
	"tutti/internal/terraform/provisioner"
	driver "tutti/internal/terraform/resource"
)

// provisionCode is a provisioner block with its references.
type provisionCode struct {
	*config.Provisioner
	body boundBody
}

func (c *compiler) provisioner(p *config.Provisioner) *provisionCode {
	out := &provisionCode{Provisioner: p}
	block, d := provisioner.Schema(p.Type)
	c.diags = append(c.diags, d.At(p.TypeRange)...)
	if !d.HasErrors() {
		c.diags = append(c.diags, out.body.bind(p.Body, block)...)
	}
	return out
}

func (c *compiler) removedBlock(in addr.ModulePath, rm *config.Removed) *removedCode {
	out := &removedCode{Removed: rm, in: in}
	for _, p := range rm.Provisioners {
		out.provisions = append(out.provisions, c.provisioner(p))
	}
	return out
}

// edges notes, while planning, what the provisioner will need at apply.
func (p *provisionCode) edges(ctx context.Context, s object.Scope, m *module, inst object.Instance) diag.List {
	if p.OnDestroy || p.body.code == nil {
		return nil
	}
	_, d := p.body.code.Context(ctx, s, m.env, expr.Local{Instance: inst, Self: cty.DynamicVal})
	return d
}

// stages are those at which the block has provisioners.
func (r *resourceCode) stages() driver.Stage {
	var out driver.Stage
	for _, p := range r.provisions {
		if p.OnDestroy {
			out |= driver.BeforeDelete
		} else {
			out |= driver.AfterCreate
		}
	}
	return out
}

// provision gives what runs an instance's provisioners; nil when it has none.
func (r *resource) provision(s object.Scope, inst object.Instance) func(context.Context, driver.Stage, cty.Value, func(string)) diag.List {
	if len(r.provisions) == 0 {
		return nil
	}
	return func(ctx context.Context, when driver.Stage, self cty.Value, log func(string)) diag.List {
		var d diag.List
		for _, p := range r.provisions {
			if p.OnDestroy != (when == driver.BeforeDelete) {
				continue
			}
			pd := p.run(ctx, s, r.m, expr.Local{Instance: inst, Self: self}, log)
			if p.Continue {
				pd = warnings(pd)
			}
			if d = append(d, pd...); pd.HasErrors() {
				break
			}
		}
		return d
	}
}

func (p *provisionCode) run(ctx context.Context, s object.Scope, m *module, l expr.Local, log func(string)) diag.List {
	v, d := p.body.decode(ctx, s, m, l)
	if d.HasErrors() {
		return d
	}
	return append(d, provisioner.Run(ctx, p.Type, v, log).At(p.DeclRange)...)
}
