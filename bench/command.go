package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// sample is one run of a process.
type sample struct {
	wall time.Duration
	// cpu is user and system time, of the process and of those it waited for: its
	// providers.
	cpu time.Duration
	// peak is the most memory that the process itself held, in bytes; providers is
	// the sum of the peaks of the processes that it started. 0 where the system does
	// not tell.
	peak, providers int64
	output          string
}

// memoryInterval is how often the memory of a running process is looked at. What
// is read is a peak, so that little can be missed between two looks.
const memoryInterval = 20 * time.Millisecond

// stopGrace is how long a tool may take to end after Ctrl-C.
const stopGrace = 20 * time.Second

// command is a process to be measured.
type command struct {
	dir  string
	argv []string
}

// measure runs a command that must succeed.
func (b *bench) measure(ctx context.Context, c command) (sample, error) {
	cmd := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	cmd.Dir = c.dir
	cmd.Env = b.environment()
	// A tool that is killed leaves its providers behind.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = stopGrace
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return sample{}, err
	}
	stop, seen := make(chan struct{}), make(chan memory)
	go watch(cmd.Process.Pid, stop, seen)
	err := cmd.Wait()
	s := sample{wall: time.Since(start), output: out.String()}
	close(stop)
	m := <-seen
	if err != nil {
		return s, fmt.Errorf("%s: %w\n%s", strings.Join(c.argv, " "), err, tail(errs.String()+out.String()))
	}
	s.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	s.peak, s.providers = m.own, m.children()
	// What the kernel says at the end is exact, but counts the largest of the
	// process and those it waited for.
	if len(m.others) == 0 {
		s.peak = max(s.peak, largest(cmd.ProcessState))
	}
	return s, nil
}

// tail keeps the end of what a failed command said.
func tail(text string) string {
	const most = 2000
	if len(text) > most {
		text = "..." + text[len(text)-most:]
	}
	return text
}

// environment is that of every measured process: without the user's settings, and
// with folders of its own for what a tool keeps between runs.
func (b *bench) environment() []string {
	var out []string
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); !strings.HasPrefix(name, "TF_") && !strings.HasPrefix(name, "TUTTI") && !strings.HasPrefix(name, "XDG_") {
			out = append(out, v)
		}
	}
	home := filepath.Join(b.dir, "home")
	return append(out, "HOME="+home, "XDG_CACHE_HOME="+filepath.Join(home, "cache"), "XDG_CONFIG_HOME="+filepath.Join(home, "config"),
		"CHECKPOINT_DISABLE=1", "NO_COLOR=1")
}

// memory is what was seen of a process and those below it.
type memory struct {
	own    int64
	others map[int]int64
}

func (m memory) children() int64 {
	var sum int64
	for _, n := range m.others {
		sum += n
	}
	return sum
}

// watch looks at a process until it is told to stop.
func watch(pid int, stop <-chan struct{}, seen chan<- memory) {
	m := memory{others: map[int]int64{}}
	ticker := time.NewTicker(memoryInterval)
	defer ticker.Stop()
	for {
		m.own = max(m.own, peakOf(pid))
		for _, child := range below(pid) {
			m.others[child] = max(m.others[child], peakOf(child))
		}
		select {
		case <-stop:
			seen <- m
			return
		case <-ticker.C:
		}
	}
}
