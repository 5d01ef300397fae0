package provider

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// Limits of what is kept of a provider's output.
const (
	maxLogLines  = 30
	maxLogBytes  = 16 << 10
	maxLogLine   = 2 << 10
	maxPanicLine = 12
)

// tail keeps the last lines that a provider wrote, and the first lines of a
// panic, which a long stack trace would otherwise push out. It is safe for
// concurrent use.
type tail struct {
	mu      sync.Mutex
	forward io.Writer // may be nil
	partial []byte
	lines   []string
	size    int
	panics  []string
}

// Write takes any piece of output; it never fails, since losing a log line must
// not end a provider.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.forward != nil {
		_, _ = t.forward.Write(p)
	}
	for rest := p; len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, []byte{'\n'})
		if room := maxLogLine - len(t.partial); room > 0 {
			t.partial = append(t.partial, line[:min(room, len(line))]...)
		}
		if ended {
			t.add(strings.TrimRight(string(t.partial), "\r"))
			t.partial = t.partial[:0]
		}
		rest = after
	}
	return len(p), nil
}

func (t *tail) add(line string) {
	if len(t.panics) > 0 || isPanic(line) {
		if len(t.panics) < maxPanicLine {
			t.panics = append(t.panics, line)
			return
		}
	}
	if strings.TrimSpace(line) == "" || isChatter(line) {
		return
	}
	t.lines = append(t.lines, line)
	t.size += len(line)
	for len(t.lines) > maxLogLines || t.size > maxLogBytes {
		t.size -= len(t.lines[0])
		t.lines = t.lines[1:]
	}
}

// isChatter tells the lines that every provider's plugin library writes at its
// start, which say nothing of what went wrong.
func isChatter(line string) bool {
	return strings.HasPrefix(line, `{"@level":`) &&
		(strings.Contains(line, `"@message":"configuring server automatic mTLS"`) || strings.Contains(line, `"@message":"plugin address"`))
}

func isPanic(line string) bool {
	return strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") ||
		strings.HasPrefix(line, "runtime: out of memory")
}

// panicked reports whether a Go panic or a fatal error of the runtime was seen.
func (t *tail) panicked() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.panics) > 0
}

// text gives what was kept, indented for a message, or "" when nothing was written.
func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	kept := t.lines
	if len(t.panics) > 0 {
		// The trace behind the first lines says little; what came before says
		// what the provider was doing.
		kept = append(append([]string(nil), t.panics...), "...")
	}
	if len(t.partial) > 0 {
		kept = append(append([]string(nil), kept...), string(t.partial))
	}
	if len(kept) == 0 {
		return ""
	}
	return "  " + strings.Join(kept, "\n  ")
}
