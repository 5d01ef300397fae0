package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// serverFile is server.json in the run folder.
type serverFile struct {
	Name   string `json:"name"`
	Listen string `json:"listen"`
}

//go:embed page.html
var pageSource string

// shop serves all branches.
type shop struct {
	name     string
	branches map[string]*Branch
	order    []*Branch
	page     *template.Template

	mu       sync.Mutex
	sessions map[string]string // token to branch
}

func newShop(name string, branches []*Branch) (*shop, error) {
	page, err := template.New("page").Funcs(template.FuncMap{"money": func(cents int) string {
		return fmt.Sprintf("%d.%02d", cents/100, cents%100)
	}}).Parse(pageSource)
	if err != nil {
		return nil, err
	}
	s := &shop{name: name, branches: map[string]*Branch{}, order: branches, page: page, sessions: map[string]string{}}
	for _, b := range branches {
		s.branches[b.Name] = b
	}
	return s, nil
}

func (s *shop) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.index)
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("GET /{branch}/books", s.in(s.search))
	mux.HandleFunc("POST /{branch}/orders", s.in(s.buy))
	mux.HandleFunc("POST /{branch}/login", s.in(s.login))
	mux.HandleFunc("GET /{branch}/orders", s.in(s.staff(s.orders)))
	mux.HandleFunc("DELETE /{branch}/orders/{number}", s.in(s.staff(s.cancel)))
	return http.MaxBytesHandler(mux, 64<<10)
}

type inBranch func(http.ResponseWriter, *http.Request, *Branch)

func (s *shop) in(f inBranch) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		b := s.branches[r.PathValue("branch")]
		if b == nil {
			answer(w, http.StatusNotFound, map[string]string{"error": "there is no such branch"})
			return
		}
		f(w, r, b)
	}
}

// staff lets only those in who have logged in at the branch.
func (s *shop) staff(f inBranch) inBranch {
	return func(w http.ResponseWriter, r *http.Request, b *Branch) {
		cookie, err := r.Cookie("session")
		s.mu.Lock()
		ok := err == nil && s.sessions[cookie.Value] == b.Name
		s.mu.Unlock()
		if !ok {
			answer(w, http.StatusUnauthorized, map[string]string{"error": "log in first"})
			return
		}
		f(w, r, b)
	}
}

func (s *shop) health(w http.ResponseWriter, _ *http.Request) {
	books := 0
	for _, b := range s.order {
		books += b.count()
	}
	answer(w, http.StatusOK, map[string]any{"name": s.name, "branches": len(s.order), "books": books, "version": version})
}

func (s *shop) search(w http.ResponseWriter, r *http.Request, b *Branch) {
	answer(w, http.StatusOK, b.Search(r.FormValue("q")))
}

func (s *shop) buy(w http.ResponseWriter, r *http.Request, b *Branch) {
	quantity, err := strconv.Atoi(r.FormValue("quantity"))
	if err != nil {
		quantity = 1
	}
	o, err := b.Order(r.FormValue("book"), quantity)
	switch {
	case errors.Is(err, errNoBook):
		answer(w, http.StatusNotFound, map[string]string{"error": err.Error()})
	case errors.Is(err, errSoldOut), errors.Is(err, errBadNumber):
		answer(w, http.StatusConflict, map[string]string{"error": err.Error()})
	case err != nil:
		answer(w, http.StatusInternalServerError, map[string]string{"error": "the order could not be kept"})
	default:
		answer(w, http.StatusCreated, o)
	}
}

func (s *shop) login(w http.ResponseWriter, r *http.Request, b *Branch) {
	if subtle.ConstantTimeCompare([]byte(r.FormValue("password")), []byte(b.password)) != 1 {
		answer(w, http.StatusForbidden, map[string]string{"error": "the password is wrong"})
		return
	}
	token := rand.Text()
	s.mu.Lock()
	s.sessions[token] = b.Name
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: "session", Value: token, Path: "/" + b.Name, Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	answer(w, http.StatusOK, map[string]string{"branch": b.Name})
}

func (s *shop) orders(w http.ResponseWriter, _ *http.Request, b *Branch) {
	answer(w, http.StatusOK, b.Orders())
}

func (s *shop) cancel(w http.ResponseWriter, r *http.Request, b *Branch) {
	number, _ := strconv.Atoi(r.PathValue("number"))
	if err := b.Cancel(number); err != nil {
		answer(w, http.StatusNotFound, map[string]string{"error": err.Error()})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *shop) index(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	q := r.FormValue("q")
	data := map[string]any{"Name": s.name, "Query": q, "Branches": s.order}
	if err := s.page.Execute(w, data); err != nil {
		fmt.Fprintln(os.Stderr, "shop: page:", err)
	}
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // who went away needs no answer
}

// serve runs until it is told to stop, and then finishes what it is doing.
func serve(run, listen string) error {
	var file serverFile
	if err := readJSON(filepath.Join(run, "server.json"), &file); err != nil {
		return err
	}
	if listen == "" {
		listen = file.Listen
	}
	branches, err := openBranches(run)
	if err != nil {
		return err
	}
	s, err := newShop(file.Name, branches)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	srv := &http.Server{Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		finish, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = srv.Shutdown(finish)
	}()
	fmt.Printf("serving %d branches on https://%s\n", len(branches), l.Addr())
	tls := filepath.Join(run, "tls")
	if err := srv.ServeTLS(l, filepath.Join(tls, "server.pem"), filepath.Join(tls, "server.key")); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
