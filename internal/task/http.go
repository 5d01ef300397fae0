package task

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// request sends an HTTP request once. Redirects are followed as the http package
// does, credentials not to other hosts.
func (w *worker) request(ctx context.Context, a action) (outcome, error) {
	q := a.HTTP
	limit := a.Timeout
	if limit == 0 {
		limit = DefaultHTTPTimeout
	}
	inTime, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	req, err := q.build(inTime)
	if err != nil {
		return outcome{}, &failure{why: err.Error(), nothing: true}
	}
	transport, err := q.transport()
	if err != nil {
		return outcome{}, &failure{why: err.Error(), nothing: true}
	}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return outcome{}, w.unanswered(ctx, err, limit)
	}
	defer resp.Body.Close()
	out := outcome{response: &response{status: resp.StatusCode, headers: flat(resp.Header)}}
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxOutput+1))
	if len(body) > MaxOutput {
		body, out.cut = body[:MaxOutput], []string{"body"}
	}
	out.response.body = string(body)
	w.output(fmt.Sprintf("%s %s: %s", q.Method, q.URL, resp.Status))
	if err != nil {
		return out, w.unanswered(ctx, err, limit)
	}
	if !q.expects(resp.StatusCode) {
		return out, &failure{why: "the server answered " + resp.Status, output: end(out.response.body), status: resp.StatusCode, after: retryAfter(resp.Header)}
	}
	return out, nil
}

// unanswered tells a request that was stopped from one that failed.
func (w *worker) unanswered(ctx context.Context, err error, limit time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err // the rest repeats the URL
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no whole answer within %s", limit)
	}
	return &failure{why: err.Error()}
}

func (q *request) build(ctx context.Context) (*http.Request, error) {
	var body io.Reader
	if q.Body != "" {
		body = strings.NewReader(q.Body)
	}
	req, err := http.NewRequestWithContext(ctx, q.Method, q.URL, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "tutti")
	for name, v := range q.Headers {
		switch {
		case v == nil:
			req.Header.Del(name)
		case strings.EqualFold(name, "host"):
			req.Host = *v
		default:
			req.Header.Set(name, *v)
		}
	}
	return req, nil
}

// transport is made for one request: its certificates are the task's own.
func (q *request) transport() (*http.Transport, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: q.Insecure} //nolint:gosec // the user asked for it
	if q.CACertificate != "" {
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM([]byte(q.CACertificate)) {
			return nil, errors.New("ca_certificate holds no certificate in PEM form")
		}
	}
	if q.ClientCertificate != "" {
		pair, err := tls.X509KeyPair([]byte(q.ClientCertificate), []byte(q.ClientKey))
		if err != nil {
			return nil, fmt.Errorf("client_certificate and client_key are no pair: %w", err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: conf, ForceAttemptHTTP2: true}, nil
}

func (q *request) expects(status int) bool {
	if len(q.ExpectedStatus) == 0 {
		return status >= 200 && status < 300
	}
	return contains(q.ExpectedStatus, status)
}

// flat gives headers by their names in lower case, repeated ones joined.
func flat(h http.Header) map[string]string {
	out := make(map[string]string, len(h))
	for name, list := range h {
		out[strings.ToLower(name)] = strings.Join(list, ", ")
	}
	return out
}

// retryAfter reads the header of that name (RFC 9110, section 10.2.3), of which
// only the form in seconds needs no clock.
func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || n < 0 || n > int(time.Hour/time.Second) {
		return 0
	}
	return time.Duration(n) * time.Second
}

// end gives the last lines of a text.
func end(s string) string {
	var t tail
	for line := range strings.Lines(s) {
		t.add(strings.TrimRight(line, "\r\n"))
	}
	return t.text()
}
