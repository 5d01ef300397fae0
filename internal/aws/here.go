package aws

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"

	"tutti/internal/aws/wire"
)

// here has a handler of this process answer a call.
func here(ctx context.Context, h http.Handler, call wire.Call, written *wire.Request) (*Answer, error) {
	// The host is nobody's: no name is looked up and nothing is connected to.
	request, err := http.NewRequestWithContext(ctx, written.Method, "http://localhost"+written.Path, bytes.NewReader(written.Body))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", call.Service.ID, call.Operation.Name, err)
	}
	request.URL.RawQuery, request.Header = written.Query, written.Header.Clone()
	w := &kept{status: http.StatusOK, header: http.Header{}}
	h.ServeHTTP(w, request)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%s %s: %w", call.Service.ID, call.Operation.Name, err)
	}
	a, err := answerOf(call, wire.Answer{Status: w.status, Header: w.header, Body: w.body.Bytes()})
	var refused *Error
	if errors.As(err, &refused) {
		refused.Here = true
	}
	return a, err
}

// kept is an answer that is not sent anywhere.
type kept struct {
	status int
	header http.Header
	body   bytes.Buffer
}

var _ http.ResponseWriter = (*kept)(nil)

// Header implements http.ResponseWriter.
func (k *kept) Header() http.Header { return k.header }

// WriteHeader implements http.ResponseWriter.
func (k *kept) WriteHeader(status int) { k.status = status }

// Write implements http.ResponseWriter.
func (k *kept) Write(p []byte) (int, error) { return k.body.Write(p) }
