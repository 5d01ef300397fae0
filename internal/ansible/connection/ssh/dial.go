// Package ssh reaches hosts as OpenSSH does: by the user's configuration, keys, agent, passwords
// and known hosts, over other hosts and commands when that is asked for.
//
// In: Options, which are what an inventory says of a host. Out: a Client, which runs lines in the
// host's shell, or an *Error in the words that users of OpenSSH and Ansible know. The package
// must not know what runs there.
package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

const (
	// defaultTimeout is for connecting, in seconds.
	defaultTimeout = 10
	// loginTime is for logging in, once the host is reached.
	loginTime = 2 * time.Minute
	// maxJumps is over how many hosts one may be reached.
	maxJumps = 8
	// defaultAlive and defaultAliveCount find out that a host is gone where the user did not say
	// how.
	defaultAlive      = 30
	defaultAliveCount = 4
)

// Options say how a host is reached.
type Options struct {
	Host     string
	Port     int
	User     string
	Password string
	// KeyFile is the file of a private key, Key one itself; Passphrase opens either.
	KeyFile, Key, Passphrase string
	// Arguments are those of an ssh command line.
	Arguments []string
	// Timeout is for connecting, in seconds; 0 is 10.
	Timeout int
	// CheckHostKey is false when any key will do.
	CheckHostKey bool
}

// Dialer holds what all connections of a run share. It is safe for use by several goroutines.
type Dialer struct {
	// Home is the folder with .ssh; "" is that of the user.
	Home string
	// Ask puts a yes-or-no question to the user; nil is that there is nobody to ask.
	Ask func(question string) bool
	// Warn is told what the user should know; nil is nobody.
	Warn func(text string)

	mu       sync.Mutex
	keys     map[string]loadedKey
	known    map[string]*knownHosts
	accepted map[string]ssh.PublicKey
	agents   map[string]agent.ExtendedAgent
	jumps    map[string]*jump
	warned   sync.Map // the texts that were told
	closers  []io.Closer
}

// Close ends the connections that others went over.
func (d *Dialer) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.closers {
		_ = c.Close()
	}
	d.closers, d.jumps, d.agents = nil, nil, nil
}

// warn tells the user something once.
func (d *Dialer) warn(text string) {
	if d.Warn == nil {
		return
	}
	if _, again := d.warned.LoadOrStore(text, true); !again {
		d.Warn(text)
	}
}

// Error is why a host could not be reached.
type Error struct {
	// Message is Ansible's.
	Message string
	cause   error
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }

func failed(err error, text string) error {
	return &Error{Message: "Failed to connect to the host via ssh: " + text, cause: err}
}

// Dial reaches a host.
func (d *Dialer) Dial(ctx context.Context, o Options) (*Client, error) {
	return d.dial(ctx, o, nil)
}

// dial reaches a host; chain are the jumps that wait for it.
func (d *Dialer) dial(ctx context.Context, o Options, chain []string) (*Client, error) {
	s, err := d.resolve(ctx, o)
	if err != nil {
		return nil, failed(err, err.Error())
	}
	port, err := strconv.Atoi(s.get("port", "22"))
	if err != nil || port < 1 || port > 65535 {
		return nil, failed(err, fmt.Sprintf("Bad port '%s'", s.get("port", "")))
	}
	seconds, err := strconv.Atoi(s.get("connecttimeout", ""))
	if err != nil || seconds <= 0 {
		seconds = defaultTimeout
	}
	// The time is for reaching the host and agreeing on keys, as in OpenSSH: whoever logs in, and
	// perhaps answers a question first, has longer.
	dialing, cancel := context.WithCancelCause(ctx)
	late := time.AfterFunc(time.Duration(seconds)*time.Second, func() { cancel(context.DeadlineExceeded) })
	defer late.Stop()
	raw, err := d.reach(dialing, s, chain)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if dialing.Err() != nil {
			err = context.Cause(dialing)
		}
		var already *Error
		if errors.As(err, &already) {
			return nil, err
		}
		return nil, failed(err, explainDial(err, s))
	}
	client, err := d.handshake(dialing, raw, s, o, func() { late.Reset(loginTime) })
	if err != nil {
		raw.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if dialing.Err() != nil {
			err = context.Cause(dialing)
		}
		return nil, explainHandshake(err, s, o)
	}
	client.watch(s)
	return client, nil
}

// reach opens the stream to the host: directly, over other hosts, or through a command.
func (d *Dialer) reach(ctx context.Context, s *settings, chain []string) (net.Conn, error) {
	address := net.JoinHostPort(s.hostName(), s.get("port", "22"))
	jumps, command := s.get("proxyjump", "none"), s.get("proxycommand", "none")
	switch {
	case jumps != "none" && jumps != "":
		over, err := d.over(ctx, s, jumps, chain)
		if err != nil {
			return nil, err
		}
		return over.client.DialContext(ctx, "tcp", address)
	case command != "none" && command != "":
		return startProxy(s.expand(command))
	}
	network := "tcp"
	switch s.get("addressfamily", "any") {
	case "inet":
		network = "tcp4"
	case "inet6":
		network = "tcp6"
	}
	dialer := net.Dialer{}
	if bind := s.get("bindaddress", ""); bind != "" {
		if ip := net.ParseIP(bind); ip != nil {
			dialer.LocalAddr = &net.TCPAddr{IP: ip}
		}
	}
	return dialer.DialContext(ctx, network, address)
}

// jump is a host that others are reached over; all of them share the connection.
type jump struct {
	done   chan struct{} // closed when the rest is there
	client *Client
	err    error
}

// over connects to the last of the hosts of a ProxyJump, over those before it.
func (d *Dialer) over(ctx context.Context, s *settings, jumps string, chain []string) (*Client, error) {
	hosts := strings.Split(jumps, ",")
	last := strings.TrimSpace(hosts[len(hosts)-1])
	o := Options{CheckHostKey: s.get("stricthostkeychecking", "ask") != "no"}
	last = strings.TrimSuffix(strings.TrimPrefix(last, "ssh://"), "/")
	if user, rest, ok := strings.Cut(last, "@"); ok {
		o.User, last = user, rest
	}
	o.Host = last
	if host, port, err := net.SplitHostPort(last); err == nil {
		o.Host = host
		o.Port, _ = strconv.Atoi(port)
	}
	before := "none"
	if len(hosts) > 1 {
		before = strings.Join(hosts[:len(hosts)-1], ",")
	}
	// The configuration may name a jump for this host too; those that are written out win.
	if len(hosts) > 1 {
		o.Arguments = []string{"-o", "ProxyJump=" + before}
	}
	if files := s.values["userknownhostsfile"]; len(files) > 0 {
		o.Arguments = append(o.Arguments, "-o", "UserKnownHostsFile="+quoteAll(files))
	}
	id := fmt.Sprint(o)
	if slices.Contains(chain, id) || len(chain) >= maxJumps {
		return nil, fmt.Errorf("it is reached over more than %d others: does a host jump over itself?", len(chain))
	}
	j, mine := d.jump(id)
	if mine {
		client, err := d.dial(ctx, o, append(slices.Clone(chain), id))
		d.mu.Lock()
		j.client, j.err = client, err
		if err == nil {
			d.closers = append(d.closers, client)
		} else {
			delete(d.jumps, id)
		}
		d.mu.Unlock()
		close(j.done)
	}
	select {
	case <-j.done:
		return j.client, j.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// jump gives a jump by its identity, and whether it is for the caller to connect to it.
func (d *Dialer) jump(id string) (j *jump, mine bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if j := d.jumps[id]; j != nil && (j.client == nil || !j.client.gone()) {
		return j, false
	}
	if d.jumps == nil {
		d.jumps = map[string]*jump{}
	}
	j = &jump{done: make(chan struct{})}
	d.jumps[id] = j
	return j, true
}

func quoteAll(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = `"` + w + `"`
	}
	return strings.Join(quoted, " ")
}

func (d *Dialer) handshake(ctx context.Context, raw net.Conn, s *settings, o Options, agreed func()) (*Client, error) {
	v, err := d.verifier(s)
	if err != nil {
		return nil, err
	}
	check := func(name string, remote net.Addr, key ssh.PublicKey) error {
		agreed()
		return v.check(name, remote, key)
	}
	user := s.get("user", s.user)
	config := &ssh.ClientConfig{User: user, HostKeyCallback: check, HostKeyAlgorithms: v.algorithms(s), ClientVersion: "SSH-2.0-tutti"}
	list := func(keyword string) []string {
		if text := s.get(keyword, ""); text != "" && !strings.ContainsAny(text[:1], "+-^") {
			return strings.Split(text, ",")
		}
		return nil
	}
	config.KeyExchanges, config.Ciphers, config.MACs = list("kexalgorithms"), list("ciphers"), list("macs")
	config.Auth = d.methods(s, o, v)
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	connection, channels, requests, err := ssh.NewClientConn(raw, net.JoinHostPort(s.hostName(), s.get("port", "22")), config)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	return newClient(ssh.NewClient(connection, channels, requests), raw), nil
}

// explainDial says in OpenSSH's words why no stream could be opened.
func explainDial(err error, s *settings) string {
	where := fmt.Sprintf("ssh: connect to host %s port %s: ", s.hostName(), s.get("port", "22"))
	var names *net.DNSError
	var timeout net.Error
	var errno syscall.Errno
	switch {
	case errors.As(err, &names):
		return fmt.Sprintf("ssh: Could not resolve hostname %s: Name or service not known", s.hostName())
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return where + "Connection timed out"
	case errors.As(err, &errno):
		return where + capital(errno.Error())
	}
	return where + err.Error()
}

func capital(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func explainHandshake(err error, s *settings, o Options) error {
	var refused *refusal
	who := fmt.Sprintf("%s@%s: ", s.get("user", s.user), s.hostName())
	switch {
	case errors.As(err, &refused):
		return failed(err, refused.text)
	case errors.Is(err, context.DeadlineExceeded):
		return failed(err, "Connection timed out during banner exchange\r\nConnection to "+s.hostName()+" port "+s.get("port", "22")+" timed out")
	case errors.Is(err, errPassword), strings.Contains(err.Error(), errPassword.Error()):
		return &Error{Message: "Invalid/incorrect password: Permission denied, please try again.", cause: err}
	}
	text := err.Error()
	if _, tried, ok := strings.Cut(text, "unable to authenticate, attempted methods ["); ok {
		methods, _, _ := strings.Cut(tried, "]")
		methods = strings.ReplaceAll(strings.TrimSpace(strings.TrimPrefix(methods, "none")), " ", ",")
		if o.Password != "" && (strings.Contains(methods, "password") || strings.Contains(methods, "keyboard-interactive")) {
			return &Error{Message: "Invalid/incorrect password: Permission denied, please try again.", cause: err}
		}
		if methods == "" {
			methods = "publickey"
		}
		return failed(err, who+"Permission denied ("+methods+").")
	}
	if strings.HasSuffix(text, "EOF") || strings.Contains(text, "connection reset") || strings.Contains(text, "broken pipe") {
		return failed(err, "kex_exchange_identification: Connection closed by remote host\r\nConnection closed by "+s.hostName()+" port "+s.get("port", "22"))
	}
	return failed(err, strings.TrimPrefix(text, "ssh: handshake failed: "))
}

// startProxy runs the command of a ProxyCommand, whose streams are the connection.
func startProxy(command string) (net.Conn, error) {
	cmd := exec.Command("/bin/sh", "-c", "exec "+strings.TrimPrefix(command, "exec "))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("ProxyCommand: %w", err)
	}
	return &proxy{Reader: stdout, WriteCloser: stdin, cmd: cmd}, nil
}

// proxy is a command as a connection.
type proxy struct {
	io.Reader
	io.WriteCloser
	cmd  *exec.Cmd
	once sync.Once
}

var _ net.Conn = (*proxy)(nil)

// Close ends the command.
func (p *proxy) Close() error {
	p.once.Do(func() {
		_ = p.WriteCloser.Close()
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
		go func() { _ = p.cmd.Wait() }()
	})
	return nil
}

// LocalAddr implements net.Conn.
func (p *proxy) LocalAddr() net.Addr { return &net.TCPAddr{} }

// RemoteAddr implements net.Conn.
func (p *proxy) RemoteAddr() net.Addr { return &net.TCPAddr{} }

// SetDeadline implements net.Conn; whoever waits closes instead.
func (p *proxy) SetDeadline(time.Time) error { return nil }

// SetReadDeadline implements net.Conn.
func (p *proxy) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline implements net.Conn.
func (p *proxy) SetWriteDeadline(time.Time) error { return nil }
