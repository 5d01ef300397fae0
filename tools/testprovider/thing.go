package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// garbage is an answer that is no value of any type.
func garbage() *tfprotov6.DynamicValue { return &tfprotov6.DynamicValue{MsgPack: []byte{0xc1, 0xff}} }

// wrongType is a well-formed value of a type that no schema here has.
func wrongType() *tfprotov6.DynamicValue {
	return &tfprotov6.DynamicValue{JSON: []byte(`{"name":["not","a","string"]}`)}
}

func (p *provider) ValidateResourceConfig(_ context.Context, req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	resp := &tfprotov6.ValidateResourceConfigResponse{}
	v, err := unpack(req.Config, p.resources[req.TypeName].ValueType())
	if err != nil {
		return nil, err
	}
	switch v.text("fault") {
	case "validate_error":
		resp.Diagnostics = failure("Bad name", "The fault says so.")
		resp.Diagnostics[0].Attribute = tftypes.NewAttributePath().WithAttributeName("name")
	case "validate_warning":
		resp.Diagnostics = warning("Odd name", "The fault says so.")
	}
	if wo := req.ClientCapabilities; !v["secret_wo"].IsNull() && (wo == nil || !wo.WriteOnlyAttributesAllowed) {
		resp.Diagnostics = failure("Write-only attributes not allowed", "The client did not announce them.")
	}
	return resp, nil
}

func (p *provider) UpgradeResourceState(_ context.Context, req *tfprotov6.UpgradeResourceStateRequest) (*tfprotov6.UpgradeResourceStateResponse, error) {
	ty := p.resources[req.TypeName].ValueType()
	if req.TypeName == "faulty_thing" && req.Version < 2 {
		return upgradeThing(req, ty)
	}
	v, err := req.RawState.UnmarshalWithOpts(ty, tfprotov6.UnmarshalOpts{ValueFromJSONOpts: tftypes.ValueFromJSONOpts{IgnoreUndefinedAttributes: true}})
	if err != nil {
		return &tfprotov6.UpgradeResourceStateResponse{Diagnostics: failure("Cannot read the stored state", err.Error())}, nil
	}
	d, err := tfprotov6.NewDynamicValue(ty, v)
	return &tfprotov6.UpgradeResourceStateResponse{UpgradedState: &d}, err
}

// upgradeThing reads version 0 (title for name; perhaps a flat map) and 1 (size as text).
func upgradeThing(req *tfprotov6.UpgradeResourceStateRequest, ty tftypes.Type) (*tfprotov6.UpgradeResourceStateResponse, error) {
	old := map[string]any{}
	if req.RawState.JSON != nil {
		if err := json.Unmarshal(req.RawState.JSON, &old); err != nil {
			return nil, err
		}
	}
	for k, v := range req.RawState.Flatmap {
		old[k] = v
	}
	get := func(name string) string { s, _ := old[name].(string); return s }
	v := empty(ty)
	v["name"], v["id"] = str(get("name")), str(get("id"))
	if req.Version == 0 {
		v["name"] = str(get("title"))
	}
	if n, err := strconv.ParseInt(get("size"), 10, 64); err == nil {
		v["size"] = num(n)
	}
	v["serial"], v["secret_length"], v["meta_seen"], v["label_seen"] = num(1), num(0), str(""), str("")
	d, err := pack(v, ty)
	return &tfprotov6.UpgradeResourceStateResponse{UpgradedState: d}, err
}

// empty gives an object of nulls.
func empty(ty tftypes.Type) values {
	out := values{}
	for name, t := range ty.(tftypes.Object).AttributeTypes {
		out[name] = tftypes.NewValue(t, nil)
	}
	return out
}

func identity(name tftypes.Value) *tfprotov6.ResourceIdentityData {
	d, err := pack(values{"name": name}, thingIdentity().ValueType())
	if err != nil {
		panic(err)
	}
	return &tfprotov6.ResourceIdentityData{IdentityData: d}
}

func (p *provider) UpgradeResourceIdentity(_ context.Context, req *tfprotov6.UpgradeResourceIdentityRequest) (*tfprotov6.UpgradeResourceIdentityResponse, error) {
	old := map[string]string{}
	if err := json.Unmarshal(req.RawIdentity.JSON, &old); err != nil {
		return nil, err
	}
	name := old["name"]
	if req.Version == 0 {
		name = old["title"]
	}
	return &tfprotov6.UpgradeResourceIdentityResponse{UpgradedIdentity: identity(str(name))}, nil
}

func (p *provider) ReadResource(_ context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	ty := p.resources[req.TypeName].ValueType()
	v, err := unpack(req.CurrentState, ty)
	if err != nil {
		return nil, err
	}
	resp := &tfprotov6.ReadResourceResponse{NewState: req.CurrentState, Private: req.Private}
	if req.TypeName != "faulty_thing" {
		return resp, nil
	}
	record("read", v.text("name"))
	resp.NewIdentity = identity(v["name"])
	if path := v.text("path"); path != "" {
		if _, err := os.Stat(path); err != nil {
			v = nil
		}
	}
	switch v.text("fault") {
	case "read_error":
		resp.Diagnostics = failure("Cannot read", "The fault says so.")
	case "read_crash":
		panic("told to crash in read")
	case "read_gone":
		v = nil
	case "read_stop":
		// The whole process stands still, as under a debugger.
		if err := syscall.Kill(os.Getpid(), syscall.SIGSTOP); err != nil {
			return nil, err
		}
		sleep() // the signal may reach another thread first
	case "read_drift":
		v["size"] = num(99)
	case "defer":
		if req.ClientCapabilities != nil && req.ClientCapabilities.DeferralAllowed {
			resp.Deferred = &tfprotov6.Deferred{Reason: tfprotov6.DeferredReasonProviderConfigUnknown}
		}
	}
	resp.NewState, err = pack(v, ty)
	return resp, err
}

func (p *provider) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	ty := p.resources[req.TypeName].ValueType()
	prior, err := unpack(req.PriorState, ty)
	if err != nil {
		return nil, err
	}
	v, err := unpack(req.ProposedNewState, ty)
	if err != nil {
		return nil, err
	}
	resp := &tfprotov6.PlanResourceChangeResponse{PlannedPrivate: req.PriorPrivate}
	switch {
	case v == nil:
		resp.PlannedState = req.ProposedNewState
		return resp, nil
	case req.TypeName != "faulty_thing":
		if prior == nil {
			v["id"] = unknownString()
		}
	default:
		p.planThing(req, prior, v, resp)
		misplan(ctx, v.text("fault"), v, resp, req.ClientCapabilities != nil && req.ClientCapabilities.DeferralAllowed)
		if len(resp.Diagnostics) > 0 && resp.Diagnostics[0].Severity == tfprotov6.DiagnosticSeverityError || resp.PlannedState != nil {
			return resp, nil
		}
	}
	resp.PlannedState, err = pack(v, ty)
	return resp, err
}

func (p *provider) planThing(req *tfprotov6.PlanResourceChangeRequest, prior, v values, resp *tfprotov6.PlanResourceChangeResponse) {
	resp.PlannedPrivate = append([]byte("planned:"), req.PriorPrivate...)
	resp.PlannedIdentity = identity(v["name"])
	v["secret_wo"] = noString()
	if prior != nil && !prior["name"].Equal(v["name"]) {
		resp.RequiresReplace = []*tftypes.AttributePath{tftypes.NewAttributePath().WithAttributeName("name")}
	}
	changed := prior == nil
	for _, name := range []string{"name", "size", "value", "secret_wo_version", "path", "delay", "fault"} {
		changed = changed || !prior[name].Equal(v[name])
	}
	if !changed {
		return
	}
	v["serial"], v["secret_length"], v["meta_seen"], v["label_seen"] = unknownNumber(), unknownNumber(), unknownString(), unknownString()
	if prior == nil || len(resp.RequiresReplace) > 0 {
		v["id"] = unknownString()
	}
}

// misplan carries out a fault of planning.
func misplan(ctx context.Context, fault string, v values, resp *tfprotov6.PlanResourceChangeResponse, mayDefer bool) {
	switch fault {
	case "plan_error":
		resp.Diagnostics = failure("Cannot plan", "The fault says so.")
	case "plan_warning":
		resp.Diagnostics = warning("Plan with care", "The fault says so.")
	case "plan_crash":
		panic("told to crash in plan")
	case "plan_hang":
		<-ctx.Done()
	case "plan_wrong_type":
		resp.PlannedState = wrongType()
	case "plan_garbage":
		resp.PlannedState = garbage()
	case "plan_changes_config":
		v["name"] = str("another name")
	case "legacy":
		//lint:ignore SA1019 What old providers say is what this fault is about.
		resp.UnsafeToUseLegacyTypeSystem = true
		v["size"] = num(0)
	case "defer":
		if mayDefer {
			resp.Deferred = &tfprotov6.Deferred{Reason: tfprotov6.DeferredReasonResourceConfigUnknown}
		}
	}
}

func (p *provider) ApplyResourceChange(ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	ty := p.resources[req.TypeName].ValueType()
	prior, err := unpack(req.PriorState, ty)
	if err != nil {
		return nil, err
	}
	v, err := unpack(req.PlannedState, ty)
	if err != nil {
		return nil, err
	}
	resp := &tfprotov6.ApplyResourceChangeResponse{Private: []byte("applied")}
	if req.TypeName != "faulty_thing" {
		if v != nil && !v["id"].IsKnown() {
			v["id"] = str("id")
		}
		resp.NewState, err = pack(v, ty)
		return resp, err
	}
	if err := p.applyThing(ctx, req, prior, v, resp); err != nil {
		return nil, err
	}
	if resp.NewState == nil {
		resp.NewState, err = pack(v, ty)
	}
	return resp, err
}

func (p *provider) applyThing(ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest, prior, v values, resp *tfprotov6.ApplyResourceChangeResponse) error {
	ty := thingSchema().ValueType()
	fault := v.text("fault")
	if v == nil {
		fault = prior.text("fault")
	}
	if done, err := misapplyBefore(fault, resp, req); done || err != nil {
		return err
	}
	delay := max(v.number("delay"), prior.number("delay"))
	select {
	case <-time.After(time.Duration(delay) * time.Millisecond):
	case <-ctx.Done():
		resp.Diagnostics = failure("Interrupted", "The thing was asked to stop.")
		resp.NewState = req.PriorState
		return nil
	}
	if v == nil {
		record("delete", prior.text("name"))
		if path := prior.text("path"); path != "" {
			return os.Remove(path)
		}
		return nil
	}
	if err := p.make(req, prior, v, resp); err != nil {
		return err
	}
	return misapplyAfter(ctx, fault, v, ty, resp)
}

// make does what an apply is for.
func (p *provider) make(req *tfprotov6.ApplyResourceChangeRequest, prior, v values, resp *tfprotov6.ApplyResourceChangeResponse) error {
	config, err := unpack(req.Config, thingSchema().ValueType())
	if err != nil {
		return err
	}
	meta, err := unpack(req.ProviderMeta, metaSchema().ValueType())
	if err != nil {
		return err
	}
	p.mu.Lock()
	label := p.label
	p.mu.Unlock()
	name := v.text("name")
	if prior == nil {
		record("create", name)
		v["id"] = str("id-of-" + name)
	} else {
		record("update", name)
	}
	v["serial"] = num(prior.number("serial") + 1)
	v["secret_length"] = num(int64(len(config.text("secret_wo"))))
	v["meta_seen"], v["label_seen"] = str(meta.text("module_name")), str(label)
	v["secret_wo"] = noString()
	resp.NewIdentity = identity(v["name"])
	if path := v.text("path"); path != "" {
		return os.WriteFile(path, fmt.Appendf(nil, "%s %d\n", name, v.number("size")), 0o644)
	}
	return nil
}

// misapplyBefore carries out a fault before anything is done; done says that
// nothing will be.
func misapplyBefore(fault string, resp *tfprotov6.ApplyResourceChangeResponse, req *tfprotov6.ApplyResourceChangeRequest) (done bool, err error) {
	switch fault {
	case "apply_error":
		resp.Diagnostics = failure("Cannot apply", "The fault says so.")
		resp.NewState = req.PriorState
		return true, nil
	case "apply_crash":
		panic("told to crash in apply")
	case "apply_exit":
		os.Exit(7)
	case "apply_freeze":
		record("freeze")
		sleep()
	}
	return false, nil
}

// misapplyAfter carries out a fault when the thing exists already.
func misapplyAfter(ctx context.Context, fault string, v values, ty tftypes.Type, resp *tfprotov6.ApplyResourceChangeResponse) error {
	switch fault {
	case "apply_error_partial":
		resp.Diagnostics = failure("Half done", "The fault says so.")
	case "apply_crash_after":
		panic("told to crash after apply")
	case "apply_hang":
		<-ctx.Done()
		resp.Diagnostics = failure("Interrupted", "The thing was asked to stop.")
	case "apply_unknown":
		v["id"] = unknownString()
	case "apply_wrong_value":
		v["name"] = str("another name")
	case "apply_wrong_type":
		resp.NewState = wrongType()
	case "apply_null":
		var err error
		resp.NewState, err = pack(nil, ty)
		return err
	}
	return nil
}

func (p *provider) ImportResourceState(_ context.Context, req *tfprotov6.ImportResourceStateRequest) (*tfprotov6.ImportResourceStateResponse, error) {
	resp := &tfprotov6.ImportResourceStateResponse{}
	name := req.ID
	if req.Identity != nil {
		id, err := unpack(req.Identity.IdentityData, thingIdentity().ValueType())
		if err != nil {
			return nil, err
		}
		name = id.text("name")
	}
	if name == "none" {
		return resp, nil
	}
	v := empty(thingSchema().ValueType())
	v["name"], v["id"], v["serial"] = str(name), str("id-of-"+name), num(1)
	d, err := pack(v, thingSchema().ValueType())
	if err != nil {
		return nil, err
	}
	resp.ImportedResources = []*tfprotov6.ImportedResource{{TypeName: "faulty_thing", State: d, Private: []byte("imported"), Identity: identity(v["name"])}}
	if name == "two" {
		d, err := pack(values{"name": str(name), "id": str("second")}, movedSchema().ValueType())
		if err != nil {
			return nil, err
		}
		resp.ImportedResources = append(resp.ImportedResources, &tfprotov6.ImportedResource{TypeName: "faulty_moved", State: d})
	}
	return resp, nil
}

func (p *provider) MoveResourceState(_ context.Context, req *tfprotov6.MoveResourceStateRequest) (*tfprotov6.MoveResourceStateResponse, error) {
	if req.SourceTypeName != "faulty_thing" || req.TargetTypeName != "faulty_moved" {
		return &tfprotov6.MoveResourceStateResponse{Diagnostics: failure("Cannot move", req.SourceTypeName+" to "+req.TargetTypeName)}, nil
	}
	var old struct{ Name, ID string }
	if err := json.Unmarshal(req.SourceState.JSON, &old); err != nil {
		return nil, err
	}
	d, err := pack(values{"name": str(old.Name), "id": str(old.ID)}, movedSchema().ValueType())
	return &tfprotov6.MoveResourceStateResponse{TargetState: d, TargetPrivate: req.SourcePrivate}, err
}

func (p *provider) GenerateResourceConfig(_ context.Context, req *tfprotov6.GenerateResourceConfigRequest) (*tfprotov6.GenerateResourceConfigResponse, error) {
	return &tfprotov6.GenerateResourceConfigResponse{Config: req.State}, nil
}
