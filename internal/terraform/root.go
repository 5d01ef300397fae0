// Package terraform is the Terraform and OpenTofu language as objects of the graph.
//
// In: a folder's configuration (package config), where its providers are (package
// install) and the values of its variables. Out: a namespace of objects, which the
// hall evaluates, and their drivers. Blocks become objects as they stand: a
// variable, a local, an output, a module call, a provider configuration, a
// resource.
//
// It owns how these blocks are evaluated and how provider processes are shared
// between them. It must not know the planner, plans, runs or stores.
//
// Files: root.go opening a folder, module.go the namespace of one module instance,
// then one file per kind of block; session.go the provider processes.
package terraform

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"time"

	tfaddr "github.com/hashicorp/terraform-registry-address"
	"github.com/zclconf/go-cty/cty"
	ctyfunction "github.com/zclconf/go-cty/cty/function"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/expr"
	"tutti/internal/object"
	"tutti/internal/terraform/config"
	"tutti/internal/terraform/function"
)

// Options say what to open and with what.
type Options struct {
	// Config is the loaded tree.
	Config *config.Config
	// Variables are the root module's, converted to their types; one that is not
	// there has its default.
	Variables map[string]cty.Value
	// Workspace is terraform.workspace; "default" when empty.
	Workspace string
	// Dir is the folder that file functions and path.root are relative to.
	Dir string
	// Providers starts providers.
	Providers Launcher
	// Closed keeps ephemeral resources closed (validate).
	Closed bool
	// Applying makes impure functions give real results; PlanTime is what
	// plantimestamp() gives.
	Applying bool
	PlanTime time.Time
}

// Root is an opened folder: a namespace, and the provider processes behind it.
// Close ends them. It is safe for concurrent use.
type Root struct {
	opts      Options
	session   *Session
	functions map[string]ctyfunction.Function
	namespace *module

	// needs are the providers that the files require; made by needed.
	needed sync.Once
	needs  map[tfaddr.Provider]bool
	// partings are the removed blocks with provisioners; made by partingOnce.
	partingOnce sync.Once
	partings    []*removedCode

	mu       sync.Mutex
	compiled map[addr.ModulePath]*compiled
}

// Open makes the objects of a configuration. Nothing is evaluated and no provider
// is started yet. The session is the caller's: a plan and the carrying out of it
// share one.
func Open(opts Options, session *Session) (*Root, diag.List) {
	if opts.Workspace == "" {
		opts.Workspace = "default"
	}
	r := &Root{opts: opts, session: session, compiled: map[addr.ModulePath]*compiled{}}
	planTime := func() time.Time { return opts.PlanTime }
	r.functions = function.Table(function.Options{BaseDir: opts.Dir, PlanTimestamp: planTime, PureOnly: !opts.Applying})
	var d diag.List
	for c := range opts.Config.All() {
		_, cd := r.compile(c)
		d = append(d, cd...)
	}
	r.namespace = r.module(opts.Config, addr.Module{}, nil, object.Instance{})
	return r, d
}

// Namespace gives the root module.
func (r *Root) Namespace() object.Namespace { return r.namespace }

// Functions gives the built-in functions, for other languages that write HCL.
func (r *Root) Functions() map[string]ctyfunction.Function { return r.functions }

// Env gives what expressions in the root module share.
func (r *Root) Env() *expr.Env { return r.namespace.env }

// places are the values of path and terraform in a module.
func (r *Root) places(c *config.Config) map[string]cty.Value {
	cwd, err := os.Getwd()
	if err != nil {
		cwd = "."
	}
	ws := cty.ObjectVal(map[string]cty.Value{
		"workspace": cty.StringVal(r.opts.Workspace),
		"applying":  cty.BoolVal(r.opts.Applying).Mark(object.Ephemeral),
	})
	return map[string]cty.Value{
		"path": cty.ObjectVal(map[string]cty.Value{
			"module": cty.StringVal(filepath.ToSlash(c.Module.Dir)),
			"root":   cty.StringVal(filepath.ToSlash(c.Root().Module.Dir)),
			"cwd":    cty.StringVal(filepath.ToSlash(cwd)),
		}),
		"terraform": ws, "tofu": ws,
	}
}

// Moves gives the moved blocks of the whole tree.
func (r *Root) Moves() []object.Move {
	var out []object.Move
	for c := range r.opts.Config.All() {
		for _, m := range c.Module.Changes.Moved {
			rng := m.DeclRange
			out = append(out, object.Move{In: c.Path, From: m.From.Target, To: m.To.Target, Range: &rng})
		}
	}
	return out
}

// Removals gives the removed blocks of the whole tree.
func (r *Root) Removals() []object.Removal {
	var out []object.Removal
	for c := range r.opts.Config.All() {
		for _, m := range c.Module.Changes.Removed {
			rng := m.DeclRange
			out = append(out, object.Removal{In: c.Path, From: m.From.Target, Forget: !m.Destroy, Range: &rng})
		}
	}
	return out
}

// Sources gives the texts of the files, for showing lines of them.
func (r *Root) Sources() map[string][]byte { return r.opts.Config.Sources() }

// Close ends what the session has started.
func (r *Root) Close(ctx context.Context) error { return r.session.Close(ctx) }
