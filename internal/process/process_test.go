package process_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tutti/internal/process"
)

var env = []string{"PATH=/usr/local/bin:/usr/bin:/bin"}

func shell(script string) process.Command {
	return process.Command{Argv: process.Shell(script), Env: env}
}

func TestResult(t *testing.T) {
	for _, tc := range []struct {
		name, script, stdin string
		want                string // result, stdout, stderr
	}{
		{"success", "echo a; echo b >&2", "", "exit code 0|a\n|b\n"},
		{"code", "exit 7", "", "exit code 7||"},
		{"signal", "kill -9 $$", "", "ended by signal: killed||"},
		{"input", "cat", "x\ny", "exit code 0|x\ny|"},
		{"input that is not read", "exec true", strings.Repeat("x", 1<<20), "exit code 0||"},
		{"no input", "cat; echo end", "", "exit code 0|end\n|"},
		{"environment is whole", "echo ${HOME-none}", "", "exit code 0|none\n|"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := shell(tc.script)
			c.Stdin = []byte(tc.stdin)
			res, err := process.Run(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprintf("%s|%s|%s", res, res.Stdout.Text, res.Stderr.Text)
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if res.OK() != strings.HasPrefix(tc.want, "exit code 0|") {
				t.Errorf("OK() is %t", res.OK())
			}
		})
	}
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", process.MaxLine)
	for _, tc := range []struct {
		name, script string
		want         []string
	}{
		{"whole lines", `printf 'a\r\n\nb\n'`, []string{"1:a", "1:", "1:b"}},
		{"a last line without end", `printf 'a\nb'`, []string{"1:a", "1:b"}},
		{"joined from pieces", `printf a; sleep 0.05; printf 'b\n'`, []string{"1:ab"}},
		{"stderr", `echo e >&2`, []string{"2:e"}},
		{"at the limit", fmt.Sprintf("head -c %d /dev/zero | tr '\\0' x; echo; echo next", process.MaxLine), []string{"1:" + long, "1:next"}},
		{"above the limit", fmt.Sprintf("head -c %d /dev/zero | tr '\\0' x; echo; echo next", process.MaxLine+5),
			[]string{"1:" + long + " [5 more bytes of this line are not shown]", "1:next"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			c := shell(tc.script)
			c.Line = func(s process.Stream, line string) { got = append(got, fmt.Sprintf("%d:%s", s, line)) }
			if res, err := process.Run(t.Context(), c); err != nil || !res.OK() {
				t.Fatal(res, err)
			}
			if strings.Join(got, "\n") != strings.Join(tc.want, "\n") {
				t.Errorf("got %.200q, want %.200q", got, tc.want)
			}
		})
	}
}

func TestCaptureLimit(t *testing.T) {
	c := shell("printf 0123456789")
	for capture, want := range map[int]string{4: "0123 6", 10: "0123456789 0", 0: "0123456789 0", -1: " 10"} {
		c.Capture = capture
		res, err := process.Run(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%s %d", res.Stdout.Text, res.Stdout.Dropped); got != want {
			t.Errorf("capture %d: got %q, want %q", capture, got, want)
		}
	}
}

func TestNotStarted(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		c    process.Command
		want string
	}{
		{"empty", process.Command{}, "the command is empty"},
		{"unknown program", process.Command{Argv: []string{"no-such-program"}, Env: env}, "not found in the command's PATH"},
		{"not executable", process.Command{Argv: []string{file}, Env: env}, "permission denied"},
		{"no folder", process.Command{Argv: []string{"true"}, Env: env, Dir: dir + "/gone"}, "working folder: stat"},
		{"a file as folder", process.Command{Argv: []string{"true"}, Env: env, Dir: file}, "is not a folder"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := process.Run(t.Context(), tc.c)
			var start *process.StartError
			if !errors.As(err, &start) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want a StartError with %q", err, tc.want)
			}
		})
	}
}

func TestProgramIsFoundInTheCommandsOwnPath(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine"), []byte("#!/bin/sh\necho found\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	res, err := process.Run(t.Context(), process.Command{Argv: []string{"mine"}, Env: []string{"PATH=" + dir + ":/bin"}})
	if err != nil || string(res.Stdout.Text) != "found\n" {
		t.Fatal(res, err)
	}
}

// stopOnLine runs the script and cancels it when it prints "ready".
func stopOnLine(t *testing.T, c process.Command) (process.Result, []string, error) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var lines []string
	c.Line = func(_ process.Stream, line string) {
		lines = append(lines, line)
		if line == "ready" {
			cancel(errors.New("told to stop"))
		}
	}
	res, err := process.Run(ctx, c)
	return res, lines, err
}

func TestCancelEndsTheWholeGroup(t *testing.T) {
	c := shell("sleep 1000 & echo $!; sleep 1000 >/dev/null 2>&1 </dev/null & echo $!; echo ready; wait")
	res, lines, err := stopOnLine(t, c)
	if err == nil || err.Error() != "told to stop" || res.Signal != "terminated" {
		t.Fatal(res, err)
	}
	for _, line := range lines[:2] {
		expectDead(t, line)
	}
}

func TestCancelKillsWhatDoesNotListen(t *testing.T) {
	c := shell("trap '' TERM; echo $$; echo ready; while :; do sleep 1000; done")
	c.Grace = 50 * time.Millisecond
	res, lines, _ := stopOnLine(t, c)
	if res.Signal != "killed" {
		t.Fatal(res)
	}
	expectDead(t, lines[0])
}

func TestCancelWaitsForAChildThatSavesItsWork(t *testing.T) {
	// The shell dies of SIGTERM at once; what it runs takes a moment.
	c := shell("sh -c 'trap \"sleep 0.1; echo saved; exit 0\" TERM; echo ready; while :; do sleep 0.02; done'; true")
	_, lines, _ := stopOnLine(t, c)
	if lines[len(lines)-1] != "saved" {
		t.Errorf("the child was not waited for: %q", lines)
	}
}

func expectDead(t *testing.T, pid string) {
	t.Helper()
	n, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n)); err == nil && strings.Contains(string(stat), ") Z") {
		return // dead, and not collected by the init process of this machine
	}
	if syscall.Kill(n, 0) == nil {
		t.Errorf("process %d still runs", n)
		_ = syscall.Kill(n, syscall.SIGKILL)
	}
}

func TestTimeout(t *testing.T) {
	c := shell("echo started; sleep 1000")
	c.Timeout = 200 * time.Millisecond
	res, err := process.Run(t.Context(), c)
	if !errors.Is(err, process.ErrTimeout) || string(res.Stdout.Text) != "started\n" {
		t.Fatal(res, err)
	}
}

func TestChildThatHoldsThePipesDoesNotHangUs(t *testing.T) {
	c := shell("sleep 1000 & echo $!")
	c.Linger = 20 * time.Millisecond
	res, err := process.Run(t.Context(), c)
	if err != nil || !res.OK() {
		t.Fatal(res, err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(res.Stdout.Text)))
	if err != nil {
		t.Fatal(err)
	}
	// A child in the background was meant to go on.
	if err := syscall.Kill(n, syscall.SIGKILL); err != nil {
		t.Errorf("the child was ended: %v", err)
	}
}

func TestCancelledBeforeStart(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	marker := filepath.Join(t.TempDir(), "ran")
	_, err := process.Run(ctx, shell("touch "+marker))
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("the command ran")
	}
}

func TestNoGoroutineIsLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		c := shell("sleep 0.3 &")
		c.Linger, c.Timeout = time.Millisecond, time.Hour
		if _, err := process.Run(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	for range 10_000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("%d goroutines before, %d after", before, runtime.NumGoroutine())
}
