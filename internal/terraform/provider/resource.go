package provider

import (
	"context"

	"github.com/zclconf/go-cty/cty"
	"google.golang.org/protobuf/proto"

	"tutti/internal/diag"
	"tutti/internal/terraform/provider/tfplugin5"
	"tutti/internal/terraform/provider/tfplugin6"
)

func (c *client) ValidateConfig(ctx context.Context, config cty.Value) (cty.Value, diag.List) {
	x := c.begin(ctx, 0, "")
	if x.broken {
		return config, x.diags
	}
	block := x.schema.Provider
	req := &tfplugin6.ValidateProviderConfig_Request{Config: x.put(config, block)}
	var resp tfplugin6.ValidateProviderConfig_Response
	if !x.send(ctx, callValidateProvider, req, &resp) {
		return config, x.diags
	}
	x.add(decodeDiagnostics(resp.Diagnostics))
	if done := prepared(&resp); done != nil && !x.broken {
		if v := x.get(done, block); v != cty.NilVal && !v.IsNull() {
			config = v
		}
	}
	return config, x.diags
}

// prepared gives the completed configuration of version 5: its field 1, which
// version 6 does not know and therefore keeps among the unknown fields.
func prepared(resp *tfplugin6.ValidateProviderConfig_Response) *tfplugin6.DynamicValue {
	if len(resp.ProtoReflect().GetUnknown()) == 0 {
		return nil
	}
	var five tfplugin5.PrepareProviderConfig_Response
	if err := proto.Unmarshal(resp.ProtoReflect().GetUnknown(), &five); err != nil || five.PreparedConfig == nil {
		return nil
	}
	return &tfplugin6.DynamicValue{Msgpack: five.PreparedConfig.Msgpack, Json: five.PreparedConfig.Json}
}

func (c *client) Configure(ctx context.Context, config cty.Value) diag.List {
	x := c.begin(ctx, 0, "")
	if x.broken {
		return x.diags
	}
	req := &tfplugin6.ConfigureProvider_Request{
		TerraformVersion:   c.opts.Version,
		Config:             x.put(config, x.schema.Provider),
		ClientCapabilities: c.able,
	}
	var resp tfplugin6.ConfigureProvider_Response
	if x.send(ctx, callConfigure, req, &resp) {
		x.add(decodeDiagnostics(resp.Diagnostics))
	}
	return x.diags
}

func (c *client) ValidateResource(ctx context.Context, kind Kind, typeName string, config cty.Value) diag.List {
	x := c.begin(ctx, kind, typeName)
	if x.broken {
		return x.diags
	}
	value := x.put(config, x.ty.Block)
	if x.broken {
		return x.diags
	}
	key := verdictKey(kind, typeName, value)
	said, known := c.verdicts.find(key)
	if !known {
		said = x.validate(ctx, kind, value)
	}
	if x.add(decodeDiagnostics(said)); !known && !x.broken {
		c.verdicts.keep(key, said)
	}
	return x.diags
}

// validate asks the provider.
func (x *exchange) validate(ctx context.Context, kind Kind, value *tfplugin6.DynamicValue) []*tfplugin6.Diagnostic {
	switch kind {
	case Managed:
		var resp tfplugin6.ValidateResourceConfig_Response
		x.send(ctx, callValidateManaged, &tfplugin6.ValidateResourceConfig_Request{TypeName: x.typeName, Config: value, ClientCapabilities: x.client.able}, &resp)
		return resp.Diagnostics
	case Data:
		var resp tfplugin6.ValidateDataResourceConfig_Response
		x.send(ctx, callValidateData, &tfplugin6.ValidateDataResourceConfig_Request{TypeName: x.typeName, Config: value}, &resp)
		return resp.Diagnostics
	case Ephemeral:
		var resp tfplugin6.ValidateEphemeralResourceConfig_Response
		x.send(ctx, callValidateEphemeral, &tfplugin6.ValidateEphemeralResourceConfig_Request{TypeName: x.typeName, Config: value}, &resp)
		return resp.Diagnostics
	}
	panic("provider: invariant broken: a configuration of kind " + kind.String())
}

func (c *client) UpgradeState(ctx context.Context, req UpgradeStateRequest) (cty.Value, diag.List) {
	x := c.begin(ctx, Managed, req.TypeName)
	if x.broken {
		return cty.NilVal, x.diags
	}
	var resp tfplugin6.UpgradeResourceState_Response
	if !x.send(ctx, callUpgradeState, &tfplugin6.UpgradeResourceState_Request{
		TypeName: req.TypeName,
		Version:  req.Version,
		RawState: &tfplugin6.RawState{Json: req.JSON, Flatmap: req.Flatmap},
	}, &resp) {
		return cty.NilVal, x.diags
	}
	x.add(decodeDiagnostics(resp.Diagnostics))
	if x.broken {
		return cty.NilVal, x.diags
	}
	return x.get(resp.UpgradedState, x.ty.Block), x.diags
}

func (c *client) UpgradeIdentity(ctx context.Context, typeName string, version int64, raw []byte) (cty.Value, diag.List) {
	x := c.begin(ctx, Managed, typeName)
	if x.broken {
		return cty.NilVal, x.diags
	}
	if x.ty.Identity == nil {
		x.add(diag.Errorf(nil, "Resource type has no identity", "Provider %s gives %s no identity, but one was stored.", c.opts.Name, typeName))
		return cty.NilVal, x.diags
	}
	var resp tfplugin6.UpgradeResourceIdentity_Response
	if !x.send(ctx, callUpgradeIdentity, &tfplugin6.UpgradeResourceIdentity_Request{
		TypeName: typeName, Version: version, RawIdentity: &tfplugin6.RawState{Json: raw},
	}, &resp) {
		return cty.NilVal, x.diags
	}
	x.add(decodeDiagnostics(resp.Diagnostics))
	if x.broken {
		return cty.NilVal, x.diags
	}
	return x.getIdentity(resp.UpgradedIdentity), x.diags
}

func (c *client) Read(ctx context.Context, req ReadRequest) (ReadResponse, diag.List) {
	x := c.begin(ctx, Managed, req.TypeName)
	if x.broken {
		return ReadResponse{}, x.diags
	}
	msg := &tfplugin6.ReadResource_Request{
		TypeName:           req.TypeName,
		CurrentState:       x.put(req.Prior, x.ty.Block),
		Private:            req.Private,
		ProviderMeta:       x.putOptional(req.ProviderMeta, x.schema.ProviderMeta),
		ClientCapabilities: c.able,
		CurrentIdentity:    x.putIdentity(req.Identity),
	}
	var resp tfplugin6.ReadResource_Response
	if !x.send(ctx, callRead, msg, &resp) {
		return ReadResponse{}, x.diags
	}
	x.add(decodeDiagnostics(resp.Diagnostics))
	out := ReadResponse{Private: resp.Private, Deferred: decodeDeferred(resp.Deferred)}
	if !x.broken {
		out.State, out.Identity = x.get(resp.NewState, x.ty.Block), x.getIdentity(resp.NewIdentity)
	}
	return out, x.diags
}

func (c *client) Plan(ctx context.Context, req PlanRequest) (PlanResponse, diag.List) {
	x := c.begin(ctx, Managed, req.TypeName)
	if x.broken {
		return PlanResponse{}, x.diags
	}
	if isNull(req.Proposed) && !x.schema.Capabilities.PlanDestroy {
		// Such a provider does not expect to be asked.
		return PlanResponse{Planned: cty.NullVal(x.ty.Block.ImpliedType()), Private: req.Private, Identity: req.Identity}, x.diags
	}
	msg := &tfplugin6.PlanResourceChange_Request{
		TypeName:           req.TypeName,
		PriorState:         x.put(req.Prior, x.ty.Block),
		ProposedNewState:   x.put(req.Proposed, x.ty.Block),
		Config:             x.put(req.Config, x.ty.Block),
		PriorPrivate:       req.Private,
		ProviderMeta:       x.putOptional(req.ProviderMeta, x.schema.ProviderMeta),
		ClientCapabilities: c.able,
		PriorIdentity:      x.putIdentity(req.Identity),
	}
	var resp tfplugin6.PlanResourceChange_Response
	if !x.send(ctx, callPlan, msg, &resp) {
		return PlanResponse{}, x.diags
	}
	x.add(decodeDiagnostics(resp.Diagnostics))
	out := PlanResponse{Private: resp.PlannedPrivate, LegacyTypes: resp.LegacyTypeSystem, Deferred: decodeDeferred(resp.Deferred)}
	if x.broken {
		return out, x.diags
	}
	for _, path := range resp.RequiresReplace {
		out.RequiresReplace = append(out.RequiresReplace, decodePath(path))
	}
	out.Planned, out.Identity = x.get(resp.PlannedState, x.ty.Block), x.getIdentity(resp.PlannedIdentity)
	return out, x.diags
}

func (c *client) Apply(ctx context.Context, req ApplyRequest) (ApplyResponse, diag.List) {
	x := c.begin(ctx, Managed, req.TypeName)
	if x.broken {
		return ApplyResponse{}, x.diags
	}
	msg := &tfplugin6.ApplyResourceChange_Request{
		TypeName:        req.TypeName,
		PriorState:      x.put(req.Prior, x.ty.Block),
		PlannedState:    x.put(req.Planned, x.ty.Block),
		Config:          x.put(req.Config, x.ty.Block),
		PlannedPrivate:  req.Private,
		ProviderMeta:    x.putOptional(req.ProviderMeta, x.schema.ProviderMeta),
		PlannedIdentity: x.putIdentity(req.Identity),
	}
	var resp tfplugin6.ApplyResourceChange_Response
	if !x.send(ctx, callApply, msg, &resp) {
		return ApplyResponse{}, x.diags
	}
	x.add(decodeDiagnostics(resp.Diagnostics))
	out := ApplyResponse{Private: resp.Private, LegacyTypes: resp.LegacyTypeSystem}
	if x.broken && resp.NewState == nil {
		// The provider failed and says nothing of what is there now.
		return out, x.diags
	}
	out.State, out.Identity = x.get(resp.NewState, x.ty.Block), x.getIdentity(resp.NewIdentity)
	return out, x.diags
}

// isNull reports whether a value stands for the absence of an object.
func isNull(v cty.Value) bool { return v == cty.NilVal || v.IsNull() }
