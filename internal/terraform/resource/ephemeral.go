package resource

import (
	"context"
	"sync"
	"time"

	"github.com/zclconf/go-cty/cty"

	"tutti/internal/addr"
	"tutti/internal/diag"
	"tutti/internal/object"
	"tutti/internal/terraform/provider"
	"tutti/internal/terraform/schema"
)

// Ephemeral opens the instances of one ephemeral resource.
type Ephemeral struct{ o Options }

// NewEphemeral makes it. Of the options, those that concern changes mean nothing
// to it.
func NewEphemeral(o Options) *Ephemeral { return &Ephemeral{o} }

// Validate asks the provider whether it likes a configuration.
func (e *Ephemeral) Validate(ctx context.Context, wanted cty.Value) diag.List {
	config, _ := unmark(wanted)
	return e.o.locate(e.o.Provider.ValidateResource(ctx, provider.Ephemeral, e.o.TypeName, config))
}

// Open opens one instance and keeps it alive until close is called, which must
// happen exactly once and may have something to report: also that a renewal
// failed. The value is ephemeral. It is unknown, and close is nil, as long as the
// configuration is not known or the provider puts it off.
//
// Renewals go on when ctx ends: who opened it may still be shutting down.
func (e *Ephemeral) Open(ctx context.Context, at addr.Instance, wanted cty.Value) (v cty.Value, closeIt func(context.Context) diag.List, d diag.List) {
	config, where := unmark(wanted)
	if !config.IsWhollyKnown() {
		return e.o.mark(e.o.Type.Block.ComputedUnknown(config), where).Mark(object.Ephemeral), nil, nil
	}
	resp, d := e.o.Provider.OpenEphemeral(ctx, e.o.TypeName, config)
	d = e.o.locate(d).In(at.String())
	switch {
	case d.HasErrors():
		return cty.DynamicVal, nil, d
	case resp.Deferred != "":
		return cty.UnknownVal(e.o.Type.Block.Type()).Mark(object.Ephemeral), nil, d
	}
	o := &opened{o: &e.o, at: at, private: resp.Private, renewAt: resp.RenewAt}
	bad := e.o.Type.Block.Conforms(resp.Result)
	switch {
	case len(bad) > 0:
	case resp.Result.IsNull():
		bad = problem("the result is null")
	case !resp.Result.IsWhollyKnown():
		bad = problem("the result must be wholly known")
	default:
		bad = schema.Hide(e.o.Type.Block.CheckPlan(e.o.null(), config, resp.Result), where)
	}
	if len(bad) > 0 {
		d = append(d, e.o.blame(at, "Provider produced invalid ephemeral resource", "opened an ephemeral resource wrongly", bad)...)
		return cty.DynamicVal, nil, append(d, o.close(ctx)...).In(at.String())
	}
	o.start(context.WithoutCancel(ctx))
	return e.o.mark(resp.Result, where).Mark(object.Ephemeral), o.close, d
}

// opened is an ephemeral resource between open and close.
type opened struct {
	o  *Options
	at addr.Instance

	stop  context.CancelFunc // nil when nothing is renewed
	ended sync.WaitGroup

	// The renewing goroutine owns these until it has ended.
	private []byte
	renewAt int64 // Unix nanoseconds, 0 for never
	failed  diag.List
}

func (o *opened) start(ctx context.Context) {
	if o.renewAt == 0 {
		return
	}
	ctx, o.stop = context.WithCancel(ctx)
	o.ended.Go(func() { o.renew(ctx) })
}

// renew renews whenever it is due. It gives up at the first failure: whether the
// value was still needed by then is seen by who used it.
func (o *opened) renew(ctx context.Context) {
	for o.renewAt != 0 {
		due := time.NewTimer(time.Until(time.Unix(0, o.renewAt)))
		select {
		case <-ctx.Done():
			due.Stop()
			return
		case <-due.C:
		}
		resp, d := o.o.Provider.RenewEphemeral(ctx, o.o.TypeName, o.private)
		if d.HasErrors() {
			if ctx.Err() == nil {
				o.failed = append(o.failed, d...)
			}
			return
		}
		o.failed = append(o.failed, d...)
		o.private, o.renewAt = resp.Private, resp.RenewAt
	}
}

// close ends the renewals and then the resource itself.
func (o *opened) close(ctx context.Context) diag.List {
	if o.stop != nil {
		o.stop()
		o.ended.Wait()
	}
	d := append(o.failed, o.o.Provider.CloseEphemeral(ctx, o.o.TypeName, o.private)...)
	return d.In(o.at.String())
}
