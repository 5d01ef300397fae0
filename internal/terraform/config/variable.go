package config

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/expr"
)

// variable understands a variable block.
func (l *loader) variable(name addr.Name, d *declaration) diag.List {
	v := &Variable{Name: name.Name, Type: cty.DynamicPseudoType, Literal: true, Nullable: true, DeclRange: d.block.DefRange}
	l.module.Variables[v.Name] = v
	diags := l.reservedVariable(v.Name, d.block)
	diags = append(diags, staticInto(d.attr("description"), &v.Description)...)
	diags = append(diags, staticInto(d.attr("sensitive"), &v.Sensitive)...)
	diags = append(diags, staticInto(d.attr("ephemeral"), &v.Ephemeral)...)
	diags = append(diags, staticInto(d.attr("nullable"), &v.Nullable)...)
	diags = append(diags, staticInto(d.attr("const"), &v.Const)...)
	diags = append(diags, deprecation(d.attr("deprecated"), &v.Deprecated)...)
	typeDiags := v.readType(d.attr("type"))
	diags = append(diags, typeDiags...)
	if !typeDiags.HasErrors() {
		diags = append(diags, v.readDefault(d)...)
	}
	diags = append(diags, d.noBlockOverride("validation")...)
	conds, moreDiags := conditions(d.layers[0].content.Blocks.OfType("validation"))
	diags = append(diags, moreDiags...)
	for _, c := range conds {
		diags = append(diags, v.refersToItself(c)...)
	}
	v.Validations = conds
	return diags
}

// reservedVariable complains about names that a module block uses for itself.
func (l *loader) reservedVariable(name string, block *hcl.Block) diag.List {
	for _, a := range moduleSchema.Attributes {
		if a.Name == name {
			return reservedVariableName(name, block)
		}
	}
	for _, b := range moduleSchema.Blocks {
		if b.Type == name && name != "_" {
			return reservedVariableName(name, block)
		}
	}
	return nil
}

func reservedVariableName(name string, block *hcl.Block) diag.List {
	return diag.Errorf(&block.LabelRanges[0], "Invalid variable name",
		"A variable cannot be called %q, because that has its own meaning in a module block. Choose another name.", name)
}

func deprecation(attr *hcl.Attribute, target *string) diag.List {
	diags := staticInto(attr, target)
	if attr != nil && !diags.HasErrors() && *target == "" {
		rng := attr.Expr.Range()
		return append(diags, diag.Errorf(&rng, "Invalid deprecated value",
			"The \"deprecated\" argument must not be empty: say what to use instead.")...)
	}
	return diags
}

func (v *Variable) readType(attr *hcl.Attribute) diag.List {
	if attr == nil {
		return nil
	}
	expr := attr.Expr
	if text, rng, ok := quoted(expr); ok {
		switch text {
		case "string", "list", "map":
			return diag.Errorf(&rng, "Invalid quoted type constraints",
				"Types are written without quotes since Terraform 0.12: %s.", map[string]string{
					"string": "string", "list": "list(string), or list(any)", "map": "map(string), or map(any)",
				}[text])
		default:
			return diag.Errorf(&rng, "Invalid type constraint", "A type is written without quotes, such as list(string); %q is not one.", text)
		}
	}
	switch hcl.ExprAsKeyword(expr) {
	case "list":
		v.Type, v.Literal = cty.List(cty.DynamicPseudoType), false
		return nil
	case "map":
		v.Type, v.Literal = cty.Map(cty.DynamicPseudoType), false
		return nil
	}
	ty, optional, hd := typeexpr.TypeConstraintWithDefaults(expr)
	if hd.HasErrors() {
		return diag.FromHCL(hd)
	}
	v.Type, v.Optional, v.Literal = ty, optional, ty.IsPrimitiveType()
	return diag.FromHCL(hd)
}

func (v *Variable) readDefault(d *declaration) diag.List {
	attr := d.attr("default")
	if attr == nil {
		return nil
	}
	val, hd := attr.Expr.Value(nil)
	if hd.HasErrors() {
		return diag.FromHCL(hd)
	}
	rng := attr.Expr.Range()
	if val.IsNull() && !v.Nullable {
		return diag.Errorf(&rng, "Invalid default value for variable",
			"The default of var.%s is null, but the variable says nullable = false.", v.Name)
	}
	conv, err := v.Convert(val)
	if err != nil {
		v.Default = cty.UnknownVal(v.Type.WithoutOptionalAttributesDeep())
		return diag.Errorf(&rng, "Invalid default value for variable",
			"The default of var.%s does not fit its type: %s.", v.Name, describeConversion(err))
	}
	v.Default = conv
	return nil
}

// Convert turns a value into the variable's type, with the defaults of optional
// attributes in place. It does not look at Nullable.
func (v *Variable) Convert(val cty.Value) (cty.Value, error) {
	if v.Optional != nil && !val.IsNull() {
		val = v.Optional.Apply(val)
	}
	return convert.Convert(val, v.Type)
}

// refersToItself holds a validation to naming its variable.
func (v *Variable) refersToItself(c *Condition) diag.List {
	refs, diags := expr.References(c.Condition)
	for _, r := range refs.Objects {
		if r.Subject.Kind == addr.Variable && r.Subject.Name == v.Name {
			return diags
		}
	}
	rng := c.Condition.Range()
	return append(diags, diag.Errorf(&rng, "Invalid variable validation condition",
		"The condition must refer to var.%s: it is there to check that value.", v.Name)...)
}

// local takes the entries of one locals block.
func (l *loader) locals(block *hcl.Block, override bool) diag.List {
	found, hd := block.Body.JustAttributes()
	diags := diag.FromHCL(hd)
	for _, attr := range byPosition(found) {
		diags = append(diags, notIdentifier("Invalid local value name", attr.Name, attr.NameRange)...)
		prev := l.module.Locals[attr.Name]
		local := &Local{Name: attr.Name, Expr: attr.Expr, DeclRange: attr.Range}
		name := addr.Name{Kind: addr.Local, Name: attr.Name}
		switch {
		case override && prev == nil:
			diags = append(diags, diag.Errorf(&attr.NameRange, "Missing base local value definition to override",
				"There is no local value %q to override.%s An override file changes only what another file defines.", attr.Name,
				diag.DidYouMean(attr.Name, sortedKeys(l.module.Locals)))...)
		case !override && prev != nil:
			diags = append(diags, diag.Errorf(&attr.NameRange, "Duplicate local value definition",
				"A local value %q is already defined at %s. Each name can be defined once in a module.", attr.Name, prev.DeclRange)...)
		default:
			l.module.Locals[attr.Name] = local
			if prev == nil {
				l.module.Order = append(l.module.Order, name)
			}
		}
	}
	return diags
}

// output understands an output block.
func (l *loader) output(name addr.Name, d *declaration) diag.List {
	o := &Output{Name: name.Name, Expr: d.expr("value"), DeclRange: d.block.DefRange}
	l.module.Outputs[o.Name] = o
	diags := staticInto(d.attr("description"), &o.Description)
	diags = append(diags, staticInto(d.attr("sensitive"), &o.Sensitive)...)
	diags = append(diags, staticInto(d.attr("ephemeral"), &o.Ephemeral)...)
	diags = append(diags, deprecation(d.attr("deprecated"), &o.Deprecated)...)
	diags = append(diags, d.noOverride("depends_on")...)
	var moreDiags diag.List
	o.DependsOn, moreDiags = dependsOn(d.layers[0].content.Attributes["depends_on"])
	diags = append(diags, moreDiags...)
	diags = append(diags, d.noBlockOverride("precondition")...)
	o.Preconditions, moreDiags = conditions(d.layers[0].content.Blocks.OfType("precondition"))
	diags = append(diags, moreDiags...)
	for _, b := range d.blocks("postcondition") {
		diags = append(diags, diag.Errorf(&b.TypeRange, "Postconditions are not allowed",
			"An output can have only preconditions: it has no state to look at afterwards.")...)
	}
	if o.Expr == nil {
		// Already reported; the rest of the house relies on an expression.
		o.Expr = hcl.StaticExpr(cty.DynamicVal, d.block.DefRange)
	}
	return diags
}
