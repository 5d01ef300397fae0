// Package engine puts the house together for whoever drives it: a command, the
// server, a test. It opens a stack and its store, plans, carries plans out, goes
// on with runs that were cut off, and answers questions about the graph.
//
// In: a folder and the user's options. Out: plans, results, diagnostics. It owns
// the order in which the parts are used, and nothing that a part could own itself.
// It prints nothing and asks nobody.
//
// Files: engine.go opening, plan.go, run.go carrying out, resume.go, state.go the
// stored state and tfstate, init.go, query.go questions about the graph; execution.go
// executions of state machines, child.go those that belong to a run of a plan, house.go
// what of the stack they can reach.
package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"time"

	"tutti/internal/diag"
	"tutti/internal/flow"
	"tutti/internal/runtime/local"
	"tutti/internal/secret"
	"tutti/internal/stack"
	"tutti/internal/stepfunctions/worker"
	"tutti/internal/store"
	"tutti/internal/store/sqlite"
	"tutti/internal/terraform"
	"tutti/internal/terraform/backend"
	"tutti/internal/terraform/config"
	"tutti/internal/terraform/install"
)

// Options say what to open. The zero value is the current folder.
type Options struct {
	// Dir is the stack's folder, as it is shown in messages; "." when empty.
	Dir string
	// Values are where the variables' values come from.
	Values config.ValueOptions
	// Install says where providers and modules are installed.
	Install install.Options
	// Workspace is "default" when empty.
	Workspace string
	// Version is tutti's own; Command what the user typed, without values.
	Version string
	Command string
	// ProviderLog takes what providers write to their standard error; nil for none.
	ProviderLog io.Writer
	// Ring gives the key; nil takes TUTTI_KEY or the user's key file.
	Ring *secret.Ring
	// Now is the clock; time.Now when nil.
	Now func() time.Time
	// Adopted is told when a terraform.tfstate was taken over.
	Adopted func(file string, rows int)
	// AWS carries out what state machines call there; nil refuses it.
	AWS worker.Caller
	// InDoubt decides about calls of executions that were cut off; nil leaves them.
	InDoubt func(ctx context.Context, r store.Run, doubts []local.Doubt) map[flow.ID]local.Decision
}

// Engine is an opened stack with its store. It is safe for concurrent use.
type Engine struct {
	o       Options
	store   store.Store
	box     *secret.Box
	session *terraform.Session
	// remote is the backend where the state lies; nil when that is the store alone.
	remote backend.Backend
	executions
}

// Open opens the store and takes over a terraform.tfstate that lies in the folder.
// The stack itself is read by what needs it.
func Open(ctx context.Context, o Options) (*Engine, diag.List) {
	e := newEngine(o)
	if e.o.Workspace != "default" {
		if err := os.MkdirAll(e.storeDir(), 0o755); err != nil {
			return nil, storeDiag(err)
		}
	}
	s, err := sqlite.Open(ctx, e.storeDir(), sqlite.Options{Ring: e.o.Ring})
	if err != nil {
		return nil, storeDiag(err)
	}
	e.store = s
	var d diag.List
	if e.remote, d = e.openBackend(); !d.HasErrors() {
		if d = e.adopt(ctx); !d.HasErrors() {
			d = append(d, e.fetch(ctx)...)
		}
	}
	if d.HasErrors() {
		_ = s.Close()
		return nil, d
	}
	return e, nil
}

// OpenFiles gives an engine that has no store: for init, validate and what else
// only reads files.
func OpenFiles(o Options) *Engine { return newEngine(o) }

func newEngine(o Options) *Engine {
	if o.Dir == "" {
		o.Dir = "."
	}
	if o.Workspace == "" {
		o.Workspace = "default"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Ring == nil {
		o.Ring = secret.NewRing(os.Getenv(secret.EnvKey), "")
	}
	o.Install.Dir = o.Dir
	return &Engine{o: o, box: secret.NewBox(o.Ring)}
}

// storeDir is the folder that the store's folder lies in.
func (e *Engine) storeDir() string {
	if e.o.Workspace == "default" {
		return e.o.Dir
	}
	return filepath.Join(e.o.Dir, sqlite.Folder, "workspace", e.o.Workspace)
}

// StoreFolder is the folder that holds the store, and what belongs to it.
func (e *Engine) StoreFolder() string { return filepath.Join(e.storeDir(), sqlite.Folder) }

// Store gives the store, for views of runs and states.
func (e *Engine) Store() store.Store { return e.store }

// Close ends provider processes and closes the store.
func (e *Engine) Close(ctx context.Context) error {
	resting, cancel := context.WithTimeout(context.WithoutCancel(ctx), restGrace)
	defer cancel()
	errs := []error{e.executions.rest(resting)}
	if e.session != nil {
		errs = append(errs, e.session.Close(ctx))
	}
	if e.store != nil {
		errs = append(errs, e.store.Close())
	}
	return errors.Join(errs...)
}

// Load reads the stack's files alone.
func (e *Engine) Load() (*stack.Stack, diag.List) { return stack.Load(e.stackOptions(stack.Planning)) }

// open opens the stack's objects; provider processes are kept from one opening to
// the next.
func (e *Engine) open(ctx context.Context, o stack.Options) (*stack.Stack, diag.List) {
	o.Session = e.session
	s, d := stack.Open(ctx, o)
	if s != nil && e.session == nil {
		e.session = s.Session()
	}
	return s, d
}

func (e *Engine) stackOptions(p stack.Purpose) stack.Options {
	return stack.Options{Dir: e.o.Dir, Install: e.o.Install, Values: e.o.Values, Workspace: e.o.Workspace, Purpose: p, Time: e.o.Now(), ProviderLog: e.o.ProviderLog,
		ReadStore: e.readStore}
}

// Stop asks running provider operations to end early.
func (e *Engine) Stop(ctx context.Context) error {
	if e.session == nil {
		return nil
	}
	return e.session.Stop(ctx)
}

// holder says who carries a run out.
func holder() (person, host string) {
	person = os.Getenv("USER")
	if u, err := user.Current(); err == nil {
		person = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown-host"
	}
	return person, host
}

// storeDiag shows a failure of the store.
func storeDiag(err error) diag.List {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNewer):
		return diag.Errorf(nil, "State written by a newer version", "%s.", upper(err.Error()))
	case errors.Is(err, store.ErrCorrupt):
		return diag.Errorf(nil, "State is damaged", "%s.", upper(err.Error()))
	case errors.Is(err, store.ErrKey):
		return diag.Errorf(nil, "Key is not at hand", "%s.", upper(err.Error()))
	default:
		return diag.FromError("State store failed", err)
	}
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return string(s[0]&^0x20) + s[1:]
}

// Pid names this process for leases.
func pid() string { return fmt.Sprintf("pid %d", os.Getpid()) }

// AddValues adds values of variables that a person was asked for.
func (e *Engine) AddValues(args []config.Argument) {
	e.o.Values.Args = append(e.o.Values.Args, args...)
}
