package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tutti/internal/ansible/callback"
	"tutti/internal/ansible/play"
	"tutti/internal/diag"
	"tutti/internal/engine"
	"tutti/internal/runtime/local"
	"tutti/internal/store"
)

// playView shows a play as ansible-playbook does.
func (a *app) playView(verbosity int) (callback.View, error) {
	return callback.New("default", callback.Options{Out: a.stdout, Err: a.stderr, Color: a.color, Width: max(0, a.width-1), Verbosity: verbosity, Now: time.Now})
}

// resumePlay goes on with a play, or begins it anew from a task.
func (a *app) resumePlay(c *cobra.Command, run *store.Run, doubt, from string) error {
	if run.Child != 0 {
		return fmt.Errorf("run %d belongs to run %d: \"%s resume %d\" goes on with both", run.ID, run.Parent, a.name, run.Parent)
	}
	e, _, err := a.opened(c, "stop")
	if err != nil {
		return err
	}
	defer a.close(c, e)
	if run, err = e.Store().Run(c.Context(), run.ID); err != nil {
		return err
	}
	if from == "" && !run.Status.Open() {
		return a.failed(diag.Errorf(nil, "Play has ended", "Run %d has ended: %s. \"%s resume %d -from TASK\" plays it again from a task, with what was registered.", run.ID, run.Status, a.name, run.ID), nil)
	}
	decide, err := a.inDoubt(doubt, nil)
	if err != nil {
		return err
	}
	view, err := a.playView(0)
	if err != nil {
		return err
	}
	ctx, stop, release := a.interrupts(c.Context())
	defer release()
	o := engine.PlayOptions{Cancel: stop, InDoubt: decide, Note: func(n play.Note, _ time.Time) { view.Note(n) }}
	id := run.ID
	var res local.Result
	var d diag.List
	if from != "" {
		id, res, d = e.RestartPlay(ctx, run, from, o)
	} else {
		res, d = e.ResumePlay(ctx, run, o)
	}
	if d.HasErrors() {
		return a.failed(d, nil)
	}
	return a.playEnded(id, res)
}

// playEnded says how a play ended, when its recap does not.
func (a *app) playEnded(id store.RunID, res local.Result) error {
	switch {
	case res.Status == store.Succeeded:
		return nil
	case len(res.InDoubt) > 0:
		var d diag.List
		for _, x := range res.InDoubt {
			d = append(d, diag.Errorf(nil, "Task is in doubt", "%v. \"%s resume %d -in-doubt=retry\" does it again.", x.Why, a.name, id)...)
		}
		return a.failed(d, nil)
	case res.Status == store.Stopped:
		return a.failed(diag.Errorf(nil, "Play was stopped", "\"%s resume %d\" goes on with it.", a.name, id), nil)
	case res.Failure != nil && res.Failure.Code == "Play.Error":
		return a.failed(diag.FromError("Play failed", errors.New(res.Failure.Message)), nil)
	}
	return exitCode(exitError)
}

// showPlay prints what a play told when it was carried out.
func (a *app) showPlay(c *cobra.Command, e *engine.Engine, run *store.Run) error {
	_, _ = fmt.Fprintf(a.stdout, "Run %d: %s\n", run.ID, run.Status)
	view, err := a.playView(0)
	if err != nil {
		return err
	}
	if d := e.PlayNotes(c.Context(), run.ID, func(n play.Note, _ time.Time) { view.Note(n) }); d.HasErrors() {
		return a.failed(d, nil)
	}
	return nil
}
