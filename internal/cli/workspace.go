package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"tutti/internal/engine"
	"tutti/internal/terraform/install"
)

func (a *app) workspaceCommand() *cobra.Command {
	c := &cobra.Command{Use: "workspace", Short: "Keep several states of the same files", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(a.workspaceList(), a.workspaceShow(), a.workspaceNew(), a.workspaceSelect(), a.workspaceDelete())
	return c
}

// files gives an engine without a store, for what only looks at folders.
func (a *app) files(c *cobra.Command) (*engine.Engine, string, error) {
	o, d := a.options(c, nil)
	if d.HasErrors() {
		return nil, "", a.failed(d, nil)
	}
	return engine.OpenFiles(o), install.DataDir(o.Dir, "", o.Install.Config), nil
}

func (a *app) workspaceList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the workspaces", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			e, _, err := a.files(c)
			if err != nil {
				return err
			}
			names, d := e.Workspaces()
			if d.HasErrors() {
				return a.failed(d, nil)
			}
			for _, n := range names {
				mark := " "
				if n == a.workspace() {
					mark = "*"
				}
				_, _ = fmt.Fprintf(a.stdout, "%s %s\n", mark, n)
			}
			return nil
		},
	}
}

func (a *app) workspaceShow() *cobra.Command {
	return &cobra.Command{Use: "show", Short: "Show the name of the present workspace", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.stdout, a.workspace())
			return err
		}}
}

func (a *app) workspaceNew() *cobra.Command {
	return &cobra.Command{
		Use: "new NAME", Short: "Make a workspace and switch to it", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			e, dir, err := a.files(c)
			if err != nil {
				return err
			}
			if d := e.CreateWorkspace(args[0]); d.HasErrors() {
				return a.failed(d, nil)
			}
			if d := e.SelectWorkspace(dir, args[0]); d.HasErrors() {
				return a.failed(d, nil)
			}
			_, err = fmt.Fprintf(a.stdout, "Created and switched to workspace %q!\n", args[0])
			return err
		},
	}
}

func (a *app) workspaceSelect() *cobra.Command {
	var create bool
	c := &cobra.Command{
		Use: "select NAME", Short: "Switch to a workspace", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			e, dir, err := a.files(c)
			if err != nil {
				return err
			}
			names, d := e.Workspaces()
			if create && !d.HasErrors() && !slices.Contains(names, args[0]) {
				d = e.CreateWorkspace(args[0])
			}
			if !d.HasErrors() {
				d = e.SelectWorkspace(dir, args[0])
			}
			if d.HasErrors() {
				return a.failed(d, nil)
			}
			_, err = fmt.Fprintf(a.stdout, "Switched to workspace %q.\n", args[0])
			return err
		},
	}
	c.Flags().BoolVar(&create, "or-create", false, "make the workspace when there is none")
	return c
}

func (a *app) workspaceDelete() *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use: "delete NAME", Short: "Delete a workspace", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if args[0] == a.workspace() {
				return fmt.Errorf("the workspace %q is the present one: switch to another first", args[0])
			}
			o, d := a.options(c, nil)
			if d.HasErrors() {
				return a.failed(d, nil)
			}
			o.Workspace = args[0]
			e, ed := engine.Open(c.Context(), o)
			if ed.HasErrors() {
				return a.failed(ed, nil)
			}
			snap, sd := e.Snapshot(c.Context())
			a.close(c, e)
			if sd.HasErrors() {
				return a.failed(sd, nil)
			}
			if d := e.DeleteWorkspace(args[0], len(snap.Rows), force); d.HasErrors() {
				return a.failed(d, nil)
			}
			_, err := fmt.Fprintf(a.stdout, "Deleted workspace %q!\n", args[0])
			return err
		},
	}
	c.Flags().BoolVar(&force, "force", false, "delete it although it still holds objects, which are forgotten")
	return c
}
