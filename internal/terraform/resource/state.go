package resource

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/terraform/provider"
)

// Decode implements object.Driver. What was written with today's schema is read
// here; anything else, and what does not fit, the provider upgrades.
func (m *managed) Decode(ctx context.Context, s *object.State) (*object.Actual, diag.List) {
	a, d := m.o.decode(ctx, s, m.upgrade)
	return a, d.In(s.Addr.String())
}

// Encode implements object.Driver.
func (m *managed) Encode(a *object.Actual) (*object.State, error) { return m.o.encode(a) }

type upgrader func(ctx context.Context, s *object.State) (cty.Value, diag.List)

func (o *Options) decode(ctx context.Context, s *object.State, upgrade upgrader) (*object.Actual, diag.List) {
	if s.SchemaVersion > o.Schema.Version {
		return nil, diag.Errorf(nil, "Resource instance managed by newer provider version",
			"The state of %s has schema version %d, and the provider that is installed knows versions up to %d. Install a newer version of %s.",
			s.Addr, s.SchemaVersion, o.Schema.Version, o.Name)
	}
	v, ok := cty.NilVal, false
	if s.SchemaVersion == o.Schema.Version && s.Attributes != nil {
		v, ok = o.fits(s.Attributes)
	}
	var d diag.List
	if !ok {
		if v, d = upgrade(ctx, s); d.HasErrors() {
			return nil, d
		}
	}
	a := &object.Actual{Value: o.mark(v, s.Sensitive), Private: s.Private, Tainted: s.Tainted}
	id, more := o.decodeIdentity(ctx, s)
	a.Identity = id
	return a, append(d, more...)
}

// fits reads attributes that have today's shape.
func (o *Options) fits(attributes []byte) (cty.Value, bool) {
	v, err := decodeAttributes(attributes, o.Schema.Block.Type())
	if err != nil || v.IsNull() {
		return cty.NilVal, false
	}
	for name, b := range o.Schema.Block.Source().Blocks {
		// Blocks that are missing are empty: a null one comes of an older shape.
		if b.Nesting != provider.NestingSingle && v.GetAttr(name).IsNull() {
			return cty.NilVal, false
		}
	}
	return v, true
}

func (m *managed) upgrade(ctx context.Context, s *object.State) (cty.Value, diag.List) {
	v, d := m.o.Provider.UpgradeState(ctx, provider.UpgradeStateRequest{TypeName: m.o.TypeName, Version: s.SchemaVersion,
		JSON: s.Attributes, Flatmap: s.Flatmap})
	if d.HasErrors() {
		return v, d
	}
	bad := m.o.Schema.Block.Conforms(v)
	if len(bad) == 0 && !wholly(v) {
		bad = problem("a state must be wholly known")
	}
	return v, append(d, m.o.blame(s.Addr.String(), "Provider produced invalid upgraded state", "upgraded a state wrongly", bad)...)
}

func (o *Options) decodeIdentity(ctx context.Context, s *object.State) (cty.Value, diag.List) {
	if s.Identity == nil || o.Schema.Identity == nil {
		return cty.NilVal, nil
	}
	if s.IdentityVersion == o.Schema.IdentityVersion {
		if id, err := ctyjson.Unmarshal(s.Identity, o.Schema.Identity.Type()); err == nil {
			return id, nil
		}
	}
	return o.Provider.UpgradeIdentity(ctx, o.TypeName, s.IdentityVersion, s.Identity)
}

func (o *Options) encode(a *object.Actual) (*object.State, error) {
	seen := look(a.Value)
	if seen&hasMarks != 0 && object.HasMark(a.Value, object.Ephemeral) {
		panic("resource: invariant broken: an ephemeral value in a state")
	}
	v, where := unmark(a.Value)
	if seen&hasUnknown != 0 {
		return nil, errors.New("an unknown value cannot be stored")
	}
	src, err := ctyjson.Marshal(v, o.Schema.Block.Type())
	if err != nil {
		return nil, fmt.Errorf("state of a %s: %w", o.TypeName, err)
	}
	s := &object.State{Driver: o.Name, SchemaVersion: o.Schema.Version, Attributes: src, Sensitive: where, Private: a.Private, Tainted: a.Tainted}
	if o.Schema.Identity == nil || a.Identity == cty.NilVal || a.Identity.IsNull() {
		return s, nil
	}
	if s.Identity, err = ctyjson.Marshal(a.Identity, o.Schema.Identity.Type()); err != nil {
		return nil, fmt.Errorf("identity of a %s: %w", o.TypeName, err)
	}
	s.IdentityVersion = o.Schema.IdentityVersion
	return s, nil
}

func (m *managed) move(ctx context.Context, from *object.State) (*object.Actual, diag.List) {
	resp, d := m.o.Provider.Move(ctx, provider.MoveRequest{
		SourceProvider: providerAddress(from.Driver), SourceType: from.Addr.Type, SourceVersion: from.SchemaVersion,
		SourceJSON: from.Attributes, SourceFlatmap: from.Flatmap, SourcePrivate: from.Private,
		SourceIdentityJSON: from.Identity, SourceIdentityVersion: from.IdentityVersion, TargetType: m.o.TypeName})
	if d.HasErrors() {
		return nil, d.In(from.Addr.String())
	}
	bad := m.o.Schema.Block.Conforms(resp.State)
	switch {
	case len(bad) > 0:
	case resp.State.IsNull():
		bad = problem("the moved object is null")
	case !wholly(resp.State):
		bad = problem("a state must be wholly known")
	default:
		bad = writeOnly(m.o.Schema.Block, resp.State)
	}
	if len(bad) > 0 {
		return nil, append(d, m.o.blame(from.Addr.String(), "Provider produced invalid moved state", "moved a state wrongly", bad)...)
	}
	return &object.Actual{Value: m.o.mark(resp.State, nil), Private: resp.Private, Identity: resp.Identity, Tainted: from.Tainted}, d
}

// providerAddress takes the address out of provider["..."].
func providerAddress(driver string) string {
	s := driver[strings.LastIndex(driver, "provider")+len("provider"):]
	s = strings.TrimPrefix(s, "[\"")
	if i := strings.Index(s, "\"]"); i >= 0 {
		s = s[:i]
	}
	return s
}
