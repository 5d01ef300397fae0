// Package config reads Terraform and OpenTofu configuration files into a checked
// tree: text goes in, typed declarations come out, with expressions and bodies
// left for later evaluation.
//
// In: folders of .tf, .tf.json, .tofu and .tofu.json files, read through a
// FileSource, and variable values from their many places. Out: a Config (the tree
// of module calls), each with its Module (what one folder declares), and the
// references that an expression makes. It owns the syntax of the language, the
// merge rules of override files, the passing of provider configurations from
// module to module, and the style of `tutti fmt`.
//
// It must not know provider schemas, states or plans, and it evaluates nothing but
// what must be known before planning: module sources and versions (see Static).
//
// Start with Load, then Module. Sources: the language documentation of OpenTofu
// 1.12 and Terraform 1.14.
package config

import (
	"iter"
	"sort"

	"github.com/hashicorp/hcl/v2"
	tfaddr "github.com/hashicorp/terraform-registry-address"
	svchost "github.com/hashicorp/terraform-svchost"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"tutti/internal/addr"
	"tutti/internal/diag"
)

// CompatVersion is the version of the language that is announced: what
// required_version is held against.
const CompatVersion = "1.12.6"

// Config is one module call of the tree (or the root) with what it calls. It is
// immutable once loaded and safe for concurrent use.
type Config struct {
	Path   addr.ModulePath
	Module *Module
	// Call is the block that calls this module; nil for the root.
	Call *ModuleCall
	// Source and Version are the call's, evaluated; "" for the root.
	Source, Version string
	Parent          *Config
	Children        map[string]*Config
	// Static evaluates what must be known before planning, in this module's scope.
	Static *Static
}

// ModuleRequest asks where a module that is not a local folder lies.
type ModuleRequest struct {
	Path    addr.ModulePath // the module that is called
	Call    *ModuleCall
	Source  string
	Version string // the constraint, "" when none is given
}

// Options say what to load.
type Options struct {
	// Files is where files are read from; the disk when nil.
	Files FileSource
	// Dir is the root module's folder; "." when empty.
	Dir string
	// Root is the root module when LoadDir has read it already, for the values of
	// its variables; its diagnostics are not given again. Nil otherwise.
	Root *Module
	// ModuleDir finds the folder of a module that was installed (modules.json).
	// When nil, only local modules can be called.
	ModuleDir func(ModuleRequest) (string, diag.List)
	// Variables are the root module's values for static evaluation; a variable
	// that is not there has its default.
	Variables map[string]cty.Value
	// Functions gives the functions for static evaluation in a folder; none when nil.
	Functions func(dir string) map[string]function.Function
	// Workspace is terraform.workspace; "default" when empty.
	Workspace string
	// Unchecked leaves out whether names that are referred to exist.
	Unchecked bool
	// Host gives the registry that a provider's source without a host means: the
	// two tools of this language differ in it. Nil means registry.terraform.io.
	Host func(namespace, typeName string) svchost.Hostname
}

// Root gives the top of the tree.
func (c *Config) Root() *Config {
	for c.Parent != nil {
		c = c.Parent
	}
	return c
}

// Descendant gives the module at a path from the root of the tree, or nil.
func (c *Config) Descendant(p addr.ModulePath) *Config {
	at := c.Root()
	for _, name := range p.Names() {
		if at = at.Children[name]; at == nil {
			return nil
		}
	}
	return at
}

// All goes through this module and everything below it, parents first, siblings
// by name.
func (c *Config) All() iter.Seq[*Config] {
	return func(yield func(*Config) bool) { c.walk(yield) }
}

func (c *Config) walk(yield func(*Config) bool) bool {
	if !yield(c) {
		return false
	}
	for _, name := range sortedKeys(c.Children) {
		if !c.Children[name].walk(yield) {
			return false
		}
	}
	return true
}

// Sources gives the text of every file that was read, by the name that ranges
// carry, for showing the lines that a diagnostic is about.
func (c *Config) Sources() map[string][]byte {
	out := map[string][]byte{}
	for m := range c.Root().All() {
		for name, src := range m.Module.Sources {
			out[name] = src
		}
	}
	return out
}

// ProviderUse says which provider configuration an object is served by.
type ProviderUse struct {
	// Source is the provider's address.
	Source tfaddr.Provider
	// Module is where the configuration stands in the files.
	Module addr.ModulePath
	// Name names the configuration there (Kind Provider: Type is the local name,
	// Name the alias).
	Name addr.Name
	// Config is the block, nil when there is none and an empty one is implied.
	Config *ProviderConfig
	// Key selects an instance of a configuration that has for_each; it is
	// evaluated in KeyModule. Nil otherwise.
	Key       hcl.Expression
	KeyModule addr.ModulePath
}

// ProviderNeed is what the whole tree asks of one provider.
type ProviderNeed struct {
	Source tfaddr.Provider
	// HostImplied is set when no place writes the host out.
	HostImplied bool
	// Constraints are all that are given, joined by commas.
	Constraints string
	// Ranges are where it is asked for.
	Ranges []hcl.Range
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
