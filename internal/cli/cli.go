// Package cli is tutti's commands: flags, help, exit codes and what a person is
// asked. What happens is package engine's, how it looks is package view's.
//
// In: arguments, environment, a terminal. Out: text and an exit code. It has no
// logic of its own: a command turns flags into options, calls the engine once or
// twice and hands the result to a view.
//
// Files: cli.go the root command, flag.go flags that commands share, session.go
// what all commands do around the engine, then a file per group of commands.
package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tutti/internal/ansible/builtin"
	"tutti/internal/ansible/connection/target"
	"tutti/internal/cli/view"
	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/store"
)

// Exit codes, as Terraform's.
const (
	exitOK        = 0
	exitError     = 1
	exitChanges   = 2   // -detailed-exitcode, drift: there is something to do
	exitInterrupt = 130 // a second Ctrl-C
)

// app is one call of the program.
type app struct {
	version string
	// name is what the program was called by: tutti, terraform or tofu.
	name      string
	env       func(string) string
	stdin     *os.File
	stdout    io.Writer
	stderr    io.Writer
	chdir     string
	questions questions
	screen
	outcome
}

// screen is what is written on.
type screen struct {
	// color and errColor say whether standard output and error take colours; live
	// that standard output is a terminal that can be drawn on.
	color, errColor, live bool
	width                 int
	compact, concise      bool // -compact-warnings, -concise
}

// outcome is what a command gathers while it goes on.
type outcome struct {
	// stream takes all output with -json; nil otherwise.
	stream *view.Stream
	// into takes the same with -json-into, beside what people see.
	into *view.Stream
	// run and plan are what is being carried out.
	run  store.RunID
	plan *object.Plan
	// note shows a line beside a live view; nil when there is none.
	note func(text string)
	// pause takes the live view away while somebody is asked something; nil when
	// there is none.
	pause func(on bool)
	// failures are the diagnostics of what failed in the run.
	failures diag.List
}

// exitCode ends a command with a code after everything has been said.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// Main runs the program with the process's arguments and gives its exit code.
func Main(version string) int {
	// Where there is no smaller program for a host, a connection puts tutti itself there.
	if len(os.Args) > 1 && os.Args[1] == target.Command {
		return target.Main(os.Args[1:], target.Table(builtin.Modules()))
	}
	a := &app{version: version, name: calledAs(os.Args[0]), env: os.Getenv, stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, questions: questions{in: bufio.NewReader(os.Stdin)}}
	a.terminal()
	if name, ok := ansibleName(os.Args[0]); ok {
		return a.ansibleMain(name)
	}
	root := a.root()
	args, err := a.arguments(os.Args[1:])
	if err != nil {
		_, _ = fmt.Fprintln(a.stderr, err)
		return exitError
	}
	root.SetArgs(args)
	ran, err := root.ExecuteC()
	var code exitCode
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	default:
		a.diagnostics(diag.Errorf(nil, failure(err), "%s", sentence(err)+howTo(ran, err)), nil)
		return exitError
	}
}

// calledAs finds out whether the program stands in for another.
func calledAs(arg0 string) string {
	switch base := strings.TrimSuffix(filepath.Base(arg0), ".exe"); base {
	case "terraform", "tofu":
		return base
	default:
		return "tutti"
	}
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   a.name,
		Short: "One graph, one plan, one durable run, one state",
		Long: `tutti takes the files that a folder holds (Terraform, OpenTofu, Ansible,
Step Functions, and tutti's own tasks and approvals) and makes of them one
graph, one plan and one durable run.

The usual way:

  tutti init      install the providers and modules that the files need
  tutti plan      see what would change
  tutti up        plan, ask, and carry it out
  tutti resume    go on after a crash or Ctrl-C: nothing lost or done twice`,
		SilenceUsage: true, SilenceErrors: true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			if err := a.enter(c); err != nil {
				return err
			}
			return a.writeInto(c)
		},
	}
	root.PersistentFlags().StringVar(&a.chdir, "chdir", "", "switch to this folder before anything else")
	root.PersistentFlags().Bool("no-color", false, "write without colours")
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetUsageFunc(a.usage)
	root.AddCommand(a.unavailable()...)
	root.AddGroup(&cobra.Group{ID: "main", Title: "Main commands:"}, &cobra.Group{ID: "run", Title: "Runs:"},
		&cobra.Group{ID: "state", Title: "State and graph:"}, &cobra.Group{ID: "more", Title: "Other commands:"})
	for id, list := range map[string][]*cobra.Command{
		"main":  {a.initCommand(), a.validateCommand(), a.planCommand(), a.applyCommand(), a.upCommand(), a.destroyCommand(), a.outputCommand(), a.showCommand()},
		"run":   {a.runsCommand(), a.runCommand(), a.resumeCommand(), a.rollbackCommand(), a.approveCommand(), a.answerCommand(), a.cancelCommand(), a.unlockCommand(), a.serveCommand()},
		"state": {a.stateCommand(), a.whyCommand(), a.affectedCommand(), a.graphCommand(), a.driftCommand(), a.refreshCommand(), a.importCommand(), a.taintCommand(true), a.taintCommand(false), a.workspaceCommand()},
		"more":  {a.fmtCommand(), a.consoleCommand(), a.evalCommand(), a.getCommand(), a.providersCommand(), a.metadataCommand(), a.versionCommand()},
	} {
		for _, c := range list {
			c.GroupID = id
			root.AddCommand(c)
		}
	}
	if a.name == "tutti" {
		test, playbook := a.testCommand(), a.playbookCommand()
		test.GroupID, playbook.GroupID = "more", "run"
		root.AddCommand(test, playbook)
	}
	accept(root)
	root.Flags().BoolP("version", "v", false, "the same as the version command")
	root.RunE = func(c *cobra.Command, _ []string) error {
		if v, err := c.Flags().GetBool("version"); err == nil && v {
			return a.printVersion(false)
		}
		return c.Help()
	}
	return root
}

// enter looks at the flags that every command understands, and switches to the
// folder of -chdir.
func (a *app) enter(c *cobra.Command) error {
	on := func(name string) bool {
		f := c.Flags().Lookup(name)
		return f != nil && f.Value.String() == "true"
	}
	if on("no-color") {
		a.color, a.errColor = false, false
	}
	a.compact, a.concise = on("compact-warnings"), on("concise")
	if on("json") && streams(c.Name()) {
		a.stream = view.NewStream(a.stdout, time.Now)
		a.stream.Version(a.version)
	}
	if a.chdir == "" {
		return nil
	}
	if err := os.Chdir(a.chdir); err != nil {
		return fmt.Errorf("-chdir: %w", err)
	}
	return nil
}

// writeInto opens the file of -json-into. It is written without a buffer, so
// nothing is lost at whatever end.
func (a *app) writeInto(c *cobra.Command) error {
	f := c.Flags().Lookup("json-into")
	if f == nil || f.Value.String() == "" {
		return nil
	}
	file, err := os.Create(f.Value.String())
	if err != nil {
		return fmt.Errorf("-json-into: %w", err)
	}
	a.into = view.NewStream(file, time.Now)
	a.into.Version(a.version)
	return nil
}

// streams reports whether the -json of a command is a stream of messages.
func streams(command string) bool {
	switch command {
	case "init", "plan", "apply", "up", "destroy", "refresh", "resume", "rollback", "import", "drift":
		return true
	default:
		return false
	}
}

// failure is the headline of an error that has none.
func failure(err error) string {
	switch text := err.Error(); {
	case strings.HasPrefix(text, "unknown command"):
		return "Unknown command"
	case strings.HasPrefix(text, "unknown flag"), strings.HasPrefix(text, "unknown shorthand flag"), strings.HasPrefix(text, "invalid argument"):
		return "Invalid command-line option"
	case strings.HasPrefix(text, "accepts "), strings.HasPrefix(text, "requires "):
		return "Wrong number of arguments"
	default:
		return "The command failed"
	}
}

// sentence makes the text of an error one, with the flags as they were typed.
func sentence(err error) string {
	text := strings.ReplaceAll(strings.TrimSpace(err.Error()), " --", " -")
	if first, rest, ok := strings.Cut(text, "\n\nDid you mean this?"); ok {
		text = first + ". Did you mean " + strings.Join(strings.Fields(rest), " or ") + "?"
	}
	text = strings.TrimSuffix(text, ".")
	if !strings.HasSuffix(text, "?") {
		text += "."
	}
	if first, _, _ := strings.Cut(text, " "); strings.ContainsAny(first, "./") {
		return text // a file's name or an address stays as it is written
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// howTo adds how a command is used to an error about its arguments.
func howTo(c *cobra.Command, err error) string {
	if failure(err) == "The command failed" || c == nil || !c.HasParent() {
		return ""
	}
	return "\n\nUsage:\n  " + c.UseLine() + "\n\"" + c.CommandPath() + " -help\" tells more."
}
