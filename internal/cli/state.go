package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tutti/internal/addr"
	"tutti/internal/engine"
	"tutti/internal/object"
	"tutti/internal/store"
)

func (a *app) stateCommand() *cobra.Command {
	c := &cobra.Command{Use: "state", Short: "Look at the state, and edit it", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(a.stateReplaceProvider(), a.stateList(), a.stateShow(), a.stateRemove(), a.stateMove(), a.statePull(), a.statePush())
	return c
}

// withEngine opens the engine for one call.
func (a *app) withEngine(c *cobra.Command, f func(*engine.Engine) error) error {
	e, err := a.open(c, nil)
	if err != nil {
		return err
	}
	defer a.close(c, e)
	return f(e)
}

func targets(args []string) ([]addr.Target, error) {
	var out []addr.Target
	for _, s := range args {
		t, err := addr.ParseTarget(s)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

func instance(s string) (addr.Instance, error) { return addr.ParseInstance(s) }

func (a *app) stateList() *cobra.Command {
	var id string
	c := &cobra.Command{
		ValidArgsFunction: a.completeAddresses, Use: "list [ADDR...]", Short: "List the objects in the state", Example: "  tutti state list\n  tutti state list module.shop",
		RunE: func(c *cobra.Command, args []string) error {
			ts, err := targets(args)
			if err != nil {
				return err
			}
			return a.withEngine(c, func(e *engine.Engine) error {
				snap, d := e.Snapshot(c.Context())
				if d.HasErrors() {
					return a.failed(d, nil)
				}
				for _, r := range engine.Select(snap, ts) {
					if id != "" && idOf(r) != id {
						continue
					}
					line := r.Addr.String()
					if r.Deposed != "" {
						line += " (deposed " + r.Deposed + ")"
					}
					_, _ = fmt.Fprintln(a.stdout, line)
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&id, "id", "", "only objects whose attribute id is this")
	return c
}

// idOf gives the attribute id of a row, or "".
func idOf(r *object.State) string {
	var v struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(r.Attributes, &v); err != nil {
		return ""
	}
	return v.ID
}

func (a *app) stateShow() *cobra.Command {
	return &cobra.Command{
		ValidArgsFunction: a.completeAddresses, Use: "show ADDR", Short: "Show one object of the state", Args: cobra.ExactArgs(1), Example: "  tutti state show 'module.branch[\"eu\"].local_file.settings'",
		RunE: func(c *cobra.Command, args []string) error {
			at, err := instance(args[0])
			if err != nil {
				return err
			}
			return a.withEngine(c, func(e *engine.Engine) error {
				snap, d := e.Snapshot(c.Context())
				if d.HasErrors() {
					return a.failed(d, nil)
				}
				for _, r := range snap.Rows {
					if r.Addr == at && r.Deposed == "" {
						return a.showRow(c.Context(), e, r)
					}
				}
				return fmt.Errorf("no instance found for the address %s: \"tutti state list\" shows what there is", at)
			})
		},
	}
}

func (a *app) stateRemove() *cobra.Command {
	return &cobra.Command{
		ValidArgsFunction: a.completeAddresses, Use: "rm ADDR...", Short: "Forget objects without destroying them", Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			ts, err := targets(args)
			if err != nil {
				return err
			}
			return a.withEngine(c, func(e *engine.Engine) error {
				rows, d := e.Forget(c.Context(), ts)
				if d.HasErrors() {
					return a.failed(d, nil)
				}
				for _, r := range rows {
					_, _ = fmt.Fprintf(a.stdout, "Removed %s\n", r.Addr)
				}
				_, _ = fmt.Fprintf(a.stdout, "Successfully removed %d resource instance(s).\n", len(rows))
				return nil
			})
		},
	}
}

func (a *app) stateMove() *cobra.Command {
	return &cobra.Command{
		ValidArgsFunction: a.completeAddresses, Use: "mv FROM TO", Short: "Give objects another address", Args: cobra.ExactArgs(2), Example: "  tutti state mv local_file.a local_file.b\n  tutti state mv module.a module.b",
		RunE: func(c *cobra.Command, args []string) error {
			ts, err := targets(args)
			if err != nil {
				return err
			}
			return a.withEngine(c, func(e *engine.Engine) error {
				n, d := e.Move(c.Context(), ts[0], ts[1])
				if d.HasErrors() {
					return a.failed(d, nil)
				}
				_, _ = fmt.Fprintf(a.stdout, "Move %q to %q\nSuccessfully moved %d object(s).\n", args[0], args[1], n)
				return nil
			})
		},
	}
}

func (a *app) stateReplaceProvider() *cobra.Command {
	var approve bool
	c := &cobra.Command{
		Use: "replace-provider FROM TO", Short: "Have objects belong to another provider", Args: cobra.ExactArgs(2), Example: "  tutti state replace-provider hashicorp/random registry.acme.corp/acme/random",
		RunE: func(c *cobra.Command, args []string) error {
			return a.withEngine(c, func(e *engine.Engine) error {
				rows, d := e.ReplaceProvider(c.Context(), args[0], args[1], func(rows []*object.State) bool {
					_, _ = fmt.Fprintf(a.stdout, "These belong to %s and will belong to %s:\n\n", args[0], args[1])
					for _, r := range rows {
						_, _ = fmt.Fprintf(a.stdout, "  %s\n", r.Addr)
					}
					if approve {
						return true
					}
					_, _ = fmt.Fprint(a.stdout, "\nDo you want to make these changes?\nOnly 'yes' will be accepted to continue.\n\nEnter a value: ")
					text, _ := a.questions.answer(c.Context())
					return text == "yes"
				})
				if d.HasErrors() {
					return a.failed(d, nil)
				}
				if len(rows) == 0 {
					_, _ = fmt.Fprintln(a.stdout, "No matching resources found.")
					return nil
				}
				_, _ = fmt.Fprintf(a.stdout, "\nSuccessfully replaced provider for %d resources.\n", len(rows))
				return nil
			})
		},
	}
	c.Flags().BoolVar(&approve, "auto-approve", false, "do not ask")
	return c
}

func (a *app) outputCommand() *cobra.Command {
	var asJSON, raw bool
	c := &cobra.Command{
		Use: "output [NAME]", Short: "Show output values", Args: cobra.MaximumNArgs(1), Example: "  tutti output\n  tutti output -raw url\n  tutti output -json",
		RunE: func(c *cobra.Command, args []string) error {
			return a.withEngine(c, func(e *engine.Engine) error {
				snap, d := e.Snapshot(c.Context())
				if d.HasErrors() {
					return a.failed(d, nil)
				}
				if len(args) == 0 {
					return a.showOutputs(snap, asJSON)
				}
				return a.showOutput(snap, args[0], asJSON, raw)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	c.Flags().BoolVar(&raw, "raw", false, "write one string, number or bool without quotes")
	return c
}

func (a *app) showOutput(snap *store.Snapshot, name string, asJSON, raw bool) error {
	for _, o := range snap.Outputs {
		if o.Name != name {
			continue
		}
		switch {
		case asJSON:
			_, err := fmt.Fprintln(a.stdout, string(o.Value))
			return err
		case raw:
			return a.rawOutput(o)
		}
		return a.outputValue(o)
	}
	return fmt.Errorf("output %q not found: it is not in the state. Outputs are stored by \"tutti apply\"", name)
}

func (a *app) rawOutput(o *object.OutputState) error {
	var v any
	if err := json.Unmarshal(o.Value, &v); err != nil {
		return err
	}
	switch v := v.(type) {
	case string:
		_, err := fmt.Fprint(a.stdout, v)
		return err
	case float64, bool:
		_, err := fmt.Fprint(a.stdout, strings.TrimSpace(string(o.Value)))
		return err
	default:
		return fmt.Errorf("the output %q is neither a string, a number nor a bool, so -raw cannot write it: use -json", o.Name)
	}
}

func (a *app) taintCommand(tainted bool) *cobra.Command {
	use, short, said := "taint ADDR", "Have an instance replaced by the next apply", "Resource instance %s has been marked as tainted.\n"
	if !tainted {
		use, short, said = "untaint ADDR", "Take the mark of taint away", "Resource instance %s has been successfully untainted.\n"
	}
	return &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			at, err := instance(args[0])
			if err != nil {
				return err
			}
			return a.withEngine(c, func(e *engine.Engine) error {
				if d := e.Taint(c.Context(), at, tainted); d.HasErrors() {
					return a.failed(d, nil)
				}
				_, err := fmt.Fprintf(a.stdout, said, at)
				return err
			})
		},
	}
}
