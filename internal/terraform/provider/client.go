package provider

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/diag"
	"tutti/internal/terraform/provider/tfplugin6"
)

// client is a provider in a process of its own.
type client struct {
	opts  LaunchOptions
	cache *cache // nil when nothing is kept
	able  *tfplugin6.ClientCapabilities

	// turn is held while the schema is loaded or the process started; a channel,
	// so that waiting for it ends with the context. What it guards follows.
	turn     chan struct{}
	failed   error // why the process will not start, for good
	primed   bool  // the process has been asked for its schema, if it needs that
	schema   atomic.Pointer[Schema]
	process  atomic.Pointer[process]
	ready    atomic.Bool // schema and process are there, and primed
	isClosed atomic.Bool

	verdicts verdicts
}

var _ Provider = (*client)(nil)

func newClient(opts LaunchOptions) *client {
	c := &client{
		opts: opts,
		turn: make(chan struct{}, 1),
		able: &tfplugin6.ClientCapabilities{DeferralAllowed: opts.AllowDeferral, WriteOnlyAttributesAllowed: true},
	}
	// What runs in a debugger changes from one moment to the next.
	if opts.Reattach == nil {
		c.cache = openCache(opts.CacheDir)
	}
	return c
}

// take waits for the turn.
func (c *client) take(ctx context.Context) error {
	select {
	case c.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *client) Schema(ctx context.Context) (*Schema, diag.List) {
	if s := c.schema.Load(); s != nil {
		return s, nil
	}
	if err := c.take(ctx); err != nil {
		return nil, diagnose(c.opts.Name, err)
	}
	defer func() { <-c.turn }()
	return c.loadSchema(ctx)
}

// loadSchema gives the schema from memory, from the cache or from the process.
// The turn is held.
func (c *client) loadSchema(ctx context.Context) (*Schema, diag.List) {
	if s := c.schema.Load(); s != nil {
		return s, nil
	}
	key, kept := c.cachedSchema()
	if kept != nil {
		c.schema.Store(kept)
		return kept, nil
	}
	all, diags := c.fetchSchema(ctx)
	if diags.HasErrors() {
		return nil, diags
	}
	if err := all.check(); err != nil {
		return nil, append(diags, diag.Errorf(nil, "Invalid provider schema", "The schema of provider %s cannot be understood: %s. This is a fault of the provider.", c.opts.Name, err)...)
	}
	if key != "" {
		// A cache that cannot be written costs time, nothing else.
		if kept, err := c.cache.store(key, all); err == nil {
			all = kept
		}
	}
	s, err := all.schema(func() (*pieces, error) { return c.reload(key) })
	if err != nil {
		return nil, append(diags, diagnose(c.opts.Name, err)...)
	}
	c.schema.Store(s)
	return s, diags
}

// cachedSchema gives the schema that is kept for the executable, nil when there
// is none, and the key to keep one under, "" when none can be kept.
func (c *client) cachedSchema() (key string, s *Schema) {
	if c.cache == nil {
		return "", nil
	}
	key, err := c.cache.key(c.opts.Path)
	if err != nil {
		return "", nil
	}
	kept, err := c.cache.load(key)
	if err != nil {
		return key, nil
	}
	s, err = kept.schema(func() (*pieces, error) { return c.reload(key) })
	if err != nil {
		return key, nil
	}
	return key, s
}

// fetchSchema asks the process. The turn is held.
func (c *client) fetchSchema(ctx context.Context) (*pieces, diag.List) {
	p, err := c.startProcess(ctx)
	if err != nil {
		return nil, diagnose(c.opts.Name, err)
	}
	all, err := p.fetch(ctx)
	if err != nil {
		return nil, diagnose(c.opts.Name, err)
	}
	c.primed = true
	said, err := all.diagnostics()
	if err != nil {
		return nil, diagnose(c.opts.Name, err)
	}
	return all, decodeDiagnostics(said)
}

// reload asks the process for schemas again, because the cache turned out to be
// damaged after its index was read. It runs without a context: it replaces a
// read of a local file.
func (c *client) reload(key string) (*pieces, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*c.opts.StartTimeout)
	defer cancel()
	if err := c.take(ctx); err != nil {
		return nil, err
	}
	defer func() { <-c.turn }()
	all, diags := c.fetchSchema(ctx)
	if err := diags.Err(); err != nil {
		return nil, err
	}
	if kept, err := c.cache.store(key, all); err == nil {
		return kept, nil
	}
	return all, nil
}

// startProcess gives the running process, started if need be. The turn is held.
func (c *client) startProcess(ctx context.Context) (*process, error) {
	if p := c.process.Load(); p != nil {
		return p, nil
	}
	if c.isClosed.Load() {
		return nil, errors.New("it was closed before")
	}
	if c.failed != nil {
		return nil, c.failed
	}
	p, err := start(ctx, &c.opts)
	if err != nil {
		// What is wrong with an executable stays wrong; a cancelled start does not.
		if ctx.Err() == nil {
			c.failed = err
		}
		return nil, err
	}
	c.process.Store(p)
	return p, nil
}

// running gives schema and process, both made ready if need be.
func (c *client) running(ctx context.Context) (*Schema, *process, diag.List) {
	if c.ready.Load() {
		return c.schema.Load(), c.process.Load(), nil
	}
	if err := c.take(ctx); err != nil {
		return nil, nil, diagnose(c.opts.Name, err)
	}
	defer func() { <-c.turn }()
	s, diags := c.loadSchema(ctx)
	if diags.HasErrors() {
		return nil, nil, diags
	}
	p, err := c.startProcess(ctx)
	if err != nil {
		return nil, nil, append(diags, diagnose(c.opts.Name, err)...)
	}
	// Some providers build what they need while they answer for their schema.
	if !c.primed && !s.Capabilities.SchemaOptional {
		if _, err := p.invokeRaw(ctx, callSchema); err != nil {
			return nil, nil, append(diags, diagnose(c.opts.Name, err)...)
		}
	}
	c.primed = true
	c.ready.Store(true)
	return s, p, diags
}

// Stop does nothing when no process runs.
func (c *client) Stop(ctx context.Context) error {
	if p := c.process.Load(); p != nil {
		return p.stop(ctx)
	}
	return nil
}

// Close waits for a start that is going on, and can be called again.
func (c *client) Close() error {
	c.isClosed.Store(true)
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	if p := c.process.Load(); p != nil {
		p.close()
	}
	return nil
}

// exchange is one call about one type: it collects what goes wrong on the way.
type exchange struct {
	client   *client
	process  *process
	schema   *Schema
	typeName string
	ty       *Type // nil for calls about no type
	diags    diag.List
	broken   bool // an error is in diags
}

// begin makes provider and schema ready for a call. A kind of 0 is a call about
// no type.
func (c *client) begin(ctx context.Context, kind Kind, typeName string) *exchange {
	x := &exchange{client: c, typeName: typeName}
	var diags diag.List
	x.schema, x.process, diags = c.running(ctx)
	x.add(diags)
	if x.broken || kind == 0 {
		return x
	}
	var err error
	if source, ok := x.schema.Types.(*types); ok {
		x.ty, err = source.lookup(kind, typeName)
	}
	switch {
	case err != nil:
		x.add(diag.Errorf(nil, "Invalid provider schema", "Provider %s gives a schema for %s that cannot be understood: %s. This is a fault of the provider.", c.opts.Name, typeName, err))
	case x.ty == nil:
		x.add(diag.Errorf(nil, "Unknown resource type", "Provider %s has no %s named %q.%s", c.opts.Name, kind, typeName,
			diag.DidYouMean(typeName, x.schema.Types.Names(kind))))
	}
	return x
}

// String names the kind in a sentence.
func (k Kind) String() string {
	switch k {
	case Managed:
		return "resource type"
	case Data:
		return "data source"
	case Ephemeral:
		return "ephemeral resource type"
	default:
		panic(fmt.Sprintf("provider: invalid kind %d", k))
	}
}

func (x *exchange) add(diags diag.List) {
	x.diags = append(x.diags, diags...)
	x.broken = x.broken || diags.HasErrors()
}

// put encodes a value of the given block.
func (x *exchange) put(v cty.Value, b *Block) *tfplugin6.DynamicValue {
	if x.broken {
		return nil
	}
	d, err := b.encode(v)
	if err != nil {
		x.add(diag.Errorf(nil, "Value does not fit the schema", "A value for %s of provider %s is not what its schema wants: %s.", x.subject(), x.client.opts.Name, err))
	}
	return d
}

// putOptional leaves out a value that is not given.
func (x *exchange) putOptional(v cty.Value, b *Block) *tfplugin6.DynamicValue {
	if v == cty.NilVal || b == nil {
		return nil
	}
	return x.put(v, b)
}

func (x *exchange) putIdentity(v cty.Value) *tfplugin6.ResourceIdentityData {
	if d := x.putOptional(v, x.ty.identity()); d != nil {
		return &tfplugin6.ResourceIdentityData{IdentityData: d}
	}
	return nil
}

func (t *Type) identity() *Block {
	if t == nil {
		return nil
	}
	return t.Identity
}

// send makes the call. It reports whether an answer came.
func (x *exchange) send(ctx context.Context, c call, req, resp any) bool {
	if x.broken {
		return false
	}
	if err := x.process.invoke(ctx, c, req, resp); err != nil {
		x.add(diagnose(x.client.opts.Name, err))
		return false
	}
	return true
}

// get decodes a value of the given block; cty.NilVal when it cannot.
func (x *exchange) get(d *tfplugin6.DynamicValue, b *Block) cty.Value {
	return x.getAs(d, b.ImpliedType())
}

func (x *exchange) getAs(d *tfplugin6.DynamicValue, ty cty.Type) cty.Value {
	v, err := decode(d, ty)
	if err != nil {
		x.add(diag.Errorf(nil, "Invalid value from provider", "Provider %s gave a value for %s that is not what its own schema says: %s. This is a fault of the provider: please report it to its authors.",
			x.client.opts.Name, x.subject(), err))
		return cty.NilVal
	}
	return v
}

func (x *exchange) getIdentity(d *tfplugin6.ResourceIdentityData) cty.Value {
	if d.GetIdentityData() == nil || x.ty.identity() == nil {
		return cty.NilVal
	}
	return x.get(d.IdentityData, x.ty.Identity)
}

func (x *exchange) subject() string {
	if x.typeName == "" {
		return "its configuration"
	}
	return x.typeName
}
