package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/expr"
)

// maxReferenceErrors bounds how many wrong references of one module are told: a
// renamed root of a large module would else give thousands, each with its own
// search for a near name.
const maxReferenceErrors = 100

// checkReferences finds references of a module to what it does not declare, and
// arguments of module calls that do not fit the variables there.
func (c *Config) checkReferences() diag.List {
	diags := c.checkBackend()
	for _, name := range c.Module.Order {
		if len(diags) >= maxReferenceErrors {
			return append(diags[:maxReferenceErrors], diag.Errorf(nil, "Too many wrong references",
				"There may be more than these %d in %s: the rest is not looked at.", maxReferenceErrors, describePath(c.Path))...)
		}
		from := len(diags)
		var refs expr.Refs
		var moreDiags diag.List
		scope := where{}
		switch name.Kind {
		case addr.Resource, addr.Data, addr.Ephemeral:
			r := c.Module.Resources[name]
			refs, moreDiags = r.References()
			scope = where{repeated: r.Repetition, self: true}
		case addr.ModuleCall:
			call := c.Module.Calls[name.Name]
			refs, moreDiags = call.References()
			scope = where{repeated: call.Repetition}
			diags = append(diags, c.checkArguments(call)...)
		case addr.Local:
			refs, moreDiags = expr.References(c.Module.Locals[name.Name].Expr)
		case addr.Output:
			refs, moreDiags = c.Module.Outputs[name.Name].References()
		case addr.Provider:
			p := c.Module.Providers[name]
			refs, moreDiags = p.References()
			scope = where{repeated: Repetition{ForEach: p.ForEach}}
		case addr.Variable:
			refs, moreDiags = c.Module.Variables[name.Name].References()
		case addr.Check:
			refs, moreDiags = c.Module.Checks[name.Name].References()
		}
		diags = append(diags, moreDiags...)
		diags = append(diags, c.checkRefs(refs, scope)...)
		if len(diags) > from {
			copy(diags[from:], diags[from:].In(addr.Config{Module: c.Path, Name: name}.String()))
		}
	}
	return diags
}

// where says what is known around an expression.
type where struct {
	repeated Repetition
	self     bool
}

func (c *Config) checkRefs(refs expr.Refs, scope where) diag.List {
	var diags diag.List
	for _, ref := range refs.Objects {
		diags = append(diags, c.checkObject(ref)...)
	}
	for _, s := range refs.Specials {
		diags = append(diags, checkSpecial(s, scope)...)
	}
	for _, f := range refs.Functions {
		if f.Local != "terraform" && c.Module.Settings.Required[f.Local] == nil {
			rng := f.Range
			diags = append(diags, diag.Errorf(&rng, "Unknown function provider",
				"%s is a function of a provider %q, which the required_providers block of this module does not have.%s",
				f.FullName(), f.Local, diag.DidYouMean(f.Local, sortedKeys(c.Module.Settings.Required)))...)
		}
	}
	return diags
}

// checkBackend holds the backend's settings to what is known before planning.
func (c *Config) checkBackend() diag.List {
	b := c.Module.Settings.Backend
	if b == nil || c.Parent != nil {
		return nil // only the root's backend counts
	}
	refs, diags := expr.BodyReferences(b.Body)
	for _, r := range refs.Objects {
		if k := r.Subject.Kind; k != addr.Variable && k != addr.Local {
			diags = append(diags, notStatic(r.Range, r.Subject.String())...)
		}
	}
	if !diags.HasErrors() {
		diags = append(diags, c.checkRefs(refs, where{})...)
	}
	return diags
}

// checkSpecial complains about count, each and self where they mean nothing, and
// about unknown names in the other roots.
func checkSpecial(s expr.Special, scope where) diag.List {
	if d := s.Check(); d.HasErrors() {
		return d
	}
	rng := s.Range
	switch {
	case s.Root == "count" && scope.repeated.Count == nil:
		return diag.Errorf(&rng, "Reference to \"count\" in non-counted context", "count.index is known only in a block that has the \"count\" argument.")
	case s.Root == "each" && scope.repeated.ForEach == nil:
		return diag.Errorf(&rng, "Reference to \"each\" in context without for_each", "each.%s is known only in a block that has the \"for_each\" argument.", s.Name)
	case s.Root == "self" && !scope.self:
		return diag.Errorf(&rng, "Invalid \"self\" reference", "\"self\" is known only in provisioners, connections and postconditions: there is no resource around this.")
	}
	return nil
}

// checkObject complains about a reference to what the module does not declare.
// tutti's own kinds are declared elsewhere and not checked here.
func (c *Config) checkObject(ref addr.Reference) diag.List {
	m := c.Module
	rng := ref.Range
	n := ref.Subject
	missing := func(what string, names []string) diag.List {
		return diag.Errorf(&rng, "Reference to undeclared "+what, "No %s with the name %q has been declared in %s.%s",
			what, n.Name, describePath(c.Path), diag.DidYouMean(n.Name, names))
	}
	switch n.Kind {
	case addr.Variable:
		if m.Variables[n.Name] == nil {
			return missing("input variable", sortedKeys(m.Variables))
		}
	case addr.Local:
		if m.Locals[n.Name] == nil {
			return missing("local value", sortedKeys(m.Locals))
		}
	case addr.ModuleCall:
		if m.Calls[n.Name] == nil {
			return missing("module", sortedKeys(m.Calls))
		}
		return c.checkOutput(ref)
	case addr.Resource, addr.Data, addr.Ephemeral:
		if m.Resources[n] == nil {
			return c.undeclaredResource(ref)
		}
	}
	return nil
}

func (c *Config) undeclaredResource(ref addr.Reference) diag.List {
	rng, n := ref.Range, ref.Subject
	var names []string
	for _, have := range c.Module.Order {
		if have.Kind.Typed() {
			names = append(names, have.String())
		}
	}
	hint := diag.DidYouMean(n.String(), names)
	other := addr.Name{Kind: addr.Data, Type: n.Type, Name: n.Name}
	if n.Kind == addr.Resource && hint == "" && c.Module.Resources[other] != nil {
		hint = " Did you mean \"" + other.String() + "\"?"
	}
	return diag.Errorf(&rng, "Reference to undeclared resource", "No resource %s has been declared in %s.%s", n, describePath(c.Path), hint)
}

// checkOutput complains about an output that the called module does not have.
func (c *Config) checkOutput(ref addr.Reference) diag.List {
	child := c.Children[ref.Subject.Name]
	rest := ref.Remaining
	for len(rest) > 0 {
		if _, ok := rest[0].(hcl.TraverseAttr); ok {
			break
		}
		rest = rest[1:]
	}
	if child == nil || len(rest) == 0 {
		return nil
	}
	attr := rest[0].(hcl.TraverseAttr)
	call := child.Call
	if call.Repetition.ForEach != nil && ref.Key.IsNone() && ref.Index == nil && len(rest) == len(ref.Remaining) {
		return nil // an attribute of the map of instances: its key
	}
	rng := attr.SrcRange
	out := child.Module.Outputs[attr.Name]
	switch {
	case out == nil:
		return diag.Errorf(&rng, "Unsupported attribute", "Module %q has no output with the name %q.%s",
			ref.Subject.Name, attr.Name, diag.DidYouMean(attr.Name, sortedKeys(child.Module.Outputs)))
	case out.Deprecated != "":
		return diag.Warnf(&rng, "Value derived from a deprecated source", "The output %q of module %q is deprecated. Its author says: %s",
			attr.Name, ref.Subject.Name, out.Deprecated)
	default:
		return nil
	}
}

// checkArguments holds a call's arguments against the variables of the module.
func (c *Config) checkArguments(call *ModuleCall) diag.List {
	child := c.Children[call.Name]
	if child == nil {
		return nil
	}
	attrs, _ := call.Body.JustAttributes()
	var diags diag.List
	for _, a := range byPosition(attrs) {
		switch v := child.Module.Variables[a.Name]; {
		case v == nil:
			diags = append(diags, diag.Errorf(&a.NameRange, "Unsupported argument", "Module %q has no variable with the name %q.%s",
				call.Name, a.Name, diag.DidYouMean(a.Name, sortedKeys(child.Module.Variables)))...)
		case v.Deprecated != "":
			diags = append(diags, diag.Warnf(&a.NameRange, "Variable marked as deprecated by the module author", "The variable %q of module %q is deprecated. Its author says: %s",
				a.Name, call.Name, v.Deprecated)...)
		}
	}
	for _, name := range sortedKeys(child.Module.Variables) {
		if v := child.Module.Variables[name]; v.Required() && attrs[name] == nil {
			diags = append(diags, diag.Errorf(&call.DeclRange, "Missing required argument",
				"Module %q needs the argument %q, because its variable has no default.", call.Name, name)...)
		}
	}
	return diags
}

// References gives all that the block refers to.
func (r *Resource) References() (expr.Refs, diag.List) {
	c := &collector{}
	c.repetition(r.Repetition)
	c.Body(r.Body)
	c.depends(r.DependsOn)
	c.conditions(r.Lifecycle.Preconditions)
	c.conditions(r.Lifecycle.Postconditions)
	c.exprs(append([]hcl.Expression{r.Lifecycle.PreventDestroy, r.Lifecycle.Destroy}, r.Lifecycle.ReplaceTriggeredBy...))
	if r.Provider != nil {
		c.exprs([]hcl.Expression{r.Provider.Key})
	}
	if r.Connection != nil {
		c.Body(r.Connection.Body)
	}
	for _, p := range r.Provisioners {
		c.Body(p.Body)
		if p.Connection != nil {
			c.Body(p.Connection.Body)
		}
	}
	for _, t := range r.Lifecycle.ActionTriggers {
		c.exprs([]hcl.Expression{t.Condition})
	}
	return c.Refs()
}

// References gives all that the block refers to.
func (m *ModuleCall) References() (expr.Refs, diag.List) {
	c := &collector{}
	c.repetition(m.Repetition)
	c.Body(m.Body)
	c.depends(m.DependsOn)
	for _, p := range m.Providers {
		c.exprs([]hcl.Expression{p.InParent.Key})
	}
	return c.Refs()
}

// References gives all that the block refers to.
func (o *Output) References() (expr.Refs, diag.List) {
	c := &collector{}
	c.exprs([]hcl.Expression{o.Expr})
	c.depends(o.DependsOn)
	c.conditions(o.Preconditions)
	return c.Refs()
}

// References gives all that the block refers to.
func (p *ProviderConfig) References() (expr.Refs, diag.List) {
	c := &collector{}
	c.exprs([]hcl.Expression{p.ForEach})
	c.Body(p.Body)
	return c.Refs()
}

// References gives all that the validations refer to, the variable itself too.
func (v *Variable) References() (expr.Refs, diag.List) {
	c := &collector{}
	c.conditions(v.Validations)
	return c.Refs()
}

// References gives all that the assertions refer to; the data block has its own.
func (k *Check) References() (expr.Refs, diag.List) {
	c := &collector{}
	c.conditions(k.Asserts)
	return c.Refs()
}

// collector gathers references from the parts of blocks.
type collector struct{ expr.Collector }

func (c *collector) exprs(list []hcl.Expression) {
	for _, e := range list {
		c.Expr(e)
	}
}

func (c *collector) repetition(r Repetition) {
	c.exprs([]hcl.Expression{r.Count, r.ForEach, r.Enabled})
}

func (c *collector) conditions(list []*Condition) {
	for _, cond := range list {
		c.exprs([]hcl.Expression{cond.Condition, cond.ErrorMessage})
	}
}

func (c *collector) depends(list []hcl.Traversal) {
	for _, tr := range list {
		c.Traversal(tr)
	}
}

// describeConversion says what is wrong with a value, and where in it.
func describeConversion(err error) string {
	var pe cty.PathError
	if !errors.As(err, &pe) || len(pe.Path) == 0 {
		return err.Error()
	}
	var b strings.Builder
	for i, step := range pe.Path {
		switch s := step.(type) {
		case cty.GetAttrStep:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.Name)
		case cty.IndexStep:
			switch {
			case s.Key.Type() == cty.String && s.Key.IsKnown():
				fmt.Fprintf(&b, "[%q]", s.Key.AsString())
			case s.Key.Type() == cty.Number && s.Key.IsKnown():
				fmt.Fprintf(&b, "[%s]", s.Key.AsBigFloat().Text('f', -1))
			default:
				b.WriteString("[...]")
			}
		}
	}
	return b.String() + ": " + err.Error()
}
