package task

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tutti/internal/diag"
	"tutti/internal/secret"
)

// worker carries out one action, attempt by attempt.
type worker struct {
	masker *secret.Masker
	log    func(string)
	// silent keeps the output, which is itself a secret, out of the log.
	silent bool
	tried  int
	noted  bool
}

// failure is why an attempt failed.
type failure struct {
	why string
	// output is the end of what it said; may be empty.
	output string
	// exit and status are 0 where they do not apply.
	exit, status int
	// nothing means that nothing was started, so that nothing was done; it would
	// fail again in the same way.
	nothing bool
	// after is how long the server asked to wait; 0 when it did not.
	after time.Duration
}

// Error gives the reason alone.
func (f *failure) Error() string { return f.why }

// attempts does the action until it succeeds or may not be tried again. The outcome
// is that of the last attempt.
func (w *worker) attempts(ctx context.Context, a action) (outcome, error) {
	pause := a.Retry.MinBackoff
	for w.tried = 1; ; w.tried++ {
		out, err := w.once(ctx, a)
		if err == nil {
			return out, nil
		}
		var f *failure
		if !errors.As(err, &f) || w.tried >= a.Retry.Attempts || ctx.Err() != nil || !a.Retry.again(f) {
			return out, err
		}
		wait := min(max(pause, f.after), a.Retry.MaxBackoff)
		w.say(fmt.Sprintf("attempt %d of %d failed (%s), trying again in %s", w.tried, a.Retry.Attempts, f.why, wait))
		if err := sleep(ctx, wait); err != nil {
			return out, err
		}
		pause = min(2*pause, a.Retry.MaxBackoff)
	}
}

func (w *worker) once(ctx context.Context, a action) (outcome, error) {
	if a.HTTP != nil {
		return w.request(ctx, a)
	}
	return w.command(ctx, a)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// again reports whether the failure is one to be tried again.
func (r retry) again(f *failure) bool {
	switch {
	case f.nothing:
		return false
	case f.status != 0 && r.OnStatus != nil:
		return contains(r.OnStatus, f.status)
	case f.status != 0:
		return passing(f.status)
	case r.OnExitCodes != nil:
		return contains(r.OnExitCodes, f.exit)
	default:
		return true
	}
}

// passing are the statuses that may be different a moment later.
func passing(status int) bool {
	switch status {
	case 408, 425, 429, 500, 502, 503, 504:
		return true
	default:
		return false
	}
}

// say writes a line to the log, without secrets.
func (w *worker) say(line string) {
	if w.log != nil {
		w.log(w.masker.String(line))
	}
}

// output writes a line of the action's own output to the log.
func (w *worker) output(line string) {
	if !w.silent {
		w.say(line)
		return
	}
	if !w.noted {
		w.noted = true
		w.say("(the output is not shown, because the task has sensitive = true)")
	}
}

// report tells of the last attempt's failure.
func (w *worker) report(what string, err error) diag.List {
	var f *failure
	if !errors.As(err, &f) {
		f = &failure{why: "it was stopped: " + err.Error()}
	}
	if w.tried > 1 {
		f.why += fmt.Sprintf(" (attempt %d)", w.tried)
	}
	if w.silent {
		f.output = ""
	}
	return f.report(what, w.masker)
}

func (f *failure) report(what string, m *secret.Masker) diag.List {
	detail := fmt.Sprintf("%s failed: %s.", what, strings.TrimSuffix(m.String(f.why), "."))
	if f.output != "" {
		detail += "\n\nThe end of its output:\n" + indent(strings.ToValidUTF8(m.String(f.output), "\uFFFD"))
	}
	return diag.Errorf(nil, "Task failed", "%s", detail)
}

func indent(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(s, "\r\n"), "\n", "\n  ")
}

// The end of an output that a failure shows.
const (
	tailLines = 20
	tailBytes = 4 << 10
)

// tail keeps the last lines of an output.
type tail struct{ lines []string }

func (t *tail) add(line string) {
	if len(line) > tailBytes {
		line = line[:tailBytes] + "..."
	}
	t.lines = append(t.lines, line)
	if len(t.lines) > 2*tailLines {
		t.lines = append(t.lines[:0], t.lines[len(t.lines)-tailLines:]...)
	}
}

func (t *tail) text() string {
	return strings.Join(t.lines[max(0, len(t.lines)-tailLines):], "\n")
}
