package engine

import (
	"context"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/diag"
	"tutti/internal/stack"
	"tutti/internal/terraform/config"
	"tutti/internal/terraform/install"
	"tutti/internal/terraform/install/module"
)

// InitOptions say what to install anew.
type InitOptions struct {
	Upgrade bool
	// ReadOnlyLock makes it an error if the lock file would have to change.
	ReadOnlyLock bool
	// ModulesOnly leaves the providers alone (tutti get).
	ModulesOnly bool
	// Module and Provider are told of progress, from several goroutines at once.
	Module   func(module.Event)
	Provider func(install.Event)
}

// Init installs the modules and providers that the stack needs. It gives the texts
// of the files, for showing what is wrong with them.
func (e *Engine) Init(ctx context.Context, o InitOptions) (map[string][]byte, diag.List) {
	root, d := config.LoadDir(config.Disk{}, e.o.Dir)
	if d.HasErrors() {
		return root.Sources, d
	}
	if d = append(d, e.initModules(ctx, o)...); d.HasErrors() || o.ModulesOnly {
		return root.Sources, d.Sorted()
	}
	so := e.stackOptions(stack.Installing)
	so.StateDrivers = e.storedDrivers(ctx)
	s, ld := stack.Load(so)
	if d = append(d, ld...).Sorted(); d.HasErrors() {
		return s.Sources(), d
	}
	in := e.o.Install
	in.Upgrade, in.ReadOnlyLock, in.Report = o.Upgrade, o.ReadOnlyLock, o.Provider
	return s.Sources(), append(d, install.Providers(ctx, s.Requirements(), in)...)
}

func (e *Engine) initModules(ctx context.Context, o InitOptions) diag.List {
	_, d := module.Install(ctx, module.Options{Dir: e.o.Dir, DataDir: e.o.Install.DataDir, Config: e.o.Install.Config, Client: e.o.Install.Client,
		Upgrade: o.Upgrade, Load: calls, Report: o.Module})
	return d
}

// calls reads which modules a folder calls. Sources and versions that use
// variables are evaluated when the whole tree is loaded; here they must be literal.
func calls(dir string) ([]module.Call, diag.List) {
	m, d := config.LoadDir(config.Disk{}, dir)
	var out []module.Call
	for _, name := range m.Order {
		c := m.Calls[name.Name]
		if c == nil || name.Kind.String() != "module" {
			continue
		}
		call := module.Call{Name: c.Name, SourceRange: c.SourceRange}
		call.Source, d = literal(c.Source, d)
		if c.Version != nil {
			call.Version, d = literal(c.Version, d)
			call.VersionRange = c.Version.Range()
		}
		out = append(out, call)
	}
	return out, d
}

func literal(e hcl.Expression, d diag.List) (string, diag.List) {
	if e == nil {
		return "", d
	}
	v, hd := e.Value(nil)
	if hd.HasErrors() || v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
		rng := e.Range()
		return "", append(d, diag.Errorf(&rng, "Module source must be literal", "To install the module, its source and version must be plain strings: variables are not evaluated by init in this version of tutti.")...)
	}
	return v.AsString(), d
}
