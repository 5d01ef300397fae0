package connection

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"tutti/internal/ansible/connection/become"
	"tutti/internal/ansible/connection/shell"
)

const (
	// maxGreeting is how much a host may say before what was asked for begins.
	maxGreeting = 1 << 20
	// keptErrors is how much of what comes on standard error is kept, from the end.
	keptErrors = 16 << 10
)

// greeting reads a process's two streams until what was asked for begins, and gives the password
// when it is asked for. Standard error is read to its end, whatever happens.
type greeting struct {
	process *shell.Process
	out     *bufio.Reader
	become  *become.Command // nil when nobody is to be become
	method  string
	secret  string

	mu       sync.Mutex
	said     string // on standard output, until admitted
	errors   []byte
	sent     bool
	admitted bool
	problem  error
	drained  chan struct{} // closed at the end of standard error
}

func greet(p *shell.Process, c *become.Command, b Become) *greeting {
	g := &greeting{process: p, out: bufio.NewReader(p.Stdout), become: c, method: b.Method, secret: b.Password, admitted: c == nil,
		drained: make(chan struct{})}
	go g.drain()
	return g
}

func (g *greeting) drain() {
	defer close(g.drained)
	buffer := make([]byte, 2048)
	for {
		n, err := g.process.Stderr.Read(buffer)
		if n > 0 {
			g.mu.Lock()
			g.errors = append(g.errors, buffer[:n]...)
			if over := len(g.errors) - keptErrors; over > 0 {
				g.errors = append(g.errors[:0], g.errors[over:]...)
			}
			g.step()
			g.mu.Unlock()
		}
		if err != nil {
			return
		}
	}
}

// stderr is the end of what came on standard error.
func (g *greeting) stderr() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return strings.TrimSpace(g.clean(string(g.errors)))
}

// clean takes the prompt out of what is shown to people, and the password should it ever be there.
func (g *greeting) clean(text string) string {
	if g.secret != "" {
		text = strings.ReplaceAll(text, g.secret, "********")
	}
	return text
}

// step does what has to be done next. The lock is held.
func (g *greeting) step() {
	if g.admitted || g.problem != nil {
		return
	}
	next, rest := g.become.Next(g.said, string(g.errors), g.sent)
	switch next {
	case become.Send:
		g.sent = true
		if _, err := io.WriteString(g.process.Stdin, g.secret+"\n"); err != nil {
			g.fail(&Failure{fmt.Sprintf("the %s password could not be sent: %v", g.method, err)})
		}
	case become.Incorrect:
		g.fail(&Failure{fmt.Sprintf("Incorrect %s password", g.method)})
	case become.Missing:
		g.fail(&Failure{fmt.Sprintf("Missing %s password", g.method)})
	case become.Done:
		g.admitted = true
		g.said = rest
	}
}

// fail ends the process for a reason. The lock is held.
func (g *greeting) fail(err error) {
	if g.problem == nil {
		g.problem = err
	}
	g.process.Kill()
}

// admit waits until the other user is become.
func (g *greeting) admit(ctx context.Context, timeout time.Duration) error {
	stop := g.limit(ctx, timeout, func() error {
		return unreachable("Timeout (%ds) waiting for privilege escalation prompt: %s", int(timeout.Seconds()), g.clean(g.said))
	})
	defer stop()
	for {
		g.mu.Lock()
		admitted, problem := g.admitted, g.problem
		g.mu.Unlock()
		if problem != nil {
			return problem
		}
		if admitted {
			return nil
		}
		piece, err := g.piece()
		g.mu.Lock()
		g.said += piece
		if len(g.said) > maxGreeting {
			g.fail(unreachable("the host says too much before it runs what it is told to (more than %d bytes)", maxGreeting))
		}
		g.step()
		admitted, problem = g.admitted, g.problem
		g.mu.Unlock()
		if err != nil && !admitted {
			<-g.drained
			return g.closed(ctx)
		}
		if problem != nil {
			return problem
		}
	}
}

// limit ends the process when the context ends or the time is up, and gives what takes the limit
// away.
func (g *greeting) limit(ctx context.Context, timeout time.Duration, reason func() error) (stop func()) {
	end := func(err func() error) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.fail(err())
	}
	timer := time.AfterFunc(timeout, func() { end(reason) })
	cancelled := context.AfterFunc(ctx, func() { end(ctx.Err) })
	return func() {
		timer.Stop()
		cancelled()
	}
}

// closed is the error of a process that ended before the other user was become.
func (g *greeting) closed(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	// What was said last may tell why.
	g.step()
	if g.problem != nil {
		return g.problem
	}
	text := strings.TrimSpace(g.clean(g.said + "\n" + string(g.errors)))
	return &Failure{fmt.Sprintf("Premature end of stream waiting for become success.\n>>> Standard Error\n%s", text)}
}

// piece reads up to the end of a line, or what there is.
func (g *greeting) piece() (string, error) {
	if _, err := g.out.Peek(1); err != nil {
		return "", err
	}
	there, _ := g.out.Peek(g.out.Buffered())
	for i, c := range there {
		if c == '\n' {
			there = there[:i+1]
			break
		}
	}
	text := string(there)
	_, err := g.out.Discard(len(there))
	return text, err
}

// line reads the next line that begins, somewhere, with one of the words and the nonce; all
// others are noise. It gives the word and what follows.
func (g *greeting) line(nonce string, words ...string) (word, rest string, err error) {
	total := 0
	var line strings.Builder
	for {
		piece, err := g.piece()
		line.WriteString(piece)
		if total += len(piece); total > maxGreeting {
			return "", "", fmt.Errorf("the host says too much before it answers (more than %d bytes)", maxGreeting)
		}
		if err != nil {
			return "", "", errors.Join(err, g.reason())
		}
		if !strings.HasSuffix(piece, "\n") {
			continue
		}
		text := strings.TrimRight(line.String(), "\r\n")
		line.Reset()
		for _, w := range words {
			if _, rest, ok := strings.Cut(text, strings.TrimSpace(w+" "+nonce)); ok {
				return w, strings.TrimPrefix(rest, " "), nil
			}
		}
	}
}

func (g *greeting) reason() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.problem
}
