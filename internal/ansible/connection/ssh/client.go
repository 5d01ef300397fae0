package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"tutti/internal/ansible/connection/shell"
)

// Client is a host that was reached.
type Client struct {
	client *ssh.Client
	raw    net.Conn
	closed atomic.Bool
	done   chan struct{}
	once   sync.Once
}

var _ shell.Starter = (*Client)(nil)

func newClient(client *ssh.Client, raw net.Conn) *Client {
	c := &Client{client: client, raw: raw, done: make(chan struct{})}
	go func() {
		_ = client.Wait()
		c.closed.Store(true)
		_ = c.Close()
	}()
	return c
}

func (c *Client) gone() bool { return c.closed.Load() }

// Gone tells that the connection has ended.
func (c *Client) Gone() bool { return c.gone() }

// Close ends the connection and all that runs over it.
func (c *Client) Close() error {
	c.once.Do(func() { close(c.done) })
	c.closed.Store(true)
	// The stream goes first: a peer that takes nothing more would hold up a farewell.
	err := c.raw.Close()
	_ = c.client.Close()
	return err
}

// watch asks for signs of life, and closes the connection when several have not come.
func (c *Client) watch(s *settings) {
	seconds, err := strconv.Atoi(s.get("serveraliveinterval", strconv.Itoa(defaultAlive)))
	if err != nil || seconds <= 0 {
		seconds = defaultAlive
	}
	count, err := strconv.Atoi(s.get("serveralivecountmax", strconv.Itoa(defaultAliveCount)))
	if err != nil || count <= 0 {
		count = defaultAliveCount
	}
	interval := time.Duration(seconds) * time.Second
	var missed atomic.Int32
	var beat func()
	beat = func() {
		select {
		case <-c.done:
			return
		default:
		}
		if int(missed.Add(1)) > count {
			_ = c.Close()
			return
		}
		time.AfterFunc(interval, beat)
		if _, _, err := c.client.SendRequest("keepalive@openssh.com", true, nil); err == nil {
			missed.Store(0)
		}
	}
	time.AfterFunc(interval, beat)
}

// Start implements shell.Starter: the line is run by the user's shell there.
func (c *Client) Start(_ context.Context, line string, terminal bool) (*shell.Process, error) {
	session, err := c.client.NewSession()
	if err != nil {
		return nil, fmt.Errorf("open a channel: %w", err)
	}
	p, err := start(session, line, terminal)
	if err != nil {
		session.Close()
		return nil, err
	}
	return p, nil
}

func start(session *ssh.Session, line string, terminal bool) (*shell.Process, error) {
	stdin, err := session.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := session.StdoutPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := session.StderrPipe()
	if err != nil {
		return nil, err
	}
	if terminal {
		modes := ssh.TerminalModes{ssh.ECHO: 0}
		if err := session.RequestPty("dumb", 24, 200, modes); err != nil {
			return nil, fmt.Errorf("PTY allocation request failed: %w", err)
		}
	}
	if err := session.Start(line); err != nil {
		return nil, err
	}
	return &shell.Process{Stdin: stdin, Stdout: stdout, Stderr: stderr, Wait: waiter(session),
		Kill: func() { _ = session.Close() }}, nil
}

func waiter(session *ssh.Session) func() (int, error) {
	return func() (int, error) {
		defer session.Close()
		err := session.Wait()
		var exit *ssh.ExitError
		switch {
		case err == nil:
			return 0, nil
		case errors.As(err, &exit):
			return exit.ExitStatus(), nil
		}
		return -1, err
	}
}

// Files opens SFTP, for hosts whose shell cannot copy files. Closing it leaves the connection.
func (c *Client) Files() (Files, error) {
	client, err := sftp.NewClient(c.client)
	if err != nil {
		return Files{}, err
	}
	return Files{client}, nil
}

// Files are a host's files by SFTP.
type Files struct{ client *sftp.Client }

// Close implements io.Closer.
func (f Files) Close() error { return f.client.Close() }

// Put writes a file that its user alone can read.
func (f Files) Put(path string, content io.Reader) error {
	file, err := f.client.Create(path)
	if err != nil {
		return err
	}
	_ = f.client.Chmod(path, 0o600)
	_, err = file.ReadFrom(content)
	if closing := file.Close(); err == nil {
		err = closing
	}
	return err
}

// Get opens a file.
func (f Files) Get(path string) (io.ReadCloser, error) { return f.client.Open(path) }
