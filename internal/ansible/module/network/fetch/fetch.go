// Package fetch asks servers for what a URL names, as the modules that load something do:
// uri, get_url, and those that load keys and packages.
//
// In: a Request. Out: an Answer, which tells what came in the words that Ansible's modules
// use: Info holds the status, the message, the cookies and the headers with names in lower
// case. What goes wrong on the way is an Answer too, with status -1. The package must not
// know modules.
package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"time"

	"tutti/internal/ansible/argument"
	"tutti/internal/ansible/module"
)

// Request is what is asked for.
type Request struct {
	Method, URL string
	Headers     map[string]string
	// Unredirected are names of headers that a redirected request does not carry.
	Unredirected []string
	Body         []byte
	// HasBody tells that Body is sent even when it is empty.
	HasBody bool
	// Since asks only for what is newer; the zero time for everything.
	Since time.Time
	// Force asks caches on the way for nothing old.
	Force   bool
	Timeout time.Duration
	// Follow says which redirects are followed: all, safe, none, or urllib2 ("").
	Follow string
	// Compressed leaves what comes in gzip as it is.
	Compressed bool
	Login      Login
	Route      Route
}

// Login is how the client tells who it is.
type Login struct {
	User, Password string
	// Basic sends the password before it is asked for.
	Basic bool
	Netrc bool
	Agent string
}

// Route is how the server is reached.
type Route struct {
	UseProxy         bool
	Insecure         bool
	Authority        string
	Certificate, Key string
	UnixSocket       string
	Ciphers          []string
}

// Answer is what came of it.
type Answer struct {
	// Info has "url", "status", "msg" and, when the server answered, the headers in lower
	// case, "cookies" and "cookies_string".
	Info   map[string]any
	Status int
	Msg    string
	// Header and Body are nil when no server answered. An answer that tells of a failure
	// has its body in Failure and not in Body.
	Header  http.Header
	Body    io.ReadCloser
	Failure []byte
	// URL is where the answer came from in the end.
	URL string
	// Broken tells that the connection went down, which modules tell as it is.
	Broken bool
}

// maxFailure is how much of a failed answer's body is kept.
const maxFailure = 64 << 20

// Options are the options that all modules share which fetch.
func Options() []argument.Option {
	return []argument.Option{
		{Name: "force", Type: argument.Bool, Default: false},
		{Name: "http_agent", Default: "ansible-httpget"},
		{Name: "use_proxy", Type: argument.Bool, Default: true},
		{Name: "validate_certs", Type: argument.Bool, Default: true},
		{Name: "force_basic_auth", Type: argument.Bool, Default: false},
		{Name: "client_cert", Type: argument.Path},
		{Name: "client_key", Type: argument.Path},
		{Name: "use_gssapi", Type: argument.Bool, Default: false},
	}
}

// Of gives what the shared arguments of a call say about a URL.
func Of(c *module.Call, target string) Request {
	r := Request{Method: http.MethodGet, URL: target, Headers: map[string]string{}, Force: c.Bool("force"), Timeout: 10 * time.Second}
	r.Login = Login{User: c.String("url_username"), Password: c.String("url_password"), Basic: c.Bool("force_basic_auth"), Agent: c.String("http_agent"),
		Netrc: c.Args["use_netrc"] != false}
	r.Route = Route{UseProxy: c.Args["use_proxy"] != false, Insecure: c.Args["validate_certs"] == false, Certificate: c.String("client_cert"), Key: c.String("client_key"),
		Authority: c.String("ca_path"), UnixSocket: c.String("unix_socket"), Ciphers: c.Strings("ciphers")}
	r.Unredirected = c.Strings("unredirected_headers")
	r.Compressed = c.Args["decompress"] == false
	for name, v := range c.Map("headers") {
		r.Headers[name] = text(v)
	}
	if seconds, ok := c.Int("timeout"); ok {
		r.Timeout = time.Duration(seconds) * time.Second
	}
	return r
}

func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		if v {
			return "True"
		}
		return "False"
	case nil:
		return "None"
	}
	return fmt.Sprint(v)
}

// Do asks. Body of the answer is to be closed.
func Do(ctx context.Context, r Request) *Answer {
	a := &Answer{Info: map[string]any{"url": Mask(r.URL)}, Status: -1, URL: r.URL}
	if rest, ok := strings.CutPrefix(r.URL, "file:"); ok {
		a.local(rest)
	} else {
		a.remote(ctx, r)
	}
	a.Info["status"], a.Info["msg"] = a.Status, a.Msg
	return a
}

// local reads a file: URL.
func (a *Answer) local(path string) {
	path = strings.TrimPrefix(strings.TrimPrefix(path, "//localhost"), "//")
	if plain, err := url.PathUnescape(path); err == nil {
		path = plain
	}
	file, err := os.Open(path)
	if err == nil {
		var info os.FileInfo
		if info, err = file.Stat(); err == nil && !info.IsDir() {
			size := fmt.Sprint(info.Size())
			a.Header = http.Header{"Content-Length": {size}}
			a.Info["content-length"], a.Info["cookies"], a.Info["cookies_string"] = size, map[string]any{}, ""
			a.Body, a.Status, a.Msg = file, 200, "OK ("+size+" bytes)"
			return
		}
		_ = file.Close()
		err = errors.Join(err, fmt.Errorf("[Errno 21] Is a directory: '%s'", path))
	}
	a.Msg = "Request failed: <urlopen error " + reason(err, path) + ">"
}

// maxRedirects is how many are followed, as in Python's urllib.
const maxRedirects = 10

func (a *Answer) remote(ctx context.Context, r Request) {
	target, err := url.Parse(strings.ReplaceAll(r.URL, " ", "%20"))
	switch {
	case err != nil:
		a.Msg, a.Broken = err.Error(), true
		return
	case target.Scheme == "":
		a.Msg, a.Broken = fmt.Sprintf("unknown url type: '%s'", r.URL), true
		return
	case target.Scheme != "http" && target.Scheme != "https":
		a.Msg = "Request failed: <urlopen error unknown url type: " + target.Scheme + ">"
		return
	case target.Host == "":
		a.Msg = "Request failed: <urlopen error no host given>"
		return
	}
	s, ctx, err := newSession(ctx, r, target)
	if err != nil {
		a.Msg = "Request failed: <urlopen error " + reason(err, "") + ">"
		return
	}
	current := request{method: strings.ToUpper(r.Method), target: target, body: r.Body, hasBody: r.HasBody || len(r.Body) > 0, headers: r.header()}
	for hops := 0; ; hops++ {
		response, err := s.send(ctx, current)
		if err != nil {
			s.cancel()
			a.wrong(err)
			return
		}
		next, follow := s.redirect(current, response)
		if follow && hops < maxRedirects {
			_ = response.Body.Close()
			current = next
			continue
		}
		a.take(s, response, current, follow)
		return
	}
}

// header are the headers of the first request.
func (r Request) header() http.Header {
	h := http.Header{}
	if r.Login.Agent != "" {
		h.Set("User-Agent", r.Login.Agent)
	}
	switch {
	case r.Force:
		h.Set("Cache-Control", "no-cache")
	case !r.Since.IsZero():
		h.Set("If-Modified-Since", r.Since.UTC().Format(http.TimeFormat))
	}
	h.Set("Accept-Encoding", "identity")
	for name, v := range r.Headers {
		h.Set(name, v)
	}
	return h
}

// take makes the answer of the last response.
func (a *Answer) take(s *session, response *http.Response, last request, endless bool) {
	a.Status, a.Header = response.StatusCode, response.Header
	if len(response.TransferEncoding) > 0 {
		a.Header.Set("Transfer-Encoding", strings.Join(response.TransferEncoding, ", "))
	}
	if response.Close && response.Header.Get("Connection") == "" && response.ProtoAtLeast(1, 1) {
		a.Header.Set("Connection", "close")
	}
	reason := strings.TrimPrefix(strings.TrimPrefix(response.Status, fmt.Sprint(response.StatusCode)), " ")
	if a.Status < 200 || a.Status >= 300 {
		for name, values := range a.Header {
			a.Info[strings.ToLower(name)] = values[len(values)-1]
		}
		if endless {
			reason = "The HTTP server returned a redirect error that would lead to an infinite loop.\nThe last 30x error message was:\n" + reason
		}
		a.Msg = fmt.Sprintf("HTTP Error %d: %s", a.Status, reason)
		a.Failure, _ = io.ReadAll(io.LimitReader(response.Body, maxFailure))
		_ = response.Body.Close()
		s.cancel()
		return
	}
	for name, values := range a.Header {
		a.Info[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	cookies, list := map[string]any{}, []string{}
	for _, c := range s.seen {
		cookies[c.Name] = c.Value
		list = append(list, c.Name+"="+c.Value)
	}
	a.Info["cookies"], a.Info["cookies_string"] = cookies, strings.Join(list, "; ")
	length := a.Header.Get("Content-Length")
	if length == "" {
		length = "unknown"
	}
	a.URL = last.target.String()
	a.Msg, a.Info["url"] = "OK ("+length+" bytes)", Mask(a.URL)
	a.Body = &body{response.Body, response.Body, s.cancel}
	if strings.EqualFold(a.Header.Get("Content-Encoding"), "gzip") && !s.compressed {
		a.Body = &body{&lazyGzip{from: response.Body}, response.Body, s.cancel}
	}
}

// body ends the request's time when it is closed.
type body struct {
	io.Reader
	under  io.Closer
	cancel context.CancelFunc
}

// Close implements io.Closer.
func (b *body) Close() error {
	b.cancel()
	return b.under.Close()
}

// lazyGzip unpacks from the first read on: the answer to HEAD has the header but no content.
type lazyGzip struct {
	from io.Reader
	to   io.Reader
}

// Read implements io.Reader.
func (g *lazyGzip) Read(p []byte) (int, error) {
	if g.to == nil {
		z, err := gzip.NewReader(g.from)
		if err != nil {
			return 0, err
		}
		g.to = z
	}
	return g.to.Read(p)
}

// Mask hides the name and password in a URL.
func Mask(target string) string {
	scheme, rest, ok := strings.Cut(target, "://")
	if !ok {
		return target
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	at := strings.LastIndexByte(rest[:end], '@')
	if at <= 0 {
		return target
	}
	mask := "****@"
	if strings.Contains(rest[:at], ":") {
		mask = "****:****@"
	}
	return scheme + "://" + mask + rest[at+1:]
}

// jar gives a store for cookies.
func jar() *cookiejar.Jar {
	j, _ := cookiejar.New(nil) // fails for no options
	return j
}

// reader gives a request's body.
func reader(data []byte, has bool) io.Reader {
	if !has {
		return nil
	}
	return bytes.NewReader(data)
}
