package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
)

// trace gives where providers' own logs go: nowhere, unless TF_LOG or
// TF_LOG_PROVIDER asks for them; then to the file TF_LOG_PATH, or standard error.
// What providers write may hold secrets, as with Terraform.
func (a *app) trace() (io.Writer, error) {
	level := a.env("TF_LOG_PROVIDER")
	if level == "" {
		level = a.env("TF_LOG")
	}
	if level == "" || strings.EqualFold(level, "off") {
		return nil, nil
	}
	path := a.env("TF_LOG_PATH")
	if path == "" {
		return &lockedWriter{w: a.stderr}, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("TF_LOG_PATH: %w", err)
	}
	return &lockedWriter{w: f}, nil
}

// lockedWriter lets several providers write to one place.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// Write implements io.Writer.
func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}
