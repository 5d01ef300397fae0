package server

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestHereOnly turns away requests that came by a name of somebody else's.
func TestHereOnly(t *testing.T) {
	t.Parallel()
	h := hereOnly(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") }))
	for host, want := range map[string]int{"127.0.0.1:8083": 200, "localhost:8083": 200, "localhost": 200, "[::1]:8083": 200, "[::1]": 200, "sync-localhost:8083": 200,
		"sync-127.0.0.1:80": 200, "evil.example:8083": 403, "127.0.0.1.evil.example": 403, "10.0.0.1:8083": 403, "": 403} {
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%q answers %d, want %d", host, w.Code, want)
		}
	}
}

// TestPortTaken names the address and what to do.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	o := newOptions(t)
	o.Listen = []string{taken.Addr().String()}
	_, err = Start(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "listen on "+taken.Addr().String()+": another process listens there") {
		t.Errorf("%v", err)
	}
}
