package service

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	svchost "github.com/hashicorp/terraform-svchost"

	"tutti/internal/terraform/install/cliconfig"
)

// server answers by path; each path may have several answers, one after the
// other, of which the last stays.
func server(t *testing.T, answers map[string][]http.HandlerFunc) (*httptest.Server, svchost.Hostname) {
	t.Helper()
	calls := map[string]int{}
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		list := answers[r.URL.Path]
		if len(list) == 0 {
			http.NotFound(w, r)
			return
		}
		i := min(calls[r.URL.Path], len(list)-1)
		calls[r.URL.Path]++
		list[i](w, r)
	}))
	t.Cleanup(s.Close)
	return s, svchost.Hostname(strings.TrimPrefix(s.URL, "https://"))
}

func text(s string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, s) }
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func client(s *httptest.Server, config *cliconfig.Config) *Client {
	return New(Options{Config: config, Transport: s.Client().Transport, RetryWait: 1})
}

func at(t *testing.T, s *httptest.Server, path string) *url.URL {
	t.Helper()
	u, err := url.Parse(s.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestDiscovery(t *testing.T) {
	s, host := server(t, map[string][]http.HandlerFunc{
		"/.well-known/terraform.json": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere/d.json", http.StatusFound)
		}},
		"/elsewhere/d.json": {text(`{"a.v1":"x/","b.v1":"/y","c.v1":"https://other.example.com/z/","d.v1":{"client":"oauth"},"e.v1":"ftp://x/"}`)},
	})
	c := client(s, nil)
	for name, want := range map[string]string{"a.v1": s.URL + "/elsewhere/x/", "b.v1": s.URL + "/y/", "c.v1": "https://other.example.com/z/"} {
		u, err := c.Discover(t.Context(), host, name)
		if err != nil || u.String() != want {
			t.Errorf("%s: %v, %v; want %s", name, u, err, want)
		}
	}
	for _, name := range []string{"d.v1", "f.v1"} {
		var none *NoServiceError
		if _, err := c.Discover(t.Context(), host, name); !errors.As(err, &none) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.Discover(t.Context(), host, "e.v1"); err == nil {
		t.Error("ftp is no way to speak with a service")
	}
	bare, host := server(t, nil)
	if _, err := client(bare, nil).Discover(t.Context(), host, "a.v1"); err == nil || !strings.Contains(err.Error(), "does not offer") {
		t.Errorf("a host without services: %v", err)
	}
}

func TestCredentialsGoToTheirHostOnly(t *testing.T) {
	var seen []string
	note := func(w http.ResponseWriter, r *http.Request) { seen = append(seen, r.Header.Get("Authorization")) }
	other, _ := server(t, map[string][]http.HandlerFunc{"/there": {note}})
	s, host := server(t, map[string][]http.HandlerFunc{
		"/here": {note},
		"/away": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, strings.Replace(other.URL, "127.0.0.1", "localhost", 1)+"/there", http.StatusFound)
		}},
	})
	file := filepath.Join(t.TempDir(), "rc")
	if err := os.WriteFile(file, []byte("credentials \""+string(host)+"\" {\n  token = \"secret\"\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	config, list := cliconfig.Load(cliconfig.Environment{Vars: map[string]string{"TF_CLI_CONFIG_FILE": file}})
	if len(list) != 0 {
		t.Fatal(list.Err())
	}
	transport, ok := s.Client().Transport.(*http.Transport)
	if !ok {
		t.Fatal("httptest's client has another transport")
	}
	transport = transport.Clone()
	transport.TLSClientConfig.InsecureSkipVerify = true // the other server is called by another name than its certificate's
	c := New(Options{Config: config, Transport: transport, RetryWait: 1})
	plain := *at(t, s, "/here")
	plain.Scheme = "http"
	for _, try := range []struct {
		u    *url.URL
		host svchost.Hostname
	}{{at(t, s, "/here"), host}, {at(t, s, "/here"), ""}, {at(t, s, "/away"), host}} {
		if _, err := c.Get(t.Context(), try.u, try.host); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"Bearer secret", "", ""}; !equal(seen, want) {
		t.Errorf("sent %q, want %q", seen, want)
	}
	req, err := http.NewRequest(http.MethodGet, plain.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.authorize(host)(req); err != nil || req.Header.Get("Authorization") != "" {
		t.Error("the token would go over the wire in the clear")
	}
}

func equal(a, b []string) bool {
	return strings.Join(a, "|") == strings.Join(b, "|") && len(a) == len(b)
}

// buffer is a download in memory.
type buffer struct{ bytes.Buffer }

func (b *buffer) Rewind() error { b.Reset(); return nil }

// half breaks off in the middle of an answer.
func half(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "10")
	_, _ = fmt.Fprint(w, "01234")
}

func TestTriesAgainWhatMayPass(t *testing.T) {
	s, _ := server(t, map[string][]http.HandlerFunc{
		"/busy":   {status(503), text("good")},
		"/limit":  {status(429), text("good")},
		"/broken": {half, text("0123456789")},
		"/gone":   {status(404), text("too late")},
		"/denied": {status(401), text("too late")},
		"/down":   {status(500)},
	})
	c := client(s, nil)
	for path, want := range map[string]string{"/busy": "good", "/limit": "good", "/broken": "0123456789"} {
		var b buffer
		if err := c.Download(t.Context(), at(t, s, path), "", &b, 100); err != nil || b.String() != want {
			t.Errorf("%s: %q, %v", path, b.String(), err)
		}
	}
	for path, code := range map[string]int{"/gone": 404, "/denied": 401, "/down": 500} {
		var e *StatusError
		if _, err := c.Get(t.Context(), at(t, s, path+"?secret=1"), ""); !errors.As(err, &e) || e.Code != code || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestBounds(t *testing.T) {
	s, _ := server(t, map[string][]http.HandlerFunc{
		"/big":  {text("01234567890")},
		"/loop": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) }},
		"/down": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+r.Host+"/big", http.StatusFound)
		}},
	})
	c := client(s, nil)
	var b buffer
	if err := c.Download(t.Context(), at(t, s, "/big"), "", &b, 10); err == nil || !strings.Contains(err.Error(), "larger than 10 bytes") {
		t.Errorf("too big: %v", err)
	}
	if err := c.Download(t.Context(), at(t, s, "/big"), "", &b, 11); err != nil {
		t.Errorf("just fits: %v", err)
	}
	for path, word := range map[string]string{"/loop": "redirections", "/down": "from https to http"} {
		if _, err := c.Get(t.Context(), at(t, s, path), ""); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// A server that never answers holds nobody longer than the caller wants.
func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, _ := server(t, map[string][]http.HandlerFunc{"/": {func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	}}})
	if _, err := client(s, nil).Get(ctx, at(t, s, "/"), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestTimeoutFromTheEnvironment(t *testing.T) {
	for value, want := range map[string]time.Duration{"": 10 * time.Second, "3": 3 * time.Second, "0": time.Second, "x": 10 * time.Second} {
		config, _ := cliconfig.Load(cliconfig.Environment{Vars: map[string]string{"TF_REGISTRY_CLIENT_TIMEOUT": value}})
		if got := New(Options{Config: config}).http.Timeout; got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}
