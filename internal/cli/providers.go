package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"tutti/internal/cli/view"
	"tutti/internal/terraform/function"
	"tutti/internal/terraform/install"
	"tutti/internal/terraform/install/source"
)

// platformFlags are those of commands that fetch packages for several platforms.
type platformFlags struct {
	platforms  []string
	pluginDirs []string
}

func (f *platformFlags) add(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.platforms, "platform", nil, "such as linux_amd64; this one when not given; may be repeated")
	c.Flags().StringArrayVar(&f.pluginDirs, "fs-mirror", nil, "take packages from this folder; may be repeated")
}

func (f *platformFlags) parse() ([]source.Platform, error) {
	if len(f.platforms) == 0 {
		return []source.Platform{source.Current()}, nil
	}
	var out []source.Platform
	for _, s := range f.platforms {
		p, err := source.ParsePlatform(s)
		if err != nil {
			return nil, fmt.Errorf("-platform=%s: %w", s, err)
		}
		out = append(out, p)
	}
	return out, nil
}

func (a *app) providersLock() *cobra.Command {
	var f platformFlags
	c := &cobra.Command{
		Use: "lock", Short: "Note checksums of the providers for other platforms", Args: cobra.NoArgs,
		Example: "  tutti providers lock -platform=linux_amd64 -platform=darwin_arm64",
		RunE: func(c *cobra.Command, _ []string) error {
			platforms, err := f.parse()
			if err != nil {
				return err
			}
			e, _, err := a.files(c)
			if err != nil {
				return err
			}
			d := e.LockProviders(c.Context(), platforms, install.Options{PluginDirs: f.pluginDirs, Report: a.providerEvent})
			a.diagnostics(d, nil)
			if d.HasErrors() {
				return exitCode(exitError)
			}
			_, err = fmt.Fprintln(a.stdout, "\nThe lock file is up to date.")
			return err
		},
	}
	f.add(c)
	return c
}

func (a *app) providersMirror() *cobra.Command {
	var f platformFlags
	c := &cobra.Command{
		Use: "mirror FOLDER", Short: "Save the providers in a folder that others can install from", Args: cobra.ExactArgs(1),
		Example: "  tutti providers mirror -platform=linux_amd64 /srv/providers",
		RunE: func(c *cobra.Command, args []string) error {
			platforms, err := f.parse()
			if err != nil {
				return err
			}
			e, _, err := a.files(c)
			if err != nil {
				return err
			}
			d := e.MirrorProviders(c.Context(), platforms, args[0], install.Options{PluginDirs: f.pluginDirs, Report: a.providerEvent})
			a.diagnostics(d, nil)
			if d.HasErrors() {
				return exitCode(exitError)
			}
			return nil
		},
	}
	f.add(c)
	return c
}

func (a *app) providersSchema() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "schema", Short: "Show the schemas of the providers as JSON", Args: cobra.NoArgs, Example: "  tutti providers schema -json",
		RunE: func(c *cobra.Command, _ []string) error {
			if !asJSON {
				return fmt.Errorf("schemas are written as JSON only: add -json")
			}
			e, _, err := a.files(c)
			if err != nil {
				return err
			}
			defer a.close(c, e)
			list, d := e.Schemas(c.Context())
			if d.HasErrors() {
				return a.failed(d, nil)
			}
			return view.Schemas(a.stdout, list)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return c
}

func (a *app) metadataCommand() *cobra.Command {
	c := &cobra.Command{Use: "metadata", Short: "Facts for other tools", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	var asJSON bool
	functions := &cobra.Command{
		Use: "functions", Short: "Show the signatures of the functions as JSON", Args: cobra.NoArgs, Example: "  tutti metadata functions -json",
		RunE: func(*cobra.Command, []string) error {
			if !asJSON {
				return fmt.Errorf("functions are written as JSON only: add -json")
			}
			return view.Functions(a.stdout, function.Table(function.Options{}))
		},
	}
	functions.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	c.AddCommand(functions)
	return c
}
