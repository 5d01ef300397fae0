// Package control is how a command talks to the `tutti serve` of its folder: over a
// unix socket in the store's folder, which only its owner can open.
//
// In: the store's folder. Out: a Client, when somebody serves there, with the few
// things that a command must leave to the server: starting executions, and asking
// runs that the server carries out. It owns the protocol, whose other side is package
// server. It must not know what a run does.
package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"tutti/internal/flow"
	"tutti/internal/runtime/local"
	"tutti/internal/store"
)

// SocketName is the socket's file in the store's folder, LockName that of the lock
// that a server holds as long as it lives.
const (
	SocketName = "serve.sock"
	LockName   = "serve.lock"
)

// Paths of the protocol. All bodies are JSON.
const (
	PathStatus = "/tutti/status" // GET: a Status
	PathStart  = "/tutti/start"  // POST: a Start, answered by a Started
	PathRun    = "/tutti/run"    // POST: an Ask, answered by a Result when it waits
)

// Status tells who serves.
type Status struct {
	PID     int       `json:"pid"`
	Version string    `json:"version"`
	Since   time.Time `json:"since"`
	// URLs are where the APIs are served.
	URLs []string `json:"urls"`
}

// Start is a run that is to begin.
type Start struct {
	Machine string          `json:"machine"`
	Owner   string          `json:"owner"`
	Name    string          `json:"name"`
	Parent  store.RunID     `json:"parent,omitempty"`
	Command string          `json:"command"`
	User    string          `json:"user"`
	Host    string          `json:"host"`
	Input   json.RawMessage `json:"input"`
}

// Started is a run that has begun.
type Started struct {
	Run store.RunID `json:"run"`
}

// The things that can be asked of a run.
const (
	AskSignal  = "signal"  // gives it Signal and Payload
	AskCancel  = "cancel"  // asks it to stop, because of Reason
	AskResume  = "resume"  // takes it up when it was stopped
	AskRedrive = "redrive" // takes it up when it has failed
	AskWait    = "wait"    // answers when it has ended
)

// Ask is a request about one run.
type Ask struct {
	Run     store.RunID     `json:"run"`
	Do      string          `json:"do"`
	Signal  string          `json:"signal,omitempty"`
	Payload json.RawMessage `json:"payload,omitempty"`
	Reason  string          `json:"reason,omitempty"`
}

// Result is how a run ended.
type Result struct {
	Status  store.Status    `json:"status"`
	Output  json.RawMessage `json:"output,omitempty"`
	Failure *flow.Failure   `json:"failure,omitempty"`
}

// Problem is an error as the server tells it. Kind lets callers branch.
type Problem struct {
	Kind    string `json:"kind,omitempty"`
	Message string `json:"message"`
	// Run is the run that is there already, for KindExists.
	Run store.RunID `json:"run,omitempty"`
}

// The kinds of problem.
const (
	KindExists   = "exists"    // a run of this owner and name is there already
	KindNotFound = "not-found" // there is no such run
	KindEnded    = "ended"     // the run has ended
)

// Error implements error.
func (p *Problem) Error() string { return p.Message }

// Unwrap gives the store's own error, so that callers need not know by which way it came.
func (p *Problem) Unwrap() error {
	switch p.Kind {
	case KindExists:
		return &store.ExistsError{Run: p.Run}
	case KindNotFound:
		return store.ErrNotFound
	case KindEnded:
		return local.ErrEnded
	default:
		return nil
	}
}

// Client talks to the server of a folder. It is safe for concurrent use.
type Client struct {
	http   *http.Client
	status Status
}

// dialTimeout is enough for a process on the same machine.
const dialTimeout = 2 * time.Second

// Dial gives a client of the server that serves a store's folder; nil when nobody
// does, also when a server was killed and its socket is still there.
func Dial(ctx context.Context, folder string) (*Client, error) {
	path := filepath.Join(folder, SocketName)
	c := &Client{http: &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "unix", path)
	}}}}
	err := c.call(ctx, http.MethodGet, PathStatus, nil, &c.status)
	var dead *net.OpError
	if errors.As(err, &dead) && dead.Op == "dial" {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("talk to the server at %s: %w", path, err)
	}
	return c, nil
}

// Status tells who serves.
func (c *Client) Status() Status { return c.status }

// Start begins a run, which is durable when it returns. The error of a name that is
// taken is a *store.ExistsError.
func (c *Client) Start(ctx context.Context, r store.Run) (store.RunID, error) {
	var out Started
	err := c.call(ctx, http.MethodPost, PathStart, Start{Machine: r.Machine, Owner: r.Owner, Name: r.Name, Parent: r.Parent, Command: r.Command,
		User: r.User, Host: r.Host, Input: r.Input}, &out)
	return out.Run, err
}

// Signal gives a run's machine a signal, which is durable when it returns.
func (c *Client) Signal(ctx context.Context, run store.RunID, s flow.Signaled) error {
	_, err := c.ask(ctx, Ask{Run: run, Do: AskSignal, Signal: s.Name, Payload: s.Payload})
	return err
}

// Cancel asks a run to stop in order.
func (c *Client) Cancel(ctx context.Context, run store.RunID, reason string) error {
	_, err := c.ask(ctx, Ask{Run: run, Do: AskCancel, Reason: reason})
	return err
}

// Resume takes up a run that was stopped, and does nothing to one that goes on.
func (c *Client) Resume(ctx context.Context, run store.RunID) error {
	_, err := c.ask(ctx, Ask{Run: run, Do: AskResume})
	return err
}

// Redrive takes up a run that has failed.
func (c *Client) Redrive(ctx context.Context, run store.RunID, payload []byte) error {
	_, err := c.ask(ctx, Ask{Run: run, Do: AskRedrive, Payload: payload})
	return err
}

// Wait waits until a run has ended.
func (c *Client) Wait(ctx context.Context, run store.RunID) (local.Result, error) {
	out, err := c.ask(ctx, Ask{Run: run, Do: AskWait})
	return local.Result{Status: out.Status, Output: out.Output, Failure: out.Failure}, err
}

func (c *Client) ask(ctx context.Context, a Ask) (Result, error) {
	var out Result
	err := c.call(ctx, http.MethodPost, PathRun, a, &out)
	return out, err
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 1 << 30

func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://tutti"+path, body)
	if err != nil {
		return err
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // it is only read
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		p := &Problem{}
		if json.Unmarshal(text, p) != nil || p.Message == "" {
			p.Message = fmt.Sprintf("the server answered %s", answer.Status)
		}
		return p
	}
	return json.Unmarshal(text, out)
}
