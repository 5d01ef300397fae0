package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tutti/internal/ansible/play"
	"tutti/internal/apply"
	"tutti/internal/cli/view"
	"tutti/internal/diag"
	"tutti/internal/engine"
	"tutti/internal/executor"
	"tutti/internal/flow"
	"tutti/internal/object"
	"tutti/internal/runtime/local"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/store"
)

// carryOut runs a plan and says how it ended.
func (a *app) carryOut(c *cobra.Command, e *engine.Engine, f *planFlags, p *engine.Planned, parent store.RunID) (*engine.Finished, error) {
	watch, end := a.show(c.Context(), e)
	defer end()
	ctx, stop, release := a.interrupts(c.Context())
	defer release()
	o := engine.RunOptions{Parallelism: f.parallelism, LockTimeout: f.lockTimeout, Parent: parent, Person: local.Person{Cancel: stop}, Watch: watch}
	fin, d := e.Apply(ctx, p, o)
	end()
	if fin == nil && isStale(d) && p.Read != nil {
		return nil, errStale // it was made in this process, and can be made again
	}
	return fin, a.ended(ctx, e, fin, d)
}

// errStale says that the state moved on between planning and carrying out: another
// run was waited for.
var errStale = errors.New("the state has changed since the plan was made")

func isStale(d diag.List) bool {
	for _, x := range d {
		if x.ID() == "saved-plan-is-stale" {
			return true
		}
	}
	return false
}

// retryAll does again what was cut off.
func retryAll(_ context.Context, _ store.Run, doubts []local.Doubt) map[flow.ID]local.Decision {
	out := map[flow.ID]local.Decision{}
	for _, d := range doubts {
		out[d.Do.ID] = local.Retry
	}
	return out
}

// inChild decides about the calls of a run's executions as about its own activities.
func inChild(decide func(context.Context, []local.Doubt) map[flow.ID]local.Decision) func(context.Context, store.Run, []local.Doubt) map[flow.ID]local.Decision {
	if decide == nil {
		return nil
	}
	return func(ctx context.Context, _ store.Run, doubts []local.Doubt) map[flow.ID]local.Decision {
		return decide(ctx, doubts)
	}
}

// inDoubt is what to do about what was cut off and cannot be read back.
func (a *app) inDoubt(choice string, plan func() *object.Plan) (func(context.Context, []local.Doubt) map[flow.ID]local.Decision, error) {
	switch choice {
	case "retry":
		return func(ctx context.Context, doubts []local.Doubt) map[flow.ID]local.Decision {
			return retryAll(ctx, store.Run{}, doubts)
		}, nil
	case "stop":
		return nil, nil
	case "ask":
		if !a.interactive(true) {
			return nil, nil
		}
		return a.askDoubts, nil
	default:
		return nil, fmt.Errorf("-in-doubt=%s: expected ask, retry or stop", choice)
	}
}

func (a *app) resumeCommand() *cobra.Command {
	var doubt string
	var f planFlags
	var x executeFlags
	c := &cobra.Command{
		Use: "resume [RUN]", Short: "Go on with a run that was cut off or stopped", Args: cobra.MaximumNArgs(1),
		Long: `Resume goes on with a run where it was: what is done is not done again, what was
cut off is read back where that is possible. What cannot be read back is in
doubt:

  -in-doubt=ask    ask for each (on a terminal; otherwise as stop)
  -in-doubt=retry  do it again
  -in-doubt=stop   do all the rest, name what is in doubt, exit with 1

An execution of a state machine that has failed goes on from the states that
failed. With -from a new one begins with that state, with the input that was
recorded when the old one last came there, or the one that is given.`,
		Example: "  tutti resume\n  tutti resume 12 -in-doubt=retry\n  tutti resume 12 -from Pay",
		RunE: func(c *cobra.Command, args []string) error {
			e, err := a.open(c, &f.variables)
			if err != nil {
				return err
			}
			defer a.close(c, e)
			id, err := a.runArg(c, e, args)
			if err != nil {
				return err
			}
			if run, err := e.Store().Run(c.Context(), id); err == nil {
				switch {
				case executor.Makes(run.Machine):
					x.inDoubt = doubt
					return a.resumeExecution(c, run, &x)
				case run.Machine == play.MachinePlay:
					return a.resumePlay(c, run, doubt, x.from)
				}
			}
			decide, err := a.inDoubt(doubt, nil)
			if err != nil {
				return err
			}
			watch, end := a.show(c.Context(), e)
			defer end()
			ctx, stop, release := a.interrupts(c.Context())
			defer release()
			fin, d := e.Resume(ctx, id, engine.RunOptions{Parallelism: f.parallelism, LockTimeout: f.lockTimeout, Watch: watch,
				Person: local.Person{Cancel: stop, InDoubt: decide}, ChildInDoubt: inChild(decide)})
			end()
			return a.ended(ctx, e, fin, d)
		},
	}
	f.variables.add(c)
	f.addOutput(c)
	c.Flags().StringVar(&doubt, "in-doubt", "ask", "ask, retry or stop")
	c.Flags().StringVar(&x.from, "from", "", "of an execution or a play: begin a new one with this state, or this task")
	c.Flags().StringVar(&x.input, "input", "", "with -from: another input than the recorded one: JSON, @FILE, or -")
	c.Flags().BoolVar(&x.watch, "watch", false, "of an execution: show the states while they are carried out")
	c.Flags().IntVar(&f.parallelism, "parallelism", 0, "how many operations go on at once")
	c.Flags().DurationVar(&f.lockTimeout, "lock-timeout", 0, "how long to wait for addresses that another run holds")
	return c
}

// runArg gives the run that is named, or the newest open one.
func (a *app) runArg(c *cobra.Command, e *engine.Engine, args []string) (store.RunID, error) {
	if len(args) == 0 {
		run, d := e.Latest(c.Context())
		if d.HasErrors() {
			return 0, a.failed(d, nil)
		}
		return run.ID, nil
	}
	n, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is not the number of a run: \"tutti runs\" lists them", args[0])
	}
	return store.RunID(n), nil
}

func (a *app) runsCommand() *cobra.Command {
	var limit int
	var asJSON bool
	c := &cobra.Command{
		Use: "runs", Short: "List the runs of this stack, newest first", Args: cobra.NoArgs, Example: "  tutti runs\n  tutti runs -limit 5",
		RunE: func(c *cobra.Command, _ []string) error {
			e, err := a.open(c, nil)
			if err != nil {
				return err
			}
			defer a.close(c, e)
			runs, err := e.Store().List(c.Context(), limit)
			if err != nil {
				return err
			}
			if asJSON {
				return view.JSONRuns(a.stdout, runs)
			}
			w := tabwriter.NewWriter(a.stdout, 0, 4, 2, ' ', 0)
			_, _ = fmt.Fprintln(w, "RUN\tSTATUS\tSTARTED\tTOOK\tBY\tCOMMAND")
			for _, r := range runs {
				took := "-"
				if !r.Ended.IsZero() {
					took = r.Ended.Sub(r.Created).Round(time.Millisecond).String()
				}
				_, _ = fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.Status, r.Created.Local().Format("2006-01-02 15:04:05"), took, r.User, what(&r))
			}
			return w.Flush()
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	c.Flags().IntVar(&limit, "limit", 20, "how many to list; 0 for all")
	c.AddCommand(a.pruneCommand())
	return c
}

// what tells what a run is: what was typed, and what it is one of. A child says whose.
func what(r *store.Run) string {
	switch {
	case r.Child != 0:
		return fmt.Sprintf("(%s of run %d)", r.Machine, r.Parent)
	case r.Owner != "":
		return strings.TrimSpace(r.Command + " " + r.Owner)
	default:
		return r.Command
	}
}

func (a *app) runShowCommand() *cobra.Command {
	var journal, asJSON bool
	show := &cobra.Command{
		Use: "show RUN", Short: "Show a run's steps, times and errors", Args: cobra.MaximumNArgs(1),
		Example: "  tutti run show 12\n  tutti run show 12 -journal",
		RunE: func(c *cobra.Command, args []string) error {
			e, err := a.open(c, nil)
			if err != nil {
				return err
			}
			defer a.close(c, e)
			id, err := a.lastRun(c, e, args)
			if err != nil {
				return err
			}
			run, file, report, entries, d := e.History(c.Context(), id)
			if d.HasErrors() {
				return a.failed(d, nil)
			}
			switch {
			case journal:
				return a.showJournal(c.Context(), e, run, entries)
			case run.Machine == play.MachinePlay && !asJSON:
				return a.showPlay(c, e, run)
			}
			states, err := a.statesOf(c.Context(), e, run)
			switch {
			case err != nil:
				return err
			case asJSON:
				return view.JSONRun(a.stdout, run, report, states)
			}
			return a.showRun(run, file, report, states)
		},
	}
	show.Flags().BoolVar(&asJSON, "json", false, "write JSON")
	show.Flags().BoolVar(&journal, "journal", false, "print the journal in its text form")
	return show
}

// statesOf gives the executions that belong to a run, by their numbers among its
// children; the run itself, when it is one, has the number 0.
func (a *app) statesOf(ctx context.Context, e *engine.Engine, run *store.Run) (map[flow.ID]*engine.ExecutionHistory, error) {
	out := map[flow.ID]*engine.ExecutionHistory{}
	list, d := e.Children(ctx, run.ID)
	if run.Machine == execution.MachineExecution {
		list = []store.Run{{ID: run.ID}}
	}
	for i := range list {
		if list[i].Machine == execution.MachineMapRun {
			continue
		}
		h, hd := e.ExecutionHistory(ctx, list[i].ID, false)
		if d = append(d, hd...); h != nil {
			out[list[i].Child] = h
		}
	}
	if d.HasErrors() {
		return nil, a.failed(d, nil)
	}
	return out, nil
}

// lastRun gives the run that is named, or the newest.
func (a *app) lastRun(c *cobra.Command, e *engine.Engine, args []string) (store.RunID, error) {
	if len(args) > 0 {
		return a.runArg(c, e, args)
	}
	runs, err := e.Store().List(c.Context(), 1)
	if err != nil {
		return 0, err
	}
	if len(runs) == 0 {
		return 0, fmt.Errorf("this stack has no runs yet")
	}
	return runs[0].ID, nil
}

func (a *app) showJournal(ctx context.Context, e *engine.Engine, run *store.Run, entries []store.Entry) error {
	masker, err := e.Masker(ctx, run)
	if err != nil {
		return err
	}
	for _, en := range entries {
		var line string
		switch {
		case en.Event != nil:
			line = flow.FormatEvent(en.Event, run.Created)
		case en.Sent != 0:
			line = fmt.Sprintf("sent #%d", en.Sent)
		default:
			line = fmt.Sprintf("note %q", en.Note)
		}
		if _, err := fmt.Fprintf(a.stdout, "%6d  %s\n", en.Index, masker.String(line)); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) approveCommand() *cobra.Command {
	var reject bool
	var comment, by string
	c := &cobra.Command{
		Use: "approve RUN ADDR", Short: "Say yes (or no) to an approval that a run waits for", Args: cobra.ExactArgs(2),
		Example: "  tutti approve 12 approval.release\n  tutti approve 12 approval.release -reject -comment 'not before Monday'",
		RunE: func(c *cobra.Command, args []string) error {
			e, err := a.open(c, nil)
			if err != nil {
				return err
			}
			defer a.close(c, e)
			id, err := a.runArg(c, e, args[:1])
			if err != nil {
				return err
			}
			if d := e.Approve(c.Context(), id, apply.Approve{Addr: args[1], Approved: !reject, By: by, Comment: comment}); d.HasErrors() {
				return a.failed(d, nil)
			}
			_, _ = fmt.Fprintf(a.stdout, "Your answer to %s was left for run %d.\n", args[1], id)
			return nil
		},
	}
	c.Flags().BoolVar(&reject, "reject", false, "say no")
	c.Flags().StringVar(&comment, "comment", "", "why; kept with the answer")
	c.Flags().StringVar(&by, "by", "", "who answers; you when not given")
	return c
}

func (a *app) cancelCommand() *cobra.Command {
	return &cobra.Command{
		Use: "cancel RUN", Short: "Ask a run to stop in order, or close one that nobody carries out", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			e, _, err := a.opened(c, "stop")
			if err != nil {
				return err
			}
			defer a.close(c, e)
			id, err := a.runArg(c, e, args)
			if err != nil {
				return err
			}
			closed, d := e.Cancel(c.Context(), id)
			if d.HasErrors() {
				return a.failed(d, nil)
			}
			if closed {
				_, _ = fmt.Fprintf(a.stdout, "Run %d is closed. What it had done stays; plan again for the rest.\n", id)
				return nil
			}
			_, _ = fmt.Fprintf(a.stdout, "Run %d was asked to stop. \"tutti resume %d\" goes on with it later.\n", id, id)
			return nil
		},
	}
}

func (a *app) unlockCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "unlock RUN|LOCK", Aliases: []string{"force-unlock"}, Short: "Free the addresses that a run holds, or a backend's lock, by force", Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			e, err := a.open(c, nil)
			if err != nil {
				return err
			}
			defer a.close(c, e)
			if _, err := strconv.ParseInt(args[0], 10, 64); err != nil {
				if d := e.FreeBackend(c.Context(), args[0]); d.HasErrors() {
					return a.failed(d, nil)
				}
				_, _ = fmt.Fprintf(a.stdout, "The backend's lock %s is free.\n", args[0])
				return nil
			}
			id, err := a.runArg(c, e, args)
			if err != nil {
				return err
			}
			if d := e.Unlock(c.Context(), id); d.HasErrors() {
				return a.failed(d, nil)
			}
			_, _ = fmt.Fprintf(a.stdout, "Run %d holds nothing any more.\n", id)
			return nil
		},
	}
	c.Flags().Bool("force", false, "accepted for Terraform's sake: unlock never asks")
	return c
}

func (a *app) rollbackCommand() *cobra.Command {
	var f planFlags
	var approve bool
	c := &cobra.Command{
		Use: "rollback RUN", Short: "Plan to undo what a run changed, ask, and do it", Args: cobra.ExactArgs(1),
		Long: `Rollback makes a plan from what the run found before it changed anything: what
it created is destroyed, what it changed is changed back, what it destroyed is
created anew. What cannot be undone is said first.`,
		Example: "  tutti rollback 12",
		RunE: func(c *cobra.Command, args []string) error {
			e, err := a.open(c, &f.variables)
			if err != nil {
				return err
			}
			defer a.close(c, e)
			id, err := a.runArg(c, e, args)
			if err != nil {
				return err
			}
			o, err := f.options()
			if err != nil {
				return err
			}
			p, d := e.PlanRollback(c.Context(), id, o)
			if d.HasErrors() {
				return a.failed(d, nil)
			}
			a.showPlan(c.Context(), e, p)
			if !p.Plan.HasChanges() {
				return nil
			}
			if !approve {
				if err := a.confirm(&f, p); err != nil {
					return err
				}
			}
			_, err = a.carryOut(c, e, &f, p, id)
			return err
		},
	}
	f.add(c)
	c.Flags().BoolVar(&approve, "auto-approve", false, "do not ask")
	return c
}
