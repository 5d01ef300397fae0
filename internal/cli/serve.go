package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tutti/internal/engine"
	"tutti/internal/runtime/local"
	"tutti/internal/server"
	"tutti/internal/server/access"
	"tutti/internal/server/control"
	"tutti/internal/server/states"
	"tutti/internal/stepfunctions/execution"
	"tutti/internal/stepfunctions/integration"
	"tutti/internal/stepfunctions/worker"
)

// serveFlags are those of `tutti serve`.
type serveFlags struct {
	listen          []string
	accessKeys      string
	account, region string
	mapping         string
	inDoubt         string
	missed          string
	retain          string
	strict          bool
	grace           time.Duration
	logFormat       string
	logLevel        string
}

// strictLimits are the service's own (developer guide, "Quotas").
var strictLimits = execution.Limits{Payload: 262144, Events: 25000}

func (a *app) serveCommand() *cobra.Command {
	var f serveFlags
	c := &cobra.Command{
		Use: "serve", Short: "Serve this folder: the Step Functions API, executions, schedules", Args: cobra.NoArgs,
		Long: `Serve carries out the executions of this folder's store and answers the AWS
Step Functions API, until it is stopped. Any AWS client works with it, given an
endpoint:

  aws stepfunctions list-state-machines --endpoint-url http://127.0.0.1:8083

At its start it goes on with what an earlier server left, also after kill -9.
The first Ctrl-C (or SIGTERM) stops in order, the second at once; what is open
stays so for the next start.

Without access keys only loopback addresses are served. Keys are in a file of
the form of ~/.aws/credentials (-access-keys, or tutti/access-keys in your
configuration folder), or in ` + access.Variable + ` as ID:SECRET.

A call whose answer was lost in a crash:

  -in-doubt=retry  is made again, with the same key (call.Key) as before
  -in-doubt=stop   leaves its state waiting, and the log names it

SFN_MOCK_CONFIG names a mock file as Step Functions Local takes it; an execution
started with ARN#TestCase gets its answers from there.

What was due while nobody served:

  -missed-schedules=latest  is started once, if it is less than a day old
  -missed-schedules=all     is started for every time that was missed
  -missed-schedules=skip    is left out`,
		Example: "  tutti serve\n  tutti serve -listen 127.0.0.1:0 -log-format json\n  tutti serve -listen 0.0.0.0:8083 -access-keys keys",
		RunE:    func(c *cobra.Command, _ []string) error { return a.serve(c, &f) },
	}
	c.Flags().StringSliceVar(&f.listen, "listen", []string{"127.0.0.1:8083"}, "addresses to listen on; the port 0 takes any")
	c.Flags().StringVar(&f.accessKeys, "access-keys", "", "file of the access keys that callers must have")
	c.Flags().StringVar(&f.account, "account", states.DefaultAccount, "account in the ARNs of what is created")
	c.Flags().StringVar(&f.region, "region", a.defaultRegion(), "region in them, for requests that are not signed for one")
	c.Flags().StringVar(&f.mapping, "mapping", "", "JSON file that sends Lambda functions and other resources to commands and URLs")
	c.Flags().StringVar(&f.inDoubt, "in-doubt", "retry", "retry or stop")
	c.Flags().StringVar(&f.missed, "missed-schedules", "latest", "latest, all or skip")
	c.Flags().StringVar(&f.retain, "retain", "90d", "how long executions are kept after their end, such as 90d or 12h; forever")
	c.Flags().BoolVar(&f.strict, "strict-aws", false, "hold payloads, histories and definitions to the limits of AWS")
	c.Flags().DurationVar(&f.grace, "grace", 0, "how long to wait at the end for calls that cannot be made again (default 15s)")
	c.Flags().StringVar(&f.logFormat, "log-format", "text", "text or json")
	c.Flags().StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
	return c
}

func (a *app) defaultRegion() string {
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if r := a.env(name); r != "" {
			return r
		}
	}
	return states.DefaultRegion
}

// options makes the server's of the flags.
func (f *serveFlags) options(a *app) (server.Options, error) {
	o := server.Options{Listen: f.listen, Account: f.account, Region: f.region, Strict: f.strict, Grace: f.grace, Version: a.version}
	if len(f.account) != 12 || strings.Trim(f.account, "0123456789") != "" {
		return o, fmt.Errorf("-account=%s: an account has twelve digits", f.account)
	}
	switch f.inDoubt {
	case "retry":
		o.RetryInDoubt = true
	case "stop":
	default:
		return o, fmt.Errorf("-in-doubt=%s: expected retry or stop", f.inDoubt)
	}
	if f.strict {
		o.Limits = strictLimits
	}
	var err error
	if o.Missed, err = server.ParseMissed(f.missed); err != nil {
		return o, fmt.Errorf("-missed-schedules: %w", err)
	}
	if o.Log, err = f.log(a); err != nil {
		return o, err
	}
	if o.Mocks, err = mocks(a.env("SFN_MOCK_CONFIG")); err != nil {
		return o, err
	}
	if f.retain != "forever" {
		if o.Retain, err = parseAge("-retain", f.retain); err != nil {
			return o, err
		}
	}
	o.Keys, err = access.Load(f.accessKeys, a.env(access.Variable))
	return o, err
}

func (f *serveFlags) log(a *app) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		return nil, fmt.Errorf("-log-level=%s: expected debug, info, warn or error", f.logLevel)
	}
	o := &slog.HandlerOptions{Level: level}
	switch f.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(a.stderr, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(a.stderr, o)), nil
	default:
		return nil, fmt.Errorf("-log-format=%s: expected text or json", f.logFormat)
	}
}

// mapped reads what the mapping file sends where.
func (f *serveFlags) mapped() (worker.Mapping, error) {
	if f.mapping == "" {
		return nil, nil
	}
	text, err := os.ReadFile(f.mapping)
	if err != nil {
		return nil, fmt.Errorf("-mapping=%s: %w", f.mapping, err)
	}
	m, err := worker.ParseMapping(text)
	if err != nil {
		return nil, fmt.Errorf("-mapping=%s: %w", f.mapping, err)
	}
	return m, nil
}

func (a *app) serve(c *cobra.Command, f *serveFlags) error {
	o, err := f.options(a)
	if err != nil {
		return err
	}
	mapping, err := f.mapped()
	if err != nil {
		return err
	}
	o.Nested = &server.Nested{}
	e, err := a.openNested(c, o.Nested)
	if err != nil {
		return err
	}
	defer a.close(c, e)
	e.Map(mapping)
	o.Store, o.Folder, o.Executor = e.Store(), e.StoreFolder(), e.Executor()
	o.Hosted, o.Schedules = func(h *local.Host) { e.UseRuns(h) }, schedules{e}
	// Signals count from here on: taking up many executions takes a while.
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	s, err := server.Start(c.Context(), o)
	if err != nil {
		return err
	}
	a.served(e, s)
	var failed error
	select {
	case <-signals:
		o.Log.Info("stopping: calls that cannot be made again may finish; a second signal stops at once")
	case failed = <-s.Failed():
	}
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	go func() {
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
		}
	}()
	if err := s.Close(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	if ctx.Err() != nil {
		o.Log.Warn("stopped at once; what was cut off is taken up at the next start")
		return exitCode(exitInterrupt)
	}
	o.Log.Info("stopped")
	return failed
}

// openNested opens the engine of a server, whose own state machines its Tasks can start.
func (a *app) openNested(c *cobra.Command, nested *server.Nested) (*engine.Engine, error) {
	o, d := a.options(c, nil)
	if d.HasErrors() {
		return nil, a.failed(d, nil)
	}
	o.AWS = integration.New(integration.Options{House: nested})
	e, d := engine.Open(c.Context(), o)
	if d.HasErrors() {
		return nil, a.failed(d, nil)
	}
	return e, nil
}

// served tells a person what there is now.
func (a *app) served(e *engine.Engine, s *server.Server) {
	out := a.stdout
	_, _ = fmt.Fprintf(out, "tutti serves this folder (process %d).\n\n", os.Getpid())
	for _, url := range s.URLs() {
		_, _ = fmt.Fprintf(out, "  Step Functions API  %s\n  health, metrics     %s/healthz /readyz /metrics\n", url, url)
	}
	_, _ = fmt.Fprintf(out, "  commands here       %s\n", filepath.Join(e.StoreFolder(), control.SocketName))
	if urls := s.URLs(); len(urls) > 0 {
		_, _ = fmt.Fprintf(out, "\nTry: aws stepfunctions list-state-machines --endpoint-url %s\n", urls[0])
	}
	_, _ = fmt.Fprintln(out, "Ctrl-C stops.")
}
