package provider

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"tutti/internal/terraform/provider/tfplugin6"
)

const (
	// The cookie by which a provider knows that it was not started by hand; the
	// values are those of every host of the protocol.
	cookieKey   = "TF_PLUGIN_MAGIC_COOKIE"
	cookieValue = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"

	// pluginName is the one plugin that a provider serves.
	pluginName = "provider"

	// exitGrace bounds the wait for the end of a process that was told to end.
	exitGrace = 3 * time.Second
	// crashGrace bounds the wait for the last lines of a process whose connection
	// broke: writing a long trace takes a while on a busy machine.
	crashGrace = 10 * time.Second
	// stopTimeout bounds the call that asks a provider to stop.
	stopTimeout = 10 * time.Second
)

// process is a running provider with the connection to it.
type process struct {
	opts    *LaunchOptions
	version int // of the protocol
	conn    *grpc.ClientConn
	exited  context.Context // done when the process is gone and its output read
	plugin  *plugin.Client
	kill    context.CancelFunc // at once
	log     *tail

	stopOnce sync.Once
	stopErr  error
	closing  atomic.Bool
	killed   atomic.Bool // by us, because an operation did not end after a stop
}

// link is what go-plugin hands out: the bare connection.
type link struct {
	conn   *grpc.ClientConn
	exited context.Context
}

// dialer is our side of go-plugin's one plugin.
type dialer struct{ plugin.NetRPCUnsupportedPlugin }

var _ plugin.GRPCPlugin = dialer{}

func (dialer) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error {
	return errors.New("tutti serves no provider")
}

func (dialer) GRPCClient(exited context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return link{conn, exited}, nil
}

// start runs the executable, or joins the running process, and connects to it.
// When the context ends before that is done, the process is killed.
func start(ctx context.Context, opts *LaunchOptions) (*process, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p := &process{opts: opts, log: &tail{forward: opts.Log}}
	life, kill := context.WithCancel(context.Background())
	p.kill = kill
	config, err := p.config(life)
	if err != nil {
		kill()
		return nil, err
	}
	p.plugin = plugin.NewClient(config)
	unhook := context.AfterFunc(ctx, kill)
	err = p.connect()
	if !unhook() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		kill()
		p.awaitKilled()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, p.explainStart(err)
	}
	return p, nil
}

func (p *process) config(life context.Context) (*plugin.ClientConfig, error) {
	config := &plugin.ClientConfig{
		HandshakeConfig:  plugin.HandshakeConfig{ProtocolVersion: 4, MagicCookieKey: cookieKey, MagicCookieValue: cookieValue},
		VersionedPlugins: map[int]plugin.PluginSet{5: {pluginName: dialer{}}, 6: {pluginName: dialer{}}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		StartTimeout:     p.opts.StartTimeout,
		Stderr:           p.log,
		SyncStderr:       p.log,
		SyncStdout:       p.log,
		// Off, rather than discarded: then lines are not even parsed.
		Logger: hclog.New(&hclog.LoggerOptions{Level: hclog.Off}),
	}
	if p.opts.Reattach != nil {
		reattach, err := p.opts.Reattach.config()
		config.Reattach = reattach
		config.Plugins = config.VersionedPlugins[p.opts.Reattach.ProtocolVersion]
		return config, err
	}
	cmd := exec.CommandContext(life, p.opts.Path)
	cmd.Dir = p.opts.Dir
	cmd.Env = p.opts.environment()
	cmd.SysProcAttr = processAttributes()
	config.Cmd = cmd
	config.AutoMTLS = true
	return config, nil
}

func (p *process) connect() error {
	client, err := p.plugin.Client()
	if err != nil {
		return err
	}
	raw, err := client.Dispense(pluginName)
	if err != nil {
		return err
	}
	l := raw.(link)
	p.conn, p.exited = l.conn, l.exited
	p.version = p.plugin.NegotiatedVersion()
	if p.opts.Reattach != nil {
		p.version = p.opts.Reattach.ProtocolVersion
	}
	return nil
}

// awaitKilled reaps a process that was killed, for as long as it is worth waiting.
func (p *process) awaitKilled() {
	reaped := make(chan struct{})
	go func() {
		p.plugin.Kill()
		close(reaped)
	}()
	timer := time.NewTimer(exitGrace)
	defer timer.Stop()
	select {
	case <-reaped:
	case <-timer.C:
	}
}

// invoke makes one call. Cancelling the context of a call that changes the world
// asks the provider to stop and waits for the answer, up to the grace period;
// other calls are abandoned at once.
func (p *process) invoke(ctx context.Context, c call, req, resp any, opts ...grpc.CallOption) error {
	if !c.patient() || ctx.Done() == nil {
		return p.explain(ctx, c, p.conn.Invoke(ctx, c.method(p.version), req, resp, opts...))
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	callCtx, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	defer context.AfterFunc(ctx, func() { p.interrupt(callCtx) })()
	return p.explain(ctx, c, p.conn.Invoke(callCtx, c.method(p.version), req, resp, opts...))
}

// interrupt asks the provider to stop; if the call is still going on after the
// grace period, the process is killed.
func (p *process) interrupt(call context.Context) {
	grace := time.NewTimer(p.opts.StopGrace)
	defer grace.Stop()
	go func() { _ = p.stop(context.WithoutCancel(call)) }()
	select {
	case <-call.Done():
	case <-grace.C:
		p.killed.Store(true)
		p.kill()
		if p.opts.Reattach != nil {
			_ = p.conn.Close()
		}
	}
}

// stop asks the provider, once, to end what it does.
func (p *process) stop(ctx context.Context) error {
	p.stopOnce.Do(func() {
		ctx, cancel := context.WithTimeout(ctx, stopTimeout)
		defer cancel()
		var resp tfplugin6.StopProvider_Response
		if err := p.conn.Invoke(ctx, callStop.method(p.version), &tfplugin6.StopProvider_Request{}, &resp); err != nil {
			p.stopErr = fmt.Errorf("stop provider %s: %w", p.opts.Name, err)
		} else if resp.Error != "" {
			p.stopErr = fmt.Errorf("stop provider %s: %s", p.opts.Name, resp.Error)
		}
	})
	return p.stopErr
}

// close ends the process: asked first, killed when it does not go.
func (p *process) close() {
	p.closing.Store(true)
	gone := make(chan struct{})
	go func() {
		p.plugin.Kill()
		close(gone)
	}()
	timer := time.NewTimer(min(exitGrace, p.opts.StopGrace))
	defer timer.Stop()
	select {
	case <-gone:
	case <-timer.C:
		// A stopped or wedged process does not even answer the request to end.
		p.kill()
		p.awaitKilled()
	}
	p.kill()
}

// explain turns a failed call into an error that says what happened to the
// provider. A nil error stays nil.
func (p *process) explain(ctx context.Context, c call, err error) error {
	if err == nil {
		return nil
	}
	if p.killed.Load() {
		return &callError{kind: killedAfterStop, call: c.name(p.version), err: err}
	}
	if ctx.Err() != nil && !c.patient() {
		return ctx.Err()
	}
	switch status.Code(err) {
	case codes.Unavailable, codes.Canceled:
		if p.closing.Load() {
			return &callError{kind: closed, call: c.name(p.version), err: err}
		}
		if p.waitExit() {
			return &callError{kind: crashed, call: c.name(p.version), err: err, log: p.log.text(), panicked: p.log.panicked()}
		}
	case codes.Unimplemented:
		return &callError{kind: unimplemented, call: c.name(p.version), err: err}
	}
	return &callError{kind: failed, call: c.name(p.version), err: err, log: p.log.text()}
}

// waitExit reports whether the process is gone, after waiting a little for its
// last words.
func (p *process) waitExit() bool {
	timer := time.NewTimer(crashGrace)
	defer timer.Stop()
	select {
	case <-p.exited.Done():
		return true
	case <-timer.C:
		return p.plugin.Exited()
	}
}
