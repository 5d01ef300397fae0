package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"tutti/internal/flow"
	"tutti/internal/runtime/local"
	"tutti/internal/server/control"
	"tutti/internal/store"
)

// addControl serves the commands of this folder.
func (s *Server) addControl(mux *http.ServeMux) {
	mux.HandleFunc("GET "+control.PathStatus, func(w http.ResponseWriter, _ *http.Request) { answer(w, s.status(), nil) })
	mux.HandleFunc("POST "+control.PathStart, func(w http.ResponseWriter, r *http.Request) { handle(w, r, s.controlStart) })
	mux.HandleFunc("POST "+control.PathRun, func(w http.ResponseWriter, r *http.Request) { handle(w, r, s.controlRun) })
}

// maxControl is the size in bytes of a command's request: a definition and an input.
const maxControl = 1 << 30

func handle[In, Out any](w http.ResponseWriter, r *http.Request, f func(context.Context, In) (Out, error)) {
	var in In
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxControl)).Decode(&in); err != nil {
		answer(w, nil, fmt.Errorf("the request cannot be read: %w", err))
		return
	}
	out, err := f(r.Context(), in)
	answer(w, out, err)
}

func answer(w http.ResponseWriter, out any, err error) {
	w.Header().Set("Content-Type", "application/json")
	status := http.StatusOK
	if err != nil {
		status, out = http.StatusBadRequest, problemOf(err)
	}
	text, err := json.Marshal(out)
	if err != nil {
		panic(fmt.Sprintf("server: invariant broken: an answer to a command is no JSON: %v", err))
	}
	w.WriteHeader(status)
	_, _ = w.Write(text) // whoever asked may have gone away
}

func problemOf(err error) *control.Problem {
	p := &control.Problem{Message: err.Error()}
	var there *store.ExistsError
	switch {
	case errors.As(err, &there):
		p.Kind, p.Run = control.KindExists, there.Run
	case errors.Is(err, store.ErrNotFound):
		p.Kind = control.KindNotFound
	case errors.Is(err, local.ErrEnded):
		p.Kind = control.KindEnded
	}
	return p
}

func (s *Server) controlStart(ctx context.Context, in control.Start) (control.Started, error) {
	id, err := s.host.Start(ctx, store.Run{Machine: in.Machine, Owner: in.Owner, Name: in.Name, Parent: in.Parent, Command: in.Command,
		User: in.User, Host: in.Host, Input: in.Input})
	return control.Started{Run: id}, err
}

func (s *Server) controlRun(ctx context.Context, in control.Ask) (control.Result, error) {
	var none control.Result
	switch in.Do {
	case control.AskSignal:
		return none, s.host.Signal(ctx, in.Run, flow.Signaled{Name: in.Signal, Payload: in.Payload})
	case control.AskCancel:
		return none, s.host.Cancel(ctx, in.Run, in.Reason)
	case control.AskResume:
		return none, s.host.Resume(ctx, in.Run)
	case control.AskRedrive:
		return none, s.host.Redrive(ctx, in.Run, in.Payload)
	case control.AskWait:
		res, err := s.host.Wait(ctx, in.Run)
		return control.Result{Status: res.Status, Output: res.Output, Failure: res.Failure}, err
	default:
		return none, fmt.Errorf("a run cannot be asked to %q", in.Do)
	}
}
