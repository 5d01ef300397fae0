package terraform

import (
	"context"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/expr"
	"tutti/internal/object"
	"tutti/internal/terraform/config"
)

// variable is an input variable of a module instance.
type variable struct {
	base
	decl *config.Variable
}

var _ object.Checked = (*variable)(nil)

// References implements object.Object: in a called module a variable is what the
// call gives it.
func (v *variable) References() []addr.Reference {
	if code := v.m.arguments[v.decl.Name]; code != nil {
		return code.References()
	}
	return nil
}

// Wanted implements object.Object.
func (v *variable) Wanted(ctx context.Context, s object.Scope, _ object.Instance) (cty.Value, diag.List) {
	val, d := v.given(ctx, s)
	if d.HasErrors() {
		return cty.NilVal, d
	}
	if val == cty.NilVal || val.IsNull() && !v.decl.Nullable {
		if v.decl.Required() {
			return cty.NilVal, append(d, v.missing(val != cty.NilVal)...)
		}
		val = v.decl.Default
	}
	conv, err := v.decl.Convert(val)
	if err != nil {
		rng := v.decl.DeclRange
		if e := v.m.values[v.decl.Name]; e != nil {
			rng = e.Range()
		}
		return cty.NilVal, append(d, diag.Errorf(&rng, "Invalid value for input variable",
			"The value does not fit the type of var.%s: %s.", v.decl.Name, err)...)
	}
	if v.decl.Sensitive {
		conv = conv.Mark(object.Sensitive)
	}
	if v.decl.Ephemeral {
		conv = conv.Mark(object.Ephemeral)
	}
	return conv, d
}

// given evaluates what the call, or the user, says.
func (v *variable) given(ctx context.Context, s object.Scope) (cty.Value, diag.List) {
	if v.m.parent == nil {
		if val, ok := v.m.root.opts.Variables[v.decl.Name]; ok {
			return val, nil
		}
		return cty.NilVal, nil
	}
	code := v.m.arguments[v.decl.Name]
	if code == nil {
		return cty.NilVal, nil
	}
	return v.m.parent.value(ctx, s, code, v.m.values[v.decl.Name], expr.Local{Instance: v.m.call})
}

func (v *variable) missing(null bool) diag.List {
	rng := v.decl.DeclRange
	if null {
		return diag.Errorf(&rng, "Required variable not set", "var.%s is null, and it has nullable = false and no default. Give it a value.", v.decl.Name)
	}
	return diag.Errorf(&rng, "No value for required variable", "The variable %q has no default, so a value must be given: with -var '%s=...', in a .tfvars file, or in the environment as TF_VAR_%s.",
		v.decl.Name, v.decl.Name, v.decl.Name)
}

// Check implements object.Checked: the validations see the value as var.NAME.
func (v *variable) Check(ctx context.Context, s object.Scope, _ object.Instance, stage object.Stage, self cty.Value) diag.List {
	if stage != object.After {
		return nil
	}
	var d diag.List
	for _, c := range v.m.variables[v.decl.Name] {
		if v.decl.Sensitive {
			self = self.Mark(object.Sensitive)
		}
		d = append(d, v.m.condition(ctx, s, c, conditionPlace{
			what: "Invalid value for variable", self: v.addr, selfValue: self})...)
	}
	return d
}

// local is a local value.
type local struct {
	base
	decl *config.Local
}

// References implements object.Object.
func (l *local) References() []addr.Reference { return l.m.locals[l.decl.Name].References() }

// Wanted implements object.Object.
func (l *local) Wanted(ctx context.Context, s object.Scope, _ object.Instance) (cty.Value, diag.List) {
	v, d := l.value(ctx, s, l.m.locals[l.decl.Name], l.decl.Expr, expr.Local{})
	if d.HasErrors() {
		return cty.NilVal, d
	}
	return v, d
}

// outputCode is an output block with its references.
type outputCode struct {
	*config.Output
	value      *expr.Code
	conditions []conditionCode
}

// output is an output value.
type output struct {
	base
	*outputCode
}

var _ object.Checked = (*output)(nil)

// References implements object.Object.
func (o *output) References() []addr.Reference { return o.outputCode.value.References() }

// Wanted implements object.Object.
func (o *output) Wanted(ctx context.Context, s object.Scope, _ object.Instance) (cty.Value, diag.List) {
	d := o.after(ctx, s, o.DependsOn)
	v, vd := o.m.value(ctx, s, o.outputCode.value, o.Expr, expr.Local{})
	if d = append(d, vd...); d.HasErrors() {
		return cty.NilVal, d
	}
	rng := o.Expr.Range()
	switch {
	case o.Sensitive:
		v = v.Mark(object.Sensitive)
	case o.m.parent == nil && object.HasMark(v, object.Sensitive):
		return cty.NilVal, append(d, diag.Errorf(&rng, "Output refers to sensitive values",
			"The value of output %q is sensitive, and outputs of the root module are printed. Add sensitive = true to the output to keep it hidden, or wrap the value in nonsensitive() if it may be seen.", o.Name)...)
	}
	switch {
	case o.Ephemeral && o.m.parent == nil:
		return cty.NilVal, append(d, diag.Errorf(&rng, "Ephemeral output not allowed",
			"Outputs of the root module are stored, so output %q cannot be ephemeral.", o.Name)...)
	case o.Ephemeral:
		v = v.Mark(object.Ephemeral)
	case object.HasMark(v, object.Ephemeral):
		return cty.NilVal, append(d, diag.Errorf(&rng, "Ephemeral value not allowed",
			"The value of output %q is ephemeral: it may not be stored. In a called module, add ephemeral = true; elsewhere use ephemeralasnull().", o.Name)...)
	}
	return v, d
}

// Check implements object.Checked.
func (o *output) Check(ctx context.Context, s object.Scope, inst object.Instance, stage object.Stage, _ cty.Value) diag.List {
	if stage != object.Before {
		return nil
	}
	return o.m.check(ctx, s, o.conditions, conditionPlace{what: "Module output value precondition failed", inst: inst})
}

// conditionPlace says where a condition is evaluated.
type conditionPlace struct {
	what string
	inst object.Instance
	// self and selfValue replace one object's own value: a variable's while it is
	// validated.
	self      addr.Object
	selfValue cty.Value
	// value is what self stands for in a postcondition.
	value cty.Value
}

func (m *module) check(ctx context.Context, s object.Scope, list []conditionCode, p conditionPlace) diag.List {
	var d diag.List
	for _, c := range list {
		d = append(d, m.condition(ctx, s, c, p)...)
	}
	return d
}

// condition evaluates one condition: nothing is said while it is not known.
func (m *module) condition(ctx context.Context, s object.Scope, c conditionCode, p conditionPlace) diag.List {
	if p.selfValue != cty.NilVal {
		s = &substitute{s, p.self, p.selfValue}
	}
	ev, d := c.code.Context(ctx, s, m.env, expr.Local{Instance: p.inst, Self: p.value})
	if d.HasErrors() {
		return d
	}
	v, hd := c.Condition.Condition.Value(ev)
	if hd.HasErrors() {
		return append(d, diag.FromHCL(hd)...)
	}
	rng := c.Condition.Condition.Range()
	marked := v
	v, _ = v.Unmark()
	if !v.IsKnown() {
		return d
	}
	ok, err := boolOf(v)
	if err != nil {
		return append(d, diag.Errorf(&rng, "Invalid condition result", "A condition must be true or false: %s.", err)...)
	}
	if ok {
		return d
	}
	fail := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: p.what, Subject: &rng, Expression: c.Condition.Condition, EvalContext: ev}
	fail.Detail = m.message(c, ev, object.HasMark(marked, object.Sensitive))
	return append(d, diag.FromHCL(hcl.Diagnostics{fail})...)
}

// message evaluates a condition's error message. One that would show something
// sensitive is not shown.
func (m *module) message(c conditionCode, ev *hcl.EvalContext, _ bool) string {
	v, hd := c.ErrorMessage.Value(ev)
	switch {
	case hd.HasErrors():
		return "The condition is not met, and its error message could not be evaluated: " + hd[0].Detail
	case object.HasMark(v, object.Sensitive) || object.HasMark(v, object.Ephemeral):
		return "The condition is not met. Its error message holds a sensitive value and is not shown."
	case !v.IsWhollyKnown() || v.IsNull() || v.Type() != cty.String:
		return "The condition is not met, and its error message is not a known string."
	default:
		return v.AsString()
	}
}

// substitute is a scope in which one object has another value.
type substitute struct {
	object.Scope
	addr  addr.Object
	value cty.Value
}

// Object implements object.Scope.
func (s *substitute) Object(ctx context.Context, o addr.Object) cty.Value {
	if o == s.addr {
		return s.value
	}
	return s.Scope.Object(ctx, o)
}

// check is a check block: its assertions warn and stop nothing.
type check struct {
	base
	decl    *config.Check
	asserts []conditionCode
}

var _ object.Checked = (*check)(nil)

// References implements object.Object.
func (k *check) References() []addr.Reference {
	var out []addr.Reference
	for _, a := range k.asserts {
		out = append(out, a.code.References()...)
	}
	return out
}

// Wanted implements object.Object: a check has no value of its own.
func (k *check) Wanted(context.Context, object.Scope, object.Instance) (cty.Value, diag.List) {
	return cty.NullVal(cty.DynamicPseudoType), nil
}

// Check implements object.Checked.
func (k *check) Check(ctx context.Context, s object.Scope, inst object.Instance, stage object.Stage, _ cty.Value) diag.List {
	if stage != object.After {
		return nil
	}
	return warnings(k.m.check(ctx, s, k.asserts, conditionPlace{what: "Check block assertion failed", inst: inst}))
}

// warnings makes warnings of errors.
func warnings(d diag.List) diag.List {
	out := make(diag.List, len(d))
	for i, x := range d {
		c := *x
		c.Severity = diag.Warning
		out[i] = &c
	}
	return out
}
