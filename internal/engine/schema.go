package engine

import (
	"context"

	"tutti/internal/addr"
	"tutti/internal/stack"
	"tutti/internal/terraform"
	"tutti/internal/terraform/config"
	"tutti/internal/terraform/provider"
)

// Schema gives the schema of an object whose row is the driver's, for views; nil
// when it has none, or its provider is not at hand.
func (e *Engine) Schema(ctx context.Context, driver string, n addr.Name) *provider.Block {
	if t := e.TypeOf(ctx, driver, n); t != nil {
		return t.Block
	}
	return nil
}

// TypeOf is Schema with the type's version.
func (e *Engine) TypeOf(ctx context.Context, driver string, n addr.Name) *provider.Type {
	kind, ok := map[addr.Kind]provider.Kind{addr.Resource: provider.Managed, addr.Data: provider.Data, addr.Ephemeral: provider.Ephemeral}[n.Kind]
	if !ok {
		return nil
	}
	source, err := terraform.DriverSource(driver)
	if err != nil {
		return nil
	}
	if e.session == nil {
		if _, d := e.open(ctx, e.stackOptions(stack.Validating)); d.HasErrors() || e.session == nil {
			return nil
		}
	}
	s, d := e.session.Schema(ctx, source)
	if d.HasErrors() || s == nil {
		return nil
	}
	return s.Types.Type(kind, n.Type)
}

// Configuration gives the tree of modules that a plan was made from; nil when it cannot be
// read any more.
func (e *Engine) Configuration(p *Planned) *config.Config {
	o := e.stackOptions(stack.Validating)
	o.Dir, o.Workspace, o.Time = p.Dir, p.Workspace, p.Plan.Time
	o.Files = config.Snapshot(p.Sources)
	s, _ := stack.Load(o)
	if s == nil {
		return nil
	}
	return s.Config
}
