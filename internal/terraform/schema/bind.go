package schema

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/dynblock"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/diag"
	"tutti/internal/terraform/provider"
)

// Bound is a body whose structure has been held against a block's schema: what is
// left is to evaluate its expressions, once per instance. It is immutable and
// safe for concurrent use.
type Bound struct {
	block *Block
	root  *boundLevel
	// dynamic is the body when it holds "dynamic" blocks: those depend on what is
	// evaluated, so it is bound again each time.
	dynamic hcl.Body
}

// boundLevel is a body with the schema of its content.
type boundLevel struct {
	level  *level
	attrs  []boundAttribute // in the order of level.attrs; expr is nil when not set
	blocks []boundBlocks    // in the order of level.blocks
	body   hcl.Body
}

type boundAttribute struct {
	expr  hcl.Expression
	name  hcl.Range
	whole hcl.Range
	// blocks is set when the attribute is written as blocks.
	blocks *boundBlocks
}

type boundBlocks struct {
	nesting *nesting
	items   []boundBlock
}

type boundBlock struct {
	key     string // of a map
	def     hcl.Range
	content *boundLevel
	// unknown blocks come of a dynamic one whose for_each is not known.
	unknown bool
	marks   cty.ValueMarks
}

// Bind holds a body against the schema: unknown and missing arguments, blocks
// that are too many or too few, and deprecated ones are reported once for all
// instances. The result is usable beside errors. "dynamic" blocks need not have
// been expanded.
func (b *Block) Bind(body hcl.Body) (*Bound, diag.List) {
	out := &Bound{block: b}
	if holdsDynamic(body, b.level, maxDepth) {
		out.dynamic = body
		// Variables and ranges are asked for without an evaluation context: what is
		// not dynamic serves for them.
		out.root, _ = bindLevel(b.level, dynblock.Expand(body, &hcl.EvalContext{}), maxDepth)
		return out, nil
	}
	root, d := bindLevel(b.level, body, maxDepth)
	out.root = root
	return out, d
}

// maxDepth bounds how deep blocks may be nested; schemas are finite, so it is
// reached by our own mistake only.
const maxDepth = 100

var dynamicSchema = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "dynamic", LabelNames: []string{"type"}}}}

// holdsDynamic reports whether there is a dynamic block at any depth.
func holdsDynamic(body hcl.Body, l *level, depth int) bool {
	if len(l.body.Blocks) == 0 || depth == 0 {
		return false
	}
	found, _, _ := body.PartialContent(dynamicSchema)
	if found != nil && len(found.Blocks) > 0 {
		return true
	}
	content, _, _ := body.PartialContent(l.body)
	if content == nil {
		return false
	}
	for _, blk := range content.Blocks {
		if n := l.blockOrLegacy(blk.Type); n != nil && holdsDynamic(blk.Body, n.level, depth-1) {
			return true
		}
	}
	return false
}

func (l *level) blockOrLegacy(name string) *nesting {
	if a := l.byName[name]; a != nil {
		return a.legacy
	}
	return l.blockNamed(name)
}

func bindLevel(l *level, body hcl.Body, depth int) (*boundLevel, diag.List) {
	if depth == 0 {
		panic("schema: blocks are nested deeper than any schema")
	}
	content, hclDiags := body.Content(l.body)
	d := diag.FromHCL(hclDiags)
	out := &boundLevel{level: l, body: body, attrs: make([]boundAttribute, len(l.attrs)), blocks: make([]boundBlocks, len(l.blocks))}
	if content == nil {
		content = &hcl.BodyContent{}
	}
	byType := content.Blocks.ByType()
	for i, a := range l.attrs {
		bound, more := bindAttribute(a, content.Attributes[a.name], byType[a.name], body, depth)
		out.attrs[i] = bound
		d = append(d, more...)
	}
	for i, n := range l.blocks {
		bound, more := bindBlocks(n, byType[n.name], body, depth)
		out.blocks[i] = bound
		d = append(d, more...)
	}
	return out, d
}

func bindAttribute(a *attribute, at *hcl.Attribute, blocks hcl.Blocks, body hcl.Body, depth int) (boundAttribute, diag.List) {
	var d diag.List
	switch {
	case at != nil && len(blocks) > 0:
		d = diag.Errorf(&at.NameRange, "Argument is set in two ways",
			"%q stands here as an argument and again as a block. Use one of the two.", a.name)
		fallthrough
	case at != nil:
		if a.Deprecated {
			d = append(d, deprecated(at.NameRange, "argument", a.name, a.DeprecationMessage)...)
		}
		return boundAttribute{expr: at.Expr, name: at.NameRange, whole: at.Range}, d
	case len(blocks) > 0:
		bound, d := bindBlocks(a.legacy, blocks, body, depth)
		return boundAttribute{name: blocks[0].TypeRange, whole: blocks[0].DefRange, blocks: &bound}, d
	case a.Required && a.legacy != nil:
		rng := body.MissingItemRange()
		d = diag.Errorf(&rng, "Missing required argument", "The argument %q is required, but it is not set.", a.name)
	}
	return boundAttribute{}, d
}

func bindBlocks(n *nesting, blocks hcl.Blocks, body hcl.Body, depth int) (boundBlocks, diag.List) {
	var d diag.List
	out := boundBlocks{nesting: n, items: make([]boundBlock, 0, len(blocks))}
	unknown := false
	seen := map[string]bool{}
	for _, blk := range blocks {
		content, more := bindLevel(n.level, blk.Body, depth-1)
		d = append(d, more...)
		item := boundBlock{def: blk.DefRange, content: content}
		if u, ok := blk.Body.(interface{ Unknown() bool }); ok {
			item.unknown = u.Unknown()
		}
		if m, ok := blk.Body.(interface{ BodyValueMarks() cty.ValueMarks }); ok {
			item.marks = m.BodyValueMarks()
		}
		if n.mode == provider.NestingMap && len(blk.Labels) == 1 {
			item.key = blk.Labels[0]
			if seen[item.key] {
				d = append(d, diag.Errorf(&blk.DefRange, "Duplicate block",
					"There is already a %q block with the key %q. The keys of such blocks must differ.", n.name, item.key)...)
				continue
			}
			seen[item.key] = true
		}
		unknown = unknown || item.unknown
		out.items = append(out.items, item)
	}
	if n.deprecated && len(blocks) > 0 {
		d = append(d, deprecated(blocks[0].TypeRange, "block", n.name, n.deprecation)...)
	}
	return out, append(d, n.checkCount(blocks, unknown, body)...)
}

// checkCount holds the number of blocks against the limits of the schema. A
// dynamic block that is not known yet may become any number.
func (n *nesting) checkCount(blocks hcl.Blocks, unknown bool, body hcl.Body) diag.List {
	least, most := n.min, n.max
	if n.single() {
		least, most = min(least, 1), 1
	}
	switch {
	case len(blocks) < least && !unknown:
		rng := body.MissingItemRange()
		return diag.Errorf(&rng, "Too few blocks", "This needs at least %s, and there %s. Add what is missing.",
			countBlocks(least, n.name), isCount(len(blocks)))
	case most > 0 && len(blocks) > most && !unknown:
		return diag.Errorf(&blocks[most].DefRange, "Too many blocks", "No more than %s may stand here. Remove this one.",
			countBlocks(most, n.name))
	}
	return nil
}

func countBlocks(n int, name string) string {
	if n == 1 {
		return fmt.Sprintf("1 %q block", name)
	}
	return fmt.Sprintf("%d %q blocks", n, name)
}

func isCount(n int) string {
	switch n {
	case 0:
		return "is none"
	case 1:
		return "is 1"
	default:
		return fmt.Sprintf("are %d", n)
	}
}

func deprecated(rng hcl.Range, what, name, message string) diag.List {
	headline := "Argument is deprecated"
	if what == "block" {
		headline = "Block is deprecated"
	}
	if message == "" {
		message = "The provider will remove it some day."
	}
	return diag.Warnf(&rng, headline, "The %s %q is deprecated: %s", what, name, message)
}

// Variables gives every reference in the body, those of dynamic blocks without
// their iterators.
func (b *Bound) Variables() []hcl.Traversal {
	if b.dynamic != nil {
		return dynamicVariables(dynblock.WalkVariables(b.dynamic), b.block.level, maxDepth)
	}
	var out []hcl.Traversal
	b.root.expressions(func(e hcl.Expression) { out = append(out, e.Variables()...) })
	return out
}

func dynamicVariables(node dynblock.WalkVariablesNode, l *level, depth int) []hcl.Traversal {
	if depth == 0 {
		panic("schema: blocks are nested deeper than any schema")
	}
	vars, children := node.Visit(l.body)
	for _, c := range children {
		if n := l.blockOrLegacy(c.BlockTypeName); n != nil {
			vars = append(vars, dynamicVariables(c.Node, n.level, depth-1)...)
		}
	}
	return vars
}

func (b *boundLevel) expressions(yield func(hcl.Expression)) {
	for _, a := range b.attrs {
		if a.expr != nil {
			yield(a.expr)
		}
		if a.blocks != nil {
			a.blocks.expressions(yield)
		}
	}
	for _, blocks := range b.blocks {
		blocks.expressions(yield)
	}
}

func (b *boundBlocks) expressions(yield func(hcl.Expression)) {
	for _, item := range b.items {
		item.content.expressions(yield)
	}
}

// RangeOf gives the place in the source that a path into the body's value comes
// from: the expression, the block, or the nearest thing around it. It gives nil
// only for an empty path.
func (b *Bound) RangeOf(p cty.Path) *hcl.Range {
	if len(p) == 0 {
		return nil
	}
	return b.root.rangeOf(p)
}

func (b *boundLevel) rangeOf(p cty.Path) *hcl.Range {
	missing := b.body.MissingItemRange()
	if len(p) == 0 {
		return &missing
	}
	step, ok := p[0].(cty.GetAttrStep)
	if !ok {
		return &missing
	}
	for i, a := range b.level.attrs {
		if a.name != step.Name {
			continue
		}
		switch at := b.attrs[i]; {
		case at.expr != nil:
			rng := at.expr.Range()
			return &rng
		case at.blocks != nil:
			return at.blocks.rangeOf(p[1:])
		}
	}
	for i, n := range b.level.blocks {
		if n.name == step.Name && len(b.blocks[i].items) > 0 {
			return b.blocks[i].rangeOf(p[1:])
		}
	}
	return &missing
}

func (b *boundBlocks) rangeOf(p cty.Path) *hcl.Range {
	item := b.items[0]
	if !b.nesting.single() && len(p) > 0 {
		if step, ok := p[0].(cty.IndexStep); ok {
			item = b.itemAt(step.Key)
		}
		p = p[1:]
	}
	if len(p) == 0 {
		return &item.def
	}
	return item.content.rangeOf(p)
}

// itemAt finds a block by its key; the first for one of a set, whose elements
// have no order.
func (b *boundBlocks) itemAt(key cty.Value) boundBlock {
	if key.IsMarked() || key.IsNull() || !key.IsKnown() {
		return b.items[0]
	}
	for i, item := range b.items {
		switch {
		case key.Type() == cty.String && key.AsString() == item.key:
			return item
		case key.Type() == cty.Number && key.RawEquals(cty.NumberIntVal(int64(i))):
			return item
		}
	}
	return b.items[0]
}
