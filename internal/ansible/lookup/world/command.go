package world

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"

	"tutti/internal/ansible/value"
)

// maxOutput bounds what a command may print.
const maxOutput = 256 << 20

// limited is a buffer that takes no more than a limit.
type limited struct{ bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	if l.Len()+len(p) > maxOutput {
		return 0, fmt.Errorf("the command prints more than %d bytes", maxOutput)
	}
	return l.Buffer.Write(p)
}

// shell runs a command of the shell in the playbook's folder and gives what it prints.
func (m *Machine) shell(ctx context.Context, r Request, command string) ([]byte, error) {
	c := exec.CommandContext(ctx, "/bin/sh", "-c", command)
	c.Dir = r.Base
	var out limited
	c.Stdout, c.Stderr = &out, m.Stderr
	err := c.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &exit):
		code := exit.ExitCode()
		if status, ok := signalOf(exit); ok {
			code = -status
		}
		return nil, fmt.Errorf("lookup_plugin.%s(%s) returned %d", r.Name, command, code)
	case err != nil:
		return nil, err
	}
	return out.Bytes(), nil
}

func (m *Machine) pipe(ctx context.Context, r Request) ([]any, error) {
	out := make([]any, 0, len(r.Terms))
	for _, t := range r.Terms {
		raw, err := m.shell(ctx, r, value.String(t))
		if err == nil {
			err = notUTF8(raw)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, strings.TrimRight(string(raw), space))
	}
	return out, nil
}

func (m *Machine) lines(ctx context.Context, r Request) ([]any, error) {
	out := []any{}
	for _, t := range r.Terms {
		raw, err := m.shell(ctx, r, value.String(t))
		if err != nil {
			return nil, err
		}
		out = append(out, splitLines(string(raw))...)
	}
	return out, nil
}

// splitLines is bytes.splitlines().
func splitLines(text string) []any {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	if text = strings.TrimSuffix(text, "\n"); text == "" {
		return nil
	}
	var out []any
	for _, line := range strings.Split(text, "\n") {
		out = append(out, line)
	}
	return out
}

// signalOf gives the signal that ended a command.
func signalOf(exit *exec.ExitError) (int, bool) {
	status, ok := exit.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() {
		return 0, false
	}
	return int(status.Signal()), true
}
