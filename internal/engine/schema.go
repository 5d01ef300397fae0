package engine

import (
	"context"

	"tutti/internal/addr"
	"tutti/internal/stack"
	"tutti/internal/terraform"
	"tutti/internal/terraform/provider"
)

// Schema gives the schema of an object whose row is the driver's, for views; nil
// when it has none, or its provider is not at hand.
func (e *Engine) Schema(ctx context.Context, driver string, n addr.Name) *provider.Block {
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
	if t := s.Types.Type(kind, n.Type); t != nil {
		return t.Block
	}
	return nil
}
