// Package provider is the client side of Terraform's provider protocol, versions
// 5 and 6: it launches a provider's executable, speaks gRPC with it and gives
// its answers as cty values.
//
// In: the path of an executable (or the built-in provider) and cty values without
// marks. Out: cty values, schemas and diagnostics. It owns the process, the wire
// format and the schema cache. It must not know configuration files, plans,
// states beyond the bytes that it is given to upgrade, or where providers are
// installed (package install).
//
// Sources: plugin protocol 5.10 and 6.10 as published with terraform-plugin-go.
package provider

import (
	"context"
	"sync/atomic"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/diag"
)

// Provider is one provider, not yet or already configured. Every method is safe
// for concurrent use. Methods other than Schema start the process when it is not
// running. A value passed in must not hold marks. A diagnostic about an attribute
// holds its path in diag.Diagnostic.Attribute.
//
// It is wider than the house's usual interface because it is a border to the
// world with two protocol versions and a built-in provider behind it.
type Provider interface {
	// Schema gives the schemas, from the cache on disk where that is allowed.
	Schema(ctx context.Context) (*Schema, diag.List)
	// ValidateConfig checks, and for protocol 5 completes, a provider
	// configuration; unknown values may be in it. Terraform hands Configure what
	// the user wrote, not the completed value.
	ValidateConfig(ctx context.Context, config cty.Value) (cty.Value, diag.List)
	// Configure hands the configuration over; once, before any other call below.
	Configure(ctx context.Context, config cty.Value) diag.List
	// ValidateResource checks the configuration of one resource of any kind.
	ValidateResource(ctx context.Context, kind Kind, typeName string, config cty.Value) diag.List
	// UpgradeState turns stored attributes of an older schema into a value of today's.
	UpgradeState(ctx context.Context, req UpgradeStateRequest) (cty.Value, diag.List)
	UpgradeIdentity(ctx context.Context, typeName string, version int64, raw []byte) (cty.Value, diag.List)
	Read(ctx context.Context, req ReadRequest) (ReadResponse, diag.List)
	Plan(ctx context.Context, req PlanRequest) (PlanResponse, diag.List)
	Apply(ctx context.Context, req ApplyRequest) (ApplyResponse, diag.List)
	Import(ctx context.Context, req ImportRequest) (ImportResponse, diag.List)
	Move(ctx context.Context, req MoveRequest) (MoveResponse, diag.List)
	// ReadData reads a data source.
	ReadData(ctx context.Context, req ReadDataRequest) (ReadDataResponse, diag.List)
	OpenEphemeral(ctx context.Context, typeName string, config cty.Value) (EphemeralResponse, diag.List)
	RenewEphemeral(ctx context.Context, typeName string, private []byte) (EphemeralResponse, diag.List)
	CloseEphemeral(ctx context.Context, typeName string, private []byte) diag.List
	// CallFunction calls a provider-defined function. A *FunctionError is given
	// when the provider blames an argument.
	CallFunction(ctx context.Context, name string, args []cty.Value) (cty.Value, error)
	// Stop asks the provider to end running operations early (Ctrl-C). Close ends
	// the process; it is killed when it does not go.
	Stop(ctx context.Context) error
	Close() error
}

// Kind is what a schema entry describes.
type Kind uint8

// The kinds. The zero value is invalid.
const (
	Managed Kind = iota + 1
	Data
	Ephemeral
)

// Schema is all that a provider says of itself. It is immutable; per-type
// entries may be decoded on first use.
type Schema struct {
	Provider     *Block
	ProviderMeta *Block
	Capabilities Capabilities
	Types        TypeSource
	Functions    map[string]*Function
}

// TypeSource looks up the schema of a resource type.
type TypeSource interface {
	// Type gives nil when there is none of that name.
	Type(kind Kind, name string) *Type
	// Names gives all names of a kind, sorted.
	Names(kind Kind) []string
}

// Type is the schema of one resource type.
type Type struct {
	Version         int64
	Block           *Block
	Identity        *Block // nil when the type has none
	IdentityVersion int64
}

// Capabilities are what the server announces (GetProviderSchema.ServerCapabilities).
type Capabilities struct {
	PlanDestroy       bool
	SchemaOptional    bool
	MoveResourceState bool
	GenerateConfig    bool
}

// Block is a configuration block's schema. It is immutable and must not be copied.
type Block struct {
	Attributes         map[string]*Attribute
	Blocks             map[string]*NestedBlock
	Description        string
	Markdown           bool
	Deprecated         bool
	DeprecationMessage string

	implied atomic.Pointer[cty.Type] // what ImpliedType gave
	wire    atomic.Pointer[layout]   // how encode writes its values
}

// Attribute is one attribute; Nested is set instead of Type for protocol 6's
// nested attributes, whose implied type Type then holds all the same.
type Attribute struct {
	Type                                                           cty.Type
	Nested                                                         *Object
	Description                                                    string
	Markdown                                                       bool
	Required, Optional, Computed, Sensitive, Deprecated, WriteOnly bool
	DeprecationMessage                                             string
	// RequiredForImport and OptionalForImport are set in identity schemas only.
	RequiredForImport, OptionalForImport bool
}

// Object is the type of a nested attribute.
type Object struct {
	Attributes map[string]*Attribute
	Nesting    Nesting
}

// NestedBlock is a block type within a block.
type NestedBlock struct {
	Block              *Block
	Nesting            Nesting
	MinItems, MaxItems int
}

// Nesting says how many of a block there may be and in what collection.
type Nesting uint8

// The nestings. The zero value is invalid.
const (
	NestingSingle Nesting = iota + 1
	NestingGroup
	NestingList
	NestingSet
	NestingMap
)

// Function is the signature of a provider-defined function.
type Function struct {
	Parameters                               []Parameter
	Variadic                                 *Parameter
	Return                                   cty.Type
	Summary, Description, DeprecationMessage string
}

// Parameter is one parameter of a function.
type Parameter struct {
	Name                    string
	Type                    cty.Type
	AllowNull, AllowUnknown bool
	Description             string
}

// FunctionError is a provider-defined function's refusal.
type FunctionError struct {
	Text     string
	Argument int // index, or -1 when no argument is to blame
}

func (e *FunctionError) Error() string { return e.Text }

// Deferred is why a provider puts an answer off (protocol's Deferred.Reason); ""
// when it does not.
type Deferred string

// The reasons.
const (
	DeferredResourceConfigUnknown Deferred = "resource_config_unknown"
	DeferredProviderConfigUnknown Deferred = "provider_config_unknown"
	DeferredAbsentPrereq          Deferred = "absent_prereq"
	DeferredUnknown               Deferred = "unknown"
)

// UpgradeStateRequest: exactly one of JSON and Flatmap is set.
type UpgradeStateRequest struct {
	TypeName string
	Version  int64
	JSON     []byte
	Flatmap  map[string]string
}

// ReadRequest refreshes one managed resource. Identity may be cty.NilVal.
type ReadRequest struct {
	TypeName     string
	Prior        cty.Value
	Private      []byte
	ProviderMeta cty.Value
	Identity     cty.Value
}

// ReadResponse: State is null when the resource no longer exists.
type ReadResponse struct {
	State    cty.Value
	Private  []byte
	Identity cty.Value
	Deferred Deferred
}

// PlanRequest: Prior is null for a create, Proposed and Config are null for a destroy.
type PlanRequest struct {
	TypeName                string
	Prior, Proposed, Config cty.Value
	Private                 []byte
	ProviderMeta            cty.Value
	Identity                cty.Value
}

// PlanResponse is the provider's plan for one resource.
type PlanResponse struct {
	Planned         cty.Value
	RequiresReplace []cty.Path
	Private         []byte
	Identity        cty.Value
	// LegacyTypes is set by providers built on the old SDK: small
	// inconsistencies of theirs are tolerated.
	LegacyTypes bool
	Deferred    Deferred
}

// ApplyRequest: Planned and Config are null for a destroy.
type ApplyRequest struct {
	TypeName               string
	Prior, Planned, Config cty.Value
	Private                []byte
	ProviderMeta           cty.Value
	Identity               cty.Value
}

// ApplyResponse is given even beside errors: State then is what came into being,
// or cty.NilVal when the provider did not say; InDoubt tells whether something may
// have been done all the same.
type ApplyResponse struct {
	State       cty.Value
	Private     []byte
	Identity    cty.Value
	LegacyTypes bool
}

// ImportRequest: one of ID and Identity is set.
type ImportRequest struct {
	TypeName string
	ID       string
	Identity cty.Value
}

// ImportResponse may hold objects of other types than the one asked for.
type ImportResponse struct {
	Imported []Imported
	Deferred Deferred
}

// Imported is one object that an import found.
type Imported struct {
	TypeName string
	State    cty.Value
	Private  []byte
	Identity cty.Value
}

// MoveRequest moves state between resource types, perhaps across providers.
type MoveRequest struct {
	SourceProvider        string
	SourceType            string
	SourceVersion         int64
	SourceJSON            []byte
	SourceFlatmap         map[string]string
	SourcePrivate         []byte
	SourceIdentityJSON    []byte
	SourceIdentityVersion int64
	TargetType            string
}

// MoveResponse is the moved state.
type MoveResponse struct {
	State    cty.Value
	Private  []byte
	Identity cty.Value
}

// ReadDataRequest reads a data source.
type ReadDataRequest struct {
	TypeName     string
	Config       cty.Value
	ProviderMeta cty.Value
}

// ReadDataResponse is the data.
type ReadDataResponse struct {
	State    cty.Value
	Deferred Deferred
}

// EphemeralResponse: RenewAt is in Unix nanoseconds, 0 when no renewal is needed.
type EphemeralResponse struct {
	Result   cty.Value
	Private  []byte
	RenewAt  int64
	Deferred Deferred
}
