package config

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// layeredBody is a body with that of an override file on top: an attribute of
// the upper one hides the lower one's, and blocks of a type hide all lower blocks
// of that type.
type layeredBody struct{ base, over hcl.Body }

var _ hcl.Body = (*layeredBody)(nil)

// layer puts one body over another.
func layer(base, over hcl.Body) hcl.Body { return &layeredBody{base, over} }

// Layers implements expr.Layered.
func (b *layeredBody) Layers() (base, over hcl.Body) { return b.base, b.over }

// Content implements hcl.Body.
func (b *layeredBody) Content(schema *hcl.BodySchema) (*hcl.BodyContent, hcl.Diagnostics) {
	soft := optionalSchema(schema)
	base, diags := b.base.Content(soft)
	over, moreDiags := b.over.Content(soft)
	diags = append(diags, moreDiags...)
	content := b.merge(base, over)
	return content, append(diags, b.missing(schema, content)...)
}

// PartialContent implements hcl.Body.
func (b *layeredBody) PartialContent(schema *hcl.BodySchema) (*hcl.BodyContent, hcl.Body, hcl.Diagnostics) {
	soft := optionalSchema(schema)
	base, baseRest, diags := b.base.PartialContent(soft)
	over, overRest, moreDiags := b.over.PartialContent(soft)
	diags = append(diags, moreDiags...)
	content := b.merge(base, over)
	return content, layer(baseRest, overRest), append(diags, b.missing(schema, content)...)
}

// JustAttributes implements hcl.Body.
func (b *layeredBody) JustAttributes() (hcl.Attributes, hcl.Diagnostics) {
	base, diags := b.base.JustAttributes()
	over, moreDiags := b.over.JustAttributes()
	out := hcl.Attributes{}
	for name, attr := range base {
		out[name] = attr
	}
	for name, attr := range over {
		out[name] = attr
	}
	return out, append(diags, moreDiags...)
}

// MissingItemRange implements hcl.Body.
func (b *layeredBody) MissingItemRange() hcl.Range { return b.base.MissingItemRange() }

func (b *layeredBody) merge(base, over *hcl.BodyContent) *hcl.BodyContent {
	out := &hcl.BodyContent{Attributes: hcl.Attributes{}, MissingItemRange: b.MissingItemRange()}
	for name, attr := range base.Attributes {
		out.Attributes[name] = attr
	}
	for name, attr := range over.Attributes {
		out.Attributes[name] = attr
	}
	hidden := map[string]bool{}
	for _, blk := range over.Blocks {
		hidden[overrideType(blk)] = true
	}
	for _, blk := range base.Blocks {
		if !hidden[overrideType(blk)] {
			out.Blocks = append(out.Blocks, blk)
		}
	}
	out.Blocks = append(out.Blocks, over.Blocks...)
	return out
}

// overrideType is the type under which a block hides others: that of the blocks
// that a dynamic block makes.
func overrideType(blk *hcl.Block) string {
	if blk.Type == "dynamic" && len(blk.Labels) == 1 {
		return blk.Labels[0]
	}
	return blk.Type
}

// missing complains about required attributes that neither layer has.
func (b *layeredBody) missing(schema *hcl.BodySchema, content *hcl.BodyContent) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for _, a := range schema.Attributes {
		if _, ok := content.Attributes[a.Name]; a.Required && !ok {
			rng := b.MissingItemRange()
			diags = append(diags, &hcl.Diagnostic{
				Severity: hcl.DiagError,
				Summary:  "Missing required argument",
				Detail:   "The argument \"" + a.Name + "\" is required, but neither this block nor its override sets it.",
				Subject:  &rng,
			})
		}
	}
	return diags
}

func optionalSchema(schema *hcl.BodySchema) *hcl.BodySchema {
	out := &hcl.BodySchema{Blocks: schema.Blocks}
	for _, a := range schema.Attributes {
		out.Attributes = append(out.Attributes, hcl.AttributeSchema{Name: a.Name})
	}
	return out
}

// without gives a body that no longer holds what a schema names. The library's
// own remainder hides those from decoding only; here they are gone, so that they
// are not taken for references either.
func without(body, remain hcl.Body, schema *hcl.BodySchema) hcl.Body {
	native, ok := body.(*hclsyntax.Body)
	if !ok {
		return remain
	}
	taken := map[string]bool{}
	for _, a := range schema.Attributes {
		taken[a.Name] = true
	}
	out := &hclsyntax.Body{Attributes: hclsyntax.Attributes{}, SrcRange: native.SrcRange, EndRange: native.EndRange}
	for name, attr := range native.Attributes {
		if !taken[name] {
			out.Attributes[name] = attr
		}
	}
	taken = map[string]bool{}
	for _, b := range schema.Blocks {
		taken[b.Type] = true
	}
	for _, blk := range native.Blocks {
		if !taken[blk.Type] {
			out.Blocks = append(out.Blocks, blk)
		}
	}
	return out
}
