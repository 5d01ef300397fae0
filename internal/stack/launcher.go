package stack

import (
	"context"
	"io"
	"path/filepath"
	"sync"

	tfaddr "github.com/hashicorp/terraform-registry-address"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/diag"
	"tutti/internal/terraform"
	"tutti/internal/terraform/install"
	"tutti/internal/terraform/install/address"
	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/provider/builtin"
)

// launcher starts the providers that init has installed, or joins those that run
// already. Where they are is found out once, when the first one is needed.
type launcher struct {
	requirements []install.Requirement
	options      install.Options
	builtin      builtin.Options

	running map[tfaddr.Provider]*provider.Reattach

	log io.Writer

	once    sync.Once
	located map[tfaddr.Provider]install.Located
	diags   diag.List
}

var _ terraform.Launcher = (*launcher)(nil)

func newLauncher(_ context.Context, s *Stack, o Options) *launcher {
	l := &launcher{requirements: s.Requirements(), options: o.Install, running: s.running, builtin: builtin.Options{Dir: o.Dir}, log: o.ProviderLog}
	if o.ReadStore != nil {
		l.builtin.ReadStore = func(ctx context.Context, file, workspace string) (map[string]cty.Value, bool, error) {
			return o.ReadStore(ctx, filepath.Dir(file), workspace)
		}
	}
	return l
}

// Launch implements terraform.Launcher.
func (l *launcher) Launch(ctx context.Context, source tfaddr.Provider) (provider.Provider, diag.List) {
	if source.IsBuiltIn() {
		if source.Type != "terraform" {
			return nil, diag.Errorf(nil, "No such built-in provider", "There is no built-in provider %q; the only one is terraform.io/builtin/terraform.", source.Type)
		}
		return builtin.New(l.builtin), nil
	}
	o, d := l.program(ctx, source)
	if d.HasErrors() {
		return nil, d
	}
	// What is put off is planned in a later phase.
	o.AllowDeferral, o.Log = true, l.log
	p, err := provider.Launch(ctx, o)
	if err != nil {
		return nil, diag.FromError("Provider cannot be started", err)
	}
	return p, nil
}

// program finds the running or the installed provider.
func (l *launcher) program(ctx context.Context, source tfaddr.Provider) (provider.LaunchOptions, diag.List) {
	if r := l.running[source]; r != nil {
		return provider.LaunchOptions{Reattach: r, Name: source.String(), CacheDir: provider.NoCache}, nil
	}
	l.once.Do(func() { l.located, l.diags = install.Locate(ctx, l.requirements, l.options) })
	at, ok := l.located[source]
	switch {
	case ok:
		return provider.LaunchOptions{Path: at.Program, Name: at.Source.String()}, nil
	case l.diags.HasErrors():
		return provider.LaunchOptions{}, l.diags
	default:
		return provider.LaunchOptions{}, diag.Errorf(nil, "Provider not installed", "The provider %s is not among those that the configuration requires. Run \"tutti init\".", source.ForDisplay())
	}
}

// reattached reads which providers run already, in a debugger for example. They
// need not be installed.
func reattached(o install.Options) (map[tfaddr.Provider]*provider.Reattach, diag.List) {
	if o.Config == nil {
		return nil, nil
	}
	const headline = "Running providers cannot be joined"
	named, err := provider.ParseReattach(o.Config.Var(provider.ReattachVariable))
	if err != nil {
		return nil, diag.FromError(headline, err)
	}
	out := make(map[tfaddr.Provider]*provider.Reattach, len(named))
	for name, r := range named {
		source, implied, err := address.Provider(name)
		if err != nil {
			return nil, diag.FromError(headline, err)
		}
		out[source] = r
		if twin, ok := terraform.Twin(source); ok && implied {
			out[twin] = r
		}
	}
	return out, nil
}
