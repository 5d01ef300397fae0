package engine

import (
	"context"

	"tutti/internal/diag"
	"tutti/internal/stack"
	"tutti/internal/terraform/install"
	"tutti/internal/terraform/install/source"
	"tutti/internal/terraform/provider"
)

// Schemas gives what every required provider says of itself, by source address.
func (e *Engine) Schemas(ctx context.Context) (map[string]*provider.Schema, diag.List) {
	s, d := e.open(ctx, e.stackOptions(stack.Validating))
	if d.HasErrors() {
		return nil, d
	}
	out := map[string]*provider.Schema{}
	for _, n := range s.Config.Needs() {
		sc, sd := s.Session().Schema(ctx, n.Source)
		if d = append(d, sd...); !sd.HasErrors() {
			out[n.Source.String()] = sc
		}
	}
	return out, d
}

// LockProviders notes the checksums of the providers for other platforms in the
// lock file.
func (e *Engine) LockProviders(ctx context.Context, platforms []source.Platform, o install.Options) diag.List {
	s, d := e.Load()
	if d.HasErrors() {
		return d
	}
	return append(d, install.Lock(ctx, s.Requirements(), platforms, e.installing(o))...)
}

// MirrorProviders writes the providers into a folder that others can install from.
func (e *Engine) MirrorProviders(ctx context.Context, platforms []source.Platform, folder string, o install.Options) diag.List {
	s, d := e.Load()
	if d.HasErrors() {
		return d
	}
	return append(d, install.Mirror(ctx, s.Requirements(), platforms, folder, e.installing(o))...)
}

// installing gives the engine's options with what the caller adds.
func (e *Engine) installing(o install.Options) install.Options {
	in := e.o.Install
	in.PluginDirs, in.Report = o.PluginDirs, o.Report
	return in
}
