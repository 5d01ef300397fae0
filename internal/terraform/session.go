package terraform

import (
	"context"
	"errors"
	"fmt"
	"sync"

	tfaddr "github.com/hashicorp/terraform-registry-address"
	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/schema"
)

// Launcher makes providers. One that is made need not have started its process.
type Launcher interface {
	Launch(ctx context.Context, source tfaddr.Provider) (provider.Provider, diag.List)
}

// Session holds the provider processes that a plan and the carrying out of it
// share: one for each provider configuration. It is safe for concurrent use.
type Session struct {
	launcher Launcher

	mu         sync.Mutex
	schemas    map[tfaddr.Provider]*schemas
	idle       map[tfaddr.Provider]provider.Provider // not configured yet
	configured map[addr.Instance]*configured
	started    []provider.Provider
}

// NewSession makes a session in which nothing runs.
func NewSession(l Launcher) *Session {
	return &Session{launcher: l, schemas: map[tfaddr.Provider]*schemas{}, idle: map[tfaddr.Provider]provider.Provider{},
		configured: map[addr.Instance]*configured{}}
}

// configured is a provider with the configuration it was given.
type configured struct {
	once   sync.Once
	config cty.Value
	p      provider.Provider
	diags  diag.List
}

// schemas are a provider's schemas, compiled as they are asked for.
type schemas struct {
	source tfaddr.Provider
	once   sync.Once
	raw    *provider.Schema
	diags  diag.List

	mu     sync.Mutex
	types  map[typeKey]*schema.Type
	config *schema.Block
}

type typeKey struct {
	kind provider.Kind
	name string
}

// plain gives some process of the provider, configured or not.
func (s *Session) plain(ctx context.Context, source tfaddr.Provider) (provider.Provider, diag.List) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.idle[source]; p != nil {
		return p, nil
	}
	return s.launch(ctx, source)
}

// launch makes a provider; the lock is held.
func (s *Session) launch(ctx context.Context, source tfaddr.Provider) (provider.Provider, diag.List) {
	p, d := s.launcher.Launch(ctx, source)
	if d.HasErrors() {
		return nil, d
	}
	s.idle[source] = p
	s.started = append(s.started, p)
	return p, d
}

// take gives a process that no configuration was handed to.
func (s *Session) take(ctx context.Context, source tfaddr.Provider) (provider.Provider, diag.List) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.idle[source]
	if p == nil {
		var d diag.List
		if p, d = s.launch(ctx, source); d.HasErrors() {
			return nil, d
		}
	}
	delete(s.idle, source)
	return p, nil
}

// Provider gives the provider with the configuration, starting and configuring it
// the first time.
func (s *Session) Provider(ctx context.Context, at addr.Instance, source tfaddr.Provider, config cty.Value) (provider.Provider, diag.List) {
	bare, _ := config.UnmarkDeep()
	s.mu.Lock()
	c := s.configured[at]
	if c == nil || !c.config.RawEquals(bare) {
		c = &configured{config: bare}
		s.configured[at] = c
	}
	s.mu.Unlock()
	c.once.Do(func() {
		if c.p, c.diags = s.take(ctx, source); c.diags.HasErrors() {
			return
		}
		// What the validation completed is not handed over: providers expect what
		// the user wrote.
		_, d := c.p.ValidateConfig(ctx, bare)
		if c.diags = append(c.diags, d...); d.HasErrors() {
			return
		}
		c.diags = append(c.diags, c.p.Configure(ctx, bare)...)
	})
	return c.p, c.diags
}

// schemasOf gives a provider's schemas.
func (s *Session) schemasOf(ctx context.Context, source tfaddr.Provider) (*schemas, diag.List) {
	s.mu.Lock()
	sc := s.schemas[source]
	if sc == nil {
		sc = &schemas{source: source, types: map[typeKey]*schema.Type{}}
		s.schemas[source] = sc
	}
	s.mu.Unlock()
	sc.once.Do(func() {
		p, d := s.plain(ctx, source)
		if sc.diags = d; !d.HasErrors() {
			sc.raw, sc.diags = p.Schema(ctx)
		}
	})
	return sc, sc.diags
}

// Schema gives what a provider says of itself (tutti providers schema).
func (s *Session) Schema(ctx context.Context, source tfaddr.Provider) (*provider.Schema, diag.List) {
	sc, d := s.schemasOf(ctx, source)
	return sc.raw, d
}

// typeOf gives a resource type's compiled schema; nil when there is none.
func (sc *schemas) typeOf(kind provider.Kind, name string) *schema.Type {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	key := typeKey{kind, name}
	if t, ok := sc.types[key]; ok {
		return t
	}
	var t *schema.Type
	if raw := sc.raw.Types.Type(kind, name); raw != nil {
		t = schema.NewType(raw)
	}
	sc.types[key] = t
	return t
}

// configBlock gives the schema of the provider's own configuration.
func (sc *schemas) configBlock() *schema.Block {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	if sc.config == nil {
		b := sc.raw.Provider
		if b == nil {
			b = &provider.Block{}
		}
		sc.config = schema.New(b)
	}
	return sc.config
}

// Stop asks every provider to end running operations early.
func (s *Session) Stop(ctx context.Context) error {
	s.mu.Lock()
	list := append([]provider.Provider(nil), s.started...)
	s.mu.Unlock()
	var errs []error
	for _, p := range list {
		errs = append(errs, p.Stop(ctx))
	}
	return errors.Join(errs...)
}

// Close ends every process, all at the same time.
func (s *Session) Close(context.Context) error {
	s.mu.Lock()
	list := s.started
	s.started, s.idle, s.configured = nil, map[tfaddr.Provider]provider.Provider{}, map[addr.Instance]*configured{}
	s.mu.Unlock()
	errs := make([]error, len(list))
	var wg sync.WaitGroup
	for i, p := range list {
		wg.Go(func() {
			if err := p.Close(); err != nil {
				errs[i] = fmt.Errorf("ending a provider: %w", err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
