package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"tutti/internal/engine"
)

func (a *app) showCommand() *cobra.Command {
	var asJSON, noColor bool
	c := &cobra.Command{
		Use: "show [PLANFILE]", Short: "Show the state, or a saved plan", Args: cobra.MaximumNArgs(1), Example: "  tutti show\n  tutti show plan.bin\n  tutti show -json plan.bin",
		RunE: func(c *cobra.Command, args []string) error {
			a.color = a.color && !noColor
			return a.withEngine(c, func(e *engine.Engine) error {
				if len(args) == 1 {
					p, d := e.ReadPlan(args[0])
					if d.HasErrors() {
						return a.failed(d, nil)
					}
					a.showPlan(p)
					return nil
				}
				snap, d := e.Snapshot(c.Context())
				if d.HasErrors() {
					return a.failed(d, nil)
				}
				rows := engine.Select(snap, nil)
				if len(rows) == 0 {
					_, _ = fmt.Fprintln(a.stdout, "The state is empty: nothing is managed here yet.")
				}
				for _, r := range rows {
					if err := a.showRow(r); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	c.Flags().BoolVar(&noColor, "no-color", false, "write without colours")
	return c
}

func (a *app) statePull() *cobra.Command {
	return &cobra.Command{Use: "pull", Short: "Write the state in Terraform's form"}
}
func (a *app) statePush() *cobra.Command {
	return &cobra.Command{Use: "push FILE", Short: "Take over a state in Terraform's form"}
}
