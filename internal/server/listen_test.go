package server

import (
	"net/http"
	"net/http/httptest"
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
