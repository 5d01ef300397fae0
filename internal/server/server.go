// Package server is `tutti serve`: one process that serves one store. It carries
// executions out, answers the Step Functions API, keeps timers and schedules, and
// takes up at its start what an earlier process left.
//
// In: an opened store, what makes machines of its runs, addresses to listen on. Out: a
// Server that runs until it is closed. It owns the listeners, the socket through which
// the commands of the same folder talk to it, and the metrics. It must not know the
// API's actions (package states), nor how a run is carried out.
//
// Files: server.go the process from start to end, listen.go sockets and who may use
// them, lock.go one server to a store, control.go the commands' side, metric.go
// numbers, schedule.go what is due, retention.go what is not kept any more, nested.go
// executions that start executions.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"tutti/internal/executor"
	"tutti/internal/flow"
	"tutti/internal/runtime/local"
	"tutti/internal/server/access"
	"tutti/internal/server/control"
	"tutti/internal/server/states"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/mock"
	"tutti/internal/store"
)

// Options say what is served, and to whom.
type Options struct {
	// Folder is the store's folder, for the socket and the lock.
	Folder string
	Store  store.Store
	// Executor makes the machines and workers of executions.
	Executor *executor.Executor
	// Hosted is told of the Host before it takes up anything, for those who begin
	// executions otherwise; it may be nil.
	Hosted func(*local.Host)
	// Nested has calls of Step Functions that are about what is here answered here; it may be nil.
	Nested *Nested
	// Listen are addresses such as 127.0.0.1:8083; none serves the socket alone.
	Listen []string
	// Keys are the access keys that callers prove; without any, only loopback addresses
	// are listened on.
	Keys access.Keys
	// Account, Region, Limits and Strict are as in states.Options.
	Account, Region string
	Limits          execution.Limits
	Strict          bool
	// Mocks answers for the Tasks of executions that are started with a test case
	// (ARN#Case); it may be nil.
	Mocks *mock.Config
	// RetryInDoubt makes calls again whose answer was lost in a crash; otherwise such an
	// execution waits for a person.
	RetryInDoubt bool
	// Schedules tells what is due when; nil is nothing.
	Schedules Schedules
	Missed    Missed
	// Retain is how long executions are kept after their end, with their names and
	// histories; 0 is for ever. Runs of the stack are never deleted here.
	Retain time.Duration
	// Grace is how long Close waits for calls that cannot be made again; 0 is
	// local.DefaultGrace.
	Grace   time.Duration
	Log     *slog.Logger
	Version string
}

// Server serves a store. It is safe for concurrent use.
type Server struct {
	o       Options
	since   time.Time
	lock    *lock
	store   *timedStore
	host    *local.Host
	api     *states.API
	metrics *metrics
	front
	background
}

// front is what listens.
type front struct {
	servers []*http.Server
	urls    []string
	failed  chan error
	ready   atomic.Bool
}

// background is what goes on beside the answers.
type background struct {
	stop context.CancelFunc
	done chan struct{}
}

// Start takes up what an earlier process left, and serves. An error that is a
// *ServedError says that another process serves this store.
func Start(ctx context.Context, o Options) (_ *Server, err error) {
	if err := checkListen(o.Listen, o.Keys); err != nil {
		return nil, err
	}
	s := &Server{o: o, since: time.Now(), metrics: newMetrics(), front: front{failed: make(chan error, 1)}}
	if s.lock, err = takeLock(o.Folder, s.status()); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close(context.WithoutCancel(ctx)))
		}
	}()
	if err := s.assemble(ctx); err != nil {
		return s, err
	}
	if err := s.listen(ctx); err != nil {
		return s, err
	}
	if err := s.lock.note(s.status()); err != nil {
		return s, err
	}
	if err := s.takeUp(ctx); err != nil {
		return s, err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop, s.done = stop, make(chan struct{})
	var both sync.WaitGroup
	both.Go(func() { s.keepSchedules(background) })
	both.Go(func() { s.forget(background) })
	go func() {
		defer close(s.done)
		both.Wait()
	}()
	s.ready.Store(true)
	return s, nil
}

// assemble puts the parts together.
func (s *Server) assemble(ctx context.Context) (err error) {
	o := s.o
	s.store = &timedStore{Store: o.Store, metrics: s.metrics}
	hosted := local.HostOptions{Store: s.store, Machines: o.Executor, Observer: o.Executor.Observer, Grace: o.Grace, MaxWorking: maxWorking,
		Ended: func(r store.Run, res local.Result) { s.metrics.runEnded(r, res) },
		Trouble: func(err error) {
			o.Log.Error("the store failed; the executions concerned are taken up again", "error", err)
		}}
	if o.RetryInDoubt {
		hosted.InDoubt = s.retry
	} else {
		hosted.InDoubt = s.tellDoubt
	}
	if s.host, err = local.NewHost(hosted); err != nil {
		return err
	}
	if o.Mocks != nil {
		o.Executor.Mock(o.Mocks, s.host.Signal)
	}
	if o.Hosted != nil {
		o.Hosted(s.host)
	}
	s.metrics.watch(s.host.Stats, o.Executor.Offered)
	s.api, err = states.New(ctx, states.Options{Store: s.store, Host: s.host, Executor: o.Executor, Account: o.Account, Region: o.Region,
		Limits: o.Limits, Strict: o.Strict, Answered: s.metrics.answered, Ended: s.metrics.runEnded, Log: o.Log})
	if err == nil && o.Nested != nil {
		o.Nested.api.Store(s.api)
	}
	return err
}

// maxWorking lets as many activities be out as there may be tasks that wait for a
// worker; calls are bounded by the executor.
const maxWorking = 1 << 20

// retry has calls made again whose answer was lost: they carry a key by which the far
// end can tell (execution.Call.Key).
func (s *Server) retry(_ context.Context, r store.Run, doubts []local.Doubt) map[flow.ID]local.Decision {
	out := map[flow.ID]local.Decision{}
	for _, d := range doubts {
		s.o.Log.Warn("a call whose answer was lost is made again", "run", r.ID, "execution", r.Name, "activity", d.Do.ID)
		out[d.Do.ID] = local.Retry
	}
	return out
}

func (s *Server) tellDoubt(_ context.Context, r store.Run, doubts []local.Doubt) map[flow.ID]local.Decision {
	for _, d := range doubts {
		s.o.Log.Warn("the answer to a call was lost; its state waits for a decision", "run", r.ID, "execution", r.Name, "activity", d.Do.ID, "why", d.Why)
	}
	return nil
}

// takeUp goes on with the runs that are open, and tells which are not its own.
func (s *Server) takeUp(ctx context.Context) error {
	n, err := s.host.Recover(ctx)
	if err != nil {
		// What is wrong with one execution must not keep the others from being served.
		s.o.Log.Error("some runs could not be taken up", "error", err)
	}
	again, err := s.api.Recover(ctx)
	if err != nil {
		s.o.Log.Error("some express executions could not be started again", "error", err)
	}
	if n+again > 0 {
		s.o.Log.Info("executions taken up", "resumed", n, "started again", again)
	}
	open, err := s.store.Find(ctx, store.RunFilter{OpenOnly: true, Machine: "apply"})
	if err != nil {
		return fmt.Errorf("look for open runs: %w", err)
	}
	for _, r := range open {
		s.o.Log.Warn("a run of the stack is open; the server leaves it to `tutti resume`", "run", r.ID, "status", r.Status, "command", r.Command)
	}
	return nil
}

// URLs are where the APIs are served.
func (s *Server) URLs() []string { return s.urls }

// Failed tells when a listener has failed.
func (s *Server) Failed() <-chan error { return s.failed }

func (s *Server) status() control.Status {
	return control.Status{PID: os.Getpid(), Version: s.o.Version, Since: s.since.UTC().Truncate(time.Second), URLs: s.urls}
}

// Close stops in order: nothing new is taken in, calls that cannot be made again may
// finish within the grace, and what is open stays so for the next start. When the
// context ends it is quicker.
func (s *Server) Close(ctx context.Context) error {
	s.ready.Store(false)
	if s.stop != nil {
		s.stop()
		<-s.done
	}
	var errs []error
	if s.host != nil {
		errs = append(errs, s.host.Close(ctx))
	}
	if s.api != nil {
		errs = append(errs, s.api.Close(ctx))
	}
	errs = append(errs, s.closeFront(ctx))
	if s.lock != nil {
		errs = append(errs, s.lock.release())
	}
	return errors.Join(errs...)
}
