package config

import (
	"path/filepath"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
)

// maxDepth bounds how deep modules may call one another: beyond it they surely
// call themselves.
const maxDepth = 100

// Load reads the whole tree of modules from a folder. The Config is there, as far
// as it could be read, even when there are errors; it is nil only when the root
// folder cannot be read at all.
func Load(opts Options) (*Config, diag.List) {
	t := &tree{opts: opts, modules: map[string]*Module{}}
	if t.opts.Files == nil {
		t.opts.Files = Disk{}
	}
	if t.opts.Dir == "" {
		t.opts.Dir = "."
	}
	if t.opts.Workspace == "" {
		t.opts.Workspace = "default"
	}
	if t.opts.Root != nil {
		t.opts.Root.resolveHosts(t.opts.Host)
		t.modules[filepath.Clean(t.opts.Dir)] = t.opts.Root
	}
	m, diags := t.module(t.opts.Dir)
	if len(m.Sources) == 0 && diags.HasErrors() {
		return nil, diags
	}
	root := &Config{Module: m, Children: map[string]*Config{}}
	root.Static = t.static(m, t.rootVariable(m))
	diags = append(diags, t.children(root, 0)...)
	if !diags.HasErrors() {
		var found diag.List
		for c := range root.All() {
			found = append(found, c.checkProviders()...)
			if !opts.Unchecked {
				found = append(found, c.checkReferences()...)
			}
		}
		diags = append(diags, once(found)...)
	}
	return root, diags
}

// once drops what was said of the same place before: a module that is called many
// times has its mistakes only once.
func once(in diag.List) diag.List {
	type key struct {
		headline string
		at       hcl.Range
	}
	seen := map[key]bool{}
	var out diag.List
	for _, d := range in {
		if d.Subject != nil {
			k := key{d.Headline, *d.Subject}
			if seen[k] && d.Headline != "Missing required argument" { // one for each argument
				continue
			}
			seen[k] = true
		}
		out = append(out, d)
	}
	return out
}

// tree loads a tree of modules; each folder is parsed once, however often it is
// called.
type tree struct {
	opts    Options
	modules map[string]*Module
}

// module reads a folder, or gives it without its diagnostics when it was read
// before.
func (t *tree) module(dir string) (*Module, diag.List) {
	dir = filepath.Clean(dir)
	if m := t.modules[dir]; m != nil {
		return m, nil
	}
	m, diags := LoadDir(t.opts.Files, dir)
	m.resolveHosts(t.opts.Host)
	t.modules[dir] = m
	return m, diags
}

// children loads what a module calls.
func (t *tree) children(parent *Config, depth int) diag.List {
	var diags diag.List
	for _, name := range sortedKeys(parent.Module.Calls) {
		call := parent.Module.Calls[name]
		if depth >= maxDepth {
			return append(diags, diag.Errorf(&call.DeclRange, "Module nesting too deep",
				"Modules are nested more than %d deep here: does one of them call itself?", maxDepth)...)
		}
		source, version, moreDiags := parent.Static.source(call)
		diags = append(diags, moreDiags...)
		if source == "" || moreDiags.HasErrors() {
			continue
		}
		path := parent.Path.Child(name)
		dir, moreDiags := t.find(parent, ModuleRequest{Path: path, Call: call, Source: source, Version: version})
		diags = append(diags, moreDiags...)
		if moreDiags.HasErrors() {
			continue
		}
		if by := callsItself(parent, dir); by != nil {
			diags = append(diags, diag.Errorf(&call.SourceRange, "Module calls itself",
				"The folder %s is that of %s, which this module is part of.", dir, describePath(by.Path))...)
			continue
		}
		m, moreDiags := t.module(dir)
		diags = append(diags, moreDiags.At(call.SourceRange)...)
		if len(m.Sources) == 0 && !moreDiags.HasErrors() {
			diags = append(diags, diag.Errorf(&call.SourceRange, "Module folder holds no configuration",
				"There is no .tf, .tofu, .tf.json or .tofu.json file in %s.", dir)...)
			continue
		}
		child := &Config{Path: path, Module: m, Call: call, Source: source, Version: version, Parent: parent, Children: map[string]*Config{}}
		child.Static = t.static(m, childVariable(parent, child))
		parent.Children[name] = child
		diags = append(diags, t.children(child, depth+1)...)
	}
	return diags
}

// callsItself gives the module above that lies in the folder, or nil.
func callsItself(c *Config, dir string) *Config {
	for ; c != nil; c = c.Parent {
		if filepath.Clean(c.Module.Dir) == filepath.Clean(dir) {
			return c
		}
	}
	return nil
}

func describePath(p addr.ModulePath) string {
	if p == (addr.ModulePath{}) {
		return "the root module"
	}
	return p.String()
}

// find gives the folder of a called module.
func (t *tree) find(parent *Config, req ModuleRequest) (string, diag.List) {
	if IsLocalSource(req.Source) {
		return filepath.Join(parent.Module.Dir, filepath.FromSlash(req.Source)), nil
	}
	if t.opts.ModuleDir == nil {
		return "", diag.Errorf(&req.Call.SourceRange, "Module not installed",
			"%s comes from %s and is not installed yet. Run \"tutti init\".", req.Path, req.Source)
	}
	dir, diags := t.opts.ModuleDir(req)
	return dir, diags.At(req.Call.SourceRange)
}

// rootVariable gives the values of the root module's variables.
func (t *tree) rootVariable(m *Module) func(string) (cty.Value, diag.List) {
	return func(name string) (cty.Value, diag.List) {
		v := m.Variables[name]
		if val, ok := t.opts.Variables[name]; ok && val != cty.NilVal {
			return val, nil
		}
		if v.Required() {
			return cty.DynamicVal, diag.Errorf(nil, "Variable value needed before planning",
				"var.%s has no value yet and no default, and it must be known to find the modules.", name)
		}
		return v.Default, nil
	}
}

// childVariable evaluates the arguments of a call when they are asked for.
func childVariable(parent, child *Config) func(string) (cty.Value, diag.List) {
	return func(name string) (cty.Value, diag.List) {
		v := child.Module.Variables[name]
		attrs, hd := child.Call.Body.JustAttributes()
		attr := attrs[name]
		if attr == nil || hd.HasErrors() {
			if v.Required() {
				return cty.DynamicVal, diag.Errorf(&child.Call.DeclRange, "Missing required argument",
					"The argument %q is required by module %q.", name, child.Call.Name)
			}
			return v.Default, nil
		}
		val, diags := parent.Static.Eval(attr.Expr)
		if diags.HasErrors() {
			return cty.DynamicVal, diags
		}
		if val.IsNull() && !v.Nullable && !v.Required() {
			return v.Default, diags
		}
		conv, err := v.Convert(val)
		if err != nil {
			rng := attr.Expr.Range()
			return cty.DynamicVal, append(diags, diag.Errorf(&rng, "Invalid value for input variable",
				"The value does not fit the type of var.%s in module %q: %s.", name, child.Call.Name, describeConversion(err))...)
		}
		return conv, diags
	}
}
