package expr

import (
	"context"
	"maps"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
)

// Env is what the expressions of one module instance share. It is immutable.
type Env struct {
	Module    addr.Module
	Functions map[string]function.Function
	// Roots are the values that belong to the place: path, terraform, tofu.
	Roots map[string]cty.Value
	// Output reports whether a module call's module has the output.
	Output func(call, output string) bool
	// Varies reports whether a built-in function may give something else each time it
	// is called; nil means that all may.
	Varies func(name string) bool
	// Provided gives a provider-defined function; nil where there are none.
	Provided func(ctx context.Context, s object.Scope, name string) (function.Function, diag.List)
}

// Local is what is particular to one evaluation.
type Local struct {
	Instance object.Instance
	// Self is the value of self; cty.NilVal where there is none.
	Self cty.Value
	// Values are further root names, such as a check's data source.
	Values map[string]cty.Value
}

// Context asks the scope for all that the code refers to and gives the context in
// which its expressions can be evaluated.
func (c *Code) Context(ctx context.Context, s object.Scope, env *Env, l Local) (*hcl.EvalContext, diag.List) {
	ev := &hcl.EvalContext{Variables: c.placeValues(env, l), Functions: env.Functions}
	var d diag.List
	if len(c.functions) > 0 {
		d = append(d, c.addFunctions(ctx, s, env, ev)...)
	}
	if len(c.refs) > 0 {
		c.addObjects(ctx, s, env, ev)
	}
	if len(c.shared) > 0 {
		c.share(s, env, l, ev)
	}
	return ev, d
}

// addObjects asks for the objects, those that indexes need first.
func (c *Code) addObjects(ctx context.Context, s object.Scope, env *Env, ev *hcl.EvalContext) {
	t := &tree{}
	var later []group
	for _, g := range c.groups() {
		if g.nested() {
			later = append(later, g)
			continue
		}
		t.put(g.path, g.value(ctx, s, env, ev))
	}
	t.into(ev)
	if len(later) > 0 {
		for _, g := range later {
			t.put(g.path, g.value(ctx, s, env, ev))
		}
		t.into(ev)
	}
}

// nested reports whether an index refers to other objects: they come first.
func (g group) nested() bool {
	for _, r := range g.refs {
		if r.Index == nil {
			continue
		}
		for _, tr := range r.Index.Variables() {
			if _, special, _ := ParseReference(tr); special == nil {
				return true
			}
		}
	}
	return false
}

func (c *Code) placeValues(env *Env, l Local) map[string]cty.Value {
	vars := make(map[string]cty.Value, len(c.locals)+4)
	for name := range c.locals {
		switch name {
		case "count":
			if n, ok := l.Instance.Key.Int(); ok {
				vars["count"] = cty.ObjectVal(map[string]cty.Value{"index": cty.NumberIntVal(int64(n))})
			}
		case "each":
			if k, ok := l.Instance.Key.Str(); ok {
				vars["each"] = cty.ObjectVal(map[string]cty.Value{"key": cty.StringVal(k), "value": l.Instance.Value})
			}
		case "self":
			if l.Self != cty.NilVal {
				vars["self"] = l.Self
			}
		default:
			if v, ok := env.Roots[name]; ok {
				vars[name] = v
			}
		}
	}
	maps.Copy(vars, l.Values)
	return vars
}

func (c *Code) addFunctions(ctx context.Context, s object.Scope, env *Env, ev *hcl.EvalContext) diag.List {
	ev.Functions = maps.Clone(ev.Functions)
	var d diag.List
	for _, call := range c.functions {
		if env.Provided == nil {
			d = append(d, diag.Errorf(&call.Range, "Provider functions are not available here", "%s cannot be called in this place.", call.FullName())...)
			continue
		}
		f, fd := env.Provided(ctx, s, call.FullName())
		d = append(d, fd.At(call.Range)...)
		if !fd.HasErrors() {
			ev.Functions[call.FullName()] = f
		}
	}
	return d
}

// group is all references to one subject.
type group struct {
	path []string
	refs []reference
}

func (c *Code) groups() []group {
	if len(c.refs) == 1 {
		return []group{{c.refs[0].path, c.refs}}
	}
	var out []group
next:
	for _, r := range c.refs {
		for i := range out {
			if out[i].refs[0].Subject == r.Subject && len(out[i].path) == len(r.path) {
				out[i].refs = append(out[i].refs, r)
				continue next
			}
		}
		out = append(out, group{r.path, []reference{r}})
	}
	return out
}

// value asks for as little of the subject as its references need.
func (g group) value(ctx context.Context, s object.Scope, env *Env, ev *hcl.EvalContext) cty.Value {
	subject := addr.Object{Module: env.Module, Name: g.refs[0].Subject}
	if subject.Kind == addr.ModuleCall {
		return g.module(ctx, s, subject, env, ev)
	}
	if subject.Kind.IsValue() || g.plain() {
		return s.Object(ctx, subject)
	}
	x := s.Expansion(ctx, subject)
	keys, ok := g.keys(ev)
	if !ok || x.Unknown || x.Shape == object.Single {
		return s.Object(ctx, subject)
	}
	sparse := make(map[string]cty.Value, len(keys))
	for _, k := range keys {
		k = normal(k, x)
		if _, exists := x.Find(k); exists {
			sparse[keyName(k)] = s.Instance(ctx, subject.Instance(k))
		}
	}
	return collection(sparse)
}

// plain reports whether some reference is to the subject as a whole.
func (g group) plain() bool {
	for _, r := range g.refs {
		if r.Key.IsNone() && r.Index == nil {
			return true
		}
	}
	return false
}

// keys evaluates the indexes; false when one is not known or not plain.
func (g group) keys(ev *hcl.EvalContext) ([]addr.Key, bool) {
	keys := make([]addr.Key, 0, len(g.refs))
	for _, r := range g.refs {
		k, ok := r.key(ev)
		if !ok {
			return nil, false
		}
		keys = append(keys, k)
	}
	return keys, true
}

func (r reference) key(ev *hcl.EvalContext) (addr.Key, bool) {
	if r.Index == nil {
		return r.Key, !r.Key.IsNone()
	}
	for _, tr := range r.Index.Variables() {
		if _, ok := ev.Variables[tr.RootName()]; !ok {
			return addr.NoKey, false // an index that itself needs another object
		}
	}
	v, d := r.Index.Value(ev)
	if d.HasErrors() {
		return addr.NoKey, false
	}
	k, err := addr.KeyOf(v)
	return k, err == nil
}

// normal turns a text key of digits into a number for count and the other way
// round for for_each, as an index into such a value would.
func normal(k addr.Key, x object.Expansion) addr.Key {
	if n, ok := k.Int(); ok && x.Shape == object.ForEach {
		return addr.StringKey(strconv.Itoa(n))
	}
	if s, ok := k.Str(); ok && x.Shape == object.Count {
		if n, err := strconv.Atoi(s); err == nil && n >= 0 && strconv.Itoa(n) == s {
			return addr.IntKey(n)
		}
	}
	return k
}

// module gives the outputs of a module call that the references name.
func (g group) module(ctx context.Context, s object.Scope, call addr.Object, env *Env, ev *hcl.EvalContext) cty.Value {
	x := s.Expansion(ctx, call)
	if x.Unknown {
		return cty.DynamicVal
	}
	byKey := map[addr.Key]map[string]cty.Value{}
	for _, r := range g.refs {
		k, ok := addr.NoKey, true
		if x.Shape != object.Single {
			k, ok = r.key(ev)
		} else if !r.Key.IsNone() || r.Index != nil {
			ok = false
		}
		if _, isAttr := attrOf(r); !ok || !isAttr {
			return s.Object(ctx, call)
		}
		k = normal(k, x)
		if _, exists := x.Find(k); !exists {
			continue
		}
		name, _ := attrOf(r)
		if byKey[k] == nil {
			byKey[k] = map[string]cty.Value{}
		}
		if env.Output(call.Name.Name, name) {
			byKey[k][name] = s.Object(ctx, addr.Object{Module: env.Module.Child(call.Name.Name, k), Name: addr.Name{Kind: addr.Output, Name: name}})
		}
	}
	if x.Shape == object.Single {
		if len(x.Instances) == 0 {
			return cty.NullVal(cty.DynamicPseudoType)
		}
		return cty.ObjectVal(byKey[addr.NoKey])
	}
	sparse := make(map[string]cty.Value, len(byKey))
	for k, outs := range byKey {
		sparse[keyName(k)] = cty.ObjectVal(outs)
	}
	return collection(sparse)
}

// collection makes a value of the instances that are asked for. A map says of a key
// that is not there what a user would expect; it can hold only values of one type.
func collection(sparse map[string]cty.Value) cty.Value {
	if len(sparse) == 0 {
		return cty.MapValEmpty(cty.DynamicPseudoType)
	}
	if cty.CanMapVal(sparse) {
		return cty.MapVal(sparse)
	}
	return cty.ObjectVal(sparse)
}

func attrOf(r reference) (string, bool) {
	if len(r.Remaining) == 0 {
		return "", false
	}
	a, ok := r.Remaining[0].(hcl.TraverseAttr)
	return a.Name, ok
}

// tree gathers values by their path below the root names.
type tree struct {
	children map[string]*tree
	value    cty.Value
}

func (t *tree) put(path []string, v cty.Value) {
	if len(path) == 0 {
		t.value = v
		return
	}
	if t.children == nil {
		t.children = make(map[string]*tree, 1)
	}
	sub := t.children[path[0]]
	if sub == nil {
		sub = &tree{}
		t.children[path[0]] = sub
	}
	sub.put(path[1:], v)
}

// into makes the values variables.
func (t *tree) into(ev *hcl.EvalContext) {
	for name, sub := range t.children {
		ev.Variables[name] = sub.build()
	}
}

func (t *tree) build() cty.Value {
	if t.children == nil {
		return t.value
	}
	attrs := make(map[string]cty.Value, len(t.children))
	for name, sub := range t.children {
		attrs[name] = sub.build()
	}
	return cty.ObjectVal(attrs)
}
