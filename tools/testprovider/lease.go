package main

import (
	"context"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

func (p *provider) ValidateEphemeralResourceConfig(context.Context, *tfprotov6.ValidateEphemeralResourceConfigRequest) (*tfprotov6.ValidateEphemeralResourceConfigResponse, error) {
	return &tfprotov6.ValidateEphemeralResourceConfigResponse{}, nil
}

// The private data of a lease is "name/fault/renew_after".
func (p *provider) OpenEphemeralResource(_ context.Context, req *tfprotov6.OpenEphemeralResourceRequest) (*tfprotov6.OpenEphemeralResourceResponse, error) {
	ty := leaseSchema().ValueType()
	v, err := unpack(req.Config, ty)
	if err != nil {
		return nil, err
	}
	if v.text("fault") == "open_error" {
		return &tfprotov6.OpenEphemeralResourceResponse{Diagnostics: failure("Cannot open", "The fault says so.")}, nil
	}
	record("open", v.text("name"))
	after := time.Duration(v.number("renew_after")) * time.Millisecond
	resp := &tfprotov6.OpenEphemeralResourceResponse{
		Private: []byte(strings.Join([]string{v.text("name"), v.text("fault"), after.String()}, "/")),
	}
	if after > 0 {
		resp.RenewAt = time.Now().Add(after)
	}
	v["token"] = str("token-of-" + v.text("name"))
	resp.Result, err = pack(v, ty)
	return resp, err
}

// lease reads private data back.
func lease(private []byte) (name, fault string, after time.Duration) {
	parts := strings.Split(string(private), "/")
	if len(parts) != 3 {
		panic("private data of a lease was not handed back as it was")
	}
	after, err := time.ParseDuration(parts[2])
	if err != nil {
		panic(err)
	}
	return parts[0], parts[1], after
}

func (p *provider) RenewEphemeralResource(_ context.Context, req *tfprotov6.RenewEphemeralResourceRequest) (*tfprotov6.RenewEphemeralResourceResponse, error) {
	name, fault, after := lease(req.Private)
	if fault == "renew_error" {
		return &tfprotov6.RenewEphemeralResourceResponse{Diagnostics: failure("Cannot renew", "The fault says so.")}, nil
	}
	record("renew", name)
	return &tfprotov6.RenewEphemeralResourceResponse{Private: req.Private, RenewAt: time.Now().Add(after)}, nil
}

func (p *provider) CloseEphemeralResource(_ context.Context, req *tfprotov6.CloseEphemeralResourceRequest) (*tfprotov6.CloseEphemeralResourceResponse, error) {
	name, fault, _ := lease(req.Private)
	if fault == "close_error" {
		return &tfprotov6.CloseEphemeralResourceResponse{Diagnostics: failure("Cannot close", "The fault says so.")}, nil
	}
	record("close", name)
	return &tfprotov6.CloseEphemeralResourceResponse{}, nil
}
