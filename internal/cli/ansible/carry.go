package ansible

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"tutti/internal/ansible/callback"
	"tutti/internal/ansible/play"
	"tutti/internal/ansible/session"
	"tutti/internal/engine"
	"tutti/internal/store"
)

// views makes the callbacks that the options and the configuration ask for. finish ends them.
func (p *Program) views(f *flags, o *playbookFlags, s settings) (view callback.View, finish func(), err error) {
	c := p.look(f, o, s)
	finish = func() {}
	if path := s.Output.LogPath; path != "" {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, finish, fmt.Errorf("the log %s cannot be written: %w", path, err)
		}
		finish = func() { _ = file.Close() }
		c.Log = logTo(file)
	}
	var all []callback.View
	name := s.Output.Callback
	switch {
	case o.output.json:
		all = append(all, callback.Stream(c))
	default:
		v, err := callback.New(name, c)
		if err != nil {
			return nil, finish, err
		}
		all = append(all, v)
	}
	enabled := s.Run.Callbacks
	if o.output.junit != "" {
		enabled = append(enabled[:len(enabled):len(enabled)], "junit")
	}
	for _, name := range enabled {
		more := c
		switch {
		case name == "junit" && o.output.junit != "":
			more.Folder = o.output.junit
		case strings.HasSuffix(name, "junit"):
			more.Folder = s.Output.JUnitDir
		case strings.HasSuffix(name, "tree"):
			more.Folder = s.Output.TreeDir
		}
		v, err := callback.New(name, more)
		if err != nil {
			p.warning("Skipping callback plugin '" + name + "', unable to load")
			continue
		}
		all = append(all, v)
	}
	return callback.Several(all...), finish, nil
}

// logTo writes texts as Ansible's log has them.
func logTo(w io.Writer) func(string) {
	user := os.Getenv("USER")
	return func(text string) {
		stamp := strings.Replace(time.Now().Format("2006-01-02 15:04:05.000"), ".", ",", 1)
		_, _ = fmt.Fprintf(w, "%s p=%d u=%s n=ansible INFO| %s\n", stamp, os.Getpid(), user, strings.TrimSuffix(text, "\n"))
	}
}

// look is how views look by the configuration.
func (p *Program) look(f *flags, o *playbookFlags, s settings) callback.Options {
	out := s.Output
	c := callback.Options{
		Out: p.Stdout, Err: p.Stderr, Color: p.Color && !out.NoColor || out.ForceColor, Colors: s.Colors, Width: p.columns(),
		Verbosity: f.verbosity, Check: o.run.check, Diff: o.run.diff, HideSkipped: !out.DisplaySkipped, HideOK: !out.DisplayOK,
		FailedStderr: out.FailedToStderr, CustomStats: out.CustomStats, CheckMarkers: out.CheckModeMarkers, PathOnFailure: out.TaskPathOnFailure,
		Format: out.ResultFormat, NoDeprecations: !out.DeprecationWarnings, DiffContext: &s.Diff.Context, Source: sourceText, Now: now,
		JUnit: callback.JUnit{FailOnChange: out.JUnitFailOnChange, FailOnIgnore: out.JUnitFailOnIgnore, TaskClass: isTrue(out.JUnitTaskClass)},
	}
	if out.Pretty != nil {
		c.Pretty = map[bool]string{true: "yes", false: "no"}[*out.Pretty]
	}
	e := p.Env
	c.JUnit.RelativePath, c.JUnit.Prefix = e("JUNIT_TASK_RELATIVE_PATH"), e("JUNIT_TEST_CASE_PREFIX")
	c.JUnit.LeaveOutSetup = strings.EqualFold(e("JUNIT_INCLUDE_SETUP_TASKS_IN_REPORT"), "false")
	if outside := e("JUNIT_REPLACE_OUT_OF_TREE_PATH"); outside != "" {
		c.JUnit.OutOfTree = &outside
	}
	return c
}

func isTrue(text string) bool { return strings.EqualFold(text, "true") }

// carryOut carries a session's play out and shows it. The run is kept in dir; "" is the
// folder where the command was started, or a temporary one where that cannot be written.
func (p *Program) carryOut(parent context.Context, s *session.Session, r session.Request, view callback.View, dir string) error {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	stop, release := p.interrupts(cancel)
	defer release()
	dir, tidy, err := p.keepIn(dir)
	if err != nil {
		return err
	}
	defer tidy()
	e, said := engine.Open(ctx, engine.Options{Dir: dir, Version: p.Version, Command: p.Name})
	if err := p.diagnostics(said); err != nil {
		return err
	}
	defer func() { _ = e.Close(context.WithoutCancel(ctx)) }()
	tally := tallies{}
	_, res, said := e.Play(ctx, s, engine.PlayOptions{Request: r, Cancel: stop, Note: func(n play.Note, _ time.Time) {
		tally.note(n)
		view.Note(n)
	}})
	if err := p.diagnostics(said); err != nil {
		return err
	}
	switch {
	case res.Status == store.Succeeded:
		return nil
	case res.Status == store.Failed && tally.code() != exitOK:
		return exitCode(tally.code())
	case res.Status == store.Failed && res.Failure != nil:
		p.error(res.Failure.Message)
		return exitCode(exitError)
	case len(res.InDoubt) > 0:
		for _, d := range res.InDoubt {
			p.error(fmt.Sprintf("%v. \"tutti resume -in-doubt=retry\" does it again.", d.Why))
		}
		return exitCode(exitInterrupted)
	default:
		p.error("User interrupted execution. \"tutti resume\" goes on with the play.")
		return exitCode(exitInterrupted)
	}
}

// keepIn gives a folder that the run can be kept in; tidy takes it away when it was made for
// this call.
func (p *Program) keepIn(dir string) (_ string, tidy func(), err error) {
	tidy = func() {}
	if dir == "" {
		dir = "."
		if file, err := os.CreateTemp(dir, ".tutti-*"); err == nil {
			_ = file.Close()
			_ = os.Remove(file.Name())
			return dir, tidy, nil
		}
		p.warning("No file can be made in this folder, so this run is not kept: it cannot be resumed or shown again.")
		return temporary()
	}
	return dir, tidy, nil
}

// temporary makes a folder for one call.
func temporary() (dir string, tidy func(), err error) {
	if dir, err = os.MkdirTemp("", "tutti-play-*"); err != nil {
		return "", func() {}, err
	}
	return dir, func() { _ = os.RemoveAll(dir) }, nil
}

// interrupts turns Ctrl-C into a gentle stop, and a second one into an abort.
func (p *Program) interrupts(abort func()) (stop <-chan struct{}, release func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	gentle, done := make(chan struct{}), make(chan struct{})
	go func() {
		for count := 0; ; count++ {
			select {
			case <-done:
				return
			case <-signals:
			}
			switch count {
			case 0:
				p.warning("Stopping: tasks that are under way may finish; a second Ctrl-C cuts them off.")
				close(gentle)
			default:
				abort()
			}
		}
	}()
	return gentle, func() {
		signal.Stop(signals)
		close(done)
	}
}

// tallies find out how the command ends by what happened to hosts.
type tallies struct{ failed, unreachable bool }

func (t *tallies) note(n play.Note) {
	for _, h := range n.Recap {
		t.failed = t.failed || h.Failed > 0
		t.unreachable = t.unreachable || h.Unreachable > 0
	}
	t.failed = t.failed || n.Kind == play.NoteNoneLeft
}

func (t *tallies) code() int {
	switch {
	case t.unreachable:
		return exitUnreachable
	case t.failed:
		return exitFailed
	default:
		return exitOK
	}
}
