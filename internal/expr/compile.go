// Package expr evaluates HCL expressions over objects, for every language of the
// house that writes HCL: it finds out what an expression refers to, asks a scope
// for just that, and gives the hcl library a context to evaluate in.
//
// An index into an object's instances is followed to that one instance
// (a[count.index] is an edge to a[3], not to all of a), and of a module only the
// outputs that are named are evaluated.
//
// In: hcl expressions and bodies, an object.Scope. Out: hcl evaluation contexts and
// diagnostics. It must not know which blocks a language has.
//
// Files: reference.go reads one traversal, compile.go finds the references,
// context.go gives them values.
package expr

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"tutti/internal/addr"
	"tutti/internal/diag"
)

// Code is what a set of expressions refers to. It is immutable.
type Code struct {
	refs []reference
	// functions are the provider-defined functions that are called.
	functions []functionCall
	locals    map[string]bool
}

type functionCall struct {
	name string
	rng  hcl.Range
}

// reference is a Reference with where it is put among the variables.
type reference struct {
	addr.Reference
	path []string
}

// Compile finds the references of the expressions. A nil expression is skipped.
func Compile(exprs ...hcl.Expression) (*Code, diag.List) {
	c := &Code{locals: map[string]bool{}}
	var d diag.List
	for _, x := range exprs {
		if x != nil {
			d = append(d, c.addExpr(x)...)
		}
	}
	return c, d
}

// CompileBody finds the references in a whole body. In JSON, where only a schema
// tells blocks from attributes, traversals are found by the given function.
func CompileBody(body hcl.Body, traversals func(hcl.Body) []hcl.Traversal) (*Code, diag.List) {
	c := &Code{locals: map[string]bool{}}
	if native, ok := body.(*hclsyntax.Body); ok {
		return c, c.walk(native, iterators(native))
	}
	var d diag.List
	for _, tr := range traversals(body) {
		d = append(d, c.addTraversal(tr, nil, nil)...)
	}
	return c, d
}

// iterators are the names that dynamic blocks define for their contents.
func iterators(body *hclsyntax.Body) map[string]bool {
	names := map[string]bool{}
	for _, b := range body.Blocks {
		if b.Type == "dynamic" && len(b.Labels) == 1 {
			names[b.Labels[0]] = true
			if it, ok := b.Body.Attributes["iterator"]; ok {
				names[hcl.ExprAsKeyword(it.Expr)] = true
			}
		}
		for n := range iterators(b.Body) {
			names[n] = true
		}
	}
	return names
}

func (c *Code) addExpr(x hcl.Expression) diag.List {
	if native, ok := x.(hclsyntax.Expression); ok {
		return c.walk(native, nil)
	}
	var d diag.List
	for _, tr := range x.Variables() {
		d = append(d, c.addTraversal(tr, nil, nil)...)
	}
	return d
}

func (c *Code) walk(n hclsyntax.Node, hidden map[string]bool) diag.List {
	w := &walker{code: c, hidden: map[string]int{}, handled: map[hclsyntax.Node]bool{}}
	for name := range hidden {
		w.hidden[name]++
	}
	hclsyntax.Walk(n, w)
	return w.diags
}

// References gives what the code refers to, each place once.
func (c *Code) References() []addr.Reference {
	out := make([]addr.Reference, 0, len(c.refs))
	for _, r := range c.refs {
		out = append(out, r.Reference)
	}
	return out
}

// Uses reports whether the code uses a name that belongs to its place: count,
// each, self, path, terraform.
func (c *Code) Uses(root string) bool { return c.locals[root] }

// Functions gives the names of the provider-defined functions that are called.
func (c *Code) Functions() []string {
	var names []string
	for _, f := range c.functions {
		names = append(names, f.name)
	}
	return names
}

// addTraversal notes a reference; index is the expression of an index behind the
// subject, and rest the traversal behind that.
func (c *Code) addTraversal(tr hcl.Traversal, index hcl.Expression, rest hcl.Traversal) diag.List {
	ref, d := ParseReference(tr)
	if ref.Subject.Kind == 0 {
		c.locals[tr.RootName()] = true
		return d
	}
	if index != nil {
		ref.Index, ref.Remaining = index, rest
	}
	c.refs = append(c.refs, reference{ref, path(tr.RootName(), ref.Subject)})
	return d
}

// walker visits the native syntax tree with the names that for expressions and
// dynamic blocks hide.
type walker struct {
	code    *Code
	diags   diag.List
	hidden  map[string]int
	handled map[hclsyntax.Node]bool
}

func (w *walker) Enter(n hclsyntax.Node) hcl.Diagnostics {
	switch x := n.(type) {
	case hclsyntax.ChildScope:
		for name := range x.LocalNames {
			w.hidden[name]++
		}
	case *hclsyntax.RelativeTraversalExpr:
		if idx, ok := x.Source.(*hclsyntax.IndexExpr); ok {
			w.index(idx, x.Traversal)
		}
	case *hclsyntax.IndexExpr:
		w.index(x, nil)
	case *hclsyntax.ScopeTraversalExpr:
		if !w.handled[x] && w.hidden[x.Traversal.RootName()] == 0 {
			w.diags = append(w.diags, w.code.addTraversal(x.Traversal, nil, nil)...)
		}
	case *hclsyntax.FunctionCallExpr:
		if strings.HasPrefix(x.Name, "provider::") {
			w.code.functions = append(w.code.functions, functionCall{x.Name, x.NameRange})
		}
	}
	return nil
}

func (w *walker) Exit(n hclsyntax.Node) hcl.Diagnostics {
	if x, ok := n.(hclsyntax.ChildScope); ok {
		for name := range x.LocalNames {
			w.hidden[name]--
		}
	}
	return nil
}

// index follows subject[key] to the one instance when the key does not depend on
// names that exist only inside the expression.
func (w *walker) index(idx *hclsyntax.IndexExpr, rest hcl.Traversal) {
	coll, ok := idx.Collection.(*hclsyntax.ScopeTraversalExpr)
	if !ok || w.handled[coll] || w.hidden[coll.Traversal.RootName()] > 0 {
		return
	}
	for _, tr := range idx.Key.Variables() {
		if w.hidden[tr.RootName()] > 0 {
			return
		}
	}
	ref, d := ParseReference(coll.Traversal)
	if len(d) > 0 || ref.Subject.Kind == 0 || len(ref.Remaining) > 0 || !ref.Key.IsNone() {
		return
	}
	if ref.Subject.Kind.IsValue() && ref.Subject.Kind != addr.ModuleCall {
		return
	}
	w.handled[coll] = true
	w.diags = append(w.diags, w.code.addTraversal(coll.Traversal, idx.Key, rest)...)
}
