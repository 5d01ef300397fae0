package config

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
)

// Refs is what an expression refers to, in the order of the text.
type Refs struct {
	// Objects are the references to other objects of the graph.
	Objects []addr.Reference
	// Specials are those to what is known where the expression stands.
	Specials []Special
	// Functions are the calls of provider-defined functions.
	Functions []ProviderFunction
}

// Special is a reference to count, each, self, path, terraform or tofu.
type Special struct {
	Root  string
	Name  string // count.index has "index"; "" for self
	Range hcl.Range
}

// ProviderFunction is a call of provider::LOCAL::NAME or
// provider::LOCAL::ALIAS::NAME.
type ProviderFunction struct {
	Local, Alias, Name string
	Range              hcl.Range
}

// FullName gives the function's name as expressions write it.
func (f ProviderFunction) FullName() string {
	if f.Alias != "" {
		return "provider::" + f.Local + "::" + f.Alias + "::" + f.Name
	}
	return "provider::" + f.Local + "::" + f.Name
}

// References gives what an expression refers to. In native syntax an index that
// is an expression, as in a[count.index], is kept in Reference.Index when it can
// be evaluated before the whole; the references inside it are listed as well.
func References(expr hcl.Expression) (Refs, diag.List) {
	c := &collector{}
	c.expr(expr)
	return c.refs, c.diags
}

// TraversalReferences gives what plain traversals refer to, such as those of
// depends_on or of a body seen through a schema.
func TraversalReferences(traversals []hcl.Traversal) (Refs, diag.List) {
	c := &collector{}
	for _, tr := range traversals {
		c.add(tr, nil, nil)
	}
	return c.refs, c.diags
}

// BodyReferences gives what every expression in a body refers to, whatever its
// schema. Names that dynamic blocks introduce are not references. For JSON syntax
// this may list more than a schema would show to be expressions.
func BodyReferences(body hcl.Body) (Refs, diag.List) {
	c := &collector{}
	c.body(body, nil)
	return c.refs, c.diags
}

// ParseReference reads one traversal. Exactly one of the results is set when
// there is no error.
func ParseReference(tr hcl.Traversal) (*addr.Reference, *Special, diag.List) {
	root := tr.RootName()
	rng := tr.SourceRange()
	switch root {
	case "count", "each", "path", "terraform", "tofu":
		s, diags := parseSpecial(root, tr)
		return nil, s, diags
	case "self":
		return nil, &Special{Root: root, Range: rng}, nil
	case "output", "check", "provider":
		return nil, nil, diag.Errorf(&rng, "Invalid reference",
			"An expression cannot refer to %s block%s.", article(root), instead(root))
	case "var", "local", "module":
		return parseNamed(root, tr)
	case "resource":
		return parseTyped(addr.Resource, tr, 1)
	case "data":
		return parseTyped(addr.Data, tr, 1)
	case "ephemeral":
		return parseTyped(addr.Ephemeral, tr, 1)
	}
	if kind, ok := addr.Root(root); ok {
		return parseNamedKind(kind, root, tr)
	}
	return parseTyped(addr.Resource, tr, 0)
}

func article(root string) string {
	if root == "output" {
		return "an output"
	}
	return "a " + root
}

func instead(root string) string {
	if root == "output" {
		return ": refer to what the output's own value refers to, or give it a name in a locals block"
	}
	return ""
}

func parseSpecial(root string, tr hcl.Traversal) (*Special, diag.List) {
	rng := tr.SourceRange()
	if len(tr) < 2 {
		return nil, diag.Errorf(&rng, "Invalid reference",
			"The %q object cannot be accessed directly. Instead, access one of its attributes, such as %s.", root, specialExample(root))
	}
	attr, ok := tr[1].(hcl.TraverseAttr)
	if !ok {
		at := tr[1].SourceRange()
		return nil, diag.Errorf(&at, "Invalid reference",
			"The %q object has attributes, not elements: write a dot and a name, such as %s.", root, specialExample(root))
	}
	return &Special{Root: root, Name: attr.Name, Range: hcl.RangeBetween(tr[0].SourceRange(), attr.SrcRange)}, nil
}

func specialExample(root string) string {
	switch root {
	case "count":
		return "count.index"
	case "each":
		return "each.key"
	case "path":
		return "path.module"
	default:
		return root + ".workspace"
	}
}

func parseNamed(root string, tr hcl.Traversal) (*addr.Reference, *Special, diag.List) {
	kind, _ := addr.Root(root)
	return parseNamedKind(kind, root, tr)
}

func parseNamedKind(kind addr.Kind, root string, tr hcl.Traversal) (*addr.Reference, *Special, diag.List) {
	name, diags := attrAt(tr, 1, root)
	if diags != nil {
		return nil, nil, diags
	}
	ref := &addr.Reference{Subject: addr.Name{Kind: kind, Name: name}, Range: hcl.RangeBetween(tr[0].SourceRange(), tr[1].SourceRange())}
	rest := tr[2:]
	if kind != addr.Variable && kind != addr.Local {
		ref.Key, rest = takeKey(rest)
	}
	ref.Remaining = rest
	ref.Range = refRange(tr, rest)
	return ref, nil, nil
}

// attrAt gives the attribute name at a place of the traversal.
func attrAt(tr hcl.Traversal, i int, root string) (string, diag.List) {
	rng := tr.SourceRange()
	if len(tr) <= i {
		return "", diag.Errorf(&rng, "Invalid reference",
			"The %q object cannot be accessed directly. Instead, access one of its attributes: %s.NAME.", root, root)
	}
	attr, ok := tr[i].(hcl.TraverseAttr)
	if !ok {
		at := tr[i].SourceRange()
		return "", diag.Errorf(&at, "Invalid reference",
			"The %q object does not support this operation: write a dot and a name after it.", root)
	}
	return attr.Name, nil
}

// parseTyped reads TYPE.NAME, whose TYPE stands at the given place.
func parseTyped(kind addr.Kind, tr hcl.Traversal, at int) (*addr.Reference, *Special, diag.List) {
	rng := tr.SourceRange()
	if len(tr) < at+2 {
		return nil, nil, diag.Errorf(&rng, "Invalid reference", "%s", tooShort(kind, tr, at))
	}
	var names [2]string
	for i := range names {
		switch step := tr[at+i].(type) {
		case hcl.TraverseRoot:
			names[i] = step.Name
		case hcl.TraverseAttr:
			names[i] = step.Name
		default:
			sub := step.SourceRange()
			return nil, nil, diag.Errorf(&sub, "Invalid reference", "%s", tooShort(kind, tr, at))
		}
	}
	ref := &addr.Reference{Subject: addr.Name{Kind: kind, Type: names[0], Name: names[1]}}
	ref.Key, ref.Remaining = takeKey(tr[at+2:])
	ref.Range = refRange(tr, ref.Remaining)
	return ref, nil, nil
}

func tooShort(kind addr.Kind, tr hcl.Traversal, at int) string {
	if at == 1 {
		return "The \"" + tr.RootName() + "\" object must be followed by two attribute names: the " + kind.String() +
			" type and the name, as in " + tr.RootName() + ".TYPE.NAME."
	}
	return "A reference to a resource type must be followed by at least one attribute access, specifying the resource name." +
		diag.DidYouMean(tr.RootName(), []string{"var", "local", "module", "data", "path", "each", "count", "self", "terraform", "ephemeral"})
}

// takeKey splits a literal instance key off the front.
func takeKey(tr hcl.Traversal) (addr.Key, hcl.Traversal) {
	if len(tr) == 0 {
		return addr.NoKey, nil
	}
	idx, ok := tr[0].(hcl.TraverseIndex)
	if !ok {
		return addr.NoKey, tr
	}
	key, err := addr.KeyOf(idx.Key)
	if err != nil {
		return addr.NoKey, tr
	}
	return key, tr[1:]
}

// refRange covers the part of the traversal before what remains.
func refRange(tr, rest hcl.Traversal) hcl.Range {
	return hcl.RangeBetween(tr[0].SourceRange(), tr[len(tr)-len(rest)-1].SourceRange())
}

// collector gathers references.
type collector struct {
	refs  Refs
	diags diag.List
}

// add takes one traversal, with the index expression and the steps that follow
// it when there is one.
func (c *collector) add(tr hcl.Traversal, index hcl.Expression, after hcl.Traversal) {
	ref, special, diags := ParseReference(tr)
	c.diags = append(c.diags, diags...)
	switch {
	case ref != nil:
		if index != nil && len(ref.Remaining) == 0 && ref.Key.IsNone() && hasInstances(ref.Subject.Kind) {
			ref.Index = index
		}
		ref.Remaining = append(ref.Remaining[:len(ref.Remaining):len(ref.Remaining)], after...)
		c.refs.Objects = append(c.refs.Objects, *ref)
	case special != nil:
		c.refs.Specials = append(c.refs.Specials, *special)
	}
}

func hasInstances(k addr.Kind) bool { return k != addr.Variable && k != addr.Local }

func (c *collector) expr(expr hcl.Expression) { c.exprIn(expr, nil) }

// exprIn collects from an expression in which some names are bound already.
func (c *collector) exprIn(expr hcl.Expression, bound map[string]bool) {
	if node, ok := expr.(hclsyntax.Expression); ok {
		w := &walker{c: c, used: map[hclsyntax.Node]bool{}}
		if bound != nil {
			w.scopes = []map[string]bool{bound}
		}
		hclsyntax.Walk(node, w) // its diagnostics are ours, in c
		return
	}
	for _, tr := range expr.Variables() {
		if !bound[tr.RootName()] {
			c.add(tr, nil, nil)
		}
	}
	if call, ok := expr.(interface{ Functions() []hcl.Traversal }); ok {
		for _, tr := range call.Functions() {
			c.function(tr.RootName(), tr.SourceRange())
		}
	}
}

// function notes a call when it is of a provider-defined function.
func (c *collector) function(name string, rng hcl.Range) {
	rest, ok := strings.CutPrefix(name, "provider::")
	if !ok {
		return
	}
	parts := strings.Split(rest, "::")
	switch len(parts) {
	case 2:
		c.refs.Functions = append(c.refs.Functions, ProviderFunction{Local: parts[0], Name: parts[1], Range: rng})
	case 3:
		c.refs.Functions = append(c.refs.Functions, ProviderFunction{Local: parts[0], Alias: parts[1], Name: parts[2], Range: rng})
	default:
		c.diags = append(c.diags, diag.Errorf(&rng, "Invalid provider function",
			"The name %q must have the form provider::LOCAL_NAME::FUNCTION or provider::LOCAL_NAME::ALIAS::FUNCTION.", name)...)
	}
}

// walker goes through native expressions with the scopes of for and splat.
type walker struct {
	c      *collector
	scopes []map[string]bool
	used   map[hclsyntax.Node]bool // traversals already taken with their index
}

var _ hclsyntax.Walker = (*walker)(nil)

// Enter implements hclsyntax.Walker.
func (w *walker) Enter(n hclsyntax.Node) hcl.Diagnostics {
	switch n := n.(type) {
	case hclsyntax.ChildScope:
		names := make(map[string]bool, len(n.LocalNames))
		for name := range n.LocalNames {
			names[name] = true
		}
		w.scopes = append(w.scopes, names)
	case *hclsyntax.RelativeTraversalExpr:
		if idx, ok := n.Source.(*hclsyntax.IndexExpr); ok {
			w.index(idx, n.Traversal)
		}
	case *hclsyntax.IndexExpr:
		w.index(n, nil)
	case *hclsyntax.SplatExpr:
		w.splat(n)
	case *hclsyntax.ScopeTraversalExpr:
		if !w.used[n] && !w.bound(n.Traversal.RootName()) {
			w.c.add(n.Traversal, nil, nil)
		}
	case *hclsyntax.FunctionCallExpr:
		w.c.function(n.Name, n.NameRange)
	}
	return nil
}

// Exit implements hclsyntax.Walker.
func (w *walker) Exit(n hclsyntax.Node) hcl.Diagnostics {
	if _, ok := n.(hclsyntax.ChildScope); ok {
		w.scopes = w.scopes[:len(w.scopes)-1]
	}
	return nil
}

func (w *walker) bound(name string) bool {
	for _, s := range w.scopes {
		if s[name] {
			return true
		}
	}
	return false
}

// index takes COLLECTION[KEY] when the collection is a plain traversal.
func (w *walker) index(n *hclsyntax.IndexExpr, after hcl.Traversal) {
	coll, ok := n.Collection.(*hclsyntax.ScopeTraversalExpr)
	if !ok || w.used[coll] || w.bound(coll.Traversal.RootName()) {
		return
	}
	for _, tr := range n.Key.Variables() {
		if w.bound(tr.RootName()) {
			return // the key is known only while the whole is being evaluated
		}
	}
	w.used[coll] = true
	w.c.add(coll.Traversal, n.Key, after)
}

// splat takes OBJECT[*].ATTRIBUTE, so that the edge is labelled.
func (w *walker) splat(n *hclsyntax.SplatExpr) {
	src, ok := n.Source.(*hclsyntax.ScopeTraversalExpr)
	if !ok || w.used[src] || w.bound(src.Traversal.RootName()) {
		return
	}
	after := hcl.Traversal{hcl.TraverseSplat{SrcRange: n.MarkerRange}}
	if each, ok := n.Each.(*hclsyntax.RelativeTraversalExpr); ok {
		after = append(after, each.Traversal...)
	}
	w.used[src] = true
	w.c.add(src.Traversal, nil, after)
}

// body collects from all expressions of a body; bound names are the iterators of
// dynamic blocks around it.
func (c *collector) body(body hcl.Body, bound map[string]bool) {
	switch b := body.(type) {
	case *hclsyntax.Body:
		c.nativeBody(b, bound)
	case *layeredBody:
		c.body(b.base, bound)
		c.body(b.over, bound)
	default:
		attrs, _ := body.JustAttributes() // JSON: blocks look like attributes
		for _, name := range sortedKeys(attrs) {
			if name == "//" {
				continue // a comment
			}
			c.exprIn(attrs[name].Expr, jsonIterators(name, attrs[name], bound))
		}
	}
}

func (c *collector) nativeBody(b *hclsyntax.Body, bound map[string]bool) {
	for _, name := range sortedKeys(b.Attributes) {
		c.exprIn(b.Attributes[name].Expr, bound)
	}
	for _, blk := range b.Blocks {
		if blk.Type == "dynamic" && len(blk.Labels) == 1 {
			c.dynamic(blk, bound)
			continue
		}
		c.nativeBody(blk.Body, bound)
	}
}

// dynamic collects from a dynamic block: its content sees one more name.
func (c *collector) dynamic(blk *hclsyntax.Block, bound map[string]bool) {
	iterator := blk.Labels[0]
	if attr, ok := blk.Body.Attributes["iterator"]; ok {
		if kw := hcl.ExprAsKeyword(attr.Expr); kw != "" {
			iterator = kw
		}
	}
	inner := map[string]bool{iterator: true}
	for n := range bound {
		inner[n] = true
	}
	if attr, ok := blk.Body.Attributes["for_each"]; ok {
		c.exprIn(attr.Expr, bound)
	}
	if attr, ok := blk.Body.Attributes["labels"]; ok {
		c.exprIn(attr.Expr, inner)
	}
	for _, content := range blk.Body.Blocks {
		c.nativeBody(content.Body, inner)
	}
}

// jsonIterators binds, in the JSON form of dynamic blocks, the name of each block
// type and of each iterator.
func jsonIterators(name string, attr *hcl.Attribute, bound map[string]bool) map[string]bool {
	if name != "dynamic" {
		return bound
	}
	inner := map[string]bool{}
	for n := range bound {
		inner[n] = true
	}
	pairs, _ := hcl.ExprMap(attr.Expr)
	for _, p := range pairs {
		if k, d := p.Key.Value(nil); !d.HasErrors() && k.Type() == cty.String && k.IsKnown() && !k.IsNull() {
			inner[k.AsString()] = true
		}
		fields, _ := hcl.ExprMap(p.Value)
		for _, f := range fields {
			k, d := f.Key.Value(nil)
			v, vd := f.Value.Value(nil)
			if !d.HasErrors() && !vd.HasErrors() && k.RawEquals(cty.StringVal("iterator")) && v.Type() == cty.String && v.IsKnown() && !v.IsNull() {
				inner[v.AsString()] = true
			}
		}
	}
	return inner
}
