package module

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

type environmentKey struct{}

func withEnvironment(ctx context.Context, env map[string]string) context.Context {
	if len(env) == 0 {
		return ctx
	}
	return context.WithValue(ctx, environmentKey{}, env)
}

// Environment gives what commands of this call get: that of the process, with the task's own
// on top. Modules that look a variable up use this and not os.Getenv.
func Environment(ctx context.Context) []string {
	own, _ := ctx.Value(environmentKey{}).(map[string]string)
	env := os.Environ()
	for k, v := range own {
		env = append(env, k+"="+v)
	}
	return env
}

// Command is a program to run on the host.
type Command struct {
	Argv []string
	// Dir is where it runs; "" is where the process is.
	Dir   string
	Stdin []byte
	// Env is added to the environment of the call, as KEY=value.
	Env []string
	// KeepLocale leaves LANG and LC_* as they are; otherwise messages are those of the C
	// locale, so that a module can read them.
	KeepLocale bool
}

// Output is what a program did.
type Output struct {
	Stdout, Stderr string
	// Code is the exit code; -N after signal N.
	Code int
	// Err tells why the program could not be started at all.
	Err error
	// Elapsed is how long it ran.
	Elapsed time.Duration
}

// Exec runs a program to its end. When the context ends the program and all that it started
// are killed.
func Exec(ctx context.Context, c Command) Output {
	path, err := program(ctx, c.Argv[0])
	if err != nil {
		return Output{Code: 2, Err: err}
	}
	cmd := exec.CommandContext(ctx, path)
	// The program sees the name that it was called by, as when a shell starts it.
	cmd.Args = c.Argv
	cmd.Dir = c.Dir
	cmd.Env = append(Environment(ctx), c.Env...)
	if !c.KeepLocale {
		cmd.Env = append(cmd.Env, "LANG=C.UTF-8", "LC_ALL=C.UTF-8", "LC_MESSAGES=C.UTF-8")
	}
	if c.Stdin != nil {
		cmd.Stdin = bytes.NewReader(c.Stdin)
	}
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 2 * time.Second
	begin := time.Now()
	err = cmd.Run()
	out := Output{Stdout: stdout.String(), Stderr: stderr.String(), Elapsed: time.Since(begin)}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		out.Code = exit.ExitCode()
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
			out.Code = -int(status.Signal())
		}
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		out.Code, out.Err = 2, err
	}
	return out
}

// program finds what a name without a slash means on the PATH of the call, which may be
// another than that of this process.
func program(ctx context.Context, name string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, dir := range searchPath(ctx) {
		if info, err := os.Stat(dir + "/" + name); dir != "" && err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return dir + "/" + name, nil
		}
	}
	return "", &os.PathError{Op: "exec", Path: name, Err: syscall.ENOENT}
}

func searchPath(ctx context.Context) []string {
	path := ""
	for _, kv := range Environment(ctx) {
		if v, ok := strings.CutPrefix(kv, "PATH="); ok {
			path = v
		}
	}
	return strings.Split(path, ":")
}

// LookPath finds a program on PATH and, as Ansible's get_bin_path does, in the folders for
// administrators; "" when it is not there.
func LookPath(ctx context.Context, name string) string {
	for _, dir := range append(searchPath(ctx), "/sbin", "/usr/sbin", "/usr/local/sbin") {
		if dir == "" {
			continue
		}
		file := dir + "/" + name
		if info, err := os.Stat(file); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return file
		}
	}
	return ""
}
