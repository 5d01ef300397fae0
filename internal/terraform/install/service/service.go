// Package service speaks HTTP with registries and mirrors: it finds where a host
// offers a service, sends the host's credentials there and nowhere else, tries
// again what failed in passing, and bounds what it reads.
//
// In: host names, URLs and the CLI configuration. Out: decoded JSON and bytes.
// It must not know what providers and modules are.
//
// Source: the "Remote Service Discovery" page of Terraform's documentation.
package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	svchost "github.com/hashicorp/terraform-svchost"
	"github.com/hashicorp/terraform-svchost/auth"

	"tutti/internal/terraform/install/cliconfig"
)

// Limits that keep a broken or hostile server from using up memory or disk.
const (
	maxDocument  = 64 << 20 // a registry's list of versions of a big provider has some megabytes
	maxRedirects = 10
	maxRetryWait = 30 * time.Second
)

// Options of a Client. The zero value is that of a user without configuration.
type Options struct {
	Config *cliconfig.Config
	// Transport carries the requests; nil for one of its own with the usual
	// proxy settings.
	Transport http.RoundTripper
	// RetryWait is the pause before the second try; it doubles with each
	// further one. 0 means one second.
	RetryWait time.Duration
	// UserAgent names this program; "" means "tutti".
	UserAgent string
}

// Client is safe for concurrent use.
type Client struct {
	http      *http.Client // for documents: each try has a time limit
	downloads *http.Client // for packages: as long as bytes may take
	retries   int
	wait      time.Duration
	userAgent string
	services  map[svchost.Hostname]map[string]any // of the configuration

	mu          sync.Mutex // guards what is below
	credentials auth.CredentialsSource
	hosts       map[svchost.Hostname]*discovery
}

// discovery is the answer of one host, asked for once.
type discovery struct {
	once     sync.Once
	base     *url.URL
	services map[string]any
	err      error
}

// New makes a client. TF_REGISTRY_DISCOVERY_RETRY says how often a failed
// request is tried again (1), TF_REGISTRY_CLIENT_TIMEOUT how many seconds an
// answer may take (10).
func New(o Options) *Client {
	config := o.Config
	if config == nil {
		config = &cliconfig.Config{}
	}
	transport := o.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	c := &Client{
		retries:     number(config.Var("TF_REGISTRY_DISCOVERY_RETRY"), 1),
		wait:        o.RetryWait,
		userAgent:   o.UserAgent,
		services:    config.Services,
		credentials: config.Credentials(),
		hosts:       map[svchost.Hostname]*discovery{},
	}
	if c.wait == 0 {
		c.wait = time.Second
	}
	if c.userAgent == "" {
		c.userAgent = "tutti"
	}
	timeout := time.Duration(max(number(config.Var("TF_REGISTRY_CLIENT_TIMEOUT"), 10), 1)) * time.Second
	c.http = &http.Client{Transport: transport, Timeout: timeout, CheckRedirect: checkRedirect}
	c.downloads = &http.Client{Transport: transport, CheckRedirect: checkRedirect}
	return c
}

func number(s string, otherwise int) int {
	if n, err := strconv.Atoi(s); err == nil && n >= 0 {
		return n
	}
	return otherwise
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return fmt.Errorf("more than %d redirections", maxRedirects)
	}
	if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return fmt.Errorf("redirected from https to %s://%s", req.URL.Scheme, req.URL.Host)
	}
	return nil
}

// StatusError is an answer that is not a success.
type StatusError struct {
	URL  string // without credentials and query
	Code int
	// Host is whose credentials went with the request, or would have; "" where
	// another way of authentication is used.
	Host svchost.Hostname
}

func (e *StatusError) Error() string {
	switch {
	case e.Code != http.StatusUnauthorized && e.Code != http.StatusForbidden:
		return fmt.Sprintf("%s answered with status %d %s", e.URL, e.Code, http.StatusText(e.Code))
	case e.Host == "":
		return fmt.Sprintf("%s refused access (status %d)", e.URL, e.Code)
	default:
		return fmt.Sprintf("%s refused access (status %d): put a valid token for %s into a credentials block of the CLI configuration, or into the environment variable TF_TOKEN_%s",
			e.URL, e.Code, e.Host.ForDisplay(), strings.NewReplacer(".", "_", "-", "__").Replace(e.Host.String()))
	}
}

func withHost(err error, host svchost.Hostname) error {
	var s *StatusError
	if errors.As(err, &s) {
		s.Host = host
	}
	return err
}

// IsNotFound reports whether the server says that there is no such thing.
func IsNotFound(err error) bool {
	var s *StatusError
	return errors.As(err, &s) && (s.Code == http.StatusNotFound || s.Code == http.StatusGone)
}

// NoServiceError is given for a host that does not offer the service asked for.
type NoServiceError struct {
	Host    svchost.Hostname
	Service string
}

func (e *NoServiceError) Error() string {
	return fmt.Sprintf("the host %s does not offer the service %s", e.Host.ForDisplay(), e.Service)
}

// Discover finds the URL of a service such as "providers.v1". Each host is asked
// once.
func (c *Client) Discover(ctx context.Context, host svchost.Hostname, name string) (*url.URL, error) {
	c.mu.Lock()
	d := c.hosts[host]
	if d == nil {
		d = &discovery{}
		c.hosts[host] = d
	}
	c.mu.Unlock()
	d.once.Do(func() { d.ask(ctx, c, host) })
	if d.err != nil {
		return nil, d.err
	}
	text, ok := d.services[name].(string)
	if !ok {
		return nil, &NoServiceError{Host: host, Service: name}
	}
	u, err := d.base.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("the host %s gives %q as the URL of its service %s", host.ForDisplay(), text, name)
	}
	if len(u.Path) == 0 || u.Path[len(u.Path)-1] != '/' {
		u.Path += "/" // what is asked for is resolved below it
	}
	return u, nil
}

func (d *discovery) ask(ctx context.Context, c *Client, host svchost.Hostname) {
	d.base = &url.URL{Scheme: "https", Host: host.String(), Path: "/.well-known/terraform.json"}
	if services, ok := c.services[host]; ok {
		d.services = services
		return
	}
	final, err := c.JSON(ctx, d.base, host, &d.services)
	switch {
	case IsNotFound(err):
		d.services = nil
	case err != nil:
		d.err = fmt.Errorf("ask %s for its services: %w", host.ForDisplay(), err)
	default:
		d.base = final
	}
}

// JSON gets a document, with the credentials of the given host unless that is
// "". It gives the URL at which the document lay in the end.
func (c *Client) JSON(ctx context.Context, u *url.URL, host svchost.Hostname, into any) (*url.URL, error) {
	resp, err := c.Get(ctx, u, host)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(resp.Body, into); err != nil {
		return nil, fmt.Errorf("%s gave no valid JSON: %w", Redact(u), err)
	}
	return resp.URL, nil
}

// Response is a small answer.
type Response struct {
	Body   []byte
	Header http.Header
	URL    *url.URL // after redirections
}

// Get gets a document of bounded size; any status from 200 to 299 is a success.
func (c *Client) Get(ctx context.Context, u *url.URL, host svchost.Hostname) (*Response, error) {
	resp, err := c.GetSigned(ctx, u, c.authorize(host))
	return resp, withHost(err, host)
}

// Sign completes a request just before it goes out, for servers with ways of
// their own to know who asks.
type Sign func(*http.Request) error

// GetSigned is Get with another way to authenticate.
func (c *Client) GetSigned(ctx context.Context, u *url.URL, sign Sign) (*Response, error) {
	var out *Response
	err := c.retry(ctx, func() (retry, error) {
		resp, again, err := c.do(ctx, c.http, u, sign)
		if err != nil {
			return again, err
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
		if err != nil {
			return retry{worthwhile: true}, fmt.Errorf("read %s: %w", Redact(u), err)
		}
		if len(body) > maxDocument {
			return retry{}, fmt.Errorf("%s is larger than %d bytes", Redact(u), maxDocument)
		}
		out = &Response{Body: body, Header: resp.Header, URL: resp.Request.URL}
		return retry{}, nil
	})
	return out, err
}

// Download writes what lies at the URL to w, which is emptied before each try.
// More than limit bytes are an error.
func (c *Client) Download(ctx context.Context, u *url.URL, host svchost.Hostname, w Rewinder, limit int64) error {
	return withHost(c.DownloadSigned(ctx, u, c.authorize(host), w, limit), host)
}

// DownloadSigned is Download with another way to authenticate.
func (c *Client) DownloadSigned(ctx context.Context, u *url.URL, sign Sign, w Rewinder, limit int64) error {
	return c.retry(ctx, func() (retry, error) {
		if err := w.Rewind(); err != nil {
			return retry{}, err
		}
		resp, again, err := c.do(ctx, c.downloads, u, sign)
		if err != nil {
			return again, err
		}
		defer func() { _ = resp.Body.Close() }()
		n, err := io.Copy(w, io.LimitReader(resp.Body, limit+1))
		if err != nil {
			return retry{worthwhile: true}, fmt.Errorf("download %s: %w", Redact(u), err)
		}
		if n > limit {
			return retry{}, fmt.Errorf("download %s: it is larger than %d bytes", Redact(u), limit)
		}
		return retry{}, nil
	})
}

// Rewinder takes a download, and forgets it to take it again.
type Rewinder interface {
	io.Writer
	Rewind() error
}

// File takes a download into a file.
type File struct{ *os.File }

var _ Rewinder = (*File)(nil)

// Rewind implements Rewinder.
func (f *File) Rewind() error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return f.Truncate(0)
}

// retry says whether another try makes sense, and no sooner than when.
type retry struct {
	worthwhile bool
	after      time.Duration
}

func (c *Client) do(ctx context.Context, client *http.Client, u *url.URL, sign Sign) (*http.Response, retry, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, retry{}, fmt.Errorf("get %s: %w", Redact(u), err)
	}
	req.Header.Set("User-Agent", c.userAgent)
	req.Header.Set("Accept", "application/json, */*;q=0.5")
	if err := sign(req); err != nil {
		return nil, retry{}, err
	}
	resp, err := client.Do(req)
	if err != nil {
		var inner *url.Error
		if errors.As(err, &inner) {
			err = inner.Err // url.Error repeats the whole URL, its query too
		}
		return nil, retry{worthwhile: ctx.Err() == nil}, fmt.Errorf("get %s: %w", Redact(u), err)
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return resp, retry{}, nil
	}
	_ = resp.Body.Close()
	again := retry{
		worthwhile: resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500 && resp.StatusCode != http.StatusNotImplemented,
		after:      min(time.Duration(number(resp.Header.Get("Retry-After"), 0))*time.Second, maxRetryWait),
	}
	return nil, again, &StatusError{URL: Redact(u), Code: resp.StatusCode}
}

// authorize sends a host's credentials along; none for "".
func (c *Client) authorize(host svchost.Hostname) Sign {
	return func(req *http.Request) error {
		if host == "" || req.URL.Scheme != "https" {
			return nil // a token never goes over the wire in the clear
		}
		c.mu.Lock()
		creds, err := c.credentials.ForHost(host)
		c.mu.Unlock()
		if err != nil {
			return fmt.Errorf("credentials for %s: %w", host.ForDisplay(), err)
		}
		if creds != nil {
			creds.PrepareRequest(req)
		}
		return nil
	}
}

func (c *Client) retry(ctx context.Context, try func() (retry, error)) error {
	wait := c.wait
	for left := c.retries; ; left-- {
		again, err := try()
		if err == nil || !again.worthwhile || left == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(max(jitter(wait), again.after)):
		}
		wait = min(2*wait, maxRetryWait)
	}
}

// jitter spreads tries of many processes that failed at the same moment.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d/2+1)
}

// Redact gives a URL for messages: without user, password and query, which may
// hold signatures.
func Redact(u *url.URL) string {
	plain := *u
	plain.User, plain.RawQuery, plain.Fragment = nil, "", ""
	return plain.String()
}
