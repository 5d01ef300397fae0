package config

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"tutti/internal/diag"
	"tutti/internal/expr"
)

// declaration is a top-level block as written, before it is understood: the block
// of a normal file, and above it those of override files. Merging before
// understanding makes the merge rules the same for every kind of block.
type declaration struct {
	block  *hcl.Block
	layers []layerOf
}

// layerOf is what one file says.
type layerOf struct {
	block   *hcl.Block
	content *hcl.BodyContent
	rest    hcl.Body
}

// readLayer takes apart one block. A nil rest schema means that the block has no
// arguments but those in the schema.
func readLayer(block *hcl.Block, schema *hcl.BodySchema, open, override bool) (layerOf, diag.List) {
	if override {
		schema = optionalSchema(schema)
	}
	out := layerOf{block: block}
	var hd hcl.Diagnostics
	if !open {
		out.content, hd = block.Body.Content(schema)
		return out, diag.FromHCL(hd)
	}
	out.content, out.rest, hd = block.Body.PartialContent(schema)
	out.rest = without(block.Body, out.rest, schema)
	return out, diag.FromHCL(hd)
}

// attr gives an argument; the last file that sets it wins.
func (d *declaration) attr(name string) *hcl.Attribute {
	for i := len(d.layers) - 1; i >= 0; i-- {
		if a, ok := d.layers[i].content.Attributes[name]; ok {
			return a
		}
	}
	return nil
}

// expr gives an argument's expression, or nil.
func (d *declaration) expr(name string) hcl.Expression {
	if a := d.attr(name); a != nil {
		return a.Expr
	}
	return nil
}

// blocks gives the nested blocks of a type: those of the last file that has any.
func (d *declaration) blocks(typeName string) hcl.Blocks {
	for i := len(d.layers) - 1; i >= 0; i-- {
		if bs := d.layers[i].content.Blocks.OfType(typeName); len(bs) > 0 {
			return bs
		}
	}
	return nil
}

// rest gives what the schema did not name, with the content of an escaping block.
func (d *declaration) rest() (hcl.Body, diag.List) {
	var out hcl.Body
	var diags, moreDiags diag.List
	for _, l := range d.layers {
		body := l.rest
		escapes := l.content.Blocks.OfType("_")
		if len(escapes) > 1 {
			diags = append(diags, diag.Errorf(&escapes[1].DefRange, "Duplicate escaping block",
				"The block type \"_\" makes arguments belong to the provider rather than to the language, and one such block is enough. The first is at %s.", escapes[0].DefRange)...)
		}
		if len(escapes) > 0 {
			body, moreDiags = unescapeInto(body, escapes[0].Body)
			diags = append(diags, moreDiags...)
		}
		if out == nil {
			out = body
		} else {
			out = layer(out, body)
		}
	}
	return out, diags
}

// unescapeInto blends the content of an escaping block with what is around it.
// The library can merge any bodies, but hides what native ones hold.
func unescapeInto(body, inner hcl.Body) (hcl.Body, diag.List) {
	outside, ok1 := body.(*hclsyntax.Body)
	inside, ok2 := inner.(*hclsyntax.Body)
	if !ok1 || !ok2 {
		return hcl.MergeBodies([]hcl.Body{body, inner}), nil
	}
	var diags diag.List
	out := *outside
	out.Attributes = hclsyntax.Attributes{}
	for name, a := range outside.Attributes {
		out.Attributes[name] = a
	}
	for name, a := range inside.Attributes {
		if prev := out.Attributes[name]; prev != nil {
			diags = append(diags, diag.Errorf(&a.NameRange, "Duplicate argument", "The argument %q is already set at %s.", name, prev.NameRange)...)
			continue
		}
		out.Attributes[name] = a
	}
	out.Blocks = append(outside.Blocks[:len(outside.Blocks):len(outside.Blocks)], inside.Blocks...)
	return &out, diags
}

// single complains about a second block of a type in one file and gives, file by
// file, the first.
func (d *declaration) single(typeName string) ([]*hcl.Block, diag.List) {
	var out []*hcl.Block
	var diags diag.List
	for _, l := range d.layers {
		first, moreDiags := onlyBlock(l.content.Blocks, typeName)
		diags = append(diags, moreDiags...)
		if first != nil {
			out = append(out, first)
		}
	}
	return out, diags
}

// onlyBlock gives the block of a type that may stand once.
func onlyBlock(blocks hcl.Blocks, typeName string) (*hcl.Block, diag.List) {
	found := blocks.OfType(typeName)
	if len(found) == 0 {
		return nil, nil
	}
	var diags diag.List
	for _, extra := range found[1:] {
		diags = append(diags, diag.Errorf(&extra.DefRange, "Duplicate "+typeName+" block",
			"There is already a %s block at %s.", typeName, found[0].DefRange)...)
	}
	return found[0], diags
}

// noOverride complains when an override file sets what it may not.
func (d *declaration) noOverride(arg string) diag.List {
	var diags diag.List
	for _, l := range d.layers[1:] {
		if a, ok := l.content.Attributes[arg]; ok {
			diags = append(diags, diag.Errorf(&a.NameRange, "Unsupported override",
				"The argument %q cannot be overridden. Set it in the file that declares the block.", arg)...)
		}
	}
	return diags
}

// noBlockOverride is noOverride for nested blocks.
func (d *declaration) noBlockOverride(typeName string) diag.List {
	var diags diag.List
	for _, l := range d.layers[1:] {
		for _, b := range l.content.Blocks.OfType(typeName) {
			diags = append(diags, diag.Errorf(&b.DefRange, "Unsupported override",
				"A %s block cannot be overridden. Write it in the file that declares the block around it.", typeName)...)
		}
	}
	return diags
}

// reserved complains about block types that are kept for later versions.
func (d *declaration) reserved(kind string, types ...string) diag.List {
	var diags diag.List
	for _, l := range d.layers {
		for _, t := range types {
			for _, b := range l.content.Blocks.OfType(t) {
				diags = append(diags, diag.Errorf(&b.TypeRange, "Reserved block type name in "+kind+" block",
					"The block type name %q is reserved by the language and means nothing here yet.", t)...)
			}
		}
	}
	return diags
}

// repetition reads count, for_each and enabled, which exclude one another.
func (d *declaration) repetition(enabled *hcl.Attribute) (Repetition, diag.List) {
	var out Repetition
	var first *hcl.Attribute
	var diags diag.List
	// An override of one kind of repetition by another replaces it only when the
	// base has the same; both at once is a mistake, as in Terraform.
	for _, a := range []*hcl.Attribute{d.attr("count"), d.attr("for_each"), enabled} {
		if a == nil {
			continue
		}
		if first != nil {
			diags = append(diags, diag.Errorf(&a.NameRange, "Invalid combination of repetition arguments",
				"Only one of \"count\", \"for_each\" and \"enabled\" can say how many instances there are: %q is set too, at %s. Remove one of them.", first.Name, first.NameRange)...)
			continue
		}
		first = a
		switch a.Name {
		case "count":
			out.Count = a.Expr
		case "for_each":
			out.ForEach = a.Expr
		default:
			out.Enabled = a.Expr
		}
	}
	return out, diags
}

// dependsOn reads a list of references.
func dependsOn(attr *hcl.Attribute) ([]hcl.Traversal, diag.List) {
	if attr == nil {
		return nil, nil
	}
	exprs, hd := hcl.ExprList(attr.Expr)
	diags := diag.FromHCL(hd)
	var out []hcl.Traversal
	for _, e := range exprs {
		tr, moreDiags := traversal(e, false)
		diags = append(diags, moreDiags...)
		if len(tr) == 0 {
			continue
		}
		_, special, moreDiags := expr.ParseReference(tr)
		diags = append(diags, moreDiags...)
		if special != nil {
			rng := e.Range()
			diags = append(diags, diag.Errorf(&rng, "Invalid depends_on reference",
				"A dependency must be an object of the module, such as a resource or a module call; %q is not one.", special.Root)...)
			continue
		}
		if !moreDiags.HasErrors() {
			out = append(out, tr)
		}
	}
	return out, diags
}

// traversal reads a static reference, also in the quotes of Terraform 0.11.
func traversal(e hcl.Expression, relative bool) (hcl.Traversal, diag.List) {
	var diags diag.List
	if text, rng, ok := quoted(e); ok {
		tr, hd := hclsyntax.ParseTraversalAbs([]byte(text), rng.Filename, rng.Start)
		if hd.HasErrors() {
			return nil, diag.Errorf(&rng, "Invalid reference", "A reference is expected here, without quotes; %q is not one.", text)
		}
		diags = diag.Warnf(&rng, "Quoted references are deprecated", "References are written without quotes here: %s.", text)
		if relative {
			tr = toRelative(tr)
		}
		return tr, diags
	}
	if relative {
		tr, hd := hcl.RelTraversalForExpr(e)
		return tr, diag.FromHCL(hd)
	}
	tr, hd := hcl.AbsTraversalForExpr(e)
	return tr, diag.FromHCL(hd)
}

func toRelative(tr hcl.Traversal) hcl.Traversal {
	root := tr[0].(hcl.TraverseRoot)
	out := hcl.Traversal{hcl.TraverseAttr{Name: root.Name, SrcRange: root.SrcRange}}
	return append(out, tr[1:]...)
}

// quoted gives the text of a literal string of native syntax, with the range
// between the quotes.
func quoted(e hcl.Expression) (string, hcl.Range, bool) {
	tmpl, ok := e.(*hclsyntax.TemplateExpr)
	if !ok || !tmpl.IsStringLiteral() {
		return "", hcl.Range{}, false
	}
	v, hd := tmpl.Value(nil)
	if hd.HasErrors() {
		return "", hcl.Range{}, false
	}
	return v.AsString(), tmpl.Parts[0].Range(), true
}

// staticInto decodes an argument that must be a literal; target keeps its value
// when the argument is not there.
func staticInto(attr *hcl.Attribute, target any) diag.List {
	if attr == nil {
		return nil
	}
	if len(attr.Expr.Variables()) > 0 {
		rng := attr.Expr.Range()
		return diag.Errorf(&rng, "Variables not allowed",
			"The argument %q is needed before anything is evaluated: it must be a plain value, without references.", attr.Name)
	}
	return diag.FromHCL(gohcl.DecodeExpression(attr.Expr, nil, target))
}

// notIdentifier is how every bad name is reported.
func notIdentifier(headline, name string, rng hcl.Range) diag.List {
	if hclsyntax.ValidIdentifier(name) {
		return nil
	}
	return diag.Errorf(&rng, headline,
		"%q is not a name: a name must start with a letter or underscore and may hold only letters, digits, underscores and dashes.", name)
}

// conditions reads blocks that have a condition and an error message.
func conditions(blocks hcl.Blocks) ([]*Condition, diag.List) {
	var out []*Condition
	var diags diag.List
	for _, b := range blocks {
		content, hd := b.Body.Content(conditionSchema)
		diags = append(diags, diag.FromHCL(hd)...)
		c := &Condition{DeclRange: b.DefRange}
		if a, ok := content.Attributes["condition"]; ok {
			c.Condition = a.Expr
			diags = append(diags, mustRefer(b.Type, a.Expr)...)
		}
		if a, ok := content.Attributes["error_message"]; ok {
			c.ErrorMessage = a.Expr
		}
		if c.Condition != nil && c.ErrorMessage != nil {
			out = append(out, c)
		}
	}
	return out, diags
}

// mustRefer complains about a condition that is always the same.
func mustRefer(blockType string, e hcl.Expression) diag.List {
	if len(e.Variables()) > 0 {
		return nil
	}
	if refs, _ := expr.References(e); len(refs.Functions) > 0 {
		return nil
	}
	rng := e.Range()
	return diag.Errorf(&rng, "Invalid "+blockType+" expression",
		"The condition must refer to at least one object of the configuration: otherwise it always gives the same result and checks nothing.")
}
