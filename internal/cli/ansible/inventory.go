package ansible

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"tutti/internal/ansible/inventory"
	"tutti/internal/ansible/inventory/report"
	"tutti/internal/ansible/inventory/source"
	"tutti/internal/ansible/session"
	"tutti/internal/ansible/vault/password"
)

// reportFlags are those of ansible-inventory.
type reportFlags struct {
	inventory inventoryFlags
	vault     vaultFlags
	extra     []string
	list      bool
	host      string
	graph     bool
	yaml      bool
	toml      bool
	vars      bool
	export    bool
	output    string
	dir       string
}

const reportSynopsis = "[options] [group]"

func (p *Program) reportFlags(o *reportFlags, s settings) *flags {
	f := newFlags(p.Name, reportSynopsis, s.Run.Verbosity)
	o.inventory.add(f, s)
	o.vault.add(f, s)
	f.BoolVar(&o.inventory.flushCache, "flush-cache", false, "forget the cached facts of all hosts")
	f.StringArrayVarP(&o.extra, "extra-vars", "e", nil, "variables: k=v, YAML or JSON, or @file; may be repeated")
	f.StringVar(&o.dir, "playbook-dir", s.Paths.PlaybookDir, "the folder whose group_vars and host_vars hold too")
	f.BoolVar(&o.list, "list", false, "show all hosts, as inventory scripts do")
	f.StringVar(&o.host, "host", "", "show the variables of this host")
	f.BoolVar(&o.graph, "graph", false, "show groups and hosts as a tree")
	f.BoolVarP(&o.yaml, "yaml", "y", false, "YAML instead of JSON")
	f.BoolVar(&o.toml, "toml", false, "TOML is not written: an error")
	f.BoolVar(&o.vars, "vars", false, "show variables in the tree")
	f.BoolVar(&o.export, "export", s.Inventory.Export, "variables where they are defined, not with each host")
	f.StringVar(&o.output, "output", "", "write the list to this file")
	return f
}

func (o *reportFlags) check() error {
	chosen := 0
	for _, on := range []bool{o.list, o.host != "", o.graph} {
		if on {
			chosen++
		}
	}
	switch {
	case chosen == 0:
		return &optionsError{"No action selected, at least one of --host, --graph or --list needs to be specified."}
	case chosen > 1:
		return &optionsError{"Conflicting options used, only one of --host, --graph or --list can be used at the same time."}
	case o.toml:
		return errors.New("TOML is not written here: leave --toml out for JSON, or use --yaml")
	}
	return nil
}

// inventory is ansible-inventory.
func (p *Program) inventory(ctx context.Context, args []string) error {
	s, err := p.settings()
	if err != nil {
		return err
	}
	var o reportFlags
	f := p.reportFlags(&o, s)
	rest, err := f.parse(args)
	switch {
	case err != nil:
		return err
	case f.help:
		_, err := fmt.Fprint(p.Stdout, f.usage("Shows the inventory as Ansible sees it."))
		return err
	case f.version:
		return p.printVersion(s)
	}
	if err := o.check(); err != nil {
		return err
	}
	secrets, err := p.secrets(ctx, o.vault, s, password.Request{})
	if err != nil {
		return err
	}
	extra, said := extraVars(o.extra, secrets)
	if err := p.diagnostics(said); err != nil {
		return err
	}
	so := session.Sources(session.Request{Reading: reading(s), Secrets: forPlay(secrets), Extra: extra, Settings: s.play()})
	sources := o.inventory.sources
	if len(sources) == 0 {
		sources = s.Inventory.Sources
	}
	inv, said := source.Load(ctx, sources, so)
	if err := p.diagnostics(said); err != nil {
		return err
	}
	ro := report.Options{Export: o.export, YAML: o.yaml, Vars: o.vars, Extra: extra, Limit: patternsOf(o.inventory.limit)}
	if o.dir != "" {
		if ro.Beside, said = source.Beside(o.dir, so); said != nil {
			if err := p.diagnostics(said); err != nil {
				return err
			}
		}
	}
	return p.report(inv, ro, &o, rest)
}

func patternsOf(limit string) []string {
	if limit == "" {
		return nil
	}
	return inventory.SplitPattern(limit)
}

// report writes what was asked for.
func (p *Program) report(inv *inventory.Inventory, ro report.Options, o *reportFlags, rest []string) error {
	var text string
	var err error
	switch {
	case o.host != "":
		text, err = report.Host(inv, o.host, ro)
	case o.graph:
		text, err = report.Graph(inv, strings.Join(rest, ""), ro)
	default:
		text, err = report.List(inv, ro)
	}
	if err != nil {
		return err
	}
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	if o.output != "" && o.list {
		return os.WriteFile(o.output, []byte(text), 0o644)
	}
	_, err = fmt.Fprint(p.Stdout, text)
	return err
}

// reading is how inventories are read by the configuration.
func reading(s settings) source.Options {
	o := source.Options{Enabled: s.Inventory.Enabled, IgnoredExtensions: s.Inventory.IgnoreExtensions, IgnoredPatterns: s.Inventory.IgnorePatterns,
		Failure: source.Failure{AnyFails: s.Inventory.AnyUnparsedFails, NoneFails: s.Inventory.UnparsedFails, Silent: !s.Inventory.UnparsedWarning}}
	o.Inventory.MergeHashes = s.Facts.MergeHashes
	return o
}
