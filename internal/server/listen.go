package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"tutti/internal/server/access"
	"tutti/internal/server/control"
	"tutti/internal/server/states"
)

// checkListen refuses addresses that others can reach when nobody has to prove who
// they are.
func checkListen(addresses []string, keys access.Keys) error {
	for _, a := range addresses {
		host, _, err := net.SplitHostPort(a)
		if err != nil {
			return fmt.Errorf("listen on %s: %w", a, err)
		}
		if keys.Len() > 0 || loopback(host) {
			continue
		}
		return fmt.Errorf("listen on %s: without access keys only loopback addresses such as 127.0.0.1:8083 are served, since everybody who reaches the "+
			"address could run programs here: give -access-keys FILE, or set %s", a, access.Variable)
	}
	return nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// hereOnly hands on requests to this machine by one of its own names. A page in a
// browser reaches a loopback address by a name that somebody else gives it (DNS
// rebinding), and could run programs here.
func hereOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		// Clients put sync- before the names of hosts for some actions.
		if !loopback(strings.Trim(strings.TrimPrefix(host, "sync-"), "[]")) {
			say(w, http.StatusForbidden, "Without access keys only requests to localhost or a loopback address are answered.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// headerTimeout bounds how long a connection may take to say what it wants. Bodies
// and answers have no bound: GetActivityTask waits for a minute, and the executions
// that StartSyncExecution waits for may take longer.
const headerTimeout = 20 * time.Second

// listen opens the socket and the addresses.
func (s *Server) listen(ctx context.Context) error {
	var lc net.ListenConfig
	for _, address := range s.o.Listen {
		l, err := lc.Listen(ctx, "tcp", address)
		switch {
		case errors.Is(err, syscall.EADDRINUSE):
			return fmt.Errorf("listen on %s: another process listens there. Stop it, or give another address: -listen 127.0.0.1:0 takes any free port", address)
		case err != nil:
			return fmt.Errorf("listen on %s: %w", address, err)
		}
		s.urls = append(s.urls, "http://"+l.Addr().String())
		var api http.Handler = hereOnly(s.api)
		if s.o.Keys.Len() > 0 {
			api = &access.Guard{Keys: s.o.Keys, Next: s.api, MaxBody: states.MaxRequest}
		}
		s.serve(l, s.mux(api))
	}
	path := filepath.Join(s.o.Folder, control.SocketName)
	// The lock is ours, so a socket that is there was left by a process that is gone.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the socket of a server that is gone: %w", err)
	}
	l, err := lc.Listen(ctx, "unix", path)
	if err != nil {
		return fmt.Errorf("listen for the commands of this folder: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close() // the other error is told
		return fmt.Errorf("listen for the commands of this folder: %w", err)
	}
	mux := s.mux(s.api)
	s.addControl(mux)
	s.serve(l, mux)
	return nil
}

func (s *Server) serve(l net.Listener, h http.Handler) {
	one := &http.Server{Handler: h, ReadHeaderTimeout: headerTimeout}
	s.servers = append(s.servers, one)
	go func() {
		if err := one.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			select {
			case s.failed <- fmt.Errorf("listen on %s: %w", l.Addr(), err):
			default: // one is told already
			}
		}
	}()
}

// mux is what every listener serves.
func (s *Server) mux(api http.Handler) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("/", api)
	mux.Handle("GET /metrics", s.metrics.handler())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if !s.ready.Load() {
			say(w, http.StatusServiceUnavailable, "starting or stopping")
			return
		}
		if _, err := s.store.ListDocuments(r.Context(), oneDocument()); err != nil {
			s.o.Log.Error("the store cannot be read", "error", err)
			say(w, http.StatusServiceUnavailable, "the store cannot be read")
			return
		}
		say(w, http.StatusOK, "ready")
	})
	return mux
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text) // whoever asked may have gone away
}

// lastAnswers is how long requests may take to end once the server stops.
const lastAnswers = time.Second

func (s *Server) closeFront(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lastAnswers)
	defer cancel()
	var errs []error
	for _, one := range s.servers {
		if one.Shutdown(ctx) != nil {
			// Somebody waits for a task of an activity, or for an execution's end.
			errs = append(errs, one.Close())
		}
	}
	return errors.Join(errs...)
}
