package resource

import (
	"context"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/schema"
)

// Read implements object.Driver. What the provider puts off is as it was.
func (m *managed) Read(ctx context.Context, at addr.Instance, known *object.Actual) (*object.Actual, diag.List) {
	prior, where := unmark(known.Value)
	resp, d := m.o.Provider.Read(ctx, provider.ReadRequest{TypeName: m.o.TypeName, Prior: prior, Private: known.Private,
		ProviderMeta: m.o.Meta, Identity: known.Identity})
	d = m.o.locate(d).In(at.String())
	switch {
	case d.HasErrors():
		return nil, d
	case resp.Deferred != "":
		return known, d
	}
	bad := m.o.Schema.Block.Conforms(resp.State)
	switch {
	case len(bad) > 0:
	case resp.State.IsNull():
		return nil, d
	case !wholly(resp.State):
		bad = problem("what exists must be wholly known")
	default:
		bad = writeOnly(m.o.Schema.Block, resp.State)
	}
	if len(bad) > 0 {
		return nil, append(d, m.o.blame(at.String(), "Provider produced invalid object", "read an invalid value", bad)...).In(at.String())
	}
	out := &object.Actual{Value: known.Value, Private: resp.Private, Identity: orIdentity(resp.Identity, known.Identity), Tainted: known.Tainted}
	if !resp.State.RawEquals(prior) {
		out.Value = m.o.mark(resp.State, where)
	}
	return out, d
}

func (m *managed) importObject(ctx context.Context, at addr.Instance, id object.ImportID) (*object.Actual, diag.List) {
	identity := id.Identity
	if id.ID == "" && identity != cty.NilVal {
		if m.o.Schema.Identity == nil {
			return nil, diag.Errorf(nil, "Import by identity is not supported",
				"The provider gives the type %s no identity. Import it by its ID.", m.o.TypeName).In(at.String())
		}
		identity, _ = unmark(identity)
		coerced, err := m.o.Schema.Identity.Coerce(identity)
		if err != nil {
			return nil, diag.FromError("Invalid import identity", err).In(at.String())
		}
		identity = coerced
	}
	resp, d := m.o.Provider.Import(ctx, provider.ImportRequest{TypeName: m.o.TypeName, ID: id.ID, Identity: identity})
	d = d.In(at.String())
	if d.HasErrors() {
		return nil, d
	}
	if resp.Deferred != "" {
		return nil, append(d, diag.Errorf(nil, "Import is not possible yet", "%s cannot be imported yet: %s.", at, why(resp.Deferred)).In(at.String())...)
	}
	for _, found := range resp.Imported {
		if found.TypeName != m.o.TypeName {
			continue
		}
		bad := m.o.Schema.Block.Conforms(found.State)
		if len(bad) == 0 && found.State.IsNull() {
			bad = problem("the imported object is null")
		}
		if len(bad) > 0 {
			return nil, append(d, m.o.blame(at.String(), "Provider produced invalid import", "imported an invalid object", bad)...)
		}
		return &object.Actual{Value: m.o.mark(found.State, nil), Private: found.Private, Identity: found.Identity}, d
	}
	return nil, append(d, diag.Errorf(nil, "Cannot import non-existent remote object",
		"The provider found no %s by that ID for %s. Check the ID, and the account and region that the provider is configured for.", m.o.TypeName, at).In(at.String())...)
}

func orIdentity(v, def cty.Value) cty.Value {
	if v == cty.NilVal || v.IsNull() {
		return def
	}
	return v
}

func problem(text string) []schema.Problem { return []schema.Problem{{Text: text}} }
