// Package states is the AWS Step Functions API (JSON 1.0) over tutti's own runs.
//
// In: HTTP requests as every AWS client sends them (X-Amz-Target:
// AWSStepFunctions.StartExecution). Out: the service's answers and errors. It owns
// state machines with their versions and aliases, activities, tags, and what an
// execution looks like from outside. It must not know who may call (package
// access), nor how an execution is carried out (packages executor, runtime/local
// and stepfunctions/execution).
//
// State machines and activities are documents of the store, all of them held in
// memory as well: there is one server to a store, so nobody else changes them. An
// execution is a run; nothing is kept of it but the run and its journal.
//
// Start at API; model.go and constraint.go hold inputs against the service's own
// model; then one file for each kind of thing.
//
// Source: the AWS Step Functions API reference, and the model in botocore.
package states

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"tutti/internal/executor"
	"tutti/internal/flow"
	"tutti/internal/runtime/local"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/store"
)

// Host carries runs out; *local.Host is one.
type Host interface {
	Start(ctx context.Context, r store.Run) (store.RunID, error)
	Signal(ctx context.Context, run store.RunID, s flow.Signaled) error
	Cancel(ctx context.Context, run store.RunID, reason string) error
	Wait(ctx context.Context, run store.RunID) (local.Result, error)
	Redrive(ctx context.Context, run store.RunID, payload []byte) error
}

var _ Host = (*local.Host)(nil)

// Store is the part of a store that the API needs.
type Store interface {
	store.Runs
	store.Journal
	store.Documents
}

// Options say what the API stands on.
type Options struct {
	Store    Store
	Host     Host
	Executor *executor.Executor
	// Account and Region are in the ARNs of what is created; the region only when the
	// request is not signed for one.
	Account, Region string
	// Limits are those of executions; Strict also holds definitions, payloads and
	// histories of requests to the service's own sizes.
	Limits execution.Limits
	Strict bool
	// Clock is the machine's own when nil.
	Clock func() time.Time
	// Answered is told of every request, for metrics and logs; it may be nil.
	Answered func(action, code string, took time.Duration)
	// Ended is told of the ends of EXPRESS executions, which no other Host tells of; it
	// may be nil, and must not block.
	Ended func(r store.Run, res local.Result)
	Log   *slog.Logger
}

// API answers requests. It is safe for concurrent use.
type API struct {
	o        Options
	model    *model
	registry *registry
	mapRuns  mapRunIndex
	express  *expresses
}

// The defaults of ARNs: what Step Functions Local uses.
const (
	DefaultAccount = "123456789012"
	DefaultRegion  = "us-east-1"
)

// MaxRequest is the size in bytes that a request's body may have. It leaves room for
// a payload of execution.DefaultPayload whose quotes are all escaped.
const MaxRequest = 2*execution.DefaultPayload + 1<<20

// New reads what the store holds.
func New(ctx context.Context, o Options) (*API, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Account == "" {
		o.Account = DefaultAccount
	}
	if o.Region == "" {
		o.Region = DefaultRegion
	}
	r, err := openRegistry(ctx, o.Store)
	if err != nil {
		return nil, fmt.Errorf("read the state machines: %w", err)
	}
	a := &API{o: o, model: theModel(), registry: r}
	a.express, err = newExpresses(a)
	return a, err
}

// Recover starts EXPRESS executions again that the server's end interrupted, and tells
// how many. The others are the Host's to recover.
func (a *API) Recover(ctx context.Context) (int, error) { return a.express.recover(ctx) }

// Close lets EXPRESS executions that go on finish within the Host's grace. What is
// interrupted starts again with the next Recover.
func (a *API) Close(ctx context.Context) error { return a.express.host.Close(ctx) }

// call is what is known of a request beside its input.
type call struct {
	// region is the one that the request was signed for, or the server's own.
	region string
}

// action answers one kind of request, whose input has been checked against the model.
type action func(a *API, ctx context.Context, c call, body []byte) (any, error)

// typed makes an action of a method that takes its input as a struct.
func typed[In any](f func(*API, context.Context, call, *In) (any, error)) action {
	return func(a *API, ctx context.Context, c call, body []byte) (any, error) {
		in := new(In)
		if err := json.Unmarshal(body, in); err != nil {
			return nil, serialization(err.Error())
		}
		return f(a, ctx, c, in)
	}
}

// actions are all that is answered, by name.
var actions = sync.OnceValue(func() map[string]action {
	all := map[string]action{}
	for _, group := range []map[string]action{stateMachineActions(), executionActions(), taskActions(), resourceActions()} {
		maps.Copy(all, group)
	}
	return all
})

const targetPrefix = "AWSStepFunctions."

// ServeHTTP implements http.Handler.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	name, answer, err := a.answer(r)
	code := a.reply(w, name, answer, err)
	if a.o.Answered != nil {
		a.o.Answered(name, code, time.Since(began))
	}
}

func (a *API) answer(r *http.Request) (name string, answer any, err error) {
	target, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	f, known := actions()[target]
	if !ok || !known || r.Method != http.MethodPost {
		return "", nil, &Fault{Code: "UnknownOperationException", Message: "The requested operation is not known to this service."}
	}
	body, err := readBody(r)
	if err != nil {
		return target, nil, err
	}
	input, err := decodeInput(body)
	if err != nil {
		return target, nil, err
	}
	if f := a.model.check(target, input, a.o.Strict); f != nil {
		return target, nil, f
	}
	answer, err = f(a, r.Context(), call{region: a.region(r)}, body)
	return target, answer, err
}

func readBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, MaxRequest))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, &Fault{Code: "RequestEntityTooLargeException", Message: fmt.Sprintf("The request is larger than %d bytes.", MaxRequest), Status: http.StatusRequestEntityTooLarge}
	}
	if err != nil {
		return nil, serialization("The request was cut off.")
	}
	if len(bytes.TrimSpace(body)) == 0 {
		body = []byte("{}")
	}
	return body, nil
}

func decodeInput(body []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, serialization("The request is not JSON: " + err.Error())
	}
	return v, nil
}

// region reads it from the credential's scope: Credential=KEY/DATE/REGION/states/aws4_request.
func (a *API) region(r *http.Request) string {
	_, scope, ok := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if part := strings.Split(scope, "/"); ok && len(part) >= 5 && plainRegion(part[2]) {
		return part[2]
	}
	return a.o.Region
}

// plainRegion reports whether a text can stand in an ARN as its region.
func plainRegion(text string) bool {
	for _, c := range text {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return text != ""
}

// reply writes the answer and gives the code of the fault, if it is one.
func (a *API) reply(w http.ResponseWriter, name string, answer any, err error) string {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amzn-Requestid", uuid.NewString())
	status, code := http.StatusOK, ""
	if err != nil {
		f := a.faultOf(name, err)
		status, code = f.status(), f.Code
		answer = faultBody{Type: f.Code, Message: f.Message, Reason: f.Reason, Resource: f.Resource}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(answer); err != nil {
		panic(fmt.Sprintf("states: invariant broken: an answer of %s is no JSON: %v", name, err))
	}
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // whoever asked may have gone away
	return code
}

// faultBody is an error as the protocol has it.
type faultBody struct {
	Type     string `json:"__type"`
	Message  string `json:"message"`
	Reason   string `json:"reason,omitempty"`
	Resource string `json:"resourceName,omitempty"`
}

// faultOf gives what the caller is told. What is not the caller's fault is logged,
// and told only in general.
func (a *API) faultOf(name string, err error) *Fault {
	var f *Fault
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, context.Canceled), errors.Is(err, local.ErrClosed):
		return &Fault{Code: "ServiceUnavailable", Message: "The request was given up, or the server is stopping.", Status: http.StatusServiceUnavailable}
	}
	a.o.Log.Error("request failed", "action", name, "error", err)
	return &Fault{Code: "InternalFailure", Message: "The request failed because of an error of the server; its log tells more.", Status: http.StatusInternalServerError}
}

// stamp is a time as the protocol has it: seconds since 1970, with milliseconds.
type stamp time.Time

// MarshalJSON implements json.Marshaler.
func (s stamp) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "%.3f", float64(time.Time(s).UnixMilli())/1000), nil
}

// stampOf gives nil for a time that is not set.
func stampOf(t time.Time) *stamp {
	if t.IsZero() {
		return nil
	}
	s := stamp(t)
	return &s
}
