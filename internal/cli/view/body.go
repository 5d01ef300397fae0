package view

import (
	"cmp"
	"strings"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
)

// Blocks names the attributes of an object that are written as blocks, each with
// those of its own.
type Blocks map[string]Blocks

// BlockFinder gives the blocks of an object of the kind and type whose row is the
// driver's (object.State.Driver); nil when there are none, or nobody knows.
type BlockFinder func(driver string, n addr.Name) Blocks

// TypeFinder gives the type of an object's attributes, likewise; cty.NilType when
// nobody knows.
type TypeFinder func(driver string, n addr.Name) cty.Type

// identity are the attributes that are shown although they do not change, so that
// a person sees what it is about.
func identity(name string) bool { return name == "id" || name == "name" || name == "tags" }

// body writes the attributes and blocks of an object, before and after; either may
// be cty.NilVal. Its names stand at the indent.
func (p *printer) body(b, a cty.Value, indent int, path cty.Path, blocks Blocks, top bool) {
	bv, av := members(b), members(a)
	var attrs, nested []string
	width := 0
	ty := cty.EmptyObject
	for _, n := range sortedNames(bv, av) {
		if !present(bv[n]) && !present(av[n]) {
			continue
		}
		if _, ok := blocks[n]; ok {
			nested = append(nested, n)
			continue
		}
		attrs = append(attrs, n)
		width = max(width, columns(keyText(n, ty)))
	}
	hidden, shown := 0, 0
	var later []string
	for _, n := range attrs {
		if v := av[n]; p.brief && top && v != cty.NilVal && secret(v) == "" && !v.IsKnown() {
			later = append(later, keyText(n, ty))
			continue
		}
		m := member{name: n, in: ty, width: width, indent: indent, before: bv[n], after: av[n], path: p.step(path, n, ty)}
		switch {
		case p.member(m):
			shown++
		case top && identity(n):
			p.line(indent, same)
			p.name(n, ty, width)
			p.whole(av[n], indent, same)
			p.WriteByte('\n')
			shown++
		default:
			hidden++
		}
	}
	if len(later) > 0 {
		p.line(indent, same)
		p.WriteString(p.s.paint(grey, "# (known after apply: "+strings.Join(later, ", ")+")") + "\n")
	}
	p.hidden(indent, hidden, "attribute", "attributes")
	skipped := 0
	for _, n := range nested {
		g := group{name: n, blocks: blocks[n], indent: indent, path: p.step(path, n, ty), gap: shown+hidden > 0}
		skipped += p.group(g, bv[n], av[n])
	}
	if skipped > 0 && shown+hidden > 0 {
		p.WriteByte('\n')
	}
	p.hidden(indent, skipped, "block", "blocks")
}

func members(v cty.Value) map[string]cty.Value {
	if v == cty.NilVal {
		return nil
	}
	v, _ = v.Unmark()
	if !v.IsKnown() || v.IsNull() || !isNamed(v.Type()) {
		return nil
	}
	return v.AsValueMap()
}

// group is all blocks of one name in a body.
type group struct {
	name   string
	blocks Blocks
	indent int
	path   cty.Path
	gap    bool // an empty line comes before the first that is shown
}

// one is a block, before and after; either may be cty.NilVal.
type one struct {
	label         string
	before, after cty.Value
	path          cty.Path
}

// group writes the blocks that change and gives how many do not.
func (p *printer) group(g group, b, a cty.Value) int {
	if secret(b) != "" || secret(a) != "" {
		return p.secretGroup(g, b, a)
	}
	if a != cty.NilVal && !a.IsKnown() {
		p.open(&g)
		p.line(g.indent, opOf(b, a))
		p.WriteString(g.name + " " + afterApply + "\n")
		return 0
	}
	hidden := 0
	for _, x := range p.pairs(g, b, a) {
		o := opOf(x.before, x.after)
		if o == same {
			hidden++
			continue
		}
		p.open(&g)
		p.line(g.indent, o)
		p.WriteString(g.name + x.label + " {" + cmp.Or(p.replaceNote(x.path), p.replaceNote(g.path)) + "\n")
		p.body(x.before, x.after, g.indent+4, x.path, g.blocks, false)
		p.line(g.indent, same)
		p.WriteString("}\n")
	}
	return hidden
}

func (p *printer) open(g *group) {
	if g.gap {
		p.WriteByte('\n')
		g.gap = false
	}
}

func (p *printer) secretGroup(g group, b, a cty.Value) int {
	o := opOf(b, a)
	if o == same {
		return 1
	}
	p.open(&g)
	p.line(g.indent, o)
	p.WriteString(g.name + " {\n")
	p.line(g.indent+4, same)
	p.WriteString("# (holds sensitive values, so nothing of it is shown)\n")
	p.line(g.indent, same)
	p.WriteString("}\n")
	return 0
}

// pairs puts the blocks before and after side by side: by their place in a list,
// by their key in a map; in a set each is either there or not.
func (p *printer) pairs(g group, b, a cty.Value) []one {
	ty := cty.DynamicPseudoType
	switch {
	case !isNull(a):
		ty = a.Type()
	case !isNull(b):
		ty = b.Type()
	}
	var out []one
	switch {
	case ty.IsMapType():
		bv, av := members(b), members(a)
		for _, n := range sortedNames(bv, av) {
			out = append(out, one{" " + quoted(n), bv[n], av[n], p.step(g.path, n, ty)})
		}
	case ty.IsObjectType():
		out = append(out, one{"", b, a, g.path})
	case ty.IsSetType() && !isNull(b) && !isNull(a) && b.Type().Equals(a.Type()):
		gone, stay, come := setSteps(b, a)
		for _, v := range gone {
			out = append(out, one{before: v, after: cty.NilVal, path: g.path})
		}
		for _, v := range come {
			out = append(out, one{before: cty.NilVal, after: v, path: g.path})
		}
		for range stay {
			out = append(out, one{before: cty.NilVal, after: cty.NilVal})
		}
	default:
		bs, as := elements(b), elements(a)
		for i := range max(len(bs), len(as)) {
			out = append(out, one{"", nth(bs, i), nth(as, i), p.at(g.path, i)})
		}
	}
	return out
}

func elements(v cty.Value) []cty.Value {
	if isNull(v) || !v.IsKnown() || !v.CanIterateElements() {
		return nil
	}
	return v.AsValueSlice()
}

func nth(list []cty.Value, i int) cty.Value {
	if i < len(list) {
		return list[i]
	}
	return cty.NilVal
}
