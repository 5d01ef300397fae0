package provider

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"time"
)

// LaunchOptions say which provider to run and how. Path or Reattach must be set;
// every other zero value is a sensible default.
type LaunchOptions struct {
	// Path is the provider's executable.
	Path string
	// Name is what messages call the provider, for example
	// "registry.terraform.io/hashicorp/local"; the file's name by default.
	Name string
	// Dir is the folder that the provider runs in; the caller's own by default.
	Dir string
	// Env is added to the environment of this process.
	Env []string
	// CacheDir is where schemas are kept; "" is the user's cache folder,
	// NoCache keeps none.
	CacheDir string
	// StartTimeout bounds the time until the provider can be called (1 minute).
	StartTimeout time.Duration
	// StopGrace bounds how long a cancelled operation may take to end after the
	// provider was asked to stop; then the process is killed (30 seconds).
	StopGrace time.Duration
	// Version is the version of Terraform whose behaviour the provider may
	// expect (DefaultVersion).
	Version string
	// AllowDeferral lets the provider put answers off. Without it a provider
	// must answer or fail.
	AllowDeferral bool
	// Reattach joins a provider that runs already, in a debugger for example.
	Reattach *Reattach
	// Log receives what the provider writes to its standard error, as it is,
	// which may hold secrets. Its writes are not concurrent. With it a provider
	// traces all that it does, which makes it several times slower.
	Log io.Writer
}

const (
	// NoCache as a cache folder keeps no schemas.
	NoCache = "-"
	// DefaultVersion is the version of Terraform that providers are told.
	DefaultVersion = "1.12.0"

	defaultStartTimeout = time.Minute
	defaultStopGrace    = 30 * time.Second
)

// Launch gives a provider that starts its process when it is first needed: a
// schema that is cached, and everything that needs no more, starts nothing. What
// is wrong with the executable is therefore reported by the first method that
// needs it. The context bounds nothing beyond the call. Close must be called.
func Launch(_ context.Context, opts LaunchOptions) (Provider, error) {
	if opts.Path == "" && opts.Reattach == nil {
		return nil, errors.New("launch provider: neither an executable nor a running process is named")
	}
	if opts.Name == "" {
		opts.Name = filepath.Base(opts.Path)
	}
	if opts.StartTimeout <= 0 {
		opts.StartTimeout = defaultStartTimeout
	}
	if opts.StopGrace <= 0 {
		opts.StopGrace = defaultStopGrace
	}
	if opts.Version == "" {
		opts.Version = DefaultVersion
	}
	return newClient(opts), nil
}
