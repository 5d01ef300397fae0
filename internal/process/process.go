// Package process runs a command of the user's: an argument list or a shell
// script becomes a process group, whose output comes back line by line and is
// kept up to a limit, and which is gone, all of it, when its time is up.
//
// In: a Command. Out: a Result with the exit code, or an error that says why there
// is none. It owns the process group, its pipes and its end. It must not know who
// asks (a provisioner, a task), and it masks nothing: output may hold secrets and
// it is the caller's to hide them.
package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// The limits. A command that says too much is cut, with a note, rather than
// filling the memory.
const (
	// MaxLine is the longest line that is handed on whole, in bytes.
	MaxLine = 64 << 10
	// DefaultCapture is how much of each stream is kept when the command does not
	// say, in bytes.
	DefaultCapture = 1 << 20
	// DefaultGrace is how long a group has between being asked to end and being
	// killed.
	DefaultGrace = 10 * time.Second
	// DefaultLinger is how long output is still read after the command itself
	// ended, when children of it hold its pipes open.
	DefaultLinger = time.Second
)

// Stream says where a line was printed.
type Stream uint8

// The streams. The zero value is invalid.
const (
	Stdout Stream = iota + 1
	Stderr
)

// Command says what to run. Its zero value but for Argv runs without input and
// environment in the current folder, without a time limit.
type Command struct {
	// Argv is the program and its arguments. A program without a slash is looked
	// up in the PATH of Env.
	Argv []string
	// Env is the whole environment, as NAME=value.
	Env []string
	Dir string
	// Stdin is all input; the command reads nothing when empty.
	Stdin []byte
	// Timeout ends the command; 0 is never.
	Timeout time.Duration
	// Grace, Linger and Capture stand for their defaults when 0. A negative Capture
	// keeps nothing.
	Grace, Linger time.Duration
	Capture       int
	// Line takes each line without its end as it comes, one call at a time; nil
	// drops them. A line above MaxLine comes cut, with a note.
	Line func(Stream, string)
}

// Result is how a command ended.
type Result struct {
	// ExitCode is -1 when a signal ended it.
	ExitCode int
	// Signal is the signal's name in words ("killed"); "" when it ended by itself.
	Signal         string
	Stdout, Stderr Captured
}

// Captured is what was kept of a stream.
type Captured struct {
	Text []byte
	// Dropped counts the bytes that came after the limit.
	Dropped int64
}

// OK reports whether the command ended by itself with code 0.
func (r Result) OK() bool { return r.ExitCode == 0 && r.Signal == "" }

// String says how it ended: "exit code 3", "ended by signal: killed".
func (r Result) String() string {
	if r.Signal != "" {
		return "ended by signal: " + r.Signal
	}
	return fmt.Sprintf("exit code %d", r.ExitCode)
}

// ErrTimeout is in the error of a command that was ended by its timeout.
var ErrTimeout = errors.New("the command did not end in time")

// StartError says that a command could not be started, so that nothing was done.
type StartError struct {
	Program string
	Err     error
}

// Error names the program and the reason.
func (e *StartError) Error() string { return fmt.Sprintf("cannot start %q: %v", e.Program, e.Err) }

// Unwrap gives the reason.
func (e *StartError) Unwrap() error { return e.Err }

// Shell gives the argument list that runs a script in the system's shell.
func Shell(script string) []string {
	if runtime.GOOS == "windows" {
		return []string{"cmd", "/C", script}
	}
	return []string{"/bin/sh", "-c", script}
}

// Run runs the command to its end. The error is nil when the command ended by
// itself, whatever its exit code; it is a *StartError when nothing was started,
// holds ErrTimeout or the context's cause when the group was made to end, and the
// result then says how that went. A child that outlives the command keeps running
// (a server started in the background) unless the group was made to end.
func Run(ctx context.Context, c Command) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{ExitCode: -1}, context.Cause(ctx)
	}
	cmd, err := c.prepare()
	if err != nil {
		return Result{ExitCode: -1}, err
	}
	out, err := newOutput(c)
	if err != nil {
		return Result{ExitCode: -1}, err
	}
	cmd.Stdout, cmd.Stderr = out.stdout.write, out.stderr.write
	err = cmd.Start()
	out.closeWriters()
	if err != nil {
		out.abandon()
		return Result{ExitCode: -1}, &StartError{c.Argv[0], err}
	}
	out.start()
	stopped := c.await(ctx, cmd)
	out.finish(orDefault(c.Linger, DefaultLinger))
	res := Result{ExitCode: cmd.ProcessState.ExitCode(), Signal: signalName(cmd.ProcessState)}
	res.Stdout, res.Stderr = out.stdout.kept(), out.stderr.kept()
	return res, stopped
}

// prepare checks what the operating system would complain about in words that
// name the wrong thing.
func (c Command) prepare() (*exec.Cmd, error) {
	if len(c.Argv) == 0 || c.Argv[0] == "" {
		return nil, &StartError{"", errors.New("the command is empty")}
	}
	if c.Dir != "" {
		if info, err := os.Stat(c.Dir); err != nil {
			return nil, &StartError{c.Argv[0], fmt.Errorf("working folder: %w", err)}
		} else if !info.IsDir() {
			return nil, &StartError{c.Argv[0], fmt.Errorf("working folder: %s is not a folder", c.Dir)}
		}
	}
	path, err := lookPath(c.Argv[0], c.Env)
	if err != nil {
		return nil, &StartError{c.Argv[0], err}
	}
	cmd := &exec.Cmd{Path: path, Args: c.Argv, Env: c.Env, Dir: c.Dir, SysProcAttr: ownGroup()}
	if c.Env == nil {
		cmd.Env = []string{}
	}
	if len(c.Stdin) > 0 {
		cmd.Stdin = bytes.NewReader(c.Stdin)
	}
	// Bounds only the writing of the input: output has pipes of our own.
	cmd.WaitDelay = orDefault(c.Linger, DefaultLinger)
	return cmd, nil
}

// await waits for the command's end and brings it about when it must be. The
// error says why it was.
func (c Command) await(ctx context.Context, cmd *exec.Cmd) error {
	ended := make(chan struct{})
	go func() {
		// The exit code is read from ProcessState; input that was not read is no
		// mistake.
		_ = cmd.Wait()
		close(ended)
	}()
	var timeout <-chan time.Time
	if c.Timeout > 0 {
		t := time.NewTimer(c.Timeout)
		defer t.Stop()
		timeout = t.C
	}
	var why error
	select {
	case <-ended:
		return nil
	case <-timeout:
		why = fmt.Errorf("%w: it was stopped after %s", ErrTimeout, c.Timeout)
	case <-ctx.Done():
		why = context.Cause(ctx)
	}
	endGroup(cmd.Process.Pid, orDefault(c.Grace, DefaultGrace))
	<-ended
	return why
}

// pollEvery is how often a group that was asked to end is looked at.
const pollEvery = 10 * time.Millisecond

// endGroup asks the whole group to end and kills what is left after the grace.
// The group is waited for, not its first process: a shell dies at once while what
// it runs may be saving its work.
func endGroup(group int, grace time.Duration) {
	terminateGroup(group)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for deadline := time.Now().Add(grace); time.Now().Before(deadline); <-tick.C {
		if !groupLives(group) {
			return
		}
	}
	killGroup(group)
}

func orDefault(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return d
}

// output is the two pipes with their readers.
type output struct {
	stdout, stderr *pipe
	done           sync.WaitGroup
}

func newOutput(c Command) (*output, error) {
	keep := c.Capture
	if keep == 0 {
		keep = DefaultCapture
	}
	var mu sync.Mutex
	emit := func(s Stream) func(string) {
		return func(line string) {
			if c.Line != nil {
				mu.Lock()
				defer mu.Unlock()
				c.Line(s, line)
			}
		}
	}
	stdout, err := newPipe(keep, emit(Stdout))
	if err != nil {
		return nil, err
	}
	stderr, err := newPipe(keep, emit(Stderr))
	if err != nil {
		stdout.read.Close()
		stdout.write.Close()
		return nil, err
	}
	return &output{stdout: stdout, stderr: stderr}, nil
}

func (o *output) closeWriters() {
	o.stdout.write.Close()
	o.stderr.write.Close()
}

func (o *output) abandon() {
	o.stdout.read.Close()
	o.stderr.read.Close()
}

func (o *output) start() {
	o.done.Go(o.stdout.pump)
	o.done.Go(o.stderr.pump)
}

// finish waits until both pipes are at their end, or no longer than linger: a
// child that goes on in the background holds them open.
func (o *output) finish(linger time.Duration) {
	late := time.Now().Add(linger)
	for _, p := range []*pipe{o.stdout, o.stderr} {
		if err := p.read.SetReadDeadline(late); err != nil {
			// Pipes without deadlines: closing ends the reader as well.
			time.AfterFunc(linger, func() { p.read.Close() })
		}
	}
	o.done.Wait()
	o.abandon()
}
