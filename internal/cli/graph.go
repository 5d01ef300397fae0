package cli

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tutti/internal/addr"
	"tutti/internal/engine"
	"tutti/internal/object"
)

func (a *app) whyCommand() *cobra.Command {
	return a.followCommand("why", "Show what an object depends on, and by which attributes",
		"  tutti why task.load\n  tutti why 'module.branch[\"eu\"].local_file.settings'", direction{(*engine.Graph).Uses, edgeTo})
}

func (a *app) affectedCommand() *cobra.Command {
	return a.followCommand("affected", "Show what depends on an object, and by which attributes",
		"  tutti affected random_password.admin", direction{(*engine.Graph).UsedBy, edgeFrom})
}

func (a *app) followCommand(name, short, example string, way direction) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: name + " ADDR", Short: short, Args: cobra.ExactArgs(1), Example: example, ValidArgsFunction: a.completeAddresses,
		RunE: func(c *cobra.Command, args []string) error { return a.follow(c, args[0], way, asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write the edges as JSON")
	return c
}

func edgeTo(e engine.Edge) addr.Instance   { return e.To }
func edgeFrom(e engine.Edge) addr.Instance { return e.From }

// maxDepth bounds how far a path through the graph is shown.
const maxDepth = 200

// direction is one way to follow edges.
type direction struct {
	next func(*engine.Graph, addr.Instance) []engine.Edge
	end  func(engine.Edge) addr.Instance
}

// follow prints the part of the graph that is reached from an address, each object
// once; with -json its edges.
func (a *app) follow(c *cobra.Command, at string, way direction, asJSON bool) error {
	t, err := addr.ParseTarget(at)
	if err != nil {
		return err
	}
	return a.withEngine(c, func(e *engine.Engine) error {
		g, d := e.Graph(c.Context())
		if d.HasErrors() {
			return a.failed(d, nil)
		}
		start := g.Find(t)
		if len(start) == 0 {
			return fmt.Errorf("%s is not in the graph: \"tutti graph\" shows what there is", at)
		}
		p := &path{way: way, graph: g, seen: map[addr.Instance]bool{}}
		for _, n := range start {
			p.lines = append(p.lines, n.String())
			p.visit(n, 1)
		}
		if asJSON {
			return writeJSON(a.stdout, map[string]any{"format_version": "1.0", "edges": p.edges})
		}
		_, err := fmt.Fprintln(a.stdout, strings.Join(p.lines, "\n"))
		return err
	})
}

// path gathers what is reached.
type path struct {
	way   direction
	graph *engine.Graph
	seen  map[addr.Instance]bool
	lines []string
	edges []edgeJSON
}

type edgeJSON struct {
	From       string   `json:"from"`
	To         string   `json:"to"`
	Attributes []string `json:"attributes"`
}

func (p *path) visit(n addr.Instance, depth int) {
	for _, ed := range p.way.next(p.graph, n) {
		to := p.way.end(ed)
		line := strings.Repeat("  ", depth) + to.String()
		if len(ed.Attributes) > 0 {
			line += " (" + strings.Join(ed.Attributes, ", ") + ")"
		}
		p.edges = append(p.edges, edgeJSON{ed.From.String(), ed.To.String(), append([]string{}, ed.Attributes...)})
		if p.seen[to] || depth == maxDepth {
			p.lines = append(p.lines, line+" ...")
			continue
		}
		p.lines = append(p.lines, line)
		p.seen[to] = true
		p.visit(to, depth+1)
	}
}

func (a *app) graphCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "graph", Short: "Write the graph in the DOT language", Args: cobra.NoArgs, Example: "  tutti graph | dot -Tsvg > graph.svg",
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withEngine(c, func(e *engine.Engine) error {
				g, d := e.Graph(c.Context())
				if d.HasErrors() {
					return a.failed(d, nil)
				}
				w := bufio.NewWriter(a.stdout)
				_, _ = fmt.Fprintln(w, "digraph G {\n  rankdir = \"RL\";\n  node [shape = rect, fontname = \"sans-serif\"];")
				for _, n := range g.Nodes {
					_, _ = fmt.Fprintf(w, "  %q;\n", n)
				}
				for _, ed := range g.Edges {
					_, _ = fmt.Fprintf(w, "  %q -> %q [label = %q];\n", ed.From, ed.To, strings.Join(ed.Attributes, ", "))
				}
				_, _ = fmt.Fprintln(w, "}")
				return w.Flush()
			})
		},
	}
	c.Flags().String("type", "", "accepted for Terraform's sake")
	c.Flags().Bool("draw-cycles", false, "accepted for Terraform's sake")
	return c
}

func (a *app) consoleCommand() *cobra.Command {
	var vars variableFlags
	c := &cobra.Command{
		Use: "console", Short: "Try expressions with what is in the state", Args: cobra.NoArgs, Example: "  tutti console\n  echo 'length(var.branches)' | tutti console",
		RunE: func(c *cobra.Command, _ []string) error {
			e, err := a.open(c, &vars)
			if err != nil {
				return err
			}
			defer a.close(c, e)
			con, d := e.Console(c.Context())
			if d.HasErrors() {
				return a.failed(d, nil)
			}
			return a.console(c, con)
		},
	}
	vars.add(c)
	return c
}

func (a *app) console(c *cobra.Command, con *engine.Console) error {
	in := bufio.NewScanner(a.stdin)
	prompt := a.interactive(true)
	failed := false
	for {
		if prompt {
			_, _ = fmt.Fprint(a.stdout, "> ")
		}
		if !in.Scan() {
			break
		}
		text := strings.TrimSpace(in.Text())
		if text == "" {
			continue
		}
		if text == "exit" || text == "quit" {
			break
		}
		v, d := con.Eval(c.Context(), text)
		sources := con.Sources()
		sources["<console-input>"] = []byte(text)
		a.diagnostics(d, sources)
		if d.HasErrors() {
			failed = true
			continue
		}
		_, _ = fmt.Fprintln(a.stdout, a.value(v))
	}
	if failed && !prompt {
		return exitCode(exitError)
	}
	return in.Err()
}

func (a *app) driftCommand() *cobra.Command {
	var f planFlags
	c := &cobra.Command{
		Use: "drift", Short: "Show what differs from the state in the world", Args: cobra.NoArgs,
		Long: "Drift asks the providers what is there now and shows what differs from the\nstate. Playbooks are tried in check mode. Nothing is changed.\n\nExit codes: 0 nothing differs, 1 error, 2 something does.",
		RunE: func(c *cobra.Command, _ []string) error {
			e, err := a.open(c, &f.variables)
			if err != nil {
				return err
			}
			defer a.close(c, e)
			o, err := f.options()
			if err != nil {
				return err
			}
			o.Mode = object.RefreshOnly
			p, d := e.Plan(c.Context(), o)
			if d.HasErrors() {
				return a.failed(d, sourcesOf(p))
			}
			plays, err := a.driftOfPlays(c.Context(), e, o)
			if err != nil {
				return err
			}
			if len(plays) == 0 || len(p.Plan.Drift) > 0 {
				a.showDrift(c.Context(), e, p)
			}
			a.styleOf(c.Context(), e).Hosts(a.stdout, plays)
			if len(p.Plan.Drift) > 0 || len(plays) > 0 {
				return exitCode(exitChanges)
			}
			return nil
		},
	}
	f.add(c)
	return c
}

func (a *app) refreshCommand() *cobra.Command {
	var f planFlags
	c := &cobra.Command{
		Use: "refresh", Short: "Bring the state up to date with the world", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			f.refreshOnly = true
			e, err := a.open(c, &f.variables)
			if err != nil {
				return err
			}
			defer a.close(c, e)
			return a.applyNew(c, e, &f, true)
		},
	}
	f.add(c)
	return c
}

func (a *app) importCommand() *cobra.Command {
	var f planFlags
	c := &cobra.Command{
		Use: "import ADDR ID", Short: "Take over an existing object by its ID", Args: cobra.ExactArgs(2), Example: "  tutti import random_id.a p-9hUg",
		RunE: func(c *cobra.Command, args []string) error {
			at, err := instance(args[0])
			if err != nil {
				return err
			}
			e, err := a.open(c, &f.variables)
			if err != nil {
				return err
			}
			defer a.close(c, e)
			return a.importObject(c, e, &f, object.Import{To: at, ID: object.ImportID{ID: args[1]}})
		},
	}
	f.add(c)
	return c
}

func (a *app) importObject(c *cobra.Command, e *engine.Engine, f *planFlags, imp object.Import) error {
	p, d := e.PlanImport(c.Context(), imp)
	if d.HasErrors() {
		return a.failed(d, sourcesOf(p))
	}
	_, err := a.carryOut(c, e, f, p, 0)
	if err == nil {
		_, _ = fmt.Fprintln(a.stdout, "\nImport successful!")
	}
	return err
}
