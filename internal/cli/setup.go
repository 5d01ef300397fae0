package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"

	"github.com/spf13/cobra"

	"tutti/internal/engine"
	"tutti/internal/terraform/config"
	"tutti/internal/terraform/install"
	"tutti/internal/terraform/install/lockfile"
	"tutti/internal/terraform/install/module"
)

func (a *app) initCommand() *cobra.Command {
	var o engine.InitOptions
	var vars variableFlags
	var pluginDirs, backends []string
	var lock string
	c := &cobra.Command{
		Use: "init", Short: "Install the providers and modules that the files need", Args: cobra.NoArgs,
		Example: "  tutti init\n  tutti init -upgrade\n  tutti init -plugin-dir=/opt/providers",
		RunE: func(c *cobra.Command, _ []string) error {
			o.ReadOnlyLock = lock == "readonly"
			opts, d := a.options(c, &vars)
			if d.HasErrors() {
				return a.failed(d, nil)
			}
			opts.Install.PluginDirs = pluginDirs
			o.Module, o.Provider = a.moduleEvent, a.providerEvent
			settings, err := backendSettings(backends)
			if err != nil {
				return err
			}
			e := engine.OpenFiles(opts)
			if d := e.InitBackend(settings); d.HasErrors() {
				return a.failed(d, nil)
			}
			sources, d := e.Init(c.Context(), o)
			a.diagnostics(d, sources)
			if d.HasErrors() {
				return exitCode(exitError)
			}
			if a.stream == nil {
				_, _ = fmt.Fprintln(a.stdout)
			}
			a.installing("The stack is initialized. \"%s plan\" shows what would change.", a.name)
			return nil
		},
	}
	vars.add(c)
	fl := c.Flags()
	fl.Bool("json", false, "write one JSON message a line")
	fl.BoolVar(&o.Upgrade, "upgrade", false, "take the newest versions that are allowed")
	fl.StringArrayVar(&pluginDirs, "plugin-dir", nil, "install providers from this folder only; may be repeated")
	fl.StringVar(&lock, "lockfile", "", "\"readonly\": fail if the lock file would have to change")
	for _, name := range []string{"backend", "input", "get", "lock"} {
		fl.Bool(name, true, "accepted for Terraform's sake")
	}
	for _, name := range []string{"reconfigure", "migrate-state", "force-copy"} {
		fl.Bool(name, false, "accepted for Terraform's sake")
	}
	fl.StringArrayVar(&backends, "backend-config", nil, "a setting of the backend (NAME=VALUE), or a file of such; may be repeated")
	fl.Duration("lock-timeout", 0, "accepted for Terraform's sake")
	return c
}

// installing tells of the progress of init, as text or as a message.
func (a *app) installing(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if a.stream != nil {
		a.stream.Init(strings.TrimPrefix(text, "- "))
		return
	}
	_, _ = fmt.Fprintln(a.stdout, text)
}

func (a *app) moduleEvent(e module.Event) {
	if e.Source != "" {
		a.installing("- Downloading %s for %s...", e.Source, e.Key)
	}
}

func (a *app) providerEvent(e install.Event) {
	var line string
	switch e.Kind {
	case install.Finding:
		line = fmt.Sprintf("- Finding %s versions matching %q...", e.Source.ForDisplay(), e.Detail)
		if e.Detail == "" {
			line = fmt.Sprintf("- Finding latest version of %s...", e.Source.ForDisplay())
		}
	case install.Reusing:
		line = fmt.Sprintf("- Reusing previous version of %s from the dependency lock file", e.Source.ForDisplay())
	case install.Present:
		line = fmt.Sprintf("- Using previously-installed %s v%s", e.Source.ForDisplay(), e.Version)
	case install.Linking, install.Installing:
		line = fmt.Sprintf("- Installing %s v%s...", e.Source.ForDisplay(), e.Version)
	case install.Installed:
		line = fmt.Sprintf("- Installed %s v%s", e.Source.ForDisplay(), e.Version)
	case install.Overridden:
		line = fmt.Sprintf("- Using %s from %s (dev_overrides)", e.Source.ForDisplay(), e.Detail)
	default:
		return
	}
	a.installing("%s", line)
}

func (a *app) getCommand() *cobra.Command {
	var o engine.InitOptions
	var vars variableFlags
	c := &cobra.Command{
		Use: "get", Short: "Install the modules only", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			opts, d := a.options(c, &vars)
			if d.HasErrors() {
				return a.failed(d, nil)
			}
			o.ModulesOnly, o.Module = true, a.moduleEvent
			sources, d := engine.OpenFiles(opts).Init(c.Context(), o)
			a.diagnostics(d, sources)
			if d.HasErrors() {
				return exitCode(exitError)
			}
			return nil
		},
	}
	vars.add(c)
	c.Flags().BoolVar(&o.Upgrade, "update", false, "fetch modules again")
	return c
}

func (a *app) validateCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "validate", Short: "Check the files", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			opts, d := a.options(c, nil)
			if d.HasErrors() {
				return a.failed(d, nil)
			}
			e := engine.OpenFiles(opts)
			defer a.close(c, e)
			sources, d := e.Validate(c.Context())
			return a.validated(d, sources, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return c
}

func (a *app) fmtCommand() *cobra.Command {
	var check, list, diff, recursive bool
	write := true
	c := &cobra.Command{
		Use: "fmt [PATH...]", Short: "Rewrite files in the canonical style", Example: "  tutti fmt\n  tutti fmt -check -recursive\n  tutti fmt -",
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"."}
			}
			f := &formatter{app: a, check: check, list: list, write: write && !check, recursive: recursive}
			for _, path := range args {
				if err := f.path(path); err != nil {
					return err
				}
			}
			if check && f.changed > 0 {
				return exitCode(3)
			}
			return nil
		},
	}
	c.Flags().BoolVar(&check, "check", false, "change nothing; exit with 3 when something is not formatted")
	c.Flags().BoolVar(&list, "list", true, "list the files that were not formatted")
	c.Flags().BoolVar(&write, "write", true, "write the files")
	c.Flags().BoolVar(&diff, "diff", false, "accepted for Terraform's sake")
	c.Flags().BoolVar(&recursive, "recursive", false, "in all folders below too")
	return c
}

// formatter formats files and folders.
type formatter struct {
	app                           *app
	check, list, write, recursive bool
	changed                       int
}

func (f *formatter) path(path string) error {
	if path == "-" {
		src, err := io.ReadAll(f.app.stdin)
		if err != nil {
			return err
		}
		out, d := config.Format(src, "<stdin>")
		if d.HasErrors() {
			return f.app.failed(d, map[string][]byte{"<stdin>": src})
		}
		_, err = f.app.stdout.Write(out)
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return f.file(path)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].Name() < entries[j].Name() })
	var failed error
	for _, e := range entries {
		name := filepath.Join(path, e.Name())
		var err error
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case e.IsDir() && f.recursive:
			err = f.path(name)
		case !e.IsDir() && formatted(e.Name()):
			err = f.file(name)
		}
		var broken exitCode
		if errors.As(err, &broken) {
			failed = err // said already; the other files are formatted all the same
		} else if err != nil {
			return err
		}
	}
	return failed
}

func formatted(name string) bool {
	for _, end := range []string{".tf", ".tofu", ".tfvars", ".tftest.hcl", ".tutti.hcl"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}

func (f *formatter) file(path string) error {
	src, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	out, d := config.Format(src, path)
	if d.HasErrors() {
		return f.app.failed(d, map[string][]byte{path: src})
	}
	if string(out) == string(src) {
		return nil
	}
	f.changed++
	if f.list {
		_, _ = fmt.Fprintln(f.app.stdout, path)
	}
	if !f.write {
		return nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.WriteFile(path, out, info.Mode().Perm())
}

func (a *app) versionCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "version", Short: "Show the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.printVersion(asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	return c
}

func (a *app) printVersion(asJSON bool) error {
	chosen, names := a.selections()
	if asJSON {
		out := map[string]any{"tutti_version": a.version, "terraform_version": config.CompatVersion, "platform": runtime.GOOS + "_" + runtime.GOARCH,
			"provider_selections": chosen, "terraform_outdated": false}
		enc := json.NewEncoder(a.stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(out)
	}
	switch a.name {
	case "terraform":
		_, _ = fmt.Fprintf(a.stdout, "Terraform v%s\n", config.CompatVersion)
	case "tofu":
		_, _ = fmt.Fprintf(a.stdout, "OpenTofu v%s\n", config.CompatVersion)
	}
	_, err := fmt.Fprintf(a.stdout, "tutti v%s\non %s_%s\n", a.version, runtime.GOOS, runtime.GOARCH)
	for _, name := range names {
		_, err = fmt.Fprintf(a.stdout, "+ provider %s v%s\n", name, chosen[name])
	}
	return err
}

// selections are the providers' versions that the lock file chose; without a lock
// file, or with a broken one, there are none.
func (a *app) selections() (versions map[string]string, names []string) {
	versions = map[string]string{}
	f, d := lockfile.Load(".")
	if d.HasErrors() {
		return versions, nil
	}
	for _, e := range f.All() {
		versions[e.Source.String()] = e.Version.String()
		names = append(names, e.Source.String())
	}
	return versions, names
}

func (a *app) providersCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "providers", Short: "List the providers that the files need", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			opts, d := a.options(c, nil)
			if d.HasErrors() {
				return a.failed(d, nil)
			}
			s, d := engine.OpenFiles(opts).Load()
			if d.HasErrors() {
				return a.failed(d, s.Sources())
			}
			_, _ = fmt.Fprintln(a.stdout, "\nProviders required by configuration:")
			for _, n := range s.Config.Needs() {
				line := n.Source.String()
				if n.Constraints != "" {
					line += " " + n.Constraints
				}
				_, _ = fmt.Fprintf(a.stdout, "  provider[%s]\n", line)
			}
			return nil
		},
	}
	c.AddCommand(a.providersLock(), a.providersMirror(), a.providersSchema())
	return c
}
