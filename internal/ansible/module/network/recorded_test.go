package network_test

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"tutti/internal/ansible/module/moduletest"
)

// address is where the server of the cases listens; results show it, so it has to be the same
// when they are recorded.
const address = "127.0.0.1:18923"

// TestRecorded holds the modules to ansible-core: both ask the same server.
func TestRecorded(t *testing.T) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Skipf("the cases need their port: %v", err)
	}
	server := &http.Server{Handler: http.HandlerFunc(serve)}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	moduletest.Run(t, "testdata/*.yml")
}

func serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Date", "Mon, 02 Jan 2023 03:04:05 GMT")
	text := func(s string) {
		h.Set("Content-Type", "text/plain; charset=utf-8")
		h.Set("Content-Length", fmt.Sprint(len(s)))
		_, _ = io.WriteString(w, s)
	}
	user, password, _ := r.BasicAuth()
	switch path := r.URL.Path; path {
	case "/text", "/dir/file.txt":
		if since := r.Header.Get("If-Modified-Since"); since != "" && strings.Contains(r.URL.RawQuery, "old") {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		text("hello\n")
	case "/json":
		h.Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"a": [1, 2.5, null], "b": "ü"}`)
	case "/problem":
		h.Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"title": "taken"}`)
	case "/echo":
		body, _ := io.ReadAll(r.Body)
		boundary := ""
		if _, b, ok := strings.Cut(r.Header.Get("Content-Type"), `boundary="`); ok {
			boundary = strings.TrimSuffix(b, `"`)
		}
		one := func(s string) string {
			if boundary == "" {
				return s
			}
			return strings.ReplaceAll(s, boundary, "BOUNDARY")
		}
		h.Set("Content-Type", "application/json")
		data, _ := json.Marshal(map[string]any{"method": r.Method, "body": one(string(body)), "type": one(r.Header.Get("Content-Type")),
			"agent": r.UserAgent(), "x": r.Header.Get("X-Mine"), "length": r.ContentLength > 0, "cache": r.Header.Get("Cache-Control"),
			"encoding": r.Header.Get("Accept-Encoding"), "authorization": r.Header.Get("Authorization")})
		h.Set("Content-Length", fmt.Sprint(len(data)))
		_, _ = w.Write(data)
	case "/cookies":
		http.SetCookie(w, &http.Cookie{Name: "one", Value: "1", Path: "/"})
		http.SetCookie(w, &http.Cookie{Name: "two", Value: "2", Path: "/"})
		text("biscuits")
	case "/auth":
		if user != "me" || password != "secret" {
			h.Set("Www-Authenticate", `Basic realm="here"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		text("welcome")
	case "/moved", "/found", "/see", "/temporary":
		h.Set("Location", "/echo")
		w.WriteHeader(map[string]int{"/moved": 301, "/found": 302, "/see": 303, "/temporary": 307}[path])
	case "/loop":
		h.Set("Location", "/loop")
		w.WriteHeader(http.StatusFound)
	case "/gzip":
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Type", "text/plain")
		z := gzip.NewWriter(w)
		_, _ = io.WriteString(z, "packed")
		_ = z.Close()
	case "/disposed":
		h.Set("Content-Disposition", `attachment; filename="../named.txt"`)
		text("named")
	case "/sums":
		text("5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03  ./file.txt\n00  other\n")
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}
