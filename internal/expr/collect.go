package expr

import (
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
)

// References gives what an expression refers to. In native syntax an index that
// is an expression, as in a[count.index], is kept in Reference.Index when it can
// be evaluated before the whole; the references inside it are listed as well.
func References(x hcl.Expression) (Refs, diag.List) {
	var c Collector
	c.Expr(x)
	return c.Refs()
}

// BodyReferences gives what a body refers to, as Collector.Body finds it.
func BodyReferences(body hcl.Body) (Refs, diag.List) {
	var c Collector
	c.Body(body)
	return c.Refs()
}

// Collector gathers what expressions, bodies and traversals refer to. Its zero
// value is empty.
type Collector struct {
	refs  Refs
	paths [][]string // of refs.Objects: where each stands among the variables
	diags diag.List
	// shared are the parts that are worth the same in all instances of a block.
	shared []*Shared
}

// Refs gives what was found so far.
func (c *Collector) Refs() (Refs, diag.List) { return c.refs, c.diags }

// Traversal takes one traversal, such as an element of depends_on.
func (c *Collector) Traversal(tr hcl.Traversal) { c.add(tr, nil, nil) }

// add takes one traversal, with the index expression and the steps that follow
// it when there is one.
func (c *Collector) add(tr hcl.Traversal, index hcl.Expression, after hcl.Traversal) {
	ref, special, diags := ParseReference(tr)
	c.diags = append(c.diags, diags...)
	switch {
	case ref != nil:
		if index != nil {
			if len(ref.Remaining) > 0 || !ref.Key.IsNone() || !hasInstances(ref.Subject.Kind) {
				after = nil // behind an index into a value, whose step is not known
			} else {
				ref.Index = index
			}
		}
		ref.Remaining = append(ref.Remaining[:len(ref.Remaining):len(ref.Remaining)], after...)
		c.refs.Objects = append(c.refs.Objects, *ref)
		c.paths = append(c.paths, path(tr.RootName(), ref.Subject))
	case special != nil:
		c.refs.Specials = append(c.refs.Specials, *special)
	}
}

func hasInstances(k addr.Kind) bool { return k != addr.Variable && k != addr.Local }

// Expr collects from an expression; a nil one is skipped.
func (c *Collector) Expr(x hcl.Expression) {
	if x != nil {
		c.exprIn(x, nil)
	}
}

// exprIn collects from an expression in which some names are bound already.
func (c *Collector) exprIn(x hcl.Expression, bound map[string]bool) {
	if node, ok := x.(hclsyntax.Expression); ok {
		w := &walker{c: c, used: map[hclsyntax.Node]bool{}}
		if bound != nil {
			w.scopes = []map[string]bool{bound}
		}
		hclsyntax.Walk(node, w) // its diagnostics are ours, in c
		return
	}
	for _, tr := range x.Variables() {
		if !bound[tr.RootName()] {
			c.add(tr, nil, nil)
		}
	}
	c.jsonFunctions(x)
}

// jsonFunctions finds the provider-defined functions that templates in JSON call:
// the hcl library tells only which variables they use.
func (c *Collector) jsonFunctions(x hcl.Expression) {
	literal, _ := x.Value(nil) // without a context, templates are given as they stand
	rng := x.Range()
	text := func(s string) {
		if !strings.Contains(s, functionPrefix) {
			return
		}
		if tmpl, hd := hclsyntax.ParseTemplate([]byte(s), rng.Filename, rng.Start); !hd.HasErrors() {
			_ = hclsyntax.VisitAll(tmpl, func(n hclsyntax.Node) hcl.Diagnostics {
				if call, ok := n.(*hclsyntax.FunctionCallExpr); ok {
					c.function(call.Name, rng)
				}
				return nil
			})
		}
	}
	_ = cty.Walk(literal, func(p cty.Path, v cty.Value) (bool, error) {
		if v.Type() == cty.String && v.IsKnown() && !v.IsNull() {
			text(v.AsString())
		}
		if len(p) > 0 {
			if key, ok := p[len(p)-1].(cty.GetAttrStep); ok {
				text(key.Name)
			}
		}
		return true, nil
	})
}

// functionPrefix begins the names of provider-defined functions.
const functionPrefix = "provider::"

// function notes a call when it is of a provider-defined function.
func (c *Collector) function(name string, rng hcl.Range) {
	rest, ok := strings.CutPrefix(name, functionPrefix)
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
	c      *Collector
	scopes []map[string]bool
	used   map[hclsyntax.Node]bool // traversals already taken with their index
}

var _ hclsyntax.Walker = (*walker)(nil)

// Enter implements hclsyntax.Walker.
func (w *walker) Enter(n hclsyntax.Node) hcl.Diagnostics {
	if s, ok := n.(*Shared); ok {
		w.c.shared = append(w.c.shared, s)
		n = s.Expression
	}
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

// Body collects from every expression in a body, whatever its schema. Names that
// dynamic blocks introduce are not references. For JSON syntax this may list more
// than a schema would show to be expressions.
func (c *Collector) Body(body hcl.Body) { c.body(body, nil) }

// Layered is a body that an override lies on: an argument or a type of block of
// the override hides that of the base.
type Layered interface {
	Layers() (base, over hcl.Body)
}

// body collects from all expressions of a body; hidden names are those of the
// arguments and blocks that an override replaced.
func (c *Collector) body(body hcl.Body, hidden map[string]bool) {
	switch b := body.(type) {
	case *hclsyntax.Body:
		c.nativeBody(b, nil, hidden)
	case Layered:
		base, over := b.Layers()
		c.body(base, overridden(over, hidden))
		c.body(over, hidden)
	default:
		attrs, _ := body.JustAttributes() // JSON: blocks look like attributes
		for _, name := range sortedAttributes(attrs) {
			if name == "//" || hidden[name] {
				continue // a comment
			}
			c.exprIn(attrs[name].Expr, jsonIterators(name, attrs[name], nil))
		}
	}
}

func overridden(over hcl.Body, hidden map[string]bool) map[string]bool {
	names := maps.Clone(hidden)
	if names == nil {
		names = map[string]bool{}
	}
	attrs, _ := over.JustAttributes()
	for name := range attrs {
		names[name] = true
	}
	switch b := over.(type) {
	case *hclsyntax.Body:
		for _, blk := range b.Blocks {
			names[blk.Type] = true
			if blk.Type == "dynamic" && len(blk.Labels) == 1 {
				names[blk.Labels[0]] = true
			}
		}
	case Layered:
		base, top := b.Layers()
		names = overridden(top, overridden(base, names))
	}
	return names
}

func sortedAttributes[M ~map[string]V, V any](m M) []string { return slices.Sorted(maps.Keys(m)) }

func (c *Collector) nativeBody(b *hclsyntax.Body, bound, hidden map[string]bool) {
	for _, name := range sortedAttributes(b.Attributes) {
		if !hidden[name] {
			c.exprIn(b.Attributes[name].Expr, bound)
		}
	}
	for _, blk := range b.Blocks {
		if hidden[blk.Type] || blk.Type == "dynamic" && len(blk.Labels) == 1 && hidden[blk.Labels[0]] {
			continue
		}
		if blk.Type == "dynamic" && len(blk.Labels) == 1 {
			c.dynamic(blk, bound)
			continue
		}
		c.nativeBody(blk.Body, bound, nil)
	}
}

// dynamic collects from a dynamic block: its content sees one more name.
func (c *Collector) dynamic(blk *hclsyntax.Block, bound map[string]bool) {
	inner := with(bound, iteratorOf(blk))
	if attr, ok := blk.Body.Attributes["for_each"]; ok {
		c.exprIn(attr.Expr, bound)
	}
	if attr, ok := blk.Body.Attributes["labels"]; ok {
		c.exprIn(attr.Expr, inner)
	}
	for _, content := range blk.Body.Blocks {
		c.nativeBody(content.Body, inner, nil)
	}
}

// iteratorOf gives the name that a dynamic block introduces.
func iteratorOf(blk *hclsyntax.Block) string {
	if attr, ok := blk.Body.Attributes["iterator"]; ok {
		if kw := hcl.ExprAsKeyword(attr.Expr); kw != "" {
			return kw
		}
	}
	return blk.Labels[0]
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
