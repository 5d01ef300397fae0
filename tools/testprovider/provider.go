package main

import (
	"context"
	"os"
	"sync"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// provider serves all calls; see the command's documentation.
type provider struct {
	resources  map[string]*tfprotov6.Schema
	data       map[string]*tfprotov6.Schema
	ephemerals map[string]*tfprotov6.Schema

	mu    sync.Mutex
	label string
}

var _ tfprotov6.ProviderServer = (*provider)(nil)

func newProvider(six bool) *provider {
	p := &provider{
		resources:  map[string]*tfprotov6.Schema{"faulty_thing": thingSchema(), "faulty_moved": movedSchema()},
		data:       map[string]*tfprotov6.Schema{"faulty_echo": echoSchema()},
		ephemerals: map[string]*tfprotov6.Schema{"faulty_lease": leaseSchema()},
	}
	if six {
		p.resources["faulty_nested"] = nestedSchema()
	}
	return p
}

func capabilities() *tfprotov6.ServerCapabilities {
	return &tfprotov6.ServerCapabilities{
		PlanDestroy:               capable("plan_destroy"),
		GetProviderSchemaOptional: capable("schema_optional"),
		MoveResourceState:         capable("move"),
	}
}

func (p *provider) GetMetadata(context.Context, *tfprotov6.GetMetadataRequest) (*tfprotov6.GetMetadataResponse, error) {
	resp := &tfprotov6.GetMetadataResponse{ServerCapabilities: capabilities()}
	for name := range p.resources {
		resp.Resources = append(resp.Resources, tfprotov6.ResourceMetadata{TypeName: name})
	}
	return resp, nil
}

func (p *provider) GetProviderSchema(context.Context, *tfprotov6.GetProviderSchemaRequest) (*tfprotov6.GetProviderSchemaResponse, error) {
	record("schema")
	resp := &tfprotov6.GetProviderSchemaResponse{
		ServerCapabilities:       capabilities(),
		Provider:                 providerSchema(),
		ProviderMeta:             metaSchema(),
		ResourceSchemas:          p.resources,
		DataSourceSchemas:        p.data,
		EphemeralResourceSchemas: p.ephemerals,
		Functions:                functions(),
	}
	switch os.Getenv("FAULTY_SCHEMA") {
	case "error":
		resp.Diagnostics = failure("No schema today", "FAULTY_SCHEMA says so.")
	case "bad":
		resp.ResourceSchemas["faulty_thing"].Block.BlockTypes = []*tfprotov6.SchemaNestedBlock{{TypeName: "bad", Block: block()}}
	}
	return resp, nil
}

func (p *provider) GetResourceIdentitySchemas(context.Context, *tfprotov6.GetResourceIdentitySchemasRequest) (*tfprotov6.GetResourceIdentitySchemasResponse, error) {
	return &tfprotov6.GetResourceIdentitySchemasResponse{
		IdentitySchemas: map[string]*tfprotov6.ResourceIdentitySchema{"faulty_thing": thingIdentity()},
	}, nil
}

func (p *provider) ValidateProviderConfig(_ context.Context, req *tfprotov6.ValidateProviderConfigRequest) (*tfprotov6.ValidateProviderConfigResponse, error) {
	return &tfprotov6.ValidateProviderConfigResponse{PreparedConfig: req.Config}, nil
}

func (p *provider) ConfigureProvider(ctx context.Context, req *tfprotov6.ConfigureProviderRequest) (*tfprotov6.ConfigureProviderResponse, error) {
	config, err := unpack(req.Config, providerSchema().ValueType())
	if err != nil {
		return nil, err
	}
	switch config.text("fault") {
	case "configure_error":
		return &tfprotov6.ConfigureProviderResponse{Diagnostics: failure("Cannot configure", "The fault says so.")}, nil
	case "configure_crash":
		panic("told to crash in configure")
	case "configure_hang":
		<-ctx.Done()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.label = config.text("label")
	record("configure", p.label)
	return &tfprotov6.ConfigureProviderResponse{}, nil
}

func (p *provider) StopProvider(context.Context, *tfprotov6.StopProviderRequest) (*tfprotov6.StopProviderResponse, error) {
	record("stop")
	return &tfprotov6.StopProviderResponse{}, nil
}

func (p *provider) ValidateDataResourceConfig(context.Context, *tfprotov6.ValidateDataResourceConfigRequest) (*tfprotov6.ValidateDataResourceConfigResponse, error) {
	return &tfprotov6.ValidateDataResourceConfigResponse{}, nil
}

func (p *provider) ReadDataSource(_ context.Context, req *tfprotov6.ReadDataSourceRequest) (*tfprotov6.ReadDataSourceResponse, error) {
	ty := echoSchema().ValueType()
	v, err := unpack(req.Config, ty)
	if err != nil {
		return nil, err
	}
	resp := &tfprotov6.ReadDataSourceResponse{}
	switch v.text("fault") {
	case "read_error":
		resp.Diagnostics = failure("Cannot read", "The fault says so.")
		return resp, nil
	case "read_crash":
		panic("told to crash in reading data")
	case "defer":
		resp.Deferred = &tfprotov6.Deferred{Reason: tfprotov6.DeferredReasonAbsentPrereq}
	}
	v["output"] = v["input"]
	resp.State, err = pack(v, ty)
	return resp, err
}

func (p *provider) GetFunctions(context.Context, *tfprotov6.GetFunctionsRequest) (*tfprotov6.GetFunctionsResponse, error) {
	return &tfprotov6.GetFunctionsResponse{Functions: functions()}, nil
}

func (p *provider) CallFunction(_ context.Context, req *tfprotov6.CallFunctionRequest) (*tfprotov6.CallFunctionResponse, error) {
	switch req.Name {
	case "join_all":
		return joinAll(req.Arguments)
	case "blame":
		v, err := req.Arguments[0].Unmarshal(tftypes.Number)
		if err != nil {
			return nil, err
		}
		index := values{"index": v}.number("index")
		return &tfprotov6.CallFunctionResponse{Error: &tfprotov6.FunctionError{Text: "this one is wrong", FunctionArgument: &index}}, nil
	case "crash":
		panic("told to crash in a function")
	case "wrong_type":
		return &tfprotov6.CallFunctionResponse{Result: &tfprotov6.DynamicValue{JSON: []byte(`[1]`)}}, nil
	default:
		return &tfprotov6.CallFunctionResponse{Error: &tfprotov6.FunctionError{Text: "no such function"}}, nil
	}
}

func joinAll(args []*tfprotov6.DynamicValue) (*tfprotov6.CallFunctionResponse, error) {
	var out, separator string
	for i, arg := range args {
		v, err := arg.Unmarshal(tftypes.String)
		if err != nil {
			return nil, err
		}
		s := values{"s": v}.text("s")
		switch i {
		case 0:
			separator = s
		case 1:
			out = s
		default:
			out += separator + s
		}
	}
	d, err := tfprotov6.NewDynamicValue(tftypes.String, str(out))
	return &tfprotov6.CallFunctionResponse{Result: &d}, err
}
