package fetch

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"tutti/internal/ansible/module"
)

// session is one request with all that it is redirected to.
type session struct {
	transport  *http.Transport
	jar        *cookiejar.Jar
	seen       []*http.Cookie
	cancel     context.CancelFunc
	follow     string
	login      Login
	drop       []string
	compressed bool
}

// request is one of them.
type request struct {
	method  string
	target  *url.URL
	headers http.Header
	body    []byte
	hasBody bool
	// asked tells that the server wanted a password and got it.
	asked bool
}

// newSession gives a session and the context in which its requests run.
func newSession(ctx context.Context, r Request, target *url.URL) (*session, context.Context, error) {
	config, err := r.Route.tls()
	if err != nil {
		return nil, ctx, err
	}
	s := &session{jar: jar(), follow: r.Follow, login: r.Login, drop: r.Unredirected, compressed: r.Compressed}
	if s.login.User == "" && target.User != nil {
		s.login.User = target.User.Username()
		s.login.Password, _ = target.User.Password()
	}
	target.User = nil
	if s.login.User == "" && s.login.Netrc {
		if user, password, ok := netrc(ctx, target.Hostname()); ok {
			s.login = Login{User: user, Password: password, Basic: true}
		}
	}
	s.transport = &http.Transport{TLSClientConfig: config, DisableCompression: true, DisableKeepAlives: true, MaxResponseHeaderBytes: 1 << 20}
	if r.Route.UseProxy {
		s.transport.Proxy = func(q *http.Request) (*url.URL, error) { return proxy(ctx, q.URL) }
	}
	if socket := r.Route.UnixSocket; socket != "" {
		s.transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}
	}
	limited, cancel := context.WithCancel(ctx)
	if r.Timeout > 0 {
		cancel()
		limited, cancel = context.WithTimeout(ctx, r.Timeout)
	}
	s.cancel = cancel
	return s, limited, nil
}

// tls says whom we trust and who we are.
func (r Route) tls() (*tls.Config, error) {
	config := &tls.Config{InsecureSkipVerify: r.Insecure, MinVersion: tls.VersionTLS12}
	if r.Authority != "" {
		pem, err := os.ReadFile(r.Authority)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("no certificate in %s", r.Authority)
		}
	}
	if r.Certificate != "" {
		key := r.Key
		if key == "" {
			key = r.Certificate
		}
		pair, err := tls.LoadX509KeyPair(r.Certificate, key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	for _, name := range r.Ciphers {
		for _, suite := range tls.CipherSuites() {
			if strings.EqualFold(suite.Name, name) {
				config.CipherSuites = append(config.CipherSuites, suite.ID)
			}
		}
	}
	return config, nil
}

// send makes one round trip, and a second when the server asks for a password.
func (s *session) send(ctx context.Context, r request) (*http.Response, error) {
	q, err := http.NewRequestWithContext(ctx, r.method, r.target.String(), reader(r.body, r.hasBody))
	if err != nil {
		return nil, err
	}
	q.Header = r.headers.Clone()
	if host := q.Header.Get("Host"); host != "" {
		q.Host = host
	}
	if r.hasBody && q.Header.Get("Content-Type") == "" {
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if s.login.User != "" && s.login.Basic && q.Header.Get("Authorization") == "" {
		q.SetBasicAuth(s.login.User, s.login.Password)
	}
	for _, c := range s.jar.Cookies(r.target) {
		q.AddCookie(c)
	}
	response, err := s.transport.RoundTrip(q)
	if err != nil {
		return nil, err
	}
	if found := response.Cookies(); len(found) > 0 {
		s.jar.SetCookies(r.target, found)
		s.remember(found)
	}
	if response.StatusCode != http.StatusUnauthorized || r.asked || s.login.User == "" || s.login.Basic {
		return response, nil
	}
	credentials := s.answerTo(response.Header.Values("Www-Authenticate"), r)
	if credentials == "" {
		return response, nil
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxFailure))
	_ = response.Body.Close()
	r.headers = r.headers.Clone()
	r.headers.Set("Authorization", credentials)
	r.asked = true
	return s.send(ctx, r)
}

// remember keeps cookies in the order in which they came; one that comes again takes the place
// of the older.
func (s *session) remember(cookies []*http.Cookie) {
	for _, c := range cookies {
		for i, old := range s.seen {
			if old.Name == c.Name {
				s.seen = append(s.seen[:i], s.seen[i+1:]...)
				break
			}
		}
		if c.MaxAge >= 0 {
			s.seen = append(s.seen, c)
		}
	}
}

// answerTo gives the Authorization that a server's challenge asks for.
func (s *session) answerTo(challenges []string, r request) string {
	for _, c := range challenges {
		scheme, rest, _ := strings.Cut(c, " ")
		switch strings.ToLower(scheme) {
		case "basic":
			return "Basic " + base64.StdEncoding.EncodeToString([]byte(s.login.User+":"+s.login.Password))
		case "digest":
			if d := s.digest(parameters(rest), r); d != "" {
				return d
			}
		}
	}
	return ""
}

// digest answers a challenge of RFC 2617 with MD5, which is what servers ask for.
func (s *session) digest(p map[string]string, r request) string {
	if a := p["algorithm"]; a != "" && !strings.EqualFold(a, "MD5") {
		return ""
	}
	sum := func(parts ...string) string {
		h := md5.Sum([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(h[:])
	}
	raw := make([]byte, 8)
	_, _ = rand.Read(raw) // never fails
	cnonce, uri := hex.EncodeToString(raw), r.target.RequestURI()
	user, method := sum(s.login.User, p["realm"], s.login.Password), sum(r.method, uri)
	response, quality := sum(user, p["nonce"], method), ""
	if p["qop"] != "" {
		response = sum(user, p["nonce"], "00000001", cnonce, "auth", method)
		quality = `, qop=auth, nc=00000001, cnonce="` + cnonce + `"`
	}
	header := fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s", response="%s", algorithm="MD5"`, s.login.User, p["realm"], p["nonce"], uri, response)
	if p["opaque"] != "" {
		header += `, opaque="` + p["opaque"] + `"`
	}
	return header + quality
}

// parameters reads k="v", k=v.
func parameters(s string) map[string]string {
	found := map[string]string{}
	for s != "" {
		name, rest, ok := strings.Cut(s, "=")
		if !ok {
			break
		}
		var v string
		if strings.HasPrefix(rest, `"`) {
			v, rest, _ = strings.Cut(rest[1:], `"`)
			_, rest, _ = strings.Cut(rest, ",")
		} else {
			v, rest, _ = strings.Cut(rest, ",")
		}
		found[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(v)
		s = rest
	}
	return found
}

// redirect gives the request that an answer leads to and whether it is to be followed.
func (s *session) redirect(r request, response *http.Response) (request, bool) {
	code, location := response.StatusCode, response.Header.Get("Location")
	switch code {
	case 301, 302, 303, 307, 308:
	default:
		return r, false
	}
	safe := r.method == http.MethodGet || r.method == http.MethodHead
	allowed := false
	switch s.follow {
	case "all", "yes":
		allowed = true
	case "safe":
		allowed = safe
	case "", "urllib2":
		allowed = safe || r.method == http.MethodPost && code < 307
	}
	target, err := r.target.Parse(strings.ReplaceAll(location, " ", "%20"))
	if !allowed || location == "" || err != nil || target.Scheme != "http" && target.Scheme != "https" {
		return r, false
	}
	next := request{method: r.method, target: target, headers: r.headers.Clone(), body: r.body, hasBody: r.hasBody}
	for _, name := range s.drop {
		next.headers.Del(name)
	}
	if target.Host != r.target.Host {
		next.headers.Del("Host")
	}
	if s.follow == "" || s.follow == "urllib2" || code < 307 {
		next.body, next.hasBody = nil, false
		for _, name := range []string{"Content-Length", "Content-Type", "Transfer-Encoding"} {
			next.headers.Del(name)
		}
	}
	switch {
	case s.follow == "" || s.follow == "urllib2":
		next.method = http.MethodGet
	case r.method == http.MethodHead:
	case code == 302 || code == 303, code == 301 && r.method == http.MethodPost:
		next.method = http.MethodGet
	}
	return next, true
}

// wrong tells an error of the way to the server.
func (a *Answer) wrong(err error) {
	var dial *net.OpError
	switch {
	case errors.As(err, &dial) && dial.Op == "dial":
		a.Msg = "Request failed: <urlopen error " + reason(err, "") + ">"
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		a.Msg = "Connection failure: The read operation timed out"
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		a.Msg, a.Broken = "Remote end closed connection without response", true
	case errors.Is(err, syscall.ECONNRESET):
		a.Msg, a.Broken = "[Errno 104] Connection reset by peer", true
	default:
		a.Msg = "Request failed: <urlopen error " + reason(err, "") + ">"
	}
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// reason tells an error in Python's words where users know them.
func reason(err error, path string) string {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	errno, isErrno := errors.AsType[syscall.Errno](err)
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "[Errno -2] Name or service not known"
	case errors.As(err, &dns):
		return "[Errno -3] Temporary failure in name resolution"
	case isTimeout(err):
		return "timed out"
	case isErrno:
		s := errno.Error()
		s = fmt.Sprintf("[Errno %d] %s%s", int(errno), strings.ToUpper(s[:1]), s[1:])
		if path != "" {
			s += ": '" + path + "'"
		}
		return s
	case errors.As(err, &certificate):
		return "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: " + certificate.Err.Error()
	}
	return err.Error()
}

// proxy finds the proxy for a URL in the environment of the call, as Python does.
func proxy(ctx context.Context, target *url.URL) (*url.URL, error) {
	get := func(name string) string {
		if v, ok := module.Getenv(ctx, strings.ToLower(name)); ok {
			return v
		}
		v, _ := module.Getenv(ctx, strings.ToUpper(name))
		return v
	}
	address := get(target.Scheme + "_proxy")
	if address == "" {
		address = get("all_proxy")
	}
	if address == "" || exempt(get("no_proxy"), target) {
		return nil, nil
	}
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	return url.Parse(address)
}

// exempt tells that no_proxy names a host, by its name or the end of it.
func exempt(list string, target *url.URL) bool {
	if strings.TrimSpace(list) == "*" {
		return true
	}
	for _, name := range strings.Split(list, ",") {
		name = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(name)), ".")
		for _, host := range []string{strings.ToLower(target.Hostname()), strings.ToLower(target.Host)} {
			if name != "" && (host == name || strings.HasSuffix(host, "."+name)) {
				return true
			}
		}
	}
	return false
}

// netrc looks a host up in the file of logins.
func netrc(ctx context.Context, host string) (user, password string, ok bool) {
	path, _ := module.Getenv(ctx, "NETRC")
	if path == "" {
		home, _ := module.Getenv(ctx, "HOME")
		path = filepath.Join(home, ".netrc")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", "", false
	}
	words := strings.Fields(string(data))
	mine := false
	for i := 0; i < len(words); i++ {
		switch words[i] {
		case "machine":
			if mine {
				return user, password, user != "" && password != ""
			}
			if i++; i < len(words) {
				mine = words[i] == host
			}
		case "default":
			if mine {
				return user, password, user != "" && password != ""
			}
			mine = true
		case "login", "password", "account":
			key := words[i]
			if i++; i < len(words) && mine && key == "login" {
				user = words[i]
			} else if i < len(words) && mine && key == "password" {
				password = words[i]
			}
		}
	}
	return user, password, mine && user != "" && password != ""
}
