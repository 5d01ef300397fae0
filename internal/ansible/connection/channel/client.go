package channel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/hashicorp/yamux"
)

const (
	// keepAlive is every how long both sides make sure that the other is there.
	keepAlive = 30 * time.Second
	// writeTimeout is how long the other side may take nothing at all before it counts as gone.
	writeTimeout = 2 * time.Minute
)

func config() *yamux.Config {
	c := yamux.DefaultConfig()
	c.KeepAliveInterval = keepAlive
	c.ConnectionWriteTimeout = writeTimeout
	// A module may run for hours after its call was sent.
	c.StreamCloseTimeout = 0
	c.StreamOpenTimeout = 0
	c.LogOutput = io.Discard
	return c
}

// Client is the controller's side. It is safe for use by several goroutines.
type Client struct{ session *yamux.Session }

// NewClient speaks over a connection; closing the Client closes it.
func NewClient(connection io.ReadWriteCloser) (*Client, error) {
	session, err := yamux.Client(connection, config())
	if err != nil {
		return nil, err
	}
	return &Client{session}, nil
}

// Close ends all calls.
func (c *Client) Close() error { return c.session.Close() }

// Closed tells that the other side is gone.
func (c *Client) Closed() bool { return c.session.IsClosed() }

// Lost is the error of a call whose connection went away.
type Lost struct {
	// Sent tells that the call had gone out, so that it may have been carried out.
	Sent  bool
	Cause error
}

// Error implements error.
func (l *Lost) Error() string { return l.Cause.Error() }

// Unwrap gives the cause.
func (l *Lost) Unwrap() error { return l.Cause }

// Do makes a call and waits for its reply. body is the content of a Put and nil for others.
// When the context ends, the call is cut off on the other side too.
func (c *Client) Do(ctx context.Context, call Call, body io.Reader) (Reply, error) {
	stream, reply, err := c.ask(ctx, call, body)
	if stream != nil {
		_ = stream.Close()
	}
	return reply, err
}

// Open makes a Get. The content is to be closed.
func (c *Client) Open(ctx context.Context, call Call) (io.ReadCloser, Reply, error) {
	stream, reply, err := c.ask(ctx, call, nil)
	if err != nil || reply.Error != "" {
		if stream != nil {
			_ = stream.Close()
		}
		return nil, reply, err
	}
	stop := context.AfterFunc(ctx, func() { _ = stream.Close() })
	return &download{content{from: stream}, stream, stop}, reply, nil
}

type download struct {
	content
	stream *yamux.Stream
	stop   func() bool
}

// Close implements io.Closer.
func (d *download) Close() error {
	d.stop()
	return d.stream.Close()
}

func (c *Client) ask(ctx context.Context, call Call, body io.Reader) (*yamux.Stream, Reply, error) {
	if err := ctx.Err(); err != nil {
		return nil, Reply{}, err
	}
	stream, err := c.session.OpenStream()
	if err != nil {
		return nil, Reply{}, &Lost{Cause: err}
	}
	// A deadline wakes whoever reads or writes; Close alone would leave a reader waiting.
	stop := context.AfterFunc(ctx, func() {
		_ = stream.Close()
		_ = stream.SetDeadline(time.Unix(1, 0))
	})
	defer stop()
	reply, err := exchange(stream, call, body)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return stream, reply, err
}

func exchange(stream *yamux.Stream, call Call, body io.Reader) (Reply, error) {
	var reply Reply
	if err := writeMessage(stream, call); err != nil {
		if bad := (*formatError)(nil); errors.As(err, &bad) {
			return reply, fmt.Errorf("what the host is asked for cannot be sent: %w", err)
		}
		return reply, &Lost{Sent: true, Cause: err}
	}
	if body == nil {
		if err := readMessage(stream, &reply); err != nil {
			return reply, &Lost{Sent: true, Cause: err}
		}
		return reply, nil
	}
	// The other side may have had enough before it has read everything: its disk is full.
	answered := make(chan error, 1)
	go func() {
		err := readMessage(stream, &reply)
		_ = stream.SetWriteDeadline(time.Unix(1, 0))
		answered <- err
	}()
	sending := writeContent(stream, body)
	if source := (*sourceError)(nil); errors.As(sending, &source) {
		_ = stream.Close()
		_ = stream.SetReadDeadline(time.Unix(1, 0))
		<-answered
		return Reply{}, source.cause
	}
	if err := <-answered; err != nil {
		return reply, &Lost{Sent: true, Cause: err}
	}
	return reply, nil
}
