package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/google/shlex"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"tutti/internal/addr"
	"tutti/internal/terraform/config"
)

// arguments prepares what was typed: Terraform's long flags with one dash are
// understood beside those with two, and TF_CLI_ARGS is put in.
func (a *app) arguments(args []string) ([]string, error) {
	at := 0
	for at < len(args) && strings.HasPrefix(args[at], "-") {
		if strings.TrimLeft(args[at], "-") == "chdir" {
			at++ // its value
		}
		at++
	}
	at = min(at, len(args))
	var extra []string
	for _, name := range []string{"TF_CLI_ARGS", "TF_CLI_ARGS_" + commandName(args[at:])} {
		words, err := shlex.Split(a.env(name))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		extra = append(extra, words...)
	}
	if at < len(args) {
		at++
		args = append(append(append([]string(nil), args[:at]...), extra...), args[at:]...)
	}
	out := make([]string, len(args))
	for i, arg := range args {
		if arg == "--" {
			copy(out[i:], args[i:])
			break
		}
		if len(arg) > 2 && arg[0] == '-' && arg[1] != '-' {
			arg = "-" + arg
		}
		out[i] = arg
	}
	return out, nil
}

// commandName is how TF_CLI_ARGS_name names a command: state_list.
func commandName(args []string) string {
	if len(args) == 0 {
		return ""
	}
	switch args[0] {
	case "state", "workspace", "providers", "run":
		if len(args) > 1 && !strings.HasPrefix(args[1], "-") {
			return args[0] + "_" + args[1]
		}
	}
	return args[0]
}

// variableFlags are -var and -var-file, whose order matters.
type variableFlags struct{ args []config.Argument }

func (v *variableFlags) add(c *cobra.Command) {
	c.Flags().Var(&variableFlag{v, false}, "var", "set a root variable: -var 'name=value'; may be repeated")
	c.Flags().Var(&variableFlag{v, true}, "var-file", "read root variables from a .tfvars file; may be repeated")
}

type variableFlag struct {
	all  *variableFlags
	file bool
}

var _ pflag.Value = (*variableFlag)(nil)

func (f *variableFlag) String() string { return "" }

func (f *variableFlag) Type() string {
	if f.file {
		return "FILE"
	}
	return "NAME=VALUE"
}

func (f *variableFlag) Set(s string) error {
	if f.file {
		f.all.args = append(f.all.args, config.Argument{File: s})
		return nil
	}
	name, text, ok := strings.Cut(s, "=")
	if !ok {
		return fmt.Errorf("expected name=value")
	}
	f.all.args = append(f.all.args, config.Argument{Name: strings.TrimSpace(name), Text: text})
	return nil
}

// targetFlag gathers addresses, and files that list them.
type targetFlag struct {
	list  []addr.Target
	files []string
}

// all gives the addresses with those in the files, one a line; empty lines and what
// follows a # do not count.
func (f *targetFlag) all() ([]addr.Target, error) {
	out := slices.Clone(f.list)
	for _, name := range f.files {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		number := 0
		for line := range strings.Lines(string(text)) {
			number++
			line, _, _ = strings.Cut(line, "#")
			if line = strings.TrimSpace(line); line == "" {
				continue
			}
			t, err := addr.ParseTarget(line)
			if err != nil {
				return nil, fmt.Errorf("%s line %d: %w", name, number, err)
			}
			out = append(out, t)
		}
	}
	return out, nil
}

var _ pflag.Value = (*targetFlag)(nil)

func (f *targetFlag) String() string { return "" }
func (f *targetFlag) Type() string   { return "ADDR" }

func (f *targetFlag) Set(s string) error {
	t, err := addr.ParseTarget(s)
	f.list = append(f.list, t)
	return err
}

// planFlags are those of every command that plans.
type planFlags struct {
	variables         variableFlags
	targets, excludes targetFlag
	replace           targetFlag
	refresh           bool
	refreshOnly       bool
	destroy           bool
	parallelism       int
	lockTimeout       time.Duration
	input             bool
	compactWarnings   bool
	json              bool
	lock              bool
	// done is what earlier phases of this command have carried out.
	done map[addr.Instance]bool
}

func (f *planFlags) add(c *cobra.Command) {
	f.variables.add(c)
	fl := c.Flags()
	fl.Var(&f.targets, "target", "only this address and what it needs; may be repeated")
	fl.Var(&f.excludes, "exclude", "all but this address and what needs it; may be repeated")
	fl.StringArrayVar(&f.targets.files, "target-file", nil, "as -target, for each line of a file; may be repeated")
	fl.StringArrayVar(&f.excludes.files, "exclude-file", nil, "as -exclude, for each line of a file; may be repeated")
	fl.Var(&f.replace, "replace", "replace this instance (or run this task) although nothing requires it; may be repeated")
	fl.BoolVar(&f.refresh, "refresh", true, "do not ask the providers for the present state first")
	fl.BoolVar(&f.refreshOnly, "refresh-only", false, "only bring the state up to date with the world")
	fl.BoolVar(&f.destroy, "destroy", false, "plan to destroy everything")
	fl.IntVar(&f.parallelism, "parallelism", 10, "how many operations go on at once")
	fl.DurationVar(&f.lockTimeout, "lock-timeout", 0, "how long to wait for addresses that another run holds, such as 5m")
	fl.BoolVar(&f.lock, "lock", true, "accepted for Terraform's sake: plans take no lock, and a run always leases what it changes")
	fl.BoolVar(&f.input, "input", true, "ask for nothing: neither for variables nor for approval")
	fl.BoolVar(&f.compactWarnings, "compact-warnings", false, "show warnings as one line each")
	fl.Bool("concise", false, "show no progress")
	fl.String("json-into", "", "write what -json would give to this file, beside what people see")
	f.addOutput(c)
}

func (f *planFlags) addOutput(c *cobra.Command) {
	c.Flags().BoolVar(&f.json, "json", false, "write one JSON message a line")
}

// accept adds flags of Terraform's that change nothing here, because edits of the
// state are transactions of their own and keep what was before: what drives that
// command can drive this one. They are not shown in the help.
func accept(root *cobra.Command) {
	for _, path := range [][]string{{"state", "mv"}, {"state", "rm"}, {"state", "push"}, {"state", "pull"}, {"taint"}, {"untaint"}, {"unlock"},
		{"workspace", "new"}, {"workspace", "select"}, {"workspace", "delete"}, {"console"}, {"output"}, {"graph"}, {"get"}, {"validate"}} {
		c, _, err := root.Find(path)
		if err != nil {
			panic("cli: invariant broken: no command " + strings.Join(path, " "))
		}
		f := c.Flags()
		add := func(name string, define func()) {
			if f.Lookup(name) == nil {
				define()
				f.Lookup(name).Hidden = true
			}
		}
		add("lock", func() { f.Bool("lock", true, "") })
		add("lock-timeout", func() { f.Duration("lock-timeout", 0, "") })
		add("input", func() { f.Bool("input", true, "") })
		add("backup", func() { f.String("backup", "", "") })
		add("ignore-remote-version", func() { f.Bool("ignore-remote-version", false, "") })
	}
}
