package terraform

import (
	"context"
	"sync"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/expr"
	"tutti/internal/object"
	"tutti/internal/terraform/config"
	"tutti/internal/terraform/function"
)

// compiled is what all instances of one module share: its expressions with what
// they refer to.
type compiled struct {
	cfg       *config.Config
	locals    map[string]*expr.Code
	outputs   map[string]*outputCode
	variables map[string][]conditionCode
	arguments map[string]*expr.Code // of the call that makes the module, by variable
	values    map[string]hcl.Expression
	calls     map[string]*callCode
	resources map[addr.Name]*resourceCode
	providers map[addr.Name]*providerCode
	checks    map[string][]conditionCode
	imports   []*importCode
	removed   []*removedCode
}

// repetitionCode is count, for_each or enabled with its references.
type repetitionCode struct {
	config.Repetition
	code *expr.Code
}

// conditionCode is a condition with its references.
type conditionCode struct {
	*config.Condition
	code *expr.Code
}

// compiler gathers diagnostics while a module is compiled.
type compiler struct {
	root  *Root
	diags diag.List
}

func (c *compiler) code(exprs ...hcl.Expression) *expr.Code {
	code, d := expr.Compile(exprs...)
	c.diags = append(c.diags, d...)
	return code
}

func (c *compiler) repetition(r config.Repetition) repetitionCode {
	return repetitionCode{r, c.code(r.Count, r.ForEach, r.Enabled)}
}

func (c *compiler) conditions(list []*config.Condition) []conditionCode {
	var out []conditionCode
	for _, cond := range list {
		out = append(out, conditionCode{cond, c.code(cond.Condition, cond.ErrorMessage)})
	}
	return out
}

// compile gives the compiled module of a call, from memory when it was asked for.
func (r *Root) compile(cfg *config.Config) (*compiled, diag.List) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if m := r.compiled[cfg.Path]; m != nil {
		return m, nil
	}
	c := &compiler{root: r}
	m := &compiled{cfg: cfg, locals: map[string]*expr.Code{}, outputs: map[string]*outputCode{}, variables: map[string][]conditionCode{},
		arguments: map[string]*expr.Code{}, values: map[string]hcl.Expression{}, calls: map[string]*callCode{},
		resources: map[addr.Name]*resourceCode{}, providers: map[addr.Name]*providerCode{}, checks: map[string][]conditionCode{}}
	for name, l := range cfg.Module.Locals {
		m.locals[name] = c.code(l.Expr)
	}
	for name, o := range cfg.Module.Outputs {
		m.outputs[name] = &outputCode{Output: o, value: c.code(o.Expr), conditions: c.conditions(o.Preconditions)}
	}
	for name, v := range cfg.Module.Variables {
		m.variables[name] = c.conditions(v.Validations)
	}
	for name, call := range cfg.Module.Calls {
		m.calls[name] = &callCode{ModuleCall: call, repetition: c.repetition(call.Repetition)}
	}
	for name, res := range cfg.Module.Resources {
		m.resources[name] = c.resource(res)
	}
	for name, p := range cfg.Module.Providers {
		m.providers[name] = c.provider(p)
	}
	for name, k := range cfg.Module.Checks {
		m.checks[name] = c.conditions(k.Asserts)
	}
	for _, imp := range cfg.Module.Changes.Imports {
		m.imports = append(m.imports, c.importBlock(imp))
	}
	for _, rm := range cfg.Module.Changes.Removed {
		if len(rm.Provisioners) > 0 {
			m.removed = append(m.removed, c.removedBlock(cfg.Path, rm))
		}
	}
	c.arguments(m)
	r.compiled[cfg.Path] = m
	return m, c.diags
}

// arguments compiles what the call gives to the module's variables.
func (c *compiler) arguments(m *compiled) {
	if m.cfg.Call == nil {
		return
	}
	attrs, _ := m.cfg.Call.Body.JustAttributes() // its mistakes were reported at load
	for name, a := range attrs {
		m.values[name] = a.Expr
		m.arguments[name] = c.code(a.Expr)
	}
}

// module is one module instance: a namespace.
type module struct {
	root *Root
	addr addr.Module
	*compiled
	env *expr.Env
	// parent and call say where the instance comes from; nil and zero for the root.
	parent *module
	call   object.Instance

	mu      sync.Mutex
	objects map[addr.Name]object.Object
}

var _ object.Namespace = (*module)(nil)

func (r *Root) module(cfg *config.Config, a addr.Module, parent *module, call object.Instance) *module {
	c, _ := r.compile(cfg)
	m := &module{root: r, addr: a, compiled: c, parent: parent, call: call, objects: map[addr.Name]object.Object{}}
	m.env = &expr.Env{Module: a, Functions: r.functions, Roots: r.places(cfg), Provided: m.providedFunction,
		Varies: function.Varies,
		Output: func(call, output string) bool {
			child := cfg.Children[call]
			return child != nil && child.Module.Outputs[output] != nil
		}}
	return m
}

// Objects implements object.Namespace.
func (m *module) Objects() []object.Object {
	out := make([]object.Object, 0, len(m.cfg.Module.Order))
	for _, n := range m.cfg.Module.Order {
		if o := m.Lookup(n); o != nil {
			out = append(out, o)
		}
	}
	return out
}

// Lookup implements object.Namespace. A provider configuration that no block
// declares is an empty one.
func (m *module) Lookup(n addr.Name) object.Object {
	m.mu.Lock()
	defer m.mu.Unlock()
	if o, ok := m.objects[n]; ok {
		return o
	}
	o := m.make(n)
	if o != nil {
		m.objects[n] = o
	}
	return o
}

func (m *module) make(n addr.Name) object.Object {
	at := base{m: m, addr: addr.Object{Module: m.addr, Name: n}}
	mod := m.cfg.Module
	switch n.Kind {
	case addr.Variable:
		if v := mod.Variables[n.Name]; v != nil {
			return &variable{base: at, decl: v}
		}
	case addr.Local:
		if l := mod.Locals[n.Name]; l != nil {
			return &local{base: at, decl: l}
		}
	case addr.Output:
		if o := m.outputs[n.Name]; o != nil {
			return &output{base: at, outputCode: o}
		}
	case addr.ModuleCall:
		if c := m.calls[n.Name]; c != nil {
			return &moduleCall{base: at, callCode: c}
		}
	case addr.Provider:
		return &providerConfig{base: at, providerCode: m.providers[n]}
	case addr.Check:
		if k := mod.Checks[n.Name]; k != nil {
			return &check{base: at, decl: k, asserts: m.checks[n.Name]}
		}
	case addr.Resource, addr.Data:
		if r := m.resources[n]; r != nil {
			return &resource{base: at, resourceCode: r}
		}
	case addr.Ephemeral:
		if r := m.resources[n]; r != nil {
			return &ephemeral{block: resource{base: at, resourceCode: r}}
		}
	}
	return nil
}

// base is what all objects of a module instance have.
type base struct {
	m    *module
	addr addr.Object
}

// Addr implements object.Object.
func (b *base) Addr() addr.Object { return b.addr }

// Expand implements object.Object for what has no instances of its own.
func (b *base) Expand(context.Context, object.Scope) (object.Expansion, diag.List) {
	return object.One(), nil
}

// value evaluates one expression.
func (b *base) value(ctx context.Context, s object.Scope, code *expr.Code, e hcl.Expression, l expr.Local) (cty.Value, diag.List) {
	return b.m.value(ctx, s, code, e, l)
}

func (m *module) value(ctx context.Context, s object.Scope, code *expr.Code, e hcl.Expression, l expr.Local) (cty.Value, diag.List) {
	ev, d := code.Context(ctx, s, m.env, l)
	if d.HasErrors() {
		return cty.DynamicVal, d
	}
	v, hd := e.Value(ev)
	return v, append(d, diag.FromHCL(hd)...)
}

// after notes the edges of depends_on.
func (b *base) after(ctx context.Context, s object.Scope, dependsOn []hcl.Traversal) diag.List {
	var d diag.List
	for _, tr := range dependsOn {
		ref, _, rd := expr.ParseReference(tr)
		if d = append(d, rd...); ref == nil {
			continue
		}
		s.After(ctx, addr.Object{Module: b.m.addr, Name: ref.Subject})
	}
	return d
}
