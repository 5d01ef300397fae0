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
// Files: reference.go reads one traversal, collect.go finds the references,
// compile.go keeps them, context.go gives them values, share.go evaluates once what is
// the same in all instances, repeat.go counts instances.
package expr

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"tutti/internal/addr"
	"tutti/internal/diag"
)

// Code is what a set of expressions refers to. It is immutable.
type Code struct {
	refs []reference
	// functions are the provider-defined functions that are called.
	functions []ProviderFunction
	locals    map[string]bool
	shared    []*Shared
}

// reference is a Reference with where it is put among the variables.
type reference struct {
	addr.Reference
	path []string
}

// Compile finds the references of the expressions. A nil expression is skipped.
func Compile(exprs ...hcl.Expression) (*Code, diag.List) {
	var c Collector
	for _, x := range exprs {
		c.Expr(x)
	}
	return newCode(&c)
}

// CompileBody finds the references in a whole body. In JSON, where only a schema
// tells blocks from attributes, traversals are found by the given function.
func CompileBody(body hcl.Body, traversals func(hcl.Body) []hcl.Traversal) (*Code, diag.List) {
	var c Collector
	if native(body) {
		c.Body(body)
		return newCode(&c)
	}
	for _, tr := range traversals(body) {
		c.Traversal(tr)
	}
	return newCode(&c)
}

func native(body hcl.Body) bool {
	switch b := body.(type) {
	case *hclsyntax.Body:
		return true
	case Layered:
		base, over := b.Layers()
		return native(base) && native(over)
	default:
		return false
	}
}

func newCode(c *Collector) (*Code, diag.List) {
	code := &Code{locals: map[string]bool{}, functions: c.refs.Functions, shared: c.shared}
	for i, r := range c.refs.Objects {
		code.refs = append(code.refs, reference{r, c.paths[i]})
	}
	d := c.diags
	for _, s := range c.refs.Specials {
		code.locals[s.Root] = true
		d = append(d, s.Check()...)
	}
	return code, d
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
		names = append(names, f.FullName())
	}
	return names
}
