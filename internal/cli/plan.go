package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/engine"
	"tutti/internal/object"
	"tutti/internal/store"
	"tutti/internal/terraform/config"
)

func (a *app) planCommand() *cobra.Command {
	var f planFlags
	var out string
	var detailed bool
	c := &cobra.Command{
		Use:   "plan",
		Short: "Show what would change",
		Long: `Plan compares the files with what is there and shows what would change.
Nothing is changed, and no lock is taken.

Exit codes with -detailed-exitcode: 0 nothing to do, 1 error, 2 something to do.`,
		Example: "  tutti plan\n  tutti plan -var region=eu -out=plan.bin\n  tutti plan -target=module.shop -detailed-exitcode",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			e, err := a.open(c, &f.variables)
			if err != nil {
				return err
			}
			defer a.close(c, e)
			ctx, release := a.cancellable(c.Context())
			defer release()
			p, err := a.makePlan(ctx, e, &f)
			if err != nil {
				return err
			}
			if out != "" {
				if d := e.Save(p, out); d.HasErrors() {
					return a.failed(d, nil)
				}
				a.saved(out)
			} else if changes(p.Plan) && a.live && a.env("TF_IN_AUTOMATION") == "" {
				a.say("\nThis plan was not saved: \"%s apply\" plans again and asks.\nWith -out=FILE it is kept, and \"%s apply FILE\" carries out exactly that.", a.name, a.name)
			}
			if detailed && changes(p.Plan) {
				return exitCode(exitChanges)
			}
			return nil
		},
	}
	f.add(c)
	c.Flags().StringVar(&out, "out", "", "write the plan to this file, for \"tutti apply FILE\"")
	c.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 when there is something to do")
	return c
}

// changes reports whether a plan asks for anything.
func changes(p *object.Plan) bool { return p.HasChanges() || len(p.Deferred) > 0 }

// close closes the engine; what fails there is only said.
func (a *app) close(c *cobra.Command, e *engine.Engine) {
	if err := e.Close(context.WithoutCancel(c.Context())); err != nil {
		a.diagnostics(diag.List{{Severity: diag.Warning, Headline: "Not everything was closed", Detail: err.Error()}}, nil)
	}
}

// makePlan makes a plan and shows it.
func (a *app) makePlan(ctx context.Context, e *engine.Engine, f *planFlags) (*engine.Planned, error) {
	o, err := f.options()
	if err != nil {
		return nil, err
	}
	if err := a.askVariables(e, f); err != nil {
		return nil, err
	}
	done := a.working("Planning")
	p, d := e.Plan(ctx, o)
	done()
	sources := sourcesOf(p)
	if ctx.Err() != nil {
		return nil, a.interrupted()
	}
	if d.HasErrors() {
		return nil, a.failed(d, sources)
	}
	if len(sources) == 0 && o.Mode == object.Normal {
		return nil, a.failed(diag.Errorf(nil, "No configuration files", "There are no .tf, .tofu or .tutti.hcl files here, so everything in the state would be planned to be destroyed. If that is wanted, say so with \"%s destroy\".", a.name), nil)
	}
	a.showPlan(ctx, e, p)
	a.diagnostics(d, sources)
	return p, nil
}

func (f *planFlags) options() (engine.PlanOptions, error) {
	o := engine.PlanOptions{SkipRefresh: !f.refresh, Parallelism: f.parallelism, Done: f.done}
	var err error
	if o.Targets, err = f.targets.all(); err != nil {
		return o, err
	}
	if o.Excludes, err = f.excludes.all(); err != nil {
		return o, err
	}
	switch {
	case f.destroy && f.refreshOnly:
		return o, fmt.Errorf("-destroy and -refresh-only cannot be given together")
	case f.refreshOnly && !f.refresh:
		return o, fmt.Errorf("-refresh-only and -refresh=false cannot be given together")
	case f.destroy:
		o.Mode = object.Destroy
	case f.refreshOnly:
		o.Mode = object.RefreshOnly
	}
	for _, t := range f.replace.list {
		if (t.Name == addr.Name{}) {
			return o, fmt.Errorf("-replace=%s: a resource instance or a task is expected, not a module", t)
		}
		o.Replace = append(o.Replace, addr.Instance{Object: addr.Object{Module: t.Module, Name: t.Name}, Key: t.Key})
	}
	return o, nil
}

// askVariables asks a person for variables that have no value.
func (a *app) askVariables(e *engine.Engine, f *planFlags) error {
	if !a.interactive(f.input) {
		return nil
	}
	s, d := e.Load()
	if d.HasErrors() || s.Config == nil {
		return nil // planning reports it
	}
	var args []config.Argument
	for _, v := range s.Values.Missing {
		_, _ = fmt.Fprintf(a.stdout, "var.%s\n", v.Name)
		if v.Description != "" {
			_, _ = fmt.Fprintf(a.stdout, "  %s\n\n", v.Description)
		}
		_, _ = fmt.Fprint(a.stdout, "  Enter a value: ")
		line, err := a.typedValue(v.Sensitive)
		if err != nil {
			return fmt.Errorf("reading the value of var.%s: %w", v.Name, err)
		}
		_, _ = fmt.Fprintln(a.stdout)
		args = append(args, config.Argument{Name: v.Name, Text: strings.TrimRight(line, "\r\n")})
	}
	e.AddValues(args)
	return nil
}

func (a *app) destroyCommand() *cobra.Command {
	c := a.applyLike("destroy", "Plan to destroy everything, ask, and do it", true)
	return c
}

func (a *app) applyCommand() *cobra.Command {
	return a.applyLike("apply [PLANFILE]", "Carry out a plan: a new one after asking, or a saved one", false)
}

func (a *app) upCommand() *cobra.Command {
	return a.applyLike("up", "Plan, ask, carry out; again for what was not knowable at first", false)
}

func (a *app) applyLike(use, short string, destroy bool) *cobra.Command {
	var f planFlags
	var approve bool
	c := &cobra.Command{
		Use: use, Short: short, Args: cobra.MaximumNArgs(1),
		Long: short + `.

Ctrl-C once finishes what is running and stops; "tutti resume" goes on. Twice
aborts. Objects whose number or provider is not known yet are planned again in a
next phase when the first is done.`,
		Example: "  tutti " + strings.Fields(use)[0] + "\n  tutti " + strings.Fields(use)[0] + " -auto-approve -parallelism=20",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 && !engine.IsPlanFile(args[0]) {
				if _, err := os.Stat(args[0]); errors.Is(err, fs.ErrNotExist) {
					return fmt.Errorf("there is no plan file %s: \"tutti plan -out=FILE\" writes one", args[0])
				}
				return fmt.Errorf("%s is not a plan file: \"tutti plan -out=FILE\" writes one", args[0])
			}
			f.destroy = f.destroy || destroy
			e, err := a.open(c, &f.variables)
			if err != nil {
				return err
			}
			defer a.close(c, e)
			if len(args) == 1 {
				return a.applyFile(c, e, &f, args[0])
			}
			return a.applyNew(c, e, &f, approve)
		},
	}
	f.add(c)
	c.Flags().BoolVar(&approve, "auto-approve", false, "do not ask")
	return c
}

func (a *app) applyFile(c *cobra.Command, e *engine.Engine, f *planFlags, file string) error {
	p, d := e.ReadPlan(file)
	if d.HasErrors() {
		return a.failed(d, nil)
	}
	_, err := a.carryOut(c, e, f, p, 0)
	return err
}

// maxPhases bounds how often one command plans again for what was deferred.
const maxPhases = 20

// applyNew plans, asks and carries out, phase by phase.
func (a *app) applyNew(c *cobra.Command, e *engine.Engine, f *planFlags, approve bool) error {
	var parent store.RunID
	for range maxPhases {
		ctx, release := a.cancellable(c.Context())
		p, err := a.makePlan(ctx, e, f)
		release()
		if err != nil {
			return err
		}
		if !p.Plan.HasChanges() {
			return a.nothingToDo(p)
		}
		if !approve {
			if err := a.confirm(f, p); err != nil {
				return err
			}
		}
		fin, err := a.carryOut(c, e, f, p, parent)
		if errors.Is(err, errStale) {
			a.say("The state has changed in the meantime, so the plan is made again.")
			continue
		}
		if err != nil || !fin.Deferred {
			return err
		}
		parent = fin.Run
		f.carriedOut(p.Plan)
	}
	return fmt.Errorf("after %d phases there is still something that is not known", maxPhases)
}

// carriedOut notes what a phase has done.
func (f *planFlags) carriedOut(p *object.Plan) {
	if f.done == nil {
		f.done = map[addr.Instance]bool{}
	}
	for i := range p.Changes {
		f.done[p.Changes[i].Addr] = true
	}
}

// nothingToDo ends a command whose plan is empty: what is deferred then will never
// be known.
func (a *app) nothingToDo(p *engine.Planned) error {
	if len(p.Plan.Deferred) == 0 {
		return nil
	}
	var d diag.List
	for _, x := range p.Plan.Deferred {
		d = append(d, diag.Errorf(nil, "Not known although nothing is left to do", "%s cannot be planned: %s. Nothing in this stack will make it known.", x.Addr.Instance(x.Key), x.Reason)...)
	}
	return a.failed(d, p.Sources)
}

// confirm asks whether to carry the plan out.
func (a *app) confirm(f *planFlags, p *engine.Planned) error {
	if !a.answerable(f.input) || a.stream != nil {
		return fmt.Errorf("nobody can be asked whether to carry this out: add -auto-approve, or save the plan with \"tutti plan -out=FILE\" and run \"tutti apply FILE\"")
	}
	question := "Do you want to perform these actions?\n  " + a.name + " will perform the actions described above.\n  Only 'yes' will be accepted to approve."
	if p.Plan.Mode == object.Destroy {
		question = "Do you really want to destroy all resources?\n  " + a.name + " will destroy all that is shown above. There is no undo.\n  Only 'yes' will be accepted to confirm."
	}
	_, _ = fmt.Fprintf(a.stdout, "\n%s\n\n  Enter a value: ", question)
	if text, _ := a.questions.answer(context.Background()); text != "yes" {
		_, _ = fmt.Fprintln(a.stdout, "\nApply cancelled.")
		return exitCode(exitError)
	}
	_, _ = fmt.Fprintln(a.stdout)
	return nil
}
