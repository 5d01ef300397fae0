package engine

import (
	"context"
	"maps"
	"path/filepath"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
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

// initModules installs the modules. A source made of variables inside a module is
// known only when that module is there, so it goes round by round, until no folder
// is left whose sources must wait.
func (e *Engine) initModules(ctx context.Context, o InitOptions) diag.List {
	var before map[string]bool
	for {
		s, ld := e.Load() // what is wrong is reported by who loads it last
		l := &callReader{tree: s.Config, later: map[string]bool{}}
		_, d := module.Install(ctx, module.Options{Dir: e.o.Dir, DataDir: e.o.Install.DataDir, Config: e.o.Install.Config, Client: e.o.Install.Client,
			Upgrade: o.Upgrade, Load: l.calls, Report: o.Module})
		switch {
		case d.HasErrors() || len(l.later) == 0:
			return d
		case maps.Equal(before, l.later):
			// Installing made nothing known: what hinders loading says why.
			return append(d, ld...)
		}
		before = l.later
		o.Upgrade = false // the rounds before have fetched anew
	}
}

// callReader reads which modules a folder calls, for the installation.
type callReader struct {
	// tree is what could be loaded so far; nil when nothing could.
	tree *config.Config

	mu sync.Mutex
	// later are the folders whose sources can be evaluated only when more is there.
	later map[string]bool
}

func (l *callReader) calls(dir string) ([]module.Call, diag.List) {
	m, d := config.LoadDir(config.Disk{}, dir)
	in := l.find(dir)
	var out []module.Call
	for _, name := range m.Order {
		c := m.Calls[name.Name]
		if c == nil || name.Kind != addr.ModuleCall {
			continue
		}
		source, ok, sd := l.text(dir, in, c.Source)
		version, ok2, vd := l.text(dir, in, c.Version)
		d = append(append(d, sd...), vd...)
		if !ok || !ok2 {
			continue
		}
		call := module.Call{Name: c.Name, Source: source, SourceRange: c.SourceRange, Version: version}
		if c.Version != nil {
			call.VersionRange = c.Version.Range()
		}
		out = append(out, call)
	}
	return out, d
}

// find gives the module that lies in a folder, as far as the tree is loaded.
func (l *callReader) find(dir string) *config.Config {
	if l.tree == nil {
		return nil
	}
	for c := range l.tree.All() {
		if filepath.Clean(c.Module.Dir) == filepath.Clean(dir) {
			return c
		}
	}
	return nil
}

// text evaluates a source or version; ok is false when it must wait for a later
// round, or cannot be evaluated at all.
func (l *callReader) text(dir string, in *config.Config, e hcl.Expression) (text string, ok bool, d diag.List) {
	if e == nil {
		return "", true, nil
	}
	if v, hd := e.Value(nil); !hd.HasErrors() && v.IsKnown() && !v.IsNull() && v.Type() == cty.String {
		return v.AsString(), true, nil
	}
	if in == nil {
		l.mu.Lock()
		l.later[dir] = true
		l.mu.Unlock()
		return "", false, nil
	}
	v, d := in.Static.Eval(e)
	if d.HasErrors() {
		return "", false, d
	}
	v, _ = v.UnmarkDeep()
	if !v.IsKnown() || v.IsNull() || v.Type() != cty.String {
		rng := e.Range()
		return "", false, append(d, diag.Errorf(&rng, "Invalid module source", "The source and version of a module must be strings that are known before planning.")...)
	}
	return v.AsString(), true, d
}
