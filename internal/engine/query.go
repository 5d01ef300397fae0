package engine

import (
	"context"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/activity"
	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/eval"
	"tutti/internal/expr"
	"tutti/internal/object"
	"tutti/internal/secret"
	"tutti/internal/stack"
)

// present gives an evaluator in which every object has the value that the state
// has for it.
func (e *Engine) present(ctx context.Context, edges bool) (*stack.Stack, *eval.Evaluator, diag.List) {
	snap, err := e.store.Snapshot(ctx)
	if err != nil {
		return nil, nil, storeDiag(err)
	}
	so := e.stackOptions(stack.Planning)
	so.StateDrivers = drivers(snap.Rows)
	s, d := e.open(ctx, so)
	if d.HasErrors() {
		return s, nil, d
	}
	return s, activity.Present(activity.Options{Root: s, Orphans: s, Plan: &object.Plan{}, Rows: snap.Rows, Masker: &secret.Masker{}, Edges: edges}), d
}

// Console evaluates expressions with what is in the state.
type Console struct {
	stack *stack.Stack
	eval  *eval.Evaluator
}

// Console opens what expressions are evaluated in. The diagnostics may be shown
// with Sources.
func (e *Engine) Console(ctx context.Context) (*Console, diag.List) {
	s, ev, d := e.present(ctx, false)
	if d.HasErrors() {
		return nil, d
	}
	return &Console{s, ev}, d
}

// Eval evaluates one expression in the root module.
func (c *Console) Eval(ctx context.Context, text string) (cty.Value, diag.List) {
	const file = "<console-input>"
	e, hd := hclsyntax.ParseExpression([]byte(text), file, hcl.InitialPos)
	if hd.HasErrors() {
		return cty.NilVal, diag.FromHCL(hd)
	}
	code, d := expr.Compile(e)
	if d.HasErrors() {
		return cty.NilVal, d
	}
	for _, ref := range code.References() {
		if c.stack.Lookup(ref.Subject) == nil {
			rng := ref.Range
			d = append(d, diag.Errorf(&rng, "Reference to undeclared object", "%s is not declared in the root module.", ref.Subject)...)
		}
	}
	if d.HasErrors() {
		return cty.NilVal, d
	}
	out := cty.NilVal
	ed := c.eval.With(ctx, addr.Module{}, func(ctx context.Context, s object.Scope) diag.List {
		ev, d := code.Context(ctx, s, c.stack.Terraform().Env(), expr.Local{})
		if d.HasErrors() {
			return d
		}
		v, hd := e.Value(ev)
		out = v
		return append(d, diag.FromHCL(hd)...)
	})
	return out, append(d, ed...)
}

// Sources gives the texts of the stack's files.
func (c *Console) Sources() map[string][]byte { return c.stack.Sources() }

// Graph is the stack's objects with what they refer to, across languages.
type Graph struct {
	// Nodes are sorted.
	Nodes []addr.Instance
	Edges []Edge
	out   map[addr.Instance][]int
	in    map[addr.Instance][]int
}

// Edge says that From uses To. An address without key stands for all instances of
// an object that has several.
type Edge struct {
	From, To addr.Instance
	// Attributes are those of To that are named; none for depends_on and uses of
	// the whole.
	Attributes []string
}

// Graph evaluates the stack with what is in the state and gives the edges that
// were followed.
func (e *Engine) Graph(ctx context.Context) (*Graph, diag.List) {
	_, ev, d := e.present(ctx, true)
	if d.HasErrors() {
		return nil, d
	}
	ev.All(ctx, nil)
	g := &Graph{out: map[addr.Instance][]int{}, in: map[addr.Instance][]int{}}
	b := &graphBuilder{g: g, ev: ev, seen: map[[2]addr.Instance]bool{}}
	ev.Nodes(func(n *eval.Node) {
		if n.Kind == eval.Instance {
			g.Nodes = append(g.Nodes, n.Addr)
			b.edges(n.Addr, n)
		}
	})
	slices.SortFunc(g.Nodes, addr.Instance.Compare)
	slices.SortFunc(g.Edges, func(a, b Edge) int {
		if c := a.From.Compare(b.From); c != 0 {
			return c
		}
		return a.To.Compare(b.To)
	})
	for i, ed := range g.Edges {
		g.out[ed.From] = append(g.out[ed.From], i)
		g.in[ed.To] = append(g.in[ed.To], i)
	}
	return g, append(d, ev.Close(ctx)...)
}

type graphBuilder struct {
	g    *Graph
	ev   *eval.Evaluator
	seen map[[2]addr.Instance]bool
}

// edges adds what the node used, seeing through how often things exist.
func (b *graphBuilder) edges(from addr.Instance, n *eval.Node) {
	for _, d := range n.Deps {
		if d.Addr.Kind == 0 {
			continue
		}
		if d.Kind != eval.Instance && d.Kind != eval.Whole {
			b.edges(from, d)
			continue
		}
		key := [2]addr.Instance{from, d.Addr}
		if from == d.Addr || b.seen[key] {
			continue
		}
		b.seen[key] = true
		b.g.Edges = append(b.g.Edges, Edge{From: from, To: d.Addr, Attributes: b.attributes(from, d.Addr)})
	}
}

// attributes names what the text of From says of To.
func (b *graphBuilder) attributes(from, to addr.Instance) []string {
	o := b.ev.Object(from.Object)
	if o == nil {
		return nil
	}
	var out []string
	for _, ref := range o.References() {
		if ref.Subject == to.Name {
			if a := ref.Attribute(); a != "" && !slices.Contains(out, a) {
				out = append(out, a)
			}
		}
	}
	slices.Sort(out)
	return out
}

// Uses gives the edges from a node; UsedBy those to it. A node with a key is also
// used by who uses all instances.
func (g *Graph) Uses(a addr.Instance) []Edge { return g.edges(g.out[a]) }

// UsedBy gives the edges to a node.
func (g *Graph) UsedBy(a addr.Instance) []Edge {
	list := g.edges(g.in[a])
	if !a.Key.IsNone() {
		list = append(list, g.edges(g.in[a.Object.Instance(addr.NoKey)])...)
	}
	return list
}

func (g *Graph) edges(list []int) []Edge {
	out := make([]Edge, 0, len(list))
	for _, i := range list {
		out = append(out, g.Edges[i])
	}
	return out
}

// Find gives the nodes that an address stands for: itself, or its instances.
func (g *Graph) Find(t addr.Target) []addr.Instance {
	var out []addr.Instance
	for _, n := range g.Nodes {
		if t.Covers(n) {
			out = append(out, n)
		}
	}
	return out
}
