package bare

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"

	"tutti/internal/terraform/provider/tfplugin6"
)

// procedure is one of the few that are called.
type procedure int

const (
	configure procedure = iota
	validate
	plan
	apply
	readResource
	procedures
)

// names are those of protocol 5 and 6; the messages are the same bytes in both.
var names = [procedures][2]string{
	configure:    {"Configure", "ConfigureProvider"},
	validate:     {"ValidateResourceTypeConfig", "ValidateResourceConfig"},
	plan:         {"PlanResourceChange", "PlanResourceChange"},
	apply:        {"ApplyResourceChange", "ApplyResourceChange"},
	readResource: {"ReadResource", "ReadResource"},
}

// Calls counts the calls about resources.
type Calls struct{ Validate, Plan, Apply, Read int64 }

// String names those that were made.
func (c Calls) String() string {
	var out []string
	for _, x := range []struct {
		name string
		n    int64
	}{{"validate", c.Validate}, {"plan", c.Plan}, {"apply", c.Apply}, {"read", c.Read}} {
		if x.n > 0 {
			out = append(out, fmt.Sprintf("%d %s", x.n, x.name))
		}
	}
	return strings.Join(out, ", ")
}

// connection is a running provider.
type connection struct {
	plugin  *plugin.Client
	conn    *grpc.ClientConn
	version int
	calls   counters
}

type counters [procedures]atomic.Int64

// plus is for when all calls are over.
func (c *counters) plus(d *counters) Calls {
	sum := func(p procedure) int64 { return c[p].Load() + d[p].Load() }
	return Calls{Validate: sum(validate), Plan: sum(plan), Apply: sum(apply), Read: sum(readResource)}
}

// dialer gives the connection itself.
type dialer struct{ plugin.NetRPCUnsupportedPlugin }

var _ plugin.GRPCPlugin = dialer{}

func (dialer) GRPCServer(*plugin.GRPCBroker, *grpc.Server) error {
	return errors.New("the bare client serves nothing")
}

func (dialer) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return conn, nil
}

// dial starts a provider and configures it with nothing.
func dial(ctx context.Context, path string) (*connection, error) {
	cmd := exec.Command(path)
	cmd.Env = append(os.Environ(), environment(path)...)
	x := &connection{plugin: plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: plugin.HandshakeConfig{ProtocolVersion: 4, MagicCookieKey: "TF_PLUGIN_MAGIC_COOKIE",
			MagicCookieValue: "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2"},
		VersionedPlugins: map[int]plugin.PluginSet{5: {"provider": dialer{}}, 6: {"provider": dialer{}}},
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		AutoMTLS:         true,
		Cmd:              cmd,
		Logger:           hclog.New(&hclog.LoggerOptions{Level: hclog.Off}),
	})}
	client, err := x.plugin.Client()
	if err != nil {
		x.plugin.Kill()
		return nil, err
	}
	raw, err := client.Dispense("provider")
	if err != nil {
		x.plugin.Kill()
		return nil, err
	}
	x.conn, x.version = raw.(*grpc.ClientConn), x.plugin.NegotiatedVersion()
	var resp tfplugin6.ConfigureProvider_Response
	err = x.call(ctx, configure, &tfplugin6.ConfigureProvider_Request{TerraformVersion: "1.12.0",
		Config: &tfplugin6.DynamicValue{Msgpack: encodedEmpty}}, &resp)
	if err := errors.Join(err, said(resp.Diagnostics)); err != nil {
		x.plugin.Kill()
		return nil, fmt.Errorf("configure %s: %w", path, err)
	}
	return x, nil
}

// environment are the variables that tutti sets too: tracing costs a provider more
// than its work, and collecting garbage a third of it.
func environment(path string) []string {
	name, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(path), "terraform-provider-"), "_")
	return []string{"TF_LOG_SDK=WARN", "TF_LOG_SDK_PROTO=WARN", "TF_LOG_SDK_FRAMEWORK=WARN", "TF_LOG_PROVIDER_" + strings.ToUpper(name) + "=WARN", "GOGC=200"}
}

func (x *connection) call(ctx context.Context, p procedure, req, resp any) error {
	x.calls[p].Add(1)
	if err := x.conn.Invoke(ctx, x.method(p), req, resp); err != nil {
		return fmt.Errorf("%s: %w", x.method(p), err)
	}
	return nil
}

func (x *connection) method(p procedure) string {
	return fmt.Sprintf("/tfplugin%d.Provider/%s", x.version, names[p][x.version-5])
}

func (x *connection) close() { x.plugin.Kill() }
