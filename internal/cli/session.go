package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tutti/internal/cli/view"
	"tutti/internal/diag"
	"tutti/internal/engine"
	"tutti/internal/stepfunctions/integration"
	"tutti/internal/terraform/config"
	"tutti/internal/terraform/install"
	"tutti/internal/terraform/install/cliconfig"
)

// terminal finds out what standard output is.
func (a *app) terminal() {
	a.width = view.DefaultWidth
	plain := a.env("NO_COLOR") != "" || a.env("TERM") == "dumb"
	if out, ok := a.stderr.(*os.File); ok {
		a.errColor = !plain && term.IsTerminal(int(out.Fd()))
	}
	out, ok := a.stdout.(*os.File)
	if !ok || !term.IsTerminal(int(out.Fd())) {
		return
	}
	if w, _, err := term.GetSize(int(out.Fd())); err == nil && w > 0 {
		a.width = w
	}
	a.color, a.live = !plain, a.env("TERM") != "dumb"
}

// interactive reports whether somebody can be asked.
func (a *app) interactive(input bool) bool {
	return input && !a.noInput() && a.env("CI") == "" && term.IsTerminal(int(a.stdin.Fd()))
}

// noInput reports whether the environment forbids questions.
func (a *app) noInput() bool {
	switch strings.ToLower(a.env("TF_INPUT")) {
	case "0", "false":
		return true
	default:
		return false
	}
}

// options gives the engine's from the environment and the flags.
func (a *app) options(c *cobra.Command, vars *variableFlags) (engine.Options, diag.List) {
	cfg, d := cliconfig.Load(cliconfig.System())
	o := engine.Options{Dir: ".", Version: a.version, Command: typed(c), Workspace: a.workspace(),
		Install: install.Options{Config: cfg}, Values: config.ValueOptions{Env: os.Environ()},
		AWS: integration.New(integration.Options{}),
		Adopted: func(file string, rows int) {
			_, _ = fmt.Fprintf(a.stderr, "Took over %d objects from %s. tutti keeps its state in .tutti from now on;\n\"tutti state pull\" writes it in Terraform's form.\n\n", rows, file)
		}}
	if vars != nil {
		o.Values.Args = vars.args
	}
	log, err := a.trace()
	o.ProviderLog = log
	return o, append(d, diag.FromError("Providers' log cannot be written", err)...)
}

// typed is the command as a person sees it among the runs: without values, which
// may be secret.
func typed(c *cobra.Command) string { return c.CommandPath() }

// open opens the engine with its store, and reports what is wrong.
func (a *app) open(c *cobra.Command, vars *variableFlags) (*engine.Engine, error) {
	o, d := a.options(c, vars)
	if d.HasErrors() {
		return nil, a.failed(d, nil)
	}
	e, ed := engine.Open(c.Context(), o)
	if ed.HasErrors() {
		return nil, a.failed(ed, nil)
	}
	return e, nil
}

// failed shows diagnostics and gives the error that ends the command.
func (a *app) failed(d diag.List, sources map[string][]byte) error {
	a.diagnostics(d, sources)
	return exitCode(exitError)
}

// workspace is the one that is chosen: by the environment, or by `workspace select`.
func (a *app) workspace() string {
	if w := a.env("TF_WORKSPACE"); w != "" {
		return w
	}
	dir := a.env("TF_DATA_DIR")
	if dir == "" {
		dir = ".terraform"
	}
	b, err := os.ReadFile(dir + "/environment")
	if err != nil {
		return "default"
	}
	if w := strings.TrimSpace(string(b)); w != "" {
		return w
	}
	return "default"
}

// cancellable ends the context at the first Ctrl-C: for what may be broken off at
// any time.
func (a *app) cancellable(parent context.Context) (ctx context.Context, release func()) {
	return signal.NotifyContext(parent, os.Interrupt, syscall.SIGTERM)
}

// interrupted ends a command that was broken off.
func (a *app) interrupted() error {
	_, _ = fmt.Fprintln(a.stderr, "\nInterrupted. Nothing was changed.")
	return exitCode(exitInterrupt)
}

// interrupts turns Ctrl-C into a gentle stop, and a second one into an abort.
// Release must be called when it is over.
func (a *app) interrupts(parent context.Context) (ctx context.Context, stop <-chan struct{}, release func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	gentle := make(chan struct{})
	tell := func(text string) {
		if a.note != nil {
			a.note(text)
			return
		}
		_, _ = fmt.Fprintln(a.stderr, "\n"+text)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		first := true
		for range signals {
			if !first {
				tell("Aborting. What was interrupted is named by \"" + a.name + " resume\".")
				cancel()
				return
			}
			first = false
			tell("Stopping: what is running is finished first. Press Ctrl-C again to abort.")
			close(gentle)
		}
	}()
	return ctx, gentle, func() {
		signal.Stop(signals)
		close(signals)
		<-done
		cancel()
	}
}
