package config

import (
	"path/filepath"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/expr"
	"tutti/internal/object"
)

// Static evaluates expressions that must be known before planning: module
// sources and versions, backends, keys of provider configurations. They may use
// variables, locals, path and terraform.workspace. Values of sensitive variables
// carry their mark.
// It is safe for concurrent use.
type Static struct {
	mu        sync.Mutex // guards busy and known
	module    *Module
	variables func(name string) (cty.Value, diag.List)
	functions map[string]function.Function
	rootDir   string
	workspace string
	// busy holds the locals under evaluation, to find cycles.
	busy  map[string]bool
	known map[string]cty.Value
}

// Eval gives an expression's value; it is wholly known unless there are errors.
func (s *Static) Eval(expr hcl.Expression) (cty.Value, diag.List) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.eval(expr)
}

func (s *Static) eval(expr hcl.Expression) (cty.Value, diag.List) {
	ctx, diags := s.context(expr.Variables())
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	v, hd := expr.Value(ctx)
	return v, append(diags, diag.FromHCL(hd)...)
}

// Context gives an evaluation context that holds what the traversals name, for
// decoding a body with a schema.
func (s *Static) Context(traversals []hcl.Traversal) (*hcl.EvalContext, diag.List) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.context(traversals)
}

func (s *Static) context(traversals []hcl.Traversal) (*hcl.EvalContext, diag.List) {
	roots := map[string]map[string]cty.Value{}
	put := func(root, name string, v cty.Value) {
		if roots[root] == nil {
			roots[root] = map[string]cty.Value{}
		}
		roots[root][name] = v
	}
	var diags diag.List
	for _, tr := range traversals {
		ref, special, moreDiags := expr.ParseReference(tr)
		diags = append(diags, moreDiags...)
		switch {
		case special != nil:
			v, moreDiags := s.special(special)
			diags = append(diags, moreDiags...)
			put(special.Root, special.Name, v)
		case ref != nil:
			v, moreDiags := s.object(ref)
			diags = append(diags, moreDiags...)
			put(tr.RootName(), ref.Subject.Name, v)
		}
	}
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{}, Functions: s.functions}
	for root, attrs := range roots {
		ctx.Variables[root] = cty.ObjectVal(attrs)
	}
	return ctx, diags
}

func (s *Static) special(sp *expr.Special) (cty.Value, diag.List) {
	switch {
	case sp.Root == "path" && sp.Name == "module":
		return cty.StringVal(filepath.ToSlash(s.module.Dir)), nil
	case sp.Root == "path" && sp.Name == "root":
		return cty.StringVal(filepath.ToSlash(s.rootDir)), nil
	case sp.Root == "path" && sp.Name == "cwd":
		abs, err := filepath.Abs(".")
		return cty.StringVal(filepath.ToSlash(abs)), diag.FromError("Current folder unknown", err)
	case (sp.Root == "terraform" || sp.Root == "tofu") && sp.Name == "workspace":
		return cty.StringVal(s.workspace), nil
	default:
		return cty.DynamicVal, notStatic(sp.Range, sp.Root+"."+sp.Name)
	}
}

func notStatic(rng hcl.Range, what string) diag.List {
	return diag.Errorf(&rng, "Value not known before planning",
		"This must be known before anything is planned, so it can use only variables, locals, path and terraform.workspace, not %s.", what)
}

func (s *Static) object(ref *addr.Reference) (cty.Value, diag.List) {
	rng := ref.Range
	switch ref.Subject.Kind {
	case addr.Variable:
		if s.module.Variables[ref.Subject.Name] == nil {
			return cty.DynamicVal, diag.Errorf(&rng, "Reference to undeclared input variable",
				"An input variable with the name %q has not been declared.%s", ref.Subject.Name,
				diag.DidYouMean(ref.Subject.Name, sortedKeys(s.module.Variables)))
		}
		v, diags := s.variables(ref.Subject.Name)
		if s.module.Variables[ref.Subject.Name].Sensitive {
			v = v.Mark(object.Sensitive) // so that no message shows it
		}
		return v, diags.At(rng)
	case addr.Local:
		return s.local(ref.Subject.Name, rng)
	default:
		return cty.DynamicVal, notStatic(rng, ref.Subject.String())
	}
}

func (s *Static) local(name string, rng hcl.Range) (cty.Value, diag.List) {
	if v, ok := s.known[name]; ok {
		return v, nil
	}
	l := s.module.Locals[name]
	if l == nil {
		return cty.DynamicVal, diag.Errorf(&rng, "Reference to undeclared local value",
			"A local value with the name %q has not been declared.%s", name, diag.DidYouMean(name, sortedKeys(s.module.Locals)))
	}
	if s.busy[name] {
		return cty.DynamicVal, diag.Errorf(&rng, "Circular reference", "The value of local.%s refers back to itself.", name)
	}
	s.busy[name] = true
	defer delete(s.busy, name)
	v, diags := s.eval(l.Expr)
	if !diags.HasErrors() {
		s.known[name] = v
	}
	return v, diags
}

// static makes the evaluator of a module.
func (t *tree) static(m *Module, variable func(string) (cty.Value, diag.List)) *Static {
	s := &Static{module: m, variables: variable, rootDir: t.opts.Dir, workspace: t.opts.Workspace,
		busy: map[string]bool{}, known: map[string]cty.Value{}}
	if t.opts.Functions != nil {
		s.functions = t.opts.Functions(m.Dir)
	}
	return s
}
