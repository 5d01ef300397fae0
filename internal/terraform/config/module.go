package config

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	tfaddr "github.com/hashicorp/terraform-registry-address"
	svchost "github.com/hashicorp/terraform-svchost"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
)

// Module is what the files of one folder declare, overrides merged in. It is
// immutable once loaded.
type Module struct {
	Dir      string
	Settings Settings
	// Sources is the text of the files that were read, by the name in ranges.
	Sources   map[string][]byte
	Variables map[string]*Variable
	Locals    map[string]*Local
	Outputs   map[string]*Output
	// Resources holds managed, data and ephemeral ones, those inside check
	// blocks too.
	Resources map[addr.Name]*Resource
	Calls     map[string]*ModuleCall
	// Providers holds the provider blocks by local name and alias.
	Providers map[addr.Name]*ProviderConfig
	Checks    map[string]*Check
	Changes   Changes
	// Order names everything declared, by file name, then by position.
	Order []addr.Name
	// host is Options.Host.
	host func(namespace, typeName string) svchost.Hostname
}

// Settings are the module's terraform and language blocks.
type Settings struct {
	// Required is by local name. Providers that are only implied by resources are
	// not in it.
	Required map[string]*ProviderRequirement
	// Backend is where the state lies; nil when not said. A cloud block is a
	// Backend of type "cloud".
	Backend *Backend
	// ProviderMeta is by local name.
	ProviderMeta map[string]*ProviderMeta
	// Encryption holds the bodies of encryption blocks, the later ones override.
	Encryption []hcl.Body
}

// Changes are the blocks that tell what to do with existing state, and the
// actions, all in declaration order.
type Changes struct {
	Moved   []*Moved
	Removed []*Removed
	Imports []*Import
	Actions []*Action
}

// Variable is a variable block.
type Variable struct {
	Name        string
	Description string
	// Type is what values are converted to; cty.DynamicPseudoType when not said.
	// Its optional attributes are marked as such.
	Type cty.Type
	// Optional holds the defaults of optional attributes; nil when there are none.
	Optional *typeexpr.Defaults
	// Default is converted to Type; cty.NilVal when a value must be given.
	Default cty.Value
	// Literal says that a value from the command line or the environment is the
	// string itself rather than an expression.
	Literal                               bool
	Sensitive, Ephemeral, Nullable, Const bool
	Deprecated                            string
	Validations                           []*Condition
	DeclRange                             hcl.Range
}

// Required reports whether a value must be given.
func (v *Variable) Required() bool { return v.Default == cty.NilVal }

// Local is one entry of a locals block.
type Local struct {
	Name      string
	Expr      hcl.Expression
	DeclRange hcl.Range
}

// Output is an output block.
type Output struct {
	Name                 string
	Description          string
	Expr                 hcl.Expression
	Sensitive, Ephemeral bool
	Deprecated           string
	DependsOn            []hcl.Traversal
	Preconditions        []*Condition
	DeclRange            hcl.Range
}

// Condition is a validation, precondition, postcondition or assert block.
type Condition struct {
	Condition    hcl.Expression
	ErrorMessage hcl.Expression
	DeclRange    hcl.Range
}

// Repetition says how many instances there are; at most one field is set.
type Repetition struct {
	Count   hcl.Expression
	ForEach hcl.Expression
	Enabled hcl.Expression
}

// Resource is a resource, data or ephemeral block.
type Resource struct {
	Name addr.Name
	// Body holds the arguments that the provider's schema describes, with those
	// of override files in place.
	Body         hcl.Body
	Repetition   Repetition
	Provider     *ProviderRef // nil when implied by the type
	DependsOn    []hcl.Traversal
	Lifecycle    Lifecycle
	Connection   *Connection
	Provisioners []*Provisioner
	// Check names the check block around a data block, else "".
	Check     string
	DeclRange hcl.Range
	TypeRange hcl.Range
}

// ProviderLocal gives the local name of the resource's provider: as it says, or
// the first word of its type.
func (r *Resource) ProviderLocal() string {
	if r.Provider != nil {
		return r.Provider.Local
	}
	return impliedProvider(r.Name.Type)
}

// Lifecycle is a resource's lifecycle block.
type Lifecycle struct {
	CreateBeforeDestroy *bool          // nil when not said
	PreventDestroy      hcl.Expression // nil means false
	Destroy             hcl.Expression // nil means true; false forgets instead
	IgnoreChanges       []hcl.Traversal
	IgnoreAll           bool
	ReplaceTriggeredBy  []hcl.Expression
	Preconditions       []*Condition
	Postconditions      []*Condition
	ActionTriggers      []*ActionTrigger
}

// ActionTrigger is an action_trigger block.
type ActionTrigger struct {
	Events    []string
	Condition hcl.Expression
	Actions   []hcl.Expression
	DeclRange hcl.Range
}

// Action is a top-level action block.
type Action struct {
	Type, Name string
	Body       hcl.Body // what stands in its config block
	Repetition Repetition
	Provider   *ProviderRef
	DeclRange  hcl.Range
}

// Connection is a connection block.
type Connection struct {
	Body      hcl.Body
	DeclRange hcl.Range
}

// Provisioner is a provisioner block.
type Provisioner struct {
	Type       string
	Body       hcl.Body
	Connection *Connection // nil: the resource's own
	OnDestroy  bool        // when = destroy
	Continue   bool        // on_failure = continue
	DeclRange  hcl.Range
	TypeRange  hcl.Range
}

// ModuleCall is a module block.
type ModuleCall struct {
	Name    string
	Source  hcl.Expression
	Version hcl.Expression // nil when not said
	// Body holds the values of the called module's variables.
	Body       hcl.Body
	Repetition Repetition
	Providers  []PassedProvider
	// ProvidersSet says that there is a providers argument, which ends the
	// automatic passing of default configurations it does not name.
	ProvidersSet bool
	DependsOn    []hcl.Traversal
	DeclRange    hcl.Range
	SourceRange  hcl.Range
}

// PassedProvider is one entry of a module block's providers.
type PassedProvider struct {
	InChild  ProviderRef
	InParent ProviderRef
}

// ProviderRef names a provider configuration as seen in a module.
type ProviderRef struct {
	Local string
	Alias string
	Key   hcl.Expression // of a configuration with for_each; may be nil
	Range hcl.Range
}

// Name gives the key of Module.Providers.
func (r ProviderRef) Name() addr.Name {
	return addr.Name{Kind: addr.Provider, Type: r.Local, Name: r.Alias}
}

// ProviderConfig is a provider block.
type ProviderConfig struct {
	Name      addr.Name // Type is the local name, Name the alias
	Version   string    // a deprecated constraint, or ""
	ForEach   hcl.Expression
	Body      hcl.Body
	DeclRange hcl.Range
}

// ProviderRequirement is an entry of required_providers.
type ProviderRequirement struct {
	Local  string
	Source tfaddr.Provider
	// HostImplied says that the source was written without a host, or not at all.
	HostImplied bool
	Constraints string
	Aliases     []ProviderRef
	DeclRange   hcl.Range
}

// ProviderMeta is a provider_meta block.
type ProviderMeta struct {
	Local     string
	Body      hcl.Body
	DeclRange hcl.Range
}

// Backend is a backend or cloud block.
type Backend struct {
	Type      string // "cloud" for a cloud block
	Body      hcl.Body
	DeclRange hcl.Range
}

// Check is a check block. Its data block, if any, is in Module.Resources too.
type Check struct {
	Name      string
	Data      *Resource
	Asserts   []*Condition
	DeclRange hcl.Range
}

// Endpoint is an end of a moved or removed block, relative to the module it
// stands in: a module, an object or an instance (see addr.Target).
type Endpoint struct {
	Target addr.Target
	Range  hcl.Range
}

// IsModule reports whether a whole module is meant.
func (e Endpoint) IsModule() bool { return e.Target.Name == addr.Name{} }

// Moved is a moved block.
type Moved struct {
	From, To  Endpoint
	DeclRange hcl.Range
}

// Removed is a removed block.
type Removed struct {
	From         Endpoint
	Destroy      bool // false: only forget
	Connection   *Connection
	Provisioners []*Provisioner
	DeclRange    hcl.Range
}

// Import is an import block.
type Import struct {
	// To is the address as an expression, whose keys may refer to each.key.
	To hcl.Expression
	// Object is To without its own keys, in the module that the block is for.
	Object addr.Config
	// ID or Identity is set.
	ID, Identity hcl.Expression
	ForEach      hcl.Expression
	Provider     *ProviderRef
	DeclRange    hcl.Range
}
