package resource

import (
	"context"
	"fmt"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/terraform/provider"
)

// Driver drives the instances of one managed resource or data source. It is safe
// for concurrent use.
type Driver struct {
	o    *Options
	kind kind
}

// kind is what a managed resource and a data source do each in their own way.
type kind interface {
	object.Driver
	object.Settler
}

var (
	_ object.Driver    = (*Driver)(nil)
	_ object.Importer  = (*Driver)(nil)
	_ object.Named     = (*Driver)(nil)
	_ object.Mover     = (*Driver)(nil)
	_ object.Settler   = (*Driver)(nil)
	_ object.Restorer  = (*Driver)(nil)
	_ object.Validator = (*Driver)(nil)
)

// New makes the driver of a managed resource or a data source.
func New(o Options) *Driver {
	d := &Driver{o: &o}
	switch o.Kind {
	case provider.Managed:
		d.kind = &managed{d.o}
	case provider.Data:
		d.kind = &data{d.o}
	default:
		panic(fmt.Sprintf("resource: invariant broken: no driver for kind %d", o.Kind))
	}
	return d
}

// Name implements object.Named.
func (d *Driver) Name() string { return d.o.Name }

// Provider gives the provider that is asked.
func (d *Driver) Provider() provider.Provider { return d.o.Provider }

// Validate asks the provider whether it likes a configuration; unknown values may
// be in it. It works before the provider is configured.
func (d *Driver) Validate(ctx context.Context, wanted cty.Value) diag.List {
	out := d.o.checkEphemeral(wanted)
	return append(out, d.o.validate(ctx, wanted)...)
}

// Plan implements object.Driver. A configuration that is not the one that the
// object was made with is validated first: providers may take for granted that what
// they plan is valid.
func (d *Driver) Plan(ctx context.Context, req object.PlanRequest) (object.Change, diag.List) {
	if req.Wanted == cty.NilVal || d.o.settledOn(req) {
		return d.kind.Plan(ctx, req)
	}
	valid := d.o.validate(ctx, req.Wanted).In(req.Addr.String())
	if valid.HasErrors() {
		return object.Change{}, valid
	}
	c, more := d.kind.Plan(ctx, req)
	return c, append(valid, more...)
}

// Apply implements object.Driver. A failed creation that left something behind
// gives it tainted; a failed change or deletion gives what is there.
func (d *Driver) Apply(ctx context.Context, req object.ApplyRequest) (object.Result, diag.List) {
	return d.kind.Apply(ctx, req)
}

// Read implements object.Driver.
func (d *Driver) Read(ctx context.Context, at addr.Instance, known *object.Actual) (*object.Actual, diag.List) {
	return d.kind.Read(ctx, at, known)
}

// Decode implements object.Driver. For a data source it may give nothing: data of
// another shape is forgotten, for it is read again anyway.
func (d *Driver) Decode(ctx context.Context, s *object.State) (*object.Actual, diag.List) {
	return d.kind.Decode(ctx, s)
}

// Encode implements object.Driver.
func (d *Driver) Encode(a *object.Actual) (*object.State, error) { return d.kind.Encode(a) }

// Settle implements object.Settler.
func (d *Driver) Settle(ctx context.Context, req object.ApplyRequest) (object.Result, bool, error) {
	return d.kind.Settle(ctx, req)
}

// Import implements object.Importer. What it gives is often not more than an ID:
// the caller reads the object next.
func (d *Driver) Import(ctx context.Context, at addr.Instance, id object.ImportID) (*object.Actual, diag.List) {
	if m, ok := d.kind.(*managed); ok {
		return m.importObject(ctx, at, id)
	}
	return nil, notManaged(at)
}

// Move implements object.Mover.
func (d *Driver) Move(ctx context.Context, from *object.State) (*object.Actual, diag.List) {
	if m, ok := d.kind.(*managed); ok {
		return m.move(ctx, from)
	}
	return nil, notManaged(from.Addr)
}

func notManaged(at addr.Instance) diag.List {
	return diag.Errorf(nil, "Not a managed resource", "%s is a data source: it can be read, but not be imported or moved.", at).In(at.String())
}

// managed is the kind of managed resources.
type managed struct{ o *Options }

var _ kind = (*managed)(nil)

// Restore implements object.Restorer: what the provider alone decides is left to it
// again.
func (d *Driver) Restore(a *object.Actual) cty.Value {
	return d.o.Schema.Block.ComputedNull(a.Value)
}
