package provider

import (
	"context"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/diag"
	"tutti/internal/terraform/provider/tfplugin6"
)

func (c *client) Import(ctx context.Context, req ImportRequest) (ImportResponse, diag.List) {
	x := c.begin(ctx, Managed, req.TypeName)
	if x.broken {
		return ImportResponse{}, x.diags
	}
	msg := &tfplugin6.ImportResourceState_Request{
		TypeName:           req.TypeName,
		Id:                 req.ID,
		ClientCapabilities: c.able,
		Identity:           x.putIdentity(req.Identity),
	}
	var resp tfplugin6.ImportResourceState_Response
	if !x.send(ctx, callImport, msg, &resp) {
		return ImportResponse{}, x.diags
	}
	x.add(decodeDiagnostics(resp.Diagnostics))
	out := ImportResponse{Deferred: decodeDeferred(resp.Deferred)}
	if x.broken {
		return out, x.diags
	}
	for _, found := range resp.ImportedResources {
		out.Imported = append(out.Imported, x.imported(ctx, found))
	}
	return out, x.diags
}

// imported decodes one found object by the schema of its own type.
func (x *exchange) imported(ctx context.Context, in *tfplugin6.ImportResourceState_ImportedResource) Imported {
	out := Imported{TypeName: in.TypeName, Private: in.Private}
	of := x
	if in.TypeName != x.typeName {
		of = x.client.begin(ctx, Managed, in.TypeName)
	}
	if !of.broken {
		out.State, out.Identity = of.get(in.State, of.ty.Block), of.getIdentity(in.Identity)
	}
	if of != x {
		x.add(of.diags)
	}
	return out
}

func (c *client) Move(ctx context.Context, req MoveRequest) (MoveResponse, diag.List) {
	x := c.begin(ctx, Managed, req.TargetType)
	if x.broken {
		return MoveResponse{}, x.diags
	}
	if !x.schema.Capabilities.MoveResourceState {
		x.add(diag.Errorf(nil, "Move between resource types not supported", "Provider %s cannot take over the state of %s as %s: it supports no moves between resource types.",
			c.opts.Name, req.SourceType, req.TargetType))
		return MoveResponse{}, x.diags
	}
	msg := &tfplugin6.MoveResourceState_Request{
		SourceProviderAddress:       req.SourceProvider,
		SourceTypeName:              req.SourceType,
		SourceSchemaVersion:         req.SourceVersion,
		SourceState:                 &tfplugin6.RawState{Json: req.SourceJSON, Flatmap: req.SourceFlatmap},
		SourcePrivate:               req.SourcePrivate,
		TargetTypeName:              req.TargetType,
		SourceIdentitySchemaVersion: req.SourceIdentityVersion,
	}
	if req.SourceIdentityJSON != nil {
		msg.SourceIdentity = &tfplugin6.RawState{Json: req.SourceIdentityJSON}
	}
	var resp tfplugin6.MoveResourceState_Response
	if !x.send(ctx, callMove, msg, &resp) {
		return MoveResponse{}, x.diags
	}
	x.add(decodeDiagnostics(resp.Diagnostics))
	out := MoveResponse{Private: resp.TargetPrivate}
	if x.broken {
		return out, x.diags
	}
	out.State, out.Identity = x.get(resp.TargetState, x.ty.Block), x.getIdentity(resp.TargetIdentity)
	if !x.broken && out.State.IsNull() {
		x.add(diag.Errorf(nil, "Move between resource types not supported", "Provider %s gave nothing for the move of %s to %s.", c.opts.Name, req.SourceType, req.TargetType))
	}
	return out, x.diags
}

func (c *client) ReadData(ctx context.Context, req ReadDataRequest) (ReadDataResponse, diag.List) {
	x := c.begin(ctx, Data, req.TypeName)
	if x.broken {
		return ReadDataResponse{}, x.diags
	}
	msg := &tfplugin6.ReadDataSource_Request{
		TypeName:           req.TypeName,
		Config:             x.put(req.Config, x.ty.Block),
		ProviderMeta:       x.putOptional(req.ProviderMeta, x.schema.ProviderMeta),
		ClientCapabilities: c.able,
	}
	var resp tfplugin6.ReadDataSource_Response
	if !x.send(ctx, callReadData, msg, &resp) {
		return ReadDataResponse{}, x.diags
	}
	x.add(decodeDiagnostics(resp.Diagnostics))
	out := ReadDataResponse{State: cty.NilVal, Deferred: decodeDeferred(resp.Deferred)}
	if !x.broken {
		out.State = x.get(resp.State, x.ty.Block)
	}
	return out, x.diags
}
