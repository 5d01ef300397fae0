package expr

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/object"
)

// Memory is a scope that keeps what is the same for all who ask in one evaluation
// of a stack. It is safe for concurrent use by scopes of the same evaluation.
type Memory interface {
	// Remember gives what make gave to whoever asked first for the key.
	Remember(key any, make func() any) any
}

// Shared is a part of an expression that has the same value in every instance of
// its block: a call, a splat or a for expression in which neither count, each nor
// self occurs. length(a) in each of n instances would look through all of a n
// times; this is evaluated once (Code.Context) and found again among the variables,
// or evaluated in its place where there is nothing to be found.
type Shared struct {
	hclsyntax.Expression
	name      string   // of the variable that holds the value
	functions []string // that are called inside
}

// Value implements hcl.Expression.
func (s *Shared) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	for c := ctx; c != nil; c = c.Parent() {
		if v, ok := c.Variables[s.name]; ok {
			return v, nil
		}
	}
	return s.Expression.Value(ctx)
}

// UnwrapExpression lets hcl's static analysis see what is inside.
func (s *Shared) UnwrapExpression() hcl.Expression { return s.Expression }

// ShareBody marks what can be shared in the expressions of a body, in place: it must
// run before anybody else reads the body. Arguments and blocks of the names in
// except stay as they are, for what is read rather than evaluated.
func ShareBody(body *hclsyntax.Body, except ...string) {
	for _, a := range body.Attributes {
		if !slices.Contains(except, a.Name) {
			a.Expr = share(a.Expr, nil)
		}
	}
	for _, blk := range body.Blocks {
		if !slices.Contains(except, blk.Type) {
			shareBlock(blk, nil)
		}
	}
}

// shareBlock goes into a block in which some names are bound already.
func shareBlock(blk *hclsyntax.Block, bound map[string]bool) {
	if blk.Type != "dynamic" || len(blk.Labels) != 1 {
		for _, a := range blk.Body.Attributes {
			a.Expr = share(a.Expr, bound)
		}
		for _, in := range blk.Body.Blocks {
			shareBlock(in, bound)
		}
		return
	}
	// The for_each of a dynamic block is evaluated once for an instance, its labels
	// and content once for each element.
	if a := blk.Body.Attributes["for_each"]; a != nil {
		a.Expr = share(a.Expr, bound)
	}
	inner := with(bound, iteratorOf(blk))
	for _, content := range blk.Body.Blocks {
		shareBlock(content, inner)
	}
}

func with(bound map[string]bool, names ...string) map[string]bool {
	out := maps.Clone(bound)
	if out == nil {
		out = map[string]bool{}
	}
	for _, n := range names {
		out[n] = true
	}
	return out
}

// share gives the expression with the largest parts that can be shared marked.
func share(x hclsyntax.Expression, bound map[string]bool) hclsyntax.Expression {
	switch e := x.(type) {
	case *hclsyntax.FunctionCallExpr:
		if closed(e, bound) {
			return newShared(e)
		}
		shareAll(e.Args, bound)
	case *hclsyntax.SplatExpr:
		if closed(e, bound) {
			return newShared(e)
		}
		e.Source = share(e.Source, bound)
	case *hclsyntax.ForExpr:
		if closed(e, bound) {
			return newShared(e)
		}
		e.CollExpr = share(e.CollExpr, bound)
		inner := with(bound, e.KeyVar, e.ValVar)
		for _, part := range []*hclsyntax.Expression{&e.KeyExpr, &e.ValExpr, &e.CondExpr} {
			if *part != nil {
				*part = share(*part, inner)
			}
		}
	default:
		shareInside(x, bound)
	}
	return x
}

// shareInside goes into what is cheap itself.
func shareInside(x hclsyntax.Expression, bound map[string]bool) {
	switch e := x.(type) {
	case *hclsyntax.ParenthesesExpr:
		e.Expression = share(e.Expression, bound)
	case *hclsyntax.RelativeTraversalExpr:
		e.Source = share(e.Source, bound)
	case *hclsyntax.ConditionalExpr:
		e.Condition, e.TrueResult, e.FalseResult = share(e.Condition, bound), share(e.TrueResult, bound), share(e.FalseResult, bound)
	case *hclsyntax.IndexExpr:
		e.Collection, e.Key = share(e.Collection, bound), share(e.Key, bound)
	case *hclsyntax.TupleConsExpr:
		shareAll(e.Exprs, bound)
	case *hclsyntax.ObjectConsExpr:
		for i := range e.Items {
			e.Items[i].ValueExpr = share(e.Items[i].ValueExpr, bound)
		}
	case *hclsyntax.BinaryOpExpr:
		e.LHS, e.RHS = share(e.LHS, bound), share(e.RHS, bound)
	case *hclsyntax.UnaryOpExpr:
		e.Val = share(e.Val, bound)
	case *hclsyntax.TemplateExpr:
		shareAll(e.Parts, bound)
	case *hclsyntax.TemplateJoinExpr:
		e.Tuple = share(e.Tuple, bound)
	case *hclsyntax.TemplateWrapExpr:
		e.Wrapped = share(e.Wrapped, bound)
	}
}

func shareAll(list []hclsyntax.Expression, bound map[string]bool) {
	for i := range list {
		list[i] = share(list[i], bound)
	}
}

// closed reports whether an expression uses nothing but other objects and what is
// the same all over a module.
func closed(x hclsyntax.Expression, bound map[string]bool) bool {
	for _, tr := range hclsyntax.Variables(x) {
		if bound[tr.RootName()] {
			return false
		}
		ref, special, _ := ParseReference(tr)
		switch {
		case ref != nil:
		case special == nil, special.Root == "count", special.Root == "each", special.Root == "self":
			return false
		}
	}
	return true
}

func newShared(x hclsyntax.Expression) *Shared {
	rng := x.Range()
	// No name that a user can write, nor one that is near to such a name.
	s := &Shared{Expression: x, name: "shared value at " + rng.Filename + ":" + strconv.Itoa(rng.Start.Byte) + "-" + strconv.Itoa(rng.End.Byte)}
	_ = hclsyntax.VisitAll(x, func(n hclsyntax.Node) hcl.Diagnostics {
		if call, ok := n.(*hclsyntax.FunctionCallExpr); ok {
			s.functions = append(s.functions, call.Name)
		}
		return nil
	})
	return s
}

// constant reports whether all that is called gives the same for the same.
func (s *Shared) constant(env *Env) bool {
	return !slices.ContainsFunc(s.functions, func(name string) bool {
		return strings.HasPrefix(name, functionPrefix) || env.Varies == nil || env.Varies(name)
	})
}

// share puts the values of the shared parts among the variables. One that does not
// evaluate is left out: then it fails in its place, if it is evaluated there at all.
// The references inside have been followed, so no instance lacks an edge.
func (c *Code) share(s object.Scope, env *Env, l Local, ev *hcl.EvalContext) {
	memory, ok := s.(Memory)
	if !ok || len(l.Values) > 0 || l.Instance.Key.IsNone() {
		return
	}
	type key struct {
		env  *Env
		part *Shared
	}
	for _, part := range c.shared {
		if !part.constant(env) {
			continue
		}
		v := memory.Remember(key{env, part}, func() any {
			v, d := part.Expression.Value(ev)
			if len(d) > 0 {
				return cty.NilVal
			}
			return v
		}).(cty.Value)
		if v != cty.NilVal {
			ev.Variables[part.name] = v
		}
	}
}
