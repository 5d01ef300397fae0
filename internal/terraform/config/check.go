package config

import (
	"github.com/hashicorp/hcl/v2"

	"tutti/internal/addr"
	"tutti/internal/diag"
)

// check understands a check block and the data block that it may hold.
func (l *loader) check(name addr.Name, d *declaration) diag.List {
	c := &Check{Name: name.Name, DeclRange: d.block.DefRange}
	l.module.Checks[c.Name] = c
	content := d.layers[0].content
	asserts := content.Blocks.OfType("assert")
	var diags diag.List
	if len(asserts) == 0 {
		diags = diag.Errorf(&d.block.DefRange, "Zero assert blocks", "A check block must have at least one assert block: otherwise it checks nothing.")
	}
	conds, moreDiags := conditions(asserts)
	c.Asserts = conds
	diags = append(diags, moreDiags...)
	for i, b := range content.Blocks.OfType("data") {
		if i > 0 {
			return append(diags, diag.Errorf(&b.DefRange, "Multiple data resource blocks",
				"The check block already has a data block at %s, and it can have one.", c.Data.DeclRange)...)
		}
		diags = append(diags, l.checkData(c, b)...)
	}
	return diags
}

func (l *loader) checkData(c *Check, b *hcl.Block) diag.List {
	name, schema, open, diags := nameOf(b)
	lay, moreDiags := readLayer(b, schema, open, false)
	diags = append(diags, moreDiags...)
	d := &declaration{block: b, layers: []layerOf{lay}}
	r, moreDiags := readResource(name, d)
	diags = append(diags, moreDiags...)
	r.Check = c.Name
	c.Data = r
	for _, a := range []string{"count", "for_each", "depends_on"} {
		if at := d.attr(a); at != nil && a != "depends_on" {
			diags = append(diags, diag.Errorf(&at.NameRange, "Invalid argument in check block",
				"A data block inside a check block has one instance: remove %q.", a)...)
		}
	}
	if _, ok := l.found[name]; ok {
		return append(diags, diag.Errorf(&b.DefRange, "Duplicate data declaration",
			"%s is already declared at %s. Names must be unique in a module for each type, also inside check blocks.", name, l.found[name].block.DefRange)...)
	}
	if prev := l.module.Resources[name]; prev != nil {
		return append(diags, diag.Errorf(&b.DefRange, "Duplicate data declaration",
			"%s is already declared at %s. Names must be unique in a module for each type, also inside check blocks.", name, prev.DeclRange)...)
	}
	l.module.Resources[name] = r
	return diags
}
