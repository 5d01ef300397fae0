package channel

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/hashicorp/yamux"
)

// Handler answers calls. body is the content of a Put. What it gives beside the reply to a Get is
// sent after it and closed. The context ends when the caller gave up or is gone.
type Handler func(ctx context.Context, call Call, body io.Reader) (Reply, io.ReadCloser)

// Serve answers calls until the other side is gone, and then ends those that still run and waits
// for them.
func Serve(ctx context.Context, connection io.ReadWriteCloser, handle Handler) error {
	session, err := yamux.Server(connection, config())
	if err != nil {
		return err
	}
	defer session.Close()
	ctx, cancel := context.WithCancel(ctx)
	var calls sync.WaitGroup
	defer calls.Wait()
	defer cancel()
	for {
		stream, err := session.AcceptStream()
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, yamux.ErrSessionShutdown) {
				return nil
			}
			return err
		}
		calls.Go(func() { serve(ctx, stream, handle) })
	}
}

func serve(ctx context.Context, stream *yamux.Stream, handle Handler) {
	defer stream.Close()
	var call Call
	if err := readMessage(stream, &call); err != nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var body io.Reader
	if call.Kind == Put {
		body = &content{from: stream}
	} else {
		// The caller sends nothing more: whatever ends this read is the end of the caller.
		go func() {
			_, _ = stream.Read(make([]byte, 1))
			cancel()
			_ = stream.SetWriteDeadline(time.Unix(1, 0))
		}()
	}
	reply, file := handle(ctx, call, body)
	if file != nil {
		defer file.Close()
	}
	if err := writeMessage(stream, reply); err != nil {
		if bad := (*formatError)(nil); errors.As(err, &bad) {
			_ = writeMessage(stream, Reply{Error: "the answer cannot be sent: " + err.Error()})
		}
		return
	}
	if file != nil {
		_ = writeContent(stream, file)
	}
}
