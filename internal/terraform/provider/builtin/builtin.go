// Package builtin is the provider terraform.io/builtin/terraform, which has no
// executable: the resource type terraform_data, the data source
// terraform_remote_state and the functions that encode and decode variable files.
//
// In and out are those of package provider, whose contract it meets without a
// process. It owns what Terraform's own built-in provider does, as measured
// against Terraform 1.11; it must not know backends other than files on this
// machine, for which it asks the caller's StateReader, nor plans or stores.
package builtin

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/diag"
	"tutti/internal/terraform/provider"
)

// Address is the address under which configurations ask for this provider.
const Address = "terraform.io/builtin/terraform"

// The names of what the provider has.
const (
	dataType        = "terraform_data"
	remoteStateType = "terraform_remote_state"
)

// StateReader gives the root outputs of another stack's state. The configuration
// is that of the backend and wholly known. It fails with ErrNoState when the
// backend holds none for the workspace, with ErrNoBackend when it has no backend
// of that name.
type StateReader func(ctx context.Context, backend string, config cty.Value, workspace string) (map[string]cty.Value, error)

// Options say what stands for the world; the zero value is complete.
type Options struct {
	// ReadState reads states that are not files on this machine; nil knows none.
	ReadState StateReader
	// ReadStore gives the outputs of a state that is kept elsewhere than in the file
	// that the backend "local" names; ok is false when the file itself counts. Nil
	// always reads the file.
	ReadStore func(ctx context.Context, file, workspace string) (outputs map[string]cty.Value, ok bool, err error)
	// Dir is where relative paths of states begin; the working directory by default.
	Dir string
	// NewID makes the ID of a new terraform_data: a random UUID by default.
	NewID func() string
}

// New gives the provider.
func New(opts Options) provider.Provider {
	if opts.NewID == nil {
		opts.NewID = uuid.NewString
	}
	return &builtin{opts: opts, schema: newSchema()}
}

// builtin holds nothing that changes, so that every call may run at once.
type builtin struct {
	opts   Options
	schema *provider.Schema
}

var _ provider.Provider = (*builtin)(nil)

func (b *builtin) Schema(context.Context) (*provider.Schema, diag.List) { return b.schema, nil }

func (b *builtin) ValidateConfig(_ context.Context, config cty.Value) (cty.Value, diag.List) {
	return config, nil
}

func (b *builtin) Configure(context.Context, cty.Value) diag.List { return nil }

func (b *builtin) ValidateResource(_ context.Context, kind provider.Kind, typeName string, config cty.Value) diag.List {
	switch {
	case kind == provider.Managed && typeName == dataType:
		return nil
	case kind == provider.Data && typeName == remoteStateType:
		return b.validateRemoteState(config)
	default:
		return b.unknown(kind, typeName)
	}
}

func (b *builtin) unknown(kind provider.Kind, typeName string) diag.List {
	return diag.Errorf(nil, "Unknown resource type", "Provider %s has no %s named %q.%s", Address, kind, typeName,
		diag.DidYouMean(typeName, b.schema.Types.Names(kind)))
}

func (b *builtin) UpgradeIdentity(_ context.Context, typeName string, _ int64, _ []byte) (cty.Value, diag.List) {
	return cty.NilVal, diag.Errorf(nil, "Resource type has no identity", "Provider %s gives %s no identity, but one was stored.", Address, typeName)
}

func (b *builtin) OpenEphemeral(_ context.Context, typeName string, _ cty.Value) (provider.EphemeralResponse, diag.List) {
	return provider.EphemeralResponse{}, b.unknown(provider.Ephemeral, typeName)
}

func (b *builtin) RenewEphemeral(_ context.Context, typeName string, _ []byte) (provider.EphemeralResponse, diag.List) {
	return provider.EphemeralResponse{}, b.unknown(provider.Ephemeral, typeName)
}

func (b *builtin) CloseEphemeral(_ context.Context, typeName string, _ []byte) diag.List {
	return b.unknown(provider.Ephemeral, typeName)
}

func (b *builtin) ReadData(ctx context.Context, req provider.ReadDataRequest) (provider.ReadDataResponse, diag.List) {
	if req.TypeName != remoteStateType {
		return provider.ReadDataResponse{}, b.unknown(provider.Data, req.TypeName)
	}
	v, diags := b.readRemoteState(ctx, req.Config)
	return provider.ReadDataResponse{State: v}, diags
}

func (b *builtin) CallFunction(_ context.Context, name string, args []cty.Value) (cty.Value, error) {
	f := b.schema.Functions[name]
	if f == nil {
		return cty.NilVal, fmt.Errorf("provider %s has no function %q", Address, name)
	}
	if len(args) != len(f.Parameters) {
		return cty.NilVal, fmt.Errorf("function %s takes %d argument, not %d", name, len(f.Parameters), len(args))
	}
	if args[0].IsNull() {
		return cty.NilVal, &provider.FunctionError{Text: "argument must not be null", Argument: 0}
	}
	switch name {
	case "decode_tfvars":
		return decodeVariables(args[0])
	case "encode_tfvars":
		return encodeVariables(args[0])
	case "encode_expr":
		return encodeExpression(args[0])
	default:
		panic("builtin: function " + name + " has a signature and no body")
	}
}

// Stop has nothing to stop: no call takes long.
func (b *builtin) Stop(context.Context) error { return nil }

// Close has nothing to end.
func (b *builtin) Close() error { return nil }

// types looks up the two types there are.
type types struct{ data, remoteState *provider.Type }

func (t types) Type(kind provider.Kind, name string) *provider.Type {
	switch {
	case kind == provider.Managed && name == dataType:
		return t.data
	case kind == provider.Data && name == remoteStateType:
		return t.remoteState
	default:
		return nil
	}
}

func (t types) Names(kind provider.Kind) []string {
	switch kind {
	case provider.Managed:
		return []string{dataType}
	case provider.Data:
		return []string{remoteStateType}
	default:
		return nil
	}
}

func newSchema() *provider.Schema {
	value := cty.DynamicPseudoType
	function := func(parameter string, in, out cty.Type, summary string) *provider.Function {
		return &provider.Function{Parameters: []provider.Parameter{{Name: parameter, Type: in}}, Return: out, Summary: summary, Description: summary + "."}
	}
	return &provider.Schema{
		Provider: &provider.Block{},
		// Destruction is planned without asking; moves come from null_resource.
		Capabilities: provider.Capabilities{SchemaOptional: true, MoveResourceState: true},
		Types: types{
			data: &provider.Type{Block: &provider.Block{Attributes: map[string]*provider.Attribute{
				"id":               {Type: cty.String, Computed: true},
				"input":            {Type: value, Optional: true},
				"output":           {Type: value, Computed: true},
				"triggers_replace": {Type: value, Optional: true},
			}}},
			remoteState: &provider.Type{Block: &provider.Block{Attributes: map[string]*provider.Attribute{
				"backend":   {Type: cty.String, Required: true, Description: "The kind of backend that holds the other state, such as local or s3."},
				"config":    {Type: value, Optional: true, Description: "The arguments of that backend, as an object."},
				"defaults":  {Type: value, Optional: true, Description: "An object of outputs that stand in for those that the state lacks."},
				"outputs":   {Type: value, Computed: true, Description: "The root outputs of the other state, as an object."},
				"workspace": {Type: cty.String, Optional: true, Description: "The workspace to read; default when not set."},
			}}},
		},
		Functions: map[string]*provider.Function{
			"decode_tfvars": function("src", cty.String, value, "Reads the text of a .tfvars file into an object"),
			"encode_tfvars": function("value", value, cty.String, "Writes an object as the text of a .tfvars file"),
			"encode_expr":   function("value", value, cty.String, "Writes a value as an expression that gives it"),
		},
	}
}

// isNullResource reports whether a resource is null_resource of hashicorp/null,
// on whatever registry.
func isNullResource(providerAddress, typeName string) bool {
	return typeName == "null_resource" && strings.HasSuffix(providerAddress, "hashicorp/null")
}
