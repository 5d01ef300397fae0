package cli

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"tutti/internal/cli/view"
	"tutti/internal/diag"
	"tutti/internal/engine"
	"tutti/internal/terraform/tfstate"
)

func (a *app) showCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "show [FILE]", Short: "Show the state, or what a file holds: a plan or a state", Args: cobra.MaximumNArgs(1),
		Long:    "Show writes the state as it is now, or what a file holds: a plan that\n\"tutti plan -out\" saved, or a state in Terraform's form.\n\n-json is for machines. Like Terraform's it holds sensitive values as they are.",
		Example: "  tutti show\n  tutti show plan.bin\n  tutti show -json plan.bin",
		RunE: func(c *cobra.Command, args []string) error {
			return a.withEngine(c, func(e *engine.Engine) error {
				if len(args) == 1 && !engine.IsPlanFile(args[0]) {
					return a.showStateFile(c.Context(), e, args[0], asJSON)
				}
				if len(args) == 1 {
					p, d := e.ReadPlan(args[0])
					if d.HasErrors() {
						return a.failed(d, nil)
					}
					if asJSON {
						return a.jsonPlan(c.Context(), e, p)
					}
					a.showPlan(c.Context(), e, p)
					return nil
				}
				snap, d := e.Snapshot(c.Context())
				if d.HasErrors() {
					return a.failed(d, nil)
				}
				if asJSON {
					return view.JSONState(a.stdout, a.stateInput(c.Context(), e, snap))
				}
				return a.styleOf(c.Context(), e).State(a.stdout, a.stateInput(c.Context(), e, snap))
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return c
}

// showStateFile shows a state in Terraform's form.
func (a *app) showStateFile(ctx context.Context, e *engine.Engine, name string, asJSON bool) error {
	src, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	f, d := tfstate.Read(src, name)
	if d.HasErrors() {
		return a.failed(append(diag.Errorf(nil, "Neither a plan nor a state", "%s was written neither by \"%s plan -out\" nor as a state in Terraform's form.", name, a.name), d...), map[string][]byte{name: src})
	}
	in := view.StateInput{Rows: f.Rows, Outputs: f.Outputs, Types: typesOf(a.schemas(ctx, e))}
	if asJSON {
		return view.JSONState(a.stdout, in)
	}
	return a.styleOf(ctx, e).State(a.stdout, in)
}

func (a *app) statePull() *cobra.Command {
	return &cobra.Command{
		Use: "pull", Short: "Write the state in Terraform's form", Args: cobra.NoArgs, Example: "  tutti state pull > terraform.tfstate",
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withEngine(c, func(e *engine.Engine) error {
				text, d := e.ExportText(c.Context())
				if d.HasErrors() {
					return a.failed(d, nil)
				}
				_, err := a.stdout.Write(text)
				return err
			})
		},
	}
}

func (a *app) statePush() *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use: "push FILE", Short: "Take over a state in Terraform's form", Args: cobra.ExactArgs(1), Example: "  tutti state push terraform.tfstate\n  terraform state pull | tutti state push -",
		RunE: func(c *cobra.Command, args []string) error {
			src, err := a.readArg(args[0])
			if err != nil {
				return err
			}
			return a.withEngine(c, func(e *engine.Engine) error {
				d := e.Push(c.Context(), src, args[0], force)
				a.diagnostics(d, map[string][]byte{args[0]: src})
				if d.HasErrors() {
					return exitCode(exitError)
				}
				return nil
			})
		},
	}
	c.Flags().BoolVar(&force, "force", false, "replace the state whatever its lineage and serial")
	return c
}

// readArg reads a file, or standard input for "-".
func (a *app) readArg(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(a.stdin)
	}
	return os.ReadFile(name)
}
