package stack

import (
	"context"
	"sync"

	tfaddr "github.com/hashicorp/terraform-registry-address"
	svchost "github.com/hashicorp/terraform-svchost"

	"tutti/internal/diag"
	"tutti/internal/terraform"
	"tutti/internal/terraform/install"
	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/provider/builtin"
)

// defaultHost is where providers come from that are named without a host.
const defaultHost = svchost.Hostname(tfaddr.DefaultProviderRegistryHost)

// launcher starts the providers that init has installed. Where they are is found
// out once, when the first one is needed.
type launcher struct {
	requirements []install.Requirement
	options      install.Options

	once    sync.Once
	located map[tfaddr.Provider]install.Located
	diags   diag.List
}

var _ terraform.Launcher = (*launcher)(nil)

func newLauncher(_ context.Context, s *Stack, o Options) *launcher {
	return &launcher{requirements: s.Requirements(), options: o.Install}
}

// Launch implements terraform.Launcher.
func (l *launcher) Launch(ctx context.Context, source tfaddr.Provider) (provider.Provider, diag.List) {
	if source.IsBuiltIn() {
		if source.Type != "terraform" {
			return nil, diag.Errorf(nil, "No such built-in provider", "There is no built-in provider %q; the only one is terraform.io/builtin/terraform.", source.Type)
		}
		return builtin.New(builtin.Options{}), nil
	}
	l.once.Do(func() { l.located, l.diags = install.Locate(ctx, l.requirements, l.options) })
	at, ok := l.located[source]
	if !ok {
		if l.diags.HasErrors() {
			return nil, l.diags
		}
		return nil, diag.Errorf(nil, "Provider not installed", "The provider %s is not among those that the configuration requires. Run \"tutti init\".", source.ForDisplay())
	}
	p, err := provider.Launch(ctx, provider.LaunchOptions{Path: at.Program, Name: at.Source.String()})
	if err != nil {
		return nil, diag.FromError("Provider cannot be started", err)
	}
	return p, nil
}
