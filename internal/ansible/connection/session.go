package connection

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"tutti/internal/ansible/action"
	"tutti/internal/ansible/connection/become"
	"tutti/internal/ansible/connection/channel"
	"tutti/internal/ansible/connection/program"
	"tutti/internal/ansible/connection/shell"
	"tutti/internal/ansible/connection/target"
)

// farewell is how long the program may take to end by itself and take away its files.
const farewell = 2 * time.Second

// session is what runs on a host for one user: the program, or, where none fits, nothing but the
// shell.
type session struct {
	host    *host
	become  Become
	starter shell.Starter
	client  *channel.Client // nil where no program fits
	why     string          // why none does
	greeted *greeting
	wire    *wire
}

func (s *session) ended() bool {
	if s.client != nil {
		return s.client.Closed()
	}
	gone, ok := s.starter.(interface{ Gone() bool })
	return ok && gone.Gone()
}

// close lets the program end, and waits until it has, but not for long.
func (s *session) close() {
	if s.client != nil {
		_ = s.client.Close()
		<-s.wire.done
	}
}

// timeout is how long is waited for a prompt.
func (h *host) timeout() time.Duration {
	seconds := h.spec.Timeout
	if seconds <= 0 {
		seconds = 10
	}
	return time.Duration(seconds)*time.Second + promptGrace
}

// begin starts the program for a user.
func (h *host) begin(ctx context.Context, starter shell.Starter, b Become) (*session, error) {
	programs, err := h.pool.programs()
	if err != nil {
		return nil, &Failure{err.Error()}
	}
	start := attempt{host: h, starter: starter, become: b, programs: programs}
	h.mu.Lock()
	start.script = bootstrap{programs: programs, temp: h.spec.RemoteTmp, folders: defaultFolders(), known: h.program}
	h.mu.Unlock()
	// Each attempt excludes what did not work in the one before.
	for {
		s, err := start.run(ctx)
		var again *retry
		if !errors.As(err, &again) {
			return s, err
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// attempt is one try at starting the program, and what is known from those before it.
type attempt struct {
	host     *host
	starter  shell.Starter
	become   Become
	programs program.Set
	script   bootstrap
	terminal bool
}

// retry asks for another attempt.
type retry struct{ cause error }

func (r *retry) Error() string { return r.cause.Error() }

func (a *attempt) run(ctx context.Context) (*session, error) {
	a.script.nonce = rand.Text()
	script, err := a.script.line()
	if err != nil {
		return nil, &Failure{fmt.Sprintf("the program for hosts cannot be read: %v", err)}
	}
	line := "/bin/sh -c " + shell.Quote(script)
	var command *become.Command
	if a.become.Method != "" {
		command, err = becoming(a.become, a.script.nonce, script)
		if err != nil {
			return nil, &Failure{err.Error()}
		}
		line = command.Line
	}
	process, err := a.starter.Start(ctx, line, a.terminal || command != nil && command.Terminal)
	if err != nil {
		return nil, cut(a.host.spec.Name, false, err)
	}
	g := greet(process, command, a.become)
	s, err := a.converse(ctx, g)
	if err != nil {
		process.Kill()
		go func() { _, _ = process.Wait() }()
		if !a.terminal && a.become.Method == string(become.Sudo) && become.NeedsTerminal(err.Error()) {
			a.terminal = true
			return nil, &retry{err}
		}
	}
	return s, err
}

func becoming(b Become, id, line string) (*become.Command, error) {
	return become.Build(become.Options{Method: become.Method(b.Method), User: b.User, Password: b.Password, Exe: b.Exe, Flags: b.Flags},
		strings.ToLower(id), line)
}

// converse takes part in what the script does, up to the program's hello.
func (a *attempt) converse(ctx context.Context, g *greeting) (*session, error) {
	if g.become != nil {
		if err := g.admit(ctx, a.host.timeout()); err != nil {
			return nil, err
		}
	}
	stop := g.limit(ctx, uploadTime, func() error {
		return unreachable("the program for modules did not start on the host within %s", uploadTime)
	})
	defer stop()
	s := &session{host: a.host, become: a.become, starter: a.starter, greeted: g}
	word, rest, err := g.line(a.script.nonce, target.Hello, sayNeed, sayNone)
	folder := ""
	if err == nil && word == sayNeed {
		wanted, ok := parseNeed(rest)
		if !ok {
			return nil, unreachable("the host answers %q, which is not understood", rest)
		}
		folder = wanted.folder
		if err := a.upload(g, wanted); err != nil {
			return nil, err
		}
		word, rest, err = g.line(a.script.nonce, target.Hello)
	}
	switch {
	case g.reason() != nil:
		return nil, g.reason()
	case err != nil && folder != "":
		<-g.drained
		return nil, a.uploadFailed(folder, g.stderr())
	case err != nil:
		<-g.drained
		// Something that is not a shell of POSIX, perhaps a device: raw commands may still work.
		s.why = fmt.Sprintf("its shell does not run what it is told to (%s)", oneLine(g.stderr(), err.Error()))
		return s, a.lost(s)
	case word == sayNone:
		s.why = rest
		return s, nil
	}
	return a.hello(s, rest)
}

// lost gives the error when it was the connection that ended and not only the shell.
func (a *attempt) lost(s *session) error {
	if s.ended() {
		return cut(a.host.spec.Name, false, errors.New("closed by remote host"))
	}
	return nil
}

func oneLine(texts ...string) string {
	for _, t := range texts {
		if t = strings.TrimSpace(t); t != "" {
			return strings.Join(strings.Fields(t), " ")
		}
	}
	return "it says nothing"
}

// upload sends the program that fits.
func (a *attempt) upload(g *greeting, wanted need) error {
	p := fitting(a.programs, wanted.machine)
	if p == nil {
		return unreachable("the host calls itself %q where it called itself something else before", wanted.machine)
	}
	content, err := packed(p, wanted.packing == "gzip")
	if err != nil {
		return &Failure{fmt.Sprintf("the program for hosts cannot be read: %v", err)}
	}
	// A host whose disk is full reads no further; why it does not is told on standard error.
	go func() {
		if _, err := fmt.Fprintf(g.process.Stdin, "%d\n", len(content)); err == nil {
			_, _ = g.process.Stdin.Write(content)
		}
	}()
	return nil
}

func (a *attempt) uploadFailed(folder, said string) error {
	err := unreachable("could not put the program for modules into %s on the host: %s", folder, oneLine(said, "the connection ended"))
	if len(a.script.without) >= len(a.script.folders)-1 || slices.Contains(a.script.without, folder) {
		return err
	}
	a.script.without = append(a.script.without, folder)
	a.host.pool.options.Warn(fmt.Sprintf("%s: %v; trying another folder", a.host.spec.Name, err))
	return &retry{err}
}

// hello checks who is there, and begins to speak the language of the channel.
func (a *attempt) hello(s *session, rest string) (*session, error) {
	words := append(strings.SplitN(rest, " ", 3), "")
	if len(words) < 3 || words[0] != fmt.Sprint(channel.Version) {
		return nil, unreachable("the program on the host answers %q, which is not understood", rest)
	}
	genuine := slices.ContainsFunc(a.programs, func(p *program.Program) bool {
		hash, err := p.Digest()
		return err == nil && hash == words[1]
	})
	if !genuine {
		err := unreachable("the program on the host is not the one that was put there: its hash is %s", words[1])
		if a.script.fresh {
			return nil, err
		}
		a.script.fresh = true
		return nil, &retry{err}
	}
	s.wire = &wire{greeting: s.greeted, ended: make(chan struct{}), done: make(chan struct{})}
	client, err := channel.NewClient(s.wire)
	if err != nil {
		return nil, err
	}
	s.client = client
	a.host.mu.Lock()
	if a.host.program == "" {
		a.host.program = words[2]
	}
	a.host.mu.Unlock()
	return s, nil
}

// wire is the process's streams as a connection. Closing it lets the program end by itself first.
type wire struct {
	*greeting
	once  sync.Once
	over  sync.Once
	ended chan struct{} // closed at the end of standard output
	done  chan struct{} // closed when nothing is left of the process here
}

// Read implements io.Reader.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.out.Read(p)
	if err != nil {
		w.over.Do(func() { close(w.ended) })
	}
	return n, err
}

// Write implements io.Writer.
func (w *wire) Write(p []byte) (int, error) { return w.process.Stdin.Write(p) }

// Close implements io.Closer.
func (w *wire) Close() error {
	w.once.Do(func() {
		_ = w.process.Stdin.Close()
		go func() {
			defer close(w.done)
			late := time.AfterFunc(farewell, w.process.Kill)
			defer late.Stop()
			<-w.ended
			_, _ = w.process.Wait()
		}()
	})
	return nil
}

// call makes a call, once more on a new session when the old one proves to have ended before the
// call went out.
func (r *remote) call(ctx context.Context, call channel.Call, body io.Reader) (channel.Reply, error) {
	for again := false; ; again = true {
		s, err := r.host.session(ctx, r.become)
		if err != nil {
			return channel.Reply{}, err
		}
		if s.client == nil {
			return channel.Reply{}, &noProgram{s}
		}
		reply, err := s.client.Do(ctx, call, body)
		var lost *channel.Lost
		if !errors.As(err, &lost) {
			return reply, err
		}
		if lost.Sent || again {
			return reply, r.lost(s, lost)
		}
	}
}

func (r *remote) lost(s *session, lost *channel.Lost) error {
	cause := lost.Cause
	if errors.Is(cause, io.EOF) || errors.Is(cause, io.ErrUnexpectedEOF) {
		cause = errors.New("closed by remote host")
	}
	if said := s.greeted.stderr(); said != "" {
		cause = fmt.Errorf("%w (%s)", cause, oneLine(said))
	}
	return cut(r.host.spec.Name, lost.Sent, cause)
}

// noProgram tells that the host has nothing but its shell.
type noProgram struct{ session *session }

func (n *noProgram) Error() string { return n.session.why }

// clean takes the program away from the host.
func (s *session) clean(ctx context.Context) error {
	if s.client == nil {
		return nil
	}
	reply, err := s.client.Do(ctx, channel.Call{Kind: channel.Clean}, nil)
	if err == nil && reply.Error != "" {
		err = errors.New(reply.Error)
	}
	return err
}

var _ action.Target = (*remote)(nil)
