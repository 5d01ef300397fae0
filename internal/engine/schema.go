package engine

import (
	"context"
	"strconv"
	"strings"

	tfaddr "github.com/hashicorp/terraform-registry-address"

	"tutti/internal/addr"
	"tutti/internal/stack"
	"tutti/internal/terraform/provider"
)

// Schema gives the schema of an object whose row is the driver's, for views; nil
// when it has none, or its provider is not at hand.
func (e *Engine) Schema(ctx context.Context, driver string, n addr.Name) *provider.Block {
	kind, ok := map[addr.Kind]provider.Kind{addr.Resource: provider.Managed, addr.Data: provider.Data, addr.Ephemeral: provider.Ephemeral}[n.Kind]
	text, found := strings.CutPrefix(driver, "provider[")
	if !ok || !found {
		return nil
	}
	quoted, err := strconv.QuotedPrefix(text)
	if err != nil {
		return nil
	}
	name, err := strconv.Unquote(quoted)
	if err != nil {
		return nil
	}
	source, err := tfaddr.ParseProviderSource(name)
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
